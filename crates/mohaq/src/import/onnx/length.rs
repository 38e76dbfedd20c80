//! Integers of shape arithmetic, as far as they are known before there is data.
//!
//! A length is a number, or f·s₁·s₂… + o with symbols for the lengths of axes that a model leaves open. That is what
//! exporters compute with: the product of time and batch for a reshape, the last frame's number for a slice.

use std::fmt;

/// An integer that may depend on lengths that are open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// `factor · Π symbols + offset`; symbols ascend, and `factor` is 0 where there are none.
    Sum { factor: i64, symbols: Vec<u32>, offset: i64 },
    /// Not of that form.
    Unknown,
}

/// Most symbols in a product; a shape has no use for more.
const MOST_SYMBOLS: usize = 8;

impl Length {
    pub(super) fn known(value: i64) -> Self {
        Self::Sum { factor: 0, symbols: Vec::new(), offset: value }
    }

    pub(super) fn symbol(symbol: u32) -> Self {
        Self::Sum { factor: 1, symbols: vec![symbol], offset: 0 }
    }

    /// Its value, where it depends on nothing.
    pub(super) fn value(&self) -> Option<i64> {
        match self {
            Self::Sum { symbols, offset, .. } if symbols.is_empty() => Some(*offset),
            _ => None,
        }
    }

    /// As a length of something that is in memory.
    pub(super) fn size(&self) -> Option<usize> {
        self.value().and_then(|value| usize::try_from(value).ok())
    }

    fn parts(&self) -> Option<(i64, &[u32], i64)> {
        match self {
            Self::Sum { factor, symbols, offset } => Some((*factor, symbols, *offset)),
            Self::Unknown => None,
        }
    }

    fn made(factor: Option<i64>, symbols: Vec<u32>, offset: Option<i64>) -> Self {
        let (Some(factor), Some(offset)) = (factor, offset) else { return Self::Unknown };
        if factor == 0 || symbols.is_empty() {
            return Self::known(offset);
        }
        if symbols.len() > MOST_SYMBOLS { Self::Unknown } else { Self::Sum { factor, symbols, offset } }
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let (Some((f, s, o)), Some((g, t, p))) = (self.parts(), other.parts()) else { return Self::Unknown };
        let offset = o.checked_add(p);
        if s.is_empty() {
            Self::made(Some(g), t.to_vec(), offset)
        } else if t.is_empty() {
            Self::made(Some(f), s.to_vec(), offset)
        } else if s == t {
            Self::made(f.checked_add(g), s.to_vec(), offset)
        } else {
            Self::Unknown
        }
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        self.plus(&other.times(&Self::known(-1)))
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        let (Some((f, s, o)), Some((g, t, p))) = (self.parts(), other.parts()) else { return Self::Unknown };
        if s.is_empty() {
            return Self::made(g.checked_mul(o), t.to_vec(), p.checked_mul(o));
        }
        if t.is_empty() {
            return Self::made(f.checked_mul(p), s.to_vec(), o.checked_mul(p));
        }
        if o != 0 || p != 0 {
            return Self::Unknown;
        }
        let mut symbols = [s, t].concat();
        symbols.sort_unstable();
        Self::made(f.checked_mul(g), symbols, Some(0))
    }

    /// Exact division; anything else is unknown.
    pub(super) fn over(&self, other: &Self) -> Self {
        let (Some((f, s, o)), Some((g, t, p))) = (self.parts(), other.parts()) else { return Self::Unknown };
        let divided = |a: i64, b: i64| a.checked_rem(b).filter(|&rest| rest == 0).and_then(|_| a.checked_div(b));
        if t.is_empty() {
            return Self::made(divided(f, p), s.to_vec(), divided(o, p));
        }
        let mut symbols = s.to_vec();
        let contained = t.iter().all(|symbol| match symbols.iter().position(|other| other == symbol) {
            Some(at) => {
                symbols.remove(at);
                true
            }
            None => false,
        });
        match divided(f, g) {
            Some(factor) if contained && o == 0 && p == 0 && symbols.is_empty() => Self::known(factor),
            Some(factor) if contained && o == 0 && p == 0 => Self::made(Some(factor), symbols, Some(0)),
            _ => Self::Unknown,
        }
    }

    /// The product of all.
    pub(super) fn product<'a>(lengths: impl IntoIterator<Item = &'a Self>) -> Self {
        lengths.into_iter().fold(Self::known(1), |product, length| product.times(length))
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((factor, symbols, offset)) = self.parts() else { return f.write_str("?") };
        if symbols.is_empty() {
            return write!(f, "{offset}");
        }
        if factor != 1 {
            write!(f, "{factor}·")?;
        }
        let symbols: Vec<String> = symbols.iter().map(|symbol| format!("n{symbol}")).collect();
        f.write_str(&symbols.join("·"))?;
        if offset == 0 { Ok(()) } else { write!(f, "{offset:+}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_of_open_lengths() {
        let (time, batch, two) = (Length::symbol(0), Length::symbol(1), Length::known(2));
        let frames = batch.times(&time);
        assert_eq!(frames, time.times(&batch));
        assert_eq!(frames.times(&two).over(&time), batch.times(&two));
        assert_eq!(frames.over(&frames), Length::known(1));
        assert_eq!(time.minus(&Length::known(1)).plus(&Length::known(1)), time);
        assert_eq!(time.minus(&time), Length::known(0));
        assert_eq!(time.plus(&batch), Length::Unknown);
        assert_eq!(time.over(&two), Length::Unknown);
        assert_eq!(Length::known(i64::MAX).plus(&two), Length::Unknown);
        assert_eq!(Length::known(7).over(&Length::known(0)), Length::Unknown);
        assert_eq!(time.times(&two).minus(&Length::known(3)).to_string(), "2·n0-3");
    }
}
