//! What the training labels say of phones: how often each state occurs, how long it lasts, which phone follows which.

use crate::dataset::{NO_LABEL, PhoneTask, Sequence};
use crate::error::{Error, Result};

/// Statistics of phone states and phone order, as natural logarithms of probabilities.
///
/// A phone's shortest duration is one frame a state; its mean duration is what the self-loops make of it.
#[derive(Clone, Debug, PartialEq)]
pub struct PhoneModel {
    /// Number of phones.
    pub(super) phones: usize,
    /// States a phone.
    pub(super) states: usize,
    /// `[phones · states]`: share of the labelled frames.
    pub(super) log_prior: Vec<f64>,
    /// `[phones · states]`: staying in the state for another frame.
    pub(super) log_stay: Vec<f64>,
    /// `[phones · states]`: going on to the next state, or out of the phone.
    pub(super) log_leave: Vec<f64>,
    /// `[phones + 1, phones + 1]`: row = phone before, last row = start of the utterance; column = phone after, last
    /// column = end of the utterance.
    pub(super) log_bigram: Vec<f64>,
}

impl PhoneModel {
    /// Estimates the model from the frame labels of `train`.
    ///
    /// * A phone said is a run of its labels; where the state goes back, the phone was said again. (With one state a phone,
    ///   a direct repetition cannot be seen.) Frames without a label end a run, and nothing follows it.
    /// * Priors: shares of the labelled frames, one frame added to each class.
    /// * Staying in a state: `(frames − visits + ½) / (frames + 1)`, which gives the mean duration of the labels, and ½ to
    ///   a state that never occurs (Jeffreys' prior).
    /// * Bigram: Witten–Bell, `p(w|h) = (c(h,w) + T(h)·p(w)) / (c(h) + T(h))` with `T(h)` the number of different
    ///   successors of `h`, over an add-one unigram. No pair is impossible.
    ///
    /// # Errors
    /// [`Error::Setting`] for a task without phones or states, or whose `fold` does not fit; [`Error::Label`] for a label
    /// outside the task.
    ///
    /// Source: Witten and Bell 1991, method C (interpolated).
    pub fn estimate(task: &PhoneTask, train: &[Sequence]) -> Result<Self> {
        check(task)?;
        let mut counts = Counts::new(task.phones.len(), task.states);
        for sequence in train {
            counts.add(sequence)?;
        }
        Ok(counts.model())
    }

    /// Number of classes: the width of the network's output.
    pub fn classes(&self) -> usize {
        self.phones * self.states
    }

    /// Number of phones.
    pub fn phones(&self) -> usize {
        self.phones
    }

    /// Frames that the shortest phone takes.
    pub fn states(&self) -> usize {
        self.states
    }

    /// Log-probability of `after` following `before`; `None` is the start or the end of the utterance.
    ///
    /// # Panics
    /// If a phone is not of the task.
    pub fn log_bigram(&self, before: Option<u16>, after: Option<u16>) -> f64 {
        let index = |phone: Option<u16>| phone.map_or(self.phones, usize::from);
        assert!(index(before) <= self.phones && index(after) <= self.phones, "phone outside the task");
        self.log_bigram[index(before) * (self.phones + 1) + index(after)]
    }
}

/// Refuses a task that no model can be made for.
fn check(task: &PhoneTask) -> Result<()> {
    let refuse = |name, expected: String, got: usize| Err(Error::Setting { name, expected, got: got.to_string() });
    let phones = task.phones.len();
    if phones == 0 || phones >= usize::from(u16::MAX) {
        return refuse("phones", format!("1 to {} phones", u16::MAX - 1), phones);
    }
    if task.states == 0 || task.states > usize::from(u16::MAX) {
        return refuse("states", format!("1 to {} states a phone", u16::MAX), task.states);
    }
    if task.fold.len() != phones {
        return refuse("fold", format!("one entry for each of {phones} phones"), task.fold.len());
    }
    match task.fold.iter().flatten().find(|&&id| usize::from(id) >= task.scored.len()) {
        Some(&id) => refuse("fold", format!("ids below {}", task.scored.len()), usize::from(id)),
        None => Ok(()),
    }
}

