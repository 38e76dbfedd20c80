//! A search over a small network: replay, threads, and what a log refuses.

mod stop;

use mohaq::Error;
use mohaq::eval::{Evaluator, Goals, IntegerJudge, Judge, Limit, Objective};
use mohaq::nn::{Network, NetworkDescription};
use mohaq::platform;
use mohaq::quant::{Calibration, IntegerBank, QuantizeSettings, calibrate};
use mohaq::search::{EvaluationLog, Header, Method, PrecisionSpace, Record, SearchSettings, StopRule, search};
use mohaq::watch::{Silent, Watch};
use mohaq_speech::dataset::{Features, Sequence, Task};
use mohaq_speech::decode::DecoderWeights;
use mohaq_speech::score::Scorer;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;
use stop::StopAfter;

fn sequences() -> Vec<Sequence> {
    let sequence = |i: usize| {
        let frames = 20 + 7 * i;
        let values: Vec<f32> = (0..4 * frames).map(|k| libm::sinf((k * (i + 3)) as f32 * 0.07)).collect();
        let labels = (0..frames).map(|t| u32::from(values[4 * t] > 0.0)).collect();
        Sequence {
            id: format!("s{i}"),
            speaker: String::new(),
            features: Features { dim: 4, values },
            labels,
            reference: vec![],
            targets: Vec::new(),
        }
    };
    (0..8).map(sequence).collect()
}

/// Everything a search borrows.
struct Setting {
    network: Network,
    calibration: Calibration,
    scorer: Scorer,
    sequences: Vec<Sequence>,
    cache_bytes: usize,
}

impl Setting {
    fn new() -> Self {
        let text = "input = 4\nlayers = [{ kind = \"sru\", hidden = 6 }, { kind = \"sru\", hidden = 6 }, { kind = \"linear\", outputs = 2 }]";
        let network = Network::new(&NetworkDescription::from_toml(text).unwrap(), 5).unwrap();
        let sequences = sequences();
        let calibration = calibrate(&network, &sequences, &QuantizeSettings::default()).unwrap();
        let scorer = Scorer::new(&Task::Frames { classes: 2 }, &[], DecoderWeights::default()).unwrap();
        Self { network, calibration, scorer, sequences, cache_bytes: 1 << 20 }
    }

    fn search(
        &self,
        settings: &SearchSettings,
        log: &mut EvaluationLog,
        watch: &dyn Watch,
    ) -> mohaq::Result<Vec<Record>> {
        let judge = Judge::new(&self.scorer, &self.sequences.iter().collect::<Vec<_>>(), 4).unwrap();
        let bank = IntegerBank::new(&self.network, self.calibration.clone()).unwrap();
        let judge = IntegerJudge::new(judge, &bank, self.cache_bytes).unwrap();
        let platform = platform::load("bitfusion").unwrap();
        let workload = self.network.workload();
        let evaluator = Evaluator { judge: &judge, workload: &workload, platform: &platform };
        let goals = Goals {
            metric: self.scorer.task().metric(),
            objectives: vec![Objective::Error, Objective::Speedup],
            limits: vec![Limit::Error(60.0)],
            scale: vec![(0.0, 60.0), (64.0, 0.0)],
        };
        search(
            &evaluator,
            &PrecisionSpace::new(&workload, &platform).expect("every site is priced"),
            &goals,
            settings,
            None,
            log,
            watch,
        )
    }
}

fn settings() -> SearchSettings {
    SearchSettings {
        method: Method::Nsga2,
        population: 8,
        offspring: 4,
        evaluations: 30,
        generations: usize::MAX,
        time: Duration::MAX,
        stop: None,
        fidelity: None,
        start_uniform: true,
        seed: 11,
    }
}

fn header() -> Header {
    Header::new(BTreeMap::from([("network".to_owned(), "abc".to_owned())]))
}

fn undisturbed(setting: &Setting, path: &Path) -> (Vec<Record>, Vec<u8>) {
    undisturbed_by(Method::Nsga2, setting, path)
}

fn undisturbed_by(method: Method, setting: &Setting, path: &Path) -> (Vec<Record>, Vec<u8>) {
    let mut log = EvaluationLog::create(path, &header()).unwrap();
    let records = setting.search(&SearchSettings { method, ..settings() }, &mut log, &Silent).unwrap();
    (records, fs::read(path).unwrap())
}

