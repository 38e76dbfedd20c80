//! What a training tells of itself.

use serde::{Deserialize, Serialize};

/// What one epoch came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean cross entropy in nats over the epoch's steps, with dropout.
    pub train_loss: f64,
    /// Mean cross entropy of the validation sequences after the epoch, in nats.
    pub valid_loss: f64,
    /// Share of wrong validation frames (or sequences), 0 … 1; where an error is no rate, it is in its own unit.
    pub valid_error: f64,
    /// Learning rate of the epoch.
    pub learning_rate: f64,
    /// Wall-clock time of the epoch with its validation.
    pub seconds: f64,
}

/// The epochs of a training in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// One an epoch.
    pub epochs: Vec<Epoch>,
}

impl History {
    /// The epoch with the least validation error, the first of equals: the one whose network is kept.
    pub fn best(&self) -> Option<&Epoch> {
        self.epochs.iter().min_by(|a, b| a.valid_error.total_cmp(&b.valid_error))
    }

    /// Its validation error; infinite before the first epoch has ended.
    pub fn best_error(&self) -> f64 {
        self.best().map_or(f64::INFINITY, |epoch| epoch.valid_error)
    }

    /// Epochs since the best one.
    pub(super) fn stalled(&self) -> usize {
        self.best().map_or(0, |best| self.epochs.len() - best.epoch)
    }
}

/// Where a training stands, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The epoch in progress, counted from 1.
    pub epoch: usize,
    /// Epochs at most.
    pub epochs: usize,
    /// Training frames done in this epoch.
    pub frames: usize,
    /// Training frames of an epoch.
    pub frames_total: usize,
    /// Training frames a second since this run began, validation included.
    pub frames_per_s: f64,
    /// Mean cross entropy of this epoch so far, in nats.
    pub loss: f64,
    /// Time left at this rate, should training not stop early.
    pub seconds_left: f64,
}
