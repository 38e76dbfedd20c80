//! The same request gives the same bytes; another one in the same place is refused before anything is touched.

use crate::workspace::Workspace;
use std::fs::File;

/// The results that have to be the same, bit for bit, whenever plan and seed are.
pub(crate) const RESULTS: [&str; 3] = ["network.safetensors", "evaluations.jsonl", "front.json"];

/// Fails on the first file of [`RESULTS`] in which the run directories differ.
pub(crate) fn assert_same_results(workspace: &Workspace, one: &str, other: &str) {
    for file in RESULTS {
        let [one, other] = [one, other].map(|run| workspace.read(&format!("{run}/{file}")));
        assert!(one == other, "{file} differs");
    }
}

#[test]
fn thread_count_does_not_change_a_byte() {
    let workspace = Workspace::new();
    workspace.ok("run tiny.toml --data corpus --out one --threads 1");
    workspace.ok("run tiny.toml --data corpus --out three --threads 3");
    assert_same_results(&workspace, "one", "three");
}

#[test]
fn another_seed_is_another_run() {
    let workspace = Workspace::new();
    workspace.ok("run tiny.toml --data corpus --out one");
    workspace.ok("run tiny.toml --data corpus --out two --seed 2");
    for file in RESULTS {
        assert_ne!(workspace.read(&format!("one/{file}")), workspace.read(&format!("two/{file}")), "{file}");
    }
    let said = workspace.refused(1, "run tiny.toml --data corpus --out one --seed 2 --resume");
    assert_eq!(said.error(), "F/one: this run directory holds a run with another `seed`");
    assert!(said.hint().contains("--out") && said.hint().contains("--force"), "{}", said.hint());
    workspace.ok("run tiny.toml --data corpus --out one --seed 2 --force");
    assert_same_results(&workspace, "one", "two");
}

#[test]
fn a_finished_run_is_neither_overwritten_nor_repeated_unasked() {
    let workspace = Workspace::new();
    workspace.ok("run tiny.toml");
    let before = RESULTS.map(|file| workspace.read(&format!("runs/tiny/{file}")));
    let plan = workspace.read("runs/tiny/plan.toml");
    let said = workspace.refused(1, "run tiny.toml --set search.evaluations=16");
    assert_eq!(said.error(), "F/runs/tiny/evaluations.jsonl: exists already");
    assert!(said.hint().contains("--resume") && said.hint().contains("--force"), "{}", said.hint());
    assert_eq!(RESULTS.map(|file| workspace.read(&format!("runs/tiny/{file}"))), before);
    assert_eq!(workspace.read("runs/tiny/plan.toml"), plan, "the plan is still that of the results");

    let again = workspace.ok("run tiny.toml --resume --json").json();
    assert_eq!(again["evaluations"], 12);
    assert_eq!(RESULTS.map(|file| workspace.read(&format!("runs/tiny/{file}"))), before);
}

#[test]
fn a_longer_search_goes_on_where_the_shorter_one_ended() {
    let workspace = Workspace::new();
    workspace.ok("run tiny.toml --data corpus --out long --set search.evaluations=20");
    workspace.ok("run tiny.toml --data corpus --out short");
    let said = workspace.ok("run tiny.toml --data corpus --out short --set search.evaluations=20 --resume");
    assert!(said.err.contains("going on after 12 evaluations"), "{}", said.err);
    assert_same_results(&workspace, "long", "short");
}

#[test]
fn a_network_is_searched_for_another_platform_without_training_it_again() {
    let workspace = Workspace::new();
    workspace.ok("run tiny.toml --data corpus --out first");
    let silago = "search tiny.toml --data corpus --out second --from first --set search.platform=silago --json";
    let object = workspace.ok(&silago.replace(" --json", "")).err;
    assert!(object.contains("using the network in") && !object.contains("training …"), "{object}");
    assert!(!workspace.path("second/network.safetensors").exists());
    let object = workspace.ok(&format!("{silago} --resume")).json();
    for member in object["front"].as_array().expect("a list") {
        let bits = member["bits"].as_str().expect("text");
        let tied = |pair: &str| pair.split_once('x').is_some_and(|(weight, activation)| weight == activation);
        assert!(bits.split(' ').all(tied), "SiLago ties the operands: {bits}");
    }
    let said = workspace.refused(1, "search tiny.toml --data corpus --out third --from nowhere");
    assert!(said.error().starts_with("nowhere/"), "{}", said.error());
}

#[test]
fn a_board_is_searched_by_time_and_ram() {
    let workspace = Workspace::new();
    let run = "run tiny.toml --set search.platform=cortex-m4 --set search.objectives=[\"error\",\"time\",\"ram\"]";
    let object = workspace.ok(&format!("{run} --set search.limits.time_ms=1e3 --json")).json();
    let front = object["front"].as_array().expect("a list");
    assert!(!front.is_empty());
    for member in front {
        let [time, ram] = ["frame_time_s", "ram_bytes"].map(|key| member[key].as_f64().expect("a number"));
        assert!(time > 0.0 && time < 1.0 && ram >= 16.0, "{member}");
    }
    let said = workspace.refused(2, "run tiny.toml --set search.limits.time_ms=1");
    assert_eq!(said.error(), "`search.limits.time_ms`: platform `bitfusion` has no figures for `time`");
    // No frame is that quick: every candidate breaks the limit, and the front is empty.
    let object = workspace.ok(&format!("{run} --set search.limits.time_ms=1e-9 --out quick --json")).json();
    assert_eq!(object["front"].as_array().expect("a list").len(), 0);
}

