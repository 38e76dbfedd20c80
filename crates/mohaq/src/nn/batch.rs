//! Sequences of any length side by side, without padding.

use crate::tensor::{Matrix, Real};
use crate::{Error, Result};
use mohaq_speech::dataset::Sequence;

/// Sequences one after the other: the matrix products of a network run over all frames at once, its recurrences over
/// each sequence by itself. No result depends on what else is in the batch, to the last bit.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch<T = f32> {
    features: Matrix<T>,
    starts: Vec<usize>,
}

impl<T: Real> Batch<T> {
    /// Sequence `i` is the rows `starts[i] .. starts[i + 1]` of `features`, `[frames, features]`.
    ///
    /// # Errors
    /// [`Error::BatchStarts`] unless the starts ascend from 0 to the number of frames.
    pub fn new(features: Matrix<T>, starts: Vec<usize>) -> Result<Self> {
        let frames = features.rows();
        if starts.first() != Some(&0) || starts.last() != Some(&frames) || !starts.is_sorted() {
            return Err(Error::BatchStarts { starts, frames });
        }
        Ok(Self { features, starts })
    }

    /// `sequences` in their order.
    ///
    /// # Errors
    /// [`Error::FeatureWidth`] where one has other than `dim` features a frame.
    pub fn of<'a>(sequences: impl IntoIterator<Item = &'a Sequence>, dim: usize) -> Result<Self> {
        let mut values = Vec::new();
        let mut starts = vec![0];
        for sequence in sequences {
            let features = &sequence.features;
            if features.dim != dim {
                let place = format!("sequence `{}`", sequence.id);
                return Err(Error::FeatureWidth { place, got: features.dim, expected: dim });
            }
            values.extend(features.values.iter().map(|&x| T::from_f64(f64::from(x))));
            starts.push(values.len() / dim);
        }
        let frames = values.len() / dim;
        Self::new(Matrix::from_rows(frames, dim, values), starts)
    }

    /// `[frames, features]`.
    pub fn features(&self) -> &Matrix<T> {
        &self.features
    }

    /// First frame of each sequence, and the number of frames.
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Frames of all sequences.
    pub fn frames(&self) -> usize {
        self.features.rows()
    }
}
