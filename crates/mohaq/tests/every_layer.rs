//! Every kind of layer goes the whole way: float, calibrated, quantization-aware, integers at every level, image, stream.

use mohaq::nn::{Batch, Float, Network, NetworkDescription};
use mohaq::quant::{Calibration, Clips, IntegerBank, QuantAware, QuantSpec, QuantizeSettings, calibrate};
use mohaq::train::Arithmetic;
use mohaq_rt::Level;
use mohaq_rt::engine::{Engine, Scratch};
use mohaq_rt::image::Image;
use mohaq_rt::net::Net;
use mohaq_speech::dataset::{Features, Sequence};

const INPUTS: usize = 5;

/// A network for every choice that a user has, and the largest distance of its 16 bit integers from floating point that
/// tables within 2.6 steps of Q1.14, states of a few units and some twenty frames explain.
const LAYERS: &[&str] = &[
    "kind = \"rnn\"\nhidden = 7",
    "kind = \"rnn\"\nhidden = 7\nactivation = \"relu\"\nbidirectional = true",
    "kind = \"lstm\"\nhidden = 17",
    "kind = \"lstm\"\nhidden = 5\nbidirectional = true\npeepholes = true\nprojection = 3",
    "kind = \"lstm\"\nhidden = 6\ncoupled = true\npeepholes = true\nper_gate = true",
    "kind = \"gru\"\nhidden = 16\nbidirectional = true",
    "kind = \"gru\"\nhidden = 6\nper_gate = true",
    "kind = \"gru\"\nhidden = 6\nreset = \"before\"",
    "kind = \"gru\"\nhidden = 6\nreset = \"before\"\nper_gate = true\nbidirectional = true",
    "kind = \"ligru\"\nhidden = 9\nbidirectional = true",
    "kind = \"mgu\"\nhidden = 9\nper_gate = true",
    "kind = \"qrnn\"\nhidden = 6\npooling = \"f\"",
    "kind = \"qrnn\"\nhidden = 6\nwindow = 2\nbidirectional = true\nper_gate = true",
    "kind = \"sru\"\nhidden = 6\nper_gate = true\nprojection = 4\nskip = \"matrix\"",
    "kind = \"linear\"\noutputs = 6\n[[layers]]\nkind = \"sru\"\nhidden = 3\nbidirectional = true\nlayer_norm = true",
    "kind = \"conv1d\"\noutputs = 6\nkernel = 3\nstride = 2\npadding = [1, 1]",
    "kind = \"conv1d\"\noutputs = 6\nkernel = 3\nstride = 2\npadding = [2, 0]\n[[layers]]\nkind = \"tanh\"",
    "kind = \"conv1d\"\noutputs = 48\nkernel = 2\n[[layers]]\nkind = \"linear\"\noutputs = 37",
    "kind = \"layernorm\"",
    "kind = \"layernorm\"\n[[layers]]\nkind = \"sigmoid\"",
];

const BOUND: f32 = 0.02;

struct Case {
    network: Network,
    calibration: Calibration,
    batch: Batch,
}

fn sequences(input: usize, value: &dyn Fn(usize) -> f32) -> Vec<Sequence> {
    let sequence = |i: usize| {
        let frames = [12, 1, 7, 23, 3, 12][i];
        let features = Features { dim: input, values: (0..input * frames).map(|k| value(k + 31 * i)).collect() };
        Sequence {
            id: format!("s{i}"),
            speaker: String::new(),
            features,
            labels: vec![0; frames],
            reference: Vec::new(),
            targets: Vec::new(),
        }
    };
    (0..6).map(sequence).collect()
}

impl Case {
    fn new(layers: &str) -> Self {
        let text = format!(
            "input = {INPUTS}\n[[layers]]\n{layers}\n[[layers]]\nkind = \"gru\"\nhidden = 5\n[[layers]]\nkind = \"linear\"\noutputs = 4"
        );
        let value = |k: usize| 1.5 * libm::sinf(0.9 * k as f32) * libm::cosf(0.013 * (k * k) as f32);
        Self::of(&text, &sequences(INPUTS, &value))
    }

