//! The forward pass without a trace.

use super::elementwise::{add_to_rows, for_rows};
use super::{Batch, Layer, Linear, Network, Pointwise, SiteId, SiteOps, Sru, Workspace};
use crate::tensor::{Matrix, Real, Store, product};
use std::borrow::Cow;

impl<T: Real> Network<T> {
    /// Logits of every frame of the batch, `[frames, classes]`.
    ///
    /// # Panics
    /// Where the batch has other than [`inputs`](Self::inputs) features a frame.
    pub fn forward(&self, batch: &Batch<T>, ops: &impl SiteOps<T>) -> Matrix<T> {
        self.forward_in(batch, ops, &mut Workspace::new())
    }

    /// The same with buffers from `workspace`, for callers that come again; give the result back there.
    ///
    /// # Panics
    /// Where the batch has other than [`inputs`](Self::inputs) features a frame.
    pub fn forward_in(&self, batch: &Batch<T>, ops: &impl SiteOps<T>, workspace: &mut Workspace<T>) -> Matrix<T> {
        assert_eq!(batch.features().cols(), self.inputs(), "features a frame of the batch");
        let mut values = Cow::Borrowed(batch.features());
        for layer in self.layers() {
            let outputs = match layer {
                Layer::Sru(sru) => sru.forward(&values, batch.starts(), ops, workspace),
                Layer::Linear(linear) => linear.forward(&values, ops, workspace),
                Layer::Pointwise(function) => {
                    function.apply(values.to_mut());
                    continue;
                }
            };
            if let Cow::Owned(inputs) = std::mem::replace(&mut values, Cow::Owned(outputs)) {
                workspace.give(inputs);
            }
        }
        values.into_owned()
    }
}

impl<T: Real> Sru<T> {
    fn forward(
        &self,
        input: &Matrix<T>,
        starts: &[usize],
        ops: &impl SiteOps<T>,
        workspace: &mut Workspace<T>,
    ) -> Matrix<T> {
        let products = match &self.projection {
            Some((site, projection)) => {
                let projected = at_site(*site, input, projection, ops, workspace);
                let products = at_site(self.site, &projected, &self.weight, ops, workspace);
                workspace.give(projected);
                products
            }
            None => at_site(self.site, input, &self.weight, ops, workspace),
        };
        let mut outputs = workspace.take(input.rows(), self.outputs());
        self.recur(&products, input, starts, &mut outputs, None);
        workspace.give(products);
        outputs
    }
}

impl<T: Real> Linear<T> {
    fn forward(&self, input: &Matrix<T>, ops: &impl SiteOps<T>, workspace: &mut Workspace<T>) -> Matrix<T> {
        let hooked = ops.input(self.site, input, workspace);
        let mut output = site_product(&hooked, &self.weight, workspace);
        add_to_rows(&mut output, self.bias.data());
        ops.output(self.site, &mut output);
        if let Cow::Owned(hooked) = hooked {
            workspace.give(hooked);
        }
        output
    }
}

/// The product of a site with its hooks.
fn at_site<T: Real>(
    site: SiteId,
    input: &Matrix<T>,
    weight: &Matrix<T>,
    ops: &impl SiteOps<T>,
    workspace: &mut Workspace<T>,
) -> Matrix<T> {
    let input = ops.input(site, input, workspace);
    let mut output = site_product(&input, weight, workspace);
    ops.output(site, &mut output);
    if let Cow::Owned(input) = input {
        workspace.give(input);
    }
    output
}

/// The product of a site whose input has been through its hook.
pub(super) fn site_product<T: Real>(input: &Matrix<T>, weight: &Matrix<T>, workspace: &mut Workspace<T>) -> Matrix<T> {
    let mut output = workspace.take(input.rows(), weight.cols());
    product(input.view(), weight.view(), Store::Overwrite, &mut output);
    output
}

impl Pointwise {
    /// Replaces every element by the function's value.
    pub(super) fn apply<T: Real>(self, values: &mut Matrix<T>) {
        for_rows(
            values,
            #[inline(always)]
            |_, row| match self {
                Self::Relu => row.iter_mut().for_each(|x| *x = x.max(T::ZERO)),
                Self::Tanh => row.iter_mut().for_each(|x| *x = x.tanh()),
                Self::Sigmoid => row.iter_mut().for_each(|x| *x = x.sigmoid()),
            },
        );
    }
}
