//! From the lips to the file: a room, a microphone, noise, and a level.
//!
//! The room is a direct path, six early reflections and a late tail from a feedback delay network (J.-M. Jot and A. Chaigne,
//! "Digital delay networks for designing artificial reverberators", AES 90, 1991): eight delay lines, mixed by an orthogonal
//! matrix, each losing 60 dB in the stated time. Late energy is scaled to the stated direct-to-reverberant ratio, exactly,
//! from the network's own impulse response. Noise is added last, scaled exactly to the stated ratio of the utterance.

use super::config::Difficulty;
use super::random::Random;
use core::f64::consts::TAU;

/// Delays of the network in seconds, mutually prime at 16 kHz (179 … 541 samples), as a small room's mean free path asks.
const LINES: [f64; 8] = [179.0, 223.0, 269.0, 317.0, 367.0, 421.0, 479.0, 541.0];
const LINES_RATE: f64 = 16_000.0;
/// Early reflections: how many, and between which delays, s (a wall at 1 to 6 metres).
const REFLECTIONS: usize = 6;
const REFLECTION_S: [f64; 2] = [0.003, 0.035];
/// Share of the reverberant energy that is early reflections.
const EARLY_SHARE: f64 = 0.4;
/// Mean level of the utterances against full scale, dB (ITU-T P.56 speech levels are set to −26 dBov).
const LEVEL_DB: f64 = -26.0;
/// No sample comes closer to full scale than this.
const PEAK: f64 = 0.89;

/// A speaker's room.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Room {
    pub(super) t60_s: f64,
    /// Delay in samples and gain.
    early: Vec<(usize, f64)>,
    late_gain: f64,
    rate: f64,
}

impl Room {
    pub(super) fn new(rate: u32, difficulty: &Difficulty, random: &mut Random) -> Self {
        let rate = f64::from(rate);
        let t60_s = random.within(difficulty.t60_s);
        let ratio = libm::exp10(-random.within(difficulty.direct_to_reverberant_db) / 10.0);
        let mut early: Vec<(usize, f64)> = (0..REFLECTIONS)
            .map(|_| {
                let delay = random.within(REFLECTION_S);
                let sign = if random.chance(0.5) { 1.0 } else { -1.0 };
                ((delay * rate) as usize, sign * libm::exp10(-3.0 * delay / t60_s))
            })
            .collect();
        early.sort_by_key(|&(delay, _)| delay);
        let energy: f64 = early.iter().map(|(_, gain)| gain * gain).sum();
        early.iter_mut().for_each(|(_, gain)| *gain *= (EARLY_SHARE * ratio / energy).sqrt());
        let mut network = Network::new(rate, t60_s);
        let tail = (1.5 * t60_s * rate) as usize;
        let energy: f64 = (0..tail).map(|n| network.step(if n == 0 { 1.0 } else { 0.0 })).map(|y| y * y).sum();
        Self { t60_s, early, late_gain: ((1.0 - EARLY_SHARE) * ratio / energy).sqrt(), rate }
    }

    /// `dry` as it arrives at the microphone; as long as `dry`.
    pub(super) fn heard(&self, dry: &[f64]) -> Vec<f64> {
        let mut network = Network::new(self.rate, self.t60_s);
        let mut wet: Vec<f64> = dry.iter().map(|&x| x + self.late_gain * network.step(x)).collect();
        for &(delay, gain) in &self.early {
            for (y, x) in wet.iter_mut().skip(delay).zip(dry) {
                *y += gain * x;
            }
        }
        wet
    }
}

/// A feedback delay network of eight lines.
struct Network {
    lines: [Line; 8],
}

struct Line {
    samples: Vec<f64>,
    at: usize,
    gain: f64,
}

impl Network {
    fn new(rate: f64, t60_s: f64) -> Self {
        let line = |length: f64| {
            let delay_s = length / LINES_RATE;
            Line { samples: vec![0.0; (delay_s * rate) as usize], at: 0, gain: libm::exp10(-3.0 * delay_s / t60_s) }
        };
        Self { lines: LINES.map(line) }
    }

