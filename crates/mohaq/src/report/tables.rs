//! The tables of the page, every cell as the text it shows.

use super::axes::Axis;
use super::summary::Candidates;
use super::{Baseline, ErrorRate, Evaluation, Figure, Report, Sensitivity};
use crate::quant::QuantSpec;
use serde::Serialize;

/// A number as shown, with what to sort it by.
#[derive(Serialize)]
pub(super) struct Cell {
    text: String,
    /// Empty for a missing figure.
    sort: String,
}

impl Cell {
    fn new(figure: Figure, unit: &str) -> Self {
        Self { text: figure.show(unit), sort: figure.get().map_or_else(String::new, |value| value.to_string()) }
    }
}

/// A heading that a table can be sorted by.
#[derive(Serialize)]
pub(super) struct Column {
    label: String,
    hint: String,
}

/// A site with its part of the network.
#[derive(Serialize)]
pub(super) struct SiteColumn {
    name: String,
    shape: String,
    weights: String,
    macs: String,
    weight_share: String,
    mac_share: String,
}

/// Widths of one site.
#[derive(Serialize)]
pub(super) struct Widths {
    weight: u32,
    activation: u32,
}

/// The front, a row a member.
#[derive(Serialize)]
pub(super) struct FrontTable {
    columns: Vec<Column>,
    rows: Vec<FrontRow>,
}

#[derive(Serialize)]
struct FrontRow {
    id: u64,
    /// What rows are sorted by: the validation error, +∞ where it is missing.
    #[serde(skip)]
    error: f64,
    cells: Vec<Cell>,
    bits: Vec<Widths>,
    spec: String,
}

/// The front by rising validation error: all its errors, every other axis, the bits of each site.
pub(super) fn front(report: &Report, axes: &[Axis], candidates: &Candidates<'_>) -> FrontTable {
    let Baseline { error_name: name, error_unit: unit, .. } = &report.baseline;
    let mut columns = vec![
        Column { label: "Valid error".to_owned(), hint: format!("{name} on the validation set") },
        Column { label: "Test error".to_owned(), hint: format!("{name} on the test set, read once after the search") },
        Column { label: "Search error".to_owned(), hint: "what the search chose by, see the objectives".to_owned() },
    ];
    let axes: Vec<&Axis> = others(axes).collect();
    columns.extend(axes.iter().map(|axis| Column { label: axis.label.clone(), hint: axis.how.clone() }));
    let rows = report.front.iter().filter_map(|point| {
        let candidate: &Evaluation = candidates.get(&point.id)?;
        let errors = [point.valid_error, point.test_error, point.search_error];
        let errors = errors.map(|error| Cell::new(error, unit));
        let values = axes.iter().map(|axis| Cell::new(axis.of(candidate), &axis.unit));
        Some(FrontRow {
            id: point.id,
            error: point.valid_error.get().unwrap_or(f64::INFINITY),
            cells: errors.into_iter().chain(values).collect(),
            bits: widths(&candidate.bits),
            spec: candidate.bits.to_string(),
        })
    });
    let mut rows: Vec<FrontRow> = rows.collect();
    rows.sort_by(|a, b| a.error.total_cmp(&b.error).then(a.id.cmp(&b.id)));
    FrontTable { columns, rows }
}

/// The axes but the error, which has columns of its own.
fn others(axes: &[Axis]) -> impl Iterator<Item = &Axis> {
    axes.iter().filter(|axis| axis.key != "error")
}

fn widths(spec: &QuantSpec) -> Vec<Widths> {
    let widths = |precision: &crate::quant::Precision| Widths {
        weight: precision.weight.count(),
        activation: precision.activation.count(),
    };
    spec.0.iter().map(widths).collect()
}

/// The sites with their shares of all weights and all multiply-accumulates.
pub(super) fn sites(report: &Report) -> Vec<SiteColumn> {
    let sites = &report.network.sites;
    let weights: u64 = sites.iter().map(|site| site.weights).sum();
    let macs: u64 = sites.iter().map(|site| site.macs).sum();
    let columns = sites.iter().map(|site| SiteColumn {
        name: site.name.clone(),
        shape: format!("{} → {}", site.inputs, site.outputs),
        weights: grouped(site.weights),
        macs: grouped(site.macs),
        weight_share: share(site.weights, weights),
        mac_share: share(site.macs, macs),
    });
    columns.collect()
}

