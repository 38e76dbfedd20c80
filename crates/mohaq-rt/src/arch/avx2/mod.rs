//! 256 bit integer vectors of x86-64.

mod cells;
mod operands;
mod product;
mod recurrence;
mod vector;

pub(super) use recurrence::{Units, with_complement};
pub(super) use vector::{load, to_codes, write};

use super::{CellRow, LANES, Operand, Product, Recurrence, RecurrenceCounts, Target, Words, row_by_panels, scalar};
use crate::cell::{Clipped, RecurrentCell};
use crate::numeric::SaturationCount;
#[cfg(feature = "std")]
use crate::panel::Family;

/// Proof that this CPU has AVX2. Only [`Avx2::new`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

impl Avx2 {
    /// Asks the CPU.
    #[cfg(feature = "std")]
    pub(super) fn new() -> Option<Self> {
        std::is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    pub(super) fn operands(self, operand: Operand, codes: &[i16], words: &mut [Words], row: usize) -> SaturationCount {
        // A code times a larger ratio may leave the range of 32 bits.
        if operand.requantizer.ratio() > 32_768.0 {
            return scalar::operands(operand, codes, words, row);
        }
        // SAFETY: `self` exists, so AVX2 does.
        unsafe { operands::operands(operand, codes, words, row) }
    }

    pub(super) fn product(self, product: &Product<'_>, panel: usize, target: Target<'_>) -> SaturationCount {
        if product.panels.exact_steps(product.operand.bits) == 0 {
            return scalar::product(product, panel, target);
        }
        if !product.is_narrow() {
            // SAFETY: `self` exists, so AVX2 does.
            return unsafe { product::wide_product(product, panel, target) };
        }
        // SAFETY: `self` exists, so AVX2 does.
        unsafe { product::product(product, panel, target) }
    }

    pub(super) fn row(self, product: &Product<'_>, first: usize, turned: bool, values: &mut [i16]) -> SaturationCount {
        if product.panels.exact_steps(product.operand.bits) == 0 || !product.is_narrow() {
            return row_by_panels(first, values, |panel, target| self.product(product, panel, target));
        }
        // SAFETY: `self` exists, so AVX2 does.
        unsafe { product::row(product, first, turned, values) }
    }

    pub(super) fn cells(self, cell: RecurrentCell, row: &mut CellRow<'_>, clipped: &mut Clipped) {
        // SAFETY: `self` exists, so AVX2 does.
        unsafe { cells::cells(self, cell, row, clipped) }
    }

    pub(super) fn gate(self, cell: RecurrentCell, codes: [&[i16; LANES]; 3], gated: &mut [i16; LANES]) {
        // SAFETY: `self` exists, so AVX2 does.
        unsafe { cells::gate(self, cell, codes, gated) }
    }

    pub(super) fn recur(
        self,
        recurrence: &Recurrence<'_>,
        states: &mut [[i16; LANES]],
        target: Target<'_>,
    ) -> RecurrenceCounts {
        // SAFETY: `self` exists, so AVX2 does.
        unsafe { recurrence::recur(recurrence, states, target) }
    }

    #[cfg(feature = "std")]
    pub(super) fn measured_peak(self, family: Family) -> f64 {
        // SAFETY: `self` exists, so AVX2 does.
        unsafe { product::measured_peak(family) }
    }
}
