//! What an evaluation log takes for its own: whole lines in their order, and nothing else.

use mohaq::Error;
use mohaq::eval::Measurement;
use mohaq::platform::Cost;
use mohaq::search::{BeaconRecord, EvaluationLog, Header, LoanRecord, Record};
use mohaq_moo::Genome;
use mohaq_speech::score::Counts;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn header() -> Header {
    Header::new(BTreeMap::from([("network".to_owned(), "abc".to_owned())]))
}

fn measurement(error: f64) -> Measurement {
    let cost =
        Cost { weight_bits: 800, memory_bits: 960, memory_bits_paper: 960, speedup: Some(4.0), ..Cost::default() };
    Measurement { error, subset_errors: vec![error], errors: Counts::default(), cost }
}

fn candidate(id: usize) -> Record {
    let (genome, bits) = (Genome(vec![id as u16, 1]), "2x8 4x4".to_owned());
    Record {
        id,
        generation: id / 2,
        genome,
        bits,
        measurement: measurement(30.0 - id as f64),
        partial: None,
        beacon: None,
    }
}

fn beacon(id: usize) -> BeaconRecord {
    BeaconRecord { id, generation: id, bits: "2x8 4x4".into(), digest: format!("{id:032x}"), epochs: 3, seconds: 0.25 }
}

fn loan(record: usize, beacon: usize) -> LoanRecord {
    LoanRecord { record, beacon, distance: 1.0, measurement: measurement(12.5) }
}

/// A log of two generations of two candidates, each with a beacon and two loans: a header and ten lines.
fn written(path: &Path) -> Vec<u8> {
    let mut log = EvaluationLog::create(path, &header()).expect("a new file");
    for generation in 0..2 {
        let candidates = [2 * generation, 2 * generation + 1];
        candidates.iter().for_each(|&id| log.append(candidate(id)).expect("written"));
        log.append_beacon(beacon(generation)).expect("written");
        candidates.iter().for_each(|&id| log.append_loan(loan(id, generation)).expect("written"));
    }
    fs::read(path).expect("the log")
}

/// A folder with a path for a log in it.
fn place() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("evaluations.jsonl");
    (folder, path)
}

/// Candidates, beacons and loans of `log`.
fn counts(log: &EvaluationLog) -> [usize; 3] {
    [log.len(), log.beacons().len(), (0..log.len()).filter(|&id| log.loan(id).is_some()).count()]
}

/// Where the lines of `bytes` end.
fn ends(bytes: &[u8]) -> Vec<usize> {
    (1..=bytes.len()).filter(|&end| bytes[end - 1] == b'\n').collect()
}

#[test]
fn a_line_torn_at_any_byte_is_dropped_and_written_again() {
    let (_folder, path) = place();
    let whole = written(&path);
    let lines = ends(&whole);
    // Of each kind the last line: a candidate, a beacon, a loan.
    for (line, again) in [(7, "candidate"), (8, "beacon"), (10, "loan")] {
        let (start, end) = (lines[line - 1], lines[line]);
        for torn in start..end {
            fs::write(&path, &whole[..torn]).expect("written");
            let mut log = EvaluationLog::resume(&path, &header()).expect("a torn line is no fault");
            assert_eq!(fs::read(&path).expect("the log"), whole[..start], "{again} torn at byte {}", torn - start);
            match again {
                "candidate" => log.append(candidate(3)),
                "beacon" => log.append_beacon(beacon(1)),
                _ => log.append_loan(loan(3, 1)),
            }
            .expect("written");
            assert_eq!(fs::read(&path).expect("the log"), whole[..end], "{again} torn at byte {}", torn - start);
        }
    }
}

#[test]
fn a_header_torn_at_any_byte_is_written_again() {
    let (_folder, path) = place();
    let whole = written(&path);
    let first = ends(&whole)[0];
    for torn in 0..first {
        fs::write(&path, &whole[..torn]).expect("written");
        let log = EvaluationLog::resume(&path, &header()).expect("a torn line is no fault");
        assert_eq!(counts(&log), [0; 3]);
        assert_eq!(fs::read(&path).expect("the log"), whole[..first]);
    }
}

