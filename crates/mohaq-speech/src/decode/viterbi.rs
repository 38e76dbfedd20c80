//! The exact search for the best path.
//!
//! ```text
//! for each frame t:
//!     enter[q] = max over p of  leave[p] + between[p][q]            (frame 0: between[start][q])
//!     for each phone q, each state s:
//!         score'[q][s] = emission[q][s] + max(score[q][s] + stay[q][s],
//!                                             s = 0 ? enter[q] : score[q][s-1] + advance[q][s-1])
//!     leave[q] = score'[q][last] + advance[q][last]
//! answer = max over q of  leave[q] + between[q][end]
//! ```
//!
//! The real loop keeps scores state by state (`[states, phones]`), so that its inner loops run over phones and vectorise,
//! and goes through the states from last to first, so that one array does for old and new. No path is stored state by
//! state: each score carries the frame at which its phone was entered (a token), and each frame stores, for each phone,
//! that token in the last state and the best phone before an entry. That is enough to walk back phone by phone.
//!
//! **Ties**: staying before advancing, a lower phone before a higher one, both on the way and at the end.

use serde::{Deserialize, Serialize};

use super::PhoneModel;
use crate::error::{Error, Result};

/// How much each part of a path's score counts (see the [module](super) for the formula).
///
/// Transitions within phones have weight 1, which fixes the scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecoderWeights {
    /// Of the scaled log-likelihood of a frame; above 0.
    pub acoustic: f64,
    /// Power of the class prior that posteriors are divided by: 0 takes posteriors, 1 full scaled likelihoods;
    /// at least 0.
    pub prior: f64,
    /// Of the log-probability of the bigram; at least 0.
    pub bigram: f64,
    /// Added for each phone; below 0 it makes phones rarer.
    pub insertion: f64,
}

impl Default for DecoderWeights {
    /// Likelihoods scaled by half of the prior, the bigram as it is: a start for [`tune`](super::tune).
    fn default() -> Self {
        Self { acoustic: 1.0, prior: 0.5, bigram: 1.0, insertion: 0.0 }
    }
}

impl DecoderWeights {
    fn check(self) -> Result<()> {
        let rules = [
            ("acoustic", self.acoustic, "a number above 0", self.acoustic > 0.0),
            ("prior", self.prior, "a number of at least 0", self.prior >= 0.0),
            ("bigram", self.bigram, "a number of at least 0", self.bigram >= 0.0),
            ("insertion", self.insertion, "a number", true),
        ];
        match rules.into_iter().find(|(_, value, _, allowed)| !(value.is_finite() && *allowed)) {
            Some((name, value, expected, _)) => {
                Err(Error::Setting { name, expected: expected.into(), got: value.to_string() })
            }
            None => Ok(()),
        }
    }
}

/// What the decoder found.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoding {
    /// Modelled phones, in order.
    pub phones: Vec<u16>,
    /// Score of the best path; −∞ where there is none.
    pub log_score: f64,
}

/// Memory that decodings reuse; it grows to the longest utterance.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    /// `[states, phones]`: of the best path that is in this state at this frame.
    score: Vec<f64>,
    /// `[states, phones]`: frame at which that path entered the phone.
    token: Vec<u32>,
    /// `[states, phones]`: of this frame.
    emission: Vec<f64>,
    /// `[phones]`: score of leaving the phone after this frame.
    leave: Vec<f64>,
    /// `[phones]`: score of entering the phone at this frame, and the phone before it.
    enter: Vec<f64>,
    before: Vec<u64>,
    /// `[frames, phones]`: the phone before, had the phone been entered at this frame.
    all_before: Vec<u16>,
    /// `[frames, phones]`: when the phone was entered, were it left after this frame.
    all_entered: Vec<u32>,
}

/// The model with its weights applied.
#[derive(Clone, Debug)]
pub struct Decoder {
    phones: usize,
    states: usize,
    acoustic: f64,
    /// `[states, phones]`: `−acoustic · prior · log p(class)`.
    offset: Vec<f64>,
    /// `[states, phones]`.
    stay: Vec<f64>,
    /// `[states, phones]`.
    advance: Vec<f64>,
    /// `[phones, phones]`: from phone to phone, insertion included.
    between: Vec<f64>,
    /// `[phones]`: from the start of the utterance, insertion included.
    start: Vec<f64>,
    /// `[phones]`: to the end of the utterance.
    end: Vec<f64>,
}

