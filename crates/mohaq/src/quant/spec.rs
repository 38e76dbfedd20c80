//! Which precision goes where.

use mohaq_rt::Bits;
use std::fmt;

/// Widths of the two operands of one site, written `weight×activation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Precision {
    /// Width of the weights.
    pub weight: Bits,
    /// Width of the inputs.
    pub activation: Bits,
}

impl Precision {
    /// `weight` and `activation` bits.
    pub const fn new(weight: Bits, activation: Bits) -> Self {
        Self { weight, activation }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.weight.count(), self.activation.count())
    }
}

/// One precision a site, in the order of [`Workload::sites`](crate::nn::Workload::sites).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuantSpec(pub Vec<Precision>);

impl QuantSpec {
    /// The same precision at every one of `sites` sites.
    pub fn uniform(precision: Precision, sites: usize) -> Self {
        Self(vec![precision; sites])
    }
}

impl fmt::Display for QuantSpec {
    /// `4x8 2x8 16x16`: one precision a site.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, precision) in self.0.iter().enumerate() {
            write!(f, "{}{precision}", if i == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}
