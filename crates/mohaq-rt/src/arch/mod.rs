//! The loops in which an integer network spends its time, at every level of the machine.
//!
//! [`operands`](Level::operands) brings 16 bit codes to the width of a product, [`product`](Level::product) multiplies
//! them with one panel of weights and requantizes the sums, [`recur`](Level::recur) runs 16 simple recurrent units through
//! time, and [`cells`](Level::cells) all units of any other cell through one frame. `scalar` says what they compute; every other level equals it with `==`, which the tests of this
//! module hold over all widths, lengths and extreme values. A level is chosen once, when a network is prepared, and asked
//! once a panel, not once a row.
//!
//! This is the only place in the project with `unsafe` code.

#![cfg_attr(not(target_arch = "x86_64"), allow(unused, reason = "what only vector units ask for"))]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;
#[cfg(test)]
mod tests;

use crate::Bits;
use crate::cell::{Clipped, Factor, MAX_GATES, MAX_PEEPHOLES, RecurrentCell, SruCell};
use crate::numeric::{Requantizer, SaturationCount};
use crate::panel::{Family, LANES, Panels};

/// Rows that are multiplied side by side.
pub(crate) const TILE: usize = 6;

/// Inputs for which 32 bits surely hold sums of two operands of 8 bits, and of 16 times weights of 4 bits.
#[cfg(target_arch = "x86_64")]
const MOST_BYTES: usize = 1 << 16;

/// One step of the rows of a tile. Words are kept `[tiles, steps]`, so that a product reads them from first to last.
pub(crate) type Words = [u32; TILE];

/// What the machine can do. All levels compute the same.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Level {
    /// Plain code, on every machine.
    Scalar,
    /// 256 bit integer vectors.
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    /// 512 bit integer vectors and dot products.
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
}

impl Level {
    /// The best level of this machine.
    #[cfg(feature = "std")]
    pub fn detect() -> Self {
        Self::available().pop().unwrap_or(Self::Scalar)
    }

    /// Every level that this machine has, slowest first.
    #[cfg(feature = "std")]
    pub fn available() -> alloc::vec::Vec<Self> {
        let mut levels = alloc::vec![Self::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            levels.extend(avx2::Avx2::new().map(Self::Avx2));
            levels.extend(avx512::Avx512::new().map(Self::Avx512));
        }
        levels
    }

    /// As in a report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "AVX-512",
        }
    }

    /// How weights for `inputs` inputs are best packed for this level. Every level computes with every packing that
    /// [`holds`](Family::holds) both widths, and all get the same.
    pub const fn family(self, weight: Bits, activation: Bits, inputs: usize) -> Family {
        let wanted = match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) if inputs <= MOST_BYTES && weight.count() <= 4 => Family::Nibbles,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) if inputs <= MOST_BYTES => Family::Quads,
            // Sums of bytes in 16 bits pay only where one operand is small.
            _ if weight.count() <= 4 || activation.count() <= 4 => Family::Quads,
            _ => Family::Pairs,
        };
        if wanted.holds(weight, activation) { wanted } else { Family::Pairs }
    }

    /// Multiply-accumulates a second of one core from the nearest cache alone, for a family: the limit of every product.
    #[cfg(feature = "std")]
    pub fn measured_peak(self, family: Family) -> f64 {
        match self {
            Self::Scalar => scalar::measured_peak(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.measured_peak(family),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => avx512.measured_peak(family),
        }
    }

    /// Brings a row of 16 bit `codes` to the operand's width and packs them into row `row` of a tile of `words`; zeros
    /// follow the last code.
    pub(crate) fn operands(self, operand: Operand, codes: &[i16], words: &mut [Words], row: usize) -> SaturationCount {
        match self {
            Self::Scalar => scalar::operands(operand, codes, words, row),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.operands(operand, codes, words, row),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => avx512.operands(operand, codes, words, row),
        }
    }

    /// Multiplies all rows with panel `panel` and writes the requantized sums to `target`.
    pub(crate) fn product(self, product: &Product<'_>, panel: usize, target: Target<'_>) -> SaturationCount {
        match self {
            Self::Scalar => scalar::product(product, panel, target),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.product(product, panel, target),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => avx512.product(product, panel, target),
        }
    }

    /// Multiplies the only row with the panels from `first` on and writes 16 requantized sums of each to `values`.
    ///
    /// The weights are read from the last panel to the first where `turned`: one time forth and one time back, those that
    /// were read last are still near.
    pub(crate) fn row(self, product: &Product<'_>, first: usize, turned: bool, values: &mut [i16]) -> SaturationCount {
        assert_eq!(product.rows, 1, "one row");
        match self {
            Self::Scalar => row_by_panels(first, values, |panel, target| scalar::product(product, panel, target)),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.row(product, first, turned, values),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => avx512.row(product, first, turned, values),
        }
    }

    /// Runs all units of a direction through one frame of one sequence.
    pub(crate) fn cells(self, cell: RecurrentCell, row: &mut CellRow<'_>, clipped: &mut Clipped) {
        match self {
            Self::Scalar => scalar::cells(cell, row, clipped),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.cells(cell, row, clipped),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => avx512.cells(cell, row, clipped),
        }
    }

    /// What the last gate of 16 units reads in place of their hidden outputs: `[u, v, h]` of the first gate to `gated`.
    pub(crate) fn gate(self, cell: RecurrentCell, codes: [&[i16; LANES]; 3], gated: &mut [i16; LANES]) {
        match self {
            Self::Scalar => scalar::gate(cell, codes, gated),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.gate(cell, codes, gated),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => avx512.gate(cell, codes, gated),
        }
    }

    /// Runs 16 units through all frames of all sequences; `states`, one a sequence, go on from where they are.
    pub(crate) fn recur(
        self,
        recurrence: &Recurrence<'_>,
        states: &mut [[i16; LANES]],
        target: Target<'_>,
    ) -> RecurrenceCounts {
        match self {
            Self::Scalar => scalar::recur(recurrence, states, target),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.recur(recurrence, states, target),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => avx512.recur(recurrence, states, target),
        }
    }
}

