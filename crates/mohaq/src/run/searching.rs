//! The search stage: goals from the recipe, and the loop over the log.
//!
//! It gets the [`Development`] part of the data, which has no test set. That is read when all is decided, in `found`.

use super::dir::Existing;
use super::found::{self, Found};
use super::measure::Bench;
use super::session::{Session, Trained, to_json};
use crate::beacon::{Nursery, folder};
use crate::config::{LimitSection, SearchSection};
use crate::eval::{Evaluator, Goals, IntegerJudge, Judge, Limit, Measurement, Objective, deal};
use crate::nn::Workload;
use crate::platform::Platform;
use crate::quant::{IntegerBank, Precision, QuantSpec, evenly_spaced};
use crate::search::{
    BeaconRecord, EvaluationLog, Header, Lender, Method, PrecisionSpace, Record, SearchSettings, search,
};
use crate::{Error, Result};
use mohaq_speech::dataset::{Dataset, Development, Sequence};
use std::collections::BTreeMap;
use std::time::Duration;

/// A finished search.
pub struct Searched {
    /// What was searched for.
    pub goals: Goals,
    /// Every candidate, in the order of asking.
    pub records: Vec<Record>,
    /// Every beacon, in the order of retraining.
    pub beacons: Vec<BeaconRecord>,
    /// What was found.
    pub found: Found,
}

/// A search at its end, before anything of it was read on the test set.
pub(super) struct Explored {
    /// What was searched for.
    pub(super) goals: Goals,
    /// What the records were measured with.
    pub(super) header: Header,
    /// Every candidate, in the order of asking.
    pub(super) records: Vec<Record>,
    /// The same of every other method.
    pub(super) baselines: Vec<(Method, Vec<Record>)>,
    /// Uniform precisions, measured as candidates.
    pub(super) uniform: Vec<(QuantSpec, Measurement)>,
    /// Error of the float network, measured as that of a candidate, per cent.
    pub(super) float_percent: f64,
    /// Every beacon, in the order of retraining.
    pub(super) beacons: Vec<BeaconRecord>,
    /// Its network at every width.
    pub(super) banks: Vec<IntegerBank<'static>>,
}

/// Runs (or goes on with) the search of the session's plan, then reads the test set for its front.
///
/// # Errors
/// [`Error::Stopped`] with everything measured in the log; [`Error::Exists`] where there is a log that nobody asked to
/// resume; [`Error::Log`] where it belongs to another search; errors of the evaluator.
pub fn searched(session: &Session<'_>, trained: &Trained, data: &Dataset, bench: &Bench<'_>) -> Result<Searched> {
    let explored = explore(session, trained, data.development(), bench)?;
    let found = found::found(session, trained, bench, &explored, &data.test)?;
    let Explored { goals, records, beacons, .. } = explored;
    Ok(Searched { goals, records, beacons, found })
}

fn explore(session: &Session<'_>, trained: &Trained, data: Development<'_>, bench: &Bench<'_>) -> Result<Explored> {
    let section = &session.plan.recipe.search;
    let platform = &session.plan.platform;
    let space = PrecisionSpace::new(&bench.workload, platform);
    let chosen: Vec<&Sequence> = evenly_spaced(data.valid, section.sequences);
    let chosen_only;
    check_subsets(section.subsets, chosen.len())?;
    let judge = if chosen.len() == data.valid.len() && section.subsets == 1 {
        &bench.valid
    } else {
        let judge = Judge::with_subsets(&trained.scorer, &deal(&chosen, section.subsets), data.dim)?;
        chosen_only = IntegerJudge::new(judge, bench.bank, section.cache_mib << 20)?;
        &chosen_only
    };
    let float_percent = judge.judge().worst_percent(&judge.judge().errors(&trained.network, &crate::nn::Float)?);
    let goals = goals(section, platform, &bench.workload, float_percent);
    let evaluator = Evaluator { judge, workload: &bench.workload, platform };
    let by_method = |settings: &SearchSettings, lender: Option<&mut Lender<'_>>| {
        let (stage, log) = files(settings.method);
        let mut log = open_log(session, log, &header(session, bench, &chosen, settings.method)?)?;
        session.dir.write_plan(&session.plan)?;
        session.watch.begin(stage, settings.evaluations as u64, "candidates");
        let records = search(&evaluator, &space, &goals, settings, lender, &mut log, session.watch)?;
        let front = found::front(&goals, &records)?.len();
        session.watch.end(&format!("{} candidates, {front} on the front", records.len()));
        Ok::<_, Error>((records, log))
    };
    let recipe = &session.plan.recipe;
    let (network, calibration) = (bench.bank.network(), bench.bank.calibration());
    let place = folder(session.dir.root());
    let nursery = section
        .beacons
        .is_some()
        .then(|| Nursery::new(network, calibration, data, &recipe.retrain, recipe.seed, place));
    let lender = section.beacons.as_ref().zip(nursery.as_ref());
    let mut lender = lender.map(|(settings, nursery)| Lender::new(settings, nursery, float_percent));
    let settings = settings(section, recipe.seed);
    let (records, log) = by_method(&settings, lender.as_mut())?;
    let banks = lender.map_or_else(Vec::new, Lender::into_banks);
    let baselines = section.baselines.iter().map(|&method| {
        // As many evaluations as the search had, however long they take, and nothing borrowed.
        let (evaluations, generations, time) = (records.len(), usize::MAX, Duration::MAX);
        let settings = SearchSettings { method, evaluations, generations, time, ..settings };
        Ok((method, by_method(&settings, None)?.0))
    });
    let baselines = baselines.collect::<Result<_>>()?;
    let uniform = found::uniform_specs(platform, bench.workload.sites.len());
    let measured = evaluator.measure_all(&uniform, session.watch)?;
    let uniform = uniform.into_iter().zip(measured).collect();
    let header = header(session, bench, &chosen, settings.method)?;
    let beacons = log.beacons().to_vec();
    Ok(Explored { goals, header, records, beacons, banks, baselines, uniform, float_percent })
}

