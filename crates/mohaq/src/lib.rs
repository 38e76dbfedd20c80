//! Pareto fronts of per-layer precisions for recurrent networks on embedded platforms.
//!
//! Modules in order; a module uses only those above it.
#![forbid(unsafe_code)]

mod error;
pub mod nn;
pub mod platform;
pub mod quant;
pub mod tensor;
pub mod train;

pub use error::{Error, Result};
