//! What came out: the baseline, uniform precisions, every evaluated candidate, the front and how it grew.

use super::{Figure, Loan};
use crate::platform::Explained;
use crate::quant::{Precision, QuantSpec};
use mohaq_speech::metric::Metric;
use serde::{Deserialize, Serialize};

/// An error with what it is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorRate {
    /// The error, in the unit of the report\'s metric.
    #[serde(alias = "percent")]
    pub error: Figure,
    /// What was counted, where the error is one of edits between label sequences.
    pub edits: Option<Edits>,
}

/// Edits that turn the reference into what was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edits {
    /// Labels recognised as another.
    pub substitutions: u64,
    /// Labels missed.
    pub deletions: u64,
    /// Labels recognised where there was none.
    pub insertions: u64,
    /// Labels of the reference.
    pub reference: u64,
}

/// The float network, before any quantization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// What an error is: `phone error rate`, `frame error rate`.
    pub error_name: String,
    /// What errors are measured in; reports of earlier versions knew only per cent.
    #[serde(default = "percent")]
    pub error_unit: String,
    /// Error on the validation set.
    pub valid: ErrorRate,
    /// Error on the test set.
    pub test: ErrorRate,
    /// Error measured as that of a candidate of the search.
    #[serde(alias = "search_error_percent")]
    pub search_error: Figure,
    /// Its value of each objective, missing where float has none (a speedup on an integer platform).
    pub values: Vec<Figure>,
}

impl Baseline {
    /// What every error of the report is.
    pub fn metric(&self) -> Metric {
        Metric::new(self.error_name.clone(), self.error_unit.clone())
    }
}

fn percent() -> String {
    "%".to_owned()
}

/// What is known of an assignment, whatever the objectives of the search are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Error on the validation set.
    #[serde(alias = "error_percent")]
    pub error: Figure,
    /// Memory of all parameters, bytes.
    pub memory_bytes: Figure,
    /// Speedup over the platform's reference precision.
    pub speedup: Figure,
    /// Energy of a frame, pJ.
    pub energy_pj: Figure,
    /// Time of a frame, ms.
    #[serde(default)]
    pub time_ms: Figure,
    /// 10⁹ operations a second.
    #[serde(default)]
    pub gops: Figure,
    /// 10⁹ operations a second and watt.
    #[serde(default)]
    pub gops_per_watt: Figure,
    /// Time to compute a frame over its duration.
    #[serde(default)]
    pub real_time_factor: Figure,
}

/// The network with one precision at all sites.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UniformPrecision {
    /// The precision.
    #[serde(with = "super::bits::one")]
    pub precision: Precision,
    /// What it costs; the error is that on the validation set.
    #[serde(flatten)]
    pub measures: Measures,
    /// Error measured as that of a candidate of the search.
    #[serde(alias = "search_error_percent")]
    pub search_error: Figure,
    /// Error on the test set.
    #[serde(alias = "test_error_percent")]
    pub test_error: Figure,
    /// Its value of each objective.
    pub values: Vec<Figure>,
}

/// One candidate that the search evaluated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Number of the candidate, unique in the report and below 2⁵³ (a browser reads it).
    pub id: u64,
    /// Place in the order of evaluation, from 1.
    pub order: u64,
    /// One precision a site.
    #[serde(with = "super::bits")]
    pub bits: QuantSpec,
    /// Value of each objective, as shown.
    pub values: Vec<Figure>,
    /// What is known of it beside the objectives.
    #[serde(flatten)]
    pub measures: Measures,
    /// Constraints that it violates; empty for a feasible candidate.
    pub violated: Vec<Violation>,
    /// The beacon whose parameters it was measured with; none where its own make fewer errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loan: Option<Loan>,
    /// What is known of the error of a candidate that was stopped because it could not enter the front; its other figures of
    /// the error are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Partial>,
}

/// What is known of an error that was not measured to the end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partial {
    /// Sequences that it was measured on …
    pub sequences: u64,
    /// … of so many.
    pub of: u64,
    /// What it was estimated to be by then.
    pub estimated_error: Figure,
    /// What it certainly is at least.
    pub error_at_least: Figure,
}

impl Evaluation {
    /// Whether it keeps every constraint, as far as is known.
    pub fn feasible(&self) -> bool {
        self.violated.is_empty()
    }
}

/// A constraint that a candidate does not keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// Name of the constraint.
    pub constraint: String,
    /// By what it is violated: `error 26.30 %, at most 24.00 %`.
    pub reason: String,
}

/// A member of the front.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontPoint {
    /// Number of its evaluation.
    pub id: u64,
    /// The error that it was chosen by.
    #[serde(alias = "search_error_percent")]
    pub search_error: Figure,
    /// Error on the whole validation set.
    #[serde(alias = "valid_error_percent")]
    pub valid_error: Figure,
    /// Error on the test set, read once after the search.
    #[serde(alias = "test_error_percent")]
    pub test_error: Figure,
    /// Its cost taken apart, where the platform prices time or energy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explained: Option<Explained>,
}

/// How the front grew.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hypervolume {
    /// The reference point, a value for each objective, as shown.
    pub reference: Vec<Figure>,
    /// The dominated volume after each count of evaluations, rising.
    pub points: Vec<HypervolumePoint>,
}

/// The dominated volume at one time of the search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HypervolumePoint {
    /// Candidates evaluated until then.
    pub evaluations: u64,
    /// Volume between the front and the reference point.
    pub hypervolume: Figure,
}

/// Error when one site alone is quantized.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sensitivity {
    /// What the other sites have: `all other sites at 16x16`.
    pub others: String,
    /// The precisions tried: the columns.
    pub columns: Vec<SensitivityColumn>,
}

/// One precision tried at each site in turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensitivityColumn {
    /// The precision.
    #[serde(with = "super::bits::one")]
    pub precision: Precision,
    /// Error on the validation set with each site, and no other, at this precision.
    #[serde(alias = "error_percent")]
    pub errors: Vec<Figure>,
}

/// How long a stage took: for information, no part of the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageTime {
    /// Name of the stage.
    pub stage: String,
    /// Wall-clock time, seconds.
    pub seconds: Figure,
}
