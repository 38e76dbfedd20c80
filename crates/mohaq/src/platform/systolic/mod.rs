//! A systolic array of fusion units, priced product by product: padding, tiles, DRAM, stalls and energy.
//!
//! The array has N rows and M columns of fusion units (Bit Fusion, Sharma et al., ISCA 2018). A unit multiplies one pair of
//! operands of its largest width P, or, split, f = (P / max(a, p))·(P / max(w, p)) pairs of narrower ones, p being the
//! smallest width it splits into. Inputs run along rows, partial sums down columns: in a cycle, M outputs take in N·f inputs
//! each. Between the array and DRAM lie three buffers, of weights, inputs and outputs.
//!
//! ```
//! use mohaq::platform::systolic::{Array, Buffer, Buffers, Dram, Systolic, Weights};
//! use mohaq::quant::Precision;
//! use mohaq_rt::Bits;
//!
//! let kib = |size: u64, read_pj_per_bit, write_pj_per_bit| Buffer { bits: size * 8192, read_pj_per_bit, write_pj_per_bit };
//! let bitfusion = Systolic::new(
//!     Array {
//!         rows: 16,
//!         columns: 32,
//!         smallest: Bits::Two,
//!         largest: Bits::Eight,
//!         partial_sum_bits: 32,
//!         core_pj_per_cycle: 235.104,
//!     },
//!     Buffers {
//!         weights: kib(64, 0.021, 0.029),
//!         inputs: kib(32, 0.059, 0.114),
//!         outputs: kib(16, 0.033, 0.073),
//!         double_buffered: true,
//!     },
//!     Dram { bits_per_cycle: 192, pj_per_bit: 15.0 },
//!     Weights::Streamed,
//! )?;
//! let cost = bitfusion.product(256, 3300, 1, Precision::new(Bits::Four, Bits::Four))?;
//! assert_eq!((cost.compute_cycles, cost.total_cycles), (416, 18_865));
//! # Ok::<(), mohaq::platform::systolic::SystolicError>(())
//! ```
//!
//! # What is modelled
//!
//! For a product of I inputs, O outputs and B frames, cut into tiles of i inputs, o outputs and b frames (i and b a power of
//! two, o a power of two times M, or the whole length; ⌈I/i⌉, ⌈O/o⌉ and ⌈B/b⌉ of them):
//!
//! | quantity | of a tile |
//! |---|---|
//! | compute, cycles | b·⌈o/M⌉·⌈i/(N·f)⌉ |
//! | weights, bits | ⌈i/(N·f)⌉·N·f·o·w: padded to whole passes of inputs, not to whole columns |
//! | inputs, bits | b·i·a |
//! | partial sums, bits | b·⌈o/M⌉·M·s, s bits each, loaded (a bias or the sums so far) and stored |
//! | read in the array, bits | weights b·i·o·w, inputs b·i·o·a, partial sums b·o·s once read and once written |
//!
//! *Where time goes.* A tile must fit its buffers, half of each where they are double. Tiles are visited in three nested
//! loops. Going outward, a buffer holds more and more of its operand, as long as that fits: a loop that the operand does not
//! depend on (frames for weights, outputs for inputs, inputs for partial sums) then costs no traffic. Once it does not fit,
//! every loop further out moves the operand again. DRAM carries what the buffers hold at the start, then the rest, then the
//! last results, each in whole cycles. Computing overlaps with that, but not with `fill`, the loading of the first tile, nor
//! with `drain`, the storing of the last: total = max(compute + fill + drain, DRAM). What is waited for beyond these is
//! `stall`. Without double buffers nothing overlaps: total = compute + DRAM.
//!
//! *Which tiles.* For each tile the loop order that moves the fewest bits; of all tiles the quickest, and of equally quick ones
//! that of least energy.
//!
//! *Inside a tile* outputs stay where they are and weights and inputs are read again for each: with partial sums wider than
//! any operand that takes the fewest bits from buffers, whatever the tile, if a pass takes two inputs or more.
//!
//! *Energy* is a price a cycle of computing, a price a bit read and written of each buffer, and a price a bit of DRAM.
//!
//! [`Weights::Resident`] means that weights stay in their buffer from frame to frame (the buffer is then whatever memory
//! holds them all: whether it is large enough is the caller's question), so that DRAM carries inputs and partial sums
//! alone. Then a site of more bits never takes fewer cycles. With [`Weights::Streamed`] it can: few inputs of 2 bit fill a
//! small part of a pass of N·f, and the padding is streamed too.
//!
//! # What is not modelled
//!
//! Latency of DRAM and its refresh, filling and emptying of the array's own pipeline, switching of precisions, elementwise
//! work, leakage and the clock while stalled. A convolution is the product that it becomes when its windows are the frames.
//!
//! # Source
//!
//! The laws are those of the simulator that the authors published (github.com/hsharma35/bitfusion), found by reading it. All
//! 40 of its results for the layers of the MOHAQ paper come out: cycles and bits to the last digit, energies to the digits
//! of their prices (`tests/systolic.rs`). Two things differ. It has no resident weights. And it computes nothing before all
//! that buffers hold at the start is loaded, where here the first tile is enough: else a layer that just fits the buffers
//! would be slower than a larger one. That is the same where DRAM is the bottleneck, as in all 40. Where it is not, small
//! layers or a wide DRAM, the simulator takes more cycles, at most computing and loading one after the other: twice as many.

