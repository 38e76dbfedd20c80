//! What a user may choose about features, with Kaldi's defaults.

use crate::digest::Digest;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// How features are computed. The defaults are those of Kaldi's `compute-fbank-feats` without dither, 23 bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeatureSettings {
    /// Mel filters, 3 to 256 (23). The paper uses 23; 40 is usual for larger networks.
    pub bins: usize,
    /// Length of a frame in milliseconds (25).
    pub frame_ms: f32,
    /// From one frame to the next in milliseconds (10).
    pub hop_ms: f32,
    /// Lower edge of the lowest filter in Hz (20).
    pub low_hz: f32,
    /// Upper edge of the highest filter in Hz; zero or less counts from half the sample rate (0).
    pub high_hz: f32,
    /// Coefficient of the first difference that lifts high frequencies, 0 to 1 (0.97).
    pub preemphasis: f32,
    /// Only frames that fit whole (true); false centres frames on multiples of the hop and mirrors the signal at its ends.
    pub snip_edges: bool,
    /// Filter energies below this, in squared 16 bit units, are raised to it before the logarithm (2⁻²³, Kaldi's).
    pub energy_floor: f32,
    /// Peak of the triangular noise that stands for silence between the pieces of an utterance, in steps of 16 bit
    /// audio (1). The logarithm of digital zeros is far below that of any room and would dominate the variance. The
    /// noise is seeded by the utterance's content, by the same rule in every split.
    pub silence_noise: f32,
    /// Orders of differences to append, 0 to 2 (0).
    pub deltas: usize,
    /// Over what mean and variance are made zero and one (`speaker`).
    pub normalise: Normalise,
}

/// Whose mean and variance are taken out of the features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalise {
    /// A speaker's own recordings in the same split.
    Speaker,
    /// Each utterance's own.
    Utterance,
    /// The training split's, applied to all three.
    Global,
    /// Nobody's.
    None,
}

impl Default for FeatureSettings {
    fn default() -> Self {
        Self {
            bins: 23,
            frame_ms: 25.0,
            hop_ms: 10.0,
            low_hz: 20.0,
            high_hz: 0.0,
            preemphasis: 0.97,
            snip_edges: true,
            energy_floor: f32::EPSILON,
            silence_noise: 1.0,
            deltas: 0,
            normalise: Normalise::Speaker,
        }
    }
}

impl FeatureSettings {
    /// Values a frame: the filters and their deltas.
    pub fn dim(&self) -> usize {
        self.bins * (1 + self.deltas)
    }

    /// Where frames lie in audio of `sample_rate` Hz.
    ///
    /// # Errors
    /// [`Error::Setting`] unless a frame has 2 to 2¹⁶ samples and a hop at least one and at most a frame.
    pub fn framing(&self, sample_rate: u32) -> Result<Framing> {
        // Kaldi truncates in f32, and so do we.
        let samples = |milliseconds: f32| (sample_rate as f32 * 0.001 * milliseconds) as i64;
        let (window, hop) = (samples(self.frame_ms), samples(self.hop_ms));
        if !(2..=1 << 16).contains(&window) {
            let expected = format!("2 to 65536 samples at {sample_rate} Hz");
            return Err(Error::Setting { name: "frame_ms", expected, got: self.frame_ms.to_string() });
        }
        if !(1..=window).contains(&hop) {
            let expected = format!("1 to {window} samples (a frame) at {sample_rate} Hz");
            return Err(Error::Setting { name: "hop_ms", expected, got: self.hop_ms.to_string() });
        }
        Ok(Framing { window: window as u64, hop: hop as u64, snip_edges: self.snip_edges })
    }

    /// Takes in what the filterbanks of given samples depend on.
    pub(crate) fn digest_filterbank(&self, digest: Digest) -> Digest {
        // Every field is named, so that a new one cannot be forgotten here.
        let Self {
            bins,
            frame_ms,
            hop_ms,
            low_hz,
            high_hz,
            preemphasis,
            snip_edges,
            energy_floor,
            silence_noise,
            deltas: _,
            normalise: _,
        } = *self;
        [frame_ms, hop_ms, low_hz, high_hz, preemphasis, energy_floor, silence_noise]
            .iter()
            .fold(digest.number(bins as u64).number(u64::from(snip_edges)), |digest, value| {
                digest.number(u64::from(value.to_bits()))
            })
    }

