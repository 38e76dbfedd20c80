//! The evaluation log: resuming keeps every complete line and drops a torn one, or leaves the file as it is and names a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mohaq::Error;
use mohaq::search::{EvaluationLog, Header};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A header, a candidate, its beacon and its loan, which random bytes seldom are.
const BEGUN: &[u8] = include_bytes!("evaluations.jsonl");

/// Candidates, beacons and loans.
fn counts(log: &EvaluationLog) -> [usize; 3] {
    [log.len(), log.beacons().len(), (0..log.len()).filter(|&id| log.loan(id).is_some()).count()]
}

fn resume(path: &Path) -> mohaq::Result<EvaluationLog> {
    EvaluationLog::resume(path, &Header::new(BTreeMap::from([("seed".to_owned(), "1".to_owned())])))
}

// The bytes go into a begun log from `at` on, in the place of `over` others.
fuzz_target!(|input: (u16, u16, &[u8])| {
    let (at, over, bytes) = input;
    let at = BEGUN.len().min(at.into());
    let behind = BEGUN.len().min(at + usize::from(over));
    let written = [&BEGUN[..at], bytes, &BEGUN[behind..]].concat();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("evaluations.jsonl");
    fs::write(&path, &written).expect("written");
    let resumed = resume(&path);
    let left = fs::read(&path).expect("still there");
    let complete = written.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    match resumed {
        Ok(log) => {
            assert!(left.starts_with(&written[..complete]) && left.ends_with(b"\n"));
            let again = resume(&path).expect("what was accepted once");
            assert_eq!(counts(&again), counts(&log));
        }
        Err(Error::Log { line, .. }) => {
            assert!(line >= 1 && line <= written.iter().filter(|&&byte| byte == b'\n').count());
            assert_eq!(left, written);
        }
        Err(error) => panic!("{error}"),
    }
});
