//! The loop.

use super::arithmetic::{Arithmetic, Learned, Parameters};
use super::batches::{measured, training};
use super::check::check;
use super::checkpoint::{Checkpoint, Origin, State};
use super::{Adam, Epoch, History, Progress, TrainConfig, adam};
use crate::nn::{
    Batch, Dropout, Float, Gradients, Loss, Network, SiteOps, Workspace, ctc_loss, frame_loss, regression_loss,
    sequence_loss,
};
use crate::tensor::Matrix;
use crate::{Error, Result};
use mohaq_speech::dataset::{Development, Sequence, Task};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

/// Trains `network` on `dataset` and leaves it as it was after the epoch with the least validation error.
///
/// With a `run` folder a checkpoint is written there after every epoch; where the folder holds one of the same network,
/// dataset and configuration, training goes on from there. `observer` is told after every step where training stands; by
/// breaking it ends training as if the configured epochs were over, without the epoch in progress.
///
/// # Errors
/// Where the configuration or the dataset cannot be used, named as in [`TrainConfig::check`] or by the sequence;
/// [`Error::Diverged`] where the loss or a gradient stops being a number; [`Error::OtherTraining`] where the folder holds
/// the checkpoint of another network, dataset or configuration (the number of epochs may differ); [`Error::Io`].
pub fn fit(
    network: &mut Network,
    dataset: Development<'_>,
    config: &TrainConfig,
    run: Option<&Path>,
    observer: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<History> {
    Ok(fit_in(&mut Float, network, dataset, config, run, observer)?.0)
}

/// The same in another arithmetic. Returns also what was learned beside the network, as it was after the same epoch.
///
/// # Errors
/// Those of [`fit`], and of `arithmetic`.
pub fn fit_in(
    arithmetic: &mut impl Arithmetic,
    network: &mut Network,
    dataset: Development<'_>,
    config: &TrainConfig,
    run: Option<&Path>,
    observer: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<(History, Vec<Learned>)> {
    config.check()?;
    check(network, dataset)?;
    let origin = || Origin::new(network, dataset, config, arithmetic.origin());
    let checkpoint = run.map(|folder| Checkpoint::new(folder, &origin())).transpose()?;
    let start = Parameters { network: network.clone(), learned: arithmetic.learned() };
    let stored = checkpoint.as_ref().map(|checkpoint| checkpoint.read(&start)).transpose()?.flatten();
    let state = stored.unwrap_or_else(|| State {
        adam: Adam::over(start.named().into_iter().map(|(_, values)| values)),
        best: start.clone(),
        now: start,
        learning_rate: config.learning_rate,
        history: History::default(),
    });
    let mut trainer = Trainer::new(arithmetic, state, dataset, config);
    while trainer.state.history.epochs.len() < config.epochs && trainer.state.history.stalled() < config.patience {
        if trainer.epoch(observer)?.is_break() {
            break;
        }
        if let Some(checkpoint) = &checkpoint {
            checkpoint.write(&trainer.state)?;
        }
    }
    let State { best, history, .. } = trainer.state;
    *network = best.network;
    Ok((history, best.learned))
}

/// Loss and error of `sequences`, with what `ops` does at every site.
///
/// # Errors
/// [`Error::FeatureWidth`].
pub fn evaluate(network: &Network, sequences: &[Sequence], task: &Task, ops: &impl SiteOps<f32>) -> Result<Loss> {
    let mut workspace = Workspace::new();
    let mut total = Loss::default();
    for sequences in measured(sequences) {
        let batch = Batch::of(sequences.iter().copied(), network.inputs())?;
        let mut logits = network.forward_in(&batch, ops, &mut workspace);
        total.add(&loss(&mut logits, &network.output_starts(batch.starts()), &sequences, task));
        workspace.give(logits);
    }
    Ok(total)
}

/// The loss of a batch; `outputs` becomes its gradient. Sequence `i` is the rows `starts[i] .. starts[i + 1]`.
fn loss(outputs: &mut Matrix, starts: &[usize], sequences: &[&Sequence], task: &Task) -> Loss {
    let labels = || sequences.iter().flat_map(|sequence| sequence.labels.iter().copied()).collect::<Vec<u32>>();
    match task {
        Task::Phones(_) | Task::Frames { .. } | Task::NextToken { .. } => frame_loss(outputs, &labels()),
        Task::Sequences { pooling, .. } => sequence_loss(outputs, starts, &labels(), *pooling),
        Task::Ctc { blank, .. } => {
            let labels: Vec<&[u32]> = sequences.iter().map(|sequence| sequence.labels.as_slice()).collect();
            ctc_loss(outputs, starts, &labels, *blank)
        }
        Task::Regression { .. } => {
            let targets: Vec<f32> = sequences.iter().flat_map(|sequence| sequence.targets.iter().copied()).collect();
            regression_loss(outputs, &targets)
        }
    }
}

/// A training in memory.
struct Trainer<'a, A> {
    arithmetic: &'a mut A,
    dataset: Development<'a>,
    config: &'a TrainConfig,
    state: State,
    gradients: Gradients,
    workspace: Workspace,
    frames_total: usize,
    began: Instant,
    /// Training frames since `began`.
    frames_done: usize,
}

impl<'a, A: Arithmetic> Trainer<'a, A> {
    fn new(arithmetic: &'a mut A, state: State, dataset: Development<'a>, config: &'a TrainConfig) -> Self {
        let gradients = Gradients::zeros(&state.now.network);
        let frames_total = dataset.train.iter().map(|sequence| sequence.features.frames()).sum();
        let began = Instant::now();
        let workspace = Workspace::new();
        Self { arithmetic, dataset, config, state, gradients, workspace, frames_total, began, frames_done: 0 }
    }

    /// Trains an epoch, measures it and decides on the learning rate of the next.
    fn epoch(&mut self, observer: &mut dyn FnMut(&Progress) -> ControlFlow<()>) -> Result<ControlFlow<()>> {
        let began = Instant::now();
        let epoch = self.state.history.epochs.len() + 1;
        let mut total = Loss::default();
        let mut frames = 0;
        for sequences in training(self.dataset.train, self.config.batch, self.config.seed, epoch) {
            let batch = Batch::of(sequences.iter().copied(), self.state.now.network.inputs())?;
            total.add(&self.step(&batch, &sequences, epoch)?);
            frames += batch.frames();
            self.frames_done += batch.frames();
            if observer(&self.progress(epoch, frames, total.mean())).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        let Parameters { network, learned } = &self.state.now;
        self.arithmetic.prepare(network, learned)?;
        let run = self.arithmetic.run(network);
        let valid = evaluate(run, self.dataset.valid, self.dataset.task, self.arithmetic)?;
        let learning_rate = self.state.learning_rate;
        self.finite("validation loss", valid.sum, epoch)?;
        let (best, error) = (self.state.history.best_error(), valid.error(self.dataset.task));
        if epoch == 1 || error < best {
            self.state.best.clone_from(&self.state.now);
        }
        if epoch > 1 && best - error <= self.config.improvement * best {
            self.state.learning_rate *= self.config.decay;
        }
        self.state.history.epochs.push(Epoch {
            epoch,
            train_loss: total.mean(),
            valid_loss: valid.mean(),
            valid_error: error,
            learning_rate,
            seconds: began.elapsed().as_secs_f64(),
        });
        Ok(ControlFlow::Continue(()))
    }

    /// One step of the optimiser.
    fn step(&mut self, batch: &Batch, sequences: &[&Sequence], epoch: usize) -> Result<Loss> {
        let Parameters { network, learned } = &self.state.now;
        self.arithmetic.prepare(network, learned)?;
        let dropout = Dropout { rate: self.config.dropout, seed: self.config.seed, step: self.state.adam.steps };
        let dropout = Some(&dropout).filter(|dropout| dropout.rate > 0.0);
        let run = self.arithmetic.run(network);
        let (trace, mut logits) = run.forward_train(batch, self.arithmetic, dropout, &mut self.workspace);
        let loss = loss(&mut logits, &run.output_starts(batch.starts()), sequences, self.dataset.task);
        run.backward(trace, self.arithmetic, logits, &mut self.gradients, &mut self.workspace);
        let learned = self.arithmetic.back(network, &mut self.gradients);
        // What is learned beside the network has scales of its own, and is left out of the norm.
        let norm = adam::norm(&self.gradients);
        self.finite("loss", loss.sum, epoch)?;
        self.finite("gradient norm", norm, epoch)?;
        let limit = self.config.clip_norm;
        let scale = if limit > 0.0 && norm > limit { limit / norm } else { 1.0 };
        let State { now, adam, learning_rate, .. } = &mut self.state;
        let gradients: Vec<&Matrix> = self.gradients.matrices().iter().chain(&learned).collect();
        adam.step_all(now.matrices_mut(), gradients.into_iter(), scale, [*learning_rate, self.config.weight_decay]);
        Ok(loss)
    }

    fn finite(&self, what: &'static str, got: f64, epoch: usize) -> Result<()> {
        if got.is_finite() {
            return Ok(());
        }
        let (step, learning_rate) = (self.state.adam.steps, self.state.learning_rate);
        Err(Error::Diverged { what, got, epoch, step, learning_rate })
    }

    fn progress(&self, epoch: usize, frames: usize, loss: f64) -> Progress {
        let (epochs, frames_total) = (self.config.epochs, self.frames_total);
        let frames_per_s = self.frames_done as f64 / self.began.elapsed().as_secs_f64().max(1e-9);
        let frames_left = frames_total * (epochs - epoch) + frames_total - frames;
        let seconds_left = frames_left as f64 / frames_per_s;
        Progress { epoch, epochs, frames, frames_total, frames_per_s, loss, seconds_left }
    }
}
