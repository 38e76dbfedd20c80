//! Measuring in parts: a candidate that is worse than what is known is not measured to the end.
//!
//! The development set is dealt into [`PARTS`] parts. After each of them it is known of every candidate, subset by subset,
//! with n sequences of which m were measured:
//!
//! ```text
//! at least  = errors so far                                                   whatever is still to come
//! estimate  = errors of a known point + n · mean difference to it             on the m sequences
//! lower     = max(at least, estimate − t · n · √(s²/m · (1 − m/n)))           s²: variance of the differences
//! ```
//!
//! all of them over the labels of all n sequences. A candidate whose *lower* error lies above its [`Bar`] is stopped. The known
//! point is one that costs no more, so errors of both on the same sequences go together, and their difference is known long
//! before the errors are. Where there is none, every sequence is compared with what the candidate's own rate makes of its
//! labels (a ratio estimate). `t` is Student's, for one look at one subset: the probability that is allowed is shared by all
//! looks (Bonferroni). With a confidence of 1 only what is certain stops a candidate.
//!
//! Intervals take sequences for a random sample. The parts are fixed, so they are as good as the dealing: every part hears
//! every speaker. What is stopped never counts as measured.
//!
//! Source: Cochran 1977, Sampling Techniques, §2.6 (finite populations), §6.4 (ratio estimates), §7.10 (difference estimates).

use super::student::upper_quantile;
use super::{Evaluator, Judge, Measurement, SubsetCounts};
use crate::quant::QuantSpec;
use crate::watch::Watch;
use crate::{Error, Result};
use mohaq_speech::dataset::Task;
use mohaq_speech::score::Counts;
use serde::{Deserialize, Serialize};

/// Parts that a development set is measured in. Seemed reasonable: of recorded searches, eighths save more than halves of
/// halves, and little is left to save between them.
pub const PARTS: usize = 8;

/// Sequences of a subset without which an interval says nothing. Seemed reasonable.
const SAMPLE: usize = 8;

/// When a candidate need not be measured to the end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fidelity {
    /// The probability, at least, that a candidate which could have entered the front is measured to the end; 1 stops only
    /// those that certainly could not.
    pub confidence: f64,
}

impl Fidelity {
    /// Refuses a confidence that is none, and company that it cannot keep: `beacons`, or a `command` that judges.
    ///
    /// # Errors
    /// [`Error::Plan`] unless it is ½ to 1, or beside one of these.
    pub fn check(&self, beacons: bool, command: bool) -> Result<()> {
        if !(0.5..=1.0).contains(&self.confidence) {
            let reason = format!("{}, expected 0.5 to 1", self.confidence);
            return Err(refused(
                ".confidence",
                reason,
                "0.99, or 1 to stop only what certainly cannot enter the front",
            ));
        }
        if beacons {
            let reason = "stands beside `search.beacons`, which may mend an error that was not measured to the end";
            return Err(refused("", reason.into(), "leave one of them out"));
        }
        if command {
            let reason = "stands beside `score`, whose command judges whole sets and not sequences";
            return Err(refused("", reason.into(), "leave one of them out"));
        }
        Ok(())
    }
}

/// An error of the setting, or of its `key`.
fn refused(key: &str, reason: String, hint: &str) -> Error {
    Error::Plan { key: format!("search.fidelity{key}"), reason, hint: Some(hint.to_owned()) }
}

/// How far a candidate was measured that was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partial {
    /// Sequences that it was measured on …
    pub sequences: usize,
    /// … of so many.
    pub of: usize,
    /// What its error certainly is at least, in the unit of its metric.
    pub at_least: f64,
}

/// What a candidate is measured against.
#[derive(Clone, Copy, Debug)]
pub struct Bar<'a> {
    /// A larger error is of no use; −∞ where no error is.
    pub error: f64,
    /// Errors of a known point on every sequence, in the order of the judge.
    pub known: Option<&'a [u64]>,
}

/// What was measured of a candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The measurement; of a candidate that was stopped its errors are estimates and above the bar, and `errors` holds those
    /// that were counted.
    pub measurement: Measurement,
    /// How far it was measured, where it was stopped.
    pub partial: Option<Partial>,
    /// Errors on every sequence that it was measured on, in the order of the judge.
    pub errors: Vec<u64>,
}

/// The sequences of a judge as far as stopping needs them.
#[derive(Clone, Debug)]
pub struct Trials {
    task: Task,
    /// Subset of every sequence, and what its errors are counted over.
    sequences: Vec<(usize, u64)>,
    /// Sequences and what errors are counted over, by subset.
    subsets: Vec<(usize, u64)>,
    /// Sequences up to and with each part, and by subset the quantile of the interval; `None` where there is none.
    looks: Vec<(usize, Vec<Option<f64>>)>,
}

