//! The network in an image, its streams, and every engine give the same codes and count the same saturations.

use super::*;
use crate::Bits;
use crate::arch::Level;
use crate::cell::{CellKind, Pointwise};
use crate::engine::{Engine, LayerCounts, Scratch};
use crate::image::networks::{Kind, LayerPlan, Numbers, SIZES, SitePlan, network, token_network};
use crate::image::{ImageParameters, write};
use crate::parameters::LayerParameters;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

/// A network and sequences for it.
#[derive(Debug)]
struct Case {
    file: Vec<u8>,
    codes: Vec<i16>,
    starts: Vec<usize>,
}

impl Case {
    fn new(network: &ImageParameters, lengths: &[usize], seed: u64) -> Self {
        let mut starts = vec![0];
        starts.extend(lengths.iter().scan(0, |end, length| {
            *end += length;
            Some(*end)
        }));
        let frames = lengths.iter().sum::<usize>();
        let codes = Numbers(seed).codes(Bits::Sixteen, frames * network.inputs);
        Self { file: write(network).expect("a good network"), codes, starts }
    }

    fn image(&self) -> Image<'_> {
        Image::parse(&self.file).expect("our own")
    }

    fn run(&self, image: &Image<'_>) -> (Vec<i16>, SaturationCount) {
        let net = Net::new(*image);
        let lengths = || self.starts.windows(2).map(|ends| ends[1] - ends[0]);
        let frames_out: usize = lengths().map(|frames| net.output_frames(frames)).sum();
        let mut outputs = vec![99; frames_out * image.outputs()];
        // What is in the arena must not matter.
        let mut arena = vec![-12_345; net.run_arena_len(lengths().max().unwrap_or(0))];
        let count = net.run(&self.codes, &self.starts, &mut arena, &mut outputs).expect("slices of the right length");
        (outputs, count)
    }

    fn step(&self, image: &Image<'_>) -> (Vec<i16>, SaturationCount) {
        let net = Net::new(*image);
        let mut arena = vec![-12_345; net.arena_len()];
        let mut state = vec![77; net.state_len().expect("no frames ahead")];
        let mut outputs = Vec::new();
        let mut count = SaturationCount::default();
        for sequence in self.starts.windows(2) {
            net.reset(&mut state).expect("a state of the right length");
            for frame in sequence[0]..sequence[1] {
                let codes = &self.codes[frame * image.inputs()..][..image.inputs()];
                let mut output = vec![99; image.outputs()];
                let stepped = net.step(codes, &mut state, &mut arena, &mut output).expect("slices of the right length");
                count.merge(stepped.count);
                if stepped.ready {
                    outputs.extend_from_slice(&output);
                } else {
                    assert!(output.iter().all(|&code| code == 99), "nothing came out");
                }
            }
        }
        (outputs, count)
    }

    fn run_engine(&self, image: &Image<'_>, level: Level, scratch: &mut Scratch) -> (Vec<i16>, SaturationCount) {
        let engine = Engine::from_image(level, image).expect("a small network");
        let (outputs, counts) = engine.run(&self.codes, &self.starts, scratch);
        (outputs, total(&counts))
    }

    fn step_engine(&self, image: &Image<'_>, level: Level) -> Vec<i16> {
        let engine = Engine::from_image(level, image).expect("a small network");
        let mut outputs = Vec::new();
        for sequence in self.starts.windows(2) {
            let mut stream = engine.stream().expect("no frames ahead");
            for frame in sequence[0]..sequence[1] {
                let codes = &self.codes[frame * engine.inputs()..][..engine.inputs()];
                let mut output = vec![99; engine.outputs()];
                if engine.step(codes, &mut stream, &mut output) {
                    outputs.extend_from_slice(&output);
                }
            }
        }
        outputs
    }

    fn check(&self) {
        let image = &self.image();
        let run = self.run(image);
        let is_stream = Net::new(*image).state_len().is_some();
        if is_stream {
            assert_eq!(self.step(image), run);
        }
        let mut scratch = Scratch::default();
        for level in Level::available() {
            assert_eq!(self.run_engine(image, level, &mut scratch), run, "{}", level.name());
            if is_stream {
                assert_eq!(self.step_engine(image, level), run.0, "{}", level.name());
            }
        }
    }
}

/// All codes and all clipped ones.
fn total(counts: &[LayerCounts]) -> SaturationCount {
    let mut total = SaturationCount::default();
    counts.iter().for_each(|counts| total.merge(counts.total()));
    total
}

/// Lengths of up to four sequences.
fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![Just(0), Just(1), Just(2), Just(7)], 0..=4)
}

