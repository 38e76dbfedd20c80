//! Layers with their parameters.

use super::{Cell, Conv1dDescription, LayerDescription, RecurrentShape, SiteId, Skip, SruDescription};
use crate::tensor::{Matrix, Real};
use std::ops::Range;

/// One layer of a [`Network`](super::Network).
#[derive(Clone, Debug, PartialEq)]
pub enum Layer<T = f32> {
    /// Simple recurrent units.
    Sru(Sru<T>),
    /// Units of any other cell.
    Recurrent(Recurrent<T>),
    /// A matrix and a bias.
    Linear(Linear<T>),
    /// A convolution over time.
    Conv1d(Conv1d<T>),
    /// A row of a table for every frame.
    Embedding(Embedding<T>),
    /// Every frame brought to mean 0 and variance 1.
    LayerNorm(LayerNorm<T>),
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

/// A convolution over time, as a product of windows of frames: see [`Conv1dDescription`].
#[derive(Clone, Debug, PartialEq)]
pub struct Conv1d<T = f32> {
    /// Of the layer.
    pub name: String,
    /// The product.
    pub site: SiteId,
    /// Kernel, stride and padding.
    pub shape: Conv1dDescription,
    /// `[kernel · inputs, outputs]`: the earliest frame of a window first.
    pub weight: Matrix<T>,
    /// `[1, outputs]`.
    pub bias: Matrix<T>,
}

/// A row of a table for every frame, whose one feature is the number of the row.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding<T = f32> {
    /// Of the layer.
    pub name: String,
    /// A product in name only: nothing is multiplied, but the table has a precision.
    pub site: SiteId,
    /// `[vocabulary, outputs]`.
    pub weight: Matrix<T>,
}

/// Every frame brought to mean 0 and variance 1, scaled and moved.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNorm<T = f32> {
    /// Of the layer.
    pub name: String,
    /// `[1, width]`.
    pub gain: Matrix<T>,
    /// `[1, width]`.
    pub bias: Matrix<T>,
}

/// Some of the matrices that meet the same input, side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Product<T = f32> {
    /// The product.
    pub site: SiteId,
    /// The gates whose matrices they are.
    pub gates: Range<usize>,
    /// `[inputs, directions · gates · hidden]`: direction by direction, then gate by gate, then unit by unit.
    pub weight: Matrix<T>,
}

/// A layer of any [`Cell`], in one or two directions. The equations are those of the cell.
///
/// The input is multiplied for all frames at once, the hidden output frame by frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Recurrent<T = f32> {
    /// Of the layer.
    pub name: String,
    /// Cell and widths.
    pub shape: RecurrentShape,
    /// Of the input. With a window of 2 the frame before comes first, then this one: `[2 · inputs, …]`.
    pub input: Vec<Product<T>>,
    /// `[1, directions · gates · hidden]`, one for each of `input`.
    pub bias: Vec<Matrix<T>>,
    /// Of the hidden output, `[hidden or projection, …]`, in the order in which they are made.
    pub recurrent: Vec<Product<T>>,
    /// b_n of a GRU that resets after, `[1, directions · hidden]`; `[0, 0]` elsewhere.
    pub recurrent_bias: Matrix<T>,
    /// p, `[peepholes, directions · hidden]`.
    pub peepholes: Matrix<T>,
    /// What brings the hidden output to its width, `[hidden, directions · projection]`.
    pub projection: Option<(SiteId, Matrix<T>)>,
}

/// A layer of simple recurrent units, in one or two directions.
///
/// With x̂ = x, or x·P where there is a projection (of x normalised where there is a norm), and U = x̂·W, for every direction
/// and unit and c₋₁ = 0:
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
    /// Normalises what the matrices read.
    pub norm: Option<LayerNorm<T>>,
    /// P, `[inputs, projection]`, and its product.
    pub projection: Option<(SiteId, Matrix<T>)>,
    /// W, `[inputs or projection, directions · k · hidden]`: candidate, forget gate, reset gate, skip; or one of each.
    pub products: Vec<Product<T>>,
    /// v, `[2, directions · hidden]`: forget gate, reset gate.
    pub vectors: Matrix<T>,
    /// b, `[2, directions · hidden]`: forget gate, reset gate.
    pub bias: Matrix<T>,
}

/// A parameter of a layer, but for its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// What it is called after the layer's name.
    pub(super) name: String,
    /// For the weights of a site, what the site is called after the layer's name; empty for the layer's name alone.
    pub(super) site: Option<String>,
}

impl Part {
    fn vector(name: impl Into<String>) -> Self {
        Self { name: name.into(), site: None }
    }

