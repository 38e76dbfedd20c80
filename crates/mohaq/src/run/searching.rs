//! The search stage: goals from the recipe, and the loop over the log.
//!
//! It gets the [`Development`] part of the data, which has no test set. That is read when all is decided, in `found`.

use super::dir::Existing;
use super::found::{self, Found};
use super::goals::goals;
use super::measure::Bench;
use super::session::{Session, Trained, to_json};
use crate::beacon::{Nursery, folder};
use crate::config::SearchSection;
use crate::eval::{Evaluator, Goals, IntegerJudge, Judge, Measurement, PARTS, Partial, deal};
use crate::platform::Platform;
use crate::quant::{IntegerBank, QuantSpec, evenly_spaced};
use crate::search::{
    BeaconRecord, EvaluationLog, Header, Lender, Method, PrecisionSpace, Record, SearchSettings, search,
};
use crate::{Error, Result};
use mohaq_speech::container::TaskSettings;
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
    /// Error of the float network, measured as that of a candidate.
    pub(super) float_error: f64,
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
    platform.admit(bench.bank.network().description())?;
    let space = PrecisionSpace::new(&bench.workload, platform)?;
    session.watch.note(&space.in_words(&bench.workload, platform));
    let chosen: Vec<&Sequence> = evenly_spaced(data.valid, section.sequences);
    let chosen_only;
    check_subsets(section.subsets, chosen.len())?;
    let judge = if chosen.len() == data.valid.len() && section.subsets == 1 && section.fidelity.is_none() {
        &bench.valid
    } else {
        let parts = if section.fidelity.is_some() { PARTS } else { 1 };
        let judge = Judge::in_parts(&trained.scorer, &deal(&chosen, section.subsets), data.dim, parts)?;
        let judge = judge.scored_by(trained.score.as_ref());
        chosen_only = IntegerJudge::new(judge, bench.bank, section.cache_mib << 20)?;
        &chosen_only
    };
    let float_error = judge.judge().worst_error(&judge.judge().errors(&trained.network, &crate::nn::Float)?);
    let goals = goals(section, platform, &bench.workload, judge.judge().metric(), float_error);
    let evaluator = Evaluator { judge, workload: &bench.workload, platform };
    let methods = Methods { session, bench, space, goals: &goals, evaluator, chosen: &chosen };
    let settings = settings(section, session.plan.recipe.seed);
    let (records, beacons, banks) = methods.search(&settings, data, float_error)?;
    let baselines = methods.baselines(&settings, records.len())?;
    let uniform = found::uniform_specs(platform, &bench.workload);
    let measured = methods.evaluator.measure_all(&uniform, session.watch)?;
    let uniform = uniform.into_iter().zip(measured).collect();
    let header = header(session, bench, &chosen, settings.method)?;
    Ok(Explored { goals, header, records, beacons, banks, baselines, uniform, float_error })
}

/// What the methods of a search share.
struct Methods<'a> {
    session: &'a Session<'a>,
    bench: &'a Bench<'a>,
    space: PrecisionSpace,
    goals: &'a Goals,
    evaluator: Evaluator<'a>,
    /// The development sequences that candidates are measured on.
    chosen: &'a [&'a Sequence],
}