struct Counts {
    phones: usize,
    states: usize,
    /// `[phones · states]`.
    frames: Vec<u64>,
    /// `[phones · states]`: runs of frames.
    visits: Vec<u64>,
    /// As [`PhoneModel::log_bigram`].
    bigram: Vec<u64>,
}

impl Counts {
    fn new(phones: usize, states: usize) -> Self {
        let classes = phones * states;
        Self {
            phones,
            states,
            frames: vec![0; classes],
            visits: vec![0; classes],
            bigram: vec![0; (phones + 1) * (phones + 1)],
        }
    }

    fn add(&mut self, sequence: &Sequence) -> Result<()> {
        // Phone or boundary before the current frame; `None` after a frame without a label.
        let mut before = Some(self.phones);
        let mut previous: Option<usize> = None;
        for (frame, &label) in sequence.labels.iter().enumerate() {
            if label == NO_LABEL {
                (before, previous) = (None, None);
                continue;
            }
            let class = label as usize;
            if class >= self.frames.len() {
                let (sequence, classes) = (sequence.id.clone(), self.frames.len());
                return Err(Error::Label { sequence, frame, label, classes });
            }
            self.frames[class] += 1;
            if previous != Some(class) {
                self.visits[class] += 1;
            }
            let phone = class / self.states;
            if !previous.is_some_and(|previous| previous / self.states == phone && previous <= class) {
                self.follow(before, phone);
            }
            (before, previous) = (Some(phone), Some(class));
        }
        if previous.is_some() {
            self.follow(before, self.phones);
        }
        Ok(())
    }

    fn follow(&mut self, before: Option<usize>, after: usize) {
        if let Some(before) = before {
            self.bigram[before * (self.phones + 1) + after] += 1;
        }
    }

    fn model(&self) -> PhoneModel {
        let classes = self.frames.len();
        let total = self.frames.iter().sum::<u64>() + classes as u64;
        let log_prior = self.frames.iter().map(|&n| libm::log((n + 1) as f64 / total as f64)).collect();
        let stay: Vec<f64> = (self.frames.iter().zip(&self.visits))
            .map(|(&frames, &visits)| ((frames - visits) as f64 + 0.5) / (frames as f64 + 1.0))
            .collect();
        PhoneModel {
            phones: self.phones,
            states: self.states,
            log_prior,
            log_stay: stay.iter().map(|&stay| libm::log(stay)).collect(),
            log_leave: stay.iter().map(|&stay| libm::log1p(-stay)).collect(),
            log_bigram: self.bigram(),
        }
    }