/// What is known of a candidate before its end: by subset, in the unit of the metric.
struct Outlook {
    at_least: f64,
    lower: f64,
    estimates: Vec<f64>,
}

/// Sums over the sequences of a subset that were measured.
#[derive(Clone, Copy, Default)]
struct Sums {
    sequences: usize,
    counted: u64,
    errors: u64,
}

impl Trials {
    /// Trials on the sequences of `judge`.
    ///
    /// # Errors
    /// [`Error::Plan`] where errors are not counted sequence by sequence: a user's command, or a task whose error is no rate.
    pub fn new(judge: &Judge<'_>, fidelity: Fidelity) -> Result<Self> {
        fidelity.check(false, judge.command().is_some())?;
        let (scorer, blocks) = (judge.scorer(), judge.blocks());
        let all = blocks.iter().flat_map(|block| &block.sequences);
        let sequences = all.map(|&(sequence, subset)| Some((subset, scorer.counted(sequence)?)));
        let Some(sequences) = sequences.collect::<Option<Vec<_>>>() else {
            let reason = format!("the {} is no rate of errors, which are counted", judge.metric().name);
            return Err(refused("", reason, "leave it out, and every candidate is measured to the end"));
        };
        let mut subsets = vec![(0, 0); judge.subsets()];
        for &(subset, counted) in &sequences {
            subsets[subset].0 += 1;
            subsets[subset].1 += counted;
        }
        let tail = (1.0 - fidelity.confidence) / ((PARTS - 1) * subsets.len()) as f64;
        let look = |&end: &usize| {
            let measured: usize = blocks[..end].iter().map(|block| block.sequences.len()).sum();
            (measured, quantiles(&sequences[..measured], subsets.len(), tail))
        };
        let looks = judge.parts().iter().map(look).collect();
        Ok(Self { task: scorer.task().clone(), sequences, subsets, looks })
    }

    /// What is known after `errors` on the first sequences, of a candidate beside the `known` point.
    fn outlook(&self, errors: &[u64], known: Option<&[u64]>) -> Outlook {
        let mut sums = vec![Sums::default(); self.subsets.len()];
        for (&(subset, counted), &errors) in self.sequences.iter().zip(errors) {
            let sum = &mut sums[subset];
            *sum = Sums { sequences: sum.sequences + 1, counted: sum.counted + counted, errors: sum.errors + errors };
        }
        let quantiles =
            self.looks.iter().find(|(measured, _)| *measured == errors.len()).map(|(_, quantiles)| quantiles);
        let mut outlook = Outlook { at_least: 0.0, lower: 0.0, estimates: Vec::new() };
        for (subset, sum) in sums.iter().enumerate() {
            let percent = |errors: f64| percent(errors, self.subsets[subset].1);
            let counted = sum.errors as f64;
            let (estimate, deviation) = self.estimate(subset, *sum, errors, known);
            let lower = quantiles.and_then(|quantiles| quantiles[subset]).map(|t| estimate - t * deviation);
            outlook.at_least = outlook.at_least.max(percent(counted));
            outlook.lower = outlook.lower.max(percent(lower.unwrap_or(counted).max(counted)));
            outlook.estimates.push(percent(estimate.max(counted)));
        }
        outlook
    }

    /// Errors of a candidate on all sequences of `subset`, and how far they may be from that, one standard deviation.
    fn estimate(&self, subset: usize, sum: Sums, errors: &[u64], known: Option<&[u64]>) -> (f64, f64) {
        let (all, counted) = self.subsets[subset];
        // Counts of sequences and labels are far below 2⁵³.
        let (n, m) = (all as f64, sum.sequences.max(1) as f64);
        let rate = sum.errors as f64 / sum.counted.max(1) as f64;
        let expected = |place: usize| match known {
            Some(known) => known[place] as f64,
            None => rate * self.sequences[place].1 as f64,
        };
        let places = |range: std::ops::Range<usize>| range.filter(|&place| self.sequences[place].0 == subset);
        let differences: Vec<f64> =
            places(0..errors.len()).map(|place| errors[place] as f64 - expected(place)).collect();
        let total = match known {
            Some(_) => places(0..self.sequences.len()).map(expected).sum(),
            None => rate * counted as f64,
        };
        let mean = differences.iter().sum::<f64>() / m;
        let squares: f64 = differences.iter().map(|difference| (difference - mean) * (difference - mean)).sum();
        // Not less than if one of the sequences had one error more: differences that are all alike prove nothing.
        let variance = (squares / (m - 1.0).max(1.0)).max(1.0 / m);
        (total + n * mean, n * (variance / m * (1.0 - m / n.max(1.0)).max(0.0)).sqrt())
    }