impl Decoder {
    /// A decoder for `model` under `weights`.
    ///
    /// # Errors
    /// [`Error::Setting`] for a weight outside its range.
    pub fn new(model: &PhoneModel, weights: DecoderWeights) -> Result<Self> {
        weights.check()?;
        let (phones, states) = (model.phones, model.states);
        let by_state = |values: &[f64]| -> Vec<f64> {
            (0..states).flat_map(|s| (0..phones).map(move |q| values[q * states + s])).collect()
        };
        let width = phones + 1;
        let pair = |before: usize, after: usize| weights.bigram * model.log_bigram[before * width + after];
        Ok(Self {
            phones,
            states,
            acoustic: weights.acoustic,
            offset: by_state(&model.log_prior).iter().map(|log| -weights.acoustic * weights.prior * log).collect(),
            stay: by_state(&model.log_stay),
            advance: by_state(&model.log_leave),
            between: (0..phones)
                .flat_map(|p| (0..phones).map(move |q| (p, q)))
                .map(|(p, q)| pair(p, q) + weights.insertion)
                .collect(),
            start: (0..phones).map(|q| pair(phones, q) + weights.insertion).collect(),
            end: (0..phones).map(|q| pair(q, phones)).collect(),
        })
    }

    /// Decodes one utterance; `log_posteriors`: `[frames, phones · states]`, row-major, natural logarithms.
    ///
    /// −∞ is a probability of zero and closes the paths through it. An utterance without any path decodes to nothing with
    /// a score of −∞: one of fewer frames than a phone has states (so also an empty one), or one that is closed
    /// everywhere. Nothing is allocated a frame.
    ///
    /// # Errors
    /// [`Error::Shape`] for a length that is no multiple of the classes, [`Error::NotALogProbability`] for NaN or +∞.
    pub fn decode(&self, log_posteriors: &[f32], workspace: &mut Workspace) -> Result<Decoding> {
        let classes = self.phones * self.states;
        let frames = log_posteriors.len() / classes;
        if frames * classes != log_posteriors.len() {
            return Err(Error::Shape {
                sequence: String::new(),
                what: "log-posteriors",
                expected: (frames + 1) * classes,
                got: log_posteriors.len(),
            });
        }
        workspace.reset(frames, self.phones, self.states);
        for (t, row) in log_posteriors.chunks_exact(classes).enumerate() {
            if !self.emit(row, &mut workspace.emission) {
                return Err(not_a_log_probability(t, row));
            }
            self.enter(t, workspace);
            self.advance(t, workspace);
        }
        Ok(self.walk_back(frames, workspace))
    }

    /// Fills `emission` from the posteriors of one frame; false where one is NaN or +∞.
    fn emit(&self, row: &[f32], emission: &mut [f64]) -> bool {
        let mut valid = true;
        for (s, (emission, offset)) in
            emission.chunks_exact_mut(self.phones).zip(self.offset.chunks_exact(self.phones)).enumerate()
        {
            let posteriors = row.iter().skip(s).step_by(self.states);
            for ((emission, offset), &posterior) in emission.iter_mut().zip(offset).zip(posteriors) {
                valid &= posterior < f32::INFINITY;
                *emission = self.acoustic * f64::from(posterior) + offset;
            }
        }
        valid
    }

    /// Scores the entry into each phone at frame `t` and stores where it would come from.
    fn enter(&self, t: usize, workspace: &mut Workspace) {
        let Workspace { enter, before, leave, all_before, .. } = workspace;
        if t == 0 {
            enter.copy_from_slice(&self.start);
            return;
        }
        enter.fill(f64::NEG_INFINITY);
        for ((p, &leave), row) in leave.iter().enumerate().zip(self.between.chunks_exact(self.phones)) {
            // Equal-width lanes (f64, u64) and no branch: the loop becomes compares and selects.
            for ((enter, before), between) in enter.iter_mut().zip(before.iter_mut()).zip(row) {
                let candidate = leave + between;
                let better = candidate > *enter;
                *enter = if better { candidate } else { *enter };
                *before = if better { p as u64 } else { *before };
            }
        }
        let stored = &mut all_before[t * self.phones..][..self.phones];
        for (stored, &before) in stored.iter_mut().zip(before.iter()) {
            *stored = before as u16;
        }
    }

