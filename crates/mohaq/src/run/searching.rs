//! The search stage: goals from the recipe, the loop over the log, then the test errors of the front.

use super::dir::Existing;
use super::measure::{Bench, MeasuredSpec};
use super::session::{Session, Trained, to_json};
use crate::config::{LimitSection, SearchSection};
use crate::eval::{Evaluator, Goals, IntegerJudge, Judge, Limit, Measurement, Objective};
use crate::nn::Workload;
use crate::platform::Platform;
use crate::quant::{Precision, QuantSpec, evenly_spaced};
use crate::search::{EvaluationLog, Header, PrecisionSpace, Record, SearchSettings, search};
use crate::{Error, Result};
use mohaq_moo::{Hypervolume, Points, non_dominated};
use mohaq_rt::Bits;
use mohaq_speech::dataset::{Dataset, Sequence};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// A member of the front.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrontMember {
    /// Its record in the log.
    pub id: usize,
    /// Its errors on the whole validation set and, read once, on the test set.
    pub measured: MeasuredSpec,
}

/// `front.json`: what a search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Candidates measured.
    pub evaluations: usize,
    /// Volume that the front dominates in the box `scale`, 1 at most where nothing beats perfect.
    pub hypervolume: f64,
    /// Shown values that count as perfect and as worthless, one pair an objective.
    pub scale: Vec<(f64, f64)>,
    /// Evaluations and hypervolume, at every evaluation that changed it.
    pub progress: Vec<(usize, f64)>,
    /// From the lowest error to the highest.
    pub front: Vec<FrontMember>,
    /// The same precision everywhere, where the platform allows it.
    pub uniform: Vec<MeasuredSpec>,
}

/// A finished search.
pub struct Searched {
    /// What was searched for.
    pub goals: Goals,
    /// Every candidate, in the order of asking.
    pub records: Vec<Record>,
    /// What was found.
    pub found: Found,
}

/// Runs (or goes on with) the search of the session's plan.
///
/// # Errors
/// [`Error::Stopped`] with everything measured in the log; [`Error::Exists`] where there is a log that nobody asked to
/// resume; [`Error::Log`] where it belongs to another search; errors of the evaluator.
pub fn searched(session: &Session<'_>, trained: &Trained, data: &Dataset, bench: &Bench<'_>) -> Result<Searched> {
    let section = &session.plan.recipe.search;
    let platform = &session.plan.platform;
    let space = PrecisionSpace::new(&bench.workload, platform);
    let chosen: Vec<&Sequence> = evenly_spaced(&data.valid, section.sequences);
    let chosen_only;
    let judge = if chosen.len() == data.valid.len() {
        &bench.valid
    } else {
        let judge = Judge::new(&trained.scorer, &chosen, data.dim)?;
        chosen_only = IntegerJudge::new(judge, bench.bank, section.cache_mib << 20)?;
        &chosen_only
    };
    let float_percent = judge.judge().percent(&judge.judge().errors(&trained.network, &crate::nn::Float)?);
    let goals = goals(section, platform, &bench.workload, float_percent);
    let evaluator = Evaluator { judge, workload: &bench.workload, platform };
    let mut log = open_log(session, &header(session, bench, &chosen)?)?;
    session.dir.write_plan(&session.plan)?;
    session.watch.begin("search", section.evaluations as u64, "candidates");
    let records =
        search(&evaluator, &space, &goals, &settings(section, session.plan.recipe.seed), &mut log, session.watch)?;
    let found = found(session, bench, &goals, &records)?;
    session.dir.write("front.json", &to_json(&found))?;
    Ok(Searched { goals, records, found })
}

fn settings(section: &SearchSection, seed: u64) -> SearchSettings {
    SearchSettings {
        population: section.population,
        offspring: section.offspring,
        evaluations: section.evaluations,
        generations: section.generations.unwrap_or(usize::MAX),
        time: section.minutes.map_or(Duration::MAX, |minutes| Duration::from_secs_f64(60.0 * minutes)),
        start_uniform: section.start_uniform,
        seed,
    }
}

