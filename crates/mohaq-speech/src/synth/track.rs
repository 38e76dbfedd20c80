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
        let token = [0; 4].map(|_| libm::exp(spread * random.moderate(0.0, difficulty.token)));
        let effort_db = random.moderate(0.0, difficulty.effort_db);
        for frame in segment.start..segment.end {
            targets.push(target(segment, frame, speaker, token, effort_db));
        }
    }
    smooth_all(&targets, difficulty.coarticulation)
}

fn gain(db: f64) -> f64 {
    if db <= SILENT { 0.0 } else { libm::exp10(db / 20.0) }
}

fn target(segment: &Segment, at: usize, speaker: &Speaker, token: [f64; 4], effort_db: f64) -> Target {
    let row = segment.row();
    let length = (segment.end - segment.start) as f64;
    let position = ((at - segment.start) as f64 + 0.5) / length;
    // A diphthong rests at either end and moves in between (Gay 1968 finds the rate of change nearly constant).
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
    excite(&mut frame, segment, at, position, effort_db);
    place_noise(&mut frame, row, speaker);
    Target { frame, dominance: row.dominance, approach_ms: row.approach_ms }
}

/// Sets the levels of voice, breath and noise at `position` (0 to 1) of the segment.
fn excite(frame: &mut Frame, segment: &Segment, at: usize, position: f64, effort_db: f64) {
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
    frame.voicing = gain(voicing_db + devoicing_db + effort_db);
    frame.breath = if bursting { 0.0 } else { gain(row.breath_db + effort_db) };
    let fading_db = match row.manner {
        _ if after_burst => -14.0,
        // Frication grows through a fricative and fades through an affricate.
        Manner::Fricative => -4.0 * (2.0 * position - 1.0).abs(),
        Manner::Affricate => -8.0 * position,
        _ => 0.0,
    };
    frame.flat = if row.noise.level_db <= SILENT { 0.0 } else { gain(row.noise.level_db + fading_db + effort_db) };
}

/// Turns the level of the noise, left in `frame.flat`, into bands and the flat part, of powers that add up to it.
fn place_noise(frame: &mut Frame, row: &Phone, speaker: &Speaker) {
    let [first, second] = row.noise.bands.map(|band| gain(band.level_db));
    let flat = gain(row.noise.flat_db);
    let sum = (first * first + second * second + flat * flat).sqrt();
    let level = if sum > 0.0 { frame.flat / sum } else { 0.0 };
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
