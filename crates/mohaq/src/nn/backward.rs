//! The forward pass with a trace, and the backward pass that uses it up.
//!
//! Gradients are written by hand, a layer at a time. The trace keeps what the backward pass reads: the input of every
//! layer, the products and states of recurrences, and what a hook made of a site's input and result. The gates are
//! computed again.

use super::dropout::{Dropout, apply_mask};
use super::elementwise::{add_to_rows, for_rows, sum_of_rows};
use super::forward::site_product;
use super::{Batch, Layer, Linear, Network, Pointwise, Saturated, SiteId, SiteOps, Skip, Sru, Workspace};
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
        /// x·P, and what its hooks did.
        projected: Option<(Matrix<T>, Hooked<T>)>,
        /// What the hooks of the product did.
        hooked: Hooked<T>,
        /// U.
        products: Matrix<T>,
        /// c.
        states: Matrix<T>,
    },
    Linear {
        hooked: Hooked<T>,
    },
    Pointwise {
        output: Matrix<T>,
    },
}

/// What the hooks of one site did.
#[derive(Debug)]
struct Hooked<T: Real> {
    /// What the product read, where it was not the input itself.
    input: Option<Matrix<T>>,
    saturated: Saturated,
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

/// A product at a site, as the backward pass reads it.
struct SiteBack<'a, T: Real> {
    site: SiteId,
    /// Before its hook.
    input: &'a Matrix<T>,
    hooked: Hooked<T>,
    weight: &'a Matrix<T>,
}

impl<T: Real, O: SiteOps<T>> Back<'_, T, O> {
    /// The gradients of a product at a site, given that of its result: of its weights, and of its input where there is a
    /// place for it.
    fn product(
        &mut self,
        back: SiteBack<'_, T>,
        outputs: &Matrix<T>,
        weights: &mut Matrix<T>,
        inputs: Option<(Store, &mut Matrix<T>)>,
    ) {
        let SiteBack { site, input, hooked, weight } = back;
        product(hooked.input.as_ref().unwrap_or(input).transposed(), outputs.view(), Store::Overwrite, weights);
        hooked.input.into_iter().for_each(|hooked| self.workspace.give(hooked));
        match (inputs, self.ops.input_back_at(site)) {
            (Some((store, inputs)), None) => product(outputs.view(), weight.transposed(), store, inputs),
            (None, None | Some(false)) => {}
            (inputs, Some(_)) => {
                let mut through = self.workspace.take(input.rows(), input.cols());
                product(outputs.view(), weight.transposed(), Store::Overwrite, &mut through);
                self.ops.input_back(site, input, &mut through);
                match inputs {
                    Some((Store::Accumulate, inputs)) => add(inputs, &through),
                    Some((Store::Overwrite, inputs)) => std::mem::swap(inputs, &mut through),
                    None => {}
                }
                self.workspace.give(through);
            }
        }
    }
}

/// Adds `addend` to `matrix` of the same shape.
fn add<T: Real>(matrix: &mut Matrix<T>, addend: &Matrix<T>) {
    for_rows(
        matrix,
        #[inline(always)]
        |frame, row| row.iter_mut().zip(addend.row(frame)).for_each(|(x, &y)| *x += y),
    );
}

/// Lets nothing through where a result saturated.
fn stop<T: Real>(gradient: &mut Matrix<T>, saturated: &[u32]) {
    saturated.iter().for_each(|&place| gradient.data_mut()[place as usize] = T::ZERO);
}

impl<T: Real> Layer<T> {
    /// Number of parameter matrices.
    pub(super) fn parameter_count(&self) -> usize {
        match self {
            Self::Sru(sru) => 3 + usize::from(sru.projection.is_some()),
            Self::Linear(_) => 2,
            Self::Pointwise(_) => 0,
        }
    }
}

/// The product at a site of a recurrent layer, and what its hooks did.
fn traced_product<T: Real>(
    site: SiteId,
    input: &Matrix<T>,
    weight: &Matrix<T>,
    ops: &impl SiteOps<T>,
    workspace: &mut Workspace<T>,
) -> (Matrix<T>, Hooked<T>) {
    let hooked = ops.input(site, input, workspace);
    let mut output = site_product(&hooked, weight, workspace);
    let saturated = ops.output(site, &mut output);
    (output, Hooked { input: owned(hooked), saturated })
}

fn owned<T: Real>(hooked: Cow<'_, Matrix<T>>) -> Option<Matrix<T>> {
    match hooked {
        Cow::Owned(hooked) => Some(hooked),
        Cow::Borrowed(_) => None,
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
        stop(&mut products, &hooked.saturated);
        back.workspace.give(states);
        // The gradient of x begins with what came through the highway, and the products add to it.
        let mut inputs = back.wanted.then(|| match self.skip {
            Skip::Identity => (Store::Accumulate, std::mem::take(&mut gradient)),
            Skip::None | Skip::Matrix => (Store::Overwrite, back.workspace.take(back.input.rows(), back.input.cols())),
        });
        let target = inputs.as_mut().map(|(store, inputs)| (*store, inputs));
        let (site, weight) = (self.site, &self.weight);
        if let (Some((first, projection)), Some((projected, first_hooked))) = (&self.projection, projected) {
            let mut bottleneck = back.workspace.take(projected.rows(), projected.cols());
            let into = Some((Store::Overwrite, &mut bottleneck));
            back.product(SiteBack { site, input: &projected, hooked, weight }, &products, weight_gradient, into);
            stop(&mut bottleneck, &first_hooked.saturated);
            let first = SiteBack { site: *first, input: back.input, hooked: first_hooked, weight: projection };
            back.product(first, &bottleneck, &mut projection_gradient[0], target);
            [bottleneck, projected].into_iter().for_each(|m| back.workspace.give(m));
        } else {
            let first = SiteBack { site, input: back.input, hooked, weight };
            back.product(first, &products, weight_gradient, target);
        }
        [products, gradient].into_iter().for_each(|m| back.workspace.give(m));
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
        let hooked = ops.input(self.site, input, workspace);
        let mut output = site_product(&hooked, &self.weight, workspace);
        add_to_rows(&mut output, self.bias.data());
        let saturated = ops.output(self.site, &mut output);
        (Kept::Linear { hooked: Hooked { input: owned(hooked), saturated } }, output)
    }

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
        let linear = SiteBack { site: self.site, input: back.input, hooked, weight: &self.weight };
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
