//! What the corpus is made of, and in one place everything that makes it easy or hard.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Size and seed of a synthetic corpus.
///
/// The defaults make about 22 minutes of audio: 16 to train on, 3 each for development and test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SynthConfig {
    /// Same seed and settings, same bytes. Default 1.
    pub seed: u64,
    /// Samples a second: 16000 (default) or 8000, where what lies above 4 kHz is missing as on the telephone.
    pub sample_rate: u32,
    /// Speakers in TRAIN, 1 to 2000. Default 40.
    pub train_speakers: usize,
    /// Speakers in TEST with names of TIMIT's development list, 1 to 50. Default 8.
    pub valid_speakers: usize,
    /// Speakers in TEST with names of TIMIT's core test list, 1 to 24. Default 8.
    pub test_speakers: usize,
    /// Sentences a speaker, 1 to 200; no two utterances of the corpus say the same. Default 8, as in TIMIT without SA.
    pub sentences: usize,
    /// How hard the corpus is to recognise.
    pub difficulty: Difficulty,
}

impl Default for SynthConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            sample_rate: 16_000,
            train_speakers: 40,
            valid_speakers: 8,
            test_speakers: 8,
            sentences: 8,
            difficulty: Difficulty::default(),
        }
    }
}

/// Every number that makes the corpus easier or harder; all else is phonetics.
///
/// A pair is the range of a uniform draw. Deviations are of normal draws that are clipped to twice the deviation;
/// relative ones are of the logarithm (0.05 is about 5 %). With the defaults a linear discriminant on eleven frames of 23
/// log-mel energies is right on 63 % of the frames (39 phones) of speakers it has not heard, a multilayer perceptron on
/// 21 frames on 84 %, and a bigram Viterbi decoding of the latter errs on 13 % of the phones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Difficulty {
    /// Mean power of speech (outside silence) over mean power of noise, dB, drawn for an utterance.
    pub snr_db: [f64; 2],
    /// Share of the noise power that is coloured (falling 6 dB an octave above 300 Hz); the rest is white.
    pub coloured_noise: f64,
    /// Reverberation time to −60 dB in seconds, drawn for a speaker: everyone sits in a room of their own.
    pub t60_s: [f64; 2],
    /// Energy of the direct sound over that of the room's, dB, drawn for a speaker.
    pub direct_to_reverberant_db: [f64; 2],
    /// Deviation of the microphone's tilt, dB between 300 Hz and 3 kHz, drawn for an utterance.
    pub channel_tilt_db: f64,
    /// Deviation of the level, dB, drawn for an utterance around −26 dB below full scale.
    pub level_db: f64,
    /// Relative deviation of the length of the vocal tract around the mean of a sex.
    pub tract_length: f64,
    /// Relative deviation of a vowel's formants between the eight dialect regions.
    pub region_accent: f64,
    /// Relative deviation of a phone's formants between the speakers of a region.
    pub speaker_accent: f64,
    /// Relative deviation of the formants from one token of a phone to the next.
    pub token: f64,
    /// Deviation of the level from one token to the next, dB.
    pub effort_db: f64,
    /// Speed of articulation, drawn for a speaker; 1 is careful reading, about 11 phones a second.
    pub rate: [f64; 2],
    /// Relative deviation of a duration from what its phone, stress and place in the phrase ask for.
    pub duration: f64,
    /// Multiplies the time constants of the articulators: more is more coarticulation and more undershoot.
    pub coarticulation: f64,
    /// Share of nouns, verbs and adjectives that are invented, so that words cannot be learnt by heart.
    pub invented_words: f64,
}

impl Default for Difficulty {
    fn default() -> Self {
        Self {
            snr_db: [12.0, 28.0],
            coloured_noise: 0.6,
            t60_s: [0.1, 0.35],
            direct_to_reverberant_db: [6.0, 15.0],
            channel_tilt_db: 3.0,
            level_db: 4.0,
            tract_length: 0.05,
            region_accent: 0.03,
            speaker_accent: 0.045,
            token: 0.04,
            effort_db: 1.5,
            rate: [1.0, 1.5],
            duration: 0.2,
            coarticulation: 1.0,
            invented_words: 0.3,
        }
    }
}

