//! Speakers: a tract, a larynx, an accent and a pace, drawn once and kept for all their sentences.

use super::config::Difficulty;
use super::phone::{Manner, PHONES, WOMEN_OVER_MEN};
use super::random::{Purpose, Random};

/// Which of the two mean tracts and pitches a speaker varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sex {
    Female,
    Male,
}

/// One voice.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Speaker {
    /// Factors on F1 to F4 of the table's man: sex, length of the tract, and its proportions.
    pub(super) tract: [f64; 4],
    /// Factor on the frequencies of frication noise: the size of the front cavity.
    pub(super) front_cavity: f64,
    /// Factors on F1 to F4 for each row of the table: region and habit.
    pub(super) accent: Vec<[f64; 4]>,
    /// Mean pitch, Hz.
    pub(super) pitch_hz: f64,
    /// From the lowest to the highest of a sentence's melody, semitones.
    pub(super) pitch_range: f64,
    /// Relative deviation of one glottal period from the next.
    pub(super) jitter: f64,
    /// Relative deviation of one pulse's height from the next.
    pub(super) shimmer: f64,
    /// Part of a period in which the folds are open.
    pub(super) open_quotient: f64,
    /// Loss of the glottal source at 3 kHz, dB.
    pub(super) tilt_db: f64,
    /// Breath under the voice, dB against a stressed open vowel.
    pub(super) breath_db: f64,
    /// Speed of articulation, 1 being careful reading.
    pub(super) rate: f64,
}

impl Speaker {
    /// Speaker number `index` of the corpus, from dialect `region`.
    ///
    /// Means: tract and pitch of Hillenbrand et al. 1995 (pitch 131 and 220 Hz); open quotient, tilt and breath from D.
    /// Klatt and L. Klatt, "Analysis, synthesis, and perception of voice quality variations among female and male
    /// talkers", JASA 87(2), 1990: women are breathier, with longer open phases and softer closures. Jitter and shimmer
    /// lie in the range of healthy voices (about 1 % and 4 %).
    pub(super) fn new(seed: u64, index: u64, region: u64, sex: Sex, difficulty: &Difficulty) -> Self {
        let mut random = Random::new(seed, Purpose::Speaker, index, 0);
        let (pitch_hz, open_quotient, tilt_db, breath_db, formants) = match sex {
            Sex::Male => (131.0, 0.5, 6.0, -38.0, [1.0; 4]),
            Sex::Female => (220.0, 0.6, 10.0, -33.0, WOMEN_OVER_MEN),
        };
        let length = libm::exp(random.moderate(0.0, difficulty.tract_length));
        let tract = formants.map(|factor| factor * length * libm::exp(random.moderate(0.0, 0.015)));
        Self {
            tract,
            front_cavity: formants[2] * length * libm::exp(random.moderate(0.0, 0.05)),
            accent: accent(seed, region, &mut random, difficulty),
            pitch_hz: pitch_hz * libm::exp(random.moderate(0.0, 0.13)),
            pitch_range: random.within([4.0, 10.0]),
            jitter: random.within([0.005, 0.02]),
            shimmer: random.within([0.02, 0.08]),
            open_quotient: open_quotient + random.moderate(0.0, 0.05),
            tilt_db: tilt_db + random.moderate(0.0, 2.5),
            breath_db: breath_db + random.moderate(0.0, 4.0),
            rate: random.within(difficulty.rate),
        }
    }
}

/// Factors on the formants of every phone. Vowels and glides carry an accent, consonants half of it.
fn accent(seed: u64, region: u64, random: &mut Random, difficulty: &Difficulty) -> Vec<[f64; 4]> {
    let mut regional = Random::new(seed, Purpose::Region, region, 0);
    let mut factor = |spread: f64| {
        let habit = random.moderate(0.0, difficulty.speaker_accent);
        let origin = regional.moderate(0.0, difficulty.region_accent);
        libm::exp(spread * (habit + origin))
    };
    let spread = |manner| if matches!(manner, Manner::Vowel | Manner::Glide) { 1.0 } else { 0.5 };
    PHONES.iter().map(|phone| [1.0, 1.0, 0.6, 0.6].map(|share| factor(share * spread(phone.manner)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn women_have_shorter_tracts_and_higher_voices() {
        let difficulty = Difficulty::default();
        let mean = |sex, value: fn(&Speaker) -> f64| {
            (0..40).map(|i| value(&Speaker::new(1, i, i % 8, sex, &difficulty))).sum::<f64>() / 40.0
        };
        let ratio = |value| mean(Sex::Female, value) / mean(Sex::Male, value);
        // Speakers of the same number share their draws, so only the means of the sexes differ.
        assert!((ratio(|s| s.tract[1]) - WOMEN_OVER_MEN[1]).abs() < 1e-9);
        assert!((ratio(|s| s.pitch_hz) - 220.0 / 131.0).abs() < 1e-9);
    }

    #[test]
    fn without_spread_all_tracts_of_a_sex_have_the_table_s_accent() {
        let difficulty = Difficulty { region_accent: 0.0, speaker_accent: 0.0, ..Difficulty::default() };
        let speaker = Speaker::new(1, 5, 2, Sex::Male, &difficulty);
        assert!(speaker.accent.iter().flatten().all(|&factor| factor == 1.0));
    }
}
