//! Codes of 2, 4, 8 and 16 bits in bytes.
//!
//! The order is little-endian throughout: code `i` of a row begins at bit `i · bits` of the row, bit 0 being the least
//! significant bit of the first byte. So a byte holds four 2 bit codes or two 4 bit codes, the first in its low bits, and
//! a 16 bit code has its low byte first. Codes are two's complement. Every row begins at a byte that is a multiple of
//! the row alignment, and what is left of a row is zero, which [`Layout::unpack`] insists on.
//!
//! ```
//! use mohaq_rt::pack::Layout;
//! use mohaq_rt::Bits;
//!
//! let layout = Layout::new(Bits::Four, 2, 3, 1)?;
//! let mut bytes = [0; 4];
//! layout.pack(&[1, -1, 7, /* next row */ 0, -8, 2], &mut bytes)?;
//! assert_eq!(bytes, [0xf1, 0x07, 0x80, 0x02]);
//! # Ok::<(), mohaq_rt::Error>(())
//! ```

use crate::{Bits, Error};

/// Bytes of `count` codes, without padding to an alignment.
const fn packed_bytes(bits: Bits, count: usize) -> Option<usize> {
    match bits {
        Bits::Two => Some(count.div_ceil(4)),
        Bits::Four => Some(count.div_ceil(2)),
        Bits::Eight => Some(count),
        Bits::Sixteen => count.checked_mul(2),
    }
}

/// Where the codes of a row-major matrix lie. A vector is a matrix of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    bits: Bits,
    rows: usize,
    columns: usize,
    /// Bytes of a row that hold codes.
    packed_bytes: usize,
    row_bytes: usize,
}

impl Layout {
    /// The layout of `rows` × `columns` codes, rows aligned to `row_alignment` bytes (1 for no padding but to a byte).
    ///
    /// # Errors
    /// [`Error::Alignment`] unless `row_alignment` is a power of two, [`Error::Size`] if the codes or the bytes do not
    /// fit the machine's addresses.
    pub const fn new(bits: Bits, rows: usize, columns: usize, row_alignment: usize) -> Result<Self, Error> {
        if !row_alignment.is_power_of_two() {
            return Err(Error::Alignment { got: row_alignment });
        }
        let too_large = Err(Error::Size { rows, columns });
        let Some(packed_bytes) = packed_bytes(bits, columns) else { return too_large };
        let Some(row_bytes) = packed_bytes.checked_next_multiple_of(row_alignment) else { return too_large };
        if row_bytes.checked_mul(rows).is_none() || columns.checked_mul(rows).is_none() {
            return too_large;
        }
        Ok(Self { bits, rows, columns, packed_bytes, row_bytes })
    }

    /// The width of the codes.
    pub const fn bits(self) -> Bits {
        self.bits
    }

    /// Number of codes.
    pub const fn codes(self) -> usize {
        self.rows * self.columns
    }

    /// Bytes from one row to the next.
    pub const fn row_bytes(self) -> usize {
        self.row_bytes
    }

    /// Bytes of the matrix.
    pub const fn bytes(self) -> usize {
        self.rows * self.row_bytes
    }

    /// Writes `codes`, `[rows, columns]`, into `bytes`, padding included.
    ///
    /// # Errors
    /// [`Error::Length`] unless the slices have [`codes`](Self::codes) and [`bytes`](Self::bytes) elements,
    /// [`Error::Code`] at the first code that its width cannot hold; `bytes` is then unspecified.
    pub fn pack(self, codes: &[i16], bytes: &mut [u8]) -> Result<(), Error> {
        self.check_lengths(codes.len(), bytes.len())?;
        bytes.fill(0);
        for (index, &code) in codes.iter().enumerate() {
            if i32::from(code) < self.bits.min() || i32::from(code) > self.bits.max() {
                return Err(Error::Code { index, code, bits: self.bits });
            }
            let (byte, bit) = self.place(index / self.columns, index % self.columns);
            let [low, high] = (code.cast_unsigned() & self.mask()).to_le_bytes();
            bytes[byte] |= low << bit;
            if self.bits == Bits::Sixteen {
                bytes[byte + 1] = high;
            }
        }
        Ok(())
    }

