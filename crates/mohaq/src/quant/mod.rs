//! Quantization: which precision goes where, clips and grids, calibration, and the network as the device will see it.

mod spec;

pub use spec::{Precision, QuantSpec};
