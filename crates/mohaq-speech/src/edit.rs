//! Edit distance between what was said and what was recognised.
//!
//! A phone error rate is `(substitutions + deletions + insertions) / reference phones`, summed over utterances before the
//! division. The smallest sum is unique, its parts are not: `a b` becomes `b a` by two substitutions, or by one deletion and
//! one insertion. Here the alignment with the fewest errors counts and, among those, **the one with the fewest
//! substitutions**, which is the one with the most phones right. So the parts are unique too, and exchanging reference and
//! hypothesis exchanges deletions and insertions.
//!
//! The cost of an alignment is the pair (errors, substitutions), compared in that order and packed into one integer; the
//! parts follow from it, because insertions − deletions is the difference of the lengths. No path is traced for a score;
//! [`Confusions`] traces one, for reports.
//!
//! Source: Levenshtein 1966; Wagner and Fischer 1974 (the recursion).

use std::collections::BTreeMap;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

/// Errors of a recognition of phones or other labels, over one utterance or many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PhoneErrors {
    /// Reference phones recognised as another.
    pub substitutions: u64,
    /// Reference phones that were missed.
    pub deletions: u64,
    /// Phones recognised where none was said.
    pub insertions: u64,
    /// Reference phones.
    pub reference: u64,
}

impl PhoneErrors {
    /// Errors of `hypothesis` against `reference`, with the fewest errors and then the fewest substitutions.
    pub fn between<T: PartialEq>(reference: &[T], hypothesis: &[T]) -> Self {
        let cost = alignment_cost(reference, hypothesis);
        let (errors, substitutions) = (cost / EDIT, cost % EDIT);
        // insertions + deletions = errors − substitutions; insertions − deletions = |hypothesis| − |reference|.
        let (said, heard) = (reference.len() as u64, hypothesis.len() as u64);
        let insertions = (errors - substitutions + heard - said) / 2;
        let deletions = errors - substitutions - insertions;
        Self { substitutions, deletions, insertions, reference: said }
    }

    /// Substitutions, deletions and insertions together.
    pub fn total(&self) -> u64 {
        self.substitutions + self.deletions + self.insertions
    }

    /// Errors a reference phone; above 1 where insertions abound.
    ///
    /// An empty reference counts as one phone, so that the rate stays finite and is zero only without errors.
    pub fn rate(&self) -> f64 {
        self.total() as f64 / self.reference.max(1) as f64
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// [`PhoneErrors::rate`] in per cent.
    pub fn percent(&self) -> f64 {
        100.0 * self.rate()
    }
}

impl Add for PhoneErrors {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            substitutions: self.substitutions + other.substitutions,
            deletions: self.deletions + other.deletions,
            insertions: self.insertions + other.insertions,
            reference: self.reference + other.reference,
        }
    }
}

