//! The loop of a search: ask, measure what is not in the log, tell.
//!
//! The searcher is a pure function of its seed and of what it was told, so a resumed search asks the same questions and
//! finds the first answers in the log. Candidates are measured one after the other, each on all cores, so that records
//! are written in the order of asking whatever the number of threads.

use super::log::{EvaluationLog, Record};
use super::space::PrecisionSpace;
use crate::eval::{Evaluator, Goals};
use crate::quant::{Precision, QuantSpec};
use crate::watch::Watch;
use crate::{Error, Result};
use mohaq_moo::{Genome, Nsga2, Nsga2Config, Score};
use mohaq_rt::Bits;
use std::time::{Duration, Instant};

/// How long a search goes on, and with how many individuals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchSettings {
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
    /// Put the uniform precisions among the first individuals.
    pub start_uniform: bool,
    /// Everything random is derived from it.
    pub seed: u64,
}

/// Runs a search to the end of its budget and returns every candidate, in the order of asking.
///
/// # Errors
/// [`Error::Stopped`] when `watch` says so, with everything measured so far in `log`; errors of the evaluator, the log and
/// the searcher.
pub fn search(
    evaluator: &Evaluator<'_>,
    space: &PrecisionSpace,
    goals: &Goals,
    settings: &SearchSettings,
    log: &mut EvaluationLog,
    watch: &dyn Watch,
) -> Result<Vec<Record>> {
    let begun = Instant::now();
    let mut searcher = searcher(space, settings)?;
    let mut records: Vec<Record> = Vec::new();
    for generation in 0..settings.generations {
        let left = settings.evaluations - records.len();
        if left == 0 || begun.elapsed() > settings.time {
            break;
        }
        let asked = searcher.ask().to_vec();
        if asked.is_empty() {
            break;
        }
        let within_budget = &asked[..asked.len().min(left)];
        for genome in within_budget {
            let record = answer(evaluator, space, log, records.len(), generation, genome)?;
            records.push(record);
            watch.advance(records.len() as u64, &best(&records, goals));
            if watch.stopped() {
                return Err(Error::Stopped);
            }
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

fn searcher(space: &PrecisionSpace, settings: &SearchSettings) -> Result<Nsga2> {
    let config =
        Nsga2Config { population: settings.population, offspring: settings.offspring, ..Nsga2Config::default() };
    let searcher = Nsga2::new(space.genes()?, config, settings.seed)?;
    if !settings.start_uniform {
        return Ok(searcher);
    }
    let pairs = Bits::ALL.into_iter().flat_map(|w| Bits::ALL.map(|a| Precision::new(w, a)));
    let uniform = pairs.filter_map(|pair| space.encode(&QuantSpec::uniform(pair, space.sites())));
    Ok(searcher.seed_with(uniform.take(settings.population).collect())?)
}

/// The record of `genome`: from the log, or measured now and logged.
fn answer(
    evaluator: &Evaluator<'_>,
    space: &PrecisionSpace,
    log: &mut EvaluationLog,
    id: usize,
    generation: usize,
    genome: &Genome,
) -> Result<Record> {
    if let Some(known) = log.find(genome) {
        return Ok(known.clone());
    }
    let spec = space.decode(genome);
    let measurement = evaluator.measure(&spec)?;
    let record = Record { id, generation, genome: genome.clone(), bits: spec.to_string(), measurement };
    log.append(record.clone())?;
    Ok(record)
}

/// The lowest error of a feasible candidate, for the progress bar.
fn best(records: &[Record], goals: &Goals) -> String {
    let feasible = records.iter().map(|record| &record.measurement).filter(|m| goals.score(m).violation == 0.0);
    let lowest = feasible.map(|m| m.error_percent).min_by(f64::total_cmp);
    lowest.map_or_else(|| "nothing feasible yet".to_owned(), |percent| format!("lowest error {percent:.2} %"))
}
