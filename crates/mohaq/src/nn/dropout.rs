//! Dropout between layers.

use super::Workspace;
use super::elementwise::for_rows;
use crate::tensor::{Matrix, Real};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What is dropped in one training step: in front of every layer with a matrix but the first, units of each sequence,
/// for all of its frames (as in the PyPI package `sru`); what stays is scaled by 1 / (1 − rate).
///
/// A mask is a function of seed, step, layer and place in the batch, and of nothing else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Share of units dropped, 0 … 1, 1 excluded.
    pub rate: f64,
    /// Of the run.
    pub seed: u64,
    /// Training step, counted from the beginning of the run.
    pub step: u64,
}

impl Dropout {
    /// Factors of the units in front of layer `layer`, `[sequences, width]`.
    pub(super) fn mask<T: Real>(
        &self,
        layer: usize,
        sequences: usize,
        width: usize,
        workspace: &mut Workspace<T>,
    ) -> Matrix<T> {
        let mut mask = workspace.take(sequences, width);
        // A rate of 1 would need the threshold 2³², which no draw reaches: nothing would be kept, as it should be.
        let threshold = (self.rate * f64::from(u32::MAX)) as u32;
        let kept = T::from_f64(1.0 / (1.0 - self.rate));
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&self.step.to_le_bytes());
        seed[16..24].copy_from_slice(&(layer as u64).to_le_bytes());
        let mut random = ChaCha8Rng::from_seed(seed);
        for factor in mask.data_mut() {
            *factor = if random.next_u32() < threshold { T::ZERO } else { kept };
        }
        mask
    }
}

/// Multiplies the frames of every sequence by its row of `mask`.
pub(super) fn apply_mask<T: Real>(values: &mut Matrix<T>, mask: &Matrix<T>, starts: &[usize]) {
    for_rows(
        values,
        #[inline(always)]
        |frame, row| {
            let sequence = starts.partition_point(|&start| start <= frame) - 1;
            row.iter_mut().zip(mask.row(sequence)).for_each(|(x, &factor)| *x *= factor);
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(dropout: Dropout, layer: usize) -> Matrix<f32> {
        dropout.mask(layer, 20, 500, &mut Workspace::new())
    }

    #[test]
    fn the_expectation_of_a_unit_is_kept() {
        let dropout = Dropout { rate: 0.2, seed: 1, step: 2 };
        let mask = mask(dropout, 3);
        let dropped = mask.data().iter().filter(|&&factor| factor == 0.0).count();
        // 10,000 draws: a standard deviation is 40.
        assert!((1_840..2_160).contains(&dropped), "{dropped}");
        assert!(mask.data().iter().all(|&factor| factor == 0.0 || factor == 1.25));
    }

    #[test]
    fn masks_differ_by_step_and_layer_and_repeat_by_seed() {
        let dropout = Dropout { rate: 0.5, seed: 1, step: 2 };
        assert_eq!(mask(dropout, 3), mask(dropout, 3));
        assert_ne!(mask(dropout, 3), mask(dropout, 4));
        assert_ne!(mask(dropout, 3), mask(Dropout { step: 3, ..dropout }, 3));
        assert_ne!(mask(dropout, 3), mask(Dropout { seed: 2, ..dropout }, 3));
    }

    #[test]
    fn empty_sequences_take_no_row_of_another() {
        let mut values = Matrix::from_rows(3, 1, vec![1.0_f32; 3]);
        let mask = Matrix::from_rows(4, 1, vec![2.0, 3.0, 5.0, 7.0]);
        apply_mask(&mut values, &mask, &[0, 1, 1, 3, 3]);
        assert_eq!(values.data(), [2.0, 5.0, 5.0]);
    }
}
