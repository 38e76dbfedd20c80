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

mod model;
#[cfg(test)]
mod oracle;
mod tune;
mod viterbi;

pub use model::PhoneModel;
pub use tune::{Tuning, Utterance, tune};
pub use viterbi::{Decoder, DecoderWeights, Decoding, Workspace};

use crate::dataset::PhoneTask;

/// Name of the scored phone whose repetitions count once.
const SILENCE: &str = "sil";

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
    use super::*;

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
}
