//! From an accumulator's scale to a format's, in integers.

use super::round::{round_shift, round_shift_wide};
use super::saturate::{Saturated, saturate};
use crate::{Bits, Error};

/// Multiplies by `multiplier / 2^shift` and rounds half to even, once.
///
/// `multiplier` is in 2²¹ … 2²² − 1, so the rational number is within 2⁻²² (relative) of the ratio it was made from, and
/// a 16 bit result lies within ½ + 2⁻⁷ of the exact one.
///
/// Widths: a 32 bit accumulator times a multiplier needs 53 bits, a 64 bit one 85 bits; the assertions below prove it.
/// 53 bits are those of an `f64`'s significand. So a machine whose vector unit multiplies doubles faster than 64 bit
/// integers computes [`apply_i32`](Self::apply_i32) with [`ratio`](Self::ratio): product exact, and one rounding, half
/// to even, in the conversion. That is why the multiplier has 22 bits and not 31.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Requantizer {
    multiplier: i32,
    shift: u32,
}

const _: () = assert!(i32::MIN as i64 * ((1 << MULTIPLIER_BITS) - 1) >= -(1 << 53));
const _: () = assert!(i64::MIN as i128 * ((1 << MULTIPLIER_BITS) - 1) >= -(1 << 85));

/// Stored bits of an `f64` significand.
const SIGNIFICAND_BITS: u32 = 52;
/// Exponent field of an `f64` in [½, 1).
const EXPONENT_OF_HALF: i32 = 1022;
/// Bits of the multiplier.
const MULTIPLIER_BITS: u32 = 22;

impl Requantizer {
    /// Largest shift, that of the smallest ratio, 2⁻³².
    pub const MAX_SHIFT: u32 = 53;

    /// The nearest `multiplier / 2^shift` to `ratio`, which is s_w·s_x/s_y for a site.
    ///
    /// # Errors
    /// [`Error::Ratio`] unless 2⁻³² ≤ `ratio` < 2²² (less half a multiplier's step): below, every 32 bit accumulator
    /// would become 0; above, every sum but 0 would saturate.
    pub const fn new(ratio: f64) -> Result<Self, Error> {
        const SMALLEST: f64 = 1.0 / (1_u64 << 32) as f64;
        const LARGEST: f64 = (1_u64 << MULTIPLIER_BITS) as f64;
        if !(ratio >= SMALLEST && ratio < LARGEST) {
            return Err(Error::Ratio { ratio });
        }
        // ratio = significand / 2^53 · 2^exponent with 2^52 ≤ significand < 2^53, exactly, as it is positive and normal.
        let fields = ratio.to_bits();
        let exponent = (fields >> SIGNIFICAND_BITS) as i32 - EXPONENT_OF_HALF;
        let significand = (fields & ((1 << SIGNIFICAND_BITS) - 1)) | (1 << SIGNIFICAND_BITS);
        let multiplier = round_shift(significand.cast_signed(), SIGNIFICAND_BITS + 1 - MULTIPLIER_BITS);
        // Rounding up may reach 2^22, which is 2^21 with one shift less.
        let carry = multiplier >> MULTIPLIER_BITS;
        let shift = MULTIPLIER_BITS as i32 - exponent - carry as i32;
        if shift < 0 {
            return Err(Error::Ratio { ratio });
        }
        Ok(Self { multiplier: (multiplier >> carry) as i32, shift: shift.cast_unsigned() })
    }

    /// The requantizer with these parts, `None` unless 2²¹ ≤ `multiplier` < 2²² and `shift` ≤ 53: for reading a stored
    /// one.
    pub const fn from_parts(multiplier: i32, shift: u32) -> Option<Self> {
        let normal = multiplier >> (MULTIPLIER_BITS - 1) == 1;
        if normal && shift <= Self::MAX_SHIFT { Some(Self { multiplier, shift }) } else { None }
    }

    /// 2²¹ … 2²² − 1.
    pub const fn multiplier(self) -> i32 {
        self.multiplier
    }

    /// 0 … 53.
    pub const fn shift(self) -> u32 {
        self.shift
    }

    /// What is multiplied by, exactly: 22 bits fit a double.
    pub const fn ratio(self) -> f64 {
        self.multiplier as f64 / (1_u64 << self.shift) as f64
    }

    /// `accumulator · multiplier / 2^shift`, rounded half to even; the nearest end where 64 bits do not hold it.
    pub const fn scaled(self, accumulator: i64) -> i64 {
        if accumulator as i32 as i64 == accumulator {
            // Nearly always, and cheap on machines without wide products.
            return round_shift(accumulator * self.multiplier as i64, self.shift);
        }
        let scaled = round_shift_wide(accumulator as i128 * self.multiplier as i128, self.shift);
        if scaled > i64::MAX as i128 {
            i64::MAX
        } else if scaled < i64::MIN as i128 {
            i64::MIN
        } else {
            scaled as i64
        }
    }

    /// [`scaled`](Self::scaled), saturated to `bits`.
    pub const fn apply(self, accumulator: i64, bits: Bits) -> Saturated {
        saturate(self.scaled(accumulator), bits)
    }

