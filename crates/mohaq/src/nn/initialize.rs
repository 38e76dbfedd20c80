//! Where training starts.
//!
//! Simple recurrent units as published (Lei et al. 2018, §3.2): uniform with unit variance of the products over inputs
//! of unit variance, the gates' matrices and vectors smaller by √½, the skip matrix larger by the highway's scale, and
//! the reset gate's bias at the highway bias. Everything else as PyTorch does: uniform within 1/√inputs, for other cells
//! within 1/√hidden; but for the forget gates of an LSTM, which start open, and tables, whose numbers have unit variance.

use super::{Cell, Conv1d, Layer, LayerDescription, Linear, Network, Recurrent};
use crate::tensor::{Matrix, Real};
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
                let factors = [1.0, 0.5_f64.sqrt(), 0.5_f64.sqrt(), sru.scale.to_f64()];
                for product in &mut sru.products {
                    let bound = unit_variance(product.weight.rows());
                    fill(product.weight.data_mut(), bound);
                    let matrices = factors[product.gates.clone()].iter().cycle();
                    for (matrix, &factor) in product.weight.data_mut().chunks_mut(sru.hidden).zip(matrices) {
                        matrix.iter_mut().for_each(|w| *w *= T::from_f64(factor));
                    }
                }
                fill(sru.vectors.data_mut(), 1.5_f64.sqrt());
                sru.bias.row_mut(0).fill(T::ZERO);
                sru.bias.row_mut(1).fill(T::from_f64(description.highway_bias));
            }
            (Layer::Recurrent(recurrent), _) => {
                let bound = 1.0 / (recurrent.shape.hidden as f64).sqrt();
                for matrix in recurrent_matrices(recurrent) {
                    fill(matrix.data_mut(), bound);
                }
                open_forget_gates(recurrent);
            }
            (Layer::Linear(Linear { weight, bias, .. }) | Layer::Conv1d(Conv1d { weight, bias, .. }), _) => {
                let bound = 1.0 / (weight.rows() as f64).sqrt();
                fill(weight.data_mut(), bound);
                fill(bias.data_mut(), bound);
            }
            (Layer::Embedding(embedding), _) => fill(embedding.weight.data_mut(), 3_f64.sqrt()),
            (Layer::Sru(_) | Layer::LayerNorm(_) | Layer::Pointwise(_), _) => {}
        }
    }
}

/// All that starts at random.
fn recurrent_matrices<T: Real>(recurrent: &mut Recurrent<T>) -> Vec<&mut Matrix<T>> {
    let products = recurrent.input.iter_mut().chain(&mut recurrent.recurrent).map(|product| &mut product.weight);
    let projection = recurrent.projection.iter_mut().map(|(_, matrix)| matrix);
    let vectors = [&mut recurrent.recurrent_bias, &mut recurrent.peepholes];
    products.chain(projection).chain(&mut recurrent.bias).chain(vectors).collect()
}

/// Adds 1 to the biases of an LSTM's forget gates, so that it remembers before it has learned what (Jozefowicz et al. 2015).
fn open_forget_gates<T: Real>(recurrent: &mut Recurrent<T>) {
    let Cell::Lstm { coupled: false, .. } = recurrent.cell() else { return };
    let hidden = recurrent.shape.hidden;
    for (product, bias) in recurrent.input.iter().zip(&mut recurrent.bias) {
        for (part, values) in bias.data_mut().chunks_mut(hidden).enumerate() {
            if product.gates.start + part % product.gates.len() == 1 {
                values.iter_mut().for_each(|x| *x += T::ONE);
            }
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
