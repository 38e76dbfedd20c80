//! The evaluations as comma separated values.

use super::{Evaluation, Figure, Measures, Partial, Report};
use std::collections::BTreeMap;

/// Writes the heading and one row a candidate; columns as [`Report::to_csv`] lists them.
pub(super) fn write(report: &Report) -> String {
    let test_errors: BTreeMap<u64, Figure> = report.front.iter().map(|point| (point.id, point.test_error)).collect();
    let rows = report.evaluations.iter().map(|evaluation| row(evaluation, test_errors.get(&evaluation.id)));
    std::iter::once(heading(report)).chain(rows).map(|fields| line(&fields)).collect()
}

fn heading(report: &Report) -> Vec<String> {
    let fixed = ["id", "order", "feasible", "on_front", "error", "test_error"];
    let costs = ["memory_bytes", "speedup", "energy_pj", "time_ms", "gops", "gops_per_watt", "real_time_factor"];
    let mut fields: Vec<String> = fixed.into_iter().chain(costs).map(str::to_owned).collect();
    fields.extend(report.objectives.iter().map(|objective| format!("objective.{}", objective.key)));
    fields.extend(
        ["violated", "beacon", "own_error", "sequences", "estimated_error", "error_at_least", "bits"]
            .map(str::to_owned),
    );
    for site in &report.network.sites {
        fields.push(format!("{}.weight_bits", site.name));
        fields.push(format!("{}.activation_bits", site.name));
    }
    fields
}

/// `test_error`: that of a member of the front, `None` for any other candidate.
fn row(evaluation: &Evaluation, test_error: Option<&Figure>) -> Vec<String> {
    let measures = &evaluation.measures;
    let mut fields = vec![
        evaluation.id.to_string(),
        evaluation.order.to_string(),
        evaluation.feasible().to_string(),
        test_error.is_some().to_string(),
    ];
    let test_error = test_error.copied().unwrap_or_default();
    let Measures { error, memory_bytes, speedup, energy_pj, time_ms, gops, gops_per_watt, real_time_factor } = measures;
    let costs = [memory_bytes, speedup, energy_pj, time_ms, gops, gops_per_watt, real_time_factor];
    let figures = [error, &test_error].into_iter().chain(costs);
    fields.extend(figures.chain(&evaluation.values).map(|figure| number(*figure)));
    let reasons: Vec<&str> = evaluation.violated.iter().map(|violation| violation.reason.as_str()).collect();
    fields.push(reasons.join("; "));
    fields.push(evaluation.loan.map_or_else(String::new, |loan| loan.beacon.to_string()));
    fields.push(evaluation.loan.map_or_else(String::new, |loan| number(loan.own_error)));
    let of_partial = |field: fn(&Partial) -> String| evaluation.partial.as_ref().map_or_else(String::new, field);
    fields.push(of_partial(|partial| partial.sequences.to_string()));
    fields.push(of_partial(|partial| number(partial.estimated_error)));
    fields.push(of_partial(|partial| number(partial.error_at_least)));
    fields.push(evaluation.bits.to_string());
    for precision in &evaluation.bits.0 {
        fields.push(precision.weight.count().to_string());
        fields.push(precision.activation.count().to_string());
    }
    fields
}

/// The shortest text that reads back as the same number, nothing for a missing one.
fn number(figure: Figure) -> String {
    figure.get().map_or_else(String::new, |value| value.to_string())
}

fn line(fields: &[String]) -> String {
    let quoted: Vec<String> = fields.iter().map(|field| quote(field)).collect();
    quoted.join(",") + "\r\n"
}

fn quote(field: &str) -> String {
    if field.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