    /// Writes the codes in `bytes` to `codes`, `[rows, columns]`.
    ///
    /// # Errors
    /// [`Error::Length`] unless the slices have [`codes`](Self::codes) and [`bytes`](Self::bytes) elements,
    /// [`Error::Padding`] at the first row whose padding is not zero.
    pub fn unpack(self, bytes: &[u8], codes: &mut [i16]) -> Result<(), Error> {
        self.check_lengths(codes.len(), bytes.len())?;
        self.check_padding(bytes)?;
        for (index, code) in codes.iter_mut().enumerate() {
            *code = self.code(bytes, index / self.columns, index % self.columns);
        }
        Ok(())
    }

    /// Whether `bytes` are of this layout: every code fits its bits, so only the padding can be wrong.
    ///
    /// # Errors
    /// [`Error::Length`] unless there are [`bytes`](Self::bytes) of them, [`Error::Padding`] at the first row whose
    /// padding is not zero.
    pub fn check_padding(self, bytes: &[u8]) -> Result<(), Error> {
        self.check_lengths(self.codes(), bytes.len())?;
        match (0..self.rows).find(|&row| !self.padding_is_zero(row, bytes)) {
            Some(row) => Err(Error::Padding { row }),
            None => Ok(()),
        }
    }

    /// The code at `row` and `column` of packed `bytes`.
    ///
    /// # Panics
    /// If `row` and `column` lie outside of the matrix or `bytes` is too short: the caller's mistake.
    pub fn code(self, bytes: &[u8], row: usize, column: usize) -> i16 {
        assert!(row < self.rows && column < self.columns, "code ({row}, {column}) of {}x{}", self.rows, self.columns);
        let (byte, bit) = self.place(row, column);
        if self.bits == Bits::Sixteen {
            return i16::from_le_bytes([bytes[byte], bytes[byte + 1]]);
        }
        // The code's sign bit goes to the top of an i8, and comes down again with its copies.
        let unused = 8 - self.bits.count();
        i16::from((bytes[byte] << (unused - bit)).cast_signed() >> unused)
    }

    /// First byte of a code, and the bit in it where the code begins.
    const fn place(self, row: usize, column: usize) -> (usize, u32) {
        let bits = self.bits.count();
        let (byte, bit) = match self.bits {
            Bits::Two => (column / 4, column % 4),
            Bits::Four => (column / 2, column % 2),
            Bits::Eight => (column, 0),
            Bits::Sixteen => (column * 2, 0),
        };
        (row * self.row_bytes + byte, bit as u32 * bits)
    }

    const fn mask(self) -> u16 {
        u16::MAX >> (16 - self.bits.count())
    }

    fn padding_is_zero(self, row: usize, bytes: &[u8]) -> bool {
        let row = &bytes[row * self.row_bytes..][..self.row_bytes];
        let (codes, padding) = row.split_at(self.packed_bytes);
        // Bits of the last byte that hold codes; 0 where they fill it.
        let used = match self.bits {
            Bits::Two => self.columns % 4 * 2,
            Bits::Four => self.columns % 2 * 4,
            Bits::Eight | Bits::Sixteen => 0,
        };
        padding.iter().all(|&byte| byte == 0) && (used == 0 || codes.last().is_none_or(|&last| last >> used == 0))
    }

