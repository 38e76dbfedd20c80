//! Weights in the order in which a vector unit reads them.
//!
//! A product's columns (its outputs) are taken 16 at a time: a *panel*. Within a panel the inputs are taken two at a time
//! as 16 bit numbers ([`Family::Pairs`]) or four at a time as 8 bit numbers ([`Family::Quads`]): a *step*. One 32 bit
//! *word* of the other operand then meets one step of 16 columns.
//!
//! The family follows from the widths, and so does the exactness of the sums:
//!
//! * Pairs: two products of 16 bit numbers in 32 bits, for every pair of widths. Sums stay in 32 bits for as many steps as
//!   *these* weights allow against the largest inputs of a width ([`Panels::exact_steps`]), then go on in 64.
//! * Quads: where neither operand has more than 8 bits. Inputs are shifted to be unsigned, which adds a
//!   constant to every sum that is known beforehand. Two products of 8 bit numbers are summed in 16 bits for as many
//!   steps as these weights allow, then go on in 32. A run begins not with 0 but so that the smallest and the largest
//!   sum it could have lie evenly about 0: 16 bits then hold a run in which Σ|w|, not the larger of its signs, counts.
//!
//! Where a machine adds products of bytes in 32 bits ([`Level::family`](crate::Level::family)), quads take two operands of 8 bits
//! too, and the runs are not used.
//!
//! The bound uses Σ|w| and not the largest weight, so real weights, most of which are small, are summed several times
//! as long before the wider sum must be touched. It is a proof for the given weights and all inputs.

use crate::numeric::Accumulator;
use crate::{Bits, Error};
use alloc::vec;
use alloc::vec::Vec;

/// Columns of a panel.
pub const LANES: usize = 16;

/// How two operands meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Two 16 bit inputs a step.
    Pairs,
    /// Four 8 bit inputs a step.
    Quads,
    /// The same inputs, and weights of at most 4 bits, those of two steps in the bytes of one: for machines where few rows
    /// wait for weights.
    Nibbles,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 3] = [Self::Pairs, Self::Quads, Self::Nibbles];

    /// Whether it has room for both operands.
    pub const fn holds(self, weight: Bits, activation: Bits) -> bool {
        match self {
            Self::Pairs => true,
            Self::Quads => weight.count() <= 8 && activation.count() <= 8,
            Self::Nibbles => weight.count() <= 4 && activation.count() <= 8,
        }
    }

    /// Inputs a step.
    pub const fn inputs(self) -> usize {
        match self {
            Self::Pairs => 2,
            Self::Quads | Self::Nibbles => 4,
        }
    }

    /// Steps of a row of `inputs`.
    pub const fn steps(self, inputs: usize) -> usize {
        inputs.div_ceil(self.inputs())
    }
}

/// Weights that fill a line of a cache, and begin where one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Line<T>(pub(crate) T);

/// Weights of all steps, and how they are summed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Data {
    /// `[panels, steps]` of 16 columns by 2 inputs.
    Pairs(Vec<[i16; 2 * LANES]>),
    /// The same where 8 bits hold the weights: half the bytes, which is what counts where few rows share them.
    BytePairs(Vec<[i8; 2 * LANES]>),
    /// `[panels, steps]` of 16 columns by 4 inputs; where sums by runs begin for inputs of 2, 4 and 8 bits; and the sums of
    /// the weights of every column, `[panels]`, which an offset of the inputs meets.
    Quads { weights: Vec<Line<[i8; 4 * LANES]>>, starts: [Starts; 3], sums: Vec<[i32; LANES]> },
    /// `[panels, steps / 2]`: in the lower halves of the bytes an even step, in the upper ones the step behind it, zeros where
    /// there is none. And the sums of the weights.
    Nibbles { weights: Vec<Line<[u8; 4 * LANES]>>, sums: Vec<[i32; LANES]> },
}

