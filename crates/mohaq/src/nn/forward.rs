//! The forward pass without a trace.

use super::elementwise::for_rows;
use super::product::{Columns, Hooked, traced};
use super::recurrent::Pass;
use super::{Batch, Layer, Linear, Network, Pointwise, SiteOps, Sru, Workspace};
use crate::tensor::{Matrix, Real};
use std::borrow::Cow;

impl<T: Real> Network<T> {
    /// Logits of every frame that comes out, `[frames, classes]`.
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
        let mut starts = Cow::Borrowed(batch.starts());
        for (index, layer) in self.layers().iter().enumerate() {
            let outputs = match layer {
                Layer::Sru(sru) => {
                    if sru.norm.is_some() {
                        ops.unbounded(index, &values);
                    }
                    sru.forward(&values, &starts, ops, workspace)
                }
                Layer::Recurrent(recurrent) => {
                    let (outputs, tape) =
                        recurrent.forward(&values, &mut Pass { starts: &starts, ops, workspace: &mut *workspace });
                    recurrent.unbounded(&tape).into_iter().for_each(|values| ops.unbounded(index, values));
                    tape.give(workspace);
                    outputs
                }
                Layer::Linear(linear) => without(linear.forward(&values, ops, workspace), workspace),
                Layer::Conv1d(conv) => {
                    let outputs = without(conv.forward(&values, &starts, ops, workspace), workspace);
                    starts = Cow::Owned(conv.shape.starts(&starts));
                    outputs
                }
                Layer::Embedding(embedding) => without(embedding.forward(&values, ops, workspace), workspace),
                Layer::LayerNorm(norm) => {
                    norm.apply(values.to_mut());
                    ops.unbounded(index, &values);
                    continue;
                }
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

    /// First frame of each sequence that comes out, and the number of frames, for sequences that go in.
    pub fn output_starts<'a>(&self, starts: &'a [usize]) -> Cow<'a, [usize]> {
        self.layers().iter().fold(Cow::Borrowed(starts), |starts, layer| match layer {
            Layer::Conv1d(conv) => Cow::Owned(conv.shape.starts(&starts)),
            _ => starts,
        })
    }
}

/// A result without what its hooks did.
fn without<T: Real>((output, hooked): (Matrix<T>, Hooked<T>), workspace: &mut Workspace<T>) -> Matrix<T> {
    hooked.give(workspace);
    output
}

impl<T: Real> Sru<T> {
    pub(super) fn columns(&self) -> Columns {
        Columns { directions: self.directions, gates: self.skip.matrices(), hidden: self.hidden }
    }

    /// What the matrices read, where it is not the input itself.
    pub(super) fn normalised(&self, input: &Matrix<T>, workspace: &mut Workspace<T>) -> Option<Matrix<T>> {
        self.norm.as_ref().map(|norm| {
            let mut normal = workspace.take(input.rows(), input.cols());
            normal.data_mut().copy_from_slice(input.data());
            norm.apply(&mut normal);
            normal
        })
    }

    fn forward(
        &self,
        input: &Matrix<T>,
        starts: &[usize],
        ops: &impl SiteOps<T>,
        workspace: &mut Workspace<T>,
    ) -> Matrix<T> {
        let normal = self.normalised(input, workspace);
        let read = normal.as_ref().unwrap_or(input);
        let projected = self.projection.as_ref().map(|(site, projection)| {
            let projected = traced(*site, read, projection.view(), &[], ops, workspace);
            without(projected, workspace)
        });
        let from = projected.as_ref().unwrap_or(read);
        let (products, did) = self.columns().multiply(&self.products, &[], from, ops, workspace);
        did.into_iter().for_each(|hooked| hooked.give(workspace));
        projected.into_iter().chain(normal).for_each(|matrix| workspace.give(matrix));
        let mut outputs = workspace.take(input.rows(), self.outputs());
        self.recur(&products, input, starts, &mut outputs, None);
        workspace.give(products);
        outputs
    }
}

impl<T: Real> Linear<T> {
    /// y, and what hooks did.
    pub(super) fn forward(
        &self,
        input: &Matrix<T>,
        ops: &impl SiteOps<T>,
        workspace: &mut Workspace<T>,
    ) -> (Matrix<T>, Hooked<T>) {
        traced(self.site, input, self.weight.view(), self.bias.data(), ops, workspace)
    }
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
