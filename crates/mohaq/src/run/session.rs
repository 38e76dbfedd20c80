//! A run: its plan, its directory, and the stages, each of which reads what earlier ones wrote and writes its own.

use super::dir::{Existing, RunDir};
use super::measure::SiteSensitivity;
use crate::config::Plan;
use crate::eval::{Judge, ScoreCommand, log_posteriors};
use crate::nn::{Float, Network};
use crate::quant::{Calibration, IntegerBank, calibrate};
use crate::train::{self, History};
use crate::watch::Watch;
use crate::{Error, Result};
use mohaq_speech::dataset::{Dataset, Sequence, Task};
use mohaq_speech::decode::DecoderWeights;
use mohaq_speech::metric::Metric;
use mohaq_speech::score::{Counts, Scorer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::path::Path;

/// A plan with its locked directory.
pub struct Session<'a> {
    /// What is to be done.
    pub plan: Plan,
    /// Where results are kept.
    pub dir: RunDir,
    /// What to do with results that are there.
    pub existing: Existing,
    /// Who is told.
    pub watch: &'a dyn Watch,
}

/// The float network, how it got there, and how its errors are counted.
pub struct Trained {
    /// The network.
    pub network: Network,
    /// Its training.
    pub history: History,
    /// How errors are counted: for phones, a decoder tuned on the validation set.
    pub scorer: Scorer,
    /// What judges in place of the task's error.
    pub score: Option<ScoreCommand>,
    /// Errors of the float network on the validation set.
    pub valid: Counts,
    /// Errors of the float network on the test set.
    pub test: Counts,
    /// What [`score`](Self::score) says of both, where there is one.
    scores: Option<[f64; 2]>,
}

/// `training.json`: all of [`Trained`] but the network.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrainingRecord {
    /// Fingerprint of the network; absent in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    history: History,
    decoder: DecoderWeights,
    valid: Counts,
    test: Counts,
}

/// `calibration.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CalibrationRecord {
    /// Fingerprint of the network that it belongs to: one may come from another run.
    pub(super) network: String,
    pub(super) calibration: Calibration,
}

impl Trained {
    /// What errors are measured in.
    pub fn metric(&self) -> Metric {
        self.score.as_ref().map_or_else(|| self.scorer.task().metric(), ScoreCommand::metric)
    }

    /// Error of the float network on the validation set.
    pub fn valid_error(&self) -> f64 {
        self.scores.map_or_else(|| self.valid.error(self.scorer.task()), |[valid, _]| valid)
    }

    /// Error of the float network on the test set.
    pub fn test_error(&self) -> f64 {
        self.scores.map_or_else(|| self.test.error(self.scorer.task()), |[_, test]| test)
    }

    /// Share of wrong frames of the float network on the validation set, per cent; `None` where frames have no classes.
    pub fn valid_frame_percent(&self) -> Option<f64> {
        (self.valid.frames.of > 0).then(|| self.valid.frames.percent())
    }

    /// The same on the test set.
    pub fn test_frame_percent(&self) -> Option<f64> {
        (self.test.frames.of > 0).then(|| self.test.frames.percent())
    }
}

impl<'a> Session<'a> {
    /// Opens the directory of `plan`.
    ///
    /// # Errors
    /// See [`RunDir::open`].
    pub fn open(plan: Plan, existing: Existing, watch: &'a dyn Watch) -> Result<Self> {
        let dir = RunDir::open(&plan, existing)?;
        Ok(Self { plan, dir, existing, watch })
    }

    /// The dataset of the plan.
    ///
    /// # Errors
    /// See [`super::corpus::dataset`].
    pub fn dataset(&self) -> Result<Dataset> {
        super::corpus::dataset(&self.plan, self.watch)
    }

    /// The trained network: from this directory, from the run in `from`, from the plan's file, or trained now.
    ///
    /// # Errors
    /// [`Error::Stopped`] with a checkpoint on disk; errors of training and of files.
    pub fn trained(&self, data: &Dataset, from: Option<&Path>) -> Result<Trained> {
        let home = from.unwrap_or(self.dir.root());
        if home.join("training.json").exists() || from.is_some() {
            let trained = self.load(home, data)?;
            return if from.is_some() { Ok(trained) } else { self.still_given(trained) };
        }
        let (network, history) = match &self.plan.recipe.network.file {
            Some(path) => (self.given(path, data)?, History::default()),
            None => self.fitted(data)?,
        };
        let decoder = self.tune(&network, data)?;
        let scorer = Scorer::new(&data.task, &data.train, decoder)?;
        let valid = float_errors(&network, &scorer, &data.valid)?;
        let test = float_errors(&network, &scorer, &data.test)?;
        let digest = Some(crate::digest::of_network(&network));
        let record = TrainingRecord { network: digest, history, decoder, valid, test };
        network.save(&self.dir.path("network.safetensors"))?;
        self.dir.write("training.json", &to_json(&record))?;
        let TrainingRecord { history, .. } = record;
        self.judged(Trained { network, history, scorer, score: None, valid, test, scores: None }, data)
    }

