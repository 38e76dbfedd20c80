//! Scores: what a network's outputs are worth on one sequence, for each kind of task.
//!
//! A [`Scorer`] is made once and shared by all threads; [`Scorer::score`] is a pure function from log-posteriors and a
//! sequence to [`Counts`]. Most counts are integers that add up, so the order in which sequences are scored cannot show; sums of
//! real numbers are added in an order that whoever adds them must keep. The division comes last: [`Counts::error`].

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

use crate::dataset::{NO_LABEL, Pooling, Sequence, Task};
use crate::decode::ctc::{Beam, best_path};
use crate::decode::{self, Decoder, DecoderWeights, PhoneModel, Tuning, Utterance, Workspace, best_class};
use crate::edit::PhoneErrors;
use crate::error::{Error, Result};

/// How many of how many were wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Wrong ones.
    pub wrong: u64,
    /// All that count.
    pub of: u64,
}

impl Tally {
    /// The share that was wrong, 0 where nothing counts.
    pub fn rate(&self) -> f64 {
        self.wrong as f64 / self.of.max(1) as f64
    }

    /// [`Tally::rate`] in per cent.
    pub fn percent(&self) -> f64 {
        100.0 * self.rate()
    }
}

/// A sum of real numbers, and of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Total {
    /// The sum.
    pub sum: f64,
    /// How many were added.
    pub of: u64,
}

impl Total {
    /// The mean, 0 of none.
    pub fn mean(&self) -> f64 {
        self.sum / self.of.max(1) as f64
    }

    fn is_empty(&self) -> bool {
        self.of == 0
    }
}

/// Errors of one sequence or, summed, of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Frames with a label whose best class is another or, for [`Task::Phones`], of another phone: where a phone's states
    /// meet is a convention, not a fact to be wrong about. None but for [`Task::Frames`],
    /// [`Task::NextToken`] and it.
    pub frames: Tally,
    /// Phones; none but for [`Task::Phones`].
    pub phones: PhoneErrors,
    /// Sequences whose best class is another, on average or in the last frame; none but for [`Task::Sequences`].
    pub sequences: Tally,
    /// Squares of what outputs miss their targets by; none but for [`Task::Regression`].
    #[serde(default, skip_serializing_if = "Total::is_empty")]
    pub squares: Total,
    /// Cross entropies of the labelled frames, in nats; none but for [`Task::NextToken`].
    #[serde(default, skip_serializing_if = "Total::is_empty")]
    pub nats: Total,
    /// Labels that were recognised; none but for [`Task::Ctc`].
    #[serde(default, skip_serializing_if = "PhoneErrors::is_empty")]
    pub labels: PhoneErrors,
}

impl Counts {
    /// The error that `task` is judged by, in the unit of its [`metric`](Task::metric).
    pub fn error(&self, task: &Task) -> f64 {
        match task {
            Task::Phones(_) => self.phones.percent(),
            Task::Frames { .. } => self.frames.percent(),
            Task::Sequences { .. } => self.sequences.percent(),
            Task::NextToken { .. } => perplexity(self.nats.mean()),
            Task::Ctc { .. } => self.labels.percent(),
            Task::Regression { .. } => self.squares.mean().sqrt(),
        }
    }

    /// What the error rate of `task` counts errors over: phones or labels of the references, frames or sequences; `None` where the
    /// error is no rate.
    pub fn counted(&self, task: &Task) -> Option<u64> {
        self.fraction(task).map(|(_, of)| of)
    }

    /// What the error rate of `task` counts as errors; `None` where the error is no rate.
    pub fn wrong(&self, task: &Task) -> Option<u64> {
        self.fraction(task).map(|(wrong, _)| wrong)
    }

