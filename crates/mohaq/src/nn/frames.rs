//! Layers that see each frame, or a few around it: convolution, table and normalisation, forwards and backwards.

use super::elementwise::{for_rows, for_rows_with, sum_of_rows};
use super::product::{Back, Hooked, SiteBack, stop, traced};
use super::{Conv1d, Conv1dDescription, Embedding, LayerNorm, SiteOps, Workspace};
use crate::tensor::{Matrix, Real, Store};

/// Added to the variance of a frame before its root is taken: PyTorch's default.
pub const EPSILON: f64 = 1e-5;

impl Conv1dDescription {
    /// First frame of each sequence that comes out, and the number of frames.
    pub(super) fn starts(&self, starts: &[usize]) -> Vec<usize> {
        let lengths = starts.windows(2).map(|ends| self.frames(ends[1] - ends[0]));
        std::iter::once(0)
            .chain(lengths.scan(0, |end, length| {
                *end += length;
                Some(*end)
            }))
            .collect()
    }

    /// Calls `work` for every place of every window that a frame of the input lies in: frame of the output, place, frame of
    /// the input.
    fn for_places(&self, starts: &[usize], mut work: impl FnMut(usize, usize, usize)) {
        let mut output = 0;
        for ends in starts.windows(2) {
            let frames = ends[1] - ends[0];
            for step in 0..self.frames(frames) {
                for place in 0..self.kernel {
                    let frame = (step * self.stride + place).checked_sub(self.padding[0]);
                    if let Some(frame) = frame.filter(|&frame| frame < frames) {
                        work(output, place, ends[0] + frame);
                    }
                }
                output += 1;
            }
        }
    }
}

impl<T: Real> Conv1d<T> {
    /// `[frames, kernel · inputs]`: what every frame of the output sees, zeros beyond the ends.
    fn windows(&self, input: &Matrix<T>, starts: &[usize], workspace: &mut Workspace<T>) -> Matrix<T> {
        let width = input.cols();
        let frames = *self.shape.starts(starts).last().expect("starts end with the number of frames");
        let mut windows = workspace.take(frames, self.shape.kernel * width);
        windows.data_mut().fill(T::ZERO);
        self.shape.for_places(starts, |output, place, frame| {
            windows.row_mut(output)[place * width..][..width].copy_from_slice(input.row(frame));
        });
        windows
    }

    /// y, and what hooks did.
    pub(super) fn forward(
        &self,
        input: &Matrix<T>,
        starts: &[usize],
        ops: &impl SiteOps<T>,
        workspace: &mut Workspace<T>,
    ) -> (Matrix<T>, Hooked<T>) {
        let windows = self.windows(input, starts, workspace);
        let result = traced(self.site, &windows, self.weight.view(), self.bias.data(), ops, workspace);
        workspace.give(windows);
        result
    }

    pub(super) fn backward<O: SiteOps<T>>(
        &self,
        hooked: Hooked<T>,
        mut gradient: Matrix<T>,
        gradients: &mut [Matrix<T>],
        back: &mut Back<'_, T, O>,
    ) -> Option<Matrix<T>> {
        let [weight_gradient, bias_gradient] = gradients else { panic!("gradients of another network") };
        stop(&mut gradient, &hooked.saturated);
        sum_of_rows(gradient.cols(), gradient.data(), bias_gradient.data_mut());
        let windows = self.windows(back.input, back.starts, back.workspace);
        let mut of_windows = back.wanted.then(|| back.workspace.take(windows.rows(), windows.cols()));
        let into = of_windows.as_mut().map(|of_windows| (Store::Overwrite, of_windows));
        let site = SiteBack { site: self.site, input: &windows, hooked, weight: self.weight.view() };
        back.product(site, &gradient, weight_gradient, into);
        let inputs = of_windows.map(|of_windows| {
            let mut inputs = back.workspace.take(back.input.rows(), back.input.cols());
            inputs.data_mut().fill(T::ZERO);
            let width = inputs.cols();
            self.shape.for_places(back.starts, |output, place, frame| {
                let part = &of_windows.row(output)[place * width..][..width];
                inputs.row_mut(frame).iter_mut().zip(part).for_each(|(x, &d)| *x += d);
            });
            back.workspace.give(of_windows);
            inputs
        });
        [windows, gradient].into_iter().for_each(|matrix| back.workspace.give(matrix));
        inputs
    }
}

impl<T: Real> Embedding<T> {
    /// The row that a frame asks for.
    ///
    /// # Panics
    /// Where there is no such row: data are checked against the network before they meet it.
    fn row(&self, token: T) -> usize {
        let row = token.to_f64();
        let last = self.weight.rows() - 1;
        assert!(row >= 0.0 && row <= last as f64 && row.fract() == 0.0, "token {row}, expected 0 to {last}");
        row as usize
    }

