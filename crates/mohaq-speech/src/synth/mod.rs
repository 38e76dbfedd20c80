//! A corpus without a download: a formant synthesiser that reads sentences aloud in many voices and writes TIMIT's layout.
//!
//! It exists so that everything can be tried on a bare machine, through the same door as the real TIMIT. It is not
//! meant to please ears. What it has to be is *like speech to a recogniser*: sounds that overlap, blur with their
//! neighbours, differ between speakers, sexes and regions, and drown a little in rooms and noise; labels that are exact,
//! because the labels made the sound.
//!
//! ```text
//! seed ─► sentence (lexicon) ─► timing ─► track ──► glottis ─► tract ─► channel ─► layout
//!                                            ▲  speaker ▲         ▲        ▲ room, noise
//! ```
//!
//! Every draw has a random stream of its own, addressed by seed, purpose, speaker and sentence, and every transcendental is
//! `libm`'s, so the bytes depend on the [`SynthConfig`] alone: not on threads, not on the platform. What makes the corpus
//! hard is in one place, [`Difficulty`].
//!
//! ```no_run
//! use mohaq_speech::synth::{SynthConfig, write};
//!
//! let summary = write("corpus".as_ref(), &SynthConfig::default(), &|done, of| eprintln!("{done}/{of}"))?;
//! println!("{:.1} minutes", summary.seconds / 60.0);
//! # Ok::<(), mohaq_speech::Error>(())
//! ```

mod channel;
mod config;
mod glottis;
mod layout;
mod lexicon;
mod phone;
mod pitch;
mod random;
mod sentence;
mod speaker;
mod timing;
mod track;
mod tract;

pub use config::{Difficulty, SynthConfig};

use crate::error::{Error, Result};
use channel::{Room, Take};
use layout::{Desk, Files};
use random::{Purpose, Random};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use speaker::Speaker;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use timing::{FRAMES_A_SECOND, Segment};

/// File at the root of a synthetic corpus that says how it was made: [`Provenance`] as JSON.
pub const PROVENANCE: &str = "SYNTH.JSON";

/// Counts up when the same configuration starts to make other bytes.
pub const GENERATION: u32 = 1;

/// How a corpus was made. Two corpora of equal provenance are equal, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// [`GENERATION`] of the synthesiser.
    pub generation: u32,
    /// What it was asked for.
    pub config: SynthConfig,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SynthSummary {
    /// Speakers of all three parts.
    pub speakers: usize,
    /// Sentences spoken.
    pub utterances: usize,
    /// Phones spoken, silences among them.
    pub phones: usize,
    /// Of audio.
    pub seconds: f64,
}

/// Writes the corpus of `config` to `dir`, which must be missing or empty, and returns what it wrote.
///
/// `progress` is called from several threads with the utterances done so far and in all. The tree grows beside `dir`, under
/// its name with `.part` appended, and is renamed when it is complete: whoever sees `dir` sees all of it.
///
/// # Errors
/// [`Error::Setting`] for a configuration out of range, [`Error::Corpus`] where `dir` holds something already, and
/// [`Error::Io`] when the file system refuses.
pub fn write(dir: &Path, config: &SynthConfig, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<SynthSummary> {
    config.check()?;
    require_vacant(dir)?;
    let part = beside(dir);
    clear(&part)?;
    let desks = layout::desks(config.seed, config.train_speakers, config.valid_speakers, config.test_speakers);
    let stage = Stage::new(config, &desks);
    for desk in &desks {
        let path = part.join(&desk.directory);
        fs::create_dir_all(&path).map_err(Error::io(&path))?;
    }
    let utterances = desks.len() * config.sentences;
    let done = AtomicUsize::new(0);
    let spoken: Vec<(usize, usize)> = (0..utterances)
        .into_par_iter()
        .map(|utterance| {
            let desk = &desks[utterance / config.sentences];
            let (files, phones) = stage.record(utterance);
            files.write(&part.join(&desk.directory), &layout::sentence_name(utterance))?;
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, utterances);
            Ok((phones, files.samples.len()))
        })
        .collect::<Result<_>>()?;
    sign(&part, config)?;
    if dir.exists() {
        fs::remove_dir(dir).map_err(Error::io(dir))?;
    }
    fs::rename(&part, dir).map_err(Error::io(dir))?;
    let samples: usize = spoken.iter().map(|(_, samples)| samples).sum();
    Ok(SynthSummary {
        speakers: desks.len(),
        utterances,
        phones: spoken.iter().map(|(phones, _)| phones).sum(),
        seconds: samples as f64 / f64::from(config.sample_rate),
    })
}

