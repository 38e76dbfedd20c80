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
//! begin with what the inputs' offset and the beginnings of runs add too much.
//!
//! Twelve accumulators, two vectors of weights, one of inputs and one of products are the sixteen registers there are.

use super::super::{LANES, Product, TILE, Target, Words, in_turn, scalar};
use super::vector::{
    any, at_end, count_outside, cut, fit_32_bits, in_order, load, load_bytes, load_i32, load_ratios, load_widened,
    scale, to_i64, write,
};
use crate::numeric::SaturationCount;
#[cfg(feature = "std")]
use crate::panel::Family;
use crate::panel::{Data, Line};
use core::arch::x86_64::{
    __m256d, __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_add_epi64, _mm256_castsi256_si128,
    _mm256_cvtepi32_epi64, _mm256_extracti128_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_or_si256,
    _mm256_packs_epi32, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256,
};

/// `R` rows of 16 numbers of 32 bits.
type Sums<const R: usize> = [[__m256i; 2]; R];

#[target_feature(enable = "avx2")]
pub(super) fn product(product: &Product<'_>, panel: usize, mut target: Target<'_>) -> SaturationCount {
    let weights = Weights::of(product, panel);
    let end = Ending::new(product, panel);
    let mut sums = [[_mm256_setzero_si256(); 2]; TILE];
    let mut clipped = 0;
    for (tile, first) in (0..product.rows).step_by(TILE).enumerate() {
        let words = product.tile(tile);
        let rows = TILE.min(product.rows - first);
        match (rows, &mut sums) {
            (1, [alone, ..]) => weights.sum(words, core::array::from_mut(alone)),
            (_, all) => weights.sum(words, all),
        }
        clipped += end.write(&sums[..rows], first, &mut target);
    }
    SaturationCount { clipped, total: (product.rows * target.lanes) as u64 }
}

