//! Saturation: the nearest end of the range, and the fact that it happened.

use crate::Bits;

/// A code, and whether the number it stands for lay outside of the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saturated {
    /// The code; every width up to 16 bits fits.
    pub code: i16,
    /// The number was outside of the range (or no number), and `code` is its nearest end (or 0).
    pub clipped: bool,
}

/// The nearest code of `bits` to `value`.
pub const fn saturate(value: i64, bits: Bits) -> Saturated {
    let (min, max) = (bits.min() as i64, bits.max() as i64);
    let nearest = if value < min {
        min
    } else if value > max {
        max
    } else {
        value
    };
    // Bits::Sixteen is the widest, and its ends are those of an i16.
    Saturated { code: nearest as i16, clipped: nearest != value }
}

/// How many of the codes that went by were clipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SaturationCount {
    /// Clipped codes.
    pub clipped: u64,
    /// All codes.
    pub total: u64,
}

impl SaturationCount {
    /// Counts `saturated` and returns its code.
    pub const fn record(&mut self, saturated: Saturated) -> i16 {
        self.clipped += saturated.clipped as u64;
        self.total += 1;
        saturated.code
    }

    /// Adds what another counter saw.
    pub const fn merge(&mut self, other: Self) {
        self.clipped += other.clipped;
        self.total += other.total;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ends_are_inside_and_their_neighbours_are_not() {
        for bits in Bits::ALL {
            let (min, max) = (i64::from(bits.min()), i64::from(bits.max()));
            assert_eq!(saturate(min, bits), Saturated { code: bits.min() as i16, clipped: false });
            assert_eq!(saturate(max, bits), Saturated { code: bits.max() as i16, clipped: false });
            assert_eq!(saturate(min - 1, bits), Saturated { code: bits.min() as i16, clipped: true });
            assert_eq!(saturate(max + 1, bits), Saturated { code: bits.max() as i16, clipped: true });
        }
        assert_eq!(saturate(i64::MIN, Bits::Two).code, -2);
        assert_eq!(saturate(i64::MAX, Bits::Sixteen).code, i16::MAX);
    }

    #[test]
    fn counters_add_up() {
        let mut first = SaturationCount::default();
        let codes = [300, -3, 127, -129].map(|value| first.record(saturate(value, Bits::Eight)));
        assert_eq!(codes, [127, -3, 127, -128]);
        assert_eq!(first, SaturationCount { clipped: 2, total: 4 });
        let mut second = first;
        second.merge(first);
        assert_eq!(second, SaturationCount { clipped: 4, total: 8 });
    }

    proptest! {
        #[test]
        fn saturation_is_a_clamp(value: i64) {
            for bits in Bits::ALL {
                let expected = value.clamp(bits.min().into(), bits.max().into());
                prop_assert_eq!(i64::from(saturate(value, bits).code), expected);
                prop_assert_eq!(saturate(value, bits).clipped, expected != value);
            }
        }
    }
}
