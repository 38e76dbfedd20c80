//! Audio to features, corpora, decoding and error rates. Knows no quantization.
//!
//! Modules in order; a module uses only those above it.
#![forbid(unsafe_code)]

pub mod error;
pub mod phones;

pub mod corpus;
pub mod dataset;
pub mod synth;

pub use error::{Error, Result};
