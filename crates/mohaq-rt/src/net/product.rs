//! One row of inputs times a matrix of packed weights.

use crate::Bits;
use crate::image::SiteView;
use crate::numeric::{Accumulator, SaturationCount, saturate};
use core::iter::Sum;

/// Brings the 16 bit `codes` that arrive to the width of the product's inputs.
pub(super) fn operands(site: &SiteView<'_>, codes: &[i16], operands: &mut [i16], count: &mut SaturationCount) {
    let (requantizer, bits) = (site.input(), site.activation());
    for (operand, &code) in operands.iter_mut().zip(codes) {
        *operand = count.record(requantizer.apply_i32(code.into(), bits));
    }
}

/// The 16 bit code of `column`, its bias in it.
pub(super) fn output(site: &SiteView<'_>, column: usize, operands: &[i16], count: &mut SaturationCount) -> i16 {
    let row = site.row(column);
    let sum = match site.accumulator() {
        Accumulator::I32 => i64::from(dot::<i32>(site.weight(), row, operands)),
        Accumulator::I64 => dot::<i64>(site.weight(), row, operands),
    };
    let scaled = site.requantizer(column).scaled(sum);
    count.record(saturate(scaled.saturating_add(site.bias(column).into()), Bits::Sixteen))
}

/// The 16 bit code of `column` in row `row` of a table.
pub(super) fn looked_up(site: &SiteView<'_>, column: usize, row: usize, count: &mut SaturationCount) -> i16 {
    let scaled = site.requantizer(column).scaled(code(site.weight(), site.row(column), row).into());
    count.record(saturate(scaled.saturating_add(site.bias(column).into()), Bits::Sixteen))
}

/// Code `index` of a row of weights packed at `bits`.
fn code(bits: Bits, row: &[u8], index: usize) -> i16 {
    if bits == Bits::Sixteen {
        return i16::from_le_bytes(row.as_chunks().0[index]);
    }
    let width = bits.count() as usize;
    let first = index * width;
    // Up to the sign bit of the byte, and down again with copies of it.
    let shifted = (row[first / 8] << (8 - width - first % 8)).cast_signed();
    (shifted >> (8 - width)).into()
}

/// Σ weight · operand over a row of weights packed at `bits`, in a sum that holds it.
fn dot<S: From<i32> + Sum>(bits: Bits, row: &[u8], operands: &[i16]) -> S {
    match bits {
        Bits::Two => narrow_dot::<2, 4, S>(row, operands),
        Bits::Four => narrow_dot::<4, 2, S>(row, operands),
        Bits::Eight => products(row.iter().map(|&byte| byte.cast_signed().into()), operands),
        Bits::Sixteen => products(row.as_chunks().0.iter().map(|&bytes| i16::from_le_bytes(bytes)), operands),
    }
}

/// The same where a byte has `CODES` weights of `BITS` each, the first in the lowest bits.
fn narrow_dot<const BITS: usize, const CODES: usize, S: From<i32> + Sum>(row: &[u8], operands: &[i16]) -> S {
    // At most four products of 2^16, or two of 2^18.
    let sum_of_byte = |byte: u8, operands: &[i16]| -> i32 {
        let product = |(code, &operand): (usize, &i16)| {
            // Up to the sign bit of the byte, and down again with copies of it.
            let weight = (byte << (8 - BITS - code * BITS)).cast_signed() >> (8 - BITS);
            i32::from(weight) * i32::from(operand)
        };
        operands.iter().enumerate().map(product).sum()
    };
    let (whole, rest) = operands.as_chunks::<CODES>();
    let last = row.get(whole.len()).map_or(0, |&byte| sum_of_byte(byte, rest));
    let sums = whole.iter().zip(row).map(|(operands, &byte)| S::from(sum_of_byte(byte, operands)));
    sums.chain([S::from(last)]).sum()
}

fn products<S: From<i32> + Sum>(weights: impl Iterator<Item = i16>, operands: &[i16]) -> S {
    weights.zip(operands).map(|(weight, &operand)| S::from(i32::from(weight) * i32::from(operand))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::Layout;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 8 } else { 256 }))]

        #[test]
        fn a_packed_row_is_multiplied_as_its_codes_are(pairs in prop::collection::vec((any::<i16>(), any::<i16>()), 1..40)) {
            for bits in Bits::ALL {
                let weights: Vec<i16> = pairs.iter().map(|(weight, _)| weight >> (16 - bits.count())).collect();
                let operands: Vec<i16> = pairs.iter().map(|&(_, operand)| operand).collect();
                let layout = Layout::new(bits, 1, weights.len(), 4).expect("a small matrix");
                let mut row = vec![0; layout.bytes()];
                layout.pack(&weights, &mut row).expect("codes fit");
                let expected: i64 = weights.iter().zip(&operands).map(|(&w, &x)| i64::from(w) * i64::from(x)).sum();
                prop_assert_eq!(dot::<i64>(bits, &row, &operands), expected);
                for (index, &weight) in weights.iter().enumerate() {
                    prop_assert_eq!(code(bits, &row, index), weight);
                }
                if bits.count() <= 8 {
                    prop_assert_eq!(i64::from(dot::<i32>(bits, &row, &operands)), expected);
                }
            }
        }
    }
}
