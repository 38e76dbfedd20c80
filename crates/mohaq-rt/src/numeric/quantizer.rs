//! From floats to codes and back.

use super::{Q16, Saturated, SaturationCount, round_f32};
use crate::{Bits, Error};

/// A uniform grid through zero: code `q` of `bits` stands for `q · scale`.
///
/// `code(x)` is `x · inverse` in one `f32` product, rounded half to even and clamped to [−2^(bits−1), 2^(bits−1) − 1].
/// `inverse` is the nearest `f32` to 1/scale, so codes are those of a division but for numbers within 2⁻²² (relative)
/// of a tie, and exactly those where the scale is a power of two. The most negative code has no positive twin: with
/// 2 bits the levels are −2, −1, 0 and 1 times the scale, and the clip is the value of the largest code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantizer {
    scale: f32,
    inverse: f32,
    bits: Bits,
}

impl Quantizer {
    /// The grid of `bits` whose largest code stands for `clip`: scale = clip / (2^(bits−1) − 1).
    ///
    /// # Errors
    /// [`Error::Clip`] unless `clip` is finite, above zero, and so large that its scale and 1/scale are normal numbers.
    pub const fn symmetric(clip: f32, bits: Bits) -> Result<Self, Error> {
        // At most 32767: exact.
        let levels = bits.max() as f32;
        let (scale, inverse) = (clip / levels, levels / clip);
        if clip > 0.0 && scale.is_normal() && inverse.is_normal() {
            Ok(Self { scale, inverse, bits })
        } else {
            Err(Error::Clip { clip })
        }
    }

    /// The grid of a 16 bit fixed-point format, which is what operands of 16 bits use.
    pub const fn fixed(format: Q16) -> Self {
        Self { scale: format.scale(), inverse: 1.0 / format.scale(), bits: Bits::Sixteen }
    }

    /// The value of code 1.
    pub const fn scale(self) -> f32 {
        self.scale
    }

    /// The width of the codes.
    pub const fn bits(self) -> Bits {
        self.bits
    }

    /// The code nearest to `x`. NaN becomes code 0 and counts as clipped.
    pub const fn code(self, x: f32) -> Saturated {
        let (min, max) = (self.bits.min() as f32, self.bits.max() as f32);
        let rounded = round_f32(x * self.inverse);
        // `max` and `min` drop a NaN, so it has to be asked for; the clamped value is an integer of at most 16 bits,
        // and the cast is exact.
        let clamped = if rounded.is_nan() { 0.0 } else { rounded.max(min).min(max) };
        Saturated { code: clamped as i16, clipped: clamped != rounded }
    }

    /// What `code` stands for.
    pub const fn value(self, code: i16) -> f32 {
        code as f32 * self.scale
    }

    /// The value on the grid that is nearest to `x`: what a float network sees instead of `x`. NaN becomes 0.
    pub const fn nearest(self, x: f32) -> f32 {
        self.value(self.code(x).code)
    }

