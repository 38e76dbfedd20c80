//! Products: a panel's 16 columns are the 16 lanes of one vector.
//!
//! A step is one instruction for each row: `vpdpbusd` multiplies four unsigned inputs with four signed weights and adds all
//! products to 32 bits, `vpdpwssd` does so with two of 16 bits. Nothing is summed in 16 bits on the way, so quads need no
//! runs, and weights and inputs of 8 bits can be quads too. Sums wrap round, and as the whole sum fits 32 bits it is exact
//! however it got there.
//!
//! One row has no other rows to share a step's weights with: four panels share its words, and it waits for the cache that
//! the weights are in. Weights of 4 bits lie there two steps to a vector; each half of a byte is brought into its upper
//! half, which makes of it 16 times the weight.

use super::super::{LANES, MOST_BYTES, Product, TILE, Target, Words, in_turn};
use crate::numeric::SaturationCount;
use crate::panel::{Data, Family, Line};
use core::arch::x86_64::{
    __m256i, __m512d, __m512i, _MM_CMPINT_NE, _mm256_loadu_si256, _mm256_storeu_si256, _mm512_add_epi32,
    _mm512_and_si512, _mm512_castsi256_si512, _mm512_castsi512_si256, _mm512_cmp_epi32_mask, _mm512_cvtepi8_epi16,
    _mm512_cvtepi16_epi32, _mm512_cvtepi32_pd, _mm512_cvtpd_epi32, _mm512_cvtsepi32_epi16, _mm512_dpbusd_epi32,
    _mm512_dpwssd_epi32, _mm512_extracti64x4_epi64, _mm512_inserti64x4, _mm512_loadu_pd, _mm512_loadu_si512,
    _mm512_mul_pd, _mm512_mullo_epi32, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_pd, _mm512_setzero_si512,
    _mm512_slli_epi16,
};

/// Panels that share the words of one row: more than hide what an addition takes before the next, and no more than the
/// nearest cache has places for lines that begin alike.
const SIDE_BY_SIDE: usize = 4;
/// The same of nibbles, whose panels are half as long.
const NIBBLES_SIDE_BY_SIDE: usize = 8;

/// Whether 32 bits hold every sum and what becomes of it.
pub(super) fn fits(product: &Product<'_>) -> bool {
    let exact = match product.operand.family {
        Family::Pairs => product.panels.exact_steps(product.operand.bits) == product.panels.steps(),
        // Checked when they were packed.
        Family::Quads => true,
        Family::Nibbles => product.panels.inputs() <= MOST_BYTES,
    };
    exact && product.is_narrow()
}

/// Weights of 16 columns by one step or two.
trait Weights: Sized {
    /// How many.
    const STEPS: usize;
    /// How many times too large the sums are.
    const TIMES: i32;

    /// Adds their products with the inputs of these steps to 16 sums.
    ///
    /// # Safety
    /// The CPU has AVX-512 VNNI with byte and word vectors.
    unsafe fn add(&self, sums: __m512i, inputs: [__m512i; 2]) -> __m512i;
}

impl Weights for [i16; 2 * LANES] {
    const STEPS: usize = 1;
    const TIMES: i32 = 1;

    #[inline(always)]
    unsafe fn add(&self, sums: __m512i, [inputs, _]: [__m512i; 2]) -> __m512i {
        // SAFETY: the caller's promise; the array is 64 readable bytes, and the load needs no alignment.
        unsafe { _mm512_dpwssd_epi32(sums, inputs, _mm512_loadu_si512(self.as_ptr().cast())) }
    }
}

impl Weights for [i8; 2 * LANES] {
    const STEPS: usize = 1;
    const TIMES: i32 = 1;

    #[inline(always)]
    unsafe fn add(&self, sums: __m512i, [inputs, _]: [__m512i; 2]) -> __m512i {
        // SAFETY: the caller's promise; the array is 32 readable bytes, and the load needs no alignment.
        unsafe { _mm512_dpwssd_epi32(sums, inputs, _mm512_cvtepi8_epi16(_mm256_loadu_si256(self.as_ptr().cast()))) }
    }
}

impl Weights for Line<[i8; 4 * LANES]> {
    const STEPS: usize = 1;
    const TIMES: i32 = 1;

