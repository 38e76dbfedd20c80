//! The products of layers with their hooks, forwards and backwards.

use super::elementwise::{add_to_rows, for_rows, sum_of_rows};
use super::{Product, Saturated, SiteId, SiteOps, Workspace};
use crate::tensor::{Matrix, Real, Right, Store, View, product};
use std::borrow::Cow;

/// What the hooks of one product did.
#[derive(Debug)]
pub(super) struct Hooked<T: Real> {
    /// What the product read, where it was not the input itself.
    pub(super) input: Option<Matrix<T>>,
    pub(super) saturated: Saturated,
}

impl<T: Real> Hooked<T> {
    /// Gives the room back where nobody wants to know.
    pub(super) fn give(self, workspace: &mut Workspace<T>) {
        self.input.into_iter().for_each(|input| workspace.give(input));
    }
}

/// `input · weight + bias` with its hooks, and what these did; `bias` may be empty.
pub(super) fn traced<'w, T: Real>(
    site: SiteId,
    input: &Matrix<T>,
    weight: impl Into<Right<'w, T>>,
    bias: &[T],
    ops: &impl SiteOps<T>,
    workspace: &mut Workspace<T>,
) -> (Matrix<T>, Hooked<T>) {
    let weight = weight.into();
    let hooked = ops.input(site, input, workspace);
    let mut output = workspace.take(input.rows(), weight.shape()[1]);
    product(hooked.view(), weight, Store::Overwrite, &mut output);
    if !bias.is_empty() {
        add_to_rows(&mut output, bias);
    }
    let saturated = ops.output(site, &mut output);
    let input = match hooked {
        Cow::Owned(hooked) => Some(hooked),
        Cow::Borrowed(_) => None,
    };
    (output, Hooked { input, saturated })
}

/// How the columns of some products of one input lie side by side: `[directions, gates, hidden]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    pub(super) directions: usize,
    pub(super) gates: usize,
    pub(super) hidden: usize,
}

impl Columns {
    pub(super) fn count(self) -> usize {
        self.directions * self.gates * self.hidden
    }

    /// Where the columns of `product` begin in those of all, in each direction, and how many they are.
    fn places<T>(self, product: &Product<T>) -> impl Iterator<Item = usize> + use<T> {
        let Self { directions, gates, hidden } = self;
        let first = product.gates.start;
        (0..directions).map(move |direction| (direction * gates + first) * hidden)
    }

    /// Copies the result of one product to its columns of all.
    pub(super) fn scatter<T: Real>(self, product: &Product<T>, result: &Matrix<T>, all: &mut Matrix<T>) {
        let width = product.gates.len() * self.hidden;
        for row in 0..result.rows() {
            for (place, part) in self.places(product).zip(result.row(row).chunks_exact(width)) {
                all.row_mut(row)[place..][..width].copy_from_slice(part);
            }
        }
    }

    /// Copies the columns of one product out of all.
    pub(super) fn gather<T: Real>(self, product: &Product<T>, all: &Matrix<T>, result: &mut Matrix<T>) {
        let width = product.gates.len() * self.hidden;
        for row in 0..all.rows() {
            for (place, part) in self.places(product).zip(result.row_mut(row).chunks_exact_mut(width)) {
                part.copy_from_slice(&all.row(row)[place..][..width]);
            }
        }
    }

    /// The results of `products` of one input side by side, and what hooks did at each.
    pub(super) fn multiply<T: Real>(
        self,
        products: &[Product<T>],
        biases: &[Matrix<T>],
        input: &Matrix<T>,
        ops: &impl SiteOps<T>,
        workspace: &mut Workspace<T>,
    ) -> (Matrix<T>, Vec<Hooked<T>>) {
        let bias = |i: usize| biases.get(i).map_or(&[][..], Matrix::data);
        if let [only] = products {
            let (result, hooked) = traced(only.site, input, only.weight.view(), bias(0), ops, workspace);
            return (result, vec![hooked]);
        }
        let mut all = workspace.take(input.rows(), self.count());
        let mut did = Vec::with_capacity(products.len());
        for (i, product) in products.iter().enumerate() {
            let (result, hooked) = traced(product.site, input, product.weight.view(), bias(i), ops, workspace);
            self.scatter(product, &result, &mut all);
            workspace.give(result);
            did.push(hooked);
        }
        (all, did)
    }
}

