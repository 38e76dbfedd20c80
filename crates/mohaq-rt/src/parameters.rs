//! A quantized network as plain values: what an [`engine`](crate::engine) is prepared from and an image is written from.
//!
//! Types are generic in how a site's weights are held, `W`: as codes, or packed for this machine and shared by many
//! networks. Every other number is small.

use crate::Bits;
use crate::cell::{Highway, Pointwise, SruCell};
use crate::numeric::Requantizer;
use alloc::vec::Vec;

/// A product with its formats.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteParameters<W> {
    /// Length of the input.
    pub inputs: usize,
    /// Length of the output.
    pub columns: usize,
    /// Width of the weights.
    pub weight: Bits,
    /// Width of the inputs.
    pub activation: Bits,
    /// From the 16 bit codes that arrive to the product's input.
    pub input: Requantizer,
    /// From sums to 16 bit codes: one for each of some equal parts of the columns, or one a column.
    pub outputs: Vec<Requantizer>,
    /// Added to the 16 bit codes: one a column, or none at all.
    pub biases: Vec<i16>,
    /// `[inputs, columns]`.
    pub weights: W,
}

/// A layer of simple recurrent units.
#[derive(Clone, Debug, PartialEq)]
pub struct SruParameters<W> {
    /// Units a direction.
    pub hidden: usize,
    /// 1, or 2 where the second runs from the last frame to the first.
    pub directions: usize,
    /// Formats of vectors, state and hidden output.
    pub cell: SruCell,
    /// What is carried past the cells.
    pub highway: Highway,
    /// In front of the cells.
    pub projection: Option<SiteParameters<W>>,
    /// Columns by direction, then part, then unit. Its `outputs` have one requantizer a part, the same in both
    /// directions, or one a column.
    pub site: SiteParameters<W>,
    /// v, `[2, directions · hidden]`: forget gate, reset gate.
    pub vectors: Vec<i16>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq)]
pub enum LayerParameters<W> {
    /// Simple recurrent units.
    Sru(SruParameters<W>),
    /// A matrix and a bias.
    Linear(SiteParameters<W>),
    /// A function of one number; the codes that arrive have its argument's format.
    Pointwise(Pointwise),
}

impl<W> SruParameters<W> {
    /// Length of the layer's output.
    pub const fn outputs(&self) -> usize {
        self.directions * self.hidden
    }

    /// Which part of the product `column` belongs to.
    pub const fn part(&self, column: usize) -> usize {
        column / self.hidden % self.highway.parts()
    }
}

impl<W> SiteParameters<W> {
    /// The same site with its weights held in another way.
    pub fn with_weights<V>(self, weights: V) -> SiteParameters<V> {
        let Self { inputs, columns, weight, activation, input, outputs, biases, weights: _ } = self;
        SiteParameters { inputs, columns, weight, activation, input, outputs, biases, weights }
    }
}
