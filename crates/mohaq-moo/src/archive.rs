//! Scores, and everything a search has been told.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Error, Genome, Points, sort};

/// What a candidate scored. All objectives are minimised.
///
/// A candidate with a violation above 0 is infeasible: it is worse than every feasible one, and better than those with
/// a larger violation. Its objectives are kept but never compared, so they may be anything, infinite and NaN included;
/// the objectives of a feasible candidate must be finite. What could not be measured at all is [`Score::unmeasured`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// One value an objective, each in its own unit.
    pub objectives: Vec<f64>,
    /// How far the constraints are missed, over all of them; 0 if they hold.
    pub violation: f64,
}

impl Score {
    /// A score that satisfies every constraint.
    pub fn feasible(objectives: Vec<f64>) -> Self {
        Self { objectives, violation: 0.0 }
    }

    /// The score of a candidate that has none, because its evaluation failed or gave NaN: the worst there is.
    ///
    /// The numbers are finite, so that the score survives a text format. Keep the reason beside it.
    pub fn unmeasured(objectives: usize) -> Self {
        Self { objectives: vec![f64::MAX; objectives], violation: f64::MAX }
    }

    /// True if no constraint is violated.
    pub fn is_feasible(&self) -> bool {
        self.violation == 0.0
    }

    /// Checks the score at position `candidate`, which should have `expected` objectives.
    fn check(&self, candidate: usize, expected: usize) -> Result<(), Error> {
        if self.objectives.len() != expected || expected == 0 {
            return Err(Error::ObjectiveCount { candidate, expected: expected.max(1), got: self.objectives.len() });
        }
        if !(self.violation >= 0.0 && self.violation.is_finite()) {
            return Err(Error::Violation { candidate, got: self.violation });
        }
        match self.objectives.iter().position(|value| !value.is_finite()) {
            Some(objective) if self.is_feasible() => {
                Err(Error::Objective { candidate, objective, got: self.objectives[objective] })
            }
            _ => Ok(()),
        }
    }
}

/// A genome and what it scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The candidate.
    pub genome: Genome,
    /// Its score.
    pub score: Score,
}

/// Every evaluation in the order told, each genome once.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    evaluations: Vec<Evaluation>,
    positions: BTreeMap<Genome, usize>,
}

impl Archive {
    /// An archive of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a batch, all or nothing.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for a genome that is there already, [`Error::ObjectiveCount`], [`Error::Violation`] or
    /// [`Error::Objective`] for a score that cannot be compared, named by its position in the batch.
    pub fn record(&mut self, batch: Vec<Evaluation>) -> Result<(), Error> {
        let first = self.evaluations.first().or(batch.first());
        let objectives = first.map_or(0, |evaluation| evaluation.score.objectives.len());
        for (candidate, evaluation) in batch.iter().enumerate() {
            evaluation.score.check(candidate, objectives)?;
        }
        let mut fresh = BTreeSet::new();
        if let Some(twice) = batch.iter().find(|it| self.contains(&it.genome) || !fresh.insert(&it.genome)) {
            return Err(Error::Duplicate { genes: twice.genome.0.clone() });
        }
        self.positions.extend((self.len()..).zip(&batch).map(|(position, it)| (it.genome.clone(), position)));
        self.evaluations.extend(batch);
        Ok(())
    }

    /// The evaluations in the order told.
    pub fn evaluations(&self) -> &[Evaluation] {
        &self.evaluations
    }

    /// Number of evaluations.
    pub fn len(&self) -> usize {
        self.evaluations.len()
    }

    /// True before the first evaluation.
    pub fn is_empty(&self) -> bool {
        self.evaluations.is_empty()
    }

    /// True if `genome` has been evaluated.
    pub fn contains(&self, genome: &Genome) -> bool {
        self.positions.contains_key(genome)
    }

    /// The score of `genome`, `None` if it was never told.
    pub fn score(&self, genome: &Genome) -> Option<&Score> {
        self.positions.get(genome).map(|&position| &self.evaluations[position].score)
    }

