//! Histograms of a tensor's values and the clips read off them.
//!
//! A clip is where the grid ends: larger magnitudes saturate. Too high and the steps are coarse, too low and the tails
//! are lost. Four ways to choose it, all from one pass of counting, so that a tensor of any size costs 201 counters.

use mohaq_rt::Bits;
use serde::{Deserialize, Serialize};

/// Bins of a histogram. The published value.
pub const BINS: usize = 201;

/// How a clip is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClipMethod {
    /// The one of 0.01 … 0.99 × max|x| with the least mean square error over the histogram.
    Mmse,
    /// max|x|: nothing saturates.
    Max,
    /// The magnitude that this share of the values, in per cent, does not exceed.
    Percentile(f64),
    /// The median over sequences of max|x| in the sequence (activations only).
    MedianOfMaxima,
}

/// Counts of a tensor's values in [`BINS`] equal bins from its smallest to its largest value.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    min: f32,
    max: f32,
    counts: Vec<u64>,
}

impl Histogram {
    /// An empty histogram for values in `min..=max`.
    pub fn new(min: f32, max: f32) -> Self {
        Self { min, max, counts: vec![0; BINS] }
    }

    /// The histogram of `values`, its ends at their extremes.
    pub fn of(values: &[f32]) -> Self {
        let (min, max) = extremes(values);
        let mut histogram = Self::new(min, max);
        histogram.add(values);
        histogram
    }

    /// Counts `values`; one outside the ends goes to the last bin on its side.
    pub fn add(&mut self, values: &[f32]) {
        let scale = BINS as f64 / f64::from(self.max - self.min).max(f64::MIN_POSITIVE);
        for &value in values {
            let position = f64::from(value - self.min) * scale;
            // Truncation is the bin's definition, and the clamp keeps both it and the cast in range.
            let bin = position.clamp(0.0, (BINS - 1) as f64) as usize;
            self.counts[bin] += 1;
        }
    }

    /// Adds the counts of `other`, a histogram with the same ends.
    ///
    /// # Panics
    /// When the ends differ.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!((self.min, self.max), (other.min, other.max), "histograms with the same ends");
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    /// Largest magnitude inside the ends.
    pub fn max_abs(&self) -> f32 {
        self.min.abs().max(self.max.abs())
    }

    fn centres(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        let width = f64::from(self.max - self.min) / BINS as f64;
        let min = f64::from(self.min);
        self.counts.iter().enumerate().map(move |(bin, &count)| (min + (bin as f64 + 0.5) * width, count))
    }

    /// The clip of 0.01 … 0.99 × max|x| that minimises the mean square error of a `bits` wide grid.
    ///
    /// Values beyond the clip count as if they came back as the clip itself, on both sides, although the grid reaches one
    /// step further on the negative one: the rule as published, and measured better than the exact one (a 2 bit grid's
    /// exact optimum drops small weights for the sake of few large ones).
    ///
    /// Returns 0 for a tensor of zeros.
    pub fn mmse_clip(&self, bits: Bits) -> f32 {
        let max = f64::from(self.max_abs());
        let steps = f64::from(bits.max());
        let error = |clip: f64| -> f64 {
            let scale = clip / steps;
            let squares = self.centres().filter(|&(_, count)| count > 0).map(|(x, count)| {
                let code = (x / scale).round_ties_even().clamp(-steps - 1.0, steps);
                let back = if x.abs() > clip { clip.copysign(x) } else { code * scale };
                (x - back) * (x - back) * count as f64
            });
            squares.sum()
        };
        if max == 0.0 {
            return 0.0;
        }
        let clips = (1..100).map(|percent| 0.01 * f64::from(percent) * max);
        let best = clips.map(|clip| (error(clip), clip)).min_by(|a, b| a.0.total_cmp(&b.0));
        best.map_or(0.0, |(_, clip)| clip as f32)
    }