    #[inline(always)]
    unsafe fn add(&self, sums: __m512i, [inputs, _]: [__m512i; 2]) -> __m512i {
        // SAFETY: the caller's promise; the array is 64 readable bytes, and the load needs no alignment.
        unsafe { _mm512_dpbusd_epi32(sums, inputs, _mm512_loadu_si512(self.0.as_ptr().cast())) }
    }
}

impl Weights for Line<[u8; 4 * LANES]> {
    const STEPS: usize = 2;
    const TIMES: i32 = 16;

    #[inline(always)]
    unsafe fn add(&self, sums: __m512i, [first, second]: [__m512i; 2]) -> __m512i {
        // SAFETY: the caller's promise; the array is 64 readable bytes, and the load needs no alignment.
        unsafe {
            let (bytes, upper) = (_mm512_loadu_si512(self.0.as_ptr().cast()), _mm512_set1_epi8(-16));
            let sums = _mm512_dpbusd_epi32(sums, first, _mm512_and_si512(_mm512_slli_epi16::<4>(bytes), upper));
            _mm512_dpbusd_epi32(sums, second, _mm512_and_si512(bytes, upper))
        }
    }
}

#[target_feature(enable = "popcnt,avx512f,avx512bw,avx512vnni")]
pub(super) fn product(product: &Product<'_>, panel: usize, target: Target<'_>) -> SaturationCount {
    match product.panels.data() {
        Data::Pairs(weights) => tiles(product, weights, panel, target),
        Data::BytePairs(weights) => tiles(product, weights, panel, target),
        Data::Quads { weights, .. } => tiles(product, weights, panel, target),
        Data::Nibbles { weights, .. } => tiles(product, weights, panel, target),
    }
}

/// The weights of one panel.
fn of_panel<'w, W: Weights>(product: &Product<'_>, weights: &'w [W], panel: usize) -> &'w [W] {
    let length = product.panels.steps().div_ceil(W::STEPS);
    &weights[panel * length..][..length]
}

/// All rows with one panel, tile by tile.
#[target_feature(enable = "popcnt,avx512f,avx512bw,avx512vnni")]
fn tiles<W: Weights>(product: &Product<'_>, weights: &[W], panel: usize, mut target: Target<'_>) -> SaturationCount {
    let weights = of_panel(product, weights, panel);
    let (begin, end) = (beginning(product, panel, W::TIMES), Ending::new(product, panel, W::TIMES));
    let mut clipped = 0;
    for (tile, first) in (0..product.rows).step_by(TILE).enumerate() {
        let words = product.tile(tile);
        let rows = TILE.min(product.rows - first);
        let mut sums = [begin; TILE];
        if rows == 1 {
            sums[..1].copy_from_slice(&sum::<1, _>(words, weights, begin));
        } else {
            sums = sum::<TILE, _>(words, weights, begin);
        }
        for (row, &sums) in sums.iter().enumerate().take(rows) {
            clipped += end.write(sums, target.row(first + row));
        }
    }
    SaturationCount { clipped, total: (product.rows * target.lanes) as u64 }
}

/// The first `R` rows of a tile with one panel.
#[target_feature(enable = "popcnt,avx512f,avx512bw,avx512vnni")]
fn sum<const R: usize, W: Weights>(words: &[Words], weights: &[W], begin: __m512i) -> [__m512i; R] {
    let mut sums = [begin; R];
    for (words, weights) in words.chunks(W::STEPS).zip(weights) {
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: this function is compiled for these instructions, so its callers have them.
            *sums = unsafe { weights.add(*sums, inputs(words, row)) };
        }
    }
    sums
}

/// The words of a row for one step or two, for every column; zeros where there is no second one.
#[inline]
#[target_feature(enable = "popcnt,avx512f,avx512bw,avx512vnni")]
fn inputs(words: &[Words], row: usize) -> [__m512i; 2] {
    let second = words.get(1).map_or(0, |words| words[row]);
    [_mm512_set1_epi32(words[0][row].cast_signed()), _mm512_set1_epi32(second.cast_signed())]
}

