//! 16 bit fixed point.

use super::{Quantizer, Saturated, round_shift, saturate};
use crate::{Bits, Error};

/// A 16 bit fixed-point format: code `q` stands for `q / 2^fraction`. `Q1.14` has a sign, 1 bit before the point and 14
/// behind it.
///
/// Operands of 16 bits use one of three ([`Q16::ALL`]), chosen for a tensor by the largest magnitude in it. Elementwise
/// work has formats of its own, any of the sixteen ([`Q16::finest`]).
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

    /// The format with `fraction` bits behind the point, `None` from 16 on.
    pub const fn new(fraction: u32) -> Option<Self> {
        if fraction < 16 { Some(Self { fraction }) } else { None }
    }

    /// The finest of all sixteen formats whose range holds `max_abs`: for tensors that are no operand of a product.
    ///
    /// # Errors
    /// [`Error::Range`] from 32768 on, and for NaN.
    pub const fn finest(max_abs: f32) -> Result<Self, Error> {
        let mut fraction = 16;
        while fraction > 0 {
            fraction -= 1;
            let format = Self { fraction };
            if max_abs.abs() < format.range() {
                return Ok(format);
            }
        }
        Err(Error::Range { max_abs })
    }

    /// The finest format for an operand of 16 bits whose range holds `max_abs`, the largest magnitude of a tensor.
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

    /// The code in this format of what `code` stands for in `from`: rounded half to even where this one is coarser,
    /// saturated where its range is smaller.
    pub const fn rescale(self, code: i16, from: Self) -> Saturated {
        let code = code as i64;
        let wide = if self.fraction >= from.fraction {
            code << (self.fraction - from.fraction)
        } else {
            round_shift(code, from.fraction - self.fraction)
        };
        saturate(wide, Bits::Sixteen)
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
    fn the_finest_of_all_formats_is_a_power_of_two_above_the_tensor() {
        let finest = |max_abs| Q16::finest(max_abs).map(|format| format.to_string());
        assert_eq!(finest(0.0).as_deref(), Ok("Q0.15"));
        assert_eq!(finest(0.999).as_deref(), Ok("Q0.15"));
        assert_eq!(finest(1.0).as_deref(), Ok("Q1.14"));
        assert_eq!(finest(-5.0).as_deref(), Ok("Q3.12"));
        assert_eq!(finest(32_767.9).as_deref(), Ok("Q15.0"));
        for absurd in [32_768.0, f32::INFINITY, f32::NAN] {
            assert!(matches!(Q16::finest(absurd), Err(Error::Range { .. })));
        }
        assert_eq!(Q16::new(16), None);
        assert_eq!(Q16::new(14), Some(Q16::Q1_14));
    }

    #[test]
    fn a_code_changes_its_format_by_the_nearest_value() {
        let rescaled = |code| Q16::Q5_10.rescale(code, Q16::Q1_14);
        assert_eq!([16, 8, 24, -8, -24, 7].map(|code| rescaled(code).code), [1, 0, 2, 0, -2, 0]);
        assert_eq!(Q16::Q1_14.rescale(3, Q16::Q5_10), Saturated { code: 48, clipped: false });
        assert_eq!(Q16::Q1_14.rescale(-3000, Q16::Q5_10), Saturated { code: i16::MIN, clipped: true });
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
