//! Weights of the decoder, found on validation data.
//!
//! The error is a step function of the weights, so the search is by values: first without the bigram (which is a figure of
//! its own in reports), then bigram and insertion together on a grid, then one weight at a time over all its values until
//! nothing changes, at last over finer steps around the best. Where several neighbouring values are equally good, the
//! middle one is taken: the edge of a plateau is luck. A weight only moves when what is minimised falls or its plateau has
//! a middle to move to, and the number of decodings is bounded.
//!
//! What is minimised is not the error alone but its sum with the error at half the acoustic weight. A decoder is tuned once,
//! on the float network, and then serves quantized ones whose posteriors are less sure; less sure is what a smaller
//! acoustic weight makes of the ones at hand. By the error alone, weights that differ by tenths of a point here differ by
//! tens of points there: a small acoustic weight that a bonus for insertions makes up for breaks down first.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Decoder, DecoderWeights, PhoneModel, Workspace, fold};
use crate::dataset::PhoneTask;
use crate::edit::PhoneErrors;
use crate::error::Result;

/// One validation utterance: what the network says and what was said.
#[derive(Clone, Copy, Debug)]
pub struct Utterance<'a> {
    /// `[frames, classes]`, row-major, natural logarithms.
    pub log_posteriors: &'a [f32],
    /// In scoring ids.
    pub reference: &'a [u16],
}

/// What the tuning found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    /// The best weights.
    pub weights: DecoderWeights,
    /// Errors with them.
    pub errors: PhoneErrors,
    /// The best weights with `bigram = 0`.
    pub weights_without_bigram: DecoderWeights,
    /// Errors with those.
    pub errors_without_bigram: PhoneErrors,
    /// How often the validation data was decoded.
    pub decodings: usize,
}

/// Finds weights with few phone errors on `valid`, which must not be test data.
///
/// Decodes in parallel; the result does not depend on the number of threads.
///
/// # Errors
/// What [`Decoder::decode`] refuses, of the first utterance at fault.
pub fn tune(model: &PhoneModel, task: &PhoneTask, valid: &[Utterance<'_>]) -> Result<Tuning> {
    let mut search = Search { model, task, valid, known: Vec::new() };
    let mut weights = DecoderWeights { bigram: 0.0, ..DecoderWeights::default() };
    for _ in 0..ROUNDS {
        let before = weights;
        for axis in [Axis::Insertion, Axis::Prior, Axis::Acoustic] {
            weights = search.sweep(weights, axis, axis.values())?;
        }
        if weights == before {
            break;
        }
    }
    let weights_without_bigram = weights;
    weights = search.best_pair(weights)?;
    for _ in 0..ROUNDS {
        let before = weights;
        for axis in Axis::ALL {
            weights = search.sweep(weights, axis, axis.values())?;
        }
        if weights == before {
            break;
        }
    }
    for axis in Axis::ALL {
        weights = search.sweep(weights, axis, &axis.around(weights))?;
    }
    Ok(Tuning {
        weights,
        errors: search.errors(weights)?,
        weights_without_bigram,
        errors_without_bigram: search.errors(weights_without_bigram)?,
        decodings: search.known.len(),
    })
}

/// Rounds over all axes at most, which bounds the number of decodings. Seemed reasonable.
const ROUNDS: usize = 2;

/// One of the weights.
#[derive(Clone, Copy, Debug)]
enum Axis {
    Bigram,
    Insertion,
    Prior,
    Acoustic,
}

impl Axis {
    const ALL: [Self; 4] = [Self::Bigram, Self::Insertion, Self::Prior, Self::Acoustic];

    /// The coarse values: scale-like weights grow by factors, the others by steps. The ranges seemed reasonable; a weight
    /// found at the end of one is a sign that they are not.
    fn values(self) -> &'static [f64] {
        match self {
            Self::Bigram => &[0.0, 0.5, 1.0, 2.0, 4.0, 8.0],
            Self::Insertion => &[-8.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 8.0],
            Self::Prior => &[0.0, 0.25, 0.5, 0.75, 1.0],
            Self::Acoustic => &[0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.2, 3.3],
        }
    }

    /// Finer values around the present one, which is among them.
    fn around(self, weights: DecoderWeights) -> [f64; 5] {
        let now = self.of(weights);
        match self {
            Self::Bigram | Self::Acoustic => [0.7, 0.85, 1.0, 1.2, 1.4].map(|factor| now * factor),
            Self::Insertion => [-1.0, -0.5, 0.0, 0.5, 1.0].map(|step| now + step),
            Self::Prior => [-0.125, -0.0625, 0.0, 0.0625, 0.125].map(|step| (now + step).max(0.0)),
        }
    }

    fn of(self, weights: DecoderWeights) -> f64 {
        match self {
            Self::Bigram => weights.bigram,
            Self::Insertion => weights.insertion,
            Self::Prior => weights.prior,
            Self::Acoustic => weights.acoustic,
        }
    }

    fn with(self, weights: DecoderWeights, value: f64) -> DecoderWeights {
        match self {
            Self::Bigram => DecoderWeights { bigram: value, ..weights },
            Self::Insertion => DecoderWeights { insertion: value, ..weights },
            Self::Prior => DecoderWeights { prior: value, ..weights },
            Self::Acoustic => DecoderWeights { acoustic: value, ..weights },
        }
    }
}

