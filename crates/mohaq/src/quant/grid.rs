//! Grids: the values that a width and a clip leave of the real line.

use crate::tensor::vectorized;
use mohaq_rt::Bits;

/// Fraction bits of the 16 bit formats, finest first: Q1.14, Q5.10, Q8.7.
pub const FRACTIONS: [u32; 3] = [14, 10, 7];

/// A set of representable values `code / per_unit`, `low ≤ code ≤ high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Codes in a unit: the inverse of the step.
    per_unit: f32,
    step: f32,
    low: f32,
    high: f32,
}

impl Grid {
    /// Integers of `bits` with their largest code at `clip`: step = clip / (2^(bits−1) − 1).
    ///
    /// A clip of 0 (a tensor of zeros) gives a grid whose only value is 0.
    pub fn integer(bits: Bits, clip: f32) -> Self {
        let high = bits.max() as f32;
        if clip == 0.0 {
            return Self { per_unit: 0.0, step: 0.0, low: 0.0, high: 0.0 };
        }
        Self { per_unit: high / clip, step: clip / high, low: bits.min() as f32, high }
    }

    /// 16 bit fixed point with `fraction` fraction bits.
    pub fn fixed(fraction: u32) -> Self {
        let per_unit = (1u32 << fraction) as f32;
        Self { per_unit, step: 1.0 / per_unit, low: f32::from(i16::MIN), high: f32::from(i16::MAX) }
    }

    /// Fraction bits of the first 16 bit format whose range holds `max_abs`; of the widest where none does.
    ///
    /// Source: method of the paper: Q1.14 below 2, Q5.10 below 32, Q8.7 otherwise.
    pub fn fraction_for(max_abs: f32) -> u32 {
        let holds = |fraction: &u32| max_abs < (1u32 << (15 - fraction)) as f32;
        FRACTIONS.into_iter().find(holds).unwrap_or(FRACTIONS[FRACTIONS.len() - 1])
    }

    /// Puts every value on the grid: round half to even, saturate. NaN stays NaN. Returns whether one lies on an end.
    pub fn apply(self, values: &mut [f32]) -> bool {
        vectorized(
            #[inline(always)]
            || {
                let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
                for value in &mut *values {
                    *value = self.round(*value);
                    (low, high) = (low.min(*value), high.max(*value));
                }
                self.is_end(low) || self.is_end(high)
            },
        )
    }

    /// The nearest value of the grid, the even code of two: saturates, and NaN stays NaN.
    #[inline(always)]
    pub fn round(self, value: f32) -> f32 {
        let code = (value * self.per_unit).max(self.low).min(self.high);
        if value.is_nan() { value } else { nearest(code) * self.step }
    }

    /// Whether `value` rounds to a code of the grid without being saturated.
    #[inline(always)]
    pub fn holds(self, value: f32) -> bool {
        let code = nearest(value * self.per_unit);
        self.low <= code && code <= self.high
    }

    /// How the value of the grid that stands for `value` changes with the logarithm of the clip: by the rounding error
    /// where the grid holds the value, with the end where it does not.
    ///
    /// Source: Esser et al. 2020, equation 3, times the step.
    #[inline(always)]
    pub fn slope(self, value: f32) -> f32 {
        let code = value * self.per_unit;
        let rounded = nearest(code.max(self.low).min(self.high));
        self.step * if self.holds(value) { rounded - code } else { rounded }
    }

    /// Whether `value`, which lies on the grid, is its first or last one.
    #[inline(always)]
    pub fn is_end(self, value: f32) -> bool {
        value <= self.low * self.step || value >= self.high * self.step
    }

    /// Distance between neighbouring values.
    pub fn step(self) -> f32 {
        self.step
    }
}

/// Rounds half to even while |code| < 2²²; a larger one stays beyond every code.
#[inline(always)]
fn nearest(code: f32) -> f32 {
    // Adding and taking away 1.5·2²³.
    const ROUND: f32 = 12_582_912.0;
    (code + ROUND) - ROUND
}

#[cfg(test)]
mod tests {
    use super::*;
    use mohaq_rt::numeric::{Q16, Quantizer};

    fn on(grid: Grid, value: f32) -> f32 {
        let mut values = [value];
        grid.apply(&mut values);
        values[0]
    }

    #[test]
    fn two_bits_have_four_levels() {
        let grid = Grid::integer(Bits::Two, 0.5);
        let levels: Vec<f32> = [-9.0, -0.8, -0.7, -0.4, -0.2, 0.2, 0.3, 9.0].map(|x| on(grid, x)).to_vec();
        assert_eq!(levels, [-1.0, -1.0, -0.5, -0.5, 0.0, 0.0, 0.5, 0.5]);
    }

    #[test]
    fn ties_go_to_even_codes() {
        let grid = Grid::fixed(10);
        let half = 0.5 / 1024.0;
        assert_eq!([1.0, 3.0, 5.0, -1.0, -3.0].map(|n| on(grid, n * half) * 1024.0), [0.0, 2.0, 2.0, -0.0, -2.0]);
    }

    #[test]
    fn fixed_point_saturates_at_its_range() {
        assert_eq!(on(Grid::fixed(14), 5.0), 32767.0 / 16384.0);
        assert_eq!(on(Grid::fixed(14), -5.0), -2.0);
    }

    #[test]
    fn rounding_equals_the_definition_over_the_whole_range() {
        let grid = Grid::fixed(7);
        for i in -70_000..70_000 {
            let x = i as f32 / 256.0 + 0.001 * (i % 7) as f32;
            let expected = (x * 128.0).round_ties_even().clamp(-32768.0, 32767.0) / 128.0;
            assert_eq!(on(grid, x), expected, "{x}");
        }
    }

    #[test]
    fn the_device_computes_the_same_values() {
        let sweep: Vec<f32> = (-40_000..40_000).map(|i| i as f32 * 1.7e-4).collect();
        let same = |grid: Grid, quantizer: Quantizer| {
            let mut values = sweep.clone();
            grid.apply(&mut values);
            let expected: Vec<f32> = sweep.iter().map(|&x| quantizer.nearest(x)).collect();
            assert_eq!(values, expected, "{grid:?}");
        };
        for bits in [Bits::Two, Bits::Four, Bits::Eight] {
            for clip in [0.013, 0.5, 1.0, 3.3, 6.1] {
                same(Grid::integer(bits, clip), Quantizer::symmetric(clip, bits).unwrap());
            }
        }
        same(Grid::fixed(14), Quantizer::fixed(Q16::Q1_14));
        same(Grid::fixed(10), Quantizer::fixed(Q16::Q5_10));
        same(Grid::fixed(7), Quantizer::fixed(Q16::Q8_7));
    }

    #[test]
    fn formats_follow_the_range() {
        assert_eq!([0.0, 1.99, 2.0, 31.9, 32.0, 300.0].map(Grid::fraction_for), [14, 14, 10, 10, 7, 7]);
    }

    #[test]
    fn a_grid_of_zeros_maps_to_zero_and_keeps_nan_visible() {
        assert_eq!(on(Grid::integer(Bits::Eight, 0.0), 3.0), 0.0);
        assert!(on(Grid::integer(Bits::Eight, 1.0), f32::NAN).is_nan());
    }
}
