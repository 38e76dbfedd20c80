//! Kaldi's log-mel filterbank energies, by the crate `kaldi-fbank` up to the filters' energies.
//!
//! A frame: mean removed, pre-emphasised, Povey window (Hann^0.85), padded to a power of two, power spectrum, triangular
//! filters evenly spaced on the mel scale, logarithm of the floored energies. The logarithm is taken here, by `libm`, so
//! that it is the same on every platform and so that a floor other than Kaldi's can be asked for. Filter weights and
//! window come from the platform's `ln`, `cos` and `pow`, and the Fourier transform picks its instructions by CPU:
//! features are the same bytes on one class of machine, and within 1e-3 anywhere (`golden/fbank`).

use super::settings::{FeatureSettings, Framing};
use crate::dataset::Features;
use crate::error::{Error, Result};
use kaldi_fbank::{FbankComputer, FbankOptions, FeatureWindowFunction, extract_window, mel_scale};

/// Computes log-mel filterbanks of audio of one sample rate.
pub struct Fbank {
    options: FbankOptions,
    framing: Framing,
    energy_floor: f32,
    computer: FbankComputer,
    window: FeatureWindowFunction,
    /// One windowed frame, padded for the Fourier transform.
    scratch: Vec<f32>,
}

impl Fbank {
    /// An extractor for audio of `sample_rate` Hz.
    ///
    /// # Errors
    /// [`Error::Setting`] for settings outside their range, an upper edge above half the sample rate, or so many bins
    /// that one of them holds no frequency of the Fourier transform.
    pub fn new(settings: &FeatureSettings, sample_rate: u32) -> Result<Self> {
        settings.check()?;
        let framing = settings.framing(sample_rate)?;
        let options = options(settings, sample_rate);
        check_filters(&options)?;
        Ok(Self::of_checked(options, framing, settings.energy_floor))
    }

    fn of_checked(options: FbankOptions, framing: Framing, energy_floor: f32) -> Self {
        Self {
            framing,
            energy_floor,
            computer: FbankComputer::new(options.clone()),
            window: FeatureWindowFunction::from_frame_opts(&options.frame_opts),
            scratch: vec![0.0; options.frame_opts.padded_window_size() as usize],
            options,
        }
    }

    /// Log-mel energies of `samples` (in 16 bit units), natural logarithm: `[frames, bins]`.
    ///
    /// # Errors
    /// [`Error::TooShort`] naming `source_name` where the samples do not make one frame.
    pub fn compute(&mut self, samples: &[f32], source_name: &str) -> Result<Features> {
        let frames = self.framing.frames(samples.len() as u64);
        // The crate counts samples in i32.
        if frames == 0 || i32::try_from(samples.len()).is_err() {
            return Err(Error::TooShort {
                source_name: source_name.to_owned(),
                samples: samples.len() as u64,
                needed: self.framing.needed(),
            });
        }
        let dim = self.computer.dim() as usize;
        let mut values = vec![0.0; frames * dim];
        for (frame, energies) in values.chunks_exact_mut(dim).enumerate() {
            let options = &self.options.frame_opts;
            extract_window(0, samples, frame as i32, options, &self.window, &mut self.scratch, None);
            self.computer.compute(0.0, 1.0, &mut self.scratch, energies);
            for energy in energies {
                *energy = libm::logf(energy.max(self.energy_floor));
            }
        }
        Ok(Features { dim, values })
    }
}

impl Clone for Fbank {
    /// Another extractor of the same settings, for another thread.
    fn clone(&self) -> Self {
        Self::of_checked(self.options.clone(), self.framing, self.energy_floor)
    }
}

fn options(settings: &FeatureSettings, sample_rate: u32) -> FbankOptions {
    let mut options = FbankOptions::default();
    options.frame_opts.samp_freq = sample_rate as f32;
    options.frame_opts.frame_length_ms = settings.frame_ms;
    options.frame_opts.frame_shift_ms = settings.hop_ms;
    options.frame_opts.dither = 0.0;
    options.frame_opts.preemph_coeff = settings.preemphasis;
    options.frame_opts.snip_edges = settings.snip_edges;
    options.mel_opts.num_bins = settings.bins as i32;
    options.mel_opts.low_freq = settings.low_hz;
    options.mel_opts.high_freq = settings.high_hz;
    options.use_log_fbank = false;
    options
}