    fn of(text: &str, sequences: &[Sequence]) -> Self {
        let network = Network::new(&NetworkDescription::from_toml(text).expect("valid"), 3).expect("valid");
        let calibration = calibrate(&network, sequences, &QuantizeSettings::default()).expect("a calibration");
        let batch = Batch::of(sequences, network.inputs()).expect("a batch");
        Self { network, calibration, batch }
    }

    fn sites(&self) -> usize {
        self.network.workload().sites.len()
    }

    fn bank(&self, level: Level) -> IntegerBank<'_> {
        IntegerBank::at_level(&self.network, self.calibration.clone(), level).expect("a bank")
    }

    fn codes(&self, bank: &IntegerBank<'_>) -> Vec<i16> {
        self.batch.features().data().iter().map(|&x| bank.input().code(x).code).collect()
    }

    fn run(&self, level: Level, spec: &QuantSpec) -> Vec<i16> {
        let bank = self.bank(level);
        let engine = bank.engine(spec).expect("an engine");
        engine.run(&self.codes(&bank), self.batch.starts(), &mut Scratch::default()).0
    }

    fn values(&self, codes: &[i16]) -> Vec<f32> {
        let output = self.bank(Level::Scalar).output();
        codes.iter().map(|&code| output.value(code)).collect()
    }
}

