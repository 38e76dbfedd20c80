//! 16 units of any cell through one frame: the definition's equations over vectors of 16 codes.
//!
//! Products of codes have 32 bits and live in two halves, [`Halves`]; a pair of products that is summed comes from one
//! `vpmaddwd`. Tables are gathered as in the recurrence of simple recurrent units.

use super::super::{CellRow, LANES};
use super::Avx2;
use super::vector::{RoundShift, any, count_outside, load, to_codes};
use crate::cell::{Clipped, Frame, Lanes, MAX_GATES, MAX_PEEPHOLES, RecurrentCell};
use crate::table::{HYPERBOLIC_TANGENT, ONE, PIECE_BITS, PIECES, SIGMOID, Table, UNIT};
use core::arch::x86_64::{
    __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_adds_epi16, _mm256_and_si256, _mm256_cmpeq_epi16,
    _mm256_i32gather_epi32, _mm256_madd_epi16, _mm256_max_epi16, _mm256_movemask_epi8, _mm256_mulhi_epi16,
    _mm256_mullo_epi16, _mm256_or_si256, _mm256_packs_epi32, _mm256_set1_epi16, _mm256_set1_epi32,
    _mm256_setzero_si256, _mm256_slli_epi32, _mm256_srli_epi32, _mm256_sub_epi16, _mm256_unpackhi_epi16,
    _mm256_unpacklo_epi16, _mm256_xor_si256,
};

/// 32 bit numbers of 16 lanes: in each half of a vector, low ones and high ones.
type Halves = [__m256i; 2];

#[target_feature(enable = "avx2")]
pub(super) fn cells(lanes: Avx2, cell: RecurrentCell, row: &mut CellRow<'_>, clipped: &mut Clipped) {
    let gates = cell.kind().gates();
    let (states, hidden) = (row.state.as_chunks_mut::<LANES>().0, row.hidden.as_chunks_mut::<LANES>().0);
    for (group, (state, hidden)) in states.iter_mut().zip(hidden).enumerate() {
        let u = vectors::<MAX_GATES>(CellRow::gates(row.input, gates, group));
        let v = vectors::<MAX_GATES>(CellRow::gates(row.products, gates, group));
        let p = vectors::<MAX_PEEPHOLES>(row.peepholes[group].each_ref());
        let mut after = load(state);
        let frame = Frame { u, v, peepholes: p, hidden: load(hidden) };
        let shown = cell.step(lanes, &frame, &mut after, clipped);
        *state = to_codes(after);
        *hidden = to_codes(shown);
    }
}

#[target_feature(enable = "avx2")]
pub(super) fn gate(lanes: Avx2, cell: RecurrentCell, [u, v, h]: [&[i16; LANES]; 3], gated: &mut [i16; LANES]) {
    *gated = to_codes(cell.gated(lanes, [load(u), load(v)], load(h)));
}

#[target_feature(enable = "avx2")]
fn vectors<const N: usize>(codes: [&[i16; LANES]; N]) -> [__m256i; N] {
    let mut vectors = [_mm256_setzero_si256(); N];
    for (vector, codes) in vectors.iter_mut().zip(codes) {
        *vector = load(codes);
    }
    vectors
}

// These inline into `cells` and `gate`, which are compiled for AVX2; by themselves they would be slow, not wrong.
impl Lanes for Avx2 {
    type Codes = __m256i;

    #[inline(always)]
    fn add(self, a: __m256i, b: __m256i, clipped: &mut u64) -> __m256i {
        // SAFETY: `self` exists, so AVX2 does.
        unsafe { add(a, b, clipped) }
    }

    #[inline(always)]
    fn product(self, a: __m256i, b: __m256i, shift: u32) -> __m256i {
        // It fits, so saturating changes nothing.
        self.saturated_product(a, b, shift)
    }

    #[inline(always)]
    fn saturated_product(self, a: __m256i, b: __m256i, shift: u32) -> __m256i {
        // SAFETY: `self` exists, so AVX2 does.
        unsafe { packed(RoundShift::new(shift).both(products(a, b))) }
    }

    #[inline(always)]
    fn mix(self, weight: __m256i, a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: `self` exists, so AVX2 does.
        unsafe { mix(weight, a, b) }
    }

    #[inline(always)]
    fn remember(self, [a, b]: [__m256i; 2], [c, d]: [__m256i; 2], shift: u32, clipped: &mut u64) -> __m256i {
        // SAFETY: `self` exists, so AVX2 does.
        unsafe { remember([a, b], [c, d], shift, clipped) }
    }

    #[inline(always)]
    fn rescale(self, codes: __m256i, from: u32, to: u32) -> __m256i {
        // SAFETY: `self` exists, so AVX2 does.
        unsafe { rescale(codes, from, to) }
    }

    #[inline(always)]
    fn complement(self, gate: __m256i) -> __m256i {
        // SAFETY: `self` exists, so AVX2 does.
        unsafe { _mm256_sub_epi16(_mm256_set1_epi16(ONE as i16), gate) }
    }

