//! From words to timed phones: what happens where sounds meet, and how long each lasts.
//!
//! Durations follow D. Klatt 1979: a phone has an inherent and a minimal duration and stress, clusters and the end of a
//! phrase move it between and beyond the two. Rules for stops follow TIMIT's transcriptions: closure and release are
//! separate, a stop after silence has no closure of its own, and one before another stop or a pause is often unreleased.

use super::lexicon::Word;
use super::phone::{Manner, PHONES, Phone, SILENT, phone};
use super::random::Random;

/// Time step of everything that moves: 2 ms.
pub(super) const FRAMES_A_SECOND: u32 = 500;

/// A phone with its time, in frames of 2 ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Segment {
    /// Row of [`PHONES`].
    pub(super) phone: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) stressed: bool,
    /// A voiced obstruent said without voice.
    pub(super) devoiced: bool,
}

impl Segment {
    pub(super) fn row(&self) -> &'static Phone {
        &PHONES[self.phone]
    }
}

/// Says `clauses` at `rate`; `deviation` is that of the logarithm of a duration. Contiguous, silent at both ends.
pub(super) fn timed(clauses: &[Vec<Word>], rate: f64, deviation: f64, random: &mut Random) -> Vec<Segment> {
    let sounds = joined(&sequence(clauses, random), random);
    let mut segments = Vec::with_capacity(sounds.len());
    let mut start = 0;
    for (i, sound) in sounds.iter().enumerate() {
        let next = sounds.get(i + 1).map(Sound::row);
        let ms =
            duration_ms(sound, neighbours_consonant(&sounds, i), rate) * libm::exp(random.moderate(0.0, deviation));
        let frames = (ms * f64::from(FRAMES_A_SECOND) / 1000.0).max(5.0) as usize;
        segments.push(Segment {
            phone: sound.phone,
            start,
            end: start + frames,
            stressed: sound.stressed,
            devoiced: devoiced(sound.row(), next, random),
        });
        start += frames;
    }
    segments
}

/// A sound before it has a time.
#[derive(Clone, Copy, Debug)]
struct Sound {
    phone: usize,
    stressed: bool,
    /// In the last rime of a clause.
    last: bool,
    /// First of its word.
    initial: bool,
}

impl Sound {
    fn row(&self) -> &'static Phone {
        &PHONES[self.phone]
    }

    fn silence(name: &str) -> Self {
        Self { phone: phone(name), stressed: false, last: false, initial: false }
    }

    fn renamed(self, name: &str) -> Self {
        Self { phone: phone(name), ..self }
    }
}

/// All sounds with stops unsplit, `h#` around them and `pau` between some clauses.
fn sequence(clauses: &[Vec<Word>], random: &mut Random) -> Vec<Sound> {
    let mut sounds = vec![Sound::silence("h#")];
    for (i, clause) in clauses.iter().enumerate() {
        if i > 0 && random.chance(0.7) {
            sounds.push(Sound::silence("pau"));
        }
        let first = sounds.len();
        for word in clause {
            for (j, sound) in word.sounds.iter().enumerate() {
                let name = sound.trim_end_matches('1');
                let stressed = name.len() < sound.len();
                sounds.push(Sound { phone: phone(name), stressed, last: false, initial: j == 0 });
            }
        }
        let rime = sounds.iter().rposition(|sound| sound.row().syllabic()).unwrap_or(first);
        sounds[rime..].iter_mut().for_each(|sound| sound.last = true);
    }
    sounds.push(Sound::silence("h#"));
    sounds
}

/// Applies what happens where sounds meet.
fn joined(sounds: &[Sound], random: &mut Random) -> Vec<Sound> {
    let silence = Sound::silence("h#");
    let mut out: Vec<Sound> = Vec::with_capacity(2 * sounds.len());
    for (i, &sound) in sounds.iter().enumerate() {
        let before = if i > 0 { sounds[i - 1] } else { silence };
        let after = sounds.get(i + 1).copied().unwrap_or(silence);
        let name = sound.row().name;
        match sound.row().manner {
            Manner::Release if flaps(before, sound, after) && random.chance(0.6) => out.push(sound.renamed("dx")),
            Manner::Release | Manner::Affricate => stop(&mut out, sound, after, random),
            Manner::Breath if before.row().voiced() && random.chance(0.6) => out.push(sound.renamed("hv")),
            Manner::Vowel if sound.initial && before.row().manner == Manner::Silence && random.chance(0.3) => {
                out.extend([sound.renamed("q"), sound]);
            }
            Manner::Nasal | Manner::Glide if hisses(before) && random.chance(0.15) => {
                out.extend([sound.renamed("epi"), sound]);
            }
            // Two of the same kind are one.
            _ if out.last().is_some_and(|last| last.row().name == name) => {}
            _ => out.push(sound),
        }
    }
    out
}

fn hisses(sound: Sound) -> bool {
    sound.row().manner == Manner::Fricative && !sound.row().voiced()
}