    #[inline]
    fn step(&mut self, input: f64) -> f64 {
        let mut mixed: [f64; 8] =
            core::array::from_fn(|i| self.lines[i].gain * self.lines[i].samples[self.lines[i].at]);
        // Alternating signs keep the sum of the lines free of a common offset.
        let output: f64 = mixed.iter().step_by(2).sum::<f64>() - mixed.iter().skip(1).step_by(2).sum::<f64>();
        hadamard(&mut mixed);
        for (line, back) in self.lines.iter_mut().zip(mixed) {
            line.samples[line.at] = input + back;
            line.at = if line.at + 1 == line.samples.len() { 0 } else { line.at + 1 };
        }
        output
    }
}

/// The orthogonal Hadamard matrix of order 8 times `x`.
#[inline]
fn hadamard(x: &mut [f64; 8]) {
    for half in [1, 2, 4] {
        for i in 0..8 {
            if i & half == 0 {
                let (a, b) = (x[i], x[i + half]);
                (x[i], x[i + half]) = (a + b, a - b);
            }
        }
    }
    x.iter_mut().for_each(|value| *value *= 0.353_553_390_593_273_8);
}

/// What an utterance's recording was like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Take {
    pub(super) snr_db: f64,
    pub(super) tilt_db: f64,
    pub(super) level_db: f64,
    pub(super) coloured: f64,
}

impl Take {
    pub(super) fn new(difficulty: &Difficulty, random: &mut Random) -> Self {
        Self {
            snr_db: random.within(difficulty.snr_db),
            tilt_db: random.moderate(0.0, difficulty.channel_tilt_db),
            level_db: LEVEL_DB + random.moderate(0.0, difficulty.level_db),
            coloured: difficulty.coloured_noise,
        }
    }

    /// Adds the microphone and the noise to `sound` and sets the level. `speech` are the samples outside silence, whose
    /// power is the ratio's and the level's numerator.
    pub(super) fn record(&self, sound: &mut [f64], speech: core::ops::Range<usize>, rate: u32, random: &mut Random) {
        tilt(sound, self.tilt_db, rate);
        remove_offset(sound, rate);
        let speech_power = power(&sound[speech]);
        let mut noise = noise(sound.len(), self.coloured, rate, random);
        remove_offset(&mut noise, rate);
        let noise_gain = (speech_power / power(&noise) * libm::exp10(-self.snr_db / 10.0)).sqrt();
        noise.iter_mut().for_each(|x| *x *= noise_gain);
        sound.iter_mut().zip(&noise).for_each(|(x, noise)| *x += noise);
        let peak = sound.iter().fold(0.0_f64, |peak, x| peak.max(x.abs()));
        let gain = (libm::exp10(self.level_db / 10.0) / speech_power).sqrt().min(PEAK / peak);
        sound.iter_mut().for_each(|x| *x *= gain);
    }
}

/// Mean square; of nothing, or of silence, the smallest positive number, so that it can be divided by.
fn power(signal: &[f64]) -> f64 {
    (signal.iter().map(|x| x * x).sum::<f64>() / signal.len().max(1) as f64).max(f64::MIN_POSITIVE)
}

/// A first-order shelf that changes the level at 3 kHz against that at 300 Hz by close to `db`.
fn tilt(signal: &mut [f64], db: f64, rate: u32) {
    // Everything above a one-pole low-pass at 1 kHz gets the gain: at 300 Hz a tenth of the power, at 3 kHz nine tenths.
    let pass = 1.0 - libm::exp(-TAU * 1000.0 / f64::from(rate));
    let gain = libm::exp10(1.25 * db / 20.0);
    let mut low = 0.0;
    for x in signal {
        low += pass * (*x - low);
        *x = low + gain * (*x - low);
    }
}

