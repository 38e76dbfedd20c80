//! 32 units of any cell through one frame: the definition's equations over vectors of 32 codes.
//!
//! As with AVX2, products of codes have 32 bits and live in two halves. A function is not gathered from its table but picked
//! from registers: both are symmetric, so 256 pieces are enough, which four permutations of two vectors each reach. The line
//! within a piece then stays in 16 bits: a rise of at most 512 times 127 is less than 2¹⁶.

use super::super::{CellRow, LANES};
use super::Avx512;
use crate::cell::{Clipped, Frame, Lanes, MAX_GATES, MAX_PEEPHOLES, RecurrentCell};
use crate::table::{HYPERBOLIC_TANGENT, ONE, PIECE_BITS, RightHalf, SIGMOID, UNIT};
use core::arch::x86_64::{
    __m128i, __m512i, _MM_CMPINT_NE, _mm_cvtsi32_si128, _mm256_loadu_si256, _mm256_storeu_si256, _mm512_abs_epi16,
    _mm512_add_epi16, _mm512_add_epi32, _mm512_adds_epi16, _mm512_and_si512, _mm512_castsi512_si256,
    _mm512_cmp_epi16_mask, _mm512_cmpgt_epi32_mask, _mm512_inserti64x4, _mm512_loadu_si512, _mm512_madd_epi16,
    _mm512_mask_blend_epi16, _mm512_mask_sub_epi16, _mm512_max_epi16, _mm512_min_epu16, _mm512_movepi16_mask,
    _mm512_mulhi_epi16, _mm512_mullo_epi16, _mm512_packs_epi32, _mm512_permutex2var_epi16, _mm512_set1_epi16,
    _mm512_set1_epi32, _mm512_setzero_si512, _mm512_sra_epi32, _mm512_srai_epi32, _mm512_srli_epi16,
    _mm512_storeu_si512, _mm512_sub_epi16, _mm512_test_epi16_mask, _mm512_unpackhi_epi16, _mm512_unpacklo_epi16,
    _mm512_xor_si512, _mm512_zextsi256_si512,
};

/// Units side by side: two groups.
const UNITS: usize = 2 * LANES;

/// 32 bit numbers of 32 lanes: in each quarter of a vector, low ones and high ones.
pub(super) type Halves = [__m512i; 2];

static RIGHT_OF_SIGMOID: RightHalf = RightHalf::of(&SIGMOID);
static RIGHT_OF_TANH: RightHalf = RightHalf::of(&HYPERBOLIC_TANGENT);

#[target_feature(enable = "popcnt,avx512f,avx512bw")]
pub(super) fn cells(lanes: Avx512, cell: RecurrentCell, row: &mut CellRow<'_>, clipped: &mut Clipped) {
    let gates = cell.kind().gates();
    let units = row.state.len();
    let looks = if cell.peephole_shift().is_some() { cell.kind().peepholes() } else { 0 };
    for first in (0..units).step_by(UNITS) {
        let end = units.min(first + UNITS);
        let (u, v) = (of_gates(row.input, gates, first..end), of_gates(row.products, gates, first..end));
        let peepholes = peepholes(&row.peepholes[first / LANES..end / LANES], looks);
        let mut state = load(&row.state[first..end]);
        let frame = Frame { u, v, peepholes, hidden: load(&row.hidden[first..end]) };
        let shown = cell.step(lanes, &frame, &mut state, clipped);
        store(&mut row.state[first..end], state);
        store(&mut row.hidden[first..end], shown);
    }
}

/// The codes of some units, `[gates, units]`; zeros for gates that the cell has not.
#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512bw")]
fn of_gates(codes: &[i16], gates: usize, units: core::ops::Range<usize>) -> [__m512i; MAX_GATES] {
    let mut vectors = [_mm512_setzero_si512(); MAX_GATES];
    for (vector, codes) in vectors.iter_mut().zip(codes.chunks_exact(codes.len() / gates)) {
        *vector = load(&codes[units.clone()]);
    }
    vectors
}

/// The first `looks` peepholes of one group or two, zeros for the rest.
#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512bw")]
fn peepholes(groups: &[[[i16; LANES]; MAX_PEEPHOLES]], looks: usize) -> [__m512i; MAX_PEEPHOLES] {
    let mut vectors = [_mm512_setzero_si512(); MAX_PEEPHOLES];
    for (index, vector) in vectors.iter_mut().enumerate().take(looks) {
        let second = if let [_, second] = groups { second[index] } else { [0; LANES] };
        *vector = _mm512_inserti64x4::<1>(load(&groups[0][index]), _mm512_castsi512_si256(load(&second)));
    }
    vectors
}

/// 32 codes, or 16 and zeros.
#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512bw")]
fn load(codes: &[i16]) -> __m512i {
    if let Some(codes) = codes.first_chunk::<UNITS>() {
        // SAFETY: the reference is to 64 readable bytes, and the load needs no alignment.
        return unsafe { _mm512_loadu_si512(codes.as_ptr().cast()) };
    }
    let codes: &[i16; LANES] = codes.first_chunk().expect("whole groups");
    // SAFETY: the reference is to 32 readable bytes, and the load needs no alignment.
    _mm512_zextsi256_si512(unsafe { _mm256_loadu_si256(codes.as_ptr().cast()) })
}

