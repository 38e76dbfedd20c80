//! The recurrence of simple recurrent units, forwards and backwards: all that is not a matrix product.
//!
//! A (sequence, direction) is one task that owns its pieces of every row; the loop over its units is vector code.

use super::{Skip, Sru};
use crate::tensor::{Matrix, Real, vectorized};
use rayon::prelude::*;

/// What the cells of one direction share.
struct Direction<'a, T> {
    /// Factor of the highway: s for [`Skip::Identity`], else 1.
    scale: T,
    forget_vector: &'a [T],
    reset_vector: &'a [T],
    forget_bias: &'a [T],
    reset_bias: &'a [T],
}

/// One frame on the way back.
struct FrameBack<'a, T> {
    /// c_{t-1}.
    before: &'a [T],
    /// c_t.
    after: &'a [T],
    /// U0, U1, U2; becomes their gradient.
    products: &'a mut [T],
    /// What the highway carries, before it is scaled.
    highway: &'a [T],
    /// Of h; becomes that of `highway`.
    gradient: &'a mut [T],
}

impl<T: Real> Sru<T> {
    /// Computes h of all sequences.
    ///
    /// `products`: U, `[frames, directions · k · hidden]`; `input`: x, `[frames, inputs]`, read where the skip is the
    /// identity; `starts` as in [`Batch`](super::Batch); `outputs`: h, `[frames, directions · hidden]`. Where `states`
    /// is given, every c_t is written there, in the shape of `outputs`.
    pub(super) fn recur(
        &self,
        products: &Matrix<T>,
        input: &Matrix<T>,
        starts: &[usize],
        outputs: &mut Matrix<T>,
        states: Option<&mut Matrix<T>>,
    ) {
        let outputs = self.pieces(outputs, starts);
        let states = match states {
            Some(states) => self.pieces(states, starts),
            None => outputs.iter().map(|_| Vec::new()).collect(),
        };
        let width = self.skip.matrices() * self.hidden;
        outputs.into_par_iter().zip(states).enumerate().for_each(|(task, (mut outputs, mut states))| {
            let (start, direction) = (starts[task / self.directions], task % self.directions);
            vectorized(
                #[inline(always)]
                || {
                    let cells = self.direction(direction);
                    let zeros = vec![T::ZERO; self.hidden];
                    let mut state = zeros.clone();
                    for t in in_time(outputs.len(), direction) {
                        let products = &products.row(start + t)[direction * width..][..width];
                        let highway = match self.skip {
                            Skip::None => &zeros,
                            Skip::Identity => &input.row(start + t)[direction * self.hidden..],
                            Skip::Matrix => &products[3 * self.hidden..],
                        };
                        cells.step(products, highway, &mut state, outputs[t]);
                        if let Some(kept) = states.get_mut(t) {
                            kept.copy_from_slice(&state);
                        }
                    }
                },
            );
        });
    }

    /// The gradients of [`recur`](Self::recur).
    ///
    /// `products` holds U and becomes its gradient. `gradient` holds that of h; where the skip is the identity it
    /// becomes that of x through the highway, else it holds nothing of use. `vectors` and `bias`, `[2, directions ·
    /// hidden]`, receive the gradients of the recurrent parameters.
    pub(super) fn recur_back(
        &self,
        products: &mut Matrix<T>,
        input: &Matrix<T>,
        states: &Matrix<T>,
        starts: &[usize],
        gradient: &mut Matrix<T>,
        [vectors, bias]: [&mut Matrix<T>; 2],
    ) {
        let products = self.pieces(products, starts);
        let gradient = self.pieces(gradient, starts);
        let sums: Vec<Vec<T>> = products
            .into_par_iter()
            .zip(gradient)
            .enumerate()
            .map(|(task, (mut products, mut gradient))| {
                let (start, direction) = (starts[task / self.directions], task % self.directions);
                vectorized(
                    #[inline(always)]
                    || self.task_back(start, direction, &mut products, input, states, &mut gradient),
                )
            })
            .collect();
        vectors.data_mut().fill(T::ZERO);
        bias.data_mut().fill(T::ZERO);
        for (task, sums) in sums.iter().enumerate() {
            let first = task % self.directions * self.hidden;
            for (part, sums) in sums.chunks_exact(self.hidden).enumerate() {
                let matrix = if part < 2 { &mut *vectors } else { &mut *bias };
                let target = &mut matrix.row_mut(part % 2)[first..][..self.hidden];
                target.iter_mut().zip(sums).for_each(|(target, &sum)| *target += sum);
            }
        }
    }

