//! `report`, `init` and `platform`: what is written where.

use crate::workspace::Workspace;
use serde_json::Value;

#[test]
fn a_report_is_written_in_three_forms() {
    let workspace = Workspace::new();
    workspace.ok("run tiny.toml --set search.evaluations=8");

    let json: Value = serde_json::from_str(&workspace.ok("report runs/tiny --format json").out).expect("JSON");
    let evaluations = json["evaluations"].as_array().expect("a list");
    assert_eq!((json["seed"].as_u64(), evaluations.len()), (Some(1), 8));

    let csv = workspace.ok("report runs/tiny --format csv").out;
    let mut lines = csv.lines();
    let heading: Vec<&str> = lines.next().expect("a heading").split(',').collect();
    for column in ["id", "on_front", "error", "memory_bytes", "speedup", "bits", "l0.weight_bits"] {
        assert!(heading.contains(&column), "{column} is not among {heading:?}");
    }
    assert_eq!(lines.count(), 8, "a row a candidate");

    std::fs::remove_file(workspace.path("runs/tiny/report.html")).expect("the run wrote a page");
    assert_eq!(workspace.ok("report runs/tiny").out, "runs/tiny/report.html\n");
    assert!(workspace.text("runs/tiny/report.html").starts_with("<!doctype html>"));
    workspace.ok("report runs/tiny --format csv --output front.csv");
    assert_eq!(workspace.text("front.csv").trim_end(), csv.trim_end());
}

#[test]
fn a_report_of_no_run_is_refused() {
    let workspace = Workspace::new();
    let said = workspace.refused(1, "report nowhere");
    assert!(said.error().starts_with("nowhere/report.json: "), "{}", said.error());
    assert!(said.hint().contains("mohaq run"), "{}", said.hint());
    workspace.write("broken/report.json", "{\"title\": 3}");
    assert!(workspace.refused(1, "report broken").error().starts_with("broken/report.json"));
}

#[test]
fn a_recipe_written_by_init_is_read_by_run() {
    let workspace = Workspace::new();
    assert_eq!(workspace.ok("init mine.toml").out, "wrote mine.toml; next: mohaq run mine.toml\n");
    let said = workspace.refused(1, "init mine.toml");
    assert_eq!(said.error(), "mine.toml: exists already");
    assert!(said.hint().contains("--force"), "{}", said.hint());
    workspace.ok("init mine.toml --force");
    let small = "--set data.synthetic={train_speakers=2,valid_speakers=1,test_speakers=1,sentences=1} \
                 --set train.epochs=1 --set data.states=1 --set search.evaluations=24 --set search.sequences=1 \
                 --set network.layers=[{kind=\"sru\",hidden=4},{kind=\"linear\"}]";
    let object = workspace.ok(&format!("run mine.toml {small} --json")).json();
    assert!(object["evaluations"].as_u64().is_some_and(|count| (1..=24).contains(&count)), "{object}");
}

#[test]
fn every_built_in_template_is_a_recipe() {
    let workspace = Workspace::new();
    let paper = ["paper/1-memory", "paper/2-silago", "paper/3-bitfusion", "paper/3-bitfusion-beacons"];
    for template in ["demo", "fsdd-digits"].into_iter().chain(paper) {
        workspace.ok(&format!("init mine.toml --force --template {template}"));
        // Its only fault is that there are no data here.
        let said = workspace.mohaq("data prepare mine.toml --data nowhere --set data.synthetic.seed=0x");
        assert!(said.error().starts_with("--set data.synthetic.seed=0x: "), "{said:?}");
    }
}

#[test]
fn platform_files_are_checked_with_lines() {
    let workspace = Workspace::new();
    workspace.write("mine.toml", "schema = 1\nname = \"mine\"\ntitel = \"Mine\"\n");
    let said = workspace.mohaq("platform check mine.toml");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("line 3: `titel`: unknown key (did you mean `title`?)"), "{}", said.out);
    assert!(said.error().starts_with("mine.toml: ") && said.error().ends_with(" errors"), "{}", said.error());
    let shown = workspace.ok("platform show bitfusion").out;
    assert!(shown.contains("bitfusion") && shown.contains("2x2"), "{shown}");
}
