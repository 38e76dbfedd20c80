//! A product on a piece of hardware: its tiles, and what each costs.

use super::cost::ProductCost;
use super::tile::{Axis, Cut, Moved, Operands, Tile};
use super::{Systolic, SystolicError, Weights};
use crate::quant::Precision;

/// A product on a piece of hardware.
pub(super) struct Product<'a> {
    pub(super) hardware: &'a Systolic,
    pub(super) frames: Axis,
    inputs: Axis,
    pub(super) outputs: Axis,
    weight_bits: u64,
    activation_bits: u64,
    /// Inputs that the array takes in a cycle, N·f.
    pass: u64,
    /// Bits a tile may have in each buffer.
    pub(super) room: Operands<u64>,
}

impl<'a> Product<'a> {
    pub(super) fn new(hardware: &'a Systolic, inputs: u64, outputs: u64, frames: u64, precision: Precision) -> Self {
        let buffers = &hardware.buffers;
        Self {
            hardware,
            frames: Axis::new(frames, 1),
            inputs: Axis::new(inputs, 1),
            outputs: Axis::new(outputs, hardware.array.columns),
            weight_bits: precision.weight.count().into(),
            activation_bits: precision.activation.count().into(),
            pass: hardware.array.rows * hardware.fused(precision),
            room: Operands {
                weights: hardware.room(&buffers.weights),
                inputs: hardware.room(&buffers.inputs),
                outputs: hardware.room(&buffers.outputs),
            },
        }
    }

    /// Every way to cut the inputs, in blocks of a pass.
    pub(super) fn input_cuts(&self) -> impl Iterator<Item = Cut> {
        self.inputs.cuts().map(|cut| Cut { blocks: self.passes(cut.size), ..cut })
    }

    fn passes(&self, inputs: u64) -> u64 {
        if inputs <= self.pass { 1 } else { inputs.div_ceil(self.pass) }
    }

    /// The tile with these cuts, `inputs` being one of [`Product::input_cuts`].
    pub(super) fn tile(&self, frames: Cut, inputs: Cut, outputs: Cut) -> Tile {
        let array = &self.hardware.array;
        let weights = match self.hardware.weights {
            Weights::Resident => 0,
            Weights::Streamed => inputs.blocks * self.pass * outputs.size * self.weight_bits,
        };
        Tile {
            frames,
            inputs,
            outputs,
            bits: Operands {
                weights,
                inputs: frames.size * inputs.size * self.activation_bits,
                outputs: frames.size * outputs.blocks * array.columns * array.partial_sum_bits,
            },
        }
    }

    /// Whether all three buffers have room for `tile`.
    pub(super) fn fits(&self, tile: &Tile) -> bool {
        let Operands { weights, inputs, outputs } = tile.bits;
        weights <= self.room.weights && inputs <= self.room.inputs && outputs <= self.room.outputs
    }

    /// The first buffer without room for the smallest tile, where no tile fits.
    pub(super) fn misfit(&self) -> SystolicError {
        let input = Cut { blocks: 1, ..self.inputs.cut(0) };
        let Tile { bits, .. } = self.tile(self.frames.cut(0), input, self.outputs.cut(0));
        let (name, needed, room) = if bits.weights > self.room.weights {
            ("weights", bits.weights, self.room.weights)
        } else if bits.inputs > self.room.inputs {
            ("inputs", bits.inputs, self.room.inputs)
        } else {
            ("outputs", bits.outputs, self.room.outputs)
        };
        SystolicError::Buffer { name, needed, room }
    }

    /// What a pass over all frames and outputs takes: cycles of computing, and bits of weights to load.
    pub(super) fn pass(&self) -> (u64, u64) {
        let (frames, outputs) = (self.frames.whole(), self.outputs.whole());
        let input = Cut { blocks: 1, ..self.inputs.cut(0) };
        (frames.blocks * outputs.blocks, self.tile(frames, input, outputs).bits.weights)
    }

    /// What visiting all tiles like `tile` costs, if `moved` crosses between DRAM and buffers.
    pub(super) fn cost(&self, tile: &Tile, moved: &Operands<Moved>) -> ProductCost {
        let mut cost = ProductCost {
            compute_cycles: tile.compute_cycles(),
            fill_cycles: self.hardware.transfer_cycles(tile.bits.sum()),
            drain_cycles: self.hardware.transfer_cycles(tile.bits.outputs),
            ..self.bits(tile, moved)
        };
        let busy = cost.compute_cycles + cost.fill_cycles + cost.drain_cycles;
        let memory = self.memory_cycles(moved);
        let double = self.hardware.buffers.double_buffered;
        cost.total_cycles = busy.max(if double { memory } else { cost.compute_cycles + memory });
        cost.stall_cycles = cost.total_cycles - busy;
        self.price(&mut cost);
        cost
    }

    /// Cycles in which DRAM is busy. Streamed, as in the simulator: with what buffers hold, with the rest, with the last
    /// results, each rounded up to whole cycles. Resident, where there is nothing to follow, rounded up once: so that more
    /// bits never take a cycle less.
    fn memory_cycles(&self, moved: &Operands<Moved>) -> u64 {
        let Operands { weights, inputs, outputs } = moved;
        let total = moved.total_bits();
        match self.hardware.weights {
            Weights::Resident => self.hardware.transfer_cycles(total),
            Weights::Streamed => {
                let first = weights.held + inputs.held + outputs.held;
                let parts = [first, total - first - outputs.held, outputs.held];
                parts.into_iter().map(|bits| self.hardware.transfer_cycles(bits)).sum()
            }
        }
    }

    /// Bits that are read and written.
    fn bits(&self, tile: &Tile, moved: &Operands<Moved>) -> ProductCost {
        let sums = tile.count() * tile.frames.size * tile.outputs.size;
        let macs = sums * tile.inputs.size;
        let sum_bits = sums * self.hardware.array.partial_sum_bits;
        let Operands { weights, inputs, outputs } = moved;
        ProductCost {
            weight_read_bits: macs * self.weight_bits,
            weight_write_bits: weights.bits,
            input_read_bits: macs * self.activation_bits,
            input_write_bits: inputs.bits,
            output_read_bits: outputs.bits + sum_bits,
            output_write_bits: outputs.bits + sum_bits,
            dram_read_bits: weights.bits + inputs.bits + outputs.bits,
            dram_write_bits: outputs.bits,
            ..ProductCost::default()
        }
    }

    /// Energies of cycles and bits. Counts below 2⁵³ are exact in a double; above, energy is rounded to 16 digits.
    fn price(&self, cost: &mut ProductCost) {
        let Systolic { array, buffers, dram, .. } = self.hardware;
        cost.core_pj = cost.compute_cycles as f64 * array.core_pj_per_cycle;
        cost.sram_pj = cost.weight_read_bits as f64 * buffers.weights.read_pj_per_bit
            + cost.weight_write_bits as f64 * buffers.weights.write_pj_per_bit
            + cost.input_read_bits as f64 * buffers.inputs.read_pj_per_bit
            + cost.input_write_bits as f64 * buffers.inputs.write_pj_per_bit
            + cost.output_read_bits as f64 * buffers.outputs.read_pj_per_bit
            + cost.output_write_bits as f64 * buffers.outputs.write_pj_per_bit;
        cost.dram_pj = (cost.dram_read_bits + cost.dram_write_bits) as f64 * dram.pj_per_bit;
    }
}