    fn check_lengths(self, codes: usize, bytes: usize) -> Result<(), Error> {
        for (what, expected, got) in [("codes", self.codes(), codes), ("bytes", self.bytes(), bytes)] {
            if got != expected {
                return Err(Error::Length { what, expected, got });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    /// The definition: each row as a string of bits, bit 0 first, cut into bytes.
    fn naive_pack(bits: Bits, columns: usize, row_bytes: usize, codes: &[i16]) -> Vec<u8> {
        let row_of = |row: &[i16]| {
            let mut stream: Vec<bool> =
                row.iter().flat_map(|code| (0..bits.count()).map(move |bit| code >> bit & 1 == 1)).collect();
            stream.resize(row_bytes * 8, false);
            stream
        };
        let stream = codes.chunks(columns).flat_map(row_of).collect::<Vec<_>>();
        stream.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, &bit| sum << 1 | u8::from(bit))).collect()
    }

    #[test]
    fn sizes_are_those_of_a_hand_calculation() {
        let bytes = |bits, columns, alignment| {
            let layout = Layout::new(bits, 3, columns, alignment).expect("a small matrix");
            (layout.row_bytes(), layout.bytes())
        };
        assert_eq!(bytes(Bits::Two, 23, 1), (6, 18)); // 46 bits
        assert_eq!(bytes(Bits::Four, 23, 1), (12, 36)); // 92 bits
        assert_eq!(bytes(Bits::Four, 23, 16), (16, 48));
        assert_eq!(bytes(Bits::Eight, 23, 4), (24, 72));
        assert_eq!(bytes(Bits::Sixteen, 23, 4), (48, 144)); // 46 bytes
        assert_eq!(bytes(Bits::Two, 0, 32), (0, 0));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(Layout::new(Bits::Two, 1, 1, 3), Err(Error::Alignment { got: 3 }));
        assert_eq!(Layout::new(Bits::Two, 1, 1, 0), Err(Error::Alignment { got: 0 }));
        let huge = usize::MAX / 2 + 1;
        assert_eq!(Layout::new(Bits::Sixteen, 1, huge, 1), Err(Error::Size { rows: 1, columns: huge }));
        assert_eq!(Layout::new(Bits::Two, 2, huge, 1), Err(Error::Size { rows: 2, columns: huge }));
        let layout = Layout::new(Bits::Four, 1, 3, 1).expect("a small matrix");
        let mut bytes = [0; 2];
        assert_eq!(layout.pack(&[0, 8, 0], &mut bytes), Err(Error::Code { index: 1, code: 8, bits: Bits::Four }));
        assert_eq!(layout.pack(&[0; 2], &mut bytes), Err(Error::Length { what: "codes", expected: 3, got: 2 }));
        assert_eq!(layout.unpack(&[0; 3], &mut [0; 3]), Err(Error::Length { what: "bytes", expected: 2, got: 3 }));
        assert_eq!(layout.unpack(&[0, 0x10], &mut [0; 3]), Err(Error::Padding { row: 0 }));
        let padded = Layout::new(Bits::Eight, 2, 1, 2).expect("a small matrix");
        assert_eq!(padded.unpack(&[1, 0, 1, 1], &mut [0; 2]), Err(Error::Padding { row: 1 }));
        assert_eq!(padded.unpack(&[1, 0, 1, 0], &mut [0; 2]), Ok(()));
    }

    #[test]
    fn a_sixteen_bit_code_has_its_low_byte_first() {
        let layout = Layout::new(Bits::Sixteen, 1, 2, 1).expect("a small matrix");
        let mut bytes = [0; 4];
        layout.pack(&[0x1234, -2], &mut bytes).expect("codes fit");
        assert_eq!(bytes, [0x34, 0x12, 0xfe, 0xff]);
    }

    proptest! {
        #[test]
        fn packing_is_its_definition_and_unpacking_its_inverse(
            wide in proptest::collection::vec(i16::MIN..=i16::MAX, 0..70),
            rows in 1_usize..4,
            alignment_log2 in 0_u32..6,
        ) {
            for bits in Bits::ALL {
                let columns = wide.len() / rows;
                let codes: Vec<i16> =
                    wide[..rows * columns].iter().map(|code| code >> (16 - bits.count())).collect();
                let layout = Layout::new(bits, rows, columns, 1 << alignment_log2).expect("a small matrix");
                let mut bytes = vec![0xaa; layout.bytes()];
                layout.pack(&codes, &mut bytes).expect("codes fit");
                if columns > 0 {
                    prop_assert_eq!(&bytes, &naive_pack(bits, columns, layout.row_bytes(), &codes));
                }
                let mut back = vec![99; codes.len()];
                layout.unpack(&bytes, &mut back).expect("own padding");
                prop_assert_eq!(back, codes);
            }
        }

        #[test]
        fn any_bytes_unpack_or_are_refused(bytes in proptest::collection::vec(0_u8..=255, 0..40), columns in 0_usize..40) {
            for bits in Bits::ALL {
                let layout = Layout::new(bits, 2, columns, 4).expect("a small matrix");
                let mut codes = vec![0; layout.codes()];
                if layout.unpack(&bytes, &mut codes).is_ok() {
                    let mut again = vec![0; layout.bytes()];
                    layout.pack(&codes, &mut again).expect("codes fit");
                    prop_assert_eq!(&again, &bytes);
                }
            }
        }
    }
}
