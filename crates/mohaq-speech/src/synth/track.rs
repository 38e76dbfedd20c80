//! From timed phones to the motion of everything that a tract has: formants, bandwidths, noises, levels.
//!
//! Each phone sets targets while it lasts. Targets become motion by bidirectional exponential smoothing, in which every
//! frame pulls with the dominance and the time constant of its phone. Both the past and the future pull, so sounds
//! anticipate as well as linger, and what is too short for its target does not reach it.
//!
//! Sources: L. Deng, D. Yu and A. Acero, "Structured speech modeling", IEEE Trans. ASLP 14(5), 2006 (targets filtered in
//! both directions); M. Cohen and D. Massaro, "Modeling coarticulation in synthetic visual speech", 1993 (dominance).

use super::config::Difficulty;
use super::phone::{Centre, Manner, Phone, SILENT};
use super::random::Random;
use super::speaker::Speaker;
use super::timing::{FRAMES_A_SECOND, Segment};

/// Levels move with the valves that make them, faster than the tract.
const LEVEL_MS: f64 = 3.0;
/// The velum is slow: neighbours of nasals are nasal.
const VELUM_MS: f64 = 20.0;
/// A burst of noise at a release, before the folds or the breath take over.
const BURST_MS: f64 = 9.0;

/// A band of noise at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct BandFrame {
    pub(super) hz: f64,
    pub(super) bandwidth: f64,
    pub(super) gain: f64,
}

/// Everything the synthesiser needs to know for 2 ms. Gains are linear.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Frame {
    pub(super) formant: [f64; 4],
    pub(super) bandwidth: [f64; 4],
    pub(super) voicing: f64,
    pub(super) breath: f64,
    /// Loss of the glottal source at 3 kHz beyond the speaker's own, dB.
    pub(super) tilt_db: f64,
    pub(super) bands: [BandFrame; 2],
    pub(super) flat: f64,
    /// 0: velum closed, 1: open.
    pub(super) velum: f64,
    /// Zero beside the place of articulation, Hz, and how much of it there is.
    pub(super) zero_hz: f64,
    pub(super) zero_depth: f64,
}

/// Amplitude of `db`; nothing at [`SILENT`] and what little lies above it.
fn gain(db: f64) -> f64 {
    if db < 0.5 * SILENT { 0.0 } else { libm::exp10(db / 20.0) }
}

/// What a phone asks for at one frame, and how strongly.
struct Target {
    frame: Frame,
    dominance: [f64; 4],
    approach_ms: f64,
}

/// The motion through `segments`.
pub(super) fn frames(
    segments: &[Segment],
    speaker: &Speaker,
    difficulty: &Difficulty,
    random: &mut Random,
) -> Vec<Frame> {
    let mut targets = Vec::with_capacity(segments.last().map_or(0, |last| last.end));
    for segment in segments {
        let spread = if segment.row().manner == Manner::Vowel { 1.0 } else { 0.6 };
        let token = core::array::from_fn(|_| libm::exp(spread * random.moderate(0.0, difficulty.token)));
        let effort_db = random.moderate(0.0, difficulty.effort_db);
        for frame in segment.start..segment.end {
            targets.push(target(segment, frame, speaker, token, effort_db));
        }
    }
    smooth_all(&targets, difficulty.coarticulation)
}

