//! A value for every precision that some hardware has.

use crate::quant::Precision;
use mohaq_rt::Bits;
use std::collections::BTreeSet;

/// By level of the weight's bits, then of the activation's; `None` where the hardware lacks the precision.
#[derive(Clone, Copy, Debug)]
pub(super) struct ByPrecision<T>([[Option<T>; Bits::ALL.len()]; Bits::ALL.len()]);

impl<T: Copy> ByPrecision<T> {
    /// `of` each of `precisions`.
    pub(super) fn new(precisions: &BTreeSet<Precision>, of: impl Fn(Precision) -> T) -> Self {
        let mut values = [[None; Bits::ALL.len()]; Bits::ALL.len()];
        for precision in precisions {
            values[level(precision.weight)][level(precision.activation)] = Some(of(*precision));
        }
        Self(values)
    }

    /// The value of `precision`, if the hardware has it.
    pub(super) fn find(&self, precision: Precision) -> Option<T> {
        self.0[level(precision.weight)][level(precision.activation)]
    }

    /// The value of `precision`.
    ///
    /// # Panics
    /// If the hardware lacks it, which the platform refuses before it asks for a price.
    pub(super) fn of(&self, precision: Precision) -> T {
        self.find(precision).expect("the platform has the precision")
    }
}

/// Index of a width in [`Bits::ALL`].
const fn level(bits: Bits) -> usize {
    bits.count().ilog2() as usize - 1
}
