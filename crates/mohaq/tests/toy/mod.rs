//! A task that a network of simple recurrent units learns in seconds, and that needs memory.

use mohaq::nn::{Network, NetworkDescription};
use mohaq::train::TrainConfig;
use mohaq_speech::dataset::{Dataset, Features, NO_LABEL, Sequence, Task};

pub(crate) const CLASSES: usize = 3;

/// Features are two noisy numbers; the label of a frame says which of the last three frames had the largest first
/// number, which a network without memory cannot know.
pub(crate) fn sequence(index: usize) -> Sequence {
    let mut state = index as u64 * 2_654_435_761 + 12_345;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    let frames = 20 + index * 7 % 30;
    let values: Vec<f32> = (0..2 * frames).map(|_| random()).collect();
    let label = |t: usize| match t {
        0 | 1 => NO_LABEL,
        _ => (0..3).max_by(|&a, &b| values[2 * (t - a)].total_cmp(&values[2 * (t - b)])).unwrap_or(0) as u32,
    };
    let labels = (0..frames).map(label).collect();
    let features = Features { dim: 2, values };
    Sequence {
        id: format!("s{index}"),
        speaker: String::new(),
        features,
        labels,
        reference: Vec::new(),
        targets: Vec::new(),
    }
}

pub(crate) fn dataset() -> Dataset {
    Dataset {
        name: "toy".to_owned(),
        dim: 2,
        task: Task::Frames { classes: CLASSES },
        frame_shift_s: None,
        train: (0..60).map(sequence).collect(),
        valid: (60..80).map(sequence).collect(),
        test: Vec::new(),
        notes: Vec::new(),
    }
}

pub(crate) fn network() -> Network {
    let text = "input = 2\n[[layers]]\nkind = \"sru\"\nhidden = 20\nbidirectional = true\n[[layers]]\nkind = \"sru\"\n\
                hidden = 20\nbidirectional = true\nprojection = 10\n[[layers]]\nkind = \"linear\"\noutputs = 3";
    Network::new(&NetworkDescription::from_toml(text).expect("valid"), 1).expect("valid")
}

pub(crate) fn config(epochs: usize) -> TrainConfig {
    TrainConfig { epochs, batch: 4, learning_rate: 4e-3, dropout: 0.1, ..TrainConfig::default() }
}
