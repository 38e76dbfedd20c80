//! Pareto fronts of per-layer precisions for recurrent networks on embedded platforms.
//!
//! Modules in order; a module uses only those above it.
#![forbid(unsafe_code)]

mod error;

mod atomic;

#[rustfmt::skip]
#[expect(unreachable_pub, clippy::enum_variant_names, reason = "generated")]
mod onnx_proto;

pub mod tensor;
pub mod watch;

pub mod nn;

pub mod import;

mod digest;

pub mod train;

pub mod quant;

pub mod platform;

pub mod latency;

pub mod eval;

pub mod beacon;

pub mod search;

pub mod benchmark;

pub mod export;

pub mod report;

pub mod config;

pub mod run;

pub use error::{Error, Result};
pub use mohaq_speech as speech;