    /// [`apply`](Self::apply) for a 32 bit accumulator, in 64 bit arithmetic; the results are equal.
    pub const fn apply_i32(self, accumulator: i32, bits: Bits) -> Saturated {
        saturate(round_shift(accumulator as i64 * self.multiplier as i64, self.shift), bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_are_those_of_a_hand_calculation() {
        let parts = |ratio| Requantizer::new(ratio).map(|r| (r.multiplier(), r.shift()));
        assert_eq!(parts(1.0), Ok((1 << 21, 21)));
        assert_eq!(parts(0.75), Ok((3 << 20, 22)));
        assert_eq!(parts(1.0 / 1024.0), Ok((1 << 21, 31)));
        // 2^22 / 3 = 1,398,101.33 is below 2^21; doubled, 2,796,202.67 rounds up.
        assert_eq!(parts(1.0 / 3.0), Ok((2_796_203, 23)));
        // All ones round up to the next power of two.
        assert_eq!(parts(1.0 - f64::EPSILON), Ok((1 << 21, 21)));
    }

    #[test]
    fn the_ends_of_the_range_are_where_the_error_says() {
        let (smallest, largest) = (1.0 / 4_294_967_296.0, 4_194_303.0);
        assert_eq!(Requantizer::new(smallest).map(Requantizer::shift), Ok(Requantizer::MAX_SHIFT));
        assert_eq!(Requantizer::new(largest).map(|r| (r.multiplier(), r.shift())), Ok((4_194_303, 0)));
        let below = f64::from_bits(smallest.to_bits() - 1);
        let rounds_to_two_to_the_22 = f64::from_bits(4_194_304_f64.to_bits() - 1);
        for ratio in [0.0, -1.0, below, rounds_to_two_to_the_22, 4_194_304.0, f64::INFINITY, f64::NAN] {
            assert!(matches!(Requantizer::new(ratio), Err(Error::Ratio { .. })), "{ratio}");
        }
        for multiplier in [(1 << 21) - 1, 1 << 22, 0, -(1 << 21), i32::MAX] {
            assert_eq!(Requantizer::from_parts(multiplier, 0), None);
        }
        assert_eq!(Requantizer::from_parts(1 << 21, 54), None);
        assert_eq!(Requantizer::from_parts(1 << 21, 21), Requantizer::new(1.0).ok());
    }

    #[test]
    fn halves_go_to_the_even_code() {
        let half = Requantizer::new(0.5).expect("in range");
        let codes = [1, 3, 5, -1, -3, -5].map(|sum| half.apply_i32(sum, Bits::Eight).code);
        assert_eq!(codes, [0, 2, 2, 0, -2, -2]);
    }

    #[test]
    fn the_largest_accumulators_saturate_without_overflow() {
        let largest = Requantizer::from_parts((1 << 22) - 1, 0).expect("in range");
        for bits in Bits::ALL {
            assert_eq!(i32::from(largest.apply(i64::MIN, bits).code), bits.min());
            assert_eq!(i32::from(largest.apply(i64::MAX, bits).code), bits.max());
            assert!(largest.apply_i32(i32::MIN, bits).clipped && largest.apply_i32(i32::MAX, bits).clipped);
        }
        let smallest = Requantizer::from_parts(1 << 21, 53).expect("in range");
        // −2^31 · 2^21 / 2^53 is the tie −½.
        assert_eq!(smallest.apply_i32(i32::MIN, Bits::Two), Saturated { code: 0, clipped: false });
    }

    proptest! {
        #[test]
        fn the_ratio_is_kept_to_two_to_the_minus_22(significand in 1.0_f64..2.0, exponent in -32_i32..22) {
            let ratio = significand * 2.0_f64.powi(exponent);
            prop_assume!(ratio < 4_194_303.5);
            let kept = Requantizer::new(ratio).expect("in range");
            prop_assert!((kept.ratio() / ratio - 1.0).abs() <= 1.0 / f64::from(1_u32 << 22) + f64::EPSILON);
            prop_assert_eq!(Requantizer::from_parts(kept.multiplier(), kept.shift()), Some(kept));
        }

        #[test]
        fn both_widths_agree_and_equal_the_definition(sum: i32, small in -4000_i32..4000, multiplier in 1 << 21..1 << 22,
                                                       shift in 0_u32..=53) {
            let requantizer = Requantizer::from_parts(multiplier, shift).expect("in range");
            for sum in [sum, small] {
                let (product, unit) = (i128::from(sum) * i128::from(multiplier), 1_i128 << shift);
                let (floor, twice) = (product.div_euclid(unit), 2 * product.rem_euclid(unit));
                let exact = floor + i128::from(twice > unit || (twice == unit && floor % 2 != 0));
                for bits in Bits::ALL {
                    let code = exact.clamp(bits.min().into(), bits.max().into());
                    let got = requantizer.apply_i32(sum, bits);
                    prop_assert_eq!((i128::from(got.code), got.clipped), (code, code != exact));
                    prop_assert_eq!(requantizer.apply(sum.into(), bits), got);
                    let in_doubles = (f64::from(sum) * requantizer.ratio()).round_ties_even() as i64;
                    prop_assert_eq!(saturate(in_doubles, bits), got);
                }
            }
        }

        #[test]
        fn results_are_near_the_real_product(sum in -1_000_000_i32..1_000_000, ratio in 1e-6_f64..0.03) {
            let got = Requantizer::new(ratio).expect("in range").apply_i32(sum, Bits::Sixteen);
            let real = f64::from(sum) * ratio;
            let bound = 0.5 + real.abs() / f64::from(1_u32 << 22) + 1e-9;
            prop_assert!((f64::from(got.code) - real).abs() <= bound || got.clipped);
        }
    }
}
