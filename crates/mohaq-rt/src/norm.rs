//! A frame brought to mean 0 and variance 1, in integers.
//!
//! With N codes x of a frame, in 64 bits and but for the divisions exact:
//!
//! ```text
//! d = N·x − Σx                                     N times the distance from the mean
//! v = ⌊Σ(d / 2^s)² / N⌋ + ε                        the variance of d / 2^s, s so that no square is too large
//! r = ⌊√(v · 2^8)⌋                                 the deviation of d / 2^s, 4 bits behind the point
//! n = sat(round(d · 2^(15 − s) / r))               in Q4.11
//! y = sat(round(n·gain, shift) + bias)
//! ```
//!
//! `round` of a quotient is half away from zero, all others half to even. Source: Ba et al. 2016.

use crate::numeric::{Q16, SaturationCount, round_shift, saturate};
use crate::{Bits, Error};

/// Format of a frame of mean 0 and variance 1: Q4.11. ±16 holds every number of up to 257 of them.
pub const NORMAL: Q16 = match Q16::new(11) {
    Some(format) => format,
    None => unreachable!(),
};

/// Bits behind the point of the deviation.
const ROOT_BITS: u32 = 4;

/// Most numbers of a frame: then N·x has 32 bits and a sign.
pub const MAX_WIDTH: usize = 1 << 16;

/// What a normalisation needs beside gain and bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Norm {
    /// ε in the unit of x, twice: added to the variance of codes, in 1/256.
    pub(crate) epsilon: u32,
    /// From n times gain to the result.
    pub(crate) shift: u32,
}

/// Largest shift of a [`Norm`].
pub(crate) const MAX_SHIFT: u32 = 26;

impl Norm {
    /// A normalisation of codes in `from` with ε added to their variance, a gain in `gain` and results in `to`.
    ///
    /// # Errors
    /// [`Error::Formats`] where the result's format is finer than that of [`NORMAL`] times gain.
    pub fn new(epsilon: f64, from: Q16, gain: Q16, to: Q16) -> Result<Self, Error> {
        let error = Error::Formats { vector: gain, state: from, hidden: to };
        let shift = (NORMAL.fraction() + gain.fraction()).checked_sub(to.fraction()).ok_or(error)?;
        // At most 10⁻³ · 2³⁰ · 2⁸ of a sane ε; a larger one is cut.
        let codes = epsilon * f64::from(1_u32 << (2 * from.fraction()).min(31)) * 256.0;
        Ok(Self { epsilon: codes.clamp(1.0, f64::from(u32::MAX)) as u32, shift })
    }

    /// The normalisation with these parts, `None` where there is none such: for reading a stored one.
    pub const fn from_parts(epsilon: u32, shift: u32) -> Option<Self> {
        if epsilon > 0 && shift <= MAX_SHIFT { Some(Self { epsilon, shift }) } else { None }
    }

    /// ε in 1/256 of the square of a code.
    pub const fn epsilon(self) -> u32 {
        self.epsilon
    }

    /// From n times gain to the result.
    pub const fn shift(self) -> u32 {
        self.shift
    }

    /// Normalises `codes` to `outputs`, both of the length of `gain` and `bias`, 1 to [`MAX_WIDTH`].
    pub(crate) fn apply(
        self,
        codes: &[i16],
        affine: impl Iterator<Item = [i16; 2]>,
        outputs: &mut [i16],
        count: &mut SaturationCount,
    ) {
        let width = codes.len() as i64;
        let sum: i64 = codes.iter().map(|&code| i64::from(code)).sum();
        let distance = |code: i16| width * i64::from(code) - sum;
        // 33 bits and a sign at most; squares of 24 bits leave room for 2^16 of them in 64.
        let largest = codes.iter().map(|&code| distance(code).unsigned_abs()).max().unwrap_or(0);
        let scale = (u64::BITS - largest.leading_zeros()).saturating_sub(23);
        let square = |code: i16| {
            let small = distance(code) >> scale;
            (small * small).cast_unsigned()
        };
        let variance = codes.iter().map(|&code| square(code)).sum::<u64>() / codes.len() as u64;
        let root = self.root(variance, width.cast_unsigned(), scale);
        for ((&code, [gain, bias]), output) in codes.iter().zip(affine).zip(outputs) {
            let normal = count.record(saturate(quotient(distance(code), root, scale), Bits::Sixteen));
            let scaled = round_shift(i64::from(normal) * i64::from(gain), self.shift);
            *output = count.record(saturate(scaled + i64::from(bias), Bits::Sixteen));
        }
    }

    /// ⌊√((variance + ε·N²/2^(2s)) · 2^8)⌋, at least 1.
    fn root(self, variance: u64, width: u64, scale: u32) -> u64 {
        // ε has 8 bits behind the point already: those that the root wants.
        let epsilon = (u128::from(self.epsilon) * u128::from(width) * u128::from(width)) >> (2 * scale);
        let radicand = (u128::from(variance) << (2 * ROOT_BITS)).saturating_add(epsilon);
        u64::try_from(radicand).unwrap_or(u64::MAX).isqrt().max(1)
    }
}

/// round(distance · 2^(11 + 4 − scale) / root), half away from zero.
fn quotient(distance: i64, root: u64, scale: u32) -> i64 {
    let raise = NORMAL.fraction() + ROOT_BITS;
    // 33 + 15 bits.
    let dividend = distance.unsigned_abs() << raise;
    let divisor = u128::from(root) << scale;
    let magnitude = (u128::from(dividend) + divisor / 2) / divisor;
    let magnitude = i64::try_from(magnitude).unwrap_or(i64::MAX);
    if distance < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn a_frame_comes_to_mean_0_and_variance_1(codes in prop::collection::vec(any::<i16>(), 2..200), small in 0_u32..12) {
            let codes: Vec<i16> = codes.into_iter().map(|code| code >> small).collect();
            let format = |fraction| Q16::new(fraction).expect("a format");
            let norm = Norm::new(1e-5, format(12), format(14), format(11)).expect("good formats");
            let mut outputs = vec![0; codes.len()];
            let mut count = SaturationCount::default();
            let (gain, bias) = (24_576, 512);
            norm.apply(&codes, codes.iter().map(|_| [gain, bias]), &mut outputs, &mut count);
            let values: Vec<f64> = codes.iter().map(|&code| f64::from(code) / 4096.0).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / values.len() as f64;
            for (&got, x) in outputs.iter().zip(&values) {
                let exact = 1.5 * (x - mean) / libm::sqrt(variance + 1e-5) + 0.25;
                let got = f64::from(got) / 2048.0;
                // 4 bits behind the point of a deviation of 2^11 and more are exact to 2⁻¹⁵; smaller ones are as rough as
                // the codes that made them.
                let bound = 0.002 + 0.02 * exact.abs() / f64::from(1_u32 << (12 - small)).sqrt().max(1.0);
                prop_assert!((got - exact.clamp(-16.0, 15.9995)).abs() <= bound, "{got} {exact}");
            }
        }
    }

    #[test]
    fn a_frame_of_one_number_or_of_equal_ones_is_its_bias() {
        let norm = Norm::from_parts(1, 14).expect("good parts");
        for codes in [vec![i16::MIN], vec![7; 9], vec![i16::MAX; 300]] {
            let mut outputs = vec![0; codes.len()];
            norm.apply(&codes, codes.iter().map(|_| [16_384, 5]), &mut outputs, &mut SaturationCount::default());
            assert!(outputs.iter().all(|&output| output == 5), "{outputs:?}");
        }
    }
}
