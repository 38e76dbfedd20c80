//! The loss of connectionist temporal classification: −ln of the probability that a sequence's frames vote for its labels, over
//! all alignments, with its gradient.
//!
//! Labels `l` are spread to symbols `z = − l₁ − l₂ − … −` with a blank around each. With `y_t(k)` the softmax of frame `t` and
//! `s` a place in `z`, forward and backward sums over the paths that may get there are
//!
//! ```text
//! α_t(s) = y_t(z_s) · (α_{t−1}(s) + α_{t−1}(s−1) + [z_s ≠ z_{s−2}, no blank] α_{t−1}(s−2))
//! β_t(s) = y_t(z_s) · (β_{t+1}(s) + β_{t+1}(s+1) + [z_s ≠ z_{s+2}, no blank] β_{t+1}(s+2))
//! p = Σ_s α_t(s) β_t(s) / y_t(z_s),  for every t
//! ∂(−ln p)/∂logit_t(k) = y_t(k) − (1/p) Σ_{s: z_s = k} α_t(s) β_t(s) / y_t(k)
//! ```
//!
//! computed in logarithms and `f64`, whatever the logits are in. Sequences run on all threads and are added up in their order.
//!
//! Source: Graves, Fernández, Gomez and Schmidhuber 2006, §4.

use super::Loss;
use crate::tensor::{Matrix, Real};
use mohaq_speech::decode::ctc::{collapse, frames_needed, log_add};
use mohaq_speech::edit::PhoneErrors;
use rayon::prelude::*;

/// What one sequence adds to a loss.
struct Term {
    /// −ln p.
    nats: f64,
    /// Edits between the labels and those of the best path.
    wrong: u64,
}

/// −ln p(labels) of sequences; counted are labels, and wrong are the edits from them to the labels of the best path.
///
/// `logits`: `[frames, classes]`, becomes the gradient of [`Loss::mean`]; sequence `i` is the rows `starts[i] .. starts[i + 1]`
/// and has `labels[i]`.
///
/// # Panics
/// Unless there are labels for every sequence, each a class other than `blank`, that its frames have room for
/// ([`frames_needed`]).
pub fn ctc_loss<T: Real>(logits: &mut Matrix<T>, starts: &[usize], labels: &[&[u32]], blank: u32) -> Loss {
    assert_eq!(labels.len(), starts.len() - 1, "labels of {} sequences", starts.len() - 1);
    let classes = logits.cols();
    let counted: usize = labels.iter().map(|labels| labels.len()).sum();
    let weight = 1.0 / counted.max(1) as f64;
    let mut rest = logits.data_mut();
    let mut sequences = Vec::with_capacity(labels.len());
    for (ends, &labels) in starts.windows(2).zip(labels) {
        let (rows, behind) = rest.split_at_mut((ends[1] - ends[0]) * classes);
        sequences.push((rows, labels));
        rest = behind;
    }
    let term =
        |(rows, labels): (&mut [T], &[u32])| Lattice::new(rows, classes, labels, blank).differentiate(rows, weight);
    let terms: Vec<Term> = sequences.into_par_iter().map(term).collect();
    Loss {
        sum: terms.iter().map(|term| term.nats).sum(),
        counted: counted as u64,
        wrong: terms.iter().map(|term| term.wrong).sum(),
    }
}

/// The alignments of one sequence.
struct Lattice<'a> {
    classes: usize,
    labels: &'a [u32],
    blank: u32,
    /// `[frames, classes]`, logarithms of the softmax.
    log_y: Vec<f64>,
}

impl<'a> Lattice<'a> {
    fn new<T: Real>(rows: &[T], classes: usize, labels: &'a [u32], blank: u32) -> Self {
        let frames = rows.len() / classes.max(1);
        let needed = frames_needed(labels);
        assert!(frames >= needed, "{frames} frames for labels that need {needed}");
        let mut log_y: Vec<f64> = rows.iter().map(|logit| logit.to_f64()).collect();
        for row in log_y.chunks_exact_mut(classes.max(1)) {
            let highest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let partition: f64 = row.iter().map(|logit| libm::exp(logit - highest)).sum();
            let shift = highest + libm::log(partition);
            row.iter_mut().for_each(|logit| *logit -= shift);
        }
        Self { classes, labels, blank, log_y }
    }

    /// Places in z.
    fn places(&self) -> usize {
        2 * self.labels.len() + 1
    }

