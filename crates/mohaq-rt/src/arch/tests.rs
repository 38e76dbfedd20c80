//! Every level equals the definition: all widths, all lengths around a vector and a tile, extreme values.

use super::*;
use crate::cell::{CellKind, Factor, SruCell};
use crate::numeric::Q16;
use crate::table::{HYPERBOLIC_TANGENT, SIGMOID};
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

/// Every packing of operands of these widths.
fn families(weight: Bits, activation: Bits) -> impl Iterator<Item = Family> {
    Family::ALL.into_iter().filter(move |family| family.holds(weight, activation))
}

/// Numbers of `bits`, ends and neighbours of zero more often than the rest.
fn codes(bits: Bits, count: usize) -> impl Strategy<Value = Vec<i16>> {
    let (min, max) = (bits.min() as i16, bits.max() as i16);
    let one = prop_oneof![3 => min..=max, 1 => Just(min), 1 => Just(max), 1 => -1_i16..=1];
    prop::collection::vec(one, count)
}

fn width() -> impl Strategy<Value = Bits> {
    (0..Bits::ALL.len()).prop_map(|i| Bits::ALL[i])
}

/// A row longer than any run of steps that extreme weights allow; under Miri, which takes minutes for such, a short one.
const LONG: usize = if cfg!(miri) { 40 } else { 1100 };

/// Lengths around a step, a vector and three vectors.
fn length() -> impl Strategy<Value = usize> {
    prop_oneof![Just(1), 2_usize..=9, 15_usize..=17, 31_usize..=33, 47_usize..=49, Just(LONG)]
}

/// One panel to three, or as many as share the words of a row, and one more.
fn columns() -> impl Strategy<Value = usize> {
    prop_oneof![9 => 1_usize..=33, 1 => 127_usize..=145]
}

fn requantizer() -> impl Strategy<Value = Requantizer> {
    ((1_i32 << 21)..(1 << 22), 0_u32..=53)
        .prop_map(|(multiplier, shift)| Requantizer::from_parts(multiplier, shift).expect("normal parts"))
}

/// A product and all that it borrows.
#[derive(Debug)]
struct Case {
    weights: Vec<i16>,
    weight: Bits,
    operand: Operand,
    rows: usize,
    columns: usize,
    inputs: Vec<i16>,
    requantizers: Vec<Requantizer>,
    biases: Vec<i16>,
}

fn case() -> impl Strategy<Value = Case> {
    (width(), width(), 0..Family::ALL.len(), length(), 0_usize..=13, columns()).prop_flat_map(
        |(weight, activation, family, inputs, rows, columns)| {
            let family = families(weight, activation).nth(family).unwrap_or(Family::Pairs);
            let lanes = columns.next_multiple_of(LANES);
            // A ratio that brings typical sums to about 16 bits, or any other.
            let typical = (0.5_f64..40.0).prop_map(move |spread| {
                let largest = f64::from(weight.max()) * f64::from(activation.max()) * (inputs as f64).sqrt();
                Requantizer::new(spread * 32_768.0 / largest).expect("a good ratio")
            });
            (
                codes(weight, inputs * columns),
                codes(Bits::Sixteen, inputs * rows),
                prop_oneof![1 => requantizer(), 3 => Just(Requantizer::new(1.0 / 256.0).expect("a good ratio"))],
                prop::collection::vec(prop_oneof![1 => requantizer(), 6 => typical], lanes),
                codes(Bits::Sixteen, lanes),
            )
                .prop_map(move |(weights, inputs, requantizer, requantizers, biases)| {
                    let operand = Operand { requantizer, bits: activation, family };
                    Case { weights, weight, operand, rows, columns, inputs, requantizers, biases }
                })
        },
    )
}

impl Case {
    fn depth(&self) -> usize {
        self.weights.len() / self.columns
    }

