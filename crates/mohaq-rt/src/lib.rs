//! Integer networks on any machine: number formats, rounding, tables, cells, kernels, and networks to run.
//!
//! This crate is the room for everything that is bits. It knows no training, no search and no platform, needs no
//! standard library and, but for preparing networks for a vector unit, no allocator. The scalar code in it is the
//! definition that every faster version must equal with `==`. Modules in order; a module uses only those above it.
//!
//! ```
//! use mohaq_rt::numeric::{Quantizer, Requantizer};
//! use mohaq_rt::Bits;
//!
//! // 4 bit weights and 8 bit inputs meet in an exact integer sum, which comes back to 8 bits.
//! let weights = Quantizer::symmetric(0.7, Bits::Four)?;
//! let inputs = Quantizer::symmetric(2.0, Bits::Eight)?;
//! let outputs = Quantizer::symmetric(4.0, Bits::Eight)?;
//! let accumulator = i32::from(weights.code(0.3).code) * i32::from(inputs.code(1.5).code);
//!
//! let ratio = f64::from(weights.scale()) * f64::from(inputs.scale()) / f64::from(outputs.scale());
//! let code = Requantizer::new(ratio)?.apply_i32(accumulator, Bits::Eight);
//! assert!((outputs.value(code.code) - 0.3 * 1.5).abs() < outputs.scale());
//! # Ok::<(), mohaq_rt::Error>(())
//! ```
//!
//! A whole network travels as an [`image`], one checked file, and runs from it where it lies ([`net`]), in memory that the
//! caller lends. With an allocator an `Engine` is made from it, which computes the same codes at the speed of the machine.
//!
//! ```
//! use mohaq_rt::image::Image;
//! use mohaq_rt::net::Net;
//!
//! # use mohaq_rt::numeric::{Q16, Requantizer};
//! # use mohaq_rt::parameters::{LayerParameters, SiteParameters};
//! # let site = SiteParameters {
//! #     inputs: 2,
//! #     columns: 1,
//! #     weight: mohaq_rt::Bits::Four,
//! #     activation: mohaq_rt::Bits::Eight,
//! #     input: Requantizer::new(1.0 / 128.0)?,
//! #     outputs: vec![Requantizer::new(64.0)?],
//! #     biases: vec![-5],
//! #     weights: vec![3, -2],
//! # };
//! # let layers = vec![LayerParameters::Linear(site)];
//! # let network = mohaq_rt::image::ImageParameters { inputs: 2, input: Q16::Q1_14, output: Q16::Q5_10, layers };
//! # let file = mohaq_rt::image::write(&network)?;
//! let net = Net::new(Image::parse(&file)?); // a matrix of 2 inputs and 1 output, 3 and −2
//! let mut state = [0; 0]; // of net.state_len() codes
//! let mut arena = [0; 2]; // of net.arena_len() codes
//! let mut outputs = [0];
//! net.step(&[1280, 256], &mut state, &mut arena, &mut outputs)?;
//! assert_eq!(outputs, [(3 * 10 - 2 * 2) * 64 - 5]);
//! # Ok::<(), mohaq_rt::Error>(())
//! ```
#![no_std]
#![deny(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

mod bits;
mod error;

pub mod numeric;

pub mod table;

pub mod cell;

pub mod norm;

pub mod pack;

#[cfg(feature = "alloc")]
pub mod parameters;

pub mod image;

pub mod net;

#[cfg(feature = "alloc")]
pub mod panel;

#[cfg(feature = "alloc")]
#[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "vector instructions, and nothing else, need it"))]
mod arch;

#[cfg(feature = "alloc")]
pub mod engine;

#[cfg(feature = "alloc")]
pub use arch::Level;
pub use bits::Bits;
pub use error::Error;