    /// A network as the plan describes it, trained now.
    fn fitted(&self, data: &Dataset) -> Result<(Network, History)> {
        let description = self.plan.recipe.network.resolve(data.dim, data.task.outputs())?;
        let mut network = Network::new(&description, self.plan.recipe.seed)?;
        let history = self.fit(&mut network, data)?;
        Ok((network, history))
    }

    /// The network in the file of the plan.
    fn given(&self, path: &Path, data: &Dataset) -> Result<Network> {
        let network = Network::load(path).map_err(|error| foreign(path, error))?;
        check_shape(&network, data, path)?;
        train::check(&network, data.development())?;
        self.watch.note(&format!("using the network in {}", path.display()));
        Ok(network)
    }

    /// `trained`, which this directory holds, unless the plan's file holds another network by now.
    fn still_given(&self, trained: Trained) -> Result<Trained> {
        let Some(file) = self.plan.recipe.network.file.as_deref().filter(|file| file.exists()) else {
            return Ok(trained);
        };
        let now = Network::load(file).map_err(|error| foreign(file, error))?;
        let same = now.description() == trained.network.description()
            && crate::digest::of_network(&now) == crate::digest::of_network(&trained.network);
        if same {
            return Ok(trained);
        }
        Err(Error::OtherRun { path: self.dir.root().into(), section: "network in `network.file`".into() })
    }

    /// `trained` with what the plan's command says of it, where the plan has one.
    fn judged(&self, mut trained: Trained, data: &Dataset) -> Result<Trained> {
        trained.score = self.plan.recipe.score.clone();
        if let Some(command) = &trained.score {
            let score = |sequences: &[Sequence]| -> Result<f64> {
                let sequences: Vec<&Sequence> = sequences.iter().collect();
                let judge = Judge::new(&trained.scorer, &sequences, data.dim)?.scored_by(Some(command));
                Ok(judge.worst_error(&judge.errors(&trained.network, &Float)?))
            };
            trained.scores = Some([score(&data.valid)?, score(&data.test)?]);
        }
        Ok(trained)
    }

    fn load(&self, home: &Path, data: &Dataset) -> Result<Trained> {
        let network = Network::load(&home.join("network.safetensors"))?;
        check_shape(&network, data, home)?;
        let record: TrainingRecord = read_json(&home.join("training.json"))?;
        let TrainingRecord { network: trained, history, decoder, valid, test } = record;
        let got = crate::digest::of_network(&network);
        if let Some(expected) = trained.filter(|expected| *expected != got) {
            return Err(Error::NetworkChanged { path: home.join("network.safetensors"), got, expected });
        }
        let scorer = Scorer::new(&data.task, &data.train, decoder)?;
        self.watch.note(&format!("using the network in {}", home.display()));
        self.judged(Trained { network, history, scorer, score: None, valid, test, scores: None }, data)
    }

