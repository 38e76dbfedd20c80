//! What a file or a directory is to this crate, or why it is refused: `mohaq data check PATH`.

use crate::audio::{self, Header};
use crate::container::{self, TaskSettings, TensorDescription};
use crate::corpus::{AudioSource, Corpus, Recording, Split, fsdd, timit};
use crate::dataset::{Dataset, Sequence, Task};
use crate::error::{Error, Result};
use crate::features::Normalise;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Description {
    /// One audio file.
    Audio {
        /// `RIFF WAVE` or `NIST SPHERE`.
        format: String,
        /// How samples are written.
        coding: String,
        /// Samples a second.
        sample_rate: u32,
        /// Number of samples.
        samples: u64,
        /// Length.
        seconds: f64,
    },
    /// A speech corpus.
    Corpus {
        /// `timit`, `fsdd`, …
        name: String,
        /// Samples a second.
        sample_rate: u32,
        /// Modelled phones.
        phones: usize,
        /// Training, validation, test.
        splits: Vec<CorpusSplit>,
        /// What it lacks.
        notes: Vec<String>,
    },
    /// Sequences of features with labels.
    Features {
        /// Values a frame.
        dim: usize,
        /// `frames` or `sequences`: what a label is of; `targets` where frames have numbers instead, `texts`
        /// where any number of labels is to be recognised.
        labels: String,
        /// Number of classes, or of targets a frame.
        classes: usize,
        /// Training, validation, test.
        splits: Vec<FeatureSplit>,
    },
    /// Any other safetensors file.
    Tensors {
        /// By name.
        tensors: Vec<TensorDescription>,
    },
}

/// One part of a corpus.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CorpusSplit {
    /// `train`, `valid` or `test`.
    pub name: String,
    /// Different speakers.
    pub speakers: usize,
    /// Recordings.
    pub utterances: usize,
    /// Of audio with segments.
    pub hours: f64,
    /// Phones of the references.
    pub reference_phones: usize,
}

/// One part of a container.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureSplit {
    /// `train`, `valid` or `test`.
    pub name: String,
    /// Number of sequences.
    pub sequences: usize,
    /// Frames of all of them.
    pub frames: usize,
}

/// Finds out what `path` is. Corpora are opened as a training run would open them, so that what is described is also
/// accepted; audio of corpora is looked at by header.
///
/// # Errors
/// Why it is refused, by the error of the reader that its content calls for; [`Error::Corpus`] for a directory that looks
/// like no corpus.
pub fn inspect(path: &Path) -> Result<Description> {
    if path.is_dir() {
        return inspect_directory(path);
    }
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(12).read_to_end(&mut head)).map_err(Error::io(path))?;
    if !audio::is_audio(&head) && container::is_container(path) {
        return inspect_container(path);
    }
    // Reads all of it, so that a sample that is not a number shows.
    audio::read(path)?;
    audio::probe(path).map(Description::from)
}

fn inspect_directory(path: &Path) -> Result<Description> {
    if container::is_container(path) {
        inspect_container(path)
    } else if path.read_dir().map_err(Error::io(path))?.next().is_none() {
        Err(Error::corpus(path, "empty directory, expected a corpus"))
    } else if path.join("splits.tsv").is_file() && path.join("connected").is_dir() {
        fsdd::open(path, "split").map(|corpus| Description::from(&corpus))
    } else {
        timit::open(path).map(|corpus| Description::from(&corpus))
    }
}

fn inspect_container(path: &Path) -> Result<Description> {
    if let Some(tensors) = path.is_file().then(|| container::describe_tensors(path)).transpose()?.flatten() {
        let is_sequences =
            |tensor: &TensorDescription| tensor.name.starts_with("train/") && tensor.name.ends_with(".x");
        if !tensors.iter().any(is_sequences) {
            return Ok(Description::Tensors { tensors });
        }
    }
    container::open(path, Normalise::None, &TaskSettings::default()).map(|data| Description::from(&data))
}

impl From<Header> for Description {
    fn from(header: Header) -> Self {
        Self::Audio {
            format: header.format.to_string(),
            coding: header.coding.to_string(),
            sample_rate: header.sample_rate,
            samples: header.samples,
            seconds: header.seconds(),
        }
    }
}

impl From<&Corpus> for Description {
    fn from(corpus: &Corpus) -> Self {
        let samples = |recording: &Recording| match &recording.audio {
            AudioSource::File(_) => recording.segments.last().map_or(0, |segment| segment.end),
            AudioSource::Pieces { samples, .. } => *samples,
        };
        let splits = Split::ALL.map(|split| CorpusSplit {
            name: split.name().to_owned(),
            speakers: corpus.split(split).map(|recording| recording.speaker.as_str()).collect::<BTreeSet<_>>().len(),
            utterances: corpus.split(split).count(),
            hours: corpus.split(split).map(samples).sum::<u64>() as f64 / f64::from(corpus.sample_rate) / 3600.0,
            reference_phones: corpus.split(split).map(|recording| recording.reference.len()).sum(),
        });
        Self::Corpus {
            name: corpus.name.clone(),
            sample_rate: corpus.sample_rate,
            phones: corpus.phones.len(),
            splits: splits.to_vec(),
            notes: corpus.notes.clone(),
        }
    }
}

