//! Rounding to the nearest, half to even.

/// 2²³: from here on every `f32` is an integer.
const INTEGERS_F32: f32 = 8_388_608.0;
/// 2⁵²: from here on every `f64` is an integer.
const INTEGERS_F64: f64 = 4_503_599_627_370_496.0;

/// The nearest integer to `x`, half to even, as a float. NaN and infinities stay what they are; −0 keeps its sign.
///
/// The sum with 2²³ has no bits left below one, so the addition itself rounds, in the only mode that Rust's floats
/// have, and the subtraction is exact. The standard library's `round_ties_even` does not exist without it.
pub const fn round_f32(x: f32) -> f32 {
    if x.abs() < INTEGERS_F32 { (x.abs() + INTEGERS_F32 - INTEGERS_F32).copysign(x) } else { x }
}

/// The nearest integer to `x`, half to even, as a float: [`round_f32`] in double precision.
pub const fn round_f64(x: f64) -> f64 {
    if x.abs() < INTEGERS_F64 { (x.abs() + INTEGERS_F64 - INTEGERS_F64).copysign(x) } else { x }
}

/// `value / 2^shift` rounded half to even, for every `value` and every `shift`.
///
/// The quotient of −2⁶³ and 2⁶⁴ is the tie −½ and rounds to 0, so from 64 on the result is 0.
pub const fn round_shift(value: i64, shift: u32) -> i64 {
    match shift {
        0 => value,
        1..64 => {
            let floor = value >> shift;
            // 0 … 2^shift − 1, in unsigned arithmetic as 2^63 has no place in an i64.
            let rest = value.cast_unsigned() & (u64::MAX >> (64 - shift));
            let half = 1_u64 << (shift - 1);
            let up = rest > half || (rest == half && floor & 1 == 1);
            floor + up as i64
        }
        _ => 0,
    }
}

/// [`round_shift`] of a product that 64 bits do not hold; `shift` is below 128.
pub(super) const fn round_shift_wide(value: i128, shift: u32) -> i128 {
    if shift == 0 {
        return value;
    }
    let floor = value >> shift;
    let rest = value.cast_unsigned() & (u128::MAX >> (128 - shift));
    let half = 1_u128 << (shift - 1);
    let up = rest > half || (rest == half && floor & 1 == 1);
    floor + up as i128
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_go_to_the_even_neighbour() {
        for (x, nearest) in [(0.5, 0.0), (1.5, 2.0), (2.5, 2.0), (-0.5, -0.0), (-1.5, -2.0), (-2.5, -2.0)] {
            assert_eq!(round_f32(x).to_bits(), f32::to_bits(nearest), "{x}");
            assert_eq!(round_f64(x.into()).to_bits(), f64::to_bits(nearest.into()), "{x}");
        }
        // In quarters: 2 is a half, 6 one and a half, 10 two and a half.
        for (quarters, nearest) in [(2, 0), (6, 2), (10, 2), (-2, 0), (-6, -2), (-10, -2), (3, 1), (-3, -1), (1, 0)] {
            assert_eq!(round_shift(quarters, 2), nearest, "{quarters}/4");
        }
    }

    #[test]
    fn the_ends_of_the_range_round_without_overflow() {
        assert_eq!(round_shift(i64::MIN, 0), i64::MIN);
        assert_eq!(round_shift(i64::MAX, 1), 1 << 62);
        assert_eq!(round_shift(i64::MIN, 63), -1);
        assert_eq!(round_shift(i64::MAX, 63), 1);
        assert_eq!(round_shift(i64::MIN, 64), 0);
        assert_eq!(round_shift(i64::MAX, u32::MAX), 0);
        assert!(round_f32(f32::NAN).is_nan());
        assert_eq!(round_f32(f32::NEG_INFINITY), f32::NEG_INFINITY);
        assert_eq!(round_f32(8_388_607.5), 8_388_608.0);
    }

    /// The definition, with 128 bits and a division: the integer q with 2|value − q·2^shift| < 2^shift, or even in a tie.
    fn naive_shift(value: i64, shift: u32) -> i64 {
        let (value, unit) = (i128::from(value), 1_i128 << shift);
        let floor = value.div_euclid(unit);
        let twice = 2 * value.rem_euclid(unit);
        let nearest = floor + i128::from(twice > unit || (twice == unit && floor % 2 != 0));
        nearest.try_into().expect("a quotient is not larger than its dividend")
    }

    proptest! {
        #[test]
        fn floats_round_as_the_standard_library_does(bits: u32, wide: u64) {
            let (x, y) = (f32::from_bits(bits), f64::from_bits(wide));
            prop_assert!(round_f32(x).to_bits() == x.round_ties_even().to_bits() || x.is_nan());
            prop_assert!(round_f64(y).to_bits() == y.round_ties_even().to_bits() || y.is_nan());
        }

        #[test]
        fn floats_round_as_the_standard_library_does_near_ties(halves in -40_000_i32..40_000, ulp in -2_i32..=2) {
            let tie = halves as f32 * 0.5;
            let x = f32::from_bits(tie.to_bits().wrapping_add_signed(ulp));
            prop_assert!(round_f32(x).to_bits() == x.round_ties_even().to_bits() || x.is_nan());
        }

        #[test]
        fn integers_round_by_definition(value: i64, small in -70_i64..70, shift in 0_u32..=64) {
            for value in [value, small, small << 20] {
                prop_assert_eq!(round_shift(value, shift), naive_shift(value, shift));
                prop_assert_eq!(round_shift_wide(value.into(), shift), naive_shift(value, shift).into());
            }
        }

        #[test]
        fn rounding_is_symmetric_about_zero(value in -i64::MAX..=i64::MAX, shift in 0_u32..70) {
            prop_assert_eq!(round_shift(-value, shift), -round_shift(value, shift));
        }
    }
}