/// Objectives, limits and the box of the hypervolume.
///
/// The box reaches from the float network's error to the error limit (or to twice the float error plus 10 points where
/// there is none), and from what the narrowest precisions cost to what 16×16 everywhere costs.
fn goals(section: &SearchSection, platform: &dyn Platform, workload: &Workload, float_percent: f64) -> Goals {
    let limits = limits(&section.limits, platform, workload, float_percent);
    let error_limits = limits.iter().filter(|limit| matches!(limit, Limit::Error(_))).map(Limit::bound);
    let worst_error = error_limits.reduce(f64::min).unwrap_or(2.0 * float_percent + 10.0);
    let extreme = |precision: Precision| {
        let cost = platform.cost(workload, &QuantSpec::uniform(precision, workload.sites.len())).ok()?;
        Some(Measurement { error_percent: 0.0, errors: Default::default(), cost })
    };
    let ends = platform.precisions().iter().copied().min().zip(platform.precisions().iter().copied().max());
    let scale = section.objectives.iter().map(|&objective| match objective {
        Objective::Error => (float_percent, worst_error.max(float_percent + 1.0)),
        _ => {
            let shown = |precision| extreme(precision).and_then(|m| objective.shown(&m));
            ends.and_then(|(low, high)| shown(low).zip(shown(high))).unwrap_or((0.0, 1.0))
        }
    });
    Goals { scale: scale.collect(), objectives: section.objectives.clone(), limits }
}

fn limits(section: &LimitSection, platform: &dyn Platform, workload: &Workload, float_percent: f64) -> Vec<Limit> {
    const MIB: f64 = 1_048_576.0;
    let relative = section.error_increase.map(|points| Limit::Error(float_percent + points));
    let absolute = section.error_percent.map(Limit::Error);
    let memory = section.memory_mib.map(|mib| Limit::Memory((mib * MIB) as u64));
    let parameters = workload.parameters();
    let compression = section.compression.map(|times| Limit::Compression { times, parameters });
    let own = platform.limits().iter().filter(|_| section.platform_memory).cloned().map(Limit::Platform);
    relative.into_iter().chain(absolute).chain(memory).chain(compression).chain(own).collect()
}

/// The arithmetic that errors are measured in; to be counted up whenever the same network gives other codes.
const ARITHMETIC: &str = "integers 1";

/// Everything that a measurement or its rank depends on, by digest.
fn header(session: &Session<'_>, bench: &Bench<'_>, chosen: &[&Sequence]) -> Result<Header> {
    let recipe = &session.plan.recipe;
    let mut search = recipe.search.clone();
    // A longer or shorter search asks the same questions in the same order.
    (search.evaluations, search.generations, search.minutes) = (0, None, None);
    search.cache_mib = 0;
    let platform = format!("{:?}", session.plan.platform);
    let sequences: Vec<&str> = chosen.iter().map(|sequence| sequence.id.as_str()).collect();
    let entries = [
        ("arithmetic", ARITHMETIC.to_owned()),
        ("network", crate::digest::of_network(bench.bank.network())),
        ("calibration", crate::digest::of(&to_json(bench.bank.calibration()))),
        ("platform", crate::digest::of(platform.as_bytes())),
        ("search section", crate::digest::of(&to_json(&search))),
        ("sequences", crate::digest::of(sequences.join("\n").as_bytes())),
        ("seed", recipe.seed.to_string()),
    ];
    Ok(Header::new(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>()))
}

fn open_log(session: &Session<'_>, header: &Header) -> Result<EvaluationLog> {
    let path = session.dir.path("evaluations.jsonl");
    match (path.exists(), session.existing) {
        (false, _) => EvaluationLog::create(&path, header),
        (true, Existing::Resume) => {
            let log = EvaluationLog::resume(&path, header)?;
            session.watch.note(&format!("going on after {} evaluations in {}", log.len(), path.display()));
            Ok(log)
        }
        (true, _) => Err(Error::Exists { path }),
    }
}

