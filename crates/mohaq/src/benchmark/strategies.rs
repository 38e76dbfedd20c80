//! Strategies of search side by side on a table of measured errors.
//!
//! Every candidate of the table is known, so is the best that any search could find: the hypervolume of all of them. A method
//! is told errors and costs as it would be by a network, seed after seed, and judged by how much of that volume it has after
//! so many evaluations, by when it reaches what NSGA-II has at the end of its budget, and by how far its errors ever are above
//! those of the greedy walk at no higher cost.

use super::table::{ErrorTable, genomes};
use crate::eval::{Goals, Limit, Measurement, Objective};
use crate::platform::Platform;
use crate::search::{Method, PrecisionSpace, Pricing, SearchSettings, searcher};
use crate::{Error, Result};
use mohaq_moo::{Genome, Hypervolume, Score};
use rayon::prelude::*;
use serde::Serialize;
use std::time::Duration;

/// Evaluations after which methods are compared, as far as the budget goes.
const AFTER: [usize; 3] = [60, 120, 300];

/// What is compared.
#[derive(Clone)]
pub struct Contest<'a> {
    /// Where the network is to run.
    pub platform: &'a dyn Platform,
    /// What is traded, the error among them.
    pub objectives: Vec<Objective>,
    /// The methods; NSGA-II sets the mark whether it is among them or not.
    pub methods: Vec<Method>,
    /// Seeds 1, 2, … of every method.
    pub seeds: u64,
    /// Evaluations of every run.
    pub evaluations: usize,
}

/// Middle, least and most over the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Range {
    /// The median.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

/// How one method did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// Key of the method.
    pub method: String,
    /// Evaluations, and the part of the largest possible hypervolume after them, per cent.
    pub after: Vec<(usize, Range)>,
    /// Evaluations until the median hypervolume of NSGA-II at the end of its budget is reached; `None` for a seed that never
    /// does is larger than any number.
    pub reached: [Option<usize>; 3],
    /// How far the lowest error at no higher cost is above that of a point of the greedy walk, at most over the whole walk, in the
    /// unit of the metric; 0 for a front that is nowhere worse.
    pub behind_walk: Range,
    /// Seconds that the search itself took, an evaluation.
    pub seconds_an_evaluation: f64,
}

/// What a contest showed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standings {
    /// Name of the table.
    pub table: String,
    /// Candidates of the table.
    pub candidates: usize,
    /// Those that keep the limit of the error.
    pub feasible: usize,
    /// Hypervolume of all of them.
    pub hypervolume: f64,
    /// One a method.
    pub methods: Vec<Standing>,
}

/// A table with everything of its candidates worked out.
struct Known<'a> {
    levels: Vec<u16>,
    space: PrecisionSpace,
    goals: Goals,
    pricing: Pricing<'a>,
    scores: Vec<(Score, Vec<f64>)>,
}

/// Runs the methods of `contest` on `table`.
///
/// # Errors
/// [`Error::Benchmark`] for a contest without a seed, an evaluation or an error among its objectives; errors of the platform
/// for a precision that it does not allow.
pub fn strategies(table: &ErrorTable, contest: &Contest<'_>) -> Result<Standings> {
    let known = Known::new(table, contest)?;
    let mut best = Hypervolume::new(&vec![1.0; contest.objectives.len()])?;
    let feasible = known.scores.iter().filter(|(score, _)| score.is_feasible());
    let count = feasible.map(|(_, place)| best.add(place)).try_fold(0, |count, added| added.map(|_| count + 1))?;
    let nsga2 = known.runs(Method::Nsga2, contest)?;
    let nsga2 = range(nsga2.iter().map(|run| at(&run.volumes, contest.evaluations)).collect()).median;
    let walk = known.run(Method::Greedy, 1, contest.evaluations)?.front;
    let marks = Marks { best: best.value(), nsga2, walk };
    Ok(Standings {
        table: table.name.clone(),
        candidates: known.scores.len(),
        feasible: count,
        hypervolume: best.value(),
        methods: contest
            .methods
            .iter()
            .map(|&method| known.standing(method, contest, &marks))
            .collect::<Result<_>>()?,
    })
}

/// What methods are judged by.
struct Marks {
    /// Hypervolume of all candidates.
    best: f64,
    /// Median hypervolume of NSGA-II at the end of its budget.
    nsga2: f64,
    /// Objectives of the front of the greedy walk.
    walk: Vec<Vec<f64>>,
}

/// What a search found.
struct Run {
    /// Hypervolume after each evaluation.
    volumes: Vec<f64>,
    /// Objectives of its front, to be minimised.
    front: Vec<Vec<f64>>,
    seconds: f64,
}

/// The volume after `count` evaluations, or at the end of a search that stopped earlier.
fn at(volumes: &[f64], count: usize) -> f64 {
    volumes[count.min(volumes.len()) - 1]
}

fn range(mut values: Vec<f64>) -> Range {
    values.sort_by(f64::total_cmp);
    Range { median: values[values.len() / 2], least: values[0], most: values[values.len() - 1] }
}

