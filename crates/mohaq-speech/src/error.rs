//! What can be wrong with the files and settings that come from outside.

use std::io;
use std::path::{Path, PathBuf};

/// The crate's result.
pub type Result<T> = core::result::Result<T, Error>;

/// Why audio, a corpus, a container or a setting was refused. Each names the file and what was expected and found there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system said no.
    #[error("{}: {source}", path.display())]
    Io {
        /// File or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not audio, or audio of a kind that is not read.
    #[error("{}: {reason}", path.display())]
    Audio {
        /// The audio file.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// The header promises more than the file holds.
    #[error("{}: truncated: header says {expected} bytes of samples, file has {got}", path.display())]
    Truncated {
        /// The audio file.
        path: PathBuf,
        /// Bytes of samples by the header.
        expected: u64,
        /// Bytes of samples in the file.
        got: u64,
    },
    /// Audio at another rate than the rest of its corpus.
    #[error("{}: sample rate is {got} Hz, expected {expected} Hz", path.display())]
    SampleRate {
        /// The audio file.
        path: PathBuf,
        /// The corpus' rate in Hz.
        expected: u32,
        /// The file's rate in Hz.
        got: u32,
    },
    /// A directory or an index that is not the corpus it should be, or is damaged.
    #[error("{}{}: {reason}", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Corpus {
        /// The file or directory.
        path: PathBuf,
        /// The line at fault, from 1, where there is one.
        line: Option<usize>,
        /// What was expected and what was found.
        reason: String,
    },
    /// A file of feature sequences whose content is not what its layout asks for.
    #[error("{}{}: {reason}", path.display(), key.as_ref().map(|key| format!(": `{key}`")).unwrap_or_default())]
    Container {
        /// The `.npz` or safetensors file, or their directory.
        path: PathBuf,
        /// The array at fault, where there is one.
        key: Option<String>,
        /// What was expected and what was found.
        reason: String,
    },
    /// A feature that is NaN or infinite.
    #[error("{source_name}: frame {frame}, value {index} is {value}, expected a finite number")]
    NotFinite {
        /// The file (and the array in it) that the features come from.
        source_name: String,
        /// From 0.
        frame: usize,
        /// Which value of the frame, from 0.
        index: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// An utterance with less audio than one frame needs.
    #[error("{source_name}: {samples} samples, expected at least {needed} for one frame")]
    TooShort {
        /// The utterance's file or id.
        source_name: String,
        /// Samples found.
        samples: u64,
        /// Samples of one frame.
        needed: u64,
    },
    /// A setting that cannot be honoured.
    #[error("`{name}` is {got}, expected {expected}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// What would be accepted.
        expected: String,
        /// What was asked for.
        got: String,
    },
}

impl Error {
    /// An [`Error::Io`] maker for `map_err`.
    pub fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_path_buf(), source }
    }

    /// An [`Error::Audio`].
    pub fn audio(path: &Path, reason: impl Into<String>) -> Self {
        Self::Audio { path: path.to_path_buf(), reason: reason.into() }
    }

    /// An [`Error::Corpus`] about a whole file or directory.
    pub fn corpus(path: &Path, reason: impl Into<String>) -> Self {
        Self::Corpus { path: path.to_path_buf(), line: None, reason: reason.into() }
    }

    /// An [`Error::Corpus`] about line `line` (from 1).
    pub fn corpus_line(path: &Path, line: usize, reason: impl Into<String>) -> Self {
        Self::Corpus { path: path.to_path_buf(), line: Some(line), reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_file_line_and_both_numbers() {
        let line = Error::corpus_line(Path::new("dr1/x.phn"), 3, "unknown phone `zz`");
        assert_eq!(line.to_string(), "dr1/x.phn:3: unknown phone `zz`");
        assert_eq!(Error::corpus(Path::new("d"), "empty").to_string(), "d: empty");
        let truncated = Error::Truncated { path: "a.wav".into(), expected: 8, got: 6 };
        assert_eq!(truncated.to_string(), "a.wav: truncated: header says 8 bytes of samples, file has 6");
        let key = Error::Container { path: "f.npz".into(), key: Some("train/a.x".into()), reason: "ragged".into() };
        assert_eq!(key.to_string(), "f.npz: `train/a.x`: ragged");
    }
}
