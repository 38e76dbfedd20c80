//! The vocal tract: resonances in cascade for what comes from the larynx, in parallel for the noise of a constriction.
//!
//! Source: Klatt 1980, whose resonators, antiresonators and cascade/parallel layout these are. Departures: noise bands have
//! zeros at 0 Hz and at half the rate and are scaled to a stated power, so that a level in the table is the level heard; a
//! pole and a zero beside the place of articulation are added for nasals and laterals.

use super::glottis::Glottis;
use super::random::Random;
use super::speaker::Speaker;
use super::timing::FRAMES_A_SECOND;
use super::track::{BandFrame, Frame};
use core::f64::consts::{PI, TAU};

/// Root mean square of a stressed `aa` of the table's man at unit voicing: what levels of noise are stated against.
/// Measured by the test `levels_are_stated_against_a_stressed_aa`.
const VOWEL_RMS: f64 = 0.67;
/// Root mean square of unit white noise through the tract of `ax`: what breath is scaled by. Measured by the same test.
const BREATH_RMS: f64 = 1.6;
/// Formants above the fourth do not move: a tube of 17.5 cm has one every 1000 Hz. Bandwidths grow with frequency.
const FIXED: [(f64, f64); 4] = [(4500.0, 300.0), (5500.0, 400.0), (6500.0, 500.0), (7500.0, 600.0)];
/// Resonance of the nose, and where its zero lies with the velum open (Klatt 1980, §II.B.4), Hz.
const NOSE: (f64, f64) = (270.0, 450.0);

/// Sound pressure at the lips for `frames` at `pitch` (Hz a frame). `rate` is a multiple of [`FRAMES_A_SECOND`].
pub(super) fn voice(frames: &[Frame], pitch: &[f64], speaker: &Speaker, rate: u32, random: &mut Random) -> Vec<f64> {
    let samples = (rate / FRAMES_A_SECOND) as usize;
    let rate = f64::from(rate);
    let mut glottis = Glottis::new(rate, speaker);
    let mut tract = Tract::new(rate, speaker);
    let under_voice = libm::exp10(speaker.breath_db / 20.0);
    let mut out = Vec::with_capacity(frames.len() * samples);
    let mut last = Frame::default();
    for (frame, &pitch_hz) in frames.iter().zip(pitch) {
        glottis.set_tilt(speaker.tilt_db + frame.tilt_db);
        tract.set(frame);
        for n in 0..samples {
            let done = (n + 1) as f64 / samples as f64;
            let between = |from: f64, to: f64| from + done * (to - from);
            let voicing = between(last.voicing, frame.voicing);
            let pulse = voicing * glottis.step(pitch_hz, random);
            // Turbulence follows the flow: half as much while the folds are shut.
            let gate = if voicing < 0.01 || glottis.open() { 1.0 } else { 0.5 };
            let breath = between(last.breath, frame.breath) + voicing * under_voice;
            let larynx = pulse + gate * breath * (VOWEL_RMS / BREATH_RMS) * random.noise();
            let flat = between(last.flat, frame.flat);
            let frication = tract.parallel(random) + flat * random.noise();
            out.push(tract.cascade(larynx) + gate * VOWEL_RMS * frication);
        }
        last = *frame;
    }
    out
}

/// All filters of one voice.
struct Tract {
    rate: f64,
    formants: [Resonator; 4],
    fixed: Vec<Resonator>,
    nose: PoleZero,
    side: PoleZero,
    bands: [Band; 2],
}

impl Tract {
    fn new(rate: f64, speaker: &Speaker) -> Self {
        // What lies near or above half the rate is left out: the digital cascade needs no correction for it.
        let fixed = FIXED.iter().map(|&(hz, bandwidth)| (hz * speaker.tract[3], bandwidth));
        Self {
            rate,
            formants: Default::default(),
            fixed: fixed.filter(|&(hz, _)| hz < 0.47 * rate).map(|(hz, b)| Resonator::new(rate, hz, b)).collect(),
            nose: PoleZero::default(),
            side: PoleZero::default(),
            bands: Default::default(),
        }
    }

    fn set(&mut self, frame: &Frame) {
        for (i, resonator) in self.formants.iter_mut().enumerate() {
            // An open velum damps the first formant most.
            let damping = if i == 0 { 80.0 * frame.velum } else { 0.0 };
            // F4 of a short tract lies above 4 kHz, which telephone speech does not have.
            let hz = frame.formant[i].min(0.48 * self.rate);
            resonator.set(self.rate, hz, frame.bandwidth[i] + damping);
        }
        let (pole, zero) = NOSE;
        self.nose.set(self.rate, pole, pole + frame.velum * (zero - pole), 100.0);
        let side = frame.zero_hz.clamp(300.0, 0.4 * self.rate);
        self.side.set(self.rate, side * (1.0 + 0.2 * frame.zero_depth), side, 150.0);
        for (band, target) in self.bands.iter_mut().zip(&frame.bands) {
            band.set(self.rate, target);
        }
    }

