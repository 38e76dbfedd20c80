//! What a search is after: objectives, limits, and the box in which progress is measured.

use super::{Limit, Measurement, Objective};
use mohaq_moo::Score;
use mohaq_speech::metric::Metric;

/// A limit that a candidate does not keep, and by how much.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The limit.
    pub limit: Limit,
    /// By how much it is exceeded, relative to it; above 0.
    pub amount: f64,
    /// The same in words.
    pub reason: String,
}

/// Objectives and limits of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Goals {
    /// What errors are measured in.
    pub metric: Metric,
    /// What is traded.
    pub objectives: Vec<Objective>,
    /// What must be kept.
    pub limits: Vec<Limit>,
    /// Shown values that count as perfect and as worthless, one pair an objective: the box of the hypervolume.
    pub scale: Vec<(f64, f64)>,
}

impl Goals {
    /// The limits that `measurement` does not keep.
    pub fn violations(&self, measurement: &Measurement) -> Vec<Violation> {
        let exceeded =
            self.limits.iter().map(|limit| (limit, limit.violation(measurement))).filter(|(_, amount)| *amount > 0.0);
        exceeded
            .map(|(limit, amount)| Violation {
                limit: limit.clone(),
                amount,
                reason: limit.reason(measurement, &self.metric),
            })
            .collect()
    }

    /// What the searcher is told.
    pub fn score(&self, measurement: &Measurement) -> Score {
        let objectives = self.objectives.iter().map(|objective| objective.read(measurement)).collect();
        let violation = self.limits.iter().map(|limit| limit.violation(measurement)).sum();
        Score { objectives, violation }
    }

    /// The measurement in the box of the hypervolume: 0 is perfect, 1 worthless, for every objective.
    pub fn normalised(&self, measurement: &Measurement) -> Vec<f64> {
        let position = |(objective, (perfect, worthless)): (&Objective, &(f64, f64))| {
            let shown = objective.shown(measurement).unwrap_or(f64::INFINITY);
            (shown - perfect) / (worthless - perfect)
        };
        self.objectives.iter().zip(&self.scale).map(position).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::objective::tests::measured;
    use super::*;

    #[test]
    fn violations_add_up_and_keep_their_reasons() {
        let goals = Goals {
            metric: Metric::rate("frame error rate"),
            objectives: vec![Objective::Error, Objective::Speedup],
            limits: vec![Limit::Error(20.0), Limit::Memory(1000)],
            scale: vec![(10.0, 20.0), (64.0, 0.0)],
        };
        let bad = measured(30.0, 16_000, 8.0);
        assert_eq!(goals.score(&bad), Score { objectives: vec![30.0, -8.0], violation: 0.5 + 1.0 });
        let reasons: Vec<String> = goals.violations(&bad).into_iter().map(|violation| violation.reason).collect();
        assert_eq!(reasons, ["error is 30.00 %, at most 20.00 %", "memory is 2000 bytes, at most 1000 bytes"]);
        let good = measured(20.0, 8000, 8.0);
        assert_eq!(goals.score(&good).violation, 0.0);
        assert_eq!(goals.normalised(&good), [1.0, 56.0 / 64.0]);
    }
}
