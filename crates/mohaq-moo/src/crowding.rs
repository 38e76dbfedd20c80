//! How lonely each point of a front is: the crowding distance of NSGA-II.
//!
//! Source: Deb, Pratap, Agarwal and Meyarivan 2002, IEEE Trans. Evol. Comput. 6(2), §III-B.

use crate::Points;

/// For each point of one front, the sum over objectives of the gap between its two neighbours, as a part of the range.
///
/// Infinite for the first and the last point in an objective; an objective in which all points are equal counts for
/// nothing, so that none of them is preferred by accident. Of equal values the one with the smaller index comes first:
/// give the points in an order that does not depend on chance. Up to two points are all infinite.
pub fn crowding_distance(front: &Points) -> Vec<f64> {
    let count = front.len();
    if count <= 2 {
        return vec![f64::INFINITY; count];
    }
    let mut distances = vec![0.0; count];
    let mut order: Vec<usize> = (0..count).collect();
    for axis in 0..front.dimension() {
        order.sort_unstable_by(|&a, &b| front[a][axis].total_cmp(&front[b][axis]).then(a.cmp(&b)));
        let (first, last) = (order[0], order[count - 1]);
        let range = front[last][axis] - front[first][axis];
        if range == 0.0 {
            continue;
        }
        distances[first] = f64::INFINITY;
        distances[last] = f64::INFINITY;
        for three in order.windows(3) {
            distances[three[1]] += (front[three[2]][axis] - front[three[0]][axis]) / range;
        }
    }
    distances
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distances<const N: usize>(rows: &[[f64; N]]) -> Vec<f64> {
        crowding_distance(&Points::from_rows(N, rows).unwrap())
    }

    #[test]
    fn neighbours_are_measured_in_parts_of_the_range() {
        // Ranges 8 and 4. Middle points: (4 − 0)/8 + (4 − 1)/4 and (8 − 1)/8 + (3 − 0)/4.
        let rows = [[0.0, 4.0], [4.0, 1.0], [1.0, 3.0], [8.0, 0.0]];
        assert_eq!(distances(&rows), [f64::INFINITY, 1.625, 1.25, f64::INFINITY]);
    }

    #[test]
    fn two_points_are_never_crowded() {
        assert_eq!(distances(&[[1.0, 1.0], [1.0, 1.0]]), [f64::INFINITY; 2]);
        assert!(distances::<2>(&[]).is_empty());
    }

    #[test]
    fn an_objective_without_range_counts_for_nothing() {
        assert_eq!(distances(&[[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]]), [f64::INFINITY, 1.0, f64::INFINITY]);
        assert_eq!(distances(&[[1.0, 5.0]; 4]), [0.0; 4]);
    }
}
