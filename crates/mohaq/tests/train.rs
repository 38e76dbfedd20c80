//! Training: it learns, it goes on where it was killed, and it refuses what it cannot use.

mod toy;

use mohaq::Error;
use mohaq::nn::{Float, Network, NetworkDescription};
use mohaq::train::{Epoch, History, TrainConfig, evaluate, fit};
use mohaq_speech::dataset::{Dataset, Pooling, Task};
use std::ops::ControlFlow;
use std::path::Path;
use toy::{CLASSES, config, dataset, network};

/// Trains with `threads`, and stops after `steps` steps.
fn train(dataset: &Dataset, config: &TrainConfig, run: Option<&Path>, threads: usize, steps: usize) -> Trained {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let mut network = network();
    let mut taken = 0;
    let mut observer = |_: &_| {
        taken += 1;
        if taken > steps { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let history = pool.install(|| fit(&mut network, dataset.development(), config, run, &mut observer))?;
    Ok((network, history))
}

type Trained = mohaq::Result<(Network, History)>;

/// All but the time it took.
fn without_seconds(history: &History) -> Vec<Epoch> {
    history.epochs.iter().map(|epoch| Epoch { seconds: 0.0, ..epoch.clone() }).collect()
}

fn refusal(dataset: &Dataset, config: &TrainConfig) -> String {
    train(dataset, config, None, 1, 0).expect_err("a refusal").to_string()
}

#[test]
fn a_recurrent_network_learns_what_needs_memory() {
    let dataset = dataset();
    let before = evaluate(&network(), &dataset.valid, &dataset.task, &Float).expect("measured");
    let (trained, history) =
        train(&dataset, &TrainConfig { learning_rate: 1e-2, dropout: 0.0, ..config(40) }, None, 2, usize::MAX)
            .expect("trained");
    let after = evaluate(&trained, &dataset.valid, &dataset.task, &Float).expect("measured");
    // Without memory the best that can be known is u² for the frame itself and (1 − u²) / 2 for each of the two before,
    // u uniform, which is wrong in 47.4 % of the frames.
    let [before, after] = [before, after].map(|loss| loss.error(&dataset.task));
    assert!(before > 0.5 && after < 0.25, "{before} to {after}");
    assert_eq!(after, history.best_error(), "the network of the best epoch is left");
    assert!(history.epochs[0].train_loss > history.epochs[5].train_loss);
}

#[test]
fn a_killed_training_ends_as_an_uninterrupted_one_on_any_number_of_threads() {
    let dataset = dataset();
    let (network, history) = train(&dataset, &config(6), None, 1, usize::MAX).expect("trained");
    let folder = tempfile::tempdir().expect("a folder");
    // 15 steps an epoch: killed in the third epoch, then in the fifth, then left to end.
    for (threads, steps) in [(2, 40), (3, 35), (1, usize::MAX)] {
        let (resumed, resumed_history) =
            train(&dataset, &config(6), Some(folder.path()), threads, steps).expect("trained");
        if steps == usize::MAX {
            assert!(resumed == network, "another network");
            assert_eq!(without_seconds(&resumed_history), without_seconds(&history));
        } else {
            assert!(resumed_history.epochs.len() < 6);
        }
    }
    // A training that is over stays over, and one with more epochs goes on.
    let (again, _) = train(&dataset, &config(6), Some(folder.path()), 1, 0).expect("trained");
    assert!(again == network);
    let (longer, _) = train(&dataset, &config(8), Some(folder.path()), 1, usize::MAX).expect("trained");
    assert!(longer == train(&dataset, &config(8), None, 2, usize::MAX).expect("trained").0);
}

#[test]
fn another_trainings_checkpoint_is_refused_by_what_differs() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = dataset();
    train(&first, &config(1), Some(folder.path()), 1, usize::MAX).expect("trained");
    let differences =
        |dataset: &Dataset, config: &TrainConfig| match train(dataset, config, Some(folder.path()), 1, usize::MAX) {
            Err(Error::OtherTraining { differences, .. }) => differences,
            other => panic!("{other:?}"),
        };
    let changed = TrainConfig { batch: 8, seed: 9, ..config(1) };
    assert_eq!(differences(&first, &changed), ["config.batch: 4 there, 8 here", "config.seed: 1 there, 9 here"]);
    let mut second = dataset();
    second.train[3].features.values[5] += 0.5;
    assert_eq!(differences(&second, &config(1)).len(), 1);
    assert!(differences(&second, &config(1))[0].starts_with("data: "));
}

#[test]
fn a_damaged_checkpoint_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    train(&dataset(), &config(1), Some(folder.path()), 1, usize::MAX).expect("trained");
    let path = folder.path().join("training.safetensors");
    let whole = std::fs::read(&path).expect("a checkpoint");
    std::fs::write(&path, &whole[..whole.len() - 1]).expect("written");
    assert!(matches!(
        train(&dataset(), &config(1), Some(folder.path()), 1, usize::MAX),
        Err(Error::Safetensors { .. })
    ));
    network().save(&path).expect("written");
    assert!(matches!(train(&dataset(), &config(1), Some(folder.path()), 1, usize::MAX), Err(Error::NoteKind { .. })));
}

