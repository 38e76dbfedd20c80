//! What a candidate is expected to add to the hypervolume, where all but one of its objectives are known.
//!
//! Let the unknown objective be normal with mean μ and deviation s. The volume that the candidate adds at a value `e` of it is
//! the integral, from `e` to the reference, of the section L(t): what its known objectives dominate beyond those of the front's
//! points that are no worse than `t`. So the expected volume is ∫ L(t)·Φ((t − μ)/s) dt, and as L is constant between two points
//! of the front, with Ψ(t) = s·(z·Φ(z) + φ(z)) at z = (t − μ)/s, a sum of L·(Ψ(next) − Ψ(this)). It is exact for any number of
//! objectives that the hypervolume is exact for.
//!
//! Source: the expected improvement of Mockus 1978, for volumes as in Emmerich, Deutz and Klinkenberg 2011, with one uncertain
//! coordinate, which makes it a sum.

use crate::hypervolume::Covered;

/// The front that a candidate is to add to: in a box where every objective is 0 at best and 1 at the reference.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    /// Known objectives of the front and its unknown one, the latter ascending.
    points: Vec<(Vec<f64>, f64)>,
}

/// What is expected of a candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Expected {
    pub(super) mean: f64,
    /// Above 0.
    pub(super) deviation: f64,
}

impl Reached {
    /// A front of nothing.
    pub(super) fn new() -> Self {
        Self { points: Vec::new() }
    }

    /// Adds a point: its known objectives, and its unknown one.
    pub(super) fn add(&mut self, known: Vec<f64>, unknown: f64) {
        let dominates = |(other, value): &(Vec<f64>, f64)| *value <= unknown && none_worse(other, &known);
        if unknown >= 1.0 || known.iter().any(|&value| value >= 1.0) || self.points.iter().any(dominates) {
            return;
        }
        self.points.retain(|(other, value)| *value < unknown || !none_worse(&known, other));
        let place = self.points.partition_point(|(_, value)| *value < unknown);
        self.points.insert(place, (known, unknown));
    }

    /// True where a candidate with the objectives `known` adds nothing whatever its unknown one is, which is never below
    /// `least`.
    pub(super) fn is_pointless(&self, known: &[f64], least: f64) -> bool {
        let beyond = known.iter().any(|&value| value >= 1.0);
        beyond || self.points.iter().take_while(|(_, value)| *value <= least).any(|(other, _)| none_worse(other, known))
    }

    /// Volume that a candidate adds whose unknown objective has become known.
    pub(super) fn gain(&self, known: &[f64], unknown: f64) -> f64 {
        // So near to certain that it makes no difference.
        self.expected_gain(known, Expected { mean: unknown, deviation: 1e-12 })
    }

    /// Expected volume that a candidate adds.
    pub(super) fn expected_gain(&self, known: &[f64], expected: Expected) -> f64 {
        if known.iter().any(|&value| value >= 1.0) {
            return 0.0;
        }
        let mut section = Section::new(known);
        let (mut gain, mut integral) = (0.0, 0.0);
        for (other, value) in &self.points {
            let until = integrated(expected, *value);
            gain += section.open * (until - integral);
            integral = until;
            section.cover(known, other);
            if section.open <= 0.0 {
                return gain;
            }
        }
        gain + section.open * (integrated(expected, 1.0) - integral)
    }
}

/// What the known objectives of a candidate dominate, less what others cover of it.
struct Section {
    open: f64,
    covered: Option<Covered>,
}

impl Section {
    fn new(known: &[f64]) -> Self {
        let covered = (known.len() > 1).then(|| Covered::new(&vec![1.0; known.len()]));
        Self { open: known.iter().map(|value| 1.0 - value).product(), covered }
    }

    fn cover(&mut self, known: &[f64], other: &[f64]) {
        match &mut self.covered {
            Some(covered) => {
                let moved: Vec<f64> = known.iter().zip(other).map(|(known, other)| known.max(*other)).collect();
                self.open -= covered.add(&moved);
            }
            None => self.open = self.open.min(other[0] - known[0]),
        }
    }
}

fn none_worse(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| a <= b)
}

/// Ψ: the integral up to `to` of the probability that the unknown objective lies below.
fn integrated(Expected { mean, deviation }: Expected, to: f64) -> f64 {
    let z = (to - mean) / deviation;
    // Beyond eight deviations both tails are below the rounding of what they are added to.
    if z < -8.0 {
        return 0.0;
    }
    if z > 8.0 {
        return to - mean;
    }
    let below = 0.5 * libm::erfc(-z * core::f64::consts::FRAC_1_SQRT_2);
    let density = libm::exp(-0.5 * z * z) / (2.0 * core::f64::consts::PI).sqrt();
    deviation * (z * below + density)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Hypervolume;

    fn rows(known: usize) -> impl Strategy<Value = Vec<(Vec<f64>, f64)>> {
        prop::collection::vec((prop::collection::vec(0.0f64..1.1, known), 0.0f64..1.1), 0..12)
    }

    /// By the definition: the mean of the volume gained over many equally likely values of the unknown objective.
    fn sampled(front: &[(Vec<f64>, f64)], known: &[f64], expected: Expected) -> f64 {
        const SAMPLES: usize = 4000;
        let point = |known: &[f64], unknown: f64| known.iter().copied().chain([unknown]).collect::<Vec<f64>>();
        let mut volume = Hypervolume::new(&vec![1.0; known.len() + 1]).unwrap();
        for (known, unknown) in front {
            volume.add(&point(known, *unknown)).unwrap();
        }
        let draw = |index: usize| {
            let part = (index as f64 + 0.5) / SAMPLES as f64;
            volume.clone().add(&point(known, expected.mean + expected.deviation * quantile(part))).unwrap()
        };
        (0..SAMPLES).map(draw).sum::<f64>() / SAMPLES as f64
    }

    /// Of the standard normal distribution, by bisection.
    fn quantile(part: f64) -> f64 {
        let (mut low, mut high) = (-9.0f64, 9.0f64);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if 0.5 * libm::erfc(-middle * core::f64::consts::FRAC_1_SQRT_2) < part {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_expected_gain_is_the_mean_of_gains(
            (front, known) in (1usize..=3).prop_flat_map(|known| (rows(known), prop::collection::vec(0.0f64..1.0, known))),
            mean in 0.0f64..1.2, deviation in 0.01f64..0.5
        ) {
            let mut reached = Reached::new();
            front.iter().for_each(|(known, unknown)| reached.add(known.clone(), *unknown));
            let expected = Expected { mean, deviation };
            // The tails of 4000 strata miss less than a thousandth of a deviation.
            let difference = reached.expected_gain(&known, expected) - sampled(&front, &known, expected);
            prop_assert!(difference.abs() < 1e-3 * deviation, "{difference}");
        }
    }

    #[test]
    fn a_candidate_is_pointless_where_something_as_cheap_is_as_good_as_can_be() {
        let mut reached = Reached::new();
        reached.add(vec![0.5, 0.5], 0.0);
        reached.add(vec![0.2, 0.9], 0.3);
        assert!(reached.is_pointless(&[0.5, 0.6], 0.0));
        assert!(!reached.is_pointless(&[0.4, 0.6], 0.0));
        assert!(!reached.is_pointless(&[0.5, 0.6], -0.1));
        assert!(!reached.is_pointless(&[0.3, 0.95], 0.0));
        assert!(reached.is_pointless(&[0.3, 1.0], 0.0), "beyond the box");
    }
}
