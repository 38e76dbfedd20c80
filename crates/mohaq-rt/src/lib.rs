//! Integer networks on any machine: the number formats, the rounding and the packing that a device computes with.
//!
//! This crate is the room for everything that is bits. It knows no training, no search and no platform, needs no
//! standard library, and the scalar code in it is the definition that every faster version must equal with `==`.
#![no_std]
#![forbid(unsafe_code)]

mod bits;

pub use bits::Bits;
