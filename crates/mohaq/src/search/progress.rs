//! How far a search has come: its front, the volume that it dominates, and whether that still grows.

use super::log::Record;
use crate::Result;
use crate::eval::{Goals, Measurement};
use mohaq_moo::{Hypervolume, dominates};
use serde::{Deserialize, Serialize};

/// When a search is at its end before its budget is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopRule {
    /// The hypervolume has grown by less than this, of 1 for all of the box …
    pub hypervolume: f64,
    /// … over this many evaluations.
    pub evaluations: usize,
}

/// The front so far.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    goals: &'a Goals,
    volume: Hypervolume,
    /// Objectives of the front, each point once.
    front: Vec<Vec<f64>>,
    lowest_error: Option<f64>,
    feasible: usize,
    /// Candidates that were not measured to the end.
    stopped: usize,
    /// Hypervolume after every evaluation.
    volumes: Vec<f64>,
}

impl<'a> Progress<'a> {
    /// Nothing measured yet.
    ///
    /// # Errors
    /// For fewer than two objectives.
    pub fn new(goals: &'a Goals) -> Result<Self> {
        let volume = Hypervolume::new(&vec![1.0; goals.objectives.len()])?;
        Ok(Self { goals, volume, front: Vec::new(), lowest_error: None, feasible: 0, stopped: 0, volumes: Vec::new() })
    }

    /// Progress over `records`.
    ///
    /// # Errors
    /// See [`Progress::new`].
    pub fn over(goals: &'a Goals, records: &[Record]) -> Result<Self> {
        let mut progress = Self::new(goals)?;
        records.iter().try_for_each(|record| progress.add(record))?;
        Ok(progress)
    }

    /// Takes note of a candidate. One that was stopped has no error to count.
    ///
    /// # Errors
    /// An objective that is not finite though every limit is kept.
    pub fn add(&mut self, record: &Record) -> Result<()> {
        if record.partial.is_none() {
            return self.measured(&record.measurement);
        }
        self.stopped += 1;
        self.volumes.push(self.volume.value());
        Ok(())
    }

    fn measured(&mut self, measurement: &Measurement) -> Result<()> {
        let score = self.goals.score(measurement);
        if score.is_feasible() {
            self.feasible += 1;
            let lowest = self.lowest_error.map_or(measurement.error, |lowest| lowest.min(measurement.error));
            self.lowest_error = Some(lowest);
            let beaten = |other: &Vec<f64>| dominates(other, &score.objectives) || *other == score.objectives;
            if !self.front.iter().any(beaten) {
                self.front.retain(|other| !dominates(&score.objectives, other));
                self.front.push(score.objectives);
            }
            let point = self.goals.normalised(measurement);
            if point.iter().all(|value| value.is_finite()) {
                self.volume.add(&point)?;
            }
        }
        self.volumes.push(self.volume.value());
        Ok(())
    }

    /// Volume that the front dominates in the box.
    pub fn hypervolume(&self) -> f64 {
        self.volume.value()
    }

    /// Evaluations and hypervolume wherever it changed, from nothing to now.
    pub fn curve(&self) -> Vec<(usize, f64)> {
        let mut curve = vec![(0, 0.0)];
        for (place, &volume) in self.volumes.iter().enumerate() {
            if curve.last().is_some_and(|&(_, before)| volume > before) {
                curve.push((place + 1, volume));
            }
        }
        curve.push((self.volumes.len(), self.hypervolume()));
        curve
    }

    /// Whether `rule` says that nothing more is to be expected. A search that has found nothing yet goes on.
    pub fn is_settled(&self, rule: &StopRule) -> bool {
        let Some(before) = self.volumes.len().checked_sub(rule.evaluations + 1) else { return false };
        self.volumes[before] > 0.0 && self.hypervolume() - self.volumes[before] < rule.hypervolume
    }

    /// All of it in a line, for the progress bar.
    pub fn summary(&self) -> String {
        let Some(lowest) = self.lowest_error else { return "nothing feasible yet".to_owned() };
        let stopped = if self.stopped > 0 { format!(", {} stopped", self.stopped) } else { String::new() };
        format!(
            "hypervolume {:.4}, {} on the front, {:.0} % feasible{stopped}, lowest error {}",
            self.hypervolume(),
            self.front.len(),
            100.0 * self.feasible as f64 / (self.volumes.len() - self.stopped) as f64,
            self.goals.metric.show(lowest)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{Limit, Objective};
    use crate::platform::Cost;
    use mohaq_speech::metric::Metric;
    use mohaq_speech::score::Counts;

    fn goals() -> Goals {
        Goals {
            metric: Metric::rate("frame error rate"),
            objectives: vec![Objective::Error, Objective::Memory],
            limits: vec![Limit::Error(20.0)],
            scale: vec![(10.0, 20.0), (0.0, 100.0)],
        }
    }

    fn measured(error: f64, bytes: u64) -> Measurement {
        let cost = Cost { memory_bits: 8 * bytes, ..Cost::default() };
        Measurement { error, subset_errors: Vec::new(), errors: Counts::default(), cost }
    }

    #[test]
    fn the_front_and_its_volume_follow_the_candidates() {
        let goals = goals();
        let mut progress = Progress::new(&goals).unwrap();
        assert_eq!(progress.summary(), "nothing feasible yet");
        for (error, bytes) in [(30.0, 10), (15.0, 50), (15.0, 50), (16.0, 60), (12.0, 80)] {
            progress.measured(&measured(error, bytes)).unwrap();
        }
        // (1/2 · 1/2) of (0.5, 0.5), and 0.3 · 0.2 more of (0.2, 0.8).
        assert_eq!(progress.curve(), [(0, 0.0), (2, 0.25), (5, 0.31), (5, 0.31)]);
        let summary = "hypervolume 0.3100, 2 on the front, 80 % feasible, lowest error 12.00 %";
        assert_eq!(progress.summary(), summary);
    }

    #[test]
    fn a_search_is_settled_when_nothing_has_come_for_long_enough() {
        let goals = goals();
        let mut progress = Progress::new(&goals).unwrap();
        let rule = StopRule { hypervolume: 0.01, evaluations: 2 };
        let mut settled = Vec::new();
        for (error, bytes) in [(30.0, 10), (30.0, 10), (30.0, 10), (15.0, 50), (15.0, 60), (15.0, 70), (12.0, 80)] {
            progress.measured(&measured(error, bytes)).unwrap();
            settled.push(progress.is_settled(&rule));
        }
        assert_eq!(settled, [false, false, false, false, false, true, false]);
    }
}
