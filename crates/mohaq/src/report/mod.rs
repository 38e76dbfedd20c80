//! The report of a search: one plain value, written as a self-contained HTML page, as JSON or as CSV.
//!
//! [`Report`] holds what a run found and nothing that depends on when or where it ran, except the stage times, which are
//! marked as such. Everything the page says beyond it (the headline, what cut the front) is derived from it in
//! `summary`, so a report read back from its JSON renders the same page.
//!
//! The page opens from disk. Script, style and chart library travel in it, a content security policy forbids it any
//! network, and every text that came from outside is escaped: by the template engine in markup, by `html` in the
//! embedded data. Tables are plain HTML and readable without scripts; charts, sorting and selection are not.
//!
//! [`Comparison`] puts the reports of several runs side by side, and writes a page by the same means.
//!
//! It measures nothing and knows no files: the caller fills the value and stores the text.

mod axes;
mod beacons;
mod bias;
mod bits;
mod check;
mod compare;
mod csv;
mod error;
mod figure;
mod html;
mod methods;
mod outcome;
mod setting;
mod summary;
mod tables;
#[cfg(test)]
mod tests;

pub use beacons::{Beacon, Loan};
pub use bias::{SelectionBias, TestInterval};
pub use compare::{
    CommonAxis, CommonVolume, ComparedRun, Comparison, Corner, LeftOut, LevelCell, LevelRow, LevelTable, Levels,
    Member, Run, Setting,
};
pub use error::ReportError;
pub use figure::Figure;
pub use methods::{MethodFront, MethodPoint};
pub use outcome::{
    Baseline, Edits, ErrorRate, Evaluation, FrontPoint, Hypervolume, HypervolumePoint, Measures, Partial, Sensitivity,
    SensitivityColumn, StageTime, UniformPrecision, Violation,
};
pub use setting::{
    Bound, Constraint, DataPart, DataSummary, Direction, Epoch, NetworkSummary, Objective, PlatformSummary,
    SourcedNumber, TrainingUnits,
};

use serde::{Deserialize, Serialize};

/// The result of this module's functions.
pub type Result<T> = std::result::Result<T, ReportError>;

/// All that a run found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Heading of the page.
    pub title: String,
    /// Version of mohaq that ran.
    pub mohaq_version: String,
    /// Name of the recipe.
    pub recipe: String,
    /// Command line that repeats the run, typed in its directory.
    pub command: String,
    /// Seed of everything random.
    pub seed: u64,
    /// The platform that priced the candidates.
    pub platform: PlatformSummary,
    /// The network.
    pub network: NetworkSummary,
    /// The data.
    pub data: DataSummary,
    /// The training, an entry an epoch; empty where a trained network was given.
    pub training: Vec<Epoch>,
    /// What its losses and errors are measured in.
    #[serde(default)]
    pub training_units: TrainingUnits,
    /// The float network.
    pub baseline: Baseline,
    /// The network at one precision everywhere.
    pub uniform: Vec<UniformPrecision>,
    /// What the search minimised or maximised; every `values` has one entry for each.
    pub objectives: Vec<Objective>,
    /// The limits it kept.
    pub constraints: Vec<Constraint>,
    /// Every candidate, in the order of evaluation.
    pub evaluations: Vec<Evaluation>,
    /// The candidates that no other dominates, in an order that does not depend on the search.
    pub front: Vec<FrontPoint>,
    /// The networks that were retrained in the search, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beacons: Vec<Beacon>,
    /// How far the errors that the front was chosen by are from those on the test set.
    pub selection_bias: Option<SelectionBias>,
    /// How the front grew.
    pub hypervolume: Hypervolume,
    /// What simpler methods found.
    pub methods: Vec<MethodFront>,
    /// Error by site and precision, where it was measured.
    pub sensitivity: Option<Sensitivity>,
    /// Times of the stages.
    pub stages: Vec<StageTime>,
}

impl Report {
    /// Reads a report from the text that [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// [`ReportError::Json`] where the text is no report, and those of a report that contradicts itself: a list of
    /// another length than what it belongs to, a front of candidates that nobody evaluated.
    pub fn from_json(text: &str) -> Result<Self> {
        let report: Self = serde_json::from_str(text)?;
        check::check(&report)?;
        Ok(report)
    }

    /// Writes the report as JSON, indented, ending in a line break.
    ///
    /// # Errors
    /// [`ReportError`] where the report contradicts itself, as in [`from_json`](Self::from_json).
    pub fn to_json(&self) -> Result<String> {
        check::check(self)?;
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Writes the evaluations as CSV (RFC 4180), one row a candidate, in the order of evaluation.
    ///
    /// Columns: `id`, `order`, `feasible`, `on_front`, `error`, `test_error` (front only; both in the unit of the metric),
    /// `memory_bytes`, `speedup`, `energy_pj`, `time_ms`, `gops`, `gops_per_watt`, `real_time_factor`, `objective.KEY` for each objective, `violated`, `beacon`,
    /// `own_error` (where a candidate has a beacon's parameters), `sequences`, `estimated_error` and `error_at_least` (of a
    /// candidate that was stopped, whose `error` is missing), `bits`, and
    /// `SITE.weight_bits`, `SITE.activation_bits` for each site. A missing figure is an empty field.
    ///
    /// # Errors
    /// [`ReportError`] where the report contradicts itself, as in [`from_json`](Self::from_json).
    pub fn to_csv(&self) -> Result<String> {
        check::check(self)?;
        Ok(csv::write(self))
    }

    /// Writes the report as one HTML page that needs no other file and no network.
    ///
    /// # Errors
    /// [`ReportError`] where the report contradicts itself, as in [`from_json`](Self::from_json).
    pub fn to_html(&self) -> Result<String> {
        check::check(self)?;
        html::render(self)
    }
}
