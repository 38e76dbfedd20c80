//! What a platform file says, resolved: every number with its provenance.

use super::document::Place;
use super::systolic::{self, Systolic, SystolicError, Weights};
use crate::quant::Precision;
use mohaq_rt::Bits;
use std::collections::{BTreeMap, BTreeSet};

/// What a platform file says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Description {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) notes: Vec<String>,
    /// Texts of `[sources]` and their places, by key.
    pub(super) sources: BTreeMap<String, (String, Place)>,
    /// Precisions that the hardware has, narrowest first, and who says so.
    pub(super) precisions: BTreeSet<Precision>,
    pub(super) operands: Provenance,
    /// Kinds of layers that it runs; `None` for all.
    pub(super) layers: Option<Vec<String>>,
    pub(super) model: Model,
    pub(super) energy: Option<Energy>,
    pub(super) memories: Vec<Memory>,
}

/// How a cost follows from the numbers, with those that only this model has.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Model {
    /// Nothing but multiply-accumulates takes time.
    Ideal { speedup: Option<Speedup>, clock: Option<Box<Clock>> },
    /// Computing or a memory bounds each product.
    Roofline(Box<Compute>),
    /// A systolic array, tile by tile.
    Systolic(Box<Array>),
    /// What was measured, product by product.
    Lut(Box<Lut>),
}

impl Description {
    /// pJ a multiply-accumulate of each precision.
    pub(super) fn mac_pj(&self) -> Option<&BTreeMap<Precision, Quantity>> {
        self.energy.as_ref()?.mac_pj.as_ref()
    }
}

/// Where a number stands, who says it, and how sure it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Provenance {
    pub(super) place: Place,
    /// Key of `[sources]`.
    pub(super) source: Option<String>,
    pub(super) estimate: bool,
}

/// A number with its provenance.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Quantity {
    pub(super) value: f64,
    pub(super) provenance: Provenance,
}

/// Speedups over 16×16.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Speedup {
    pub(super) pairs: BTreeMap<Precision, Quantity>,
    /// The cap of a law.
    pub(super) cap: Option<Quantity>,
}

/// How fast the hardware computes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Compute {
    pub(super) hz: Quantity,
    /// Multiply-accumulates a cycle.
    pub(super) rates: BTreeMap<Precision, Quantity>,
    /// The numbers of a law that `rates` follow from, by key; empty where they are stated.
    pub(super) law: Vec<(&'static str, Quantity)>,
    /// What a product's inputs and outputs are rounded up to a multiple of.
    pub(super) pad_inputs: Option<Quantity>,
    pub(super) pad_outputs: Option<Quantity>,
    pub(super) elementwise_per_cycle: Quantity,
    /// Fixed cost of calling a product, and of a frame.
    pub(super) site_cycles: Option<Quantity>,
    pub(super) frame_cycles: Option<Quantity>,
}

/// A table of measured products.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lut {
    /// ns and pJ of an elementwise operation.
    pub(super) elementwise_ns: Option<Quantity>,
    pub(super) elementwise_pj: Option<Quantity>,
    /// Fixed cost of a frame, in ns.
    pub(super) frame_ns: Option<Quantity>,
    pub(super) products: Vec<MeasuredProduct>,
}

/// One product of one vector, measured.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MeasuredProduct {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Whether it was measured as the product of a hidden output, or of a layer's input; `None` for both.
    pub(super) recurrent: Option<bool>,
    /// Time in ns, by precision; some may be missing.
    pub(super) ns: BTreeMap<Precision, Quantity>,
    /// Energy in pJ of the same precisions.
    pub(super) pj: Option<BTreeMap<Precision, Quantity>>,
}

impl MeasuredProduct {
    /// Multiply-accumulates of one vector. In a double, as a file may say anything.
    pub(super) fn area(&self) -> f64 {
        self.inputs as f64 * self.outputs as f64
    }
}

/// A systolic array with its memories.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Array {
    pub(super) hz: Quantity,
    pub(super) rows: Quantity,
    pub(super) columns: Quantity,
    /// The narrowest operand that a unit splits into, and the widest.
    pub(super) smallest_bits: Quantity,
    pub(super) largest_bits: Quantity,
    pub(super) partial_sum_bits: Quantity,
    pub(super) core_pj_per_cycle: Quantity,
    pub(super) elementwise_per_cycle: Quantity,
    pub(super) elementwise_pj: Option<Quantity>,
    /// Weights stay on chip from frame to frame.
    pub(super) resident: bool,
    pub(super) double_buffered: bool,
    /// Of weights, inputs and outputs.
    pub(super) buffers: Vec<Buffer>,
    pub(super) dram_bits_per_cycle: Quantity,
    pub(super) dram_pj_per_bit: Quantity,
}

