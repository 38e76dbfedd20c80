//! What a dataset must be for a network to be trained on it.

use crate::nn::Network;
use crate::{Error, Result};
use mohaq_speech::dataset::{Development, NO_LABEL, Sequence, Task};
use mohaq_speech::decode::ctc::frames_needed;

/// Checks both splits that training reads.
///
/// # Errors
/// [`Error::EmptySplit`], [`Error::FeatureWidth`], [`Error::Classes`], [`Error::EmptySequence`], [`Error::LabelCount`],
/// [`Error::Label`], [`Error::Blank`], [`Error::NoAlignment`], [`Error::TargetCount`], [`Error::TargetNotFinite`], [`Error::FeatureNotFinite`],
/// [`Error::OutputFrames`], [`Error::Token`].
pub(crate) fn check(network: &Network, dataset: Development<'_>) -> Result<()> {
    for (split, sequences) in [("training", dataset.train), ("validation", dataset.valid)] {
        if sequences.is_empty() {
            return Err(Error::EmptySplit { dataset: dataset.name.to_owned(), split });
        }
    }
    if dataset.dim != network.inputs() {
        let place = format!("dataset `{}`", dataset.name);
        return Err(Error::FeatureWidth { place, got: dataset.dim, expected: network.inputs() });
    }
    let (classes, outputs) = (dataset.task.outputs(), network.outputs());
    if classes != outputs {
        return Err(Error::Classes { dataset: dataset.name.to_owned(), classes, outputs });
    }
    dataset.train.iter().chain(dataset.valid).try_for_each(|sequence| {
        let frames = check_sequence(sequence, dataset)?;
        network.check_tokens(sequence)?;
        check_outputs(network, sequence, dataset.task, frames)
    })
}

/// Checks `sequence` by itself and returns its number of frames.
fn check_sequence(sequence: &Sequence, dataset: Development<'_>) -> Result<usize> {
    let id = || sequence.id.clone();
    let features = &sequence.features;
    if features.dim != dataset.dim {
        let place = format!("sequence `{}`", sequence.id);
        return Err(Error::FeatureWidth { place, got: features.dim, expected: dataset.dim });
    }
    if features.frames() == 0 {
        return Err(Error::EmptySequence { id: id() });
    }
    let expected = dataset.task.labels(features.frames()).unwrap_or(sequence.labels.len());
    if sequence.labels.len() != expected {
        return Err(Error::LabelCount { id: id(), got: sequence.labels.len(), expected });
    }
    let classes = dataset.task.outputs();
    for (index, &got) in sequence.labels.iter().enumerate() {
        if got != NO_LABEL && got as usize >= classes {
            return Err(Error::Label { id: id(), index, got, classes });
        }
    }
    let (got, expected) = (sequence.targets.len(), dataset.task.targets(features.frames()));
    if got != expected {
        return Err(Error::TargetCount { id: id(), got, expected });
    }
    if let Some(index) = sequence.targets.iter().position(|y| !y.is_finite()) {
        return Err(Error::TargetNotFinite { id: id(), index, got: sequence.targets[index] });
    }
    if let Some(index) = features.values.iter().position(|x| !x.is_finite()) {
        let (frame, column) = (index / features.dim, index % features.dim);
        return Err(Error::FeatureNotFinite { id: id(), frame, column, got: features.values[index] });
    }
    Ok(features.frames())
}

/// Checks what comes out of `network` against the labels: a layer with a stride gives fewer frames than it takes.
fn check_outputs(network: &Network, sequence: &Sequence, task: &Task, frames: usize) -> Result<()> {
    let outputs = network.output_starts(&[0, frames])[1];
    if outputs != frames && task.is_by_frame() {
        return Err(Error::OutputFrames { id: sequence.id.clone(), frames, outputs });
    }
    check_text(sequence, task, outputs)
}

/// Refuses labels to be recognised that no path of `frames` votes stands for.
fn check_text(sequence: &Sequence, task: &Task, frames: usize) -> Result<()> {
    let Task::Ctc { blank, .. } = task else { return Ok(()) };
    let (id, labels) = (sequence.id.clone(), sequence.labels.len());
    if let Some(index) = sequence.labels.iter().position(|label| label == blank || *label == NO_LABEL) {
        return Err(Error::Blank { id, index, blank: *blank });
    }
    let needed = frames_needed(&sequence.labels);
    if needed > frames {
        return Err(Error::NoAlignment { id, frames, labels, repeats: needed - labels });
    }
    Ok(())
}
