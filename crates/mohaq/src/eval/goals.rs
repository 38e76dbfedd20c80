//! What a search is after: objectives, limits, and the box in which progress is measured.

use super::{Limit, Measurement, Objective};
use crate::nn::Workload;
use crate::platform::{Cost, Platform};
use crate::quant::{Precision, QuantSpec};
use mohaq_moo::Score;
use mohaq_speech::metric::Metric;
use mohaq_speech::score::Counts;

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

    /// What the searcher would be told of a candidate that costs `cost`, as far as it is known without its error: NaN stands
    /// in place of that, and its limits are left out.
    pub fn known(&self, cost: Cost) -> Score {
        let measurement = Measurement { error: f64::NAN, subset_errors: Vec::new(), errors: Counts::default(), cost };
        let objectives = self.objectives.iter().map(|objective| objective.read(&measurement)).collect();
        let limits = self.limits.iter().filter(|limit| !matches!(limit, Limit::Error(_)));
        Score { objectives, violation: limits.map(|limit| limit.violation(&measurement)).sum() }
    }

    /// The largest error that keeps the limits, where any is of errors.
    pub fn error_limit(&self) -> Option<f64> {
        error_limit(&self.limits)
    }

    /// Whether something with the objectives `a` costs no more than something with the objectives `b`, whatever their errors:
    /// both as the searcher is told them.
    pub fn costs_no_more(&self, a: &[f64], b: &[f64]) -> bool {
        let costs =
            self.objectives.iter().zip(a.iter().zip(b)).filter(|(objective, _)| **objective != Objective::Error);
        costs.map(|(_, pair)| pair).all(|(a, b)| a <= b)
    }

    /// The box of the hypervolume for `objectives`.
    ///
    /// It reaches from the float network's error to the error limit (or to twice the float error plus ten times the least
    /// difference worth talking of where there is none), and from what the best of `precisions` costs everywhere on `platform` to
    /// what the worst does: the narrowest and the widest, but where narrow operands are unpacked.
    pub fn scale(
        objectives: &[Objective],
        limits: &[Limit],
        platform: &dyn Platform,
        precisions: &[Precision],
        workload: &Workload,
        metric: &Metric,
        float_error: f64,
    ) -> Vec<(f64, f64)> {
        let point = metric.point(float_error);
        let worst_error = error_limit(limits).unwrap_or(float_error + float_error.abs() + 10.0 * point);
        let uniform = |&precision: &Precision| {
            let cost = platform.cost(workload, &QuantSpec::uniform(precision, workload.sites.len())).ok()?;
            Some(Measurement { error: 0.0, subset_errors: Vec::new(), errors: Default::default(), cost })
        };
        let uniform: Vec<Measurement> = precisions.iter().filter_map(uniform).collect();
        let of = |&objective: &Objective| match objective {
            Objective::Error => (float_error, worst_error.max(float_error + point)),
            _ => {
                let shown = || uniform.iter().filter_map(|measurement| objective.shown(measurement));
                let ends = shown().reduce(f64::min).zip(shown().reduce(f64::max)).unwrap_or((0.0, 1.0));
                if objective.maximised() { (ends.1, ends.0) } else { ends }
            }
        };
        objectives.iter().map(of).collect()
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

/// The lowest of the limits of errors.
fn error_limit(limits: &[Limit]) -> Option<f64> {
    limits.iter().filter(|limit| matches!(limit, Limit::Error(_))).map(Limit::bound).reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use super::super::objective::tests::measured;
    use super::*;
    use mohaq_speech::dataset::Task;

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

    #[test]
    fn what_costs_no_more_is_asked_of_all_objectives_but_the_error() {
        let goals = Goals {
            metric: Task::Frames { classes: 2 }.metric(),
            objectives: vec![Objective::Speedup, Objective::Error, Objective::Memory],
            limits: vec![Limit::Error(30.0), Limit::Memory(5), Limit::Error(20.0)],
            scale: Vec::new(),
        };
        assert!(goals.costs_no_more(&[-4.0, 90.0, 8.0], &[-4.0, 1.0, 8.0]));
        assert!(!goals.costs_no_more(&[-3.0, 1.0, 7.0], &[-4.0, 1.0, 8.0]), "slower");
        assert!(!goals.costs_no_more(&[-5.0, 1.0, 9.0], &[-4.0, 1.0, 8.0]), "larger");
        assert_eq!(goals.error_limit(), Some(20.0));
        assert_eq!(Goals { limits: vec![Limit::Memory(5)], ..goals }.error_limit(), None);
    }
}
