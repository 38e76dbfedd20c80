//! What the figures say, in sentences: the headline, what each constraint excluded, what cut each side of the front.

use super::axes::Axis;
use super::{Constraint, Direction, Evaluation, Figure, FrontPoint, Report, TestInterval};
use mohaq_speech::metric::Metric;
use serde::Serialize;
use std::collections::BTreeMap;

/// Points of error over the float network that the headline allows, or what [`Metric::point`] takes for one.
const HEADLINE_POINTS: f64 = 1.0;

/// Bytes of a parameter of the float network.
const FLOAT_BYTES: f64 = 4.0;

/// The evaluations by number.
pub(super) type Candidates<'a> = BTreeMap<u64, &'a Evaluation>;

/// A heading with what there is to say about it.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Statement {
    pub(super) about: String,
    pub(super) text: String,
}

/// How many candidates made it, and the best that keep within [`HEADLINE_POINTS`] of the float network's error.
pub(super) fn headline(report: &Report, candidates: &Candidates<'_>) -> String {
    let evaluated = report.evaluations.len();
    let count = format!("{} of {evaluated} evaluated candidates are on the front", report.front.len());
    let Some(float_error) = report.baseline.valid.error.get() else { return format!("{count}.") };
    let metric = report.baseline.metric();
    let near: Vec<Near<'_>> =
        report.front.iter().filter_map(|point| Near::new(point, float_error, candidates, &metric)).collect();
    let allowed = HEADLINE_POINTS * metric.point(float_error);
    let within: Vec<&Near<'_>> = near.iter().filter(|near| near.over <= allowed).collect();
    if within.is_empty() {
        let closest = near.iter().min_by(|a, b| a.over.total_cmp(&b.over));
        return closest.map_or_else(
            || format!("{count}."),
            |near| {
                format!("{count}; the closest to float is #{} at {}.", near.candidate.id, metric.difference(near.over))
            },
        );
    }
    let clauses: Vec<String> =
        [smallest(report, &within), fastest(&within), thriftiest(&within)].into_iter().flatten().collect();
    match clauses.as_slice() {
        [] => format!("{count}."),
        clauses => format!("{count}. Within {} of float's error: {}.", metric.point_name(), clauses.join("; ")),
    }
}

/// A member of the front with its distance from the float network.
struct Near<'a> {
    candidate: &'a Evaluation,
    /// Error over that of the float network.
    over: f64,
    metric: &'a Metric,
}

impl<'a> Near<'a> {
    fn new(point: &FrontPoint, float_error: f64, candidates: &Candidates<'a>, metric: &'a Metric) -> Option<Self> {
        let over = point.valid_error.get()? - float_error;
        Some(Self { candidate: candidates.get(&point.id)?, over, metric })
    }

    /// `#12, +0.42 points`.
    fn name(&self) -> String {
        format!("#{}, {}", self.candidate.id, self.metric.difference(self.over))
    }
}

/// The best of `within` by a measure, with its value.
fn best<'n, 'a>(
    within: &[&'n Near<'a>],
    direction: Direction,
    measure: impl Fn(&Evaluation) -> Figure,
) -> Option<(f64, &'n Near<'a>)> {
    let measured = within.iter().filter_map(|near| Some((measure(near.candidate).get()?, *near)));
    measured.reduce(|best, next| if direction.better(next.0, best.0) { next } else { best })
}

