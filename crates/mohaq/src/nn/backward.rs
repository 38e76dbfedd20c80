//! The forward pass with a trace, and the backward pass that uses it up.
//!
//! Gradients are written by hand, a layer at a time. The trace keeps what the backward pass reads: the input of every
//! layer, the products and states of recurrences, and what a hook made of a site's input and result. The gates are
//! computed again.

use super::dropout::{Dropout, apply_mask};
use super::elementwise::{for_rows, sum_of_rows};
use super::product::{Back, Hooked, SiteBack, add, stop, traced};
use super::recurrent::{Pass, Tape};
use super::{Batch, Layer, Linear, Network, Pointwise, SiteOps, Skip, Sru, Workspace};
use crate::tensor::{Matrix, Real, Store};
use std::borrow::Cow;

/// What a forward pass leaves for the backward pass over the same batch.
#[derive(Debug)]
pub struct Trace<'a, T: Real = f32> {
    layers: Vec<LayerTrace<'a, T>>,
}

#[derive(Debug)]
struct LayerTrace<'a, T: Real> {
    /// After dropout.
    input: Cow<'a, Matrix<T>>,
    /// Of the input's sequences.
    starts: Cow<'a, [usize]>,
    /// `[sequences, inputs]`.
    mask: Option<Matrix<T>>,
    kept: Kept<T>,
}

#[derive(Debug)]
enum Kept<T: Real> {
    Sru {
        /// x normalised.
        normal: Option<Matrix<T>>,
        /// x·P, and what its hooks did.
        projected: Option<(Matrix<T>, Hooked<T>)>,
        /// What the hooks of the products did.
        hooked: Vec<Hooked<T>>,
        /// U.
        products: Matrix<T>,
        /// c.
        states: Matrix<T>,
    },
    Recurrent(Tape<T>),
    /// One product, or the rows of a table.
    Product(Hooked<T>),
    LayerNorm,
    Pointwise {
        output: Matrix<T>,
    },
}

/// Gradients of a network's parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients<T = f32>(Vec<Matrix<T>>);

impl<T: Real> Gradients<T> {
    /// Zeros in the shapes of `network`'s parameters.
    pub fn zeros(network: &Network<T>) -> Self {
        let shape = |values: &Matrix<T>| Matrix::zeros(values.rows(), values.cols());
        Self(network.parameters().iter().map(|parameter| shape(parameter.values)).collect())
    }

    /// In the order of [`Network::parameters`].
    pub fn matrices(&self) -> &[Matrix<T>] {
        &self.0
    }

    /// In the order of [`Network::parameters`].
    pub fn matrices_mut(&mut self) -> &mut [Matrix<T>] {
        &mut self.0
    }
}

impl<T: Real> Network<T> {
    /// Logits of every frame that comes out, `[frames, classes]`, and the trace that [`backward`](Self::backward) needs.
    ///
    /// # Panics
    /// Where the batch has other than [`inputs`](Self::inputs) features a frame.
    pub fn forward_train<'a>(
        &self,
        batch: &'a Batch<T>,
        ops: &impl SiteOps<T>,
        dropout: Option<&Dropout>,
        workspace: &mut Workspace<T>,
    ) -> (Trace<'a, T>, Matrix<T>) {
        assert_eq!(batch.features().cols(), self.inputs(), "features a frame of the batch");
        let mut starts = Cow::Borrowed(batch.starts());
        let mut values = Cow::Borrowed(batch.features());
        let mut layers = Vec::with_capacity(self.layers().len());
        for (index, layer) in self.layers().iter().enumerate() {
            let mask = dropout.filter(|_| index > 0 && !matches!(layer, Layer::Pointwise(_))).map(|dropout| {
                let mask = dropout.mask(index, starts.len() - 1, values.cols(), workspace);
                apply_mask(values.to_mut(), &mask, &starts);
                mask
            });
            let (kept, outputs) = layer.forward_train(&values, &starts, ops, workspace);
            let next = match layer {
                Layer::Conv1d(conv) => Cow::Owned(conv.shape.starts(&starts)),
                _ => starts.clone(),
            };
            let input = std::mem::replace(&mut values, Cow::Owned(outputs));
            layers.push(LayerTrace { input, starts: std::mem::replace(&mut starts, next), mask, kept });
        }
        (Trace { layers }, values.into_owned())
    }

    /// Gradients of every parameter, given that of the logits.
    ///
    /// `trace` and `ops` are those of the forward pass, `gradient` is `[frames, classes]`.
    ///
    /// # Panics
    /// Where `trace`, `gradient` or `gradients` are of another network or batch.
    pub fn backward(
        &self,
        trace: Trace<'_, T>,
        ops: &impl SiteOps<T>,
        gradient: Matrix<T>,
        gradients: &mut Gradients<T>,
        workspace: &mut Workspace<T>,
    ) {
        let mut gradient = Some(gradient);
        let mut end = gradients.0.len();
        for (index, (layer, trace_of)) in self.layers().iter().zip(trace.layers).enumerate().rev() {
            let outputs = gradient.take().expect("every layer but the first hands its input's gradient on");
            let LayerTrace { input, starts, mask, kept } = trace_of;
            let first = end - layer.parameter_count();
            let gradients = &mut gradients.0[first..end];
            end = first;
            let mut back = Back { input: &input, starts: &starts, wanted: index > 0, ops, workspace };
            gradient = layer.backward(kept, outputs, gradients, &mut back);
            if let (Some(gradient), Some(mask)) = (&mut gradient, &mask) {
                apply_mask(gradient, mask, &starts);
            }
            mask.into_iter().for_each(|mask| workspace.give(mask));
            if let Cow::Owned(input) = input {
                workspace.give(input);
            }
        }
        gradient.into_iter().for_each(|gradient| workspace.give(gradient));
    }
}

