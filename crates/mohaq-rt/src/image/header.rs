//! The header of an image: what it is, how long, and what goes in and comes out.

use super::checksum::checksum;
use super::error::{Expected, ImageError, Place};
use super::field::{Field, compare};
use crate::numeric::Q16;

/// The first bytes of an image. As in PNG, the high bit and the line end show a transfer that took the file for text.
pub const MAGIC: [u8; 8] = *b"\x89mohaq\r\n";
/// The version that is written and read. Version 1 had room for two products a layer.
pub const VERSION: u32 = 2;
/// Length of the header.
pub const HEADER_BYTES: usize = 64;

/// The first byte that the checksum covers: all behind itself.
const CHECKED_FROM: usize = 16;

const VERSION_FIELD: Field = Field::new("version", 8, 4);
const CHECKSUM: Field = Field::new("checksum", 12, 4);
const LENGTH: Field = Field::new("length", 16, 4);
const LAYERS: Field = Field::new("number of layers", 20, 4);
const INPUTS: Field = Field::new("inputs", 24, 4);
const OUTPUTS: Field = Field::new("outputs", 28, 4);
const INPUT_FRACTION: Field = Field::new("fraction of the inputs", 32, 1);
const OUTPUT_FRACTION: Field = Field::new("fraction of the outputs", 33, 1);
const PRODUCTS: Field = Field::new("number of products", 36, 4);

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of the file.
    pub(super) length: u32,
    pub(super) layers: u32,
    /// Of all layers.
    pub(super) products: u32,
    pub(super) inputs: u32,
    pub(super) outputs: u32,
    /// Format of the inputs.
    pub(super) input: Q16,
    /// Format of the outputs.
    pub(super) output: Q16,
}

impl Header {
    /// Reads the header of `file` and holds it against the length and the checksum of the whole.
    pub(super) fn read(file: &[u8]) -> Result<Self, ImageError> {
        let Some((header, _)) = file.split_first_chunk::<HEADER_BYTES>() else {
            return Err(ImageError::Short { got: file.len() });
        };
        let (magic, _) = header.split_first_chunk().expect("a header is longer");
        if *magic != MAGIC {
            return Err(ImageError::Magic { got: *magic });
        }
        // Nothing else has a meaning in a version that we do not know.
        let version = VERSION_FIELD.read(header);
        if version > VERSION {
            return Err(ImageError::Newer { version });
        }
        if version < VERSION {
            return Err(ImageError::Older { version });
        }
        let length = LENGTH.read(header);
        if file.len() as u64 != u64::from(length) {
            return Err(ImageError::Length { expected: length, got: file.len() });
        }
        let (expected, got) = (checksum(&file[CHECKED_FROM..]), CHECKSUM.read(header));
        if got != expected {
            return Err(ImageError::Checksum { expected, got });
        }
        let positive = |field: Field| field.read_within(Place::Header, [1, u32::MAX], header);
        let format = |field: Field| {
            let expected = Expected::Range(0, 15);
            Q16::new(field.read(header)).ok_or_else(|| field.error(Place::Header, expected, header))
        };
        let read = Self {
            length,
            layers: positive(LAYERS)?,
            products: PRODUCTS.read(header),
            inputs: positive(INPUTS)?,
            outputs: positive(OUTPUTS)?,
            input: format(INPUT_FRACTION)?,
            output: format(OUTPUT_FRACTION)?,
        };
        compare(Place::Header, &[], 0, &read.encode(got), header)?;
        Ok(read)
    }

    /// The bytes of the header; `checksum` is that of the file.
    pub(super) fn encode(&self, checksum: u32) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[..MAGIC.len()].copy_from_slice(&MAGIC);
        for (field, number) in [
            (VERSION_FIELD, VERSION),
            (CHECKSUM, checksum),
            (LENGTH, self.length),
            (LAYERS, self.layers),
            (INPUTS, self.inputs),
            (OUTPUTS, self.outputs),
            (INPUT_FRACTION, self.input.fraction()),
            (OUTPUT_FRACTION, self.output.fraction()),
            (PRODUCTS, self.products),
        ] {
            field.write(&mut header, number);
        }
        header
    }

    /// The error that the layers have another number of `outputs`.
    pub(super) fn check_outputs(&self, outputs: u32) -> Result<(), ImageError> {
        if outputs == self.outputs {
            return Ok(());
        }
        let (expected, got) = (Expected::Value(outputs.into()), self.outputs.into());
        Err(ImageError::Field { place: Place::Header, field: OUTPUTS.name, expected, got })
    }

    /// Checks that the file ends where its last tensor does.
    pub(super) fn check_end(&self, end: u32) -> Result<(), ImageError> {
        if end == self.length {
            return Ok(());
        }
        let (expected, got) = (Expected::Value(end.into()), self.length.into());
        Err(ImageError::Field { place: Place::Header, field: LENGTH.name, expected, got })
    }

    /// Where the records of layers end, and those of products, if the file is so long.
    pub(super) fn records_end(&self, layer_bytes: usize, product_bytes: usize) -> Result<[u32; 2], ImageError> {
        let layers = end(self.length, HEADER_BYTES as u32, LAYERS, self.layers, layer_bytes)?;
        Ok([layers, end(self.length, layers, PRODUCTS, self.products, product_bytes)?])
    }

    /// Checks that the layers have as many products as there are.
    pub(super) fn check_products(&self, products: u32) -> Result<(), ImageError> {
        if products == self.products {
            return Ok(());
        }
        let (expected, got) = (Expected::Value(products.into()), self.products.into());
        Err(ImageError::Field { place: Place::Header, field: PRODUCTS.name, expected, got })
    }
}

/// Where `count` records of `bytes` behind `from` end in a file of `length` bytes.
fn end(length: u32, from: u32, field: Field, count: u32, bytes: usize) -> Result<u32, ImageError> {
    let most = (length - from) / bytes as u32;
    if count <= most {
        return Ok(from + count * bytes as u32);
    }
    let (expected, got) = (Expected::Range(0, most.into()), count.into());
    Err(ImageError::Field { place: Place::Header, field: field.name, expected, got })
}

/// Makes the header of `file` agree with its length and contents, and leaves the rest as it is: for bytes that were
/// changed on purpose. Files without room for a header stay as they are.
///
/// An image that was damaged does not become a good one by this.
pub fn seal(file: &mut [u8]) {
    let Ok(length) = u32::try_from(file.len()) else { return };
    if file.len() < HEADER_BYTES {
        return;
    }
    file[..MAGIC.len()].copy_from_slice(&MAGIC);
    VERSION_FIELD.write(file, VERSION);
    LENGTH.write(file, length);
    let checksum = checksum(&file[CHECKED_FROM..]);
    CHECKSUM.write(file, checksum);
}