fn target(segment: &Segment, at: usize, speaker: &Speaker, token: [f64; 4], effort_db: f64) -> Target {
    let row = segment.row();
    let length = (segment.end - segment.start) as f64;
    let position = ((at - segment.start) as f64 + 0.5) / length;
    // A diphthong rests at either end and moves in between at a constant rate (T. Gay, "Effect of
    // speaking rate on diphthong formant movements", JASA 44(6), 1968).
    let moved = ((position - 0.2) / 0.6).clamp(0.0, 1.0);
    let own = |i: usize| speaker.tract[i] * speaker.accent[segment.phone][i] * token[i];
    let mut frame = Frame {
        formant: core::array::from_fn(|i| (row.onset[i] + moved * (row.offset[i] - row.onset[i])) * own(i)),
        bandwidth: row.bandwidth,
        velum: if row.manner == Manner::Nasal { 1.0 } else { 0.0 },
        zero_hz: row.zero_hz.unwrap_or(0.0) * speaker.tract[1],
        zero_depth: if row.zero_hz.is_some() { 1.0 } else { 0.0 },
        ..Frame::default()
    };
    let noise_db = excite(&mut frame, segment, at, position) + effort_db;
    frame.voicing *= gain(effort_db);
    frame.breath *= gain(effort_db);
    place_noise(&mut frame, row, noise_db, speaker);
    Target { frame, dominance: row.dominance, approach_ms: row.approach_ms }
}

/// Sets the levels of voice and breath at `position` (0 to 1) of the segment and returns the level of its noise, dB.
fn excite(frame: &mut Frame, segment: &Segment, at: usize, position: f64) -> f64 {
    let row = segment.row();
    let since_release_ms = (at - segment.start) as f64 * 1000.0 / f64::from(FRAMES_A_SECOND);
    let bursting = row.manner == Manner::Release && since_release_ms < BURST_MS;
    let after_burst = row.manner == Manner::Release && !bursting;
    let mut voicing_db = row.voicing_db + if segment.stressed { 0.0 } else { -2.0 };
    match row.manner {
        // The pressure below the folds falls while the mouth is shut.
        Manner::Closure => voicing_db -= 10.0 * position,
        // The folds of `b`, `d`, `g` start with the opening.
        Manner::Release if row.breath_db <= SILENT && after_burst => voicing_db = -7.0,
        _ => {}
    }
    frame.tilt_db = match row.manner {
        Manner::Closure => 20.0,
        Manner::Fricative | Manner::Affricate | Manner::Breath => 8.0,
        Manner::Glottal => 4.0,
        _ => 0.0,
    };
    let devoicing_db = if segment.devoiced { -20.0 } else { 0.0 };
    frame.voicing = gain(voicing_db + devoicing_db);
    frame.breath = if bursting { 0.0 } else { gain(row.breath_db) };
    row.noise.level_db
        + match row.manner {
            _ if after_burst => -14.0,
            // Frication grows through a fricative and fades through an affricate.
            Manner::Fricative => -4.0 * (2.0 * position - 1.0).abs(),
            Manner::Affricate => -8.0 * position,
            _ => 0.0,
        }
}

/// Divides noise of `level_db` among the bands and the flat part, such that powers add up to it.
fn place_noise(frame: &mut Frame, row: &Phone, level_db: f64, speaker: &Speaker) {
    let [first, second] = row.noise.bands.map(|band| gain(band.level_db));
    let flat = gain(row.noise.flat_db);
    let sum = (first * first + second * second + flat * flat).sqrt();
    let level = if sum > 0.0 { gain(level_db) / sum } else { 0.0 };
    for (place, (band, share)) in frame.bands.iter_mut().zip(row.noise.bands.iter().zip([first, second])) {
        let hz = match band.centre {
            Centre::Hz(hz) => hz * speaker.front_cavity,
            Centre::SecondFormant => frame.formant[1],
        };
        *place = BandFrame { hz, bandwidth: band.bandwidth_hz, gain: level * share };
    }
    frame.flat = level * flat;
}