/// How the corpus at `dir` was made; `None` where no synthetic corpus is there.
///
/// # Errors
/// [`Error::Io`] when the file system refuses, [`Error::Corpus`] for a [`PROVENANCE`] file that is damaged.
pub fn provenance(dir: &Path) -> Result<Option<Provenance>> {
    let path = dir.join(PROVENANCE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(&path)(error)),
    };
    serde_json::from_str(&text).map(Some).map_err(|error| Error::corpus_line(&path, error.line(), error.to_string()))
}

fn sign(dir: &Path, config: &SynthConfig) -> Result<()> {
    let path = dir.join(PROVENANCE);
    let provenance = Provenance { generation: GENERATION, config: config.clone() };
    let text = serde_json::to_string_pretty(&provenance).expect("numbers and names always have a JSON");
    fs::write(&path, text + "\n").map_err(Error::io(&path))
}

fn require_vacant(dir: &Path) -> Result<()> {
    match fs::read_dir(dir) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(Error::corpus(dir, "holds files already, expected an empty or a missing directory")),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io(dir)(error)),
    }
}

fn beside(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().map_or_else(|| OsString::from("synth"), ToOwned::to_owned);
    name.push(".part");
    dir.with_file_name(name)
}

/// Removes what an interrupted run left.
fn clear(part: &Path) -> Result<()> {
    match fs::remove_dir_all(part) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(part)(error)),
        _ => Ok(()),
    }
}

/// Everyone and everything that does not change between sentences.
struct Stage<'a> {
    config: &'a SynthConfig,
    cast: Vec<(Speaker, Room)>,
}

impl<'a> Stage<'a> {
    fn new(config: &'a SynthConfig, desks: &[Desk]) -> Self {
        let cast = desks.par_iter().enumerate().map(|(index, desk)| {
            let index = index as u64;
            let speaker = Speaker::new(config.seed, index, desk.region, desk.sex, &config.difficulty);
            let mut random = Random::new(config.seed, Purpose::Room, index, 0);
            (speaker, Room::new(config.sample_rate, &config.difficulty, &mut random))
        });
        Self { config, cast: cast.collect() }
    }

    /// The files of `utterance` (counted through all speakers) and how many phones it has.
    fn record(&self, utterance: usize) -> (Files, usize) {
        let SynthConfig { seed, sample_rate: rate, difficulty, .. } = self.config;
        let (speaker, room) = &self.cast[utterance / self.config.sentences];
        let stream = |purpose| Random::new(*seed, purpose, utterance as u64, 0);
        let clauses = sentence::sentence(&mut stream(Purpose::Sentence), difficulty.invented_words);
        let mut random = stream(Purpose::Timing);
        let segments = timing::timed(&clauses, speaker.rate, difficulty.duration, &mut random);
        let melody = pitch::contour(&segments, speaker, &mut random);
        let frames = track::frames(&segments, speaker, difficulty, &mut random);
        let dry = tract::voice(&frames, &melody, speaker, *rate, &mut stream(Purpose::Voice));
        let mut sound = room.heard(&dry);
        let frame = (rate / FRAMES_A_SECOND) as usize;
        let mut random = stream(Purpose::Noise);
        Take::new(difficulty, &mut random).record(&mut sound, spoken(&segments, frame), *rate, &mut random);
        let files = Files {
            samples: sound.iter().map(|x| (x * 32_767.0).round_ties_even() as i16).collect(),
            rate: *rate,
            phones: layout::phones(&segments, frame),
            text: sentence::text(&clauses),
        };
        (files, segments.len())
    }
}

