//! What can be wrong with numbers and bytes that come from outside.

use crate::Bits;
use crate::image::ImageError;
use crate::numeric::Q16;
use core::fmt;

/// Why a format, a scale or a packed tensor was refused.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// No 16 bit format holds values of this size.
    Range {
        /// Largest magnitude of the tensor.
        max_abs: f32,
    },
    /// A clip from which no scale can be made.
    Clip {
        /// The clip.
        clip: f32,
    },
    /// A ratio of scales outside of what a [`Requantizer`](crate::numeric::Requantizer) can hold.
    Ratio {
        /// The ratio.
        ratio: f64,
    },
    /// Formats of a recurrent cell that do not go together.
    Formats {
        /// Of the recurrent vectors.
        vector: Q16,
        /// Of the state.
        state: Q16,
        /// Of the hidden output.
        hidden: Q16,
    },
    /// A constant factor that 16 bits cannot express.
    Factor {
        /// The factor.
        value: f32,
    },
    /// A value that is not a number.
    Nan {
        /// Where in the slice.
        index: usize,
    },
    /// A slice of another length than its counterpart asks for.
    Length {
        /// What the slice holds.
        what: &'static str,
        /// Length asked for.
        expected: usize,
        /// Length given.
        got: usize,
    },
    /// A code that its width cannot hold.
    Code {
        /// Where in the slice.
        index: usize,
        /// The code.
        code: i16,
        /// The width.
        bits: Bits,
    },
    /// Weights packed for other widths.
    Packing {
        /// Width of the weights.
        weight: Bits,
        /// Width of the inputs.
        activation: Bits,
    },
    /// A convolution that sees nothing, stands still, or whose paddings are together as long as its kernel.
    Window {
        /// Frames that it sees.
        kernel: usize,
        /// Frames that it goes on.
        stride: usize,
        /// Frames of zeros in front and behind.
        padding: [usize; 2],
    },
    /// A network that cannot run frame by frame: a layer needs later frames first.
    Ahead,
    /// The number of a row that a table has not.
    Token {
        /// Where in the slice.
        index: usize,
        /// The number.
        code: i16,
        /// Rows of the table.
        rows: usize,
    },
    /// A row alignment that is not a power of two.
    Alignment {
        /// The alignment, in bytes.
        got: usize,
    },
    /// A matrix too large for this machine's addresses.
    Size {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// Padding that is not zero: the bytes are not of this layout.
    Padding {
        /// The row whose padding it is.
        row: usize,
    },
    /// First frames of sequences that do not begin at 0 or go back.
    Starts {
        /// Which sequence, or how many there are for the number of frames.
        index: usize,
        /// Smallest frame that it can begin with.
        least: usize,
        /// Frame that it begins with.
        got: usize,
    },
    /// Bytes that are not an image, or a network of which none can be made.
    Image(ImageError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Range { max_abs } => {
                write!(f, "largest magnitude is {max_abs}, which no 16 bit format holds")
            }
            Self::Clip { clip } => write!(f, "clip is {clip}, expected a finite number above zero"),
            Self::Ratio { ratio } => write!(f, "ratio of scales is {ratio}, expected 2^-32 up to 2^22"),
            Self::Formats { vector, state, hidden } => {
                write!(f, "vectors in {vector}, state in {state} and hidden output in {hidden} do not go together")
            }
            Self::Factor { value } => {
                write!(f, "factor is {value}, which 16 bits cannot express between these formats")
            }
            Self::Nan { index } => write!(f, "value {index} is not a number"),
            Self::Length { what, expected, got } => write!(f, "{what} has length {got}, expected {expected}"),
            Self::Code { index, code, bits } => {
                write!(f, "code {index} is {code}, expected {} to {} for {} bits", bits.min(), bits.max(), bits.count())
            }
            Self::Packing { weight, activation } => {
                write!(f, "packed weights are not those for {} by {} bits", weight.count(), activation.count())
            }
            Self::Window { kernel, stride, padding: [left, right] } => write!(
                f,
                "a convolution has kernel {kernel}, stride {stride} and paddings {left} and {right}, expected kernel and stride \
                 of at least 1 and paddings together smaller than the kernel"
            ),
            Self::Ahead => write!(
                f,
                "a layer needs later frames first (it is bidirectional, or a convolution with padding behind): whole sequences, \
                 not frame by frame"
            ),
            Self::Token { index, code, rows } => {
                write!(f, "token {index} is {code}, expected 0 to {}", rows.saturating_sub(1))
            }
            Self::Alignment { got } => write!(f, "row alignment is {got} bytes, expected a power of two"),
            Self::Size { rows, columns } => write!(f, "a matrix of {rows} by {columns} does not fit this machine"),
            Self::Padding { row } => write!(f, "row {row} has padding other than zero"),
            Self::Starts { index: 0, got, .. } => write!(f, "the first sequence begins at frame {got}, expected 0"),
            Self::Starts { index, least, got } => {
                write!(f, "sequence {index} begins at frame {got}, expected {least} or a later one")
            }
            Self::Image(error) => error.fmt(f),
        }
    }
}

impl From<ImageError> for Error {
    fn from(error: ImageError) -> Self {
        Self::Image(error)
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn messages_have_expected_got_and_where() {
        let error = Error::Code { index: 7, code: 9, bits: Bits::Four };
        assert_eq!(error.to_string(), "code 7 is 9, expected -8 to 7 for 4 bits");
        let error = Error::Length { what: "bytes", expected: 4, got: 3 };
        assert_eq!(error.to_string(), "bytes has length 3, expected 4");
    }
}
