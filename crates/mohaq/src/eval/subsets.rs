//! Disjoint subsets of a development set.
//!
//! A search that sees thousands of candidates fits the sequences it measures them on. MOHAQ takes the worst of four subsets
//! for the error of a candidate: one that is good by luck is good by luck on some of the sequences, not on each quarter.
//!
//! Sequences are dealt one by one in the order of speaker and id, so every speaker is spread over all subsets, and
//! sentences that are neighbours in a recording session part. Subsets of whole speakers would differ by how hard their
//! speakers are; the same one would always be the worst, and the search would fit that one.
//!
//! Source: Rezk et al. 2021 (MOHAQ), which cuts its validation set into four and takes the largest error.

use mohaq_speech::dataset::Sequence;
use mohaq_speech::score::Counts;

/// Deals `sequences` into `subsets` whose sizes differ by one at most. Depends on speakers and ids alone, not on the order
/// of `sequences`.
///
/// # Panics
/// For 0 subsets.
pub fn deal<'a>(sequences: &[&'a Sequence], subsets: usize) -> Vec<Vec<&'a Sequence>> {
    let mut sorted = sequences.to_vec();
    sorted.sort_by(|a, b| (&a.speaker, &a.id).cmp(&(&b.speaker, &b.id)));
    (0..subsets).map(|first| sorted.iter().copied().skip(first).step_by(subsets).collect()).collect()
}

/// Errors on each subset of a development set.
#[derive(Clone, Debug, PartialEq)]
pub struct SubsetCounts {
    /// What the task counts.
    pub counts: Vec<Counts>,
    /// What a user's command gives instead; empty where none judges.
    pub scores: Vec<f64>,
}

impl SubsetCounts {
    /// Nothing counted on any of `subsets`.
    pub(super) fn none(subsets: usize) -> Self {
        Self { counts: vec![Counts::default(); subsets], scores: Vec::new() }
    }

    /// Adds what `other` has counted, subset by subset. Scores do not add up.
    pub(super) fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, counts)| *sum += *counts);
    }

    /// Errors on all subsets together.
    pub fn total(&self) -> Counts {
        self.counts.iter().copied().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mohaq_speech::dataset::Features;

    fn sequence(speaker: usize, sentence: usize) -> Sequence {
        let (id, speaker) = (format!("{speaker}-{sentence:02}"), format!("s{speaker}"));
        Sequence {
            id,
            speaker,
            features: Features::default(),
            labels: Vec::new(),
            reference: Vec::new(),
            targets: Vec::new(),
        }
    }

    #[test]
    fn every_subset_hears_every_speaker_and_no_sequence_is_in_two() {
        let sequences: Vec<Sequence> = (0..5).flat_map(|s| (0..9).map(move |i| sequence(s, i))).collect();
        let all: Vec<&Sequence> = sequences.iter().collect();
        let subsets = deal(&all, 4);
        assert_eq!(subsets.iter().map(Vec::len).collect::<Vec<_>>(), [12, 11, 11, 11]);
        for subset in &subsets {
            for speaker in 0..5 {
                let heard = subset.iter().filter(|one| one.speaker == format!("s{speaker}")).count();
                assert!((2..=3).contains(&heard), "speaker {speaker}: {heard}");
            }
        }
        let mut dealt: Vec<&str> = subsets.iter().flatten().map(|one| one.id.as_str()).collect();
        dealt.sort_unstable();
        assert_eq!(dealt, all.iter().map(|one| one.id.as_str()).collect::<Vec<_>>());
    }

    #[test]
    fn the_order_of_the_corpus_does_not_show() {
        let sequences: Vec<Sequence> = (0..3).flat_map(|s| (0..4).map(move |i| sequence(s, i))).collect();
        let forth: Vec<&Sequence> = sequences.iter().collect();
        let back: Vec<&Sequence> = sequences.iter().rev().collect();
        assert_eq!(deal(&forth, 5), deal(&back, 5));
        assert_eq!(deal(&forth, 1), [forth]);
    }
}
