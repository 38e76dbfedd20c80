//! Run directories of a search with beacons that somebody else has had a hand in: what can be made good is made good, the
//! rest is refused by what differs, and nothing of what was there is touched.

use crate::killed::with_beacons;
use crate::same::{differences, files};
use crate::workspace::{Said, Workspace};
use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

const RESUME: &str = "run beacons.toml --data corpus --out run --resume";

/// A finished search with beacons in `run`, and the same in `whole`.
fn finished() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("beacons.toml", with_beacons());
    workspace.ok("run beacons.toml --data corpus --out run");
    for (name, bytes) in files(&workspace.path("run")) {
        workspace.write(&format!("whole/{name}"), bytes);
    }
    workspace
}

fn assert_whole(workspace: &Workspace, after: &str) {
    assert_eq!(differences(&workspace.path("whole"), &workspace.path("run")), [""; 0], "{after}");
}

/// Runs `mohaq ARGUMENTS`, which must fail and leave everything in `run` as it is.
fn refused(workspace: &Workspace, arguments: &str) -> Said {
    let before = files(&workspace.path("run"));
    let said = workspace.refused(1, arguments);
    assert!(files(&workspace.path("run")) == before, "mohaq {arguments} changed what it refused");
    said
}

/// The name of a beacon's file in `run`.
fn beacon(workspace: &Workspace) -> String {
    let beacons = files(&workspace.path("run/beacons"));
    format!("run/beacons/{}", beacons.keys().next().expect("a beacon"))
}

#[test]
fn a_log_that_ends_in_half_of_any_kind_of_line_is_gone_on_with() {
    let workspace = finished();
    let log = workspace.text("run/evaluations.jsonl");
    for start in ["{\"id\":", "{\"beacon\":", "{\"loan\":"] {
        let line = log.rfind(&format!("\n{start}")).expect("a line of each kind") + 1;
        let length = log[line..].find('\n').expect("a whole line");
        for half in [1, start.len(), length / 2, length] {
            workspace.write("run/evaluations.jsonl", &log[..line + half]);
            workspace.ok(RESUME);
            assert_whole(&workspace, &log[line..line + half]);
        }
    }
}

#[test]
fn a_beacon_that_lost_its_file_is_retrained_to_the_same_bytes() {
    let workspace = finished();
    fs::remove_file(workspace.path(&beacon(&workspace))).expect("removed");
    let said = workspace.ok(RESUME);
    assert!(said.err.contains("had lost its file; retrained, it is the same again"), "{}", said.err);
    assert_whole(&workspace, "one beacon lost");
    fs::remove_dir_all(workspace.path("run/beacons")).expect("removed");
    workspace.ok(RESUME);
    assert_whole(&workspace, "all beacons lost");
}

#[test]
fn a_changed_beacon_is_refused_by_its_fingerprint() {
    let workspace = finished();
    let file = beacon(&workspace);
    let bytes = workspace.read(&file);
    let flipped = |at: usize| bytes.iter().enumerate().map(|(i, byte)| byte ^ u8::from(i == at)).collect::<Vec<u8>>();
    // Its length, its metadata, a number; cut short; nothing left.
    let cut = [bytes[..bytes.len() - 4].to_vec(), Vec::new()];
    for changed in [0, 40, bytes.len() - 1].map(flipped).into_iter().chain(cut) {
        workspace.write(&file, &changed);
        let said = refused(&workspace, RESUME);
        let error = said.error();
        assert!(error.starts_with(&format!("F/{file}: has fingerprint ")), "{error}");
        let (_, expected) = error.split_once(", the evaluation log says ").expect(error);
        assert!(workspace.text("run/evaluations.jsonl").contains(&format!("\"digest\":\"{expected}\"")), "{error}");
        assert_eq!(said.hint(), "move the file away: --resume retrains the beacon, which gives the same file");
    }
    fs::rename(workspace.path(&file), workspace.path("away")).expect("moved away");
    workspace.ok(RESUME);
    assert_whole(&workspace, "the hint was followed");
}

