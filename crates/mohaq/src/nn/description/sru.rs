//! Simple recurrent units, as their user writes them.

use super::at_least_one;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// A layer of simple recurrent units (Lei et al. 2018).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SruDescription {
    /// Names the layer's sites and parameters; `l0`, `l1`, … by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Units a direction.
    pub hidden: usize,
    /// A second direction from the last frame to the first; the output is then `2 · hidden` wide, forward half first.
    #[serde(default)]
    pub bidirectional: bool,
    /// Width of a linear bottleneck in front of the layer's matrices; the highway goes round it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projection: Option<usize>,
    /// Where the reset gate's bias starts. Negative lets more of the input through.
    #[serde(default)]
    pub highway_bias: f64,
    /// Scale the highway's input by √(1 + 2·e^highway_bias), which keeps the variance of the output at that of the
    /// input; 1 otherwise.
    #[serde(default = "yes")]
    pub rescale: bool,
    /// What the highway carries.
    #[serde(default)]
    pub skip: SkipDescription,
    /// A product, and so a precision, for every matrix.
    #[serde(default)]
    pub per_gate: bool,
    /// Layer normalisation of what the matrices (and the bottleneck) read; the highway carries the input as it came.
    #[serde(default, skip_serializing_if = "is_false")]
    pub layer_norm: bool,
}

/// What the highway of a simple recurrent unit carries past the cell, as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SkipDescription {
    /// The input where it is as wide as the output, nothing elsewhere. The paper's network: three matrices in every
    /// layer.
    #[default]
    Auto,
    /// Nothing: h = r ⊙ c.
    None,
    /// The layer's input, scaled.
    Identity,
    /// A fourth matrix times the input. The PyPI package `sru`, where input and output differ in width.
    Matrix,
}

/// What the highway of a layer carries, decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// Nothing: h = r ⊙ c.
    None,
    /// The layer's input, scaled: h = r ⊙ c + (1 − r) ⊙ x·s.
    Identity,
    /// A fourth product: h = r ⊙ c + (1 − r) ⊙ U₃.
    Matrix,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl SruDescription {
    /// 1 or 2.
    pub fn directions(&self) -> usize {
        if self.bidirectional { 2 } else { 1 }
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.directions().saturating_mul(self.hidden)
    }

    /// What the highway carries over an input `inputs` wide.
    pub fn skip(&self, inputs: usize) -> Skip {
        match self.skip {
            SkipDescription::Auto if inputs == self.outputs() => Skip::Identity,
            SkipDescription::Auto | SkipDescription::None => Skip::None,
            SkipDescription::Identity => Skip::Identity,
            SkipDescription::Matrix => Skip::Matrix,
        }
    }

    pub(super) fn check(&self, name: &str, inputs: usize) -> Result<()> {
        let place = format!("layer `{name}`");
        at_least_one(&place, "hidden", self.hidden)?;
        at_least_one(&place, "projection", self.projection.unwrap_or(1))?;
        if !(-20.0..=20.0).contains(&self.highway_bias) {
            return Err(Error::HighwayBias { layer: name.to_owned(), got: self.highway_bias });
        }
        if self.skip == SkipDescription::Identity && inputs != self.outputs() {
            return Err(Error::IdentitySkip { layer: name.to_owned(), inputs, outputs: self.outputs() });
        }
        Ok(())
    }

    /// In `u128`: no product of three `usize` written by a user overflows it by accident.
    pub(super) fn parameters(&self, inputs: usize) -> u128 {
        let [outputs, projection] = [self.outputs(), self.projection.unwrap_or(0)].map(|width| width as u128);
        let projected = self.projection.unwrap_or(inputs) as u128;
        let matrices = self.skip(inputs).matrices() as u128;
        let norm = if self.layer_norm { 2 * inputs as u128 } else { 0 };
        inputs as u128 * projection + outputs * (matrices * projected + 4) + norm
    }

    /// √(1 + 2·e^b), or 1 without rescaling.
    pub fn scale(&self) -> f64 {
        if self.rescale { (1.0 + 2.0 * libm::exp(self.highway_bias)).sqrt() } else { 1.0 }
    }
}

impl Skip {
    /// What the matrices are called: candidate, forget gate, reset gate and, for [`Skip::Matrix`], skip.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Matrix => &["candidate", "forget", "reset", "skip"],
            Self::None | Self::Identity => &["candidate", "forget", "reset"],
        }
    }

    /// Matrices of the layer, k in the literature.
    pub fn matrices(self) -> usize {
        self.names().len()
    }
}
