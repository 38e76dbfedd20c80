//! Measuring given bits, and the sensitivity of each site.

use super::session::Trained;
use crate::config::Recipe;
use crate::eval::{IntegerJudge, Judge, ScoreCommand};
use crate::nn::Workload;
use crate::platform::{Cost, Platform};
use crate::quant::{IntegerBank, Precision, QuantSpec};
use crate::watch::Watch;
use crate::{Error, Result};
use mohaq_rt::Bits;
use mohaq_speech::dataset::{Development, Sequence};
use mohaq_speech::score::{Counts, Scorer};
use serde::{Deserialize, Serialize};

/// A spec with its errors on the validation and test sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasuredSpec {
    /// Weight×activation bits a site.
    pub bits: String,
    /// Error on the validation set, in the unit of its metric.
    pub valid_error: f64,
    /// Errors on the validation set.
    pub valid: Counts,
    /// Error on the test set.
    pub test_error: f64,
    /// Errors on the test set.
    pub test: Counts,
    /// What the platform asks for it; `None` where it does not allow the bits.
    pub cost: Option<Cost>,
}

/// What specs are measured with and on while something is still to be decided: it does not hold the test set.
pub struct Bench<'a> {
    /// The network at every width.
    pub bank: &'a IntegerBank<'a>,
    /// What a frame costs it.
    pub workload: Workload,
    /// All of the validation set.
    pub valid: IntegerJudge<'a>,
}

impl<'a> Bench<'a> {
    /// A bench over `data` of `recipe`, with its bytes for outputs of first layers on the validation set.
    ///
    /// # Errors
    /// Sequences of another width than the network's input, or with features that are not numbers.
    pub fn new(
        bank: &'a IntegerBank<'a>,
        trained: &'a Trained,
        data: Development<'a>,
        recipe: &Recipe,
    ) -> Result<Self> {
        let cache_bytes = recipe.search.cache_mib << 20;
        let valid = judge(bank, &trained.scorer, trained.score.as_ref(), data.valid, cache_bytes)?;
        Ok(Self { bank, workload: bank.network().workload().lasting(recipe.frame_ns()), valid })
    }

    /// The same with the test set: for what is measured when all is decided.
    ///
    /// # Errors
    /// Sequences of another width than the network's input, or with features that are not numbers.
    pub fn with_test<'b>(&'b self, test: &'b [Sequence]) -> Result<FinalBench<'b>> {
        // Read once a candidate: nothing to keep.
        Ok(FinalBench {
            workload: &self.workload,
            valid: self.valid.lent(self.bank)?,
            test: judge(self.bank, self.valid.judge().scorer(), self.valid.judge().command(), test, 0)?,
        })
    }
}

fn judge<'a>(
    bank: &'a IntegerBank<'a>,
    scorer: &'a Scorer,
    command: Option<&'a ScoreCommand>,
    sequences: &'a [Sequence],
    cache_bytes: usize,
) -> Result<IntegerJudge<'a>> {
    let sequences: Vec<&Sequence> = sequences.iter().collect();
    let judge = Judge::new(scorer, &sequences, bank.network().inputs())?.scored_by(command);
    IntegerJudge::new(judge, bank, cache_bytes)
}

/// A bench with the validation and the test set.
pub struct FinalBench<'b> {
    workload: &'b Workload,
    valid: IntegerJudge<'b>,
    test: IntegerJudge<'b>,
}

impl FinalBench<'_> {
    /// The same sets for the networks of another bank of the same shape.
    ///
    /// # Errors
    /// See [`Bench::with_test`].
    pub fn lent<'c>(&'c self, bank: &'c IntegerBank<'c>) -> Result<FinalBench<'c>> {
        Ok(FinalBench { workload: self.workload, valid: self.valid.lent(bank)?, test: self.test.lent(bank)? })
    }

    /// Measures `spec` on both sets.
    ///
    /// # Errors
    /// An output that is not finite; a platform that cannot be asked.
    pub fn measure(&self, spec: &QuantSpec, platform: &dyn Platform) -> Result<MeasuredSpec> {
        let (valid, test) = (self.valid.errors(spec)?, self.test.errors(spec)?);
        Ok(MeasuredSpec {
            bits: spec.to_string(),
            // Both sets are whole: the worst subset is the only one.
            valid_error: self.valid.judge().worst_error(&valid),
            valid: valid.total(),
            test_error: self.test.judge().worst_error(&test),
            test: test.total(),
            cost: platform.cost(self.workload, spec).ok(),
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
    /// Error on the validation set.
    pub valid_error: f64,
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
            let valid_error = bench.valid.judge().worst_error(&bench.valid.errors(&spec)?);
            table.push(SiteSensitivity { site: site.name.clone(), bits: precision.to_string(), valid_error });
            watch.advance(table.len() as u64, &site.name);
            if watch.stopped() {
                return Err(Error::Stopped);
            }
        }
    }
    watch.end(&format!("{} sites at {} precisions", sites.len(), PROBED.len()));
    Ok(table)
}
