//! What a program that calls `mohaq --json` may rely on.

use crate::workspace::{RECIPE, Said, Workspace};
use serde_json::Value;

/// The number at `pointer`, which must be there and finite: JSON has no NaN, and `null` is no number.
fn number(object: &Value, pointer: &str) -> f64 {
    let value = object.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is missing in {object}"));
    value.as_f64().unwrap_or_else(|| panic!("{pointer} is {value}, expected a number"))
}

fn percentages(object: &Value) {
    assert_eq!(object["metric"], serde_json::json!({ "name": "phone error rate", "unit": "%" }));
    for rate in ["float", "valid", "test"] {
        let percent = number(object, &format!("/error_percent/{rate}"));
        assert!(percent >= 0.0, "error_percent.{rate} is {percent}");
        assert_eq!(percent, number(object, &format!("/error/{rate}")), "{rate}");
    }
}

fn one_line(said: &Said) -> Value {
    assert_eq!(said.out.lines().count(), 1, "{}", said.out);
    said.json()
}

#[test]
fn the_last_line_of_a_run_is_one_object_with_errors_front_and_budget() {
    let workspace = Workspace::new();
    let object = workspace.ok("run tiny.toml --json").json();
    percentages(&object);
    assert_eq!(object["evaluations"], 12);
    assert!((0.0..=1.0).contains(&number(&object, "/hypervolume")), "{}", object["hypervolume"]);
    assert!(number(&object, "/seconds") > 0.0);
    let front = object["front"].as_array().expect("a list");
    assert!(!front.is_empty());
    for member in front {
        assert!(member["id"].as_u64().is_some_and(|id| id < 12), "{member}");
        assert!(number(member, "/error_percent") >= 0.0);
        assert!(number(member, "/speedup") >= 1.0, "{member}");
        assert!(number(member, "/memory_bytes") > 0.0);
        // Bit Fusion publishes no energy: the key is there and says so.
        assert_eq!(member.get("energy_pj"), Some(&Value::Null));
        let bits = member["bits"].as_str().expect("text");
        assert_eq!(bits.split(' ').count(), 2, "a precision a site: {bits}");
    }
    // No member of a front beats another in both objectives.
    for pair in front.windows(2) {
        assert!(number(&pair[0], "/error_percent") <= number(&pair[1], "/error_percent"));
        assert!(number(&pair[0], "/speedup") <= number(&pair[1], "/speedup"), "{front:?}");
    }
    assert!(workspace.path("runs/tiny/report.html").is_file());
}

#[test]
fn training_and_quantizing_print_one_object_each() {
    let workspace = Workspace::new();
    let trained = one_line(&workspace.ok("train tiny.toml --json --set train.epochs=2"));
    percentages(&trained);
    assert_eq!(trained["epochs"], 2);
    assert_eq!(trained["error_percent"]["float"], trained["error_percent"]["test"]);

    let quantized =
        workspace.ok("quantize tiny.toml --json --set train.epochs=2 --bits 8x8 --bits 2x4,16x16 --tensors");
    let quantized = one_line(&quantized);
    percentages(&quantized);
    assert_eq!(quantized["error_percent"]["float"], trained["error_percent"]["float"]);
    let rows = quantized["rows"].as_array().expect("a list");
    let bits: Vec<&str> = rows.iter().filter_map(|row| row["bits"].as_str()).collect();
    assert_eq!(bits, ["8x8 8x8", "2x4 16x16"]);
    assert_eq!(rows[1]["test_error"], quantized["error_percent"]["test"], "the object speaks of the last --bits");
    let tensors = quantized["tensors"].as_array().expect("a list of lists");
    assert_eq!(tensors.len(), 2);
    let named = |name: &str| tensors[1].as_array().and_then(|all| all.iter().find(|tensor| tensor["name"] == name));
    assert_eq!(named("l0 operand").expect("the operand of l0")["format"], "4 bit");
    assert!(named("l0 state").expect("the state of l0")["clipped"].is_null(), "a state cannot saturate");
    assert!(named("fc result").expect("the result of fc")["clipped"].is_array());
}

#[test]
fn sensitivity_measures_every_site_at_every_probed_precision() {
    let workspace = Workspace::new();
    let table = one_line(&workspace.ok("sensitivity tiny.toml --json"));
    let rows = table["rows"].as_array().expect("a list");
    let of = |site: &str| rows.iter().filter(|row| row["site"] == site).count();
    assert_eq!((rows.len(), of("l0"), of("fc")), (14, 7, 7), "{table}");
}

#[test]
fn quiet_leaves_stderr_empty() {
    let workspace = Workspace::new();
    assert_eq!(workspace.ok("train tiny.toml --quiet").err, "");
}

#[test]
fn data_and_platforms_are_described_in_json() {
    let workspace = Workspace::new();
    workspace.ok(
        "data synth --out corpus --set train_speakers=1 --set valid_speakers=1 --set test_speakers=1 --set sentences=1",
    );
    let described = one_line(&workspace.ok("data check corpus --json"));
    assert_eq!(described["name"], "timit");
    let platforms = one_line(&workspace.ok("platform list --json"));
    let names: Vec<&str> = platforms.as_array().expect("a list").iter().filter_map(|p| p["name"].as_str()).collect();
    assert_eq!(names.len(), 15);
    assert!(
        ["silago", "bitfusion", "bitfusion-streamed", "cortex-m4", "none"].iter().all(|name| names.contains(name)),
        "{names:?}"
    );
    assert_eq!(one_line(&workspace.ok("platform show silago --json"))["name"], "silago");
}

#[test]
fn a_recipe_runs_on_another_corpus_by_its_overlay() {
    let workspace = Workspace::new();
    let elsewhere = RECIPE.replace("corpus = \"synthetic\"", "corpus = \"fsdd\"\nsplit = \"split\"\npath = \"digits\"");
    workspace.write("other.toml", format!("{elsewhere}\n[corpus.synthetic]\nsearch.evaluations = 8\n"));
    let object = workspace.ok("run other.toml --corpus synthetic --json").json();
    assert_eq!(object["evaluations"], 8);
    let plan = workspace.text("runs/tiny/plan.toml");
    assert!(plan.contains("corpus = \"synthetic\"") && !plan.contains("split") && !plan.contains("[corpus"), "{plan}");
    // The plan is a recipe by itself.
    assert_eq!(workspace.ok("run runs/tiny/plan.toml --out again --json").json()["front"], object["front"]);
}
