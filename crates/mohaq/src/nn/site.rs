//! Sites: the matrix products of a network, where quantization, cost and kernels meet.

use serde::{Deserialize, Serialize};

/// Index of a site in [`Workload::sites`] and in every table that has one entry a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SiteId(pub usize);

/// One matrix product of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Name of the layer, with the part where a layer has several products: `l1`, `l1.projection`.
    pub name: String,
    /// Length of the input vector.
    pub inputs: usize,
    /// Length of the output vector.
    pub outputs: usize,
    /// Multiply-accumulates a frame; 0 for a table, of which a row is read.
    pub macs: u64,
    /// Weights held in memory.
    pub weights: u64,
    /// Its input is made of the frame before, so that it is multiplied frame after frame, never several at once.
    #[serde(default)]
    pub recurrent: bool,
}

impl Site {
    /// How often the product is made for one frame of the output; 0 for a table.
    pub fn times(&self) -> f64 {
        self.macs as f64 / self.weights.max(1) as f64
    }
}

/// What one frame costs a network, before any precision is chosen. Everything that a platform prices.
///
/// A frame is one of the output: where a convolution makes one of several, the layers before it run as often.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// The matrix products, in the order data meets them.
    pub sites: Vec<Site>,
    /// Frames of the input for one of the output.
    #[serde(default = "one")]
    pub input_frames: u64,
    /// Recurrent vectors, biases and gains, which stay at 16 bit.
    pub vectors: u64,
    /// The same as the paper counts them: one vector of `hidden` for each recurrent layer, direction and gate
    /// (8,800 in its network).
    pub vectors_published: u64,
    /// Elementwise operations a frame. For simple recurrent units as the paper counts them, 20 each
    /// (5,637,500 − 5,549,500 = 88,000 for the 4,400 units of its network); for other cells the additions, multiplications
    /// and functions of their equations ([`Cell::operations`](super::Cell::operations)).
    pub elementwise: u64,
    /// Numbers that are kept from one frame to the next, at 16 bit: states and hidden outputs of every direction, and the
    /// earlier frames of windows.
    #[serde(default)]
    pub state: u64,
    /// How long a frame of the output lasts, in ns; `None` where frames have no duration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_ns: Option<u64>,
}

const fn one() -> u64 {
    1
}

impl Workload {
    /// Multiply-accumulates of all sites a frame.
    pub fn macs(&self) -> u64 {
        self.sites.iter().map(|site| site.macs).sum()
    }

    /// The same, where a frame of the input lasts `input_frame_ns`.
    pub fn lasting(self, input_frame_ns: Option<u64>) -> Self {
        let frame_ns = input_frame_ns.map(|ns| ns.saturating_mul(self.input_frames));
        Self { frame_ns, ..self }
    }

    /// Weights of all sites.
    pub fn weights(&self) -> u64 {
        self.sites.iter().map(|site| site.weights).sum()
    }

    /// Weights and vectors: everything that was trained.
    pub fn parameters(&self) -> u64 {
        self.weights() + self.vectors
    }
}