    #[inline]
    fn cascade(&mut self, input: f64) -> f64 {
        let mut signal = self.side.step(self.nose.step(input));
        for resonator in self.formants.iter_mut().chain(&mut self.fixed) {
            signal = resonator.step(signal);
        }
        signal
    }

    /// Each band has a noise of its own, so that powers add where bands overlap.
    #[inline]
    fn parallel(&mut self, random: &mut Random) -> f64 {
        self.bands.iter_mut().map(|band| band.step(random.noise())).sum()
    }
}

/// Two poles, gain 1 at 0 Hz: `y[n] = a·x[n] + b·y[n−1] + c·y[n−2]`.
#[derive(Clone, Copy, Default)]
struct Resonator {
    a: f64,
    b: f64,
    c: f64,
    y: [f64; 2],
}

impl Resonator {
    fn new(rate: f64, hz: f64, bandwidth: f64) -> Self {
        let mut resonator = Self::default();
        resonator.set(rate, hz, bandwidth);
        resonator
    }

    fn set(&mut self, rate: f64, hz: f64, bandwidth: f64) {
        let radius = libm::exp(-PI * bandwidth / rate);
        self.b = 2.0 * radius * libm::cos(TAU * hz / rate);
        self.c = -radius * radius;
        self.a = 1.0 - self.b - self.c;
    }

    #[inline]
    fn step(&mut self, input: f64) -> f64 {
        let output = self.a * input + self.b * self.y[0] + self.c * self.y[1];
        self.y = [output, self.y[0]];
        output
    }
}

/// A resonator and an antiresonator of the same bandwidth, which cancel where their frequencies are equal.
#[derive(Clone, Copy, Default)]
struct PoleZero {
    pole: Resonator,
    zero: Resonator,
    x: [f64; 2],
}

impl PoleZero {
    fn set(&mut self, rate: f64, pole: f64, zero: f64, bandwidth: f64) {
        self.pole.set(rate, pole, bandwidth);
        self.zero.set(rate, zero, bandwidth);
    }

    #[inline]
    fn step(&mut self, input: f64) -> f64 {
        let output = (input - self.zero.b * self.x[0] - self.zero.c * self.x[1]) / self.zero.a;
        self.x = [input, self.x[0]];
        self.pole.step(output)
    }
}

/// A band-pass for noise, with zeros at 0 Hz and half the rate.
#[derive(Clone, Copy, Default)]
struct Band {
    resonator: Resonator,
    x: [f64; 2],
}

impl Band {
    /// Scales such that white noise of variance 1 comes out with root mean square `gain`.
    ///
    /// The power gain of `(1 − z⁻²)/(1 − b z⁻¹ − c z⁻²)` is `2/(1 + c)`, whatever the frequency: partial fractions of
    /// `∮ H(z) H(1/z) dz/z`.
    fn set(&mut self, rate: f64, target: &BandFrame) {
        // What telephone speech has of a band above its range is the skirt: here a band at the edge.
        self.resonator.set(rate, target.hz.min(0.47 * rate), target.bandwidth);
        self.resonator.a = target.gain * ((1.0 + self.resonator.c) / 2.0).sqrt();
    }

