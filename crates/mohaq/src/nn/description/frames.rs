//! Layers that see each frame, or a few around it, and remember nothing.

use serde::{Deserialize, Serialize};

/// A matrix and a bias.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearDescription {
    /// Names the layer's site and parameters; `fc` by default, or `fc0`, `fc1`, … where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Width of the output. 0, where it is left out: no network can be made, until a recipe fills it in from its data.
    #[serde(default)]
    pub outputs: usize,
}

/// A function of one number, applied everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointwiseDescription {
    /// Names the layer in messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A convolution over time: y_t = Σ_k x_{t·stride + k − left}·W_k + b, zeros beyond both ends of a sequence.
///
/// It makes ⌊(frames + left + right − kernel) / stride⌋ + 1 frames of a sequence, none of one that is too short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv1dDescription {
    /// Names the layer's site and parameters; `conv0`, `conv1`, … by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Channels that come out.
    pub outputs: usize,
    /// Frames that a frame of the output sees.
    pub kernel: usize,
    /// Frames of the input from one frame of the output to the next.
    #[serde(default = "one")]
    pub stride: usize,
    /// Frames of zeros before the first frame and behind the last.
    #[serde(default)]
    pub padding: [usize; 2],
}

/// A row of a table for every frame, whose one feature is the number of the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingDescription {
    /// Names the layer's site and parameters; `embedding` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Rows of the table.
    pub vocabulary: usize,
    /// Width of a row.
    pub outputs: usize,
}

/// Normalisation of every frame by its own mean and variance (Ba et al. 2016): y = gain ⊙ (x − mean) / √(variance +
/// 10⁻⁵) + bias.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerNormDescription {
    /// Names the layer's parameters; `norm0`, `norm1`, … by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

const fn one() -> usize {
    1
}

impl Conv1dDescription {
    /// Frames that come out where `frames` go in.
    pub fn frames(&self, frames: usize) -> usize {
        let padded = frames + self.padding[0] + self.padding[1];
        if frames == 0 || padded < self.kernel { 0 } else { (padded - self.kernel) / self.stride + 1 }
    }
}