/// What every layer's backward pass is given.
pub(super) struct Back<'a, T: Real, O> {
    /// The layer's.
    pub(super) input: &'a Matrix<T>,
    pub(super) starts: &'a [usize],
    /// The gradient of the input is wanted.
    pub(super) wanted: bool,
    pub(super) ops: &'a O,
    pub(super) workspace: &'a mut Workspace<T>,
}

/// A product at a site, as the backward pass reads it.
pub(super) struct SiteBack<'a, T: Real> {
    pub(super) site: SiteId,
    /// Before its hook.
    pub(super) input: &'a Matrix<T>,
    pub(super) hooked: Hooked<T>,
    pub(super) weight: View<'a, T>,
}

impl<T: Real, O: SiteOps<T>> Back<'_, T, O> {
    /// The gradients of a product at a site, given that of its result: of its weights, and of its input where there is a
    /// place for it.
    pub(super) fn product(
        &mut self,
        back: SiteBack<'_, T>,
        outputs: &Matrix<T>,
        weights: &mut Matrix<T>,
        inputs: Option<(Store, &mut Matrix<T>)>,
    ) {
        let SiteBack { site, input, hooked, weight } = back;
        product(hooked.input.as_ref().unwrap_or(input).transposed(), outputs.view(), Store::Overwrite, weights);
        hooked.give(self.workspace);
        self.through(site, input, weight.flip(), outputs, inputs);
    }

    /// The gradient of a product's input alone; `flipped` are the weights, `[outputs, inputs]`.
    pub(super) fn through<'w>(
        &mut self,
        site: SiteId,
        input: &Matrix<T>,
        flipped: impl Into<Right<'w, T>>,
        outputs: &Matrix<T>,
        inputs: Option<(Store, &mut Matrix<T>)>,
    ) where
        T: 'w,
    {
        match (inputs, self.ops.input_back_at(site)) {
            (Some((store, inputs)), None) => product(outputs.view(), flipped, store, inputs),
            (None, None | Some(false)) => {}
            (inputs, Some(_)) => {
                let mut through = self.workspace.take(input.rows(), input.cols());
                product(outputs.view(), flipped, Store::Overwrite, &mut through);
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

    /// The gradients of [`Columns::multiply`]: of the products' weights and, where there are any, of their biases.
    #[expect(clippy::too_many_arguments, reason = "the pieces of a layer and of its gradients are borrowed apart")]
    pub(super) fn multiply(
        &mut self,
        columns: Columns,
        products: &[Product<T>],
        input: &Matrix<T>,
        hooked: Vec<Hooked<T>>,
        mut outputs: Matrix<T>,
        weights: &mut [Matrix<T>],
        biases: &mut [Matrix<T>],
        mut inputs: Option<(Store, &mut Matrix<T>)>,
    ) {
        let mut biases = biases.iter_mut();
        for ((product, hooked), weights) in products.iter().zip(hooked).zip(weights) {
            let mut part = if products.len() == 1 {
                std::mem::take(&mut outputs)
            } else {
                let mut part = self.workspace.take(outputs.rows(), product.weight.cols());
                columns.gather(product, &outputs, &mut part);
                part
            };
            stop(&mut part, &hooked.saturated);
            if let Some(bias) = biases.next() {
                sum_of_rows(part.cols(), part.data(), bias.data_mut());
            }
            let back = SiteBack { site: product.site, input, hooked, weight: product.weight.view() };
            let into = inputs.as_mut().map(|(store, inputs)| (*store, &mut **inputs));
            self.product(back, &part, weights, into);
            if let Some((store, _)) = &mut inputs {
                *store = Store::Accumulate;
            }
            self.workspace.give(part);
        }
        self.workspace.give(outputs);
    }
}

/// Adds `addend` to `matrix` of the same shape.
pub(super) fn add<T: Real>(matrix: &mut Matrix<T>, addend: &Matrix<T>) {
    for_rows(
        matrix,
        #[inline(always)]
        |frame, row| row.iter_mut().zip(addend.row(frame)).for_each(|(x, &y)| *x += y),
    );
}

/// Lets nothing through where a result saturated.
pub(super) fn stop<T: Real>(gradient: &mut Matrix<T>, saturated: &[u32]) {
    saturated.iter().for_each(|&place| gradient.data_mut()[place as usize] = T::ZERO);
}
