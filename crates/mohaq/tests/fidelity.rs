//! Candidates that are not measured to the end: they could not have entered the front, and nothing else changes.

mod stop;
mod toy;

use mohaq::Error;
use mohaq::eval::{Evaluator, Fidelity, Goals, IntegerJudge, Judge, Limit, Measurement, Objective, PARTS, deal};
use mohaq::nn::Network;
use mohaq::platform;
use mohaq::quant::{Calibration, IntegerBank, Precision, QuantSpec, QuantizeSettings, calibrate};
use mohaq::search::{EvaluationLog, Header, Method, PrecisionSpace, Progress, Record, SearchSettings, search};
use mohaq::train::{TrainConfig, fit};
use mohaq::watch::{Silent, Watch};
use mohaq_rt::Bits;
use mohaq_speech::dataset::{Sequence, Task};
use mohaq_speech::decode::DecoderWeights;
use mohaq_speech::score::Scorer;
use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;
use stop::StopAfter;

const SEQUENCES: usize = 128;
const EVALUATIONS: usize = 80;

/// A trained network, its calibration, and the sequences that candidates are measured on.
fn parent() -> &'static (Network, Calibration, Vec<Sequence>) {
    static PARENT: OnceLock<(Network, Calibration, Vec<Sequence>)> = OnceLock::new();
    PARENT.get_or_init(|| {
        let (mut network, dataset) = (toy::network(), toy::dataset());
        let config = TrainConfig { learning_rate: 1e-2, dropout: 0.0, ..toy::config(20) };
        fit(&mut network, dataset.development(), &config, None, &mut |_| ControlFlow::Continue(())).expect("trained");
        let calibration = calibrate(&network, &dataset.train, &QuantizeSettings::default()).expect("calibrated");
        (network, calibration, (100..100 + SEQUENCES).map(toy::sequence).collect())
    })
}

/// What is searched for; `bytes` is a limit of memory.
fn goals(bytes: Option<u64>) -> Goals {
    let memory = bytes.map(Limit::Memory);
    Goals {
        metric: Task::Frames { classes: toy::CLASSES }.metric(),
        objectives: vec![Objective::Error, Objective::Speedup],
        limits: [Limit::Error(30.0)].into_iter().chain(memory).collect(),
        scale: vec![(0.0, 30.0), (64.0, 0.0)],
    }
}

#[derive(Clone, Copy)]
struct Setting {
    method: Method,
    confidence: Option<f64>,
    subsets: usize,
    bytes: Option<u64>,
}

impl Setting {
    fn new(method: Method, confidence: f64) -> Self {
        Self { method, confidence: Some(confidence), subsets: 1, bytes: None }
    }

    fn settings(self) -> SearchSettings {
        SearchSettings {
            method: self.method,
            population: 16,
            offspring: 8,
            evaluations: EVALUATIONS,
            generations: usize::MAX,
            time: Duration::MAX,
            stop: None,
            fidelity: self.confidence.map(|confidence| Fidelity { confidence }),
            start_uniform: true,
            seed: 5,
        }
    }

