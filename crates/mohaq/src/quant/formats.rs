//! 16 bit formats of everything that is no operand of a product: results of products, states, hidden outputs.
//!
//! Each is the finest whose range holds what calibration saw and a quarter more. A recurrent layer's product is not one
//! tensor but three or four, and each part is requantized to the format in which the cell uses it: the candidate to the
//! state's, the gates' arguments to that of the table of sigma, the highway to that of the hidden output.

use crate::nn::{
    Cell, Conv1d, Embedding, Gate, Layer, LayerNorm, Linear, Network, Pointwise, Pooling, Product, Recurrent, Reset,
    RnnActivation, Skip, Sru,
};
use crate::{Error, Result};
use mohaq_rt::cell::{CellKind, Pointwise as IntegerPointwise, RecurrentCell, SruCell};
use mohaq_rt::numeric::Q16;
use mohaq_rt::table::{GATE, TANH, UNIT};
use serde::{Deserialize, Serialize};

use super::grid::Grid;
use super::histogram::max_abs;

/// Room above what calibration saw, for sequences that it did not see: a quarter. Seemed reasonable; saturations are
/// counted.
const HEADROOM: f32 = 1.25;

/// Fraction bits of the 16 bit tensors of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LayerFormat {
    /// Simple recurrent units.
    Sru {
        /// Of what matrices read, where it is normalised.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        normed: Option<u32>,
        /// Of the projection's result, where there is a projection.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        projected: Option<u32>,
        /// Of candidate and state.
        state: u32,
        /// Of highway and hidden output.
        hidden: u32,
    },
    /// Units of any other cell.
    Recurrent {
        /// Of the state of an LSTM; that of a QRNN lies within −1 … 1 and has the format of functions.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        state: Option<u32>,
        /// Of the hidden output as it is shown and fed back.
        hidden: u32,
    },
    /// A matrix and a bias.
    Linear {
        /// Of the result.
        output: u32,
    },
    /// A convolution over time.
    Conv1d {
        /// Of the result.
        output: u32,
    },
    /// A row of a table.
    Embedding {
        /// Of the result.
        output: u32,
    },
    /// A normalised frame.
    LayerNorm {
        /// Of the result.
        output: u32,
    },
    /// A function of one number, whose formats are its own or those of its input.
    Pointwise,
}

/// How the columns of a product fall into tensors: part by part, `width` columns each, and again from the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SiteParts {
    pub(super) count: usize,
    pub(super) width: usize,
}

impl SiteParts {
    /// Of every site of `network`.
    pub(super) fn of(network: &Network) -> Vec<Self> {
        let mut parts = Vec::new();
        for layer in network.layers() {
            match layer {
                Layer::Sru(sru) => {
                    parts.extend(sru.projection.iter().map(|(_, matrix)| Self { count: 1, width: matrix.cols() }));
                    parts.extend(sru.products.iter().map(|product| Self::of_product(product, sru.hidden)));
                }
                Layer::Recurrent(recurrent) => {
                    let products = recurrent.input.iter().chain(&recurrent.recurrent);
                    parts.extend(products.map(|product| Self::of_product(product, recurrent.shape.hidden)));
                    let width = recurrent.shape.width();
                    parts.extend(recurrent.projection.iter().map(|_| Self { count: 1, width }));
                }
                Layer::Linear(Linear { weight, .. })
                | Layer::Conv1d(Conv1d { weight, .. })
                | Layer::Embedding(Embedding { weight, .. }) => parts.push(Self { count: 1, width: weight.cols() }),
                Layer::LayerNorm(_) | Layer::Pointwise(_) => {}
            }
        }
        parts
    }

    fn of_product(product: &Product, hidden: usize) -> Self {
        Self { count: product.gates.len(), width: hidden }
    }
}

/// The format with `fraction` bits behind the point.
///
/// # Errors
/// [`Error::Calibration`] from 16 on: a file could have lied about it.
pub(super) fn format(fraction: u32) -> Result<Q16> {
    Q16::new(fraction)
        .ok_or_else(|| Error::Calibration { reason: format!("{fraction} fraction bits, expected 0 to 15") })
}