    /// Whether a candidate with `errors` so far may yet be better than `bar`.
    fn goes_on(&self, errors: &[u64], bar: &Bar<'_>) -> bool {
        self.outlook(errors, bar.known).lower <= bar.error
    }

    /// Errors of the sequences of `counts`.
    fn errors(&self, counts: &[Counts]) -> Vec<u64> {
        counts.iter().map(|counts| counts.wrong(&self.task).unwrap_or(0)).collect()
    }
}

/// Of each of `subsets`, the quantile of an interval from those of `measured` that are in it, which may miss with probability
/// `tail`; `None` where there is no such interval.
fn quantiles(measured: &[(usize, u64)], subsets: usize, tail: f64) -> Vec<Option<f64>> {
    let mut heard = vec![0; subsets];
    measured.iter().for_each(|&(subset, _)| heard[subset] += 1);
    let quantile = |heard| (heard >= SAMPLE && tail > 0.0).then(|| upper_quantile(tail, heard - 1));
    heard.into_iter().map(quantile).collect()
}

/// As [`Counts::error`] computes it, so that what is certain of the one is certain of the other.
fn percent(errors: f64, of: u64) -> f64 {
    100.0 * (errors / of.max(1) as f64)
}

impl Evaluator<'_> {
    /// Errors and cost of the network at each of `specs`, which are measured side by side and part by part until they are
    /// worse than their bars.
    ///
    /// # Errors
    /// See [`measure_all`](Self::measure_all).
    pub fn measure_against(
        &self,
        trials: &Trials,
        specs: &[QuantSpec],
        bars: &[Bar<'_>],
        watch: &dyn Watch,
    ) -> Result<Vec<Measured>> {
        let costs = self.costs(specs)?;
        let goes_on = |candidate: usize, counts: &[Counts]| trials.goes_on(&trials.errors(counts), &bars[candidate]);
        let counted = self.judge.part_by_part(specs, watch, goes_on)?;
        let measured = counted.iter().zip(costs).zip(bars).map(|((counts, cost), bar)| {
            let mut sum = SubsetCounts::none(trials.subsets.len());
            trials.sequences.iter().zip(counts).for_each(|(&(subset, _), &counts)| sum.counts[subset] += counts);
            let (errors, measurement) = (trials.errors(counts), self.measurement(&sum, cost));
            let (sequences, of) = (counts.len(), trials.sequences.len());
            if sequences == of {
                return Measured { measurement, partial: None, errors };
            }
            let Outlook { at_least, estimates, .. } = trials.outlook(&errors, bar.known);
            let error = estimates.iter().copied().fold(0.0, f64::max);
            let subset_errors = if measurement.subset_errors.is_empty() { Vec::new() } else { estimates };
            let measurement = Measurement { error, subset_errors, ..measurement };
            Measured { measurement, partial: Some(Partial { sequences, of, at_least }), errors }
        });
        Ok(measured.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mohaq_speech::dataset::{Features, Sequence};
    use mohaq_speech::decode::DecoderWeights;
    use mohaq_speech::score::Scorer;

    /// 64 sequences of ten labelled frames, in two subsets.
    fn trials(confidence: f64) -> Trials {
        let sequence = |i: usize| Sequence {
            id: format!("{i:02}"),
            features: Features { dim: 1, values: vec![0.0; 10] },
            labels: vec![0; 10],
            ..Sequence::default()
        };
        let sequences: Vec<Sequence> = (0..64).map(sequence).collect();
        let all: Vec<&Sequence> = sequences.iter().collect();
        let scorer = Scorer::new(&Task::Frames { classes: 2 }, &[], DecoderWeights::default()).unwrap();
        let judge = Judge::in_parts(&scorer, &super::super::deal(&all, 2), 1, PARTS).unwrap();
        Trials::new(&judge, Fidelity { confidence }).unwrap()
    }

    /// Errors on the first `count` sequences: `even` on those of the first subset, `odd` on those of the second.
    fn errors(trials: &Trials, count: usize, even: u64, odd: u64) -> Vec<u64> {
        trials.sequences[..count].iter().map(|&(subset, _)| if subset == 0 { even } else { odd }).collect()
    }

    #[test]
    fn every_part_has_as_many_sequences_of_every_subset() {
        let trials = trials(1.0);
        assert_eq!(trials.subsets, [(32, 320), (32, 320)]);
        assert_eq!(trials.looks.iter().map(|look| look.0).collect::<Vec<_>>(), [8, 16, 24, 32, 40, 48, 56, 64]);
        for look in trials.sequences.chunks(8) {
            assert_eq!(look.iter().filter(|(subset, _)| *subset == 0).count(), 4);
        }
    }

    #[test]
    fn certainty_is_errors_over_all_labels_and_a_tie_goes_on() {
        let trials = trials(1.0);
        // After half, 8 of 10 wrong on one subset and 2 on the other: 40 % and 10 % whatever comes.
        let errors = errors(&trials, 32, 2, 8);
        let outlook = trials.outlook(&errors, None);
        assert_eq!((outlook.at_least, outlook.lower, outlook.estimates), (40.0, 40.0, vec![20.0, 80.0]));
        for (error, goes_on) in [(39.9, false), (40.0, true), (f64::NEG_INFINITY, false), (f64::INFINITY, true)] {
            assert_eq!(trials.goes_on(&errors, &Bar { error, known: None }), goes_on, "{error}");
        }
    }

    #[test]
    fn an_interval_is_that_of_cochran() {
        let trials = trials(0.99);
        // 16 of 32 sequences a subset. On the first, a candidate has 0 or 2 errors more than a known point with 1 everywhere
        // by turns: one more on average, with a variance of 16/15.
        let mut seen = 0;
        let errors = |subset: usize| {
            seen += usize::from(subset == 0);
            if subset == 0 { 1 + 2 * (seen as u64 % 2) } else { 1 }
        };
        let errors: Vec<u64> = trials.sequences[..32].iter().map(|one| one.0).map(errors).collect();
        let known = vec![1; 64];
        let outlook = trials.outlook(&errors, Some(&known));
        assert_eq!(outlook.estimates, [20.0, 10.0], "64 and 32 errors of 320 labels");
        // 0.01 for 7 looks at 2 subsets, 15 degrees of freedom.
        let t = upper_quantile(0.01 / 14.0, 15);
        let deviation = 32.0 * (16.0 / 15.0 / 16.0 * 0.5_f64).sqrt();
        let lower = 100.0 * (64.0 - t * deviation) / 320.0;
        // The other subset is certain to have 16 errors: 5 %.
        assert!(lower > 5.0 && (outlook.lower - lower).abs() < 1e-9, "{} and {lower}", outlook.lower);
    }

    #[test]
    fn differences_that_are_all_alike_prove_nothing_and_few_sequences_neither() {
        let trials = trials(0.99);
        let known = vec![1; 64];
        let outlook = |count: usize| trials.outlook(&errors(&trials, count, 1, 2), Some(&known));
        // Four sequences of a subset: only what is counted is certain, 8 errors of 320.
        assert_eq!(outlook(8).lower, 2.5);
        let eight = outlook(16);
        assert_eq!(eight.estimates, [10.0, 20.0]);
        assert!(eight.lower < 20.0 && eight.lower > 5.0, "{}", eight.lower);
        assert_eq!(outlook(64).lower, 20.0, "at the end all is known");
    }

    #[test]
    fn what_cannot_be_stopped_is_refused_with_a_hint() {
        let refusal =
            |confidence: f64, beacons: bool, command: bool| match (Fidelity { confidence }).check(beacons, command) {
                Err(Error::Plan { key, reason, hint: Some(_) }) => format!("{key}: {reason}"),
                other => panic!("expected a refusal with a hint, got {other:?}"),
            };
        assert_eq!(refusal(0.4, false, false), "search.fidelity.confidence: 0.4, expected 0.5 to 1");
        assert!(refusal(f64::NAN, false, false).contains("NaN"));
        assert!(refusal(0.99, true, false).starts_with("search.fidelity: stands beside `search.beacons`"));
        assert!(refusal(0.99, false, true).starts_with("search.fidelity: stands beside `score`"));
        let task = Task::NextToken { tokens: 2 };
        let scorer = Scorer::new(&task, &[], DecoderWeights::default()).unwrap();
        let sequence =
            Sequence { features: Features { dim: 1, values: vec![0.0] }, labels: vec![0], ..Sequence::default() };
        let judge = Judge::new(&scorer, &[&sequence], 1).unwrap();
        let refused = Trials::new(&judge, Fidelity { confidence: 1.0 }).unwrap_err().to_string();
        assert!(refused.contains("the perplexity is no rate of errors"), "{refused}");
    }
}