/// Where sums of quads begin. What a run begins with is taken off the whole sum beforehand, and so is what unsigned inputs
/// add to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Starts {
    /// `[panels, runs]`: of every column both halves.
    pub(crate) runs: Vec<[i16; 2 * LANES]>,
    /// `[panels]`.
    pub(crate) whole: Vec<[i32; LANES]>,
}

/// The weights of a product, packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panels {
    inputs: usize,
    bits: Bits,
    steps: usize,
    lanes: usize,
    data: Data,
    /// By width of the inputs.
    exact_steps: [usize; Bits::ALL.len()],
}

impl Panels {
    /// Packs `codes`, `[inputs, columns]`, of width `bits`. Lane `i` of the panels, 16 to a panel, gets the column
    /// `lanes[i]`, or zeros where that is `None`; of the last panel, missing lanes get zeros.
    ///
    /// # Errors
    /// [`Error::Length`] unless `codes` has whole rows of `columns`; [`Error::Code`] for a code that `bits` do not hold;
    /// [`Error::Size`] for a matrix of nothing, where sums of so many inputs are exact in no accumulator, or for weights that `family`
    /// does not hold.
    ///
    /// # Panics
    /// If a lane asks for a column that is not there: the caller's mistake.
    pub fn pack(
        codes: &[i16],
        columns: usize,
        bits: Bits,
        family: Family,
        lanes: &[Option<usize>],
    ) -> Result<Self, Error> {
        let inputs = codes.len().checked_div(columns).unwrap_or(0);
        if inputs == 0 {
            return Err(Error::Size { rows: inputs, columns });
        }
        if inputs * columns != codes.len() {
            return Err(Error::Length { what: "codes", expected: inputs * columns, got: codes.len() });
        }
        let outside = |&code: &i16| i32::from(code) < bits.min() || i32::from(code) > bits.max();
        if let Some(index) = codes.iter().position(outside) {
            return Err(Error::Code { index, code: codes[index], bits });
        }
        let widest = if family == Family::Pairs { Bits::Sixteen } else { Bits::Eight };
        let accumulator = Accumulator::exact_for(bits, widest, inputs as u64);
        let too_wide =
            family != Family::Pairs && (!family.holds(bits, widest) || accumulator != Some(Accumulator::I32));
        if accumulator.is_none() || too_wide {
            return Err(Error::Size { rows: inputs, columns });
        }
        let steps = family.steps(inputs);
        let matrix = Matrix { codes, columns, inputs };
        let (data, exact_steps) = match family {
            Family::Pairs => {
                // Σ|w| · 2^(a−1) ≤ 2^31 − 1.
                let limits = Bits::ALL.map(|activation| i64::from(i32::MAX) >> (activation.count() - 1));
                if bits <= Bits::Eight {
                    // At most 8 bits: checked above.
                    let data: Vec<[i8; 2 * LANES]> = matrix.steps(lanes, 2, |code| code as i8);
                    let exact_steps = exact_steps(&data, steps, limits);
                    (Data::BytePairs(data), exact_steps)
                } else {
                    let data: Vec<[i16; 2 * LANES]> = matrix.steps(lanes, 2, |code| code);
                    let exact_steps = exact_steps(&data, steps, limits);
                    (Data::Pairs(data), exact_steps)
                }
            }
            Family::Quads => {
                // At most 8 bits: checked above.
                let weights: Vec<[i8; 4 * LANES]> = matrix.steps(lanes, 4, |code| code as i8);
                // From −U·Σw⁻ to U·Σw⁺, with U = 2^a − 1, are 2·(2^15 − 1) + 1 numbers at most.
                let limits = Bits::ALL.map(|activation| 2 * i64::from(i16::MAX) / ((1 << activation.count()) - 1));
                let mut exact_steps = exact_steps(&weights, steps, limits);
                if bits == Bits::Eight {
                    // Runs of a step or two would be longer than the weights themselves.
                    exact_steps[Bits::Eight.index()] = 0;
                }
                let starts = [Bits::Two, Bits::Four, Bits::Eight]
                    .map(|activation| Starts::new(&weights, steps, exact_steps[activation.index()], activation));
                let sums = weights.chunks(steps).map(column_sums).collect();
                let weights = weights.into_iter().map(Line).collect();
                (Data::Quads { weights, starts, sums }, exact_steps)
            }
            Family::Nibbles => {
                // At most 4 bits: checked above.
                let steps_of: Vec<[i8; 4 * LANES]> = matrix.steps(lanes, 4, |code| code as i8);
                let sums = steps_of.chunks(steps).map(column_sums).collect();
                let weights = steps_of.chunks(steps).flat_map(|steps| steps.chunks(2).map(two_steps)).collect();
                (Data::Nibbles { weights, sums }, [0; Bits::ALL.len()])
            }
        };
        Ok(Self { inputs, bits, steps, lanes: lanes.len(), data, exact_steps })
    }

