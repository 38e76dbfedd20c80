//! A quantized network as plain values: what an [`engine`](crate::engine) is prepared from and an image is written from.
//!
//! Types are generic in how a site's weights are held, `W`: as codes, or packed for this machine and shared by many
//! networks. Every other number is small.

use crate::Bits;
use crate::cell::{Highway, Pointwise, RecurrentCell, SruCell};
use crate::norm::Norm;
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
    /// Normalises what products read; the highway carries the input as it comes.
    pub norm: Option<NormParameters>,
    /// In front of the cells.
    pub projection: Option<SiteParameters<W>>,
    /// One product of all parts, or one of each; columns by direction, then part, then unit. `outputs` have one
    /// requantizer a part, the same in both directions, or one a column.
    pub sites: Vec<SiteParameters<W>>,
    /// v, `[2, directions · hidden]`: forget gate, reset gate.
    pub vectors: Vec<i16>,
}

/// A layer of any other cell.
#[derive(Clone, Debug, PartialEq)]
pub struct RecurrentParameters<W> {
    /// Units a direction.
    pub hidden: usize,
    /// 1, or 2 where the second runs from the last frame to the first.
    pub directions: usize,
    /// The cell and the format of its state.
    pub cell: RecurrentCell,
    /// Frames that a product of the input sees: 1, or 2 with the one that the direction has met before, in front.
    pub window: usize,
    /// One product of the input for all gates, or one for each; columns by direction, then gate, then unit. `outputs` have
    /// one requantizer a gate, the same in both directions, or one a column.
    pub input: Vec<SiteParameters<W>>,
    /// Products of the hidden output, as [`CellKind::recurrent_gates`](crate::cell::CellKind::recurrent_gates) has them.
    pub recurrent: Vec<SiteParameters<W>>,
    /// What brings the hidden output to its width; columns by direction.
    pub projection: Option<SiteParameters<W>>,
    /// p, `[peepholes, directions · hidden]`; empty where the cell has none.
    pub peepholes: Vec<i16>,
}

/// A convolution over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv1dParameters<W> {
    /// Frames that a frame of the output sees.
    pub kernel: usize,
    /// Frames of the input from one frame of the output to the next.
    pub stride: usize,
    /// Frames of zeros before the first frame and behind the last: together fewer than the kernel has.
    pub padding: [usize; 2],
    /// The product of `[kernel · inputs]`, the earliest frame first.
    pub site: SiteParameters<W>,
}

/// A normalisation of every frame.
#[derive(Clone, Debug, PartialEq)]
pub struct NormParameters {
    /// Its constants.
    pub norm: Norm,
    /// Of every number.
    pub gain: Vec<i16>,
    /// Of every number, in the format of the result.
    pub bias: Vec<i16>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq)]
pub enum LayerParameters<W> {
    /// Simple recurrent units.
    Sru(SruParameters<W>),
    /// Units of any other cell.
    Recurrent(RecurrentParameters<W>),
    /// A matrix and a bias.
    Linear(SiteParameters<W>),
    /// A convolution over time.
    Conv1d(Conv1dParameters<W>),
    /// A row of a table, whose number is the one code that arrives. Of the site, inputs are rows; its input's width and
    /// requantizer mean nothing.
    Embedding(SiteParameters<W>),
    /// Every frame brought to mean 0 and variance 1.
    Norm(NormParameters),
    /// A function of one number; the codes that arrive have its argument's format.
    Pointwise(Pointwise),
}

impl<W> SruParameters<W> {
    /// Length of the layer's output.
    pub const fn outputs(&self) -> usize {
        self.directions * self.hidden
    }
}

impl<W> RecurrentParameters<W> {
    /// What a direction shows and feeds back.
    pub fn width(&self) -> usize {
        self.projection.as_ref().map_or(self.hidden, |site| site.columns / self.directions.max(1))
    }

    /// Length of the layer's output.
    pub fn outputs(&self) -> usize {
        self.directions * self.width()
    }
}

impl<W> LayerParameters<W> {
    /// The products, in the order data meets them.
    pub fn sites(&self) -> Vec<&SiteParameters<W>> {
        match self {
            Self::Sru(sru) => sru.projection.iter().chain(&sru.sites).collect(),
            Self::Recurrent(layer) => layer.input.iter().chain(&layer.recurrent).chain(&layer.projection).collect(),
            Self::Linear(site) | Self::Embedding(site) => alloc::vec![site],
            Self::Conv1d(conv) => alloc::vec![&conv.site],
            Self::Norm(_) | Self::Pointwise(_) => Vec::new(),
        }
    }

    /// The same layer with the weights of every product, in the order of [`sites`](Self::sites), held in another way.
    ///
    /// # Errors
    /// The first that `hold` gives.
    pub fn try_map<V, E>(
        self,
        mut hold: impl FnMut(SiteParameters<W>) -> Result<SiteParameters<V>, E>,
    ) -> Result<LayerParameters<V>, E> {
        Ok(match self {
            Self::Sru(sru) => {
                let SruParameters { hidden, directions, cell, highway, norm, projection, sites, vectors } = sru;
                let projection = projection.map(&mut hold).transpose()?;
                let sites = sites.into_iter().map(hold).collect::<Result<_, _>>()?;
                let sru = SruParameters { hidden, directions, cell, highway, norm, projection, sites, vectors };
                LayerParameters::Sru(sru)
            }
            Self::Recurrent(layer) => {
                let RecurrentParameters { hidden, directions, cell, window, input, recurrent, projection, peepholes } =
                    layer;
                let input = input.into_iter().map(&mut hold).collect::<Result<_, _>>()?;
                let recurrent = recurrent.into_iter().map(&mut hold).collect::<Result<_, _>>()?;
                let projection = projection.map(hold).transpose()?;
                let layer =
                    RecurrentParameters { hidden, directions, cell, window, input, recurrent, projection, peepholes };
                LayerParameters::Recurrent(layer)
            }
            Self::Linear(site) => LayerParameters::Linear(hold(site)?),
            Self::Conv1d(Conv1dParameters { kernel, stride, padding, site }) => {
                LayerParameters::Conv1d(Conv1dParameters { kernel, stride, padding, site: hold(site)? })
            }
            Self::Embedding(site) => LayerParameters::Embedding(hold(site)?),
            Self::Norm(norm) => LayerParameters::Norm(norm),
            Self::Pointwise(function) => LayerParameters::Pointwise(function),
        })
    }
}

impl<W> SiteParameters<W> {
    /// The same site with its weights held in another way.
    pub fn with_weights<V>(self, weights: V) -> SiteParameters<V> {
        let Self { inputs, columns, weight, activation, input, outputs, biases, weights: _ } = self;
        SiteParameters { inputs, columns, weight, activation, input, outputs, biases, weights }
    }
}
