//! Models of PyTorch and Keras, imported and run beside what onnxruntime and PyTorch gave for them.

mod shared;

use mohaq::Error;
use mohaq::import::{Axes, Import, Pooled, read};
use mohaq::nn::Network;
use proptest::prelude::*;
use shared::shared_data;
use std::fs;
use std::path::{Path, PathBuf};

/// What an imported network may be away from the model: outputs are of the order of 1, sums of tens of 32 bit numbers.
const BOUND: f32 = 1e-5;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/import").join(name)
}

/// Files of a folder that hold models, in order.
fn models(folder: &Path) -> Vec<PathBuf> {
    let model = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "onnx" || kind == "safetensors");
    let mut found: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    found.retain(model);
    found.sort();
    found
}

/// The model at `path`, with the description beside it, where there is one.
fn imported(path: &Path) -> Result<Import, Error> {
    let description = path.with_extension("toml");
    read(path, fs::read_to_string(description).ok().as_deref())
}

/// Outputs beside a model lie under the first part of its name.
fn outputs(path: &Path) -> PathBuf {
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
    path.with_file_name(format!("{}.npz", name.split('.').next().expect("a first part")))
}

/// Imports and checks every model of `folder` but those in `refused`, and returns how many.
fn check_all(folder: &Path, refused: &[&str]) -> usize {
    let mut checked = 0;
    for path in models(folder) {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        if refused.contains(&name) {
            continue;
        }
        let import = imported(&path).unwrap_or_else(|error| panic!("{error}"));
        let comparisons = import.check(&outputs(&path), None).unwrap_or_else(|error| panic!("{name}: {error}"));
        for one in &comparisons {
            assert!(one.largest <= BOUND, "{name}: {} is {} away", one.output, one.largest);
        }
        checked += 1;
    }
    checked
}

#[test]
fn every_golden_model_is_what_its_own_program_runs() {
    // Counted, so that a golden that no longer looks like a model does not pass unseen.
    assert_eq!(check_all(&golden(""), &["keras3_refused_gru.onnx"]), 42);
}

#[test]
fn every_shared_model_is_what_its_own_program_runs() {
    let Some(folder) = shared_data("torch") else { return };
    // Its functions are not in the file: the next test.
    assert!(check_all(&folder, &["linear_mlp.safetensors"]) > 0);
}

#[test]
fn a_perceptron_needs_a_description() {
    let Some(folder) = shared_data("torch") else { return };
    let path = folder.join("linear_mlp.safetensors");
    let error = read(&path, None).expect_err("its functions are not in the file");
    assert!(
        error
            .to_string()
            .ends_with("modules `0`, `2`: modules without parameters stand between them, which the file does not hold")
    );
    assert!(error.hint().is_some_and(|hint| hint.contains("--describe")));
    let layer =
        |name: &str, outputs: usize| format!("[[layers]]\nkind = \"linear\"\nname = \"{name}\"\noutputs = {outputs}\n");
    let text = [
        "input = 13\n",
        &layer("0", 32),
        "[[layers]]\nkind = \"relu\"\n",
        &layer("2", 32),
        "[[layers]]\nkind = \"sigmoid\"\n",
        &layer("4", 5),
    ]
    .concat();
    let import = read(&path, Some(&text)).expect("described");
    let comparisons = import.check(&folder.join("linear_mlp.npz"), None).expect("of its shape");
    assert!(comparisons[0].largest <= BOUND, "{comparisons:?}");
    let wrong = read(&path, Some(&text.replace("outputs = 32", "outputs = 31"))).expect_err("31 are not 32");
    assert!(
        wrong.to_string().ends_with("module `0`: is linear with 32 outputs, the description says linear with 31"),
        "{wrong}"
    );
}

#[test]
fn an_imported_network_is_saved_and_loaded_as_any_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("network.safetensors");
    let import = imported(&golden("front.legacy.onnx")).expect("a model");
    import.network.save(&path).expect("saved");
    assert_eq!(Network::load(&path).expect("loaded"), import.network);
}