/// Fraction bits of the finest format for a tensor of magnitude `max_abs` and [`HEADROOM`].
///
/// # Errors
/// [`Error::Calibration`] where no format holds it.
pub(super) fn fixed_point(tensor: &str, max_abs: f32) -> Result<u32> {
    let reason = |e| Error::Calibration { reason: format!("{tensor}: {e}") };
    Q16::finest(max_abs * HEADROOM).map(Q16::fraction).map_err(reason)
}

/// What calibration saw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    /// Largest magnitude of every site's input.
    pub(super) inputs: &'a [f32],
    /// Largest magnitude of each part of every site's product.
    pub(super) outputs: &'a [&'a [f32]],
    /// Largest magnitude of every layer's tensor that nothing else bounds.
    pub(super) unbounded: &'a [f32],
}

/// Formats of every layer.
pub(super) fn layer_formats(network: &Network, seen: Seen<'_>) -> Result<Vec<LayerFormat>> {
    let layers = network.layers();
    let formats = layers.iter().enumerate().map(|(i, layer)| {
        // A function of one number takes its argument in its own format, which the layer in front must give.
        let argument = match layers.get(i + 1) {
            Some(Layer::Pointwise(function)) => integer_pointwise(*function).argument(),
            _ => None,
        };
        let result = |name: &str, largest: f32| {
            argument.map_or_else(|| fixed_point(name, largest), |format| Ok(format.fraction()))
        };
        Ok(match layer {
            Layer::Sru(sru) => sru_format(sru, i, seen)?,
            Layer::Recurrent(recurrent) => recurrent_format(recurrent, i, seen)?,
            Layer::Linear(Linear { name, site, .. }) => {
                LayerFormat::Linear { output: result(name, seen.outputs[site.0][0])? }
            }
            Layer::Conv1d(Conv1d { name, site, .. }) => {
                LayerFormat::Conv1d { output: result(name, seen.outputs[site.0][0])? }
            }
            Layer::Embedding(Embedding { name, site, .. }) => {
                LayerFormat::Embedding { output: result(name, seen.outputs[site.0][0])? }
            }
            Layer::LayerNorm(norm) => {
                LayerFormat::LayerNorm { output: result(&norm.name, seen.unbounded[i])?.min(finest_normed(norm)?) }
            }
            Layer::Pointwise(function) => {
                let gives_any_format = |layer: &Layer| !matches!(layer, Layer::Sru(_) | Layer::Recurrent(_) | Layer::Pointwise(_));
                let in_front = i.checked_sub(1).map(|front| &layers[front]);
                if integer_pointwise(*function).argument().is_some() && !in_front.is_some_and(gives_any_format) {
                    let reason = format!(
                        "layer {i}: {function:?} is computed in integers only behind a linear layer, a convolution, a table or a \
                         normalisation"
                    );
                    return Err(Error::Calibration { reason });
                }
                LayerFormat::Pointwise
            }
        })
    });
    formats.collect()
}

/// Format of a frame of mean 0 and variance 1 before it is scaled: Q4.11, as ±16 holds any number of up to 257 of them.
pub(super) const NORMAL: Q16 = mohaq_rt::norm::NORMAL;

/// The format of a normalisation's gain.
pub(super) fn gain_format(norm: &LayerNorm) -> Result<Q16> {
    let reason = |e| Error::Calibration { reason: format!("layer `{}`: {e}", norm.name) };
    Q16::finest(max_abs(norm.gain.data())).map_err(reason)
}

/// Fraction bits of the finest format that a normalisation can give.
fn finest_normed(norm: &LayerNorm) -> Result<u32> {
    Ok(NORMAL.fraction() + gain_format(norm)?.fraction())
}

/// Refuses a result's format that a normalisation cannot give.
fn check_normed(norm: &LayerNorm, output: u32) -> Result<()> {
    format(output)?;
    let finest = finest_normed(norm)?;
    if output > finest {
        let reason =
            format!("layer `{}`: a normalised result of {output} fraction bits, expected {finest} at most", norm.name);
        return Err(Error::Calibration { reason });
    }
    Ok(())
}