#[target_feature(enable = "popcnt,avx512f,avx512bw,avx512vnni")]
pub(super) fn row(product: &Product<'_>, first: usize, turned: bool, values: &mut [i16]) -> SaturationCount {
    match product.panels.data() {
        Data::Pairs(weights) => panels::<SIDE_BY_SIDE, _>(product, weights, first, turned, values),
        Data::BytePairs(weights) => panels::<SIDE_BY_SIDE, _>(product, weights, first, turned, values),
        Data::Quads { weights, .. } => panels::<SIDE_BY_SIDE, _>(product, weights, first, turned, values),
        Data::Nibbles { weights, .. } => panels::<NIBBLES_SIDE_BY_SIDE, _>(product, weights, first, turned, values),
    }
}

/// One row with the panels from `first` on, `N` side by side; the codes go to `values`, 16 of each panel.
#[target_feature(enable = "popcnt,avx512f,avx512bw,avx512vnni")]
fn panels<const N: usize, W: Weights>(
    product: &Product<'_>,
    weights: &[W],
    first: usize,
    turned: bool,
    values: &mut [i16],
) -> SaturationCount {
    let (total, mut clipped) = (values.len() as u64, 0);
    let whole = values.len() / (N * LANES);
    let (many, rest) = values.split_at_mut(whole * N * LANES);
    for (place, values) in in_turn(many.chunks_exact_mut(N * LANES).enumerate(), turned) {
        clipped += side_by_side::<N, _>(product, weights, first + place * N, values);
    }
    let alone = first + N * whole;
    for (place, values) in rest.chunks_mut(LANES).enumerate() {
        clipped += side_by_side::<1, _>(product, weights, alone + place, values);
    }
    SaturationCount { clipped, total }
}

/// One row with `N` panels, and how many codes saturated.
#[target_feature(enable = "popcnt,avx512f,avx512bw,avx512vnni")]
fn side_by_side<const N: usize, W: Weights>(
    product: &Product<'_>,
    weights: &[W],
    first: usize,
    values: &mut [i16],
) -> u64 {
    let mut sums = [_mm512_setzero_si512(); N];
    let words = product.tile(0);
    let lines = words.len().div_ceil(W::STEPS);
    // Loops, not closures: what calls a closure is compiled without these instructions, and could not take it in.
    let mut panels: [&[W]; N] = [&[]; N];
    for (place, (sums, weights_of)) in sums.iter_mut().zip(&mut panels).enumerate() {
        *sums = beginning(product, first + place, W::TIMES);
        *weights_of = &of_panel(product, weights, first + place)[..lines];
    }
    for line in 0..lines {
        let inputs = inputs(&words[line * W::STEPS..], 0);
        for (sums, weights) in sums.iter_mut().zip(panels) {
            // SAFETY: `line` is below the length that every panel was cut to; this function is compiled for these
            // instructions, so its callers have them.
            *sums = unsafe { weights.get_unchecked(line).add(*sums, inputs) };
        }
    }
    let mut clipped = 0;
    for ((sums, values), panel) in sums.iter().zip(values.chunks_mut(LANES)).zip(first..) {
        clipped += Ending::new(product, panel, W::TIMES).write(*sums, values);
    }
    clipped
}

/// What the sums of a panel begin with, `times` too large: less what the inputs' offset adds.
#[target_feature(enable = "popcnt,avx512f,avx512bw,avx512vnni")]
fn beginning(product: &Product<'_>, panel: usize, times: i32) -> __m512i {
    match product.panels.data() {
        Data::Quads { sums, .. } | Data::Nibbles { sums, .. } => {
            _mm512_mullo_epi32(load_i32(&sums[panel]), _mm512_set1_epi32(-times * product.operand.offset()))
        }
        Data::Pairs(_) | Data::BytePairs(_) => _mm512_setzero_si512(),
    }
}

/// From sums to codes, for one panel.
struct Ending {
    ratios: [__m512d; 2],
    biases: __m512i,
}

impl Ending {
    #[target_feature(enable = "popcnt,avx512f,avx512bw,avx512vnni")]
    fn new(product: &Product<'_>, panel: usize, times: i32) -> Self {
        let (ratios, _) = product.scales.ratios[panel * LANES..][..LANES].as_chunks::<8>();
        let biases = product.scales.biases[panel * LANES..].first_chunk().expect("whole panels");
        // A power of two, so no ratio loses a digit.
        let shrink = _mm512_set1_pd(1.0 / f64::from(times));
        Self {
            ratios: [_mm512_mul_pd(load_ratios(&ratios[0]), shrink), _mm512_mul_pd(load_ratios(&ratios[1]), shrink)],
            biases: load_i32(biases),
        }
    }

