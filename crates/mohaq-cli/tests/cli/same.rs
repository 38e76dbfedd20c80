//! Whether two run directories hold the same files with the same bytes, times apart.

use crate::workspace::Workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The files in which a `seconds` stands, and nothing else that depends on the machine.
const TIMED: [&str; 2] = ["evaluations.jsonl", "training.json"];

/// The same in the header of a safetensors file.
const TIMED_TENSORS: &str = "checkpoint/training.safetensors";

/// Every difference of two run directories, by file; none where they are the same but for times.
pub(crate) fn differences(one: &Path, other: &Path) -> Vec<String> {
    let [one, other] = [one, other].map(files);
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let difference = |name: &String| match (one.get(name), other.get(name)) {
        (Some(one), Some(other)) if timeless(name, one) == timeless(name, other) => None,
        (Some(_), Some(_)) => Some(format!("{name} differs")),
        (Some(_), None) => Some(format!("{name} is missing")),
        (None, _) => Some(format!("{name} is too much")),
    };
    names.into_iter().filter_map(difference).collect()
}

/// Every file below `root`, by its path from there.
pub(crate) fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
                files.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    files
}

/// `bytes` of the file `name` without times.
fn timeless(name: &str, bytes: &[u8]) -> Vec<u8> {
    if TIMED.contains(&name) {
        return without_seconds(bytes);
    }
    if name != TIMED_TENSORS {
        return bytes.to_owned();
    }
    // Its length, the header with blanks behind it, the numbers.
    let (length, rest) = bytes.split_first_chunk().expect("a safetensors file");
    let (header, numbers) = rest.split_at(u64::from_le_bytes(*length) as usize);
    [&without_seconds(header.trim_ascii_end()), numbers].concat()
}

/// `bytes` without the number behind any `"seconds":`, which may be escaped as JSON within JSON is.
fn without_seconds(bytes: &[u8]) -> Vec<u8> {
    const KEY: &[u8] = b"seconds";
    let mut kept = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(KEY.len()).position(|window| window == KEY) {
        let (before, behind) = rest.split_at(at + KEY.len());
        kept.extend_from_slice(before);
        let sign = behind.iter().position(|byte| !b"\\\": ".contains(byte)).unwrap_or(behind.len());
        let number = behind[sign..].iter().take_while(|byte| b"0123456789.eE+-".contains(byte)).count();
        rest = &behind[sign + number..];
    }
    kept.extend_from_slice(rest);
    kept
}

#[test]
fn times_alone_may_differ() {
    let line = |seconds: &str| format!("{{\"beacon\":{{\"epochs\":2,\"seconds\":{seconds}}}}}\n");
    let same = |name, one: &str, other: &str| timeless(name, one.as_bytes()) == timeless(name, other.as_bytes());
    assert!(same("evaluations.jsonl", &line("0.5"), &line("12.25e-3")));
    assert!(!same("evaluations.jsonl", &line("0.5"), &line("0.5").replace('2', "3")));
    assert!(!same("evaluations.jsonl", &line("0.5"), &format!("{}{}", line("0.5"), line("0.5"))));
    assert!(!same("front.json", &line("0.5"), &line("0.6")), "no time stands in front.json");
    let header = |seconds: &str, loss: &str| format!("{{\\\"seconds\\\":{seconds},\\\"loss\\\":{loss}}}  ");
    let tensors = |header: String| [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[1, 2]].concat();
    let [one, other, third] = [("1.5", "3"), ("1", "3"), ("1", "4")].map(|(s, l)| tensors(header(s, l)));
    assert_eq!(timeless(TIMED_TENSORS, &one), timeless(TIMED_TENSORS, &other));
    assert_ne!(timeless(TIMED_TENSORS, &other), timeless(TIMED_TENSORS, &third));
}

#[test]
fn a_changed_byte_of_any_file_is_seen() {
    let workspace = Workspace::new();
    workspace.ok("run tiny.toml --data corpus --out one");
    let (one, other) = (workspace.path("one"), workspace.path("other"));
    for (name, bytes) in files(&one) {
        workspace.write(&format!("other/{name}"), bytes);
    }
    assert_eq!(differences(&one, &other), [""; 0]);
    for (name, mut bytes) in files(&one).into_iter().filter(|(_, bytes)| !bytes.is_empty()) {
        let untouched = bytes.clone();
        *bytes.last_mut().expect("a byte") ^= 1;
        workspace.write(&format!("other/{name}"), bytes);
        assert_eq!(differences(&one, &other), [format!("{name} differs")]);
        workspace.write(&format!("other/{name}"), untouched);
    }
    workspace.write("other/beacons/x.safetensors.partial", "");
    assert_eq!(differences(&one, &other), ["beacons/x.safetensors.partial is too much"]);
    assert_eq!(differences(&other, &one), ["beacons/x.safetensors.partial is missing"]);
}
