//! Runs side by side: one plain value, written as a self-contained HTML page, as JSON, or as text by the command line.
//!
//! Runs are compared by what all of them have. An objective that only some searched for is left out and named; a figure
//! that a run lacks is missing, never 0. Errors are those of the members of each front on the whole validation set, which
//! no search could fit in a way of its own, and on the test set; a member is chosen by its validation error alone, and the
//! test error shown beside it is of that same member.
//!
//! It says nothing about chance: two seeds of one search differ too, and only several of each tell the two apart.

mod against;
mod axes;
mod html;
mod levels;
mod settings;
#[cfg(test)]
mod tests;

pub use against::{CommonVolume, Corner};
pub use axes::{CommonAxis, LeftOut};
pub use levels::{LevelCell, LevelRow, LevelTable, Levels};
pub use settings::Setting;

use super::{Evaluation, Figure, Report, ReportError, Result};
use axes::Common;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A run to compare.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What it is called beside the others: its directory.
    pub name: &'a str,
    /// What it found.
    pub report: &'a Report,
}

/// What runs look like beside each other; every list over runs is in their order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What an error is, for all of them.
    pub error_name: String,
    /// What it is measured in.
    pub error_unit: String,
    /// The runs.
    pub runs: Vec<ComparedRun>,
    /// What the runs were asked for, and whether it was the same.
    pub settings: Vec<Setting>,
    /// What makes figures of the runs unlike each other, in sentences.
    pub cautions: Vec<String>,
    /// What fronts are placed by beside the error.
    pub axes: Vec<CommonAxis>,
    /// Objectives that not every run searched for.
    pub left_out: Vec<LeftOut>,
    /// Volumes of the fronts in one box.
    pub hypervolume: CommonVolume,
    /// `covers[a][b]`: share of the front of `b` that some member of the front of `a` dominates or equals, by the
    /// objectives that all runs share; missing on the diagonal, and where there is nothing to share.
    pub covers: Vec<Vec<Figure>>,
    /// The lowest error at given speedups, compressions, sizes and energies.
    pub tables: Vec<LevelTable>,
}

/// One of the runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedRun {
    /// What it is called here.
    pub name: String,
    /// The heading of its report.
    pub title: String,
    /// Candidates that it measured.
    pub evaluations: usize,
    /// Error of its float network on the validation set.
    pub float_valid_error: Figure,
    /// Error of its float network on the test set.
    pub float_test_error: Figure,
    /// Its front, from the lowest validation error up.
    pub front: Vec<Member>,
}

/// A member of a front.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Member {
    /// Number of the candidate in its run.
    pub id: u64,
    /// Error on the whole validation set.
    pub valid_error: Figure,
    /// Error on the test set.
    pub test_error: Figure,
    /// Its value on each of the common axes.
    pub values: Vec<Figure>,
    /// Its bits, in the form that `--bits` reads.
    pub bits: String,
}

impl Comparison {
    /// Puts `runs` side by side, with errors at `levels`.
    ///
    /// # Errors
    /// [`ReportError::FewRuns`], [`ReportError::SameName`], [`ReportError::OtherError`] where two runs count different
    /// errors, [`ReportError::Level`], and those of a report that contradicts itself.
    pub fn new(runs: &[Run<'_>], levels: &Levels) -> Result<Self> {
        check(runs)?;
        levels.check()?;
        let common = Common::of(runs);
        let compared: Vec<ComparedRun> = runs.iter().map(|run| compared(run, &common)).collect();
        Ok(Self {
            error_name: runs[0].report.baseline.error_name.clone(),
            error_unit: runs[0].report.baseline.error_unit.clone(),
            settings: settings::settings(runs),
            cautions: settings::cautions(runs),
            hypervolume: against::volumes(runs, &compared, &common)?,
            covers: against::covers(&compared, &common),
            tables: levels::tables(&compared, &common.axes, levels),
            axes: common.axes,
            left_out: common.left_out,
            runs: compared,
        })
    }

    /// Which front dominates most of the common box, in a sentence.
    pub fn headline(&self) -> String {
        let volumes = || self.hypervolume.valid.iter().filter_map(|volume| volume.get());
        let Some(most) = volumes().reduce(f64::max) else {
            return "No box holds all fronts: they are compared by the error at equal cost.".to_owned();
        };
        let found = self.runs.iter().zip(&self.hypervolume.valid).zip(&self.hypervolume.test);
        let first: Vec<(&str, Figure)> = found
            .filter(|((_, valid), _)| valid.get() == Some(most))
            .map(|((run, _), test)| (run.name.as_str(), *test))
            .collect();
        match first.as_slice() {
            [(name, test)] => {
                let test = test.get().map_or_else(String::new, |test| format!(", {test:.4} by test error"));
                format!(
                    "The front of {name} dominates most of the common box: {most:.4} of it by validation error{test}."
                )
            }
            several => {
                let names: Vec<&str> = several.iter().map(|(name, _)| *name).collect();
                format!(
                    "The fronts of {} dominate equally much of the common box: {most:.4} of it.",
                    names.join(" and ")
                )
            }
        }
    }

    /// The objectives beside the error that all runs searched for, in words.
    pub fn shared(&self) -> String {
        let labels = self.axes.iter().filter(|axis| axis.searched).map(|axis| axis.label.to_lowercase());
        labels.collect::<Vec<_>>().join(" and ")
    }

    /// Writes the comparison as JSON, on one line.
    ///
    /// # Errors
    /// [`ReportError::Json`], which its plain figures and texts never cause.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string(self)?)
    }

    /// Writes the comparison as one HTML page that needs no other file and no network.
    ///
    /// # Errors
    /// [`ReportError::Page`] for a fault of the template.
    pub fn to_html(&self) -> Result<String> {
        html::render(self)
    }
}

fn check(runs: &[Run<'_>]) -> Result<()> {
    if runs.len() < 2 {
        return Err(ReportError::FewRuns(runs.len()));
    }
    let mut names = BTreeSet::new();
    let expected = runs[0].report.baseline.metric();
    for run in runs {
        super::check::check(run.report)?;
        if !names.insert(run.name) {
            return Err(ReportError::SameName(run.name.to_owned()));
        }
        let got = run.report.baseline.metric();
        if got != expected {
            let [run, other] = [run, &runs[0]].map(|run| run.name.to_owned());
            return Err(ReportError::OtherError { run, got: got.label(), other, expected: expected.label() });
        }
    }
    Ok(())
}

fn compared(run: &Run<'_>, common: &Common) -> ComparedRun {
    let report = run.report;
    let candidates: BTreeMap<u64, &Evaluation> = report.evaluations.iter().map(|one| (one.id, one)).collect();
    let member = |point: &super::FrontPoint| {
        let candidate = candidates.get(&point.id)?;
        Some(Member {
            id: point.id,
            valid_error: point.valid_error,
            test_error: point.test_error,
            values: common.values(report, candidate),
            bits: candidate.bits.to_string(),
        })
    };
    let mut front: Vec<Member> = report.front.iter().filter_map(member).collect();
    let error = |member: &Member| member.valid_error.get().unwrap_or(f64::INFINITY);
    front.sort_by(|a, b| error(a).total_cmp(&error(b)).then(a.id.cmp(&b.id)));
    ComparedRun {
        name: run.name.to_owned(),
        title: report.title.clone(),
        evaluations: report.evaluations.len(),
        float_valid_error: report.baseline.valid.error,
        float_test_error: report.baseline.test.error,
        front,
    }
}
