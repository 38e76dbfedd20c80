//! 16 bit formats of everything that is no operand of a product: results of products, states, hidden outputs.
//!
//! Each is the finest whose range holds what calibration saw and a quarter more. A recurrent layer's product is not one
//! tensor but three or four, and each part is requantized to the format in which the cell uses it: the candidate to the
//! state's, the gates' arguments to that of the table of sigma, the highway to that of the hidden output.

use crate::nn::{Layer, Network, Pointwise, Skip, Sru};
use crate::{Error, Result};
use mohaq_rt::cell::{Pointwise as IntegerPointwise, SruCell};
use mohaq_rt::numeric::Q16;
use mohaq_rt::table::GATE;
use serde::{Deserialize, Serialize};

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
        /// Of the projection's result, where there is a projection.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        projected: Option<u32>,
        /// Of candidate and state.
        state: u32,
        /// Of highway and hidden output.
        hidden: u32,
    },
    /// A matrix and a bias.
    Linear {
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
                    parts.push(Self { count: sru.skip.matrices(), width: sru.hidden });
                }
                Layer::Linear(linear) => parts.push(Self { count: 1, width: linear.weight.cols() }),
                Layer::Pointwise(_) => {}
            }
        }
        parts
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

/// Formats of every layer, given for every site the largest magnitude of its input and of each part of its product.
pub(super) fn layer_formats(network: &Network, inputs: &[f32], outputs: &[&[f32]]) -> Result<Vec<LayerFormat>> {
    let mut formats = Vec::new();
    let layers = network.layers();
    for (i, layer) in layers.iter().enumerate() {
        formats.push(match layer {
            Layer::Sru(sru) => sru_format(sru, inputs, outputs)?,
            Layer::Linear(linear) => {
                let largest = outputs[linear.site.0][0];
                let argument = match layers.get(i + 1) {
                    Some(Layer::Pointwise(function)) => integer_pointwise(*function).argument(),
                    _ => None,
                };
                let output =
                    argument.map_or_else(|| fixed_point(&linear.name, largest), |format| Ok(format.fraction()))?;
                LayerFormat::Linear { output }
            }
            Layer::Pointwise(function) => {
                let behind_linear = i > 0 && matches!(layers[i - 1], Layer::Linear(_));
                if integer_pointwise(*function).argument().is_some() && !behind_linear {
                    let reason = format!("layer {i}: {function:?} is computed in integers only behind a linear layer");
                    return Err(Error::Calibration { reason });
                }
                LayerFormat::Pointwise
            }
        });
    }
    Ok(formats)
}

fn sru_format(sru: &Sru, inputs: &[f32], outputs: &[&[f32]]) -> Result<LayerFormat> {
    let products = outputs[sru.site.0];
    let projected = sru.projection.as_ref().map(|(site, _)| fixed_point(&sru.name, outputs[site.0][0])).transpose()?;
    // The state is a mean of candidates, so what holds these holds it.
    let state = fixed_point(&sru.name, products[0])?;
    let arrives = inputs[sru.projection.as_ref().map_or(sru.site, |(site, _)| *site).0];
    let carried = match sru.skip {
        Skip::None => 0.0,
        Skip::Identity => sru.scale * arrives,
        Skip::Matrix => products[3],
    };
    // The hidden output is a mean of the state and what is carried past it.
    let hidden = fixed_point(&sru.name, carried)?.min(state);
    Ok(LayerFormat::Sru { projected, state, hidden })
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
            (Layer::Sru(sru), &LayerFormat::Sru { projected, state, hidden }) => {
                if projected.is_some() != sru.projection.is_some() {
                    return Err(bad(&sru.name));
                }
                sru_cell(sru, state, hidden)?;
                fractions.extend(projected.map(|fraction| vec![fraction]));
                let gate = GATE.fraction();
                let mut parts = vec![state, gate, gate, hidden];
                parts.truncate(sru.skip.matrices());
                fractions.push(parts);
            }
            (Layer::Linear(_), &LayerFormat::Linear { output }) => fractions.push(vec![output]),
            (Layer::Pointwise(_), LayerFormat::Pointwise) => {}
            (Layer::Sru(sru), _) => return Err(bad(&sru.name)),
            (Layer::Linear(linear), _) => return Err(bad(&linear.name)),
            (Layer::Pointwise(function), _) => return Err(bad(&format!("{function:?}"))),
        }
    }
    fractions.iter().flatten().try_for_each(|&fraction| format(fraction).map(drop))?;
    Ok(fractions)
}

/// Formats of recurrent vectors and biases, in the order of [`Network::vectors`].
///
/// # Errors
/// [`Error::Calibration`] where `formats` are not those of `network`'s layers.
pub(super) fn vector_formats(network: &Network, formats: &[LayerFormat]) -> Result<Vec<Q16>> {
    let mut all = Vec::new();
    for (layer, form) in network.layers().iter().zip(formats) {
        match (layer, form) {
            (Layer::Sru(sru), &LayerFormat::Sru { state, hidden, .. }) => {
                all.extend([sru_cell(sru, state, hidden)?.1, GATE]);
            }
            (Layer::Linear(_), &LayerFormat::Linear { output }) => all.push(format(output)?),
            _ => {}
        }
    }
    Ok(all)
}