    /// Moves all scores to frame `t`.
    fn advance(&self, t: usize, workspace: &mut Workspace) {
        let Workspace { score, token, emission, leave, enter, all_entered, .. } = workspace;
        let phones = self.phones;
        for s in (1..self.states).rev() {
            let here = s * phones..(s + 1) * phones;
            let below = (s - 1) * phones..s * phones;
            let (lower, upper) = score.split_at_mut(here.start);
            let (lower_token, upper_token) = token.split_at_mut(here.start);
            let stay = self.stay[here.clone()].iter().zip(&emission[here]);
            let from = lower[below.clone()].iter().zip(&self.advance[below.clone()]).zip(&lower_token[below]);
            let to = upper.iter_mut().zip(upper_token).zip(stay);
            for (((score, token), (stay, emission)), ((lower, advance), &lower_token)) in to.zip(from) {
                let (stayed, advanced) = (*score + stay, lower + advance);
                let better = advanced > stayed;
                *score = if better { advanced } else { stayed } + emission;
                *token = if better { lower_token } else { *token };
            }
        }
        let first = score.iter_mut().zip(token.iter_mut()).zip(self.stay.iter().zip(emission.iter()));
        for (((score, token), (stay, emission)), &entered) in first.zip(enter.iter()) {
            let stayed = *score + stay;
            let better = entered > stayed;
            *score = if better { entered } else { stayed } + emission;
            *token = if better { t as u32 } else { *token };
        }
        let last = (self.states - 1) * phones;
        for ((leave, score), advance) in leave.iter_mut().zip(&score[last..]).zip(&self.advance[last..]) {
            *leave = score + advance;
        }
        all_entered[t * phones..][..phones].copy_from_slice(&token[last..]);
    }

    /// Picks the best ending and follows the stored entries back to the start.
    fn walk_back(&self, frames: usize, workspace: &Workspace) -> Decoding {
        let (mut log_score, mut phone) = (f64::NEG_INFINITY, 0);
        for (q, (leave, end)) in workspace.leave.iter().zip(&self.end).enumerate() {
            if leave + end > log_score {
                (log_score, phone) = (leave + end, q);
            }
        }
        let mut phones = Vec::new();
        let mut left = frames;
        while left > 0 && log_score > f64::NEG_INFINITY {
            phones.push(phone as u16);
            let entered = workspace.all_entered[(left - 1) * self.phones + phone] as usize;
            phone = usize::from(workspace.all_before[entered * self.phones + phone]);
            left = entered;
        }
        phones.reverse();
        Decoding { phones, log_score }
    }
}

impl Workspace {
    fn reset(&mut self, frames: usize, phones: usize, states: usize) {
        let refill = |values: &mut Vec<f64>, length: usize| {
            values.clear();
            values.resize(length, f64::NEG_INFINITY);
        };
        refill(&mut self.score, states * phones);
        refill(&mut self.emission, states * phones);
        refill(&mut self.leave, phones);
        refill(&mut self.enter, phones);
        self.token.clear();
        self.token.resize(states * phones, 0);
        self.before.clear();
        self.before.resize(phones, 0);
        self.all_before.resize(frames * phones, 0);
        self.all_entered.resize(frames * phones, 0);
    }
}