/// The weights of one panel, `[steps]`, and how their products are summed.
enum Weights<'a> {
    /// Every sum fits 32 bits.
    Pairs(&'a [[i16; 2 * LANES]]),
    /// Likewise.
    BytePairs(&'a [[i8; 2 * LANES]]),
    /// Sums of `run` steps fit 32 bits.
    LongPairs { weights: &'a [[i16; 2 * LANES]], run: usize },
    /// Likewise.
    LongBytePairs { weights: &'a [[i8; 2 * LANES]], run: usize },
    /// Sums of `run` steps fit 16 bits; where these and the whole sums begin.
    Quads { weights: &'a [Line<[i8; 4 * LANES]>], run: usize, starts: &'a [[i16; 2 * LANES]], whole: [__m256i; 2] },
}

impl<'a> Weights<'a> {
    #[target_feature(enable = "avx2")]
    fn of(product: &Product<'a>, panel: usize) -> Self {
        let steps = product.panels.steps();
        let run = product.panels.exact_steps(product.operand.bits);
        match product.panels.data() {
            Data::Pairs(data) => {
                let weights = &data[panel * steps..][..steps];
                if run == steps { Self::Pairs(weights) } else { Self::LongPairs { weights, run } }
            }
            Data::BytePairs(data) => {
                let weights = &data[panel * steps..][..steps];
                if run == steps { Self::BytePairs(weights) } else { Self::LongBytePairs { weights, run } }
            }
            Data::Quads { weights, starts, .. } => {
                let starts = &starts[product.operand.bits.index()];
                let ([left, right], []) = starts.whole[panel].as_chunks() else { unreachable!("two vectors") };
                let runs = steps.div_ceil(run);
                Self::Quads {
                    weights: &weights[panel * steps..][..steps],
                    run,
                    starts: &starts.runs[panel * runs..][..runs],
                    whole: [load_i32(left), load_i32(right)],
                }
            }
            // No step of theirs is exact in the narrow accumulator: those are for other machines.
            Data::Nibbles { .. } => unreachable!("nibbles are not summed here"),
        }
    }

    /// Sums the first `R` rows of a tile.
    #[target_feature(enable = "avx2")]
    fn sum<const R: usize>(&self, words: &[Words], sums: &mut Sums<R>) {
        match *self {
            Self::Pairs(weights) => pairs(words, weights, sums),
            Self::BytePairs(weights) => pairs(words, weights, sums),
            Self::LongPairs { weights, run } => long_pairs(words, weights, run, sums),
            Self::LongBytePairs { weights, run } => long_pairs(words, weights, run, sums),
            Self::Quads { weights, run, starts, whole } => {
                *sums = [whole; R];
                quads(words, weights, run, starts, sums);
            }
        }
    }
}

/// The sums of a run of pairs.
#[target_feature(enable = "avx2")]
fn pairs<const R: usize, W: PairStep>(words: &[Words], weights: &[W], total: &mut Sums<R>) {
    let mut sums = [[_mm256_setzero_si256(); 2]; R];
    // Two steps a turn: where a compiler puts the loop then matters less.
    let ((word_twos, word_rest), (weight_twos, weight_rest)) = (words.as_chunks::<2>(), weights.as_chunks::<2>());
    for (words, weights) in word_twos.iter().zip(weight_twos) {
        pair_step(&words[0], &weights[0], &mut sums);
        pair_step(&words[1], &weights[1], &mut sums);
    }
    if let ([words, ..], [weights, ..]) = (word_rest, weight_rest) {
        pair_step(words, weights, &mut sums);
    }
    *total = sums;
}

/// One row times some panels that lie side by side, two at a time: what one row of a recurrence needs, where there are no
/// other rows to share a word with, so panels share it. The codes go to `values`, 16 of each panel.
#[target_feature(enable = "avx2")]
pub(super) fn row(product: &Product<'_>, first: usize, turned: bool, values: &mut [i16]) -> SaturationCount {
    let mut count = SaturationCount::default();
    for (place, values) in in_turn(values.chunks_mut(2 * LANES).enumerate(), turned) {
        let panel = first + 2 * place;
        if values.len() == LANES {
            let target = Target { values, width: LANES, column: 0, lanes: LANES };
            count.merge(self::product(product, panel, target));
        } else {
            count.merge(two_panels(product, panel, values));
        }
    }
    count
}

#[target_feature(enable = "avx2")]
fn two_panels(product: &Product<'_>, panel: usize, values: &mut [i16]) -> SaturationCount {
    let mut count = SaturationCount::default();
    let words = product.tile(0);
    let mut sums = [[_mm256_setzero_si256(); 2]; 2];
    match [Weights::of(product, panel), Weights::of(product, panel + 1)] {
        [Weights::Pairs(a), Weights::Pairs(b)] => two_pairs(words, [a, b], &mut sums),
        [Weights::BytePairs(a), Weights::BytePairs(b)] => two_pairs(words, [a, b], &mut sums),
        [Weights::Quads { .. }, Weights::Quads { .. }] => two_quads(product, panel, &mut sums),
        weights => weights.iter().zip(&mut sums).for_each(|(weights, sums)| {
            weights.sum(words, core::array::from_mut(sums));
        }),
    }
    for (place, (sums, values)) in sums.iter().zip(values.chunks_mut(LANES)).enumerate() {
        let mut target = Target { values, width: LANES, column: 0, lanes: LANES };
        let clipped = Ending::new(product, panel + place).write(core::slice::from_ref(sums), 0, &mut target);
        count.merge(SaturationCount { clipped, total: LANES as u64 });
    }
    count
}

#[target_feature(enable = "avx2")]
fn two_pairs<W: PairStep>(words: &[Words], [a, b]: [&[W]; 2], total: &mut Sums<2>) {
    let mut sums = [[_mm256_setzero_si256(); 2]; 2];
    for ((words, a), b) in words.iter().zip(a).zip(b) {
        let word = _mm256_set1_epi32(words[0].cast_signed());
        // SAFETY: this function is compiled for AVX2, so its callers have it.
        let vectors = unsafe { [a.vectors(), b.vectors()] };
        for (sums, vectors) in sums.iter_mut().zip(vectors) {
            sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(word, vectors[0]));
            sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(word, vectors[1]));
        }
    }
    *total = sums;
}

#[target_feature(enable = "avx2")]
fn two_quads(product: &Product<'_>, panel: usize, total: &mut Sums<2>) {
    let words = product.tile(0);
    let [
        Weights::Quads { weights: a, run, starts: a_starts, whole: a_whole },
        Weights::Quads { weights: b, starts: b_starts, whole: b_whole, .. },
    ] = [Weights::of(product, panel), Weights::of(product, panel + 1)]
    else {
        unreachable!("panels of one product are of one kind")
    };
    let ones = _mm256_set1_epi16(1);
    let mut wide = [a_whole, b_whole];
    let runs = a.chunks(run).zip(b.chunks(run)).zip(a_starts.iter().zip(b_starts));
    for (words, ((a, b), starts)) in words.chunks(run).zip(runs) {
        let mut narrow = [load_two(starts.0), load_two(starts.1)];
        for ((words, a), b) in words.iter().zip(a).zip(b) {
            let word = _mm256_set1_epi32(words[0].cast_signed());
            for (sums, weights) in narrow.iter_mut().zip([a, b]) {
                let ([left, right], []) = weights.0.as_chunks::<32>() else { unreachable!("64 codes are two vectors") };
                sums[0] = _mm256_add_epi16(sums[0], _mm256_maddubs_epi16(word, load_bytes(left)));
                sums[1] = _mm256_add_epi16(sums[1], _mm256_maddubs_epi16(word, load_bytes(right)));
            }
        }
        for (wide, narrow) in wide.iter_mut().zip(&narrow) {
            wide[0] = _mm256_add_epi32(wide[0], _mm256_madd_epi16(narrow[0], ones));
            wide[1] = _mm256_add_epi32(wide[1], _mm256_madd_epi16(narrow[1], ones));
        }
    }
    *total = wide;
}

#[target_feature(enable = "avx2")]
fn load_two(codes: &[i16; 2 * LANES]) -> [__m256i; 2] {
    let ([left, right], []) = codes.as_chunks::<LANES>() else { unreachable!("32 codes are two vectors") };
    [load(left), load(right)]
}

/// Weights of 16 columns by two inputs, as two vectors of 16 bits.
trait PairStep {
    /// Both vectors.
    ///
    /// # Safety
    /// The CPU has AVX2.
    unsafe fn vectors(&self) -> [__m256i; 2];
}

impl PairStep for [i16; 2 * LANES] {
    #[inline(always)]
    unsafe fn vectors(&self) -> [__m256i; 2] {
        let ([left, right], []) = self.as_chunks::<LANES>() else { unreachable!("32 codes are two vectors") };
        // SAFETY: the caller's promise.
        unsafe { [load(left), load(right)] }
    }
}

impl PairStep for [i8; 2 * LANES] {
    #[inline(always)]
    unsafe fn vectors(&self) -> [__m256i; 2] {
        let ([left, right], []) = self.as_chunks::<LANES>() else { unreachable!("32 codes are two vectors") };
        // SAFETY: the caller's promise.
        unsafe { [load_widened(left), load_widened(right)] }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn pair_step<const R: usize>(words: &Words, weights: &impl PairStep, sums: &mut Sums<R>) {
    // SAFETY: this function is compiled for AVX2, so its callers have it.
    let [left, right] = unsafe { weights.vectors() };
    for (sums, &word) in sums.iter_mut().zip(words) {
        let word = _mm256_set1_epi32(word.cast_signed());
        sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(word, left));
        sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(word, right));
    }
}

/// `R` rows of 16 numbers of 64 bits.
type WideSums<const R: usize> = [[__m256i; 4]; R];

/// The sums of pairs by runs, in 64 bits and cut to 32.
#[target_feature(enable = "avx2")]
fn long_pairs<const R: usize>(words: &[Words], weights: &[impl PairStep], run: usize, narrow: &mut Sums<R>) {
    for (narrow, wide) in narrow.iter_mut().zip(&wide_pairs::<R, _>(words, weights, run)) {
        *narrow = [cut([wide[0], wide[1]]), cut([wide[2], wide[3]])];
    }
}

/// The sums of pairs by runs, in 64 bits.
#[target_feature(enable = "avx2")]
fn wide_pairs<const R: usize, W: PairStep>(words: &[Words], weights: &[W], run: usize) -> WideSums<R> {
    let mut wide = [[_mm256_setzero_si256(); 4]; R];
    let mut narrow = [[_mm256_setzero_si256(); 2]; R];
    for (words, weights) in words.chunks(run).zip(weights.chunks(run)) {
        pairs(words, weights, &mut narrow);
        for (wide, narrow) in wide.iter_mut().zip(&narrow) {
            wide[0] = _mm256_add_epi64(wide[0], _mm256_cvtepi32_epi64(_mm256_castsi256_si128(narrow[0])));
            wide[1] = _mm256_add_epi64(wide[1], _mm256_cvtepi32_epi64(_mm256_extracti128_si256::<1>(narrow[0])));
            wide[2] = _mm256_add_epi64(wide[2], _mm256_cvtepi32_epi64(_mm256_castsi256_si128(narrow[1])));
            wide[3] = _mm256_add_epi64(wide[3], _mm256_cvtepi32_epi64(_mm256_extracti128_si256::<1>(narrow[1])));
        }
    }
    wide
}

/// The whole of one panel where nothing shows beforehand that 32 bits hold its sums: exact sums in 64, tile by tile. Where 32
/// bits hold all of a tile, which is nearly always, they become codes as others do; else in the definition's way.
#[target_feature(enable = "avx2")]
pub(super) fn wide_product(product: &Product<'_>, panel: usize, target: Target<'_>) -> SaturationCount {
    let run = product.panels.exact_steps(product.operand.bits);
    match Weights::of(product, panel) {
        Weights::Pairs(weights) | Weights::LongPairs { weights, .. } => wide(product, panel, weights, run, target),
        Weights::BytePairs(weights) | Weights::LongBytePairs { weights, .. } => {
            wide(product, panel, weights, run, target)
        }
        Weights::Quads { .. } => scalar::product(product, panel, target),
    }
}

#[target_feature(enable = "avx2")]
fn wide(
    product: &Product<'_>,
    panel: usize,
    weights: &[impl PairStep],
    run: usize,
    mut target: Target<'_>,
) -> SaturationCount {
    let end = product.scales_in_32_bits().then(|| Ending::new(product, panel));
    let mut count = SaturationCount::default();
    for (tile, first) in (0..product.rows).step_by(TILE).enumerate() {
        let words = product.tile(tile);
        let rows = TILE.min(product.rows - first);
        let mut sums = [[_mm256_setzero_si256(); 4]; TILE];
        if rows == 1 {
            [sums[0]] = wide_pairs::<1, _>(words, weights, run);
        } else {
            sums = wide_pairs::<TILE, _>(words, weights, run);
        }
        let sums = &sums[..rows];
        match &end {
            Some(end) if fit_32_bits(sums.as_flattened()) => {
                let mut narrow = [[_mm256_setzero_si256(); 2]; TILE];
                for (narrow, wide) in narrow.iter_mut().zip(sums) {
                    *narrow = [cut([wide[0], wide[1]]), cut([wide[2], wide[3]])];
                }
                let clipped = end.write(&narrow[..rows], first, &mut target);
                count.merge(SaturationCount { clipped, total: (rows * target.lanes) as u64 });
            }
            _ => {
                let mut numbers = [[0; LANES]; TILE];
                numbers.iter_mut().zip(sums).for_each(|(numbers, sums)| *numbers = to_wide(sums));
                count.merge(scalar::write_rows(product, panel, first, &numbers[..rows], &mut target));
            }
        }
    }
    count
}

#[target_feature(enable = "avx2")]
fn to_wide(sums: &[__m256i; 4]) -> [i64; LANES] {
    let mut numbers = [0; LANES];
    for (four, &sums) in numbers.as_chunks_mut::<4>().0.iter_mut().zip(sums) {
        *four = to_i64(sums);
    }
    numbers
}

/// Adds the sums of quads, run by run: of each column two halves of 16 bits, then both in 32.
#[target_feature(enable = "avx2")]
fn quads<const R: usize>(
    words: &[Words],
    weights: &[Line<[i8; 4 * LANES]>],
    run: usize,
    starts: &[[i16; 2 * LANES]],
    wide: &mut Sums<R>,
) {
    let ones = _mm256_set1_epi16(1);
    for ((words, weights), start) in words.chunks(run).zip(weights.chunks(run)).zip(starts) {
        let ([left, right], []) = start.as_chunks::<LANES>() else { unreachable!("32 codes are two vectors") };
        let mut narrow = [[load(left), load(right)]; R];
        for (words, weights) in words.iter().zip(weights) {
            let ([left, right], []) = weights.0.as_chunks::<32>() else { unreachable!("64 codes are two vectors") };
            let (left, right) = (load_bytes(left), load_bytes(right));
            for (sums, &word) in narrow.iter_mut().zip(words) {
                let word = _mm256_set1_epi32(word.cast_signed());
                sums[0] = _mm256_add_epi16(sums[0], _mm256_maddubs_epi16(word, left));
                sums[1] = _mm256_add_epi16(sums[1], _mm256_maddubs_epi16(word, right));
            }
        }
        for (wide, narrow) in wide.iter_mut().zip(&narrow) {
            wide[0] = _mm256_add_epi32(wide[0], _mm256_madd_epi16(narrow[0], ones));
            wide[1] = _mm256_add_epi32(wide[1], _mm256_madd_epi16(narrow[1], ones));
        }
    }
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
            ratios: [
                load_ratios(&ratios[0]),
                load_ratios(&ratios[1]),
                load_ratios(&ratios[2]),
                load_ratios(&ratios[3]),
            ],
            biases: [load_i32(&biases[0]), load_i32(&biases[1])],
        }
    }

    /// Writes the codes of some rows from `first` on, and returns how many saturated.
    #[target_feature(enable = "avx2")]
    fn write(&self, sums: &[[__m256i; 2]], first: usize, target: &mut Target<'_>) -> u64 {
        let mut ends = _mm256_setzero_si256();
        for (row, sums) in sums.iter().enumerate() {
            let [left, right] = self.scaled(*sums);
            let codes = in_order(_mm256_packs_epi32(left, right));
            ends = _mm256_or_si256(ends, at_end(codes));
            write(target.row(first + row), codes);
        }
        if !any(ends) {
            return 0;
        }
        let mut clipped = 0;
        for sums in sums {
            let [left, right] = self.scaled(*sums);
            clipped += u64::from(count_outside(left) + count_outside(right));
        }
        clipped
    }

    #[target_feature(enable = "avx2")]
    fn scaled(&self, sums: [__m256i; 2]) -> [__m256i; 2] {
        let [a, b, c, d] = self.ratios;
        let left = _mm256_add_epi32(scale(sums[0], [a, b]), self.biases[0]);
        let right = _mm256_add_epi32(scale(sums[1], [c, d]), self.biases[1]);
        [left, right]
    }
}