    /// Writes the code of every value, and counts those that were clipped.
    ///
    /// # Errors
    /// [`Error::Length`] unless both slices are equally long, [`Error::Nan`] at the first value that is not a number;
    /// codes before it are written.
    pub fn codes(self, values: &[f32], codes: &mut [i16]) -> Result<SaturationCount, Error> {
        if values.len() != codes.len() {
            return Err(Error::Length { what: "codes", expected: values.len(), got: codes.len() });
        }
        let mut count = SaturationCount::default();
        for (index, (&value, code)) in values.iter().zip(codes).enumerate() {
            if value.is_nan() {
                return Err(Error::Nan { index });
            }
            *code = count.record(self.code(value));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_bits_have_the_levels_minus_two_to_one() {
        let grid = Quantizer::symmetric(0.5, Bits::Two).expect("a good clip");
        let nearest = [-9.0, -0.8, -0.3, -0.2, 0.2, 0.3, 0.9].map(|x| grid.nearest(x));
        assert_eq!(nearest, [-1.0, -1.0, -0.5, 0.0, 0.0, 0.5, 0.5]);
        assert_eq!(grid.code(0.25), Saturated { code: 0, clipped: false }, "a tie goes to the even code");
        assert_eq!(grid.code(0.9), Saturated { code: 1, clipped: true });
        assert_eq!(grid.code(-0.9), Saturated { code: -2, clipped: false });
    }

    #[test]
    fn the_clip_is_the_largest_code() {
        for bits in Bits::ALL {
            for clip in [1e-30, 0.3, 1.0, 7.7, 1e30] {
                let grid = Quantizer::symmetric(clip, bits).expect("a good clip");
                assert_eq!(i32::from(grid.code(clip).code), bits.max());
                assert_eq!(i32::from(grid.code(-clip).code), -bits.max());
                assert!((grid.value(bits.max() as i16) / clip - 1.0).abs() <= 2.0 * f32::EPSILON);
            }
        }
    }

    #[test]
    fn what_is_no_number_is_counted_or_refused() {
        let grid = Quantizer::symmetric(1.0, Bits::Eight).expect("a good clip");
        assert_eq!(grid.code(f32::NAN), Saturated { code: 0, clipped: true });
        assert_eq!(grid.code(f32::INFINITY), Saturated { code: 127, clipped: true });
        assert_eq!(grid.code(f32::NEG_INFINITY), Saturated { code: -128, clipped: true });
        let mut codes = [0; 3];
        assert_eq!(grid.codes(&[0.0, f32::NAN, 1.0], &mut codes), Err(Error::Nan { index: 1 }));
        assert_eq!(grid.codes(&[0.0, 9.0, -1.0], &mut codes), Ok(SaturationCount { clipped: 1, total: 3 }));
        assert_eq!(codes, [0, 127, -127]);
        assert_eq!(grid.codes(&[], &mut []), Ok(SaturationCount::default()));
        assert_eq!(grid.codes(&[0.0], &mut codes), Err(Error::Length { what: "codes", expected: 1, got: 3 }));
    }

    #[test]
    fn clips_without_a_scale_are_refused() {
        for clip in [0.0, -1.0, f32::NAN, f32::INFINITY, f32::MIN_POSITIVE] {
            let refused = Quantizer::symmetric(clip, Bits::Eight).expect_err("no scale");
            assert!(matches!(refused, Error::Clip { .. }), "{clip}");
        }
    }

    proptest! {
        #[test]
        fn codes_are_those_of_a_division_but_near_ties(x in -3.0_f32..3.0, clip in 0.01_f32..4.0) {
            for bits in Bits::ALL {
                let grid = Quantizer::symmetric(clip, bits).expect("a good clip");
                let exact = f64::from(x) * f64::from(bits.max()) / f64::from(clip);
                let inside = exact.clamp(bits.min().into(), bits.max().into());
                let distance = (f64::from(grid.code(x).code) - inside).abs();
                prop_assert!(distance <= 0.5 + exact.abs() / f64::from(1 << 22), "{distance} from {exact}");
            }
        }

        #[test]
        fn inside_the_clip_the_error_is_half_a_step(share in -1.0_f32..=1.0, clip in 0.01_f32..4.0) {
            for bits in Bits::ALL {
                let grid = Quantizer::symmetric(clip, bits).expect("a good clip");
                let x = share * clip;
                // Half a step, and four roundings of f32 on numbers no larger than the clip.
                let bound = 0.5 * f64::from(grid.scale()) + 4.0 * f64::from(f32::EPSILON * clip);
                prop_assert!((f64::from(grid.nearest(x)) - f64::from(x)).abs() <= bound);
                prop_assert!(!grid.code(x).clipped);
            }
        }

        #[test]
        fn values_of_codes_have_these_codes(code in i16::MIN..=i16::MAX, clip in 0.01_f32..4.0) {
            for bits in Bits::ALL {
                let code = code >> (16 - bits.count());
                let grid = Quantizer::symmetric(clip, bits).expect("a good clip");
                prop_assert_eq!(grid.code(grid.value(code)), Saturated { code, clipped: false });
            }
        }

        #[test]
        fn codes_are_monotone(a in -5.0_f32..5.0, b in -5.0_f32..5.0, clip in 0.01_f32..4.0) {
            for bits in Bits::ALL {
                let grid = Quantizer::symmetric(clip, bits).expect("a good clip");
                prop_assert!(grid.code(a.min(b)).code <= grid.code(a.max(b)).code);
            }
        }
    }
}
