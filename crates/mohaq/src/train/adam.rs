//! The optimiser.

use crate::nn::{Gradients, Network};
use crate::tensor::{Matrix, vectorized};
use rayon::prelude::*;

/// Decay of the first moment, of the second, and the term that keeps the quotient finite: Kingma & Ba 2015, and
/// PyTorch's defaults.
const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Elements a task takes.
const TASK: usize = 8192;

/// Partial sums of a norm.
const LANES: usize = 8;

/// Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019).
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    /// Steps taken.
    pub(super) steps: u64,
    /// First moments, in the order of [`Network::parameters`].
    pub(super) first: Vec<Matrix>,
    /// Second moments.
    pub(super) second: Vec<Matrix>,
}

/// What a step multiplies by.
#[derive(Clone, Copy)]
struct Factors {
    gradient: f32,
    /// Learning rate over the first moment's bias.
    rate: f32,
    /// 1 over the root of the second moment's bias.
    root: f32,
    /// What is left of a weight.
    keep: f32,
}

impl Adam {
    /// Before the first step.
    pub fn new(network: &Network) -> Self {
        Self::over(network.parameters().iter().map(|parameter| parameter.values))
    }

    /// Before the first step of a training of `parameters`.
    pub(super) fn over<'a>(parameters: impl Iterator<Item = &'a Matrix>) -> Self {
        let moments: Vec<_> = parameters.map(|values| Matrix::zeros(values.rows(), values.cols())).collect();
        Self { steps: 0, first: moments.clone(), second: moments }
    }

    /// Moves `network` against `scale · gradients`.
    ///
    /// # Panics
    /// Where the gradients are of another network.
    pub fn step(
        &mut self,
        network: &mut Network,
        gradients: &Gradients,
        scale: f64,
        learning_rate: f64,
        weight_decay: f64,
    ) {
        let parameters = network.parameters_mut().into_iter().map(|parameter| parameter.values).collect();
        self.step_all(parameters, gradients.matrices().iter(), scale, [learning_rate, weight_decay]);
    }

    /// Moves `parameters` against `scale · gradients`, one each.
    pub(super) fn step_all<'a>(
        &mut self,
        parameters: Vec<&mut Matrix>,
        gradients: impl ExactSizeIterator<Item = &'a Matrix>,
        scale: f64,
        [learning_rate, weight_decay]: [f64; 2],
    ) {
        self.steps += 1;
        let steps = self.steps as f64;
        let factors = Factors {
            gradient: scale as f32,
            rate: (learning_rate / (1.0 - libm::pow(BETA_1, steps))) as f32,
            root: (1.0 / (1.0 - libm::pow(BETA_2, steps)).sqrt()) as f32,
            keep: (1.0 - learning_rate * weight_decay) as f32,
        };
        assert_eq!(parameters.len(), gradients.len(), "gradients of another network");
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((values, gradient), (first, second)) in parameters.into_iter().zip(gradients).zip(moments) {
            // Vectors and biases are few and keep their size.
            let keep = if values.rows() > 2 { factors.keep } else { 1.0 };
            let factors = Factors { keep, ..factors };
            let values = values.data_mut().par_chunks_mut(TASK);
            let moments = first.data_mut().par_chunks_mut(TASK).zip(second.data_mut().par_chunks_mut(TASK));
            values.zip(gradient.data().par_chunks(TASK)).zip(moments).for_each(
                |((values, gradient), (first, second))| {
                    vectorized(
                        #[inline(always)]
                        || update(values, gradient, first, second, factors),
                    );
                },
            );
        }
    }
}

#[inline(always)]
fn update(values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], factors: Factors) {
    let (beta_1, beta_2, epsilon) = (BETA_1 as f32, BETA_2 as f32, EPSILON as f32);
    for (((value, &g), m), v) in values.iter_mut().zip(gradient).zip(first).zip(second) {
        let g = factors.gradient * g;
        *m = (1.0 - beta_1).mul_add(g, beta_1 * *m);
        *v = (1.0 - beta_2).mul_add(g * g, beta_2 * *v);
        *value = factors.keep * *value - factors.rate * *m / factors.root.mul_add(v.sqrt(), epsilon);
    }
}

/// Euclidean norm of all gradients together.
pub(super) fn norm(gradients: &Gradients) -> f64 {
    let squares = |matrix: &Matrix| -> f64 {
        let parts: Vec<f64> = matrix.data().par_chunks(TASK).map(sum_of_squares).collect();
        parts.iter().sum()
    };
    gradients.matrices().iter().map(squares).sum::<f64>().sqrt()
}

fn sum_of_squares(values: &[f32]) -> f64 {
    vectorized(
        #[inline(always)]
        || {
            let (chunks, rest) = values.as_chunks::<LANES>();
            let mut lanes = [0.0_f64; LANES];
            for chunk in chunks {
                lanes.iter_mut().zip(chunk).for_each(|(lane, &x)| *lane += f64::from(x) * f64::from(x));
            }
            lanes.iter_mut().zip(rest).for_each(|(lane, &x)| *lane += f64::from(x) * f64::from(x));
            lanes.iter().sum()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::NetworkDescription;

    fn network() -> Network {
        let text = "input = 3\n[[layers]]\nkind = \"linear\"\noutputs = 2";
        Network::new(&NetworkDescription::from_toml(text).expect("valid"), 1).expect("valid")
    }

    fn gradients(network: &Network, value: f32) -> Gradients {
        let mut gradients = Gradients::zeros(network);
        gradients.matrices_mut().iter_mut().for_each(|matrix| matrix.data_mut().fill(value));
        gradients
    }

    /// The equations of Kingma & Ba, algorithm 1, one number at a time in `f64`.
    #[test]
    fn steps_follow_the_published_equations() {
        let mut trained = network();
        let mut adam = Adam::new(&trained);
        let start = f64::from(trained.parameters()[0].values.data()[0]);
        let (mut value, mut m, mut v) = (start, 0.0, 0.0);
        for (step, g) in [0.5_f64, -0.25, 0.125, 3.0].into_iter().enumerate() {
            let gradients = gradients(&trained, g as f32);
            adam.step(&mut trained, &gradients, 1.0, 1e-2, 0.1);
            let t = (step + 1) as i32;
            (m, v) = (0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g);
            let (m_hat, v_hat) = (m / (1.0 - 0.9_f64.powi(t)), v / (1.0 - 0.999_f64.powi(t)));
            value -= 1e-2 * (m_hat / (v_hat.sqrt() + 1e-8) + 0.1 * value);
        }
        let got = f64::from(trained.parameters()[0].values.data()[0]);
        assert!((got - value).abs() < 1e-6, "{got} instead of {value} from {start}");
    }

    #[test]
    fn the_norm_is_euclidean_over_all_parameters() {
        // 3 · 2 weights and 2 biases of 0.5: √(8 / 4).
        let network = network();
        assert_eq!(norm(&gradients(&network, 0.5)), 2.0_f64.sqrt());
    }
}
