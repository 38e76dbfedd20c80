//! Selection bias: how far the errors that a front was chosen by are from those on the test set.
//!
//! Of thousands of candidates a search keeps those that look best on its development data, some of them by luck. The luck
//! does not come along to the test set. Test and development data differ anyway, so the gap of the front is held against
//! that of the float network, which no search chose:
//!
//! ```text
//! bias = mean over the front of (test − search error)  −  (test − search error) of the float network
//! ```

use serde::{Deserialize, Serialize};

/// Quantile of the normal distribution that leaves 2.5 % above.
const NORMAL_97_5: f64 = 1.96;

/// Gaps between the errors that were searched with and those on the test set, in points or in the unit of the error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelectionBias {
    /// Mean over the front of the test error over the error that it was chosen by.
    #[serde(alias = "front_gap_points")]
    pub front_gap: f64,
    /// The same of the float network.
    #[serde(alias = "float_gap_points")]
    pub float_gap: f64,
    /// The first less the second.
    #[serde(alias = "points")]
    pub bias: f64,
    /// What the test set can tell at all; `None` where an error is no rate of labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<TestInterval>,
}

/// How well a test set knows the float network's error rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestInterval {
    /// Labels of the test set: what its errors are counted over.
    pub labels: u64,
    /// Half of the 95 % interval of the float network's test error `p` over `n` labels, `1.96·√(p(1−p)/n)`, in points: the
    /// normal approximation of a binomial. Labels of one sequence or speaker are less independent than this supposes, so it
    /// is the least that the test set leaves open.
    pub half_width: f64,
}

impl SelectionBias {
    /// The bias of a front. Errors are pairs, search error first and test error second. `test_labels` is what test errors
    /// are counted over, in per cent; `None` where an error is no rate. `None` without a front or without labels.
    pub fn of(float: (f64, f64), front: impl Iterator<Item = (f64, f64)>, test_labels: Option<u64>) -> Option<Self> {
        let gaps: Vec<f64> = front.map(|(search, test)| test - search).collect();
        if gaps.is_empty() || test_labels == Some(0) {
            return None;
        }
        let front_gap = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let float_gap = float.1 - float.0;
        let test = test_labels.map(|labels| {
            // Insertions can take a phone error rate over 1.
            let p = (float.1 / 100.0).clamp(0.0, 1.0);
            TestInterval { labels, half_width: 100.0 * NORMAL_97_5 * (p * (1.0 - p) / labels as f64).sqrt() }
        });
        Some(Self { front_gap, float_gap, bias: front_gap - float_gap, test })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_that_float_has_too_is_no_bias() {
        let front = [(10.0, 12.5), (20.0, 21.5)];
        let bias = SelectionBias::of((8.0, 9.5), front.into_iter(), None).unwrap();
        assert_eq!(bias, SelectionBias { front_gap: 2.0, float_gap: 1.5, bias: 0.5, test: None });
    }

    #[test]
    fn the_interval_is_that_of_a_binomial() {
        // 100 of 400: √(0.25 · 0.75 / 400) is 2.1651 points, by hand.
        let half_width = |float: f64| {
            SelectionBias::of((20.0, float), [(25.0, 25.0)].into_iter(), Some(400)).unwrap().test.unwrap().half_width
        };
        assert!((half_width(25.0) - 1.96 * 2.165_063_5).abs() < 1e-6);
        assert_eq!(half_width(130.0), 0.0);
    }

    #[test]
    fn nothing_has_no_bias() {
        assert_eq!(SelectionBias::of((1.0, 1.0), std::iter::empty(), Some(9)), None);
        assert_eq!(SelectionBias::of((1.0, 1.0), [(1.0, 1.0)].into_iter(), Some(0)), None);
    }
}
