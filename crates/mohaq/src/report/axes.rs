//! Axes: the quantities a candidate can be placed, sorted and compared by.
//!
//! The objectives of the search come first; memory, speedup, energy and time follow where the search did not use them but
//! somebody computed them. Page, tables and summary all read a candidate through an [`Axis`].

use super::{Baseline, Direction, Evaluation, Figure, Measures, MethodPoint, Report, UniformPrecision};
use serde::Serialize;

/// One quantity of a candidate.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Axis {
    pub(super) key: String,
    pub(super) label: String,
    pub(super) unit: String,
    pub(super) direction: Direction,
    pub(super) how: String,
    #[serde(flatten)]
    source: Source,
}

/// Where the value of an axis is found.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    /// Index into the values of the objectives.
    Objective(usize),
    /// Name of a field of [`Measures`].
    Measure(&'static str),
}

impl Axis {
    /// Whether the search used it, rather than only somebody having computed it.
    pub(super) fn searched(&self) -> bool {
        matches!(self.source, Source::Objective(_))
    }

    /// Value of a candidate.
    pub(super) fn of(&self, evaluation: &Evaluation) -> Figure {
        self.read(&evaluation.values, &evaluation.measures)
    }

    /// Value of a uniform precision.
    pub(super) fn of_uniform(&self, row: &UniformPrecision) -> Figure {
        self.read(&row.values, &row.measures)
    }

    /// Value of a candidate of another method.
    pub(super) fn of_point(&self, point: &MethodPoint) -> Figure {
        self.read(&point.values, &point.measures)
    }

    /// Value of the float network.
    pub(super) fn of_float(&self, baseline: &Baseline) -> Figure {
        match self.source {
            Source::Objective(index) => baseline.values[index],
            Source::Measure("error") => baseline.valid.error,
            Source::Measure(_) => Figure::MISSING,
        }
    }

    fn read(&self, values: &[Figure], measures: &Measures) -> Figure {
        match self.source {
            Source::Objective(index) => values[index],
            Source::Measure(name) => measure(measures, name),
        }
    }
}

/// The measures with the objective keys that stand for the same quantity.
const MEASURES: [(&str, &str, &str, &str, Direction); 5] = [
    ("error", "error", "Error", "", Direction::Minimize),
    ("memory", "memory_bytes", "Memory", "B", Direction::Minimize),
    ("speedup", "speedup", "Speedup", "×", Direction::Maximize),
    ("energy", "energy_pj", "Energy", "pJ", Direction::Minimize),
    ("time", "time_ms", "Time a frame", "ms", Direction::Minimize),
];

fn measure(measures: &Measures, name: &str) -> Figure {
    match name {
        "error" => measures.error,
        "memory_bytes" => measures.memory_bytes,
        "speedup" => measures.speedup,
        "energy_pj" => measures.energy_pj,
        _ => measures.time_ms,
    }
}

/// The axes of a report, in the order they are offered.
pub(super) fn axes(report: &Report) -> Vec<Axis> {
    let objectives = report.objectives.iter().enumerate().map(|(index, objective)| Axis {
        key: objective.key.clone(),
        label: objective.label.clone(),
        unit: objective.unit.clone(),
        direction: objective.direction,
        how: objective.how.clone(),
        source: Source::Objective(index),
    });
    let known = |key: &str| report.objectives.iter().any(|objective| objective.key == key);
    let computed = |name| report.evaluations.iter().any(|one| measure(&one.measures, name).get().is_some());
    let measures = MEASURES.iter().filter(|(key, name, ..)| !known(key) && computed(name)).map(
        |&(key, name, label, unit, direction)| Axis {
            key: key.to_owned(),
            label: label.to_owned(),
            unit: if key == "error" { report.baseline.error_unit.clone() } else { unit.to_owned() },
            direction,
            how: "computed for every candidate, no objective of this search".to_owned(),
            source: Source::Measure(name),
        },
    );
    objectives.chain(measures).collect()
}