    /// Refuses values outside the ranges that the fields document. What depends on the sample rate is checked by
    /// [`Fbank::new`](super::Fbank::new).
    ///
    /// # Errors
    /// [`Error::Setting`], naming the first such field.
    pub fn check(&self) -> Result<()> {
        let refuse = |name, expected: &str, got: &dyn ToString| {
            Err(Error::Setting { name, expected: expected.to_owned(), got: got.to_string() })
        };
        if !(3..=256).contains(&self.bins) {
            return refuse("bins", "3 to 256", &self.bins);
        }
        if !(0.0..=1.0).contains(&self.preemphasis) {
            return refuse("preemphasis", "0 to 1", &self.preemphasis);
        }
        if !(self.energy_floor > 0.0 && self.energy_floor.is_finite()) {
            return refuse("energy_floor", "a positive number", &self.energy_floor);
        }
        if !(0.0..=32767.0).contains(&self.silence_noise) {
            return refuse("silence_noise", "0 to 32767", &self.silence_noise);
        }
        if self.deltas > 2 {
            return refuse("deltas", "0, 1 or 2", &self.deltas);
        }
        Ok(())
    }
}

/// Where frames lie in a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// Samples of a frame.
    pub window: u64,
    /// Samples from one frame to the next.
    pub hop: u64,
    /// Only frames that fit whole.
    pub snip_edges: bool,
}

impl Framing {
    /// Number of frames of `samples` samples.
    ///
    /// Source: Kaldi `NumFrames` (`feat/feature-window.cc`).
    pub fn frames(&self, samples: u64) -> usize {
        let frames = if !self.snip_edges {
            (samples + self.hop / 2) / self.hop
        } else if samples < self.window {
            0
        } else {
            1 + (samples - self.window) / self.hop
        };
        frames as usize
    }

    /// The sample in the middle of frame `frame`, which decides the frame's label.
    pub fn centre(&self, frame: usize) -> u64 {
        frame as u64 * self.hop + if self.snip_edges { self.window / 2 } else { self.hop / 2 }
    }

    /// The fewest samples that give a frame.
    pub fn needed(&self) -> u64 {
        if self.snip_edges { self.window } else { self.hop - self.hop / 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_counts_are_kaldis() {
        let whole = FeatureSettings::default().framing(16000).expect("defaults");
        assert_eq!((whole.window, whole.hop), (400, 160));
        assert_eq!([0, 399, 400, 559, 560, 16000].map(|n| whole.frames(n)), [0, 0, 1, 1, 2, 98]);
        let centred = Framing { snip_edges: false, ..whole };
        assert_eq!([0, 79, 80, 239, 240, 16000].map(|n| centred.frames(n)), [0, 0, 1, 1, 2, 100]);
        for framing in [whole, centred] {
            assert_eq!(framing.frames(framing.needed()), 1);
            assert_eq!(framing.frames(framing.needed() - 1), 0);
        }
    }

    #[test]
    fn centres_lie_inside_the_signal_or_at_its_very_end() {
        for snip_edges in [true, false] {
            let framing = Framing { window: 200, hop: 80, snip_edges };
            for samples in 0..2000 {
                let frames = framing.frames(samples);
                assert!(frames == 0 || framing.centre(frames - 1) <= samples, "{samples} {snip_edges}");
            }
        }
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let check = |change: fn(&mut FeatureSettings)| {
            let mut settings = FeatureSettings::default();
            change(&mut settings);
            settings.check().and_then(|()| settings.framing(8000)).map_err(|error| error.to_string())
        };
        assert!(check(|_| {}).is_ok());
        assert_eq!(check(|s| s.bins = 2), Err("`bins` is 2, expected 3 to 256".into()));
        assert_eq!(check(|s| s.deltas = 3), Err("`deltas` is 3, expected 0, 1 or 2".into()));
        assert_eq!(check(|s| s.preemphasis = f32::NAN), Err("`preemphasis` is NaN, expected 0 to 1".into()));
        assert_eq!(check(|s| s.energy_floor = 0.0), Err("`energy_floor` is 0, expected a positive number".into()));
        assert_eq!(
            check(|s| s.frame_ms = -1.0),
            Err("`frame_ms` is -1, expected 2 to 65536 samples at 8000 Hz".into())
        );
        assert!(check(|s| s.frame_ms = f32::INFINITY).is_err());
        assert_eq!(
            check(|s| s.hop_ms = 0.1),
            Err("`hop_ms` is 0.1, expected 1 to 200 samples (a frame) at 8000 Hz".into())
        );
    }

    #[test]
    fn unknown_fields_are_refused() {
        let parsed = serde_json::from_str::<FeatureSettings>(r#"{"bins": 40, "normalise": "utterance"}"#);
        let expected = FeatureSettings { bins: 40, normalise: Normalise::Utterance, ..FeatureSettings::default() };
        assert_eq!(parsed.expect("two known fields"), expected);
        assert!(serde_json::from_str::<FeatureSettings>(r#"{"bin": 40}"#).is_err());
    }
}
