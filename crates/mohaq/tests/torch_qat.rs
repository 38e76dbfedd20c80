//! Quantization-aware training against PyTorch's quantizers and its autograd (`golden/qat/make.py`).

use mohaq::nn::{Batch, Gradients, Network, NetworkDescription, Workspace, frame_loss};
use mohaq::quant::{Calibration, Clips, QuantAware, QuantSpec};
use mohaq::tensor::Matrix;
use mohaq::train::{Arithmetic, Learned, TrainConfig, fit_in};
use mohaq_speech::dataset::{Dataset, Features, Sequence, Task};
use safetensors::SafeTensors;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// `qat.json`
#[derive(Deserialize)]
struct Document {
    description: String,
    bits: String,
    calibration: Calibration,
    lengths: Vec<usize>,
    labels: Vec<u32>,
    learning_rate: f64,
    losses: BTreeMap<String, Vec<f64>>,
}

struct Golden {
    document: Document,
    tensors: BTreeMap<String, Matrix>,
    network: Network,
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/qat").join(name)
}

impl Golden {
    fn read() -> Self {
        let text = std::fs::read_to_string(path("qat.json")).expect("a readable golden");
        let document: Document = serde_json::from_str(&text).expect("a golden of this form");
        let bytes = std::fs::read(path("qat.safetensors")).expect("a readable golden");
        let stored = SafeTensors::deserialize(&bytes).expect("valid safetensors");
        let matrix = |name: String, view: safetensors::tensor::TensorView<'_>| {
            let values = view.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
            (name, Matrix::from_rows(view.shape()[0], view.shape()[1], values))
        };
        let tensors: BTreeMap<String, Matrix> =
            stored.tensors().into_iter().map(|(name, view)| matrix(name, view)).collect();
        let description = NetworkDescription::from_toml(&document.description).expect("a description");
        let mut network = Network::zeros(&description).expect("a description");
        for parameter in network.parameters_mut() {
            *parameter.values = tensors[&parameter.name].clone();
        }
        Self { document, tensors, network }
    }

    fn aware(&self, clips: Clips) -> QuantAware {
        let spec = QuantSpec::parse(&self.document.bits, 4).expect("precisions");
        QuantAware::new(&self.network, self.document.calibration.clone(), spec, clips).expect("of this network")
    }

    fn sequences(&self) -> Vec<Sequence> {
        let features = &self.tensors["features"];
        let mut first = 0;
        let sequence = |(i, &frames): (usize, &usize)| {
            let values = features.data()[first * 5..(first + frames) * 5].to_vec();
            let labels = self.document.labels[first..first + frames].to_vec();
            first += frames;
            let features = Features { dim: 5, values };
            Sequence {
                id: format!("s{i}"),
                speaker: String::new(),
                features,
                labels,
                reference: Vec::new(),
                targets: Vec::new(),
            }
        };
        self.document.lengths.iter().enumerate().map(sequence).collect()
    }

    /// Loss and gradients at the first step, under the names of the golden.
    fn first_step(&self, clips: Clips) -> (f64, Vec<(String, Matrix)>) {
        let (sequences, mut workspace) = (self.sequences(), Workspace::new());
        let batch = Batch::of(&sequences, 5).expect("a batch");
        let aware = self.aware(clips);
        let mut gradients = Gradients::zeros(&self.network);
        let (trace, mut logits) = aware.run(&self.network).forward_train(&batch, &aware, None, &mut workspace);
        let loss = frame_loss(&mut logits, &self.document.labels).mean();
        aware.run(&self.network).backward(trace, &aware, logits, &mut gradients, &mut workspace);
        let learned = aware.back(&self.network, &mut gradients);
        let names = self.network.parameters().into_iter().map(|parameter| parameter.name);
        let names = names.chain(aware.learned().into_iter().map(|Learned { name, .. }| name));
        (loss, names.zip(gradients.matrices().iter().cloned().chain(learned)).collect())
    }
}

const WAYS: [(&str, Clips); 2] = [("static", Clips::Static), ("learned", Clips::Learned)];

