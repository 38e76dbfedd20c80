//! From 16 bit codes to words.

use super::super::{Operand, TILE, Words};
use super::vector::{in_order, load, scale, to_words};
use crate::numeric::SaturationCount;
use crate::panel::{Family, LANES};
use core::arch::x86_64::{
    __m128i, __m256d, __m256i, _mm256_add_epi16, _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cmpeq_epi32,
    _mm256_cvtepi16_epi32, _mm256_extracti128_si256, _mm256_max_epi32, _mm256_min_epi32, _mm256_movemask_ps,
    _mm256_packs_epi32, _mm256_packus_epi16, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_pd,
};

/// 16 codes at a time; the last ones are filled up with zeros.
#[target_feature(enable = "avx2")]
pub(super) fn operands(operand: Operand, codes: &[i16], words: &mut [Words], row: usize) -> SaturationCount {
    // Said once, so that no store asks again.
    assert!(row < TILE, "row {row} of a tile");
    let narrow = Narrow::new(operand);
    let per_chunk = LANES / operand.family.inputs();
    let (whole, rest) = codes.as_chunks();
    let mut kept = 0;
    let mut write = |words: &mut [Words], codes: &[i16; LANES]| {
        let (packed, inside) = narrow.pack(codes);
        words.iter_mut().zip(packed).for_each(|(words, word)| words[row] = word);
        kept += u64::from(inside);
    };
    for (codes, words) in whole.iter().zip(words.chunks_mut(per_chunk)) {
        write(words, codes);
    }
    if !rest.is_empty() {
        let mut codes = [0; LANES];
        codes[..rest.len()].copy_from_slice(rest);
        write(&mut words[whole.len() * per_chunk..], &codes);
        // The zeros, which no width clips.
        kept -= (LANES - rest.len()) as u64;
    }
    SaturationCount { clipped: codes.len() as u64 - kept, total: codes.len() as u64 }
}

/// The operand's constants in vectors.
#[derive(Clone, Copy)]
struct Narrow {
    ratio: __m256d,
    low: __m256i,
    high: __m256i,
    offset: __m256i,
    family: Family,
}

impl Narrow {
    #[target_feature(enable = "avx2")]
    fn new(operand: Operand) -> Self {
        Self {
            ratio: _mm256_set1_pd(operand.requantizer.ratio()),
            low: _mm256_set1_epi32(operand.bits.min()),
            high: _mm256_set1_epi32(operand.bits.max()),
            // At most 2⁷ where it is not 0.
            offset: _mm256_set1_epi16(operand.offset() as i16),
            family: operand.family,
        }
    }

    /// The words of 16 codes (the first four hold them for quads), and how many of these were not clipped.
    #[target_feature(enable = "avx2")]
    fn pack(self, codes: &[i16; LANES]) -> ([u32; 8], u32) {
        let codes = load(codes);
        let (low, inside_low) = self.narrowed(_mm256_castsi256_si128(codes));
        let (high, inside_high) = self.narrowed(_mm256_extracti128_si256::<1>(codes));
        let codes = in_order(_mm256_packs_epi32(low, high));
        let words = match self.family {
            Family::Pairs => codes,
            Family::Quads | Family::Nibbles => {
                let unsigned = _mm256_add_epi16(codes, self.offset);
                in_order(_mm256_packus_epi16(unsigned, unsigned))
            }
        };
        (to_words(words), inside_low + inside_high)
    }

    /// 8 codes of the operand's width, and how many were not clipped.
    #[target_feature(enable = "avx2")]
    fn narrowed(self, codes: __m128i) -> (__m256i, u32) {
        let scaled = scale(_mm256_cvtepi16_epi32(codes), [self.ratio; 2]);
        let clamped = _mm256_max_epi32(_mm256_min_epi32(scaled, self.high), self.low);
        let same = _mm256_cmpeq_epi32(clamped, scaled);
        (clamped, _mm256_movemask_ps(_mm256_castsi256_ps(same)).count_ones())
    }
}
