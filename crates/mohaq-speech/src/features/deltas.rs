//! Differences over time, as Kaldi's `add-deltas` with a window of two frames.

use crate::dataset::Features;

/// Frames to either side that a difference of order one looks at.
const WINDOW: i64 = 2;

/// The frames with their differences up to `order` after them: `[frames, dim] → [frames, dim·(1 + order)]`.
///
/// The first difference is the slope of the line through five frames; the second is the first's filter applied twice.
/// Frames beyond the ends are the first and the last.
///
/// Source: Kaldi `DeltaFeatures` (`feat/feature-functions.cc`).
pub fn append_deltas(features: &Features, order: usize) -> Features {
    let (dim, frames) = (features.dim, features.frames());
    let wide = dim * (1 + order);
    let mut values = vec![0.0; frames * wide];
    for (n, filter) in filters(order).iter().enumerate() {
        let reach = (filter.len() / 2) as i64;
        for frame in 0..frames {
            let out = &mut values[frame * wide + n * dim..][..dim];
            for (offset, &weight) in (-reach..).zip(filter) {
                let from = (frame as i64 + offset).clamp(0, frames as i64 - 1) as usize;
                for (sum, value) in out.iter_mut().zip(&features.values[from * dim..][..dim]) {
                    *sum += weight * value;
                }
            }
        }
    }
    Features { dim: wide, values }
}

/// The filters of order 0 to `order`.
fn filters(order: usize) -> Vec<Vec<f32>> {
    // Σ j² over −2..2.
    let norm = (-WINDOW..=WINDOW).map(|j| (j * j) as f32).sum::<f32>();
    let mut filters = vec![vec![1.0]];
    for n in 0..order {
        let previous = &filters[n];
        let mut next = vec![0.0; previous.len() + 2 * WINDOW as usize];
        for (i, &weight) in previous.iter().enumerate() {
            for j in -WINDOW..=WINDOW {
                next[i + (j + WINDOW) as usize] += j as f32 * weight / norm;
            }
        }
        filters.push(next);
    }
    filters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(features: &Features, index: usize) -> Vec<f32> {
        features.values.iter().skip(index).step_by(features.dim).copied().collect()
    }

    #[test]
    fn differences_of_a_parabola_are_its_derivatives_away_from_the_ends() {
        let values = (0..20).map(|t| (t * t) as f32).collect();
        let all = append_deltas(&Features { dim: 1, values }, 2);
        assert_eq!(all.dim, 3);
        for t in 4..16 {
            let frame = &all.values[t * 3..][..3];
            assert_eq!(frame[0], (t * t) as f32);
            assert!((frame[1] - 2.0 * t as f32).abs() < 1e-4 && (frame[2] - 2.0).abs() < 1e-4, "{t}: {frame:?}");
        }
    }

    #[test]
    fn ends_repeat_the_first_and_the_last_frame() {
        // By hand: at t = 0 of 0, 1, 2, 3, 4 the five frames are 0, 0, 0, 1, 2: (1·1 + 2·2)/10.
        let all = append_deltas(&Features { dim: 1, values: vec![0.0, 1.0, 2.0, 3.0, 4.0] }, 1);
        let expected = [0.5, 0.8, 1.0, 0.8, 0.5];
        assert!(column(&all, 1).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{:?}", column(&all, 1));
    }

    #[test]
    fn one_frame_has_no_slope_and_none_has_no_frames() {
        let one = append_deltas(&Features { dim: 2, values: vec![3.0, 4.0] }, 2);
        assert_eq!(one.values[..2], [3.0, 4.0]);
        assert!(one.values[2..].iter().all(|value| value.abs() < 1e-6));
        assert_eq!(append_deltas(&Features { dim: 2, values: vec![] }, 1).frames(), 0);
        let same = Features { dim: 2, values: vec![1.0, 2.0, 3.0, 4.0] };
        assert_eq!(append_deltas(&same, 0), same);
    }
}
