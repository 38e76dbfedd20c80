//! Retraining at given precisions, and what it is worth to the neighbours.

use super::measure::{Bench, MeasuredSpec};
use super::session::Session;
use crate::beacon::{BeaconEpoch, Nursery, Raised, folder};
use crate::quant::{IntegerBank, QuantSpec};
use crate::{Error, Result};
use mohaq_rt::Bits;
use mohaq_speech::dataset::Dataset;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Distances of weight widths at which neighbours are looked at: first and last of each band.
pub const BANDS: [[usize; 2]; 3] = [[1, 2], [3, 5], [7, 9]];

/// A spec before and after retraining.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retrained {
    /// Quantized from the trained float network.
    pub before: MeasuredSpec,
    /// Quantized from the network that was retrained at the spec.
    pub after: MeasuredSpec,
    /// The retraining, an entry an epoch.
    pub epochs: Vec<BeaconEpoch>,
    /// Seconds it took; 0 where it was found as a file.
    pub seconds: f64,
    /// The retrained network.
    pub file: PathBuf,
    /// What neighbours gain by borrowing it.
    pub neighbours: Vec<Neighbour>,
}

/// A spec near a retrained one, with its own and with the borrowed parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Steps of weight widths between the two.
    pub distance: usize,
    /// Quantized from the trained float network.
    pub own: MeasuredSpec,
    /// Quantized from the retrained network, with its clips.
    pub borrowed: MeasuredSpec,
}

/// Retrains the session's network at each of `specs`, measures it before and after on the validation and test sets, and
/// `neighbours` random specs in each of [`BANDS`] with their own parameters and with the retrained ones.
///
/// # Errors
/// [`Error::Stopped`] with a checkpoint on disk; errors of training, of the evaluator and of files.
pub fn retrained(
    session: &Session<'_>,
    data: &Dataset,
    bench: &Bench<'_>,
    specs: &[QuantSpec],
    neighbours: usize,
) -> Result<Vec<Retrained>> {
    let recipe = &session.plan.recipe;
    let (network, calibration) = (bench.bank.network(), bench.bank.calibration());
    let place = folder(session.dir.root());
    let nursery = Nursery::new(network, calibration, data.development(), &recipe.retrain, recipe.seed, place);
    let memory_mib = recipe.search.beacons.clone().unwrap_or_default().memory_mib;
    session.watch.begin("retrain", 0, "");
    let tell = |text: &str| session.watch.advance(0, text);
    let raised = nursery.raise(specs, memory_mib, session.watch, &tell)?;
    session.watch.end(&format!("{} at {} epochs at most", specs.len(), nursery.epochs()));
    let bench = bench.with_test(&data.test)?;
    let total = specs.len() * (1 + BANDS.len() * neighbours);
    session.watch.begin("measure", total as u64, "specs");
    let mut all = Vec::new();
    for (spec, raised) in specs.iter().zip(raised) {
        let Raised { beacon, spent, .. } = raised;
        nursery.settle(spec)?;
        let bank = IntegerBank::owning(beacon.network, beacon.calibration)?;
        let lent = bench.lent(&bank)?;
        let mut near = Vec::new();
        for (distance, neighbour) in drawn(spec, neighbours, recipe.seed) {
            if session.watch.stopped() {
                return Err(Error::Stopped);
            }
            let [own, borrowed] = [&bench, &lent].map(|bench| bench.measure(&neighbour, &session.plan.platform));
            near.push(Neighbour { distance, own: own?, borrowed: borrowed? });
            session.watch.advance((all.len() * total / specs.len() + near.len()) as u64, "");
        }
        all.push(Retrained {
            before: bench.measure(spec, &session.plan.platform)?,
            after: lent.measure(spec, &session.plan.platform)?,
            epochs: beacon.epochs,
            seconds: spent.seconds,
            file: nursery.path(spec),
            neighbours: near,
        });
    }
    session.watch.end(&format!("{total} specs"));
    Ok(all)
}

/// `count` random neighbours of `spec` in each of [`BANDS`], with their distances: weights some steps away, the inputs as
/// they are. Fewer where the widths leave no room for that many steps.
fn drawn(spec: &QuantSpec, count: usize, seed: u64) -> Vec<(usize, QuantSpec)> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut below = |count: usize| random.next_u32() as usize % count;
    let mut drawn = Vec::new();
    for [first, last] in BANDS {
        for _ in 0..count {
            let distance = first + below(last - first + 1);
            let mut neighbour = spec.clone();
            for _ in 0..distance {
                let steps = steps_away(spec, &neighbour);
                if steps.is_empty() {
                    break;
                }
                let (site, width) = steps[below(steps.len())];
                neighbour.0[site].weight = width;
            }
            let reached = spec.0.iter().zip(&neighbour.0);
            let reached: usize = reached.map(|(a, b)| a.weight.index().abs_diff(b.weight.index())).sum();
            if reached == distance {
                drawn.push((distance, neighbour));
            }
        }
    }
    drawn
}

/// Single steps of a weight's width that lead farther from `spec`.
fn steps_away(spec: &QuantSpec, from: &QuantSpec) -> Vec<(usize, Bits)> {
    let mut steps = Vec::new();
    for (site, (origin, now)) in spec.0.iter().zip(&from.0).enumerate() {
        let (origin, now) = (origin.weight.index(), now.weight.index());
        if now >= origin && now + 1 < Bits::ALL.len() {
            steps.push((site, Bits::ALL[now + 1]));
        }
        if now <= origin && now > 0 {
            steps.push((site, Bits::ALL[now - 1]));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_as_far_as_they_say() {
        let spec = QuantSpec::parse("2x8 4x4 16x2 8x8 2x16", 5).unwrap();
        let drawn = drawn(&spec, 20, 3);
        assert_eq!(drawn.len(), 60);
        for (i, (distance, neighbour)) in drawn.iter().enumerate() {
            let settings = crate::beacon::BeaconSettings { activation_weight: 100.0, ..Default::default() };
            assert_eq!(crate::beacon::distance(&settings, &spec, neighbour), *distance as f64);
            let [first, last] = BANDS[i / 20];
            assert!((first..=last).contains(distance));
        }
        let narrow = QuantSpec::parse("2x8", 2).unwrap();
        assert!(super::drawn(&narrow, 50, 1).iter().all(|(distance, _)| *distance <= 6), "two sites have six steps");
    }
}
