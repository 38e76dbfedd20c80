//! Audio to features, corpora, decoding and error rates. Knows no quantization.
//!
//! Modules in order; a module uses only those above it.
#![forbid(unsafe_code)]

mod digest;
pub mod error;
pub mod phones;

pub mod audio;

pub mod corpus;
pub mod dataset;

pub mod features;

mod cache;
pub mod prepare;

pub mod container;

pub mod inspect;

pub mod synth;

pub use error::{Error, Result};

#[cfg(test)]
mod shared_data;
