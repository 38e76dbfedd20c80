//! What the codes of a quantized network stand for: of an image there are ratios of scales alone.

use super::calibrate::OperandRange;
use mohaq_rt::Bits;

/// Scales and formats at one site.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteScales {
    /// The value of code 1 of the inputs; 0 for a tensor of zeros.
    pub input: f64,
    /// The same of the weights: one, or one a column.
    pub weights: Vec<f64>,
    /// Bits behind the point of every column's result.
    pub fractions: Vec<u32>,
}

/// The value of code 1 at `bits`: one, or one an output. Where the clip is 0 every code is 0, and any value will do.
pub(super) fn scales(range: &OperandRange, bits: Bits) -> Vec<f64> {
    match range.clips(bits) {
        Some(clips) => clips.iter().map(|&clip| f64::from(clip / bits.max() as f32)).collect(),
        None => vec![1.0 / f64::from(1_u32 << range.fraction16)],
    }
}
