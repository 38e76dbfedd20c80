//! What both readers make of a file: a chain of layers with their numbers, in our orientation and order of gates.

use crate::nn::{Cell, Pointwise};
use crate::tensor::Matrix;
use std::fmt;

/// A chain of layers over frames.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// Features a frame of the input.
    pub input: usize,
    pub layers: Vec<Imported>,
    /// How one frame is left of a sequence, and how many layers stand before that.
    pub pooling: Option<(usize, Pooled)>,
    /// A final softmax, which the network does without.
    pub dropped: Option<Dropped>,
    /// How the input's axes are laid out, where the file says so.
    pub layout: Option<Layout>,
    /// About the model as a whole.
    pub notes: Vec<String>,
}

/// A layer and what is to be told about it.
#[derive(Clone, Debug)]
pub(super) struct Imported {
    /// Its name in the network; by kind and number where there is none.
    pub name: Option<String>,
    /// What it is called in the file.
    pub origin: String,
    pub kind: Kind,
    /// What was folded, assumed or left out.
    pub notes: Vec<String>,
}

/// What a layer computes.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// `weight`: `[inputs, outputs]`.
    Linear {
        weight: Matrix,
        bias: Vec<f32>,
    },
    Conv1d(Convolution),
    /// `[vocabulary, outputs]`.
    Embedding(Matrix),
    LayerNorm {
        gain: Vec<f32>,
        bias: Vec<f32>,
    },
    /// y = x ⊙ scale + shift: a batch norm, or a bias by itself. Gone after [`fold`](super::fold).
    Affine {
        scale: Vec<f32>,
        shift: Vec<f32>,
    },
    Pointwise(Pointwise),
    Recurrent(Unit),
    Sru(SruUnit),
}

/// y_t = Σ_k x_{t·stride + k − padding₀}·W_k + b.
#[derive(Clone, Debug)]
pub(super) struct Convolution {
    /// `[kernel · inputs, outputs]`, frame by frame.
    pub weight: Matrix,
    pub bias: Vec<f32>,
    pub kernel: usize,
    pub stride: usize,
    pub padding: [usize; 2],
}

/// A recurrent layer.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub cell: Cell,
    pub hidden: usize,
    /// One, or forward and backward.
    pub directions: Vec<Direction>,
}

/// The numbers of one direction, gate by gate in the order of [`Cell::gates`].
#[derive(Clone, Debug)]
pub(super) struct Direction {
    /// `[inputs, gates · hidden]`.
    pub input: Matrix,
    /// `[hidden or projection, gates · hidden]`.
    pub recurrent: Matrix,
    /// Of the input's product, `gates · hidden`.
    pub input_bias: Vec<f32>,
    /// Of the hidden output's product, `gates · hidden`.
    pub recurrent_bias: Vec<f32>,
    /// `[hidden, projection]`.
    pub projection: Option<Matrix>,
    /// `hidden` for every gate of [`Cell::peepholes`].
    pub peepholes: Vec<Vec<f32>>,
}

/// A layer of simple recurrent units.
#[derive(Clone, Debug)]
pub(super) struct SruUnit {
    pub hidden: usize,
    pub directions: usize,
    /// What the highway's input is multiplied with; `None` where there is no highway.
    pub scale: Option<f64>,
    /// Gain and bias of what normalises the input of the matrices.
    pub norm: Option<[Vec<f32>; 2]>,
    /// `[inputs, projection]`.
    pub projection: Option<Matrix>,
    /// `[inputs or projection, directions · k · hidden]`, k of 3 or 4.
    pub weight: Matrix,
    /// `[2, directions · hidden]`.
    pub vectors: Matrix,
    /// `[2, directions · hidden]`.
    pub bias: Matrix,
}

/// How a model makes one output of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooled {
    /// The last frame's.
    LastFrame,
    /// The last state of each direction: of the backward one, that is the first frame's.
    LastState,
    /// The mean over all frames.
    Mean,
}

impl fmt::Display for Pooled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LastFrame => "the last frame",
            Self::LastState => "the last state of each direction",
            Self::Mean => "the mean of all frames",
        })
    }
}

/// A function at the end that changes no decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dropped {
    Softmax,
    LogSoftmax,
}

/// How the axes of an input array lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `[time, batch, features]`.
    TimeFirst,
    /// `[batch, time, features]`.
    BatchFirst,
    /// `[batch, features, time]`.
    Channels,
}

impl Imported {
    pub(super) fn new(origin: impl Into<String>, kind: Kind) -> Self {
        Self { name: None, origin: origin.into(), kind, notes: Vec::new() }
    }

    /// Under a name of its own.
    pub(super) fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }
}

