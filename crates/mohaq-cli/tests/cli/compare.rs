//! `compare`: two runs of one recipe side by side, and runs that cannot be.

use crate::workspace::Workspace;
use serde_json::Value;

/// A workspace with two short runs that differ in their seed.
fn two_runs() -> Workspace {
    let workspace = Workspace::new();
    workspace.ok("run tiny.toml --out runs/one");
    workspace.ok("run tiny.toml --out runs/two --seed 2");
    workspace
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().filter_map(Value::as_str).collect()
}

#[test]
fn two_runs_are_compared_as_text_as_json_and_as_a_page() {
    let workspace = two_runs();
    let object = workspace.ok("compare runs/one runs/two --json --at-speedup 1,4 --at-size 1").json();
    let names: Vec<&str> =
        object["runs"].as_array().expect("a list").iter().filter_map(|run| run["name"].as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    for (run, name) in ["one", "two"].iter().enumerate() {
        let found: Value = serde_json::from_str(&workspace.text(&format!("runs/{name}/report.json"))).expect("JSON");
        let (members, compared) = (found["front"].as_array(), object["runs"][run]["front"].as_array());
        assert_eq!(members.map(Vec::len), compared.map(Vec::len));
        // Every candidate is at least as fast as 16 bit everywhere: the first row is the lowest error of the front.
        let errors = members.into_iter().flatten().filter_map(|member| member["valid_error"].as_f64());
        let lowest = errors.reduce(f64::min);
        assert_eq!(object["tables"][0]["rows"][0]["cells"][run]["valid_error"].as_f64(), lowest, "{object}");
    }
    let keys: Vec<&str> =
        object["tables"].as_array().expect("a list").iter().filter_map(|table| table["key"].as_str()).collect();
    assert_eq!(keys, ["speedup", "compression", "memory"], "Bit Fusion publishes no energy");
    let differs = |setting: &&Value| setting["same"] == false && setting["what"] == "Seed";
    let seeds = object["settings"].as_array().and_then(|all| all.iter().find(differs)).expect("the seeds differ");
    assert_eq!(strings(&seeds["values"]), ["1", "2"]);

    let said = workspace.ok("compare runs/one runs/two --output both.html");
    for expected in ["candidates", "volumes are shares of the box", "≥ 10.60×", "what differs", "page: both.html"] {
        assert!(said.out.contains(expected), "{expected}: {}", said.out);
    }
    assert!(workspace.text("both.html").starts_with("<!doctype html>"));
}

#[test]
fn a_page_that_is_there_is_overwritten_on_demand_only() {
    let workspace = two_runs();
    workspace.write("both.html", "mine");
    let said = workspace.refused(1, "compare runs/one runs/two --output both.html");
    assert_eq!(said.error(), "both.html: exists already");
    assert!(said.hint().contains("--force"), "{}", said.hint());
    assert_eq!(workspace.text("both.html"), "mine");
    workspace.ok("compare runs/one runs/two --output both.html --force");
    assert!(workspace.text("both.html").starts_with("<!doctype html>"));
}

#[test]
fn what_cannot_be_compared_is_refused_by_name() {
    let workspace = two_runs();
    let said = workspace.refused(1, "compare runs/one runs/three");
    assert!(said.error().starts_with("runs/three/report.json: "), "{}", said.error());
    assert!(said.hint().contains("mohaq run"), "{}", said.hint());
    workspace.refused(2, "compare runs/one");
    assert_eq!(workspace.refused(2, "compare runs/one runs/one").error(), "comparison: run `runs/one` is given twice");
    let said = workspace.refused(2, "compare runs/one runs/two --at-compression 4,0");
    assert_eq!(said.error(), "compression: 0, expected more than 0");
    let other = workspace.text("runs/two/report.json").replace("phone error rate", "frame error rate");
    workspace.write("runs/frames/report.json", other);
    let said = workspace.refused(1, "compare runs/one runs/frames");
    let expected = "run `frames`: its error is the frame error rate, expected the phone error rate as in `one`";
    assert_eq!(said.error(), expected);
}
