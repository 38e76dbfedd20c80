//! How networks are retrained, which candidates deserve it, and who may borrow.

use crate::eval::{Measurement, Objective};
use crate::quant::Clips;
use crate::train::TrainConfig;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `[retrain]`: quantization-aware training that starts at the trained float network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetrainSettings {
    /// Passes over the training sequences, at most. The published range is 4 to 20.
    pub epochs: usize,
    /// Sequences a step.
    pub batch: usize,
    /// Where the learning rate starts.
    pub learning_rate: f64,
    /// What the learning rate is multiplied by after an epoch that did not improve.
    pub decay: f64,
    /// Relative drop of the validation error that counts as an improvement of the schedule.
    pub improvement: f64,
    /// Epochs without a new best validation error after which retraining stops.
    pub patience: usize,
    /// Share of units dropped between layers, per sequence.
    pub dropout: f64,
    /// Norm of all gradients together above which they are scaled down to it; 0 leaves them.
    pub clip_norm: f64,
    /// Whether clips stay as calibrated or are learned with the weights.
    pub clips: Clips,
}

impl Default for RetrainSettings {
    fn default() -> Self {
        let TrainConfig { batch, decay, improvement, dropout, clip_norm, .. } = TrainConfig::default();
        Self {
            epochs: 4,
            batch,
            // Half of training's: retraining starts near a minimum. On FSDD's validation set 1e-3 ended a point behind.
            learning_rate: 5e-4,
            decay,
            improvement,
            patience: 2,
            dropout,
            clip_norm,
            clips: Clips::Static,
        }
    }
}

impl RetrainSettings {
    /// The same as a training whose randomness comes from `seed`.
    pub fn training(&self, seed: u64) -> TrainConfig {
        TrainConfig {
            epochs: self.epochs,
            batch: self.batch,
            learning_rate: self.learning_rate,
            decay: self.decay,
            improvement: self.improvement,
            patience: self.patience,
            dropout: self.dropout,
            clip_norm: self.clip_norm,
            weight_decay: 0.0,
            seed,
        }
    }
}

/// `[search.beacons]`: retrained networks that candidates near them borrow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BeaconSettings {
    /// Largest distance at which a candidate borrows; a candidate of the region farther from every beacon becomes one.
    pub threshold: f64,
    /// What a step of an activation's width counts beside one of a weight's; 0 as published.
    pub activation_weight: f64,
    /// Beacons at most.
    pub max: usize,
    /// Epochs of all beacons together at most: none is begun that could exceed them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_epochs: Option<usize>,
    /// None is begun after this many minutes of retraining. Depends on the machine; the log remembers how long each took,
    /// so that a resumed search decides alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// Memory for retraining side by side, in MiB: one is always retrained. Changes no result.
    pub memory_mib: usize,
    /// Which candidates are worth it.
    pub region: Region,
}

impl Default for BeaconSettings {
    fn default() -> Self {
        Self {
            threshold: 5.0,
            activation_weight: 0.0,
            max: 12,
            max_epochs: None,
            minutes: None,
            memory_mib: 4096,
            region: Region::default(),
        }
    }
}

/// `[search.beacons.region]`: the candidates that may become beacons or borrow, by their measurement before any of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Region {
    /// Error less than the float network's plus this many points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_increase: Option<f64>,
    /// Figures, by objective, that must lie below these.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub below: BTreeMap<Objective, f64>,
    /// Figures, by objective, that must lie above these.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub above: BTreeMap<Objective, f64>,
    /// Only candidates that keep every limit of the search but that of the error.
    pub fits: bool,
}

impl Default for Region {
    fn default() -> Self {
        Self { error_increase: None, below: BTreeMap::new(), above: BTreeMap::new(), fits: true }
    }
}

impl Region {
    /// Whether a candidate with this `measurement` is in it, where the float network has `float_error` errors.
    /// A figure that the platform lacks is in no region.
    pub fn holds(&self, measurement: &Measurement, float_error: f64) -> bool {
        let near = self.error_increase.is_none_or(|points| measurement.error < float_error + points);
        let figure = |objective: &Objective| objective.shown(measurement).unwrap_or(f64::NAN);
        near && self.below.iter().all(|(objective, &bound)| figure(objective) < bound)
            && self.above.iter().all(|(objective, &bound)| figure(objective) > bound)
    }
}

impl BeaconSettings {
    /// Finds what no search can use.
    ///
    /// # Errors
    /// [`Error::Plan`] with the key.
    pub fn check(&self) -> Result<()> {
        let amount = |x: f64| x >= 0.0 && x.is_finite();
        let fields = [
            ("threshold", self.threshold, "0 or above", amount(self.threshold)),
            ("activation_weight", self.activation_weight, "0 or above", amount(self.activation_weight)),
            ("max", self.max as f64, "at least 1", self.max >= 1),
            ("minutes", self.minutes.unwrap_or(1.0), "more than 0", self.minutes.is_none_or(|m| m > 0.0 && amount(m))),
            (
                "region.error_increase",
                self.region.error_increase.unwrap_or(1.0),
                "more than 0",
                self.region.error_increase.is_none_or(|points| points > 0.0 && amount(points)),
            ),
        ];
        let bounds = self.region.below.iter().map(|bound| ("below", bound));
        let bounds = bounds.chain(self.region.above.iter().map(|bound| ("above", bound)));
        let bounds = bounds.map(|(side, (objective, &bound))| {
            (format!("region.{side}.{}", objective.key()), bound, "a number", bound.is_finite())
        });
        let fields = fields.into_iter().map(|(key, got, expected, valid)| (key.to_owned(), got, expected, valid));
        match fields.chain(bounds).find(|&(.., valid)| !valid) {
            None => Ok(()),
            Some((key, got, expected, _)) => Err(Error::Plan {
                key: format!("search.beacons.{key}"),
                reason: format!("{got}, expected {expected}"),
                hint: None,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Cost;
    use mohaq_speech::score::Counts;

    fn measured(error: f64, speedup: f64) -> Measurement {
        let cost = Cost {
            weight_bits: 800,
            memory_bits: 800,
            memory_bits_paper: 800,
            speedup: Some(speedup),
            ..Cost::default()
        };
        Measurement { error, subset_errors: Vec::new(), errors: Counts::default(), cost }
    }

    #[test]
    fn the_published_region() {
        let below = [(Objective::Error, 30.0)].into_iter().collect();
        let above = [(Objective::Speedup, 10.0)].into_iter().collect();
        let region = Region { below, above, ..Region::default() };
        let holds = |percent, speedup| region.holds(&measured(percent, speedup), 16.0);
        assert!(holds(29.9, 10.1));
        assert!(!holds(30.0, 10.1));
        assert!(!holds(29.9, 10.0));
        let relative = Region { error_increase: Some(3.0), ..Region::default() };
        assert!(relative.holds(&measured(18.9, 1.0), 16.0));
        assert!(!relative.holds(&measured(19.0, 1.0), 16.0));
        // The measurement has no energy.
        let energy = Region { below: [(Objective::Energy, 1e9)].into_iter().collect(), ..Region::default() };
        assert!(!energy.holds(&measured(1.0, 1.0), 16.0));
    }
}