    /// Words and codes at `level`.
    fn run(&self, level: Level) -> (Vec<Words>, Vec<i16>, SaturationCount, SaturationCount) {
        let lanes: Vec<Option<usize>> = (0..self.columns).map(Some).collect();
        let panels = Panels::pack(&self.weights, self.columns, self.weight, self.operand.family, &lanes)
            .expect("codes of their width");
        let mut words = vec![[0; TILE]; self.rows.div_ceil(TILE) * panels.steps()];
        let mut of_inputs = SaturationCount::default();
        for (row, codes) in self.inputs.chunks_exact(self.depth()).enumerate() {
            let tile = &mut words[row / TILE * panels.steps()..][..panels.steps()];
            of_inputs.merge(level.operands(self.operand, codes, tile, row % TILE));
        }
        let scales = Scales::new(self.requantizers.clone(), self.biases.clone());
        let product =
            Product { words: &words, rows: self.rows, operand: self.operand, panels: &panels, scales: &scales };
        let (mut outputs, mut of_outputs) = (vec![0; self.rows * self.columns], SaturationCount::default());
        for panel in 0..panels.count() {
            let column = panel * LANES;
            let lanes = LANES.min(self.columns - column);
            let target = Target { values: &mut outputs, width: self.columns, column, lanes };
            of_outputs.merge(level.product(&product, panel, target));
        }
        if self.rows == 1 {
            for turned in [false, true] {
                let mut row = vec![0; panels.count() * LANES];
                let seen = level.row(&product, 0, turned, &mut row);
                assert_eq!((&row[..self.columns], seen.clipped), (&*outputs, of_outputs.clipped), "{}", level.name());
                assert_eq!(seen.total, row.len() as u64);
            }
        }
        (words, outputs, of_inputs, of_outputs)
    }

    /// The definition in the words of the book: no panels, no words.
    fn defined(&self) -> Vec<i16> {
        let output = |row: &[i16], column: usize| {
            let input = |i: usize| self.operand.requantizer.apply_i32(row[i].into(), self.operand.bits).code;
            let products =
                (0..row.len()).map(|i| i64::from(input(i)) * i64::from(self.weights[i * self.columns + column]));
            let scaled = self.requantizers[column].scaled(products.sum());
            crate::numeric::saturate(scaled + i64::from(self.biases[column]), Bits::Sixteen).code
        };
        let rows = self.inputs.chunks_exact(self.depth());
        rows.flat_map(|row| (0..self.columns).map(move |column| output(row, column))).collect()
    }
}

/// 16 units and all that they borrow.
#[derive(Debug)]
struct Units {
    cell: SruCell,
    vectors: [[i16; LANES]; 2],
    products: Vec<i16>,
    inputs: Vec<i16>,
    states: Vec<i16>,
    factor: Option<Factor>,
    skip_matrix: bool,
    starts: Vec<usize>,
    backward: bool,
    lanes: usize,
}

fn units() -> impl Strategy<Value = Units> {
    let sequences = prop::collection::vec(prop_oneof![Just(0_usize), Just(1), 2_usize..20], 0..4);
    let formats = (0_u32..=14, 0_u32..=14, 0_usize..3, any::<i16>(), 0_u32..=30);
    (sequences, formats, prop::bool::ANY, 1_usize..=LANES).prop_flat_map(
        |(lengths, (gate_shift, hidden_shift, highway, multiplier, shift), backward, lanes)| {
            let starts: Vec<usize> = core::iter::once(0)
                .chain(lengths.iter().scan(0, |sum, length| {
                    *sum += length;
                    Some(*sum)
                }))
                .collect();
            let frames = *starts.last().expect("at least the first");
            let parts = if highway == 1 { 4 } else { 3 };
            (
                codes(Bits::Sixteen, 2 * LANES),
                codes(Bits::Sixteen, frames * parts * LANES),
                codes(Bits::Sixteen, frames * (lanes + 3)),
                codes(Bits::Sixteen, lengths.len() * LANES),
            )
                .prop_map(move |(vectors, products, inputs, states)| Units {
                    cell: SruCell { gate_shift, hidden_shift },
                    vectors: [0, 1].map(|gate| vectors[gate * LANES..][..LANES].try_into().expect("16")),
                    products,
                    inputs,
                    states,
                    factor: (highway == 2).then(|| Factor::from_parts(multiplier, shift).expect("a good shift")),
                    skip_matrix: highway == 1,
                    starts: starts.clone(),
                    backward,
                    lanes,
                })
        },
    )
}

