//! How wide a sum of products must be to be exact.

use crate::Bits;

/// The integer in which a site's products are summed. Sums are exact in both, so the choice changes no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Accumulator {
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

/// Largest magnitude of one product, 2^(weight + activation − 2): that of the two most negative codes.
pub const fn max_product(weight: Bits, activation: Bits) -> u64 {
    (weight.min() as i64 * activation.min() as i64).cast_unsigned()
}

impl Accumulator {
    /// Largest sum.
    pub const fn max(self) -> u64 {
        match self {
            Self::I32 => i32::MAX.cast_unsigned() as u64,
            Self::I64 => i64::MAX.cast_unsigned(),
        }
    }

    /// How many products of these widths can be summed, in any order, without overflow.
    ///
    /// Every partial sum of `n` products has magnitude at most `n · max_product`, which must not exceed the largest
    /// sum; the smallest is one further away and needs no care.
    pub const fn max_depth(self, weight: Bits, activation: Bits) -> u64 {
        self.max() / max_product(weight, activation)
    }

    /// The narrowest accumulator that sums `depth` products of these widths exactly, `None` if neither does.
    pub const fn exact_for(weight: Bits, activation: Bits, depth: u64) -> Option<Self> {
        if depth <= Self::I32.max_depth(weight, activation) {
            Some(Self::I32)
        } else if depth <= Self::I64.max_depth(weight, activation) {
            Some(Self::I64)
        } else {
            None
        }
    }
}

// A row that fits the memory of a 32 bit machine is summed exactly at every width: 64 bits are always enough.
const _: () = assert!(Accumulator::I64.max_depth(Bits::Sixteen, Bits::Sixteen) > u32::MAX as u64);
// Up to 8 by 8 bits, 32 bits are enough for rows of 131,071 inputs, a hundred times those of the paper's network.
const _: () = assert!(Accumulator::I32.max_depth(Bits::Eight, Bits::Eight) >= (1 << 17) - 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_are_those_of_a_hand_calculation() {
        use Bits::{Eight, Four, Sixteen, Two};
        // (2^31 − 1) / 2^(w+a−2), rounded down.
        for (weight, activation, depth) in [
            (Eight, Eight, 131_071),  // 2^31 / 2^14 = 2^17, less one
            (Four, Eight, 2_097_151), // 2^10: 2^21, less one
            (Two, Two, 536_870_911),  // 2^2: 2^29, less one
            (Two, Sixteen, 32_767),   // 2^16: 2^15, less one
            (Eight, Sixteen, 511),    // 2^22: 2^9, less one
            (Sixteen, Sixteen, 1),    // 2^30: two of them are 2^31, one too many
        ] {
            assert_eq!(Accumulator::I32.max_depth(weight, activation), depth);
            assert_eq!(Accumulator::I32.max_depth(activation, weight), depth);
        }
    }

    #[test]
    fn the_deepest_row_of_extremes_fits_and_one_more_does_not() {
        for weight in Bits::ALL {
            for activation in Bits::ALL {
                let depth = Accumulator::I32.max_depth(weight, activation);
                let product = i128::from(weight.min()) * i128::from(activation.min());
                assert!(i128::from(depth) * product <= i128::from(i32::MAX));
                assert!(i128::from(depth + 1) * product > i128::from(i32::MAX));
                let lowest = i128::from(depth) * i128::from(weight.min()) * i128::from(activation.max());
                assert!(lowest >= i128::from(i32::MIN));
            }
        }
    }

    #[test]
    fn the_narrowest_exact_accumulator_is_named() {
        let exact = |bits, depth| Accumulator::exact_for(bits, bits, depth);
        assert_eq!(exact(Bits::Eight, 131_071), Some(Accumulator::I32));
        assert_eq!(exact(Bits::Eight, 131_072), Some(Accumulator::I64));
        assert_eq!(exact(Bits::Sixteen, 0), Some(Accumulator::I32));
        assert_eq!(exact(Bits::Sixteen, 1100), Some(Accumulator::I64));
        assert_eq!(exact(Bits::Sixteen, 1 << 33), None, "2^33 products of 2^30 are 2^63, one too many");
    }
}
