//! Which precision goes where.

use crate::Error;
use mohaq_rt::Bits;
use std::fmt;
use std::str::FromStr;

/// Bits that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no precision, expected weight and activation bits of 2, 4, 8 or 16, like 4x8")]
pub struct PrecisionSyntax {
    /// What stands there.
    pub text: String,
}

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

impl FromStr for Precision {
    type Err = PrecisionSyntax;

    /// `4x8`, `4×8`, or `8` for `8x8`.
    fn from_str(text: &str) -> Result<Self, PrecisionSyntax> {
        let (weight, activation) = text.split_once(['x', '×']).unwrap_or((text, text));
        let width = |digits: &str| digits.parse().ok().and_then(Bits::new);
        let pair = width(weight).zip(width(activation));
        pair.map(|(weight, activation)| Self { weight, activation })
            .ok_or_else(|| PrecisionSyntax { text: text.into() })
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

    /// Reads `text` as the spec of a network with `sites` sites: one precision for all of them, or one each.
    ///
    /// # Errors
    /// [`Error::Bits`] for text that is no precision, [`Error::SpecLength`] for another number of them.
    pub fn parse(text: &str, sites: usize) -> crate::Result<Self> {
        let spec: Self = text.parse()?;
        match spec.0.as_slice() {
            [precision] => Ok(Self::uniform(*precision, sites)),
            all if all.len() == sites => Ok(spec),
            all => Err(Error::SpecLength { got: all.len(), expected: sites }),
        }
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

impl FromStr for QuantSpec {
    type Err = PrecisionSyntax;

    /// One precision a site, between blanks or commas.
    fn from_str(text: &str) -> Result<Self, PrecisionSyntax> {
        let parts = text.split([' ', ',']).filter(|part| !part.is_empty());
        parts.map(Precision::from_str).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_reads_back_what_it_writes() {
        let text = "4x8 2x8 16x16 2x4";
        assert_eq!(text.parse::<QuantSpec>().unwrap().to_string(), text);
        assert_eq!("8".parse::<Precision>().unwrap().to_string(), "8x8");
        assert_eq!("4x8,2×2".parse::<QuantSpec>().unwrap().to_string(), "4x8 2x2");
    }

    #[test]
    fn other_widths_are_refused_by_their_text() {
        for text in ["3x8", "x8", "8x", "4x4x4", "", "-2x2", "four"] {
            assert_eq!(text.parse::<Precision>().unwrap_err().text, text);
        }
    }
}
