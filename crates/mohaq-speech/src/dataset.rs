//! What a network is trained on and measured with: sequences of feature frames with targets.
//!
//! A [`Dataset`] is the product of this crate. Where it came from (a speech corpus, a file of sensor features) shows
//! only in its [`Task`], which says what the labels mean and how an error is counted.

use crate::metric::Metric;
use serde::{Deserialize, Serialize};

/// Frames of features, row-major: `values[t * dim + i]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// Values a frame.
    pub dim: usize,
    /// `[frames, dim]`.
    pub values: Vec<f32>,
}

impl Features {
    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.values.len().checked_div(self.dim).unwrap_or(0)
    }
}

/// A frame without a target: it is fed to the network and counts in no loss and no error.
pub const NO_LABEL: u32 = u32::MAX;

/// One utterance, or one recording of any other sensor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequence {
    /// Unique within the dataset.
    pub id: String,
    /// Empty where the source names none.
    pub speaker: String,
    /// `[frames, dim]`, normalised.
    pub features: Features,
    /// One class a frame ([`NO_LABEL`] where there is none); for [`Task::Sequences`] exactly one for the sequence, for
    /// [`Task::Ctc`] those to be recognised, none for [`Task::Regression`].
    pub labels: Vec<u32>,
    /// `[frames, outputs]`, row-major, for [`Task::Regression`]; empty for other tasks.
    pub targets: Vec<f32>,
    /// The phones said, in scoring ids; empty for other tasks than [`Task::Phones`].
    pub reference: Vec<u16>,
}

/// What the labels mean, and so what an error is.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Phone states; the error is the phone error rate of a Viterbi decoding.
    Phones(PhoneTask),
    /// One class a frame; the error is the share of wrong frames.
    Frames {
        /// Number of classes.
        classes: usize,
    },
    /// One class a sequence; the error is the share of wrong sequences.
    Sequences {
        /// Number of classes.
        classes: usize,
        /// Which of its frames' outputs the sequence is judged by.
        pooling: Pooling,
    },
    /// The token that follows each frame; the error is the perplexity of the labelled ones.
    NextToken {
        /// Number of tokens.
        tokens: usize,
    },
    /// The labels that a sequence holds, in their order and without an alignment (connectionist temporal classification); the
    /// error is the label error rate of a decoding.
    Ctc {
        /// Number of classes, the blank among them.
        classes: usize,
        /// The class that is no label.
        blank: u32,
        /// Prefixes that the decoder keeps; 1 takes the labels of the best path.
        beam: usize,
    },
    /// Numbers for every frame; the error is the root of their mean square error, in the targets' unit.
    Regression {
        /// Numbers a frame.
        outputs: usize,
        /// What they are measured in; may be empty.
        unit: String,
    },
}

/// What of a network's outputs says the class of a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The mean of the log-probabilities of all frames.
    #[default]
    Mean,
    /// The last frame: what a unidirectional network knows when it has read everything. A backward direction has read
    /// that one frame alone.
    Last,
}

/// Phones and how they map to network outputs and to scores.
#[derive(Clone, Debug, PartialEq)]
pub struct PhoneTask {
    /// Names of the phones that are modelled; class = `phone * states + state`.
    pub phones: Vec<String>,
    /// States a phone, left to right.
    pub states: usize,
    /// Names of the phones that are scored (TIMIT folds 48 to 39).
    pub scored: Vec<String>,
    /// Scoring id of each modelled phone; `None` where the phone (silence, for digits) is left out of the score.
    pub fold: Vec<Option<u16>>,
}