impl SynthConfig {
    /// Refuses what no corpus can be made of.
    ///
    /// # Errors
    /// [`Error::Setting`], naming the first setting out of its range.
    pub fn check(&self) -> Result<()> {
        if ![8_000, 16_000].contains(&self.sample_rate) {
            return Err(refused("sample_rate", "8000 or 16000", &self.sample_rate));
        }
        count("train_speakers", self.train_speakers, 2_000)?;
        count("valid_speakers", self.valid_speakers, super::layout::VALID_SPEAKERS.len())?;
        count("test_speakers", self.test_speakers, super::layout::TEST_SPEAKERS.len())?;
        count("sentences", self.sentences, 200)?;
        self.difficulty.check()
    }
}

impl Difficulty {
    fn check(&self) -> Result<()> {
        range("difficulty.snr_db", self.snr_db, [-20.0, 100.0])?;
        range("difficulty.t60_s", self.t60_s, [0.05, 2.0])?;
        range("difficulty.direct_to_reverberant_db", self.direct_to_reverberant_db, [-20.0, 100.0])?;
        range("difficulty.rate", self.rate, [0.5, 3.0])?;
        for (name, value, high) in [
            ("difficulty.coloured_noise", self.coloured_noise, 1.0),
            ("difficulty.channel_tilt_db", self.channel_tilt_db, 10.0),
            ("difficulty.level_db", self.level_db, 6.0),
            ("difficulty.tract_length", self.tract_length, 0.15),
            ("difficulty.region_accent", self.region_accent, 0.15),
            ("difficulty.speaker_accent", self.speaker_accent, 0.15),
            ("difficulty.token", self.token, 0.15),
            ("difficulty.effort_db", self.effort_db, 6.0),
            ("difficulty.duration", self.duration, 0.5),
            ("difficulty.coarticulation", self.coarticulation, 5.0),
            ("difficulty.invented_words", self.invented_words, 1.0),
        ] {
            if !(0.0..=high).contains(&value) {
                return Err(refused(name, &format!("a number from 0 to {high}"), &value));
            }
        }
        Ok(())
    }
}

fn count(name: &'static str, got: usize, high: usize) -> Result<()> {
    if (1..=high).contains(&got) { Ok(()) } else { Err(refused(name, &format!("1 to {high}"), &got)) }
}

fn range(name: &'static str, [low, high]: [f64; 2], [least, most]: [f64; 2]) -> Result<()> {
    if least <= low && low <= high && high <= most {
        return Ok(());
    }
    Err(refused(name, &format!("[low, high] with {least} <= low <= high <= {most}"), &format!("[{low}, {high}]")))
}

fn refused(name: &'static str, expected: &str, got: &dyn ToString) -> Error {
    Error::Setting { name, expected: expected.to_owned(), got: got.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut SynthConfig)) -> String {
        let mut config = SynthConfig::default();
        change(&mut config);
        config.check().expect_err("refused").to_string()
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        assert!(SynthConfig::default().check().is_ok());
        assert_eq!(refusal(|c| c.sample_rate = 11_025), "`sample_rate` is 11025, expected 8000 or 16000");
        assert_eq!(refusal(|c| c.test_speakers = 25), "`test_speakers` is 25, expected 1 to 24");
        assert!(refusal(|c| c.difficulty.snr_db = [20.0, 10.0]).starts_with("`difficulty.snr_db` is [20, 10]"));
        assert!(refusal(|c| c.difficulty.token = f64::NAN).starts_with("`difficulty.token` is NaN"));
    }

    #[test]
    fn unknown_settings_are_refused() {
        assert!(serde_json::from_str::<SynthConfig>(r#"{"seed": 3, "difficulty": {"token": 0.01}}"#).is_ok());
        assert!(serde_json::from_str::<SynthConfig>(r#"{"sede": 3}"#).is_err());
    }
}
