//! What a platform file says, resolved: every number with its provenance.

use super::document::Place;
use crate::quant::Precision;
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
    pub(super) speedup: Option<Speedup>,
    /// pJ a multiply-accumulate of each precision.
    pub(super) mac_pj: Option<BTreeMap<Precision, Quantity>>,
    pub(super) memories: Vec<Memory>,
    pub(super) clock: Option<Clock>,
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

/// One memory level.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Memory {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) weights: bool,
    pub(super) vectors: bool,
    /// Size in bytes, a whole number.
    pub(super) bytes: Option<Quantity>,
    pub(super) load_pj_per_bit: Option<Quantity>,
}

/// How fast 16×16 is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Clock {
    pub(super) hz: Quantity,
    /// Multiply-accumulates of 16×16 a cycle.
    pub(super) macs_per_cycle: Quantity,
}

/// Speedup over 16×16 where time follows the product of the bits: 256 / (w·a).
pub(super) fn bit_product(precision: Precision) -> f64 {
    256.0 / f64::from(precision.weight.count() * precision.activation.count())
}
