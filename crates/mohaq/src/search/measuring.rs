//! How candidates of a search are measured: to the end, or only as long as they might enter the front.
//!
//! With a [`Fidelity`](crate::eval::Fidelity) every candidate has a rival: of the members of the front that cost no more than it
//! does in anything, the one with the lowest error. With a larger error than that it is dominated, and where it has no rival,
//! with a larger error than the limit it is infeasible; either way it cannot enter the front, now or later. One that breaks a
//! limit of its costs cannot whatever its error is. Rivals change between generations only, so how many candidates are
//! measured side by side changes nothing.
//!
//! A rival is compared sequence by sequence. The log does not keep its errors in such detail: a resumed search measures those
//! members of the front again that it needs.

use super::log::{EvaluationLog, Record};
use super::space::PrecisionSpace;
use crate::Result;
use crate::eval::{Bar, Evaluator, Fidelity, Goals, Measured, Objective, Trials};
use crate::quant::QuantSpec;
use crate::watch::Watch;
use mohaq_moo::{Genome, dominates};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Measures what a searcher asks for.
pub(super) struct Measuring<'a> {
    evaluator: &'a Evaluator<'a>,
    space: &'a PrecisionSpace,
    goals: &'a Goals,
    trials: Option<Trials>,
    rivals: Vec<Rival>,
    /// Errors sequence by sequence of what was measured to the end in this generation.
    fresh: BTreeMap<Genome, Vec<u64>>,
    pace: Pace,
}

/// A member of the front so far.
struct Rival {
    genome: Genome,
    objectives: Vec<f64>,
    error: f64,
    /// Sequence by sequence, where they are known.
    errors: Option<Vec<u64>>,
}

/// What a candidate is measured against: an error, and a rival by its place.
struct Mark {
    error: f64,
    rival: Option<usize>,
}

impl<'a> Measuring<'a> {
    /// Measuring of which nothing is known yet.
    ///
    /// # Errors
    /// [`Error::Plan`](crate::Error::Plan) for a `fidelity` on sequences whose errors are not counted one by one.
    pub(super) fn new(
        evaluator: &'a Evaluator<'a>,
        space: &'a PrecisionSpace,
        goals: &'a Goals,
        fidelity: Option<Fidelity>,
    ) -> Result<Self> {
        let trials = fidelity.map(|fidelity| Trials::new(evaluator.judge.judge(), fidelity)).transpose()?;
        let (rivals, fresh, pace) = Default::default();
        Ok(Self { evaluator, space, goals, trials, rivals, fresh, pace })
    }

    /// Measures the first of `genomes`, which are not in the log: one at least.
    ///
    /// # Errors
    /// Those of the evaluator.
    pub(super) fn next(&mut self, log: &EvaluationLog, genomes: &[Genome], watch: &dyn Watch) -> Result<Vec<Measured>> {
        let new = genomes.iter().take_while(|genome| log.find(genome).is_none()).take(self.pace.candidates);
        let genomes: Vec<&Genome> = new.collect();
        let specs: Vec<QuantSpec> = genomes.iter().map(|genome| self.space.decode(genome)).collect();
        let marks = self.marks(&specs)?;
        self.recall(&marks, watch)?;
        let begun = Instant::now();
        let measured = self.measured(&specs, &marks, watch)?;
        self.pace.learn(specs.len(), begun.elapsed());
        let whole = genomes.into_iter().zip(&measured).filter(|(_, measured)| measured.partial.is_none());
        self.fresh.extend(whole.map(|(genome, measured)| (genome.clone(), measured.errors.clone())));
        Ok(measured)
    }

    fn measured(&self, specs: &[QuantSpec], marks: &[Mark], watch: &dyn Watch) -> Result<Vec<Measured>> {
        let Some(trials) = &self.trials else {
            let whole = |measurement| Measured { measurement, partial: None, errors: Vec::new() };
            return Ok(self.evaluator.measure_all(specs, watch)?.into_iter().map(whole).collect());
        };
        let bar = |mark: &Mark| Bar {
            error: mark.error,
            known: mark.rival.and_then(|rival| self.rivals[rival].errors.as_deref()),
        };
        self.evaluator.measure_against(trials, specs, &marks.iter().map(bar).collect::<Vec<_>>(), watch)
    }

