//! Measuring given bits, and the sensitivity of each site.

use super::session::Trained;
use crate::eval::Judge;
use crate::nn::Workload;
use crate::platform::{Cost, Platform};
use crate::quant::{Precision, QuantSpec, QuantizedBank};
use crate::watch::Watch;
use crate::{Error, Result};
use mohaq_rt::Bits;
use mohaq_speech::dataset::{Dataset, Sequence};
use mohaq_speech::score::Counts;
use serde::{Deserialize, Serialize};

/// A spec with its errors on the validation and test sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasuredSpec {
    /// Weight×activation bits a site.
    pub bits: String,
    /// Error on the validation set, per cent.
    pub valid_percent: f64,
    /// Errors on the validation set.
    pub valid: Counts,
    /// Error on the test set, per cent.
    pub test_percent: f64,
    /// Errors on the test set.
    pub test: Counts,
    /// What the platform asks for it; `None` where it does not allow the bits.
    pub cost: Option<Cost>,
}

/// Sets and rules that specs are measured by, for one trained network.
pub struct Bench<'a> {
    /// The network at every width.
    pub bank: &'a QuantizedBank,
    /// What a frame costs it.
    pub workload: Workload,
    /// All of the validation set.
    pub valid: Judge<'a>,
    /// All of the test set.
    pub test: Judge<'a>,
}

impl<'a> Bench<'a> {
    /// A bench over `data`.
    ///
    /// # Errors
    /// Sequences of another width than the network's input.
    pub fn new(bank: &'a QuantizedBank, trained: &'a Trained, data: &'a Dataset) -> Result<Self> {
        let all = |sequences: &'a [Sequence]| -> Vec<&'a Sequence> { sequences.iter().collect() };
        let workload = bank.network().workload();
        let valid = Judge::new(&trained.scorer, &all(&data.valid), data.dim)?;
        let test = Judge::new(&trained.scorer, &all(&data.test), data.dim)?;
        Ok(Self { bank, workload, valid, test })
    }

    /// Measures `spec` on the validation and test sets.
    ///
    /// # Errors
    /// An output that is not finite; a platform that cannot be asked.
    pub fn measure(&self, spec: &QuantSpec, platform: &dyn Platform) -> Result<MeasuredSpec> {
        let network = self.bank.at(spec);
        let valid = self.valid.errors(self.bank.network(), &network)?;
        let test = self.test.errors(self.bank.network(), &network)?;
        Ok(MeasuredSpec {
            bits: spec.to_string(),
            valid_percent: self.valid.percent(&valid),
            valid,
            test_percent: self.test.percent(&test),
            test,
            cost: platform.cost(&self.workload, spec).ok(),
        })
    }
}

/// Error with one site at `precision` and all others at 16×16.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SiteSensitivity {
    /// The site.
    pub site: String,
    /// Weight×activation bits at the site.
    pub bits: String,
    /// Error on the validation set, per cent.
    pub valid_percent: f64,
}

/// Precisions that a sensitivity analysis tries at each site: one operand at a time, then both.
pub const PROBED: [Precision; 7] = [
    Precision::new(Bits::Eight, Bits::Sixteen),
    Precision::new(Bits::Four, Bits::Sixteen),
    Precision::new(Bits::Two, Bits::Sixteen),
    Precision::new(Bits::Sixteen, Bits::Eight),
    Precision::new(Bits::Sixteen, Bits::Four),
    Precision::new(Bits::Sixteen, Bits::Two),
    Precision::new(Bits::Two, Bits::Two),
];

/// The error of every site alone at each of [`PROBED`], site by site.
///
/// # Errors
/// [`Error::Stopped`]; an output that is not finite.
pub fn sensitivity(bench: &Bench<'_>, watch: &dyn Watch) -> Result<Vec<SiteSensitivity>> {
    let sites = &bench.workload.sites;
    watch.begin("sensitivity", (sites.len() * PROBED.len()) as u64, "points");
    let mut table = Vec::new();
    for (i, site) in sites.iter().enumerate() {
        for precision in PROBED {
            let mut spec = QuantSpec::uniform(Precision::new(Bits::Sixteen, Bits::Sixteen), sites.len());
            spec.0[i] = precision;
            let errors = bench.valid.errors(bench.bank.network(), &bench.bank.at(&spec))?;
            let valid_percent = bench.valid.percent(&errors);
            table.push(SiteSensitivity { site: site.name.clone(), bits: precision.to_string(), valid_percent });
            watch.advance(table.len() as u64, &site.name);
            if watch.stopped() {
                return Err(Error::Stopped);
            }
        }
    }
    watch.end(&format!("{} sites at {} precisions", sites.len(), PROBED.len()));
    Ok(table)
}
