//! Loops over matrices that are not products: vector code, spread over rows or columns.
//!
//! Work is cut by the shape alone, and sums run in an order that the shape alone decides, so the number of threads
//! changes no bit.

use crate::tensor::{Matrix, Real, vectorized};
use rayon::prelude::*;

/// Rows a task takes.
const TASK_ROWS: usize = 32;

/// Columns a task takes where it runs down the rows.
const TASK_COLS: usize = 128;

/// Partial sums of a [`sum`], enough to fill two vectors of the widest kind in use.
const LANES: usize = 16;

/// Runs `work` on the rows of `matrix`, each with its index; what `work` inlines becomes vector code.
pub(super) fn for_rows<T: Real>(matrix: &mut Matrix<T>, work: impl Fn(usize, &mut [T]) + Sync) {
    let mut nothing = vec![(); matrix.rows()];
    for_rows_with(
        matrix,
        &mut nothing,
        #[inline(always)]
        |index, row, ()| work(index, row),
    );
}

/// The same with something to write for every row.
pub(super) fn for_rows_with<T: Real, R: Send>(
    matrix: &mut Matrix<T>,
    results: &mut [R],
    work: impl Fn(usize, &mut [T], &mut R) + Sync,
) {
    let width = matrix.cols();
    if width == 0 {
        return;
    }
    let tasks = matrix.data_mut().par_chunks_mut(TASK_ROWS * width).zip(results.par_chunks_mut(TASK_ROWS));
    tasks.enumerate().for_each(|(task, (rows, results))| {
        vectorized(
            #[inline(always)]
            || {
                for (index, (row, result)) in rows.chunks_exact_mut(width).zip(&mut *results).enumerate() {
                    work(task * TASK_ROWS + index, row, result);
                }
            },
        );
    });
}

/// Adds `addend` to every row.
pub(super) fn add_to_rows<T: Real>(matrix: &mut Matrix<T>, addend: &[T]) {
    for_rows(
        matrix,
        #[inline(always)]
        |_, row| row.iter_mut().zip(addend).for_each(|(x, &a)| *x += a),
    );
}

/// Sums every column of `rows`, `[rows, width]`, in the order of rows.
pub(super) fn sum_of_rows<T: Real>(width: usize, rows: &[T], sums: &mut [T]) {
    assert_eq!(sums.len(), width, "one sum a column");
    sums.par_chunks_mut(TASK_COLS).enumerate().for_each(|(task, sums)| {
        vectorized(
            #[inline(always)]
            || {
                sums.fill(T::ZERO);
                for row in rows.chunks_exact(width) {
                    let part = &row[task * TASK_COLS..][..sums.len()];
                    sums.iter_mut().zip(part).for_each(|(sum, &x)| *sum += x);
                }
            },
        );
    });
}

/// Largest element, −∞ of none.
#[inline(always)]
pub(super) fn largest<T: Real>(row: &[T]) -> T {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut lanes = [T::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = if x > *lane { x } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(T::NEG_INFINITY, |largest, &x| if x > largest { x } else { largest })
}

/// Replaces every x by e^(x − shift) and returns their sum.
#[inline(always)]
pub(super) fn exponentials<T: Real>(row: &mut [T], shift: T) -> T {
    let (chunks, rest) = row.as_chunks_mut::<LANES>();
    let mut lanes = [T::ZERO; LANES];
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *x = (*x - shift).exp();
            *lane += *x;
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *x = (*x - shift).exp();
        *lane += *x;
    }
    lanes.into_iter().sum()
}

/// ln Σ e^x of a row, which stays as it is.
#[inline(always)]
pub(super) fn log_sum_exp<T: Real>(row: &[T]) -> T {
    let shift = largest(row);
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut lanes = [T::ZERO; LANES];
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += (x - shift).exp();
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += (x - shift).exp();
    }
    shift + lanes.into_iter().sum::<T>().ln()
}

/// Turns each row of logits into log-probabilities.
pub fn log_softmax<T: Real>(logits: &mut Matrix<T>) {
    for_rows(
        logits,
        #[inline(always)]
        |_, row| {
            let shift = log_sum_exp(row);
            row.iter_mut().for_each(|x| *x -= shift);
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_probabilities_agree_with_the_definition_at_every_length() {
        for width in [1, 2, 15, 16, 17, 33, 48, 1904] {
            let value = |i: usize| (i * 37 % 101) as f64 * 0.17 - 8.0;
            let logits: Vec<f64> = (0..2 * width).map(value).collect();
            let mut got = Matrix::from_rows(2, width, logits.iter().map(|&x| x as f32).collect());
            log_softmax(&mut got);
            for (row, logits) in got.data().chunks(width).zip(logits.chunks(width)) {
                let sum: f64 = logits.iter().map(|&x| libm::exp(x)).sum();
                for (&got, &x) in row.iter().zip(logits) {
                    let want = x - libm::log(sum);
                    assert!((f64::from(got) - want).abs() < 4e-6 * (1.0 + want.abs()), "{got} instead of {want}");
                }
            }
        }
    }

    #[test]
    fn log_probabilities_survive_large_logits() {
        let mut logits = Matrix::from_rows(1, 3, vec![1e30_f32, 0.0, -1e30]);
        log_softmax(&mut logits);
        assert_eq!(logits.data()[0], 0.0);
        assert_eq!(logits.data()[1..], [-1e30, -2e30]);
    }

    #[test]
    fn columns_are_summed_over_every_row() {
        for [rows, cols] in [[0, 3], [1, 1], [3, 127], [70, 300]] {
            let matrix = Matrix::from_rows(rows, cols, (0..rows * cols).map(|i| (i % 19) as f32).collect());
            let mut sums = vec![f32::NAN; cols];
            sum_of_rows(cols, matrix.data(), &mut sums);
            for (j, &sum) in sums.iter().enumerate() {
                assert_eq!(sum, (0..rows).map(|i| matrix.row(i)[j]).sum::<f32>());
            }
        }
    }
}
