//! `mohaq import`: what it prints, what it writes, and how it ends.

use crate::workspace::Workspace;
use std::fs;
use std::path::Path;

/// A workspace with a golden model and its outputs in it.
fn with_model(model: &str, outputs: &str) -> Workspace {
    let workspace = Workspace::new();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/import");
    for name in [model, outputs] {
        fs::copy(golden.join(name), workspace.path(name)).expect("copied");
    }
    workspace
}

#[test]
fn a_model_is_told_checked_and_written() {
    let workspace = with_model("tagger.legacy.onnx", "tagger.npz");
    let said = workspace.ok("import tagger.legacy.onnx --check tagger.npz --out network.safetensors").out;
    // 4 gates of 4 units over 5 inputs or 8, 4 outputs of their own and a bias, both ways; 8 inputs and a bias for 3 outputs.
    for row in [
        "l0     lstm, both ways  5 -> 8  320",
        "l1     lstm, both ways  8 -> 8  416",
        "fc     linear           8 -> 3  27",
    ] {
        assert!(said.contains(row), "`{row}` is not in\n{said}");
    }
    assert!(said.contains("x -> y: largest difference") && said.ends_with("wrote network.safetensors\n"), "{said}");
    let said = workspace.refused(1, "import tagger.legacy.onnx --out network.safetensors");
    assert_eq!(said.error(), "network.safetensors: exists already");
    let json = workspace.ok("import tagger.legacy.onnx --check tagger.npz --json").json();
    assert_eq!((&json["inputs"], &json["outputs"]), (&5.into(), &3.into()));
    assert_eq!(json["layers"][1]["macs"], 2 * 16 * (8 + 4));
    assert!(json["check"][0]["largest"].as_f64().expect("a number") < 1e-5);
}

#[test]
fn a_network_that_is_not_the_model_is_not_written() {
    let workspace = with_model("tagger.legacy.onnx", "tagger.npz");
    let request = "import tagger.legacy.onnx --check tagger.npz --tolerance 0 --out network.safetensors";
    let said = workspace.mohaq(request);
    assert_eq!(said.code, Some(1));
    assert!(said.error().starts_with("tagger.legacy.onnx: `y` is ") && said.error().ends_with("expected at most 0e0"));
    assert!(!workspace.path("network.safetensors").exists());
}

#[test]
fn what_cannot_be_imported_is_named() {
    let workspace = with_model("keras3_refused_gru.onnx", "tagger.npz");
    let said = workspace.refused(1, "import keras3_refused_gru.onnx");
    assert!(said.error().contains("node `sequential_5_1/gru_1/while_loop` (Loop): a loop"), "{}", said.error());
    let said = workspace.refused(1, "import tagger.npz");
    assert_eq!(
        said.error(),
        "tagger.npz: a zip archive, as `torch.save` and Keras write them, expected ONNX or safetensors"
    );
    assert!(said.err.contains("hint: "), "{}", said.err);
    workspace.refused(1, "import absent.onnx");
    workspace.refused(2, "import keras3_refused_gru.onnx --tolerance 1");
}