impl<'a> Known<'a> {
    fn new(table: &'a ErrorTable, contest: &Contest<'a>) -> Result<Self> {
        let Contest { platform, objectives, .. } = contest;
        let refuse = |reason: &str| Err(Error::Benchmark { reason: reason.into() });
        if contest.seeds == 0 || contest.evaluations == 0 {
            return refuse("no seed or no evaluation, expected at least 1 of both");
        }
        if objectives.len() < 2 || !objectives.contains(&Objective::Error) {
            return refuse("expected the objective `error` and at least one other");
        }
        let (metric, float_error) = (table.metric.clone(), table.float_error);
        let increase = metric.increase(float_error).unwrap_or(f64::INFINITY);
        let limits = vec![Limit::Error(float_error + increase)];
        let (pairs, workload) = (table.pairs()?, &table.workload);
        let scale = Goals::scale(objectives, &limits, *platform, &pairs, workload, &metric, float_error);
        let goals = Goals { metric, objectives: objectives.clone(), limits, scale };
        let space = table.space()?;
        let levels = Vec::from(space.genes()?);
        let score = |genome: Genome| {
            let cost = platform.cost(workload, &space.decode(&genome))?;
            let error = table.error(&levels, &genome);
            let measurement = Measurement { error, subset_errors: Vec::new(), errors: Default::default(), cost };
            Ok((goals.score(&measurement), goals.normalised(&measurement)))
        };
        let scores = genomes(&levels).map(score).collect::<Result<_>>()?;
        Ok(Self { levels, space, goals, pricing: Pricing { workload, platform: *platform }, scores })
    }

    fn standing(&self, method: Method, contest: &Contest<'_>, marks: &Marks) -> Result<Standing> {
        let runs = self.runs(method, contest)?;
        let counts = AFTER.into_iter().filter(|&count| count < contest.evaluations).chain([contest.evaluations]);
        let share = |count| range(runs.iter().map(|run| 100.0 * at(&run.volumes, count) / marks.best).collect());
        let reach = |run: &Run| run.volumes.iter().position(|&volume| volume >= marks.nsga2).map(|place| place + 1);
        let mut reached: Vec<Option<usize>> = runs.iter().map(reach).collect();
        // Who never gets there comes last.
        reached.sort_by_key(|count| count.unwrap_or(usize::MAX));
        let evaluations: usize = runs.iter().map(|run| run.volumes.len()).sum();
        Ok(Standing {
            method: method.key().into(),
            after: counts.map(|count| (count, share(count))).collect(),
            reached: [reached[reached.len() / 2], reached[0], reached[reached.len() - 1]],
            behind_walk: range(runs.iter().map(|run| self.behind(&run.front, &marks.walk)).collect()),
            seconds_an_evaluation: runs.iter().map(|run| run.seconds).sum::<f64>() / evaluations as f64,
        })
    }

    /// One run a seed, side by side.
    fn runs(&self, method: Method, contest: &Contest<'_>) -> Result<Vec<Run>> {
        (1..=contest.seeds).into_par_iter().map(|seed| self.run(method, seed, contest.evaluations)).collect()
    }

    fn run(&self, method: Method, seed: u64, evaluations: usize) -> Result<Run> {
        let settings = SearchSettings {
            method,
            population: 40,
            offspring: 10,
            evaluations,
            generations: usize::MAX,
            time: Duration::MAX,
            stop: None,
            fidelity: None,
            start_uniform: false,
            seed,
        };
        let begun = std::time::Instant::now();
        let mut searcher = searcher(&self.space, &self.goals, self.pricing, &settings)?;
        let mut volume = Hypervolume::new(&vec![1.0; self.goals.objectives.len()])?;
        let mut volumes = Vec::new();
        while volumes.len() < evaluations && !searcher.ask().is_empty() {
            let known: Vec<&(Score, Vec<f64>)> = searcher.ask().iter().map(|genome| self.score(genome)).collect();
            for (score, place) in &known {
                if score.is_feasible() {
                    volume.add(place)?;
                }
                volumes.push(volume.value());
            }
            let scores: Vec<Score> = known.into_iter().map(|(score, _)| score.clone()).collect();
            searcher.tell(&scores)?;
        }
        let seconds = begun.elapsed().as_secs_f64();
        let front = searcher.archive().front().iter().map(|point| point.score.objectives.clone()).collect();
        Ok(Run { volumes, front, seconds })
    }

    /// How far errors of `front` are above those of `walk` at no higher cost, at most; where nothing is as cheap, its error counts
    /// as the limit.
    fn behind(&self, front: &[Vec<f64>], walk: &[Vec<f64>]) -> f64 {
        let error = self.goals.objectives.iter().position(|&one| one == Objective::Error).expect("checked when made");
        let limit = self.goals.error_limit().unwrap_or(f64::INFINITY);
        let behind = |step: &Vec<f64>| {
            let as_cheap = front.iter().filter(|point| self.goals.costs_no_more(point, step));
            as_cheap.map(|point| point[error]).fold(limit, f64::min) - step[error]
        };
        walk.iter().map(behind).fold(0.0, f64::max)
    }

    fn score(&self, genome: &Genome) -> &(Score, Vec<f64>) {
        let place = genome.0.iter().zip(&self.levels);
        &self.scores[place.fold(0, |place, (&gene, &levels)| place * usize::from(levels) + usize::from(gene))]
    }
}
