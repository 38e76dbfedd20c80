//! What a command prints: tables for a person, one JSON object for a program, from the same values.

use mohaq::eval::TensorReport;
use mohaq::platform::Cost;
use mohaq::run::{Found, FrontMember, MeasuredSpec, Trained};
use mohaq::speech::metric::Metric;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Errors in the closing JSON object, in the unit of their metric.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Errors {
    /// The float network on the test set.
    pub float: f64,
    /// What the command measured, on the validation set: the float network after `train`, the best of what was asked for
    /// otherwise.
    pub valid: f64,
    /// The same on the test set.
    pub test: f64,
}

impl Errors {
    /// The float network of `trained`, and `measured`; where nothing was, its errors are `null` in JSON.
    pub(crate) fn of(trained: &Trained, measured: Option<&MeasuredSpec>) -> Self {
        Self {
            float: trained.test_error(),
            valid: measured.map_or(f64::NAN, |measured| measured.valid_error),
            test: measured.map_or(f64::NAN, |measured| measured.test_error),
        }
    }

    /// `object` with these as `error`, what they are as `metric` and, where they are rates, once more as `error_percent`.
    pub(crate) fn into_json(self, metric: &Metric, mut object: Value) -> Value {
        let errors = json!({ "float": self.float, "valid": self.valid, "test": self.test });
        if metric.is_rate() {
            object["error_percent"] = errors.clone();
        }
        object["error"] = errors;
        object["metric"] = json!(metric);
        object
    }
}

/// The members of the front, as the closing JSON object lists them.
pub(crate) fn front_json(found: &Found, metric: &Metric) -> Vec<Value> {
    let member = |FrontMember { id, search_error, beacon, measured }: &FrontMember| {
        let cost = measured.cost.as_ref();
        let mut object = json!({
            "id": id,
            "beacon": beacon,
            "speedup": cost.and_then(|cost| cost.speedup),
            "memory_bytes": cost.map(Cost::memory_bytes),
            "energy_pj": cost.and_then(|cost| cost.energy_pj),
            "frame_time_s": cost.and_then(|cost| cost.frame_time_s),
            "ram_bytes": cost.map(Cost::ram_bytes),
            "gops": cost.and_then(Cost::gops),
            "gops_per_watt": cost.and_then(Cost::gops_per_watt),
            "real_time_factor": cost.and_then(Cost::real_time_factor),
            "bits": measured.bits,
        });
        let errors =
            [("search_error", *search_error), ("error", measured.valid_error), ("test_error", measured.test_error)];
        for (key, error) in errors {
            object[key] = json!(error);
            if metric.is_rate() {
                object[format!("{key}_percent")] = json!(error);
            }
        }
        object
    };
    found.front.iter().map(member).collect()
}

/// Prints rows under a heading, columns aligned.
///
/// # Errors
/// Those of stdout.
pub(crate) fn table(heading: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([heading[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let mut out = io::stdout().lock();
    let heading: Vec<String> = heading.iter().map(|cell| (*cell).to_owned()).collect();
    for row in [&heading].into_iter().chain(rows) {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// The columns of measured specs behind those of their errors.
const COSTS: [&str; 4] = ["memory KiB", "speedup", "energy nJ", "bits (weight x activation a site)"];

/// Prints measured specs as a table.
///
/// # Errors
/// Those of stdout.
pub(crate) fn measured<'m>(specs: impl Iterator<Item = &'m MeasuredSpec>, metric: &Metric) -> io::Result<()> {
    let [valid, test] = ["valid", "test"].map(|set| metric.headed(set));
    let heading = [&[valid.as_str(), &test], &COSTS[..]].concat();
    table(&heading, &specs.map(|one| measured_row(one, metric)).collect::<Vec<_>>())
}

/// Prints measured specs with the errors that a search sees of them.
///
/// # Errors
/// Those of stdout.
pub(crate) fn found<'m>(specs: impl Iterator<Item = (f64, &'m MeasuredSpec)>, metric: &Metric) -> io::Result<()> {
    let row = |(search_error, measured): (f64, &MeasuredSpec)| {
        [vec![metric.number(search_error)], measured_row(measured, metric)].concat()
    };
    let [search, valid, test] = ["search", "valid", "test"].map(|set| metric.headed(set));
    table(&[&[search.as_str(), &valid, &test], &COSTS[..]].concat(), &specs.map(row).collect::<Vec<_>>())
}

/// A row for a measured spec.
fn measured_row(measured: &MeasuredSpec, metric: &Metric) -> Vec<String> {
    let cost = measured.cost.as_ref();
    let or_dash = |value: Option<f64>, digits: usize| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.digits$}"));
    vec![
        metric.number(measured.valid_error),
        metric.number(measured.test_error),
        or_dash(cost.map(|cost| cost.memory_bits as f64 / 8192.0), 1),
        or_dash(cost.and_then(|cost| cost.speedup), 2),
        or_dash(cost.and_then(|cost| cost.energy_pj).map(|pj| pj / 1000.0), 2),
        compact(&measured.bits),
    ]
}

/// `8x8` for the same bits at all of several sites.
pub(crate) fn compact(bits: &str) -> String {
    let mut parts = bits.split(' ');
    match parts.next() {
        Some(first) if parts.clone().count() > 0 && parts.all(|part| part == first) => format!("{first} everywhere"),
        _ => bits.to_owned(),
    }
}

/// Prints what every tensor is held in, and how often it saturated.
///
/// # Errors
/// Those of stdout.
pub(crate) fn tensors(tensors: &[TensorReport]) -> io::Result<()> {
    let row = |tensor: &TensorReport| {
        let clipped = match tensor.clipped {
            None => "cannot".to_owned(),
            Some((0, _)) => "0".to_owned(),
            Some((clipped, of)) => format!("{:.4} %", 100.0 * clipped as f64 / of as f64),
        };
        vec![tensor.name.clone(), tensor.format.clone(), clipped]
    };
    table(&["tensor", "format", "saturated"], &tensors.iter().map(row).collect::<Vec<_>>())
}

/// Prints a line to stderr; where nobody reads it any more, the work goes on.
pub(crate) fn note(text: &str) {
    // `eprintln!` would panic, and a run of an hour is not to die of a closed pager.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints a line to stdout.
///
/// # Errors
/// Those of stdout: a reader that has gone away ends the command quietly.
pub(crate) fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}