/// The definition in the words of the book: a linear layer without packing, buffers and lanes.
fn linear_by_hand(network: &ImageParameters, codes: &[i16]) -> Vec<i16> {
    let [LayerParameters::Linear(site)] = network.layers.as_slice() else { unreachable!("one linear layer") };
    let output = |frame: &[i16], column: usize| {
        let products = frame.iter().enumerate().map(|(input, &code)| {
            let operand = site.input.apply_i32(code.into(), site.activation).code;
            i64::from(operand) * i64::from(site.weights[input * site.columns + column])
        });
        let requantizer = if site.outputs.len() == 1 { site.outputs[0] } else { site.outputs[column] };
        let bias = site.biases.get(column).copied().unwrap_or(0);
        let code = requantizer.scaled(products.sum()).saturating_add(bias.into());
        code.clamp(i16::MIN.into(), i16::MAX.into()) as i16
    };
    let frames = codes.chunks(site.inputs);
    frames.flat_map(|frame| (0..site.columns).map(move |column| output(frame, column))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 512 }))]

    #[test]
    fn image_stream_and_every_engine_agree(network in network(2), lengths in lengths(), seed: u64) {
        Case::new(&network, &lengths, seed).check();
    }

    #[test]
    fn streams_agree_with_whole_sequences(network in network(1), lengths in lengths(), seed: u64) {
        let case = Case::new(&network, &lengths, seed);
        prop_assert!(Net::new(case.image()).state_len().is_some());
        case.check();
    }
}

#[test]
fn every_pair_of_widths_agrees_in_every_kind_of_layer() {
    let mut seed = 0;
    for weight in Bits::ALL {
        for activation in Bits::ALL {
            let site = SitePlan { weight, activation, biased: true, by_column: false };
            for (directions, highway) in [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2), (1, 5), (2, 4)] {
                seed += 1;
                if cfg!(miri) && seed % 13 != 0 {
                    continue;
                }
                let split = seed % 3 == 0;
                let plan = |kind, size, projection| LayerPlan { kind, size, site, projection, split };
                let size = SIZES[seed as usize % SIZES.len()];
                let projection = (seed % 2 == 0).then_some((SIZES[3], site));
                let sru = plan(Kind::Sru(directions, highway), size, projection);
                let plans =
                    [sru, plan(Kind::Pointwise(Pointwise::Sigmoid), 1, None), plan(Kind::Linear, SIZES[1], None)];
                let network = Numbers(seed).network(SIZES[2], &plans);
                let lengths: &[usize] = if cfg!(miri) { &[0, 1] } else { &[2, 0, 7, 1] };
                Case::new(&network, lengths, seed).check();
            }
        }
    }
}

#[test]
fn every_cell_agrees_at_every_pair_of_widths() {
    let mut seed = 1000;
    for kind in CellKind::ALL {
        for weight in Bits::ALL {
            for activation in Bits::ALL {
                seed += 1;
                if cfg!(miri) && seed % 29 != 0 {
                    continue;
                }
                let site = SitePlan { weight, activation, biased: true, by_column: seed % 5 == 0 };
                let (directions, window) = (1 + seed as usize % 2, 1 + seed as usize / 2 % 2);
                let plan = LayerPlan {
                    kind: Kind::Recurrent(kind, directions, window, seed % 3 == 0),
                    size: SIZES[seed as usize % SIZES.len()],
                    site,
                    projection: (seed % 4 == 0).then_some((SIZES[seed as usize / 4 % SIZES.len()], site)),
                    split: seed % 7 < 3,
                };
                let network = Numbers(seed).network(SIZES[2], &[plan]);
                let lengths: &[usize] = if cfg!(miri) { &[0, 2] } else { &[2, 0, 7, 1, 7, 9, 3, 4] };
                Case::new(&network, lengths, seed).check();
            }
        }
    }
}

#[test]
fn tables_give_their_rows_and_refuse_others() {
    let site = SitePlan { weight: Bits::Eight, activation: Bits::Eight, biased: true, by_column: false };
    let kind = Kind::Recurrent(CellKind::GruAfter, 1, 1, false);
    let plan = LayerPlan { kind, size: SIZES[1], site, projection: None, split: false };
    let network = token_network(5, 3, &[plan]);
    let mut case = Case::new(&network, &[4, 0, 3], 1);
    case.codes = vec![0, 4, 4, 2, 1, 3, 0];
    case.check();
    for token in [5, -1] {
        case.codes[2] = token;
        let net = Net::new(case.image());
        let (mut arena, mut outputs) = (vec![0; net.run_arena_len(4)], vec![0; 7 * SIZES[1]]);
        let refused = net.run(&case.codes, &case.starts, &mut arena, &mut outputs);
        assert_eq!(refused, Err(Error::Token { index: 2, code: token, rows: 5 }));
    }
}