    /// The magnitude that `percent` of the values do not exceed, to the width of a bin.
    pub fn percentile_clip(&self, percent: f64) -> f32 {
        let mut magnitudes: Vec<(f64, u64)> = self.centres().map(|(x, count)| (x.abs(), count)).collect();
        magnitudes.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total: u64 = self.counts.iter().sum();
        let wanted = total as f64 * percent / 100.0;
        let mut seen = 0;
        for (magnitude, count) in magnitudes {
            seen += count;
            if seen as f64 >= wanted && seen > 0 {
                return magnitude as f32;
            }
        }
        self.max_abs()
    }
}

/// Smallest and largest of `values`; (0, 0) when there are none.
pub(super) fn extremes(values: &[f32]) -> (f32, f32) {
    if values.is_empty() {
        return (0.0, 0.0);
    }
    values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)))
}

/// The clip of a weight tensor, which is a whole population: no sequences, so no median of maxima.
pub fn weight_clip(weights: &[f32], bits: Bits, method: ClipMethod) -> f32 {
    match method {
        ClipMethod::Mmse => Histogram::of(weights).mmse_clip(bits),
        ClipMethod::Percentile(percent) => Histogram::of(weights).percentile_clip(percent),
        ClipMethod::Max | ClipMethod::MedianOfMaxima => max_abs(weights),
    }
}

/// Largest magnitude in `values`.
pub(super) fn max_abs(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |max, x| f32::max(max, x.abs()))
}

#[cfg(test)]
mod tests {
    use super::super::grid::Grid;
    use super::*;

    /// Mean square error of putting `values` on `grid`.
    fn mean_square_error(values: &[f32], grid: Grid) -> f64 {
        let mut rounded = values.to_vec();
        grid.apply(&mut rounded);
        let squares = values.iter().zip(&rounded).map(|(x, y)| f64::from(x - y) * f64::from(x - y));
        squares.sum::<f64>() / values.len().max(1) as f64
    }

    /// A ramp over −1 … 1 with one outlier at 10.
    fn ramp_with_outlier() -> Vec<f32> {
        let mut values: Vec<f32> = (0..2001).map(|i| (i as f32 - 1000.0) / 1000.0).collect();
        values.push(10.0);
        values
    }

    #[test]
    fn mmse_gives_up_an_outlier_at_few_bits_and_max_does_not() {
        let values = ramp_with_outlier();
        let mmse = weight_clip(&values, Bits::Four, ClipMethod::Mmse);
        assert!(mmse < 3.0, "clip {mmse}");
        assert_eq!(weight_clip(&values, Bits::Four, ClipMethod::Max), 10.0);
        let error = |clip| mean_square_error(&values, Grid::integer(Bits::Four, clip));
        assert!(error(mmse) < error(10.0));
    }

    #[test]
    fn more_bits_want_a_wider_clip() {
        let values: Vec<f32> = (0..4000)
            .map(|i| {
                let u = (i as f32 + 0.5) / 4000.0 - 0.5;
                u * u * u * 8.0
            })
            .collect();
        let clips = [Bits::Two, Bits::Four, Bits::Eight].map(|bits| weight_clip(&values, bits, ClipMethod::Mmse));
        assert!(clips[0] < clips[1] && clips[1] <= clips[2], "{clips:?}");
    }

    #[test]
    fn percentile_of_a_ramp_is_its_share() {
        let values: Vec<f32> = (0..10_000).map(|i| i as f32 / 10_000.0).collect();
        let clip = weight_clip(&values, Bits::Eight, ClipMethod::Percentile(90.0));
        assert!((clip - 0.9).abs() < 0.01, "{clip}");
    }

    #[test]
    fn every_value_lands_in_a_bin_extremes_included() {
        let values = ramp_with_outlier();
        let histogram = Histogram::of(&values);
        assert_eq!(histogram.counts.iter().sum::<u64>(), values.len() as u64);
        assert_eq!(histogram.counts[BINS - 1], 1);
    }

    #[test]
    fn constant_and_empty_tensors_have_a_clip() {
        assert_eq!(weight_clip(&[], Bits::Two, ClipMethod::Mmse), 0.0);
        assert_eq!(weight_clip(&[0.0; 5], Bits::Two, ClipMethod::Mmse), 0.0);
        assert!(weight_clip(&[3.0; 5], Bits::Four, ClipMethod::Mmse) > 0.0);
    }
}
