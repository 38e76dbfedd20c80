//! Integer networks prepared for this machine: whole sequences side by side, or frame by frame.
//!
//! An [`Engine`] holds packed weights and constants in the order in which the vector unit wants them, and a [`Level`]. It
//! computes the same codes as every other engine, whatever the level, the number of threads and the other sequences of a
//! batch. It allocates while it is prepared; [`Scratch`] grows to the largest batch seen and is reused.
//!
//! Codes of a batch are row-major, `[frames, width]`, sequences one after the other without padding; `starts` has the
//! first frame of each sequence and the number of frames.
//!
//! How a layer is run depends on what its units touch: see `sru` and `recurrent`.

mod frames;
mod image;
mod layer;
mod recurrent;
mod site;
mod sru;

pub use layer::{Layer, LayerCounts};
pub use site::{SiteCounts, arrangement, gate_arrangement, sru_arrangement};

use crate::Error;
use crate::arch::{Level, Words};
use crate::panel::LANES;
use crate::panel::Panels;
use crate::parameters::LayerParameters;
use alloc::borrow::Cow;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

/// Buffers that a run needs, whatever the network. One a thread.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    words: Vec<Words>,
    projected: Vec<i16>,
    normal: Vec<i16>,
    tile: Vec<i16>,
    states: Vec<[i16; LANES]>,
    recurrent: recurrent::Buffers,
    /// Whether the next product of one row begins with the weights that the last one ended with.
    turned: bool,
    values: [Vec<i16>; 2],
}

/// A network, ready to run.
#[derive(Clone, Debug)]
pub struct Engine {
    level: Level,
    inputs: usize,
    layers: Vec<Layer>,
}

/// Where a stream of frames stands.
#[derive(Clone, Debug)]
pub struct Stream {
    /// What every layer remembers.
    memory: Vec<Vec<i16>>,
    scratch: Scratch,
}

impl Engine {
    /// Prepares `layers` over `inputs` features a frame.
    ///
    /// # Errors
    /// [`Error::Length`] where the parts of a layer do not fit each other or the layer in front.
    pub fn new(level: Level, inputs: usize, layers: Vec<LayerParameters<Arc<Panels>>>) -> Result<Self, Error> {
        let mut width = inputs;
        let mut prepared = Vec::with_capacity(layers.len());
        for layer in layers {
            let layer = Layer::new(layer, width)?;
            width = layer.outputs();
            prepared.push(layer);
        }
        Ok(Self { level, inputs, layers: prepared })
    }

    /// The level it was prepared for.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Features a frame.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Length of the output.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(self.inputs, Layer::outputs)
    }

    /// In the order data meets them.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The network's output for whole sequences, `[frames, outputs]` of the frames that come out, and the saturations of
    /// every layer.
    ///
    /// # Panics
    /// If `codes` is not `[frames, inputs]` of the frames that `starts` speaks of, or one of them is the number of a row that
    /// a table has not: the caller's mistake.
    pub fn run(&self, codes: &[i16], starts: &[usize], scratch: &mut Scratch) -> (Vec<i16>, Vec<LayerCounts>) {
        let mut values = codes.to_vec();
        let mut starts = Cow::Borrowed(starts);
        let mut counts = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let after = layer.output_starts(&starts).into_owned();
            let mut outputs = vec![0; after.last().unwrap_or(&0) * layer.outputs()];
            counts.push(layer.run(self.level, &values, &starts, &mut outputs, scratch));
            values = outputs;
            starts = Cow::Owned(after);
        }
        (values, counts)
    }

    /// A stream before its first frame.
    ///
    /// # Errors
    /// [`Error::Ahead`] where a layer needs later frames first.
    pub fn stream(&self) -> Result<Stream, Error> {
        let memory = self.layers.iter().map(Layer::initial_memory).collect::<Option<_>>();
        Ok(Stream { memory: memory.ok_or(Error::Ahead)?, scratch: Scratch::default() })
    }

    /// One frame: `outputs` is the next frame that [`run`](Self::run) gives for all those before, once there is one; returns
    /// whether there is. Nothing is allocated from the second frame on but what counts saturations.
    ///
    /// # Panics
    /// If the slices have other than [`inputs`](Self::inputs) and [`outputs`](Self::outputs) elements, or the stream is
    /// another engine's.
    pub fn step(&self, codes: &[i16], stream: &mut Stream, outputs: &mut [i16]) -> bool {
        let mut values = core::mem::take(&mut stream.scratch.values);
        values[0].clear();
        values[0].extend_from_slice(codes);
        let mut ready = true;
        for (layer, memory) in self.layers.iter().zip(&mut stream.memory) {
            let [from, to] = &mut values;
            to.resize(layer.outputs(), 0);
            ready = layer.step(self.level, from, memory, to, &mut stream.scratch);
            if !ready {
                break;
            }
            values.swap(0, 1);
        }
        if ready {
            outputs.copy_from_slice(&values[0]);
        }
        stream.scratch.values = values;
        ready
    }
}
