//! Which candidate of a finished search is meant: by its number, as the knee of the front, or by what is wanted of it.
//!
//! All commands that take a candidate of a run use these words. A number may be any candidate's; everything else takes a member
//! of the front, among those that keep the given limits.

use crate::report::{Direction, Evaluation, Figure, Report};
use mohaq_moo::{Points, Preference, choose};
use std::str::FromStr;

/// A named candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The candidate of this number in the report.
    Id(u64),
    /// Where the front bends the most.
    Knee,
}

impl FromStr for Pick {
    type Err = PickError;

    /// A number, or `knee`.
    fn from_str(text: &str) -> Result<Self, PickError> {
        match text {
            "knee" => Ok(Self::Knee),
            _ => text.parse().map(Self::Id).map_err(|_| PickError::Word { text: text.into() }),
        }
    }
}

/// A value for one objective: `energy=2`.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Key of the objective.
    pub objective: String,
    /// Its weight, or its value as the report shows it.
    pub value: f64,
}

impl FromStr for Wanted {
    type Err = PickError;

    /// `OBJECTIVE=NUMBER`
    fn from_str(text: &str) -> Result<Self, PickError> {
        let parts = text.split_once('=').and_then(|(key, value)| Some((key.trim(), value.trim().parse().ok()?)));
        let (objective, value) = parts.ok_or_else(|| PickError::Wanted { text: text.into() })?;
        Ok(Self { objective: objective.into(), value })
    }
}

/// What somebody says of the candidate that is meant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// By name.
    pub pick: Option<Pick>,
    /// Weights of objectives; those that are not among them count nothing.
    pub prefer: Vec<Wanted>,
    /// Values to be as near to as can be; objectives that are not among them are wanted at their best.
    pub near: Vec<Wanted>,
    /// Error of the search at most this, in its unit.
    pub max_error: Option<f64>,
    /// Memory at most this, bytes.
    pub max_bytes: Option<f64>,
}

/// Why no candidate is meant.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PickError {
    /// Neither a number nor a known word.
    #[error("`{text}` names no candidate, expected its number or `knee`")]
    Word {
        /// What stands there.
        text: String,
    },
    /// No objective with a number.
    #[error("`{text}` is no value of an objective, expected one like error=2")]
    Wanted {
        /// What stands there.
        text: String,
    },
    /// A number that no candidate has.
    #[error("no candidate {id}")]
    Unknown {
        /// The number.
        id: u64,
    },
    /// An objective that the search did not have.
    #[error("`{key}` was no objective of the search, expected {expected}")]
    Objective {
        /// What stands there.
        key: String,
        /// The objectives that there were.
        expected: String,
    },
    /// No member of the front keeps the limits.
    #[error("none of the {members} members of the front keeps the limits")]
    Nothing {
        /// Members of the front.
        members: usize,
    },
    /// Weights that decide nothing, or a value that is no number.
    #[error(transparent)]
    Choice(#[from] mohaq_moo::Error),
}

/// The candidate of `report` that `choice` means: of a number that, otherwise the one of the front that is preferred, nearest, or
/// the knee where nothing is said but limits.
///
/// # Errors
/// [`PickError`] where there is none, or where an objective is named that the search did not have.
pub fn pick<'a>(report: &'a Report, choice: &Choice) -> Result<&'a Evaluation, PickError> {
    let of_number = |id: u64| report.evaluations.iter().find(|one| one.id == id).ok_or(PickError::Unknown { id });
    if let Some(Pick::Id(id)) = choice.pick {
        return of_number(id);
    }
    let keeps =
        |value: Figure, limit: Option<f64>| limit.is_none_or(|limit| value.get().is_some_and(|value| value <= limit));
    let mut members = Vec::new();
    for point in &report.front {
        let candidate = of_number(point.id)?;
        if keeps(point.search_error, choice.max_error) && keeps(candidate.measures.memory_bytes, choice.max_bytes) {
            members.push(candidate);
        }
    }
    let minimised = |candidate: &&Evaluation| -> Vec<f64> {
        let values = candidate.values.iter().zip(&report.objectives);
        values.map(|(value, objective)| sign(objective.direction) * value.get().unwrap_or(f64::MAX)).collect()
    };
    let points = Points::from_rows(report.objectives.len(), members.iter().map(minimised))?;
    let place = choose(&points, &preference(report, choice, &points)?)?;
    place.map(|place| members[place]).ok_or(PickError::Nothing { members: report.front.len() })
}

fn sign(direction: Direction) -> f64 {
    if direction == Direction::Maximize { -1.0 } else { 1.0 }
}

fn preference(report: &Report, choice: &Choice, points: &Points) -> Result<Preference, PickError> {
    if !choice.prefer.is_empty() {
        let mut weights = vec![0.0; report.objectives.len()];
        for wanted in &choice.prefer {
            weights[place(report, &wanted.objective)?] = wanted.value;
        }
        return Ok(Preference::Weights(weights));
    }
    if choice.near.is_empty() {
        return Ok(Preference::Knee);
    }
    let best = |axis: usize| points.iter().map(|point| point[axis]).fold(f64::INFINITY, f64::min);
    let mut values: Vec<f64> = (0..report.objectives.len()).map(best).map(|best| best.min(f64::MAX)).collect();
    for wanted in &choice.near {
        let place = place(report, &wanted.objective)?;
        values[place] = sign(report.objectives[place].direction) * wanted.value;
    }
    Ok(Preference::Reference(values))
}

/// The place of an objective in the report.
fn place(report: &Report, key: &str) -> Result<usize, PickError> {
    report.objectives.iter().position(|objective| objective.key == key).ok_or_else(|| {
        let known: Vec<&str> = report.objectives.iter().map(|objective| objective.key.as_str()).collect();
        PickError::Objective { key: key.into(), expected: known.join(", ") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read() {
        assert_eq!("17".parse(), Ok(Pick::Id(17)));
        assert_eq!("knee".parse(), Ok(Pick::Knee));
        assert_eq!("elbow".parse::<Pick>(), Err(PickError::Word { text: "elbow".into() }));
        assert_eq!("error=2.5".parse(), Ok(Wanted { objective: "error".into(), value: 2.5 }));
        assert_eq!("error".parse::<Wanted>(), Err(PickError::Wanted { text: "error".into() }));
    }
}