/// Samples between the silences at both ends.
fn spoken(segments: &[Segment], frame: usize) -> core::ops::Range<usize> {
    let last = segments.len() - 1;
    segments[0].end * frame..segments[last].start * frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Split;
    use crate::phones::{fold_48_to_39, fold_61_to_48};
    use std::collections::{BTreeMap, BTreeSet};

    fn small() -> SynthConfig {
        SynthConfig { train_speakers: 4, valid_speakers: 2, test_speakers: 2, sentences: 6, ..SynthConfig::default() }
    }

    /// Every file of a corpus by its path in it.
    fn corpus(config: &SynthConfig, threads: usize) -> BTreeMap<PathBuf, Vec<u8>> {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let root = temporary.path().join("corpus");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let calls = AtomicUsize::new(0);
        let summary = pool
            .install(|| write(&root, config, &|_, of| assert!(calls.fetch_add(1, Ordering::Relaxed) < of)))
            .expect("written");
        assert_eq!(calls.into_inner(), summary.utterances);
        let mut files = BTreeMap::new();
        let mut open = vec![root.clone()];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).expect("a directory") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(&root).expect("below the root").to_owned();
                    files.insert(name, fs::read(&path).expect("a file"));
                }
            }
        }
        files
    }

    fn with_extension<'a>(
        files: &'a BTreeMap<PathBuf, Vec<u8>>,
        extension: &'a str,
    ) -> impl Iterator<Item = (&'a PathBuf, &'a Vec<u8>)> {
        files.iter().filter(move |(path, _)| path.extension().is_some_and(|it| it == extension))
    }

    fn samples(wav: &[u8]) -> Vec<f64> {
        let reader = hound::WavReader::new(wav).expect("RIFF");
        reader.into_samples::<i16>().map(|x| f64::from(x.expect("a sample")) / 32_768.0).collect()
    }

    #[test]
    fn number_of_threads_changes_no_byte_and_the_seed_changes_all_audio() {
        let one = corpus(&small(), 1);
        assert_eq!(one, corpus(&small(), 2));
        let other = corpus(&SynthConfig { seed: 2, ..small() }, 2);
        let audio: BTreeSet<_> = with_extension(&one, "WAV").map(|(_, bytes)| bytes).collect();
        assert!(with_extension(&other, "WAV").all(|(_, bytes)| !audio.contains(bytes)));
    }

    #[test]
    fn transcriptions_are_contiguous_and_as_long_as_the_audio() {
        for rate in [8_000, 16_000] {
            let files = corpus(&SynthConfig { sample_rate: rate, ..small() }, 2);
            assert_eq!(files.len(), 3 * 8 * 6 + 1);
            let mut scored = BTreeSet::new();
            for (path, phones) in with_extension(&files, "PHN") {
                let length = samples(&files[&path.with_extension("WAV")]).len();
                let mut end = 0;
                for line in core::str::from_utf8(phones).expect("text").lines() {
                    let fields: Vec<&str> = line.split(' ').collect();
                    let [from, to] = [0, 1].map(|i| fields[i].parse::<usize>().expect("a sample"));
                    assert!(from == end && to > from, "{}: {line}", path.display());
                    end = to;
                    scored.extend(fold_61_to_48(fields[2]).and_then(fold_48_to_39));
                }
                assert_eq!(end, length, "{}", path.display());
            }
            assert!(scored.len() >= 30, "{scored:?}");
        }
    }

    #[test]
    fn audio_is_within_range_without_offset_and_near_its_level() {
        for (path, wav) in with_extension(&corpus(&small(), 2), "WAV") {
            let sound = samples(wav);
            let peak = sound.iter().fold(0.0_f64, |peak, x| peak.max(x.abs()));
            let mean = sound.iter().sum::<f64>() / sound.len() as f64;
            let level_db = 10.0 * libm::log10(sound.iter().map(|x| x * x).sum::<f64>() / sound.len() as f64);
            assert!((0.02..0.9).contains(&peak), "{}: peak {peak}", path.display());
            assert!(mean.abs() < 1e-3, "{}: mean {mean}", path.display());
            // Two deviations of the level around −26 dB, less the silence at both ends.
            assert!((-37.0..-17.0).contains(&level_db), "{}: {level_db} dB", path.display());
        }
    }

    #[test]
    fn recordings_have_the_stated_noise() {
        for snr_db in [5.0, 25.0] {
            let mut config = small();
            config.difficulty.snr_db = [snr_db; 2];
            let files = corpus(&config, 2);
            for (path, wav) in with_extension(&files, "WAV") {
                let phones = core::str::from_utf8(&files[&path.with_extension("PHN")]).expect("text");
                let bounds: Vec<usize> =
                    phones.lines().filter_map(|line| line.split(' ').nth(1)?.parse().ok()).collect();
                let sound = samples(wav);
                let power = |part: &[f64]| part.iter().map(|x| x * x).sum::<f64>() / part.len() as f64;
                // Before the first phone there is noise alone: no reverberation, but the last 20 ms anticipate it.
                let noise = power(&sound[..bounds[0] - 320]);
                let both = power(&sound[bounds[0]..bounds[bounds.len() - 2]]);
                let got_db = 10.0 * libm::log10((both - noise) / noise);
                // 100 ms of coloured noise hold about 90 independent values: three standard errors are 2 dB.
                assert!((got_db - snr_db).abs() < 2.5, "{}: asked {snr_db} dB, got {got_db}", path.display());
            }
        }
    }

    #[test]
    fn a_reader_of_timit_finds_every_speaker_in_the_part_that_was_asked_for() {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let root = temporary.path().join("corpus");
        let config = SynthConfig { train_speakers: 3, valid_speakers: 50, test_speakers: 24, sentences: 1, ..small() };
        write(&root, &config, &|_, _| {}).expect("written");
        let corpus = crate::corpus::timit::open(&root).expect("a TIMIT tree");
        let speakers = |split| {
            let recordings = corpus.recordings.iter().filter(|recording| recording.split == split);
            recordings.map(|recording| recording.speaker.clone()).collect::<BTreeSet<_>>().len()
        };
        assert_eq!([Split::Train, Split::Valid, Split::Test].map(speakers), [3, 50, 24]);
    }

    #[test]
    fn speakers_say_the_same_differently() {
        let config = small();
        let desks = layout::desks(config.seed, 4, 2, 2);
        let stage = Stage::new(&config, &desks);
        for (i, (speaker, room)) in stage.cast.iter().enumerate() {
            for (other, another_room) in &stage.cast[..i] {
                assert!((speaker.pitch_hz / other.pitch_hz - 1.0).abs() > 1e-6);
                assert_ne!(speaker.tract, other.tract);
                assert_ne!(speaker.accent, other.accent);
                assert_ne!(room, another_room);
            }
        }
    }

    #[test]
    fn a_corpus_says_how_it_was_made_and_is_not_overwritten() {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let root = temporary.path().join("corpus");
        assert_eq!(provenance(&root).expect("readable"), None);
        fs::create_dir(&root).expect("created");
        write(&root, &small(), &|_, _| {}).expect("an empty directory is taken");
        let made = provenance(&root).expect("readable").expect("there");
        assert_eq!(made, Provenance { generation: GENERATION, config: small() });
        let error = write(&root, &small(), &|_, _| {}).expect_err("refused").to_string();
        assert!(error.ends_with("holds files already, expected an empty or a missing directory"), "{error}");
        assert_eq!(fs::read_dir(temporary.path()).expect("a directory").count(), 1, "nothing is left beside it");
    }
}
