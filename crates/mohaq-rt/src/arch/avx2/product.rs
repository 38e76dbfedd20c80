//! A tile of six rows times one panel of 16 columns.
//!
//! ```text
//! for each tile of 6 rows
//!     for each run of steps that the narrow accumulator sums exactly
//!         narrow[6][16] = 0
//!         for each step of the run                      // the loop that counts
//!             for each row: narrow[row] += word(row, step) · weights(step)
//!         wide[6][16] += narrow
//!     for each row: target = saturate(round(wide[row] · ratio) + bias)
//! ```
//!
//! Pairs: `vpmaddwd` multiplies a word of two 16 bit inputs with eight columns and adds both products, in 32 bits. Where
//! the run is the whole row, the narrow sums are final; else the wide ones have 64 bits and are cut to 32 at the end,
//! which [`Product::is_narrow`] has shown to change nothing.
//! Quads: `vpmaddubsw` does the same with four unsigned and signed 8 bit numbers, in 16 bits; wide sums have 32 bits and
//! begin with what the inputs' offset adds too much.
//!
//! Twelve accumulators, two vectors of weights, one of inputs and one of products are the sixteen registers there are.

use super::super::{LANES, Product, TILE, Target};
use super::vector::{any_at_end, in_order, load, load_bytes, load_i32, load_ratios, outside, scale, to_codes, to_words};
use crate::numeric::SaturationCount;
use crate::panel::{Data, Family};
use core::arch::x86_64::{
    __m256d, __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_castsi256_ps, _mm256_madd_epi16, _mm256_maddubs_epi16,
    _mm256_movemask_ps, _mm256_packs_epi32, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256,
};

/// Six rows of 16 numbers of 32 bits.
type Sums = [[__m256i; 2]; TILE];

#[target_feature(enable = "avx2")]
pub(super) fn product(product: &Product<'_>, panel: usize, mut target: Target<'_>) -> SaturationCount {
    let end = Ending::new(product, panel);
    let mut clipped = 0;
    for first in (0..product.rows).step_by(TILE) {
        let rows = TILE.min(product.rows - first);
        let sums = if rows == 1 { single(product, panel, first) } else { tile(product, panel, first) };
        clipped += end.write(&sums[..rows], first, &mut target);
    }
    SaturationCount { clipped, total: (product.rows * target.lanes) as u64 }
}

/// The sums of six rows.
#[target_feature(enable = "avx2")]
fn tile(product: &Product<'_>, panel: usize, first: usize) -> Sums {
    let rows = core::array::from_fn(|row| product.row(first + row));
    sums::<TILE>(product, panel, rows)
}

/// The sums of one row; the others are not there.
#[target_feature(enable = "avx2")]
fn single(product: &Product<'_>, panel: usize, row: usize) -> Sums {
    let [row] = sums::<1>(product, panel, [product.row(row)]);
    [row; TILE]
}

#[target_feature(enable = "avx2")]
fn sums<const R: usize>(product: &Product<'_>, panel: usize, rows: [&[u32]; R]) -> [[__m256i; 2]; R] {
    let steps = product.panels.steps();
    let run = product.panels.exact_steps(product.operand.bits);
    match product.panels.data() {
        Data::Pairs(data) => {
            let data = &data[panel * steps..][..steps];
            if run == steps { pairs(rows, data) } else { long_pairs(rows, data, run) }
        }
        Data::Quads(data, sums) => {
            let too_much = sums[panel].map(|sum| -product.operand.offset() * sum);
            quads(rows, &data[panel * steps..][..steps], run, &too_much)
        }
    }
}

/// The sums of a run of pairs.
#[target_feature(enable = "avx2")]
fn pairs<const R: usize>(rows: [&[u32]; R], weights: &[[i16; 2 * LANES]]) -> [[__m256i; 2]; R] {
    let rows = rows.map(|row| &row[..weights.len()]);
    let mut sums = [[_mm256_setzero_si256(); 2]; R];
    for (step, weights) in weights.iter().enumerate() {
        let ([left, right], []) = weights.as_chunks::<LANES>() else { unreachable!("32 codes are two vectors") };
        let (left, right) = (load(left), load(right));
        for (sums, row) in sums.iter_mut().zip(rows) {
            let word = _mm256_set1_epi32(row[step].cast_signed());
            sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(word, left));
            sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(word, right));
        }
    }
    sums
}

/// The sums of pairs by runs, in 64 bits and cut to 32.
#[target_feature(enable = "avx2")]
fn long_pairs<const R: usize>(rows: [&[u32]; R], weights: &[[i16; 2 * LANES]], run: usize) -> [[__m256i; 2]; R] {
    let mut wide = [[0_i64; LANES]; R];
    for (i, weights) in weights.chunks(run).enumerate() {
        let narrow = pairs(rows.map(|row| &row[i * run..]), weights);
        for (wide, narrow) in wide.iter_mut().zip(narrow) {
            let (halves, _) = wide.as_chunks_mut::<8>();
            for (wide, narrow) in halves.iter_mut().zip(narrow) {
                for (wide, narrow) in wide.iter_mut().zip(to_words(narrow)) {
                    *wide += i64::from(narrow.cast_signed());
                }
            }
        }
    }
    wide.map(|wide| {
        let cut = wide.map(|sum| sum.clamp(i32::MIN.into(), i32::MAX.into()) as i32);
        let (halves, _) = cut.as_chunks::<8>();
        [load_i32(&halves[0]), load_i32(&halves[1])]
    })
}