    #[inline]
    fn step(&mut self, input: f64) -> f64 {
        let output = self.resonator.step(input - self.x[1]);
        self.x = [input, self.x[0]];
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::config::Difficulty;
    use crate::synth::phone::{PHONES, phone};
    use crate::synth::random::Purpose;
    use crate::synth::speaker::Sex;
    use crate::synth::timing::Segment;
    use crate::synth::track;

    const RATE: f64 = 16_000.0;

    /// A man without accent, tremor or breath.
    fn plain() -> (Speaker, Difficulty) {
        let difficulty = Difficulty {
            tract_length: 0.0,
            region_accent: 0.0,
            speaker_accent: 0.0,
            token: 0.0,
            effort_db: 0.0,
            ..Difficulty::default()
        };
        let mut speaker = Speaker::new(1, 0, 0, Sex::Male, &difficulty);
        (speaker.jitter, speaker.shimmer, speaker.breath_db) = (0.0, 0.0, -300.0);
        (speaker.tract, speaker.front_cavity, speaker.tilt_db, speaker.open_quotient) = ([1.0; 4], 1.0, 6.0, 0.5);
        (speaker, difficulty)
    }

    /// One second of a held phone, without its first and last 100 ms.
    fn held(name: &str, pitch_hz: f64) -> Vec<f64> {
        let (speaker, difficulty) = plain();
        let mut random = Random::new(1, Purpose::Voice, 0, 0);
        let segment = Segment { phone: phone(name), start: 0, end: 500, stressed: true, devoiced: false };
        let frames = track::frames(&[segment], &speaker, &difficulty, &mut random);
        let sound = voice(&frames, &vec![pitch_hz; frames.len()], &speaker, 16_000, &mut random);
        sound[1_600..14_400].to_vec()
    }

    fn rms(signal: &[f64]) -> f64 {
        (signal.iter().map(|x| x * x).sum::<f64>() / signal.len() as f64).sqrt()
    }

    /// Level against a stressed `aa`, dB.
    fn level_db(name: &str) -> f64 {
        20.0 * libm::log10(rms(&held(name, 125.0)) / VOWEL_RMS)
    }

    /// Power at `hz` by Goertzel's sum.
    fn power(signal: &[f64], hz: f64) -> f64 {
        let angle = TAU * hz / RATE;
        let part = |f: fn(f64) -> f64| signal.iter().enumerate().map(|(n, x)| x * f(angle * n as f64)).sum::<f64>();
        let (re, im) = (part(libm::cos), part(libm::sin));
        re * re + im * im
    }

    #[test]
    fn levels_are_stated_against_a_stressed_aa() {
        assert!(level_db("aa").abs() < 0.5, "{}", level_db("aa"));
        let silent = |name| rms(&held(name, 125.0)) == 0.0;
        assert!(silent("h#") && silent("pau") && silent("tcl"));
        // Fricatives rest 2 dB below their peak on average. Half a second of a narrow band varies by a decibel.
        for name in ["f", "th", "s", "sh", "hh"] {
            let row = &PHONES[phone(name)];
            let stated = if name == "hh" { row.breath_db } else { row.noise.level_db - 2.0 };
            assert!((level_db(name) - stated).abs() < 2.0, "{name}: stated {stated}, got {}", level_db(name));
        }
    }

    #[test]
    fn vowels_peak_at_their_formants() {
        // A pitch of 50 Hz samples the spectrum every 50 Hz; tilt and neighbours move a peak by less than one harmonic.
        for name in ["iy", "ih", "eh", "ae", "aa", "uh", "uw", "ah", "er"] {
            let sound = held(name, 50.0);
            for (i, &formant) in PHONES[phone(name)].onset[..3].iter().enumerate() {
                let near = (1..80).map(|h| 50.0 * f64::from(h)).filter(|hz| (hz / formant - 1.0).abs() < 0.12);
                let peak = near.max_by(|a, b| power(&sound, *a).total_cmp(&power(&sound, *b))).unwrap_or(0.0);
                assert!((peak - formant).abs() < 75.0, "{name} F{}: {formant} Hz, peak at {peak}", i + 1);
            }
        }
    }

    #[test]
    fn voice_repeats_and_hiss_does_not() {
        // Autocorrelation at the period of 125 Hz over the power.
        let repeats = |name| {
            let sound = held(name, 125.0);
            let pairs = sound.iter().zip(&sound[128..]);
            pairs.map(|(a, b)| a * b).sum::<f64>() / sound.iter().map(|x| x * x).sum::<f64>()
        };
        for name in ["iy", "aa", "m", "w", "bcl"] {
            assert!(repeats(name) > 0.95, "{name}: {}", repeats(name));
        }
        for name in ["s", "sh", "f", "hh"] {
            assert!(repeats(name).abs() < 0.2, "{name}: {}", repeats(name));
        }
    }

    #[test]
    fn hisses_lie_where_their_front_cavity_puts_them() {
        let between = |name, low: u32, high: u32| {
            let sound = held(name, 125.0);
            (low / 50..high / 50).map(|h| power(&sound, 50.0 * f64::from(h))).sum::<f64>()
        };
        assert!(between("s", 4000, 8000) > 4.0 * between("s", 0, 4000));
        assert!(between("sh", 2000, 5000) > 5.0 * between("sh", 5000, 8000));
        assert!(between("aa", 0, 1500) > 10.0 * between("aa", 1500, 8000));
    }

    #[test]
    fn bands_have_the_power_they_state() {
        let mut random = Random::new(1, Purpose::Noise, 0, 0);
        for (hz, bandwidth) in [(300.0, 400.0), (2750.0, 350.0), (4900.0, 1000.0), (7400.0, 2000.0)] {
            let mut band = Band::default();
            band.set(RATE, &BandFrame { hz, bandwidth, gain: 0.5 });
            let out: Vec<f64> = (0..64_000).map(|_| band.step(random.noise())).collect();
            // 4 s hold at least 1,400 independent values: 3 standard errors of the root mean square are 6 %.
            assert!((rms(&out) / 0.5 - 1.0).abs() < 0.06, "{hz} Hz: {}", rms(&out));
        }
    }

    #[test]
    fn a_closed_velum_and_no_side_branch_leave_the_sound_alone() {
        let mut pair = PoleZero::default();
        pair.set(RATE, 270.0, 270.0, 100.0);
        let mut random = Random::new(1, Purpose::Noise, 0, 0);
        for _ in 0..1_000 {
            let x = random.noise();
            assert!((pair.step(x) - x).abs() < 1e-9);
        }
    }
}
