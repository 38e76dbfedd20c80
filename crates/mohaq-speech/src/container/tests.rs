use super::*;
use crate::dataset::{NO_LABEL, Pooling, Task};
use safetensors::tensor::{Dtype, TensorView, serialize};
use std::collections::BTreeMap;
use std::io::Write;
use tempfile::TempDir;

/// Arrays of a file in the making: type, shape, little endian bytes.
type Contents = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn floats(shape: &[usize], values: &[f32]) -> (Dtype, Vec<usize>, Vec<u8>) {
    (Dtype::F32, shape.to_vec(), values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

fn integers(shape: &[usize], values: &[i64]) -> (Dtype, Vec<usize>, Vec<u8>) {
    (Dtype::I64, shape.to_vec(), values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

/// Two training sequences and one each to validate and to test, two values a frame, three classes a frame.
fn frames() -> Contents {
    let mut contents = Contents::new();
    for (name, labels) in [("train/b", [0, 2, 1]), ("train/a", [0, -1, 1]), ("valid/c", [1; 3]), ("test/d", [0; 3])] {
        contents.insert(format!("{name}.x"), floats(&[3, 2], &[1.0, 10.0, 2.0, 20.0, 3.0, 30.0]));
        contents.insert(format!("{name}.y"), integers(&[3], &labels));
    }
    contents
}

fn to_npz(contents: &Contents) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, (dtype, shape, data)) in contents {
        let method =
            if name.ends_with('x') { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        archive.start_file(format!("{name}.npy"), options).expect("a member");
        let descr = if *dtype == Dtype::F32 { "<f4" } else { "<i8" };
        let shape = shape.iter().map(|length| format!("{length},")).collect::<String>();
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        archive.write_all(b"\x93NUMPY\x01\0").expect("memory");
        archive.write_all(&(header.len() as u16).to_le_bytes()).expect("memory");
        archive.write_all(header.as_bytes()).expect("memory");
        archive.write_all(data).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

fn to_safetensors(contents: &Contents) -> Vec<u8> {
    let views = contents.iter().map(|(name, (dtype, shape, data))| {
        (name.as_str(), TensorView::new(*dtype, shape.clone(), data).expect("bytes that fit the shape"))
    });
    serialize(views, None).expect("memory")
}

struct File {
    folder: TempDir,
    path: PathBuf,
}

fn file(name: &str, bytes: &[u8]) -> File {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a file");
    File { folder, path }
}

/// The refusal of a file with these contents, without its path.
fn refusal(contents: &Contents) -> String {
    let file = file("f.npz", &to_npz(contents));
    let message = open(&file.path, Normalise::None, &TaskSettings::default()).expect_err("must be refused").to_string();
    message.replace(&file.path.display().to_string(), "f.npz")
}

fn refusal_with(key: &str, array: (Dtype, Vec<usize>, Vec<u8>)) -> String {
    let mut contents = frames();
    contents.insert(key.into(), array);
    refusal(&contents)
}

#[test]
fn npz_safetensors_and_directories_are_the_same_dataset() {
    let npz = file("same.npz", &to_npz(&frames()));
    let one = open(&npz.path, Normalise::None, &TaskSettings::default()).expect("an .npz file");
    let safetensors = file("same.safetensors", &to_safetensors(&frames()));
    assert_eq!(open(&safetensors.path, Normalise::None, &TaskSettings::default()).expect("a safetensors file"), one);

    let folder = tempfile::tempdir().expect("a temporary directory");
    let directory = folder.path().join("same");
    fs::create_dir(&directory).expect("a directory");
    for split in SPLITS {
        let prefix = format!("{split}/");
        let part = frames()
            .into_iter()
            .filter_map(|(key, array)| Some((key.strip_prefix(&prefix)?.to_owned(), array)))
            .collect();
        let (name, bytes) = match split {
            "valid" => ("valid.safetensors".to_owned(), to_safetensors(&part)),
            _ => (format!("{split}.npz"), to_npz(&part)),
        };
        fs::write(directory.join(name), bytes).expect("a file");
    }
    assert_eq!(open(&directory, Normalise::None, &TaskSettings::default()).expect("a directory"), one);

    assert_eq!((one.name.as_str(), one.dim, &one.task), ("same", 2, &Task::Frames { classes: 3 }));
    assert_eq!(one.train.iter().map(|sequence| sequence.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(one.train[0].labels, [0, NO_LABEL, 1]);
    assert_eq!(one.test[0].features.values, [1.0, 10.0, 2.0, 20.0, 3.0, 30.0]);
    drop((npz.folder, safetensors.folder));
}

#[test]
fn one_label_a_sequence_by_scalar_or_single_element() {
    let mut contents = frames();
    for (name, shape, label) in
        [("train/a", vec![], 4), ("train/b", vec![1], 0), ("valid/c", vec![], 1), ("test/d", vec![], 2)]
    {
        contents.insert(format!("{name}.y"), integers(&shape, &[label]));
    }
    contents.insert("frame_shift_s".into(), floats(&[], &[0.5]));
    contents.insert("classes".into(), integers(&[], &[7]));
    let file = file("f.npz", &to_npz(&contents));
    let data = open(&file.path, Normalise::Global, &TaskSettings::default()).expect("sequence labels");
    assert_eq!((data.task, data.frame_shift_s), (Task::Sequences { classes: 7, pooling: Pooling::Mean }, Some(0.5)));
    assert_eq!((data.train[0].labels.as_slice(), data.train[1].labels.as_slice()), (&[4][..], &[0][..]));
    let mean: f32 = data.train.iter().flat_map(|sequence| &sequence.features.values).sum();
    assert!(mean.abs() < 1e-5, "normalised");

    let last = TaskSettings { pooling: Pooling::Last, ..TaskSettings::default() };
    let data = open(&file.path, Normalise::None, &last).expect("sequence labels");
    assert_eq!(data.task, Task::Sequences { classes: 7, pooling: Pooling::Last });

    contents.insert("train/a.y".into(), integers(&[], &[-1]));
    assert_eq!(refusal(&contents), "f.npz: `train/a.y`: is −1, expected the class of the sequence");
}

#[test]
fn pooling_is_of_sequences() {
    let file = file("f.npz", &to_npz(&frames()));
    let last = TaskSettings { pooling: Pooling::Last, ..TaskSettings::default() };
    let error = open(&file.path, Normalise::None, &last).expect_err("labels of frames").to_string();
    assert_eq!(error, "`pooling` is `last` with a label a frame, expected one label a sequence to pool for");
}

#[test]
fn labels_of_frames_may_be_the_next_tokens() {
    let file = file("f.npz", &to_npz(&frames()));
    let of = |kind| open(&file.path, Normalise::None, &TaskSettings { kind: Some(kind), ..TaskSettings::default() });
    assert_eq!(of(TaskKind::NextToken).expect("tokens").task, Task::NextToken { tokens: 3 });
    assert_eq!(of(TaskKind::Frames).expect("classes").task, Task::Frames { classes: 3 });
    let error = of(TaskKind::Regression).expect_err("no targets").to_string();
    assert_eq!(error, "`kind` is `regression` with a label a frame, expected a task for such labels");
}

#[test]
fn labels_may_be_texts_of_any_length() {
    let mut contents = frames();
    for (name, labels) in [("train/a", &[1, 2][..]), ("train/b", &[]), ("valid/c", &[3; 3]), ("test/d", &[1])] {
        contents.insert(format!("{name}.y"), integers(&[labels.len()], labels));
    }
    let path = file("f.npz", &to_npz(&contents));
    let ctc = TaskSettings { kind: Some(TaskKind::Ctc), ..TaskSettings::default() };
    let data = open(&path.path, Normalise::None, &ctc).expect("texts");
    assert_eq!(data.task, Task::Ctc { classes: 4, blank: 0, beam: 1 });
    assert_eq!((data.train[0].labels.as_slice(), data.train[1].labels.len()), (&[1, 2][..], 0));
    let last = TaskSettings { blank: 4, beam: 8, ..ctc.clone() };
    let data = open(&path.path, Normalise::None, &last).expect("texts");
    assert_eq!(data.task, Task::Ctc { classes: 5, blank: 4, beam: 8 });
    let labels = open(&path.path, Normalise::None, &TaskSettings::default()).expect_err("no label a frame").to_string();
    assert!(labels.contains("has shape [2], expected [3] as the features"), "{labels}");

    contents.insert("train/a.y".into(), integers(&[2], &[1, -1]));
    let path = file("f.npz", &to_npz(&contents));
    let error = open(&path.path, Normalise::None, &ctc).expect_err("no label").to_string();
    assert!(error.ends_with("`train/a.y`: label 1 is −1, expected labels to be recognised"), "{error}");
    let path = file("f.npz", &to_npz(&frames()));
    let beam = TaskSettings { beam: 4, ..TaskSettings::default() };
    let error = open(&path.path, Normalise::None, &beam).expect_err("labels of frames").to_string();
    assert_eq!(error, "`beam` is `4` with a label a frame, expected labels to be recognised");
}

#[test]
fn floats_are_targets_of_a_regression() {
    let mut contents = frames();
    for name in ["train/a", "train/b", "valid/c", "test/d"] {
        contents.insert(format!("{name}.y"), floats(&[3, 2], &[0.5, -1.0, 1.5, -2.0, 2.5, -3.0]));
    }
    let path = file("f.npz", &to_npz(&contents));
    let degrees = TaskSettings { unit: "°C".into(), ..TaskSettings::default() };
    let data = open(&path.path, Normalise::None, &degrees).expect("targets");
    assert_eq!(data.task, Task::Regression { outputs: 2, unit: "°C".into() });
    assert_eq!(
        (data.valid[0].targets.as_slice(), data.valid[0].labels.len()),
        (&[0.5, -1.0, 1.5, -2.0, 2.5, -3.0][..], 0)
    );

    let with = |key: &str, array| {
        let mut contents = contents.clone();
        contents.insert(key.into(), array);
        refusal(&contents)
    };
    assert_eq!(
        with("train/b.y", floats(&[3], &[0.0; 3])),
        "f.npz: `train/b.y`: has a target a frame, but `test/d.y` has 2 targets a frame"
    );
    assert_eq!(
        with("train/b.y", floats(&[2, 2], &[0.0; 4])),
        "f.npz: `train/b.y`: has shape [2, 2], expected [3, targets] or [3] as the features"
    );
    assert_eq!(
        with("train/b.y", floats(&[3, 2], &[0.0, 0.0, 0.0, f32::INFINITY, 0.0, 0.0])),
        "f.npz: `train/b.y`: frame 1, value 1 is inf, expected a finite number"
    );
    assert_eq!(
        with("classes", integers(&[], &[4])),
        "f.npz: `classes`: is of labels, but sequences have 2 targets a frame"
    );
    let path = file("f.npz", &to_npz(&frames()));
    let error = open(&path.path, Normalise::None, &degrees).expect_err("labels").to_string();
    assert_eq!(error, "`unit` is `°C` with a label a frame, expected numbers a frame to have it");
}

#[test]
fn safetensors_metadata_may_say_the_classes() {
    let contents = frames();
    let views = contents.iter().map(|(name, (dtype, shape, data))| {
        (name.as_str(), TensorView::new(*dtype, shape.clone(), data).expect("bytes that fit the shape"))
    });
    let metadata = [("classes".to_owned(), "12".to_owned()), ("made_by".to_owned(), "a test".to_owned())];
    let bytes = serialize(views, Some(metadata.into_iter().collect())).expect("memory");
    let file = file("f.safetensors", &bytes);
    assert_eq!(
        open(&file.path, Normalise::None, &TaskSettings::default()).expect("metadata").task,
        Task::Frames { classes: 12 }
    );
}

#[test]
fn refusals_name_file_key_and_numbers() {
    let nan = floats(&[3, 2], &[0.0, 0.0, 0.0, f32::NAN, 0.0, 0.0]);
    assert_eq!(refusal_with("valid/c.x", nan), "f.npz: `valid/c.x`: frame 1, value 1 is NaN, expected a finite number");
    assert_eq!(
        refusal_with("train/b.x", floats(&[2, 3], &[0.0; 6])),
        "f.npz: `train/b.x`: has 3 values a frame, expected 2 as in `test/d.x`"
    );
    assert_eq!(
        refusal_with("train/b.y", integers(&[2], &[0, 0])),
        "f.npz: `train/b.y`: has shape [2], expected [3] as the features, or [] or [1]"
    );
    assert_eq!(
        refusal_with("train/b.y", integers(&[], &[0])),
        "f.npz: `train/b.y`: has one label, but `test/d.y` has a label a frame"
    );
    assert_eq!(
        refusal_with("train/b.y", integers(&[3], &[0, -2, 0])),
        "f.npz: `train/b.y`: label 1 is -2, expected −1 to 1048575"
    );
    assert_eq!(
        refusal_with("train/b.y", floats(&[3], &[0.0; 3])),
        "f.npz: `train/b.y`: has a target a frame, but `test/d.y` has a label a frame"
    );
    assert_eq!(
        refusal_with("train/b.x", integers(&[3, 2], &[0; 6])),
        "f.npz: `train/b.x`: has integers, expected f32 or f64"
    );
    assert_eq!(
        refusal_with("train/b.x", floats(&[6], &[0.0; 6])),
        "f.npz: `train/b.x`: has shape [6], expected [frames, dim]"
    );
    assert_eq!(
        refusal_with("train/b.x", floats(&[0, 2], &[])),
        "f.npz: `train/b.x`: has shape [0, 2], expected at least one frame and value"
    );
    assert_eq!(refusal_with("classes", integers(&[], &[2])), "f.npz: `classes`: is 2, but label 2 occurs");
    let layout = "expected `train/NAME.x`, `.y` and the same for `valid/` and `test/`";
    assert_eq!(refusal_with("weight", floats(&[1], &[0.0])), format!("f.npz: `weight`: unknown key, {layout}"));
    assert_eq!(refusal_with("train/z.y", integers(&[], &[0])), "f.npz: `train/z.y`: labels without features `.x`");
    assert_eq!(refusal_with("train/z.x", floats(&[1, 2], &[0.0; 2])), "f.npz: `train/z.x`: has no labels `train/z.y`");
    let mut contents = frames();
    contents.retain(|key, _| !key.starts_with("valid/"));
    assert_eq!(refusal(&contents), "f.npz: split `valid` is empty, expected at least one sequence");
}

#[test]
fn damaged_files_are_refused() {
    let message = |name: &str, bytes: &[u8]| {
        let file = file(name, bytes);
        let error =
            open(&file.path, Normalise::None, &TaskSettings::default()).expect_err("must be refused").to_string();
        error.replace(&file.path.display().to_string(), name)
    };
    assert_eq!(message("f.npz", b"hello"), "f.npz: neither .npz nor safetensors");
    assert_eq!(message("f.npz", b""), "f.npz: neither .npz nor safetensors");
    let whole = to_npz(&frames());
    assert!(message("f.npz", &whole[..whole.len() / 2]).starts_with("f.npz: is no readable zip archive: "));
    let whole = to_safetensors(&frames());
    assert!(message("f.safetensors", &whole[..whole.len() - 1]).starts_with("f.safetensors: "));
    let folder = tempfile::tempdir().expect("a temporary directory");
    let error =
        open(folder.path(), Normalise::None, &TaskSettings::default()).expect_err("an empty directory").to_string();
    assert!(error.ends_with(": no train.npz and no train.safetensors"), "{error}");
    let speaker =
        open(folder.path(), Normalise::Speaker, &TaskSettings::default()).expect_err("no speakers").to_string();
    assert!(speaker.starts_with("`normalise` is `speaker`, expected `utterance`, `global` or `none`"), "{speaker}");
}

#[test]
fn any_cut_and_any_flipped_byte_is_read_or_refused() {
    let (npz, safetensors) = (to_npz(&frames()), to_safetensors(&frames()));
    for at in 0..npz.len() {
        let _ = decode_npz(&npz[..at], Path::new("cut"));
        let mut flipped = npz.clone();
        flipped[at] ^= 0xff;
        let _ = decode_npz(&flipped, Path::new("flipped"));
    }
    for at in 0..safetensors.len() {
        assert!(decode_safetensors(&safetensors[..at], Path::new("cut")).is_err());
        let mut flipped = safetensors.clone();
        flipped[at] ^= 0xff;
        let _ = decode_safetensors(&flipped, Path::new("flipped"));
    }
}