    /// One sequence and direction of [`recur_back`](Self::recur_back). Returns the gradients of its recurrent
    /// parameters, `[4, hidden]`: forget vector, reset vector, forget bias, reset bias.
    #[inline(always)]
    fn task_back(
        &self,
        start: usize,
        direction: usize,
        products: &mut [&mut [T]],
        input: &Matrix<T>,
        states: &Matrix<T>,
        gradient: &mut [&mut [T]],
    ) -> Vec<T> {
        let cells = self.direction(direction);
        let part = |matrix: &'_ Matrix<T>, t: usize| (start + t) * matrix.cols() + direction * self.hidden;
        let zeros = vec![T::ZERO; self.hidden];
        let mut state_gradient = zeros.clone();
        let mut sums = vec![T::ZERO; 4 * self.hidden];
        let mut time = in_time(products.len(), direction).rev().peekable();
        while let Some(t) = time.next() {
            let (products, skip_products) = products[t].split_at_mut(3 * self.hidden);
            let frame = FrameBack {
                before: time.peek().map_or(&zeros, |&before| &states.data()[part(states, before)..]),
                after: &states.data()[part(states, t)..],
                highway: match self.skip {
                    Skip::None => &zeros,
                    Skip::Identity => &input.data()[part(input, t)..],
                    Skip::Matrix => &*skip_products,
                },
                products,
                gradient: gradient[t],
            };
            cells.step_back(frame, &mut state_gradient, &mut sums);
            if self.skip == Skip::Matrix {
                skip_products.copy_from_slice(gradient[t]);
            }
        }
        sums
    }

    /// The rows of `matrix` cut among tasks: for each sequence and direction its pieces, in the order of frames.
    fn pieces<'a>(&self, matrix: &'a mut Matrix<T>, starts: &[usize]) -> Vec<Vec<&'a mut [T]>> {
        let width = matrix.cols() / self.directions;
        let mut pieces = matrix.data_mut().chunks_exact_mut(width);
        let mut tasks = Vec::with_capacity((starts.len() - 1) * self.directions);
        for ends in starts.windows(2) {
            let frames = ends[1] - ends[0];
            let first = tasks.len();
            tasks.resize_with(first + self.directions, || Vec::with_capacity(frames));
            for _ in 0..frames {
                tasks[first..].iter_mut().zip(&mut pieces).for_each(|(task, piece)| task.push(piece));
            }
        }
        tasks
    }

    #[inline(always)]
    fn direction(&self, direction: usize) -> Direction<'_, T> {
        let part = direction * self.hidden..(direction + 1) * self.hidden;
        Direction {
            scale: if self.skip == Skip::Identity { self.scale } else { T::ONE },
            forget_vector: &self.vectors.row(0)[part.clone()],
            reset_vector: &self.vectors.row(1)[part.clone()],
            forget_bias: &self.bias.row(0)[part.clone()],
            reset_bias: &self.bias.row(1)[part],
        }
    }
}

/// The frames of a sequence in the order in which a direction meets them.
fn in_time(frames: usize, direction: usize) -> impl DoubleEndedIterator<Item = usize> {
    (0..frames).map(move |step| if direction == 0 { step } else { frames - 1 - step })
}