impl Kind {
    /// What it is called in messages and tables.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Linear { .. } => "linear",
            Self::Conv1d(_) => "conv1d",
            Self::Embedding(_) => "embedding",
            Self::LayerNorm { .. } => "layernorm",
            Self::Affine { .. } => "scale and shift",
            Self::Pointwise(Pointwise::Relu) => "relu",
            Self::Pointwise(Pointwise::Tanh) => "tanh",
            Self::Pointwise(Pointwise::Sigmoid) => "sigmoid",
            Self::Recurrent(unit) => match unit.cell {
                Cell::Rnn(_) => "rnn",
                Cell::Lstm { .. } => "lstm",
                Cell::Gru(_) => "gru",
                Cell::LiGru => "ligru",
                Cell::Mgu => "mgu",
                Cell::Qrnn(_) => "qrnn",
            },
            Self::Sru(_) => "sru",
        }
    }

    /// Width of the input; `None` where any goes.
    pub(super) fn inputs(&self) -> Option<usize> {
        match self {
            Self::Linear { weight, .. } => Some(weight.rows()),
            Self::Conv1d(conv) => Some(conv.weight.rows() / conv.kernel),
            Self::Embedding(_) => Some(1),
            Self::LayerNorm { gain, .. } => Some(gain.len()),
            Self::Affine { scale, .. } => Some(scale.len()),
            Self::Pointwise(_) => None,
            Self::Recurrent(unit) => Some(unit.directions[0].input.rows()),
            Self::Sru(sru) => Some(sru.projection.as_ref().unwrap_or(&sru.weight).rows()),
        }
    }

    /// Width of the output over `inputs`.
    pub(super) fn outputs(&self, inputs: usize) -> usize {
        match self {
            Self::Linear { bias, .. } => bias.len(),
            Self::Conv1d(conv) => conv.bias.len(),
            Self::Embedding(table) => table.cols(),
            Self::LayerNorm { .. } | Self::Affine { .. } | Self::Pointwise(_) => inputs,
            Self::Recurrent(unit) => unit.directions.len() * unit.width(),
            Self::Sru(sru) => sru.directions * sru.hidden,
        }
    }
}

impl Unit {
    /// What a direction shows and feeds back.
    pub(super) fn width(&self) -> usize {
        self.directions[0].projection.as_ref().map_or(self.hidden, Matrix::cols)
    }
}

/// Parts of equal height in an array, and the order in which to take them; parts may be left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocks<'a> {
    /// Parts in the array.
    pub count: usize,
    pub order: &'a [usize],
}

impl Blocks<'_> {
    /// The transpose of `values`, `[rows, cols]` row-major, whose rows are the parts: part `order[i]` of the rows becomes part
    /// `i` of the columns.
    pub(super) fn turned(self, values: &[f32], cols: usize) -> Matrix {
        let height = values.len().checked_div(cols).unwrap_or(0) / self.count;
        let mut turned = Matrix::zeros(cols, height * self.order.len());
        for (to, &from) in self.order.iter().enumerate() {
            for unit in 0..height {
                for (column, &value) in values[(from * height + unit) * cols..][..cols].iter().enumerate() {
                    turned.row_mut(column)[to * height + unit] = value;
                }
            }
        }
        turned
    }

    /// The parts of a vector, part `order[i]` as part `i`.
    pub(super) fn picked(self, values: &[f32]) -> Vec<f32> {
        let height = values.len() / self.count;
        self.order.iter().flat_map(|&from| &values[from * height..][..height]).copied().collect()
    }
}

/// The transpose of `values`, `[rows, cols]` row-major.
pub(super) fn turned(values: &[f32], cols: usize) -> Matrix {
    Blocks { count: 1, order: &[0] }.turned(values, cols)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_in_blocks_become_columns_in_another_order() {
        // Two gates of two units over three inputs.
        let values: Vec<f32> = (0..12_u8).map(f32::from).collect();
        let swapped = Blocks { count: 2, order: &[1, 0] };
        let turned = swapped.turned(&values, 3);
        assert_eq!(turned.shape(), [3, 4]);
        assert_eq!(turned.row(0), [6.0, 9.0, 0.0, 3.0]);
        assert_eq!(turned.row(2), [8.0, 11.0, 2.0, 5.0]);
        assert_eq!(swapped.picked(&values[..4]), [2.0, 3.0, 0.0, 1.0]);
        let second = Blocks { count: 2, order: &[1] };
        assert_eq!(second.turned(&values, 3).row(0), [6.0, 9.0]);
        assert_eq!(second.picked(&values[..4]), [2.0, 3.0]);
    }
}
