//! Which points are better than which: domination, the fronts behind the front, the front itself.
//!
//! Point `a` dominates `b` if it is no worse in any objective and better in at least one. Equal points do not dominate
//! each other and share a front. Fronts are found by efficient non-dominated sort with binary search (Zhang, Tian,
//! Cheng and Jin 2015, IEEE Trans. Evol. Comput. 19(2)): visit the points in lexicographic order, so that only points
//! visited before can dominate, and put each into the first front that holds no dominator. Dominators sit in a prefix
//! of the fronts, because whatever a front holds is dominated by something in the front before.

use crate::Points;

/// True if `a` is no worse than `b` in any objective and better in one. Coordinates beyond the shorter are not read.
pub fn dominates(a: &[f64], b: &[f64]) -> bool {
    let mut better = false;
    for (a, b) in a.iter().zip(b) {
        if a > b {
            return false;
        }
        better |= a < b;
    }
    better
}

/// Indices of the points by front: first those that nothing dominates, then those that only the first dominates, …
///
/// Every index occurs once, ascending within its front; no front is empty. Costs about `n log n` comparisons for two
/// objectives and at most `n²` for more.
pub fn non_dominated_sort(points: &Points) -> Vec<Vec<usize>> {
    let mut fronts: Vec<Vec<usize>> = Vec::new();
    for index in lexicographic(points) {
        let rank = fronts.partition_point(|front| holds_dominator(points, front, index));
        match fronts.get_mut(rank) {
            Some(front) => front.push(index),
            None => fronts.push(vec![index]),
        }
    }
    for front in &mut fronts {
        front.sort_unstable();
    }
    fronts
}

/// Indices of the points that no other point dominates, ascending. Equal points are all kept.
pub fn non_dominated(points: &Points) -> Vec<usize> {
    let mut front = Vec::new();
    for index in lexicographic(points) {
        if !holds_dominator(points, &front, index) {
            front.push(index);
        }
    }
    front.sort_unstable();
    front
}

fn lexicographic(points: &Points) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&a, &b| {
        let unequal = points[a].iter().zip(&points[b]).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne());
        unequal.unwrap_or(a.cmp(&b))
    });
    order
}

/// True if a member of `front`, filled in lexicographic order, dominates the point that comes next in that order.
fn holds_dominator(points: &Points, front: &[usize], next: usize) -> bool {
    // In two dimensions the last member has the smallest second coordinate: what any member dominates, it does.
    let rivals = if points.dimension() == 2 { &front[front.len().saturating_sub(1)..] } else { front };
    rivals.iter().rev().any(|&rival| dominates(&points[rival], &points[next]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By the definition: peel off what nothing left dominates.
    fn naive(points: &Points) -> Vec<Vec<usize>> {
        let mut left: Vec<usize> = (0..points.len()).collect();
        let mut fronts = Vec::new();
        while !left.is_empty() {
            let beaten = |&b: &usize| left.iter().any(|&a| dominates(&points[a], &points[b]));
            let (rest, front): (Vec<usize>, Vec<usize>) = left.iter().copied().partition(beaten);
            fronts.push(front);
            left = rest;
        }
        fronts
    }

    /// Few values, so that ties, equal points and both zeros are common.
    fn cloud() -> impl Strategy<Value = Points> {
        (1usize..=4).prop_flat_map(|dimension| {
            let coordinate = prop_oneof![(0u8..6).prop_map(f64::from), Just(-0.0), Just(-1.5)];
            prop::collection::vec(prop::collection::vec(coordinate, dimension), 0..40)
                .prop_map(move |rows| Points::from_rows(dimension, rows).unwrap())
        })
    }

    proptest! {
        #[test]
        fn fronts_are_those_of_the_definition(points in cloud()) {
            let fronts = non_dominated_sort(&points);
            prop_assert_eq!(&fronts, &naive(&points));
            prop_assert_eq!(non_dominated(&points), fronts.into_iter().next().unwrap_or_default());
        }
    }

    #[test]
    fn domination_needs_one_better_and_none_worse() {
        assert!(dominates(&[1.0, 2.0], &[1.0, 3.0]));
        assert!(!dominates(&[1.0, 2.0], &[1.0, 2.0]));
        assert!(!dominates(&[1.0, 2.0], &[0.5, 9.0]));
    }
}
