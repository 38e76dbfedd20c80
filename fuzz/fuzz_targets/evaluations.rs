//! The evaluation log: resuming keeps every complete line and drops a torn one, or leaves the file as it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mohaq::search::{EvaluationLog, Header};
use std::collections::BTreeMap;
use std::fs;

fuzz_target!(|input: (bool, &[u8])| {
    let (begun, bytes) = input;
    let header = Header::new(BTreeMap::from([("seed".to_owned(), "1".to_owned())]));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("evaluations.jsonl");
    let mut written = Vec::new();
    if begun {
        // Past the header, which random bytes seldom are.
        drop(EvaluationLog::create(&path, &header).expect("a new file"));
        written = fs::read(&path).expect("the header");
    }
    written.extend_from_slice(bytes);
    fs::write(&path, &written).expect("written");
    let resumed = EvaluationLog::resume(&path, &header);
    let left = fs::read(&path).expect("still there");
    let complete = written.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    match resumed {
        Ok(log) => {
            assert!(left.starts_with(&written[..complete]) && left.ends_with(b"\n"));
            let again = EvaluationLog::resume(&path, &header).expect("what was accepted once");
            assert_eq!(again.len(), log.len());
        }
        Err(_) => assert_eq!(left, written),
    }
});
