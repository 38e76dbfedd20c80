//! Other methods beside the search: what they found, and all of them in one table.

use super::axes::Axis;
use super::summary::Candidates;
use super::{Direction, Figure, HypervolumePoint, Measures, Report};
use crate::quant::QuantSpec;
use serde::{Deserialize, Serialize};

/// What a method to compare with found. Its errors are those that searches see; the test set was not read for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodFront {
    /// `random`, `greedy`, `uniform`.
    pub name: String,
    /// Candidates evaluated.
    pub evaluations: u64,
    /// Volume that its front dominates, in the box of the search.
    pub hypervolume: Figure,
    /// How that grew.
    pub points: Vec<HypervolumePoint>,
    /// The candidates that no other of the method dominates.
    pub front: Vec<MethodPoint>,
}

/// A candidate on the front of a method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodPoint {
    /// One precision a site.
    #[serde(with = "super::bits")]
    pub bits: QuantSpec,
    /// Value of each objective, as shown.
    pub values: Vec<Figure>,
    /// What is known of it beside the objectives.
    #[serde(flatten)]
    pub measures: Measures,
}

/// Speedups and compressions (over 32 bit float) at which methods are compared: round numbers over the range of the
/// built-in platforms, with the 10.6 times of MOHAQ's experiment on Bit Fusion.
const SPEEDUPS: [f64; 7] = [2.0, 4.0, 8.0, 16.0, 24.0, 32.0, 48.0];
const COMPRESSIONS: [f64; 5] = [4.0, 8.0, 10.6, 12.0, 16.0];

/// The table of methods.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct MethodTable {
    /// Headings of the errors: `≥ 8×`.
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<MethodRow>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct MethodRow {
    pub(super) name: String,
    pub(super) evaluations: u64,
    pub(super) hypervolume: String,
    pub(super) errors: Vec<String>,
}

/// A point of a front: error and another quantity.
type Traded = (f64, f64);

/// The search and every method beside it: hypervolume, and the least error at some values of the first other objective.
/// `None` where there is nothing beside the search.
pub(super) fn table(report: &Report, axes: &[Axis], candidates: &Candidates<'_>) -> Option<MethodTable> {
    let error = axes.iter().find(|axis| axis.key == "error")?;
    let other = axes.iter().find(|axis| axis.searched() && axis.key != "error")?;
    if report.methods.is_empty() {
        return None;
    }
    let searched = report.front.iter().filter_map(|point| candidates.get(&point.id));
    let searched = searched.filter_map(|one| error.of(one).get().zip(other.of(one).get()));
    let mut fronts: Vec<Vec<Traded>> = vec![searched.collect()];
    fronts.extend(report.methods.iter().map(|method| {
        let traded = |point: &MethodPoint| error.of_point(point).get().zip(other.of_point(point).get());
        method.front.iter().filter_map(traded).collect()
    }));
    let mut thresholds = thresholds(report, other);
    thresholds.retain(|(_, value)| fronts.iter().any(|front| least_error(front, other.direction, *value).is_some()));
    let search =
        ("the search", report.evaluations.len() as u64, report.hypervolume.points.last().map(|p| p.hypervolume));
    let others = report.methods.iter().map(|m| (m.name.as_str(), m.evaluations, Some(m.hypervolume)));
    let rows = std::iter::once(search).chain(others).zip(&fronts).map(|((name, evaluations, hypervolume), front)| {
        let at =
            |(_, value): &(String, f64)| Figure::from(least_error(front, other.direction, *value)).show(&error.unit);
        let hypervolume = hypervolume.and_then(Figure::get).map_or_else(|| "–".into(), |volume| format!("{volume:.4}"));
        MethodRow { name: name.into(), evaluations, hypervolume, errors: thresholds.iter().map(at).collect() }
    });
    let rows = rows.collect();
    Some(MethodTable { columns: thresholds.into_iter().map(|(label, _)| label).collect(), rows })
}

/// Headings and values to compare at.
fn thresholds(report: &Report, axis: &Axis) -> Vec<(String, f64)> {
    match axis.key.as_str() {
        "speedup" | "speedup_paper" => SPEEDUPS.map(|value| (format!("≥ {value}×"), value)).to_vec(),
        "memory" => {
            // Exact: parameters are far fewer than 2⁵³.
            let float_bytes = 4.0 * report.network.parameters as f64;
            COMPRESSIONS.map(|times| (format!("≥ {times}× smaller"), float_bytes / times)).to_vec()
        }
        _ => Vec::new(),
    }
}

/// The least error of a point that is at least as good as `value`.
fn least_error(front: &[Traded], direction: Direction, value: f64) -> Option<f64> {
    let reached = front.iter().filter(|(_, other)| *other == value || direction.better(*other, value));
    reached.map(|(error, _)| *error).min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_error_is_that_of_a_point_which_reaches_the_value() {
        let front = [(10.0, 4.0), (12.0, 8.0), (11.0, 2.0)];
        assert_eq!(least_error(&front, Direction::Maximize, 4.0), Some(10.0));
        assert_eq!(least_error(&front, Direction::Maximize, 4.1), Some(12.0));
        assert_eq!(least_error(&front, Direction::Maximize, 8.1), None);
        assert_eq!(least_error(&front, Direction::Minimize, 2.0), Some(11.0));
    }
}
