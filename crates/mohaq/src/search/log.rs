//! The evaluation log: the truth about a search, one JSON object a line, flushed record by record.
//!
//! The first line is a header that says which search the records belong to; the others are candidates, and, where a search
//! has beacons, `{"beacon": …}` and `{"loan": …}` in the order in which they came about. A search that was killed finds the
//! answers here and asks only for those that are missing. The one thing ever dropped is a last line without its line feed: it was
//! being written when the process died. Every other line is whole and in its place, numbers ascending from 0, or the log is
//! refused by the number of the line.

use super::lender::Served;
use crate::eval::{Measurement, Partial};
use crate::quant::QuantSpec;
use crate::{Error, Result};
use mohaq_moo::Genome;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Version of the log's format.
const FORMAT: u32 = 1;

/// The first line: what the records were measured with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Format of the log.
    pub mohaq_log: u32,
    /// Everything that a measurement depends on: a name and a digest or value each.
    pub measured_with: BTreeMap<String, String>,
}

impl Header {
    /// A header of this version's format.
    pub fn new(measured_with: BTreeMap<String, String>) -> Self {
        Self { mohaq_log: FORMAT, measured_with }
    }
}

/// One evaluated candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Position in the search, from 0.
    pub id: usize,
    /// The generation that asked for it.
    pub generation: usize,
    /// As the searcher named it.
    pub genome: Genome,
    /// The same for people: weight×activation bits a site.
    pub bits: String,
    /// What was measured: with its own parameters, or with a beacon's where those make fewer errors.
    pub measurement: Measurement,
    /// How far it was measured, where it was stopped because it could not enter the front: its errors are estimates then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Partial>,
    /// The beacon whose parameters it was measured with; none in the log, where loans have lines of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beacon: Option<Served>,
}

impl Record {
    /// The precisions.
    ///
    /// # Errors
    /// [`Error::Record`] where a file has other text in their place.
    pub fn spec(&self) -> Result<QuantSpec> {
        let reason = |e| format!("candidate {}: {e}", self.id);
        self.bits.parse().map_err(|e| Error::Record { path: "evaluations.jsonl".into(), reason: reason(e) })
    }
}

/// A retrained network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeaconRecord {
    /// Its number, in the order of retraining.
    pub id: usize,
    /// The generation that it was retrained for.
    pub generation: usize,
    /// Weight×activation bits a site that it was retrained at.
    pub bits: String,
    /// Fingerprint of its file.
    pub digest: String,
    /// Epochs that it took.
    pub epochs: usize,
    /// Seconds that it took: the only figure of a log that depends on the machine.
    pub seconds: f64,
}

impl BeaconRecord {
    /// Refuses a record that is not of beacon `id` at `bits`.
    pub(super) fn check(&self, log: &Path, id: usize, bits: &str) -> Result<()> {
        if (self.id, self.bits.as_str()) == (id, bits) {
            return Ok(());
        }
        let reason = format!("beacon {} at {}, expected beacon {id} at {bits}", self.id, self.bits);
        Err(Error::Log { path: log.into(), line: 0, reason })
    }
}

/// A candidate measured with a beacon's parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoanRecord {
    /// The candidate.
    pub record: usize,
    /// The beacon.
    pub beacon: usize,
    /// How far it is.
    pub distance: f64,
    /// What was measured.
    pub measurement: Measurement,
}

/// `{"beacon": …}`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BeaconLine {
    beacon: BeaconRecord,
}

/// `{"loan": …}`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LoanLine {
    loan: LoanRecord,
}

/// What a log knows.
#[derive(Debug, Default)]
struct Known {
    records: BTreeMap<Genome, Record>,
    beacons: Vec<BeaconRecord>,
    /// By candidate.
    loans: BTreeMap<usize, LoanRecord>,
}

/// An open log.
#[derive(Debug)]
pub struct EvaluationLog {
    path: PathBuf,
    file: File,
    /// Bytes of its complete lines.
    end: u64,
    /// Whether part of a line that could not be written may stand behind them.
    torn: bool,
    known: Known,
}