impl<T: Real> Layer<T> {
    fn forward_train(
        &self,
        input: &Matrix<T>,
        starts: &[usize],
        ops: &impl SiteOps<T>,
        workspace: &mut Workspace<T>,
    ) -> (Kept<T>, Matrix<T>) {
        let product = |(outputs, hooked): (Matrix<T>, Hooked<T>)| (Kept::Product(hooked), outputs);
        match self {
            Self::Sru(sru) => sru.forward_train(input, starts, ops, workspace),
            Self::Recurrent(recurrent) => {
                let (outputs, tape) = recurrent.forward(input, &mut Pass { starts, ops, workspace });
                (Kept::Recurrent(tape), outputs)
            }
            Self::Linear(linear) => product(linear.forward(input, ops, workspace)),
            Self::Conv1d(conv) => product(conv.forward(input, starts, ops, workspace)),
            Self::Embedding(embedding) => product(embedding.forward(input, ops, workspace)),
            Self::LayerNorm(norm) => {
                let mut outputs = input.clone();
                norm.apply(&mut outputs);
                (Kept::LayerNorm, outputs)
            }
            Self::Pointwise(function) => {
                let mut output = input.clone();
                function.apply(&mut output);
                (Kept::Pointwise { output: output.clone() }, output)
            }
        }
    }

    /// The gradient of the layer's input, where it is wanted.
    fn backward(
        &self,
        kept: Kept<T>,
        outputs: Matrix<T>,
        gradients: &mut [Matrix<T>],
        back: &mut Back<'_, T, impl SiteOps<T>>,
    ) -> Option<Matrix<T>> {
        match (self, kept) {
            (Self::Sru(sru), kept @ Kept::Sru { .. }) => sru.backward(kept, outputs, gradients, back),
            (Self::Recurrent(recurrent), Kept::Recurrent(tape)) => recurrent.backward(tape, outputs, gradients, back),
            (Self::Linear(linear), Kept::Product(hooked)) => linear.backward(hooked, outputs, gradients, back),
            (Self::Conv1d(conv), Kept::Product(hooked)) => conv.backward(hooked, outputs, gradients, back),
            (Self::Embedding(embedding), Kept::Product(hooked)) => {
                embedding.backward(&hooked, outputs, gradients, back);
                None
            }
            (Self::LayerNorm(norm), Kept::LayerNorm) => Some(norm.backward(outputs, gradients, back)),
            (Self::Pointwise(function), Kept::Pointwise { output }) => {
                Some(function.backward(output, outputs, back.workspace))
            }
            _ => panic!("a trace of another network"),
        }
    }
}

impl<T: Real> Sru<T> {
    fn forward_train(
        &self,
        input: &Matrix<T>,
        starts: &[usize],
        ops: &impl SiteOps<T>,
        workspace: &mut Workspace<T>,
    ) -> (Kept<T>, Matrix<T>) {
        let normal = self.normalised(input, workspace);
        let read = normal.as_ref().unwrap_or(input);
        let projected = self
            .projection
            .as_ref()
            .map(|(site, projection)| traced(*site, read, projection.view(), &[], ops, workspace));
        let product_input = projected.as_ref().map_or(read, |(projected, _)| projected);
        let (products, hooked) = self.columns().multiply(&self.products, &[], product_input, ops, workspace);
        let mut outputs = workspace.take(input.rows(), self.outputs());
        let mut states = workspace.take(input.rows(), self.outputs());
        self.recur(&products, input, starts, &mut outputs, Some(&mut states));
        (Kept::Sru { normal, projected, hooked, products, states }, outputs)
    }

