//! Loads, stores and the few operations that AVX2 lacks.

use super::super::LANES;
use core::arch::x86_64::{
    __m128i, __m256d, __m256i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm256_add_epi32, _mm256_add_epi64,
    _mm256_and_si256, _mm256_blendv_epi8, _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cmpeq_epi16,
    _mm256_cmpgt_epi32, _mm256_cmpgt_epi64, _mm256_cvtepi8_epi16, _mm256_cvtepi32_pd, _mm256_cvtpd_epi32,
    _mm256_extracti128_si256, _mm256_loadu_pd, _mm256_loadu_si256, _mm256_movemask_ps, _mm256_mul_pd, _mm256_or_si256,
    _mm256_permute2x128_si256, _mm256_permute4x64_epi64, _mm256_permutevar8x32_epi32, _mm256_set_m128i,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setr_epi32, _mm256_setzero_si256,
    _mm256_sra_epi32, _mm256_srai_epi32, _mm256_storeu_si256, _mm256_testz_si256, _mm256_xor_si256,
};

/// 16 codes.
#[target_feature(enable = "avx2")]
pub(in crate::arch) fn load(codes: &[i16; LANES]) -> __m256i {
    // SAFETY: the reference is to 32 readable bytes, and the load needs no alignment.
    unsafe { _mm256_loadu_si256(codes.as_ptr().cast()) }
}

/// 8 numbers.
#[target_feature(enable = "avx2")]
pub(super) fn load_i32(numbers: &[i32; 8]) -> __m256i {
    // SAFETY: the reference is to 32 readable bytes, and the load needs no alignment.
    unsafe { _mm256_loadu_si256(numbers.as_ptr().cast()) }
}

/// 32 codes.
#[target_feature(enable = "avx2")]
pub(super) fn load_bytes(codes: &[i8; 32]) -> __m256i {
    // SAFETY: the reference is to 32 readable bytes, and the load needs no alignment.
    unsafe { _mm256_loadu_si256(codes.as_ptr().cast()) }
}

/// 16 codes of 8 bits, in 16.
#[target_feature(enable = "avx2")]
pub(super) fn load_widened(codes: &[i8; LANES]) -> __m256i {
    // SAFETY: the reference is to 16 readable bytes, and the load needs no alignment.
    _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(codes.as_ptr().cast()) })
}

/// 4 ratios.
#[target_feature(enable = "avx2")]
pub(super) fn load_ratios(ratios: &[f64; 4]) -> __m256d {
    // SAFETY: the reference is to 32 readable bytes, and the load needs no alignment.
    unsafe { _mm256_loadu_pd(ratios.as_ptr()) }
}

/// The 16 codes of a vector.
#[target_feature(enable = "avx2")]
pub(in crate::arch) fn to_codes(vector: __m256i) -> [i16; LANES] {
    let mut codes = [0; LANES];
    // SAFETY: the array is 32 writable bytes, and the store needs no alignment.
    unsafe { _mm256_storeu_si256(codes.as_mut_ptr().cast(), vector) };
    codes
}

/// The 8 words of a vector.
#[target_feature(enable = "avx2")]
pub(super) fn to_words(vector: __m256i) -> [u32; 8] {
    let mut words = [0; 8];
    // SAFETY: the array is 32 writable bytes, and the store needs no alignment.
    unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), vector) };
    words
}

/// The 4 numbers of a vector.
#[target_feature(enable = "avx2")]
pub(super) fn to_i64(vector: __m256i) -> [i64; 4] {
    let mut numbers = [0; 4];
    // SAFETY: the array is 32 writable bytes, and the store needs no alignment.
    unsafe { _mm256_storeu_si256(numbers.as_mut_ptr().cast(), vector) };
    numbers
}

/// 8 numbers times 8 ratios, rounded half to even. The products must fit 32 bits.
///
/// A number has 32 bits and a ratio 22 significant ones, so the product is exact in a double and the conversion rounds
/// once, to the nearest and half to even: that is the mode of every thread of a Rust program.
#[target_feature(enable = "avx2")]
pub(super) fn scale(numbers: __m256i, ratios: [__m256d; 2]) -> __m256i {
    let low = _mm256_cvtepi32_pd(_mm256_castsi256_si128(numbers));
    let high = _mm256_cvtepi32_pd(_mm256_extracti128_si256::<1>(numbers));
    let low: __m128i = _mm256_cvtpd_epi32(_mm256_mul_pd(low, ratios[0]));
    let high: __m128i = _mm256_cvtpd_epi32(_mm256_mul_pd(high, ratios[1]));
    _mm256_set_m128i(high, low)
}

