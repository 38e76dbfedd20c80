//! Corpora: who said what, when, in which file. Reading audio and making features comes after.
//!
//! Each corpus has a module with one `open(path, …) -> Result<Corpus>` that lists recordings without decoding audio and
//! refuses what it cannot read by file and reason.

pub mod timit;

use std::fmt;
use std::path::PathBuf;

pub mod fsdd;

/// Which part of a corpus a recording belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Split {
    /// For training.
    Train,
    /// For development: early stop, tuning, search.
    Valid,
    /// For the final figures.
    Test,
}

impl Split {
    /// All three, in the order of the enum.
    pub const ALL: [Self; 3] = [Self::Train, Self::Valid, Self::Test];

    /// `train`, `valid` or `test`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A labelled stretch of audio: samples `start..end` at the corpus' rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Index into [`Corpus::phones`]; `None` where the stretch has no target.
    pub phone: Option<u16>,
    /// First sample.
    pub start: u64,
    /// One past the last sample.
    pub end: u64,
}

/// Where the samples of an utterance are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudioSource {
    /// One file.
    File(PathBuf),
    /// Several files with silence before, between and after them: `silence[0] file[0] silence[1] … file[n-1] silence[n]`.
    Pieces {
        /// In order.
        files: Vec<PathBuf>,
        /// Samples of silence, one more than there are files.
        silence: Vec<u64>,
        /// Total length to check against, in samples.
        samples: u64,
    },
}

/// One utterance of a corpus.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Unique within the corpus.
    pub id: String,
    /// Who spoke.
    pub speaker: String,
    /// Which part it belongs to.
    pub split: Split,
    /// Where the samples are.
    pub audio: AudioSource,
    /// Contiguous, in order, in modelled phones.
    pub segments: Vec<Segment>,
    /// What was said, in scoring ids ([`Corpus::scored`]), as the corpus' scoring rule wants it.
    pub reference: Vec<u16>,
}

/// A corpus that has been opened: everything but the audio.
#[derive(Clone, Debug, PartialEq)]
pub struct Corpus {
    /// `timit`, `fsdd`, …
    pub name: String,
    /// Samples a second that every file must have.
    pub sample_rate: u32,
    /// Names of the modelled phones.
    pub phones: Vec<String>,
    /// Names of the scored phones.
    pub scored: Vec<String>,
    /// Scoring id of each modelled phone; `None`: left out of the score.
    pub fold: Vec<Option<u16>>,
    /// In a stable order.
    pub recordings: Vec<Recording>,
    /// What the tree lacks, in sentences for the user.
    pub notes: Vec<String>,
}

impl Corpus {
    /// The recordings of one part, in order.
    pub fn split(&self, split: Split) -> impl Iterator<Item = &Recording> {
        self.recordings.iter().filter(move |recording| recording.split == split)
    }
}
