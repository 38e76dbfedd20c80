//! What the runs were asked for, and what of it differs.

use super::Run;
use crate::report::Report;
use serde::Serialize;

/// One thing that runs were asked for, or that they started from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// What it is: `Seed`.
    pub what: String,
    /// It in each run.
    pub values: Vec<String>,
    /// Whether it is the same in all of them.
    pub same: bool,
}

/// A heading with how a report tells its value.
type Told = (&'static str, fn(&Report) -> String);

/// Heading of the figures of a platform.
const FIGURES: &str = "Figures of the platform";

const SETTINGS: [Told; 14] = [
    ("Recipe", |report| report.recipe.clone()),
    ("Seed", |report| report.seed.to_string()),
    ("Platform", |report| report.platform.name.clone()),
    (FIGURES, platform_figures),
    ("Objectives", |report| listed(report.objectives.iter().map(|objective| objective.label.clone()))),
    ("Error of a candidate", candidate_error),
    ("Constraints", constraints),
    ("Network", |report| report.network.description.join("; ")),
    ("Parameters", |report| report.network.parameters.to_string()),
    ("Corpus", |report| report.data.corpus.clone()),
    ("Sets", sets),
    ("Float network, validation", |report| report.baseline.valid.error.show(&report.baseline.error_unit)),
    ("Float network, test", |report| report.baseline.test.error.show(&report.baseline.error_unit)),
    ("mohaq", |report| report.mohaq_version.clone()),
];

/// Every setting, in the order of reading.
pub(super) fn settings(runs: &[Run<'_>]) -> Vec<Setting> {
    let setting = |(what, told): &Told| {
        let values: Vec<String> = runs.iter().map(|run| told(run.report)).collect();
        let same = values.iter().all(|value| *value == values[0]);
        Setting { what: (*what).to_owned(), values, same }
    };
    let mut settings: Vec<Setting> = SETTINGS.iter().map(setting).collect();
    // Platforms of different names have different figures: that goes without saying, and takes a page to say.
    if settings.iter().any(|setting| setting.what == "Platform" && !setting.same) {
        settings.retain(|setting| setting.what != FIGURES);
    }
    settings
}

fn listed(values: impl Iterator<Item = String>) -> String {
    values.collect::<Vec<_>>().join(", ")
}

fn platform_figures(report: &Report) -> String {
    listed(report.platform.numbers.iter().map(|number| format!("{} {}", number.label, number.value)))
}

fn candidate_error(report: &Report) -> String {
    let error = report.objectives.iter().find(|objective| objective.key == "error");
    error.map_or_else(|| "no objective".to_owned(), |objective| objective.how.clone())
}

fn constraints(report: &Report) -> String {
    listed(report.constraints.iter().map(|constraint| {
        format!("{} {} {}", constraint.label, constraint.bound.sign(), constraint.limit.show(&constraint.unit))
    }))
}

fn sets(report: &Report) -> String {
    let parts = report
        .data
        .parts
        .iter()
        .map(|part| format!("{} {} sequences, {} frames", part.name, part.sequences, part.frames));
    format!("{}: {}", report.data.split, parts.collect::<Vec<_>>().join("; "))
}

/// What makes figures of the runs unlike each other.
pub(super) fn cautions(runs: &[Run<'_>]) -> Vec<String> {
    let differ = |told: &[fn(&Report) -> String]| {
        told.iter().any(|told| runs.iter().any(|run| told(run.report) != told(runs[0].report)))
    };
    let cases = [
        (
            differ(&[|report| report.data.corpus.clone(), sets]),
            "The runs have different data: their errors are of different sentences.",
        ),
        (
            differ(&[|report| report.network.description.join("; "), |report| report.network.parameters.to_string()]),
            "The runs have different networks: a speedup or a compression is over each one's own.",
        ),
        (
            differ(&[|report| report.platform.name.clone(), platform_figures]),
            "The runs are priced by different platforms: speedups and energies have different references.",
        ),
    ];
    cases.into_iter().filter(|(applies, _)| *applies).map(|(_, text)| text.to_owned()).collect()
}
