//! Samples to feature frames: Kaldi's log-mel filterbanks, deltas, mean and variance normalisation.
//!
//! ```text
//! samples ─► fbank [frames, bins] ─► append_deltas [frames, bins·(1 + deltas)] ─► normalise
//! ```
//!
//! The first step is the costly one and depends on one file alone, so it is what the cache keeps. Deltas
//! come before normalisation, so that every value of a frame has variance one and a per-tensor quantizer of the
//! network's input wastes no level.

mod deltas;
mod fbank;
mod normalise;
mod settings;

pub use deltas::append_deltas;
pub use fbank::Fbank;
pub use normalise::normalise;
pub use settings::{FeatureSettings, Framing, Normalise};

use crate::dataset::Features;
use crate::error::{Error, Result};

/// Refuses features that are NaN or infinite.
///
/// # Errors
/// [`Error::NotFinite`] naming `source_name` and the first such value.
pub fn check_finite(features: &Features, source_name: &str) -> Result<()> {
    match features.values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(Error::NotFinite {
            source_name: source_name.to_owned(),
            frame: at / features.dim,
            index: at % features.dim,
            value: features.values[at],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nan_is_named_by_file_frame_and_value() {
        let mut features = Features { dim: 3, values: vec![0.0; 12] };
        assert!(check_finite(&features, "a.npz").is_ok());
        features.values[7] = f32::NAN;
        let error = check_finite(&features, "a.npz").expect_err("must be refused");
        assert_eq!(error.to_string(), "a.npz: frame 2, value 1 is NaN, expected a finite number");
    }
}
