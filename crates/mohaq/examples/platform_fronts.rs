//! What a front is worth on other hardware: `cargo run --release -p mohaq --example platform_fronts -- MODEL.safetensors`.
//!
//! MODEL is a network with features, labels and clips, as `mohaq bench evaluate` takes it. First its time and energy a frame at
//! one precision everywhere, on every built-in platform. Then NSGA-II searches error against speedup as the MOHAQ paper does, on
//! the ideal Bit Fusion; every candidate it measured is priced on the detailed ones, and the fronts are compared: the same
//! errors, other times.

use mohaq::benchmark::Model;
use mohaq::eval::{Evaluator, Goals, IntegerJudge, Judge, Objective};
use mohaq::nn::Workload;
use mohaq::platform::{self, Cost, Platform, TablePlatform};
use mohaq::quant::{IntegerBank, Precision, QuantSpec};
use mohaq::search::{EvaluationLog, Header, Method, PrecisionSpace, Record, SearchSettings, search};
use mohaq::watch::Silent;
use mohaq_moo::{Points, non_dominated};
use mohaq_rt::Bits;
use mohaq_speech::dataset::{Sequence, Task};
use mohaq_speech::decode::DecoderWeights;
use mohaq_speech::score::Scorer;
use std::collections::BTreeSet;
use std::time::Duration;

const IDEAL: &str = "bitfusion-ideal";
const DETAILED: [&str; 2] = ["bitfusion-resident", "bitfusion-streamed"];

/// Errors that fronts are compared at, in points above the lowest of all candidates.
const ABOVE: [f64; 5] = [1.0, 2.0, 5.0, 10.0, 20.0];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("which model?")?;
    let model = Model::load(file.as_ref())?;
    let workload = model.network.workload();
    uniform(&workload)?;
    let records = explore(&model, &workload)?;
    let candidates: Vec<(QuantSpec, f64)> = records
        .iter()
        .map(|record| Ok((record.bits.parse()?, record.measurement.error)))
        .collect::<mohaq::Result<_>>()?;
    compare(&workload, &candidates)
}

/// Time and energy of one precision everywhere, on every platform that has it.
fn uniform(workload: &Workload) -> mohaq::Result<()> {
    let [time, energy, speedup] = ["time a frame, us, at 16 8 4 2 bit", "energy a frame, uJ", "times as fast"];
    println!("{:<22} {time:>35}   {energy:>35}   {speedup:>35}", "");
    for platform in platform::list() {
        let costs = [Bits::Sixteen, Bits::Eight, Bits::Four, Bits::Two].map(|bits| {
            let spec = QuantSpec::uniform(Precision::new(bits, bits), workload.sites.len());
            platform.cost(workload, &spec).ok()
        });
        let row = |of: &dyn Fn(&Cost) -> Option<f64>| {
            let text =
                |cost: &Option<Cost>| cost.as_ref().and_then(of).map_or("-".to_owned(), |value| format!("{value:.1}"));
            costs.iter().map(text).map(|text| format!(" {text:>8}")).collect::<String>()
        };
        let [time, energy] = [row(&|cost| Some(1e6 * cost.frame_time_s?)), row(&|cost| Some(1e-6 * cost.energy_pj?))];
        println!("{:<22}{time}  {energy}  {}", platform.name(), row(&|cost| cost.speedup));
    }
    Ok(())
}

/// Every candidate of a search on the ideal platform.
fn explore(model: &Model, workload: &Workload) -> Result<Vec<Record>, Box<dyn std::error::Error>> {
    let scorer = Scorer::new(&Task::Frames { classes: model.network.outputs() }, &[], DecoderWeights::default())?;
    let sequences: Vec<&Sequence> = model.sequences.iter().collect();
    let bank = IntegerBank::new(&model.network, model.calibration.clone())?;
    let judge = IntegerJudge::new(Judge::new(&scorer, &sequences, model.network.inputs())?, &bank, 256 << 20)?;
    let platform = platform::load(IDEAL)?;
    let goals = Goals {
        metric: judge.judge().metric(),
        objectives: vec![Objective::Error, Objective::Speedup],
        limits: Vec::new(),
        scale: vec![(0.0, 100.0), (64.0, 1.0)],
    };
    let settings = SearchSettings {
        method: Method::Nsga2,
        population: 40,
        offspring: 10,
        evaluations: 630,
        generations: usize::MAX,
        time: Duration::MAX,
        stop: None,
        fidelity: None,
        start_uniform: true,
        seed: 1,
    };
    let folder = tempfile::tempdir()?;
    let mut log = EvaluationLog::create(&folder.path().join("log.jsonl"), &Header::new(Default::default()))?;
    let evaluator = Evaluator { judge: &judge, workload, platform: &platform };
    let space = PrecisionSpace::new(workload, &platform)?;
    Ok(search(&evaluator, &space, &goals, &settings, None, &mut log, &Silent)?)
}

/// The front of error against time on each platform, and what the ideal one's is worth there.
fn compare(workload: &Workload, candidates: &[(QuantSpec, f64)]) -> Result<(), Box<dyn std::error::Error>> {
    let lowest = candidates.iter().map(|(_, error)| *error).fold(f64::INFINITY, f64::min);
    let ideal = speedups(&platform::load(IDEAL)?, workload, candidates)?;
    let ideal_front = front(candidates, &ideal)?;
    println!(
        "\n{} candidates, lowest error {lowest:.2} %; {} on the front of {IDEAL}",
        candidates.len(),
        ideal_front.len()
    );
    for name in DETAILED {
        let detailed = speedups(&platform::load(name)?, workload, candidates)?;
        let own = front(candidates, &detailed)?;
        let kept = own.intersection(&ideal_front).count();
        println!("{name}: {} on its front, {kept} of them on the ideal one's", own.len());
        for above in ABOVE {
            let within = |index: &&usize| candidates[**index].1 <= lowest + above;
            let best = |set: &BTreeSet<usize>, by: &[f64]| {
                set.iter().filter(within).copied().max_by(|&a, &b| by[a].total_cmp(&by[b]))
            };
            let (Some(chosen), Some(right)) = (best(&ideal_front, &ideal), best(&own, &detailed)) else { continue };
            println!(
                "  within {above:>4} points: ideal says {:5.1} times for {}, which is {:4.2}; {:4.2} are there with {}",
                ideal[chosen], candidates[chosen].0, detailed[chosen], detailed[right], candidates[right].0
            );
        }
    }
    Ok(())
}

fn speedups(platform: &TablePlatform, workload: &Workload, candidates: &[(QuantSpec, f64)]) -> mohaq::Result<Vec<f64>> {
    let speedup = |(spec, _): &(QuantSpec, f64)| Ok(platform.cost(workload, spec)?.speedup.unwrap_or(f64::NAN));
    candidates.iter().map(speedup).collect()
}

fn front(candidates: &[(QuantSpec, f64)], speedups: &[f64]) -> Result<BTreeSet<usize>, mohaq_moo::Error> {
    let mut points = Points::new(2)?;
    for ((_, error), speedup) in candidates.iter().zip(speedups) {
        points.push(&[*error, -speedup])?;
    }
    Ok(non_dominated(&points).into_iter().collect())
}