    /// Length of the input.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Width of the weights.
    pub fn bits(&self) -> Bits {
        self.bits
    }

    /// Words of a row of inputs.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Lanes that were asked for.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// Number of panels.
    pub fn count(&self) -> usize {
        self.lanes.div_ceil(LANES)
    }

    /// How the inputs must be packed.
    pub fn family(&self) -> Family {
        match self.data {
            Data::Pairs(_) | Data::BytePairs(_) => Family::Pairs,
            Data::Quads { .. } => Family::Quads,
            Data::Nibbles { .. } => Family::Nibbles,
        }
    }

    /// Steps whose products can be summed in the narrow accumulator (32 bit for pairs, 16 bit for quads) whatever the
    /// inputs of width `activation`; at most all of them. 0 where a single step may overflow.
    pub fn exact_steps(&self, activation: Bits) -> usize {
        self.exact_steps[activation.index()]
    }

    /// Bytes of the packed weights.
    pub fn bytes(&self) -> usize {
        let steps = self.count() * self.steps;
        match &self.data {
            Data::Pairs(_) => steps * size_of::<[i16; 2 * LANES]>(),
            Data::BytePairs(_) => steps * size_of::<[i8; 2 * LANES]>(),
            Data::Quads { weights, starts, sums } => {
                let of_starts = |starts: &Starts| size_of_val(&*starts.runs) + size_of_val(&*starts.whole);
                size_of_val(&**weights) + size_of_val(&**sums) + starts.iter().map(of_starts).sum::<usize>()
            }
            Data::Nibbles { weights, sums } => size_of_val(&**weights) + size_of_val(&**sums),
        }
    }

    /// The code of an input in a lane.
    ///
    /// # Panics
    /// Where there is no such input or lane.
    pub fn code(&self, input: usize, lane: usize) -> i16 {
        let depth = self.family().inputs();
        let (step, place) = (lane / LANES * self.steps + input / depth, lane % LANES * depth + input % depth);
        match &self.data {
            Data::Pairs(data) => data[step][place],
            Data::BytePairs(data) => data[step][place].into(),
            Data::Quads { weights, .. } => weights[step].0[place].into(),
            Data::Nibbles { weights, .. } => {
                let (panel, step) = (lane / LANES, input / depth);
                let byte = weights[panel * self.steps.div_ceil(2) + step / 2].0[place];
                nibble(byte, step).into()
            }
        }
    }

    pub(crate) fn data(&self) -> &Data {
        &self.data
    }
}

/// Codes as they come, row by row.
struct Matrix<'a> {
    codes: &'a [i16],
    columns: usize,
    inputs: usize,
}