fn recurrent_format(recurrent: &Recurrent, layer: usize, seen: Seen<'_>) -> Result<LayerFormat> {
    let name = &recurrent.name;
    let state = match recurrent.cell() {
        Cell::Lstm { .. } => Some(fixed_point(name, seen.unbounded[layer])?.min(UNIT.fraction())),
        _ => None,
    };
    let hidden = match (&recurrent.projection, recurrent.cell()) {
        (Some((site, _)), _) => fixed_point(name, seen.outputs[site.0][0])?,
        (None, Cell::Rnn(RnnActivation::Relu) | Cell::LiGru) => fixed_point(name, seen.unbounded[layer])?,
        (None, _) => UNIT.fraction(),
    };
    Ok(LayerFormat::Recurrent { state, hidden })
}

/// The format in which a gate's argument is summed.
pub(super) fn argument_format(gate: Gate, hidden: Q16) -> Q16 {
    integer_pointwise(gate.function).argument().unwrap_or(hidden)
}

/// The format of an LSTM's peepholes: the finest that goes with its state.
pub(super) fn peephole_format(recurrent: &Recurrent, state: Q16) -> Result<Q16> {
    let reason = |e| Error::Calibration { reason: format!("layer `{}`: {e}", recurrent.name) };
    let finest = Q16::finest(max_abs(recurrent.peepholes.data())).map_err(reason)?;
    if finest.fraction() + state.fraction() < GATE.fraction() {
        let reason = format!("layer `{}`: peepholes and state are too large for a gate of Q4.11", recurrent.name);
        return Err(Error::Calibration { reason });
    }
    Ok(finest)
}

fn sru_format(sru: &Sru, layer: usize, seen: Seen<'_>) -> Result<LayerFormat> {
    let products: Vec<f32> = sru.products.iter().flat_map(|product| seen.outputs[product.site.0]).copied().collect();
    let projection = sru.projection.as_ref().map(|(site, _)| site);
    let projected = projection.map(|site| fixed_point(&sru.name, seen.outputs[site.0][0])).transpose()?;
    // The state is a mean of candidates, so what holds these holds it.
    let state = fixed_point(&sru.name, products[0])?;
    let arrives = seen.inputs[projection.unwrap_or(&sru.products[0].site).0];
    let normed = match &sru.norm {
        Some(norm) => Some(fixed_point(&sru.name, arrives)?.min(finest_normed(norm)?)),
        None => None,
    };
    let carried = match sru.skip {
        Skip::None => 0.0,
        // What products read is another tensor where it is normalised.
        Skip::Identity => sru.scale * if normed.is_some() { seen.unbounded[layer] } else { arrives },
        Skip::Matrix => products[3],
    };
    // The hidden output is a mean of the state and what is carried past it.
    let hidden = fixed_point(&sru.name, carried)?.min(state);
    Ok(LayerFormat::Sru { normed, projected, state, hidden })
}

/// The same function on integers.
pub(super) const fn integer_pointwise(function: Pointwise) -> IntegerPointwise {
    match function {
        Pointwise::Relu => IntegerPointwise::Relu,
        Pointwise::Tanh => IntegerPointwise::Tanh,
        Pointwise::Sigmoid => IntegerPointwise::Sigmoid,
    }
}

/// The formats of a recurrent layer's cells, and of its vectors.
///
/// # Errors
/// [`Error::Calibration`] where they do not go together.
pub(super) fn sru_cell(sru: &Sru, state: u32, hidden: u32) -> Result<(SruCell, Q16)> {
    let reason = |e| Error::Calibration { reason: format!("layer `{}`: {e}", sru.name) };
    let (state, hidden) = (format(state)?, format(hidden)?);
    let vector = SruCell::vector_format(max_abs(sru.vectors.data()), state).map_err(reason)?;
    Ok((SruCell::new(vector, state, hidden).map_err(reason)?, vector))
}