#[test]
fn a_line_out_of_its_place_is_refused_by_number() {
    let (_folder, path) = place();
    let whole = String::from_utf8(written(&path)).expect("text");
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let without = |line: usize| [&lines[..line], &lines[line + 1..]].concat().concat();
    let twice = |line: usize| [&lines[..=line], &lines[line..]].concat().concat();
    let renamed =
        whole.replacen("{\"id\":1,\"generation\":0,\"genome\":[1,1]", "{\"id\":1,\"generation\":0,\"genome\":[0,1]", 1);
    for (log, at, reason) in [
        (without(1), 2, "candidate 1, expected candidate 0"),
        (without(2), 5, "a loan of candidate 1, expected one of the 1 before it"),
        (without(3), 4, "a loan of beacon 0, expected one of the 0 before it"),
        (without(8), 9, "a loan of beacon 1, expected one of the 1 before it"),
        (twice(2), 4, "candidate 1, expected candidate 2"),
        (twice(3), 5, "beacon 0, expected beacon 1"),
        (renamed, 3, "candidate 1 is the same as candidate 0"),
    ] {
        fs::write(&path, &log).expect("written");
        let error = EvaluationLog::resume(&path, &header()).expect_err("a line is out of its place");
        assert_eq!(error.to_string(), format!("{}:{at}: {reason}", path.display()));
        assert_eq!(fs::read_to_string(&path).expect("the log"), log, "what is refused is left as it is");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_by_the_number_of_their_line() {
    let (_folder, path) = place();
    let mut bytes = written(&path);
    let third = ends(&bytes)[2];
    bytes[third + 5] = 0xff;
    fs::write(&path, &bytes).expect("written");
    assert!(matches!(EvaluationLog::resume(&path, &header()), Err(Error::Log { line: 4, .. })));
}

/// A change to some bytes.
#[derive(Clone, Debug)]
enum Change {
    Put(prop::sample::Index, Vec<u8>),
    Cut(prop::sample::Index, usize),
    /// Copies a line behind another one.
    Copy(prop::sample::Index, prop::sample::Index),
    End(prop::sample::Index),
}

impl Change {
    fn any() -> impl Strategy<Value = Self> {
        let index = any::<prop::sample::Index>;
        prop_oneof![
            (
                index(),
                prop_oneof![prop::collection::vec(any::<u8>(), 1..4), "[0-9\n\"{}:,]{1,3}".prop_map(String::into)]
            )
                .prop_map(|(at, bytes)| Self::Put(at, bytes)),
            (index(), 1_usize..600).prop_map(|(at, count)| Self::Cut(at, count)),
            (index(), index()).prop_map(|(line, behind)| Self::Copy(line, behind)),
            index().prop_map(Self::End),
        ]
    }

    fn apply(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len() + 1;
        match self {
            Self::Put(at, new) => drop(bytes.splice(at.index(length)..at.index(length), new.iter().copied())),
            Self::Cut(at, count) => {
                let at = at.index(length);
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Self::Copy(line, behind) => {
                let ends = [vec![0], ends(bytes)].concat();
                let line = line.index(ends.len());
                let copied = bytes[ends[line]..ends.get(line + 1).copied().unwrap_or(bytes.len())].to_vec();
                let behind = ends[behind.index(ends.len())];
                bytes.splice(behind..behind, copied);
            }
            Self::End(at) => bytes.truncate(at.index(length)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_changed_log_is_refused_by_line_or_read_as_what_its_lines_say(
        changes in prop::collection::vec(Change::any(), 0..3)
    ) {
        let (_folder, path) = place();
        let mut bytes = written(&path);
        changes.iter().for_each(|change| change.apply(&mut bytes));
        fs::write(&path, &bytes).expect("written");
        let read = EvaluationLog::resume(&path, &header());
        let left = fs::read(&path).expect("the log");
        let lines = ends(&bytes);
        match read {
            Err(Error::Log { line, .. }) => {
                prop_assert!((1..=lines.len()).contains(&line), "line {} of {}", line, lines.len());
                prop_assert_eq!(left, bytes);
            }
            Err(other) => prop_assert!(false, "{}", other),
            Ok(log) => {
                let complete = lines.last().copied().unwrap_or(0);
                prop_assert!(left.starts_with(&bytes[..complete]));
                prop_assert!(complete == 0 || left.len() == complete);
                // Whatever it was told last, it was a log before: nothing in it depends on what comes later.
                let mut more = [0; 3];
                for &end in &lines {
                    fs::write(&path, &bytes[..end]).expect("written");
                    let counts = counts(&EvaluationLog::resume(&path, &header()).expect("the beginning of a log"));
                    prop_assert!(counts.iter().zip(more).all(|(now, before)| *now >= before));
                    more = counts;
                }
                prop_assert_eq!(more, counts(&log));
            }
        }
    }
}