    /// z_s.
    fn symbol(&self, place: usize) -> u32 {
        if place.is_multiple_of(2) { self.blank } else { self.labels[place / 2] }
    }

    /// Whether a path may go from `s` to `s + 2`: over a blank, between labels that differ.
    fn skips(&self, place: usize) -> bool {
        place % 2 == 1 && place + 2 < self.places() && self.symbol(place) != self.symbol(place + 2)
    }

    fn frames(&self) -> usize {
        self.log_y.len() / self.classes.max(1)
    }

    fn at(&self, frame: usize, place: usize) -> f64 {
        self.log_y[frame * self.classes + self.symbol(place) as usize]
    }

    /// ln α, `[frames, places]`.
    fn forward(&self) -> Vec<f64> {
        let places = self.places();
        let mut alpha = vec![f64::NEG_INFINITY; self.frames() * places];
        for frame in 0..self.frames() {
            let (before, now) = alpha.split_at_mut(frame * places);
            let before = before.rchunks(places).next();
            for place in 0..places {
                let sum = match before {
                    None if place < 2 => 0.0,
                    None => f64::NEG_INFINITY,
                    Some(before) => {
                        let mut sum = before[place];
                        if place >= 1 {
                            sum = log_add(sum, before[place - 1]);
                        }
                        if place >= 2 && self.skips(place - 2) {
                            sum = log_add(sum, before[place - 2]);
                        }
                        sum
                    }
                };
                now[place] = sum + self.at(frame, place);
            }
        }
        alpha
    }

    /// ln β of `frame`, from those of the next one; of the last frame where `next` is `None`.
    fn backward(&self, frame: usize, next: Option<&[f64]>) -> Vec<f64> {
        let places = self.places();
        let beta = |place: usize| {
            let sum = match next {
                None if place + 2 >= places => 0.0,
                None => f64::NEG_INFINITY,
                Some(next) => {
                    let mut sum = next[place];
                    if place + 1 < places {
                        sum = log_add(sum, next[place + 1]);
                    }
                    if self.skips(place) {
                        sum = log_add(sum, next[place + 2]);
                    }
                    sum
                }
            };
            sum + self.at(frame, place)
        };
        (0..places).map(beta).collect()
    }

    /// Turns the logits in `rows` into `weight` times their gradients.
    fn differentiate<T: Real>(&self, rows: &mut [T], weight: f64) -> Term {
        let (alpha, places) = (self.forward(), self.places());
        let Some(last) = alpha.rchunks(places).next() else { return Term { nats: 0.0, wrong: 0 } };
        let log_p = last.iter().rev().take(2).copied().fold(f64::NEG_INFINITY, log_add);
        let mut beta: Option<Vec<f64>> = None;
        let mut share = vec![0.0; self.classes];
        for frame in (0..self.frames()).rev() {
            let now = self.backward(frame, beta.as_deref());
            share.fill(0.0);
            for (place, (alpha, beta)) in alpha[frame * places..].iter().zip(&now).enumerate() {
                share[self.symbol(place) as usize] += libm::exp(alpha + beta - self.at(frame, place) - log_p);
            }
            let log_y = &self.log_y[frame * self.classes..][..self.classes];
            let row = &mut rows[frame * self.classes..][..self.classes];
            for ((gradient, &log_y), &share) in row.iter_mut().zip(log_y).zip(&share) {
                *gradient = T::from_f64(weight * (libm::exp(log_y) - share));
            }
            beta = Some(now);
        }
        Term { nats: -log_p, wrong: self.wrong() }
    }