/// Refuses what `kaldi-fbank` would panic on: edges out of order and filters between two lines of the spectrum.
fn check_filters(options: &FbankOptions) -> Result<()> {
    let mel = &options.mel_opts;
    let nyquist = 0.5 * options.frame_opts.samp_freq;
    let high = if mel.high_freq > 0.0 { mel.high_freq } else { nyquist + mel.high_freq };
    if !(0.0..nyquist).contains(&mel.low_freq) {
        let expected = format!("0 to below {nyquist} Hz, half the sample rate");
        return Err(Error::Setting { name: "low_hz", expected, got: mel.low_freq.to_string() });
    }
    if !(high > mel.low_freq && high <= nyquist) {
        let expected = format!("above {} and up to {nyquist} Hz, half the sample rate", mel.low_freq);
        return Err(Error::Setting { name: "high_hz", expected, got: mel.high_freq.to_string() });
    }
    let padded = options.frame_opts.padded_window_size();
    let line_hz = options.frame_opts.samp_freq / padded as f32;
    let lines: Vec<f32> = (0..padded / 2).map(|line| mel_scale(line_hz * line as f32)).collect();
    let low = mel_scale(mel.low_freq);
    let step = (mel_scale(high) - low) / (mel.num_bins + 1) as f32;
    for bin in 0..mel.num_bins {
        let (left, right) = (low + bin as f32 * step, low + (bin + 2) as f32 * step);
        if !lines.iter().any(|&line| line > left && line < right) {
            let expected = format!("fewer: filter {bin} lies between two lines of a {padded} point spectrum");
            return Err(Error::Setting { name: "bins", expected, got: mel.num_bins.to_string() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Deserialize)]
    struct Golden {
        signals: BTreeMap<String, Signal>,
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Signal {
        sample_rate: u32,
        samples: Vec<f32>,
    }

    #[derive(Deserialize)]
    struct Case {
        signal: String,
        bins: usize,
        snip_edges: bool,
        low_hz: f32,
        high_hz: f32,
        features: Vec<Vec<f32>>,
    }

    /// Largest difference from the golden, over all values of `case`.
    fn deviation(golden: &Golden, case: &Case, settings: &FeatureSettings) -> f32 {
        let signal = &golden.signals[&case.signal];
        let mut fbank = Fbank::new(settings, signal.sample_rate).expect("settings of the golden");
        let features = fbank.compute(&signal.samples, &case.signal).expect("at least a frame");
        assert_eq!((features.frames(), features.dim), (case.features.len(), case.bins));
        features.values.iter().zip(case.features.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn filterbanks_are_those_of_kaldi_native_fbank() {
        let golden: Golden =
            serde_json::from_str(include_str!("../../../../golden/fbank/fbank.json")).expect("golden/fbank/make.py");
        assert_eq!(golden.cases.len(), 10);
        for case in &golden.cases {
            let settings = FeatureSettings {
                bins: case.bins,
                snip_edges: case.snip_edges,
                low_hz: case.low_hz,
                high_hz: case.high_hz,
                ..FeatureSettings::default()
            };
            let worst = deviation(&golden, case, &settings);
            assert!(worst <= 1e-3, "{} with {} bins: {worst}", case.signal, case.bins);
            // The comparison sees a wrong feature: another pre-emphasis is off by far more.
            let wrong = FeatureSettings { preemphasis: 0.9, ..settings };
            assert!(deviation(&golden, case, &wrong) > 0.01);
        }
    }

    #[test]
    fn digital_silence_is_the_floor_and_finite() {
        for (energy_floor, expected) in [(f32::EPSILON, -15.942385), (1.0, 0.0)] {
            let settings = FeatureSettings { energy_floor, ..FeatureSettings::default() };
            let features = Fbank::new(&settings, 8000).and_then(|mut fbank| fbank.compute(&[0.0; 800], "zeros"));
            assert!(features.expect("8 frames").values.iter().all(|&value| (value - expected).abs() < 1e-5));
        }
    }

    #[test]
    fn lengths_around_a_frame() {
        let mut fbank = Fbank::new(&FeatureSettings::default(), 16000).expect("defaults");
        for (samples, frames) in [(400, 1), (401, 1), (559, 1), (560, 2)] {
            assert_eq!(fbank.compute(&vec![1.0; samples], "a").expect("a frame").frames(), frames);
        }
        for samples in [0, 1, 399] {
            let error = fbank.compute(&vec![1.0; samples], "a.wav").expect_err("less than a frame");
            assert_eq!(error.to_string(), format!("a.wav: {samples} samples, expected at least 400 for one frame"));
        }
    }

    #[test]
    fn filters_that_the_spectrum_cannot_resolve_are_refused() {
        let error = |settings: FeatureSettings| Fbank::new(&settings, 8000).err().expect("refused").to_string();
        let defaults = FeatureSettings::default;
        assert_eq!(
            error(FeatureSettings { bins: 200, ..defaults() }),
            "`bins` is 200, expected fewer: filter 2 lies between two lines of a 256 point spectrum"
        );
        assert_eq!(
            error(FeatureSettings { high_hz: 5000.0, ..defaults() }),
            "`high_hz` is 5000, expected above 20 and up to 4000 Hz, half the sample rate"
        );
        assert_eq!(
            error(FeatureSettings { low_hz: 4000.0, ..defaults() }),
            "`low_hz` is 4000, expected 0 to below 4000 Hz, half the sample rate"
        );
    }

    proptest! {
        #[test]
        fn no_settings_panic(
            bins in 0usize..300, frame_ms in -1f32..60.0, hop_ms in -1f32..60.0, low_hz in -10f32..9000.0,
            high_hz in -9000f32..9000.0, snip_edges: bool, sample_rate in 0u32..50_000, samples in 0usize..3000,
        ) {
            let settings =
                FeatureSettings { bins, frame_ms, hop_ms, low_hz, high_hz, snip_edges, ..FeatureSettings::default() };
            if let Ok(mut fbank) = Fbank::new(&settings, sample_rate) {
                let frames = fbank.framing.frames(samples as u64);
                match fbank.compute(&vec![100.0; samples], "p") {
                    Ok(features) => prop_assert_eq!(features.frames(), frames),
                    Err(_) => prop_assert_eq!(frames, 0),
                }
            }
        }
    }
}
