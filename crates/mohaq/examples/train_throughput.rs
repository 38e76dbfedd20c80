//! Training speed of the paper's network: 8 sequences of 200 frames a step, random data, Adam; in floating point, and with
//! weights of 2, 4 or 8 and activations of 4, 8 or 16 bits, drawn for every site.
//!
//! ```text
//! cargo run --release -p mohaq --example train_throughput -- --threads 2 --steps 6
//! ```
//!
//! prints one JSON object. Before it reports a speed it checks that loss and gradients are finite and that the loss
//! falls: the labels are random but the same at every step, so a network of this size learns them by heart.

use mohaq::nn::{Batch, Float, Gradients, Network, NetworkDescription, Workspace, frame_loss};
use mohaq::quant::{Clips, Precision, QuantAware, QuantSpec, QuantizeSettings, calibrate};
use mohaq::tensor::Matrix;
use mohaq::train::{Adam, Arithmetic};
use mohaq_rt::Bits;
use mohaq_speech::dataset::{Features, Sequence};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::time::Instant;

const INPUTS: usize = 23;
const CLASSES: usize = 1904;
const LEARNING_RATE: f64 = 1e-3;

struct Options {
    threads: usize,
    steps: usize,
    batch: usize,
    frames: usize,
    layer0_matrices: usize,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { threads: 2, steps: 6, batch: 8, frames: 200, layer0_matrices: 4 };
        while let Some(name) = arguments.next() {
            let place = match name.as_str() {
                "--threads" => &mut options.threads,
                "--steps" => &mut options.steps,
                "--batch" => &mut options.batch,
                "--frames" => &mut options.frames,
                "--layer0-k" => &mut options.layer0_matrices,
                _ => return Err(format!("unknown option {name}: --threads, --steps, --batch, --frames, --layer0-k")),
            };
            let value = arguments.next().and_then(|value| value.parse().ok()).filter(|&value| value > 0);
            *place = value.ok_or(format!("{name} wants a number above 0"))?;
        }
        match options.layer0_matrices {
            3 | 4 => Ok(options),
            other => Err(format!("--layer0-k is 3 or 4, not {other}")),
        }
    }
}

fn description(options: &Options) -> Result<NetworkDescription, mohaq::Error> {
    let layer = |extra: &str| {
        format!("[[layers]]\nkind = \"sru\"\nhidden = 550\nbidirectional = true\nhighway_bias = -1.0\n{extra}\n")
    };
    let first = layer(if options.layer0_matrices == 4 { "skip = \"matrix\"" } else { "skip = \"none\"" });
    let others = layer("projection = 256").repeat(3);
    let last = format!("[[layers]]\nkind = \"linear\"\noutputs = {CLASSES}");
    NetworkDescription::from_toml(&format!("input = {INPUTS}\n{first}{others}{last}"))
}

