//! How well one order agrees with another.

/// Spearman's ρ of two lists: 1 where both have one order, −1 where one is the other's turned round, 0 where either does not
/// vary. Equal values share the middle of their ranks. What one list has more than the other is not looked at.
pub fn rank_correlation(a: &[f64], b: &[f64]) -> f64 {
    let shared = a.len().min(b.len());
    correlation(&ranks(&a[..shared]), &ranks(&b[..shared]))
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let below = order.partition_point(|&other| values[other] < values[equal[0]]);
        equal.iter().for_each(|&place| ranks[place] = below as f64 + 0.5 * (equal.len() - 1) as f64);
    }
    ranks
}

/// Pearson's correlation; 0 where either does not vary.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (a_mean, b_mean) = (mean(a), mean(b));
    let sum = |of: fn(f64, f64) -> f64| -> f64 { a.iter().zip(b).map(|(a, b)| of(a - a_mean, b - b_mean)).sum() };
    let (both, of_a, of_b) = (sum(|a, b| a * b), sum(|a, _| a * a), sum(|_, b| b * b));
    if of_a > 0.0 && of_b > 0.0 { both / (of_a * of_b).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_alone_counts() {
        assert_eq!(rank_correlation(&[1.0, 2.0, 3.0], &[10.0, 11.0, 500.0]), 1.0);
        assert_eq!(rank_correlation(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), -1.0);
        // Ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3: 4.5 / √(4.5 · 5), in doubles.
        let tied = rank_correlation(&[1.0, 2.0, 2.0, 4.0], &[1.0, 2.0, 3.0, 4.0]);
        assert!((tied - 0.9_f64.sqrt()).abs() < 1e-15, "{tied}");
    }

    #[test]
    fn what_does_not_vary_says_nothing() {
        assert_eq!(rank_correlation(&[1.0, 1.0], &[1.0, 2.0]), 0.0);
        assert_eq!(rank_correlation(&[], &[1.0]), 0.0);
    }
}