impl From<&Dataset> for Description {
    fn from(data: &Dataset) -> Self {
        let split = |name: &str, sequences: &[Sequence]| FeatureSplit {
            name: name.to_owned(),
            sequences: sequences.len(),
            frames: sequences.iter().map(|sequence| sequence.features.frames()).sum(),
        };
        Self::Features {
            dim: data.dim,
            labels: match data.task {
                Task::Phones(_) | Task::Frames { .. } | Task::NextToken { .. } => "frames",
                Task::Sequences { .. } => "sequences",
                Task::Regression { .. } => "targets",
                Task::Ctc { .. } => "texts",
            }
            .to_owned(),
            classes: data.task.outputs(),
            splits: vec![split("train", &data.train), split("valid", &data.valid), split("test", &data.test)],
        }
    }
}

impl fmt::Display for Description {
    /// A few lines for people, without a final newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Audio { format, coding, sample_rate, samples, seconds } => {
                write!(f, "audio: {format}, {coding}, {sample_rate} Hz, {samples} samples, {seconds:.2} s")
            }
            Self::Corpus { name, sample_rate, phones, splits, notes } => {
                write!(f, "corpus `{name}`: {sample_rate} Hz, {phones} modelled phones")?;
                for CorpusSplit { name, speakers, utterances, hours, reference_phones } in splits {
                    write!(
                        f,
                        "\n  {name:5}  {speakers:3} speakers  {utterances:5} utterances  {hours:6.2} h  \
                         {reference_phones:6} reference phones"
                    )?;
                }
                notes.iter().try_for_each(|note| write!(f, "\n  note: {note}"))
            }
            Self::Features { dim, labels, classes, splits } => {
                match labels.as_str() {
                    "targets" => write!(f, "features: {dim} values a frame, targets of frames, {classes} each")?,
                    _ => write!(f, "features: {dim} values a frame, labels of {labels}, {classes} classes")?,
                }
                splits.iter().try_for_each(|FeatureSplit { name, sequences, frames }| {
                    write!(f, "\n  {name:5}  {sequences:5} sequences  {frames:8} frames")
                })
            }
            Self::Tensors { tensors } => {
                write!(f, "safetensors: {} tensors", tensors.len())?;
                tensors
                    .iter()
                    .try_for_each(|TensorDescription { name, dtype, shape }| write!(f, "\n  {name}  {dtype} {shape:?}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hound::{SampleFormat, WavSpec, WavWriter};
    use safetensors::tensor::{Dtype, TensorView, serialize};
    use std::fs;
    use std::path::PathBuf;

    fn wav(path: &Path, samples: u32) {
        let spec = WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: SampleFormat::Int };
        let mut writer = WavWriter::create(path, spec).expect("a file");
        (0..samples).for_each(|n| writer.write_sample(n as i16).expect("a sample"));
        writer.finalize().expect("a file");
    }

    #[test]
    fn audio_is_described_by_content() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("sound.npz");
        wav(&path, 4000);
        let description = inspect(&path).expect("audio");
        assert_eq!(description.to_string(), "audio: RIFF WAVE, 16 bit integers, 8000 Hz, 4000 samples, 0.50 s");
        let json = serde_json::to_value(&description).expect("JSON");
        assert_eq!((&json["kind"], &json["samples"]), (&"audio".into(), &4000.into()));
    }

    #[test]
    fn a_timit_tree_is_described_by_split() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        for stem in ["TRAIN/DR1/FAAA0/SX1", "TEST/DR1/FBBB0/SX1", "TEST/DR1/MCCC0/SX1"] {
            let path = folder.path().join(stem);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            wav(&path.with_extension("WAV"), 8000);
            fs::write(path.with_extension("PHN"), "0 4000 h#\n4000 7200 aa\n").expect("a file");
        }
        let Description::Corpus { name, splits, notes, .. } = inspect(folder.path()).expect("a corpus") else {
            panic!("not a corpus");
        };
        assert_eq!((name.as_str(), notes.is_empty()), ("timit", false));
        let valid = CorpusSplit {
            name: "valid".into(),
            speakers: 1,
            utterances: 1,
            hours: 7200.0 / 8000.0 / 3600.0,
            reference_phones: 2,
        };
        assert_eq!(splits[1], valid);
    }

    #[test]
    fn other_tensors_are_listed() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("network.safetensors");
        let data = [0; 12];
        let view = TensorView::new(Dtype::BF16, vec![2, 3], &data).expect("12 bytes");
        fs::write(&path, serialize([("l0.weight", view)], None).expect("memory")).expect("a file");
        assert_eq!(inspect(&path).expect("tensors").to_string(), "safetensors: 1 tensors\n  l0.weight  BF16 [2, 3]");
    }

    #[test]
    fn refusals_say_why() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let refusal = |path: PathBuf| {
            let message = inspect(&path).expect_err("must be refused").to_string();
            message.replace(&folder.path().display().to_string(), "F")
        };
        assert_eq!(refusal(folder.path().into()), "F: empty directory, expected a corpus");
        let path = folder.path().join("a.wav");
        wav(&path, 100);
        let bytes = fs::read(&path).expect("a file");
        fs::write(&path, &bytes[..100]).expect("a truncated file");
        assert_eq!(refusal(path), "F/a.wav: truncated: header says 200 bytes of samples, file has 56");
        assert!(refusal(folder.path().into()).starts_with("F: no TRAIN and TEST here, expected TRAIN/DR1/SPEAKER"));
        assert!(refusal(folder.path().join("none")).starts_with("F/none: "));
    }
}
