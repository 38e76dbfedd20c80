//! Random numbers that a resumed search draws again: one ChaCha8 stream a generation, or a candidate of random search.
//!
//! The key is the seed and the label of the searcher, the stream number is the generation, so what a generation draws does
//! not depend on how much the ones before it drew. ChaCha's output is fixed by its definition (RFC 8439 with 8 rounds); how
//! numbers are made from it is fixed here, so that no release of a library changes a search.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// The random numbers of one generation or candidate.
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of `generation` in the search that `seed` names.
    pub(crate) fn new(seed: u64, generation: u64) -> Self {
        Self::labelled(*b"........mohaq-moo NSGA-II keys, ", seed, generation)
    }

    /// The stream of `candidate` in the random search that `seed` names.
    pub(crate) fn random_search(seed: u64, candidate: u64) -> Self {
        Self::labelled(*b"........mohaq-moo random search ", seed, candidate)
    }

    /// The stream of batch `generation` in the guided search that `seed` names.
    pub(crate) fn guided_search(seed: u64, generation: u64) -> Self {
        Self::labelled(*b"........mohaq-moo guided search ", seed, generation)
    }

    /// Stream `number` under a key whose first eight bytes are the seed.
    fn labelled(mut key: [u8; 32], seed: u64, number: u64) -> Self {
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut cipher = ChaCha8Rng::from_seed(key);
        cipher.set_stream(number);
        Self(cipher)
    }

    /// Uniform in `[0, 1)`, a multiple of 2⁻⁵³.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with the given probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Uniform in `0..count`. The high half of a 64×64 bit product: its bias is below `count`·2⁻⁶⁴.
    pub(crate) fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(count)) >> 64) as u64
    }

    /// A uniform level of a gene with `count` levels.
    pub(crate) fn level(&mut self, count: u16) -> u16 {
        self.below(count.into()) as u16
    }

    /// Brings `items` into a uniformly drawn order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_never_change() {
        // From an independent ChaCha8 in Python. If this fails, no search log written before can be resumed.
        let mut stream = Stream::new(7, 3);
        let drawn: Vec<u64> = (0..4).map(|_| stream.below(1000)).collect();
        assert_eq!(drawn, [908, 456, 57, 89]);
    }

    #[test]
    fn seeds_and_generations_have_streams_of_their_own() {
        let first = |seed, generation| Stream::new(seed, generation).below(u64::MAX);
        assert_eq!(first(1, 0), first(1, 0));
        assert_ne!(first(1, 0), first(1, 1));
        assert_ne!(first(1, 0), first(2, 0));
        assert_ne!(first(1, 0), Stream::random_search(1, 0).below(u64::MAX));
    }

    #[test]
    fn levels_are_uniform() {
        let mut stream = Stream::new(0, 0);
        let mut counts = [0u32; 5];
        for _ in 0..50_000 {
            counts[usize::from(stream.level(5))] += 1;
        }
        // 10,000 each with a standard deviation of 89.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 450), "{counts:?}");
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        Stream::new(5, 0).shuffle(&mut items);
        assert!(!items.is_sorted());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<u32>>());
        Stream::new(5, 0).shuffle::<u32>(&mut []);
    }
}
