//! The order in which a training meets its sequences.

use mohaq_speech::dataset::Sequence;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Batches among whose sequences lengths are sorted: enough for batches of nearly equal lengths, whose recurrences
/// then end together on every thread, and few enough that batches still mix.
const BUCKET_BATCHES: usize = 16;

/// Frames of a batch that is only measured.
const MEASURED_FRAMES: usize = 4096;

/// Batches of `batch` sequences for one epoch: shuffled, then sorted by length within buckets, then the batches shuffled.
/// A function of seed and epoch.
pub(super) fn training(sequences: &[Sequence], batch: usize, seed: u64, epoch: usize) -> Vec<Vec<&Sequence>> {
    let mut random = stream(seed, epoch);
    let mut order: Vec<&Sequence> = sequences.iter().collect();
    shuffle(&mut order, &mut random);
    for bucket in order.chunks_mut(batch.saturating_mul(BUCKET_BATCHES)) {
        bucket.sort_by_key(|sequence| sequence.features.frames());
    }
    let mut batches: Vec<Vec<&Sequence>> = order.chunks(batch).map(<[_]>::to_vec).collect();
    shuffle(&mut batches, &mut random);
    batches
}

/// Batches of bounded size in the order of `sequences`.
pub(super) fn measured(sequences: &[Sequence]) -> Vec<Vec<&Sequence>> {
    let mut batches = Vec::new();
    let mut batch = Vec::new();
    let mut frames = 0;
    for sequence in sequences {
        frames += sequence.features.frames();
        batch.push(sequence);
        if frames >= MEASURED_FRAMES {
            batches.push(std::mem::take(&mut batch));
            frames = 0;
        }
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

/// A stream apart from those of dropout, whose seeds have a layer in these bytes.
fn stream(seed: u64, epoch: usize) -> ChaCha8Rng {
    let mut bytes = [0xff; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&(epoch as u64).to_le_bytes());
    ChaCha8Rng::from_seed(bytes)
}

/// Fisher–Yates. The multiplication maps 32 random bits to an index with a bias below n / 2³².
fn shuffle<T>(items: &mut [T], random: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        let index = (u64::from(random.next_u32()) * (last as u64 + 1)) >> 32;
        items.swap(last, index as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mohaq_speech::dataset::Features;

    fn sequences(count: usize) -> Vec<Sequence> {
        let sequence = |i: usize| Sequence {
            id: format!("{i}"),
            speaker: String::new(),
            features: Features { dim: 1, values: vec![0.0; 1 + i * 37 % 200] },
            labels: Vec::new(),
            reference: Vec::new(),
            targets: Vec::new(),
        };
        (0..count).map(sequence).collect()
    }

    fn ids(batches: &[Vec<&Sequence>]) -> Vec<String> {
        batches.iter().flatten().map(|sequence| sequence.id.clone()).collect()
    }

    #[test]
    fn every_sequence_comes_once_an_epoch_in_another_order() {
        let sequences = sequences(301);
        let first = ids(&training(&sequences, 8, 1, 1));
        let mut sorted = first.clone();
        sorted.sort_by_key(|id| id.parse::<usize>().expect("a number"));
        assert_eq!(sorted, (0..301).map(|i| i.to_string()).collect::<Vec<_>>());
        assert_eq!(first, ids(&training(&sequences, 8, 1, 1)));
        assert_ne!(first, ids(&training(&sequences, 8, 1, 2)));
        assert_ne!(first, ids(&training(&sequences, 8, 2, 1)));
    }

    #[test]
    fn sequences_of_a_batch_are_of_like_length() {
        let sequences = sequences(1024);
        for batch in training(&sequences, 8, 1, 1) {
            let lengths = batch.iter().map(|sequence| sequence.features.frames());
            let (least, most) = (lengths.clone().min(), lengths.max());
            assert!(most.unwrap_or(0) - least.unwrap_or(0) <= 40, "{least:?} … {most:?} of 1 … 200 frames");
        }
    }

    #[test]
    fn measured_batches_keep_the_order_and_a_size() {
        let sequences = sequences(500);
        let batches = measured(&sequences);
        assert_eq!(ids(&batches), (0..500).map(|i| i.to_string()).collect::<Vec<_>>());
        for batch in &batches {
            let frames: usize = batch.iter().map(|sequence| sequence.features.frames()).sum();
            assert!(frames < MEASURED_FRAMES + 200);
        }
    }
}
