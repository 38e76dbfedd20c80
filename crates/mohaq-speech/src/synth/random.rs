//! Random streams: one for every thing that is drawn, so that no draw depends on the order of work.
//!
//! A stream's ChaCha key *is* its address: run seed, purpose, and two indices (speaker, sentence). Nothing is hashed and
//! no two streams can meet.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is drawn for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Names,
    Region,
    Speaker,
    Room,
    Sentence,
    Timing,
    Voice,
    Noise,
}

/// A stream of random numbers.
pub(super) struct Random(ChaCha8Rng);

impl Random {
    /// The stream of `seed` for `purpose`; `first` and `second` say whose.
    pub(super) fn new(seed: u64, purpose: Purpose, first: u64, second: u64) -> Self {
        let mut key = [0; 32];
        for (bytes, word) in key.chunks_exact_mut(8).zip([seed, purpose as u64, first, second]) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform in `[0, 1)`, of 53 bits.
    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform between the two ends.
    pub(super) fn within(&mut self, [low, high]: [f64; 2]) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Normal, by Box and Muller.
    pub(super) fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        mean + deviation * radius * libm::cos(core::f64::consts::TAU * self.unit())
    }

    /// A normal clipped to two deviations, for quantities whose tails would be no voice.
    pub(super) fn moderate(&mut self, mean: f64, deviation: f64) -> f64 {
        self.normal(mean, deviation).clamp(mean - 2.0 * deviation, mean + 2.0 * deviation)
    }

    /// True with `probability`.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of `items`, which must not be empty.
    pub(super) fn choose<T: Copy>(&mut self, items: &[T]) -> T {
        items[(self.unit() * items.len() as f64) as usize]
    }

    /// A sample of white noise of mean 0 and variance 1: the sum of four uniforms (Klatt 1980 sums sixteen).
    #[inline]
    pub(super) fn noise(&mut self) -> f64 {
        let bits = self.0.next_u64();
        let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
        // Each of the four has the variance 2³²/12 in these units, so the sum has 2³²/3.
        (sum as f64 - 131_070.0) * (1.732_050_807_568_877_2 / 65_536.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(values: impl Iterator<Item = f64>) -> (f64, f64) {
        let values: Vec<f64> = values.collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / values.len() as f64;
        (mean, variance)
    }

    #[test]
    fn noise_and_normal_have_the_moments_they_state() {
        let mut random = Random::new(1, Purpose::Noise, 0, 0);
        // 5 standard errors of 100,000 draws: 0.016 for the mean, 0.023 for the variance.
        let (mean, variance) = moments((0..100_000).map(|_| random.noise()));
        assert!(mean.abs() < 0.016 && (variance - 1.0).abs() < 0.023, "{mean} {variance}");
        let (mean, variance) = moments((0..100_000).map(|_| random.normal(3.0, 2.0)));
        assert!((mean - 3.0).abs() < 0.032 && (variance - 4.0).abs() < 0.092, "{mean} {variance}");
    }

    #[test]
    fn streams_differ_in_every_part_of_their_address() {
        let first = |seed, purpose, a, b| Random::new(seed, purpose, a, b).unit();
        let origin = first(1, Purpose::Noise, 2, 3);
        assert_eq!(origin, first(1, Purpose::Noise, 2, 3));
        assert_ne!(origin, first(9, Purpose::Noise, 2, 3));
        assert_ne!(origin, first(1, Purpose::Voice, 2, 3));
        assert_ne!(origin, first(1, Purpose::Noise, 3, 2));
    }
}
