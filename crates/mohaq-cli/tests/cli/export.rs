//! `mohaq export` and `mohaq verify`: a candidate as C, as an image and as ONNX, and the round trip of each.

use crate::killed::with_beacons;
use crate::workspace::Workspace;
use std::process::Command;

fn searched() -> Workspace {
    let workspace = Workspace::new();
    workspace.ok("run tiny.toml -q");
    workspace
}

/// Whether there is a C compiler and `make`; says so loudly where there are none.
fn has_compiler() -> bool {
    let there = ["cc", "make"].iter().all(|program| Command::new(program).arg("--version").output().is_ok());
    if !there {
        eprintln!("SKIPPED: no `cc` or no `make` on this machine");
    }
    there
}

#[test]
fn a_candidate_becomes_c_that_passes_its_own_test_without_a_warning() {
    let workspace = searched();
    let json = workspace.ok("export runs/tiny --pick knee --format c --out kws --name kws --json").json();
    for key in ["pick", "flash_bytes", "ram_bytes"] {
        assert!(json[key].as_u64().is_some(), "{json}");
    }
    let header = workspace.text("kws/kws.h");
    assert!(header.contains("int32_t kws_step(kws_net *net"), "{header}");
    assert!(workspace.text("kws/README.md").contains(&format!("| arena | {} bytes", json["ram_bytes"])));
    if !has_compiler() {
        return;
    }
    for defines in ["", "-DKWS_COUNT_SATURATIONS -DKWS_QUANTIZE_FLOATS -DKWS_PORTABLE"] {
        let make = |target: &str| {
            let defines = format!("DEFINES=-Werror {defines}");
            Command::new("make").args([target, &defines]).current_dir(workspace.path("kws")).output().expect("make")
        };
        make("clean");
        let output = make("test");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains(" 0 differ"), "{said}{output:?}");
    }
}

#[test]
fn the_export_of_a_member_of_the_front_computes_what_was_measured() {
    let workspace = searched();
    let found: serde_json::Value = serde_json::from_str(&workspace.text("runs/tiny/front.json")).expect("JSON");
    let id = found["front"][0]["id"].as_u64().expect("a number");
    let formats = if has_compiler() { &["image", "c"][..] } else { &["image"] };
    for format in formats {
        let json = workspace.ok(&format!("verify runs/tiny --pick {id} --format {format} -q --json")).json();
        assert_eq!((&json["differ"], &json["pick"]), (&0.into(), &id.into()), "{format}: {json}");
        assert_eq!(json["saturated"], json["export_saturated"]);
        assert!(json["codes"].as_u64().is_some_and(|codes| codes > 0), "{json}");
    }
    let said = workspace.ok(&format!("verify runs/tiny --pick {id} --format image -q")).out;
    assert!(said.contains(": 0 differ"), "{said}");
}

/// Whether there is a Python with what runs a model; says so loudly where there is none.
fn has_onnxruntime() -> bool {
    let python = std::env::var("MOHAQ_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let there = Command::new(&python).args(["-c", "import onnx, onnxruntime, qonnx"]).output();
    let there = there.is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("SKIPPED: no `{python}` with onnx, onnxruntime and qonnx on this machine");
    }
    there
}