    fn site(name: impl Into<String>, site: impl Into<String>) -> Self {
        Self { name: name.into(), site: Some(site.into()) }
    }
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
            LayerDescription::Conv1d(conv) => Self::Conv1d(Conv1d {
                name,
                site,
                weight: Matrix::zeros(conv.kernel * inputs, conv.outputs),
                bias: Matrix::zeros(1, conv.outputs),
                shape: conv.clone(),
            }),
            LayerDescription::Embedding(embedding) => {
                let weight = Matrix::zeros(embedding.vocabulary, embedding.outputs);
                Self::Embedding(Embedding { name, site, weight })
            }
            LayerDescription::LayerNorm(_) => Self::LayerNorm(LayerNorm::new(name, inputs)),
            LayerDescription::Relu(_) => Self::Pointwise(Pointwise::Relu),
            LayerDescription::Tanh(_) => Self::Pointwise(Pointwise::Tanh),
            LayerDescription::Sigmoid(_) => Self::Pointwise(Pointwise::Sigmoid),
            recurrent => {
                let shape = recurrent.recurrent().expect("all others were named");
                Self::Recurrent(Recurrent::zeros(shape, name, inputs, site))
            }
        }
    }

    /// Its name; empty for a function of one number, which has no parameters to name.
    pub fn name(&self) -> &str {
        match self {
            Self::Sru(sru) => &sru.name,
            Self::Recurrent(recurrent) => &recurrent.name,
            Self::Linear(linear) => &linear.name,
            Self::Conv1d(conv) => &conv.name,
            Self::Embedding(embedding) => &embedding.name,
            Self::LayerNorm(norm) => &norm.name,
            Self::Pointwise(_) => "",
        }
    }

    /// The parameters, sites in the order data meets them.
    pub(super) fn parts(&self) -> Vec<Part> {
        match self {
            Self::Sru(sru) => sru.parts(),
            Self::Recurrent(recurrent) => recurrent.parts(),
            Self::Linear(_) | Self::Conv1d(_) => vec![Part::site("weight", ""), Part::vector("bias")],
            Self::Embedding(_) => vec![Part::site("weight", "")],
            Self::LayerNorm(_) => vec![Part::vector("gain"), Part::vector("bias")],
            Self::Pointwise(_) => Vec::new(),
        }
    }

    /// The numbers of [`parts`](Self::parts).
    pub(super) fn matrices(&self) -> Vec<&Matrix<T>> {
        match self {
            Self::Sru(sru) => sru.matrices(),
            Self::Recurrent(recurrent) => recurrent.matrices(),
            Self::Linear(Linear { weight, bias, .. }) | Self::Conv1d(Conv1d { weight, bias, .. }) => vec![weight, bias],
            Self::Embedding(embedding) => vec![&embedding.weight],
            Self::LayerNorm(norm) => vec![&norm.gain, &norm.bias],
            Self::Pointwise(_) => Vec::new(),
        }
    }

    /// The numbers of [`parts`](Self::parts).
    pub(super) fn matrices_mut(&mut self) -> Vec<&mut Matrix<T>> {
        match self {
            Self::Sru(sru) => sru.matrices_mut(),
            Self::Recurrent(recurrent) => recurrent.matrices_mut(),
            Self::Linear(Linear { weight, bias, .. }) | Self::Conv1d(Conv1d { weight, bias, .. }) => vec![weight, bias],
            Self::Embedding(embedding) => vec![&mut embedding.weight],
            Self::LayerNorm(norm) => vec![&mut norm.gain, &mut norm.bias],
            Self::Pointwise(_) => Vec::new(),
        }
    }
}

impl<T: Real> LayerNorm<T> {
    /// Gains of 1, biases of 0.
    fn new(name: String, inputs: usize) -> Self {
        let mut gain = Matrix::zeros(1, inputs);
        gain.data_mut().fill(T::ONE);
        Self { name, gain, bias: Matrix::zeros(1, inputs) }
    }
}

impl<T: Real> Product<T> {
    fn zeros(site: SiteId, gates: Range<usize>, inputs: usize, directions: usize, hidden: usize) -> Self {
        let weight = Matrix::zeros(inputs, directions * gates.len() * hidden);
        Self { site, gates, weight }
    }
}

/// Ranges of gates that meet their input in one product each.
fn input_gates(gates: usize, per_gate: bool) -> Vec<Range<usize>> {
    if per_gate { (0..gates).map(|gate| gate..gate + 1).collect() } else { std::iter::once(0..gates).collect() }
}

impl<T: Real> Recurrent<T> {
    fn zeros(shape: RecurrentShape, name: String, inputs: usize, first: SiteId) -> Self {
        let RecurrentShape { cell, hidden, directions, projection, window, per_gate } = shape;
        let mut next = first.0;
        let mut site = || {
            next += 1;
            SiteId(next - 1)
        };
        let gates = input_gates(cell.gates().len(), per_gate);
        let input: Vec<Product<T>> =
            gates.into_iter().map(|gates| Product::zeros(site(), gates, window * inputs, directions, hidden)).collect();
        let recurrent = cell.recurrent(per_gate).into_iter();
        let recurrent =
            recurrent.map(|part| Product::zeros(site(), part.gates, shape.width(), directions, hidden)).collect();
        let biased = usize::from(cell.biased_recurrence().is_some());
        Self {
            name,
            shape,
            bias: input.iter().map(|product| Matrix::zeros(1, product.weight.cols())).collect(),
            input,
            recurrent,
            recurrent_bias: Matrix::zeros(biased, biased * directions * hidden),
            peepholes: Matrix::zeros(cell.peepholes().len(), directions * hidden),
            projection: projection.map(|width| (site(), Matrix::zeros(hidden, directions * width))),
        }
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.shape.outputs()
    }

