//! Refuses reports that contradict themselves, so that no writer shows a figure under the wrong heading.

use super::{Figure, Report, ReportError, Result};
use std::collections::BTreeSet;

/// Checks that every list is as long as what it belongs to and that every name is known.
pub(super) fn check(report: &Report) -> Result<()> {
    if report.objectives.is_empty() {
        return Err(ReportError::NoObjectives);
    }
    values("baseline", &report.baseline.values, report)?;
    for row in &report.uniform {
        values(&format!("uniform {}", row.precision), &row.values, report)?;
    }
    evaluations(report)?;
    methods(report)?;
    let reference = &report.hypervolume.reference;
    if !(reference.is_empty() && report.hypervolume.points.is_empty()) {
        values("hypervolume reference", reference, report)?;
    }
    for column in report.sensitivity.iter().flat_map(|sensitivity| &sensitivity.columns) {
        let what = format!("sensitivity at {}", column.precision);
        length(what, "site", report.network.sites.len(), column.errors.len())?;
    }
    Ok(())
}

fn evaluations(report: &Report) -> Result<()> {
    let constraints: BTreeSet<&str> = report.constraints.iter().map(|constraint| constraint.name.as_str()).collect();
    let mut ids = BTreeSet::new();
    for evaluation in &report.evaluations {
        let id = evaluation.id;
        if !ids.insert(id) {
            return Err(ReportError::Twice(id));
        }
        values(&format!("candidate {id}"), &evaluation.values, report)?;
        length(format!("candidate {id}: bits"), "site", report.network.sites.len(), evaluation.bits.0.len())?;
        let unknown = |name: &&str| !constraints.contains(name);
        if let Some(name) = evaluation.violated.iter().map(|violation| violation.constraint.as_str()).find(unknown) {
            return Err(ReportError::UnknownConstraint { id, constraint: name.to_owned() });
        }
    }
    let beacons: BTreeSet<u64> = report.beacons.iter().map(|beacon| beacon.id).collect();
    for beacon in &report.beacons {
        length(format!("beacon {}: bits", beacon.id), "site", report.network.sites.len(), beacon.bits.0.len())?;
    }
    let loans = report.evaluations.iter().filter_map(|one| Some((one.id, one.loan?.beacon)));
    if let Some((id, beacon)) = loans.into_iter().find(|(_, beacon)| !beacons.contains(beacon)) {
        return Err(ReportError::UnknownBeacon { id, beacon });
    }
    let partial = report.evaluations.iter().filter(|one| one.partial.is_some()).map(|one| one.id);
    let partial: BTreeSet<u64> = partial.collect();
    if let Some(point) = report.front.iter().find(|point| partial.contains(&point.id)) {
        return Err(ReportError::NotMeasured(point.id));
    }
    match report.front.iter().find(|point| !ids.contains(&point.id)) {
        Some(point) => Err(ReportError::NotEvaluated(point.id)),
        None => Ok(()),
    }
}

fn methods(report: &Report) -> Result<()> {
    for method in &report.methods {
        for point in &method.front {
            values(&method.name, &point.values, report)?;
            length(format!("{}: bits", method.name), "site", report.network.sites.len(), point.bits.0.len())?;
        }
    }
    Ok(())
}

fn values(what: &str, values: &[Figure], report: &Report) -> Result<()> {
    length(format!("{what}: values"), "objective", report.objectives.len(), values.len())
}

fn length(what: String, each: &'static str, expected: usize, got: usize) -> Result<()> {
    if got == expected { Ok(()) } else { Err(ReportError::Length { what, each, expected, got }) }
}
