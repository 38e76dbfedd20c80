//! What each point of a front adds to its hypervolume, and which points stay when the front must shrink by that measure.
//!
//! As in SMS-EMOA the point that adds the least goes, and the rest is measured anew. Each objective runs from 0 to 1 over the
//! front, and the reference lies far beyond, so that the ends of a front always add more than what lies between.
//!
//! Source: Beume, Naujoks and Emmerich 2007, European Journal of Operational Research 181(3), pp. 1653–1669.

use crate::{Points, crowding::most_crowded, hypervolume::dominated};

/// The reference in every objective of a front that runs from 0 to 1.
const BEYOND: f64 = 2.0;

/// For each point of one front the volume that it alone dominates, where each objective runs from 0 to 1 over the front and the
/// reference is 2 in all. 0 for points that are there twice, or that others dominate; `front`: two objectives at least.
pub fn hypervolume_contribution(front: &Points) -> Vec<f64> {
    let scaled = front.scaled(&front.ranges());
    let everyone: Vec<usize> = (0..front.len()).collect();
    everyone.iter().map(|&point| contribution(&scaled, point, &everyone)).collect()
}

/// Indices of the `keep` points that stay, ascending. Of points that add as little the one with the larger index goes.
pub(crate) fn prune(front: &Points, keep: usize) -> Vec<usize> {
    let scaled = front.scaled(&front.ranges());
    let mut alive: Vec<usize> = (0..front.len()).collect();
    while alive.len() > keep {
        let contributions: Vec<f64> = alive.iter().map(|&point| contribution(&scaled, point, &alive)).collect();
        alive.remove(most_crowded(contributions.into_iter()));
    }
    alive
}

/// The volume of the box of `point` beyond those of the others `alive`, each moved into it.
fn contribution(scaled: &Points, point: usize, alive: &[usize]) -> f64 {
    let own = &scaled[point];
    let others = alive.iter().filter(|&&other| other != point);
    let moved = others.flat_map(|&other| own.iter().zip(&scaled[other]).map(|(own, other)| own.max(*other)));
    let moved = Points::recorded(moved.collect::<Vec<f64>>().chunks_exact(own.len()));
    own.iter().map(|value| BEYOND - value).product::<f64>() - dominated(&moved, &vec![BEYOND; own.len()])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hypervolume;

    fn volume(front: &Points) -> f64 {
        hypervolume(front, &vec![BEYOND; front.dimension()]).unwrap()
    }

    fn without(front: &Points, out: usize) -> Points {
        front.subset(&(0..front.len()).filter(|&point| point != out).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn a_contribution_is_what_the_front_loses_with_the_point(
            rows in (2usize..=4).prop_flat_map(|dimension| {
                prop::collection::vec(prop::collection::vec((0u8..9).prop_map(f64::from), dimension), 1..12)
            })
        ) {
            let front = Points::from_rows(rows[0].len(), &rows).unwrap();
            let (scaled, contributions) = (front.scaled(&front.ranges()), hypervolume_contribution(&front));
            for (point, contribution) in contributions.into_iter().enumerate() {
                let lost = volume(&scaled) - volume(&without(&scaled, point));
                // Some hundred sums of volumes up to 16, each rounded to 2⁻⁵³ of it.
                prop_assert!((contribution - lost).abs() < 1e-12, "{contribution} and {lost}");
            }
        }
    }

    #[test]
    fn the_ends_of_a_front_stay_and_a_cluster_is_thinned() {
        let rows = [[0.0, 9.0], [4.0, 5.0], [4.2, 4.8], [4.4, 4.6], [8.0, 1.0], [9.0, 0.0]];
        let front = Points::from_rows(2, rows).unwrap();
        // In ninths: (4.4 − 4.2)(5 − 4.8) is the least; then of 4.0 and 4.4 the second, (8 − 4.4)(5 − 4.6) below (4.4 − 4)(9 − 5).
        assert_eq!(prune(&front, 5), [0, 1, 3, 4, 5]);
        assert_eq!(prune(&front, 4), [0, 1, 4, 5]);
        assert_eq!(prune(&front, 9), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn of_equal_points_one_stays() {
        let front = Points::from_rows(3, [[1.0, 2.0, 3.0]; 3]).unwrap();
        assert_eq!(hypervolume_contribution(&front), [0.0; 3]);
        assert_eq!(prune(&front, 1), [0]);
    }
}
