//! What all runs of a comparison can be placed by.

use super::Run;
use crate::report::axes::{Axis, axes};
use crate::report::{Direction, Evaluation, Figure, Report};
use serde::Serialize;
use std::fmt;

/// Key of the error, which every run has and every comparison treats apart.
const ERROR: &str = "error";

/// Bytes of a parameter as a 32 bit float.
const FLOAT_BYTES: f64 = 4.0;

/// A quantity that every run has a figure of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CommonAxis {
    /// Short name: `memory`, `speedup`, `speedup_paper`, `energy`, or `compression`.
    pub key: String,
    /// Heading for people.
    pub label: String,
    /// Unit of the values, see [`Figure::show`].
    pub unit: String,
    /// Which way is better.
    pub direction: Direction,
    /// Whether every run searched for it, rather than only computing it.
    pub searched: bool,
}

/// An objective of some of the runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeftOut {
    /// Its heading.
    pub label: String,
    /// The runs that searched for it.
    pub runs: Vec<String>,
}

impl fmt::Display for LeftOut {
    /// `Energy a frame (runs/silago, runs/other)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.label, self.runs.join(", "))
    }
}

/// The common axes, in the order of the first run, and what is no common one.
pub(super) struct Common {
    pub(super) axes: Vec<CommonAxis>,
    pub(super) left_out: Vec<LeftOut>,
}

impl Common {
    pub(super) fn of(runs: &[Run<'_>]) -> Self {
        let all: Vec<Vec<Axis>> = runs.iter().map(|run| axes(run.report)).collect();
        let in_every = |axis: &&Axis| axis.key != ERROR && all.iter().all(|axes| same(axes, axis).is_some());
        let mut shared: Vec<CommonAxis> = all[0]
            .iter()
            .filter(in_every)
            .map(|axis| CommonAxis {
                key: axis.key.clone(),
                label: axis.label.clone(),
                unit: axis.unit.clone(),
                direction: axis.direction,
                searched: all.iter().all(|axes| same(axes, axis).is_some_and(Axis::searched)),
            })
            .collect();
        if shared.iter().any(|axis| axis.key == "memory") {
            shared.push(CommonAxis {
                key: "compression".to_owned(),
                label: "Compression".to_owned(),
                unit: "×".to_owned(),
                direction: Direction::Maximize,
                searched: false,
            });
        }
        let left_out = left_out(runs, &all, &shared);
        Self { axes: shared, left_out }
    }

    /// Positions of the axes that every run searched for.
    pub(super) fn searched(&self) -> impl Iterator<Item = usize> {
        self.axes.iter().enumerate().filter(|(_, axis)| axis.searched).map(|(index, _)| index)
    }

    /// Value of a candidate of `report` on each of the common axes.
    pub(super) fn values(&self, report: &Report, candidate: &Evaluation) -> Vec<Figure> {
        let own = axes(report);
        let value = |key: &str| own.iter().find(|axis| axis.key == key).map_or(Figure::MISSING, |a| a.of(candidate));
        let compression = || {
            // Exact: parameters are far fewer than 2⁵³.
            let float = report.network.parameters as f64 * FLOAT_BYTES;
            Figure::from(value("memory").get().map(|bytes| float / bytes))
        };
        let of = |axis: &CommonAxis| if axis.key == "compression" { compression() } else { value(&axis.key) };
        self.axes.iter().map(of).collect()
    }
}

/// The axis of `axes` that is the same quantity as `axis`.
fn same<'a>(axes: &'a [Axis], axis: &Axis) -> Option<&'a Axis> {
    axes.iter().find(|own| own.key == axis.key && own.unit == axis.unit && own.direction == axis.direction)
}

/// Objectives that are no common axis, or that some runs only computed, in the order in which runs name them.
fn left_out(runs: &[Run<'_>], all: &[Vec<Axis>], shared: &[CommonAxis]) -> Vec<LeftOut> {
    let mut left: Vec<(&str, LeftOut)> = Vec::new();
    for (run, axes) in runs.iter().zip(all) {
        let shared_by_all =
            |axis: &Axis| axis.key == ERROR || shared.iter().any(|one| one.key == axis.key && one.searched);
        for axis in axes.iter().filter(|axis| axis.searched() && !shared_by_all(axis)) {
            match left.iter_mut().find(|(key, _)| *key == axis.key) {
                Some((_, there)) => there.runs.push(run.name.to_owned()),
                None => left.push((&axis.key, LeftOut { label: axis.label.clone(), runs: vec![run.name.to_owned()] })),
            }
        }
    }
    left.into_iter().map(|(_, left)| left).collect()
}
