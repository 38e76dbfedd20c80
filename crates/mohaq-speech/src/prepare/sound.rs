//! The samples of a recording, from one file or from pieces with silence between them.

use crate::audio;
use crate::corpus::{AudioSource, Recording};
use crate::digest::Digest;
use crate::error::{Error, Result};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::fs;
use std::path::Path;

/// The samples of an utterance and what they are made from.
pub(super) struct Sound {
    /// For errors: the file, or the first of several and the utterance's id.
    pub(super) name: String,
    pub(super) samples: Vec<f32>,
    /// Fingerprint of the files' bytes and the lengths of silence.
    pub(super) content: Digest,
}

/// Reads a recording. Silence is noise of peak `silence_noise` in steps of 16 bit audio, seeded by the content.
pub(super) fn load(recording: &Recording, sample_rate: u32, silence_noise: f32) -> Result<Sound> {
    match &recording.audio {
        AudioSource::File(path) => {
            let mut content = Digest::new();
            let samples = read(path, sample_rate, &mut content)?;
            Ok(Sound { name: path.display().to_string(), samples, content })
        }
        AudioSource::Pieces { files, silence, samples } => {
            let first = files.first().map_or_else(String::new, |path| path.display().to_string());
            let name = format!("{first} (`{}`)", recording.id);
            let mismatch = |reason: String| Error::corpus(Path::new(&name), reason);
            if silence.len() != files.len() + 1 {
                let reason = format!("{} silences for {} files, expected one more", silence.len(), files.len());
                return Err(mismatch(reason));
            }
            let mut content = Digest::new();
            let mut pieces = Vec::with_capacity(files.len());
            for (&length, path) in silence.iter().zip(files) {
                content = content.number(length);
                pieces.push(read(path, sample_rate, &mut content)?);
            }
            content = content.number(silence[files.len()]);
            let spoken: usize = pieces.iter().map(Vec::len).sum();
            let total = silence.iter().try_fold(spoken as u64, |sum, &length| sum.checked_add(length));
            if total != Some(*samples) {
                let got = total.map_or_else(|| "over 2⁶⁴".to_owned(), |total| total.to_string());
                return Err(mismatch(format!("files and silences have {got} samples, expected {samples}")));
            }
            Ok(Sound { name, samples: join(&pieces, silence, silence_noise, content), content })
        }
    }
}

fn read(path: &Path, sample_rate: u32, content: &mut Digest) -> Result<Vec<f32>> {
    let bytes = fs::read(path).map_err(Error::io(path))?;
    *content = content.field(&bytes);
    let audio = audio::decode(&bytes, path)?;
    if audio.sample_rate != sample_rate {
        let path = path.to_path_buf();
        return Err(Error::SampleRate { path, expected: sample_rate, got: audio.sample_rate });
    }
    Ok(audio.samples)
}

fn join(pieces: &[Vec<f32>], silence: &[u64], peak: f32, content: Digest) -> Vec<f32> {
    let mut noise = Noise { generator: ChaCha8Rng::seed_from_u64(content.finish() as u64), peak };
    let mut samples = Vec::new();
    for (i, &length) in silence.iter().enumerate() {
        samples.extend((0..length).map(|_| noise.next()));
        samples.extend_from_slice(pieces.get(i).map_or(&[], Vec::as_slice));
    }
    samples
}

/// White noise with a triangular distribution over ±peak, which is how silence looks after dithered quantization.
struct Noise {
    generator: ChaCha8Rng,
    peak: f32,
}

impl Noise {
    fn next(&mut self) -> f32 {
        let difference = i64::from(self.generator.next_u32()) - i64::from(self.generator.next_u32());
        self.peak * (difference as f64 / 4_294_967_296.0) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Split;

    #[test]
    fn silence_is_the_same_for_the_same_content_and_of_the_stated_peak() {
        let pieces = [vec![100.0; 3]];
        let samples = join(&pieces, &[4000, 2], 1.0, Digest::new());
        assert_eq!(samples, join(&pieces, &[4000, 2], 1.0, Digest::new()));
        assert_ne!(samples, join(&pieces, &[4000, 2], 1.0, Digest::new().number(1)));
        assert_eq!((samples.len(), &samples[4000..4003]), (4005, &[100.0; 3][..]));
        let silence = &samples[..4000];
        assert!(silence.iter().all(|sample| sample.abs() < 1.0));
        // A triangular distribution over ±1 has variance 1/6; 4000 samples estimate it within 10 %.
        let variance = silence.iter().map(|sample| sample * sample).sum::<f32>() / 4000.0;
        assert!((variance * 6.0 - 1.0).abs() < 0.1, "{variance}");
        assert!(join(&[], &[8], 0.0, Digest::new()).iter().all(|&sample| sample == 0.0));
    }

    #[test]
    fn silences_must_match_the_files() {
        let recording = Recording {
            id: "u1".into(),
            speaker: String::new(),
            split: Split::Train,
            audio: AudioSource::Pieces { files: vec![], silence: vec![], samples: 0 },
            segments: vec![],
            reference: vec![],
        };
        let error = load(&recording, 8000, 1.0).err().expect("refused").to_string();
        assert_eq!(error, " (`u1`): 0 silences for 0 files, expected one more");
    }
}