    /// Numerator and denominator of an error rate.
    fn fraction(&self, task: &Task) -> Option<(u64, u64)> {
        match task {
            Task::Phones(_) => Some((self.phones.total(), self.phones.reference)),
            Task::Frames { .. } => Some((self.frames.wrong, self.frames.of)),
            Task::Sequences { .. } => Some((self.sequences.wrong, self.sequences.of)),
            Task::Ctc { .. } => Some((self.labels.total(), self.labels.reference)),
            Task::NextToken { .. } | Task::Regression { .. } => None,
        }
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let tally = |a: Tally, b: Tally| Tally { wrong: a.wrong + b.wrong, of: a.of + b.of };
        let total = |a: Total, b: Total| Total { sum: a.sum + b.sum, of: a.of + b.of };
        Self {
            frames: tally(self.frames, other.frames),
            phones: self.phones + other.phones,
            sequences: tally(self.sequences, other.sequences),
            squares: total(self.squares, other.squares),
            nats: total(self.nats, other.nats),
            labels: self.labels + other.labels,
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
    }
}

/// Standard error of the error rate of `task` over `sequences`, which are taken as independent; `None` for fewer than two
/// or where nothing counts or the error is no rate.
///
/// The rate is a ratio of sums, `r = Σe / Σn`, so its variance is `m/(m−1) · Σ(e − r·n)² / (Σn)²` for `m` sequences.
/// An interval of about 95 % is `r ± 1.96` of it. Sequences of one speaker are less independent than this supposes.
///
/// Source: Cochran 1977, Sampling Techniques, eq. 6.13 (variance of a ratio estimator, no finite population correction).
pub fn standard_error(task: &Task, sequences: &[Counts]) -> Option<f64> {
    let fractions: Vec<(u64, u64)> = sequences.iter().map(|counts| counts.fraction(task)).collect::<Option<_>>()?;
    let errors: u64 = fractions.iter().map(|(errors, _)| errors).sum();
    let of: u64 = fractions.iter().map(|(_, of)| of).sum();
    if sequences.len() < 2 || of == 0 {
        return None;
    }
    let rate = errors as f64 / of as f64;
    let squares: f64 =
        fractions.iter().map(|&(e, n)| e as f64 - rate * n as f64).map(|residual| residual * residual).sum();
    let m = sequences.len() as f64;
    Some((m / (m - 1.0) * squares).sqrt() / of as f64)
}

/// Scores log-posteriors against sequences of one task.
#[derive(Clone, Debug)]
pub struct Scorer {
    task: Task,
    /// For [`Task::Phones`], and only there.
    decoder: Option<Decoder>,
}

impl Scorer {
    /// A scorer for `task`; phones are decoded with statistics of `train` under `weights`, which other tasks ignore.
    ///
    /// # Errors
    /// What [`PhoneModel::estimate`] and [`Decoder::new`] refuse; [`Error::Setting`] for a task without classes.
    pub fn new(task: &Task, train: &[Sequence], weights: DecoderWeights) -> Result<Self> {
        let decoder = match task {
            Task::Phones(phones) => Some(Decoder::new(&PhoneModel::estimate(phones, train)?, weights)?),
            _ if task.outputs() == 0 => {
                return Err(Error::Setting { name: "classes", expected: "at least 1".into(), got: "0".into() });
            }
            _ => None,
        };
        Ok(Self { task: task.clone(), decoder })
    }

    /// A scorer whose decoder is tuned on validation data: `log_posteriors[i]` are the network's of `valid[i]`.
    ///
    /// Also returns what the tuning found, where there was anything to tune.
    ///
    /// # Errors
    /// What [`Scorer::new`] and [`decode::tune`] refuse; [`Error::Shape`] for another number of outputs than sequences or of
    /// values than frames.
    pub fn tuned(
        task: &Task,
        train: &[Sequence],
        valid: &[Sequence],
        log_posteriors: &[Vec<f32>],
    ) -> Result<(Self, Option<Tuning>)> {
        let Task::Phones(phones) = task else {
            return Ok((Self::new(task, train, DecoderWeights::default())?, None));
        };
        if valid.len() != log_posteriors.len() {
            let (expected, got) = (valid.len(), log_posteriors.len());
            return Err(Error::Shape { sequence: String::new(), what: "list of log-posteriors", expected, got });
        }
        let mut utterances = Vec::with_capacity(valid.len());
        for (sequence, log_posteriors) in valid.iter().zip(log_posteriors) {
            check_shape(task, log_posteriors, sequence)?;
            utterances.push(Utterance { log_posteriors, reference: &sequence.reference });
        }
        let model = PhoneModel::estimate(phones, train)?;
        let tuning = decode::tune(&model, phones, &utterances)?;
        Ok((Self { task: task.clone(), decoder: Some(Decoder::new(&model, tuning.weights)?) }, Some(tuning)))
    }

