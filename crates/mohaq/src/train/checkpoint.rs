//! A training on disk after every epoch.
//!
//! One safetensors file holds all that the next epoch depends on: parameters, both moments and the best parameters so
//! far, with steps, learning rate and history in the metadata. Beside them stands what the training was made of, so that
//! another training's checkpoint is refused by what differs.

use super::arithmetic::Parameters;
use super::history::History;
use super::{Adam, TrainConfig};
use crate::nn::{Network, NetworkDescription};
use crate::tensor::file::{Stored, write};
use crate::{Error, Result};
use mohaq_speech::dataset::Development;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};

const FILE: &str = "training.safetensors";

/// Version of the layout, part of what a file says to hold.
const KIND: &str = "training 1";

/// What a training is made of. `epochs` may differ: it ends a training, and changes nothing before its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Origin {
    network: NetworkDescription,
    /// Hash of the parameters before the first step.
    start: String,
    dataset: String,
    /// Hash of the features, labels and targets of both splits.
    data: String,
    config: TrainConfig,
    /// What tells the arithmetic from floating point.
    #[serde(skip_serializing_if = "Value::is_null", default)]
    arithmetic: Value,
}

/// A training between two epochs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    pub now: Parameters,
    pub best: Parameters,
    pub adam: Adam,
    /// Of the next epoch.
    pub learning_rate: f64,
    pub history: History,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    kind: String,
    origin: Value,
    steps: u64,
    learning_rate: f64,
    history: History,
}

impl Origin {
    pub(super) fn new(network: &Network, dataset: Development<'_>, config: &TrainConfig, arithmetic: Value) -> Self {
        let mut start = Fnv::new();
        network.parameters().iter().for_each(|parameter| start.floats(parameter.values.data()));
        let mut data = Fnv::new();
        for sequences in [dataset.train, dataset.valid] {
            data.word(sequences.len() as u32);
            for sequence in sequences {
                data.word(sequence.features.frames() as u32);
                data.floats(&sequence.features.values);
                if dataset.task.labels(0).is_none() {
                    data.word(sequence.labels.len() as u32);
                }
                sequence.labels.iter().for_each(|&label| data.word(label));
                data.floats(&sequence.targets);
            }
        }
        data.word(crate::digest::of_loss(dataset.task));
        Self {
            network: network.description().clone(),
            start: start.text(),
            dataset: dataset.name.to_owned(),
            data: data.text(),
            config: config.clone(),
            arithmetic,
        }
    }
}

/// Where a training keeps its checkpoint.
pub(super) struct Checkpoint {
    path: PathBuf,
    origin: Value,
}

impl Checkpoint {
    /// In `folder`, which is made if it is missing.
    pub(super) fn new(folder: &Path, origin: &Origin) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|source| Error::Io { path: folder.to_owned(), source })?;
        let path = folder.join(FILE);
        let origin = serde_json::to_value(origin).map_err(|source| Error::Note { path: path.clone(), source })?;
        Ok(Self { path, origin })
    }

    pub(super) fn write(&self, state: &State) -> Result<()> {
        let mut matrices = Vec::new();
        let moments = state.adam.first.iter().zip(&state.adam.second);
        for (((name, now), (_, best)), (first, second)) in
            state.now.named().into_iter().zip(state.best.named()).zip(moments)
        {
            let parts = [("now", now), ("best", best), ("first", first), ("second", second)];
            matrices.extend(parts.map(|(part, matrix)| (format!("{part}.{name}"), matrix)));
        }
        let note = Note {
            kind: KIND.to_owned(),
            origin: self.origin.clone(),
            steps: state.adam.steps,
            learning_rate: state.learning_rate,
            history: state.history.clone(),
        };
        let note = serde_json::to_string(&note).map_err(|source| Error::Note { path: self.path.clone(), source })?;
        write(&self.path, &matrices, note)
    }

    /// What was written last, `None` where nothing was. `start` gives the shapes.
    pub(super) fn read(&self, start: &Parameters) -> Result<Option<State>> {
        if !self.path.exists() {
            return Ok(None);
        }
        let mut stored = Stored::read(&self.path)?;
        let json = |source| Error::Note { path: self.path.clone(), source };
        let note: Value = serde_json::from_str(stored.note()).map_err(json)?;
        if note["kind"] != KIND {
            let got = note["kind"].as_str().unwrap_or_default().to_owned();
            return Err(Error::NoteKind { path: self.path.clone(), got, expected: KIND });
        }
        let note: Note = serde_json::from_value(note).map_err(json)?;
        let differences = differences("", &note.origin, &self.origin);
        if !differences.is_empty() {
            return Err(Error::OtherTraining { path: self.path.clone(), differences });
        }
        let names: Vec<String> = start.named().into_iter().map(|(name, _)| name).collect();
        let adam = Adam { steps: note.steps, ..Adam::over(start.named().into_iter().map(|(_, values)| values)) };
        let (now, best) = (start.clone(), start.clone());
        let mut state = State { now, best, adam, learning_rate: note.learning_rate, history: note.history };
        let moments = state.adam.first.iter_mut().zip(&mut state.adam.second);
        let parameters = state.now.matrices_mut().into_iter().zip(state.best.matrices_mut());
        for (((now, best), (first, second)), name) in parameters.zip(moments).zip(names) {
            for (part, place) in [("now", now), ("best", best), ("first", first), ("second", second)] {
                stored.take(&format!("{part}.{name}"), place)?;
            }
        }
        stored.finish()?;
        Ok(Some(state))
    }
}

/// The leaves in which two origins differ, as `config.batch: 8 there, 4 here`.
pub(crate) fn differences(path: &str, there: &Value, here: &Value) -> Vec<String> {
    match (there, here) {
        (Value::Object(there), Value::Object(here)) => {
            let keys = here.keys().chain(there.keys().filter(|&key| !here.contains_key(key)));
            let below = |key: &String| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let leaf = |side: &serde_json::Map<String, Value>| side.get(key).cloned().unwrap_or_default();
                differences(&path, &leaf(there), &leaf(here))
            };
            keys.flat_map(below).collect()
        }
        _ if there == here || path == "config.epochs" => Vec::new(),
        _ => vec![format!("{path}: {there} there, {here} here")],
    }
}

/// Fowler, Noll & Vo's 64 bit hash 1a, over words of 32 bits instead of bytes.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn word(&mut self, word: u32) {
        self.0 = (self.0 ^ u64::from(word)).wrapping_mul(0x0000_0100_0000_01b3);
    }

    fn floats(&mut self, numbers: &[f32]) {
        numbers.iter().for_each(|x| self.word(x.to_bits()));
    }

    fn text(&self) -> String {
        format!("{:016x}", self.0)
    }
}
