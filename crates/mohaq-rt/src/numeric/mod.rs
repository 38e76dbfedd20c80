//! Rounding, saturation and the number formats: said once, here, and used everywhere.
//!
//! The contract, which the book's chapter "Numerics" states with its proofs:
//! * **Rounding** is to the nearest, half to even, in float ([`round_f32`], [`round_f64`]) and in integers
//!   ([`round_shift`]). It has no bias and is symmetric about zero.
//! * **Saturation** is explicit: what leaves a format's range becomes its nearest end, and [`Saturated`] says that it
//!   did, so that it can be counted ([`SaturationCount`]) and shown.
//! * **NaN** has no code. Where one number is converted it becomes code 0 and counts as clipped; where a tensor is
//!   ([`Quantizer::codes`]) it is refused.
//! * **Accumulators** are exact: [`Accumulator::exact_for`] names the narrowest that cannot overflow for a depth.
//! * **Changes of scale** multiply by an integer and shift ([`Requantizer`]), which is within 2⁻²² of the real ratio and
//!   the same on every machine.
//!
//! Float arithmetic happens offline, when weights are quantized; a device only ever sees integers.

mod accumulator;
mod fixed;
mod quantizer;
mod requantizer;
mod round;
mod saturate;

pub use accumulator::{Accumulator, max_product};
pub use fixed::Q16;
pub use quantizer::Quantizer;
pub use requantizer::Requantizer;
pub use round::{round_f32, round_f64, round_shift};
pub use saturate::{Saturated, SaturationCount, saturate};