/// A high-pass of one pole at 40 Hz: no microphone passes an offset.
fn remove_offset(signal: &mut [f64], rate: u32) {
    let pass = 1.0 - libm::exp(-TAU * 40.0 / f64::from(rate));
    let mut low = 0.0;
    for x in signal {
        low += pass * (*x - low);
        *x -= low;
    }
}

/// White noise and noise falling 6 dB an octave above 300 Hz, of variances `1 − coloured` and `coloured`.
fn noise(samples: usize, coloured: f64, rate: u32, random: &mut Random) -> Vec<f64> {
    let pole = libm::exp(-TAU * 300.0 / f64::from(rate));
    // A one-pole low-pass `y = p·y + x` has the power gain 1/(1 − p²).
    let (white_gain, coloured_gain) = ((1.0 - coloured).sqrt(), (coloured * (1.0 - pole * pole)).sqrt());
    let mut low = 0.0;
    (0..samples)
        .map(|_| {
            low = pole * low + random.noise();
            coloured_gain * low + white_gain * random.noise()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::random::Purpose;

    fn random() -> Random {
        Random::new(3, Purpose::Noise, 0, 0)
    }

    #[test]
    fn a_room_decays_in_its_stated_time_with_its_stated_ratio() {
        for (t60, ratio_db) in [(0.2, 3.0), (0.6, 10.0)] {
            let difficulty =
                Difficulty { t60_s: [t60; 2], direct_to_reverberant_db: [ratio_db; 2], ..Difficulty::default() };
            let room = Room::new(16_000, &difficulty, &mut random());
            let mut impulse = vec![0.0; 16_000];
            impulse[0] = 1.0;
            let energy: Vec<f64> = room.heard(&impulse).iter().map(|x| x * x).collect();
            let got_db = -10.0 * libm::log10(energy[1..].iter().sum::<f64>());
            assert!((got_db - ratio_db).abs() < 0.7, "asked {ratio_db} dB, got {got_db}");
            // Schroeder's backward integral, between −5 and −35 dB of the tail.
            let mut left = energy[600..].iter().rev().scan(0.0, |sum, x| {
                *sum += x;
                Some(*sum)
            });
            let decay: Vec<f64> = left.by_ref().collect();
            let whole = decay[decay.len() - 1];
            let crossing = |db: f64| decay.iter().rev().position(|e| *e < whole * libm::exp10(db / 10.0)).unwrap_or(0);
            let measured = 2.0 * (crossing(-35.0) - crossing(-5.0)) as f64 / 16_000.0;
            assert!((measured / t60 - 1.0).abs() < 0.15, "asked {t60} s, got {measured}");
        }
    }

    #[test]
    fn the_ratio_of_speech_to_noise_is_the_stated_one() {
        let tone: Vec<f64> =
            (0..32_000).map(|n| if n < 16_000 { 0.0 } else { libm::sin(0.3 * f64::from(n)) }).collect();
        for snr_db in [0.0, 20.0] {
            let take = Take { snr_db, tilt_db: 2.0, level_db: -26.0, coloured: 0.5 };
            let mut sound = tone.clone();
            take.record(&mut sound, 16_000..32_000, 16_000, &mut random());
            let (noise, both) = (power(&sound[..16_000]), power(&sound[16_000..]));
            let got_db = 10.0 * libm::log10((both - noise) / noise);
            // The halves' noise powers differ by chance: 16,000 coloured samples hold about 1,500 independent ones.
            assert!((got_db - snr_db).abs() < 0.4, "asked {snr_db} dB, got {got_db}");
        }
    }

    #[test]
    fn loud_takes_are_turned_down_and_not_clipped() {
        let mut clicks = vec![0.0; 16_000];
        clicks[8_000] = 1.0;
        let take = Take { snr_db: 60.0, tilt_db: 0.0, level_db: -10.0, coloured: 0.0 };
        take.record(&mut clicks, 0..16_000, 16_000, &mut random());
        let peak = clicks.iter().fold(0.0_f64, |peak, x| peak.max(x.abs()));
        assert!((peak - PEAK).abs() < 1e-9, "{peak}");
    }
}
