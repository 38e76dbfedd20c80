//! Runs that die in the middle, and what `--resume` makes of what they left.

use crate::reruns::assert_same_results;
use crate::workspace::Workspace;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// More epochs and evaluations than the time between two looks can see pass by.
const LONG: &str =
    "run tiny.toml --data corpus --set train.epochs=12 --set search.evaluations=400 --set search.offspring=20";

/// Starts `arguments` and kills it, as a machine that loses power would, as soon as `begun`.
fn kill(workspace: &Workspace, arguments: &str, begun: impl Fn() -> bool) {
    let mut command = workspace.command(arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts");
    let deadline = Instant::now() + Duration::from_secs(120);
    while !begun() {
        assert_eq!(child.try_wait().expect("a child"), None, "it ended before it could be killed");
        assert!(Instant::now() < deadline, "it never came to the point");
        sleep(Duration::from_millis(1));
    }
    child.kill().expect("a child");
    let status = child.wait().expect("a child");
    assert_eq!(status.code(), None, "a killed process has no exit code");
}

/// Complete lines of the log in `run`; 0 while there is none.
fn lines(workspace: &Workspace, run: &str) -> usize {
    let text = fs::read(workspace.path(&format!("{run}/evaluations.jsonl"))).unwrap_or_default();
    text.iter().filter(|&&byte| byte == b'\n').count()
}

#[test]
fn a_run_killed_in_training_and_again_in_its_search_ends_as_if_nothing_had_happened() {
    let workspace = Workspace::new();
    workspace.ok(&format!("{LONG} --out whole"));

    let killed = format!("{LONG} --out killed");
    kill(&workspace, &killed, || workspace.path("killed/checkpoint/training.safetensors").exists());
    assert!(!workspace.path("killed/training.json").exists(), "killed before training had ended");
    let said = workspace.refused(1, &killed);
    assert!(said.hint().contains("--resume"), "{said:?}");

    let resumed = format!("{killed} --resume");
    kill(&workspace, &resumed, || lines(&workspace, "killed") > 5);
    assert!(lines(&workspace, "killed") < 401, "killed before the search had ended");
    let evaluated = lines(&workspace, "killed") - 1;
    let said = workspace.ok(&resumed);
    assert!(said.err.contains(&format!("going on after {evaluated} evaluations")), "{}", said.err);
    assert_same_results(&workspace, "whole", "killed");
}

#[test]
fn a_torn_last_line_of_the_log_is_measured_again() {
    let workspace = Workspace::new();
    workspace.ok("run tiny.toml --data corpus --out whole");
    workspace.ok("run tiny.toml --data corpus --out torn");
    let log = workspace.read("torn/evaluations.jsonl");
    workspace.write("torn/evaluations.jsonl", &log[..log.len() - 20]);
    let said = workspace.ok("run tiny.toml --data corpus --out torn --resume");
    assert!(said.err.contains("going on after 11 evaluations"), "{}", said.err);
    assert_same_results(&workspace, "whole", "torn");
}

#[test]
fn a_damaged_line_of_the_log_is_refused_by_number() {
    let workspace = Workspace::new();
    workspace.ok("run tiny.toml");
    let log = workspace.text("runs/tiny/evaluations.jsonl").replacen("\"genome\"", "\"gnome\"", 1);
    workspace.write("runs/tiny/evaluations.jsonl", &log);
    let said = workspace.refused(1, "run tiny.toml --resume");
    assert!(said.error().starts_with("F/runs/tiny/evaluations.jsonl:2: unknown field `gnome`"), "{}", said.error());
    assert_eq!(workspace.text("runs/tiny/evaluations.jsonl"), log, "what is refused is left as it is");
}

#[test]
fn a_log_of_another_search_is_refused_by_what_differs() {
    let workspace = Workspace::new();
    workspace.ok("run tiny.toml");
    let said = workspace.refused(1, "run tiny.toml --resume --set search.platform=silago");
    let expected = "F/runs/tiny/evaluations.jsonl:1: the records were measured with another platform: ";
    assert!(said.error().starts_with(expected), "{}", said.error());
}

#[test]
fn a_header_torn_in_half_is_written_again() {
    let workspace = Workspace::new();
    workspace.ok("run tiny.toml --data corpus --out whole");
    workspace.ok("train tiny.toml --data corpus --out torn");
    let mut log = OpenOptions::new().create_new(true).write(true).open(workspace.path("torn/evaluations.jsonl"));
    log.as_mut().expect("a new file").write_all(b"{\"mohaq_log\":1,\"meas").expect("written");
    workspace.ok("run tiny.toml --data corpus --out torn --resume");
    assert_same_results(&workspace, "whole", "torn");
}