    /// Calls `f` with an evaluator on the sequences in `parts`.
    fn on<T>(self, parts: usize, f: impl FnOnce(&Evaluator<'_>) -> T) -> T {
        let (network, calibration, sequences) = parent();
        let scorer = Scorer::new(&Task::Frames { classes: toy::CLASSES }, &[], DecoderWeights::default()).unwrap();
        let subsets = deal(&sequences.iter().collect::<Vec<_>>(), self.subsets);
        let judge = Judge::in_parts(&scorer, &subsets, 2, parts).unwrap();
        let bank = IntegerBank::new(network, calibration.clone()).unwrap();
        let judge = IntegerJudge::new(judge, &bank, 1 << 20).unwrap();
        let (platform, workload) = (platform::load("bitfusion").unwrap(), network.workload());
        f(&Evaluator { judge: &judge, workload: &workload, platform: &platform })
    }

    fn search(self, log: &mut EvaluationLog, watch: &dyn Watch) -> mohaq::Result<Vec<Record>> {
        self.on(PARTS, |evaluator| {
            let space = PrecisionSpace::new(evaluator.workload, evaluator.platform).unwrap();
            search(evaluator, &space, &goals(self.bytes), &self.settings(), None, log, watch)
        })
    }

    fn searched(self, path: &Path) -> (Vec<Record>, Vec<u8>) {
        let mut log = EvaluationLog::create(path, &header()).unwrap();
        (self.search(&mut log, &Silent).unwrap(), fs::read(path).unwrap())
    }

    /// Every record measured to the end, by an evaluator that knows of no parts.
    fn whole(self, records: &[Record]) -> Vec<Measurement> {
        let specs: Vec<_> = records.iter().map(|record| record.spec().unwrap()).collect();
        self.on(1, |evaluator| evaluator.measure_all(&specs, &Silent).unwrap())
    }
}

fn header() -> Header {
    Header::new(BTreeMap::new())
}

/// Records of the front of `measurements`: feasible, and dominated by none.
fn front(goals: &Goals, measurements: &[(usize, Measurement)]) -> Vec<usize> {
    let scores: Vec<_> = measurements.iter().map(|(id, one)| (*id, goals.score(one))).collect();
    let feasible: Vec<_> = scores.into_iter().filter(|(_, score)| score.is_feasible()).collect();
    let beaten = |score: &mohaq_moo::Score| {
        feasible.iter().any(|(_, other)| mohaq_moo::dominates(&other.objectives, &score.objectives))
    };
    feasible.iter().filter(|(_, score)| !beaten(score)).map(|(id, _)| *id).collect()
}

/// Holds a search to what stopping promises, and returns how many were stopped and what share of sequences that saved.
fn held(setting: Setting) -> (usize, f64) {
    let folder = tempfile::tempdir().unwrap();
    let (records, _) = setting.searched(&folder.path().join("log.jsonl"));
    let (whole, goals) = (setting.whole(&records), goals(setting.bytes));
    let mut stopped = 0;
    let mut left = 0;
    for (record, whole) in records.iter().zip(&whole) {
        let Some(partial) = record.partial else {
            assert_eq!(record.measurement, *whole, "what was measured to the end is what it always was");
            continue;
        };
        assert!(partial.sequences < partial.of && partial.of == SEQUENCES);
        assert!(partial.at_least <= whole.error, "certain, and not so: {partial:?} of {whole:?}");
        assert!(partial.at_least <= record.measurement.error);
        assert_eq!(record.measurement.cost, whole.cost);
        stopped += 1;
        left += partial.of - partial.sequences;
    }
    let ids = |measurements: Vec<Measurement>| records.iter().map(|record| record.id).zip(measurements).collect();
    let all: Vec<(usize, Measurement)> = ids(whole);
    let measured = all.iter().filter(|(id, _)| records[*id].partial.is_none()).cloned().collect::<Vec<_>>();
    assert_eq!(front(&goals, &measured), front(&goals, &all), "no stopped candidate belongs on the front");
    // What the searcher was told of a stopped candidate keeps it from its front, too.
    let told: Vec<_> = records.iter().map(|record| (record.id, record.measurement.clone())).collect();
    assert_eq!(front(&goals, &told), front(&goals, &measured));
    let mut without: Vec<Record> = records.clone();
    without.retain(|record| record.partial.is_none());
    let volume = |records: &[Record]| Progress::over(&goals, records).unwrap().hypervolume();
    assert_eq!(volume(&records), volume(&without));
    (stopped, left as f64 / (records.len() * SEQUENCES) as f64)
}

#[test]
fn what_is_stopped_could_not_have_entered_the_front() {
    for method in Method::ALL {
        let (certain, saved_by_certainty) = held(Setting::new(method, 1.0));
        let (likely, saved) = held(Setting::new(method, 0.99));
        assert!(certain > 0 && likely > certain, "{method:?}: {certain} and {likely} stopped");
        assert!(saved > saved_by_certainty, "{method:?}: {saved_by_certainty} and {saved} saved");
    }
}

#[test]
fn the_worst_of_several_subsets_stops_a_candidate_as_well() {
    for confidence in [1.0, 0.99] {
        let setting = Setting { subsets: 4, ..Setting::new(Method::Nsga2, confidence) };
        assert!(held(setting).0 > 0);
    }
}

#[test]
fn what_breaks_a_limit_of_its_costs_is_measured_on_one_part() {
    let mut setting = Setting::new(Method::Nsga2, 1.0);
    let bytes = setting.on(1, |evaluator| {
        let spec = QuantSpec::uniform(Precision::new(Bits::Four, Bits::Four), evaluator.workload.sites.len());
        evaluator.platform.cost(evaluator.workload, &spec).unwrap().memory_bits.div_ceil(8)
    });
    setting.bytes = Some(bytes);
    assert!(held(setting).0 > 0);
    let folder = tempfile::tempdir().unwrap();
    let (records, _) = setting.searched(&folder.path().join("log.jsonl"));
    let too_large = records.iter().filter(|record| record.measurement.cost.memory_bits > 8 * bytes);
    let parts: Vec<usize> = too_large.map(|record| record.partial.expect("stopped").sequences).collect();
    assert!(!parts.is_empty() && parts.len() < records.len(), "{} of {}", parts.len(), records.len());
    assert!(parts.iter().all(|&sequences| sequences == SEQUENCES / PARTS), "{parts:?}");
}

#[test]
fn a_search_that_stops_candidates_and_is_itself_stopped_ends_in_the_same_bytes() {
    for method in [Method::Nsga2, Method::Guided] {
        let setting = Setting::new(method, 0.99);
        let folder = tempfile::tempdir().unwrap();
        let (expected, bytes) = setting.searched(&folder.path().join("whole.jsonl"));
        let path = folder.path().join("stopped.jsonl");
        let mut log = EvaluationLog::create(&path, &header()).unwrap();
        let stopped = setting.search(&mut log, &StopAfter::new(50));
        assert!(matches!(stopped, Err(Error::Stopped)));
        drop(log);
        // A kill at the end of any line, and in the middle of any.
        let ends: Vec<usize> = (1..=bytes.len()).filter(|&end| bytes[end - 1] == b'\n').collect();
        for pair in ends.windows(2).step_by(5) {
            for cut in [pair[0], (pair[0] + pair[1]) / 2] {
                fs::write(&path, &bytes[..cut]).unwrap();
                let mut log = EvaluationLog::resume(&path, &header()).unwrap();
                assert_eq!(setting.search(&mut log, &Silent).unwrap(), expected, "{method:?} cut at {cut}");
                assert_eq!(fs::read(&path).unwrap(), bytes, "{method:?} cut at {cut}");
            }
        }
    }
}

#[test]
fn the_number_of_threads_does_not_show_in_what_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let path = folder.path().join(format!("{threads}.jsonl"));
        pool.install(|| Setting::new(Method::Guided, 0.99).searched(&path).1)
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn without_it_a_search_is_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let setting = Setting { confidence: None, ..Setting::new(Method::Nsga2, 1.0) };
    let (records, bytes) = setting.searched(&folder.path().join("log.jsonl"));
    assert!(records.iter().all(|record| record.partial.is_none()));
    assert!(!String::from_utf8(bytes).unwrap().contains("partial"));
    assert_eq!(records.iter().map(|record| record.measurement.clone()).collect::<Vec<_>>(), setting.whole(&records));
}
