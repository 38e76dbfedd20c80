//! 16 units of a recurrent layer through time.
//!
//! A frame's numbers are interleaved in pairs, so that `vpmaddwd` computes both terms of a sum at once: state and product
//! against vector and 2^s for a gate's argument, new and old against gate and 1 − gate for a mean. σ is looked up by a
//! gather of eight pieces of its table, and the line within a piece is a sum of two products as well.

use super::super::{Highway, LANES, Recurrence, RecurrenceCounts, Target};
use super::vector::{RoundShift, any, at_end, count_outside, load, to_codes, write};
use crate::numeric::SaturationCount;
use crate::table::{ONE, PIECE_BITS, PIECES, SIGMOID, UNIT};
use core::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_and_si256, _mm256_i32gather_epi32, _mm256_madd_epi16, _mm256_mulhi_epi16,
    _mm256_mullo_epi16, _mm256_or_si256, _mm256_packs_epi32, _mm256_set1_epi16, _mm256_set1_epi32,
    _mm256_setzero_si256, _mm256_slli_epi32, _mm256_srai_epi32, _mm256_srli_epi32, _mm256_sub_epi16, _mm256_sub_epi32,
    _mm256_unpackhi_epi16, _mm256_unpacklo_epi16, _mm256_xor_si256,
};

/// 16 codes against 16 others, or the 32 bit numbers made of them: in each half of a vector, low ones and high ones.
pub(in crate::arch) type Halves = [__m256i; 2];

#[target_feature(enable = "avx2")]
pub(super) fn recur(
    recurrence: &Recurrence<'_>,
    states: &mut [[i16; LANES]],
    mut target: Target<'_>,
) -> RecurrenceCounts {
    let units = Units::new(recurrence);
    let (mut gates, mut skips) = (0, 0);
    for (sequence, kept) in states.iter_mut().enumerate() {
        let mut state = load(kept);
        for frame in recurrence.frames(sequence) {
            let (skip, clipped) = units.skip(recurrence, frame, target.lanes);
            skips += u64::from(clipped);
            let forget = units.gate(units.forget, state, load(recurrence.part(frame, 1)));
            let reset = units.gate(units.reset, state, load(recurrence.part(frame, 2)));
            gates += u64::from(clipped_gates(&forget, &reset));
            state = units.mean(opened(forget.code), state, load(recurrence.part(frame, 0)));
            let hidden = units.mean(opened(reset.code), units.shown(state), skip);
            write(target.row(frame), hidden);
        }
        *kept = to_codes(state);
    }
    let frames = (recurrence.starts[states.len()] - recurrence.starts[0]) as u64;
    let of = frames * target.lanes as u64;
    let highway = if matches!(recurrence.highway, Highway::Input { .. }) { of } else { 0 };
    RecurrenceCounts {
        gates: SaturationCount { clipped: gates, total: 2 * of },
        highway: SaturationCount { clipped: skips, total: highway },
    }
}

/// What does not change from frame to frame.
pub(in crate::arch) struct Units {
    /// v_f and v_r, each interleaved with 2^s.
    forget: Halves,
    reset: Halves,
    gate_round: RoundShift,
    mean_round: RoundShift,
    hidden_round: Option<RoundShift>,
    /// The highway's multiplier.
    multiplier: __m256i,
    highway_round: RoundShift,
}

/// A gate's argument before it was saturated, and after.
struct Gate {
    argument: Halves,
    code: __m256i,
}

impl Units {
    #[target_feature(enable = "avx2")]
    pub(in crate::arch) fn new(recurrence: &Recurrence<'_>) -> Self {
        let cell = recurrence.cell;
        // s is at most 14.
        let power = _mm256_set1_epi16(1 << cell.gate_shift);
        let [forget, reset] = recurrence.vectors;
        let (multiplier, shift) = match recurrence.highway {
            Highway::Input { factor, .. } => (factor.multiplier(), factor.shift()),
            Highway::None | Highway::Product => (0, 0),
        };
        Self {
            forget: interleaved(load(forget), power),
            reset: interleaved(load(reset), power),
            gate_round: RoundShift::new(cell.gate_shift),
            mean_round: RoundShift::new(UNIT.fraction()),
            hidden_round: (cell.hidden_shift > 0).then(|| RoundShift::new(cell.hidden_shift)),
            multiplier: _mm256_set1_epi16(multiplier),
            highway_round: RoundShift::new(shift),
        }
    }

    /// What the highway brings to `frame`, and how many of its codes saturated.
    #[target_feature(enable = "avx2")]
    pub(in crate::arch) fn skip(&self, recurrence: &Recurrence<'_>, frame: usize, lanes: usize) -> (__m256i, u32) {
        match recurrence.highway {
            Highway::None => (_mm256_setzero_si256(), 0),
            Highway::Product => (load(recurrence.part(frame, 3)), 0),
            Highway::Input { codes, width, column, .. } => {
                let row = &codes[frame * width + column..][..lanes];
                self.multiplied(match row.try_into() {
                    Ok(codes) => load(codes),
                    Err(_) => {
                        let mut codes = [0; LANES];
                        codes[..lanes].copy_from_slice(row);
                        load(&codes)
                    }
                })
            }
        }
    }