impl EvaluationLog {
    /// Starts a log at `path`, which must not exist.
    ///
    /// # Errors
    /// [`Error::Io`] when it exists or cannot be written.
    pub fn create(path: &Path, header: &Header) -> Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|e| Error::io(path, e))?;
        let mut log = Self { path: path.into(), file, end: 0, torn: false, known: Known::default() };
        log.write_line(header)?;
        Ok(log)
    }

    /// Opens the log at `path` to go on with it.
    ///
    /// # Errors
    /// [`Error::Log`] when a complete line cannot be read or the records belong to another search, [`Error::Io`].
    pub fn resume(path: &Path, header: &Header) -> Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(|e| Error::io(path, e))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|e| Error::io(path, e))?;
        let complete = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let known = parse(path, &bytes[..complete], header)?;
        let mut log = Self { path: path.into(), file, end: complete as u64, torn: true, known };
        log.cut()?;
        if complete == 0 {
            log.write_line(header)?;
        }
        Ok(log)
    }

    /// The record of `genome`, when it has been evaluated.
    pub fn find(&self, genome: &Genome) -> Option<&Record> {
        self.known.records.get(genome)
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.known.records.len()
    }

    /// True before the first record.
    pub fn is_empty(&self) -> bool {
        self.known.records.is_empty()
    }

    /// Appends `record` and hands it to the operating system before returning.
    ///
    /// # Errors
    /// [`Error::Io`], for example on a full disk.
    pub fn append(&mut self, record: Record) -> Result<()> {
        self.write_line(&record)?;
        self.known.records.insert(record.genome.clone(), record);
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Beacon `id`, when it has been retrained.
    pub fn beacon(&self, id: usize) -> Option<&BeaconRecord> {
        self.known.beacons.get(id)
    }

    /// All beacons.
    pub fn beacons(&self) -> &[BeaconRecord] {
        &self.known.beacons
    }

    /// What candidate `id` borrowed last, when that has been measured.
    pub fn loan(&self, id: usize) -> Option<&LoanRecord> {
        self.known.loans.get(&id)
    }

    /// Appends a beacon, as [`append`](Self::append) does.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn append_beacon(&mut self, beacon: BeaconRecord) -> Result<()> {
        let line = BeaconLine { beacon };
        self.write_line(&line)?;
        self.known.beacons.push(line.beacon);
        Ok(())
    }

    /// Appends a loan, as [`append`](Self::append) does.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn append_loan(&mut self, loan: LoanRecord) -> Result<()> {
        let line = LoanLine { loan };
        self.write_line(&line)?;
        self.known.loans.insert(line.loan.record, line.loan);
        Ok(())
    }

    fn write_line(&mut self, value: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(value).map_err(|e| Error::Log {
            path: self.path.clone(),
            line: 0,
            reason: e.to_string(),
        })?;
        line.push(b'\n');
        self.cut()?;
        if let Err(error) = self.file.write_all(&line).and_then(|()| self.file.flush()) {
            self.torn = true;
            // What matters is why the line could not be written. Where its first part stays, the next line, or whoever
            // resumes, cuts it off.
            let _ = self.cut();
            return Err(Error::io(&self.path, error));
        }
        self.end += line.len() as u64;
        Ok(())
    }

    /// Cuts off part of a line, which the next one would otherwise go on with.
    fn cut(&mut self) -> Result<()> {
        if self.torn {
            let cut = self.file.set_len(self.end).and_then(|()| self.file.seek(SeekFrom::Start(self.end)));
            cut.map_err(|e| Error::io(&self.path, e))?;
            self.torn = false;
        }
        Ok(())
    }
}