    /// Takes note of `records`, which the searcher is told of now.
    pub(super) fn settle(&mut self, records: &[Record]) {
        let mut fresh = std::mem::take(&mut self.fresh);
        if self.trials.is_none() || !self.goals.objectives.contains(&Objective::Error) {
            return;
        }
        for record in records {
            let score = self.goals.score(&record.measurement);
            let beaten =
                |rival: &Rival| dominates(&rival.objectives, &score.objectives) || rival.objectives == score.objectives;
            if record.partial.is_some() || !score.is_feasible() || self.rivals.iter().any(beaten) {
                continue;
            }
            self.rivals.retain(|rival| !dominates(&score.objectives, &rival.objectives));
            let (genome, error) = (record.genome.clone(), record.measurement.error);
            let errors = fresh.remove(&genome);
            self.rivals.push(Rival { genome, objectives: score.objectives, error, errors });
        }
    }

    /// What each of `specs` is measured against.
    fn marks(&self, specs: &[QuantSpec]) -> Result<Vec<Mark>> {
        let limit = self.goals.error_limit().unwrap_or(f64::INFINITY);
        let mark = |spec: &QuantSpec| -> Result<Mark> {
            let known = self.goals.known(self.evaluator.platform.cost(self.evaluator.workload, spec)?);
            let rival = self.rival(&known.objectives);
            let error = match rival {
                _ if !known.is_feasible() => f64::NEG_INFINITY,
                Some(rival) => self.rivals[rival].error,
                None => limit,
            };
            Ok(Mark { error, rival })
        };
        if self.trials.is_none() { Ok(Vec::new()) } else { specs.iter().map(mark).collect() }
    }

    /// Of the members of the front that cost no more than `known` in anything the one with the lowest error.
    fn rival(&self, known: &[f64]) -> Option<usize> {
        let cheaper = |rival: &Rival| self.goals.costs_no_more(&rival.objectives, known);
        let places = (0..self.rivals.len()).filter(|&place| cheaper(&self.rivals[place]));
        // No two have the same error and costs; the genome decides between different costs.
        places.min_by(|&a, &b| {
            let [a, b] = [a, b].map(|place| &self.rivals[place]);
            a.error.total_cmp(&b.error).then_with(|| a.genome.cmp(&b.genome))
        })
    }

    /// Measures those rivals of `marks` again that the log alone knows of.
    fn recall(&mut self, marks: &[Mark], watch: &dyn Watch) -> Result<()> {
        let Some(trials) = &self.trials else { return Ok(()) };
        let mut places: Vec<usize> = marks.iter().filter_map(|mark| mark.rival).collect();
        places.retain(|&place| self.rivals[place].errors.is_none());
        places.sort_unstable();
        places.dedup();
        let specs: Vec<QuantSpec> = places.iter().map(|&place| self.space.decode(&self.rivals[place].genome)).collect();
        let bars = vec![Bar { error: f64::INFINITY, known: None }; specs.len()];
        let measured = self.evaluator.measure_against(trials, &specs, &bars, watch)?;
        for (place, measured) in places.into_iter().zip(measured) {
            self.rivals[place].errors = Some(measured.errors);
        }
        Ok(())
    }
}

/// Seconds of measuring that may be lost when a search is stopped. The more candidates at once, the more of them begin
/// alike. Seemed reasonable.
const SECONDS_AT_ONCE: f64 = 8.0;

/// How many candidates are measured side by side.
struct Pace {
    candidates: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { candidates: 1 }
    }
}

impl Pace {
    /// Takes note of how long some candidates took together.
    fn learn(&mut self, candidates: usize, took: Duration) {
        let a_candidate = took.as_secs_f64() / candidates as f64;
        // Truncated on purpose; a candidate that takes no time gives the largest number.
        self.candidates = ((SECONDS_AT_ONCE / a_candidate) as usize).max(1);
    }
}
