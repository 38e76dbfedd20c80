//! The box that is to be filled, and which of its axes is unknown.

use crate::Score;

/// A box in which every objective is 0 at best and 1 where it is worthless.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    /// Position of the unknown objective in a score.
    pub(super) unknown: usize,
    /// Best and worst value of every objective.
    pub(super) scale: Vec<(f64, f64)>,
    /// The lowest value that the unknown objective can take, if there is one.
    pub(super) least: Option<f64>,
}

impl Bounds {
    /// The lowest value of the unknown objective, in the box.
    pub(super) fn least(&self) -> f64 {
        self.least.map_or(f64::NEG_INFINITY, |least| self.place(self.unknown, least))
    }

    /// How many objectives are known.
    pub(super) fn known_objectives(&self) -> usize {
        self.scale.len() - 1
    }

    /// The known objectives of `score` in the box.
    pub(super) fn known(&self, score: &Score) -> Vec<f64> {
        let all = score.objectives.iter().enumerate().filter(|(axis, _)| *axis != self.unknown);
        all.map(|(axis, &value)| self.place(axis, value)).collect()
    }

    /// The unknown objective of `score` in the box, where it is a number that could have been measured.
    pub(super) fn unknown(&self, score: &Score) -> Option<f64> {
        let value = score.objectives[self.unknown];
        (value.is_finite() && value < f64::MAX).then(|| self.place(self.unknown, value))
    }

    fn place(&self, axis: usize, value: f64) -> f64 {
        let (best, worst) = self.scale[axis];
        (value - best) / (worst - best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_0_the_worthless_1_in_any_unit() {
        let bounds = Bounds { unknown: 1, scale: vec![(-64.0, 0.0), (16.0, 24.0)], least: Some(0.0) };
        let score = Score::feasible(vec![-16.0, 18.0]);
        assert_eq!((bounds.known(&score), bounds.unknown(&score), bounds.least()), (vec![0.75], Some(0.25), -2.0));
        assert_eq!(bounds.unknown(&Score::unmeasured(2)), None);
        assert_eq!(bounds.unknown(&Score { objectives: vec![0.0, f64::NAN], violation: 1.0 }), None);
    }
}
