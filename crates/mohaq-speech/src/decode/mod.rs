//! From the network's frame posteriors to phones: Viterbi over phone states with a bigram.
//!
//! A phone is a chain of states, left to right, each with a self-loop; between phones stands a bigram. The network gives
//! `log p(state | frame)`; divided by a power of the state's prior it acts as a likelihood (the hybrid of Bourlard and
//! Morgan). With `s_t` the state at frame `t` and `q_1 … q_N` the phones on the way, the decoder maximises
//!
//! ```text
//! Σ_t [ acoustic · ( log p(s_t | x_t) − prior · log p(s_t) ) + log p(s_t → s_{t+1}) ]
//!   + Σ_n [ bigram · log p(q_n | q_{n-1}) + insertion ] + bigram · log p(end | q_N)
//! ```
//!
//! over all paths that start in the first state of a phone and end in the last state of one; the last state's transition
//! is the one that leaves it. The search is exact (no beam), in `f64`, and breaks ties by a stated order, so its result
//! depends on nothing but its input.
//!
//! [`PhoneModel::estimate`] counts priors, transitions and the bigram in the training labels; [`tune`] finds the four
//! weights on validation data; [`Decoder`] decodes; [`fold`] turns modelled phones into those that are scored.
//!
//! Sources: Bourlard and Morgan 1994; Rabiner 1989 (Viterbi); Young, Russell and Thornton 1989 (token passing).

pub mod ctc;
mod model;
#[cfg(test)]
mod oracle;
mod tune;
mod viterbi;

pub use model::PhoneModel;
pub use tune::{Tuning, Utterance, tune};
pub use viterbi::{Decoder, DecoderWeights, Decoding, Workspace};

use crate::dataset::PhoneTask;
use crate::error::{Error, Result};

/// Name of the scored phone whose repetitions count once.
const SILENCE: &str = "sil";

/// The class of the highest score of a frame, the first of equals.
pub(crate) fn best_class(frame: usize, row: &[f32]) -> Result<u32> {
    let mut best = 0;
    for (class, &value) in row.iter().enumerate() {
        if value.is_nan() || value == f32::INFINITY {
            return Err(Error::NotALogProbability { frame, class, value });
        }
        if value > row[best] {
            best = class;
        }
    }
    Ok(best as u32)
}

/// Maps modelled phones to scoring ids, drops those that are not scored and joins neighbouring `sil`.
///
/// TIMIT's closures and pauses all score as `sil`, and its references have them joined as well. Other phones that repeat
/// are kept: they were recognised twice.
///
/// # Panics
/// If a phone is not of `task`; the decoder's always are.
pub fn fold(task: &PhoneTask, phones: &[u16]) -> Vec<u16> {
    let silence = task.scored.iter().position(|name| name == SILENCE).map(|id| id as u16);
    let mut folded = Vec::with_capacity(phones.len());
    for &phone in phones {
        match task.fold[usize::from(phone)] {
            Some(id) if Some(id) == silence && folded.last() == Some(&id) => {}
            Some(id) => folded.push(id),
            None => {}
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;
    use crate::corpus::{Recording, Split, fsdd};
    use crate::dataset::{Features, NO_LABEL, Sequence};
    use crate::shared_data::shared_data;

    #[test]
    fn folding_drops_the_unscored_and_joins_silence_only() {
        let name = |name: &str| name.to_owned();
        let task = PhoneTask {
            phones: ["cl", "pau", "ah", "ax", "q"].map(name).to_vec(),
            states: 3,
            scored: ["ah", "sil"].map(name).to_vec(),
            fold: vec![Some(1), Some(1), Some(0), Some(0), None],
        };
        assert_eq!(fold(&task, &[0, 1, 2, 3, 4, 2, 0, 4, 1]), [1, 0, 0, 0, 1]);
        assert!(fold(&task, &[]).is_empty());
    }

    /// Frame labels every 10 ms, three states of equal length a phone.
    fn labels(recording: &Recording) -> Vec<u32> {
        let end = recording.segments.last().map_or(0, |segment| segment.end);
        let label = |sample: u64| {
            let segment = recording.segments.iter().find(|segment| segment.end > sample)?;
            let state = (sample - segment.start) * 3 / (segment.end - segment.start);
            Some(u32::from(segment.phone?) * 3 + state as u32)
        };
        (0..end / 80).map(|frame| label(frame * 80).unwrap_or(NO_LABEL)).collect()
    }

    #[test]
    fn real_digits_behind_an_unreliable_network_are_recovered() {
        let Some(root) = shared_data("fsdd") else { return };
        let corpus = fsdd::open(&root, "split").expect("the real corpus is well-formed");
        let task = PhoneTask { phones: corpus.phones, states: 3, scored: corpus.scored, fold: corpus.fold };
        let sequence = |recording: &Recording| Sequence {
            id: recording.id.clone(),
            speaker: recording.speaker.clone(),
            features: Features::default(),
            labels: labels(recording),
            reference: recording.reference.clone(),
            targets: Vec::new(),
        };
        let part = |split| corpus.recordings.iter().filter(move |recording| recording.split == split).map(sequence);
        let model = PhoneModel::estimate(&task, &part(Split::Train).collect::<Vec<_>>()).expect("labels of the task");
        // The network prefers a random class in a fifth of the frames, and the right one by little in the others.
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut output = |labels: &[u32]| -> Vec<f32> {
            let mut values = Vec::new();
            for &label in labels {
                let chosen = if random.next_u32() % 5 == 0 { random.next_u32() % 60 } else { label };
                values.extend((0..60).map(|class| if class == chosen { -1.0 } else { -4.5 }));
            }
            values
        };
        let heard: Vec<(Vec<f32>, Vec<u16>)> =
            part(Split::Valid).take(40).map(|sequence| (output(&sequence.labels), sequence.reference)).collect();
        let utterances: Vec<Utterance<'_>> =
            (heard.iter()).map(|(log_posteriors, reference)| Utterance { log_posteriors, reference }).collect();
        let tuning = tune(&model, &task, &utterances).expect("well-formed");
        assert!(tuning.errors.rate() < 0.02, "{tuning:?}");
    }
}
