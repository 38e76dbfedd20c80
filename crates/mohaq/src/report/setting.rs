//! What was asked: the platform, the network, the data, the training, what to minimise and within which limits.

use super::Figure;
use crate::nn::Site;
use serde::{Deserialize, Serialize};

/// The platform that the candidates were priced for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformSummary {
    /// Name by which the command line knows it.
    pub name: String,
    /// What it is, in a line.
    pub title: String,
    /// The numbers that costs are made of, each with its source.
    pub numbers: Vec<SourcedNumber>,
    /// Whether weights and activations of a site must share a precision.
    pub tied: bool,
}

/// A number of a platform and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcedNumber {
    /// What it is the number of: `energy of an 8x8 MAC`.
    pub label: String,
    /// The number with its unit: `0.542 pJ`.
    pub value: String,
    /// Paper and table, or how it was measured or estimated.
    pub source: String,
}

/// The network whose precisions were searched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSummary {
    /// The network in words, a layer a line.
    pub description: Vec<String>,
    /// The matrix products that take a precision, in the order data meets them.
    pub sites: Vec<Site>,
    /// All parameters, those which take no precision included.
    pub parameters: u64,
}

/// The data that trained and judged the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSummary {
    /// Name of the corpus.
    pub corpus: String,
    /// Name of the split.
    pub split: String,
    /// What the reader of the corpus had to say, such as what it lacks.
    pub notes: Vec<String>,
    /// The sets of the split, in the order training, validation, test.
    pub parts: Vec<DataPart>,
}

/// One set of a split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataPart {
    /// `train`, `valid` or `test`.
    pub name: String,
    /// Sequences in it.
    pub sequences: u64,
    /// Frames of all its sequences.
    pub frames: u64,
}

/// One epoch of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Number of the epoch, from 1.
    pub epoch: u64,
    /// Mean loss on the training set, with dropout.
    pub train_loss: Figure,
    /// Mean loss on the validation set.
    pub valid_loss: Figure,
    /// Error on the validation set: of frames, where a decoder makes the error that the network is judged by.
    #[serde(alias = "valid_error_percent")]
    pub valid_error: Figure,
    /// Learning rate that the epoch used.
    pub learning_rate: Figure,
}

/// What the losses and errors of a training are measured in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingUnits {
    /// Of losses: `nats a frame`.
    pub loss: String,
    /// Of errors: `%`.
    pub error: String,
}

impl Default for TrainingUnits {
    /// Those of earlier versions, which did not say.
    fn default() -> Self {
        Self { loss: "nats a frame".to_owned(), error: "%".to_owned() }
    }
}

/// Whether less or more of a shown value is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// Less is better.
    #[serde(rename = "min")]
    Minimize,
    /// More is better.
    #[serde(rename = "max")]
    Maximize,
}

impl Direction {
    /// Whether `a` is better than `b`.
    pub fn better(self, a: f64, b: f64) -> bool {
        match self {
            Self::Minimize => a < b,
            Self::Maximize => a > b,
        }
    }
}

/// One objective of the search, as people see it: speedup is maximised even where the search minimises its negative.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// Short name. `error`, `memory`, `speedup` and `energy` stand for the measures of the same name on the page, so
    /// that none is offered twice.
    pub key: String,
    /// Heading for people: `Speedup`.
    pub label: String,
    /// Unit of the shown values, see [`Figure::show`].
    pub unit: String,
    /// Which way is better.
    pub direction: Direction,
    /// How the value is computed, in a sentence.
    pub how: String,
}

/// Which side of a limit is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The value must not exceed the limit.
    AtMost,
    /// The value must reach the limit.
    AtLeast,
}

impl Bound {
    /// `≤` or `≥`.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::AtMost => "≤",
            Self::AtLeast => "≥",
        }
    }
}

/// A limit that a candidate must keep to be on the front.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constraint {
    /// Short name, the one that a [`Violation`](super::Violation) names.
    pub name: String,
    /// Heading for people: `Weights fit the SRAM`.
    pub label: String,
    /// Key of the objective or measure that it limits, where the page can draw it as a line.
    pub axis: Option<String>,
    /// Which side is allowed.
    pub bound: Bound,
    /// The limit, in the unit of the axis.
    pub limit: Figure,
    /// Unit of the limit, see [`Figure::show`].
    pub unit: String,
}