/// 32 codes, or the first 16.
#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512bw")]
fn store(to: &mut [i16], codes: __m512i) {
    if let Some(to) = to.first_chunk_mut::<UNITS>() {
        // SAFETY: the reference is to 64 writable bytes, and the store needs no alignment.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), codes) };
        return;
    }
    let to: &mut [i16; LANES] = to.first_chunk_mut().expect("whole groups");
    // SAFETY: the reference is to 32 writable bytes, and the store needs no alignment.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm512_castsi512_si256(codes)) };
}

// These inline into `cells`, which is compiled for AVX-512; by themselves they would be slow, not wrong.
impl Lanes for Avx512 {
    type Codes = __m512i;

    #[inline(always)]
    fn add(self, a: __m512i, b: __m512i, clipped: &mut u64) -> __m512i {
        // SAFETY: `self` exists, so AVX-512 does.
        unsafe { add(a, b, clipped) }
    }

    #[inline(always)]
    fn product(self, a: __m512i, b: __m512i, shift: u32) -> __m512i {
        // It fits, so saturating changes nothing.
        self.saturated_product(a, b, shift)
    }

    #[inline(always)]
    fn saturated_product(self, a: __m512i, b: __m512i, shift: u32) -> __m512i {
        // SAFETY: `self` exists, so AVX-512 does.
        unsafe { packed(RoundShift::new(shift).both(products(a, b))) }
    }

    #[inline(always)]
    fn mix(self, weight: __m512i, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: `self` exists, so AVX-512 does.
        unsafe { mix(weight, a, b) }
    }

    #[inline(always)]
    fn remember(self, [a, b]: [__m512i; 2], [c, d]: [__m512i; 2], shift: u32, clipped: &mut u64) -> __m512i {
        // SAFETY: `self` exists, so AVX-512 does.
        unsafe { remember([a, b], [c, d], shift, clipped) }
    }

    #[inline(always)]
    fn rescale(self, codes: __m512i, from: u32, to: u32) -> __m512i {
        // SAFETY: `self` exists, so AVX-512 does.
        unsafe { rescale(codes, from, to) }
    }

    #[inline(always)]
    fn complement(self, gate: __m512i) -> __m512i {
        // SAFETY: `self` exists, so AVX-512 does.
        unsafe { _mm512_sub_epi16(_mm512_set1_epi16(ONE as i16), gate) }
    }

    #[inline(always)]
    fn sigmoid(self, codes: __m512i) -> __m512i {
        // SAFETY: `self` exists, so AVX-512 does.
        unsafe { sigmoid(codes) }
    }

    #[inline(always)]
    fn tanh(self, codes: __m512i) -> __m512i {
        // SAFETY: `self` exists, so AVX-512 does.
        unsafe { at(&RIGHT_OF_TANH, 0, codes) }
    }

    #[inline(always)]
    fn relu(self, codes: __m512i) -> __m512i {
        // SAFETY: `self` exists, so AVX-512 does.
        unsafe { _mm512_max_epi16(codes, _mm512_setzero_si512()) }
    }
}

#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512bw")]
fn add(a: __m512i, b: __m512i, clipped: &mut u64) -> __m512i {
    let sum = _mm512_adds_epi16(a, b);
    // A sum that saturates is not the one that wraps round.
    let differ = _mm512_cmp_epi16_mask::<_MM_CMPINT_NE>(sum, _mm512_add_epi16(a, b));
    *clipped += u64::from(differ.count_ones());
    sum
}

/// `numbers / 2^shift` rounded half to even, for numbers of less than 2³⁰·1.5 and 0 ≤ shift ≤ 30.
#[derive(Clone, Copy)]
pub(super) struct RoundShift {
    shift: __m128i,
    below_half: __m512i,
    odd: __m512i,
}

impl RoundShift {
    #[inline]
    #[target_feature(enable = "popcnt,avx512f,avx512bw")]
    pub(super) fn new(shift: u32) -> Self {
        let below_half = if shift > 0 { (1_i32 << (shift - 1)) - 1 } else { 0 };
        Self {
            shift: _mm_cvtsi32_si128(shift.cast_signed()),
            below_half: _mm512_set1_epi32(below_half),
            odd: _mm512_set1_epi32((shift > 0).into()),
        }
    }

    /// Just under a half, and one more where the floor is odd, sends ties to the even neighbour.
    #[inline]
    #[target_feature(enable = "popcnt,avx512f,avx512bw")]
    fn apply(self, numbers: __m512i) -> __m512i {
        let odd = _mm512_and_si512(_mm512_sra_epi32(numbers, self.shift), self.odd);
        let raised = _mm512_add_epi32(_mm512_add_epi32(numbers, self.below_half), odd);
        _mm512_sra_epi32(raised, self.shift)
    }

    #[inline]
    #[target_feature(enable = "popcnt,avx512f,avx512bw")]
    pub(super) fn both(self, numbers: Halves) -> Halves {
        [self.apply(numbers[0]), self.apply(numbers[1])]
    }
}