    /// What the error rate counts errors over in `sequence`, whatever a network says of it: [`Counts::counted`] before
    /// anything is measured. `None` where the error is no rate.
    pub fn counted(&self, sequence: &Sequence) -> Option<u64> {
        let labelled = || sequence.labels.iter().filter(|&&label| label != NO_LABEL).count();
        match self.task {
            Task::Phones(_) => Some(sequence.reference.len() as u64),
            Task::Frames { .. } => Some(labelled() as u64),
            Task::Sequences { .. } => Some(u64::from(sequence.labels != [NO_LABEL])),
            Task::Ctc { .. } => Some(sequence.labels.len() as u64),
            Task::NextToken { .. } | Task::Regression { .. } => None,
        }
    }

    /// The task that is scored.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// Counts the errors of one sequence; `log_posteriors`: `[frames, classes]`, row-major, natural logarithms. A constant
    /// that is added to all classes of a frame changes nothing, so a network's scores before the softmax will do. Of a
    /// regression they are the outputs themselves.
    ///
    /// The best class of a frame is the lowest of equally good ones. A sequence without frames has no wrong frame, decodes
    /// to no phone, and is wrong as a whole; one without a label does not count.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of values or labels than the sequence has frames (values may be of fewer frames where
    /// a sequence is judged as a whole), [`Error::Label`] for a label
    /// outside the task, [`Error::NotALogProbability`] for NaN or +∞.
    pub fn score(&self, log_posteriors: &[f32], sequence: &Sequence) -> Result<Counts> {
        let classes = self.task.outputs();
        check_shape(&self.task, log_posteriors, sequence)?;
        check_labels(&self.task, sequence)?;
        check_targets(&self.task, sequence)?;
        let mut counts = Counts::default();
        match &self.task {
            Task::Phones(task) => {
                counts.frames = frame_errors(classes, task.states as u32, log_posteriors, &sequence.labels)?;
                counts.phones = PhoneErrors::between(&sequence.reference, &self.phones(log_posteriors)?);
            }
            Task::Frames { .. } => counts.frames = frame_errors(classes, 1, log_posteriors, &sequence.labels)?,
            Task::Sequences { pooling, .. } => {
                let best = class_of_sequence(classes, *pooling, log_posteriors)?;
                if sequence.labels != [NO_LABEL] {
                    let right = best.is_some_and(|best| sequence.labels == [best]);
                    counts.sequences = Tally { wrong: u64::from(!right), of: 1 };
                }
            }
            Task::NextToken { .. } => {
                counts.frames = frame_errors(classes, 1, log_posteriors, &sequence.labels)?;
                counts.nats = cross_entropy(classes, log_posteriors, &sequence.labels);
            }
            &Task::Ctc { blank, beam, .. } => {
                let labels = match beam {
                    0 | 1 => best_path(classes, log_posteriors, blank)?,
                    width => Beam { blank, width }.search(classes, log_posteriors)?,
                };
                counts.labels = PhoneErrors::between(&sequence.labels, &labels);
            }
            Task::Regression { .. } => counts.squares = squares(log_posteriors, &sequence.targets),
        }
        Ok(counts)
    }

    /// Counts the errors of one sequence of a frame task from the best class of every frame, where a network says no more.
    ///
    /// # Errors
    /// [`Error::Setting`] for another task; [`Error::Shape`] for another number of classes or labels than the sequence has
    /// frames, [`Error::Label`] for a label outside the task.
    pub fn score_classes(&self, best: &[u32], sequence: &Sequence) -> Result<Counts> {
        if !matches!(self.task, Task::Frames { .. }) {
            let got = "classes of phones or sequences".into();
            return Err(Error::Setting { name: "task", expected: "classes of frames".into(), got });
        }
        check_labels(&self.task, sequence)?;
        let (expected, got) = (sequence.labels.len(), best.len());
        if expected != got {
            return Err(Error::Shape { sequence: sequence.id.clone(), what: "classes", expected, got });
        }
        let labelled = || best.iter().zip(&sequence.labels).filter(|&(_, &label)| label != NO_LABEL);
        let wrong = labelled().filter(|(best, label)| best != label).count();
        let frames = Tally { wrong: wrong as u64, of: labelled().count() as u64 };
        Ok(Counts { frames, ..Counts::default() })
    }

