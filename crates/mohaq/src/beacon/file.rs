//! A beacon on disk: one safetensors file with its parameters, and in its metadata where it comes from and the clips it
//! was trained with. No times: the same lineage gives the same bytes.

use super::RetrainSettings;
use crate::nn::Network;
use crate::quant::Calibration;
use crate::tensor::file::{Stored, write};
use crate::train::{Epoch, differences};
use crate::{Error, Result, digest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// Version of the layout, part of what a file says to hold.
const KIND: &str = "beacon 1";

/// All that a beacon depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// Fingerprint of the float network that it was retrained from.
    pub parent: String,
    /// Fingerprint of the calibration that it started with.
    pub calibration: String,
    /// Fingerprint of the training and validation sets.
    pub data: String,
    /// Weight×activation bits a site.
    pub bits: String,
    /// Of the order of sequences and of dropout.
    pub seed: u64,
    /// How it was retrained.
    pub settings: RetrainSettings,
}

impl Lineage {
    /// A short name, another one for every lineage.
    ///
    /// # Panics
    /// Never: a lineage holds nothing that JSON cannot.
    pub fn key(&self) -> String {
        let text = serde_json::to_vec(self).expect("a lineage holds nothing that JSON cannot");
        digest::of(&text)[..16].to_owned()
    }
}

/// What one epoch of a retraining came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeaconEpoch {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean cross entropy in nats over the epoch's steps, with dropout.
    pub train_loss: f64,
    /// Mean cross entropy of the validation sequences after the epoch, in nats.
    pub valid_loss: f64,
    /// Share of wrong validation frames (or sequences), 0 … 1.
    pub valid_error: f64,
    /// Learning rate of the epoch.
    pub learning_rate: f64,
}

impl From<&Epoch> for BeaconEpoch {
    fn from(of: &Epoch) -> Self {
        let &Epoch { epoch, train_loss, valid_loss, valid_error, learning_rate, .. } = of;
        Self { epoch, train_loss, valid_loss, valid_error, learning_rate }
    }
}

/// A retrained network.
#[derive(Clone, Debug, PartialEq)]
pub struct Beacon {
    /// Where it comes from.
    pub lineage: Lineage,
    /// Float master weights.
    pub network: Network,
    /// The clips that it was trained with, and for other widths those of its parent.
    pub calibration: Calibration,
    /// How it got there, an entry an epoch.
    pub epochs: Vec<BeaconEpoch>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    kind: String,
    lineage: Lineage,
    epochs: Vec<BeaconEpoch>,
    calibration: Calibration,
}

impl Beacon {
    /// Writes the beacon, replacing the file whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Safetensors`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let note = Note {
            kind: KIND.to_owned(),
            lineage: self.lineage.clone(),
            epochs: self.epochs.clone(),
            calibration: self.calibration.clone(),
        };
        let note = serde_json::to_string(&note).map_err(|source| Error::Note { path: path.to_owned(), source })?;
        let parameters = self.network.parameters();
        let matrices: Vec<_> = parameters.into_iter().map(|parameter| (parameter.name, parameter.values)).collect();
        write(path, &matrices, note)
    }

    /// The beacon of `parent` at `bits` among the files of `folder`: the first by name.
    ///
    /// # Errors
    /// See [`load`](Self::load).
    pub fn find(folder: &Path, parent: &Network, bits: &str) -> Result<Option<Self>> {
        let Ok(entries) = std::fs::read_dir(folder) else { return Ok(None) };
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
        paths.sort();
        let of_parent = digest::of_network(parent);
        for path in paths {
            let json = |source| Error::Note { path: path.clone(), source };
            let note: Value = serde_json::from_str(Stored::read(&path)?.note()).map_err(json)?;
            if note["lineage"]["bits"] == bits && note["lineage"]["parent"] == of_parent.as_str() {
                let lineage: Lineage = serde_json::from_value(note["lineage"].clone()).map_err(json)?;
                return Self::load(&path, parent, &lineage).map(Some);
            }
        }
        Ok(None)
    }

    /// Reads the beacon of `lineage` that [`save`](Self::save) wrote. `parent` gives the shapes.
    ///
    /// # Errors
    /// Where the file cannot be read, is of another kind or lineage, or lacks, adds or misshapes a parameter, or holds one
    /// that is not finite: each by name.
    pub fn load(path: &Path, parent: &Network, lineage: &Lineage) -> Result<Self> {
        let mut stored = Stored::read(path)?;
        let json = |source| Error::Note { path: path.to_owned(), source };
        let note: Value = serde_json::from_str(stored.note()).map_err(json)?;
        if note["kind"] != KIND {
            let got = note["kind"].as_str().unwrap_or_default().to_owned();
            return Err(Error::NoteKind { path: path.to_owned(), got, expected: KIND });
        }
        let differences = differences("", &note["lineage"], &serde_json::to_value(lineage).map_err(json)?);
        if !differences.is_empty() {
            return Err(Error::OtherBeacon { path: path.to_owned(), differences });
        }
        let Note { lineage, epochs, calibration, .. } = serde_json::from_value(note).map_err(json)?;
        let mut network = parent.clone();
        for parameter in network.parameters_mut() {
            stored.take(&parameter.name, parameter.values)?;
        }
        stored.finish()?;
        Ok(Self { lineage, network, calibration, epochs })
    }
}