struct Search<'a> {
    model: &'a PhoneModel,
    task: &'a PhoneTask,
    valid: &'a [Utterance<'a>],
    /// Every decoding so far.
    known: Vec<(DecoderWeights, PhoneErrors)>,
}

impl Search<'_> {
    /// Errors on the validation data, decoded once for each weights.
    fn errors(&mut self, weights: DecoderWeights) -> Result<PhoneErrors> {
        if let Some(&(_, errors)) = self.known.iter().find(|(known, _)| *known == weights) {
            return Ok(errors);
        }
        let decoder = Decoder::new(self.model, weights)?;
        let each: Vec<Result<PhoneErrors>> = (self.valid.par_iter())
            .map_init(Workspace::default, |workspace, utterance| {
                let decoding = decoder.decode(utterance.log_posteriors, workspace)?;
                Ok(PhoneErrors::between(utterance.reference, &fold(self.task, &decoding.phones)))
            })
            .collect();
        let mut errors = PhoneErrors::default();
        for utterance in each {
            errors += utterance?;
        }
        self.known.push((weights, errors));
        Ok(errors)
    }

    /// What is minimised: errors of `weights`, and of a listener half as sure of what it hears.
    fn cost(&mut self, weights: DecoderWeights) -> Result<u64> {
        let unsure = DecoderWeights { acoustic: 0.5 * weights.acoustic, ..weights };
        Ok(self.errors(weights)?.total() + self.errors(unsure)?.total())
    }

    /// The best of `values` for one weight, the others as they are: the middle of the widest stretch of best values.
    fn sweep(&mut self, weights: DecoderWeights, axis: Axis, values: &[f64]) -> Result<DecoderWeights> {
        let mut totals = Vec::with_capacity(values.len());
        for &value in values {
            totals.push(self.cost(axis.with(weights, value))?);
        }
        let best = middle_of_best(&totals);
        // The present value need not be among `values`, and may be better than all of them.
        let present = self.cost(weights)?;
        Ok(if totals[best] <= present { axis.with(weights, values[best]) } else { weights })
    }

    /// The best bigram weight and insertion together: a heavier bigram asks for a cheaper insertion.
    fn best_pair(&mut self, weights: DecoderWeights) -> Result<DecoderWeights> {
        let (mut best, mut fewest) = (weights, self.cost(weights)?);
        for &bigram in &Axis::Bigram.values()[1..] {
            for &insertion in Axis::Insertion.values() {
                let candidate = DecoderWeights { bigram, insertion, ..weights };
                let total = self.cost(candidate)?;
                if total < fewest {
                    (best, fewest) = (candidate, total);
                }
            }
        }
        Ok(best)
    }
}