    /// The cell.
    pub fn cell(&self) -> Cell {
        self.shape.cell
    }

    /// What the gates of a product are called, where they are not all of the first ones.
    fn gate_name(&self, gates: &Range<usize>) -> Option<&'static str> {
        let names = self.cell().gates();
        (self.shape.per_gate || gates.start > 0).then(|| names[gates.start].name)
    }

    fn parts(&self) -> Vec<Part> {
        let dotted = |stem: &str, product: &Product<T>| match self.gate_name(&product.gates) {
            Some(gate) if stem.is_empty() => gate.to_owned(),
            Some(gate) => format!("{stem}.{gate}"),
            None => stem.to_owned(),
        };
        let mut parts: Vec<Part> =
            self.input.iter().map(|product| Part::site(dotted("weight", product), dotted("", product))).collect();
        parts.extend(self.recurrent.iter().map(|product| {
            let name = dotted("recurrent", product);
            Part::site(name.clone(), name)
        }));
        parts.extend(self.projection.iter().map(|_| Part::site("projection", "projection")));
        parts.extend(self.input.iter().map(|product| Part::vector(dotted("bias", product))));
        parts.extend((self.recurrent_bias.rows() > 0).then(|| Part::vector("recurrent_bias")));
        parts.extend((self.peepholes.rows() > 0).then(|| Part::vector("peepholes")));
        parts
    }

    fn matrices(&self) -> Vec<&Matrix<T>> {
        let products = self.input.iter().chain(&self.recurrent).map(|product| &product.weight);
        let projection = self.projection.iter().map(|(_, matrix)| matrix);
        let vectors = [&self.recurrent_bias, &self.peepholes].into_iter().filter(|vectors| vectors.rows() > 0);
        products.chain(projection).chain(&self.bias).chain(vectors).collect()
    }

    fn matrices_mut(&mut self) -> Vec<&mut Matrix<T>> {
        let products = self.input.iter_mut().chain(&mut self.recurrent).map(|product| &mut product.weight);
        let projection = self.projection.iter_mut().map(|(_, matrix)| matrix);
        let vectors = [&mut self.recurrent_bias, &mut self.peepholes];
        let vectors = vectors.into_iter().filter(|vectors| vectors.rows() > 0);
        products.chain(projection).chain(&mut self.bias).chain(vectors).collect()
    }
}

impl<T: Real> Sru<T> {
    fn zeros(description: &SruDescription, name: String, inputs: usize, first: SiteId) -> Self {
        let outputs = description.outputs();
        let skip = description.skip(inputs);
        let projection = description.projection.map(|width| (first, Matrix::zeros(inputs, width)));
        let first = first.0 + usize::from(projection.is_some());
        let projected = description.projection.unwrap_or(inputs);
        let (directions, hidden) = (description.directions(), description.hidden);
        let gates = input_gates(skip.matrices(), description.per_gate).into_iter().enumerate();
        let product = |(i, gates)| Product::zeros(SiteId(first + i), gates, projected, directions, hidden);
        let norm = description.layer_norm.then(|| LayerNorm::new(name.clone(), inputs));
        Self {
            name,
            hidden,
            directions,
            skip,
            scale: T::from_f64(description.scale()),
            norm,
            projection,
            products: gates.map(product).collect(),
            vectors: Matrix::zeros(2, outputs),
            bias: Matrix::zeros(2, outputs),
        }
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.directions * self.hidden
    }

    fn parts(&self) -> Vec<Part> {
        let names = self.skip.names();
        let product = |product: &Product<T>| match self.products.len() {
            1 => Part::site("weight", ""),
            _ => Part::site(format!("weight.{}", names[product.gates.start]), names[product.gates.start]),
        };
        let projection = self.projection.iter().map(|_| Part::site("projection", "projection"));
        let vectors = ["vectors", "bias"].map(Part::vector);
        let norm = self.norm.iter().flat_map(|_| ["norm.gain", "norm.bias"].map(Part::vector));
        projection.chain(self.products.iter().map(product)).chain(vectors).chain(norm).collect()
    }

    fn matrices(&self) -> Vec<&Matrix<T>> {
        let projection = self.projection.iter().map(|(_, matrix)| matrix);
        let products = self.products.iter().map(|product| &product.weight);
        let norm = self.norm.iter().flat_map(|norm| [&norm.gain, &norm.bias]);
        projection.chain(products).chain([&self.vectors, &self.bias]).chain(norm).collect()
    }

    fn matrices_mut(&mut self) -> Vec<&mut Matrix<T>> {
        let projection = self.projection.iter_mut().map(|(_, matrix)| matrix);
        let products = self.products.iter_mut().map(|product| &mut product.weight);
        let norm = self.norm.iter_mut().flat_map(|norm| [&mut norm.gain, &mut norm.bias]);
        projection.chain(products).chain([&mut self.vectors, &mut self.bias]).chain(norm).collect()
    }
}
