//! Segments in samples to one class a frame.

use crate::corpus::Segment;
use crate::dataset::NO_LABEL;
use crate::features::Framing;

/// The class of every frame of `samples` samples: `phone · states + state`, [`NO_LABEL`] where the frame's centre lies in
/// no segment or in one without a phone.
///
/// The n frames of a segment are divided evenly among its states, in order: frame j has state ⌊j·states/n⌋. A segment
/// with fewer frames than states misses some of them.
pub fn frame_labels(segments: &[Segment], framing: Framing, samples: u64, states: usize) -> Vec<u32> {
    let frames = framing.frames(samples);
    let mut labels = vec![NO_LABEL; frames];
    let mut first = 0;
    for segment in segments {
        // Without whole frames only, the last centre may lie one past the last sample.
        let centre = |frame| framing.centre(frame).min(samples.saturating_sub(1));
        while first < frames && centre(first) < segment.start {
            first += 1;
        }
        let mut end = first;
        while end < frames && centre(end) < segment.end {
            end += 1;
        }
        if let Some(phone) = segment.phone {
            let count = end - first;
            for (j, label) in labels[first..end].iter_mut().enumerate() {
                *label = (usize::from(phone) * states + j * states / count) as u32;
            }
        }
        first = end;
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAMING: Framing = Framing { window: 200, hop: 80, snip_edges: true };

    fn segment(phone: Option<u16>, start: u64, end: u64) -> Segment {
        Segment { phone, start, end }
    }

    #[test]
    fn the_centre_decides_and_states_share_a_segment_evenly() {
        // Centres are at 100, 180, 260, 340, 420, 500.
        let segments = [segment(Some(0), 0, 181), segment(Some(2), 181, 500), segment(None, 500, 700)];
        assert_eq!(frame_labels(&segments, FRAMING, 600, 3), [0, 1, 6, 7, 8, NO_LABEL]);
        assert_eq!(frame_labels(&segments, FRAMING, 600, 1), [0, 0, 2, 2, 2, NO_LABEL]);
    }

    #[test]
    fn what_no_segment_covers_has_no_label() {
        let segments = [segment(Some(1), 170, 190)];
        assert_eq!(frame_labels(&segments, FRAMING, 400, 1), [NO_LABEL, 1, NO_LABEL]);
        assert_eq!(frame_labels(&[], FRAMING, 200, 1), [NO_LABEL]);
        assert_eq!(frame_labels(&segments, FRAMING, 0, 1), [0u32; 0]);
    }

    #[test]
    fn the_last_frame_of_a_centred_framing_belongs_to_the_last_segment() {
        let centred = Framing { snip_edges: false, ..FRAMING };
        assert_eq!(frame_labels(&[segment(Some(3), 0, 40)], centred, 40, 1), [3]);
    }

    proptest! {
        #[test]
        fn every_frame_has_the_phone_under_its_centre(
            lengths in proptest::collection::vec(0u64..700, 0..12), states in 1usize..6, snip_edges: bool,
        ) {
            let framing = Framing { snip_edges, ..FRAMING };
            let mut segments = Vec::new();
            let mut start = 0;
            for (phone, length) in lengths.into_iter().enumerate() {
                segments.push(segment(Some(phone as u16), start, start + length));
                start += length;
            }
            let labels = frame_labels(&segments, framing, start, states);
            prop_assert_eq!(labels.len(), framing.frames(start));
            prop_assert!(labels.is_sorted());
            for (frame, &label) in labels.iter().enumerate() {
                let centre = framing.centre(frame).min(start - 1);
                let expected = segments.iter().position(|s| (s.start..s.end).contains(&centre));
                prop_assert_eq!(Some(label as usize / states), expected);
            }
        }
    }
}