// In both loops the lengths are said once in front, so that none of the indices is checked inside.
impl<T: Real> Direction<'_, T> {
    /// One frame: the state goes from c_{t-1} to c_t, and h_t is written to `output`.
    #[inline(always)]
    fn step(&self, products: &[T], highway: &[T], state: &mut [T], output: &mut [T]) {
        let n = output.len();
        let (candidate, forget, reset) = (&products[..n], &products[n..2 * n], &products[2 * n..3 * n]);
        let (forget_vector, reset_vector) = (&self.forget_vector[..n], &self.reset_vector[..n]);
        let (forget_bias, reset_bias) = (&self.forget_bias[..n], &self.reset_bias[..n]);
        let (highway, state) = (&highway[..n], &mut state[..n]);
        for j in 0..n {
            let c = state[j];
            let f = (forget_vector[j].mul_add(c, forget[j]) + forget_bias[j]).sigmoid();
            let r = (reset_vector[j].mul_add(c, reset[j]) + reset_bias[j]).sigmoid();
            let c = f.mul_add(c - candidate[j], candidate[j]);
            let x = self.scale * highway[j];
            state[j] = c;
            output[j] = r.mul_add(c - x, x);
        }
    }

    /// One frame backwards: the gates are computed again, which is cheaper than to keep them. The gradient of the state
    /// goes from that of c_t by later frames to that of c_{t-1}.
    #[inline(always)]
    fn step_back(&self, frame: FrameBack<'_, T>, state_gradient: &mut [T], sums: &mut [T]) {
        let FrameBack { before, after, products, highway, gradient } = frame;
        let n = gradient.len();
        let (candidate, gates) = products.split_at_mut(n);
        let (forget, reset) = gates.split_at_mut(n);
        let (candidate, forget, reset) = (&mut candidate[..n], &mut forget[..n], &mut reset[..n]);
        let (before, after, highway) = (&before[..n], &after[..n], &highway[..n]);
        let (forget_vector, reset_vector) = (&self.forget_vector[..n], &self.reset_vector[..n]);
        let (forget_bias, reset_bias) = (&self.forget_bias[..n], &self.reset_bias[..n]);
        let state_gradient = &mut state_gradient[..n];
        let (vector_sums, bias_sums) = sums.split_at_mut(2 * n);
        let (forget_vector_sum, reset_vector_sum) = vector_sums.split_at_mut(n);
        let (forget_bias_sum, reset_bias_sum) = bias_sums.split_at_mut(n);
        let (forget_vector_sum, reset_vector_sum) = (&mut forget_vector_sum[..n], &mut reset_vector_sum[..n]);
        let (forget_bias_sum, reset_bias_sum) = (&mut forget_bias_sum[..n], &mut reset_bias_sum[..n]);
        for j in 0..n {
            let (c, g, x) = (before[j], gradient[j], self.scale * highway[j]);
            let f = (forget_vector[j].mul_add(c, forget[j]) + forget_bias[j]).sigmoid();
            let r = (reset_vector[j].mul_add(c, reset[j]) + reset_bias[j]).sigmoid();
            let d_c = g.mul_add(r, state_gradient[j]);
            let d_r = g * (after[j] - x) * r * (T::ONE - r);
            let d_f = d_c * (c - candidate[j]) * f * (T::ONE - f);
            gradient[j] = self.scale * g * (T::ONE - r);
            candidate[j] = d_c * (T::ONE - f);
            forget[j] = d_f;
            reset[j] = d_r;
            state_gradient[j] = d_c.mul_add(f, d_f.mul_add(forget_vector[j], d_r * reset_vector[j]));
            forget_vector_sum[j] = d_f.mul_add(c, forget_vector_sum[j]);
            reset_vector_sum[j] = d_r.mul_add(c, reset_vector_sum[j]);
            forget_bias_sum[j] += d_f;
            reset_bias_sum[j] += d_r;
        }
    }
}