/// `numbers / 2^shift` rounded half to even, for numbers of less than 2³⁰·1.5 and 0 ≤ shift ≤ 30.
///
/// Adding just under a half, and one more where the floor is odd, sends ties to the even neighbour.
#[derive(Clone, Copy)]
pub(super) struct RoundShift {
    shift: __m128i,
    below_half: __m256i,
    odd: __m256i,
}

impl RoundShift {
    #[target_feature(enable = "avx2")]
    pub(super) fn new(shift: u32) -> Self {
        let rounds = shift > 0;
        let below_half = if rounds { (1_i32 << (shift - 1)) - 1 } else { 0 };
        Self {
            shift: _mm_cvtsi32_si128(shift.cast_signed()),
            below_half: _mm256_set1_epi32(below_half),
            odd: _mm256_set1_epi32(rounds.into()),
        }
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn apply(self, numbers: __m256i) -> __m256i {
        let odd = _mm256_and_si256(_mm256_sra_epi32(numbers, self.shift), self.odd);
        let raised = _mm256_add_epi32(_mm256_add_epi32(numbers, self.below_half), odd);
        _mm256_sra_epi32(raised, self.shift)
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn both(self, numbers: [__m256i; 2]) -> [__m256i; 2] {
        [self.apply(numbers[0]), self.apply(numbers[1])]
    }
}

/// Undoes the interleaving of `_mm256_packs_epi32`, which packs each half of its operands by itself.
#[target_feature(enable = "avx2")]
pub(super) fn in_order(packed: __m256i) -> __m256i {
    _mm256_permute4x64_epi64::<0b11_01_10_00>(packed)
}

/// How many of 8 numbers 16 bits do not hold.
#[target_feature(enable = "avx2")]
pub(super) fn count_outside(numbers: __m256i) -> u32 {
    // x ^ (x >> 31) is x or −1 − x: 0 … 32767 exactly for what fits.
    let magnitude = _mm256_xor_si256(numbers, _mm256_srai_epi32::<31>(numbers));
    let outside = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(i16::MAX.into()));
    _mm256_movemask_ps(_mm256_castsi256_ps(outside)).count_ones()
}

/// 8 numbers of 64 bits, the first four and the last, cut to 32 bits: the nearest ends stand for those outside.
#[target_feature(enable = "avx2")]
pub(super) fn cut(numbers: [__m256i; 2]) -> __m256i {
    let (low, high) = (cut_four(numbers[0]), cut_four(numbers[1]));
    // The lower words of each number, in order.
    let even = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
    let low = _mm256_permutevar8x32_epi32(low, even);
    let high = _mm256_permutevar8x32_epi32(high, even);
    _mm256_permute2x128_si256::<0x20>(low, high)
}

#[target_feature(enable = "avx2")]
fn cut_four(numbers: __m256i) -> __m256i {
    let (largest, smallest) = (_mm256_set1_epi64x(i32::MAX.into()), _mm256_set1_epi64x(i32::MIN.into()));
    let numbers = _mm256_blendv_epi8(numbers, largest, _mm256_cmpgt_epi64(numbers, largest));
    _mm256_blendv_epi8(numbers, smallest, _mm256_cmpgt_epi64(smallest, numbers))
}

/// Whether 32 bits hold every number of 64 bits.
#[target_feature(enable = "avx2")]
pub(super) fn fit_32_bits(vectors: &[__m256i]) -> bool {
    // x + 2³¹ of such a number has nothing in its upper half.
    let (middle, upper) = (_mm256_set1_epi64x(1 << 31), _mm256_set1_epi64x(-1 << 32));
    let mut moved = _mm256_setzero_si256();
    for &numbers in vectors {
        moved = _mm256_or_si256(moved, _mm256_add_epi64(numbers, middle));
    }
    _mm256_testz_si256(moved, upper) == 1
}

/// Which of 16 codes are at an end of the range, where all saturated codes are and few others: all ones there.
#[target_feature(enable = "avx2")]
pub(super) fn at_end(codes: __m256i) -> __m256i {
    let high = _mm256_cmpeq_epi16(codes, _mm256_set1_epi16(i16::MAX));
    let low = _mm256_cmpeq_epi16(codes, _mm256_set1_epi16(i16::MIN));
    _mm256_or_si256(high, low)
}

/// Whether any bit of a vector is set.
#[target_feature(enable = "avx2")]
pub(super) fn any(vector: __m256i) -> bool {
    _mm256_testz_si256(vector, vector) == 0
}

/// Writes the lanes of `codes` that `row` has room for.
#[target_feature(enable = "avx2")]
pub(in crate::arch) fn write(row: &mut [i16], codes: __m256i) {
    if row.len() == LANES {
        // SAFETY: the slice is 32 writable bytes, and the store needs no alignment.
        unsafe { _mm256_storeu_si256(row.as_mut_ptr().cast(), codes) };
    } else {
        row.copy_from_slice(&to_codes(codes)[..row.len()]);
    }
}
