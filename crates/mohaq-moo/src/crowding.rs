//! How lonely each point of a front is, and which points stay when a front must shrink.
//!
//! Two measures. For one and two objectives the crowding distance of NSGA-II; beyond, where neighbours in one objective
//! may be far apart in another, the product of the distances to as many nearest neighbours as there are objectives. A
//! front shrinks point by point, the most crowded first and the rest measured anew: removing all at once, as the first
//! NSGA-II did, takes whole clusters away.
//!
//! Sources: Deb, Pratap, Agarwal and Meyarivan 2002, IEEE Trans. Evol. Comput. 6(2), §III-B (crowding distance);
//! Kukkonen and Deb 2006, IEEE CEC pp. 1179–1186 (one by one), and PPSN IX pp. 553–562 (nearest neighbours).

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

/// For each point of one front, the product of the squared distances to its nearest neighbours, as many as there are
/// objectives, where each objective is divided by its range.
///
/// Infinite for the first point with the least and the first with the largest value in an objective. Where there are no
/// more points than objectives, all are infinite.
pub fn neighbour_distance(front: &Points) -> Vec<f64> {
    if front.len() <= front.dimension() {
        return vec![f64::INFINITY; front.len()];
    }
    let neighbourhood = Neighbourhood::new(front);
    let everyone: Vec<usize> = (0..front.len()).collect();
    everyone.iter().map(|&point| neighbourhood.measure(point, &everyone).product).collect()
}

/// The measure for the dimension of `front`: larger is lonelier.
pub(crate) fn loneliness(front: &Points) -> Vec<f64> {
    if front.dimension() <= 2 { crowding_distance(front) } else { neighbour_distance(front) }
}

/// Indices of the `keep` points that stay, ascending. Of equally crowded points the one with the larger index goes.
pub(crate) fn prune(front: &Points, keep: usize) -> Vec<usize> {
    match front.dimension() {
        _ if front.len() <= keep => (0..front.len()).collect(),
        1 | 2 => prune_by_gaps(front, keep),
        _ => prune_by_neighbours(front, keep),
    }
}

fn prune_by_gaps(front: &Points, keep: usize) -> Vec<usize> {
    let mut alive: Vec<usize> = (0..front.len()).collect();
    while alive.len() > keep {
        let distances = crowding_distance(&front.subset(&alive));
        alive.remove(most_crowded(distances.iter().copied()));
    }
    alive
}

/// Measures again only those that lose a neighbour. Ranges and extremes stay those of the whole front.
fn prune_by_neighbours(front: &Points, keep: usize) -> Vec<usize> {
    let neighbourhood = Neighbourhood::new(front);
    let mut alive: Vec<usize> = (0..front.len()).collect();
    let mut measures: Vec<Measure> = alive.iter().map(|&point| neighbourhood.measure(point, &alive)).collect();
    while alive.len() > keep {
        let place = most_crowded(measures.iter().map(|measure| measure.product));
        let gone = alive.remove(place);
        measures.remove(place);
        for (&point, measure) in alive.iter().zip(&mut measures) {
            if neighbourhood.squared(point, gone) <= measure.reach {
                *measure = neighbourhood.measure(point, &alive);
            }
        }
    }
    alive
}

/// Place of the smallest value, the last of equals.
pub(crate) fn most_crowded(values: impl DoubleEndedIterator<Item = f64> + ExactSizeIterator) -> usize {
    let smallest = values.enumerate().rev().min_by(|a, b| a.1.total_cmp(&b.1));
    smallest.map_or(0, |(place, _)| place)
}

/// Who is near whom in one front.
struct Neighbourhood {
    /// Each objective from 0 to 1 over the front.
    scaled: Points,
    extreme: Vec<bool>,
}

struct Measure {
    /// Of the squared distances to the nearest neighbours; infinite for an extreme point.
    product: f64,
    /// The largest of these distances, squared.
    reach: f64,
}