#[test]
fn sequences_are_classified_by_their_mean_or_by_their_last_frame() {
    let mut dataset = dataset();
    for sequence in dataset.train.iter_mut().chain(&mut dataset.valid) {
        // The class is where most of the first numbers lie, which shifts them.
        let class = sequence.id.len() as u32 + sequence.features.frames() as u32;
        sequence.labels = vec![class % 3];
        let shift = (class % 3) as f32 - 1.0;
        sequence.features.values.iter_mut().step_by(2).for_each(|x| *x += 0.7 * shift);
    }
    for (pooling, epochs, most) in [(Pooling::Mean, 8, 0.1), (Pooling::Last, 24, 0.25)] {
        dataset.task = Task::Sequences { classes: CLASSES, pooling };
        let (_, history) = train(&dataset, &config(epochs), None, 2, usize::MAX).expect("trained");
        assert!(history.best_error() <= most, "{pooling:?}: {}", history.best_error());
    }
}

#[test]
fn training_stops_when_it_no_longer_improves() {
    let mut dataset = dataset();
    // Labels that follow from nothing: the validation error cannot keep falling.
    for sequence in &mut dataset.valid {
        sequence.labels.iter_mut().enumerate().for_each(|(i, label)| *label = (i * i % 7 % 3) as u32);
    }
    let config = TrainConfig { patience: 2, ..config(40) };
    let (_, history) = train(&dataset, &config, None, 2, usize::MAX).expect("trained");
    assert!(history.epochs.len() < 40);
    let rates: Vec<f64> = history.epochs.iter().map(|epoch| epoch.learning_rate).collect();
    assert!(rates.is_sorted_by(|a, b| a >= b) && rates[rates.len() - 1] < rates[0], "{rates:?}");
}

#[test]
fn a_training_that_runs_away_says_so() {
    let mut dataset = dataset();
    dataset.train[0].features.values[0] = 1e38;
    dataset.train[0].features.values[2] = -1e38;
    let config = TrainConfig { learning_rate: 1.0, clip_norm: 0.0, ..config(20) };
    match train(&dataset, &config, None, 1, usize::MAX) {
        Err(Error::Diverged { .. }) => {}
        other => panic!("{:?}", other.map(|(_, history)| history)),
    }
}

/// A convolution that gives one frame for every two.
fn strided() -> Network {
    let text = "input = 2\n[[layers]]\nkind = \"conv1d\"\noutputs = 6\nkernel = 2\nstride = 2\n[[layers]]\nkind = \"linear\"\n\
                outputs = 3";
    Network::new(&NetworkDescription::from_toml(text).expect("valid"), 1).expect("valid")
}

