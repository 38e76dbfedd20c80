//! Why bytes are not an image.

use super::{HEADER_BYTES, VERSION};
use core::fmt;

/// Why bytes were refused as an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageError {
    /// Fewer bytes than a header has.
    Short {
        /// Bytes given.
        got: usize,
    },
    /// The first bytes are not those of an image.
    Magic {
        /// The first bytes.
        got: [u8; 8],
    },
    /// A version that this one does not know yet.
    Newer {
        /// Version of the image.
        version: u32,
    },
    /// A version that is no longer read.
    Older {
        /// Version of the image.
        version: u32,
    },
    /// More or fewer bytes than the header speaks of.
    Length {
        /// Length by the header.
        expected: u32,
        /// Bytes given.
        got: usize,
    },
    /// Bytes that were changed after they were written.
    Checksum {
        /// Checksum of the bytes as they are.
        expected: u32,
        /// Checksum in the header.
        got: u32,
    },
    /// A number that cannot be, or does not go with others.
    Field {
        /// Whose number.
        place: Place,
        /// Which.
        field: &'static str,
        /// What it should be.
        expected: Expected,
        /// What it is.
        got: i64,
    },
    /// A number in a tensor that cannot be.
    Element {
        /// Whose tensor.
        place: Place,
        /// What the tensor holds.
        field: &'static str,
        /// Where in the tensor.
        index: usize,
        /// What it should be.
        expected: Expected,
        /// What it is.
        got: i64,
    },
    /// Bits without a meaning that are not zero.
    Padding {
        /// The part of the file that they belong to.
        place: Place,
        /// Where in the file: the byte, or for rows of weights the last one of the row.
        offset: usize,
    },
}

/// A part of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The header.
    Header,
    /// A layer, counted from 0.
    Layer(u32),
    /// A product of a layer, both counted from 0, in the order data meets them.
    Product(u32, u32),
}

/// What a number should have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This number.
    Value(i64),
    /// A number from the first to the last.
    Range(i64, i64),
    /// One of two numbers.
    Either(i64, i64),
    /// One of a few, in words.
    OneOf(&'static str),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Short { got } => {
                write!(f, "image has {got} bytes, expected at least the {HEADER_BYTES} of its header")
            }
            Self::Magic { got } => {
                write!(f, "image begins with \"{}\", expected \"{}\"", got.escape_ascii(), super::MAGIC.escape_ascii())
            }
            Self::Newer { version } => {
                write!(f, "image was written by a newer mohaq: version {version}, this one reads up to {VERSION}")
            }
            Self::Older { version } => {
                write!(f, "image was written by an older mohaq: version {version}, this one reads {VERSION}")
            }
            Self::Length { expected, got } => write!(f, "image has {got} bytes, expected {expected} by its header"),
            Self::Checksum { expected, got } => {
                write!(f, "image has checksum {got:08x} in its header, expected {expected:08x}")
            }
            Self::Field { place, field, expected, got } => {
                write!(f, "image, {place}: {field} is {got}, expected {expected}")
            }
            Self::Element { place, field, index, expected, got } => {
                write!(f, "image, {place}: {field} {index} is {got}, expected {expected}")
            }
            Self::Padding { place, offset } => write!(f, "image, {place}: padding at byte {offset} is not zero"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("header"),
            Self::Layer(layer) => write!(f, "layer {layer}"),
            Self::Product(layer, product) => write!(f, "layer {layer}, product {product}"),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => write!(f, "{value}"),
            Self::Range(first, last) => write!(f, "{first} to {last}"),
            Self::Either(one, other) => write!(f, "{one} or {other}"),
            Self::OneOf(words) => f.write_str(words),
        }
    }
}

impl core::error::Error for ImageError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn messages_have_expected_got_and_where() {
        let expected = Expected::OneOf("2, 4, 8 or 16");
        let error = ImageError::Field { place: Place::Product(3, 0), field: "width of the weights", expected, got: 5 };
        assert_eq!(error.to_string(), "image, layer 3, product 0: width of the weights is 5, expected 2, 4, 8 or 16");
        assert_eq!(
            ImageError::Newer { version: 7 }.to_string(),
            "image was written by a newer mohaq: version 7, this one reads up to 2"
        );
        assert_eq!(
            ImageError::Magic { got: *b"PK\x03\x04\0\0\0\0" }.to_string(),
            r#"image begins with "PK\x03\x04\x00\x00\x00\x00", expected "\x89mohaq\r\n""#
        );
    }
}
