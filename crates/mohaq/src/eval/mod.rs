//! Evaluation: from a spec to a measurement, and from a measurement to what a search minimises.
//!
//! [`Evaluator`] is the single read-only door between search and network. It borrows everything and changes nothing, so
//! measuring candidates in parallel, in another order or again after a crash gives the same numbers.

mod cache;
mod command;
mod fidelity;
mod goals;
mod integer;
mod judge;
mod objective;
mod student;
mod subsets;
mod tensors;

pub use command::ScoreCommand;
pub use fidelity::{Bar, Fidelity, Measured, PARTS, Partial, Trials};
pub use goals::{Goals, Violation};
pub use integer::IntegerJudge;
pub(crate) use integer::best_class;
pub use judge::{Judge, log_posteriors};
pub use objective::{Limit, Objective};
pub use subsets::{SubsetCounts, deal};
pub use tensors::TensorReport;

use crate::Result;
use crate::nn::Workload;
use crate::platform::{Cost, Platform};
use crate::quant::QuantSpec;
use crate::watch::{Silent, Watch};
use mohaq_speech::score::Counts;
use serde::{Deserialize, Serialize};

/// What one candidate showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// The error that the task is judged by, in the unit of its metric: on the subset of the development set where it is
    /// highest.
    #[serde(alias = "error_percent")]
    pub error: f64,
    /// The error on each subset; empty where the development set is whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty", alias = "subset_percent")]
    pub subset_errors: Vec<f64>,
    /// Errors on all of the development set.
    pub errors: Counts,
    /// What the platform asks for it.
    pub cost: Cost,
}

/// Measures candidates of one network, calibration, development set and platform.
pub struct Evaluator<'a> {
    /// The network at every width, and what it is measured on.
    pub judge: &'a IntegerJudge<'a>,
    /// What a frame costs it.
    pub workload: &'a Workload,
    /// Where it is to run.
    pub platform: &'a dyn Platform,
}

