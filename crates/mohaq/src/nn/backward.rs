//! The forward pass with a trace, and the backward pass that uses it up.
//!
//! Gradients are written by hand, a layer at a time. The trace keeps what the backward pass reads: the input of every
//! layer, the products and states of recurrences, and what a hook made of a site's input. The gates are computed again.
//! Hooks are taken as the identity on the way back (see [`SiteOps`]).

use super::dropout::{Dropout, apply_mask};
use super::elementwise::{add_to_rows, for_rows, sum_of_rows};
use super::forward::product_at_site;
use super::{Batch, Layer, Linear, Network, Pointwise, SiteId, SiteOps, Skip, Sru, Workspace};
use crate::tensor::{Matrix, Real, Store, product};
use std::borrow::Cow;

/// What a forward pass leaves for the backward pass over the same batch.
#[derive(Debug)]
pub struct Trace<'a, T: Real = f32> {
    layers: Vec<LayerTrace<'a, T>>,
    starts: &'a [usize],
}

#[derive(Debug)]
struct LayerTrace<'a, T: Real> {
    /// After dropout.
    input: Cow<'a, Matrix<T>>,
    /// `[sequences, inputs]`.
    mask: Option<Matrix<T>>,
    kept: Kept<T>,
}

#[derive(Debug)]
enum Kept<T: Real> {
    Sru {
        /// x·P, and what a hook made of x.
        projected: Option<(Matrix<T>, Option<Matrix<T>>)>,
        /// What a hook made of x̂.
        hooked: Option<Matrix<T>>,
        /// U.
        products: Matrix<T>,
        /// c.
        states: Matrix<T>,
    },
    Linear {
        /// What a hook made of x.
        hooked: Option<Matrix<T>>,
    },
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
    /// Logits of every frame of the batch, `[frames, classes]`, and the trace that [`backward`](Self::backward) needs.
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
        let starts = batch.starts();
        let mut values = Cow::Borrowed(batch.features());
        let mut layers = Vec::with_capacity(self.layers().len());
        for (index, layer) in self.layers().iter().enumerate() {
            let mask = dropout.filter(|_| index > 0 && !matches!(layer, Layer::Pointwise(_))).map(|dropout| {
                let mask = dropout.mask(index, starts.len() - 1, values.cols(), workspace);
                apply_mask(values.to_mut(), &mask, starts);
                mask
            });
            let (kept, outputs) = match layer {
                Layer::Sru(sru) => sru.forward_train(&values, starts, ops, workspace),
                Layer::Linear(linear) => linear.forward_train(&values, ops, workspace),
                Layer::Pointwise(function) => {
                    let mut output = values.clone().into_owned();
                    function.apply(&mut output);
                    (Kept::Pointwise { output: output.clone() }, output)
                }
            };
            let input = std::mem::replace(&mut values, Cow::Owned(outputs));
            layers.push(LayerTrace { input, mask, kept });
        }
        (Trace { layers, starts }, values.into_owned())
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
            let LayerTrace { input, mask, kept } = trace_of;
            let first = end - layer.parameter_count();
            let gradients = &mut gradients.0[first..end];
            end = first;
            let mut back = Back { input: &input, starts: trace.starts, wanted: index > 0, ops, workspace };
            gradient = match (layer, kept) {
                (Layer::Sru(sru), kept @ Kept::Sru { .. }) => sru.backward(kept, outputs, gradients, &mut back),
                (Layer::Linear(linear), Kept::Linear { hooked }) => {
                    linear.backward(hooked, outputs, gradients, &mut back)
                }
                (Layer::Pointwise(function), Kept::Pointwise { output }) => {
                    Some(function.backward(output, outputs, workspace))
                }
                _ => panic!("a trace of another network"),
            };
            if let (Some(gradient), Some(mask)) = (&mut gradient, &mask) {
                apply_mask(gradient, mask, trace.starts);
            }
            mask.into_iter().for_each(|mask| workspace.give(mask));
            if let Cow::Owned(input) = input {
                workspace.give(input);
            }
        }
        gradient.into_iter().for_each(|gradient| workspace.give(gradient));
    }
}

/// What every layer's backward pass is given.
struct Back<'a, T: Real, O> {
    /// The layer's.
    input: &'a Matrix<T>,
    starts: &'a [usize],
    /// The gradient of the input is wanted.
    wanted: bool,
    ops: &'a O,
    workspace: &'a mut Workspace<T>,
}

impl<T: Real, O: SiteOps<T>> Back<'_, T, O> {
    /// The gradients of a product at a site: of its weights, and of its input where there is a place for it.
    fn product(
        &self,
        site: SiteId,
        input: &Matrix<T>,
        weight: &Matrix<T>,
        outputs: &Matrix<T>,
        weights: &mut Matrix<T>,
        inputs: Option<(Store, &mut Matrix<T>)>,
    ) {
        product(input.transposed(), outputs.view(), Store::Overwrite, weights);
        if let Some((store, inputs)) = inputs {
            product(outputs.view(), self.ops.weight(site, weight).transposed(), store, inputs);
        }
    }
}

