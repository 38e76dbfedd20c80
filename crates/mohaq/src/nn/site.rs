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
    /// Multiply-accumulates a frame.
    pub macs: u64,
    /// Weights held in memory.
    pub weights: u64,
}

/// What one frame costs a network, before any precision is chosen. Everything that a platform prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// The matrix products, in the order data meets them.
    pub sites: Vec<Site>,
    /// Recurrent vectors and biases, which stay at 16 bit.
    pub vectors: u64,
    /// The same as the paper counts them: one vector of `hidden` for each recurrent layer, direction and gate
    /// (8,800 in its network).
    pub vectors_published: u64,
    /// Elementwise operations a frame, as the paper counts them: 20 for each recurrent unit
    /// (5,637,500 − 5,549,500 = 88,000 for the 4,400 units of its network).
    pub elementwise: u64,
}

impl Workload {
    /// Multiply-accumulates of all sites a frame.
    pub fn macs(&self) -> u64 {
        self.sites.iter().map(|site| site.macs).sum()
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
