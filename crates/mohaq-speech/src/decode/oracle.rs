//! What the decoder is tested against: the formula of the [module](super) as one matrix over all states, without tokens,
//! without tricks, and by brute force over every path.

use proptest::prelude::*;

use super::{Decoder, DecoderWeights, PhoneModel, Workspace};
use crate::dataset::{Features, PhoneTask, Sequence};

/// A phone model over states as a plain graph.
struct Graph<'a> {
    model: &'a PhoneModel,
    weights: DecoderWeights,
}

impl Graph<'_> {
    fn states(&self) -> usize {
        self.model.states()
    }

    fn emission(&self, posterior: f32, class: usize) -> f64 {
        self.weights.acoustic * (f64::from(posterior) - self.weights.prior * self.model.log_prior[class])
    }

    fn bigram(&self, before: Option<usize>, after: Option<usize>) -> f64 {
        let phone = |phone: Option<usize>| phone.map(|phone| phone as u16);
        let insertion = if after.is_some() { self.weights.insertion } else { 0.0 };
        self.weights.bigram * self.model.log_bigram(phone(before), phone(after)) + insertion
    }

    fn start(&self, class: usize) -> f64 {
        if class.is_multiple_of(self.states()) {
            self.bigram(None, Some(class / self.states()))
        } else {
            f64::NEG_INFINITY
        }
    }

    fn end(&self, class: usize) -> f64 {
        if (class + 1).is_multiple_of(self.states()) {
            self.model.log_leave[class] + self.bigram(Some(class / self.states()), None)
        } else {
            f64::NEG_INFINITY
        }
    }

    /// The better of staying, advancing and going to another phone, where allowed.
    fn step(&self, from: usize, to: usize) -> f64 {
        let states = self.states();
        let stay = if from == to { self.model.log_stay[from] } else { f64::NEG_INFINITY };
        let within = from + 1 == to && from / states == to / states;
        let advance = if within { self.model.log_leave[from] } else { f64::NEG_INFINITY };
        let between = if (from + 1).is_multiple_of(states) && to.is_multiple_of(states) {
            self.model.log_leave[from] + self.bigram(Some(from / states), Some(to / states))
        } else {
            f64::NEG_INFINITY
        };
        stay.max(advance).max(between)
    }

    /// Best score by the matrix recursion, O(frames · classes²).
    fn by_matrix(&self, posteriors: &[f32]) -> f64 {
        let classes = self.model.classes();
        let mut rows = posteriors.chunks_exact(classes);
        let Some(first) = rows.next() else { return f64::NEG_INFINITY };
        let mut scores: Vec<f64> = (0..classes).map(|c| self.start(c) + self.emission(first[c], c)).collect();
        for row in rows {
            let best = |to: usize| {
                (0..classes).map(|from| scores[from] + self.step(from, to)).fold(f64::NEG_INFINITY, f64::max)
            };
            scores = (0..classes).map(|to| best(to) + self.emission(row[to], to)).collect();
        }
        (0..classes).map(|class| scores[class] + self.end(class)).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Best score by trying every sequence of classes, O(classes^frames).
    fn by_force(&self, posteriors: &[f32]) -> f64 {
        let classes = self.model.classes();
        let frames = posteriors.len() / classes;
        if frames == 0 {
            return f64::NEG_INFINITY;
        }
        let mut best = f64::NEG_INFINITY;
        for path in 0..classes.pow(frames as u32) {
            let class = |t: usize| path / classes.pow(t as u32) % classes;
            let emissions: f64 = (0..frames).map(|t| self.emission(posteriors[t * classes + class(t)], class(t))).sum();
            let steps: f64 = (1..frames).map(|t| self.step(class(t - 1), class(t))).sum();
            best = best.max(self.start(class(0)) + emissions + steps + self.end(class(frames - 1)));
        }
        best
    }

    /// Best score among the paths through exactly these phones.
    fn of_phones(&self, phones: &[u16], posteriors: &[f32]) -> f64 {
        let states = self.states();
        let chain: Vec<usize> =
            phones.iter().flat_map(|&phone| (0..states).map(move |s| usize::from(phone) * states + s)).collect();
        let mut scores = vec![f64::NEG_INFINITY; chain.len()];
        for (t, row) in posteriors.chunks_exact(self.model.classes()).enumerate() {
            for i in (0..chain.len()).rev() {
                let class = chain[i];
                let entry = match i {
                    0 if t == 0 => self.start(class),
                    0 => f64::NEG_INFINITY,
                    _ => {
                        let advance = self.model.log_leave[chain[i - 1]];
                        let before = chain[i - 1] / states;
                        let link = self.bigram(Some(before), Some(class / states));
                        scores[i - 1] + advance + if i.is_multiple_of(states) { link } else { 0.0 }
                    }
                };
                scores[i] = entry.max(scores[i] + self.model.log_stay[class]) + self.emission(row[class], class);
            }
        }
        scores.last().map_or(f64::NEG_INFINITY, |score| score + self.end(chain[chain.len() - 1]))
    }
}