impl Neighbourhood {
    fn new(front: &Points) -> Self {
        let ranges = front.ranges();
        let mut extreme = vec![false; front.len()];
        for (axis, &(least, largest)) in ranges.iter().enumerate() {
            for end in [least, largest] {
                if let Some(first) = front.iter().position(|point| point[axis] == end) {
                    extreme[first] = true;
                }
            }
        }
        Self { scaled: front.scaled(&ranges), extreme }
    }

    fn squared(&self, a: usize, b: usize) -> f64 {
        self.scaled[a].iter().zip(&self.scaled[b]).map(|(a, b)| (a - b) * (a - b)).sum()
    }

    /// Measures `point` among those `alive`.
    fn measure(&self, point: usize, alive: &[usize]) -> Measure {
        let wanted = self.scaled.dimension().min(alive.len() - 1);
        let mut nearest: Vec<f64> = Vec::with_capacity(wanted + 1);
        for &other in alive {
            let square = self.squared(point, other);
            if other != point && (nearest.len() < wanted || nearest.last().is_some_and(|&last| square < last)) {
                nearest.insert(nearest.partition_point(|&nearer| nearer <= square), square);
                nearest.truncate(wanted);
            }
        }
        let product = if self.extreme[point] { f64::INFINITY } else { nearest.iter().product() };
        Measure { product, reach: nearest.last().copied().unwrap_or(0.0) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By the definition: measures everybody again after each removal, with the ranges of the whole front.
    fn naive_prune(front: &Points, keep: usize) -> Vec<usize> {
        let neighbourhood = Neighbourhood::new(front);
        let mut alive: Vec<usize> = (0..front.len()).collect();
        while alive.len() > keep {
            let products: Vec<f64> = alive.iter().map(|&point| neighbourhood.measure(point, &alive).product).collect();
            let least = products.iter().copied().fold(f64::INFINITY, f64::min);
            alive.remove(products.iter().rposition(|&product| product == least).unwrap());
        }
        alive
    }

    proptest! {
        #[test]
        fn measuring_only_who_lost_a_neighbour_changes_nothing(
            rows in prop::collection::vec(prop::array::uniform3(0u8..9), 1..30), keep in 1usize..30
        ) {
            let points = Points::from_rows(3, rows.iter().map(|row| row.map(f64::from))).unwrap();
            prop_assert_eq!(prune(&points, keep), naive_prune(&points, keep));
        }
    }

    #[test]
    fn a_cluster_is_thinned_instead_of_removed() {
        // All of 1, 2, 3 are more crowded than 4, but one of them must stay when two points go.
        let rows = [[0.0, 9.0], [4.0, 5.0], [4.2, 4.8], [4.4, 4.6], [8.0, 1.0], [9.0, 0.0]];
        let kept = prune(&Points::from_rows(2, rows).unwrap(), 4);
        assert_eq!(kept.iter().filter(|&&point| (1..=3).contains(&point)).count(), 1, "{kept:?}");
    }

    #[test]
    fn neighbours_are_as_many_as_objectives() {
        // Ranges 1; the point in the middle is at squared distances 0.75 from all corners.
        let mut rows: Vec<[f64; 3]> =
            (0..8).map(|corner| [0, 1, 2].map(|axis| f64::from(corner >> axis & 1))).collect();
        rows.push([0.5; 3]);
        let measured = neighbour_distance(&Points::from_rows(3, rows).unwrap());
        assert_eq!(measured[8], 0.75 * 0.75 * 0.75);
        // The first least in every objective, and the first largest in each.
        assert!([0, 1, 2, 4].iter().all(|&corner| measured[corner] == f64::INFINITY));
        // The others have three neighbours in the middle (0.75) or along edges (1): 0.75 · 1 · 1.
        assert!([3, 5, 6, 7].iter().all(|&corner| measured[corner] == 0.75));
    }

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