/// First-order autoregressive features of unit variance, like normalised filter banks.
fn features(options: &Options, random: &mut ChaCha8Rng) -> Matrix {
    let frames = options.batch * options.frames;
    // Uniform with unit variance.
    let mut draw = || (f64::from(random.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0) * 3.0_f64.sqrt();
    let mut matrix = Matrix::from_rows(frames, INPUTS, (0..frames * INPUTS).map(|_| draw() as f32).collect());
    for frame in (0..frames).filter(|frame| frame % options.frames != 0) {
        for column in 0..INPUTS {
            let before = matrix.row(frame - 1)[column];
            let now = &mut matrix.row_mut(frame)[column];
            *now = 0.8 * before + 0.6 * *now;
        }
    }
    matrix
}

/// `VmHWM` of this process in MiB, where the system tells it.
fn peak_memory_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

/// Speed and losses of one arithmetic.
fn measure(
    arithmetic: &mut impl Arithmetic,
    mut network: Network,
    batch: &Batch,
    labels: &[u32],
    steps: usize,
) -> Result<serde_json::Value, mohaq::Error> {
    let learned = arithmetic.learned();
    let mut adam = Adam::new(&network);
    let mut gradients = Gradients::zeros(&network);
    let mut workspace = Workspace::new();
    let mut losses = Vec::new();
    let mut seconds = Vec::new();
    for _ in 0..=steps {
        let began = Instant::now();
        arithmetic.prepare(&network, &learned)?;
        let run = arithmetic.run(&network);
        let (trace, mut logits) = run.forward_train(batch, arithmetic, None, &mut workspace);
        losses.push(frame_loss(&mut logits, labels).mean());
        run.backward(trace, arithmetic, logits, &mut gradients, &mut workspace);
        arithmetic.back(&network, &mut gradients);
        adam.step(&mut network, &gradients, 1.0, LEARNING_RATE, 0.0);
        seconds.push(began.elapsed().as_secs_f64());
    }
    let finite = |matrix: &Matrix| matrix.data().iter().all(|x| x.is_finite());
    assert!(losses.iter().all(|loss| loss.is_finite()), "losses {losses:?}");
    assert!(gradients.matrices().iter().all(finite), "a gradient is not finite");
    assert!(losses[steps] < losses[0], "the loss does not fall: {losses:?}");

    // The first step fetches memory from the system.
    let mut seconds = seconds.split_off(1);
    seconds.sort_by(f64::total_cmp);
    let median = seconds[seconds.len() / 2];
    let frames = batch.frames() as f64;
    Ok(serde_json::json!({
        "frames_per_s": (frames / median).round(),
        "best_frames_per_s": (frames / seconds[0]).round(),
        "worst_frames_per_s": (frames / seconds[seconds.len() - 1]).round(),
        "loss_first": losses[0],
        "loss_last": losses[steps],
    }))
}

/// The network with random bits, calibrated on the batch.
fn quantized(network: &Network, batch: &Batch, random: &mut ChaCha8Rng) -> Result<QuantAware, mohaq::Error> {
    let sequences = batch.starts().windows(2).enumerate().map(|(i, ends)| Sequence {
        id: i.to_string(),
        speaker: String::new(),
        features: Features {
            dim: INPUTS,
            values: batch.features().data()[ends[0] * INPUTS..ends[1] * INPUTS].to_vec(),
        },
        labels: Vec::new(),
        reference: Vec::new(),
        targets: Vec::new(),
    });
    let calibration = calibrate(network, &sequences.collect::<Vec<_>>(), &QuantizeSettings::default())?;
    let mut draw = |widths: [Bits; 3]| widths[random.next_u32() as usize % 3];
    let precision =
        |_| Precision::new(draw([Bits::Two, Bits::Four, Bits::Eight]), draw([Bits::Four, Bits::Eight, Bits::Sixteen]));
    let spec = QuantSpec((0..calibration.sites.len()).map(precision).collect());
    QuantAware::new(network, calibration, spec, Clips::Static)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse(std::env::args().skip(1))?;
    rayon::ThreadPoolBuilder::new().num_threads(options.threads).build_global()?;
    let network = Network::new(&description(&options)?, 1)?;
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let starts = (0..=options.batch).map(|sequence| sequence * options.frames).collect();
    let batch = Batch::new(features(&options, &mut random), starts)?;
    let labels: Vec<u32> = (0..batch.frames()).map(|_| random.next_u32() % CLASSES as u32).collect();
    let mut quantized = quantized(&network, &batch, &mut random)?;
    let float = measure(&mut Float, network.clone(), &batch, &labels, options.steps)?;
    let quantized = measure(&mut quantized, network, &batch, &labels, options.steps)?;
    let report = serde_json::json!({
        "benchmark": "train_throughput",
        "threads": options.threads,
        "batch": options.batch,
        "frames": options.frames,
        "layer0_k": options.layer0_matrices,
        "float32": float,
        "quantized": quantized,
        "peak_memory_mib": peak_memory_mib(),
    });
    println!("{report}");
    Ok(())
}
