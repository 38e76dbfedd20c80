//! The hook through which quantization, calibration and retraining see a forward pass.

use super::SiteId;
use crate::tensor::{Matrix, Real};
use std::borrow::Cow;

/// What happens at a site besides the product: by default nothing.
///
/// The forward pass computes `output(product(input(x), weight(w)))` at every site, then adds biases. An implementation
/// that returns what it was given costs nothing, and one that must write returns an owned matrix.
///
/// A backward pass is given the same hooks. It treats them as the identity (the straight-through estimator): the
/// gradient of a weight is taken with `input(x)`, the gradient of an input with `weight(w)`, and both are handed on.
pub trait SiteOps<T: Real>: Sync {
    /// What the product reads in place of the weights; `[inputs, outputs]`.
    fn weight<'a>(&'a self, _site: SiteId, weight: &'a Matrix<T>) -> &'a Matrix<T> {
        weight
    }

    /// What the product reads in place of the input; `[frames, inputs]`.
    fn input<'a>(&self, _site: SiteId, input: &'a Matrix<T>) -> Cow<'a, Matrix<T>> {
        Cow::Borrowed(input)
    }

    /// Changes the product before any bias; `[frames, outputs]`.
    fn output(&self, _site: SiteId, _output: &mut Matrix<T>) {}
}

/// No hooks: the network in floating point.
#[derive(Clone, Copy, Debug, Default)]
pub struct Float;

impl<T: Real> SiteOps<T> for Float {}