impl Units {
    fn run(&self, level: Level) -> (Vec<i16>, Vec<i16>, RecurrenceCounts) {
        let width = self.lanes + 3;
        let highway = match self.factor {
            Some(factor) => Highway::Input { codes: &self.inputs, width, column: 2, factor },
            None if self.skip_matrix => Highway::Product,
            None => Highway::None,
        };
        let recurrence = Recurrence {
            cell: self.cell,
            vectors: &self.vectors,
            products: &self.products,
            highway,
            starts: &self.starts,
            backward: self.backward,
        };
        let mut states: Vec<[i16; LANES]> = self.states.as_chunks().0.to_vec();
        let mut values = vec![77; self.inputs.len()];
        let target = Target { values: &mut values, width, column: 1, lanes: self.lanes };
        let counts = level.recur(&recurrence, &mut states, target);
        // Lanes that are not there have states of no meaning.
        let states = states.iter().flat_map(|state| &state[..self.lanes]).copied().collect();
        (values, states, counts)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 600 }))]

    #[test]
    fn products_are_the_same_at_every_level_and_by_definition(case in case()) {
        let scalar = case.run(Level::Scalar);
        prop_assert_eq!(&scalar.1, &case.defined());
        for level in Level::available() {
            prop_assert_eq!(&case.run(level), &scalar, "{}", level.name());
        }
    }

    #[test]
    fn recurrences_are_the_same_at_every_level(mut units in units()) {
        // Lanes that are not there hold zeros, as the engine's do.
        let lanes = units.lanes;
        let clear = |codes: &mut Vec<i16>| codes.chunks_mut(LANES).for_each(|codes| codes[lanes..].fill(0));
        clear(&mut units.products);
        clear(&mut units.states);
        units.vectors.iter_mut().for_each(|vector| vector[lanes..].fill(0));
        let scalar = units.run(Level::Scalar);
        for level in Level::available() {
            prop_assert_eq!(&units.run(level), &scalar, "{}", level.name());
        }
    }
}

#[test]
fn the_most_extreme_operands_are_summed_exactly() {
    let pairs = Bits::ALL.into_iter().flat_map(|weight| Bits::ALL.map(|activation| (weight, activation)));
    for (weight, activation) in pairs {
        for family in families(weight, activation) {
            for (code, input) in [(weight.min(), i16::MIN), (weight.max(), i16::MIN), (weight.min(), i16::MAX)] {
                let case = Case {
                    weights: vec![code as i16; LONG],
                    weight,
                    // Every input saturates at the operand's end.
                    operand: Operand {
                        requantizer: Requantizer::new(1.0).expect("a good ratio"),
                        bits: activation,
                        family,
                    },
                    rows: 7,
                    columns: 1,
                    inputs: vec![input; 7 * LONG],
                    requantizers: vec![Requantizer::new(1e-7).expect("a good ratio"); LANES],
                    biases: vec![5; LANES],
                };
                let expected = case.defined();
                for level in Level::available() {
                    assert_eq!(case.run(level).1, expected, "{weight:?} {activation:?} {family:?} {}", level.name());
                }
            }
        }
    }
}

#[test]
fn inputs_that_drive_every_sum_to_its_end_do_not_overflow_it() {
    // Weights of the size that makes runs as long as they may be, and inputs that follow or oppose their signs.
    let families = [
        (Bits::Four, Bits::Eight, Family::Quads),
        (Bits::Eight, Bits::Four, Family::Quads),
        (Bits::Four, Bits::Eight, Family::Nibbles),
        (Bits::Eight, Bits::Eight, Family::Quads),
        (Bits::Eight, Bits::Eight, Family::Pairs),
        (Bits::Sixteen, Bits::Sixteen, Family::Pairs),
    ];
    for (weight, activation, family) in families {
        for largest in [2, 5, weight.max() as i16] {
            let weights: Vec<i16> = (0..LONG).map(|i| [largest, -largest, 0, largest - 1][i % 7 % 4]).collect();
            for side in [1, -1] {
                let toward = |&weight: &i16| if weight * side > 0 { i16::MAX } else { i16::MIN };
                let case = Case {
                    inputs: weights.iter().map(toward).collect(),
                    weights: weights.clone(),
                    weight,
                    operand: Operand {
                        requantizer: Requantizer::new(1.0).expect("a good ratio"),
                        bits: activation,
                        family,
                    },
                    rows: 1,
                    columns: 1,
                    requantizers: vec![Requantizer::new(1.0 / 32_768.0).expect("a good ratio"); LANES],
                    biases: vec![0; LANES],
                };
                for level in Level::available() {
                    assert_eq!(
                        case.run(level).1,
                        case.defined(),
                        "{weight:?} {activation:?} {family:?} {largest} {side}"
                    );
                }
            }
        }
    }
}

