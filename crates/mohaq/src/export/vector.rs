//! A test vector: frames drawn at random, and what the network makes of them.

use super::ExportError;
use mohaq_rt::image::{Image, LayerView};
use mohaq_rt::net::Net;

/// Frames of a test vector, where the network takes as many.
pub(super) const VECTOR_FRAMES: usize = 24;

/// Frames, and what the scalar definition gives for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vector {
    /// `[frames, inputs]`.
    pub inputs: Vec<i16>,
    /// `[frames that come out, outputs]`.
    pub outputs: Vec<i16>,
    /// Number of frames that go in.
    pub frames: usize,
    /// Codes that saturate on the way.
    pub saturated: u64,
}

impl Vector {
    /// The vector of `inputs`, `[frames, inputs]`, one sequence.
    ///
    /// # Errors
    /// [`ExportError::Vector`] for another width, and for rows that a table has not.
    pub fn of(image: Image<'_>, inputs: Vec<i16>) -> Result<Self, ExportError> {
        let (net, frames) = (Net::new(image), inputs.len() / image.inputs());
        let mut outputs = vec![0; net.output_frames(frames) * image.outputs()];
        let mut arena = vec![0; net.run_arena_len(frames)];
        let count = net.run(&inputs, &[0, frames], &mut arena, &mut outputs).map_err(ExportError::Vector)?;
        Ok(Self { inputs, outputs, frames, saturated: count.clipped })
    }

    /// The vector of `frames` frames that are drawn from the middle half of the input's range; of a table, of its rows.
    ///
    /// # Errors
    /// See [`of`](Self::of).
    pub fn drawn(image: Image<'_>, frames: usize) -> Result<Self, ExportError> {
        let rows = match image.layers().next() {
            Some(LayerView::Embedding(site)) => Some(site.inputs().min(1 << 15) as u64),
            _ => None,
        };
        let mut state = SEED;
        let draw = || {
            let bits = next(&mut state);
            match rows {
                Some(rows) => (bits % rows) as i16,
                None => (bits as u16).cast_signed() >> 1,
            }
        };
        let inputs = std::iter::repeat_with(draw).take(frames * image.inputs()).collect();
        Self::of(image, inputs)
    }
}

/// Any number but 0 will do.
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// The upper half of the next number of a generator. Source: Marsaglia 2003, xorshift64.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state >> 32
}
