//! Mean and variance normalisation.

use super::settings::Normalise;
use crate::dataset::Sequence;
use std::collections::BTreeMap;

/// A standard deviation below this share of the mean is what `f32` leaves of a constant: such a value becomes zero.
const CONSTANT: f64 = 1e-7;

/// Makes the mean of every value zero and its variance one, over what `how` says.
///
/// A split's speakers are normalised by their own recordings in that split, so that no figure depends on another split;
/// [`Normalise::Global`] learns from `train` alone. Sums are in `f64` and in the order of the sequences.
pub fn normalise(how: Normalise, train: &mut [Sequence], valid: &mut [Sequence], test: &mut [Sequence]) {
    match how {
        Normalise::None => {}
        Normalise::Utterance => {
            for sequence in train.iter_mut().chain(valid).chain(test) {
                let scaling = Scaling::of(&[&*sequence]);
                scaling.apply(sequence);
            }
        }
        Normalise::Speaker => {
            for split in [train, valid, test] {
                by_speaker(split);
            }
        }
        Normalise::Global => {
            let scaling = Scaling::of(&train.iter().collect::<Vec<_>>());
            for sequence in train.iter_mut().chain(valid).chain(test) {
                scaling.apply(sequence);
            }
        }
    }
}

fn by_speaker(split: &mut [Sequence]) {
    let mut speakers: BTreeMap<&str, Vec<&Sequence>> = BTreeMap::new();
    for sequence in split.iter() {
        speakers.entry(&sequence.speaker).or_default().push(sequence);
    }
    let scalings: BTreeMap<String, Scaling> =
        speakers.into_iter().map(|(speaker, sequences)| (speaker.to_owned(), Scaling::of(&sequences))).collect();
    for sequence in split {
        if let Some(scaling) = scalings.get(&sequence.speaker) {
            scaling.apply(sequence);
        }
    }
}

/// `(x − mean) · scale`, a pair for each value of a frame.
struct Scaling {
    mean: Vec<f64>,
    scale: Vec<f64>,
}

impl Scaling {
    fn of(sequences: &[&Sequence]) -> Self {
        let dim = sequences.first().map_or(0, |sequence| sequence.features.dim);
        let frames = || sequences.iter().flat_map(|sequence| sequence.features.values.chunks_exact(dim.max(1)));
        let count = frames().count().max(1) as f64;
        let mut mean = vec![0.0; dim];
        for frame in frames() {
            for (sum, &value) in mean.iter_mut().zip(frame) {
                *sum += f64::from(value);
            }
        }
        for sum in &mut mean {
            *sum /= count;
        }
        let mut squares = vec![0.0; dim];
        for frame in frames() {
            for ((sum, &value), mean) in squares.iter_mut().zip(frame).zip(&mean) {
                let centred = f64::from(value) - mean;
                *sum += centred * centred;
            }
        }
        let scale = squares.iter().zip(&mean).map(|(sum, mean)| {
            let deviation = (sum / count).sqrt();
            if deviation > CONSTANT * mean.abs() { 1.0 / deviation } else { 0.0 }
        });
        let scale = scale.collect();
        Self { mean, scale }
    }

    fn apply(&self, sequence: &mut Sequence) {
        for frame in sequence.features.values.chunks_exact_mut(self.mean.len().max(1)) {
            for ((value, mean), scale) in frame.iter_mut().zip(&self.mean).zip(&self.scale) {
                *value = ((f64::from(*value) - mean) * scale) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Features;

    fn sequence(speaker: &str, values: &[f32]) -> Sequence {
        Sequence {
            id: String::new(),
            speaker: speaker.to_owned(),
            features: Features { dim: 2, values: values.to_vec() },
            labels: Vec::new(),
            reference: Vec::new(),
            targets: Vec::new(),
        }
    }

    fn values(split: &[Sequence]) -> Vec<&[f32]> {
        split.iter().map(|sequence| sequence.features.values.as_slice()).collect()
    }

    #[test]
    fn a_speaker_is_normalised_over_all_recordings_of_the_split() {
        let mut train = [sequence("a", &[1.0, 7.0]), sequence("b", &[5.0, 0.0]), sequence("a", &[3.0, 7.0])];
        let mut test = [sequence("a", &[100.0, 1.0, 300.0, 3.0])];
        normalise(Normalise::Speaker, &mut train, &mut [], &mut test);
        // A constant (7, or a single frame) becomes zero; test recordings of a training speaker stand alone.
        assert_eq!(values(&train), [[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]);
        assert_eq!(values(&test), [[-1.0, -1.0, 1.0, 1.0]]);
    }

    #[test]
    fn global_statistics_come_from_training_alone() {
        let mut train = [sequence("", &[0.0, 2.0, 2.0, 6.0])];
        let mut valid = [sequence("", &[3.0, 4.0])];
        normalise(Normalise::Global, &mut train, &mut valid, &mut []);
        assert_eq!(values(&train), [[-1.0, -1.0, 1.0, 1.0]]);
        assert_eq!(values(&valid), [[2.0, 0.0]]);
    }

    #[test]
    fn an_utterance_stands_alone_and_none_changes_nothing() {
        let original = [sequence("a", &[0.0, 1.0, 4.0, 3.0]), sequence("a", &[8.0, 8.0])];
        let mut train = original.clone();
        normalise(Normalise::Utterance, &mut train, &mut [], &mut []);
        assert_eq!(values(&train), [&[-1.0, -1.0, 1.0, 1.0][..], &[0.0, 0.0]]);
        let mut same = original.clone();
        normalise(Normalise::None, &mut same, &mut [], &mut []);
        assert_eq!(same, original);
    }

    #[test]
    fn tiny_units_are_not_taken_for_constants() {
        let mut train = [sequence("", &[1e-12, 0.0, 3e-12, 1e-9])];
        normalise(Normalise::Global, &mut train, &mut [], &mut []);
        assert_eq!(values(&train), [[-1.0, -1.0, 1.0, 1.0]]);
    }
}
