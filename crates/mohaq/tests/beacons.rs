//! Beacons: retraining wins back what quantization lost, and what it ends in depends on the lineage alone.

mod toy;

use mohaq::Error;
use mohaq::beacon::{Nursery, Raised, RetrainSettings};
use mohaq::nn::Network;
use mohaq::quant::{Calibration, Clips, QuantAware, QuantSpec, QuantizeSettings, calibrate};
use mohaq::train::{Arithmetic, TrainConfig, evaluate, fit};
use mohaq::watch::{Silent, Watch};
use mohaq_speech::dataset::Dataset;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A trained network with its data and calibration.
fn parent() -> &'static (Network, Dataset, Calibration) {
    static PARENT: OnceLock<(Network, Dataset, Calibration)> = OnceLock::new();
    PARENT.get_or_init(|| {
        let (mut network, dataset) = (toy::network(), toy::dataset());
        let config = TrainConfig { learning_rate: 1e-2, dropout: 0.0, ..toy::config(30) };
        fit(&mut network, dataset.development(), &config, None, &mut |_| ControlFlow::Continue(())).expect("trained");
        let calibration = calibrate(&network, &dataset.train, &QuantizeSettings::default()).expect("calibrated");
        (network, dataset, calibration)
    })
}

fn settings(clips: Clips) -> RetrainSettings {
    RetrainSettings { epochs: 4, batch: 4, learning_rate: 4e-3, clips, ..RetrainSettings::default() }
}

fn spec(text: &str) -> QuantSpec {
    QuantSpec::parse(text, 4).expect("precisions")
}

/// Stops after some looks.
struct StopAfter(AtomicUsize);

impl Watch for StopAfter {
    fn begin(&self, _stage: &str, _total: u64, _unit: &str) {}
    fn advance(&self, _done: u64, _detail: &str) {}
    fn end(&self, _summary: &str) {}
    fn note(&self, _text: &str) {}
    fn stopped(&self) -> bool {
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(1))) == Ok(0)
    }
}

fn raise(
    folder: &Path,
    settings: &RetrainSettings,
    specs: &[QuantSpec],
    threads: usize,
    memory_mib: usize,
    watch: &dyn Watch,
) -> mohaq::Result<Vec<Raised>> {
    let (network, dataset, calibration) = parent();
    let nursery = Nursery::new(network, calibration, dataset.development(), settings, 7, folder.to_owned());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    pool.install(|| nursery.raise(specs, memory_mib, watch, &|_| ()))
}

/// Share of wrong validation frames of `network` at `spec` with `calibration`.
fn error(network: &Network, calibration: &Calibration, spec: &QuantSpec) -> f64 {
    let dataset = &parent().1;
    let aware = QuantAware::new(network, calibration.clone(), spec.clone(), Clips::Static).expect("of this network");
    evaluate(aware.run(network), &dataset.valid, &dataset.task, &aware).expect("measured").error(&dataset.task)
}

/// Files of `folder` with their contents, checkpoints left out.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = entries
        .filter(|path| path.is_file())
        .map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), fs::read(path).expect("a file")))
        .collect();
    files.sort();
    files
}

#[test]
fn retraining_wins_back_most_of_what_two_bits_lost() {
    let (network, _, calibration) = parent();
    for clips in [Clips::Static, Clips::Learned] {
        let folder = tempfile::tempdir().expect("a folder");
        let spec = spec("2x4");
        let raised =
            raise(folder.path(), &settings(clips), std::slice::from_ref(&spec), 2, 0, &Silent).expect("raised");
        let beacon = &raised[0].beacon;
        let [float, before] = ["16x16", "2x4"].map(|text| error(network, calibration, &self::spec(text)));
        let after = error(&beacon.network, &beacon.calibration, &spec);
        assert!(before - float > 0.05, "quantization costs something: {float} to {before}");
        assert!(before - after > 0.5 * (before - float), "{clips:?}: {float} to {before}, retrained {after}");
        let best = beacon.epochs.iter().map(|epoch| epoch.valid_error).fold(1.0, f64::min);
        assert_eq!(best, after, "the network of the best epoch is kept, with the clips of that epoch");
        assert_eq!(beacon.calibration != *calibration, clips == Clips::Learned);
        assert_eq!(beacon.calibration.sites[0].weight.clip8, calibration.sites[0].weight.clip8);
    }
}

#[test]
fn neither_threads_nor_company_nor_a_kill_shows_in_a_beacon() {
    let specs = [spec("2x8"), spec("2x4 4x4 2x2 2x8"), spec("4x2")];
    for clips in [Clips::Static, Clips::Learned] {
        let (alone, together) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let settings = settings(clips);
        let one_by_one = raise(alone.path(), &settings, &specs, 1, 0, &Silent).expect("raised");
        let mut killed = 0;
        // 15 steps an epoch and a beacon, and a look a step.
        for looks in [25, 40, 70, usize::MAX] {
            let watch = StopAfter(AtomicUsize::new(looks));
            match raise(together.path(), &settings, &specs, 3, 4096, &watch) {
                Err(Error::Stopped) => killed += 1,
                Ok(raised) => {
                    let beacons = |raised: &[Raised]| -> Vec<_> {
                        raised.iter().map(|one| (one.beacon.clone(), one.digest.clone())).collect()
                    };
                    assert!(beacons(&raised) == beacons(&one_by_one));
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert!(killed >= 2, "killed {killed} times");
        assert_eq!(files(alone.path()).len(), 3);
        assert!(files(alone.path()) == files(together.path()));
    }
}

#[test]
fn a_beacon_is_found_again_and_another_lineage_is_another_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, settings) = ([spec("2x8")], settings(Clips::Static));
    let first = raise(folder.path(), &settings, &one, 2, 0, &Silent).expect("raised");
    assert!(!first[0].found);
    let again = raise(folder.path(), &settings, &one, 2, 0, &Silent).expect("raised");
    assert!(again[0].found && again[0].beacon == first[0].beacon);
    assert_eq!(again[0].spent, first[0].spent, "until somebody has taken note of it, its time is kept");
    let longer = RetrainSettings { epochs: 1, ..settings.clone() };
    assert!(!raise(folder.path(), &longer, &one, 2, 0, &Silent).expect("raised")[0].found);
    assert_eq!(files(folder.path()).len(), 2);
}

#[test]
fn a_file_under_anothers_name_or_cut_short_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (network, dataset, calibration) = parent();
    let settings = RetrainSettings { epochs: 1, ..settings(Clips::Static) };
    let specs = [spec("2x8"), spec("4x8")];
    raise(folder.path(), &settings, &specs[..1], 2, 0, &Silent).expect("raised");
    let nursery = Nursery::new(network, calibration, dataset.development(), &settings, 7, folder.path().to_owned());
    fs::copy(nursery.path(&specs[0]), nursery.path(&specs[1])).expect("copied");
    match raise(folder.path(), &settings, &specs[1..], 2, 0, &Silent) {
        Err(Error::OtherBeacon { differences, .. }) => {
            assert_eq!(differences.len(), 2, "bits and seed: {differences:?}");
        }
        other => panic!("expected a refusal, got {other:?}"),
    }
    let bytes = fs::read(nursery.path(&specs[0])).expect("a file");
    fs::write(nursery.path(&specs[0]), &bytes[..bytes.len() - 4]).expect("written");
    assert!(matches!(raise(folder.path(), &settings, &specs[..1], 2, 0, &Silent), Err(Error::Safetensors { .. })));
}