/// `t` and `d` at the end of a word between vowels.
fn flaps(before: Sound, sound: Sound, after: Sound) -> bool {
    let vowel = |sound: Sound| sound.row().manner == Manner::Vowel;
    matches!(sound.row().name, "t" | "d") && vowel(before) && vowel(after) && after.initial && !after.stressed
}

/// Closure and release of a stop or affricate.
fn stop(out: &mut Vec<Sound>, sound: Sound, after: Sound, random: &mut Random) {
    let name = sound.row().name;
    let closure = closure_of(name);
    let last = out.last().map(Sound::row);
    if last.is_none_or(|last| last.manner != Manner::Silence && last.name != closure) {
        out.push(sound.renamed(closure));
    }
    let closed = out.last().is_some_and(|last| last.row().manner == Manner::Closure);
    let unreleased = match after.row().manner {
        _ if !closed || sound.row().manner == Manner::Affricate => 0.0,
        Manner::Release | Manner::Affricate if closure_of(after.row().name) == closure => 1.0,
        Manner::Release | Manner::Affricate => 0.5,
        Manner::Nasal => 0.4,
        Manner::Silence => 0.3,
        _ => 0.0,
    };
    if !random.chance(unreleased) {
        out.push(sound);
    }
}

/// The closure of a release or an affricate.
fn closure_of(name: &str) -> &'static str {
    match name {
        "b" => "bcl",
        "d" | "jh" => "dcl",
        "g" => "gcl",
        "p" => "pcl",
        "k" => "kcl",
        _ => "tcl",
    }
}

fn neighbours_consonant(sounds: &[Sound], i: usize) -> bool {
    let consonant = |sound: &Sound| !sound.row().syllabic() && sound.row().manner != Manner::Silence;
    consonant(&sounds[i])
        && (i > 0 && consonant(&sounds[i - 1]) || sounds.get(i + 1).is_some_and(consonant))
        && !matches!(sounds[i].row().manner, Manner::Closure | Manner::Release | Manner::Affricate)
}

fn duration_ms(sound: &Sound, in_cluster: bool, rate: f64) -> f64 {
    let row = sound.row();
    if row.manner == Manner::Silence {
        return row.inherent_ms;
    }
    // Klatt 1979, rules 4 to 6 (stress, clusters) as a share of what lies above the minimal duration.
    let share = match (row.syllabic(), sound.stressed, in_cluster) {
        (true, true, _) => 0.85,
        (true, false, _) => 0.4,
        (false, _, false) => 0.9,
        (false, _, true) => 0.55,
    };
    // Rule 2: the last rime of a clause is longer by 40 %.
    let lengthening = if sound.last { 1.4 } else { 1.0 };
    lengthening * (row.minimum_ms + share * (row.inherent_ms - row.minimum_ms)) / rate
}

/// Voiced obstruents lose their voice before silence and before voiceless sounds, more often than not.
fn devoiced(row: &Phone, next: Option<&Phone>, random: &mut Random) -> bool {
    let obstruent = matches!(row.manner, Manner::Fricative | Manner::Affricate | Manner::Closure);
    let voiceless_next = next.is_none_or(|next| next.voicing_db == SILENT && next.manner != Manner::Release);
    obstruent && row.voiced() && voiceless_next && random.chance(0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::random::Purpose;

    fn say(sounds: &str, number: u64) -> Vec<Segment> {
        let word = Word { spelling: "x".into(), sounds: sounds.split(' ').map(str::to_owned).collect() };
        timed(&[vec![word]], 1.0, 0.2, &mut Random::new(1, Purpose::Timing, 0, number))
    }

    fn names(segments: &[Segment]) -> String {
        segments.iter().map(|segment| segment.row().name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn segments_are_contiguous_and_start_at_zero() {
        for number in 0..50 {
            let segments = say("s t r ae1 p s en d ih dx", number);
            assert_eq!(segments[0].start, 0);
            assert!(segments.windows(2).all(|pair| pair[0].end == pair[1].start && pair[1].end > pair[1].start));
        }
    }

    #[test]
    fn stops_are_a_closure_and_a_release() {
        assert_eq!(names(&say("s t iy1 s", 0)), "h# s tcl t iy s h#");
        assert_eq!(names(&say("s ae1 jh iy s", 0)), "h# s ae dcl jh iy s h#");
        assert_eq!(names(&say("ch ih1 s", 0)), "h# ch ih s h#", "no closure after silence");
    }

    #[test]
    fn a_stop_before_its_own_kind_is_not_released() {
        for number in 0..20 {
            assert_eq!(names(&say("s ae1 d d iy s", number)), "h# s ae dcl d iy s h#");
        }
    }

    #[test]
    fn stress_and_the_end_of_a_phrase_lengthen() {
        let mean = |sounds: &str, at: usize| {
            (0..100).map(|n| say(sounds, n)[at]).map(|s| (s.end - s.start) as f64).sum::<f64>() / 100.0
        };
        assert!(mean("s ae1 s iy s", 2) > 1.3 * mean("s ae s iy s", 2), "stress");
        assert!(mean("s iy s iy1", 4) > mean("s iy1 s iy", 2), "last rime");
    }
}
