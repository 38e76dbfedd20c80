//! How long a search takes to another program's front:
//! `cargo run --release -p mohaq --example search_time -- MODEL.safetensors FRONT.json [STRATEGY] [SEEDS] [LIMIT]`.
//!
//! MODEL is a network with features, labels and clips, as `mohaq bench evaluate` takes it. FRONT is `{ "seconds": S, "rows": [
//! { "bits": { "L0": [4, 8], "P1": … }, "error_percent": E } ] }`: candidates that another program found for error against
//! speedup as MOHAQ publishes it on Bit Fusion, the errors that it measured, and how long that took. The mark is their
//! hypervolume by these errors, in the box of errors up to LIMIT per cent (24 if not given) and speedups up to 64; what the
//! same candidates are worth by the errors of this engine is printed beside it. Then STRATEGY (`guided`) searches with each of
//! the seeds 1 to SEEDS, everything from quantizing the first weight on is timed, and a line says when it had the mark.

use mohaq::benchmark::Model;
use mohaq::eval::{Evaluator, Goals, IntegerJudge, Judge, Limit, Measurement, Objective};
use mohaq::platform::{self, TablePlatform};
use mohaq::quant::{IntegerBank, QuantSpec};
use mohaq::search::{EvaluationLog, Header, Method, PrecisionSpace, Progress, SearchSettings, search};
use mohaq::watch::{Silent, Watch};
use mohaq_moo::Hypervolume;
use mohaq_speech::dataset::{Sequence, Task};
use mohaq_speech::decode::DecoderWeights;
use mohaq_speech::score::Scorer;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const EVALUATIONS: usize = 630;

/// Bytes of what candidates share, as a search has by default.
const CACHE: usize = 256 << 20;

#[derive(Deserialize)]
struct Front {
    seconds: f64,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    bits: BTreeMap<String, [u32; 2]>,
    error_percent: f64,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, front, options @ ..] = arguments.as_slice() else { return Err("which model, and which front?".into()) };
    let option = |place: usize, default: &str| options.get(place).map_or(default, String::as_str).to_owned();
    let strategy =
        Method::ALL.into_iter().find(|method| method.key() == option(0, "guided")).ok_or("which strategy?")?;
    let (seeds, limit): (u64, f64) = (option(1, "1").parse()?, option(2, "24").parse()?);
    let model = Model::load(model.as_ref())?;
    let front: Front = serde_json::from_str(&std::fs::read_to_string(front)?)?;
    let specs = front.rows.iter().map(|row| model.spec(|site| row.bits.get(site)));
    let specs: Vec<QuantSpec> = specs.collect::<mohaq::Result<_>>()?;
    let platform = platform::load("bitfusion")?;
    let goals = Goals {
        metric: Task::Frames { classes: model.network.outputs() }.metric(),
        objectives: vec![Objective::Error, Objective::SpeedupPaper],
        limits: vec![Limit::Error(limit)],
        scale: vec![(0.0, limit), (64.0, 0.0)],
    };
    let measured = on(&model, &platform, |evaluator| evaluator.measure_all(&specs, &Silent))??;
    let told =
        |(row, measurement): (&Row, &Measurement)| Measurement { error: row.error_percent, ..measurement.clone() };
    let told: Vec<Measurement> = front.rows.iter().zip(&measured).map(told).collect();
    let (target, here) = (hypervolume(&goals, &told)?, hypervolume(&goals, &measured)?);
    println!(
        "theirs: {} candidates of the front, {target:.5} in {:.2} s, by the errors of this engine {here:.5}",
        specs.len(),
        front.seconds
    );
    for seed in 1..=seeds {
        let run = Run { model: &model, platform: &platform, goals: &goals, strategy, seed };
        run.report(front.seconds, target)?;
    }
    Ok(())
}

/// Calls `f` with an evaluator that has prepared nothing yet.
fn on<T>(model: &Model, platform: &TablePlatform, f: impl FnOnce(&Evaluator<'_>) -> T) -> Result<T, Failure> {
    let scorer = Scorer::new(&Task::Frames { classes: model.network.outputs() }, &[], DecoderWeights::default())?;
    let sequences: Vec<&Sequence> = model.sequences.iter().collect();
    let bank = IntegerBank::new(&model.network, model.calibration.clone())?;
    let judge = IntegerJudge::new(Judge::new(&scorer, &sequences, model.network.inputs())?, &bank, CACHE)?;
    Ok(f(&Evaluator { judge: &judge, workload: &model.network.workload(), platform }))
}

/// Of the feasible ones, in the box.
fn hypervolume(goals: &Goals, measured: &[Measurement]) -> Result<f64, Failure> {
    let mut volume = Hypervolume::new(&[1.0, 1.0])?;
    for measurement in measured.iter().filter(|measurement| goals.violations(measurement).is_empty()) {
        volume.add(&goals.normalised(measurement))?;
    }
    Ok(volume.value())
}

/// A search and its clock.
struct Run<'a> {
    model: &'a Model,
    platform: &'a TablePlatform,
    goals: &'a Goals,
    strategy: Method,
    seed: u64,
}

impl Run<'_> {
    fn report(&self, theirs: f64, target: f64) -> Result<(), Failure> {
        let folder = tempfile::tempdir()?;
        let mut log = EvaluationLog::create(&folder.path().join("log.jsonl"), &Header::new(Default::default()))?;
        let clock = Clock { begun: Instant::now(), laps: Mutex::new(Vec::new()) };
        let records = on(self.model, self.platform, |evaluator| {
            let space = PrecisionSpace::new(evaluator.workload, evaluator.platform)?;
            search(evaluator, &space, self.goals, &self.settings(), None, &mut log, &clock)
        })??;
        let whole = clock.begun.elapsed().as_secs_f64();
        let curve = Progress::over(self.goals, &records)?;
        let at = |count: usize| Progress::over(self.goals, &records[..count]).map(|progress| progress.hypervolume());
        let (name, seed) = (self.strategy.key(), self.seed);
        for (count, seconds) in clock.laps.into_inner().expect("no thread panicked") {
            if at(count)? >= target {
                println!(
                    "{name}, seed {seed}: there after {count} evaluations and {seconds:.2} s, {:.1} times as fast; {:.5} after {whole:.2} s",
                    theirs / seconds,
                    curve.hypervolume()
                );
                return Ok(());
            }
        }
        println!("{name}, seed {seed}: {:.5} after {whole:.2} s, which is less", curve.hypervolume());
        Ok(())
    }

    fn settings(&self) -> SearchSettings {
        SearchSettings {
            method: self.strategy,
            population: 40,
            offspring: 10,
            evaluations: EVALUATIONS,
            generations: usize::MAX,
            time: Duration::MAX,
            stop: None,
            fidelity: None,
            start_uniform: false,
            seed: self.seed,
        }
    }
}

/// Notes when so many candidates were done.
struct Clock {
    begun: Instant,
    laps: Mutex<Vec<(usize, f64)>>,
}

impl Watch for Clock {
    fn begin(&self, _stage: &str, _total: u64, _unit: &str) {}
    fn advance(&self, done: u64, _detail: &str) {
        let lap = (done as usize, self.begun.elapsed().as_secs_f64());
        self.laps.lock().expect("no thread panicked").push(lap);
    }
    fn end(&self, _summary: &str) {}
    fn note(&self, _text: &str) {}
    fn stopped(&self) -> bool {
        false
    }
}