/// Fraction bits of each part of every site's product.
///
/// # Errors
/// [`Error::Calibration`] where `formats` are not those of `network`'s layers.
pub(super) fn product_fractions(network: &Network, formats: &[LayerFormat]) -> Result<Vec<Vec<u32>>> {
    let bad = |name: &str| Error::Calibration { reason: format!("layer `{name}`: formats of another kind of layer") };
    if formats.len() != network.layers().len() {
        let (got, expected) = (formats.len(), network.layers().len());
        return Err(Error::Calibration { reason: format!("formats of {got} layers, expected {expected}") });
    }
    let mut fractions = Vec::new();
    for (layer, form) in network.layers().iter().zip(formats) {
        match (layer, form) {
            (Layer::Sru(sru), &LayerFormat::Sru { normed, projected, state, hidden }) => {
                if projected.is_some() != sru.projection.is_some() || normed.is_some() != sru.norm.is_some() {
                    return Err(bad(&sru.name));
                }
                if let (Some(norm), Some(output)) = (&sru.norm, normed) {
                    check_normed(norm, output)?;
                }
                sru_cell(sru, state, hidden)?;
                fractions.extend(projected.map(|fraction| vec![fraction]));
                let gate = GATE.fraction();
                let parts = [state, gate, gate, hidden];
                fractions.extend(sru.products.iter().map(|product| parts[product.gates.clone()].to_vec()));
            }
            (Layer::Recurrent(recurrent), &LayerFormat::Recurrent { state, hidden }) => {
                if state.is_some() != matches!(recurrent.cell(), Cell::Lstm { .. }) {
                    return Err(bad(&recurrent.name));
                }
                recurrent_cell(recurrent, state, hidden)?;
                let hidden_format = format(hidden)?;
                let of_gate = |gate: &Gate| argument_format(*gate, hidden_format).fraction();
                let parts: Vec<u32> = recurrent.cell().gates().iter().map(of_gate).collect();
                let products = recurrent.input.iter().chain(&recurrent.recurrent);
                fractions.extend(products.map(|product| parts[product.gates.clone()].to_vec()));
                fractions.extend(recurrent.projection.iter().map(|_| vec![hidden]));
            }
            (Layer::Linear(_), &LayerFormat::Linear { output })
            | (Layer::Conv1d(_), &LayerFormat::Conv1d { output })
            | (Layer::Embedding(_), &LayerFormat::Embedding { output }) => fractions.push(vec![output]),
            (Layer::LayerNorm(norm), &LayerFormat::LayerNorm { output }) => check_normed(norm, output)?,
            (Layer::Pointwise(_), LayerFormat::Pointwise) => {}
            (Layer::Pointwise(function), _) => return Err(bad(&format!("{function:?}"))),
            (other, _) => return Err(bad(other.name())),
        }
    }
    fractions.iter().flatten().try_for_each(|&fraction| format(fraction).map(drop))?;
    Ok(fractions)
}

/// The cell of a recurrent layer in integers.
///
/// # Errors
/// [`Error::Calibration`] where its formats do not go together.
pub(super) fn recurrent_cell(recurrent: &Recurrent, state: Option<u32>, hidden: u32) -> Result<RecurrentCell> {
    let bad = |reason: String| Error::Calibration { reason: format!("layer `{}`: {reason}", recurrent.name) };
    let relu = matches!(recurrent.cell(), Cell::Rnn(RnnActivation::Relu) | Cell::LiGru);
    if !relu && recurrent.projection.is_none() && hidden != UNIT.fraction() {
        return Err(bad(format!("{hidden} fraction bits of a hidden output, expected {}", UNIT.fraction())));
    }
    let state = format(state.unwrap_or(UNIT.fraction()))?;
    let peephole = match recurrent.cell() {
        Cell::Lstm { peepholes: true, .. } => Some(peephole_format(recurrent, state)?),
        _ => None,
    };
    RecurrentCell::new(integer_cell(recurrent.cell()), state, peephole).map_err(|e| bad(e.to_string()))
}