/// Index in the middle of the longest run of the least value; the first of equally long runs, the lower of two middles.
fn middle_of_best(totals: &[u64]) -> usize {
    let least = totals.iter().min().copied().unwrap_or(0);
    let (mut best, mut longest, mut start) = (0, 0, 0);
    for (index, &total) in totals.iter().enumerate() {
        if total != least {
            start = index + 1;
        } else if index + 1 - start > longest {
            longest = index + 1 - start;
            best = start + (longest - 1) / 2;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;
    use crate::dataset::{Features, Sequence};

    /// A language in which only `a b c` is said, over and over, by a speaker whose `b` sounds much like `d`.
    struct World {
        task: PhoneTask,
        train: Vec<Sequence>,
        valid: Vec<(Vec<f32>, Vec<u16>)>,
    }

    fn world() -> World {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut uniform = || f64::from(random.next_u32()) / f64::from(u32::MAX);
        let names: Vec<String> = ["a", "b", "c", "d"].map(String::from).to_vec();
        let task = PhoneTask { phones: names.clone(), states: 2, scored: names, fold: (0..4).map(Some).collect() };
        let (mut train, mut valid) = (Vec::new(), Vec::new());
        for _ in 0..12 {
            let phones: Vec<u16> = [0, 1, 2].repeat(1 + (uniform() * 3.0) as usize);
            let mut labels = Vec::new();
            for &phone in &phones {
                for state in 0..2 {
                    labels.extend(vec![u32::from(phone) * 2 + state; 1 + (uniform() * 4.0) as usize]);
                }
            }
            let mut log_posteriors = Vec::new();
            for &label in &labels {
                let heard: Vec<f64> = (0..8)
                    .map(|class| {
                        f64::from(u8::from(class == label))
                            + 0.9 * f64::from(u8::from(class == label + 4))
                            + 0.8 * uniform()
                    })
                    .map(|score| libm::exp(3.0 * score))
                    .collect();
                let sum: f64 = heard.iter().sum();
                log_posteriors.extend(heard.iter().map(|score| libm::log(score / sum) as f32));
            }
            let (id, speaker, features) = (String::new(), String::new(), Features::default());
            train.push(Sequence { id, speaker, features, labels, reference: phones.clone(), targets: Vec::new() });
            valid.push((log_posteriors, phones));
        }
        World { task, train, valid }
    }

    fn tuned(world: &World) -> (PhoneModel, Tuning) {
        let model = PhoneModel::estimate(&world.task, &world.train).expect("well-formed");
        let valid: Vec<Utterance<'_>> =
            (world.valid.iter()).map(|(log_posteriors, reference)| Utterance { log_posteriors, reference }).collect();
        let tuning = tune(&model, &world.task, &valid).expect("well-formed");
        (model, tuning)
    }

    #[test]
    fn a_bigram_that_knows_the_language_corrects_what_the_ear_confuses() {
        let world = world();
        let (model, tuning) = tuned(&world);
        assert!(tuning.errors_without_bigram.rate() > 0.05, "{tuning:?}");
        assert!(tuning.errors.rate() < 0.2 * tuning.errors_without_bigram.rate(), "{tuning:?}");
        assert_eq!(tuning.weights_without_bigram.bigram, 0.0);
        assert!(tuning.decodings <= 300, "{}", tuning.decodings);
        // The errors reported are those of a decoder with the weights reported.
        let decoder = Decoder::new(&model, tuning.weights).expect("weights in range");
        let errors = world.valid.iter().map(|(log_posteriors, reference)| {
            let decoding = decoder.decode(log_posteriors, &mut Workspace::default()).expect("well-formed");
            PhoneErrors::between(reference, &fold(&world.task, &decoding.phones))
        });
        assert_eq!(errors.sum::<PhoneErrors>(), tuning.errors);
    }

    #[test]
    fn thread_count_does_not_change_the_weights() {
        let world = world();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| tuned(&world).1)
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn nan_in_a_validation_utterance_is_an_error_and_no_utterance_is_none() {
        let mut world = world();
        world.valid[3].0[8] = f32::NAN;
        let model = PhoneModel::estimate(&world.task, &world.train).expect("well-formed");
        let utterance = Utterance { log_posteriors: &world.valid[3].0, reference: &[] };
        assert!(tune(&model, &world.task, &[utterance]).is_err());
        assert_eq!(tune(&model, &world.task, &[]).expect("nothing to decode").errors.rate(), 0.0);
    }

    #[test]
    fn the_middle_of_the_widest_plateau_is_best() {
        assert_eq!(middle_of_best(&[3, 1, 2, 1, 1, 1, 5]), 4);
        assert_eq!(middle_of_best(&[1, 1, 2, 1, 1]), 0);
        assert_eq!(middle_of_best(&[4, 3, 2]), 2);
        assert_eq!(middle_of_best(&[7, 7, 7, 7]), 1);
        assert_eq!(middle_of_best(&[]), 0);
    }
}
