//! The best of many candidates, for one batch.

use super::gain::{Expected, Reached};
use crate::Genome;

/// A genome that may be asked.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) genome: Genome,
    /// Its known objectives in the box.
    pub(super) known: Vec<f64>,
    /// What is expected of its unknown one.
    pub(super) expected: Expected,
}

/// Up to `count` of `candidates` that add to the front that is `reached`, the largest expected gain first, each with those
/// before it on the front as expected.
pub(super) fn pick(candidates: Vec<Candidate>, reached: &Reached, count: usize) -> Vec<Genome> {
    let mut reached = reached.clone();
    let gain_of = |reached: &Reached, it: &Candidate| reached.expected_gain(&it.known, it.expected);
    let mut left: Vec<(f64, Candidate)> = candidates.into_iter().map(|it| (gain_of(&reached, &it), it)).collect();
    let mut picked = Vec::new();
    while picked.len() < count {
        // Gains only fall as the front grows: one that is the largest after being worked out anew is the largest.
        let Some(place) = largest(&left) else { break };
        let gain = gain_of(&reached, &left[place].1);
        if gain < left[place].0 {
            left[place].0 = gain;
            continue;
        }
        if gain <= 0.0 {
            break;
        }
        let (_, candidate) = left.remove(place);
        reached.add(candidate.known, candidate.expected.mean);
        picked.push(candidate.genome);
    }
    picked
}

/// The first of the largest gains.
fn largest(candidates: &[(f64, Candidate)]) -> Option<usize> {
    let gains = candidates.iter().map(|(gain, _)| *gain).enumerate();
    gains.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By the definition: every gain anew for every place.
    fn naive(mut candidates: Vec<Candidate>, reached: &Reached, count: usize) -> Vec<Genome> {
        let (mut reached, mut picked) = (reached.clone(), Vec::new());
        while picked.len() < count && !candidates.is_empty() {
            let gains: Vec<f64> = candidates.iter().map(|it| reached.expected_gain(&it.known, it.expected)).collect();
            let most = gains.iter().copied().fold(0.0, f64::max);
            if most <= 0.0 {
                break;
            }
            let candidate = candidates.remove(gains.iter().position(|&gain| gain == most).unwrap());
            reached.add(candidate.known, candidate.expected.mean);
            picked.push(candidate.genome);
        }
        picked
    }

    proptest! {
        #[test]
        fn working_out_the_largest_alone_picks_the_same(
            rows in prop::collection::vec((0.0f64..1.1, 0.0f64..1.2, 0.01f64..0.5), 0..20), count in 0usize..8
        ) {
            let candidate = |(place, &(known, mean, deviation)): (usize, &(f64, f64, f64))| Candidate {
                genome: Genome(vec![place as u16]),
                known: vec![known],
                expected: Expected { mean, deviation },
            };
            let candidates: Vec<Candidate> = rows.iter().enumerate().map(candidate).collect();
            let mut reached = Reached::new();
            reached.add(vec![0.4], 0.6);
            prop_assert_eq!(pick(candidates.clone(), &reached, count), naive(candidates, &reached, count));
        }
    }
}