/// The same cell on integers.
const fn integer_cell(cell: Cell) -> CellKind {
    match cell {
        Cell::Rnn(RnnActivation::Tanh) => CellKind::RnnTanh,
        Cell::Rnn(RnnActivation::Relu) => CellKind::RnnRelu,
        Cell::Lstm { coupled: false, .. } => CellKind::Lstm,
        Cell::Lstm { coupled: true, .. } => CellKind::CoupledLstm,
        Cell::Gru(Reset::After) => CellKind::GruAfter,
        Cell::Gru(Reset::Before) => CellKind::GruBefore,
        Cell::LiGru => CellKind::LiGru,
        Cell::Mgu => CellKind::Mgu,
        Cell::Qrnn(Pooling::F) => CellKind::QrnnF,
        Cell::Qrnn(Pooling::Fo) => CellKind::QrnnFo,
    }
}

/// How the numbers of a vector fall into formats: some of one, then as many of the next, and again from the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VectorFormat {
    formats: Vec<Q16>,
    width: usize,
}

impl VectorFormat {
    fn one(format: Q16) -> Self {
        Self { formats: vec![format], width: 1 }
    }

    /// The numbers in runs of one format.
    fn runs<'a, T>(&'a self, values: &'a [T]) -> impl Iterator<Item = (Q16, &'a [T])> {
        let width = if self.formats.len() == 1 { values.len().max(1) } else { self.width };
        self.formats.iter().copied().cycle().zip(values.chunks(width))
    }

    /// The codes of `values`.
    pub(super) fn codes(&self, values: &[f32]) -> Vec<i16> {
        self.runs(values).flat_map(|(format, run)| run.iter().map(move |&x| format.code(x).code)).collect()
    }

    /// `values` rounded to their grids.
    pub(super) fn round(&self, values: &[f32]) -> Vec<f32> {
        let mut rounded = values.to_vec();
        let width = if self.formats.len() == 1 { values.len().max(1) } else { self.width };
        for (format, run) in self.formats.iter().cycle().zip(rounded.chunks_mut(width)) {
            Grid::fixed(format.fraction()).apply(run);
        }
        rounded
    }
}

/// Formats of recurrent vectors, biases and gains, in the order of [`Network::vectors`].
///
/// # Errors
/// [`Error::Calibration`] where `formats` are not those of `network`'s layers.
pub(super) fn vector_formats(network: &Network, formats: &[LayerFormat]) -> Result<Vec<VectorFormat>> {
    let mut all = Vec::new();
    for (layer, form) in network.layers().iter().zip(formats) {
        match (layer, form) {
            (Layer::Sru(sru), &LayerFormat::Sru { normed, state, hidden, .. }) => {
                all.extend([sru_cell(sru, state, hidden)?.1, GATE].map(VectorFormat::one));
                if let (Some(norm), Some(output)) = (&sru.norm, normed) {
                    all.extend([gain_format(norm)?, format(output)?].map(VectorFormat::one));
                }
            }
            (Layer::Recurrent(recurrent), &LayerFormat::Recurrent { state, hidden }) => {
                let hidden = format(hidden)?;
                let gates = recurrent.cell().gates();
                all.extend(recurrent.input.iter().map(|product| VectorFormat {
                    formats: gates[product.gates.clone()].iter().map(|&gate| argument_format(gate, hidden)).collect(),
                    width: recurrent.shape.hidden,
                }));
                all.extend(recurrent.cell().biased_recurrence().map(|_| VectorFormat::one(TANH)));
                if recurrent.peepholes.rows() > 0 {
                    let state = format(state.unwrap_or(UNIT.fraction()))?;
                    all.push(VectorFormat::one(peephole_format(recurrent, state)?));
                }
            }
            (Layer::Linear(_), &LayerFormat::Linear { output })
            | (Layer::Conv1d(_), &LayerFormat::Conv1d { output }) => all.push(VectorFormat::one(format(output)?)),
            (Layer::LayerNorm(norm), &LayerFormat::LayerNorm { output }) => {
                all.extend([gain_format(norm)?, format(output)?].map(VectorFormat::one));
            }
            _ => {}
        }
    }
    Ok(all)
}
