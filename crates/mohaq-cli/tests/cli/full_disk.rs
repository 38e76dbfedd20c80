//! Disks that are full and directories that may not be written: the error names the file, and once there is room `--resume`
//! ends in the bytes of a run that always had it.
//!
//! The shell's limit on the size of a file stands in for a full disk: as there, a write comes to an end in the middle.

use crate::killed::with_beacons;
use crate::same::{differences, files};
use crate::workspace::Workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const RESUME: &str = "run beacons.toml --data corpus --out run --resume";

/// A finished search with beacons in `whole`, and nothing in `run`.
fn finished() -> (Workspace, BTreeMap<String, Vec<u8>>) {
    let workspace = Workspace::new();
    workspace.write("beacons.toml", with_beacons());
    workspace.ok(RESUME);
    fs::rename(workspace.path("run"), workspace.path("whole")).expect("moved");
    let whole = files(&workspace.path("whole"));
    (workspace, whole)
}

/// Puts into `run` those files of a finished run whose names begin with one of `starts`.
fn begun(workspace: &Workspace, whole: &BTreeMap<String, Vec<u8>>, starts: &[&str]) {
    for (name, bytes) in whole.iter().filter(|(name, _)| starts.iter().any(|start| name.starts_with(start))) {
        workspace.write(&format!("run/{name}"), bytes);
    }
}

/// What is there when training begins, and when the search begins.
const FEATURES: [&str; 1] = ["cache/"];
const TRAINED: [&str; 6] = ["cache/", "checkpoint/", "network.", "training.", "calibration.", "plan."];

/// Goes on without limits and compares; then clears `run`.
fn assert_mended(workspace: &Workspace, after: &str) {
    workspace.ok(RESUME);
    assert_eq!(differences(&workspace.path("whole"), &workspace.path("run")), [""; 0], "{after}");
    fs::remove_dir_all(workspace.path("run")).expect("removed");
}

/// Runs with no file longer than `blocks` of 512 bytes, which must fail; returns the file that the error names.
fn too_large(workspace: &Workspace, blocks: usize) -> String {
    let said = workspace.limited(blocks, RESUME);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{blocks} blocks: {said:?}");
    let file = said.error().strip_prefix("F/run/").and_then(|rest| rest.strip_suffix(": File too large (os error 27)"));
    let name = file.unwrap_or_else(|| panic!("{}", said.error())).to_owned();
    let half = |name: &String| name.ends_with(".partial") || name.ends_with(".tmp");
    let partial = files(&workspace.path("run")).into_keys().find(half);
    assert_eq!(partial, None, "{blocks} blocks");
    name
}

#[test]
fn a_disk_that_fills_up_costs_nothing_but_the_line_or_file_that_it_could_not_hold() {
    let (workspace, whole) = finished();
    let mut named = BTreeSet::new();
    let [checkpoint, log, page] =
        ["checkpoint/training.safetensors", "evaluations.jsonl", "report.html"].map(|name| whole[name].len());
    // Times stand in the log, so that it has some bytes more or less every time: a whole block is what it surely lacks.
    let log = log - 1024;
    let starts: [(&[&str], &[usize]); 3] = [
        (&[], &[1, 4096]),
        (&FEATURES, &[4096, checkpoint - 1]),
        (&TRAINED, &[1024, 4096, checkpoint - 1, log, page / 2, page - 1]),
    ];
    for (there, sizes) in starts {
        for size in sizes {
            begun(&workspace, &whole, there);
            let name = too_large(&workspace, size / 512);
            println!("{size:6} bytes, with {there:?}: {name}");
            if let Some(log) = fs::read(workspace.path("run/evaluations.jsonl")).ok().filter(|log| !log.is_empty()) {
                assert_eq!(log.last(), Some(&b'\n'), "what there was no room for is not left in the log");
            }
            assert_mended(&workspace, &format!("{size} bytes, {name}"));
            named.insert(name);
        }
    }
    for name in ["plan.toml", "checkpoint/training.safetensors", "evaluations.jsonl", "report.html"] {
        assert!(named.contains(name), "{name} was never too large: {named:?}");
    }
    assert!(named.iter().any(|name| name.contains(".training/")), "no beacon's checkpoint was too large: {named:?}");
}

#[test]
fn a_beacon_that_there_was_no_room_for_is_not_retrained_again() {
    let (workspace, whole) = finished();
    let (beacon, bytes) = whole.iter().find(|(name, _)| name.starts_with("beacons/")).expect("a beacon");
    begun(&workspace, &whole, &TRAINED);
    // What stands in its way lets the retraining end, but not be kept.
    for name in whole.keys().filter(|name| name.starts_with("beacons/")) {
        fs::create_dir_all(workspace.path(&format!("run/{name}.partial"))).expect("a folder");
    }
    let said = workspace.refused(1, RESUME);
    assert!(said.error().starts_with("F/run/beacons/") && said.error().ends_with(": Is a directory (os error 21)"));
    for name in whole.keys().filter(|name| name.starts_with("beacons/")) {
        fs::remove_dir(workspace.path(&format!("run/{name}.partial"))).expect("removed");
    }
    let name = too_large(&workspace, bytes.len() / 512 - 1);
    assert!(name.starts_with("beacons/") && name.ends_with(".safetensors") && !name.contains(".training"), "{name}");
    println!("{name}, as long as {beacon}");
    assert_mended(&workspace, &name);
}

#[test]
fn a_directory_that_may_not_be_written_is_named_and_left_as_it_is() {
    let (workspace, whole) = finished();
    begun(&workspace, &whole, &TRAINED);
    let run = workspace.path("run");
    let allow = |mode: u32| fs::set_permissions(&run, fs::Permissions::from_mode(mode)).expect("our own directory");
    allow(0o555);
    if fs::write(run.join("probe"), "").is_ok() {
        eprintln!("SKIPPED: whoever runs the tests may write everywhere");
        return;
    }
    let before = files(&run);
    let said = workspace.refused(1, RESUME);
    assert_eq!(said.error(), "F/run/.lock: Permission denied (os error 13)");
    assert!(files(&run) == before);
    allow(0o755);
    assert_mended(&workspace, "a directory that could not be written");
}