/// An on-chip buffer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Buffer {
    pub(super) bytes: Quantity,
    pub(super) load_pj_per_bit: Quantity,
    pub(super) store_pj_per_bit: Quantity,
}

impl Buffer {
    /// What the three buffers hold, in their order.
    pub(super) const NAMES: [&str; 3] = ["weights", "inputs", "outputs"];

    fn sized(&self) -> systolic::Buffer {
        systolic::Buffer {
            bits: 8 * self.bytes.value as u64,
            read_pj_per_bit: self.load_pj_per_bit.value,
            write_pj_per_bit: self.store_pj_per_bit.value,
        }
    }
}

impl Array {
    /// The array, ready to price.
    pub(super) fn systolic(&self) -> Result<Systolic, SystolicError> {
        let is = |bits: &Quantity, width: Bits| f64::from(width.count()) == bits.value;
        let width = |bits: &Quantity| Bits::ALL.into_iter().find(|width| is(bits, *width)).expect("a width: checked");
        let [smallest, largest] = [&self.smallest_bits, &self.largest_bits].map(width);
        let array = systolic::Array {
            rows: self.rows.value as u64,
            columns: self.columns.value as u64,
            smallest,
            largest,
            partial_sum_bits: self.partial_sum_bits.value as u64,
            core_pj_per_cycle: self.core_pj_per_cycle.value,
        };
        let [weights, inputs, outputs] = [0, 1, 2].map(|buffer| self.buffers[buffer].sized());
        let buffers = systolic::Buffers { weights, inputs, outputs, double_buffered: self.double_buffered };
        let dram = systolic::Dram {
            bits_per_cycle: self.dram_bits_per_cycle.value as u64,
            pj_per_bit: self.dram_pj_per_bit.value,
        };
        let home = if self.resident { Weights::Resident } else { Weights::Streamed };
        Systolic::new(array, buffers, dram, home)
    }
}

/// What computing takes, beside moving data.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Energy {
    /// pJ a multiply-accumulate of each precision.
    pub(super) mac_pj: Option<BTreeMap<Precision, Quantity>>,
    /// The width that a law of `mac_pj` adds in.
    pub(super) accumulator_bits: Option<Quantity>,
    /// pJ an elementwise operation.
    pub(super) elementwise_pj: Option<Quantity>,
    /// Drawn as long as a frame takes, in W.
    pub(super) static_w: Option<Quantity>,
}

/// One memory level.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Memory {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) weights: bool,
    pub(super) vectors: bool,
    pub(super) activations: bool,
    /// Size in bytes, a whole number.
    pub(super) bytes: Option<Quantity>,
    pub(super) load_pj_per_bit: Option<Quantity>,
    pub(super) store_pj_per_bit: Option<Quantity>,
    /// `None` where its time is part of the throughput of computing, or the model has no traffic.
    pub(super) bandwidth: Option<Bandwidth>,
}

/// How fast a memory level is read and written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bandwidth {
    pub(super) bytes: Quantity,
    pub(super) per: Per,
    /// Whether the hardware computes meanwhile.
    pub(super) overlapped: bool,
}

/// What a bandwidth is counted over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Per {
    Cycle,
    Second,
}

/// How fast 16×16 is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Clock {
    pub(super) hz: Quantity,
    /// Multiply-accumulates of 16×16 a cycle.
    pub(super) macs_per_cycle: Quantity,
}

/// How the speed of a multiply-accumulate follows from its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Law {
    /// Both operands are cut into parts that are multiplied side by side: Bit Fusion.
    Product,
    /// Weights come bit after bit: Loom, UNPU.
    SerialWeight,
    /// Activations come bit after bit: Stripes.
    SerialActivation,
}

impl Law {
    pub(super) const ALL: [Self; 3] = [Self::Product, Self::SerialWeight, Self::SerialActivation];

    /// The name in a platform file.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Product => "bit-product",
            Self::SerialWeight => "bit-serial-weight",
            Self::SerialActivation => "bit-serial-activation",
        }
    }

    /// Speedup over 16×16.
    pub(super) fn speedup(self, precision: Precision) -> f64 {
        let [weight, activation] = [precision.weight, precision.activation].map(|bits| f64::from(bits.count()));
        match self {
            Self::Product => 256.0 / (weight * activation),
            Self::SerialWeight => 16.0 / weight,
            Self::SerialActivation => 16.0 / activation,
        }
    }
}