#[test]
fn what_was_understood_is_told() {
    let import = imported(&golden("front.legacy.onnx")).expect("a model");
    let kinds: Vec<&str> = import.layers.iter().map(|layer| layer.kind.as_str()).collect();
    assert_eq!(kinds, ["conv1d, 3 frames, stride 2", "relu", "gru", "layernorm", "linear"]);
    assert_eq!(import.layers[0].notes, ["`/input_norm/BatchNormalization` folded in"]);
    assert!(import.notes.iter().any(|note| note.contains("the final Softmax is dropped")));
    // 3 frames of 5 features and a bias to 6 channels; 7 units of 3 gates over 6 and 7 inputs, with both biases of one gate.
    let parameters: Vec<u64> = import.layers.iter().map(|layer| layer.parameters).collect();
    assert_eq!(parameters, [96, 0, 3 * 7 * (6 + 7 + 1) + 7, 14, 24]);
    assert_eq!(import.layers[0].macs, 90);
    let last = imported(&golden("last_state.legacy.onnx")).expect("a model");
    assert_eq!(last.pooling, Some((2, Pooled::LastFrame)));
    assert_eq!(imported(&golden("both_last.legacy.onnx")).expect("a model").pooling, Some((2, Pooled::LastState)));
    assert_eq!(imported(&golden("mean.dynamo.onnx")).expect("a model").pooling, Some((1, Pooled::Mean)));
}

#[test]
fn both_exporters_give_the_same_network() {
    for name in ["tagger", "front", "causal", "last_state", "both_last", "mean", "last_frame"] {
        let [legacy, dynamo] =
            ["legacy", "dynamo"].map(|kind| imported(&golden(&format!("{name}.{kind}.onnx"))).expect("a model"));
        assert_eq!(legacy.network.description(), dynamo.network.description(), "{name}");
    }
}

#[test]
fn a_loop_is_refused_by_name() {
    let error = imported(&golden("keras3_refused_gru.onnx")).expect_err("a loop");
    let reason = "(Loop): a loop or branch written out as a graph of its own, expected LSTM, GRU or RNN nodes";
    assert!(error.to_string().ends_with(reason), "{error}");
}

#[test]
fn a_check_can_fail() {
    let import = imported(&golden("tagger.legacy.onnx")).expect("a model");
    let comparisons = import.check(&golden("tagger.npz"), Some(Axes::TimeFirst)).expect("of a shape that fits as well");
    assert!(comparisons[0].largest > 100.0 * BOUND, "{comparisons:?}");
    let message = import.check(&golden("states16.npz"), None).map(|all| all[0].largest);
    assert!(!matches!(message, Ok(largest) if largest <= BOUND));
}

#[test]
fn a_model_cut_off_anywhere_is_an_error() {
    for name in ["tagger.legacy.onnx", "front_state.safetensors"] {
        let whole = fs::read(golden(name)).expect("a golden");
        for length in (0..whole.len()).step_by(7) {
            assert!(mohaq::import::read_bytes(&whole[..length], None).is_err(), "{length} bytes of {name}");
        }
    }
}

#[test]
fn other_files_are_named() {
    let refusal = |bytes: &[u8]| mohaq::import::read_bytes(bytes, None).expect_err("no model").to_string();
    assert_eq!(refusal(b""), "model: an empty file");
    assert_eq!(refusal(&[0; 64]), "model: neither ONNX nor safetensors");
    assert_eq!(
        refusal(b"PK\x03\x04...."),
        "model: a zip archive, as `torch.save` and Keras write them, expected ONNX or safetensors"
    );
    assert_eq!(
        refusal(b"\x80\x02}q\x00."),
        "model: a Python pickle, as `torch.save` wrote them, expected ONNX or safetensors"
    );
    assert!(refusal(b"RIFF").starts_with("model: not an ONNX model: "));
    let described =
        mohaq::import::read_bytes(&fs::read(golden("tagger.legacy.onnx")).expect("a golden"), Some("input = 5"));
    assert_eq!(
        described.expect_err("ONNX needs none").to_string(),
        "model: description: an ONNX model says itself what it is"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_change_of_a_model_panics(model in 0..1000_usize, changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..4)) {
        let models = models(&golden(""));
        let mut bytes = fs::read(&models[model % models.len()]).expect("a golden");
        for (place, value) in changes {
            let place = place % bytes.len();
            bytes[place] = value;
        }
        let _ = mohaq::import::read_bytes(&bytes, None);
    }
}
