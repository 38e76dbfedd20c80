//! What a specification costs, and what a platform's memories hold.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What one frame costs at one specification. A quantity that the platform does not price is `None`.
///
/// Two ways of counting have a name each. Without a suffix, time adds up and every vector is counted; with `_paper`, the
/// figure is the one that MOHAQ (arXiv 2108.01192) publishes for the same assignment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Weights of all sites at their widths, in bit.
    pub weight_bits: u64,
    /// `weight_bits` and the vectors at 16 bit.
    pub memory_bits: u64,
    /// `weight_bits` and the paper's count of vectors at 16 bit.
    pub memory_bits_paper: u64,
    /// Time at 16×16 over time at this specification, counting the sites' multiply-accumulates:
    /// ΣMACs / Σ(MACs/s), with s the speedup of a site's precision.
    pub speedup: Option<f64>,
    /// The published figure, a mean of speedups weighted by work: Σ(MACs·s) / (ΣMACs + elementwise operations).
    pub speedup_paper: Option<f64>,
    /// Loading `memory_bits` once and multiplying, in pJ a frame: Σ(bits·load) + Σ(MACs·e).
    pub energy_pj: Option<f64>,
    /// The same with `memory_bits_paper`.
    pub energy_pj_paper: Option<f64>,
    /// Time of the sites' multiply-accumulates, in seconds a frame, where the platform has a clock.
    pub frame_time_s: Option<f64>,
}

impl Cost {
    /// Bytes of weights and vectors, the last one possibly not full.
    pub const fn memory_bytes(&self) -> u64 {
        self.memory_bits.div_ceil(8)
    }
}

/// The size of a memory, as a constraint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Name of the memory.
    pub memory: String,
    /// What it holds at most, in bytes.
    pub bytes: u64,
    /// Weights must fit in.
    pub weights: bool,
    /// Vectors must fit in.
    pub vectors: bool,
}

impl Limit {
    /// What `cost` needs of this memory, in bit.
    pub const fn needed_bits(&self, cost: &Cost) -> u64 {
        let weights = if self.weights { cost.weight_bits } else { 0 };
        let vectors = if self.vectors { cost.memory_bits - cost.weight_bits } else { 0 };
        weights + vectors
    }

    /// By how much `cost` is too large for this memory, `None` if it fits.
    pub fn violation(&self, cost: &Cost) -> Option<Violation> {
        let needed = self.needed_bits(cost);
        // Compared in 128 bits, where the limit's bits cannot overflow.
        if u128::from(needed) <= 8 * u128::from(self.bytes) {
            return None;
        }
        Some(Violation {
            amount: needed as f64 / 8.0 / self.bytes as f64 - 1.0,
            memory: self.memory.clone(),
            needed_bytes: needed.div_ceil(8),
            limit_bytes: self.bytes,
        })
    }
}

/// A memory that a specification does not fit, and by how much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// What is missing, as a share of the limit: 0.5 where half as much again is needed. Above zero.
    pub amount: f64,
    /// Name of the memory.
    pub memory: String,
    /// Bytes needed.
    pub needed_bytes: u64,
    /// Bytes there.
    pub limit_bytes: u64,
}

impl fmt::Display for Violation {
    /// The reason, as a report gives it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory `{}` holds {} bytes, {} needed", self.memory, self.limit_bytes, self.needed_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(weight_bits: u64, memory_bits: u64) -> Cost {
        Cost {
            weight_bits,
            memory_bits,
            memory_bits_paper: memory_bits,
            speedup: None,
            speedup_paper: None,
            energy_pj: None,
            energy_pj_paper: None,
            frame_time_s: None,
        }
    }

    fn limit(bytes: u64) -> Limit {
        Limit { memory: "sram".to_owned(), bytes, weights: true, vectors: true }
    }

    #[test]
    fn the_last_bit_decides() {
        assert_eq!(limit(10).violation(&cost(64, 80)), None);
        let violation = limit(10).violation(&cost(64, 81)).expect("one bit too many");
        assert_eq!(violation.amount, 81.0 / 80.0 - 1.0);
        assert_eq!(violation.to_string(), "memory `sram` holds 10 bytes, 11 needed");
        assert_eq!(limit(u64::MAX).violation(&cost(u64::MAX, u64::MAX)), None);
    }

    #[test]
    fn a_memory_needs_room_for_what_it_holds() {
        let both = cost(100, 160);
        assert_eq!(limit(1).needed_bits(&both), 160);
        assert_eq!(Limit { vectors: false, ..limit(1) }.needed_bits(&both), 100);
        assert_eq!(Limit { weights: false, ..limit(1) }.needed_bits(&both), 60);
    }
}
