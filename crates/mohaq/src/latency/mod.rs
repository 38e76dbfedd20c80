//! How long this machine takes: products and whole networks of the integer engine, timed on one thread.
//!
//! [`products`] times products one by one, [`table`] makes a platform of them (model `lut`), and [`verify`] holds what that
//! platform predicts against whole networks. Several frames of one sequence are given at once: products of a layer's input are
//! made for all of them, those of a hidden output frame after frame. With one frame at a time it is what a stream takes, as long
//! as the caches hold the weights of the whole network: a product is measured with its own alone.
//!
//! Of many runs the quickest counts. What else a machine does makes a run longer, never shorter.

mod products;
mod verification;

pub use products::{grid, products, shapes_of, table};
pub use verification::{Prediction, Verification, verify};

use crate::Result;
use crate::nn::Network;
use crate::quant::{IntegerBank, QuantizeSettings, calibrate};
use mohaq_speech::dataset::{Features, Sequence};
use std::time::{Duration, Instant};

/// How things are timed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Frames of one sequence that are given at once.
    pub frames: usize,
    /// How long each thing is run again and again.
    pub each: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { frames: 100, each: Duration::from_millis(20) }
    }
}

impl Timing {
    /// The quickest of as many runs as there is time for, five at the least, in ns a frame.
    fn quickest(&self, mut run: impl FnMut()) -> f64 {
        const RUNS: usize = 5;
        run();
        let (begun, mut runs, mut quickest) = (Instant::now(), 0, Duration::MAX);
        while runs < RUNS || begun.elapsed() < self.each {
            let begun = Instant::now();
            run();
            quickest = quickest.min(begun.elapsed());
            runs += 1;
        }
        quickest.as_secs_f64() * 1e9 / self.frames as f64
    }
}

/// `network` in integers, calibrated on noise: what it says is nothing, how long it takes is the same.
fn bank<'n>(network: &'n Network, timing: &Timing) -> Result<IntegerBank<'n>> {
    let calibration = calibrate(network, &[noise(network, timing.frames)], &QuantizeSettings::default())?;
    IntegerBank::new(network, calibration)
}

/// A sequence of numbers of about unit variance, or of rows of the table that the network begins with.
fn noise(network: &Network, frames: usize) -> Sequence {
    let rows = network.description().reads_tokens().then(|| network.workload().sites[0].inputs as u64);
    let mut state = 1_u64;
    let mut value = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bits = state >> 40;
        // Uniform over ±√3.
        rows.map_or(3.46 * (bits as f32 / (1 << 24) as f32 - 0.5), |rows| (bits % rows) as f32)
    };
    let dim = network.inputs();
    let values = (0..frames * dim).map(|_| value()).collect();
    Sequence {
        id: "noise".to_owned(),
        speaker: String::new(),
        features: Features { dim, values },
        labels: vec![0; frames],
        reference: Vec::new(),
        targets: Vec::new(),
    }
}

/// The codes that an engine of `bank` reads for [`noise`].
fn codes(bank: &IntegerBank<'_>, timing: &Timing) -> Vec<i16> {
    noise(bank.network(), timing.frames).features.values.iter().map(|&x| bank.input().code(x).code).collect()
}