impl Matrix<'_> {
    /// `[panels, steps]` of 16 columns by `depth` inputs.
    fn steps<T: Copy + Default, const N: usize>(
        &self,
        lanes: &[Option<usize>],
        depth: usize,
        narrow: impl Fn(i16) -> T,
    ) -> Vec<[T; N]> {
        let steps = self.inputs.div_ceil(depth);
        let mut data = vec![[T::default(); N]; lanes.len().div_ceil(LANES) * steps];
        for (panel, lanes) in lanes.chunks(LANES).enumerate() {
            for input in 0..self.inputs {
                let row = &self.codes[input * self.columns..][..self.columns];
                let cells = &mut data[panel * steps + input / depth];
                for (lane, column) in lanes.iter().enumerate() {
                    cells[lane * depth + input % depth] = narrow(column.map_or(0, |column| row[column]));
                }
            }
        }
        data
    }
}

impl Starts {
    /// Of `data`, `[panels, steps]`, for runs of `run` steps and inputs of width `activation`.
    fn new(data: &[[i8; 4 * LANES]], steps: usize, run: usize, activation: Bits) -> Self {
        let largest_input = (1 << activation.count()) - 1;
        let mut starts = Self::default();
        if run == 0 {
            return starts;
        }
        for panel in data.chunks(steps) {
            let mut whole = [0; LANES];
            for weights in panel.chunks(run) {
                let sums = pair_sums(weights);
                // The middle of −U·Σw⁻ and U·Σw⁺; half of what `exact_steps` has bounded, so it fits.
                let start = sums.map(|sum| (-largest_input * sum / 2) as i16);
                for (whole, (start, sums)) in whole.iter_mut().zip(start.chunks(2).zip(sums.chunks(2))) {
                    let offset = activation.min() * (sums[0] + sums[1]);
                    *whole += offset - i32::from(start[0]) - i32::from(start[1]);
                }
                starts.runs.push(start);
            }
            starts.whole.push(whole);
        }
        starts
    }
}

/// The sums of the weights in each half of each column.
fn pair_sums(steps: &[[i8; 4 * LANES]]) -> [i32; 2 * LANES] {
    let mut sums = [0; 2 * LANES];
    for weights in steps {
        for (sum, pair) in sums.iter_mut().zip(weights.chunks(2)) {
            *sum += i32::from(pair[0]) + i32::from(pair[1]);
        }
    }
    sums
}

/// One step's weights, or two, in the halves of bytes.
fn two_steps(steps: &[[i8; 4 * LANES]]) -> Line<[u8; 4 * LANES]> {
    let second = steps.get(1).copied().unwrap_or([0; 4 * LANES]);
    Line(core::array::from_fn(|place| steps[0][place].cast_unsigned() & 15 | second[place].cast_unsigned() << 4))
}

/// The weight of `step` in a byte of two steps.
pub(crate) const fn nibble(byte: u8, step: usize) -> i8 {
    let upper = if step.is_multiple_of(2) { byte << 4 } else { byte };
    upper.cast_signed() >> 4
}

/// The sums of the weights of each column.
fn column_sums(steps: &[[i8; 4 * LANES]]) -> [i32; LANES] {
    let pairs = pair_sums(steps);
    core::array::from_fn(|lane| pairs[2 * lane] + pairs[2 * lane + 1])
}