fn smallest(report: &Report, within: &[&Near<'_>]) -> Option<String> {
    let (bytes, near) = best(within, Direction::Minimize, |one| one.measures.memory_bytes)?;
    // Exact: parameters are far fewer than 2⁵³.
    let times = report.network.parameters as f64 * FLOAT_BYTES / bytes;
    let size = Figure::from(bytes).show("B");
    Some(format!("{times:.1}× smaller than 32 bit float at {size} ({})", near.name()))
}

fn fastest(within: &[&Near<'_>]) -> Option<String> {
    let (speedup, near) = best(within, Direction::Maximize, |one| one.measures.speedup)?;
    Some(format!("{speedup:.1}× faster than the platform's reference ({})", near.name()))
}

fn thriftiest(within: &[&Near<'_>]) -> Option<String> {
    let (energy, near) = best(within, Direction::Minimize, |one| one.measures.energy_pj)?;
    Some(format!("{} a frame ({})", Figure::from(energy).show("pJ"), near.name()))
}

/// Half-width of the interval of a test error from which differences of interest drown in it, points.
const SMALL_TEST_SET: f64 = HEADLINE_POINTS / 2.0;

/// What the test set says of the errors that the front was chosen by, and how much it can say.
pub(super) fn bias(report: &Report) -> Vec<Statement> {
    let Some(bias) = &report.selection_bias else { return Vec::new() };
    let metric = report.baseline.metric();
    let text = format!(
        "Test error less search error: {} on average over the front, {} for the float network, which no search chose. \
         The difference, {}, is the bias: above 0 where the search fitted its development set.",
        metric.difference(bias.front_gap),
        metric.difference(bias.float_gap),
        metric.difference(bias.bias),
    );
    let about = format!("Selection bias: {}", metric.difference(bias.bias));
    let Some(TestInterval { labels, half_width: width }) = bias.test else { return vec![Statement { about, text }] };
    let labels = super::tables::grouped(labels);
    let verdict = if width > SMALL_TEST_SET {
        "It is small: do not choose between members of the front by their test errors, nor read a bias below this as one"
    } else {
        "Smaller differences between test errors mean nothing"
    };
    let interval = format!(
        "The float network's error over its {labels} labels is known to ±{width:.2} points at best (95 %, \
         1.96·√(p(1−p)/n); labels of one speaker vary together, which widens it). {verdict}."
    );
    vec![Statement { about, text }, Statement { about: "The test set".to_owned(), text: interval }]
}

/// What each constraint excluded, and by how little the nearest candidate failed.
pub(super) fn exclusions(report: &Report, axes: &[Axis]) -> Vec<Statement> {
    report.constraints.iter().map(|constraint| exclusion(report, axes, constraint)).collect()
}

fn exclusion(report: &Report, axes: &[Axis], constraint: &Constraint) -> Statement {
    let about =
        format!("{}: {} {}", constraint.label, constraint.bound.sign(), constraint.limit.show(&constraint.unit));
    let violates = |one: &&Evaluation| one.violated.iter().any(|violation| violation.constraint == constraint.name);
    let excluded: Vec<&Evaluation> = report.evaluations.iter().filter(violates).collect();
    if excluded.is_empty() {
        return Statement { about, text: "Kept by every evaluated candidate; it excluded none.".to_owned() };
    }
    let alone = excluded.iter().filter(|one| one.violated.len() == 1).count();
    let total = report.evaluations.len();
    let mut text = format!("Excluded {} of {total} candidates, {alone} of them by itself", excluded.len());
    let axis = axes.iter().find(|axis| Some(&axis.key) == constraint.axis.as_ref());
    if let (Some(axis), Some(limit)) = (axis, constraint.limit.get()) {
        let distance = |one: &Evaluation| axis.of(one).get().map(|value| (value - limit).abs());
        let nearest = excluded.iter().filter_map(|one| Some((distance(one)?, one)));
        if let Some((_, nearest)) = nearest.min_by(|a, b| a.0.total_cmp(&b.0)) {
            text += &format!("; the nearest, #{}, has {}", nearest.id, axis.of(nearest).show(&axis.unit));
        }
    }
    Statement { about, text: text + "." }
}

/// For each objective: where the front ends, and which constraints excluded the candidates that lie beyond.
pub(super) fn cuts(report: &Report, axes: &[Axis], candidates: &Candidates<'_>) -> Vec<Statement> {
    axes.iter().filter(|axis| axis.searched()).filter_map(|axis| cut(report, axis, candidates)).collect()
}

fn cut(report: &Report, axis: &Axis, candidates: &Candidates<'_>) -> Option<Statement> {
    let value = |one: &Evaluation| axis.of(one).get();
    let front = report.front.iter().filter_map(|point| candidates.get(&point.id).copied());
    let valued = front.filter_map(|one| Some((value(one)?, one)));
    let (end, last) = valued.reduce(|best, next| if axis.direction.better(next.0, best.0) { next } else { best })?;
    let beyond = report.evaluations.iter().filter(|one| !one.feasible());
    let beyond = beyond.filter_map(|one| Some((value(one)?, one)));
    let beyond: Vec<(f64, &Evaluation)> = beyond.filter(|(value, _)| axis.direction.better(*value, end)).collect();

    let side = match axis.direction {
        Direction::Minimize => "Least",
        Direction::Maximize => "Most",
    };
    let about = format!("{side} {}", axis.label.to_lowercase());
    let mut text = format!("The front ends at {} (#{})", axis.of(last).show(&axis.unit), last.id);
    match beyond.iter().min_by(|a, b| (a.0 - end).abs().total_cmp(&(b.0 - end).abs())) {
        None => text += "; no evaluated candidate goes further, so no constraint cut this side.",
        Some((_, nearest)) => {
            let reasons: Vec<&str> = nearest.violated.iter().map(|violation| violation.reason.as_str()).collect();
            text += &format!(
                ". Of the candidates that go further, {}. The nearest, #{}, has {}; it was excluded for {}.",
                blame(report, &beyond),
                nearest.id,
                axis.of(nearest).show(&axis.unit),
                reasons.join(" and "),
            );
        }
    }
    Some(Statement { about, text })
}

/// `31 were excluded by Error, 2 by Memory`: the constraints that `beyond` violate, most frequent first.
fn blame(report: &Report, beyond: &[(f64, &Evaluation)]) -> String {
    let violates = |one: &Evaluation, name: &str| one.violated.iter().any(|violation| violation.constraint == name);
    let mut counts: Vec<(usize, &str)> = report
        .constraints
        .iter()
        .map(|constraint| {
            let count = beyond.iter().filter(|(_, one)| violates(one, &constraint.name)).count();
            (count, constraint.label.as_str())
        })
        .filter(|(count, _)| *count > 0)
        .collect();
    counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let parts: Vec<String> = counts.iter().map(|(count, label)| format!("{count} failed “{label}”")).collect();
    parts.join(", ")
}
