//! What a platform predicts, against whole networks on this machine.

use super::{Timing, bank, codes};
use crate::Result;
use crate::nn::Network;
use crate::platform::Platform;
use crate::quant::QuantSpec;
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
            .map(|of| ranks(&predictions.iter().map(of).collect::<Vec<f64>>()));
        let mut errors: Vec<f64> = predictions.iter().map(|p| (p.predicted_us / p.measured_us - 1.0).abs()).collect();
        errors.sort_by(f64::total_cmp);
        let at = |place: usize| errors.get(place).copied().unwrap_or(0.0);
        Self {
            rank_correlation: correlation(&predicted, &measured),
            median_error: at(errors.len() / 2),
            largest_error: at(errors.len().saturating_sub(1)),
            predictions,
        }
    }
}

/// Places in ascending order; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let place = |value: &f64| {
        let below = values.iter().filter(|other| *other < value).count();
        let equal = values.iter().filter(|other| *other == value).count();
        below as f64 + (equal as f64 - 1.0) / 2.0
    };
    values.iter().map(place).collect()
}

/// Pearson's, 0 where one side is constant.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product = |x: &[f64], mean_x: f64, y: &[f64], mean_y: f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum()
    };
    let scale = (product(a, mean_a, a, mean_a) * product(b, mean_b, b, mean_b)).sqrt();
    if scale > 0.0 { product(a, mean_a, b, mean_b) / scale } else { 0.0 }
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
    fn spearman_reads_ranks_alone() {
        assert_eq!(of(&[(1.0, 10.0), (2.0, 11.0), (3.0, 500.0)]).rank_correlation, 1.0);
        assert_eq!(of(&[(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]).rank_correlation, -1.0);
        // Ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3: 4.5 / √(4.5 · 5).
        let tied = of(&[(1.0, 1.0), (2.0, 2.0), (2.0, 3.0), (4.0, 4.0)]).rank_correlation;
        assert!((tied - 0.9_f64.sqrt()).abs() < 1e-15, "{tied}");
        assert_eq!(of(&[(1.0, 1.0), (1.0, 2.0)]).rank_correlation, 0.0);
    }

    #[test]
    fn errors_are_relative_to_what_was_measured() {
        let found = of(&[(1.0, 2.0), (3.0, 2.0), (2.0, 2.0), (8.0, 2.0), (2.2, 2.0)]);
        assert_eq!((found.median_error, found.largest_error), (0.5, 3.0));
    }
}
