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
            Self::Regression => "regression",
        }
    }
}

/// `[task]` of a recipe: what the labels of a container are for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TaskSettings {
    /// The task; left out, it is the one that labels of this shape and type usually have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<TaskKind>,
    /// What says the class of a sequence, where sequences have one.
    pub pooling: Pooling,
    /// What targets are measured in, where frames have numbers instead of classes.
    pub unit: String,
}