    /// The phones heard, in scoring ids, for reports; empty for other tasks than phones.
    ///
    /// # Errors
    /// What [`Decoder::decode`] refuses.
    pub fn phones(&self, log_posteriors: &[f32]) -> Result<Vec<u16>> {
        match (&self.task, &self.decoder) {
            (Task::Phones(task), Some(decoder)) => {
                Ok(decode::fold(task, &decoder.decode(log_posteriors, &mut Workspace::default())?.phones))
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// A network with a stride gives other than one row a frame; only sequences that are judged as a whole can do with that.
fn check_shape(task: &Task, log_posteriors: &[f32], sequence: &Sequence) -> Result<()> {
    let classes = task.outputs();
    let (expected, got) = (sequence.features.frames() * classes, log_posteriors.len());
    let whole = !task.is_by_frame() && got.is_multiple_of(classes);
    if expected == got || whole {
        return Ok(());
    }
    Err(Error::Shape { sequence: sequence.id.clone(), what: "log-posteriors", expected, got })
}

fn check_labels(task: &Task, sequence: &Sequence) -> Result<()> {
    let (labels, classes) = (&sequence.labels, task.outputs());
    let expected = task.labels(sequence.features.frames()).unwrap_or(labels.len());
    if labels.len() != expected {
        return Err(Error::Shape { sequence: sequence.id.clone(), what: "labels", expected, got: labels.len() });
    }
    let fits = |label: u32| match task {
        Task::Ctc { blank, .. } => label != *blank && (label as usize) < classes,
        _ => label == NO_LABEL || (label as usize) < classes,
    };
    match labels.iter().enumerate().find(|(_, label)| !fits(**label)) {
        Some((frame, &label)) => Err(Error::Label { sequence: sequence.id.clone(), frame, label, classes }),
        None => Ok(()),
    }
}

fn check_targets(task: &Task, sequence: &Sequence) -> Result<()> {
    let (expected, got) = (task.targets(sequence.features.frames()), sequence.targets.len());
    if expected == got {
        return Ok(());
    }
    Err(Error::Shape { sequence: sequence.id.clone(), what: "targets", expected, got })
}

/// The perplexity of a mean cross entropy: e to it, at most the largest number, so that it stays one.
pub fn perplexity(nats: f64) -> f64 {
    libm::exp(nats).min(f64::MAX)
}

/// −ln softmax(scores)\[label\] of the labelled frames, in f64. The scores are below infinity, and none is NaN.
fn cross_entropy(classes: usize, scores: &[f32], labels: &[u32]) -> Total {
    let labelled = scores.chunks_exact(classes).zip(labels).filter(|&(_, &label)| label != NO_LABEL);
    labelled.fold(Total::default(), |Total { sum, of }, (row, &label)| {
        let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let over = |score: f32| f64::from(score) - f64::from(highest);
        let partition: f64 = row.iter().map(|&score| libm::exp(over(score))).sum();
        Total { sum: sum + libm::log(partition) - over(row[label as usize]), of: of + 1 }
    })
}

/// Squares of the differences, in f64 as both are given.
fn squares(outputs: &[f32], targets: &[f32]) -> Total {
    let square = |(&output, &target): (&f32, &f32)| {
        let miss = f64::from(output) - f64::from(target);
        miss * miss
    };
    Total { sum: outputs.iter().zip(targets).map(square).sum(), of: targets.len() as u64 }
}

/// Labelled frames whose best class belongs to another group of `states` neighbouring classes: to another phone, or with
/// one state is another.
fn frame_errors(classes: usize, states: u32, log_posteriors: &[f32], labels: &[u32]) -> Result<Tally> {
    let mut tally = Tally::default();
    for (frame, (row, &label)) in log_posteriors.chunks_exact(classes).zip(labels).enumerate() {
        let best = best_class(frame, row)?;
        if label != NO_LABEL {
            tally.of += 1;
            tally.wrong += u64::from(best / states != label / states);
        }
    }
    Ok(tally)
}

/// The class whose log-posterior is highest, averaged over the frames or in the last one; `None` without frames.
fn class_of_sequence(classes: usize, pooling: Pooling, log_posteriors: &[f32]) -> Result<Option<u32>> {
    let mut sums = vec![0f64; classes];
    let mut last = None;
    for (frame, row) in log_posteriors.chunks_exact(classes).enumerate() {
        last = Some(best_class(frame, row)?);
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum += f64::from(value);
        }
    }
    if pooling == Pooling::Last {
        return Ok(last);
    }
    // The sum has its maximum where the mean has it.
    let highest = |best: usize, class: usize| if sums[class] > sums[best] { class } else { best };
    Ok((!log_posteriors.is_empty()).then(|| (0..classes).fold(0, highest) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Features, PhoneTask};

    fn sequence(frames: usize, labels: &[u32], reference: &[u16]) -> Sequence {
        Sequence {
            id: "s".into(),
            speaker: String::new(),
            features: Features { dim: 1, values: vec![0.0; frames] },
            labels: labels.to_vec(),
            reference: reference.to_vec(),
            targets: Vec::new(),
        }
    }

    fn scorer(task: &Task) -> Scorer {
        Scorer::new(task, &[], DecoderWeights::default()).expect("a task with classes")
    }

    #[test]
    fn frames_without_a_label_do_not_count_and_the_lowest_of_equal_classes_is_best() {
        let outputs = [-1.0, -1.0, -2.0, -0.1, -0.5, -3.0];
        let counts = scorer(&Task::Frames { classes: 2 }).score(&outputs, &sequence(3, &[0, NO_LABEL, 1], &[]));
        let counts = counts.expect("well-formed");
        assert_eq!(counts.frames, Tally { wrong: 1, of: 2 });
        assert_eq!(counts.error(&Task::Frames { classes: 2 }), 50.0);
        assert_eq!((counts.phones, counts.sequences), (PhoneErrors::default(), Tally::default()));
    }

    #[test]
    fn what_errors_are_counted_over_is_known_before_anything_is_measured() {
        let outputs = [-0.6, -0.7, -0.6, -0.7, -9.0, -0.0001];
        let pooling = Pooling::Mean;
        for (task, labels) in [
            (Task::Frames { classes: 2 }, vec![0, NO_LABEL, 1]),
            (Task::Sequences { classes: 2, pooling }, vec![1]),
            (Task::Sequences { classes: 2, pooling }, vec![NO_LABEL]),
            (Task::Ctc { classes: 2, blank: 0, beam: 1 }, vec![1, 1]),
            (Task::NextToken { tokens: 2 }, vec![0, NO_LABEL, 1]),
        ] {
            let (scorer, sequence) = (scorer(&task), sequence(3, &labels, &[]));
            let counts = scorer.score(&outputs, &sequence).expect("well-formed");
            assert_eq!(scorer.counted(&sequence), counts.counted(&task), "{task:?}");
            assert_eq!(counts.wrong(&task).is_some(), counts.counted(&task).is_some());
        }
    }

    #[test]
    fn a_sequence_is_of_the_class_with_the_best_mean_not_of_the_most_frames() {
        let task = Task::Sequences { classes: 2, pooling: Pooling::Mean };
        let outputs = [-0.6, -0.7, -0.6, -0.7, -9.0, -0.0001];
        let score = |label| scorer(&task).score(&outputs, &sequence(3, &[label], &[])).expect("well-formed").sequences;
        assert_eq!(score(1), Tally { wrong: 0, of: 1 });
        assert_eq!(score(0), Tally { wrong: 1, of: 1 });
        assert_eq!(score(NO_LABEL), Tally { wrong: 0, of: 0 });
        let nothing = scorer(&task).score(&[], &sequence(0, &[0], &[])).expect("well-formed");
        assert_eq!(nothing.error(&task), 100.0);
    }

    #[test]
    fn a_sequence_judged_by_its_last_frame_is_of_that_frames_class() {
        let task = Task::Sequences { classes: 2, pooling: Pooling::Last };
        let outputs = [-0.01, -9.0, -0.01, -9.0, -0.7, -0.6];
        let score = |label| scorer(&task).score(&outputs, &sequence(3, &[label], &[])).expect("well-formed").sequences;
        assert_eq!(score(1), Tally { wrong: 0, of: 1 });
        assert_eq!(score(0), Tally { wrong: 1, of: 1 });
        let nothing = scorer(&task).score(&[], &sequence(0, &[0], &[])).expect("well-formed");
        assert_eq!(nothing.error(&task), 100.0, "a sequence without frames is wrong");
        let broken = scorer(&task).score(&[f32::NAN, 0.0, 0.0, 0.0], &sequence(2, &[1], &[]));
        assert!(broken.is_err(), "a frame that does not count is still an output of the network");
    }

    #[test]
    fn a_regression_is_wrong_by_the_root_of_its_mean_square() {
        let task = Task::Regression { outputs: 2, unit: "°C".into() };
        let with = |targets: &[f32]| Sequence { targets: targets.to_vec(), ..sequence(2, &[], &[]) };
        // Misses 3, 4, 0 and 0: √(25 / 4).
        let counts = scorer(&task).score(&[4.0, 1.0, 7.0, 8.0], &with(&[1.0, 5.0, 7.0, 8.0])).expect("well-formed");
        assert_eq!((counts.squares, counts.error(&task)), (Total { sum: 25.0, of: 4 }, 2.5));
        // Of twice as many, all met: the root of half as much.
        let met = scorer(&task).score(&[0.0; 4], &with(&[0.0; 4])).expect("well-formed");
        assert_eq!((counts + met).error(&task), 3.125_f64.sqrt());
        assert_eq!((counts.counted(&task), standard_error(&task, &[counts, met])), (None, None));
        let few = scorer(&task).score(&[0.0; 4], &with(&[0.0; 3])).expect_err("too few").to_string();
        assert_eq!(few, "sequence `s`: targets has 3 values, expected 4");
        let json = serde_json::to_string(&Counts::default()).expect("plain numbers");
        assert!(!json.contains("squares"), "what a task does not count is not written: {json}");
    }

    #[test]
    fn perplexity_is_e_to_the_mean_cross_entropy_of_labelled_frames() {
        let task = Task::NextToken { tokens: 4 };
        let score = |outputs: &[f32], labels: &[u32]| {
            scorer(&task).score(outputs, &sequence(labels.len(), labels, &[])).expect("well-formed")
        };
        // Nothing is known: as wrong as choosing between all four.
        let even = score(&[3.0; 8], &[0, NO_LABEL]);
        assert!((even.error(&task) - 4.0).abs() < 1e-14 && even.nats.of == 1, "{even:?}");
        // Probabilities 1/2 and 1/8 of what came: the geometric mean of 2 and 8, whatever is added to a frame's scores.
        let ln = |p: f64| libm::log(p) as f32;
        let row = |label: usize, p: f64, shift: f32| {
            (0..4).map(move |k| shift + if k == label { ln(p) } else { ln((1.0 - p) / 3.0) })
        };
        let outputs: Vec<f32> = row(1, 0.5, 0.0).chain(row(3, 0.125, 16.0)).collect();
        let counts = score(&outputs, &[1, 3]);
        assert!((counts.error(&task) - 4.0).abs() < 1e-5, "{}", counts.error(&task));
        assert_eq!(counts.frames, Tally { wrong: 1, of: 2 });
        assert_eq!(counts.counted(&task), None);
        assert_eq!(score(&[f32::MIN, 0.0, 0.0, 0.0], &[0]).error(&task), f64::MAX, "a number that JSON can hold");
    }

    #[test]
    fn labels_are_recognised_without_an_alignment() {
        let score = |beam, labels: &[u32]| {
            let task = Task::Ctc { classes: 3, blank: 0, beam };
            // Blank with 0.6 and `1` with 0.4 in both frames: the best path is blank, the best labelling is `1`.
            let outputs = [0.6, 0.4, 1e-9, 0.6, 0.4, 1e-9].map(libm::logf);
            scorer(&task).score(&outputs, &sequence(2, labels, &[])).map(|counts| (counts.labels, counts.error(&task)))
        };
        let none = PhoneErrors { reference: 1, ..PhoneErrors::default() };
        assert_eq!(score(1, &[1]).expect("well-formed"), (PhoneErrors { deletions: 1, ..none }, 100.0));
        assert_eq!(score(8, &[1]).expect("well-formed"), (none, 0.0));
        assert_eq!(score(1, &[]).expect("well-formed").1, 0.0, "nothing said, nothing heard");
        let blank = score(1, &[0]).expect_err("the blank is no label").to_string();
        assert_eq!(blank, "sequence `s`: frame 0 has label 0, expected less than 3");
    }

    #[test]
    fn phones_and_frames_are_both_counted_for_a_phone_task() {
        let name = |name: &str| name.to_owned();
        let task = Task::Phones(PhoneTask {
            phones: ["a", "b", "sil"].map(name).to_vec(),
            states: 1,
            scored: ["a", "b"].map(name).to_vec(),
            fold: vec![Some(0), Some(1), None],
        });
        // Clear posteriors: silence, a, a, b, with one frame labelled otherwise.
        let outputs: Vec<f32> =
            [2, 0, 0, 1].iter().flat_map(|&best| (0..3).map(move |class| -20.0 * f32::from(class != best))).collect();
        let counts = scorer(&task).score(&outputs, &sequence(4, &[2, 0, 1, 1], &[0, 1, 0])).expect("well-formed");
        assert_eq!(counts.frames, Tally { wrong: 1, of: 4 });
        assert_eq!(counts.phones, PhoneErrors { deletions: 1, reference: 3, ..PhoneErrors::default() });
        assert_eq!(scorer(&task).counted(&sequence(4, &[2, 0, 1, 1], &[0, 1, 0])), counts.counted(&task));
        assert!((counts.error(&task) - 100.0 / 3.0).abs() < 1e-13);
        assert_eq!(scorer(&task).phones(&outputs).expect("well-formed"), [0, 1]);
    }

    #[test]
    fn outputs_that_do_not_fit_are_refused() {
        let task = Task::Frames { classes: 2 };
        let refusal = |outputs: &[f32], sequence: &Sequence| {
            scorer(&task).score(outputs, sequence).expect_err("does not fit").to_string()
        };
        assert_eq!(
            refusal(&[0.0; 3], &sequence(2, &[0, 1], &[])),
            "sequence `s`: log-posteriors has 3 values, expected 4"
        );
        assert_eq!(refusal(&[0.0; 4], &sequence(2, &[0], &[])), "sequence `s`: labels has 1 values, expected 2");
        let label = refusal(&[0.0; 4], &sequence(2, &[0, 2], &[]));
        assert_eq!(label, "sequence `s`: frame 1 has label 2, expected less than 2");
        let nan = refusal(&[0.0, 0.0, 0.0, f32::NAN], &sequence(2, &[0, 1], &[]));
        assert_eq!(nan, "frame 1, class 1: log-probability is NaN, expected a number below infinity");
        assert!(Scorer::new(&Task::Frames { classes: 0 }, &[], DecoderWeights::default()).is_err());
    }

    #[test]
    fn standard_error_is_that_of_a_binomial_for_equal_single_trials() {
        // 100 sequences of one trial each, 20 wrong: sqrt(0.2 · 0.8 / 99).
        let task = Task::Sequences { classes: 2, pooling: Pooling::Mean };
        let one = |wrong| Counts { sequences: Tally { wrong, of: 1 }, ..Counts::default() };
        let trials: Vec<Counts> = (0..100).map(|i| one(u64::from(i % 5 == 0))).collect();
        let error = standard_error(&task, &trials).expect("many sequences");
        assert!((error - (0.16f64 / 99.0).sqrt()).abs() < 1e-12, "{error}");
        assert_eq!(standard_error(&task, &trials[..1]), None);
        assert_eq!(standard_error(&task, &[Counts::default(); 2]), None);
        assert_eq!(trials.iter().copied().sum::<Counts>().sequences, Tally { wrong: 20, of: 100 });
    }
}