/// Candidates, and the beacons that they borrowed from.
type Lent = (Vec<Record>, Vec<BeaconRecord>, Vec<IntegerBank<'static>>);

impl Methods<'_> {
    /// The search of the plan, with beacons where the recipe has them.
    fn search(&self, settings: &SearchSettings, data: Development<'_>, float_error: f64) -> Result<Lent> {
        let recipe = &self.session.plan.recipe;
        let Some(beacons) = &recipe.search.beacons else {
            return Ok((self.run(settings, None)?.0, Vec::new(), Vec::new()));
        };
        let (network, calibration) = (self.bench.bank.network(), self.bench.bank.calibration());
        let place = folder(self.session.dir.root());
        let nursery = Nursery::new(network, calibration, data, &recipe.retrain, recipe.seed, place);
        let mut lender = Lender::new(beacons, &nursery, float_error);
        let (records, log) = self.run(settings, Some(&mut lender))?;
        let banks = lender.into_banks();
        // A log may know more: of a search that had a larger budget.
        let beacons = log.beacons()[..banks.len()].to_vec();
        Ok((records, beacons, banks))
    }

    /// Every method to compare with: as many evaluations as the search had, however long they take, and nothing borrowed.
    fn baselines(&self, settings: &SearchSettings, evaluations: usize) -> Result<Vec<(Method, Vec<Record>)>> {
        let one = |&method: &Method| {
            let (generations, time, stop) = (usize::MAX, Duration::MAX, None);
            let settings = SearchSettings { method, evaluations, generations, time, stop, ..*settings };
            Ok((method, self.run(&settings, None)?.0))
        };
        self.session.plan.recipe.search.baselines.iter().map(one).collect()
    }

    /// Runs (or goes on with) one method over its log.
    fn run(&self, settings: &SearchSettings, lender: Option<&mut Lender<'_>>) -> Result<(Vec<Record>, EvaluationLog)> {
        let Self { session, bench, space, goals, evaluator, chosen } = self;
        let (stage, log) = files(session.plan.recipe.search.strategy, settings.method);
        let mut log = open_log(session, log, &header(session, bench, chosen, settings.method)?)?;
        session.dir.write_plan(&session.plan)?;
        session.watch.begin(stage, settings.evaluations as u64, "candidates");
        let records = search(evaluator, space, goals, settings, lender, &mut log, session.watch)?;
        let front = found::front(goals, &records)?.len();
        session.watch.end(&format!("{} candidates, {front} on the front{}", records.len(), stopped(&records)));
        Ok((records, log))
    }
}

/// How many of `records` were stopped, and what that saved, in words; nothing where none was.
fn stopped(records: &[Record]) -> String {
    let partial: Vec<Partial> = records.iter().filter_map(|record| record.partial).collect();
    let Some(Partial { of, .. }) = partial.first() else { return String::new() };
    let saved: usize = partial.iter().map(|partial| partial.of - partial.sequences).sum();
    // Sequences are far fewer than 2⁵³.
    let share = 100.0 * saved as f64 / (records.len() * of) as f64;
    format!("; {} stopped early, which saved {share:.0} % of the sequences", partial.len())
}

/// The stage and the log of `method` in a search by `strategy`.
fn files(strategy: Method, method: Method) -> (&'static str, &'static str) {
    match method {
        _ if method == strategy => ("search", "evaluations.jsonl"),
        Method::Nsga2 => ("nsga2 search", "baselines/nsga2.jsonl"),
        Method::Random => ("random search", "baselines/random.jsonl"),
        Method::Greedy => ("greedy search", "baselines/greedy.jsonl"),
        Method::Guided => ("guided search", "baselines/guided.jsonl"),
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
        method: section.strategy,
        population: section.population,
        offspring: section.offspring,
        evaluations: section.evaluations,
        generations: section.generations.unwrap_or(usize::MAX),
        time: section.minutes.map_or(Duration::MAX, |minutes| Duration::from_secs_f64(60.0 * minutes)),
        stop: section.stop,
        fidelity: section.fidelity,
        start_uniform: section.start_uniform,
        seed,
    }
}

/// The arithmetic that errors are measured in; to be counted up whenever the same network gives other codes.
const ARITHMETIC: &str = "integers 1";

/// Everything that a measurement or its rank depends on, by digest.
fn header(session: &Session<'_>, bench: &Bench<'_>, chosen: &[&Sequence], method: Method) -> Result<Header> {
    let recipe = &session.plan.recipe;
    let mut search = recipe.search.clone();
    // A longer or shorter search asks the same questions in the same order.
    (search.evaluations, search.generations, search.minutes, search.stop) = (0, None, None, None);
    // Named by an entry of its own.
    search.strategy = Method::Nsga2;
    // Named by an entry of its own.
    let subsets = std::mem::take(&mut search.subsets);
    search.cache_mib = 0;
    search.baselines.clear();
    if method != recipe.search.strategy {
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
    // Entries of what only some recipes have: a log of a recipe without it lacks them.
    let task =
        (recipe.task != TaskSettings::default()).then(|| ("task section", crate::digest::of(&to_json(&recipe.task))));
    let score = recipe.score.as_ref().map(|score| ("score command", score.fingerprint()));
    let retraining = retraining.map(|digest| ("retrain section", digest));
    let entries = entries.into_iter().chain(task).chain(score).chain(retraining);
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