    fn bigram(&self) -> Vec<f64> {
        let width = self.phones + 1;
        let total = self.bigram.iter().sum::<u64>() + width as u64;
        let unigram: Vec<f64> = (0..width)
            .map(|after| self.bigram.iter().skip(after).step_by(width).sum::<u64>())
            .map(|count| (count + 1) as f64 / total as f64)
            .collect();
        let mut log_bigram = Vec::with_capacity(width * width);
        for row in self.bigram.chunks_exact(width) {
            let count = row.iter().sum::<u64>() as f64;
            // A phone that nothing follows in the labels is followed by anything, as the unigram says.
            let successors = row.iter().filter(|&&count| count > 0).count().max(1) as f64;
            let probability = |(&n, unigram): (&u64, &f64)| (n as f64 + successors * unigram) / (count + successors);
            log_bigram.extend(row.iter().zip(&unigram).map(probability).map(libm::log));
        }
        log_bigram
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Features;

    fn task(phones: usize, states: usize) -> PhoneTask {
        PhoneTask {
            phones: (0..phones).map(|phone| format!("p{phone}")).collect(),
            states,
            scored: (0..phones).map(|phone| format!("p{phone}")).collect(),
            fold: (0..phones as u16).map(Some).collect(),
        }
    }

    fn sequence(labels: &[u32]) -> Sequence {
        Sequence {
            id: "s".into(),
            speaker: String::new(),
            features: Features::default(),
            labels: labels.to_vec(),
            reference: vec![],
            targets: Vec::new(),
        }
    }

    #[track_caller]
    fn close(log: f64, probability: f64) {
        assert!((libm::exp(log) - probability).abs() < 1e-12, "{} against {probability}", libm::exp(log));
    }

    #[test]
    fn statistics_equal_those_counted_by_hand() {
        // Two phones of two states: phone 0 (0,0,1), phone 0 again (0,1,1), phone 1 (2,3).
        let model = PhoneModel::estimate(&task(2, 2), &[sequence(&[0, 0, 1, 0, 1, 1, 2, 3])]).expect("well-formed");
        for (class, frames) in [3.0, 3.0, 1.0, 1.0].into_iter().enumerate() {
            close(model.log_prior[class], (frames + 1.0) / 12.0);
        }
        // Class 0: 3 frames in 2 visits.
        close(model.log_stay[0], 1.5 / 4.0);
        close(model.log_leave[0], 2.5 / 4.0);
        close(model.log_stay[2], 0.5 / 2.0);
        // Start → 0, 0 → 0, 0 → 1, 1 → end: unigram (2, 1, 1) and one more each, of 7.
        let unigram = [3.0 / 7.0, 2.0 / 7.0, 2.0 / 7.0];
        close(model.log_bigram(None, Some(0)), (1.0 + unigram[0]) / 2.0);
        close(model.log_bigram(None, Some(1)), unigram[1] / 2.0);
        close(model.log_bigram(Some(0), Some(0)), (1.0 + 2.0 * unigram[0]) / 4.0);
        close(model.log_bigram(Some(0), Some(1)), (1.0 + 2.0 * unigram[1]) / 4.0);
        close(model.log_bigram(Some(1), None), (1.0 + unigram[2]) / 2.0);
    }

    #[test]
    fn rows_of_the_bigram_sum_to_one_even_for_a_phone_never_seen() {
        let train = [sequence(&[0, 1, 2, 2, 3]), sequence(&[2, 3, 0, 1]), sequence(&[])];
        let model = PhoneModel::estimate(&task(3, 2), &train).expect("well-formed");
        for row in model.log_bigram.chunks_exact(4) {
            let sum: f64 = row.iter().map(|&log| libm::exp(log)).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{sum}");
            assert!(row.iter().all(|log| log.is_finite()));
        }
        close(model.log_stay[4], 0.5);
    }

    #[test]
    fn nothing_follows_a_frame_without_a_label() {
        let gap = [sequence(&[NO_LABEL, 0, NO_LABEL, 1, NO_LABEL])];
        let model = PhoneModel::estimate(&task(2, 1), &gap).expect("well-formed");
        let none = PhoneModel::estimate(&task(2, 1), &[]).expect("well-formed");
        assert_eq!(model.log_bigram, none.log_bigram);
        close(model.log_prior[0], 0.5);
    }

    #[test]
    fn a_label_outside_the_task_is_refused_by_sequence_and_frame() {
        let error = PhoneModel::estimate(&task(2, 1), &[sequence(&[0, 2])]).expect_err("no class 2");
        assert_eq!(error.to_string(), "sequence `s`: frame 1 has label 2, expected less than 2");
    }

    #[test]
    fn a_task_without_phones_or_with_another_fold_is_refused() {
        for (task, expected) in [
            (task(0, 3), "`phones` is 0, expected 1 to 65534 phones"),
            (task(2, 0), "`states` is 0, expected 1 to 65535 states a phone"),
            (PhoneTask { fold: vec![None], ..task(2, 3) }, "`fold` is 1, expected one entry for each of 2 phones"),
            (PhoneTask { fold: vec![None, Some(2)], ..task(2, 3) }, "`fold` is 2, expected ids below 2"),
        ] {
            assert_eq!(PhoneModel::estimate(&task, &[]).expect_err("refused").to_string(), expected);
        }
    }
}
