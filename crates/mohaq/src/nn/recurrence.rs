//! The recurrence of simple recurrent units: all that is not a matrix product.
//!
//! A (sequence, direction) is one task; the loop over its units is vector code.

use super::{Skip, Sru};
use crate::tensor::{Matrix, Real};
use pulp::Arch;
use rayon::prelude::*;

/// One direction of a layer's recurrent parameters.
struct Direction<'a, T> {
    skip: Skip,
    scale: T,
    forget_vector: &'a [T],
    reset_vector: &'a [T],
    forget_bias: &'a [T],
    reset_bias: &'a [T],
}

/// What enters the cells of one frame and direction.
struct Frame<'a, T> {
    candidate: &'a [T],
    forget: &'a [T],
    reset: &'a [T],
    /// Empty for [`Skip::None`].
    highway: &'a [T],
}

/// The rows of one sequence and direction that a task writes, in the order of time.
struct Task<'a, T> {
    /// First frame of the sequence in the batch.
    start: usize,
    direction: usize,
    outputs: Vec<&'a mut [T]>,
    /// Empty where the states are not kept.
    states: Vec<&'a mut [T]>,
}

impl<T: Real> Sru<T> {
    /// h of all sequences, `[frames, directions · hidden]`.
    ///
    /// `products`: U, `[frames, directions · k · hidden]`; `input`: x, `[frames, inputs]`, read where the skip is the
    /// identity; `starts` as in [`Batch`](super::Batch). Where `states` is given, every c_t is written there; it has
    /// the shape of the result.
    pub(super) fn recur(
        &self,
        products: &Matrix<T>,
        input: &Matrix<T>,
        starts: &[usize],
        states: Option<&mut Matrix<T>>,
    ) -> Matrix<T> {
        let mut outputs = Matrix::zeros(products.rows(), self.outputs());
        let tasks = self.tasks(&mut outputs, states, starts);
        tasks.into_par_iter().for_each(|task| {
            Arch::new().dispatch(
                #[inline(always)]
                || self.run(products, input, task),
            );
        });
        outputs
    }

    fn tasks<'a>(
        &self,
        outputs: &'a mut Matrix<T>,
        states: Option<&'a mut Matrix<T>>,
        starts: &[usize],
    ) -> Vec<Task<'a, T>> {
        let mut tasks: Vec<_> = starts
            .windows(2)
            .flat_map(|ends| (0..self.directions).map(|direction| (ends[0], direction)))
            .map(|(start, direction)| Task { start, direction, outputs: Vec::new(), states: Vec::new() })
            .collect();
        let sequence_of = |tasks: &mut Vec<Task<'a, T>>, matrix: &'a mut Matrix<T>, states: bool| {
            let mut rows = matrix.data_mut().chunks_mut(self.hidden);
            for (ends, tasks) in starts.windows(2).zip(tasks.chunks_mut(self.directions)) {
                for _ in ends[0]..ends[1] {
                    for (task, row) in tasks.iter_mut().zip(&mut rows) {
                        if states { task.states.push(row) } else { task.outputs.push(row) }
                    }
                }
            }
        };
        sequence_of(&mut tasks, outputs, false);
        if let Some(states) = states {
            sequence_of(&mut tasks, states, true);
        }
        tasks
    }

    /// The parameters of one direction.
    #[inline(always)]
    fn direction(&self, direction: usize) -> Direction<'_, T> {
        let part = |matrix: &'_ Matrix<T>, gate| -> std::ops::Range<usize> {
            let first = gate * matrix.cols() + direction * self.hidden;
            first..first + self.hidden
        };
        Direction {
            skip: self.skip,
            scale: self.scale,
            forget_vector: &self.vectors.data()[part(&self.vectors, 0)],
            reset_vector: &self.vectors.data()[part(&self.vectors, 1)],
            forget_bias: &self.bias.data()[part(&self.bias, 0)],
            reset_bias: &self.bias.data()[part(&self.bias, 1)],
        }
    }

    /// What enters the cells of frame `t` of the batch.
    #[inline(always)]
    fn frame<'a>(&self, products: &'a Matrix<T>, input: &'a Matrix<T>, t: usize, direction: usize) -> Frame<'a, T> {
        let hidden = self.hidden;
        let width = self.skip.matrices() * hidden;
        let products = &products.row(t)[direction * width..][..width];
        Frame {
            candidate: &products[..hidden],
            forget: &products[hidden..2 * hidden],
            reset: &products[2 * hidden..3 * hidden],
            highway: match self.skip {
                Skip::None => &[],
                Skip::Identity => &input.row(t)[direction * hidden..][..hidden],
                Skip::Matrix => &products[3 * hidden..],
            },
        }
    }

    #[inline(always)]
    fn run(&self, products: &Matrix<T>, input: &Matrix<T>, mut task: Task<'_, T>) {
        let direction = self.direction(task.direction);
        let frames = task.outputs.len();
        let mut state = vec![T::ZERO; self.hidden];
        for step in 0..frames {
            let t = if task.direction == 0 { step } else { frames - 1 - step };
            let frame = self.frame(products, input, task.start + t, task.direction);
            direction.step(&frame, &mut state, task.outputs[t]);
            if let Some(kept) = task.states.get_mut(t) {
                kept.copy_from_slice(&state);
            }
        }
    }
}

impl<T: Real> Direction<'_, T> {
    /// One frame of all units: the state goes from c_{t-1} to c_t.
    #[inline(always)]
    fn step(&self, frame: &Frame<'_, T>, state: &mut [T], output: &mut [T]) {
        match self.skip {
            Skip::None => self.step_with(frame, state, output, |_| T::ZERO),
            Skip::Identity => {
                let highway = &frame.highway[..output.len()];
                self.step_with(frame, state, output, |j| self.scale * highway[j]);
            }
            Skip::Matrix => {
                let highway = &frame.highway[..output.len()];
                self.step_with(frame, state, output, |j| highway[j]);
            }
        }
    }

    #[inline(always)]
    fn step_with(&self, frame: &Frame<'_, T>, state: &mut [T], output: &mut [T], highway: impl Fn(usize) -> T) {
        // Equal lengths, said once, so that the loop has no bounds to check.
        let n = output.len();
        let (candidate, forget, reset) = (&frame.candidate[..n], &frame.forget[..n], &frame.reset[..n]);
        let (forget_vector, reset_vector) = (&self.forget_vector[..n], &self.reset_vector[..n]);
        let (forget_bias, reset_bias) = (&self.forget_bias[..n], &self.reset_bias[..n]);
        let state = &mut state[..n];
        for j in 0..n {
            let c = state[j];
            let f = (forget_vector[j].mul_add(c, forget[j]) + forget_bias[j]).sigmoid();
            let r = (reset_vector[j].mul_add(c, reset[j]) + reset_bias[j]).sigmoid();
            let c = f.mul_add(c - candidate[j], candidate[j]);
            let x = highway(j);
            state[j] = c;
            output[j] = r.mul_add(c - x, x);
        }
    }
}
