//! The logistic function and the hyperbolic tangent, by one table each and a line between its points.
//!
//! A [`Table`] divides the 65,536 codes of its argument into 512 pieces of 128 codes. A piece has its value at the left
//! end and the rise to the right end, and in between the value is linear, in integers. Arguments have formats of their
//! own, chosen so that both functions have gone flat at the ends: [`GATE`], ±16, for σ and [`TANH`], ±8, for tanh. As
//! σ(z) = (1 + tanh(z/2))/2, the same code means the same point of the curve in both. Results are in [`UNIT`], Q1.14,
//! in which 1 is a code (16384): a gate can be fully open.
//!
//! *Accuracy* over all arguments, proved by the tests of this module: σ within 1.75 and tanh within 2.6 steps of Q1.14.
//! The line is below the arc by at most h²/8·max|f″|, which is 0.77 steps for σ (h = 1/16) and 1.58 for tanh (h = 1/32);
//! the rest is rounding, of the points and of the result.

use crate::numeric::{Q16, round_f64, round_shift};

/// Format of the argument of σ: Q4.11.
pub const GATE: Q16 = match Q16::new(11) {
    Some(format) => format,
    None => unreachable!(),
};
/// Format of the argument of tanh: Q3.12.
pub const TANH: Q16 = match Q16::new(12) {
    Some(format) => format,
    None => unreachable!(),
};
/// Format of the results.
pub const UNIT: Q16 = Q16::Q1_14;
/// The code of 1.
pub const ONE: i32 = 1 << UNIT.fraction();

/// Pieces of a table.
pub const PIECES: usize = 512;
/// Codes of the argument in a piece, as a power of two.
pub const PIECE_BITS: u32 = 7;

const _: () = assert!(PIECES << PIECE_BITS == 1 << 16);

/// A function of a 16 bit argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Value at the left end of each piece in the lower half of a word, and in the upper half the rise to its right end.
    /// The first piece begins at code −32768.
    pub(crate) pieces: [u32; PIECES],
}

/// σ(z) = 1/(1 + e⁻ᶻ) of a [`GATE`] argument.
pub static SIGMOID: Table = Table::new(false);
/// tanh of a [`TANH`] argument.
pub static HYPERBOLIC_TANGENT: Table = Table::new(true);

impl Table {
    const fn new(tangent: bool) -> Self {
        let mut pieces = [0; PIECES];
        let mut piece = 0;
        while piece < PIECES {
            let left = point(piece, tangent);
            let rise = point(piece + 1, tangent) - left;
            pieces[piece] = left.cast_unsigned() as u32 | (rise.cast_unsigned() as u32) << 16;
            piece += 1;
        }
        Self { pieces }
    }

    /// The function at `code`.
    pub const fn at(&self, code: i16) -> i16 {
        let from_left = (code as i32 - i16::MIN as i32).cast_unsigned();
        let piece = self.pieces[(from_left >> PIECE_BITS) as usize];
        let (value, rise) = (piece as i16 as i64, (piece >> 16) as i16 as i64);
        let part = (from_left % (1 << PIECE_BITS)) as i64;
        // Between two codes of the table, which fit.
        round_shift((value << PIECE_BITS) + rise * part, PIECE_BITS) as i16
    }
}

/// The pieces of a table right of 0, values and rises apart: the other half mirrors them.
#[cfg(all(target_arch = "x86_64", feature = "alloc"))]
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct RightHalf {
    pub(crate) values: [[i16; 32]; PIECES / 64],
    pub(crate) rises: [[i16; 32]; PIECES / 64],
}

#[cfg(all(target_arch = "x86_64", feature = "alloc"))]
impl RightHalf {
    /// Of `table`.
    pub(crate) const fn of(table: &Table) -> Self {
        let mut half = Self { values: [[0; 32]; PIECES / 64], rises: [[0; 32]; PIECES / 64] };
        let mut place = 0;
        while place < PIECES / 2 {
            let piece = table.pieces[PIECES / 2 + place];
            let rise = (piece >> 16) as i16;
            assert!(rise >= 0 && rise as u32 * 127 + 64 <= u16::MAX as u32, "a line within a piece fits 16 bits");
            half.values[place / 32][place % 32] = piece as i16;
            half.rises[place / 32][place % 32] = rise;
            place += 1;
        }
        half
    }
}

/// The function at the left end of `piece`, as a code.
const fn point(piece: usize, tangent: bool) -> i16 {
    // Code q of either argument is the point z = q / 2^11 of σ.
    let z = (piece as f64 - (PIECES / 2) as f64) * ((1_u32 << PIECE_BITS) as f64 / (1_u32 << GATE.fraction()) as f64);
    let sigmoid = 1.0 / (1.0 + exponential(-z));
    let value = if tangent { 2.0 * sigmoid - 1.0 } else { sigmoid };
    round_f64(value * ONE as f64) as i16
}

/// eˣ for |x| ≤ 16, to about 10⁻¹³: the series at x/1024, squared ten times.
const fn exponential(x: f64) -> f64 {
    const HALVINGS: u32 = 10;
    let small = x / (1_u32 << HALVINGS) as f64;
    let (mut sum, mut term, mut n) = (1.0, 1.0, 1);
    while n <= 8 {
        term *= small / n as f64;
        sum += term;
        n += 1;
    }
    let mut squared = 0;
    while squared < HALVINGS {
        sum *= sum;
        squared += 1;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn largest_error(table: &Table, exact: impl Fn(f64) -> f64, argument: Q16) -> f64 {
        let error = |code: i16| {
            let exact = exact(f64::from(code) / f64::from(1 << argument.fraction()));
            (f64::from(table.at(code)) - exact * f64::from(ONE)).abs()
        };
        (i16::MIN..=i16::MAX).map(error).fold(0.0, f64::max)
    }

    #[test]
    fn both_functions_keep_their_bounds_over_all_arguments() {
        let sigmoid = largest_error(&SIGMOID, |z| 1.0 / (1.0 + libm::exp(-z)), GATE);
        let tangent = largest_error(&HYPERBOLIC_TANGENT, libm::tanh, TANH);
        assert!((1.5..1.75).contains(&sigmoid), "{sigmoid}");
        assert!((2.0..2.6).contains(&tangent), "{tangent}");
    }

    #[test]
    fn the_curves_are_symmetric_but_for_the_missing_code() {
        for code in 1..=i16::MAX {
            assert_eq!(i32::from(SIGMOID.at(code)) + i32::from(SIGMOID.at(-code)), ONE, "{code}");
            assert_eq!(HYPERBOLIC_TANGENT.at(code), -HYPERBOLIC_TANGENT.at(-code), "{code}");
        }
        assert_eq!((SIGMOID.at(0), HYPERBOLIC_TANGENT.at(0)), (8192, 0));
    }

    #[test]
    fn the_curves_never_fall_and_reach_their_ends() {
        for table in [&SIGMOID, &HYPERBOLIC_TANGENT] {
            assert!((i16::MIN..i16::MAX).all(|code| table.at(code) <= table.at(code + 1)));
        }
        assert_eq!((SIGMOID.at(i16::MIN), SIGMOID.at(i16::MAX)), (0, 16384));
        assert_eq!((HYPERBOLIC_TANGENT.at(i16::MIN), HYPERBOLIC_TANGENT.at(i16::MAX)), (-16384, 16384));
    }
}
