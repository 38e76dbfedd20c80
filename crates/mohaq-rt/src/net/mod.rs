//! Networks on a machine without allocator: straight from the bytes of an image, in memory that the caller lends.
//!
//! A [`Net`] is the definition of what an image computes, written with the functions of [`numeric`](crate::numeric),
//! [`cell`](crate::cell) and [`table`](crate::table) and nothing else; an engine computes the same codes faster. It keeps
//! no memory of its own. What a network remembers from one frame to the next is a slice of [`state_len`](Net::state_len)
//! codes, one for each stream, which may be stored and put back; all else goes to an *arena*, which any number of streams
//! may share one after the other.
//!
//! Codes of a batch are row-major, `[frames, width]`, sequences one after the other without padding; `starts` has the
//! first frame of each sequence and the number of frames.

mod layer;
mod product;
#[cfg(all(test, feature = "std"))]
mod tests;

use crate::Error;
use crate::image::{Image, LayerView};
use crate::numeric::SaturationCount;
use layer::{Buffers, States};

/// A network, ready to run.
#[derive(Clone, Copy, Debug)]
pub struct Net<'a> {
    image: Image<'a>,
    sizes: Sizes,
}

/// Lengths of the buffers that the largest layer needs.
#[derive(Clone, Copy, Debug, Default)]
struct Sizes {
    /// Codes between two layers, a frame.
    values: usize,
    /// Inputs of a recurrent layer's product, a frame.
    operands: usize,
    /// Inputs of any other product.
    row: usize,
    /// Units of a direction.
    hidden: usize,
    /// Units of all layers; `None` where a layer is bidirectional.
    states: Option<usize>,
}

impl Sizes {
    fn of(image: &Image<'_>) -> Self {
        let mut sizes = Self { states: Some(0), ..Self::default() };
        for (index, layer) in image.layers().enumerate() {
            if index > 0 {
                sizes.values = sizes.values.max(layer.inputs());
            }
            match layer {
                LayerView::Sru(sru) => {
                    sizes.operands = sizes.operands.max(sru.site().inputs());
                    sizes.row = sizes.row.max(sru.projection().map_or(0, |site| site.inputs()));
                    sizes.hidden = sizes.hidden.max(sru.hidden());
                    let states = sizes.states.filter(|_| sru.directions() == 1);
                    sizes.states = states.map(|states| states.saturating_add(sru.hidden()));
                }
                LayerView::Linear(site) => sizes.row = sizes.row.max(site.inputs()),
                LayerView::Pointwise { .. } => {}
            }
        }
        sizes
    }

    /// `[2, frames, values]`, `[frames, operands]`, `[row]`, `[hidden]`.
    fn arena_len(&self, frames: usize) -> usize {
        let frame = self.values.saturating_mul(2).saturating_add(self.operands);
        frame.saturating_mul(frames).saturating_add(self.row).saturating_add(self.hidden)
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

    /// Codes of the state of a stream: one a unit. `None` for a network with a bidirectional layer, which has no streams.
    pub fn state_len(&self) -> Option<usize> {
        self.sizes.states
    }

    /// Codes that [`step`](Self::step) must be lent: those of one frame between two layers, twice, and of the inputs of
    /// products.
    pub fn arena_len(&self) -> usize {
        self.sizes.arena_len(1)
    }

    /// Codes that [`run`](Self::run) must be lent for `frames` frames of all sequences together; `usize::MAX` for more
    /// than there can be.
    pub fn run_arena_len(&self, frames: usize) -> usize {
        self.sizes.arena_len(frames)
    }

    /// Brings the state of a stream before its first frame: zeros.
    pub fn reset(&self, state: &mut [i16]) {
        state.fill(0);
    }

    /// One frame of a stream: `outputs` is what [`run`](Self::run) gives for this frame after all those before. Returns how
    /// many of all codes on the way were clipped.
    ///
    /// `codes`: `[inputs]`, in the image's input format; `state`: of [`state_len`](Self::state_len), zeros before the first
    /// frame; `arena`: of [`arena_len`](Self::arena_len) or longer; `outputs`: `[outputs]`, in the image's output format.
    ///
    /// # Errors
    /// [`Error::Bidirectional`] where a layer needs the end of the sequence first; [`Error::Length`] for a slice of another
    /// length. Nothing is changed then.
    pub fn step(
        &self,
        codes: &[i16],
        state: &mut [i16],
        arena: &mut [i16],
        outputs: &mut [i16],
    ) -> Result<SaturationCount, Error> {
        let states = self.sizes.states.ok_or(Error::Bidirectional)?;
        if state.len() != states {
            return Err(Error::Length { what: "state", expected: states, got: state.len() });
        }
        self.forward(codes, &[0, 1], Some(state), arena, outputs)
    }

    /// Whole sequences, each from a state of zeros. Returns how many of all codes on the way were clipped.
    ///
    /// `codes`: `[frames, inputs]`, in the image's input format; `starts`: the first frame of each sequence, and the number
    /// of frames; `arena`: of [`run_arena_len`](Self::run_arena_len) of all frames, or longer; `outputs`:
    /// `[frames, outputs]`, in the image's output format. Where the arena cannot hold a batch, its sequences give the same
    /// codes one by one.
    ///
    /// # Errors
    /// [`Error::Starts`] unless `starts` begins with 0 and never goes back; [`Error::Length`] for a slice of another length.
    /// Nothing is changed then.
    pub fn run(
        &self,
        codes: &[i16],
        starts: &[usize],
        arena: &mut [i16],
        outputs: &mut [i16],
    ) -> Result<SaturationCount, Error> {
        check_starts(starts)?;
        self.forward(codes, starts, None, arena, outputs)
    }

    fn forward(
        &self,
        codes: &[i16],
        starts: &[usize],
        mut state: Option<&mut [i16]>,
        arena: &mut [i16],
        outputs: &mut [i16],
    ) -> Result<SaturationCount, Error> {
        let frames = starts.last().copied().unwrap_or(0);
        length("codes of the frames", frames.saturating_mul(self.image.inputs()), codes.len())?;
        length("outputs of the frames", frames.saturating_mul(self.image.outputs()), outputs.len())?;
        let needed = self.sizes.arena_len(frames);
        length("arena", needed, arena.len().min(needed))?;
        let (mut from, rest) = arena.split_at_mut(frames * self.sizes.values);
        let (mut to, rest) = rest.split_at_mut(frames * self.sizes.values);
        let (operands, rest) = rest.split_at_mut(frames * self.sizes.operands);
        let (row, fresh) = rest.split_at_mut(self.sizes.row);
        let mut buffers = Buffers { operands, row, state: fresh };
        let mut count = SaturationCount::default();
        let layers = self.image.layers();
        let last = layers.len() - 1;
        for (index, layer) in layers.enumerate() {
            let input = if index == 0 { codes } else { &from[..frames * layer.inputs()] };
            let output = if index == last { &mut *outputs } else { &mut to[..frames * layer.outputs()] };
            let states = match (&layer, state.take()) {
                (LayerView::Sru(sru), Some(kept)) => {
                    let (of_layer, others) = kept.split_at_mut(sru.hidden());
                    state = Some(others);
                    States::Kept(of_layer)
                }
                (_, kept) => {
                    state = kept;
                    States::Fresh
                }
            };
            count.merge(layer::run(&layer, input, starts, states, output, &mut buffers));
            core::mem::swap(&mut from, &mut to);
        }
        Ok(count)
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
