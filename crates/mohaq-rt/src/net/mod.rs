//! Networks on a machine without allocator: straight from the bytes of an image, in memory that the caller lends.
//!
//! A [`Net`] is the definition of what an image computes, written with the functions of [`numeric`](crate::numeric),
//! [`cell`](crate::cell) and [`table`](crate::table) and nothing else; an engine computes the same codes faster. It keeps
//! no memory of its own. What a network remembers from one frame to the next is a slice of [`state_len`](Net::state_len)
//! codes, one for each stream, which may be stored and put back; all else goes to an *arena*, which any number of streams
//! may share one after the other.
//!
//! Codes of a batch are row-major, `[frames, width]`, sequences one after the other without padding; `starts` has the
//! first frame of each sequence and the number of frames. A convolution with a stride makes fewer frames than it gets.

mod layer;
mod product;
mod recurrent;
#[cfg(all(test, feature = "std"))]
mod tests;

use crate::Error;
use crate::image::{Image, LayerView};
use crate::numeric::SaturationCount;
use layer::{Buffers, Memory};

/// A network, ready to run.
#[derive(Clone, Copy, Debug)]
pub struct Net<'a> {
    image: Image<'a>,
    sizes: Sizes,
}

/// What one frame of a stream did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stepped {
    /// How many of all codes on the way were clipped.
    pub count: SaturationCount,
    /// A frame came out. Where a convolution has not seen its frames yet none does, and the outputs are as they were.
    pub ready: bool,
}

/// Lengths of the buffers that the largest layer needs.
#[derive(Clone, Copy, Debug, Default)]
struct Sizes {
    /// Codes between two layers, a frame.
    values: usize,
    /// Codes in front of the products of simple recurrent units, a frame: normal ones and projected ones.
    projected: usize,
    /// Inputs of a product.
    row: usize,
    /// Codes of one frame within a layer, and of the memory of one that begins anew.
    frame: usize,
    /// What all layers remember; `None` where a layer needs frames ahead.
    state: Option<usize>,
}

impl Sizes {
    fn of(image: &Image<'_>) -> Self {
        let mut sizes = Self { state: Some(0), ..Self::default() };
        for (index, layer) in image.layers().enumerate() {
            if index > 0 {
                sizes.values = sizes.values.max(layer.inputs());
            }
            if let LayerView::Sru(sru) = &layer {
                let normal = sru.norm().map_or(0, |norm| norm.width());
                let projected = sru.projection().map_or(0, |site| site.columns());
                sizes.projected = sizes.projected.max(normal.saturating_add(projected));
            }
            // A table reads no input.
            if !matches!(layer, LayerView::Embedding(_)) {
                sizes.row = (0..layer.sites()).map(|index| layer.site(index).inputs()).fold(sizes.row, usize::max);
            }
            sizes.frame = sizes.frame.max(layer::frame_len(&layer).saturating_add(layer::memory_len(&layer)));
            let state = sizes.state.filter(|_| layer::is_causal(&layer));
            sizes.state = state.map(|state| state.saturating_add(layer::memory_len(&layer)));
        }
        sizes
    }

    /// `[2, frames, values]`, `[frames, projected]`, `[row]`, `[frame]`.
    fn arena_len(&self, frames: usize) -> usize {
        let frame = self.values.saturating_mul(2).saturating_add(self.projected);
        frame.saturating_mul(frames).saturating_add(self.row).saturating_add(self.frame)
    }
}

impl<'a> Net<'a> {
    /// The network in `image`.
    pub fn new(image: Image<'a>) -> Self {
        Self { image, sizes: Sizes::of(&image) }
    }

