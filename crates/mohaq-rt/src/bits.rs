//! The operand widths a site can take.

/// Width of an operand of a matrix product: 2, 4 or 8 bit integers, or 16 bit fixed point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Bits {
    /// 2 bit integers, −2 … 1.
    Two = 2,
    /// 4 bit integers, −8 … 7.
    Four = 4,
    /// 8 bit integers, −128 … 127.
    Eight = 8,
    /// 16 bit fixed point, −32768 … 32767.
    Sixteen = 16,
}

impl Bits {
    /// Every width, narrowest first: the order of a gene's levels.
    pub const ALL: [Self; 4] = [Self::Two, Self::Four, Self::Eight, Self::Sixteen];

    /// The width as a number of bits.
    pub const fn count(self) -> u32 {
        self as u32
    }

    /// The width of `count` bits, `None` unless it is 2, 4, 8 or 16.
    pub const fn new(count: u32) -> Option<Self> {
        match count {
            2 => Some(Self::Two),
            4 => Some(Self::Four),
            8 => Some(Self::Eight),
            16 => Some(Self::Sixteen),
            _ => None,
        }
    }

    /// Position in [`Bits::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Two => 0,
            Self::Four => 1,
            Self::Eight => 2,
            Self::Sixteen => 3,
        }
    }

    /// Smallest code, −2^(bits−1).
    pub const fn min(self) -> i32 {
        -(1 << (self.count() - 1))
    }

    /// Largest code, 2^(bits−1) − 1.
    pub const fn max(self) -> i32 {
        (1 << (self.count() - 1)) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_span_two_to_the_bits() {
        for (i, bits) in Bits::ALL.into_iter().enumerate() {
            assert_eq!(bits.index(), i);
            assert_eq!(bits.max() - bits.min() + 1, 1 << bits.count());
            assert_eq!(Bits::new(bits.count()), Some(bits));
        }
        assert_eq!((Bits::Eight.min(), Bits::Eight.max()), (-128, 127));
        assert_eq!(Bits::new(3), None);
    }
}
