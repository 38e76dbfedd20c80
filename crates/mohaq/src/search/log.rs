//! The evaluation log: the truth about a search, one JSON object a line, flushed record by record.
//!
//! The first line is a header that says which search the records belong to. A search that was killed finds the answers
//! here and asks only for those that are missing. The one thing ever dropped is a last line without its line feed: it was
//! being written when the process died.

use crate::eval::Measurement;
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
    /// What was measured.
    pub measurement: Measurement,
}

/// An open log.
#[derive(Debug)]
pub struct EvaluationLog {
    path: PathBuf,
    file: File,
    known: BTreeMap<Genome, Record>,
}

impl EvaluationLog {
    /// Starts a log at `path`, which must not exist.
    ///
    /// # Errors
    /// [`Error::Io`] when it exists or cannot be written.
    pub fn create(path: &Path, header: &Header) -> Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|e| Error::io(path, e))?;
        let mut log = Self { path: path.into(), file, known: BTreeMap::new() };
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
        self.known.get(genome)
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// True before the first record.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Appends `record` and hands it to the operating system before returning.
    ///
    /// # Errors
    /// [`Error::Io`], for example on a full disk.
    pub fn append(&mut self, record: Record) -> Result<()> {
        self.write_line(&record)?;
        self.known.insert(record.genome.clone(), record);
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
fn parse(path: &Path, text: &str, expected: &Header) -> Result<BTreeMap<Genome, Record>> {
    let fail = |line: usize, reason: String| Error::Log { path: path.into(), line, reason };
    let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    let Some((_, first)) = lines.next() else { return Ok(BTreeMap::new()) };
    let header: Header = serde_json::from_str(first).map_err(|e| fail(1, e.to_string()))?;
    if let Some(difference) = difference(&header, expected) {
        return Err(fail(1, difference));
    }
    let mut known = BTreeMap::new();
    for (number, line) in lines {
        let record: Record = serde_json::from_str(line).map_err(|e| fail(number, e.to_string()))?;
        known.insert(record.genome.clone(), record);
    }
    Ok(known)
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
