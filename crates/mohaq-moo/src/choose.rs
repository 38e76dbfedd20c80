//! Which point of a front to take: pure functions of a front and of what somebody would give for what.
//!
//! A front is scaled first, each objective from its least value on it to its largest, so that no unit counts for more
//! than another. The **knee** is the point where that picture bends the most: the one furthest below the plane through the
//! corners (1, 0, …), (0, 1, …), …, which for two objectives is the chord from one end of the front to the other (Das 1999,
//! "On characterizing the knee of the Pareto curve"). A **preference** takes the point whose worst miss is least, where a
//! miss is what separates an objective from a goal, times a weight (Wierzbicki 1980, the achievement function): unlike a
//! weighted sum it can reach every point of a front, also where the front bends inwards.

use crate::{Error, Points};

/// The share of the sum of all misses that is added to the largest, so that of points with the same worst miss one that
/// none of the others dominates is taken. Small enough to decide nothing else.
const TIE: f64 = 1e-6;

/// What is wanted of a point.
#[derive(Clone, Debug, PartialEq)]
pub enum Preference {
    /// The knee.
    Knee,
    /// Little of everything, with a weight an objective: twice the weight, half the miss. Not negative, not all 0.
    Weights(Vec<f64>),
    /// As near to these values as can be, one an objective, and better than them where that is possible.
    Reference(Vec<f64>),
}

/// The index of the point of `front` that `preference` takes; `None` of an empty front. Of equals the first.
///
/// # Errors
/// [`Error::Dimension`] for another number of weights or values than objectives, [`Error::Coordinate`] for one that is not
/// finite, [`Error::Setting`] for a negative weight, or for weights that are all 0.
pub fn choose(front: &Points, preference: &Preference) -> Result<Option<usize>, Error> {
    let ranges = front.ranges();
    let scaled = front.scaled(&ranges);
    let ones = vec![1.0; front.dimension()];
    let zeros = vec![0.0; front.dimension()];
    let (weights, goal) = match preference {
        Preference::Knee => return Ok(least(&scaled, |point| point.iter().sum())),
        Preference::Weights(weights) => {
            check_weights(weights, front.dimension())?;
            (weights, zeros)
        }
        Preference::Reference(values) => {
            let wanted = Points::from_rows(front.dimension(), [values])?;
            (&ones, wanted.scaled(&ranges)[0].to_vec())
        }
    };
    let miss = |point: &[f64]| {
        let misses = || point.iter().zip(&goal).zip(weights).map(|((value, goal), weight)| weight * (value - goal));
        misses().fold(f64::NEG_INFINITY, f64::max) + TIE * misses().sum::<f64>()
    };
    Ok(least(&scaled, miss))
}

fn check_weights(weights: &[f64], dimension: usize) -> Result<(), Error> {
    Points::from_rows(dimension, [weights])?;
    let expected = "weights of at least 0, one of them above";
    match weights.iter().find(|&&weight| weight < 0.0) {
        Some(&got) => Err(Error::Setting { name: "weights", expected, got }),
        None if weights.iter().all(|&weight| weight == 0.0) => {
            Err(Error::Setting { name: "weights", expected, got: 0.0 })
        }
        None => Ok(()),
    }
}

fn least(points: &Points, measure: impl Fn(&[f64]) -> f64) -> Option<usize> {
    points.iter().map(measure).enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points<const N: usize>(rows: &[[f64; N]]) -> Points {
        Points::from_rows(N, rows).unwrap()
    }

    #[test]
    fn the_knee_is_furthest_from_the_chord_in_any_units() {
        // From (0, 10) to (10, 0): (2, 3) lies 5 below the chord x + y = 10, (1, 5) and (5, 2) less.
        let rows = [[0.0, 10.0], [1.0, 5.0], [2.0, 3.0], [5.0, 2.0], [10.0, 0.0]];
        assert_eq!(choose(&points(&rows), &Preference::Knee), Ok(Some(2)));
        let other = rows.map(|[x, y]| [1e6 * x - 7.0, 0.01 * y + 3.0]);
        assert_eq!(choose(&points(&other), &Preference::Knee), Ok(Some(2)));
    }

    #[test]
    fn a_weight_moves_the_choice_towards_its_objective() {
        let rows = [[0.0, 10.0], [1.0, 5.0], [2.0, 3.0], [5.0, 2.0], [10.0, 0.0]];
        let with = |weights: [f64; 2]| choose(&points(&rows), &Preference::Weights(weights.to_vec())).unwrap().unwrap();
        assert_eq!(
            [with([1.0, 0.0]), with([4.0, 1.0]), with([1.0, 1.0]), with([1.0, 3.0]), with([0.0, 1.0])],
            [0, 1, 2, 3, 4]
        );
    }

    #[test]
    fn weights_reach_a_point_where_the_front_bends_inwards() {
        // (6, 6) is above the chord: no weighted sum takes it.
        let rows = [[0.0, 10.0], [6.0, 6.0], [10.0, 0.0]];
        assert_eq!(choose(&points(&rows), &Preference::Weights(vec![1.0, 1.0])), Ok(Some(1)));
    }

    #[test]
    fn the_nearest_to_a_reference_is_taken_whether_it_can_be_met_or_not() {
        let rows = [[0.0, 10.0], [1.0, 5.0], [2.0, 3.0], [5.0, 2.0], [10.0, 0.0]];
        let near = |values: [f64; 2]| choose(&points(&rows), &Preference::Reference(values.to_vec())).unwrap().unwrap();
        assert_eq!([near([5.0, 1.0]), near([9.0, 4.0]), near([0.5, 5.0]), near([100.0, 0.0])], [3, 3, 1, 4]);
    }

    #[test]
    fn what_does_not_fit_the_front_is_refused() {
        let front = points(&[[0.0, 1.0]]);
        let refused = |preference| choose(&front, &preference).unwrap_err();
        assert!(matches!(refused(Preference::Weights(vec![1.0])), Error::Dimension { expected: 2, got: 1, .. }));
        assert!(matches!(refused(Preference::Weights(vec![1.0, -1.0])), Error::Setting { name: "weights", .. }));
        assert!(matches!(refused(Preference::Weights(vec![0.0, 0.0])), Error::Setting { name: "weights", .. }));
        assert!(matches!(refused(Preference::Reference(vec![0.0, f64::NAN])), Error::Coordinate { axis: 1, .. }));
        assert_eq!(choose(&Points::new(2).unwrap(), &Preference::Knee), Ok(None));
    }

    proptest! {
        #[test]
        fn no_other_point_beats_the_chosen_one_in_everything(
            rows in prop::collection::vec(prop::array::uniform3(0u8..9), 1..20), weights in prop::array::uniform3(1u8..5)
        ) {
            let points = points(&rows.iter().map(|row| row.map(f64::from)).collect::<Vec<_>>());
            let weights = Preference::Weights(weights.map(f64::from).to_vec());
            for preference in [Preference::Knee, weights, Preference::Reference(vec![4.0; 3])] {
                let chosen = choose(&points, &preference).unwrap().unwrap();
                prop_assert!(!points.iter().any(|other| crate::dominates(other, &points[chosen])));
            }
        }
    }
}
