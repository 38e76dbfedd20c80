//! What training minimises, with its gradient.

use super::elementwise::{exponentials, for_rows_with, largest, sum_of_rows};
use crate::tensor::{Matrix, Real};
use mohaq_speech::dataset::{NO_LABEL, Pooling, Task};
use mohaq_speech::score::perplexity;

/// A sum of cross entropies over what was labelled, or of squares over all targets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// In nats, or in squares of the targets' unit.
    pub sum: f64,
    /// Labelled frames, or sequences, or labels to be recognised, or targets.
    pub counted: u64,
    /// Those of them in which another class has a larger logit, or edits of what is recognised; none of targets.
    pub wrong: u64,
}

impl Loss {
    /// Mean cross entropy in nats, or mean square; 0 of none.
    pub fn mean(&self) -> f64 {
        if self.counted == 0 { 0.0 } else { self.sum / self.counted as f64 }
    }

    /// What a training on `task` is judged by: the share of wrong ones, 0 … 1, the perplexity, or the root of the
    /// mean square.
    pub fn error(&self, task: &Task) -> f64 {
        match task {
            Task::Phones(_) | Task::Frames { .. } | Task::Sequences { .. } | Task::Ctc { .. } => {
                self.wrong as f64 / self.counted.max(1) as f64
            }
            Task::NextToken { .. } => perplexity(self.mean()),
            Task::Regression { .. } => self.mean().sqrt(),
        }
    }

    /// Adds what another batch lost.
    pub fn add(&mut self, other: &Self) {
        self.sum += other.sum;
        self.counted += other.counted;
        self.wrong += other.wrong;
    }
}

/// Cross entropy of one row.
#[derive(Clone, Copy, Default)]
struct Term<T> {
    loss: T,
    wrong: bool,
}

/// Cross entropy −ln softmax(logits)\[label\] of frames; those of [`NO_LABEL`] count in nothing.
///
/// `logits`: `[frames, classes]`, becomes the gradient of [`Loss::mean`].
///
/// # Panics
/// Unless there is a label a row, each a class or [`NO_LABEL`].
pub fn frame_loss<T: Real>(logits: &mut Matrix<T>, labels: &[u32]) -> Loss {
    assert_eq!(labels.len(), logits.rows(), "labels of {} frames", logits.rows());
    let counted = labels.iter().filter(|&&label| label != NO_LABEL).count();
    let weight = T::from_f64(1.0 / counted.max(1) as f64);
    let mut terms = vec![Term::default(); labels.len()];
    for_rows_with(
        logits,
        &mut terms,
        #[inline(always)]
        |frame, row, term| *term = row_loss(row, labels[frame], weight),
    );
    total(&terms, counted)
}

/// Cross entropy of sequences, whose logits are the means of their frames' or those of their last one; those of
/// [`NO_LABEL`] and those without frames count in nothing.
///
/// That of means is also the cross entropy of the mean log-probabilities, by which sequences are scored: the two means
/// differ by a number that all classes share. `logits`: `[frames, classes]`, becomes the gradient of [`Loss::mean`]; sequence
/// `i` is the rows `starts[i] .. starts[i + 1]`.
///
/// # Panics
/// Unless there is a label a sequence, each a class or [`NO_LABEL`].
pub fn sequence_loss<T: Real>(logits: &mut Matrix<T>, starts: &[usize], labels: &[u32], pooling: Pooling) -> Loss {
    assert_eq!(labels.len(), starts.len() - 1, "labels of {} sequences", starts.len() - 1);
    let classes = logits.cols();
    let label_of = |ends: &[usize], label| if ends[0] == ends[1] { NO_LABEL } else { label };
    let labels: Vec<u32> = starts.windows(2).zip(labels).map(|(ends, &label)| label_of(ends, label)).collect();
    // The frames that count of each sequence.
    let pooled = |ends: &[usize]| match pooling {
        Pooling::Mean => ends[0]..ends[1],
        Pooling::Last => ends[1].saturating_sub(1).max(ends[0])..ends[1],
    };
    let mut means = Matrix::zeros(labels.len(), classes);
    for (ends, sequence) in starts.windows(2).zip(0..) {
        let (frames, mean) = (pooled(ends), means.row_mut(sequence));
        sum_of_rows(classes, &logits.data()[frames.start * classes..frames.end * classes], mean);
        let count = T::from_f64(frames.len().max(1) as f64);
        mean.iter_mut().for_each(|x| *x /= count);
    }
    let loss = frame_loss(&mut means, &labels);
    for (ends, sequence) in starts.windows(2).zip(0..) {
        let frames = pooled(ends);
        let share = T::ONE / T::from_f64(frames.len().max(1) as f64);
        logits.data_mut()[ends[0] * classes..frames.start * classes].fill(T::ZERO);
        for frame in frames {
            let gradient = means.row(sequence).iter();
            logits.row_mut(frame).iter_mut().zip(gradient).for_each(|(x, &d)| *x = share * d);
        }
    }
    loss
}