    /// The image it runs from.
    pub fn image(&self) -> Image<'a> {
        self.image
    }

    /// Codes of the state of a stream. `None` for a network with a layer that needs frames ahead, which has no streams.
    pub fn state_len(&self) -> Option<usize> {
        self.sizes.state
    }

    /// Codes that [`step`](Self::step) must be lent: those of one frame between two layers, twice, and of one frame within a
    /// layer.
    pub fn arena_len(&self) -> usize {
        self.sizes.arena_len(1)
    }

    /// Codes that [`run`](Self::run) must be lent for sequences of up to `frames` frames; `usize::MAX` for more than there can
    /// be.
    pub fn run_arena_len(&self, frames: usize) -> usize {
        self.sizes.arena_len(frames)
    }

    /// Frames that come out of a sequence of `frames`: never more.
    pub fn output_frames(&self, frames: usize) -> usize {
        self.image.layers().fold(frames, |frames, layer| layer.frames(frames))
    }

    /// Brings the state of a stream before its first frame.
    ///
    /// # Errors
    /// [`Error::Ahead`] where there are no streams; [`Error::Length`] for a slice of another length.
    pub fn reset(&self, state: &mut [i16]) -> Result<(), Error> {
        self.check_state(state)?;
        let mut rest = state;
        for layer in self.image.layers() {
            let (of_layer, others) = rest.split_at_mut(layer::memory_len(&layer));
            layer::reset(&layer, of_layer);
            rest = others;
        }
        Ok(())
    }

    /// One frame of a stream: `outputs` is the next frame that [`run`](Self::run) gives for all those before, once there is
    /// one.
    ///
    /// `codes`: `[inputs]`, in the image's input format; `state`: of [`state_len`](Self::state_len), [`reset`](Self::reset)
    /// before the first frame; `arena`: of [`arena_len`](Self::arena_len) or longer; `outputs`: `[outputs]`, in the image's
    /// output format.
    ///
    /// # Errors
    /// [`Error::Ahead`] where a layer needs later frames first; [`Error::Length`] for a slice of another length;
    /// [`Error::Token`] for a row that a table has not. Nothing is changed then.
    pub fn step(
        &self,
        codes: &[i16],
        state: &mut [i16],
        arena: &mut [i16],
        outputs: &mut [i16],
    ) -> Result<Stepped, Error> {
        self.check_state(state)?;
        length("codes of the frames", self.image.inputs(), codes.len())?;
        length("outputs of the frames", self.image.outputs(), outputs.len())?;
        self.check_arena(1, arena)?;
        self.check_tokens(codes)?;
        let mut count = SaturationCount::default();
        let frames = self.forward(codes, 1, Some(state), arena, outputs, &mut count);
        Ok(Stepped { count, ready: frames > 0 })
    }

    /// Whole sequences, each from the beginning. Returns how many of all codes on the way were clipped.
    ///
    /// `codes`: `[frames, inputs]`, in the image's input format; `starts`: the first frame of each sequence, and the number
    /// of frames; `arena`: of [`run_arena_len`](Self::run_arena_len) of the longest sequence, or longer; `outputs`:
    /// `[frames, outputs]` of the [frames that come out](Self::output_frames) of each sequence, in the image's output format.
    ///
    /// # Errors
    /// [`Error::Starts`] unless `starts` begins with 0 and never goes back; [`Error::Length`] for a slice of another length;
    /// [`Error::Token`] for a row that a table has not. Nothing is changed then.
    pub fn run(
        &self,
        codes: &[i16],
        starts: &[usize],
        arena: &mut [i16],
        outputs: &mut [i16],
    ) -> Result<SaturationCount, Error> {
        check_starts(starts)?;
        let lengths = || starts.windows(2).map(|ends| ends[1] - ends[0]);
        let frames = starts.last().copied().unwrap_or(0);
        let frames_out = lengths().fold(0, |sum: usize, frames| sum.saturating_add(self.output_frames(frames)));
        length("codes of the frames", frames.saturating_mul(self.image.inputs()), codes.len())?;
        length("outputs of the frames", frames_out.saturating_mul(self.image.outputs()), outputs.len())?;
        self.check_arena(lengths().max().unwrap_or(0), arena)?;
        self.check_tokens(codes)?;
        let mut count = SaturationCount::default();
        let mut rest = outputs;
        for ends in starts.windows(2) {
            let frames = ends[1] - ends[0];
            let codes = &codes[ends[0] * self.image.inputs()..][..frames * self.image.inputs()];
            let (of_sequence, others) = rest.split_at_mut(self.output_frames(frames) * self.image.outputs());
            self.forward(codes, frames, None, arena, of_sequence, &mut count);
            rest = others;
        }
        Ok(count)
    }

    fn check_state(&self, state: &[i16]) -> Result<(), Error> {
        let expected = self.sizes.state.ok_or(Error::Ahead)?;
        length("state", expected, state.len())
    }

    fn check_arena(&self, frames: usize, arena: &[i16]) -> Result<(), Error> {
        let needed = self.sizes.arena_len(frames);
        length("arena", needed, arena.len().min(needed))
    }

    /// Refuses rows that the table of the first layer has not.
    fn check_tokens(&self, codes: &[i16]) -> Result<(), Error> {
        let Some(LayerView::Embedding(site)) = self.image.layers().next() else { return Ok(()) };
        let rows = site.inputs();
        match codes.iter().position(|&code| usize::try_from(code).map_or(true, |row| row >= rows)) {
            Some(index) => Err(Error::Token { index, code: codes[index], rows }),
            None => Ok(()),
        }
    }

    /// One sequence, or one frame of a stream; returns the frames that came out.
    fn forward(
        &self,
        codes: &[i16],
        frames: usize,
        mut state: Option<&mut [i16]>,
        arena: &mut [i16],
        outputs: &mut [i16],
        count: &mut SaturationCount,
    ) -> usize {
        let (mut from, rest) = arena.split_at_mut(frames * self.sizes.values);
        let (mut to, rest) = rest.split_at_mut(frames * self.sizes.values);
        let (projected, rest) = rest.split_at_mut(frames * self.sizes.projected);
        let (row, rest) = rest.split_at_mut(self.sizes.row);
        let mut buffers = Buffers { projected, row, frame: &mut rest[..self.sizes.frame] };
        let mut frames = frames;
        let layers = self.image.layers();
        let last = layers.len() - 1;
        for (index, layer) in layers.enumerate() {
            let input = if index == 0 { codes } else { &from[..frames * layer.inputs()] };
            let output = if index == last { &mut *outputs } else { &mut to[..frames * layer.outputs()] };
            let memory = match state.take() {
                Some(kept) => {
                    let (of_layer, others) = kept.split_at_mut(layer::memory_len(&layer));
                    state = Some(others);
                    Memory::Kept(of_layer)
                }
                None => Memory::Fresh,
            };
            frames = layer::run(&layer, input, frames, memory, output, &mut buffers, count);
            core::mem::swap(&mut from, &mut to);
        }
        frames
    }
}

fn length(what: &'static str, expected: usize, got: usize) -> Result<(), Error> {
    if got == expected { Ok(()) } else { Err(Error::Length { what, expected, got }) }
}

/// Checks that `starts` begins with 0 and never goes back.
fn check_starts(starts: &[usize]) -> Result<(), Error> {
    let mut least = 0;
    for (index, &got) in starts.iter().enumerate() {
        if got < least || (index == 0 && got != 0) {
            return Err(Error::Starts { index, least, got });
        }
        least = got;
    }
    if starts.is_empty() {
        return Err(Error::Length { what: "first frames of sequences", expected: 1, got: 0 });
    }
    Ok(())
}