    /// The rows, and which of their numbers saturated.
    pub(super) fn forward(
        &self,
        input: &Matrix<T>,
        ops: &impl SiteOps<T>,
        workspace: &mut Workspace<T>,
    ) -> (Matrix<T>, Hooked<T>) {
        let mut output = workspace.take(input.rows(), self.weight.cols());
        for (frame, &token) in input.data().iter().enumerate() {
            output.row_mut(frame).copy_from_slice(self.weight.row(self.row(token)));
        }
        let saturated = ops.output(self.site, &mut output);
        (output, Hooked { input: None, saturated })
    }

    pub(super) fn backward<O: SiteOps<T>>(
        &self,
        hooked: &Hooked<T>,
        mut gradient: Matrix<T>,
        gradients: &mut [Matrix<T>],
        back: &mut Back<'_, T, O>,
    ) {
        let [of_weight] = gradients else { panic!("gradients of another network") };
        stop(&mut gradient, &hooked.saturated);
        of_weight.data_mut().fill(T::ZERO);
        for (frame, &token) in back.input.data().iter().enumerate() {
            let row = of_weight.row_mut(self.row(token)).iter_mut();
            row.zip(gradient.row(frame)).for_each(|(x, &d)| *x += d);
        }
        back.workspace.give(gradient);
    }
}

impl<T: Real> LayerNorm<T> {
    /// Brings every frame to mean 0 and variance 1, scales and moves it.
    pub(super) fn apply(&self, values: &mut Matrix<T>) {
        for_rows(
            values,
            #[inline(always)]
            |_, row| {
                normalise(row);
                let affine = self.gain.data().iter().zip(self.bias.data());
                row.iter_mut().zip(affine).for_each(|(x, (&gain, &bias))| *x = gain.mul_add(*x, bias));
            },
        );
    }

    /// The gradient of the input.
    pub(super) fn backward<O: SiteOps<T>>(
        &self,
        mut gradient: Matrix<T>,
        gradients: &mut [Matrix<T>],
        back: &mut Back<'_, T, O>,
    ) -> Matrix<T> {
        let [gain_gradient, bias_gradient] = gradients else { panic!("gradients of another network") };
        sum_of_rows(gradient.cols(), gradient.data(), bias_gradient.data_mut());
        let mut normal = back.workspace.take(gradient.rows(), gradient.cols());
        normal.data_mut().copy_from_slice(back.input.data());
        let mut roots = vec![T::ZERO; normal.rows()];
        for_rows_with(
            &mut normal,
            &mut roots,
            #[inline(always)]
            |_, row, root| *root = normalise(row),
        );
        // x̂ times its gradient, whose columns sum to the gradient of the gain.
        let mut products = back.workspace.take(gradient.rows(), gradient.cols());
        for_rows(
            &mut products,
            #[inline(always)]
            |frame, row| {
                let factors = normal.row(frame).iter().zip(gradient.row(frame));
                row.iter_mut().zip(factors).for_each(|(x, (&n, &d))| *x = n * d);
            },
        );
        sum_of_rows(products.cols(), products.data(), gain_gradient.data_mut());
        for_rows(
            &mut gradient,
            #[inline(always)]
            |frame, row| {
                row.iter_mut().zip(self.gain.data()).for_each(|(d, &gain)| *d *= gain);
                let share = T::ONE / T::from_f64(row.len() as f64);
                let mean: T = share * row.iter().copied().sum::<T>();
                let along: T = share * row.iter().zip(normal.row(frame)).map(|(&d, &n)| d * n).sum::<T>();
                let terms = row.iter_mut().zip(normal.row(frame));
                terms.for_each(|(d, &n)| *d = (*d - mean - n * along) * roots[frame]);
            },
        );
        [normal, products].into_iter().for_each(|matrix| back.workspace.give(matrix));
        gradient
    }
}

/// Brings a row to mean 0 and variance 1 and returns 1 / √(variance + ε) of what it was.
#[inline(always)]
fn normalise<T: Real>(row: &mut [T]) -> T {
    let share = T::ONE / T::from_f64(row.len() as f64);
    let mean = share * row.iter().copied().sum::<T>();
    row.iter_mut().for_each(|x| *x -= mean);
    let variance = share * row.iter().map(|&x| x * x).sum::<T>();
    let root = T::ONE / (variance + T::from_f64(EPSILON)).sqrt();
    row.iter_mut().for_each(|x| *x *= root);
    root
}
