//! Where training starts.
//!
//! Simple recurrent units as published (Lei et al. 2018, §3.2): uniform with unit variance of the products over inputs
//! of unit variance, the gates' matrices and vectors smaller by √½, the skip matrix larger by the highway's scale, and
//! the reset gate's bias at the highway bias. Linear layers as PyTorch does: uniform within 1/√inputs.

use super::{Layer, LayerDescription, Network};
use crate::tensor::Real;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Fills every parameter from a random stream of its own, so that a change in one layer leaves the others as they were.
pub(super) fn initialize<T: Real>(network: &mut Network<T>, seed: u64) {
    let mut stream = 0;
    let mut fill = |values: &mut [T], bound: f64| {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream);
        stream += 1;
        values.fill_with(|| T::from_f64(bound * symmetric(&mut random)));
    };
    let descriptions = network.description().layers.clone();
    for (layer, description) in network.layers_mut().iter_mut().zip(&descriptions) {
        match (layer, description) {
            (Layer::Sru(sru), LayerDescription::Sru(description)) => {
                if let Some((_, projection)) = &mut sru.projection {
                    let bound = unit_variance(projection.rows());
                    fill(projection.data_mut(), bound);
                }
                let bound = unit_variance(sru.weight.rows());
                fill(sru.weight.data_mut(), bound);
                let factors = [1.0, 0.5_f64.sqrt(), 0.5_f64.sqrt(), sru.scale.to_f64()];
                let matrices = factors.iter().take(sru.skip.matrices()).cycle();
                for (matrix, &factor) in sru.weight.data_mut().chunks_mut(sru.hidden).zip(matrices) {
                    matrix.iter_mut().for_each(|w| *w *= T::from_f64(factor));
                }
                fill(sru.vectors.data_mut(), 1.5_f64.sqrt());
                sru.bias.row_mut(0).fill(T::ZERO);
                sru.bias.row_mut(1).fill(T::from_f64(description.highway_bias));
            }
            (Layer::Linear(linear), _) => {
                let bound = 1.0 / (linear.weight.rows() as f64).sqrt();
                fill(linear.weight.data_mut(), bound);
                fill(linear.bias.data_mut(), bound);
            }
            _ => {}
        }
    }
}

/// Half the width of the uniform distribution whose products over `inputs` inputs of unit variance have unit variance.
fn unit_variance(inputs: usize) -> f64 {
    (3.0 / inputs as f64).sqrt()
}

/// Uniform in −1 … 1, ends excluded.
fn symmetric(random: &mut ChaCha8Rng) -> f64 {
    (f64::from(random.next_u32() >> 8) + 0.5) / f64::from(1_u32 << 23) - 1.0
}