impl Task {
    /// Width of the network's output: number of classes, or of targets a frame.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Phones(task) => task.phones.len() * task.states,
            Self::Frames { classes } | Self::Sequences { classes, .. } | Self::Ctc { classes, .. } => *classes,
            Self::NextToken { tokens } => *tokens,
            Self::Regression { outputs, .. } => *outputs,
        }
    }

    /// `117 classes`, `1 target`.
    pub fn outputs_in_words(&self) -> String {
        match (self, self.outputs()) {
            (Self::Regression { .. }, 1) => "1 target".to_owned(),
            (Self::Regression { .. }, outputs) => format!("{outputs} targets"),
            (Self::NextToken { .. }, tokens) => format!("{tokens} tokens"),
            (_, classes) => format!("{classes} classes"),
        }
    }

    /// Whether outputs are scores of classes, which a softmax makes probabilities of.
    pub const fn has_classes(&self) -> bool {
        !matches!(self, Self::Regression { .. })
    }

    /// Whether every frame has its own label or targets, so that a network must give an output for each.
    pub const fn is_by_frame(&self) -> bool {
        !matches!(self, Self::Sequences { .. } | Self::Ctc { .. })
    }

    /// Labels that a sequence of `frames` must have; `None` where their number is its own.
    pub const fn labels(&self, frames: usize) -> Option<usize> {
        match self {
            Self::Phones(_) | Self::Frames { .. } | Self::NextToken { .. } => Some(frames),
            Self::Sequences { .. } => Some(1),
            Self::Regression { .. } => Some(0),
            Self::Ctc { .. } => None,
        }
    }

    /// Targets that a sequence of `frames` must have.
    pub const fn targets(&self, frames: usize) -> usize {
        match self {
            Self::Regression { outputs, .. } => frames * *outputs,
            _ => 0,
        }
    }

    /// What a network is judged by.
    pub fn metric(&self) -> Metric {
        match self {
            Self::Phones(_) => Metric::rate("phone error rate"),
            Self::Frames { .. } => Metric::rate("frame error rate"),
            Self::Sequences { .. } => Metric::rate("sequence error rate"),
            Self::Ctc { .. } => Metric::rate("label error rate"),
            Self::NextToken { .. } => Metric::new("perplexity", "perplexity"),
            Self::Regression { unit, .. } => Metric::new("root mean square error", unit.clone()),
        }
    }

    /// What a network is judged by while it is trained: without a decoder, where [`metric`](Self::metric) takes one.
    pub fn training_metric(&self) -> Metric {
        match self {
            Self::Phones(_) => Metric::rate("frame error rate"),
            _ => self.metric(),
        }
    }

    /// What the loss of a training is measured in.
    pub const fn loss_unit(&self) -> &'static str {
        match self {
            Self::Phones(_) | Self::Frames { .. } => "nats a frame",
            Self::Sequences { .. } => "nats a sequence",
            Self::NextToken { .. } => "nats a token",
            Self::Ctc { .. } => "nats a label",
            Self::Regression { .. } => "squares",
        }
    }
}

/// Training, validation and test sequences of one task. The three never share a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Name of the source, for reports.
    pub name: String,
    /// Values a frame.
    pub dim: usize,
    /// What the labels mean.
    pub task: Task,
    /// Seconds from one frame to the next; `None` where the source does not say.
    pub frame_shift_s: Option<f64>,
    /// For gradients, decoding statistics and calibration.
    pub train: Vec<Sequence>,
    /// For early stop, decoder tuning and the search.
    pub valid: Vec<Sequence>,
    /// Read once, for the members of the final front.
    pub test: Vec<Sequence>,
    /// What the source lacks or what was left out, in sentences for the user.
    pub notes: Vec<String>,
}

impl Dataset {
    /// All but the test set.
    pub fn development(&self) -> Development<'_> {
        let Self { name, dim, task, train, valid, .. } = self;
        Development { name, dim: *dim, task, train, valid }
    }
}

/// What training and search may read of a [`Dataset`]: not the test set, which no type here leads to.
#[derive(Clone, Copy, Debug)]
pub struct Development<'a> {
    /// As in messages.
    pub name: &'a str,
    /// Values a frame.
    pub dim: usize,
    /// What the labels mean.
    pub task: &'a Task,
    /// For gradients, decoding statistics and calibration.
    pub train: &'a [Sequence],
    /// For early stop, decoder tuning and the search.
    pub valid: &'a [Sequence],
}