impl<T: Real> Layer<T> {
    /// Number of parameter matrices.
    fn parameter_count(&self) -> usize {
        match self {
            Self::Sru(sru) => 3 + usize::from(sru.projection.is_some()),
            Self::Linear(_) => 2,
            Self::Pointwise(_) => 0,
        }
    }
}

/// A product at a site, and what the hook made of its input.
fn traced_product<T: Real>(
    site: SiteId,
    input: &Matrix<T>,
    weight: &Matrix<T>,
    ops: &impl SiteOps<T>,
    workspace: &mut Workspace<T>,
) -> (Matrix<T>, Option<Matrix<T>>) {
    let hooked = ops.input(site, input);
    let output = product_at_site(site, &hooked, weight, ops, workspace);
    let hooked = match hooked {
        Cow::Owned(hooked) => Some(hooked),
        Cow::Borrowed(_) => None,
    };
    (output, hooked)
}

impl<T: Real> Sru<T> {
    fn forward_train(
        &self,
        input: &Matrix<T>,
        starts: &[usize],
        ops: &impl SiteOps<T>,
        workspace: &mut Workspace<T>,
    ) -> (Kept<T>, Matrix<T>) {
        let projected =
            self.projection.as_ref().map(|(site, projection)| traced_product(*site, input, projection, ops, workspace));
        let product_input = projected.as_ref().map_or(input, |(projected, _)| projected);
        let (products, hooked) = traced_product(self.site, product_input, &self.weight, ops, workspace);
        let mut outputs = workspace.take(input.rows(), self.outputs());
        let mut states = workspace.take(input.rows(), self.outputs());
        self.recur(&products, input, starts, &mut outputs, Some(&mut states));
        (Kept::Sru { projected, hooked, products, states }, outputs)
    }

    fn backward(
        &self,
        kept: Kept<T>,
        mut gradient: Matrix<T>,
        gradients: &mut [Matrix<T>],
        back: &mut Back<'_, T, impl SiteOps<T>>,
    ) -> Option<Matrix<T>> {
        let Kept::Sru { projected, hooked, mut products, states } = kept else { panic!("a trace of another layer") };
        let (projection_gradient, rest) = gradients.split_at_mut(usize::from(self.projection.is_some()));
        let [weight_gradient, vectors, bias] = rest else { panic!("gradients of another network") };
        self.recur_back(&mut products, back.input, &states, back.starts, &mut gradient, [vectors, bias]);
        back.workspace.give(states);
        // The gradient of x begins with what came through the highway, and the products add to it.
        let mut inputs = back.wanted.then(|| match self.skip {
            Skip::Identity => (Store::Accumulate, std::mem::take(&mut gradient)),
            Skip::None | Skip::Matrix => (Store::Overwrite, back.workspace.take(back.input.rows(), back.input.cols())),
        });
        let target = inputs.as_mut().map(|(store, inputs)| (*store, inputs));
        if let (Some((site, projection)), Some((projected, hooked_input))) = (&self.projection, projected) {
            let mut bottleneck = back.workspace.take(projected.rows(), projected.cols());
            let product_input = hooked.as_ref().unwrap_or(&projected);
            let into = Some((Store::Overwrite, &mut bottleneck));
            back.product(self.site, product_input, &self.weight, &products, weight_gradient, into);
            let input = hooked_input.as_ref().unwrap_or(back.input);
            back.product(*site, input, projection, &bottleneck, &mut projection_gradient[0], target);
            [Some(bottleneck), Some(projected), hooked_input]
                .into_iter()
                .flatten()
                .for_each(|m| back.workspace.give(m));
        } else {
            let input = hooked.as_ref().unwrap_or(back.input);
            back.product(self.site, input, &self.weight, &products, weight_gradient, target);
        }
        [Some(products), Some(gradient), hooked].into_iter().flatten().for_each(|m| back.workspace.give(m));
        inputs.map(|(_, inputs)| inputs)
    }
}

impl<T: Real> Linear<T> {
    fn forward_train(
        &self,
        input: &Matrix<T>,
        ops: &impl SiteOps<T>,
        workspace: &mut Workspace<T>,
    ) -> (Kept<T>, Matrix<T>) {
        let (mut output, hooked) = traced_product(self.site, input, &self.weight, ops, workspace);
        add_to_rows(&mut output, self.bias.data());
        (Kept::Linear { hooked }, output)
    }

    fn backward(
        &self,
        hooked: Option<Matrix<T>>,
        gradient: Matrix<T>,
        gradients: &mut [Matrix<T>],
        back: &mut Back<'_, T, impl SiteOps<T>>,
    ) -> Option<Matrix<T>> {
        let [weight_gradient, bias_gradient] = gradients else { panic!("gradients of another network") };
        sum_of_rows(gradient.cols(), gradient.data(), bias_gradient.data_mut());
        let mut inputs = back.wanted.then(|| back.workspace.take(back.input.rows(), back.input.cols()));
        let target = inputs.as_mut().map(|inputs| (Store::Overwrite, inputs));
        let input = hooked.as_ref().unwrap_or(back.input);
        back.product(self.site, input, &self.weight, &gradient, weight_gradient, target);
        [Some(gradient), hooked].into_iter().flatten().for_each(|m| back.workspace.give(m));
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
