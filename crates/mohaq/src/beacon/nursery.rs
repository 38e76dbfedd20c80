//! Where beacons are raised: found among the files of a run, or retrained, several side by side where memory allows.

use super::file::{Beacon, BeaconEpoch, Lineage};
use super::{RetrainSettings, Spent};
use crate::nn::Network;
use crate::quant::{Calibration, QuantAware, QuantSpec};
use crate::train::{self, History};
use crate::watch::Watch;
use crate::{Error, Result, digest};
use mohaq_speech::dataset::Development;
use mohaq_speech::digest::Digest;
use rayon::prelude::*;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Copies of the parameters that a retraining holds: as they are, rounded, the best so far, two moments and a gradient,
/// and the one that is read from or written to disk.
const COPIES: u64 = 7;

/// Retrains the networks of one run.
#[derive(Debug)]
pub struct Nursery<'a> {
    network: &'a Network,
    calibration: &'a Calibration,
    data: Development<'a>,
    settings: &'a RetrainSettings,
    run_seed: u64,
    folder: PathBuf,
    /// Fingerprints of network, calibration and data.
    fingerprints: [String; 3],
}

/// A beacon and what it took.
#[derive(Debug)]
pub struct Raised {
    /// The beacon.
    pub beacon: Beacon,
    /// Fingerprint of its file.
    pub digest: String,
    /// What was spent on it.
    pub spent: Spent,
    /// Whether it was found as a file instead of being retrained.
    pub found: bool,
}

impl<'a> Nursery<'a> {
    /// A nursery for descendants of `network`, which keeps them in `folder`.
    ///
    /// # Panics
    /// Never: a calibration holds nothing that JSON cannot.
    pub fn new(
        network: &'a Network,
        calibration: &'a Calibration,
        data: Development<'a>,
        settings: &'a RetrainSettings,
        run_seed: u64,
        folder: PathBuf,
    ) -> Self {
        let of_calibration = serde_json::to_vec(calibration).expect("a calibration holds nothing that JSON cannot");
        let fingerprints = [digest::of_network(network), digest::of(&of_calibration), digest::of_training_data(data)];
        Self { network, calibration, data, settings, run_seed, folder, fingerprints }
    }

    /// Epochs that a beacon takes at most.
    pub fn epochs(&self) -> usize {
        self.settings.epochs
    }

    /// What the beacon at `spec` depends on. Its seed is hashed from that of the run and the precisions.
    pub fn lineage(&self, spec: &QuantSpec) -> Lineage {
        let bits = spec.to_string();
        let seed = Digest::new().number(self.run_seed).field(bits.as_bytes()).finish() as u64;
        let [parent, calibration, data] = self.fingerprints.clone();
        Lineage { parent, calibration, data, bits, seed, settings: self.settings.clone() }
    }

    /// The file of the beacon at `spec`.
    pub fn path(&self, spec: &QuantSpec) -> PathBuf {
        self.folder.join(format!("{}.safetensors", self.lineage(spec).key()))
    }

    /// Where its retraining keeps a checkpoint.
    fn checkpoint(&self, spec: &QuantSpec) -> PathBuf {
        self.folder.join(format!("{}.training", self.lineage(spec).key()))
    }

    /// The beacons at `specs`, in their order: each found as a file, or retrained and kept as one.
    ///
    /// As many are retrained side by side as `memory_mib` holds by an estimate, one at least. `tell` hears how far they
    /// are, in words.
    ///
    /// # Errors
    /// [`Error::Stopped`] when `watch` says so, with a checkpoint of what was begun; errors of training and of files.
    pub fn raise(
        &self,
        specs: &[QuantSpec],
        memory_mib: usize,
        watch: &dyn Watch,
        tell: &(dyn Fn(&str) + Sync),
    ) -> Result<Vec<Raised>> {
        fs::create_dir_all(&self.folder).map_err(|e| Error::io(&self.folder, e))?;
        let frames: usize = self.data.train.iter().map(|sequence| sequence.features.frames()).sum();
        let total = frames * self.settings.epochs * specs.len();
        let done = AtomicUsize::new(0);
        let advance = |frames: usize| {
            let done = done.fetch_add(frames, Ordering::Relaxed) + frames;
            let percent = 100.0 * done as f64 / total.max(1) as f64;
            tell(&format!("retraining {} at {percent:.0} %", beacons(specs.len())));
        };
        let mut raised = Vec::with_capacity(specs.len());
        for together in specs.chunks(self.side_by_side(memory_mib)) {
            let some: Vec<Raised> =
                together.par_iter().map(|spec| self.raise_one(spec, watch, &advance)).collect::<Result<_>>()?;
            raised.extend(some);
        }
        Ok(raised)
    }