    fn backward(
        &self,
        kept: Kept<T>,
        mut gradient: Matrix<T>,
        gradients: &mut [Matrix<T>],
        back: &mut Back<'_, T, impl SiteOps<T>>,
    ) -> Option<Matrix<T>> {
        let Kept::Sru { normal, projected, hooked, mut products, states } = kept else {
            panic!("a trace of another layer")
        };
        let (projection_gradient, rest) = gradients.split_at_mut(usize::from(self.projection.is_some()));
        let (weights, rest) = rest.split_at_mut(self.products.len());
        let [vectors, bias, norm_gradients @ ..] = rest else { panic!("gradients of another network") };
        self.recur_back(&mut products, back.input, &states, back.starts, &mut gradient, [vectors, bias]);
        back.workspace.give(states);
        let read = normal.as_ref().unwrap_or(back.input);
        // The gradient of x begins with what came through the highway, and the products add to it, but for what they read of
        // a normalisation: that has a gradient of its own.
        let mut inputs = (back.wanted || normal.is_some()).then(|| match self.skip {
            Skip::Identity if normal.is_none() => (Store::Accumulate, std::mem::take(&mut gradient)),
            _ => (Store::Overwrite, back.workspace.take(read.rows(), read.cols())),
        });
        let target = inputs.as_mut().map(|(store, inputs)| (*store, inputs));
        let columns = self.columns();
        if let (Some((first, projection)), Some((projected, first_hooked))) = (&self.projection, projected) {
            let mut bottleneck = back.workspace.take(projected.rows(), projected.cols());
            let into = Some((Store::Overwrite, &mut bottleneck));
            back.multiply(columns, &self.products, &projected, hooked, products, weights, &mut [], into);
            stop(&mut bottleneck, &first_hooked.saturated);
            let weight = projection.view();
            let first = SiteBack { site: *first, input: read, hooked: first_hooked, weight };
            back.product(first, &bottleneck, &mut projection_gradient[0], target);
            [bottleneck, projected].into_iter().for_each(|m| back.workspace.give(m));
        } else {
            back.multiply(columns, &self.products, read, hooked, products, weights, &mut [], target);
        }
        let mut inputs = inputs.map(|(_, inputs)| inputs);
        if let Some(norm) = &self.norm {
            inputs = inputs.map(|of_normal| norm.backward(of_normal, norm_gradients, back));
            if let (Skip::Identity, Some(inputs)) = (self.skip, &mut inputs) {
                add(inputs, &gradient);
            }
        }
        normal.into_iter().chain([gradient]).for_each(|matrix| back.workspace.give(matrix));
        inputs
    }
}

impl<T: Real> Linear<T> {
    fn backward(
        &self,
        hooked: Hooked<T>,
        mut gradient: Matrix<T>,
        gradients: &mut [Matrix<T>],
        back: &mut Back<'_, T, impl SiteOps<T>>,
    ) -> Option<Matrix<T>> {
        let [weight_gradient, bias_gradient] = gradients else { panic!("gradients of another network") };
        stop(&mut gradient, &hooked.saturated);
        sum_of_rows(gradient.cols(), gradient.data(), bias_gradient.data_mut());
        let mut inputs = back.wanted.then(|| back.workspace.take(back.input.rows(), back.input.cols()));
        let target = inputs.as_mut().map(|inputs| (Store::Overwrite, inputs));
        let linear = SiteBack { site: self.site, input: back.input, hooked, weight: self.weight.view() };
        back.product(linear, &gradient, weight_gradient, target);
        back.workspace.give(gradient);
        inputs
    }
}

impl Pointwise {
    fn backward<T: Real>(self, output: Matrix<T>, mut gradient: Matrix<T>, workspace: &mut Workspace<T>) -> Matrix<T> {
        for_rows(
            &mut gradient,
            #[inline(always)]
            |frame, row| {
                let pairs = row.iter_mut().zip(output.row(frame));
                match self {
                    Self::Relu => pairs.for_each(|(d, &y)| *d = if y > T::ZERO { *d } else { T::ZERO }),
                    Self::Tanh => pairs.for_each(|(d, &y)| *d *= T::ONE - y * y),
                    Self::Sigmoid => pairs.for_each(|(d, &y)| *d *= y * (T::ONE - y)),
                }
            },
        );
        workspace.give(output);
        gradient
    }
}
