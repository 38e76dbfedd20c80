//! What a platform predicts, against whole networks on this machine.

use super::{Timing, bank, codes};
use crate::Result;
use crate::nn::Network;
use crate::platform::Platform;
use crate::quant::QuantSpec;
use mohaq_moo::rank_correlation;
use mohaq_rt::engine::Scratch;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;

/// One candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Its precisions.
    pub bits: String,
    /// What the platform says, µs a frame.
    pub predicted_us: f64,
    /// What it takes, µs a frame.
    pub measured_us: f64,
}

/// How well a platform predicts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verification {
    /// The candidates.
    pub predictions: Vec<Prediction>,
    /// Spearman's ρ between prediction and measurement.
    pub rank_correlation: f64,
    /// Median of |predicted / measured − 1|.
    pub median_error: f64,
    /// Largest of them.
    pub largest_error: f64,
}

/// How often every candidate is timed.
const ROUNDS: usize = 3;

/// Times `network` at `candidates` random precisions and holds what `platform` predicts against it.
///
/// # Errors
/// [`Error::Platform`](crate::Error::Platform) for a product that the platform does not price, or that it gives no time to;
/// those of calibration and of the engine.
pub fn verify(
    network: &Network,
    platform: &dyn Platform,
    candidates: usize,
    seed: u64,
    timing: &Timing,
) -> Result<Verification> {
    let workload = network.workload();
    let bank = bank(network, timing)?;
    let codes = codes(&bank, timing);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut predictions = Vec::with_capacity(candidates);
    let mut engines = Vec::with_capacity(candidates);
    for _ in 0..candidates {
        let precision = |site| {
            let all = platform.precisions_at(site);
            all.get(random.next_u32() as usize % all.len().max(1)).copied().unwrap_or(platform.precisions()[0])
        };
        let spec = QuantSpec(workload.sites.iter().map(precision).collect());
        let predicted = platform.cost(&workload, &spec)?.frame_time_s.unwrap_or(f64::NAN);
        engines.push(bank.engine(&spec)?);
        let (bits, predicted_us) = (spec.to_string(), 1e6 * predicted);
        predictions.push(Prediction { bits, predicted_us, measured_us: f64::INFINITY });
    }
    let mut scratch = Scratch::default();
    // Round after round: what disturbs the machine for a while does not meet a candidate in all of them.
    for _ in 0..ROUNDS {
        for (engine, prediction) in engines.iter().zip(&mut predictions) {
            let ns = timing.quickest(|| {
                engine.run(&codes, &[0, timing.frames], &mut scratch);
            });
            let us = 1e-3 * ns * workload.input_frames as f64;
            prediction.measured_us = prediction.measured_us.min(us);
        }
    }
    Ok(Verification::of(predictions))
}

impl Verification {
    fn of(predictions: Vec<Prediction>) -> Self {
        let [predicted, measured] = [|p: &Prediction| p.predicted_us, |p: &Prediction| p.measured_us]
            .map(|of| predictions.iter().map(of).collect::<Vec<f64>>());
        let mut errors: Vec<f64> = predictions.iter().map(|p| (p.predicted_us / p.measured_us - 1.0).abs()).collect();
        errors.sort_by(f64::total_cmp);
        let at = |place: usize| errors.get(place).copied().unwrap_or(0.0);
        Self {
            rank_correlation: rank_correlation(&predicted, &measured),
            median_error: at(errors.len() / 2),
            largest_error: at(errors.len().saturating_sub(1)),
            predictions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(f64, f64)]) -> Verification {
        let prediction =
            |&(predicted_us, measured_us): &(f64, f64)| Prediction { bits: String::new(), predicted_us, measured_us };
        Verification::of(pairs.iter().map(prediction).collect())
    }

    #[test]
    fn errors_are_relative_to_what_was_measured() {
        let found = of(&[(1.0, 2.0), (3.0, 2.0), (2.0, 2.0), (8.0, 2.0), (2.2, 2.0)]);
        assert_eq!((found.median_error, found.largest_error), (0.5, 3.0));
    }
}