fn spec(case: &Case, bits: &[&str]) -> QuantSpec {
    let all: Vec<&str> = bits.iter().copied().cycle().take(case.sites()).collect();
    QuantSpec::parse(&all.join(" "), case.sites()).expect("a spec")
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn all_cases() -> impl Iterator<Item = (&'static str, Case)> {
    LAYERS.iter().map(|&layers| (layers, Case::new(layers))).chain([("a table", tokens())])
}

fn tokens() -> Case {
    let text = "input = 1\n[[layers]]\nkind = \"embedding\"\nvocabulary = 11\noutputs = 6\n[[layers]]\nkind = \"lstm\"\nhidden = 5\n[[layers]]\nkind = \"linear\"\noutputs = 4";
    Case::of(text, &sequences(1, &|k| (k * k % 11) as f32))
}

#[test]
fn sixteen_bit_integers_are_near_floating_point() {
    for (layers, case) in all_cases() {
        let float = case.network.forward(&case.batch, &Float);
        let codes = case.run(Level::Scalar, &spec(&case, &["16x16"]));
        let off = distance(&case.values(&codes), float.data());
        let largest = float.data().iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        assert!(off <= BOUND, "{layers}: off by {off}");
        assert!(largest > 10.0 * BOUND, "{layers}: outputs as small as {largest} prove nothing");
    }
}

#[test]
fn quantization_aware_arithmetic_is_near_the_integers_at_every_width() {
    for (layers, case) in all_cases() {
        for bits in [&["8x8"][..], &["4x8", "8x4", "16x8"]] {
            let spec = spec(&case, bits);
            let aware = QuantAware::new(&case.network, case.calibration.clone(), spec.clone(), Clips::Static)
                .expect("a network");
            let got = aware.run(&case.network).forward(&case.batch, &aware);
            let codes = case.run(Level::Scalar, &spec);
            // An operand that lies near a tie falls on either side: one step of 4 bits is a seventh of the clip.
            let off = distance(&case.values(&codes), got.data());
            assert!(off <= if bits.len() == 1 { 0.05 } else { 0.4 }, "{layers} {spec}: off by {off}");
        }
    }
}

#[test]
fn every_level_the_image_and_streams_compute_the_same_codes() {
    for (layers, case) in all_cases() {
        for bits in [&["8x8"][..], &["2x4", "4x8", "16x16", "8x2", "4x4"]] {
            let spec = spec(&case, bits);
            let measured = case.run(Level::Scalar, &spec);
            for level in Level::available() {
                assert_eq!(case.run(level, &spec), measured, "{layers} {spec}, {}", level.name());
            }
            let bank = case.bank(Level::Scalar);
            let bytes = bank.image(&spec).expect("an image");
            let net = Net::new(Image::parse(&bytes).expect("our own"));
            let (codes, starts) = (case.codes(&bank), case.batch.starts());
            let longest = starts.windows(2).map(|ends| ends[1] - ends[0]).max().expect("sequences");
            let (mut arena, mut shipped) = (vec![0; net.run_arena_len(longest)], vec![0; measured.len()]);
            net.run(&codes, starts, &mut arena, &mut shipped).expect("slices of the right length");
            assert_eq!(shipped, measured, "{layers} {spec}, image");
            let engine = bank.engine(&spec).expect("an engine");
            assert_eq!(engine.stream().is_ok(), net.state_len().is_some());
            if let Some(kept) = net.state_len() {
                // A convolution also counts the frames that are missing to its next window.
                let counters = layers.matches("conv1d").count() as u64;
                assert_eq!(case.network.workload().state + counters, kept as u64, "{layers}");
            }
            if engine.stream().is_ok() {
                assert_eq!(stream(&engine, &codes, starts), measured, "{layers} {spec}, stream");
            }
        }
    }
}

fn stream(engine: &Engine, codes: &[i16], starts: &[usize]) -> Vec<i16> {
    let mut outputs = Vec::new();
    for ends in starts.windows(2) {
        let mut stream = engine.stream().expect("no frames ahead");
        for codes in codes[ends[0] * engine.inputs()..ends[1] * engine.inputs()].chunks(engine.inputs()) {
            let mut output = vec![0; engine.outputs()];
            if engine.step(codes, &mut stream, &mut output) {
                outputs.extend(output);
            }
        }
    }
    outputs
}

#[test]
fn gates_apart_compute_what_gates_tied_do() {
    for kind in ["lstm", "gru", "ligru", "mgu", "qrnn", "sru"] {
        let layer = |split: bool| format!("kind = \"{kind}\"\nhidden = 6\nbidirectional = true\nper_gate = {split}");
        let (tied, mut apart) = (Case::new(&layer(false)), Case::new(&layer(true)));
        let gates = split_parameters(&tied.network, &mut apart.network);
        assert!(gates >= 2, "{kind}");
        let floats = [&tied, &apart].map(|case| case.network.forward(&case.batch, &Float));
        assert_eq!(floats[0], floats[1], "{kind}");
    }
}

/// Copies the parameters of `tied` to those of `apart`, gate by gate, and says how many gates the first matrix has.
fn split_parameters(tied: &Network, apart: &mut Network) -> usize {
    let tied: Vec<(String, _)> = tied.parameters().into_iter().map(|p| (p.name, p.values.clone())).collect();
    let names: Vec<String> = apart.parameters().into_iter().map(|p| p.name).collect();
    let (directions, hidden) = (2, 6);
    let mut most = 0;
    for (name, values) in &tied {
        let parts: Vec<usize> = (0..names.len())
            .filter(|&i| {
                names[i] == *name || names[i].strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'))
            })
            .collect();
        // Of a product that reads something else, the gates are those of the next.
        let whole = parts.iter().any(|&i| names[i] == *name);
        let gates = values.cols() / (directions * hidden);
        for (gate, &place) in parts.iter().take(if whole { 1 } else { gates }).enumerate() {
            let mut parameters = apart.parameters_mut();
            let to = &mut parameters[place].values;
            if whole {
                to.data_mut().copy_from_slice(values.data());
                continue;
            }
            most = most.max(gate + 1);
            for row in 0..to.rows() {
                for direction in 0..directions {
                    let from = (direction * gates + gate) * hidden;
                    to.row_mut(row)[direction * hidden..][..hidden].copy_from_slice(&values.row(row)[from..][..hidden]);
                }
            }
        }
    }
    most
}
