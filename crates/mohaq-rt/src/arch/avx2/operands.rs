//! From 16 bit codes to words.

use super::super::Operand;
use super::vector::{in_order, load, scale, to_words};
use crate::numeric::SaturationCount;
use crate::panel::{Family, LANES};
use core::arch::x86_64::{
    __m256d, __m256i, _mm256_add_epi16, _mm256_castsi256_si128, _mm256_castsi256_ps, _mm256_cmpeq_epi32,
    _mm256_cvtepi16_epi32, _mm256_extracti128_si256, _mm256_max_epi32, _mm256_min_epi32, _mm256_movemask_ps,
    _mm256_packs_epi32, _mm256_packus_epi16, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_pd,
};

/// 16 codes at a time; the last ones are filled up with zeros.
#[target_feature(enable = "avx2")]
pub(super) fn operands(operand: Operand, codes: &[i16], words: &mut [u32]) -> SaturationCount {
    let narrow = Narrow::new(operand);
    let per_chunk = LANES / operand.family.inputs();
    let (mut kept, padding) = (0, words.len() * operand.family.inputs() - codes.len());
    let mut chunks = codes.chunks(LANES);
    for words in words.chunks_mut(per_chunk) {
        let chunk = chunks.next().unwrap_or_default();
        let (packed, inside) = match chunk.as_array() {
            Some(codes) => narrow.pack(codes),
            None => {
                let mut codes = [0; LANES];
                codes[..chunk.len()].copy_from_slice(chunk);
                let (packed, inside) = narrow.pack(&codes);
                (packed, inside - (LANES - chunk.len()) as u32)
            }
        };
        kept += u64::from(inside);
        words.copy_from_slice(&packed[..words.len()]);
    }
    debug_assert!(padding < operand.family.inputs(), "a row of words of another length");
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
        let halves = [_mm256_castsi256_si128(codes), _mm256_extracti128_si256::<1>(codes)];
        let (mut clamped, mut inside) = ([codes; 2], 0);
        for (clamped, half) in clamped.iter_mut().zip(halves) {
            let scaled = scale(_mm256_cvtepi16_epi32(half), [self.ratio; 2]);
            *clamped = _mm256_max_epi32(_mm256_min_epi32(scaled, self.high), self.low);
            let same = _mm256_cmpeq_epi32(*clamped, scaled);
            inside += _mm256_movemask_ps(_mm256_castsi256_ps(same)).count_ones();
        }
        let codes = in_order(_mm256_packs_epi32(clamped[0], clamped[1]));
        let words = match self.family {
            Family::Pairs => codes,
            Family::Quads => {
                let unsigned = _mm256_add_epi16(codes, self.offset);
                in_order(_mm256_packus_epi16(unsigned, unsigned))
            }
        };
        (to_words(words), inside)
    }
}