/// The inner loop alone, on weights and words that stay in the nearest cache: multiply-accumulates a second.
#[cfg(feature = "std")]
#[target_feature(enable = "avx2")]
pub(super) fn measured_peak(family: Family) -> f64 {
    use core::hint::black_box;
    const STEPS: usize = 64;
    const REPEATS: usize = 500;
    const ATTEMPTS: usize = 20;
    let words = [[0x0001_0101; TILE]; STEPS];
    let (pair_weights, quad_weights) = ([[1_i16; 2 * LANES]; STEPS], [Line([1; 4 * LANES]); STEPS]);
    let mut sums = [[_mm256_setzero_si256(); 2]; TILE];
    let mut best = 0.0;
    for _ in 0..ATTEMPTS {
        let begun = std::time::Instant::now();
        for _ in 0..REPEATS {
            let words = black_box(&words);
            match family {
                Family::Pairs => pairs(words, black_box(&pair_weights), &mut sums),
                Family::Quads | Family::Nibbles => {
                    quads(words, black_box(&quad_weights), STEPS, &[[0; 2 * LANES]], &mut sums);
                }
            }
            black_box(&sums);
        }
        let macs = REPEATS * STEPS * family.inputs() * LANES * TILE;
        best = f64::max(best, macs as f64 / begun.elapsed().as_secs_f64());
    }
    best
}