#[test]
fn a_second_process_is_kept_out_of_a_run_directory() {
    let workspace = Workspace::new();
    workspace.write("runs/tiny/.lock", "");
    let lock = File::options().write(true).open(workspace.path("runs/tiny/.lock")).expect("the lock file");
    lock.lock().expect("nobody else has it");
    let said = workspace.refused(1, "run tiny.toml");
    assert_eq!(said.error(), "F/runs/tiny: another process is working in this run directory");
    drop(lock);
    workspace.ok("train tiny.toml");
}

#[test]
fn a_network_from_elsewhere_is_calibrated_anew() {
    let workspace = Workspace::new();
    for seed in ["1", "2"] {
        workspace.ok(&format!("train tiny.toml --data corpus --out seed{seed} --seed {seed} --set train.epochs=3"));
    }
    let quantized = |from: &str, out: &str| {
        let arguments =
            format!("quantize tiny.toml --data corpus --out {out} --from {from} --bits 2x2 --bits 4x4 --json");
        workspace.ok(&arguments).json()["rows"].clone()
    };
    quantized("seed1", "used");
    assert_eq!(quantized("seed2", "used"), quantized("seed2", "fresh"));
}

#[test]
fn the_command_in_the_report_repeats_the_run() {
    let workspace = Workspace::new();
    workspace.ok("run tiny.toml --set search.evaluations=8 --set search.limits.compression=3 --seed 5");
    let report: serde_json::Value = serde_json::from_str(&workspace.text("runs/tiny/report.json")).expect("JSON");
    let command = report["command"].as_str().and_then(|line| line.strip_prefix("mohaq ")).expect("a command of mohaq");
    let mut command = workspace.command(command);
    let output = command.current_dir(workspace.path("runs/tiny")).output().expect("the binary starts");
    assert!(output.status.success(), "{output:?}");
    for name in ["front.json", "report.csv"] {
        assert_eq!(workspace.text(&format!("runs/tiny/{name}")), workspace.text(&format!("runs/tiny/again/{name}")));
    }
    let limit = report["constraints"].as_array().and_then(|all| all.iter().find(|one| one["name"] == "compression"));
    assert_eq!(limit.expect("the compression is a constraint")["label"], "Memory at 3 times compression");
}

#[test]
fn another_number_of_subsets_is_another_search() {
    let workspace = Workspace::new();
    workspace.ok("run tiny.toml --data corpus --out run --set search.subsets=2");
    let log = workspace.text("run/evaluations.jsonl");
    let record: serde_json::Value = serde_json::from_str(log.lines().nth(1).expect("a record")).expect("JSON");
    let subsets: Vec<f64> = serde_json::from_value(record["measurement"]["subset_errors"].clone()).expect("rates");
    assert_eq!(subsets.len(), 2);
    assert_eq!(record["measurement"]["error"], subsets[0].max(subsets[1]));

    let said = workspace.refused(1, "run tiny.toml --data corpus --out run --resume");
    assert!(said.error().contains("another number of subsets: 2, expected 1"), "{}", said.error());
    let said = workspace.refused(2, "run tiny.toml --data corpus --out run --resume --set search.subsets=99");
    assert!(said.error().starts_with("`search.subsets`: 99 subsets of the "), "{}", said.error());
}

#[test]
fn baselines_search_with_the_same_budget_and_are_resumed_alike() {
    let workspace = Workspace::new();
    let run = |out: &str, more: &str| {
        let arguments = format!("run tiny.toml --data corpus --out {out} --json {more}");
        workspace.ok(&arguments).json()
    };
    let both = "--set search.baselines=[\"random\",\"greedy\"]";
    let object = run("whole", &format!("{both} --threads 1"));
    let methods = object["baselines"].as_array().expect("a list");
    let names: Vec<&str> = methods.iter().map(|method| method["method"].as_str().expect("a name")).collect();
    assert_eq!(names, ["random", "greedy", "uniform"]);
    for method in &methods[..2] {
        assert_eq!(method["evaluations"], object["evaluations"], "{method}");
    }
    let logs = ["baselines/random.jsonl", "baselines/greedy.jsonl", "evaluations.jsonl", "front.json"];
    for log in &logs[..2] {
        let text = workspace.text(&format!("whole/{log}"));
        assert_eq!(text.lines().count(), 1 + 12, "{log}");
        let header: serde_json::Value = serde_json::from_str(text.lines().next().expect("a header")).expect("JSON");
        assert!(log.contains(header["measured_with"]["method"].as_str().expect("a method")), "{log}: {header}");
    }
    let report = workspace.text("whole/report.html");
    assert!(report.contains("By other methods") && report.contains("What the test set says"));

    // A baseline is added to a search that is done; one that was killed goes on.
    run("parts", "");
    run("parts", "--resume --set search.baselines=[\"random\"]");
    let torn = workspace.text("parts/baselines/random.jsonl");
    let kept: Vec<&str> = torn.lines().take(6).collect();
    workspace.write("parts/baselines/random.jsonl", kept.join("\n") + "\n{\"id\":5,");
    run("parts", &format!("--resume --threads 3 {both}"));
    for log in logs {
        assert_eq!(workspace.text(&format!("parts/{log}")), workspace.text(&format!("whole/{log}")), "{log}");
    }
    let said =
        workspace.refused(2, "run tiny.toml --data corpus --out parts --set search.baselines=[\"nsga2\"] --resume");
    assert!(said.error().starts_with("`search.baselines`: `nsga2` is the search itself"), "{}", said.error());
    run("parts", "--force");
    assert!(!workspace.path("parts/baselines/random.jsonl").exists());
}
