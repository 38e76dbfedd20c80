//! Connectionist temporal classification: from frame scores to the labels that a sequence holds, without an alignment.
//!
//! Every frame votes for a label or for the *blank*. A path of votes stands for the labels that are left when repeats are joined
//! and blanks dropped, `a a − a b` for `a a b`; the score of a labelling is the sum over all its paths. [`best_path`] takes the
//! labelling of the single best path; [`Beam`] searches for the best labelling, with the paths of a prefix added up:
//!
//! ```text
//! blank(p, t)  = Σ of the paths of p up to t that end in a blank
//! label(p, t)  = Σ of those that end in the last label of p
//!
//! p stays      blank(p, t) = (blank + label)(p, t−1) · y(blank)
//!              label(p, t) += label(p, t−1) · y(last)
//! p grows by k label(p k, t) += y(k) · (k = last ? blank(p, t−1) : (blank + label)(p, t−1))
//! ```
//!
//! All of it in logarithms and `f64`. What is added to all scores of a frame changes no order, so scores before a softmax
//! will do. What it does not do: language models.
//!
//! Sources: Graves et al. 2006; Hannun et al. 2014 (prefix beam search).

use crate::error::{Error, Result};
use std::collections::BTreeMap;

/// Joins repeats of `votes` and drops blanks.
pub fn collapse(votes: impl IntoIterator<Item = u32>, blank: u32) -> Vec<u32> {
    let mut labels = Vec::new();
    let mut before = blank;
    for vote in votes {
        if vote != before && vote != blank {
            labels.push(vote);
        }
        before = vote;
    }
    labels
}

/// Frames that the shortest path of `labels` takes: one each, and a blank between equal neighbours.
pub fn frames_needed(labels: &[u32]) -> usize {
    labels.len() + labels.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

/// The labelling of the best path; of equal scores of a frame the lowest class wins. `scores`: `[frames, classes]`.
///
/// # Errors
/// [`Error::NotALogProbability`] for NaN or +∞.
pub fn best_path(classes: usize, scores: &[f32], blank: u32) -> Result<Vec<u32>> {
    let votes = scores.chunks_exact(classes).enumerate().map(|(frame, row)| super::best_class(frame, row));
    Ok(collapse(votes.collect::<Result<Vec<u32>>>()?, blank))
}

/// ln(eᵃ + eᵇ).
pub fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + libm::log1p(libm::exp(low - high)) }
}

/// A prefix beam search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beam {
    /// The class that is no label.
    pub blank: u32,
    /// Prefixes that are kept after a frame.
    pub width: usize,
}

/// Logarithms of the summed scores of a prefix' paths.
#[derive(Clone, Copy, Debug)]
struct Paths {
    /// Of those that end in a blank.
    blank: f64,
    /// Of those that end in the last label.
    label: f64,
}

impl Paths {
    const NONE: Self = Self { blank: f64::NEG_INFINITY, label: f64::NEG_INFINITY };

    fn total(&self) -> f64 {
        log_add(self.blank, self.label)
    }
}

impl Beam {
    /// The best labelling among those that the beam still holds after the last frame; of equal ones the first in the order of
    /// their labels. `scores`: `[frames, classes]`.
    ///
    /// # Errors
    /// [`Error::NotALogProbability`] for NaN or +∞.
    pub fn search(&self, classes: usize, scores: &[f32]) -> Result<Vec<u32>> {
        let mut kept = vec![(Vec::new(), Paths { blank: 0.0, ..Paths::NONE })];
        for (frame, row) in scores.chunks_exact(classes).enumerate() {
            if let Some(class) = row.iter().position(|score| score.is_nan() || *score == f32::INFINITY) {
                return Err(Error::NotALogProbability { frame, class, value: row[class] });
            }
            kept = self.step(&kept, row);
        }
        Ok(kept.into_iter().next().map_or_else(Vec::new, |(labels, _)| labels))
    }

