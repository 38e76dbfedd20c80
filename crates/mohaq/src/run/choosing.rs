//! A candidate of a finished run, with all that it was measured with.

use super::pick::{Choice, pick};
use super::session::{CalibrationRecord, read_json};
use crate::beacon::{Beacon, folder};
use crate::export::{Dialect, ExportError, Name, OnnxProject, Project, Settings};
use crate::nn::Network;
use crate::quant::{Calibration, IntegerBank, QuantSpec};
use crate::report::{Evaluation, Report};
use crate::{Error, Result, digest};
use mohaq_rt::image::Image;
use std::path::Path;

/// A candidate with its network and ranges: its own, or those of the beacon that it was measured with.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Its number in the report.
    pub id: u64,
    /// One precision a site.
    pub spec: QuantSpec,
    /// The network in floating point.
    pub network: Network,
    /// Its ranges.
    pub calibration: Calibration,
}

impl Chosen {
    /// The network at every width.
    ///
    /// # Errors
    /// [`Error::Calibration`] for ranges of another network.
    pub fn bank(&self) -> Result<IntegerBank<'_>> {
        IntegerBank::new(&self.network, self.calibration.clone())
    }

    /// The candidate as C, `name` being what its files are called and `max_frames` the longest sequence of a network that
    /// needs whole ones.
    ///
    /// # Errors
    /// See [`IntegerBank::image`] and [`Project::new`].
    pub fn project(&self, name: Name, max_frames: usize) -> Result<Project> {
        let bytes = self.bank()?.image(&self.spec)?;
        let image = Image::parse(&bytes).map_err(ExportError::from)?;
        let labels = self.network.description().names();
        Ok(Project::new(image, &Settings { name, labels, max_frames })?)
    }

    /// The candidate as ONNX, `name` being what its model is called.
    ///
    /// # Errors
    /// See [`OnnxProject::new`].
    pub fn onnx(&self, name: &Name, dialect: Dialect) -> Result<OnnxProject> {
        OnnxProject::new(&self.bank()?, &self.spec, name, dialect)
    }
}

/// The candidate of `report`, which is that of the directory `run`, that `choice` means.
///
/// # Errors
/// [`Error::Pick`].
pub fn candidate<'a>(run: &Path, report: &'a Report, choice: &Choice) -> Result<&'a Evaluation> {
    pick(report, choice).map_err(|source| Error::Pick { path: run.into(), source })
}

/// The float network of the directory `run`, or the one in `file`.
///
/// # Errors
/// [`Error::NoNetwork`] where neither is; errors of [`Network::load`].
pub fn network(run: &Path, file: Option<&Path>) -> Result<Network> {
    let path = file.map_or_else(|| run.join("network.safetensors"), Path::to_path_buf);
    if path.exists() { Network::load(&path) } else { Err(Error::NoNetwork { path }) }
}

/// The candidate that `choice` means, with the numbers that it was measured with. `file`: the network, where the run took its
/// own from another.
///
/// # Errors
/// [`Error::Pick`], [`Error::NoNetwork`]; [`Error::Record`] for ranges of another network, and for a beacon that is
/// not there.
pub fn chosen(run: &Path, report: &Report, choice: &Choice, file: Option<&Path>) -> Result<Chosen> {
    let candidate = candidate(run, report, choice)?;
    let network = network(run, file)?;
    let path = run.join("calibration.json");
    let CalibrationRecord { network: calibrated, calibration } = read_json(&path)?;
    if calibrated != digest::of_network(&network) {
        return Err(Error::Record { path, reason: "ranges of another network than this one".into() });
    }
    let (id, spec) = (candidate.id, candidate.bits.clone());
    let Some(loan) = candidate.loan else { return Ok(Chosen { id, spec, network, calibration }) };
    let lender = report.beacons.iter().find(|beacon| beacon.id == loan.beacon);
    let bits = lender.map(|beacon| beacon.bits.to_string()).unwrap_or_default();
    let place = folder(run);
    let Some(beacon) = Beacon::find(&place, &network, &bits)? else {
        let reason = format!("no beacon at {bits}, with whose parameters candidate {id} was measured");
        return Err(Error::Record { path: place, reason });
    };
    Ok(Chosen { id, spec, network: beacon.network, calibration: beacon.calibration })
}
