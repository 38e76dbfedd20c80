use super::*;
use crate::corpus::{AudioSource, Segment};
use crate::dataset::NO_LABEL;
use hound::{SampleFormat, WavSpec, WavWriter};
use std::path::PathBuf;
use std::sync::Mutex;
use tempfile::TempDir;

/// A corpus of three speakers (one a split) with a file of `samples` each, and one utterance of pieces.
fn corpus(samples: usize) -> (TempDir, Corpus) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut recordings = Vec::new();
    for (n, split) in Split::ALL.into_iter().enumerate() {
        let path = folder.path().join(format!("{split}.wav"));
        write(&path, 8000, samples, n as i32 + 1);
        recordings.push(recording(split.name(), split, AudioSource::File(path), samples as u64));
    }
    let (a, b) = (folder.path().join("train.wav"), folder.path().join("test.wav"));
    let total = 2 * samples as u64 + 900;
    let pieces = AudioSource::Pieces { files: vec![a, b], silence: vec![400, 0, 500], samples: total };
    recordings.push(recording("pieces", Split::Train, pieces, total));
    let corpus = Corpus {
        name: "made".into(),
        sample_rate: 8000,
        phones: vec!["a".into(), "b".into()],
        scored: vec!["a".into(), "b".into()],
        fold: vec![Some(0), Some(1)],
        recordings,
        notes: vec!["made for a test".into()],
    };
    (folder, corpus)
}

fn write(path: &Path, sample_rate: u32, samples: usize, step: i32) {
    let spec = WavSpec { channels: 1, sample_rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut writer = WavWriter::create(path, spec).expect("a file");
    for n in 0..samples as i32 {
        writer.write_sample((n * n * step % 20_011 - 10_000) as i16).expect("a sample");
    }
    writer.finalize().expect("a file");
}

fn recording(id: &str, split: Split, audio: AudioSource, samples: u64) -> Recording {
    let segments = vec![
        Segment { phone: Some(0), start: 0, end: samples / 2 },
        Segment { phone: Some(1), start: samples / 2, end: samples },
    ];
    Recording { id: id.into(), speaker: id.into(), split, audio, segments, reference: vec![0, 1] }
}

fn made(corpus: &Corpus, settings: &FeatureSettings, cache: Option<&Path>) -> Result<Dataset> {
    prepare(corpus, settings, 2, cache, &|_, _| {})
}

fn refusal(corpus: &Corpus) -> String {
    made(corpus, &FeatureSettings::default(), None).expect_err("must be refused").to_string()
}

#[test]
fn a_dataset_is_as_the_corpus_says() {
    let (_folder, corpus) = corpus(1000);
    let seen = Mutex::new(Vec::new());
    let settings = FeatureSettings { deltas: 1, ..FeatureSettings::default() };
    let data =
        prepare(&corpus, &settings, 2, None, &|done, all| seen.lock().expect("one panic only").push((done, all)))
            .expect("a good corpus");
    assert_eq!((data.dim, data.task.outputs(), data.frame_shift_s), (46, 4, Some(0.01)));
    assert_eq!(data.notes, ["made for a test"]);
    let ids: Vec<_> = data.train.iter().map(|sequence| sequence.id.as_str()).collect();
    assert_eq!((ids, data.valid.len(), data.test.len()), (vec!["train", "pieces"], 1, 1));
    for sequence in data.train.iter().chain(&data.valid).chain(&data.test) {
        assert_eq!(sequence.features.frames(), sequence.labels.len());
        assert!(sequence.labels.iter().all(|&label| label < 4 && label != NO_LABEL));
        assert!(sequence.features.values.iter().all(|value| value.is_finite()));
    }
    assert_eq!(data.valid[0].labels, [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3]);
    let mut seen = seen.into_inner().expect("no panic");
    seen.sort_unstable();
    assert_eq!(seen, [(1, 4), (2, 4), (3, 4), (4, 4)]);
}

#[test]
fn the_cache_changes_nothing_but_is_used_and_repaired() {
    let (folder, corpus) = corpus(2000);
    let settings = FeatureSettings::default();
    let plain = made(&corpus, &settings, None).expect("no cache");
    let cache = folder.path().join("cache");
    assert_eq!(made(&corpus, &settings, Some(&cache)).expect("cold"), plain);
    assert_eq!(made(&corpus, &settings, Some(&cache)).expect("warm"), plain);
    let entries: Vec<PathBuf> =
        std::fs::read_dir(&cache).expect("the cache").map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(entries.len(), 4);
    // Normalisation and deltas are not part of an entry; the number of bins is.
    let utterance = FeatureSettings { normalise: crate::features::Normalise::Utterance, deltas: 1, ..settings.clone() };
    made(&corpus, &utterance, Some(&cache)).expect("same entries");
    assert_eq!(std::fs::read_dir(&cache).expect("the cache").count(), 4);
    made(&corpus, &FeatureSettings { bins: 30, ..settings.clone() }, Some(&cache)).expect("new entries");
    assert_eq!(std::fs::read_dir(&cache).expect("the cache").count(), 8);

    std::fs::write(&entries[2], b"MOHAQFB1 and then rubbish").expect("damage");
    let repaired = made(&corpus, &settings, Some(&cache)).expect("repaired");
    assert_eq!((&repaired.train, &repaired.valid, &repaired.test), (&plain.train, &plain.valid, &plain.test));
    assert_eq!(repaired.notes[1], "damaged entries of the feature cache, computed anew: 1");
    assert_eq!(made(&corpus, &settings, Some(&cache)).expect("repaired on disk"), plain);
}

#[test]
fn one_thread_makes_the_same_dataset() {
    let (_folder, corpus) = corpus(3000);
    let many = made(&corpus, &FeatureSettings::default(), None).expect("a good corpus");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    assert_eq!(pool.install(|| made(&corpus, &FeatureSettings::default(), None)).expect("a good corpus"), many);
}

#[test]
fn recordings_are_refused_by_file_and_numbers() {
    let (folder, good) = corpus(1000);
    let valid = folder.path().join("valid.wav");

    write(&valid, 16000, 1000, 2);
    assert_eq!(refusal(&good), format!("{}: sample rate is 16000 Hz, expected 8000 Hz", valid.display()));
    write(&valid, 8000, 150, 2);
    assert_eq!(refusal(&good), format!("{}: 150 samples, expected at least 200 for one frame", valid.display()));
    write(&valid, 8000, 999, 2);
    assert_eq!(refusal(&good), format!("{}: `valid`: segments end at sample 1000, audio has 999", valid.display()));
    write(&valid, 8000, 1000, 2);

    let mut pieces = good.clone();
    if let AudioSource::Pieces { samples, .. } = &mut pieces.recordings[3].audio {
        *samples = 5;
    }
    assert!(refusal(&pieces).ends_with("(`pieces`): files and silences have 2900 samples, expected 5"));

    let mut empty = good.clone();
    empty.recordings.remove(1);
    assert_eq!(refusal(&empty), "made: split `valid` is empty, expected at least one sequence");
    let none = prepare(&good, &FeatureSettings::default(), 0, None, &|_, _| {}).expect_err("no states");
    assert_eq!(none.to_string(), "`states` is 0, expected 1 to 64");
}
