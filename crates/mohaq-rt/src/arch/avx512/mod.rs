//! 512 bit vectors of x86-64 with dot products (AVX-512 VNNI).
//!
//! Products, cells and recurrences; what is not here (sums beyond 32 bits, operands) is done as AVX2 does it.

mod cells;
mod product;
mod recurrence;

use super::avx2::Avx2;
use super::{CellRow, LANES, Operand, Product, Recurrence, RecurrenceCounts, Target, Words};
use crate::cell::{Clipped, RecurrentCell};
use crate::numeric::SaturationCount;
#[cfg(feature = "std")]
use crate::panel::Family;

/// Proof that this CPU has AVX-512 with vectors of bytes and words and with dot products. Only [`Avx512::new`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Avx512 {
    avx2: Avx2,
}

impl Avx512 {
    /// Asks the CPU.
    #[cfg(feature = "std")]
    pub(super) fn new() -> Option<Self> {
        let has = std::is_x86_feature_detected!("popcnt")
            && std::is_x86_feature_detected!("avx512f")
            && std::is_x86_feature_detected!("avx512bw")
            && std::is_x86_feature_detected!("avx512vnni");
        Avx2::new().filter(|_| has).map(|avx2| Self { avx2 })
    }

    pub(super) fn operands(self, operand: Operand, codes: &[i16], words: &mut [Words], row: usize) -> SaturationCount {
        self.avx2.operands(operand, codes, words, row)
    }

    pub(super) fn product(self, product: &Product<'_>, panel: usize, target: Target<'_>) -> SaturationCount {
        if !product::fits(product) {
            return self.avx2.product(product, panel, target);
        }
        // SAFETY: `self` exists, so the instructions do.
        unsafe { product::product(product, panel, target) }
    }

    pub(super) fn row(self, product: &Product<'_>, first: usize, turned: bool, values: &mut [i16]) -> SaturationCount {
        if !product::fits(product) {
            return self.avx2.row(product, first, turned, values);
        }
        // SAFETY: `self` exists, so the instructions do.
        unsafe { product::row(product, first, turned, values) }
    }

    pub(super) fn cells(self, cell: RecurrentCell, row: &mut CellRow<'_>, clipped: &mut Clipped) {
        // SAFETY: `self` exists, so the instructions do.
        unsafe { cells::cells(self, cell, row, clipped) }
    }

    pub(super) fn gate(self, cell: RecurrentCell, codes: [&[i16; LANES]; 3], gated: &mut [i16; LANES]) {
        self.avx2.gate(cell, codes, gated);
    }

    pub(super) fn recur(
        self,
        recurrence: &Recurrence<'_>,
        states: &mut [[i16; LANES]],
        target: Target<'_>,
    ) -> RecurrenceCounts {
        // SAFETY: `self` exists, so the instructions do.
        unsafe { recurrence::recur(recurrence, states, target) }
    }

    #[cfg(feature = "std")]
    pub(super) fn measured_peak(self, family: Family) -> f64 {
        // SAFETY: `self` exists, so the instructions do.
        unsafe { product::measured_peak(family) }
    }
}
