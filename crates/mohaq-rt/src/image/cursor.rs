//! Tensors one behind the other.

use super::error::{Expected, ImageError, Place};

/// Tensors begin at multiples of this: a cache line, and the longest vector of today's machines.
pub const TENSOR_ALIGNMENT: u32 = 64;

/// The end of what has a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    at: u32,
    limit: u32,
    /// The file, to check what is between tensors; empty while it is written.
    file: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Begins behind byte `at` of a `file` of at most `limit` bytes.
    pub(super) fn new(at: u32, limit: u32, file: &'a [u8]) -> Self {
        Self { at, limit, file }
    }

    /// The offset of the next `bytes`; `field` names their end.
    pub(super) fn place(&mut self, place: Place, field: &'static str, bytes: u64) -> Result<u32, ImageError> {
        let start = u64::from(self.at).next_multiple_of(TENSOR_ALIGNMENT.into());
        let end = start.saturating_add(bytes);
        if end > self.limit.into() {
            let got = i64::try_from(end).unwrap_or(i64::MAX);
            return Err(ImageError::Field { place, field, expected: Expected::Range(0, self.limit.into()), got });
        }
        let gap = self.file.get(self.at as usize..start as usize).unwrap_or_default();
        if let Some(byte) = gap.iter().position(|&byte| byte != 0) {
            return Err(ImageError::Padding { place, offset: self.at as usize + byte });
        }
        // At most the limit.
        self.at = end as u32;
        Ok(start as u32)
    }

    /// The end of the last one.
    pub(super) fn end(&self) -> u32 {
        self.at
    }
}