/// `part` of `whole` in per cent without decimals, `0` where there is no whole.
fn share(part: u64, whole: u64) -> String {
    // Both far below 2⁵³.
    let share = if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 };
    format!("{share:.0}")
}

/// Digits in groups of three: `5,549,500`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A row of headed cells.
#[derive(Serialize)]
pub(super) struct Row {
    heading: String,
    note: String,
    cells: Vec<Cell>,
}

/// Float and the uniform precisions: errors and every axis, in the columns of the front.
pub(super) fn uniform(report: &Report, axes: &[Axis]) -> Vec<Row> {
    let baseline = &report.baseline;
    let metric = baseline.metric();
    let axes: Vec<&Axis> = others(axes).collect();
    let float_cells = axes.iter().map(|axis| Cell::new(axis.of_float(baseline), &axis.unit));
    let float = Row {
        heading: "float".to_owned(),
        note: String::new(),
        cells: [baseline.valid.error, baseline.test.error, baseline.search_error]
            .map(|error| Cell::new(error, &metric.unit))
            .into_iter()
            .chain(float_cells)
            .collect(),
    };
    let rows = report.uniform.iter().map(|row| {
        let errors = [row.measures.error, row.test_error, row.search_error];
        let errors = errors.map(|error| Cell::new(error, &metric.unit));
        let values = axes.iter().map(|axis| Cell::new(axis.of_uniform(row), &axis.unit));
        let over = row.measures.error.get().zip(baseline.valid.error.get());
        Row {
            heading: row.precision.to_string(),
            note: over.map_or_else(String::new, |(error, float)| metric.difference(error - float)),
            cells: errors.into_iter().chain(values).collect(),
        }
    });
    std::iter::once(float).chain(rows).collect()
}

/// An error in words: `5.41 %: 23 substitutions, 12 deletions, 4 insertions in 720 labels`.
pub(super) fn error_rate(error: &ErrorRate, unit: &str) -> String {
    let value = error.error.show(unit);
    match error.edits {
        None => value,
        Some(edits) => format!(
            "{value}: {} substitutions, {} deletions, {} insertions in {} labels",
            grouped(edits.substitutions),
            grouped(edits.deletions),
            grouped(edits.insertions),
            grouped(edits.reference)
        ),
    }
}

/// Error by site and precision, shaded by what it costs over the float network.
#[derive(Serialize)]
pub(super) struct Heat {
    /// What the cells are: `Validation error, %`.
    error: String,
    others: String,
    columns: Vec<String>,
    rows: Vec<HeatRow>,
}

#[derive(Serialize)]
struct HeatRow {
    site: String,
    cells: Vec<HeatCell>,
}

#[derive(Serialize)]
struct HeatCell {
    text: String,
    hint: String,
    /// Shade, 0 the lightest.
    level: usize,
}

/// Points of error, or what [`Metric::point`] takes for one, from which the next darker shade begins. The first is the noise
/// of a small validation set; each step is about three times the one before.
///
/// [`Metric::point`]: mohaq_speech::metric::Metric::point
const HEAT_STEPS: [f64; 5] = [0.3, 1.0, 3.0, 10.0, 30.0];

/// The heat map of a sensitivity analysis.
pub(super) fn heat(report: &Report, sensitivity: &Sensitivity) -> Heat {
    let (float, metric) = (report.baseline.valid.error.get(), report.baseline.metric());
    let point = metric.point(float.unwrap_or(0.0));
    // A column of one decimal is read faster; only rates have a size that is known to bear it.
    let text = |value: f64| if metric.is_rate() { format!("{value:.1}") } else { metric.number(value) };
    let cell = |error: Figure| {
        let over = error.get().zip(float).map(|(error, float)| error - float);
        HeatCell {
            text: error.get().map_or_else(|| error.show(""), text),
            hint: over.map_or_else(String::new, |over| metric.difference(over)),
            level: over.map_or(0, |over| HEAT_STEPS.iter().filter(|step| over >= **step * point).count()),
        }
    };
    let rows = report.network.sites.iter().enumerate().map(|(index, site)| HeatRow {
        site: site.name.clone(),
        cells: sensitivity.columns.iter().map(|column| cell(column.errors[index])).collect(),
    });
    let unit = if metric.unit.is_empty() { String::new() } else { format!(", {}", metric.unit) };
    Heat {
        error: format!("Validation error{unit}"),
        others: sensitivity.others.clone(),
        columns: sensitivity.columns.iter().map(|column| column.precision.to_string()).collect(),
        rows: rows.collect(),
    }
}