/// The sums of quads by runs.
#[target_feature(enable = "avx2")]
fn quads<const R: usize>(
    rows: [&[u32]; R],
    weights: &[[i8; 4 * LANES]],
    run: usize,
    start: &[i32; LANES],
) -> [[__m256i; 2]; R] {
    let ones = _mm256_set1_epi16(1);
    let (start, _) = start.as_chunks::<8>();
    let mut wide = [[load_i32(&start[0]), load_i32(&start[1])]; R];
    for (i, weights) in weights.chunks(run).enumerate() {
        let narrow = short_quads(rows.map(|row| &row[i * run..]), weights);
        for (wide, narrow) in wide.iter_mut().zip(narrow) {
            wide[0] = _mm256_add_epi32(wide[0], _mm256_madd_epi16(narrow[0], ones));
            wide[1] = _mm256_add_epi32(wide[1], _mm256_madd_epi16(narrow[1], ones));
        }
    }
    wide
}

/// The sums of a run of quads: of each column two halves of 16 bits.
#[target_feature(enable = "avx2")]
fn short_quads<const R: usize>(rows: [&[u32]; R], weights: &[[i8; 4 * LANES]]) -> [[__m256i; 2]; R] {
    let rows = rows.map(|row| &row[..weights.len()]);
    let mut sums = [[_mm256_setzero_si256(); 2]; R];
    for (step, weights) in weights.iter().enumerate() {
        let ([left, right], []) = weights.as_chunks::<32>() else { unreachable!("64 codes are two vectors") };
        let (left, right) = (load_bytes(left), load_bytes(right));
        for (sums, row) in sums.iter_mut().zip(rows) {
            let word = _mm256_set1_epi32(row[step].cast_signed());
            sums[0] = _mm256_add_epi16(sums[0], _mm256_maddubs_epi16(word, left));
            sums[1] = _mm256_add_epi16(sums[1], _mm256_maddubs_epi16(word, right));
        }
    }
    sums
}

/// From sums to codes, for one panel.
struct Ending {
    ratios: [__m256d; 4],
    biases: [__m256i; 2],
}

impl Ending {
    #[target_feature(enable = "avx2")]
    fn new(product: &Product<'_>, panel: usize) -> Self {
        let (ratios, _) = product.scales.ratios[panel * LANES..][..LANES].as_chunks::<4>();
        let (biases, _) = product.scales.biases[panel * LANES..][..LANES].as_chunks::<8>();
        Self {
            ratios: [0, 1, 2, 3].map(|i| load_ratios(&ratios[i])),
            biases: [0, 1].map(|i| load_i32(&biases[i])),
        }
    }

    /// Writes the codes of some rows from `first` on, and returns how many saturated.
    #[target_feature(enable = "avx2")]
    fn write(&self, sums: &[[__m256i; 2]], first: usize, target: &mut Target<'_>) -> u64 {
        let mut at_end = false;
        for (row, sums) in sums.iter().enumerate() {
            let [left, right] = self.scaled(*sums);
            let codes = in_order(_mm256_packs_epi32(left, right));
            at_end |= any_at_end(codes);
            target.write(first + row, &to_codes(codes));
        }
        if !at_end {
            return 0;
        }
        let outside = |numbers| _mm256_movemask_ps(_mm256_castsi256_ps(outside(numbers))).count_ones();
        let row = |sums: &[__m256i; 2]| self.scaled(*sums).map(outside).iter().sum::<u32>();
        sums.iter().map(row).map(u64::from).sum()
    }

    #[target_feature(enable = "avx2")]
    fn scaled(&self, sums: [__m256i; 2]) -> [__m256i; 2] {
        let [a, b, c, d] = self.ratios;
        let left = _mm256_add_epi32(scale(sums[0], [a, b]), self.biases[0]);
        let right = _mm256_add_epi32(scale(sums[1], [c, d]), self.biases[1]);
        [left, right]
    }
}

/// The inner loop alone, on weights and words that stay in the nearest cache.
#[cfg(feature = "std")]
#[target_feature(enable = "avx2")]
pub(super) fn measured_peak(family: Family) -> f64 {
    use core::hint::black_box;
    const STEPS: usize = 64;
    let words = [[0x0001_0101_u32; STEPS]; TILE];
    let (pair_weights, quad_weights) = ([[1_i16; 2 * LANES]; STEPS], [[1_i8; 4 * LANES]; STEPS]);
    let mut best = 0.0;
    for _ in 0..20 {
        let begun = std::time::Instant::now();
        const REPEATS: usize = 500;
        for _ in 0..REPEATS {
            let words = black_box(&words);
            let rows = core::array::from_fn::<&[u32], TILE, _>(|row| &words[row]);
            match family {
                Family::Pairs => _ = black_box(to_codes(pairs(rows, black_box(&pair_weights))[0][0])),
                Family::Quads => _ = black_box(to_codes(short_quads(rows, black_box(&quad_weights))[0][0])),
            }
        }
        let macs = REPEATS * STEPS * family.inputs() * LANES * TILE;
        best = f64::max(best, macs as f64 / begun.elapsed().as_secs_f64());
    }
    best
}