mod cost;
mod product;
mod search;
#[cfg(test)]
mod tests;
mod tile;

pub use cost::ProductCost;

use crate::quant::Precision;
use mohaq_rt::Bits;
use product::Product;
use std::cmp::max;

/// Bounds of what is priced. Every figure of a product then fits 64 bits: weights, the most, are at most
/// 2⁴⁰·2 (last tile) ·2¹⁶ (padding of one input to N·f) ·2⁴ (bits) = 2⁶¹, partial sums 2⁵⁸; and so does a bound in cycles,
/// 2⁴³ of computing, times the bits of a cycle.
mod most {
    /// Multiply-accumulates of a product.
    pub(super) const MACS: u64 = 1 << 40;
    /// Rows, and columns, of the array.
    pub(super) const SIDE: u64 = 1 << 10;
    /// Width of a partial sum.
    pub(super) const PARTIAL_SUM_BITS: u64 = 1 << 6;
    /// Size of a buffer.
    pub(super) const BUFFER_BITS: u64 = 1 << 60;
    /// Width of DRAM.
    pub(super) const BITS_PER_CYCLE: u64 = 1 << 20;
}

/// The array of fusion units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Array {
    /// Rows N, along which inputs are spread; at most 1024.
    pub rows: u64,
    /// Columns M, one output each; at most 1024.
    pub columns: u64,
    /// The narrowest operand that a unit splits into; narrower ones are computed as if they had this width.
    pub smallest: Bits,
    /// The widest operand.
    pub largest: Bits,
    /// Width of a partial sum, at most 64.
    pub partial_sum_bits: u64,
    /// Energy of the whole array in a cycle of computing, in pJ.
    pub core_pj_per_cycle: f64,
}

/// An on-chip buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Buffer {
    /// Size in bits, both halves of a double buffer.
    pub bits: u64,
    /// Energy of reading, in pJ a bit.
    pub read_pj_per_bit: f64,
    /// Energy of writing, in pJ a bit.
    pub write_pj_per_bit: f64,
}

/// The three buffers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Buffers {
    /// Of weights.
    pub weights: Buffer,
    /// Of inputs.
    pub inputs: Buffer,
    /// Of partial sums and outputs.
    pub outputs: Buffer,
    /// One half of each is computed from while the other is filled.
    pub double_buffered: bool,
}

/// The memory beyond the buffers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dram {
    /// Bits read or written in a cycle of the array, at most 2²⁰.
    pub bits_per_cycle: u64,
    /// Energy of reading or writing, in pJ a bit.
    pub pj_per_bit: f64,
}

/// Where weights are between frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// On chip: loaded once, before the first frame, which is not counted.
    Resident,
    /// In DRAM, from where every product loads them.
    Streamed,
}

/// A systolic array with its memories.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Systolic {
    array: Array,
    buffers: Buffers,
    dram: Dram,
    weights: Weights,
}

/// What cannot be priced.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SystolicError {
    /// A size of the hardware is zero or too large.
    #[error("{name} is {got}, expected 1 to {most}")]
    Size {
        /// What it is, in words.
        name: &'static str,
        /// The size.
        got: u64,
        /// The largest that is supported.
        most: u64,
    },
    /// A price is negative, infinite or no number.
    #[error("{name} is {got} pJ, expected zero or more")]
    Price {
        /// What it is, in words.
        name: &'static str,
        /// The price.
        got: f64,
    },
    /// The smallest width of a fusion unit is above its largest.
    #[error("fusion units split {} bit into {} bit", .largest.count(), .smallest.count())]
    Fusion {
        /// The smallest width.
        smallest: Bits,
        /// The largest width.
        largest: Bits,
    },
    /// An operand is wider than a fusion unit.
    #[error("precision {precision} is wider than fusion units of {} bit", .largest.count())]
    Precision {
        /// The precision.
        precision: Precision,
        /// The widest operand.
        largest: Bits,
    },
    /// A dimension is zero or there are too many multiply-accumulates.
    #[error(
        "product of {inputs} inputs, {outputs} outputs and {frames} frames, expected 1 to {} multiply-accumulates",
        most::MACS
    )]
    Shape {
        /// Inputs.
        inputs: u64,
        /// Outputs.
        outputs: u64,
        /// Frames.
        frames: u64,
    },
    /// Not even the smallest tile fits.
    #[error("buffer of {name} has room for {room} bits, the smallest tile takes {needed}")]
    Buffer {
        /// What the buffer holds.
        name: &'static str,
        /// Bits of the tile.
        needed: u64,
        /// Bits of the buffer, or of one half.
        room: u64,
    },
}

