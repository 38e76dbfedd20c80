//! A candidate of a finished run, with all that it was measured with.

use super::session::{CalibrationRecord, read_json};
use crate::beacon::{Beacon, folder};
use crate::export::{ExportError, Name, Project, Settings};
use crate::nn::Network;
use crate::quant::{Calibration, IntegerBank, QuantSpec};
use crate::report::{Evaluation, Report};
use crate::{Error, Result, digest};
use mohaq_rt::image::Image;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Which candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The one with this number in the report.
    Id(u64),
    /// The [knee](Report::knee) of the front.
    Knee,
}

impl FromStr for Pick {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "knee" => Ok(Self::Knee),
            number => number.parse().map(Self::Id).map_err(|_| "expected a candidate's number, or knee".to_owned()),
        }
    }
}

impl fmt::Display for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Knee => f.write_str("knee"),
        }
    }
}

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
}

/// The candidate of `report`, which is that of the directory `run`.
///
/// # Errors
/// [`Error::NoCandidate`].
pub fn candidate<'a>(run: &Path, report: &'a Report, pick: Pick) -> Result<&'a Evaluation> {
    let id = match pick {
        Pick::Id(id) => Some(id),
        Pick::Knee => report.knee(),
    };
    let found = id.and_then(|id| report.candidate(id));
    found.ok_or_else(|| Error::NoCandidate { path: run.into(), pick: pick.to_string() })
}

/// The float network of the directory `run`, or the one in `file`.
///
/// # Errors
/// [`Error::NoNetwork`] where neither is; errors of [`Network::load`].
pub fn network(run: &Path, file: Option<&Path>) -> Result<Network> {
    let path = file.map_or_else(|| run.join("network.safetensors"), Path::to_path_buf);
    if path.exists() { Network::load(&path) } else { Err(Error::NoNetwork { path }) }
}

/// The candidate that `pick` names, with the numbers that it was measured with. `file`: the network, where the run took its
/// own from another.
///
/// # Errors
/// [`Error::NoCandidate`], [`Error::NoNetwork`]; [`Error::Record`] for ranges of another network, and for a beacon that is
/// not there.
pub fn chosen(run: &Path, report: &Report, pick: Pick, file: Option<&Path>) -> Result<Chosen> {
    let candidate = candidate(run, report, pick)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pick_is_a_number_or_the_knee() {
        assert_eq!("17".parse(), Ok(Pick::Id(17)));
        assert_eq!("knee".parse(), Ok(Pick::Knee));
        for bad in ["", "-1", "elbow", "1.5"] {
            assert!(bad.parse::<Pick>().is_err(), "{bad}");
        }
    }
}
