//! How to train.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How to train. The defaults are those of the paper's recipe (method of Rezk et al. 2021: Adam, 24 epochs, batches of
/// 8, dropout 0.1), completed by what is usual.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Passes over the training sequences, at most.
    pub epochs: usize,
    /// Sequences a step.
    pub batch: usize,
    /// Where the learning rate starts.
    pub learning_rate: f64,
    /// What the learning rate is multiplied by after an epoch that did not improve.
    pub decay: f64,
    /// Relative drop of the validation error, from the best so far, that counts as an improvement of the schedule.
    pub improvement: f64,
    /// Epochs without a new best validation error after which training stops.
    pub patience: usize,
    /// Share of units dropped between layers, per sequence.
    pub dropout: f64,
    /// Norm of all gradients together above which they are scaled down to it; 0 leaves them.
    pub clip_norm: f64,
    /// Share of each weight that a step takes away, times the learning rate (decoupled, as in AdamW).
    pub weight_decay: f64,
    /// Of the order of sequences and of dropout.
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 24,
            batch: 8,
            learning_rate: 1e-3,
            decay: 0.5,
            // PyTorch-Kaldi's `improvement_threshold`, the source of the paper's recipe.
            improvement: 1e-3,
            patience: 5,
            dropout: 0.1,
            clip_norm: 5.0,
            weight_decay: 0.0,
            seed: 1,
        }
    }
}

impl TrainConfig {
    /// Finds what no training can use.
    ///
    /// # Errors
    /// [`Error::TrainConfig`].
    pub fn check(&self) -> Result<()> {
        let fields = [
            ("epochs", self.epochs as f64, "at least 1", self.epochs >= 1),
            ("batch", self.batch as f64, "at least 1", self.batch >= 1),
            (
                "learning_rate",
                self.learning_rate,
                "above 0, at most 1",
                within(self.learning_rate, 1.0) && self.learning_rate > 0.0,
            ),
            ("decay", self.decay, "above 0, at most 1", within(self.decay, 1.0) && self.decay > 0.0),
            ("improvement", self.improvement, "0 … 1", within(self.improvement, 1.0)),
            ("patience", self.patience as f64, "at least 1", self.patience >= 1),
            ("dropout", self.dropout, "0 … 0.95", within(self.dropout, 0.95)),
            ("clip_norm", self.clip_norm, "0 or above", within(self.clip_norm, f64::MAX)),
            ("weight_decay", self.weight_decay, "0 … 1", within(self.weight_decay, 1.0)),
        ];
        match fields.into_iter().find(|&(_, _, _, valid)| !valid) {
            Some((field, got, expected, _)) => Err(Error::TrainConfig { field, got, expected }),
            None => Ok(()),
        }
    }
}

/// 0 … `most`; false for NaN.
fn within(x: f64, most: f64) -> bool {
    (0.0..=most).contains(&x)
}
