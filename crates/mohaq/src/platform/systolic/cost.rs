//! What a product costs.

/// Cycles, bits and energy of one product, all its frames together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProductCost {
    /// Cycles in which the array computes.
    pub compute_cycles: u64,
    /// Cycles of loading the first tile, before anything can be computed.
    pub fill_cycles: u64,
    /// Cycles of storing the last tile's results, after everything is computed.
    pub drain_cycles: u64,
    /// Cycles in which the array waits for DRAM beside these.
    pub stall_cycles: u64,
    /// The sum of the four.
    pub total_cycles: u64,
    /// Bits that the array reads from the buffer of weights.
    pub weight_read_bits: u64,
    /// Bits written to the buffer of weights, padding included.
    pub weight_write_bits: u64,
    /// Bits that the array reads from the buffer of inputs.
    pub input_read_bits: u64,
    /// Bits written to the buffer of inputs.
    pub input_write_bits: u64,
    /// Bits read from the buffer of outputs, by the array and to be stored in DRAM.
    pub output_read_bits: u64,
    /// Bits written to the buffer of outputs, by the array and as loaded from DRAM.
    pub output_write_bits: u64,
    /// Bits read from DRAM: weights unless resident, inputs and partial sums.
    pub dram_read_bits: u64,
    /// Bits written to DRAM: partial sums and results.
    pub dram_write_bits: u64,
    /// Energy of computing, in pJ.
    pub core_pj: f64,
    /// Energy of the buffers, in pJ.
    pub sram_pj: f64,
    /// Energy of DRAM, in pJ.
    pub dram_pj: f64,
}

impl ProductCost {
    /// Energy of all parts, in pJ.
    pub fn energy_pj(&self) -> f64 {
        self.core_pj + self.sram_pj + self.dram_pj
    }

    /// Quicker, or as quick with less energy.
    pub(super) fn is_better_than(&self, other: &Self) -> bool {
        self.total_cycles < other.total_cycles
            || self.total_cycles == other.total_cycles && self.energy_pj() < other.energy_pj()
    }
}
