//! The evaluation log: the truth about a search, one JSON object a line, flushed record by record.
//!
//! The first line is a header that says which search the records belong to; the others are candidates, and, where a search
//! has beacons, `{"beacon": …}` and `{"loan": …}` in the order in which they came about. A search that was killed finds the
//! answers here and asks only for those that are missing. The one thing ever dropped is a last line without its line feed: it was
//! being written when the process died.

use super::lender::Served;
use crate::eval::Measurement;
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
    known: Known,
}

impl EvaluationLog {
    /// Starts a log at `path`, which must not exist.
    ///
    /// # Errors
    /// [`Error::Io`] when it exists or cannot be written.
    pub fn create(path: &Path, header: &Header) -> Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|e| Error::io(path, e))?;
        let mut log = Self { path: path.into(), file, known: Known::default() };
        log.write_line(header)?;
        Ok(log)
    }

    /// Opens the log at `path` to go on with it.
    ///
    /// # Errors
    /// [`Error::Log`] when a complete line cannot be read or the records belong to another search, [`Error::Io`].
    pub fn resume(path: &Path, header: &Header) -> Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(|e| Error::io(path, e))?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|e| Error::io(path, e))?;
        let complete = text.rfind('\n').map_or(0, |end| end + 1);
        let known = parse(path, &text[..complete], header)?;
        file.set_len(complete as u64).map_err(|e| Error::io(path, e))?;
        file.seek(SeekFrom::End(0)).map_err(|e| Error::io(path, e))?;
        let mut log = Self { path: path.into(), file, known };
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

    /// What candidate `id` borrowed, when that has been measured.
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
        self.file.write_all(&line).and_then(|()| self.file.flush()).map_err(|e| Error::io(&self.path, e))
    }
}

/// Reads every complete line of a log.
fn parse(path: &Path, text: &str, expected: &Header) -> Result<Known> {
    let fail = |line: usize, reason: String| Error::Log { path: path.into(), line, reason };
    let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    let Some((_, first)) = lines.next() else { return Ok(Known::default()) };
    let header: Header = serde_json::from_str(first).map_err(|e| fail(1, e.to_string()))?;
    if let Some(difference) = difference(&header, expected) {
        return Err(fail(1, difference));
    }
    let mut known = Known::default();
    for (number, line) in lines {
        known.take(line).map_err(|e| fail(number, e.to_string()))?;
    }
    Ok(known)
}

impl Known {
    /// Takes in a line behind the header.
    fn take(&mut self, line: &str) -> serde_json::Result<()> {
        if line.starts_with("{\"beacon\":{") {
            self.beacons.push(serde_json::from_str::<BeaconLine>(line)?.beacon);
        } else if line.starts_with("{\"loan\":{") {
            let loan = serde_json::from_str::<LoanLine>(line)?.loan;
            self.loans.insert(loan.record, loan);
        } else {
            let record: Record = serde_json::from_str(line)?;
            self.records.insert(record.genome.clone(), record);
        }
        Ok(())
    }
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