/// Smooths every quantity with the weights and time constants it has.
fn smooth_all(targets: &[Target], coarticulation: f64) -> Vec<Frame> {
    let mut out = vec![Frame::default(); targets.len()];
    let tract = Smoother::new(targets.iter().map(|target| target.approach_ms * coarticulation));
    for i in 0..4 {
        let weight: Vec<f64> = targets.iter().map(|target| target.dominance[i]).collect();
        tract.apply(targets, &weight, &mut out, |frame| &mut frame.formant[i]);
        tract.apply(targets, &weight, &mut out, |frame| &mut frame.bandwidth[i]);
    }
    let velum = Smoother::new(targets.iter().map(|_| VELUM_MS * coarticulation));
    let level = Smoother::new(targets.iter().map(|_| LEVEL_MS));
    let even = vec![1.0; targets.len()];
    velum.apply(targets, &even, &mut out, |frame| &mut frame.velum);
    level.apply(targets, &even, &mut out, |frame| &mut frame.voicing);
    level.apply(targets, &even, &mut out, |frame| &mut frame.breath);
    level.apply(targets, &even, &mut out, |frame| &mut frame.tilt_db);
    level.apply(targets, &even, &mut out, |frame| &mut frame.flat);
    level.apply(targets, &even, &mut out, |frame| &mut frame.zero_depth);
    // Where something is absent its frequency has no say, so that it does not sweep as it fades.
    let present = |amount: f64| amount + 1e-6;
    let zeros: Vec<f64> = targets.iter().map(|target| present(target.frame.zero_depth)).collect();
    level.apply(targets, &zeros, &mut out, |frame| &mut frame.zero_hz);
    for i in 0..2 {
        let loud: Vec<f64> = targets.iter().map(|target| present(target.frame.bands[i].gain)).collect();
        level.apply(targets, &loud, &mut out, |frame| &mut frame.bands[i].hz);
        level.apply(targets, &loud, &mut out, |frame| &mut frame.bands[i].bandwidth);
        level.apply(targets, &even, &mut out, |frame| &mut frame.bands[i].gain);
    }
    out
}

/// Bidirectional exponential smoothing with a time constant a frame.
struct Smoother {
    /// What of the past (or the future) is left after a frame.
    keep: Vec<f64>,
}

impl Smoother {
    fn new(constants_ms: impl Iterator<Item = f64>) -> Self {
        let frame_ms = 1000.0 / f64::from(FRAMES_A_SECOND);
        let mut last = (f64::NAN, 0.0);
        let keep = constants_ms.map(|ms| {
            // Constants change from phone to phone only, so most frames need no exponential.
            if last.0 != ms {
                last = (ms, if ms > 0.0 { libm::exp(-frame_ms / ms) } else { 0.0 });
            }
            last.1
        });
        Self { keep: keep.collect() }
    }

