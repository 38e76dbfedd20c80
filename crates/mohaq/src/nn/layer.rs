//! Layers with their parameters.

use super::{LayerDescription, SiteId, Skip, SruDescription};
use crate::tensor::{Matrix, Real};

/// One layer of a [`Network`](super::Network).
#[derive(Clone, Debug, PartialEq)]
pub enum Layer<T = f32> {
    /// A simple recurrent unit.
    Sru(Sru<T>),
    /// A matrix and a bias.
    Linear(Linear<T>),
    /// A function of one number.
    Pointwise(Pointwise),
}

/// A function of one number, applied to every element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointwise {
    /// max(x, 0).
    Relu,
    /// Hyperbolic tangent.
    Tanh,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
}

/// y = x·W + b.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear<T = f32> {
    /// Of the layer.
    pub name: String,
    /// The product.
    pub site: SiteId,
    /// `[inputs, outputs]`.
    pub weight: Matrix<T>,
    /// `[1, outputs]`.
    pub bias: Matrix<T>,
}

/// A layer of simple recurrent units, in one or two directions.
///
/// With x̂ = x, or x·P where there is a projection, and U = x̂·W, for every direction and unit and c₋₁ = 0:
///
/// ```text
/// f_t = σ(U1_t + v_f ⊙ c_{t-1} + b_f)        c_t = f_t ⊙ c_{t-1} + (1 − f_t) ⊙ U0_t
/// r_t = σ(U2_t + v_r ⊙ c_{t-1} + b_r)        h_t = r_t ⊙ c_t + (1 − r_t) ⊙ skip_t
/// ```
///
/// where skip is 0, s·x or U3. Source: Lei et al. 2018, equations 1–4; projection and scale as in the PyPI package `sru`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sru<T = f32> {
    /// Of the layer.
    pub name: String,
    /// Units a direction.
    pub hidden: usize,
    /// 1 or 2.
    pub directions: usize,
    /// What the highway carries.
    pub skip: Skip,
    /// The constant s.
    pub scale: T,
    /// P, `[inputs, projection]`, and its product.
    pub projection: Option<(SiteId, Matrix<T>)>,
    /// The product x̂·W.
    pub site: SiteId,
    /// W, `[inputs or projection, directions · k · hidden]`: direction by direction, then matrix by matrix (candidate,
    /// forget gate, reset gate, skip), then unit by unit.
    pub weight: Matrix<T>,
    /// v, `[2, directions · hidden]`: forget gate, reset gate.
    pub vectors: Matrix<T>,
    /// b, `[2, directions · hidden]`: forget gate, reset gate.
    pub bias: Matrix<T>,
}

impl<T: Real> Layer<T> {
    /// A layer of zeros over `inputs` inputs, whose first product is `site`.
    pub(super) fn zeros(description: &LayerDescription, name: String, inputs: usize, site: SiteId) -> Self {
        match description {
            LayerDescription::Sru(sru) => Self::Sru(Sru::zeros(sru, name, inputs, site)),
            LayerDescription::Linear(linear) => Self::Linear(Linear {
                name,
                site,
                weight: Matrix::zeros(inputs, linear.outputs),
                bias: Matrix::zeros(1, linear.outputs),
            }),
            LayerDescription::Relu(_) => Self::Pointwise(Pointwise::Relu),
            LayerDescription::Tanh(_) => Self::Pointwise(Pointwise::Tanh),
            LayerDescription::Sigmoid(_) => Self::Pointwise(Pointwise::Sigmoid),
        }
    }
}

impl<T: Real> Sru<T> {
    fn zeros(description: &SruDescription, name: String, inputs: usize, first: SiteId) -> Self {
        let outputs = description.outputs();
        let skip = description.skip(inputs);
        let projection = description.projection.map(|width| (first, Matrix::zeros(inputs, width)));
        let site = SiteId(first.0 + usize::from(projection.is_some()));
        let projected = description.projection.unwrap_or(inputs);
        Self {
            name,
            hidden: description.hidden,
            directions: description.directions(),
            skip,
            scale: T::from_f64(description.scale()),
            projection,
            site,
            weight: Matrix::zeros(projected, skip.matrices() * outputs),
            vectors: Matrix::zeros(2, outputs),
            bias: Matrix::zeros(2, outputs),
        }
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.directions * self.hidden
    }
}