fn found(session: &Session<'_>, bench: &Bench<'_>, goals: &Goals, records: &[Record]) -> Result<Found> {
    let platform = &session.plan.platform;
    let progress = progress(goals, records)?;
    let front = front(goals, records)?;
    session.watch.end(&format!("{} candidates, {} on the front", records.len(), front.len()));
    session.watch.begin("test", front.len() as u64, "points");
    let mut members = Vec::new();
    for &record in &front {
        let spec: QuantSpec = record
            .bits
            .parse()
            .map_err(|_| Error::Record { path: "evaluations.jsonl".into(), reason: record.bits.clone() })?;
        members.push(FrontMember { id: record.id, measured: bench.measure(&spec, platform)? });
        session.watch.advance(members.len() as u64, "");
    }
    let sites = bench.workload.sites.len();
    let allowed = UNIFORM.iter().filter(|precision| platform.precisions().contains(precision));
    let uniform = allowed
        .map(|&precision| bench.measure(&QuantSpec::uniform(precision, sites), platform))
        .collect::<Result<_>>()?;
    session.watch.end(&format!("{} members of the front on the test set", members.len()));
    Ok(Found {
        evaluations: records.len(),
        hypervolume: progress.last().map_or(0.0, |&(_, volume)| volume),
        scale: goals.scale.clone(),
        progress,
        front: members,
        uniform,
    })
}

/// Uniform precisions that stand beside every front.
pub const UNIFORM: [Precision; 6] = [
    Precision::new(Bits::Sixteen, Bits::Sixteen),
    Precision::new(Bits::Eight, Bits::Eight),
    Precision::new(Bits::Four, Bits::Eight),
    Precision::new(Bits::Four, Bits::Four),
    Precision::new(Bits::Two, Bits::Eight),
    Precision::new(Bits::Two, Bits::Two),
];

/// Feasible records that no other feasible one dominates, from the lowest error up; equal ones once.
fn front<'a>(goals: &Goals, records: &'a [Record]) -> Result<Vec<&'a Record>> {
    let feasible: Vec<&Record> =
        records.iter().filter(|record| goals.score(&record.measurement).violation == 0.0).collect();
    let rows = feasible.iter().map(|record| goals.score(&record.measurement).objectives);
    let points = Points::from_rows(goals.objectives.len(), rows)?;
    let mut front: Vec<&Record> = non_dominated(&points).into_iter().map(|i| feasible[i]).collect();
    front.sort_by(|a, b| {
        let error = |record: &Record| record.measurement.error_percent;
        error(a).total_cmp(&error(b)).then_with(|| a.genome.cmp(&b.genome))
    });
    let objectives = |record: &Record| goals.score(&record.measurement).objectives;
    let mut seen: Vec<Vec<f64>> = Vec::new();
    front.retain(|record| {
        let new = !seen.contains(&objectives(record));
        seen.push(objectives(record));
        new
    });
    Ok(front)
}

/// Evaluations and hypervolume wherever it changed.
fn progress(goals: &Goals, records: &[Record]) -> Result<Vec<(usize, f64)>> {
    let mut volume = Hypervolume::new(&vec![1.0; goals.objectives.len()])?;
    let mut progress = vec![(0, 0.0)];
    for (i, record) in records.iter().enumerate() {
        let point = goals.normalised(&record.measurement);
        let counts = goals.score(&record.measurement).violation == 0.0 && point.iter().all(|value| value.is_finite());
        if counts && volume.add(&point)? > 0.0 {
            progress.push((i + 1, volume.value()));
        }
    }
    progress.push((records.len(), volume.value()));
    Ok(progress)
}