impl AddAssign for PhoneErrors {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for PhoneErrors {
    fn sum<I: Iterator<Item = Self>>(errors: I) -> Self {
        errors.fold(Self::default(), Add::add)
    }
}

/// Cost of one edit in a packed cost; the substitutions among the edits are in the digits below it.
const EDIT: u64 = 1 << 32;
const SUBSTITUTION: u64 = EDIT + 1;

/// Packed cost of the best alignment: `errors · EDIT + substitutions`.
fn alignment_cost<T: PartialEq>(reference: &[T], hypothesis: &[T]) -> u64 {
    // row[j]: cost of turning the reference so far into hypothesis[..j].
    let mut row: Vec<u64> = (0..=hypothesis.len() as u64).map(|j| j * EDIT).collect();
    for said in reference {
        let mut diagonal = row[0];
        row[0] += EDIT;
        for (j, heard) in hypothesis.iter().enumerate() {
            let best = step(diagonal, row[j + 1], row[j], said == heard);
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    row[hypothesis.len()]
}

/// Cheapest way into a cell from its three neighbours.
fn step(diagonal: u64, above: u64, left: u64, same: bool) -> u64 {
    let matched = diagonal + if same { 0 } else { SUBSTITUTION };
    matched.min(above + EDIT).min(left + EDIT)
}

/// One step of an alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edit {
    /// Said and recognised.
    Match(u16),
    /// `.0` was recognised as `.1`.
    Substitution(u16, u16),
    /// Said, not recognised.
    Deletion(u16),
    /// Recognised, not said.
    Insertion(u16),
}

/// The alignment that [`PhoneErrors::between`] counts, step by step.
///
/// Where several are best, the one that, read from the end, takes a match or substitution before a deletion before an
/// insertion.
pub fn align(reference: &[u16], hypothesis: &[u16]) -> Vec<Edit> {
    let width = hypothesis.len() + 1;
    let mut cost = vec![0u64; (reference.len() + 1) * width];
    for i in 0..=reference.len() {
        for j in 0..width {
            cost[i * width + j] = match (i, j) {
                (0, _) => j as u64 * EDIT,
                (_, 0) => i as u64 * EDIT,
                _ => step(
                    cost[(i - 1) * width + j - 1],
                    cost[(i - 1) * width + j],
                    cost[i * width + j - 1],
                    reference[i - 1] == hypothesis[j - 1],
                ),
            };
        }
    }
    let (mut i, mut j) = (reference.len(), hypothesis.len());
    let mut edits = Vec::with_capacity(i.max(j));
    while i > 0 || j > 0 {
        let here = cost[i * width + j];
        let matched = |i: usize, j: usize| if reference[i - 1] == hypothesis[j - 1] { 0 } else { SUBSTITUTION };
        if i > 0 && j > 0 && here == cost[(i - 1) * width + j - 1] + matched(i, j) {
            (i, j) = (i - 1, j - 1);
            let (said, heard) = (reference[i], hypothesis[j]);
            edits.push(if said == heard { Edit::Match(said) } else { Edit::Substitution(said, heard) });
        } else if i > 0 && here == cost[(i - 1) * width + j] + EDIT {
            i -= 1;
            edits.push(Edit::Deletion(reference[i]));
        } else {
            j -= 1;
            edits.push(Edit::Insertion(hypothesis[j]));
        }
    }
    edits.reverse();
    edits
}

/// How often each edit occurred, for reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confusions {
    counts: BTreeMap<Edit, u64>,
}

impl Confusions {
    /// Counts the edits between `reference` and `hypothesis`.
    pub fn add(&mut self, reference: &[u16], hypothesis: &[u16]) {
        for edit in align(reference, hypothesis) {
            *self.counts.entry(edit).or_insert(0) += 1;
        }
    }