#[test]
fn a_candidate_as_onnx_has_a_test_vector_and_nearly_the_codes_that_were_measured() {
    let workspace = searched();
    for format in ["onnx", "onnx --opset 25", "qonnx"] {
        let json =
            workspace.ok(&format!("export runs/tiny --pick knee --format {format} --out m --name kws --force --json"));
        let json = json.json();
        assert!(json["ram_bytes"].is_null() && json["flash_bytes"].as_u64().is_some(), "{json}");
        if !has_onnxruntime() {
            continue;
        }
        let python = std::env::var("MOHAQ_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let checked = Command::new(python).args(["check.py", "kws.onnx"]).current_dir(workspace.path("m")).output();
        let checked = checked.expect("started");
        let said = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert!(checked.status.success() && said.contains("codes differ"), "{said}{checked:?}");
        let json = workspace.ok(&format!("verify runs/tiny --pick knee --format {format} -q --json")).json();
        assert_eq!((&json["missing"], &json["export_saturated"]), (&0.into(), &serde_json::Value::Null), "{json}");
        let [codes, differ] = ["codes", "differ"].map(|key| json[key].as_u64().expect("a number"));
        // Two steps at the mean: none of this network's operands is so narrow that much hangs on a tie.
        assert!(differ < codes && json["mean_steps"].as_f64().is_some_and(|steps| steps < 2.0), "{json}");
        let [other, frames] = ["frames_differ", "frames"].map(|key| json[key].as_u64().expect("a number"));
        assert!(100 * other <= frames, "{json}");
    }
}

#[test]
fn a_network_for_whole_sequences_and_a_candidate_with_a_beacons_parameters_are_exported() {
    let workspace = Workspace::new();
    workspace.write("tiny.toml", with_beacons().replace("hidden = 8", "hidden = 8, bidirectional = true"));
    workspace.ok("run tiny.toml -q");
    let report: serde_json::Value = serde_json::from_str(&workspace.text("runs/tiny/report.json")).expect("JSON");
    let candidates = report["evaluations"].as_array().expect("a list");
    let lent = candidates.iter().find(|candidate| candidate["loan"].is_object());
    let id = lent.expect("a candidate with a beacon's parameters")["id"].as_u64().expect("a number");
    workspace.ok(&format!("verify runs/tiny --pick {id} --format image -q"));
    workspace.ok(&format!("export runs/tiny --pick {id} --format c --out c --max-frames 30"));
    assert!(workspace.text("c/network.h").contains("#define NETWORK_MAX_FRAMES 30"));
}

#[test]
fn what_cannot_be_exported_is_said() {
    let workspace = searched();
    let export = |rest: &str| format!("export runs/tiny --format c {rest}");
    let said = workspace.refused(1, &export("--pick 999 --out c"));
    assert_eq!(said.error(), "runs/tiny: no candidate 999");
    assert!(said.hint().contains("by their numbers"), "{said:?}");
    for name in ["2fast", "key-word", "for", "_x"] {
        let said = workspace.refused(2, &export(&format!("--pick knee --out c --name {name}")));
        assert!(said.error().starts_with(&format!("`{name}` is no name for C")), "{said:?}");
        assert!(said.hint().contains("--name"), "{said:?}");
    }
    let said = workspace.refused(1, &export("--pick knee --out c --max-arena 10"));
    assert!(said.error().starts_with("the arena takes ") && said.error().ends_with("allowed are 10"), "{said:?}");
    assert!(!workspace.path("c").exists());
    workspace.write("c/mine.c", "int mine;");
    for format in ["c", "image"] {
        let command = format!("export runs/tiny --pick knee --out c --format {format}");
        let said = workspace.refused(1, &command);
        assert_eq!(said.error(), "c: exists already");
        assert!(said.hint().contains("--force"), "{said:?}");
        workspace.ok(&format!("{command} --force"));
    }
    assert_eq!(workspace.text("c/mine.c"), "int mine;");
    assert!(workspace.path("c/network.mohaq").exists() && workspace.path("c/network.c").exists());
    let said = workspace.refused(1, "export runs/tiny --pick knee --format image --out i --measure cortex-m4");
    assert!(said.error().contains("an image is no C"), "{said:?}");
    let said = workspace.refused(1, "export runs/tiny --pick knee --format onnx --out o --max-arena 10");
    assert!(said.error().contains("a model has no arena"), "{said:?}");
    let said = workspace.refused(1, "verify runs/tiny --pick knee --format c --opset 25");
    assert!(said.error().contains("only --format onnx"), "{said:?}");
    workspace.refused(2, "export runs/tiny --pick knee --format onnx --opset 13 --out o");
    workspace.refused(2, "export runs/tiny --pick elbow --format c --out d");
}
