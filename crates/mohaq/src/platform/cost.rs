//! What a specification costs, and what a platform's memories hold.

use crate::nn::{Site, Workload};
use crate::quant::{Precision, QuantSpec};
use mohaq_rt::Bits;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Width of vectors, results of products, states and elementwise work.
pub(super) const WIDE_BITS: u64 = Bits::Sixteen.count() as u64;

/// What speedups are over.
pub(super) const REFERENCE: Precision = Precision::new(Bits::Sixteen, Bits::Sixteen);

/// What one frame costs at one specification. A quantity that the platform does not price is `None`.
///
/// Two ways of counting have a name each. Without a suffix, time adds up and every vector is counted; with `_paper`, the
/// figure is the one that MOHAQ (arXiv 2108.01192) publishes for the same assignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// Energy in pJ a frame. On an ideal platform loading `memory_bits` once and multiplying, Σ(bits·load) + Σ(MACs·e);
    /// on others whatever their model counts.
    pub energy_pj: Option<f64>,
    /// The same with `memory_bits_paper`; `None` where the published formula does not apply.
    pub energy_pj_paper: Option<f64>,
    /// Time in seconds a frame, where the platform has a clock. On an ideal platform that of the sites'
    /// multiply-accumulates; on others whatever their model counts.
    pub frame_time_s: Option<f64>,
    /// What must be kept in memory that is written while the network runs: the input of the largest product at its bits
    /// beside the result at 16 bit, and the states at 16 bit. A program's own buffers come on top.
    #[serde(default)]
    pub ram_bits: u64,
    /// Operations a frame: two for every multiply-accumulate, and the elementwise ones.
    #[serde(default)]
    pub operations: u64,
    /// How long a frame lasts, in seconds; `None` where it has no duration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<f64>,
}

impl Cost {
    /// What is counted on any platform; nothing is priced.
    pub(super) fn counted(workload: &Workload, spec: &QuantSpec) -> Self {
        let sites = || workload.sites.iter().zip(&spec.0);
        let weight_bits = sites().map(|(site, precision)| weight_bits(site, *precision)).sum();
        let activations = sites().map(|(site, precision)| activation_bits(site, *precision)).max().unwrap_or(0);
        Self {
            weight_bits,
            memory_bits: weight_bits + workload.vectors * WIDE_BITS,
            memory_bits_paper: weight_bits + workload.vectors_published * WIDE_BITS,
            ram_bits: activations + workload.state * WIDE_BITS,
            operations: 2 * workload.macs() + workload.elementwise,
            duration_s: workload.frame_ns.map(|ns| ns as f64 / 1e9),
            ..Self::default()
        }
    }

    /// Bytes of weights and vectors, the last one possibly not full: what a device has in its flash.
    pub const fn memory_bytes(&self) -> u64 {
        self.memory_bits.div_ceil(8)
    }

    /// Bytes of activations and states, the last one possibly not full.
    pub const fn ram_bytes(&self) -> u64 {
        self.ram_bits.div_ceil(8)
    }

    /// Throughput in 10⁹ operations a second; a multiply-accumulate is two.
    pub fn gops(&self) -> Option<f64> {
        Some(self.operations as f64 / self.frame_time_s? / 1e9)
    }

    /// Efficiency in 10⁹ operations a second and watt, which is operations a nanojoule.
    pub fn gops_per_watt(&self) -> Option<f64> {
        Some(self.operations as f64 / (self.energy_pj? / 1e3))
    }

    /// Time to compute a frame over its duration: at most 1 where a stream is kept up with.
    pub fn real_time_factor(&self) -> Option<f64> {
        Some(self.frame_time_s? / self.duration_s?)
    }
}

/// Weights of a site at their width, in bit.
pub(super) fn weight_bits(site: &Site, precision: Precision) -> u64 {
    site.weights * u64::from(precision.weight.count())
}

/// Input of a site at its width and its result at 16 bit. The input of a table is the number of a row.
fn activation_bits(site: &Site, precision: Precision) -> u64 {
    let inputs = if site.macs == 0 { 1 } else { site.inputs as u64 };
    inputs * u64::from(precision.activation.count()) + site.outputs as u64 * WIDE_BITS
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
    /// Activations and states must fit in.
    #[serde(default)]
    pub activations: bool,
}

impl Limit {
    /// What `cost` needs of this memory, in bit.
    pub const fn needed_bits(&self, cost: &Cost) -> u64 {
        let weights = if self.weights { cost.weight_bits } else { 0 };
        let vectors = if self.vectors { cost.memory_bits - cost.weight_bits } else { 0 };
        let activations = if self.activations { cost.ram_bits } else { 0 };
        weights + vectors + activations
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
        Cost { weight_bits, memory_bits, memory_bits_paper: memory_bits, ..Cost::default() }
    }

    fn limit(bytes: u64) -> Limit {
        Limit { memory: "sram".to_owned(), bytes, weights: true, vectors: true, activations: false }
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
        let running = Cost { ram_bits: 7, ..both };
        assert_eq!(Limit { activations: true, ..limit(1) }.needed_bits(&running), 167);
    }

    #[test]
    fn ram_is_the_largest_product_and_the_states() {
        let site = |inputs: usize, outputs: usize, macs: u64| Site {
            name: String::new(),
            inputs,
            outputs,
            macs,
            weights: (inputs * outputs) as u64,
            recurrent: false,
        };
        // A table of 1000 rows of 40, a product 40 → 10 and one 10 → 30.
        let sites = vec![site(1000, 40, 0), site(40, 10, 400), site(10, 30, 300)];
        let workload = Workload { sites, state: 5, elementwise: 50, ..Workload::default() };
        let cost = |bits| Cost::counted(&workload, &QuantSpec::uniform(Precision::new(bits, bits), 3));
        // At 8 bit the table's row, 8 + 640, beats 320 + 160 and 80 + 480; at 16 bit the product from 40, 640 + 160.
        assert_eq!(cost(Bits::Eight).ram_bits, 648 + 80);
        assert_eq!(cost(Bits::Sixteen).ram_bits, 800 + 80);
        assert_eq!((cost(Bits::Eight).ram_bytes(), cost(Bits::Eight).operations), (91, 1450));
    }

    #[test]
    fn rates_are_operations_over_time_and_energy() {
        let (frame_time_s, energy_pj, duration_s) = (Some(2e-3), Some(8e6), Some(10e-3));
        let cost = Cost { operations: 4_000_000, frame_time_s, energy_pj, duration_s, ..Cost::default() };
        // 4 million in 2 ms are 2 GOP/s; in 8 µJ, 4 mW at that speed, 500 GOP/s/W.
        assert_eq!((cost.gops(), cost.gops_per_watt()), (Some(2.0), Some(500.0)));
        assert_eq!(cost.real_time_factor(), Some(0.2));
        let unpriced = Cost { operations: 1, ..Cost::default() };
        assert_eq!((unpriced.gops(), unpriced.gops_per_watt(), unpriced.real_time_factor()), (None, None, None));
    }
}
