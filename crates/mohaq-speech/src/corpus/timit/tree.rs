//! The directories and files of a TIMIT tree, in either letter case.

use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Directories that may lie between the path that a user gives and `TRAIN`, as on the disc and in common archives.
const WRAPPERS: [&str; 2] = ["timit", "data"];

/// The two parts of the corpus.
pub(super) struct Root {
    pub(super) train: PathBuf,
    pub(super) test: PathBuf,
}

/// Files of one sentence.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sentence {
    /// In lower case.
    pub(super) speaker: String,
    /// In lower case: `sx127`.
    pub(super) name: String,
    pub(super) wav: PathBuf,
    pub(super) phn: PathBuf,
    pub(super) has_txt: bool,
}

impl Sentence {
    /// One of the two sentences that everybody reads.
    pub(super) fn is_sa(&self) -> bool {
        matches!(self.name.as_str(), "sa1" | "sa2")
    }
}

pub(super) fn root(path: &Path) -> Result<Root> {
    let mut directory = path.to_path_buf();
    // The disc has TIMIT/TIMIT, archives have data/TIMIT: two wrappers at most.
    for _ in 0..=2 {
        match (child(&directory, "train")?, child(&directory, "test")?) {
            (Some(train), Some(test)) => return Ok(Root { train, test }),
            (Some(_), None) => return Err(Error::corpus(&directory, "TRAIN without a TEST beside it")),
            (None, Some(_)) => return Err(Error::corpus(&directory, "TEST without a TRAIN beside it")),
            (None, None) => {}
        }
        let mut inner = None;
        for wrapper in WRAPPERS {
            inner = inner.or(child(&directory, wrapper)?);
        }
        match inner {
            Some(inner) => directory = inner,
            None => break,
        }
    }
    Err(Error::corpus(path, "no TRAIN and TEST here, expected TRAIN/DR1/SPEAKER/SENTENCE.WAV in either letter case"))
}

/// All sentences below `TRAIN` or `TEST`, ordered by speaker and name.
pub(super) fn sentences(part: &Path) -> Result<Vec<Sentence>> {
    let mut speakers: BTreeMap<String, PathBuf> = BTreeMap::new();
    for region in directories(part)? {
        for speaker in directories(&region.1)? {
            if let Some(other) = speakers.insert(speaker.0.clone(), speaker.1) {
                let reason = format!("speaker `{}` is also in {}", speaker.0, other.display());
                return Err(Error::corpus(&region.1, reason));
            }
        }
    }
    let mut sentences = Vec::new();
    for (speaker, directory) in speakers {
        sentences.extend(of_speaker(&speaker, &directory)?);
    }
    if sentences.is_empty() {
        return Err(Error::corpus(part, "no sentence, expected DR1/SPEAKER/SENTENCE.WAV and .PHN"));
    }
    Ok(sentences)
}

fn of_speaker(speaker: &str, directory: &Path) -> Result<Vec<Sentence>> {
    let mut files: BTreeMap<String, BTreeMap<String, PathBuf>> = BTreeMap::new();
    for (name, path) in entries(directory)? {
        let Some((stem, kind)) = name.split_once('.') else { continue };
        if matches!(kind, "wav" | "wav.wav" | "phn" | "txt")
            && let Some(other) = files.entry(stem.to_owned()).or_default().insert(kind.to_owned(), path.clone())
        {
            return Err(Error::corpus(&path, format!("is also there as {}", other.display())));
        }
    }
    let mut sentences = Vec::new();
    for (name, mut kinds) in files {
        let has_txt = kinds.contains_key("txt");
        match (kinds.remove("wav").or(kinds.remove("wav.wav")), kinds.remove("phn")) {
            (Some(wav), Some(phn)) => {
                sentences.push(Sentence { speaker: speaker.to_owned(), name, wav, phn, has_txt });
            }
            (Some(wav), None) => return Err(Error::corpus(&wav, "has no .PHN beside it")),
            (None, Some(phn)) => return Err(Error::corpus(&phn, "has no .WAV beside it")),
            (None, None) => {}
        }
    }
    Ok(sentences)
}

/// The directory `name` (in lower case) in `directory`, however it is written.
fn child(directory: &Path, name: &str) -> Result<Option<PathBuf>> {
    let mut found = directories(directory)?.into_iter().filter(|(entry, _)| entry == name).map(|(_, path)| path);
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => Err(Error::corpus(&second, format!("is also there as {}", first.display()))),
        (first, _) => Ok(first),
    }
}

fn directories(directory: &Path) -> Result<Vec<(String, PathBuf)>> {
    Ok(entries(directory)?.into_iter().filter(|(_, path)| path.is_dir()).collect())
}

/// Names in lower case and paths of what is in a directory, sorted; hidden files are none of ours.
fn entries(directory: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory).map_err(Error::io(directory))? {
        let entry = entry.map_err(Error::io(directory))?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if !name.starts_with('.') {
            entries.push((name, entry.path()));
        }
    }
    entries.sort();
    Ok(entries)
}