#[test]
fn a_convolution_goes_on_by_its_stride() {
    let site = SitePlan { weight: Bits::Eight, activation: Bits::Eight, biased: true, by_column: false };
    let conv = |kernel, stride, padding| LayerPlan {
        kind: Kind::Conv1d(kernel, stride, padding),
        size: 4,
        site,
        projection: None,
        split: false,
    };
    for (padding, frames) in [([0, 0], [0, 0, 1, 1, 2, 4]), ([2, 0], [1, 1, 2, 2, 3, 5]), ([1, 1], [1, 1, 2, 2, 3, 5])]
    {
        let network = Numbers(4).network(2, &[conv(3, 2, padding)]);
        let case = Case::new(&network, &[1, 2, 3, 4, 5, 9, 0], 1);
        let net = Net::new(case.image());
        assert_eq!([1, 2, 3, 4, 5, 9].map(|length| net.output_frames(length)), frames, "{padding:?}");
        assert_eq!(net.state_len().is_some(), padding[1] == 0);
        case.check();
    }
}

#[test]
fn linear_layers_follow_the_definition() {
    let mut seed = 0;
    for weight in Bits::ALL {
        for activation in Bits::ALL {
            for by_column in [false, true] {
                seed += 1;
                let site = SitePlan { weight, activation, biased: by_column, by_column };
                let plans = [LayerPlan { kind: Kind::Linear, size: SIZES[3], site, projection: None, split: false }];
                let network = Numbers(seed).network(SIZES[4], &plans);
                let case = Case::new(&network, &[3], seed);
                assert_eq!(
                    case.run(&case.image()).0,
                    linear_by_hand(&network, &case.codes),
                    "{weight:?} by {activation:?}"
                );
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "nothing new for Miri, and slow there")]
fn the_networks_of_these_tests_are_alive() {
    // A test of equality over nothing but saturated codes or zeros would hold for wrong networks too.
    let site = |activation| SitePlan { weight: Bits::Four, activation, biased: true, by_column: false };
    let plan = |kind, activation| LayerPlan { kind, size: 33, site: site(activation), projection: None, split: false };
    let plans = [plan(Kind::Sru(2, 1), Bits::Eight), plan(Kind::Linear, Bits::Four)];
    let case = Case::new(&Numbers(1).network(16, &plans), &[40], 2);
    let (mut outputs, count) = case.run(&case.image());
    assert!(count.clipped * 4 < count.total, "{count:?}");
    outputs.sort_unstable();
    outputs.dedup();
    assert!(outputs.len() > 500, "{} codes", outputs.len());
}

#[test]
fn slices_of_a_wrong_length_are_refused() {
    let site = SitePlan { weight: Bits::Four, activation: Bits::Eight, biased: true, by_column: false };
    let plan = |directions| LayerPlan { kind: Kind::Sru(directions, 1), size: 3, site, projection: None, split: false };
    let case = Case::new(&Numbers(5).network(2, &[plan(1), plan(1)]), &[1], 1);
    let net = Net::new(case.image());
    assert_eq!((net.state_len(), net.arena_len(), net.run_arena_len(7)), (Some(6), 24, 60));
    let step = |codes: usize, state: usize, arena: usize, outputs: usize| {
        net.step(&vec![0; codes], &mut vec![0; state], &mut vec![0; arena], &mut vec![0; outputs]).map(|_| ())
    };
    let error = |what, expected, got| Err(Error::Length { what, expected, got });
    assert_eq!(step(2, 6, 24, 3), Ok(()));
    assert_eq!(step(2, 6, 99, 3), Ok(()));
    assert_eq!(step(1, 6, 24, 3), error("codes of the frames", 2, 1));
    assert_eq!(step(2, 5, 24, 3), error("state", 6, 5));
    assert_eq!(step(2, 6, 23, 3), error("arena", 24, 23));
    assert_eq!(step(2, 6, 24, 4), error("outputs of the frames", 3, 4));
    let run = |starts: &[usize]| net.run(&[0; 4], starts, &mut [0; 99], &mut [0; 6]).map(|_| ());
    assert_eq!(run(&[0, 1, 2]), Ok(()));
    assert_eq!(run(&[]), error("first frames of sequences", 1, 0));
    assert_eq!(run(&[1, 2]), Err(Error::Starts { index: 0, least: 0, got: 1 }));
    assert_eq!(run(&[0, 2, 1]), Err(Error::Starts { index: 2, least: 2, got: 1 }));
    assert_eq!(run(&[0, usize::MAX]), error("codes of the frames", usize::MAX, 4));
    assert_eq!(net.run_arena_len(usize::MAX), usize::MAX);
}

#[test]
fn a_bidirectional_network_has_no_streams() {
    let site = SitePlan { weight: Bits::Four, activation: Bits::Eight, biased: true, by_column: false };
    let plans = [LayerPlan { kind: Kind::Sru(2, 1), size: 3, site, projection: None, split: false }];
    let case = Case::new(&Numbers(5).network(2, &plans), &[1], 1);
    let net = Net::new(case.image());
    assert_eq!(net.state_len(), None);
    assert_eq!(net.step(&[0; 2], &mut [0; 6], &mut [0; 99], &mut [0; 6]), Err(Error::Ahead));
}