    /// Counts what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        for (&edit, count) in &other.counts {
            *self.counts.entry(edit).or_insert(0) += count;
        }
    }

    /// How often `edit` occurred.
    pub fn count(&self, edit: Edit) -> u64 {
        self.counts.get(&edit).copied().unwrap_or(0)
    }

    /// The `most` frequent errors (no matches), most frequent first, ties in the order of [`Edit`].
    pub fn top(&self, most: usize) -> Vec<(Edit, u64)> {
        let is_error = |edit: &Edit| !matches!(edit, Edit::Match(_));
        let mut errors: Vec<_> =
            self.counts.iter().filter(|(edit, _)| is_error(edit)).map(|(&edit, &n)| (edit, n)).collect();
        errors.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        errors.truncate(most);
        errors
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn errors(reference: &[u16], hypothesis: &[u16]) -> (u64, u64, u64) {
        let found = PhoneErrors::between(reference, hypothesis);
        assert_eq!(found.reference, reference.len() as u64);
        (found.substitutions, found.deletions, found.insertions)
    }

    #[test]
    fn hand_counted_alignments() {
        assert_eq!(errors(&[], &[]), (0, 0, 0));
        assert_eq!(errors(&[1, 2], &[]), (0, 2, 0));
        assert_eq!(errors(&[], &[1, 2, 3]), (0, 0, 3));
        assert_eq!(errors(&[1, 2, 3], &[1, 9, 3]), (1, 0, 0));
        assert_eq!(errors(&[1, 2, 3], &[1, 3]), (0, 1, 0));
        // kitten → sitting, as in every textbook: two substitutions and an insertion.
        let word = |text: &str| text.bytes().map(u16::from).collect::<Vec<_>>();
        assert_eq!(errors(&word("kitten"), &word("sitting")), (2, 0, 1));
    }

    #[test]
    fn equal_totals_prefer_matches_to_substitutions() {
        assert_eq!(errors(&[1, 2], &[2, 1]), (0, 1, 1));
    }

    #[test]
    fn an_empty_reference_has_a_finite_rate() {
        assert_eq!(PhoneErrors::between::<u16>(&[], &[]).rate(), 0.0);
        assert_eq!(PhoneErrors::between(&[], &[1, 2]).rate(), 2.0);
        assert_eq!(PhoneErrors::between(&[1, 2], &[1, 3]).percent(), 50.0);
    }

    #[test]
    fn confusions_rank_by_count_and_break_ties_by_the_edit() {
        let mut confusions = Confusions::default();
        confusions.add(&[1, 2, 3], &[1, 4, 3, 5]);
        let mut second = Confusions::default();
        second.add(&[1, 2], &[4]);
        confusions.merge(&second);
        assert_eq!(confusions.count(Edit::Match(1)), 1);
        let top = confusions.top(2);
        assert_eq!(top, [(Edit::Substitution(2, 4), 2), (Edit::Deletion(1), 1)]);
        assert_eq!(confusions.top(9).len(), 3);
    }

    fn phones() -> impl Strategy<Value = Vec<u16>> {
        prop::collection::vec(0u16..4, 0..12)
    }

    proptest! {
        #[test]
        fn distance_is_a_metric_within_its_bounds(a in phones(), b in phones(), c in phones()) {
            let distance = |x: &[u16], y: &[u16]| PhoneErrors::between(x, y).total();
            prop_assert!(distance(&a, &c) <= distance(&a, &b) + distance(&b, &c));
            prop_assert_eq!(distance(&a, &b) == 0, a == b);
            prop_assert!(distance(&a, &b) <= a.len().max(b.len()) as u64);
            prop_assert!(distance(&a, &b) >= a.len().abs_diff(b.len()) as u64);
        }

        #[test]
        fn exchanging_the_sides_exchanges_deletions_and_insertions(a in phones(), b in phones()) {
            let (there, back) = (PhoneErrors::between(&a, &b), PhoneErrors::between(&b, &a));
            prop_assert_eq!(there.substitutions, back.substitutions);
            prop_assert_eq!(there.deletions, back.insertions);
            prop_assert_eq!(there.insertions, back.deletions);
        }

        #[test]
        fn the_traced_alignment_has_the_counted_errors_and_spells_both_sides(a in phones(), b in phones()) {
            let (mut said, mut heard, mut traced) = (vec![], vec![], PhoneErrors::default());
            for edit in align(&a, &b) {
                match edit {
                    Edit::Match(x) => { said.push(x); heard.push(x); }
                    Edit::Substitution(x, y) => { said.push(x); heard.push(y); traced.substitutions += 1; }
                    Edit::Deletion(x) => { said.push(x); traced.deletions += 1; }
                    Edit::Insertion(y) => { heard.push(y); traced.insertions += 1; }
                }
            }
            traced.reference = said.len() as u64;
            prop_assert_eq!(&said, &a);
            prop_assert_eq!(&heard, &b);
            prop_assert_eq!(traced, PhoneErrors::between(&a, &b));
        }

        #[test]
        fn edits_made_bound_the_distance(a in phones(), places in prop::collection::vec((0usize..12, 0u8..3, 0u16..4), 0..5)) {
            let mut b = a.clone();
            for &(place, kind, phone) in &places {
                let at = place.min(b.len());
                match kind {
                    0 => b.insert(at, phone),
                    1 if at < b.len() => { b.remove(at); }
                    2 if at < b.len() => b[at] = phone,
                    _ => {}
                }
            }
            prop_assert!(PhoneErrors::between(&a, &b).total() <= places.len() as u64);
        }
    }
}