/// The stage and the log of a method.
const fn files(method: Method) -> (&'static str, &'static str) {
    match method {
        Method::Nsga2 => ("search", "evaluations.jsonl"),
        Method::Random => ("random search", "baselines/random.jsonl"),
        Method::Greedy => ("greedy search", "baselines/greedy.jsonl"),
    }
}

/// Refuses more subsets than there are sequences to deal.
fn check_subsets(subsets: usize, sequences: usize) -> Result<()> {
    if subsets <= sequences {
        return Ok(());
    }
    let reason = format!("{subsets} subsets of the {sequences} development sequences that a candidate is measured on");
    Err(Error::Plan { key: "search.subsets".into(), reason, hint: None })
}

fn settings(section: &SearchSection, seed: u64) -> SearchSettings {
    SearchSettings {
        method: Method::Nsga2,
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
        Some(Measurement { error_percent: 0.0, subset_percent: Vec::new(), errors: Default::default(), cost })
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
fn header(session: &Session<'_>, bench: &Bench<'_>, chosen: &[&Sequence], method: Method) -> Result<Header> {
    let recipe = &session.plan.recipe;
    let mut search = recipe.search.clone();
    // A longer or shorter search asks the same questions in the same order.
    (search.evaluations, search.generations, search.minutes) = (0, None, None);
    // Named by an entry of its own.
    let subsets = std::mem::take(&mut search.subsets);
    search.cache_mib = 0;
    search.baselines.clear();
    if method != Method::Nsga2 {
        // Only the search borrows.
        search.beacons = None;
    }
    let retraining = search.beacons.as_mut().map(|beacons| {
        beacons.memory_mib = 0;
        crate::digest::of(&to_json(&recipe.retrain))
    });
    let platform = format!("{:?}", session.plan.platform);
    let sequences: Vec<&str> = chosen.iter().map(|sequence| sequence.id.as_str()).collect();
    let entries = [
        ("arithmetic", ARITHMETIC.to_owned()),
        ("network", crate::digest::of_network(bench.bank.network())),
        ("calibration", crate::digest::of(&to_json(bench.bank.calibration()))),
        ("platform", crate::digest::of(platform.as_bytes())),
        ("search section", crate::digest::of(&to_json(&search))),
        ("sequences", crate::digest::of(sequences.join("\n").as_bytes())),
        ("number of subsets", subsets.to_string()),
        ("method", method.key().to_owned()),
        ("seed", recipe.seed.to_string()),
    ];
    let entries = entries.into_iter().chain(retraining.map(|digest| ("retrain section", digest)));
    Ok(Header::new(entries.map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>()))
}

fn open_log(session: &Session<'_>, name: &str, header: &Header) -> Result<EvaluationLog> {
    let path = session.dir.path(name);
    match (path.exists(), session.existing) {
        (false, _) => {
            let folder = path.parent().unwrap_or(session.dir.root());
            std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
            EvaluationLog::create(&path, header)
        }
        (true, Existing::Resume) => {
            let log = EvaluationLog::resume(&path, header)?;
            session.watch.note(&format!("going on after {} evaluations in {}", log.len(), path.display()));
            Ok(log)
        }
        (true, _) => Err(Error::Exists { path }),
    }
}
