//! 16 simple recurrent units through time: both gates of all in one vector.
//!
//! The arguments of forget and reset gate lie side by side, as the products do, and so one function gives both. What follows
//! them, the means, is done as AVX2 does it.

use super::super::avx2::{Units, load, to_codes, with_complement, write};
use super::super::{Highway, LANES, Recurrence, RecurrenceCounts, Target};
use super::cells::{Halves, RoundShift, count_outside, interleaved, packed, sigmoid};
use crate::numeric::SaturationCount;
use core::arch::x86_64::{
    __m256i, __m512i, _mm512_broadcast_i64x4, _mm512_castsi256_si512, _mm512_castsi512_si256, _mm512_cmpeq_epi16_mask,
    _mm512_extracti64x4_epi64, _mm512_inserti64x4, _mm512_loadu_si512, _mm512_madd_epi16, _mm512_set1_epi16,
};

#[target_feature(enable = "popcnt,avx2,avx512f,avx512bw")]
pub(super) fn recur(
    recurrence: &Recurrence<'_>,
    states: &mut [[i16; LANES]],
    mut target: Target<'_>,
) -> RecurrenceCounts {
    let (units, gates) = (Units::new(recurrence), Gates::new(recurrence));
    let (mut arguments, mut skips) = (0, 0);
    for (sequence, kept) in states.iter_mut().enumerate() {
        let mut state = load(kept);
        for frame in recurrence.frames(sequence) {
            let (skip, clipped) = units.skip(recurrence, frame, target.lanes);
            skips += u64::from(clipped);
            let (forget, reset, clipped) = gates.open(state, recurrence.gates(frame));
            arguments += u64::from(clipped);
            state = units.mean(with_complement(forget), state, load(recurrence.part(frame, 0)));
            let hidden = units.mean(with_complement(reset), units.shown(state), skip);
            write(target.row(frame), hidden);
        }
        *kept = to_codes(state);
    }
    let frames = (recurrence.starts[states.len()] - recurrence.starts[0]) as u64;
    let of = frames * target.lanes as u64;
    let highway = if matches!(recurrence.highway, Highway::Input { .. }) { of } else { 0 };
    RecurrenceCounts {
        gates: SaturationCount { clipped: arguments, total: 2 * of },
        highway: SaturationCount { clipped: skips, total: highway },
    }
}

/// Forget gates in the lower half, reset gates in the upper one.
struct Gates {
    /// v, interleaved with 2^s.
    vectors: Halves,
    round: RoundShift,
}

impl Gates {
    #[target_feature(enable = "popcnt,avx2,avx512f,avx512bw")]
    fn new(recurrence: &Recurrence<'_>) -> Self {
        let [forget, reset] = recurrence.vectors;
        let vectors = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(load(forget)), load(reset));
        let shift = recurrence.cell.gate_shift;
        // s is at most 14.
        Self { vectors: interleaved(vectors, _mm512_set1_epi16(1 << shift)), round: RoundShift::new(shift) }
    }

    /// Both gates where c is `state`, and how many of their arguments, round(v·c + 2^s·u, s), saturated.
    #[target_feature(enable = "popcnt,avx2,avx512f,avx512bw")]
    fn open(&self, state: __m256i, products: &[i16; 2 * LANES]) -> (__m256i, __m256i, u32) {
        // SAFETY: the reference is to 64 readable bytes, and the load needs no alignment.
        let products = unsafe { _mm512_loadu_si512(products.as_ptr().cast()) };
        let [low, high] = interleaved(_mm512_broadcast_i64x4(state), products);
        let sums = [_mm512_madd_epi16(low, self.vectors[0]), _mm512_madd_epi16(high, self.vectors[1])];
        let arguments = self.round.both(sums);
        let codes = packed(arguments);
        let clipped = if at_end(codes) { count_outside(arguments[0]) + count_outside(arguments[1]) } else { 0 };
        let open = sigmoid(codes);
        (_mm512_castsi512_si256(open), _mm512_extracti64x4_epi64::<1>(open), clipped)
    }
}

/// Whether any of 32 codes is at an end of the range, where all saturated codes are and few others.
#[target_feature(enable = "popcnt,avx2,avx512f,avx512bw")]
fn at_end(codes: __m512i) -> bool {
    let high = _mm512_cmpeq_epi16_mask(codes, _mm512_set1_epi16(i16::MAX));
    let low = _mm512_cmpeq_epi16_mask(codes, _mm512_set1_epi16(i16::MIN));
    high | low != 0
}