#[test]
fn reuse_of_first_layers_does_not_change_a_search() {
    let dir = tempfile::tempdir().unwrap();
    let mut setting = Setting::new();
    let (records, bytes) = undisturbed(&setting, &dir.path().join("with.jsonl"));
    // A few outputs at a time, and none.
    for cache_bytes in [4_000, 0] {
        setting.cache_bytes = cache_bytes;
        let path = dir.path().join(format!("{cache_bytes}.jsonl"));
        assert_eq!(undisturbed(&setting, &path), (records.clone(), bytes.clone()), "{cache_bytes}");
    }
}

#[test]
fn a_search_stopped_anywhere_and_resumed_ends_in_the_same_bytes() {
    Method::ALL.into_iter().for_each(stops_and_resumes);
}

fn stops_and_resumes(method: Method) {
    let setting = Setting::new();
    let settings = SearchSettings { method, ..settings() };
    let folder = tempfile::tempdir().unwrap();
    let (expected, bytes) = undisturbed_by(method, &setting, &folder.path().join("whole.jsonl"));
    assert_eq!(expected.len(), 30);
    for stop in [1, 7, 8, 9, 22, 29] {
        let path = folder.path().join(format!("{stop}.jsonl"));
        let mut log = EvaluationLog::create(&path, &header()).unwrap();
        let stopped = setting.search(&settings, &mut log, &StopAfter::new(stop));
        assert!(matches!(stopped, Err(Error::Stopped)));
        drop(log);
        // The process died while it wrote the next line.
        let torn = [fs::read(&path).unwrap(), b"{\"id\":7,\"gen".to_vec()].concat();
        fs::write(&path, torn).unwrap();
        let mut log = EvaluationLog::resume(&path, &header()).unwrap();
        // It stops after candidates that were measured together.
        assert!((stop as usize..30).contains(&log.len()) || stop == 29, "{}", log.len());
        assert_eq!(setting.search(&settings, &mut log, &Silent).unwrap(), expected);
        assert_eq!(fs::read(&path).unwrap(), bytes, "{method:?} stopped after {stop}");
    }
}

#[test]
fn thread_count_does_not_change_the_log() {
    let setting = Setting::new();
    let folder = tempfile::tempdir().unwrap();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let log =
            |method: Method| undisturbed_by(method, &setting, &folder.path().join(format!("{method:?}{threads}"))).1;
        pool.install(|| Method::ALL.map(log))
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn a_larger_budget_begins_with_the_smaller_one() {
    let setting = Setting::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let (short, _) = undisturbed(&setting, &path);
    let mut log = EvaluationLog::resume(&path, &header()).unwrap();
    let long = setting.search(&SearchSettings { evaluations: 44, ..settings() }, &mut log, &Silent).unwrap();
    assert_eq!(long.len(), 44);
    assert_eq!(long[..30], short);
}

#[test]
fn a_search_whose_hypervolume_does_not_move_stops_early_and_as_a_part_of_the_longer_one() {
    let setting = Setting::new();
    let folder = tempfile::tempdir().unwrap();
    for method in [Method::Nsga2, Method::Guided] {
        let run = |name: &str, stop| {
            let mut log = EvaluationLog::create(&folder.path().join(format!("{method:?}{name}")), &header()).unwrap();
            let settings = SearchSettings { method, evaluations: 200, stop, ..settings() };
            setting.search(&settings, &mut log, &Silent).unwrap()
        };
        let whole = run("whole", None);
        let stopped = run("stopped", Some(StopRule { hypervolume: 0.02, evaluations: 24 }));
        assert!((24..whole.len()).contains(&stopped.len()), "{method:?}: {} of {}", stopped.len(), whole.len());
        assert_eq!(stopped, whole[..stopped.len()]);
    }
}

#[test]
fn a_log_of_another_search_or_with_a_damaged_line_is_refused_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let (_, bytes) = undisturbed(&Setting::new(), &path);
    let other = Header::new(BTreeMap::from([("network".to_owned(), "xyz".to_owned())]));
    match EvaluationLog::resume(&path, &other) {
        Err(Error::Log { line: 1, reason, .. }) => assert!(reason.contains("another network"), "{reason}"),
        other => panic!("expected a refusal of line 1, got {other:?}"),
    }
    let text = String::from_utf8(bytes).unwrap();
    let damaged: Vec<String> =
        text.lines().enumerate().map(|(i, l)| if i == 4 { l.replace("genome", "gnome") } else { l.into() }).collect();
    fs::write(&path, damaged.join("\n") + "\n").unwrap();
    assert!(matches!(EvaluationLog::resume(&path, &header()), Err(Error::Log { line: 5, .. })));
    assert!(
        matches!(EvaluationLog::create(&path, &header()), Err(Error::Io { .. })),
        "an existing log is not overwritten"
    );
}