    fn raise_one(&self, spec: &QuantSpec, watch: &dyn Watch, advance: &(dyn Fn(usize) + Sync)) -> Result<Raised> {
        let (lineage, path) = (self.lineage(spec), self.path(spec));
        let found = path.exists();
        let seconds = match found {
            // What is left of a retraining whose process died before it was taken note of.
            true => fs::read_to_string(self.checkpoint(spec).join(SECONDS)).ok().and_then(|text| text.parse().ok()),
            false => Some(self.retrain(spec, &lineage, watch, advance)?),
        };
        let bytes = fs::read(&path).map_err(|e| Error::io(&path, e))?;
        let beacon = Beacon::load(&path, self.network, &lineage)?;
        let spent = Spent { epochs: beacon.epochs.len(), seconds: seconds.unwrap_or(0.0) };
        Ok(Raised { beacon, digest: digest::of(&bytes), spent, found })
    }

    /// Retrains the beacon at `spec`, writes its file and returns how long it took.
    fn retrain(
        &self,
        spec: &QuantSpec,
        lineage: &Lineage,
        watch: &dyn Watch,
        advance: &(dyn Fn(usize) + Sync),
    ) -> Result<f64> {
        let mut arithmetic =
            QuantAware::new(self.network, self.calibration.clone(), spec.clone(), self.settings.clips)?;
        let mut network = self.network.clone();
        let mut before = 0;
        let observe = &mut |progress: &train::Progress| {
            let now = (progress.epoch - 1) * progress.frames_total + progress.frames;
            advance(now - before);
            before = now;
            if watch.stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let (config, checkpoint) = (self.settings.training(lineage.seed), self.checkpoint(spec));
        let (history, learned) =
            train::fit_in(&mut arithmetic, &mut network, self.data, &config, Some(&checkpoint), observe)?;
        if watch.stopped() {
            return Err(Error::Stopped);
        }
        let seconds = seconds(&history);
        crate::atomic::write(&checkpoint.join(SECONDS), seconds.to_string().as_bytes())?;
        let epochs: Vec<BeaconEpoch> = history.epochs.iter().map(BeaconEpoch::from).collect();
        let calibration = arithmetic.calibration(&learned);
        Beacon { lineage: lineage.clone(), network, calibration, epochs }.save(&self.path(spec))?;
        Ok(seconds)
    }

    /// Refuses a file of the beacon at `spec` that is not the one of fingerprint `expected`. There need not be one.
    ///
    /// # Errors
    /// [`Error::BeaconChanged`], [`Error::Io`].
    pub fn check(&self, spec: &QuantSpec, expected: &str) -> Result<()> {
        let path = self.path(spec);
        let got = match fs::read(&path) {
            Ok(bytes) => digest::of(&bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::io(&path, error)),
        };
        if got == expected { Ok(()) } else { Err(Error::BeaconChanged { path, got, expected: expected.to_owned() }) }
    }

    /// Removes what was needed only until somebody took note of the beacon at `spec`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn settle(&self, spec: &QuantSpec) -> Result<()> {
        let checkpoint = self.checkpoint(spec);
        match fs::remove_dir_all(&checkpoint) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&checkpoint, error)),
            _ => Ok(()),
        }
    }

    /// Retrainings that fit in `memory_mib`, one at least: their parameters, and what a batch of the longest sequences
    /// leaves for the way back, about three matrices as wide as the results of every product.
    fn side_by_side(&self, memory_mib: usize) -> usize {
        let workload = self.network.workload();
        let longest = self.data.train.iter().map(|sequence| sequence.features.frames()).max().unwrap_or(0);
        let frames = (longest * self.settings.batch) as u64;
        let width: u64 = workload.sites.iter().map(|site| (site.inputs + 3 * site.outputs) as u64).sum();
        let bytes = 4 * (COPIES * (workload.weights() + workload.vectors) + frames * width);
        (((memory_mib as u64) << 20) / bytes.max(1)).max(1) as usize
    }
}

/// Holds the seconds of a retraining between its end and the log's line about it.
const SECONDS: &str = "seconds";

fn seconds(history: &History) -> f64 {
    history.epochs.iter().map(|epoch| epoch.seconds).sum()
}

fn beacons(count: usize) -> String {
    if count == 1 { "a beacon".into() } else { format!("{count} beacons") }
}

/// The path of the folder of beacons in a run directory.
pub fn folder(run: &Path) -> PathBuf {
    run.join("beacons")
}
