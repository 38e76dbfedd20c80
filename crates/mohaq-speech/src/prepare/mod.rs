//! A corpus to a dataset: audio read, features computed, segments turned into frame labels.
//!
//! Files are read in parallel and everything that shows is in the corpus' order, so the dataset (and the first error, if
//! there are several) is the same for any number of threads.

mod labels;
mod sound;

pub use labels::frame_labels;

use crate::cache::FeatureCache;
use crate::corpus::{Corpus, Recording, Split};
use crate::dataset::{Dataset, Features, PhoneTask, Sequence, Task};
use crate::error::{Error, Result};
use crate::features::{Fbank, FeatureSettings, Framing, append_deltas, check_finite, normalise};
use rayon::prelude::*;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Reads a corpus' audio and makes the dataset that a network is trained on: classes are `phone · states + state`, where
/// a segment's frames are divided evenly among its states and a frame belongs to the segment that its centre lies in.
///
/// Filterbanks are kept in the directory `cache`, if there is one. `progress` is called with the number of recordings
/// done and of all, from any thread.
///
/// # Errors
/// [`Error::Setting`] for settings that cannot be honoured or no states; [`Error::EmptySplit`]; for a recording what
/// [`audio::read`](crate::audio::read) refuses, [`Error::SampleRate`], [`Error::TooShort`], and [`Error::Corpus`] where
/// audio is shorter than its segments or pieces do not add up; [`Error::Io`] for the cache.
pub fn prepare(
    corpus: &Corpus,
    settings: &FeatureSettings,
    states: usize,
    cache: Option<&Path>,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Dataset> {
    let fbank = Fbank::new(settings, corpus.sample_rate)?;
    if !(1..=64).contains(&states) {
        return Err(Error::Setting { name: "states", expected: "1 to 64".into(), got: states.to_string() });
    }
    for split in Split::ALL {
        if corpus.split(split).next().is_none() {
            return Err(Error::EmptySplit { source_name: corpus.name.clone(), split: split.name() });
        }
    }
    let workshop = Workshop {
        corpus,
        settings,
        states,
        framing: settings.framing(corpus.sample_rate)?,
        cache: cache.map(FeatureCache::open).transpose()?,
    };
    let sequences = workshop.sequences(fbank, progress)?;
    Ok(workshop.dataset(sequences))
}

struct Workshop<'a> {
    corpus: &'a Corpus,
    settings: &'a FeatureSettings,
    states: usize,
    framing: Framing,
    cache: Option<FeatureCache>,
}

impl Workshop<'_> {
    fn sequences(&self, fbank: Fbank, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Vec<Sequence>> {
        let done = AtomicUsize::new(0);
        let all = self.corpus.recordings.len();
        let results: Vec<Result<Sequence>> = self
            .corpus
            .recordings
            .par_iter()
            .map_with(fbank, |fbank, recording| {
                let sequence = self.sequence(fbank, recording);
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, all);
                sequence
            })
            .collect();
        // Only now, in order: the first refused recording is the same for any number of threads.
        results.into_iter().collect()
    }

    fn sequence(&self, fbank: &mut Fbank, recording: &Recording) -> Result<Sequence> {
        let sound = sound::load(recording, self.corpus.sample_rate, self.settings.silence_noise)?;
        let filterbank = match &self.cache {
            None => fbank.compute(&sound.samples, &sound.name)?,
            Some(cache) => {
                let key = self.settings.digest_filterbank(sound.content).finish();
                cache.get(key, || fbank.compute(&sound.samples, &sound.name))?
            }
        };
        check_finite(&filterbank, &sound.name)?;
        let samples = sound.samples.len() as u64;
        if let Some(last) = recording.segments.last().filter(|last| last.end > samples) {
            let reason = format!("`{}`: segments end at sample {}, audio has {samples}", recording.id, last.end);
            return Err(Error::corpus(Path::new(&sound.name), reason));
        }
        let labels = frame_labels(&recording.segments, self.framing, samples, self.states);
        Ok(Sequence {
            id: recording.id.clone(),
            speaker: recording.speaker.clone(),
            features: self.with_deltas(filterbank),
            labels,
            reference: recording.reference.clone(),
            targets: Vec::new(),
        })
    }

    fn with_deltas(&self, filterbank: Features) -> Features {
        if self.settings.deltas == 0 { filterbank } else { append_deltas(&filterbank, self.settings.deltas) }
    }

    fn dataset(&self, sequences: Vec<Sequence>) -> Dataset {
        let (mut train, mut valid, mut test) = (Vec::new(), Vec::new(), Vec::new());
        for (recording, sequence) in self.corpus.recordings.iter().zip(sequences) {
            match recording.split {
                Split::Train => train.push(sequence),
                Split::Valid => valid.push(sequence),
                Split::Test => test.push(sequence),
            }
        }
        normalise(self.settings.normalise, &mut train, &mut valid, &mut test);
        Dataset {
            name: self.corpus.name.clone(),
            dim: self.settings.dim(),
            task: Task::Phones(PhoneTask {
                phones: self.corpus.phones.clone(),
                states: self.states,
                scored: self.corpus.scored.clone(),
                fold: self.corpus.fold.clone(),
            }),
            frame_shift_s: Some(self.framing.hop as f64 / f64::from(self.corpus.sample_rate)),
            train,
            valid,
            test,
            notes: self.notes(),
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.corpus.notes.clone();
        let damaged = self.cache.as_ref().map_or(0, FeatureCache::damaged);
        if damaged > 0 {
            notes.push(format!("damaged entries of the feature cache, computed anew: {damaged}"));
        }
        notes
    }
}

#[cfg(test)]
mod tests;