/// From the first to the last, or the other way round.
#[cfg(target_arch = "x86_64")]
fn in_turn<T>(items: impl DoubleEndedIterator<Item = T> + ExactSizeIterator, turned: bool) -> impl Iterator<Item = T> {
    let mut items = items;
    core::iter::from_fn(move || if turned { items.next_back() } else { items.next() })
}

/// One row times panel after panel.
fn row_by_panels(
    first: usize,
    values: &mut [i16],
    product: impl Fn(usize, Target<'_>) -> SaturationCount,
) -> SaturationCount {
    let mut count = SaturationCount::default();
    for (values, panel) in values.chunks_mut(LANES).zip(first..) {
        count.merge(product(panel, Target { values, width: LANES, column: 0, lanes: LANES }));
    }
    count
}

/// How 16 bit codes become operands of a product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand {
    /// From the codes' format to the operand's scale.
    pub(crate) requantizer: Requantizer,
    /// Width of the operand.
    pub(crate) bits: Bits,
    /// How it is packed.
    pub(crate) family: Family,
}

impl Operand {
    /// What is added to a code to make it unsigned: 2^(bits−1) for quads.
    pub(crate) const fn offset(self) -> i32 {
        match self.family {
            Family::Pairs => 0,
            Family::Quads | Family::Nibbles => -self.bits.min(),
        }
    }
}

/// A product of rows of words with panels of weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product<'a> {
    /// `[tiles, steps]`.
    pub(crate) words: &'a [Words],
    pub(crate) rows: usize,
    pub(crate) operand: Operand,
    pub(crate) panels: &'a Panels,
    /// From sums to 16 bit codes, and what is added to these: `[panels · 16]` each.
    pub(crate) scales: &'a Scales,
}

/// From sums to 16 bit codes: a requantizer and a bias for every lane.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scales {
    requantizers: alloc::vec::Vec<Requantizer>,
    biases: alloc::vec::Vec<i32>,
    /// The requantizers as exact doubles.
    ratios: alloc::vec::Vec<f64>,
    smallest: f64,
    largest: f64,
}

impl Scales {
    /// One requantizer and one bias a lane, `[panels · 16]` each.
    pub(crate) fn new(requantizers: alloc::vec::Vec<Requantizer>, biases: alloc::vec::Vec<i16>) -> Self {
        assert!(requantizers.len() == biases.len() && biases.len().is_multiple_of(LANES), "whole panels");
        let ratios: alloc::vec::Vec<f64> = requantizers.iter().map(|requantizer| requantizer.ratio()).collect();
        Self {
            smallest: ratios.iter().copied().fold(f64::INFINITY, f64::min),
            largest: ratios.iter().copied().fold(0.0, f64::max),
            ratios,
            requantizers,
            biases: biases.into_iter().map(i32::from).collect(),
        }
    }
}