/// a·b.
#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512bw")]
fn products(a: __m512i, b: __m512i) -> Halves {
    interleaved(_mm512_mullo_epi16(a, b), _mm512_mulhi_epi16(a, b))
}

#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512bw")]
pub(super) fn interleaved(a: __m512i, b: __m512i) -> Halves {
    [_mm512_unpacklo_epi16(a, b), _mm512_unpackhi_epi16(a, b)]
}

/// The lanes of two halves as codes, saturated.
#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512bw")]
pub(super) fn packed([low, high]: Halves) -> __m512i {
    _mm512_packs_epi32(low, high)
}

#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512bw")]
fn mix(weight: __m512i, a: __m512i, b: __m512i) -> __m512i {
    let other = _mm512_sub_epi16(_mm512_set1_epi16(ONE as i16), weight);
    let ([ab_low, ab_high], [w_low, w_high]) = (interleaved(a, b), interleaved(other, weight));
    let sums = [_mm512_madd_epi16(ab_low, w_low), _mm512_madd_epi16(ab_high, w_high)];
    packed(RoundShift::new(UNIT.fraction()).both(sums))
}

#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512bw")]
fn remember([a, b]: Halves, [c, d]: Halves, shift: u32, clipped: &mut u64) -> __m512i {
    let [new_low, new_high] = RoundShift::new(shift).both(products(c, d));
    let [old_low, old_high] = products(a, b);
    // 2^29 + 2^28 at most.
    let sums = [_mm512_add_epi32(old_low, new_low), _mm512_add_epi32(old_high, new_high)];
    let states = RoundShift::new(UNIT.fraction()).both(sums);
    *clipped += u64::from(count_outside(states[0]) + count_outside(states[1]));
    packed(states)
}

/// How many of 16 numbers 16 bits do not hold.
#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512bw")]
pub(super) fn count_outside(numbers: __m512i) -> u32 {
    // x ^ (x >> 31) is x or −1 − x: 0 … 32767 exactly for what fits.
    let magnitude = _mm512_xor_si512(numbers, _mm512_srai_epi32::<31>(numbers));
    _mm512_cmpgt_epi32_mask(magnitude, _mm512_set1_epi32(i16::MAX.into())).count_ones()
}

#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512bw")]
fn rescale(codes: __m512i, from: u32, to: u32) -> __m512i {
    if from < to {
        // 2^12 is the largest: to tanh's argument.
        packed(products(codes, _mm512_set1_epi16(1 << (to - from))))
    } else {
        packed(RoundShift::new(from - to).both(products(codes, _mm512_set1_epi16(1))))
    }
}

/// σ of 32 arguments.
#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512bw")]
pub(super) fn sigmoid(arguments: __m512i) -> __m512i {
    at(&RIGHT_OF_SIGMOID, ONE as i16, arguments)
}

/// A function of 32 arguments by the right half of its table, where f(−z) is `mirror` − f(z).
#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512bw")]
fn at(half: &RightHalf, mirror: i16, arguments: __m512i) -> __m512i {
    // The left end has no mirror image, but the value of its neighbour: the curve is flat there.
    let size = _mm512_min_epu16(_mm512_abs_epi16(arguments), _mm512_set1_epi16(i16::MAX));
    let piece = _mm512_srli_epi16::<PIECE_BITS>(size);
    let part = _mm512_and_si512(size, _mm512_set1_epi16((1 << PIECE_BITS) - 1));
    let (value, rise) = (pick(&half.values, piece), pick(&half.rises, piece));
    // value + risen / 2^7, rounded half to even.
    let risen = _mm512_mullo_epi16(rise, part);
    let floor = _mm512_add_epi16(value, _mm512_srli_epi16::<PIECE_BITS>(risen));
    let odd = _mm512_and_si512(floor, _mm512_set1_epi16(1));
    let raised = _mm512_add_epi16(_mm512_add_epi16(risen, _mm512_set1_epi16((1 << (PIECE_BITS - 1)) - 1)), odd);
    let right = _mm512_add_epi16(value, _mm512_srli_epi16::<PIECE_BITS>(raised));
    _mm512_mask_sub_epi16(right, _mm512_movepi16_mask(arguments), _mm512_set1_epi16(mirror), right)
}

/// 32 of 256 numbers, by their places.
#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512bw")]
fn pick(numbers: &[[i16; UNITS]; 8], places: __m512i) -> __m512i {
    let mut of_64 = [_mm512_setzero_si512(); 4];
    for (picked, [low, high]) in of_64.iter_mut().zip(numbers.as_chunks::<2>().0) {
        *picked = _mm512_permutex2var_epi16(load(low), places, load(high));
    }
    let [a, b, c, d] = of_64;
    let odd = _mm512_test_epi16_mask(places, _mm512_set1_epi16(64));
    let (low, high) = (_mm512_mask_blend_epi16(odd, a, b), _mm512_mask_blend_epi16(odd, c, d));
    _mm512_mask_blend_epi16(_mm512_test_epi16_mask(places, _mm512_set1_epi16(128)), low, high)
}