#[test]
fn formats_of_the_tests_are_those_of_real_layers() {
    let cell = SruCell::new(Q16::Q1_14, Q16::Q5_10, Q16::Q8_7).expect("formats that go together");
    assert_eq!((cell.gate_shift, cell.hidden_shift), (13, 3));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 512 }))]

    #[test]
    fn cells_are_the_definition_at_every_level(
        kind in 0_usize..CellKind::ALL.len(),
        (fraction, shift, groups) in (0_u32..=14, prop::option::of(0_u32..=18), 1_usize..=3),
        input in codes(Bits::Sixteen, 3 * MAX_GATES * LANES),
        products in codes(Bits::Sixteen, 3 * MAX_GATES * LANES),
        (state, hidden) in (codes(Bits::Sixteen, 3 * LANES), codes(Bits::Sixteen, 3 * LANES)),
        peepholes in codes(Bits::Sixteen, 3 * MAX_PEEPHOLES * LANES),
    ) {
        let kind = CellKind::ALL[kind];
        let cell = RecurrentCell::from_parts(kind, fraction, shift.filter(|_| kind.peepholes() > 0)).expect("good parts");
        let (units, length) = (groups * LANES, groups * kind.gates() * LANES);
        let peepholes: Vec<[[i16; LANES]; MAX_PEEPHOLES]> = peepholes
            .chunks(MAX_PEEPHOLES * LANES)
            .map(|group| core::array::from_fn(|index| *group[index * LANES..].first_chunk().expect("16 codes")))
            .collect();
        let mut seen = Level::available().into_iter().map(|level| {
            let (mut state, mut hidden, mut clipped) = (state.clone(), hidden.clone(), Clipped::default());
            let mut row = CellRow {
                input: &input[..length],
                products: &products[..length],
                peepholes: &peepholes,
                state: &mut state[..units],
                hidden: &mut hidden[..units],
            };
            level.cells(cell, &mut row, &mut clipped);
            let chunk = |codes: &[i16]| *codes.first_chunk::<LANES>().expect("16 codes");
            let (u, v, h) = (chunk(&input), chunk(&products), chunk(&hidden));
            let mut gated = [0; LANES];
            level.gate(cell, [&u, &v, &h], &mut gated);
            (state, hidden, clipped, gated)
        });
        let scalar = seen.next().expect("every machine has the scalar level");
        prop_assert!(seen.all(|other| other == scalar));
    }
}

#[test]
fn both_functions_are_their_tables_at_every_argument_and_level() {
    let arguments: Vec<i16> = (i16::MIN..=i16::MAX).collect();
    let (zeros, ones) = (vec![0; arguments.len()], vec![1 << 14; arguments.len()]);
    let run = |level: Level, kind, gates: &[&[i16]], state: &[i16]| {
        let cell = RecurrentCell::from_parts(kind, 14, None).expect("good parts");
        let (mut state, mut hidden) = (state.to_vec(), zeros.clone());
        let mut row = CellRow {
            input: &gates.concat(),
            products: &zeros.repeat(gates.len()),
            peepholes: &vec![[[0; LANES]; MAX_PEEPHOLES]; arguments.len() / LANES],
            state: &mut state,
            hidden: &mut hidden,
        };
        level.cells(cell, &mut row, &mut Clipped::default());
        hidden
    };
    for level in Level::available() {
        let tangents = run(level, CellKind::RnnTanh, &[&arguments], &zeros);
        // Of a unit whose candidate is 0 and whose state was 1, the forget gate is left.
        let gates = run(level, CellKind::QrnnF, &[&zeros, &arguments], &ones);
        for (place, &argument) in arguments.iter().enumerate() {
            let expected = (HYPERBOLIC_TANGENT.at(argument), SIGMOID.at(argument));
            assert_eq!((tangents[place], gates[place]), expected, "{argument} {}", level.name());
        }
    }
}
