//! The forward pass without a trace.

use super::{Batch, Layer, Linear, Network, Pointwise, SiteId, SiteOps, Sru};
use crate::tensor::{Matrix, Real, Store, product};
use pulp::Arch;
use rayon::prelude::*;

/// Rows a task of an elementwise loop takes.
const ROWS_A_TASK: usize = 64;

impl<T: Real> Network<T> {
    /// Logits of every frame of the batch, `[frames, classes]`.
    ///
    /// # Panics
    /// Where the batch has other than [`inputs`](Self::inputs) features a frame.
    pub fn forward(&self, batch: &Batch<T>, ops: &impl SiteOps<T>) -> Matrix<T> {
        assert_eq!(batch.features().cols(), self.inputs(), "features a frame of the batch");
        let mut values: Option<Matrix<T>> = None;
        for layer in self.layers() {
            values = Some(match (layer, values) {
                (Layer::Pointwise(function), Some(mut values)) => {
                    function.apply(&mut values);
                    values
                }
                (layer, values) => layer.forward(values.as_ref().unwrap_or(batch.features()), batch.starts(), ops),
            });
        }
        values.unwrap_or_else(|| batch.features().clone())
    }
}

impl<T: Real> Layer<T> {
    fn forward(&self, input: &Matrix<T>, starts: &[usize], ops: &impl SiteOps<T>) -> Matrix<T> {
        match self {
            Self::Sru(sru) => sru.recur(&sru.products(input, ops), input, starts, None),
            Self::Linear(linear) => linear.forward(input, ops),
            Self::Pointwise(function) => {
                let mut output = input.clone();
                function.apply(&mut output);
                output
            }
        }
    }
}

impl<T: Real> Sru<T> {
    /// U = x̂·W.
    fn products(&self, input: &Matrix<T>, ops: &impl SiteOps<T>) -> Matrix<T> {
        match &self.projection {
            Some((site, projection)) => {
                let projected = at_site(*site, input, projection, ops);
                at_site(self.site, &projected, &self.weight, ops)
            }
            None => at_site(self.site, input, &self.weight, ops),
        }
    }
}

impl<T: Real> Linear<T> {
    fn forward(&self, input: &Matrix<T>, ops: &impl SiteOps<T>) -> Matrix<T> {
        let mut output = at_site(self.site, input, &self.weight, ops);
        add_to_rows(&mut output, self.bias.data());
        output
    }
}

/// The product of a site with its hooks.
fn at_site<T: Real>(site: SiteId, input: &Matrix<T>, weight: &Matrix<T>, ops: &impl SiteOps<T>) -> Matrix<T> {
    let input = ops.input(site, input);
    let weight = ops.weight(site, weight);
    let mut output = Matrix::zeros(input.rows(), weight.cols());
    product(input.view(), weight.view(), Store::Overwrite, &mut output);
    ops.output(site, &mut output);
    output
}

/// Adds `row` to every row of `matrix`.
fn add_to_rows<T: Real>(matrix: &mut Matrix<T>, row: &[T]) {
    let width = row.len();
    matrix.data_mut().par_chunks_mut(ROWS_A_TASK * width).for_each(|rows| {
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for to in rows.chunks_exact_mut(width) {
                    for (to, &from) in to.iter_mut().zip(row) {
                        *to += from;
                    }
                }
            },
        );
    });
}

impl Pointwise {
    /// Replaces every element by the function's value.
    pub(super) fn apply<T: Real>(self, values: &mut Matrix<T>) {
        let width = ROWS_A_TASK * values.cols().max(1);
        values.data_mut().par_chunks_mut(width).for_each(|values| {
            Arch::new().dispatch(
                #[inline(always)]
                || match self {
                    Self::Relu => values.iter_mut().for_each(|x| *x = x.max(T::ZERO)),
                    Self::Tanh => values.iter_mut().for_each(|x| *x = x.tanh()),
                },
            );
        });
    }
}

/// Turns each row of logits into log-probabilities.
pub fn log_softmax<T: Real>(logits: &mut Matrix<T>) {
    let width = logits.cols();
    if width == 0 {
        return;
    }
    logits.data_mut().par_chunks_mut(ROWS_A_TASK * width).for_each(|rows| {
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for row in rows.chunks_exact_mut(width) {
                    let max = row.iter().fold(T::NEG_INFINITY, |max, &x| max.max(x));
                    let sum: T = row.iter().map(|&x| (x - max).exp()).sum();
                    let shift = max + sum.ln();
                    row.iter_mut().for_each(|x| *x -= shift);
                }
            },
        );
    });
}
