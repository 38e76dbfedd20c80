//! The network in an image, its streams, and every engine give the same codes and count the same saturations.

use super::*;
use crate::arch::Level;
use crate::engine::{Engine, LayerCounts, Scratch, SiteCounts};
use crate::image::networks::{Kind, LayerPlan, Numbers, SIZES, SitePlan, network};
use crate::image::{ImageParameters, write};
use crate::parameters::LayerParameters;
use crate::{Bits, cell::Pointwise};
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
        let frames = self.starts[self.starts.len() - 1];
        let mut outputs = vec![99; frames * image.outputs()];
        // What is in the arena must not matter.
        let mut arena = vec![-12_345; net.run_arena_len(frames)];
        let count = net.run(&self.codes, &self.starts, &mut arena, &mut outputs).expect("slices of the right length");
        (outputs, count)
    }

    fn step(&self, image: &Image<'_>) -> (Vec<i16>, SaturationCount) {
        let net = Net::new(*image);
        let mut arena = vec![-12_345; net.arena_len()];
        let mut state = vec![77; net.state_len().expect("one direction")];
        let mut outputs = vec![99; self.starts[self.starts.len() - 1] * image.outputs()];
        let mut count = SaturationCount::default();
        for sequence in self.starts.windows(2) {
            net.reset(&mut state);
            for frame in sequence[0]..sequence[1] {
                let codes = &self.codes[frame * image.inputs()..][..image.inputs()];
                let outputs = &mut outputs[frame * image.outputs()..][..image.outputs()];
                count.merge(net.step(codes, &mut state, &mut arena, outputs).expect("slices of the right length"));
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
        let mut outputs = vec![99; self.starts[self.starts.len() - 1] * engine.outputs()];
        for sequence in self.starts.windows(2) {
            let mut stream = engine.stream().expect("one direction");
            for frame in sequence[0]..sequence[1] {
                let codes = &self.codes[frame * engine.inputs()..][..engine.inputs()];
                engine.step(codes, &mut stream, &mut outputs[frame * engine.outputs()..][..engine.outputs()]);
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
    for LayerCounts { projection, site, gates, highway } in counts {
        for SiteCounts { input, outputs } in [projection, site] {
            total.merge(*input);
            outputs.iter().for_each(|&count| total.merge(count));
        }
        total.merge(*gates);
        total.merge(*highway);
    }
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
            let plan = |kind, size, projection| LayerPlan { kind, size, site, projection };
            for (directions, highway) in [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)] {
                seed += 1;
                if cfg!(miri) && seed % 13 != 0 {
                    continue;
                }
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
fn linear_layers_follow_the_definition() {
    let mut seed = 0;
    for weight in Bits::ALL {
        for activation in Bits::ALL {
            for by_column in [false, true] {
                seed += 1;
                let site = SitePlan { weight, activation, biased: by_column, by_column };
                let plans = [LayerPlan { kind: Kind::Linear, size: SIZES[3], site, projection: None }];
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
    let plan = |kind, activation| LayerPlan { kind, size: 33, site: site(activation), projection: None };
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
    let plan = |directions| LayerPlan { kind: Kind::Sru(directions, 1), size: 3, site, projection: None };
    let case = Case::new(&Numbers(5).network(2, &[plan(1), plan(1)]), &[1], 1);
    let net = Net::new(case.image());
    assert_eq!((net.state_len(), net.arena_len(), net.run_arena_len(7)), (Some(6), 12, 66));
    let step = |codes: usize, state: usize, arena: usize, outputs: usize| {
        net.step(&vec![0; codes], &mut vec![0; state], &mut vec![0; arena], &mut vec![0; outputs]).map(|_| ())
    };
    let error = |what, expected, got| Err(Error::Length { what, expected, got });
    assert_eq!(step(2, 6, 12, 3), Ok(()));
    assert_eq!(step(2, 6, 99, 3), Ok(()));
    assert_eq!(step(1, 6, 12, 3), error("codes of the frames", 2, 1));
    assert_eq!(step(2, 5, 12, 3), error("state", 6, 5));
    assert_eq!(step(2, 6, 11, 3), error("arena", 12, 11));
    assert_eq!(step(2, 6, 12, 4), error("outputs of the frames", 3, 4));
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
    let plans = [LayerPlan { kind: Kind::Sru(2, 1), size: 3, site, projection: None }];
    let case = Case::new(&Numbers(5).network(2, &plans), &[1], 1);
    let net = Net::new(case.image());
    assert_eq!(net.state_len(), None);
    assert_eq!(net.step(&[0; 2], &mut [0; 6], &mut [0; 99], &mut [0; 6]), Err(Error::Bidirectional));
}
