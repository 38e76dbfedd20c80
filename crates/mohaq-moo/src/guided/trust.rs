//! How much of a batch the model is given: by how well it predicts, and by what it has lately found.

use super::{fit::Data, model::Model};
use crate::rank::rank_correlation;

/// Rank correlation from which on the model may ask all but what is always bred. Seemed reasonable: half of the variance of
/// ranks.
const TRUSTED: f64 = 0.7;

/// What of a gain still counts a batch later, and the part of a batch that neither the model nor breeding goes without.
/// Seemed reasonable: some ten batches are remembered.
const MEMORY: f64 = 0.9;
const TRIED: f64 = 0.1;

/// Measurements that a rank correlation needs.
const RANKED: usize = 12;

/// Values that a rank correlation looks at, in the box: what is far from the front need not be ranked.
const RANKED_BELOW: f64 = 1.5;

/// The part of a batch that the model is trusted with, 0 to 1: its rank correlation with measurements that were left out,
/// over what is enough.
pub(super) fn trust(model: &Model, data: &Data<'_>) -> f64 {
    let near: Vec<usize> = (0..data.values.len()).filter(|&index| data.values[index] < RANKED_BELOW).collect();
    if near.len() < RANKED {
        return 1.0;
    }
    let chosen = |values: &[f64]| near.iter().map(|&index| values[index]).collect::<Vec<f64>>();
    (rank_correlation(&chosen(&model.left_out), &chosen(&data.values)) / TRUSTED).clamp(0.0, 1.0)
}

/// What candidates of the model and bred ones have lately added to the front: sums, and how many candidates they are of.
#[derive(Clone, Debug, Default)]
pub(super) struct Credit {
    model: [f64; 2],
    bred: [f64; 2],
}

impl Credit {
    /// Takes note of the gains of a batch, of which the model asked the first `proposed`.
    pub(super) fn settle(&mut self, gains: &[f64], proposed: usize) {
        let (model, bred) = gains.split_at(proposed);
        for ([sum, count], gains) in [(&mut self.model, model), (&mut self.bred, bred)] {
            *sum = MEMORY * *sum + gains.iter().sum::<f64>();
            *count = MEMORY * *count + gains.len() as f64;
        }
    }

    /// The part of a batch that the model should have: its part of what was gained a candidate, but for a rest that keeps
    /// either known.
    pub(super) fn share(&self) -> f64 {
        let [model, bred] = [self.model, self.bred].map(|[sum, count]| if count > 0.0 { sum / count } else { 0.0 });
        let share = if model + bred > 0.0 { model / (model + bred) } else { 1.0 };
        share.clamp(TRIED, 1.0 - TRIED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gains_more_a_candidate_asks_more_but_never_all() {
        let mut credit = Credit::default();
        assert_eq!(credit.share(), 0.9, "before anything is known");
        // Nine of the model gain 0.1 each, one that was bred 0.3: a quarter to three quarters.
        credit.settle(&[[0.1; 9].as_slice(), &[0.3]].concat(), 9);
        assert!((credit.share() - 0.25).abs() < 1e-12, "{}", credit.share());
        (0..100).for_each(|_| credit.settle(&[0.0, 0.0, 0.1], 2));
        assert_eq!(credit.share(), 0.1);
        (0..100).for_each(|_| credit.settle(&[0.1, 0.1, 0.0], 2));
        assert_eq!(credit.share(), 0.9);
    }
}