    /// The feasible evaluations that no other feasible one dominates, by genome. Equal scores are all kept.
    pub fn front(&self) -> Vec<&Evaluation> {
        front(&self.evaluations)
    }
}

/// The feasible ones among `evaluations`, which an archive has taken, that no other feasible one dominates, by genome.
pub(crate) fn front<'a>(evaluations: impl IntoIterator<Item = &'a Evaluation>) -> Vec<&'a Evaluation> {
    let mut feasible: Vec<&Evaluation> = evaluations.into_iter().filter(|it| it.score.is_feasible()).collect();
    feasible.sort_unstable_by(|a, b| a.genome.cmp(&b.genome));
    let points = Points::recorded(feasible.iter().map(|it| it.score.objectives.as_slice()));
    sort::non_dominated(&points).into_iter().map(|index| feasible[index]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(gene: u16, objectives: &[f64], violation: f64) -> Evaluation {
        Evaluation { genome: Genome(vec![gene]), score: Score { objectives: objectives.to_vec(), violation } }
    }

    #[test]
    fn the_front_is_feasible_and_ordered_by_genome() {
        let mut archive = Archive::new();
        let batch = vec![
            evaluation(9, &[1.0, 3.0], 0.0),
            evaluation(2, &[2.0, 2.0], 0.0),
            evaluation(5, &[2.0, 3.0], 0.0),
            evaluation(1, &[0.0, f64::NAN], 0.5),
            evaluation(3, &[1.0, 3.0], 0.0),
        ];
        archive.record(batch).unwrap();
        let genes: Vec<u16> = archive.front().iter().map(|it| it.genome.0[0]).collect();
        assert_eq!(genes, [2, 3, 9]);
    }

    #[test]
    fn a_refused_batch_leaves_the_archive_as_it_was() {
        let mut archive = Archive::new();
        archive.record(vec![evaluation(0, &[1.0, 1.0], 0.0)]).unwrap();
        let refused = |bad: Evaluation| archive.clone().record(vec![evaluation(1, &[1.0, 1.0], 0.0), bad]).unwrap_err();
        assert_eq!(refused(evaluation(0, &[1.0, 1.0], 0.0)), Error::Duplicate { genes: vec![0] });
        assert_eq!(refused(evaluation(1, &[1.0, 1.0], 0.0)), Error::Duplicate { genes: vec![1] });
        let short = refused(evaluation(2, &[1.0], 0.0));
        assert_eq!(short, Error::ObjectiveCount { candidate: 1, expected: 2, got: 1 });
        assert!(matches!(refused(evaluation(2, &[1.0, f64::NAN], 0.0)), Error::Objective { objective: 1, .. }));
        assert!(matches!(refused(evaluation(2, &[1.0, 1.0], f64::NAN)), Error::Violation { candidate: 1, .. }));
        assert!(matches!(refused(evaluation(2, &[1.0, 1.0], -1.0)), Error::Violation { candidate: 1, .. }));

        let mut kept = archive.clone();
        kept.record(vec![evaluation(1, &[1.0, 1.0], 0.0), evaluation(0, &[0.0, 0.0], 0.0)]).unwrap_err();
        assert_eq!(kept.evaluations(), archive.evaluations());
        assert!(!kept.contains(&Genome(vec![1])));
    }

    #[test]
    fn scores_without_objectives_are_refused() {
        let refused = Archive::new().record(vec![evaluation(0, &[], 0.0)]).unwrap_err();
        assert_eq!(refused, Error::ObjectiveCount { candidate: 0, expected: 1, got: 0 });
    }

    #[test]
    fn an_unmeasured_score_survives_json() {
        let score = Score::unmeasured(2);
        assert_eq!(serde_json::from_str::<Score>(&serde_json::to_string(&score).unwrap()).unwrap(), score);
        assert!(!score.is_feasible());
    }
}
