//! Quantization: which precision goes where, clips and grids, calibration, and the network as the device will see it.
//!
//! Symmetric integers of 2, 4 and 8 bit and 16 bit fixed point for both operands of every site; recurrent vectors, biases
//! and elementwise work stay at 16 bit fixed point, and a product with its bias is brought back to it before anything else
//! happens.
//! Source: MOHAQ (Rezk et al. 2021), section on post-training quantization.
//!
//! A [`QuantAware`] network computes in f32 on values that are all on their grids, for retraining. What it does *not* do is
//! round inside the recurrence: that is the integer engine's, an [`IntegerBank`].

mod aware;
mod calibrate;
mod check;
mod formats;
mod grid;
mod histogram;
mod integer;
mod scales;
mod spec;

pub use aware::{Clips, QuantAware};
pub use calibrate::{Calibration, OperandRange, QuantizeSettings, SiteRange, calibrate, evenly_spaced};
pub use formats::LayerFormat;
pub use grid::{FRACTIONS, Grid};
pub use histogram::{BINS, ClipMethod, Histogram, weight_clip};
pub use integer::IntegerBank;
pub use scales::SiteScales;
pub use spec::{Precision, PrecisionSyntax, QuantSpec};