/// Reads every line of a log, all of them complete.
fn parse(path: &Path, bytes: &[u8], expected: &Header) -> Result<Known> {
    let fail = |line: usize, reason: String| Error::Log { path: path.into(), line, reason };
    let mut lines = bytes.split_inclusive(|&byte| byte == b'\n').zip(1..);
    let Some((first, _)) = lines.next() else { return Ok(Known::default()) };
    let header: Header = serde_json::from_slice(first).map_err(|e| fail(1, e.to_string()))?;
    if let Some(difference) = difference(&header, expected) {
        return Err(fail(1, difference));
    }
    let mut known = Known::default();
    for (line, number) in lines {
        known.take(line).map_err(|reason| fail(number, reason))?;
    }
    Ok(known)
}

impl Known {
    /// Takes in a line behind the header, or says what is wrong with it.
    fn take(&mut self, line: &[u8]) -> std::result::Result<(), String> {
        let json = |e: serde_json::Error| e.to_string();
        if line.starts_with(b"{\"beacon\":{") {
            let BeaconLine { beacon } = serde_json::from_slice(line).map_err(json)?;
            in_turn("beacon", beacon.id, self.beacons.len())?;
            self.beacons.push(beacon);
        } else if line.starts_with(b"{\"loan\":{") {
            let LoanLine { loan } = serde_json::from_slice(line).map_err(json)?;
            there("candidate", loan.record, self.records.len())?;
            there("beacon", loan.beacon, self.beacons.len())?;
            self.loans.insert(loan.record, loan);
        } else {
            let record: Record = serde_json::from_slice(line).map_err(json)?;
            in_turn("candidate", record.id, self.records.len())?;
            if let Some(same) = self.records.get(&record.genome) {
                return Err(format!("candidate {} is the same as candidate {}", record.id, same.id));
            }
            self.records.insert(record.genome.clone(), record);
        }
        Ok(())
    }
}

/// Refuses any number but the next one.
fn in_turn(what: &str, got: usize, next: usize) -> std::result::Result<(), String> {
    if got == next { Ok(()) } else { Err(format!("{what} {got}, expected {what} {next}")) }
}

/// Refuses the number of something that no line before tells of.
fn there(what: &str, got: usize, count: usize) -> std::result::Result<(), String> {
    if got < count { Ok(()) } else { Err(format!("a loan of {what} {got}, expected one of the {count} before it")) }
}

/// What differs between the search that wrote a log and the one that wants to go on with it.
fn difference(found: &Header, expected: &Header) -> Option<String> {
    if found.mohaq_log != expected.mohaq_log {
        return Some(format!("log format {}, this version reads {}", found.mohaq_log, expected.mohaq_log));
    }
    let names = found.measured_with.keys().chain(expected.measured_with.keys());
    let changed = names.into_iter().find(|name| found.measured_with.get(*name) != expected.measured_with.get(*name))?;
    let value = |header: &Header| header.measured_with.get(changed).map_or("nothing", String::as_str).to_owned();
    Some(format!("the records were measured with another {changed}: {}, expected {}", value(found), value(expected)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn beacon(id: usize) -> BeaconRecord {
        BeaconRecord { id, generation: 0, bits: "2x8".into(), digest: "d".into(), epochs: 1, seconds: 0.5 }
    }

    #[test]
    fn a_line_that_could_not_be_written_is_not_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let (path, whole) = (folder.path().join("log.jsonl"), folder.path().join("whole.jsonl"));
        let header = Header::new(BTreeMap::new());
        let mut log = EvaluationLog::create(&path, &header).unwrap();
        // A handle that cannot write, then what a disk without room leaves of the line.
        let writable = std::mem::replace(&mut log.file, File::open(&path).unwrap());
        assert!(log.append_beacon(beacon(0)).is_err());
        assert!(log.beacons().is_empty(), "what is not on the disk is not known");
        log.file = writable;
        log.file.write_all(b"{\"beacon\":{\"id\":0,\"gen").unwrap();
        log.append_beacon(beacon(0)).unwrap();
        log.append_beacon(beacon(1)).unwrap();

        let mut undisturbed = EvaluationLog::create(&whole, &header).unwrap();
        (0..2).for_each(|id| undisturbed.append_beacon(beacon(id)).unwrap());
        assert_eq!(fs::read(&path).unwrap(), fs::read(&whole).unwrap());
    }
}
