//! Latency of recurrent layers in integers, one thread, batch 1: `cargo run --release -p mohaq --example cell_latency`, or
//! with `-- lstm_4x8` one cell and precision alone.
//!
//! Two layers of 256 units over 40 inputs and 300 frames, the shape on which ONNX Runtime's and PyTorch's int8 are usually
//! timed. Before anything is timed, the outputs are held against the scalar definition with `==` and against floating point.
//! Prints one line of JSON for every vector level of the machine: microseconds a frame, whole sequences and frame by frame.

use mohaq::nn::{Batch, Float, Network, NetworkDescription};
use mohaq::quant::{IntegerBank, QuantSpec, QuantizeSettings, calibrate};
use mohaq_rt::Level;
use mohaq_rt::engine::{Engine, Scratch};
use mohaq_speech::dataset::{Features, Sequence};
use std::time::Instant;

const INPUTS: usize = 40;
const HIDDEN: usize = 256;
const FRAMES: usize = 300;
const REPEATS: usize = 21;

fn main() -> mohaq::Result<()> {
    for level in Level::available().into_iter().skip(1) {
        let mut results = serde_json::Map::from_iter([("level".to_owned(), level.name().into())]);
        for cell in ["lstm", "gru"] {
            measure(cell, level, &mut results)?;
        }
        println!("{}", serde_json::Value::Object(results));
    }
    Ok(())
}

/// Times `cell` at every precision and adds it to `results`.
fn measure(cell: &str, level: Level, results: &mut serde_json::Map<String, serde_json::Value>) -> mohaq::Result<()> {
    let layer = format!("[[layers]]\nkind = \"{cell}\"\nhidden = {HIDDEN}\n");
    let text = format!("input = {INPUTS}\n{layer}{layer}");
    let network = Network::new(&NetworkDescription::from_toml(&text)?, 1)?;
    let sequence = noise(1);
    let calibration = calibrate(&network, &[noise(2), noise(3)], &QuantizeSettings::default())?;
    let float = network.forward(&Batch::of([&sequence], INPUTS)?, &Float);
    let scalar = IntegerBank::at_level(&network, calibration.clone(), Level::Scalar)?;
    let bank = IntegerBank::at_level(&network, calibration, level)?;
    let codes: Vec<i16> = sequence.features.values.iter().map(|&x| bank.input().code(x).code).collect();
    let wanted = std::env::args().nth(1).unwrap_or_default();
    for bits in
        ["16x16", "8x8", "4x8", "2x8", "4x4"].into_iter().filter(|bits| format!("{cell}_{bits}").contains(&wanted))
    {
        let spec = QuantSpec::parse(bits, network.workload().sites.len())?;
        let (engine, definition) = (bank.engine(&spec)?, scalar.engine(&spec)?);
        let run = |engine: &Engine| engine.run(&codes, &[0, FRAMES], &mut Scratch::default()).0;
        let outputs = run(&engine);
        assert_eq!(outputs, run(&definition), "{cell} {bits}");
        let values = outputs.iter().map(|&code| bank.output().value(code));
        let off = values.zip(float.data()).map(|(x, &y)| (x - y).abs()).fold(0.0, f32::max);
        let (whole, frames) = (whole(&engine, &codes), frame_by_frame(&engine, &codes, &outputs));
        let result = serde_json::json!({ "us_per_frame": whole, "us_per_streamed_frame": frames, "max_abs_diff": off });
        results.insert(format!("{cell}_{bits}"), result);
    }
    Ok(())
}

/// A sequence of numbers of about unit variance.
fn noise(seed: u64) -> Sequence {
    let mut state = seed;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let values = (0..FRAMES * INPUTS).map(|_| (0..12).map(|_| uniform()).sum()).collect();
    let features = Features { dim: INPUTS, values };
    Sequence {
        id: seed.to_string(),
        speaker: String::new(),
        features,
        labels: vec![0; FRAMES],
        reference: Vec::new(),
        targets: Vec::new(),
    }
}

/// Median of some runs, in microseconds a frame.
fn median(mut run: impl FnMut()) -> f64 {
    run();
    let mut seconds: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let begun = Instant::now();
            run();
            begun.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[REPEATS / 2] * 1e6 / FRAMES as f64
}

fn whole(engine: &Engine, codes: &[i16]) -> f64 {
    let mut scratch = Scratch::default();
    median(|| {
        engine.run(codes, &[0, FRAMES], &mut scratch);
    })
}

fn frame_by_frame(engine: &Engine, codes: &[i16], outputs: &[i16]) -> f64 {
    let mut output = vec![0; engine.outputs()];
    median(|| {
        let mut stream = engine.stream().expect("one direction");
        for (codes, expected) in codes.chunks(INPUTS).zip(outputs.chunks(engine.outputs())) {
            assert!(engine.step(codes, &mut stream, &mut output));
            assert_eq!(output, expected);
        }
    })
}
