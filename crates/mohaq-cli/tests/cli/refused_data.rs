//! Data that cannot be used: exit code 1, the file, and why.

use crate::workspace::Workspace;
use std::io::{Cursor, Write};
use zip::write::{SimpleFileOptions, ZipWriter};

/// A RIFF WAVE file of `samples` 16 bit samples, one channel, 8 kHz.
fn wav(samples: u32) -> Vec<u8> {
    let data = 2 * samples;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + data).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend([1_u16, 1].iter().flat_map(|field| field.to_le_bytes()));
    bytes.extend([8_000_u32, 16_000].iter().flat_map(|field| field.to_le_bytes()));
    bytes.extend([2_u16, 16].iter().flat_map(|field| field.to_le_bytes()));
    bytes.extend(b"data");
    bytes.extend(data.to_le_bytes());
    bytes.extend((0..samples).flat_map(|n| (n as i16).to_le_bytes()));
    bytes
}

/// A NIST SPHERE file of four samples in the given coding.
fn sphere(coding: &str) -> Vec<u8> {
    let mut header = format!(
        "NIST_1A\n   1024\nchannel_count -i 1\nsample_count -i 4\nsample_rate -i 16000\nsample_n_bytes -i 2\n\
         sample_byte_format -s2 01\nsample_coding -s{} {coding}\nend_head\n",
        coding.len()
    )
    .into_bytes();
    header.resize(1024, b' ');
    header.extend([0; 8]);
    header
}

/// A `.npy` array; `kind` is NumPy's name of a number's type.
fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.into_bytes());
    bytes.extend(data);
    bytes
}

/// An `.npz` with a sequence of two frames in each split, `odd` being the last value of the one to train on.
fn npz(odd: f32) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for split in ["train", "valid", "test"] {
        let last = if split == "train" { odd } else { 0.5 };
        let values: Vec<u8> = [1.0, -1.0, 2.0, -2.0, 0.0, last].iter().flat_map(|x: &f32| x.to_le_bytes()).collect();
        let labels: Vec<u8> = [0_i64, 1].iter().flat_map(|label| label.to_le_bytes()).collect();
        for (name, array) in [("x", npy("<f4", "(2, 3)", &values)), ("y", npy("<i8", "(2,)", &labels))] {
            archive.start_file(format!("{split}/a.{name}.npy"), SimpleFileOptions::default()).expect("memory");
            archive.write_all(&array).expect("memory");
        }
    }
    archive.finish().expect("memory").into_inner()
}

/// What `data check` says of `path`, which it must refuse.
fn refusal(workspace: &Workspace, path: &str) -> String {
    let said = workspace.refused(1, &format!("data check {path}"));
    assert_eq!(said.err.lines().count(), 1, "one line says all: {}", said.err);
    said.error().to_owned()
}

#[test]
fn data_check_says_which_file_it_refuses_and_why() {
    let workspace = Workspace::new();
    std::fs::create_dir(workspace.path("empty")).expect("a folder");
    assert_eq!(refusal(&workspace, "empty"), "empty: empty directory, expected a corpus");
    assert!(refusal(&workspace, "nowhere").starts_with("nowhere: "));

    workspace.write("short.wav", &wav(100)[..144]);
    assert_eq!(
        refusal(&workspace, "short.wav"),
        "short.wav: truncated: header says 200 bytes of samples, file has 100"
    );

    workspace.write("sx1.wav", sphere("pcm,embedded-shorten-v2.00"));
    let said = refusal(&workspace, "sx1.wav");
    assert!(said.starts_with("sx1.wav: `sample_coding` is `pcm,embedded-shorten-v2.00`, expected `pcm`"), "{said}");

    workspace.write("nan.npz", npz(f32::NAN));
    assert_eq!(
        refusal(&workspace, "nan.npz"),
        "nan.npz: `train/a.x`: frame 1, value 2 is NaN, expected a finite number"
    );

    workspace.write("notes.txt", "not audio at all");
    assert!(refusal(&workspace, "notes.txt").starts_with("notes.txt: "));
    // A run is not a corpus, and a file of it is not a sequence.
    workspace.write("torn.npz", &npz(0.0)[..100]);
    assert!(refusal(&workspace, "torn.npz").starts_with("torn.npz: "));
}

