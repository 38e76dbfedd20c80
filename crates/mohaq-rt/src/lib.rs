//! Integer networks on any machine: the number formats, the rounding and the packing that a device computes with.
//!
//! This crate is the room for everything that is bits. It knows no training, no search and no platform, needs no
//! standard library and no allocator, and the scalar code in it is the definition that every faster version must equal
//! with `==`.
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
#![no_std]
#![deny(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

#[cfg(feature = "alloc")]
#[expect(unsafe_code, reason = "vector instructions, and nothing else, need it")]
mod arch;
mod bits;
pub mod cell;
#[cfg(feature = "alloc")]
pub mod engine;
mod error;
mod highway;
pub mod image;
pub mod net;
pub mod numeric;
pub mod pack;
#[cfg(feature = "alloc")]
pub mod panel;
#[cfg(feature = "alloc")]
pub mod parameters;
pub mod table;

#[cfg(feature = "alloc")]
pub use arch::Level;
pub use bits::Bits;
pub use error::Error;
pub use highway::Highway;
