//! Audio to features, corpora, decoding and error rates. Knows no quantization.
//!
//! Modules in order; a module uses only those above it.
#![forbid(unsafe_code)]

pub mod digest;
pub mod error;
pub mod phones;

pub mod audio;

pub mod corpus;
pub mod metric;

pub mod dataset;

pub mod features;

pub mod synth;

mod cache;
pub mod prepare;

pub mod container;

pub mod inspect;

pub mod edit;

pub mod decode;

pub mod score;

pub use error::{Error, Result};

#[cfg(test)]
mod shared_data;