impl Systolic {
    /// The array with its memories.
    ///
    /// # Errors
    /// [`SystolicError::Size`], [`SystolicError::Price`] or [`SystolicError::Fusion`] at the first number that cannot be.
    pub fn new(array: Array, buffers: Buffers, dram: Dram, weights: Weights) -> Result<Self, SystolicError> {
        let Array { smallest, largest, .. } = array;
        if smallest > largest {
            return Err(SystolicError::Fusion { smallest, largest });
        }
        let sizes = [
            ("rows of the array", array.rows, most::SIDE),
            ("columns of the array", array.columns, most::SIDE),
            ("width of partial sums", array.partial_sum_bits, most::PARTIAL_SUM_BITS),
            ("buffer of weights", buffers.weights.bits, most::BUFFER_BITS),
            ("buffer of inputs", buffers.inputs.bits, most::BUFFER_BITS),
            ("buffer of outputs", buffers.outputs.bits, most::BUFFER_BITS),
            ("DRAM bits a cycle", dram.bits_per_cycle, most::BITS_PER_CYCLE),
        ];
        if let Some(&(name, got, most)) = sizes.iter().find(|(_, got, most)| !(1..=*most).contains(got)) {
            return Err(SystolicError::Size { name, got, most });
        }
        let prices = [
            ("a cycle of the array", array.core_pj_per_cycle),
            ("reading a weight's bit", buffers.weights.read_pj_per_bit),
            ("writing a weight's bit", buffers.weights.write_pj_per_bit),
            ("reading an input's bit", buffers.inputs.read_pj_per_bit),
            ("writing an input's bit", buffers.inputs.write_pj_per_bit),
            ("reading an output's bit", buffers.outputs.read_pj_per_bit),
            ("writing an output's bit", buffers.outputs.write_pj_per_bit),
            ("a bit of DRAM", dram.pj_per_bit),
        ];
        if let Some(&(name, got)) = prices.iter().find(|(_, got)| !(got.is_finite() && *got >= 0.0)) {
            return Err(SystolicError::Price { name, got });
        }
        Ok(Self { array, buffers, dram, weights })
    }

    /// What multiplying `frames` vectors of `inputs` by a matrix of `outputs`×`inputs` weights costs, all frames together.
    ///
    /// Frames share the weights while these are in the buffer: a recurrent product has one frame at a time, any other as many
    /// as are at hand. Pure, and without an allocation.
    ///
    /// # Errors
    /// [`SystolicError::Shape`] unless there are 1 to 2⁴⁰ multiply-accumulates, [`SystolicError::Precision`] if an operand is
    /// wider than the fusion units, [`SystolicError::Buffer`] if a buffer is too small for even the smallest tile.
    pub fn product(
        &self,
        inputs: u64,
        outputs: u64,
        frames: u64,
        precision: Precision,
    ) -> Result<ProductCost, SystolicError> {
        let macs = inputs.checked_mul(outputs).and_then(|macs| macs.checked_mul(frames));
        if !macs.is_some_and(|macs| (1..=most::MACS).contains(&macs)) {
            return Err(SystolicError::Shape { inputs, outputs, frames });
        }
        let largest = self.array.largest;
        if max(precision.weight, precision.activation) > largest {
            return Err(SystolicError::Precision { precision, largest });
        }
        Product::new(self, inputs, outputs, frames, precision).quickest()
    }

    /// Pairs of operands that a unit multiplies in a cycle.
    fn fused(&self, precision: Precision) -> u64 {
        let share = |bits: Bits| u64::from(self.array.largest.count() / max(bits, self.array.smallest).count());
        share(precision.weight) * share(precision.activation)
    }

    /// Bits of `buffer` that a tile may take.
    fn room(&self, buffer: &Buffer) -> u64 {
        if self.buffers.double_buffered { buffer.bits / 2 } else { buffer.bits }
    }

    /// Whole cycles that DRAM takes for `bits`.
    fn transfer_cycles(&self, bits: u64) -> u64 {
        bits.div_ceil(self.dram.bits_per_cycle)
    }
}