/// Squares (output − target)² of all frames and outputs.
///
/// `outputs`: `[frames, outputs]`, becomes the gradient of [`Loss::mean`]; `targets` alike, row-major.
///
/// # Panics
/// Unless there is a target an output.
pub fn regression_loss<T: Real>(outputs: &mut Matrix<T>, targets: &[f32]) -> Loss {
    assert_eq!(targets.len(), outputs.data().len(), "targets of outputs {:?}", outputs.shape());
    let weight = T::from_f64(2.0 / targets.len().max(1) as f64);
    let mut sum = 0.0;
    for (output, &target) in outputs.data_mut().iter_mut().zip(targets) {
        let miss = *output - T::from_f64(f64::from(target));
        sum += miss.to_f64() * miss.to_f64();
        *output = weight * miss;
    }
    Loss { sum, counted: targets.len() as u64, wrong: 0 }
}

/// The loss of a row, which becomes `weight` times the gradient.
#[inline(always)]
fn row_loss<T: Real>(row: &mut [T], label: u32, weight: T) -> Term<T> {
    if label == NO_LABEL {
        row.fill(T::ZERO);
        return Term::default();
    }
    let largest = largest(row);
    let logit = row[label as usize];
    let sum = exponentials(row, largest);
    let factor = weight / sum;
    row.iter_mut().for_each(|x| *x *= factor);
    row[label as usize] -= weight;
    Term { loss: sum.ln() - (logit - largest), wrong: logit < largest }
}

fn total<T: Real>(terms: &[Term<T>], counted: usize) -> Loss {
    Loss {
        sum: terms.iter().map(|term| term.loss.to_f64()).sum(),
        counted: counted as u64,
        wrong: terms.iter().filter(|term| term.wrong).count() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_equal_logits_cost_a_bit_and_unlabelled_frames_nothing() {
        let mut logits = Matrix::from_rows(3, 2, vec![1.0_f64, 1.0, 7.0, -7.0, 0.0, 0.0]);
        let loss = frame_loss(&mut logits, &[0, NO_LABEL, 1]);
        assert!((loss.mean() - std::f64::consts::LN_2).abs() < 1e-15);
        assert_eq!((loss.counted, loss.wrong), (2, 0));
        assert_eq!(logits.data(), [-0.25, 0.25, 0.0, 0.0, 0.25, -0.25]);
    }

    #[test]
    fn a_larger_logit_of_another_class_is_an_error() {
        let mut logits = Matrix::from_rows(2, 3, vec![0.0_f32, 1.0, 2.0, 2.0, 1.0, 0.0]);
        let loss = frame_loss(&mut logits, &[0, 0]);
        assert_eq!(loss.error(&Task::Frames { classes: 3 }), 0.5);
    }

    #[test]
    fn nothing_labelled_costs_nothing() {
        let mut logits = Matrix::from_rows(1, 2, vec![3.0_f32, 4.0]);
        let loss = frame_loss(&mut logits, &[NO_LABEL]);
        assert_eq!((loss.mean(), loss.error(&Task::Frames { classes: 2 })), (0.0, 0.0));
        assert_eq!(logits.data(), [0.0, 0.0]);
    }

    #[test]
    fn a_sequence_is_judged_by_its_mean() {
        // Means (1, 0) and (0, 2); the empty one counts in nothing.
        let values = vec![3.0_f64, 0.0, -1.0, 0.0, 0.0, 2.0];
        let mut logits = Matrix::from_rows(3, 2, values);
        let loss = sequence_loss(&mut logits, &[0, 2, 2, 3], &[0, 1, 0], Pooling::Mean);
        let softplus = |x: f64| libm::log1p(libm::exp(x));
        assert!((loss.sum - (softplus(-1.0) + softplus(2.0))).abs() < 1e-14);
        assert_eq!((loss.counted, loss.wrong), (2, 1));
    }

    #[test]
    fn a_target_costs_the_square_of_its_miss() {
        let mut outputs = Matrix::from_rows(2, 2, vec![4.0_f64, 1.0, 7.0, 8.0]);
        let loss = regression_loss(&mut outputs, &[1.0, 5.0, 7.0, 8.0]);
        assert_eq!((loss.sum, loss.counted), (25.0, 4));
        assert_eq!(loss.error(&Task::Regression { outputs: 2, unit: String::new() }), 2.5);
        assert_eq!(outputs.data(), [1.5, -2.0, 0.0, 0.0]);
    }

    #[test]
    fn a_sequence_may_be_judged_by_its_last_frame_alone() {
        let mut logits = Matrix::from_rows(3, 2, vec![3.0_f64, 0.0, -1.0, 0.0, 0.0, 2.0]);
        let loss = sequence_loss(&mut logits, &[0, 2, 2, 3], &[0, 1, 0], Pooling::Last);
        let mut last = Matrix::from_rows(2, 2, vec![-1.0_f64, 0.0, 0.0, 2.0]);
        assert_eq!(loss, frame_loss(&mut last, &[0, 0]));
        assert_eq!(logits.data(), [&[0.0, 0.0], last.data()].concat());
    }
}