    /// Writes the codes of one row, as many as `to` has room for, and returns how many saturated.
    ///
    /// A sum has 32 bits and a ratio 22 significant ones: the product is exact in a double, and the conversion rounds once,
    /// to the nearest and half to even.
    #[target_feature(enable = "popcnt,avx512f,avx512bw,avx512vnni")]
    fn write(&self, sums: __m512i, to: &mut [i16]) -> u64 {
        let low = _mm512_cvtepi32_pd(_mm512_castsi512_si256(sums));
        let high = _mm512_cvtepi32_pd(_mm512_extracti64x4_epi64::<1>(sums));
        let low = _mm512_cvtpd_epi32(_mm512_mul_pd(low, self.ratios[0]));
        let high = _mm512_cvtpd_epi32(_mm512_mul_pd(high, self.ratios[1]));
        let scaled = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high);
        let results = _mm512_add_epi32(scaled, self.biases);
        let codes = _mm512_cvtsepi32_epi16(results);
        store(to, codes);
        let clipped = _mm512_cmp_epi32_mask::<_MM_CMPINT_NE>(_mm512_cvtepi16_epi32(codes), results);
        // Lanes beyond the last column have no weights and no bias, so they do not saturate.
        u64::from(clipped.count_ones())
    }
}

#[target_feature(enable = "popcnt,avx512f,avx512bw,avx512vnni")]
fn load_i32(numbers: &[i32; LANES]) -> __m512i {
    // SAFETY: the reference is to 64 readable bytes, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) }
}

#[target_feature(enable = "popcnt,avx512f,avx512bw,avx512vnni")]
fn load_ratios(ratios: &[f64; 8]) -> __m512d {
    // SAFETY: the reference is to 64 readable bytes, and the load needs no alignment.
    unsafe { _mm512_loadu_pd(ratios.as_ptr()) }
}

/// Writes the lanes of `codes` that `row` has room for.
#[target_feature(enable = "popcnt,avx512f,avx512bw,avx512vnni")]
fn store(row: &mut [i16], codes: __m256i) {
    let mut all = [0; LANES];
    let to: &mut [i16; LANES] = match row.first_chunk_mut() {
        Some(whole) => whole,
        None => &mut all,
    };
    // SAFETY: the reference is to 32 writable bytes, and the store needs no alignment.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), codes) };
    if row.len() < LANES {
        row.copy_from_slice(&all[..row.len()]);
    }
}

/// The inner loop alone, on weights and words that stay in the nearest cache: multiply-accumulates a second.
#[cfg(feature = "std")]
#[target_feature(enable = "popcnt,avx512f,avx512bw,avx512vnni")]
pub(super) fn measured_peak(family: Family) -> f64 {
    use core::hint::black_box;
    const STEPS: usize = 64;
    const REPEATS: usize = 500;
    const ATTEMPTS: usize = 20;
    let words = [[0x0001_0101; TILE]; STEPS];
    let (pairs, quads) = ([[1_i16; 2 * LANES]; STEPS], [Line([1_i8; 4 * LANES]); STEPS]);
    let nibbles = [Line([0x11_u8; 4 * LANES]); STEPS / 2];
    let mut best = 0.0;
    for _ in 0..ATTEMPTS {
        let begun = std::time::Instant::now();
        for _ in 0..REPEATS {
            let (words, zero) = (black_box(&words), _mm512_setzero_si512());
            black_box(match family {
                Family::Pairs => sum::<TILE, _>(words, black_box(&pairs), zero),
                Family::Quads => sum::<TILE, _>(words, black_box(&quads), zero),
                Family::Nibbles => sum::<TILE, _>(words, black_box(&nibbles), zero),
            });
        }
        let macs = REPEATS * STEPS * family.inputs() * LANES * TILE;
        best = f64::max(best, macs as f64 / begun.elapsed().as_secs_f64());
    }
    best
}
