//! The melody: pitch falls through a sentence and rises on stressed syllables.

use super::random::Random;
use super::speaker::Speaker;
use super::timing::Segment;

/// Pitch in Hz of every frame.
///
/// Declination is a straight line in semitones over the whole sentence, each stressed syllable adds a bump of about 120 ms,
/// and the last 150 ms fall: the superposition of H. Fujisaki and K. Hirose, "Analysis of voice fundamental frequency
/// contours", J. Acoust. Soc. Japan (E) 5(4), 1984, with bumps in place of filtered steps.
pub(super) fn contour(segments: &[Segment], speaker: &Speaker, random: &mut Random) -> Vec<f64> {
    let frames = segments.last().map_or(0, |segment| segment.end);
    let range = speaker.pitch_range;
    let accents: Vec<(f64, f64)> = segments
        .iter()
        .filter(|segment| segment.stressed)
        .map(|segment| (0.5 * (segment.start + segment.end) as f64, random.within([0.15, 0.55]) * range))
        .collect();
    let declination = random.within([0.3, 0.7]) * range;
    let end = segments.last().map_or(0, |silence| silence.start) as f64;
    (0..frames)
        .map(|frame| {
            let at = frame as f64;
            let mut semitones = declination * (0.5 - at / frames as f64);
            for (centre, height) in &accents {
                semitones += height * bump((at - centre) / 30.0);
            }
            semitones -= 0.4 * range * (1.0 - (end - at) / 75.0).clamp(0.0, 1.0);
            speaker.pitch_hz * libm::exp2(semitones / 12.0)
        })
        .collect()
}

/// A Gaussian, 0 where it no longer counts.
fn bump(x: f64) -> f64 {
    if x.abs() < 4.0 { libm::exp(-0.5 * x * x) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::config::Difficulty;
    use crate::synth::phone::phone;
    use crate::synth::random::Purpose;
    use crate::synth::speaker::Sex;

    #[test]
    fn pitch_falls_and_rises_on_the_stress() {
        let speaker = Speaker::new(1, 0, 0, Sex::Male, &Difficulty::default());
        let vowel = |start, end, stressed| Segment { phone: phone("aa"), start, end, stressed, devoiced: false };
        let segments = [vowel(0, 100, false), vowel(100, 200, true), vowel(200, 400, false), vowel(400, 500, false)];
        let pitch = contour(&segments, &speaker, &mut Random::new(1, Purpose::Voice, 0, 0));
        assert_eq!(pitch.len(), 500);
        assert!(pitch[150] > 1.03 * pitch[20], "accent");
        assert!(pitch[399] < 0.95 * pitch[20], "declination and fall");
    }
}