#[test]
fn the_same_files_undamaged_are_described() {
    let workspace = Workspace::new();
    workspace.write("long.wav", wav(100));
    assert!(
        workspace.ok("data check long.wav").out.starts_with("audio: RIFF WAVE, 16 bit integers, 8000 Hz, 100 samples")
    );
    workspace.write("sx1.wav", sphere("pcm"));
    assert!(workspace.ok("data check sx1.wav").out.starts_with("audio: NIST SPHERE"));
    workspace.write("good.npz", npz(0.0));
    assert!(
        workspace.ok("data check good.npz").out.starts_with("features: 3 values a frame, labels of frames, 2 classes")
    );
}

/// A corpus of one speaker a split, in TIMIT's layout.
fn corpus(workspace: &Workspace) {
    let one_each = "--set train_speakers=1 --set valid_speakers=1 --set test_speakers=1 --set sentences=1";
    workspace.ok(&format!("data synth --out corpus {one_each}"));
}

/// The first file in `folder` or below whose name ends in `ending`, relative to the workspace.
fn find(workspace: &Workspace, folder: &str, ending: &str) -> Option<String> {
    let entries = std::fs::read_dir(workspace.path(folder)).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| format!("{folder}/{}", entry.expect("an entry").file_name().display())).collect();
    names.sort();
    names.into_iter().find_map(|name| {
        if workspace.path(&name).is_dir() {
            find(workspace, &name, ending)
        } else {
            name.ends_with(ending).then_some(name)
        }
    })
}

#[test]
fn a_transcription_past_the_end_of_its_audio_is_refused_by_line() {
    let workspace = Workspace::new();
    corpus(&workspace);
    let phn = find(&workspace, "corpus/TRAIN", ".PHN").expect("a transcription");
    let text = workspace.text(&phn);
    let lines = text.lines().count();
    let mut last: Vec<&str> = text.lines().last().expect("a line").split(' ').collect();
    last[1] = "99999999";
    workspace.write(&phn, text.replace(text.lines().last().expect("a line"), &last.join(" ")));
    let said = refusal(&workspace, "corpus");
    assert!(said.starts_with(&format!("{phn}:{lines}: ")) && said.contains("99999999"), "{said}");
    // Training refuses it in the same words.
    let trained = workspace.refused(1, "train tiny.toml --set data.corpus=timit --data corpus");
    assert_eq!(trained.error(), format!("F/{said}"));
}

#[test]
fn a_truncated_file_of_a_corpus_is_refused_by_name() {
    let workspace = Workspace::new();
    corpus(&workspace);
    let wav = find(&workspace, "corpus/TRAIN", ".WAV").expect("audio");
    let bytes = workspace.read(&wav);
    workspace.write(&wav, &bytes[..bytes.len() / 2]);
    let said = refusal(&workspace, "corpus");
    assert!(said.starts_with(&format!("{wav}: truncated: header says ")), "{said}");
}

#[test]
fn a_run_on_features_that_are_not_numbers_names_the_array() {
    let workspace = Workspace::new();
    workspace.write("nan.npz", npz(f32::NEG_INFINITY));
    let said =
        workspace.refused(1, "train tiny.toml --set data.corpus=features --set features.normalise=none --data nan.npz");
    assert_eq!(said.error(), "F/nan.npz: `train/a.x`: frame 1, value 2 is -inf, expected a finite number");
}

#[test]
fn a_run_on_features_of_ones_own_goes_all_the_way() {
    let workspace = Workspace::new();
    workspace.write("good.npz", npz(0.0));
    let object = workspace
        .ok("run tiny.toml --set data.corpus=features --set features.normalise=none --data good.npz --json")
        .json();
    assert_eq!(object["evaluations"], 12);
}

#[test]
fn a_corpus_is_not_synthesised_over_other_files() {
    let workspace = Workspace::new();
    workspace.write("mine/diary.txt", "do not touch");
    let said = workspace.refused(1, "data synth --out mine");
    assert!(said.error().starts_with("mine: "), "{}", said.error());
    assert_eq!(workspace.text("mine/diary.txt"), "do not touch");
}