/// Names the first value of a frame that is NaN or +∞.
fn not_a_log_probability(frame: usize, row: &[f32]) -> Error {
    let at_fault = row.iter().enumerate().find(|(_, value)| value.is_nan() || **value == f32::INFINITY);
    let (class, value) = at_fault.map_or((0, f32::NAN), |(class, &value)| (class, value));
    Error::NotALogProbability { frame, class, value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::PhoneTask;

    fn decoder(phones: usize, states: usize) -> Decoder {
        let names: Vec<String> = (0..phones).map(|phone| format!("p{phone}")).collect();
        let fold = vec![None; phones];
        let task = PhoneTask { phones: names, states, scored: vec![], fold };
        let model = PhoneModel::estimate(&task, &[]).expect("a task with phones");
        Decoder::new(&model, DecoderWeights::default()).expect("weights in range")
    }

    /// Log-posteriors that are sure of one class a frame.
    fn sure(classes: usize, path: &[usize]) -> Vec<f32> {
        let row = |best: usize| (0..classes).map(move |class| if class == best { -0.01 } else { -12.0 });
        path.iter().flat_map(|&best| row(best)).collect()
    }

    #[test]
    fn sure_posteriors_decode_to_their_phones_even_repeated_ones() {
        let decode = |states, path: &[usize]| {
            let decoding = decoder(3, states).decode(&sure(3 * states, path), &mut Workspace::default());
            decoding.expect("well-formed").phones
        };
        assert_eq!(decode(1, &[0, 0, 2, 1, 1]), [0, 2, 1]);
        assert_eq!(decode(3, &[0, 1, 1, 2, 0, 1, 2, 6, 7, 8, 8]), [0, 0, 2]);
    }

    #[test]
    fn an_utterance_shorter_than_a_phone_decodes_to_nothing() {
        for frames in 0..3 {
            let decoding =
                decoder(2, 3).decode(&vec![-1.0; frames * 6], &mut Workspace::default()).expect("well-formed");
            assert_eq!(decoding, Decoding { phones: vec![], log_score: f64::NEG_INFINITY });
        }
        let decode = |frames: usize| decoder(2, 3).decode(&vec![-1.0; frames * 6], &mut Workspace::default());
        assert_eq!(decode(3).expect("well-formed").phones.len(), 1);
        assert_eq!(decoder(2, 1).decode(&[-1.0, -0.5], &mut Workspace::default()).expect("well-formed").phones, [1]);
    }

    #[test]
    fn impossible_everywhere_decodes_to_nothing_and_impossible_somewhere_goes_around() {
        let closed = [f32::NEG_INFINITY; 4];
        assert!(decoder(2, 1).decode(&closed, &mut Workspace::default()).expect("well-formed").phones.is_empty());
        let around = [f32::NEG_INFINITY, -50.0, -1.0, f32::NEG_INFINITY];
        assert_eq!(decoder(2, 1).decode(&around, &mut Workspace::default()).expect("well-formed").phones, [1, 0]);
    }

    #[test]
    fn equal_paths_decode_to_the_lowest_phone() {
        let phones = decoder(4, 1).decode(&[-1.0; 8], &mut Workspace::default()).expect("well-formed").phones;
        assert!(phones.iter().all(|&phone| phone == 0), "{phones:?}");
    }

    #[test]
    fn what_is_no_log_posterior_is_refused_by_frame_and_class() {
        for value in [f32::NAN, f32::INFINITY] {
            let mut posteriors = sure(6, &[0, 1, 2]);
            posteriors[6 + 4] = value;
            let error = decoder(2, 3).decode(&posteriors, &mut Workspace::default()).expect_err("refused");
            assert!(matches!(error, Error::NotALogProbability { frame: 1, class: 4, .. }), "{error}");
        }
        let error = decoder(2, 3).decode(&[0.0; 7], &mut Workspace::default()).expect_err("refused");
        assert!(matches!(error, Error::Shape { expected: 12, got: 7, .. }), "{error}");
    }

    #[test]
    fn a_weight_outside_its_range_is_refused_by_name() {
        let model = PhoneModel::estimate(
            &PhoneTask { phones: vec!["a".into()], states: 1, scored: vec![], fold: vec![None] },
            &[],
        );
        let model = model.expect("a task with phones");
        let start = DecoderWeights::default();
        for (weights, name) in [
            (DecoderWeights { acoustic: 0.0, ..start }, "acoustic"),
            (DecoderWeights { prior: f64::NAN, ..start }, "prior"),
            (DecoderWeights { bigram: -1.0, ..start }, "bigram"),
            (DecoderWeights { insertion: f64::INFINITY, ..start }, "insertion"),
        ] {
            let error = Decoder::new(&model, weights).expect_err("refused");
            assert!(matches!(error, Error::Setting { name: at_fault, .. } if at_fault == name), "{error}");
        }
    }
}