impl Product<'_> {
    /// Largest magnitude of a sum that a 32 bit lane has to hold.
    fn largest_sum(&self) -> f64 {
        let product = crate::numeric::max_product(self.panels.bits(), self.operand.bits) as f64;
        (product * self.panels.inputs() as f64).min(f64::from(1_u32 << 31))
    }

    /// Whether any sum of 32 bits, scaled, has its bias added in 32 bits.
    fn scales_in_32_bits(&self) -> bool {
        self.largest_sum() * self.scales.largest < f64::from(1_u32 << 30)
    }

    /// Whether sums, brought into 32 bits, can be requantized in doubles and have their biases added in 32 bits.
    ///
    /// A sum outside of 32 bits must still be outside of 16 bits after it was cut to them, scaled and had the most
    /// opposite bias added: 2³¹ · ratio − 2¹⁵ ≥ 2¹⁵.
    fn is_narrow(&self) -> bool {
        let sums_fit = self.panels.exact_steps(self.operand.bits) == self.panels.steps()
            || self.operand.family != Family::Pairs
            || self.scales.smallest >= 1.0 / 32_768.0;
        sums_fit && self.scales_in_32_bits()
    }

    /// The words of tile `tile`.
    fn tile(&self, tile: usize) -> &[Words] {
        &self.words[tile * self.panels.steps()..][..self.panels.steps()]
    }
}

/// Where 16 columns go in a matrix of codes.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    /// `[rows, width]`.
    pub(crate) values: &'a mut [i16],
    pub(crate) width: usize,
    /// The first column.
    pub(crate) column: usize,
    /// Columns that are there; lanes beyond are dropped.
    pub(crate) lanes: usize,
}

impl Target<'_> {
    fn row(&mut self, row: usize) -> &mut [i16] {
        &mut self.values[row * self.width + self.column..][..self.lanes]
    }
}

/// What is carried past the cells.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Highway<'a> {
    None,
    /// The fourth part of the products.
    Product,
    /// The layer's input, `[frames, width]`, from `column` on, times a factor.
    Input {
        codes: &'a [i16],
        width: usize,
        column: usize,
        factor: Factor,
    },
}

/// 16 units of one direction of a layer of simple recurrent units, over some sequences.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recurrence<'a> {
    pub(crate) cell: SruCell,
    /// v_f and v_r.
    pub(crate) vectors: &'a [[i16; LANES]; 2],
    /// `[frames, parts · 16]`: candidate, forget gate, reset gate and, for [`Highway::Product`], the skip.
    pub(crate) products: &'a [i16],
    pub(crate) highway: Highway<'a>,
    /// First frame of each sequence, and the number of frames.
    pub(crate) starts: &'a [usize],
    /// From the last frame to the first.
    pub(crate) backward: bool,
}

impl Recurrence<'_> {
    const fn parts(&self) -> usize {
        match self.highway {
            Highway::Product => 4,
            Highway::None | Highway::Input { .. } => 3,
        }
    }

    /// Part `part` of the products of `frame`.
    fn part(&self, frame: usize, part: usize) -> &[i16; LANES] {
        let first = (frame * self.parts() + part) * LANES;
        self.products[first..].first_chunk().expect("every frame has all parts")
    }

    /// The products of both gates of `frame`, which lie side by side.
    #[cfg(target_arch = "x86_64")]
    fn gates(&self, frame: usize) -> &[i16; 2 * LANES] {
        let first = (frame * self.parts() + 1) * LANES;
        self.products[first..].first_chunk().expect("every frame has all parts")
    }

    /// The frames of a sequence, in the order of this direction.
    fn frames(&self, sequence: usize) -> impl Iterator<Item = usize> + use<> {
        let (first, end) = (self.starts[sequence], self.starts[sequence + 1]);
        let backward = self.backward;
        (0..end - first).map(move |step| if backward { end - 1 - step } else { first + step })
    }
}

/// One frame of all units of a direction, 16 to a group.
#[derive(Debug)]
pub(crate) struct CellRow<'a> {
    /// u, `[gates, units]`.
    pub(crate) input: &'a [i16],
    /// v, `[gates, units]`.
    pub(crate) products: &'a [i16],
    /// p, of each group.
    pub(crate) peepholes: &'a [[[i16; LANES]; MAX_PEEPHOLES]],
    /// c, which goes on.
    pub(crate) state: &'a mut [i16],
    /// h, which goes on.
    pub(crate) hidden: &'a mut [i16],
}

impl CellRow<'_> {
    /// The 16 codes of each gate of `group` in `codes`, `[gates, units]`; zeros for gates that the cell has not.
    fn gates(codes: &[i16], gates: usize, group: usize) -> [&[i16; LANES]; MAX_GATES] {
        let units = codes.len() / gates;
        core::array::from_fn(|gate| match codes.get(gate * units + group * LANES..) {
            Some(codes) if gate < gates => codes.first_chunk().expect("whole groups"),
            _ => &[0; LANES],
        })
    }
}

/// Saturations of a recurrence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecurrenceCounts {
    /// Arguments of gates.
    pub(crate) gates: SaturationCount,
    /// Inputs times the highway's factor.
    pub(crate) highway: SaturationCount,
}