fn model(phones: usize, states: usize, labels: &[u32]) -> PhoneModel {
    let names: Vec<String> = (0..phones).map(|phone| format!("p{phone}")).collect();
    let fold = (0..phones as u16).map(Some).collect();
    let task = PhoneTask { phones: names.clone(), states, scored: names, fold };
    let labels: Vec<u32> = labels.iter().map(|label| label % (phones * states) as u32).collect();
    let (id, speaker) = (String::new(), String::new());
    let train =
        [Sequence { id, speaker, features: Features::default(), labels, reference: vec![], targets: Vec::new() }];
    PhoneModel::estimate(&task, &train).expect("labels within the task")
}

/// Phones, states, labels to estimate from, posteriors, weights.
fn case(phones: usize, states: usize, frames: usize) -> impl Strategy<Value = (PhoneModel, Vec<f32>, DecoderWeights)> {
    let posterior = prop_oneof![9 => -8.0f32..0.0, 1 => Just(f32::NEG_INFINITY)];
    let weights = (0.1f64..2.0, 0.0f64..1.0, 0.0f64..3.0, -3.0f64..3.0)
        .prop_map(|(acoustic, prior, bigram, insertion)| DecoderWeights { acoustic, prior, bigram, insertion });
    let labels = prop::collection::vec(0u32..64, 0..40);
    (1..=phones, 1..=states, 0..=frames, labels, weights).prop_flat_map(
        move |(phones, states, frames, labels, weights)| {
            let model = model(phones, states, &labels);
            let posteriors = prop::collection::vec(posterior.clone(), frames * phones * states);
            (Just(model), posteriors, Just(weights))
        },
    )
}

fn same(a: f64, b: f64) -> bool {
    // Sums of a few dozen terms below 100, in another order.
    a == b || (a - b).abs() < 1e-10
}

proptest! {
    #[test]
    fn the_score_is_that_of_the_matrix_and_of_the_phones_returned((model, posteriors, weights) in case(6, 4, 30)) {
        let decoder = Decoder::new(&model, weights).unwrap();
        let decoding = decoder.decode(&posteriors, &mut Workspace::default()).unwrap();
        let graph = Graph { model: &model, weights };
        prop_assert!(same(decoding.log_score, graph.by_matrix(&posteriors)), "{}", decoding.log_score);
        prop_assert!(same(decoding.log_score, graph.of_phones(&decoding.phones, &posteriors)), "{:?}", decoding.phones);
        prop_assert_eq!(decoding.phones.is_empty(), decoding.log_score == f64::NEG_INFINITY);
    }

    #[test]
    fn no_path_is_better((model, posteriors, weights) in case(2, 2, 5)) {
        let decoder = Decoder::new(&model, weights).unwrap();
        let decoding = decoder.decode(&posteriors, &mut Workspace::default()).unwrap();
        let forced = Graph { model: &model, weights }.by_force(&posteriors);
        prop_assert!(same(decoding.log_score, forced), "{} against {forced}", decoding.log_score);
    }

    #[test]
    fn a_used_workspace_changes_nothing((model, posteriors, weights) in case(4, 3, 20), (other, noise, _) in case(6, 4, 30)) {
        let decoder = Decoder::new(&model, weights).unwrap();
        let mut used = Workspace::default();
        Decoder::new(&other, weights).unwrap().decode(&noise, &mut used).unwrap();
        prop_assert_eq!(decoder.decode(&posteriors, &mut used).unwrap(), decoder.decode(&posteriors, &mut Workspace::default()).unwrap());
    }
}

#[test]
fn the_oracles_tell_a_worse_path_from_the_best() {
    let model = model(2, 2, &[0, 0, 1, 2, 3, 3]);
    let graph = Graph { model: &model, weights: DecoderWeights::default() };
    let posteriors = [-0.1, -3.0, -3.0, -3.0, -3.0, -0.1, -3.0, -3.0, -3.0, -3.0, -0.1, -3.0, -3.0, -3.0, -3.0, -0.1];
    let best = graph.of_phones(&[0, 1], &posteriors);
    assert!(same(graph.by_matrix(&posteriors), best) && same(graph.by_force(&posteriors), best));
    assert!(graph.of_phones(&[1, 0], &posteriors) < best - 1.0);
    assert!(graph.of_phones(&[0], &posteriors) < best - 1.0);
    assert_eq!(graph.of_phones(&[0, 1, 0], &posteriors), f64::NEG_INFINITY);
}