impl Evaluator<'_> {
    /// Errors and cost of the network at `spec`.
    ///
    /// # Errors
    /// See [`measure_all`](Self::measure_all).
    pub fn measure(&self, spec: &QuantSpec) -> Result<Measurement> {
        Ok(self.measure_all(std::slice::from_ref(spec), &Silent)?.remove(0))
    }

    /// Errors and cost of the network at each of `specs`, which are measured side by side.
    ///
    /// # Errors
    /// Where the platform does not allow a precision of a spec, or its scales do not go together;
    /// [`Error::Stopped`](crate::Error::Stopped) when `watch` says so.
    pub fn measure_all(&self, specs: &[QuantSpec], watch: &dyn Watch) -> Result<Vec<Measurement>> {
        let costs = self.costs(specs)?;
        let errors = self.judge.errors_of_all(specs, watch)?;
        Ok(errors.iter().zip(costs).map(|(errors, cost)| self.measurement(errors, cost)).collect())
    }

    fn costs(&self, specs: &[QuantSpec]) -> Result<Vec<Cost>> {
        Ok(specs.iter().map(|spec| self.platform.cost(self.workload, spec)).collect::<std::result::Result<_, _>>()?)
    }

    fn measurement(&self, errors: &SubsetCounts, cost: Cost) -> Measurement {
        let judge = self.judge.judge();
        let subset_errors = if judge.subsets() > 1 { judge.subset_errors(errors) } else { Vec::new() };
        Measurement { error: judge.worst_error(errors), subset_errors, errors: errors.total(), cost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Batch, Network, NetworkDescription, log_softmax};
    use crate::platform;
    use crate::quant::{IntegerBank, Precision, QuantizeSettings, calibrate};
    use mohaq_rt::Bits;
    use mohaq_speech::dataset::{Features, Sequence, Task};
    use mohaq_speech::decode::DecoderWeights;
    use mohaq_speech::score::Scorer;

    fn network() -> Network {
        let text = "input = 4\nlayers = [{ kind = \"sru\", hidden = 8 }, { kind = \"linear\", outputs = 3 }]";
        Network::new(&NetworkDescription::from_toml(text).unwrap(), 3).unwrap()
    }

    fn sequences() -> Vec<Sequence> {
        let sequence = |i: usize| {
            let frames = 1 + 37 * i % 200;
            let values = (0..4 * frames).map(|k| libm::sinf((k * k + 31 * i) as f32 * 0.1)).collect();
            let labels = (0..frames).map(|t| ((t + i) % 3) as u32).collect();
            let features = Features { dim: 4, values };
            Sequence {
                id: format!("{i:02}"),
                speaker: String::new(),
                features,
                labels,
                reference: Vec::new(),
                targets: Vec::new(),
            }
        };
        (0..25).map(sequence).collect()
    }

    #[test]
    fn blocks_count_the_same_errors_as_sequences_one_by_one() {
        let (network, sequences) = (network(), sequences());
        let scorer = Scorer::new(&Task::Frames { classes: 3 }, &[], DecoderWeights::default()).unwrap();
        let judge = Judge::new(&scorer, &sequences.iter().collect::<Vec<_>>(), 4).unwrap();
        let together = judge.errors(&network, &crate::nn::Float).unwrap();
        let alone = sequences.iter().map(|sequence| {
            let mut outputs = network.forward(&Batch::of([sequence], 4).unwrap(), &crate::nn::Float);
            log_softmax(&mut outputs);
            scorer.score(outputs.data(), sequence).unwrap()
        });
        assert_eq!(together.total(), alone.sum::<Counts>());
        assert_eq!(together.total().frames.of, sequences.iter().map(|s| s.features.frames() as u64).sum::<u64>());
    }

    #[test]
    fn measuring_twice_on_any_number_of_threads_gives_the_same() {
        let (network, sequences) = (network(), sequences());
        let scorer = Scorer::new(&Task::Frames { classes: 3 }, &[], DecoderWeights::default()).unwrap();
        let judge = Judge::new(&scorer, &sequences.iter().collect::<Vec<_>>(), 4).unwrap();
        let calibration = calibrate(&network, &sequences, &QuantizeSettings::default()).unwrap();
        let bank = IntegerBank::new(&network, calibration).unwrap();
        let judge = IntegerJudge::new(judge, &bank, 1 << 20).unwrap();
        let platform = platform::load("bitfusion").unwrap();
        let workload = network.workload();
        let evaluator = Evaluator { workload: &workload, platform: &platform, judge: &judge };
        let spec = QuantSpec::uniform(Precision::new(Bits::Two, Bits::Four), 2);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| evaluator.measure(&spec).unwrap())
        };
        assert_eq!(on(1), on(3));
        assert_eq!(on(1).cost.speedup, Some(32.0));
    }

    #[test]
    fn the_worst_of_k_subsets_is_what_the_subsets_show_one_by_one() {
        let (network, sequences) = (network(), sequences());
        let scorer = Scorer::new(&Task::Frames { classes: 3 }, &[], DecoderWeights::default()).unwrap();
        let calibration = calibrate(&network, &sequences, &QuantizeSettings::default()).unwrap();
        let bank = IntegerBank::new(&network, calibration).unwrap();
        let (platform, workload) = (platform::load("bitfusion").unwrap(), network.workload());
        let specs = [Bits::Two, Bits::Four, Bits::Eight].map(|bits| QuantSpec::uniform(Precision::new(bits, bits), 2));
        let measure = |subsets: &[Vec<&Sequence>]| {
            let judge = Judge::with_subsets(&scorer, subsets, 4).unwrap();
            let judge = IntegerJudge::new(judge, &bank, 0).unwrap();
            let evaluator = Evaluator { workload: &workload, platform: &platform, judge: &judge };
            evaluator.measure_all(&specs, &Silent).unwrap()
        };
        let all: Vec<&Sequence> = sequences.iter().collect();
        let subsets = deal(&all, 4);
        let alone: Vec<Vec<Measurement>> = subsets.iter().map(|subset| measure(std::slice::from_ref(subset))).collect();
        let whole = measure(&[all]);
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let together = pool(1).install(|| measure(&subsets));
        assert_eq!(together, pool(3).install(|| measure(&subsets)));
        for (i, together) in together.iter().enumerate() {
            let percents: Vec<f64> = alone.iter().map(|subset| subset[i].error).collect();
            assert_eq!(together.error, percents.iter().copied().fold(0.0, f64::max));
            assert!(together.error > whole[i].error, "subsets of 25 sequences differ");
            assert_eq!(together.subset_errors, percents);
            assert_eq!(together.errors, whole[i].errors);
            assert!(whole[i].subset_errors.is_empty());
        }
        let judge = Judge::with_subsets(&scorer, &subsets, 4).unwrap();
        let float = judge.worst_error(&judge.errors(&network, &crate::nn::Float).unwrap());
        let float_alone = subsets.iter().map(|subset| {
            let judge = Judge::new(&scorer, subset, 4).unwrap();
            judge.worst_error(&judge.errors(&network, &crate::nn::Float).unwrap())
        });
        assert_eq!(float, float_alone.fold(0.0, f64::max));
    }

    #[test]
    fn an_output_that_is_not_a_number_names_its_sequence() {
        let mut sequences = sequences();
        sequences[11].features.values[2] = f32::NAN;
        let scorer = Scorer::new(&Task::Frames { classes: 3 }, &[], DecoderWeights::default()).unwrap();
        let judge = Judge::new(&scorer, &sequences.iter().collect::<Vec<_>>(), 4).unwrap();
        match judge.errors(&network(), &crate::nn::Float) {
            Err(crate::Error::NotFinite { sequence }) => assert_eq!(sequence, "11"),
            other => panic!("expected the sequence's name, got {other:?}"),
        }
    }
}
