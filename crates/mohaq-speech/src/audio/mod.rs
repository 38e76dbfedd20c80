//! Audio files to samples: RIFF WAVE and NIST SPHERE, told apart by their first bytes and never by their names.
//!
//! One channel only: a file with more is refused, since which one to take is not ours to guess. Samples come out as
//! `f32` in units of 16 bit integers whatever the file holds (±32768 is full scale), which is what Kaldi computes
//! features from. Headers are believed only as far as the file's length bears them out, so a header that lies costs an
//! error and no memory.
//!
//! ```no_run
//! let audio = mohaq_speech::audio::read("TRAIN/DR1/FCJF0/SI1027.WAV".as_ref())?;
//! println!("{} samples at {} Hz", audio.samples.len(), audio.sample_rate);
//! # Ok::<(), mohaq_speech::Error>(())
//! ```

mod coding;
mod sphere;
mod wav;

use crate::error::{Error, Result};
use std::fmt;
use std::fs::{self, File};
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

pub use coding::Coding;

/// The samples of one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    /// Samples a second.
    pub sample_rate: u32,
    /// In units of 16 bit integers: full scale is ±32768.
    pub samples: Vec<f32>,
}

/// The kinds of file that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RIFF WAVE.
    Wav,
    /// NIST SPHERE.
    Sphere,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wav => "RIFF WAVE",
            Self::Sphere => "NIST SPHERE",
        })
    }
}

/// What a file's header says, checked against the file's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Kind of file.
    pub format: Format,
    /// How a sample is written.
    pub coding: Coding,
    /// Samples a second.
    pub sample_rate: u32,
    /// Number of samples.
    pub samples: u64,
    /// Byte of the file where the samples begin.
    data_start: u64,
}

impl Header {
    /// Length of the audio in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples as f64 / f64::from(self.sample_rate)
    }
}

/// Reads the header alone.
///
/// # Errors
/// As [`read`].
pub fn probe(path: &Path) -> Result<Header> {
    header(&mut BufReader::new(File::open(path).map_err(Error::io(path))?), path)
}

/// Reads a whole file.
///
/// # Errors
/// [`Error::Io`]; [`Error::Audio`] for what is neither WAV nor SPHERE, has more than one channel, or is coded in a way
/// that is not read; [`Error::Truncated`] where the header promises more than there is.
pub fn read(path: &Path) -> Result<Audio> {
    decode(&fs::read(path).map_err(Error::io(path))?, path)
}

/// Decodes a file that is already in memory; `path` only names it in errors.
///
/// # Errors
/// As [`read`].
pub fn decode(bytes: &[u8], path: &Path) -> Result<Audio> {
    let header = header(&mut Cursor::new(bytes), path)?;
    // `header` has checked that these bytes are there.
    let start = header.data_start as usize;
    let data = &bytes[start..start + header.samples as usize * header.coding.bytes()];
    let samples = header.coding.to_f32(data);
    match samples.iter().position(|sample| !sample.is_finite()) {
        Some(at) => Err(Error::audio(path, format!("sample {at} is {}, expected a finite number", samples[at]))),
        None => Ok(Audio { sample_rate: header.sample_rate, samples }),
    }
}

/// Whether the first bytes of a file are those of a format that is read.
pub fn is_audio(head: &[u8]) -> bool {
    head.starts_with(sphere::MAGIC) || wav::has_magic(head)
}

fn header<R: Read + Seek>(reader: &mut R, path: &Path) -> Result<Header> {
    let length = reader.seek(SeekFrom::End(0)).map_err(Error::io(path))?;
    reader.rewind().map_err(Error::io(path))?;
    let mut magic = Vec::with_capacity(12);
    reader.by_ref().take(12).read_to_end(&mut magic).map_err(Error::io(path))?;
    if magic.is_empty() {
        return Err(Error::audio(path, "empty file, expected RIFF WAVE or NIST SPHERE"));
    }
    reader.rewind().map_err(Error::io(path))?;
    if magic.starts_with(sphere::MAGIC) {
        sphere::header(reader, length, path)
    } else if wav::has_magic(&magic) {
        wav::header(reader, length, path)
    } else {
        let start: String = magic.iter().take(8).flat_map(|&byte| byte.escape_ascii().map(char::from)).collect();
        Err(Error::audio(path, format!("starts with `{start}`, expected RIFF WAVE or NIST SPHERE")))
    }
}

/// The fields of a header that both formats must make sense of in the same way.
struct Claim {
    format: Format,
    coding: Coding,
    sample_rate: u32,
    channels: u64,
    data_start: u64,
    data_bytes: u64,
}

impl Claim {
    /// The header, if the file of `length` bytes can hold what it claims.
    fn check(self, length: u64, path: &Path) -> Result<Header> {
        if self.channels != 1 {
            return Err(Error::audio(path, format!("{} channels, expected 1", self.channels)));
        }
        if self.sample_rate == 0 {
            return Err(Error::audio(path, "sample rate is 0 Hz"));
        }
        let got = length.saturating_sub(self.data_start);
        if got < self.data_bytes {
            return Err(Error::Truncated { path: path.to_path_buf(), expected: self.data_bytes, got });
        }
        let width = self.coding.bytes() as u64;
        if !self.data_bytes.is_multiple_of(width) {
            let reason = format!("{} bytes of samples, expected a multiple of {width}", self.data_bytes);
            return Err(Error::audio(path, reason));
        }
        Ok(Header {
            format: self.format,
            coding: self.coding,
            sample_rate: self.sample_rate,
            samples: self.data_bytes / width,
            data_start: self.data_start,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        decode(bytes, Path::new("a")).expect_err("must be refused").to_string()
    }

    #[test]
    fn what_is_no_audio_is_refused_by_its_first_bytes() {
        assert_eq!(refusal(b""), "a: empty file, expected RIFF WAVE or NIST SPHERE");
        assert_eq!(
            refusal(b"fLaC\0\0\0\x01"),
            r"a: starts with `fLaC\x00\x00\x00\x01`, expected RIFF WAVE or NIST SPHERE"
        );
        assert_eq!(
            refusal(b"RIFF\0\0\0\0AVI "),
            r"a: starts with `RIFF\x00\x00\x00\x00`, expected RIFF WAVE or NIST SPHERE"
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(Path::new("no/such.wav")).expect_err("must be refused");
        assert!(matches!(error, Error::Io { .. }) && error.to_string().starts_with("no/such.wav: "));
    }
}
