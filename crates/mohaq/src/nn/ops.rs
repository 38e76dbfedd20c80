//! The hook through which quantization, calibration and retraining see a forward pass and its way back.

use super::{SiteId, Workspace};
use crate::tensor::{Matrix, Real};
use std::borrow::Cow;

/// Elements of a result, by their place in its rows one after the other, that a hook has put to an end of a range:
/// nothing of a gradient goes through them. Ascending, and few where ranges are calibrated.
pub type Saturated = Vec<u32>;

/// What happens at a site beside the product: by default nothing.
///
/// A forward pass computes `output(product(input(x), weight) + bias)` at every site; the gates of simple recurrent units,
/// whose biases are added in the recurrence, are an exception: there it is `output(product(input(x), weight))`. The products
/// of a hidden output are made frame by frame and direction by direction, so their hooks see a few rows at a time, and of
/// the columns those of one direction. A table has an output and no input.
///
/// A backward pass asks the same hooks what goes through them. By default everything does (the straight-through
/// estimator without a mask): the gradient of the weights is taken with `input(x)`, and that of `input(x)` handed on as
/// that of `x`.
pub trait SiteOps<T: Real>: Sync {
    /// What the product reads in place of the input; `[frames, inputs]`.
    fn input<'a>(&self, _site: SiteId, input: &'a Matrix<T>, _workspace: &mut Workspace<T>) -> Cow<'a, Matrix<T>> {
        Cow::Borrowed(input)
    }

    /// Changes the result, `[frames, outputs]`, and says what of it saturated.
    fn output(&self, _site: SiteId, _output: &mut Matrix<T>) -> Saturated {
        Saturated::new()
    }

    /// Sees a tensor that no site gives and whose range nothing bounds but what is seen: the state of an LSTM, the hidden
    /// output of units of ReLUs, a normalised frame. Not called in training.
    fn unbounded(&self, _layer: usize, _values: &Matrix<T>) {}

    /// Whether [`input_back`](Self::input_back) does anything at a site: `None` if not, otherwise whether it is to be
    /// called even where nobody asks for the gradient of `x`.
    fn input_back_at(&self, _site: SiteId) -> Option<bool> {
        None
    }

    /// Turns the gradient of `input(x)` into that of `x`, both `[frames, inputs]`.
    fn input_back(&self, _site: SiteId, _input: &Matrix<T>, _gradient: &mut Matrix<T>) {}
}

/// No hooks: the network in floating point.
#[derive(Clone, Copy, Debug, Default)]
pub struct Float;

impl<T: Real> SiteOps<T> for Float {}