    #[inline(always)]
    fn sigmoid(self, codes: __m256i) -> __m256i {
        // SAFETY: `self` exists, so AVX2 does.
        unsafe { at(&SIGMOID, codes) }
    }

    #[inline(always)]
    fn tanh(self, codes: __m256i) -> __m256i {
        // SAFETY: `self` exists, so AVX2 does.
        unsafe { at(&HYPERBOLIC_TANGENT, codes) }
    }

    #[inline(always)]
    fn relu(self, codes: __m256i) -> __m256i {
        // SAFETY: `self` exists, so AVX2 does.
        unsafe { _mm256_max_epi16(codes, _mm256_setzero_si256()) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn add(a: __m256i, b: __m256i, clipped: &mut u64) -> __m256i {
    let sum = _mm256_adds_epi16(a, b);
    // A sum that saturates is not the one that wraps round.
    let wrapped = _mm256_add_epi16(a, b);
    if any(_mm256_xor_si256(sum, wrapped)) {
        // Two bits a code.
        let same = _mm256_movemask_epi8(_mm256_cmpeq_epi16(sum, wrapped)).count_ones() / 2;
        *clipped += LANES as u64 - u64::from(same);
    }
    sum
}

/// a·b.
#[inline]
#[target_feature(enable = "avx2")]
fn products(a: __m256i, b: __m256i) -> Halves {
    interleaved(_mm256_mullo_epi16(a, b), _mm256_mulhi_epi16(a, b))
}

#[inline]
#[target_feature(enable = "avx2")]
fn interleaved(a: __m256i, b: __m256i) -> Halves {
    [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)]
}

/// The lanes of two halves as codes, saturated.
#[inline]
#[target_feature(enable = "avx2")]
fn packed([low, high]: Halves) -> __m256i {
    _mm256_packs_epi32(low, high)
}

#[inline]
#[target_feature(enable = "avx2")]
fn mix(weight: __m256i, a: __m256i, b: __m256i) -> __m256i {
    let other = _mm256_sub_epi16(_mm256_set1_epi16(ONE as i16), weight);
    let ([ab_low, ab_high], [w_low, w_high]) = (interleaved(a, b), interleaved(other, weight));
    let sums = [_mm256_madd_epi16(ab_low, w_low), _mm256_madd_epi16(ab_high, w_high)];
    packed(RoundShift::new(UNIT.fraction()).both(sums))
}

#[inline]
#[target_feature(enable = "avx2")]
fn remember([a, b]: Halves, [c, d]: Halves, shift: u32, clipped: &mut u64) -> __m256i {
    let [new_low, new_high] = RoundShift::new(shift).both(products(c, d));
    let [old_low, old_high] = products(a, b);
    // 2^29 + 2^28 at most.
    let sums = [_mm256_add_epi32(old_low, new_low), _mm256_add_epi32(old_high, new_high)];
    let states = RoundShift::new(UNIT.fraction()).both(sums);
    let codes = packed(states);
    let outside = count_outside(states[0]) + count_outside(states[1]);
    *clipped += u64::from(outside);
    codes
}

#[inline]
#[target_feature(enable = "avx2")]
fn rescale(codes: __m256i, from: u32, to: u32) -> __m256i {
    if from < to {
        // 2^12 is the largest: to tanh's argument.
        packed(products(codes, _mm256_set1_epi16(1 << (to - from))))
    } else {
        packed(RoundShift::new(from - to).both(products(codes, _mm256_set1_epi16(1))))
    }
}

/// A function of 16 arguments by its table.
#[inline]
#[target_feature(enable = "avx2")]
fn at(table: &Table, arguments: __m256i) -> __m256i {
    // −32768 … 32767 becomes 0 … 65535.
    let from_left = _mm256_xor_si256(arguments, _mm256_set1_epi16(i16::MIN));
    let [low, high] = interleaved(from_left, _mm256_setzero_si256());
    packed([at_half(table, low), at_half(table, high)])
}

#[inline]
#[target_feature(enable = "avx2")]
fn at_half(table: &Table, from_left: __m256i) -> __m256i {
    const _: () = assert!(PIECES << PIECE_BITS == 1 << 16);
    let piece = _mm256_srli_epi32::<{ PIECE_BITS as i32 }>(from_left);
    // SAFETY: `piece` is a 16 bit number shifted down by 7, so below 512, the length of the table, whose entries have the
    // 4 bytes that the scale says.
    let pieces = unsafe { _mm256_i32gather_epi32::<4>(table.pieces.as_ptr().cast(), piece) };
    // Within the piece: (2^7, part), against (value, rise).
    let part = _mm256_and_si256(from_left, _mm256_set1_epi32((1 << PIECE_BITS) - 1));
    let weights = _mm256_or_si256(_mm256_slli_epi32::<16>(part), _mm256_set1_epi32(1 << PIECE_BITS));
    RoundShift::new(PIECE_BITS).apply(_mm256_madd_epi16(pieces, weights))
}