    /// Edits from the labels to those of the best path.
    fn wrong(&self) -> u64 {
        let best =
            |row: &[f64]| (0..row.len()).reduce(|best, k| if row[k] > row[best] { k } else { best }).unwrap_or(0);
        let votes = self.log_y.chunks_exact(self.classes).map(|row| best(row) as u32);
        PhoneErrors::between(self.labels, &collapse(votes, self.blank)).total()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// p of `labels` by going through all paths of votes.
    fn probability(logits: &Matrix<f64>, labels: &[u32], blank: u32) -> f64 {
        let (frames, classes) = (logits.rows(), logits.cols());
        let y = |t: usize, k: usize| {
            let sum: f64 = logits.row(t).iter().map(|&x| libm::exp(x)).sum();
            libm::exp(logits.row(t)[k]) / sum
        };
        let votes = |path: usize| (0..frames).map(move |t| path / classes.pow(t as u32) % classes);
        let stands_for = |path: &usize| collapse(votes(*path).map(|k| k as u32), blank) == labels;
        let paths = (0..classes.pow(frames as u32)).filter(stands_for);
        paths.map(|path| votes(path).enumerate().map(|(t, k)| y(t, k)).product::<f64>()).sum()
    }

    fn logits(frames: usize, classes: usize, seed: usize) -> Matrix<f64> {
        let value = |i: usize| libm::sin((i * i + 7 * seed * i + seed) as f64) * 2.0;
        Matrix::from_rows(frames, classes, (0..frames * classes).map(value).collect())
    }

    /// Labels of 0, 1, 2 and 3, with and without repeats, some of which leave no frame to spare.
    const CASES: [(usize, &[u32], u32); 8] = [
        (5, &[1, 2], 0),
        (5, &[1, 1], 0),
        (3, &[1, 1], 0),
        (5, &[0, 1, 0], 2),
        (5, &[1, 1, 1], 0),
        (4, &[], 0),
        (1, &[2], 1),
        (6, &[2, 2, 0], 1),
    ];

    #[test]
    fn the_loss_is_that_of_all_alignments_one_by_one() {
        for (seed, (frames, labels, blank)) in CASES.into_iter().enumerate() {
            let mut logits = logits(frames, 3, seed);
            let expected = -libm::log(probability(&logits, labels, blank));
            let loss = ctc_loss(&mut logits, &[0, frames], &[labels], blank);
            assert!((loss.sum - expected).abs() < 1e-12 * expected.max(1.0), "{labels:?}: {} for {expected}", loss.sum);
            assert_eq!(loss.counted, labels.len() as u64);
        }
    }

    #[test]
    fn gradients_are_those_of_central_differences() {
        const STEP: f64 = 1e-5;
        for (seed, (frames, labels, blank)) in CASES.into_iter().enumerate() {
            let logits = logits(frames, 3, seed);
            let at = |element: usize, offset: f64| {
                let mut moved = logits.clone();
                moved.data_mut()[element] += offset;
                let loss = ctc_loss(&mut moved, &[0, frames], &[labels], blank);
                loss.sum / labels.len().max(1) as f64
            };
            let mut gradient = logits.clone();
            ctc_loss(&mut gradient, &[0, frames], &[labels], blank);
            for (element, &got) in gradient.data().iter().enumerate() {
                let expected = (at(element, STEP) - at(element, -STEP)) / (2.0 * STEP);
                assert!((got - expected).abs() < 1e-9 + 1e-7 * expected.abs(), "{labels:?}: {got} for {expected}");
            }
        }
    }

    #[test]
    fn sequences_of_a_batch_add_up_whatever_the_threads() {
        let mut all = Matrix::from_rows(9, 3, [logits(5, 3, 1).data(), logits(4, 3, 2).data()].concat());
        let together = || {
            let mut all = all.clone();
            (ctc_loss(&mut all, &[0, 5, 5, 9], &[&[1, 2, 1], &[], &[2]], 0), all)
        };
        let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(together);
        let (loss, gradients) = on(1);
        assert_eq!((loss, gradients.data()), (on(3).0, on(3).1.data()));
        let alone = [(0..5, &[1, 2, 1][..]), (5..9, &[2])].map(|(rows, labels)| {
            let values = all.data_mut()[3 * rows.start..3 * rows.end].to_vec();
            ctc_loss(&mut Matrix::from_rows(rows.len(), 3, values), &[0, rows.len()], &[labels], 0)
        });
        assert_eq!((loss.sum, loss.counted), (alone[0].sum + alone[1].sum, 4));
        assert_eq!(loss.wrong, alone[0].wrong + alone[1].wrong);
    }

    #[test]
    fn logits_that_say_it_all_cost_nothing_and_are_right() {
        let path = [1_usize, 1, 0, 1, 2];
        let sure = path.iter().flat_map(|&k| (0..3).map(move |c| if c == k { 40.0_f32 } else { 0.0 })).collect();
        let mut logits = Matrix::from_rows(5, 3, sure);
        let loss = ctc_loss(&mut logits, &[0, 5], &[&[1, 1, 2]], 0);
        assert!(loss.sum.abs() < 1e-6 && loss.wrong == 0, "{loss:?}");
        assert!(logits.data().iter().all(|gradient| gradient.abs() < 1e-6));
    }
}
