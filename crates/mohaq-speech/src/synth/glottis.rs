//! The voice source: a train of glottal pulses, already differentiated by the lips' radiation.
//!
//! The flow of a pulse is `x²(1 − x)` over the open phase, `x` from 0 to 1, and 0 while the folds are shut: the pulse
//! KLGLOTT88 of Klatt and Klatt 1990, itself A. Rosenberg's polynomial of 1971. What leaves the lips is its derivative. We
//! take the difference of the flow over each sample instead of sampling the derivative: the same to first order, and the
//! jump at closure then falls between samples without aliasing. A one-pole low-pass gives the spectral tilt.

use super::random::Random;
use super::speaker::Speaker;

/// State of the vocal folds.
pub(super) struct Glottis {
    rate: f64,
    open_quotient: f64,
    jitter: f64,
    shimmer: f64,
    /// Position in the period, 0 to 1.
    phase: f64,
    /// Factors of this period.
    period: f64,
    height: f64,
    flow: f64,
    tilt: Tilt,
    tilted: f64,
}

impl Glottis {
    pub(super) fn new(rate: f64, speaker: &Speaker) -> Self {
        Self {
            rate,
            open_quotient: speaker.open_quotient,
            jitter: speaker.jitter,
            shimmer: speaker.shimmer,
            phase: 0.0,
            period: 1.0,
            height: 1.0,
            flow: 0.0,
            tilt: Tilt::new(rate, speaker.tilt_db),
            tilted: 0.0,
        }
    }

    /// Sets the loss at 3 kHz, dB.
    pub(super) fn set_tilt(&mut self, db: f64) {
        self.tilt = Tilt::new(self.rate, db);
    }

    /// Whether the folds are open, so that breath passes.
    pub(super) fn open(&self) -> bool {
        self.phase < self.open_quotient
    }

    /// The next sample; the derivative at closure is −1 before tilt and shimmer.
    #[inline]
    pub(super) fn step(&mut self, pitch_hz: f64, random: &mut Random) -> f64 {
        let advance = pitch_hz / (self.rate * self.period);
        self.phase += advance;
        if self.phase >= 1.0 {
            self.phase -= 1.0;
            self.period = 1.0 + self.jitter * random.moderate(0.0, 1.0);
            self.height = 1.0 + self.shimmer * random.moderate(0.0, 1.0);
        }
        let x = self.phase / self.open_quotient;
        let flow = if x < 1.0 { x * x * (1.0 - x) } else { 0.0 };
        let derivative = (flow - self.flow) * self.open_quotient / advance;
        self.flow = flow;
        self.tilted += self.tilt.pass * (self.height * derivative - self.tilted);
        self.tilted
    }
}

/// A one-pole low-pass of gain 1 at 0 Hz.
#[derive(Clone, Copy)]
struct Tilt {
    /// One minus the pole.
    pass: f64,
}

impl Tilt {
    /// Loses `db` at 3 kHz.
    ///
    /// The pole `p` solves `(1 − p)² = A (1 − 2 p cos ω + p²)` with `A` the wanted power gain at `ω`. A pole below 1 always
    /// exists, for `A → 0` it goes to 1.
    fn new(rate: f64, db: f64) -> Self {
        let power = libm::exp10(-db.max(0.0) / 10.0);
        if power >= 1.0 {
            return Self { pass: 1.0 };
        }
        let half = (1.0 - power * libm::cos(core::f64::consts::TAU * 3000.0 / rate)) / (1.0 - power);
        Self { pass: 1.0 - (half - (half * half - 1.0).max(0.0).sqrt()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::config::Difficulty;
    use crate::synth::random::Purpose;
    use crate::synth::speaker::Sex;

    fn steady_voice(hz: f64, tilt_db: f64, samples: usize) -> Vec<f64> {
        let mut speaker = Speaker::new(1, 0, 0, Sex::Male, &Difficulty::default());
        (speaker.jitter, speaker.shimmer, speaker.tilt_db) = (0.0, 0.0, tilt_db);
        let mut glottis = Glottis::new(16_000.0, &speaker);
        let mut random = Random::new(1, Purpose::Voice, 0, 0);
        (0..samples).map(|_| glottis.step(hz, &mut random)).collect()
    }

    /// Power at `hz` by Goertzel's sum.
    fn power(signal: &[f64], hz: f64) -> f64 {
        let angle = core::f64::consts::TAU * hz / 16_000.0;
        let part = |f: fn(f64) -> f64| signal.iter().enumerate().map(|(n, x)| x * f(angle * n as f64)).sum::<f64>();
        let (re, im) = (part(libm::cos), part(libm::sin));
        re * re + im * im
    }

    #[test]
    fn voice_has_the_period_of_its_pitch_and_no_offset() {
        let voice = steady_voice(125.0, 0.0, 16_000);
        for n in 1280..1408 {
            assert!((voice[n] - voice[n + 128]).abs() < 1e-9);
        }
        assert!((voice[1280..1280 + 128 * 10].iter().sum::<f64>() / 1280.0).abs() < 1e-9);
    }

    #[test]
    fn tilt_loses_what_it_states_at_3_khz() {
        let (plain, tilted) = (steady_voice(100.0, 0.0, 16_000), steady_voice(100.0, 12.0, 16_000));
        let loss_db = 10.0 * libm::log10(power(&plain, 3000.0) / power(&tilted, 3000.0));
        assert!((loss_db - 12.0).abs() < 0.1, "{loss_db}");
        let loss_db = 10.0 * libm::log10(power(&plain, 100.0) / power(&tilted, 100.0));
        assert!(loss_db < 0.3, "{loss_db}");
    }
}