/// The longest run of steps for which Σ|w| keeps each of `limits` in every run and lane, runs being cut one after the
/// other from the first step on; 0 where a single step does not.
///
/// `data` is `[panels, steps]`. A lane of the narrow accumulator sums two weights a step.
fn exact_steps<T: Copy + Into<i64>, const N: usize>(
    data: &[[T; N]],
    steps: usize,
    limits: [i64; Bits::ALL.len()],
) -> [usize; Bits::ALL.len()] {
    // For every lane, sums of the first steps: `[panels · lanes, steps + 1]`.
    let mut reach = Vec::with_capacity(data.len() / steps * (N / 2) * (steps + 1));
    for panel in data.chunks(steps) {
        for pair in 0..N / 2 {
            let mut sum = 0;
            reach.push(sum);
            for weights in panel {
                let [a, b]: [i64; 2] = [weights[2 * pair].into(), weights[2 * pair + 1].into()];
                // At most 2^16 a step, and as many steps as memory has room for: 64 bits hold it.
                sum += a.abs() + b.abs();
                reach.push(sum);
            }
        }
    }
    limits.map(|limit| {
        let runs = (1..=steps).find(|&runs| {
            let run = steps.div_ceil(runs);
            let largest =
                |reach: &[i64]| (0..steps).step_by(run).map(|from| reach[(from + run).min(steps)] - reach[from]).max();
            reach.chunks(steps + 1).all(|reach| largest(reach) <= Some(limit))
        });
        runs.map_or(0, |runs| steps.div_ceil(runs))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_run_is_bounded_by_the_weights_and_not_by_their_width() {
        let steps = |codes: &[i16], bits, family, activation| {
            Panels::pack(codes, 1, bits, family, &[Some(0)]).expect("good codes").exact_steps(activation)
        };
        let pairs = |weight, count, activation| steps(&vec![weight; count], Bits::Sixteen, Family::Pairs, activation);
        // Two weights of 100 against inputs of 2^15: 6,553,600 a step, 327 of which stay below 2^31.
        assert_eq!(pairs(100, 2000, Bits::Sixteen), 250, "1000 steps in four runs");
        assert_eq!(pairs(100, 600, Bits::Sixteen), 300, "all of them");
        assert_eq!(pairs(100, 2000, Bits::Eight), 1000, "all of them");
        assert_eq!(pairs(i16::MIN, 8, Bits::Sixteen), 0, "two extremes against two extremes are 2^31");
        // Unsigned inputs up to 255: 2 · 8 · 255 = 4080 a half step, 16 of which are 65280, less than 2^16.
        assert_eq!(steps(&[-8; 400], Bits::Four, Family::Quads, Bits::Eight), 15, "100 steps in seven runs");
        assert_eq!(steps(&[7, -8].repeat(200), Bits::Four, Family::Quads, Bits::Eight), 17, "in six");
        assert_eq!(steps(&[-128; 400], Bits::Eight, Family::Quads, Bits::Four), 17, "in six");
    }

    proptest! {
        #[test]
        fn no_run_of_the_stated_length_overflows(
            weights in prop::collection::vec(-32_768_i16..=32_767, 2..60), small in prop::bool::ANY, activation in 0_usize..4,
        ) {
            let weights: Vec<i16> = weights.into_iter().map(|w| if small { w / 64 } else { w }).collect();
            let lanes = [Some(0)];
            let activation = Bits::ALL[activation];
            let panels = Panels::pack(&weights, 1, Bits::Sixteen, Family::Pairs, &lanes).expect("good codes");
            let run = panels.exact_steps(activation);
            let sum = |window: &[i16]| {
                window.iter().map(|&w| i64::from(w).abs()).sum::<i64>() * -i64::from(activation.min())
            };
            let fits = |run: usize| weights.chunks(2 * run).all(|run| sum(run) <= i64::from(i32::MAX));
            prop_assert!(run == 0 || fits(run));
            // One run less would be too long.
            let runs = panels.steps().div_ceil(run.max(1));
            prop_assert!(run == 0 || runs == 1 || !fits(panels.steps().div_ceil(runs - 1)));
            prop_assert!(run > 0 || !fits(1));
        }
    }

    #[test]
    fn what_cannot_be_packed_is_refused() {
        let pack = |codes: &[i16], columns, bits, family| Panels::pack(codes, columns, bits, family, &[Some(0)]);
        assert!(matches!(pack(&[], 1, Bits::Two, Family::Quads), Err(Error::Size { .. })));
        assert!(matches!(pack(&[1, 2, 3], 2, Bits::Four, Family::Quads), Err(Error::Length { .. })));
        let error = Err(Error::Code { index: 1, code: 2, bits: Bits::Two });
        assert_eq!(pack(&[1, 2], 1, Bits::Two, Family::Pairs), error);
        assert!(matches!(pack(&[1, 2], 1, Bits::Sixteen, Family::Quads), Err(Error::Size { .. })));
    }
}