    /// `codes` times the highway's multiplier.
    #[target_feature(enable = "avx2")]
    fn multiplied(&self, codes: __m256i) -> (__m256i, u32) {
        let low = _mm256_mullo_epi16(codes, self.multiplier);
        let high = _mm256_mulhi_epi16(codes, self.multiplier);
        let products = self.highway_round.both(interleaved(low, high));
        let packed = _mm256_packs_epi32(products[0], products[1]);
        (packed, if any(at_end(packed)) { clipped(products) } else { 0 })
    }

    /// The argument of a gate: round(v·c + 2^s·u, s).
    #[target_feature(enable = "avx2")]
    fn gate(&self, vector: Halves, state: __m256i, product: __m256i) -> Gate {
        let argument = self.gate_round.both(sums(interleaved(state, product), vector));
        Gate { argument, code: _mm256_packs_epi32(argument[0], argument[1]) }
    }

    /// gate·a + (1 − gate)·b, rounded; `gates` are interleaved with their complements.
    #[target_feature(enable = "avx2")]
    pub(in crate::arch) fn mean(&self, gates: Halves, a: __m256i, b: __m256i) -> __m256i {
        let [low, high] = self.mean_round.both(sums(interleaved(a, b), gates));
        _mm256_packs_epi32(low, high)
    }

    /// The state in the format of the hidden output.
    #[target_feature(enable = "avx2")]
    pub(in crate::arch) fn shown(&self, state: __m256i) -> __m256i {
        let Some(round) = self.hidden_round else { return state };
        // Interleaved with itself and shifted down, the code has its sign in the upper half.
        let [low, high] = interleaved(state, state);
        let [low, high] = round.both([_mm256_srai_epi32::<16>(low), _mm256_srai_epi32::<16>(high)]);
        _mm256_packs_epi32(low, high)
    }
}

#[target_feature(enable = "avx2")]
fn interleaved(a: __m256i, b: __m256i) -> Halves {
    [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)]
}

/// Gates, each interleaved with 1 less itself.
#[target_feature(enable = "avx2")]
pub(in crate::arch) fn with_complement(gates: __m256i) -> Halves {
    interleaved(gates, _mm256_sub_epi16(_mm256_set1_epi16(ONE as i16), gates))
}

/// Of each pair of codes in `a` and the pair in `b` below it, the sum of the products.
#[target_feature(enable = "avx2")]
fn sums(a: Halves, b: Halves) -> Halves {
    [_mm256_madd_epi16(a[0], b[0]), _mm256_madd_epi16(a[1], b[1])]
}

/// σ of 16 arguments, each interleaved with 1 − σ.
#[target_feature(enable = "avx2")]
fn opened(arguments: __m256i) -> Halves {
    // −32768 … 32767 becomes 0 … 65535.
    let from_left = _mm256_xor_si256(arguments, _mm256_set1_epi16(i16::MIN));
    let [low, high] = interleaved(from_left, _mm256_setzero_si256());
    [opened_half(low), opened_half(high)]
}

#[target_feature(enable = "avx2")]
fn opened_half(from_left: __m256i) -> __m256i {
    let piece = _mm256_srli_epi32::<{ PIECE_BITS as i32 }>(from_left);
    // Within the piece: (2^7, part), against (value, rise).
    let part = _mm256_and_si256(from_left, _mm256_set1_epi32((1 << PIECE_BITS) - 1));
    let weights = _mm256_or_si256(_mm256_slli_epi32::<16>(part), _mm256_set1_epi32(1 << PIECE_BITS));
    let open = RoundShift::new(PIECE_BITS).apply(_mm256_madd_epi16(pieces(piece), weights));
    let closed = _mm256_sub_epi32(_mm256_set1_epi32(ONE), open);
    // Both are 0 … 2^14: as halves of a word they need no masks.
    _mm256_add_epi32(open, _mm256_slli_epi32::<16>(closed))
}

/// Eight pieces of the table of σ, as (value, rise).
#[target_feature(enable = "avx2")]
fn pieces(piece: __m256i) -> __m256i {
    const _: () = assert!(PIECES << PIECE_BITS == 1 << 16);
    // SAFETY: `piece` is a 16 bit number shifted down by 7, so below 512, the length of the table, whose entries have the
    // 4 bytes that the scale says.
    unsafe { _mm256_i32gather_epi32::<4>(SIGMOID.pieces.as_ptr().cast(), piece) }
}

/// How many of 16 numbers 16 bits do not hold.
#[target_feature(enable = "avx2")]
fn clipped(numbers: Halves) -> u32 {
    count_outside(numbers[0]) + count_outside(numbers[1])
}

#[target_feature(enable = "avx2")]
fn clipped_gates(forget: &Gate, reset: &Gate) -> u32 {
    if any(_mm256_or_si256(at_end(forget.code), at_end(reset.code))) {
        clipped(forget.argument) + clipped(reset.argument)
    } else {
        0
    }
}
