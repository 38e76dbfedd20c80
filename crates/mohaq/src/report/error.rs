//! What can be wrong with a report.

use thiserror::Error;

/// Why a report could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The text is no JSON, or not that of a report.
    #[error("report is not readable as JSON")]
    Json(#[from] serde_json::Error),
    /// A list has more or fewer entries than what it belongs to.
    #[error("{what}: {got} entries, expected {expected} (one a {each})")]
    Length {
        /// Which list, and of which candidate.
        what: String,
        /// What there must be one entry for.
        each: &'static str,
        /// Entries it must have.
        expected: usize,
        /// Entries it has.
        got: usize,
    },
    /// There is nothing that candidates could be compared by.
    #[error("objectives: none, expected at least one")]
    NoObjectives,
    /// The front names a candidate that is not among the evaluations.
    #[error("front: candidate {0} is not among the evaluations")]
    NotEvaluated(u64),
    /// The front names a candidate whose error is not known.
    #[error("front: candidate {0} was not measured to the end")]
    NotMeasured(u64),
    /// Two evaluations carry the same number.
    #[error("evaluations: candidate {0} is listed twice")]
    Twice(u64),
    /// A candidate violates a constraint that the report does not list.
    #[error("candidate {id}: violates `{constraint}`, which is not among the constraints")]
    UnknownConstraint {
        /// The candidate.
        id: u64,
        /// What it is said to violate.
        constraint: String,
    },
    /// A candidate has the parameters of a beacon that the report does not list.
    #[error("candidate {id}: has the parameters of beacon {beacon}, which is not among the beacons")]
    UnknownBeacon {
        /// The candidate.
        id: u64,
        /// The beacon.
        beacon: u64,
    },
    /// A comparison of fewer runs than two.
    #[error("comparison: {0} runs, expected at least two")]
    FewRuns(usize),
    /// Two runs of a comparison cannot be told apart.
    #[error("comparison: run `{0}` is given twice")]
    SameName(String),
    /// Two runs of a comparison count different errors.
    #[error("run `{run}`: its error is the {got}, expected the {expected} as in `{other}`")]
    OtherError {
        /// The run.
        run: String,
        /// What it counts.
        got: String,
        /// The run that it is compared with.
        other: String,
        /// What that one counts.
        expected: String,
    },
    /// A level at which no front can be read.
    #[error("{what}: {got}, expected more than 0")]
    Level {
        /// Of which quantity.
        what: &'static str,
        /// The level.
        got: f64,
    },
    /// Fronts whose volume cannot be computed.
    #[error("hypervolume: {0}")]
    Volume(#[source] mohaq_moo::Error),
    /// The page could not be rendered: a fault of the template, not of the data.
    #[error("page could not be rendered")]
    Page(#[from] minijinja::Error),
}