    /// Smooths one field of the targets into the same field of `out`.
    ///
    /// Weights are divided by the time constant, so that a long phone pulls with its dominance whatever its constant.
    fn apply(&self, targets: &[Target], weight: &[f64], out: &mut [Frame], field: impl Fn(&mut Frame) -> &mut f64) {
        let value: Vec<f64> = targets.iter().map(|target| *field(&mut target.frame.clone())).collect();
        let mut pull = vec![(0.0, 0.0); value.len()];
        let (mut sum, mut total) = (0.0, 0.0);
        for t in 0..value.len() {
            let own = weight[t] * (1.0 - self.keep[t]);
            sum = self.keep[t] * sum + own * value[t];
            total = self.keep[t] * total + own;
            pull[t] = (sum, total);
        }
        (sum, total) = (0.0, 0.0);
        for t in (0..value.len()).rev() {
            *field(&mut out[t]) = (pull[t].0 + sum) / (pull[t].1 + total);
            let own = weight[t] * (1.0 - self.keep[t]);
            // The future that frame `t − 1` sees: frame `t` and what `t` saw.
            sum = self.keep[t] * (sum + own * value[t]);
            total = self.keep[t] * (total + own);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::phone::{PHONES, phone};
    use crate::synth::random::Purpose;
    use crate::synth::speaker::Sex;

    /// Motion of the table's man through phones of given frames.
    fn motion(phones: &[(&str, usize)]) -> Vec<Frame> {
        let difficulty = Difficulty {
            tract_length: 0.0,
            region_accent: 0.0,
            speaker_accent: 0.0,
            token: 0.0,
            effort_db: 0.0,
            ..Difficulty::default()
        };
        let mut random = Random::new(1, Purpose::Timing, 0, 0);
        let mut speaker = Speaker::new(1, 0, 0, Sex::Male, &difficulty);
        speaker.tract = [1.0; 4];
        let mut start = 0;
        let segments: Vec<Segment> = phones
            .iter()
            .map(|&(name, frames)| {
                start += frames;
                Segment { phone: phone(name), start: start - frames, end: start, stressed: true, devoiced: false }
            })
            .collect();
        frames(&segments, &speaker, &difficulty, &mut random)
    }

    /// Slope of F2 at the release over F2 of the vowel's middle, by least squares over ten vowels.
    fn locus_slope(closure: &str, release: &str) -> f64 {
        let points: Vec<(f64, f64)> = ["iy", "ih", "eh", "ae", "aa", "ao", "uh", "uw", "ah", "ax"]
            .iter()
            .map(|vowel| {
                let motion = motion(&[(closure, 40), (release, 10), (vowel, 100)]);
                (motion[110].formant[1], 0.5 * (motion[49].formant[1] + motion[50].formant[1]))
            })
            .collect();
        let n = points.len() as f64;
        let mean = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
        let covariance: f64 = points.iter().map(|p| (p.0 - mean.0) * (p.1 - mean.1)).sum();
        covariance / points.iter().map(|p| (p.0 - mean.0) * (p.0 - mean.0)).sum::<f64>()
    }

    #[test]
    fn stops_obey_their_locus_equations() {
        // Sussman, McCaffrey and Matthews 1991: the slopes the targets were derived from must come out of the motion.
        for (closure, release, slope) in [("bcl", "b", 0.87), ("dcl", "d", 0.43), ("gcl", "g", 0.66)] {
            let got = locus_slope(closure, release);
            assert!((got - slope).abs() < 0.06, "{release}: published {slope}, got {got}");
        }
    }

    #[test]
    fn short_vowels_do_not_reach_their_targets() {
        let short_of = |frames| {
            let motion = motion(&[("w", 50), ("iy", frames), ("w", 50)]);
            PHONES[phone("iy")].onset[1] - motion[50 + frames / 2].formant[1]
        };
        assert!(short_of(150) < 20.0, "{}", short_of(150));
        assert!(short_of(20) > 300.0, "{}", short_of(20));
        assert!(short_of(20) > short_of(40) && short_of(40) > short_of(80));
    }

    #[test]
    fn sounds_anticipate_as_well_as_linger() {
        let motion = motion(&[("ax", 100), ("m", 40), ("ax", 100)]);
        assert!(motion[95].velum > 0.2 && motion[145].velum > 0.2, "vowels beside a nasal are nasal");
        assert!(motion[40].velum < 0.01 && motion[120].velum > 0.8);
    }

    #[test]
    fn a_voiceless_stop_is_silence_then_burst_then_breath() {
        let motion = motion(&[("aa", 60), ("tcl", 30), ("t", 25), ("aa", 60)]);
        let loud =
            |frame: &Frame| frame.voicing + frame.breath + frame.flat + frame.bands[0].gain + frame.bands[1].gain;
        assert!(loud(&motion[75]) < 0.01);
        assert!(motion[92].bands[1].gain > 3.0 * motion[110].bands[1].gain);
        assert!(motion[108].breath > 3.0 * motion[91].breath && motion[108].voicing < 0.01);
    }

    #[test]
    fn noise_has_the_level_the_table_states() {
        let motion = motion(&[("s", 100)]);
        let middle = motion[50];
        let power = middle.flat * middle.flat + middle.bands.iter().map(|band| band.gain * band.gain).sum::<f64>();
        let stated = PHONES[phone("s")].noise.level_db;
        assert!((10.0 * libm::log10(power) - stated).abs() < 0.2);
    }
}
