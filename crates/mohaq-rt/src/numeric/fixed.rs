//! 16 bit fixed point.

use super::{Quantizer, Saturated};
use crate::Error;

/// A 16 bit fixed-point format: code `q` stands for `q / 2^fraction`. `Q1.14` has a sign, 1 bit before the point and 14
/// behind it.
///
/// Operands of 16 bits and all elementwise work use one of three, chosen for a tensor by the largest magnitude in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Q16 {
    fraction: u32,
}

impl Q16 {
    /// Range ±2, step 2⁻¹⁴.
    pub const Q1_14: Self = Self { fraction: 14 };
    /// Range ±32, step 2⁻¹⁰.
    pub const Q5_10: Self = Self { fraction: 10 };
    /// Range ±256, step 2⁻⁷.
    pub const Q8_7: Self = Self { fraction: 7 };
    /// Every format, finest first: the order in which they are tried.
    pub const ALL: [Self; 3] = [Self::Q1_14, Self::Q5_10, Self::Q8_7];

    /// The finest format whose range holds `max_abs`, the largest magnitude of a tensor.
    ///
    /// Numbers in the last step below the range's end saturate by less than one step, as in the paper.
    ///
    /// # Errors
    /// [`Error::Range`] from 256 on, and for NaN.
    ///
    /// Source: MOHAQ (arXiv 2108.01192), 16 bit fixed point.
    pub const fn for_max_abs(max_abs: f32) -> Result<Self, Error> {
        let mut next = 0;
        while next < Self::ALL.len() {
            if max_abs.abs() < Self::ALL[next].range() {
                return Ok(Self::ALL[next]);
            }
            next += 1;
        }
        Err(Error::Range { max_abs })
    }

    /// Bits behind the point.
    pub const fn fraction(self) -> u32 {
        self.fraction
    }

    /// The value of code 1: 2^−fraction.
    pub const fn scale(self) -> f32 {
        1.0 / (1_u32 << self.fraction) as f32
    }

    /// One step beyond the largest value: 2^(15−fraction).
    pub const fn range(self) -> f32 {
        (1_u32 << (15 - self.fraction)) as f32
    }

    /// The code nearest to `x`, half to even; exact where no clipping happens, as scaling by a power of two is.
    /// NaN becomes code 0 and counts as clipped.
    pub const fn code(self, x: f32) -> Saturated {
        Quantizer::fixed(self).code(x)
    }

    /// What `code` stands for, exactly.
    pub const fn value(self, code: i16) -> f32 {
        Quantizer::fixed(self).value(code)
    }
}

impl core::fmt::Display for Q16 {
    /// `Q5.10`
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Q{}.{}", 15 - self.fraction, self.fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    #[test]
    fn the_finest_format_that_holds_the_tensor_is_taken() {
        let chosen = |max_abs| Q16::for_max_abs(max_abs).map(Q16::fraction);
        assert_eq!(chosen(0.0), Ok(14));
        assert_eq!(chosen(1.999_9), Ok(14));
        assert_eq!(chosen(2.0), Ok(10));
        assert_eq!(chosen(31.99), Ok(10));
        assert_eq!(chosen(32.0), Ok(7));
        assert_eq!(chosen(255.99), Ok(7));
        assert_eq!(chosen(256.0), Err(Error::Range { max_abs: 256.0 }));
        assert_eq!(chosen(f32::INFINITY), Err(Error::Range { max_abs: f32::INFINITY }));
        assert!(matches!(chosen(f32::NAN), Err(Error::Range { .. })));
    }

    #[test]
    fn names_and_steps_agree() {
        assert_eq!(Q16::ALL.map(|format| format.to_string()), ["Q1.14", "Q5.10", "Q8.7"]);
        assert_eq!(Q16::ALL.map(Q16::range), [2.0, 32.0, 256.0]);
        assert_eq!(Q16::Q5_10.scale(), 1.0 / 1024.0);
        assert_eq!(Q16::Q8_7.value(i16::MIN), -256.0);
    }

    #[test]
    fn every_code_returns_from_its_value() {
        for format in Q16::ALL {
            for code in i16::MIN..=i16::MAX {
                assert_eq!(format.code(format.value(code)), Saturated { code, clipped: false });
            }
        }
    }

    proptest! {
        #[test]
        fn codes_are_the_rounded_multiples(x in -300.0_f32..300.0) {
            for format in Q16::ALL {
                let exact = f64::from(x) * f64::from(1 << format.fraction());
                let rounded = exact.round_ties_even();
                let code = format.code(x);
                prop_assert_eq!(f64::from(code.code), rounded.clamp(-32768.0, 32767.0));
                prop_assert_eq!(code.clipped, !(-32768.0..=32767.0).contains(&rounded));
            }
        }
    }
}
