//! The loop of a search: ask, measure what is not in the log, tell.
//!
//! The searcher is a pure function of its seed and of what it was told, so a resumed search asks the same questions and
//! finds the first answers in the log. Candidates are measured some at a time, side by side on all cores, and records are
//! written in the order of asking whatever the number of threads. How many at a time follows the clock, so that little is
//! lost when a search is stopped; it changes no result.

use super::Method;
use super::lender::Lender;
use super::log::{EvaluationLog, Record};
use super::measuring::Measuring;
use super::progress::{Progress, StopRule};
use super::searchers::{Pricing, searcher};
use super::space::PrecisionSpace;
use crate::eval::{Evaluator, Fidelity, Goals, Measured};
use crate::watch::Watch;
use crate::{Error, Result};
use mohaq_moo::Score;
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
    /// Stop measuring candidates that cannot enter the front. Not with a lender, whose beacons may yet mend an error.
    pub fidelity: Option<Fidelity>,
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
    settings.fidelity.map_or(Ok(()), |fidelity| fidelity.check(lender.is_some(), false))?;
    let begun = Instant::now();
    let pricing = Pricing { workload: evaluator.workload, platform: evaluator.platform };
    let mut searcher = searcher(space, goals, pricing, settings)?;
    let mut records: Vec<Record> = Vec::new();
    let mut progress = Progress::new(goals)?;
    let mut measuring = Measuring::new(evaluator, space, goals, settings.fidelity)?;
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
                for (genome, Measured { measurement, partial, .. }) in
                    next.iter().zip(measuring.next(log, next, watch)?)
                {
                    let (id, bits, genome) = (records.len(), space.decode(genome).to_string(), genome.clone());
                    records.push(Record { id, generation, genome, bits, measurement, partial, beacon: None });
                    log.append(records[id].clone())?;
                }
            }
            records[known..].iter().try_for_each(|record| progress.add(record))?;
            watch.advance(records.len() as u64, &progress.summary());
            if watch.stopped() {
                return Err(Error::Stopped);
            }
        }
        if let Some(lender) = &mut lender {
            lender.lend(&mut records[first..], evaluator, goals, log, watch)?;
            // What was borrowed counts in place of what the candidates measured themselves.
            progress = before;
            records[first..].iter().try_for_each(|record| progress.add(record))?;
        }
        if within_budget.len() < asked.len() {
            break;
        }
        measuring.settle(&records[first..]);
        let scores: Vec<Score> =
            records[records.len() - asked.len()..].iter().map(|r| goals.score(&r.measurement)).collect();
        searcher.tell(&scores)?;
    }
    Ok(records)
}