    /// The best prefixes after another frame, the best first.
    fn step(&self, kept: &[(Vec<u32>, Paths)], row: &[f32]) -> Vec<(Vec<u32>, Paths)> {
        let mut next: BTreeMap<Vec<u32>, Paths> = BTreeMap::new();
        for (prefix, paths) in kept {
            let (total, last) = (paths.total(), prefix.last().copied());
            for (class, &score) in (0..).zip(row) {
                let score = f64::from(score);
                if class == self.blank {
                    let place = next.entry(prefix.clone()).or_insert(Paths::NONE);
                    place.blank = log_add(place.blank, total + score);
                    continue;
                }
                if last == Some(class) {
                    let place = next.entry(prefix.clone()).or_insert(Paths::NONE);
                    place.label = log_add(place.label, paths.label + score);
                }
                let from = if last == Some(class) { paths.blank } else { total };
                let place = next.entry([prefix.as_slice(), &[class]].concat()).or_insert(Paths::NONE);
                place.label = log_add(place.label, from + score);
            }
        }
        let mut next: Vec<(Vec<u32>, Paths)> = next.into_iter().collect();
        // Stable, over prefixes in order: that is the order of equal ones.
        next.sort_by(|(_, a), (_, b)| b.total().total_cmp(&a.total()));
        next.truncate(self.width.max(1));
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: usize = 3;

    /// Every labelling that some path of `frames` votes stands for, with its score, by going through all paths.
    fn enumerated(scores: &[f32], blank: u32) -> BTreeMap<Vec<u32>, f64> {
        let frames = scores.len() / CLASSES;
        let mut sums = BTreeMap::new();
        for path in 0..CLASSES.pow(frames as u32) {
            let votes: Vec<u32> = (0..frames).map(|t| (path / CLASSES.pow(t as u32) % CLASSES) as u32).collect();
            let score: f64 = votes.iter().zip(scores.chunks(CLASSES)).map(|(&k, row)| f64::from(row[k as usize])).sum();
            *sums.entry(collapse(votes, blank)).or_insert(0.0) += libm::exp(score);
        }
        sums
    }

    fn scores(frames: usize, seed: u32) -> Vec<f32> {
        let value = |i: u32| libm::sinf((i * i + 13 * seed * i + seed) as f32) * 2.5;
        (0..(frames * CLASSES) as u32).map(value).collect()
    }

    #[test]
    fn repeats_are_joined_unless_a_blank_parts_them() {
        assert_eq!(collapse([1, 1, 0, 1, 2, 2, 0, 0], 0), [1, 1, 2]);
        assert_eq!(collapse([2, 2, 0, 1, 2], 2), [0, 1], "any class may be the blank");
        assert_eq!(collapse([], 0), [0_u32; 0]);
        assert_eq!([&[][..], &[1], &[1, 1], &[1, 2, 1], &[3, 3, 3]].map(frames_needed), [0, 1, 3, 3, 5]);
    }

    #[test]
    fn a_wide_beam_finds_the_best_of_all_labellings() {
        for seed in 0..40 {
            let (frames, blank) = (1 + seed as usize % 6, seed % 3);
            let scores = scores(frames, seed);
            let all = enumerated(&scores, blank);
            let best = all.values().copied().fold(0.0, f64::max);
            let found = Beam { blank, width: 1000 }.search(CLASSES, &scores).expect("finite scores");
            assert!((all[&found] - best).abs() <= 1e-12 * best, "{seed}: {found:?} has {} of {best}", all[&found]);
        }
    }

    #[test]
    fn the_best_labelling_need_not_be_that_of_the_best_path() {
        // Each frame is blank with 0.6: the best path is two blanks with 0.36, but `1` has 0.4 · 0.4 + 2 · 0.24.
        let scores = [0.6, 0.4, 1e-9, 0.6, 0.4, 1e-9].map(libm::logf);
        assert_eq!(best_path(CLASSES, &scores, 0).expect("finite"), [0_u32; 0]);
        assert_eq!(Beam { blank: 0, width: 8 }.search(CLASSES, &scores).expect("finite"), [1]);
    }

    #[test]
    fn what_is_added_to_a_frame_changes_nothing() {
        let plain = scores(6, 5);
        let shifted: Vec<f32> =
            plain.chunks(CLASSES).zip(1..).flat_map(|(row, t)| row.iter().map(move |x| x + t as f32)).collect();
        for width in [1, 2, 4, 64] {
            let beam = Beam { blank: 1, width };
            assert_eq!(beam.search(CLASSES, &plain).expect("finite"), beam.search(CLASSES, &shifted).expect("finite"));
        }
    }

    #[test]
    fn no_frames_hold_no_labels_and_nan_is_an_error() {
        assert_eq!(Beam { blank: 0, width: 4 }.search(CLASSES, &[]).expect("nothing"), [0_u32; 0]);
        let broken = [0.0, f32::NAN, 0.0];
        for refused in [best_path(CLASSES, &broken, 0), Beam { blank: 0, width: 4 }.search(CLASSES, &broken)] {
            assert!(matches!(refused, Err(Error::NotALogProbability { frame: 0, class: 1, .. })), "{refused:?}");
        }
    }
}