    fn fit(&self, network: &mut Network, data: &Dataset) -> Result<History> {
        let config = &self.plan.recipe.train;
        let checkpoint = self.dir.path("checkpoint");
        if checkpoint.exists() && self.existing == Existing::Refuse {
            return Err(Error::Exists { path: checkpoint });
        }
        let frames: usize = data.train.iter().map(|sequence| sequence.features.frames()).sum();
        self.watch.begin("training", (frames * config.epochs) as u64, "frames");
        let observe = &mut |progress: &train::Progress| {
            let done = (progress.epoch - 1) * progress.frames_total + progress.frames;
            let detail =
                format!("epoch {} loss {:.3}, {:.0} frames/s", progress.epoch, progress.loss, progress.frames_per_s);
            self.watch.advance(done as u64, &detail);
            if self.watch.stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let history = train::fit(network, data.development(), config, Some(&checkpoint), observe)?;
        if self.watch.stopped() {
            return Err(Error::Stopped);
        }
        let (epochs, metric) = (history.epochs.len(), data.task.training_metric());
        let error = metric.show(metric.of_training(history.best_error()));
        self.watch.end(&format!("{epochs} epochs, {} of the validation set {error}", metric.name));
        Ok(history)
    }

    /// The decoder's weights, tuned on the validation set alone.
    fn tune(&self, network: &Network, data: &Dataset) -> Result<DecoderWeights> {
        if !matches!(data.task, Task::Phones(_)) {
            return Ok(DecoderWeights::default());
        }
        self.watch.begin("decoder", 0, "");
        let posteriors = log_posteriors(network, &data.valid)?;
        let (_, tuning) = Scorer::tuned(&data.task, &data.train, &data.valid, &posteriors)?;
        let tuning = tuning.expect("phones have a decoder to tune");
        let (with, without) = (tuning.errors.percent(), tuning.errors_without_bigram.percent());
        self.watch.end(&format!("validation phone error {with:.2} % with a bigram, {without:.2} % without"));
        Ok(tuning.weights)
    }

    /// The network at every width: calibration from the directory, or made now.
    ///
    /// # Errors
    /// Errors of calibration and of files.
    pub fn bank<'t>(&self, trained: &'t Trained, data: &Dataset) -> Result<IntegerBank<'t>> {
        let path = self.dir.path("calibration.json");
        let settings = &self.plan.recipe.quantize;
        let network = crate::digest::of_network(&trained.network);
        if path.exists() {
            let found: CalibrationRecord = read_json(&path)?;
            if found.network == network && found.calibration.settings == *settings {
                return IntegerBank::new(&trained.network, found.calibration);
            }
        }
        self.watch.begin("calibrate", 0, "");
        let calibration = calibrate(&trained.network, &data.train, settings)?;
        let record = CalibrationRecord { network, calibration };
        // A search goes on with the calibration that it began with; another one does not take its place.
        if !(path.exists() && self.dir.path("evaluations.jsonl").exists()) {
            self.dir.write("calibration.json", &to_json(&record))?;
        }
        let CalibrationRecord { calibration, .. } = record;
        self.watch.end(&format!("{} sites on {} training sequences", calibration.sites.len(), calibration.sequences));
        IntegerBank::new(&trained.network, calibration)
    }
}

/// `sensitivity.json`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SensitivityRecord {
    /// Fingerprint of the network that was measured.
    network: String,
    rows: Vec<SiteSensitivity>,
}

impl Session<'_> {
    /// Keeps a sensitivity analysis of `trained` in the directory.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn keep_sensitivity(&self, trained: &Trained, rows: Vec<SiteSensitivity>) -> Result<()> {
        let record = SensitivityRecord { network: crate::digest::of_network(&trained.network), rows };
        self.dir.write("sensitivity.json", &to_json(&record))
    }

    /// The sensitivity analysis of `trained` that the directory holds; `None` where there is none, or one of another
    /// network.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Record`].
    pub(super) fn sensitivity(&self, trained: &Trained) -> Result<Option<Vec<SiteSensitivity>>> {
        let path = self.dir.path("sensitivity.json");
        let found: Option<SensitivityRecord> = path.exists().then(|| read_json(&path)).transpose()?;
        let network = crate::digest::of_network(&trained.network);
        Ok(found.filter(|record| record.network == network).map(|record| record.rows))
    }
}

/// Whether `network`, which lies at `path`, has the widths of `data`.
fn check_shape(network: &Network, data: &Dataset, path: &Path) -> Result<()> {
    if (network.inputs(), network.outputs()) == (data.dim, data.task.outputs()) {
        return Ok(());
    }
    let got = format!("{} inputs and {} outputs", network.inputs(), network.outputs());
    let expected = format!("{} and {}", data.dim, data.task.outputs());
    Err(Error::NetworkShape { path: path.into(), got, expected })
}

/// Why `path` holds no network, with the way to make one of another tool's model.
fn foreign(path: &Path, error: Error) -> Error {
    match error {
        Error::Safetensors { .. } | Error::NoteKind { .. } | Error::Note { .. } | Error::NoNote { .. } => Error::Plan {
            key: "network.file".into(),
            reason: format!("{error}, expected a network of mohaq"),
            hint: Some(format!("mohaq import {} --out network.safetensors makes one of a model", path.display())),
        },
        Error::Io { .. } if !path.exists() => Error::Plan {
            key: "network.file".into(),
            reason: error.to_string(),
            hint: Some(format!("mohaq import MODEL --out {} makes one of a model", path.display())),
        },
        other => other,
    }
}

/// Errors of the float network on `sequences`.
fn float_errors(network: &Network, scorer: &Scorer, sequences: &[Sequence]) -> Result<Counts> {
    let sequences: Vec<&Sequence> = sequences.iter().collect();
    Ok(Judge::new(scorer, &sequences, network.inputs())?.errors(network, &Float)?.total())
}

/// `value` as indented JSON with a last line feed.
///
/// # Panics
/// Never for the records of this crate: their keys are strings.
pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("records have string keys");
    bytes.push(b'\n');
    bytes
}

/// Reads a record that [`to_json`] wrote.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
    serde_json::from_slice(&bytes).map_err(|e| Error::Record { path: path.into(), reason: e.to_string() })
}