/// Where no number changes its code only the order of sums differs. A number on a 16 bit grid may lie on a border and move
/// by its step, 2⁻¹⁰ at most, of which the mean over 20 frames of a loss sees 5e-5, and a gradient of about 0.1 a
/// thousandth.
const LOSS_BOUND: f64 = 5e-5;
const GRADIENT_BOUND: f64 = 2e-4;

fn distance(got: &Matrix, expected: &Matrix) -> f64 {
    assert_eq!(got.shape(), expected.shape());
    let pairs = got.data().iter().zip(expected.data());
    pairs.map(|(&got, &expected)| f64::from((got - expected).abs())).fold(0.0, f64::max)
}

#[test]
fn losses_and_gradients_of_the_first_step_are_those_of_autograd() {
    let golden = Golden::read();
    for (way, clips) in WAYS {
        let (loss, gradients) = golden.first_step(clips);
        assert!((loss - golden.document.losses[way][0]).abs() < LOSS_BOUND, "{way}: {loss}");
        let expected = golden.tensors.keys().filter(|name| name.starts_with(&format!("{way}."))).count();
        assert_eq!(gradients.len(), expected, "every gradient of the golden has one here");
        for (name, gradient) in &gradients {
            let expected = &golden.tensors[&format!("{way}.{name}")];
            let off = distance(gradient, expected);
            assert!(off < GRADIENT_BOUND, "{way}, {name}: off by {off}");
            assert!(
                expected.data().iter().any(|d| f64::from(d.abs()) > 10.0 * GRADIENT_BOUND),
                "{name} proves nothing"
            );
        }
    }
}

/// What a wrong mask would do is far beyond the bound.
#[test]
fn the_comparison_sees_a_missing_mask() {
    let golden = Golden::read();
    let (_, gradients) = golden.first_step(Clips::Static);
    let masked = gradients.iter().filter(|(name, gradient)| {
        let zeros = |matrix: &Matrix| matrix.data().iter().filter(|&&d| d == 0.0).count();
        let expected = &golden.tensors[&format!("static.{name}")];
        assert_eq!(zeros(gradient), zeros(expected), "{name}: what PyTorch masks");
        zeros(gradient) > 0
    });
    assert!(masked.count() >= 3, "weights beyond their clips in most matrices");
    let (_, learned) = golden.first_step(Clips::Learned);
    let clip = learned.iter().find(|(name, _)| name == "b.weight_clip").expect("a learned clip");
    assert!(f64::from(clip.1.data()[0].abs()) > 10.0 * GRADIENT_BOUND);
}

#[test]
fn some_steps_of_adam_lead_where_pytorch_goes() {
    let golden = Golden::read();
    for (way, clips) in WAYS {
        let sequences = golden.sequences();
        let dataset = Dataset {
            name: "golden".to_owned(),
            dim: 5,
            task: Task::Frames { classes: 4 },
            frame_shift_s: None,
            train: sequences.clone(),
            valid: sequences,
            test: Vec::new(),
            notes: Vec::new(),
        };
        let losses = &golden.document.losses[way];
        // One batch an epoch, and never a step that the schedule shortens.
        let config = TrainConfig {
            epochs: losses.len() - 1,
            batch: 3,
            learning_rate: golden.document.learning_rate,
            decay: 1.0,
            patience: 100,
            dropout: 0.0,
            clip_norm: 0.0,
            ..TrainConfig::default()
        };
        let (mut network, mut aware) = (golden.network.clone(), golden.aware(clips));
        let observe = &mut |_: &_| ControlFlow::Continue(());
        let (history, _) =
            fit_in(&mut aware, &mut network, dataset.development(), &config, None, observe).expect("trained");
        for (epoch, pair) in history.epochs.iter().zip(losses.windows(2)) {
            // Adam divides by the root of the second moment: a gradient near zero takes a full step either way.
            let off = (epoch.train_loss - pair[0]).abs().max((epoch.valid_loss - pair[1]).abs());
            assert!(off < 5e-3, "{way}, step {}: off by {off}", epoch.epoch);
        }
        assert!(losses[0] - losses[losses.len() - 1] > 0.05, "the loss moves much farther than the bound");
    }
}