#[test]
fn a_changed_recipe_is_refused_by_what_differs() {
    let workspace = finished();
    for (pair, part) in [
        ("retrain.epochs=4", "retrain section"),
        ("search.beacons.threshold=2", "search section"),
        ("search.beacons.region.error_increase=90", "search section"),
        ("search.population=5", "search section"),
        ("search.platform=silago", "platform"),
        ("quantize.weight_clip=max", "calibration"),
    ] {
        let said = refused(&workspace, &format!("{RESUME} --set {pair}"));
        let expected = format!("F/run/evaluations.jsonl:1: the records were measured with another {part}: ");
        assert!(said.error().starts_with(&expected), "{pair}: {}", said.error());
    }
    for (pair, section) in [("seed=2", "seed"), ("train.epochs=7", "train"), ("features.bins=20", "features")] {
        let said = refused(&workspace, &format!("{RESUME} --set {pair}"));
        assert_eq!(said.error(), format!("F/run: this run directory holds a run with another `{section}`"));
    }
    workspace.write("wider.toml", with_beacons().replace("hidden = 8", "hidden = 9"));
    let said = refused(&workspace, &RESUME.replace("beacons.toml", "wider.toml"));
    assert_eq!(said.error(), "F/run: this run directory holds a run with another `network`");
    assert_eq!(said.hint(), "choose another directory with --out, or --force to throw that run away");
    workspace.ok(RESUME);
    assert_whole(&workspace, "every other recipe was refused");
}

#[test]
fn another_network_in_the_place_of_the_trained_one_is_refused_by_its_fingerprint() {
    let workspace = finished();
    workspace.ok("train beacons.toml --data corpus --out other --seed 2");
    let trained = workspace.read("run/network.safetensors");
    workspace.write("run/network.safetensors", workspace.read("other/network.safetensors"));
    let said = refused(&workspace, RESUME);
    let error = said.error();
    assert!(error.starts_with("F/run/network.safetensors: has fingerprint "), "{error}");
    let (_, expected) = error.split_once(", training.json says ").expect(error);
    assert!(workspace.text("run/training.json").contains(&format!("\"network\": \"{expected}\"")), "{error}");
    let hint = "put the trained network back, or start over with --force or in another directory";
    assert_eq!(said.hint(), hint);
    workspace.write("run/network.safetensors", trained);
    workspace.ok(RESUME);
    assert_whole(&workspace, "the hint was followed");
}

#[test]
fn a_second_process_is_refused_and_the_first_one_undisturbed() {
    let workspace = finished();
    fs::remove_dir_all(workspace.path("run")).expect("removed");
    let mut command = workspace.command(RESUME);
    let mut first = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts");
    let deadline = Instant::now() + Duration::from_secs(60);
    while !workspace.path("run/plan.toml").exists() {
        assert!(Instant::now() < deadline, "it never began");
        sleep(Duration::from_millis(1));
    }
    for arguments in [RESUME, "run beacons.toml --data corpus --out run --force"] {
        let said = workspace.refused(1, arguments);
        assert_eq!(said.error(), "F/run: another process is working in this run directory");
        assert_eq!(said.hint(), "wait for it, or choose another directory with --out");
    }
    assert!(first.wait().expect("a child").success());
    assert_whole(&workspace, "two processes");
}

/// Loans in the log of `run` beside the first of each candidate.
fn loans_again(workspace: &Workspace) -> usize {
    let log = workspace.text("run/evaluations.jsonl");
    let candidate = |line: &str| Some(line.strip_prefix("{\"loan\":{\"record\":")?.split_once(',')?.0.to_owned());
    let loans: Vec<String> = log.lines().filter_map(candidate).collect();
    loans.len() - loans.iter().collect::<BTreeSet<_>>().len()
}

#[test]
fn a_budget_that_ended_within_a_generation_leaves_no_trace_in_a_longer_search() {
    let workspace = Workspace::new();
    workspace.write("beacons.toml", with_beacons());
    // One large generation, and room for a beacon that is nearer than one before it.
    let wide = "--set search.start_uniform=false --set search.offspring=24 --set search.beacons.threshold=2 \
                --set search.beacons.region.above.speedup=5";
    let search = |evaluations: usize| format!("{RESUME} {wide} --set search.evaluations={evaluations}");
    workspace.ok(&search(28));
    fs::rename(workspace.path("run"), workspace.path("whole")).expect("moved");
    let mut again = 0;
    for evaluations in [8, 14, 20] {
        workspace.ok(&search(evaluations));
        workspace.ok(&search(28));
        // The lines of the log stand in the order in which they came about, which is another one.
        let same = differences(&workspace.path("whole"), &workspace.path("run"));
        assert_eq!(same, ["evaluations.jsonl differs"], "{evaluations}");
        again += loans_again(&workspace);
        fs::remove_dir_all(workspace.path("run")).expect("removed");
    }
    assert!(again > 0, "no budget ended between a candidate and the beacon that is nearest to it in the end");
}
