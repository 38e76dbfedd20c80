//! TIMIT in the layout of LDC93S1: `TRAIN|TEST/DR1…8/SPEAKER/SENTENCE.WAV|.PHN|.TXT`, in either letter case.
//!
//! * **Audio** is SPHERE as on the disc, or RIFF WAVE. Where both lie side by side (`SX1.WAV` and `SX1.WAV.wav`), the
//!   first is taken.
//! * **Phones**: 61 in the files, 48 modelled, 39 scored ([`phones`]). `q` is dropped: its time has no
//!   target and it is not in the reference. In the reference, neighbouring silences are one.
//! * **Sentences**: the two `SA` sentences, which every speaker reads, are left out.
//! * **Speakers**: `TRAIN` for training, the 50 standard development speakers and the 24 of the core test set from `TEST`;
//!   its other 94 are left out, as usual. A tree whose `TEST` has none of the development speakers, or none of the core
//!   speakers, is not the standard corpus: its `TEST` speakers are divided in the order of their names, the first, third,
//!   … for validation, the others for test.
//!
//! A tree with fewer speakers or sentences is opened and its notes say what it lacks. Whatever contradicts itself is
//! refused by file and line: a `.PHN` past the end of its audio, segments that overlap or leave a gap, unknown phones.
//!
//! Source: J. Garofolo et al., "DARPA TIMIT Acoustic-Phonetic Continuous Speech Corpus", NISTIR 4930, 1993.

mod phn;
mod speakers;
mod tree;

use super::{AudioSource, Corpus, Recording, Segment, Split};
use crate::audio;
use crate::error::{Error, Result};
use crate::phones::{self, TIMIT_39, TIMIT_48};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use tree::Sentence;

pub use phn::{Phn, parse as parse_phn};

/// Sentences of a speaker without the two `SA`: five `SX`, three `SI`.
const SENTENCES: usize = 8;

/// Opens the corpus in `path`, which holds `TRAIN` and `TEST`, or a directory `TIMIT` or `data` that does.
///
/// Audio files are opened for their headers alone. Recordings come in the order of split part, speaker and sentence.
///
/// # Errors
/// [`Error::Corpus`] for a directory that is not in this layout, a `.WAV` or `.PHN` without the other, a speaker in both
/// parts, and damaged `.PHN` files; [`Error::Audio`] and [`Error::Truncated`] for damaged audio; [`Error::SampleRate`]
/// for a file at another rate than the first; [`Error::Io`].
pub fn open(path: &Path) -> Result<Corpus> {
    let root = tree::root(path)?;
    let train = tree::sentences(&root.train)?;
    let test = tree::sentences(&root.test)?;
    let train_speakers = speaker_set(&train);
    let test_speakers = speaker_set(&test);
    if let Some(speaker) = train_speakers.intersection(&test_speakers).next() {
        let reason = format!("speaker `{speaker}` is in TRAIN and in TEST, expected different speakers");
        return Err(Error::corpus(path, reason));
    }
    let division = speakers::Division::of(&test_speakers, path)?;
    let mut chosen: Vec<(Split, &Sentence)> = train.iter().map(|sentence| (Split::Train, sentence)).collect();
    chosen.extend(test.iter().filter_map(|sentence| Some((division.split(&sentence.speaker)?, sentence))));
    chosen.retain(|(_, sentence)| !sentence.is_sa());

    let first = chosen.first().ok_or_else(|| Error::corpus(path, "no sentence but SA1 and SA2"))?;
    let sample_rate = audio::probe(&first.1.wav)?.sample_rate;
    let results: Vec<Result<Recording>> =
        chosen.par_iter().map(|&(split, sentence)| recording(split, sentence, sample_rate)).collect();
    let mut notes = division.notes(&train_speakers);
    notes.extend(sentence_notes(&chosen));
    Ok(Corpus {
        name: "timit".into(),
        sample_rate,
        phones: TIMIT_48.map(String::from).to_vec(),
        scored: TIMIT_39.map(String::from).to_vec(),
        fold: phones::fold_table(),
        recordings: results.into_iter().collect::<Result<_>>()?,
        notes,
    })
}

fn speaker_set(sentences: &[Sentence]) -> BTreeSet<String> {
    sentences.iter().map(|sentence| sentence.speaker.clone()).collect()
}

fn recording(split: Split, sentence: &Sentence, sample_rate: u32) -> Result<Recording> {
    let header = audio::probe(&sentence.wav)?;
    if header.sample_rate != sample_rate {
        let path = sentence.wav.clone();
        return Err(Error::SampleRate { path, expected: sample_rate, got: header.sample_rate });
    }
    let text = fs::read(&sentence.phn).map_err(Error::io(&sentence.phn))?;
    let segments: Vec<Segment> = parse_phn(&text, header.samples, &sentence.phn)?
        .into_iter()
        .map(|phn| {
            let phone = phones::fold_61_to_48(phn.phone).and_then(|phone| phones::index_in(&TIMIT_48, phone));
            Segment { phone, start: phn.start, end: phn.end }
        })
        .collect();
    Ok(Recording {
        id: format!("{}_{}", sentence.speaker, sentence.name),
        speaker: sentence.speaker.clone(),
        split,
        audio: AudioSource::File(sentence.wav.clone()),
        reference: reference(&segments),
        segments,
    })
}

/// The 39 scored phones in order, `q` left out, neighbouring silences merged.
fn reference(segments: &[Segment]) -> Vec<u16> {
    let fold = phones::fold_table();
    let silence = phones::index_in(&TIMIT_39, phones::SILENCE);
    let mut reference = Vec::new();
    for scored in segments.iter().filter_map(|segment| fold[usize::from(segment.phone?)]) {
        if Some(scored) != silence || reference.last() != Some(&scored) {
            reference.push(scored);
        }
    }
    reference
}

fn sentence_notes(chosen: &[(Split, &Sentence)]) -> Vec<String> {
    let mut notes = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, sentence) in chosen {
        *counts.entry(&sentence.speaker).or_default() += 1;
    }
    let short = counts.values().filter(|&&count| count < SENTENCES).count();
    if short > 0 {
        notes.push(format!("{short} of {} speakers have fewer than {SENTENCES} sentences", counts.len()));
    }
    let silent = chosen.iter().filter(|(_, sentence)| !sentence.has_txt).count();
    if silent > 0 {
        notes.push(format!("{silent} of {} sentences have no .TXT, which only people need", chosen.len()));
    }
    notes
}

#[cfg(test)]
mod tests;
