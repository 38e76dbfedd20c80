//! The loop of a search: ask, measure what is not in the log, tell.
//!
//! The searcher is a pure function of its seed and of what it was told, so a resumed search asks the same questions and
//! finds the first answers in the log. Candidates are measured some at a time, side by side on all cores, and records are
//! written in the order of asking whatever the number of threads. How many at a time follows the clock, so that little is
//! lost when a search is stopped; it changes no result.

use super::Method;
use super::lender::Lender;
use super::log::{EvaluationLog, Record};
use super::progress::{Progress, StopRule};
use super::searchers::{Pricing, searcher};
use super::space::PrecisionSpace;
use crate::eval::{Evaluator, Goals, Measurement};
use crate::quant::QuantSpec;
use crate::watch::Watch;
use crate::{Error, Result};
use mohaq_moo::{Genome, Score};
use std::time::{Duration, Instant};

/// How long a search goes on, and with how many individuals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchSettings {
    /// Who proposes candidates.
    pub method: Method,
    /// Individuals that survive a generation.
    pub population: usize,
    /// New candidates a generation.
    pub offspring: usize,
    /// Candidates in all.
    pub evaluations: usize,
    /// Generations in all, the first included.
    pub generations: usize,
    /// No generation starts later than this.
    pub time: Duration,
    /// Stop when the hypervolume has not moved for a while.
    pub stop: Option<StopRule>,
    /// Put the uniform precisions among the first individuals of NSGA-II.
    pub start_uniform: bool,
    /// Everything random is derived from it.
    pub seed: u64,
}

/// Runs a search to the end of its budget and returns every candidate, in the order of asking. With a `lender` a
/// generation borrows from beacons before the searcher hears of it.
///
/// # Errors
/// [`Error::Stopped`] when `watch` says so, with everything measured so far in `log`; errors of the evaluator, the log and
/// the searcher.
pub fn search(
    evaluator: &Evaluator<'_>,
    space: &PrecisionSpace,
    goals: &Goals,
    settings: &SearchSettings,
    lender: Option<&mut Lender<'_>>,
    log: &mut EvaluationLog,
    watch: &dyn Watch,
) -> Result<Vec<Record>> {
    let mut lender = lender;
    let begun = Instant::now();
    let pricing = Pricing { workload: evaluator.workload, platform: evaluator.platform };
    let mut searcher = searcher(space, goals, pricing, settings)?;
    let mut records: Vec<Record> = Vec::new();
    let mut progress = Progress::new(goals)?;
    let mut pace = Pace::default();
    for generation in 0..settings.generations {
        let left = settings.evaluations - records.len();
        let settled = settings.stop.is_some_and(|rule| progress.is_settled(&rule));
        if left == 0 || settled || begun.elapsed() > settings.time {
            break;
        }
        let asked = searcher.ask().to_vec();
        if asked.is_empty() {
            break;
        }
        let within_budget = &asked[..asked.len().min(left)];
        let first = records.len();
        let before = progress.clone();
        while records.len() - first < within_budget.len() {
            let next = &within_budget[records.len() - first..];
            let known = records.len();
            if let Some(record) = log.find(&next[0]) {
                records.push(record.clone());
            } else {
                for (genome, measurement) in next.iter().zip(measured(evaluator, space, log, &mut pace, next, watch)?) {
                    let (id, bits) = (records.len(), space.decode(genome).to_string());
                    records.push(Record { id, generation, genome: genome.clone(), bits, measurement, beacon: None });
                    log.append(records[id].clone())?;
                }
            }
            records[known..].iter().try_for_each(|record| progress.add(&record.measurement))?;
            watch.advance(records.len() as u64, &progress.summary());
            if watch.stopped() {
                return Err(Error::Stopped);
            }
        }
        if let Some(lender) = &mut lender {
            lender.lend(&mut records[first..], evaluator, goals, log, watch)?;
            // What was borrowed counts in place of what the candidates measured themselves.
            progress = before;
            records[first..].iter().try_for_each(|record| progress.add(&record.measurement))?;
        }
        if within_budget.len() < asked.len() {
            break;
        }
        let scores: Vec<Score> =
            records[records.len() - asked.len()..].iter().map(|r| goals.score(&r.measurement)).collect();
        searcher.tell(&scores)?;
    }
    Ok(records)
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

/// Measures the first of `genomes`, which are not in the log: one at least.
fn measured(
    evaluator: &Evaluator<'_>,
    space: &PrecisionSpace,
    log: &EvaluationLog,
    pace: &mut Pace,
    genomes: &[Genome],
    watch: &dyn Watch,
) -> Result<Vec<Measurement>> {
    let new = genomes.iter().take_while(|genome| log.find(genome).is_none()).take(pace.candidates);
    let specs: Vec<QuantSpec> = new.map(|genome| space.decode(genome)).collect();
    let begun = Instant::now();
    let measured = evaluator.measure_all(&specs, watch)?;
    pace.learn(specs.len(), begun.elapsed());
    Ok(measured)
}
