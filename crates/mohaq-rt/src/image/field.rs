//! Numbers at fixed places of a header or a record.

use super::error::{Expected, ImageError, Place};

/// A number of 1, 2 or 4 bytes, low byte first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    at: usize,
    bytes: usize,
}

impl Field {
    pub(super) const fn new(name: &'static str, at: usize, bytes: usize) -> Self {
        Self { name, at, bytes }
    }

    /// The number in `record`, without a sign.
    ///
    /// # Panics
    /// If the record ends before: our own mistake.
    pub(super) fn read(self, record: &[u8]) -> u32 {
        let mut number = [0; 4];
        number[..self.bytes].copy_from_slice(&record[self.at..][..self.bytes]);
        u32::from_le_bytes(number)
    }

    /// The number in `record`, with the sign that its highest bit is.
    pub(super) fn read_signed(self, record: &[u8]) -> i32 {
        let unused = 32 - 8 * self.bytes;
        (self.read(record) << unused).cast_signed() >> unused
    }

    /// Writes the low bytes of `number` into `record`.
    pub(super) fn write(self, record: &mut [u8], number: u32) {
        record[self.at..][..self.bytes].copy_from_slice(&number.to_le_bytes()[..self.bytes]);
    }

    /// The error that `record` has something else here.
    pub(super) fn error(self, place: Place, expected: Expected, record: &[u8]) -> ImageError {
        ImageError::Field { place, field: self.name, expected, got: self.read(record).into() }
    }

    /// The error that `record` has something else here, which has a sign.
    pub(super) fn error_signed(self, place: Place, expected: Expected, record: &[u8]) -> ImageError {
        ImageError::Field { place, field: self.name, expected, got: self.read_signed(record).into() }
    }

    /// The number in `record`, if it is one of `range`.
    pub(super) fn read_within(self, place: Place, range: [u32; 2], record: &[u8]) -> Result<u32, ImageError> {
        let number = self.read(record);
        if range[0] <= number && number <= range[1] {
            Ok(number)
        } else {
            Err(self.error(place, Expected::Range(range[0].into(), range[1].into()), record))
        }
    }
}

/// Checks that `record`, which begins at byte `offset` of the file, is `expected`, and names the first of `fields` that
/// is not.
pub(super) fn compare(
    place: Place,
    fields: &[Field],
    offset: usize,
    expected: &[u8],
    record: &[u8],
) -> Result<(), ImageError> {
    let differs = |field: &&Field| field.read(expected) != field.read(record);
    if let Some(field) = fields.iter().find(differs) {
        return Err(field.error(place, Expected::Value(field.read(expected).into()), record));
    }
    match expected.iter().zip(record).position(|(expected, got)| expected != got) {
        Some(byte) => Err(ImageError::Padding { place, offset: offset + byte }),
        None => Ok(()),
    }
}
