//! What a container cannot say of itself.

use crate::dataset::Pooling;
use serde::{Deserialize, Serialize};

/// The tasks that labels of a container can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// A class a frame.
    Frames,
    /// A class a sequence.
    Sequences,
    /// The token behind every frame.
    NextToken,
    /// Labels to be recognised, of which each sequence has a number of its own.
    Ctc,
    /// Numbers a frame.
    Regression,
}

impl TaskKind {
    /// The name in recipes.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Frames => "frames",
            Self::Sequences => "sequences",
            Self::NextToken => "next_token",
            Self::Ctc => "ctc",
            Self::Regression => "regression",
        }
    }
}

/// `[task]` of a recipe: what the labels of a container are for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TaskSettings {
    /// The task; left out, it is the one that labels of this shape and type usually have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<TaskKind>,
    /// What says the class of a sequence, where sequences have one.
    pub pooling: Pooling,
    /// What targets are measured in, where frames have numbers instead of classes.
    pub unit: String,
    /// The class that is no label, where labels are to be recognised.
    pub blank: u32,
    /// Prefixes that the decoder of such labels keeps; 1 takes the labels of the best path.
    pub beam: usize,
}

impl Default for TaskSettings {
    fn default() -> Self {
        Self { kind: None, pooling: Pooling::default(), unit: String::new(), blank: 0, beam: 1 }
    }
}
