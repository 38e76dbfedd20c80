//! The header of an image: what it is, how long, and what goes in and comes out.

use super::checksum::checksum;
use super::error::{Expected, ImageError, Place};
use super::field::{Field, compare};
use crate::numeric::Q16;

/// The first bytes of an image. As in PNG, the high bit and the line end show a transfer that took the file for text.
pub const MAGIC: [u8; 8] = *b"\x89mohaq\r\n";
/// The version that is written, and the newest that is read.
pub const VERSION: u32 = 1;
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

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of the file.
    pub(super) length: u32,
    pub(super) layers: u32,
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
        VERSION_FIELD.read_within(Place::Header, [1, VERSION], header)?;
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

    /// Where the records end, if the file is so long.
    pub(super) fn records_end(&self, record_bytes: usize) -> Result<u32, ImageError> {
        let most = (self.length - HEADER_BYTES as u32) / record_bytes as u32;
        if self.layers <= most {
            return Ok(HEADER_BYTES as u32 + self.layers * record_bytes as u32);
        }
        let (expected, got) = (Expected::Range(1, most.into()), self.layers.into());
        Err(ImageError::Field { place: Place::Header, field: LAYERS.name, expected, got })
    }
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