#[test]
fn a_stride_is_for_sequences_that_are_judged_as_a_whole() {
    let mut dataset = dataset();
    let fit = |dataset: &Dataset| {
        fit(&mut strided(), dataset.development(), &config(1), None, &mut |_| ControlFlow::Continue(()))
    };
    assert_eq!(
        fit(&dataset).expect_err("labels of frames").to_string(),
        "sequence `s0`: 10 outputs for 20 frames, expected one each for labels or targets of frames"
    );
    let all = |dataset: &mut Dataset, labels: &[u32]| {
        dataset.train.iter_mut().chain(&mut dataset.valid).for_each(|sequence| sequence.labels = labels.to_vec());
    };
    all(&mut dataset, &[1]);
    for pooling in [Pooling::Mean, Pooling::Last] {
        dataset.task = Task::Sequences { classes: CLASSES, pooling };
        assert!(fit(&dataset).expect("trained").epochs[0].train_loss > 0.0);
    }
    dataset.task = Task::Ctc { classes: CLASSES, blank: 0, beam: 1 };
    all(&mut dataset, &[1, 2, 1]);
    assert!(fit(&dataset).expect("trained").epochs[0].train_loss > 0.0);
    // Of 20 frames 10 come out.
    all(&mut dataset, &[1; 6]);
    let refused = fit(&dataset).expect_err("no room").to_string();
    assert_eq!(refused, "sequence `s0`: 10 frames, expected at least 11 for 6 labels and a blank in each of 5 repeats");
}

#[test]
fn what_cannot_be_trained_on_is_named() {
    let good = dataset();
    let with = |change: fn(&mut Dataset)| {
        let mut dataset = good.clone();
        change(&mut dataset);
        refusal(&dataset, &config(1))
    };
    assert_eq!(with(|d| d.valid.clear()), "dataset `toy`: no validation sequences");
    assert_eq!(with(|d| d.dim = 3), "dataset `toy`: 3 features a frame, expected 2");
    assert_eq!(
        with(|d| d.task = Task::Frames { classes: 4 }),
        "dataset `toy`: 4 classes, expected 3 as the network's outputs"
    );
    assert_eq!(with(|d| d.train[2].labels[4] = 3), "sequence `s2`: label 4 is 3, expected below 3");
    assert_eq!(with(|d| d.train[2].labels.truncate(33)), "sequence `s2`: 33 labels, expected 34");
    assert_eq!(with(|d| d.valid[1].features.values[9] = f32::NAN), "sequence `s61`: feature 1 of frame 4 is NaN");
    assert_eq!(with(|d| d.train[0].features.values.clear()), "sequence `s0`: no frames");
    let text = |d: &mut Dataset, labels: &[u32]| {
        d.task = Task::Ctc { classes: CLASSES, blank: 0, beam: 1 };
        d.train.iter_mut().chain(&mut d.valid).for_each(|sequence| sequence.labels = labels.to_vec());
    };
    let mut texts = good.clone();
    text(&mut texts, &[1, 0]);
    assert_eq!(refusal(&texts, &config(1)), "sequence `s0`: label 1 is the blank or −1, expected a class other than 0");
    // 11 labels, all the same, take 21 frames.
    text(&mut texts, &[2; 11]);
    assert_eq!(
        refusal(&texts, &config(1)),
        "sequence `s0`: 20 frames, expected at least 21 for 11 labels and a blank in each of 10 repeats"
    );
    let targets = |targets: &[f32]| {
        let mut dataset = good.clone();
        dataset.task = Task::Regression { outputs: CLASSES, unit: String::new() };
        for sequence in dataset.train.iter_mut().chain(&mut dataset.valid) {
            (sequence.labels, sequence.targets) = (Vec::new(), targets.to_vec());
        }
        refusal(&dataset, &config(1))
    };
    assert_eq!(targets(&[0.0; 59]), "sequence `s0`: 59 targets, expected 60");
    assert_eq!(targets(&[f32::NAN; 60]), "sequence `s0`: target 0 is NaN, expected a finite number");
    let rate = TrainConfig { learning_rate: f64::NAN, ..config(1) };
    assert_eq!(refusal(&good, &rate), "training: learning_rate is NaN, expected above 0, at most 1");
}
