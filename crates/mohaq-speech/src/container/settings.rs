//! What a container cannot say of itself.

use crate::dataset::Pooling;
use serde::{Deserialize, Serialize};

/// `[task]` of a recipe: what the labels of a container are for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TaskSettings {
    /// What says the class of a sequence, where sequences have one.
    pub pooling: Pooling,
    /// What targets are measured in, where frames have numbers instead of classes.
    pub unit: String,
}
