//! Fronts against each other: volumes in one box, and which share of one another dominates.

use super::axes::Common;
use super::{ComparedRun, Member, Run};
use crate::report::{Direction, Figure, ReportError, Result};
use mohaq_moo::{Hypervolume, Points, dominates, non_dominated};
use serde::Serialize;
use std::fmt;

/// Volumes of the fronts in one box, as shares of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CommonVolume {
    /// The box: the error, then each objective that all runs searched for. Empty where there is no such objective.
    pub corners: Vec<Corner>,
    /// Volume that each front dominates by its validation errors; missing without a box.
    pub valid: Vec<Figure>,
    /// Volume that the same members dominate by their test errors.
    pub test: Vec<Figure>,
}

/// One side of the box.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Corner {
    /// Heading of the objective.
    pub label: String,
    /// Unit of both ends, see [`Figure::show`].
    pub unit: String,
    /// The best value of any member of any front; for the error, on the validation or the test set.
    pub best: f64,
    /// The worst reference point of the searches; where they have none, the worst value of any member.
    pub worst: f64,
}

impl fmt::Display for Corner {
    /// `error from 16.20 % to 24.00 %`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [best, worst] = [self.best, self.worst].map(|end| Figure::from(end).show(&self.unit));
        write!(f, "{} from {best} to {worst}", self.label.to_lowercase())
    }
}

/// Which error of a member is meant.
#[derive(Clone, Copy)]
enum Set {
    Valid,
    Test,
}

/// The coordinates of a member: its error, then its values on `axes`. `None` where one is missing.
fn coordinates(member: &Member, axes: &[usize], set: Set) -> Option<Vec<f64>> {
    let error = match set {
        Set::Valid => member.valid_error,
        Set::Test => member.test_error,
    };
    std::iter::once(error).chain(axes.iter().map(|&axis| member.values[axis])).map(Figure::get).collect()
}

/// The volume of every front in the common box.
pub(super) fn volumes(runs: &[Run<'_>], compared: &[ComparedRun], common: &Common) -> Result<CommonVolume> {
    let axes: Vec<usize> = common.searched().collect();
    let corners = corners(runs, compared, common, &axes).unwrap_or_default();
    let volume = |run: &ComparedRun, set: Set| {
        // Two or three are all that a search has, and all that volumes are defined for here.
        if !(2..=3).contains(&corners.len()) {
            return Ok(Figure::MISSING);
        }
        let place = |value: f64, corner: &Corner| (value - corner.best) / (corner.worst - corner.best);
        let placed = |member: &Member| {
            let found = coordinates(member, &axes, set)?;
            Some(found.into_iter().zip(&corners).map(|(value, corner)| place(value, corner)).collect::<Vec<_>>())
        };
        let mut volume = Hypervolume::new(&vec![1.0; corners.len()])?;
        run.front.iter().filter_map(placed).try_for_each(|point| volume.add(&point).map(drop))?;
        Ok(Figure::from(volume.value()))
    };
    let of = |set| compared.iter().map(|run| volume(run, set)).collect::<std::result::Result<_, mohaq_moo::Error>>();
    let (valid, test) = (of(Set::Valid).map_err(ReportError::Volume)?, of(Set::Test).map_err(ReportError::Volume)?);
    Ok(CommonVolume { valid, test, corners })
}

/// The box; `None` where it has no extent or nothing but the error is shared.
fn corners(runs: &[Run<'_>], compared: &[ComparedRun], common: &Common, axes: &[usize]) -> Option<Vec<Corner>> {
    if axes.is_empty() {
        return None;
    }
    let members = || compared.iter().flat_map(|run| &run.front);
    let corner = |key: &str, label: &str, unit: &str, direction: Direction, values: Vec<f64>| {
        let best = values.iter().copied().reduce(|a, b| if direction.better(b, a) { b } else { a })?;
        let references: Vec<f64> = runs.iter().filter_map(|run| reference(run, key)).collect();
        let ends = if references.is_empty() { values } else { references };
        let worst = ends.into_iter().reduce(|a, b| if direction.better(a, b) { b } else { a })?;
        direction.better(best, worst).then(|| Corner { label: label.to_owned(), unit: unit.to_owned(), best, worst })
    };
    let errors = members().flat_map(|member| [member.valid_error, member.test_error]).filter_map(Figure::get);
    let error = corner("error", "Error", &runs[0].report.baseline.error_unit, Direction::Minimize, errors.collect());
    let costs = axes.iter().map(|&index| {
        let axis = &common.axes[index];
        let values = members().filter_map(|member| member.values[index].get());
        corner(&axis.key, &axis.label, &axis.unit, axis.direction, values.collect())
    });
    std::iter::once(error).chain(costs).collect()
}

/// The reference point of a run's search on the objective `key`.
fn reference(run: &Run<'_>, key: &str) -> Option<f64> {
    let index = run.report.objectives.iter().position(|objective| objective.key == key)?;
    run.report.hypervolume.reference.get(index)?.get()
}

/// For each pair of runs, which share of the front of the second the first dominates or equals.
pub(super) fn covers(compared: &[ComparedRun], common: &Common) -> Vec<Vec<Figure>> {
    let axes: Vec<usize> = common.searched().collect();
    let fronts: Vec<Vec<Vec<f64>>> = compared.iter().map(|run| minimised(run, common, &axes)).collect();
    let share = |a: usize, b: usize| {
        if a == b || axes.is_empty() || fronts[b].is_empty() {
            return Figure::MISSING;
        }
        let covered = |member: &&Vec<f64>| fronts[a].iter().any(|own| own == *member || dominates(own, member));
        // Both counts are far below 2⁵³.
        Figure::from(fronts[b].iter().filter(covered).count() as f64 / fronts[b].len() as f64)
    };
    let indices = || 0..compared.len();
    indices().map(|a| indices().map(|b| share(a, b)).collect()).collect()
}

/// The front of a run as points to minimise, without members that are on it only for an objective that others lack.
fn minimised(run: &ComparedRun, common: &Common, axes: &[usize]) -> Vec<Vec<f64>> {
    let negated = |mut point: Vec<f64>| {
        for (value, &axis) in point[1..].iter_mut().zip(axes) {
            if common.axes[axis].direction == Direction::Maximize {
                *value = -*value;
            }
        }
        point
    };
    let rows: Vec<Vec<f64>> =
        run.front.iter().filter_map(|member| coordinates(member, axes, Set::Valid)).map(negated).collect();
    let points =
        Points::from_rows(1 + axes.len(), &rows).expect("coordinates are finite and as many as there are axes");
    non_dominated(&points).into_iter().map(|index| rows[index].clone()).collect()
}
