//! Symmetric positive definite systems by Cholesky's factorisation. Small and dense: a few hundred unknowns.

/// The lower triangle L of a symmetric positive definite matrix L·Lᵀ, row after row.
#[derive(Clone, Debug)]
pub(super) struct Cholesky {
    size: usize,
    rows: Vec<f64>,
}

impl Cholesky {
    /// Factorises the matrix whose lower triangle is that of `matrix`, `[size, size]` row-major; `None` where it is not
    /// positive definite.
    pub(super) fn new(mut matrix: Vec<f64>, size: usize) -> Option<Self> {
        for row in 0..size {
            for column in 0..=row {
                let (above, this) = matrix.split_at_mut(row * size);
                let products = |other: &[f64]| dot(&this[..column], &other[..column]);
                if column < row {
                    let other = &above[column * size..];
                    this[column] = (this[column] - products(other)) / other[column];
                } else {
                    let left = this[column] - dot(&this[..column], &this[..column]);
                    if left <= 0.0 || !left.is_finite() {
                        return None;
                    }
                    this[column] = left.sqrt();
                }
            }
        }
        Some(Self { size, rows: matrix })
    }

    /// Solves L·x = `right` in place.
    pub(super) fn forward(&self, right: &mut [f64]) {
        for row in 0..self.size {
            let of_row = &self.rows[row * self.size..];
            right[row] = (right[row] - dot(&of_row[..row], &right[..row])) / of_row[row];
        }
    }

    /// Solves L·Lᵀ·x = `right` in place.
    pub(super) fn solve(&self, right: &mut [f64]) {
        self.forward(right);
        for row in (0..self.size).rev() {
            let of_row = &self.rows[row * self.size..];
            right[row] /= of_row[row];
            let value = right[row];
            right[..row].iter_mut().zip(of_row).for_each(|(right, factor)| *right -= factor * value);
        }
    }

    /// The diagonal of the inverse.
    pub(super) fn inverse_diagonal(&self) -> Vec<f64> {
        let mut column = vec![0.0; self.size];
        let one = |index: usize| {
            column.fill(0.0);
            column[index] = 1.0;
            self.forward(&mut column);
            dot(&column, &column)
        };
        (0..self.size).map(one).collect()
    }
}

/// Four sums side by side, in an order that is the same everywhere.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (a_fours, a_rest) = a.as_chunks::<4>();
    let (b_fours, b_rest) = b.as_chunks::<4>();
    for (a, b) in a_fours.iter().zip(b_fours) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_solution_solves(values in prop::collection::vec(-1.0f64..1.0, 49), wanted in prop::collection::vec(-1.0f64..1.0, 7)) {
            // B·Bᵀ + I is positive definite, with a condition below 50.
            let entry = |row: usize, column: usize| {
                dot(&values[7 * row..7 * row + 7], &values[7 * column..7 * column + 7]) + f64::from(u8::from(row == column))
            };
            let matrix: Vec<f64> = (0..49).map(|index| entry(index / 7, index % 7)).collect();
            let mut right: Vec<f64> = matrix.chunks_exact(7).map(|row| dot(row, &wanted)).collect();
            let factor = Cholesky::new(matrix.clone(), 7).unwrap();
            factor.solve(&mut right);
            // Roundings to 2⁻⁵³ of numbers below 10, times the condition: far below 1e-11.
            prop_assert!(right.iter().zip(&wanted).all(|(got, wanted)| (got - wanted).abs() < 1e-11));
            for (index, diagonal) in factor.inverse_diagonal().into_iter().enumerate() {
                let mut unit = vec![0.0; 7];
                unit[index] = 1.0;
                factor.solve(&mut unit);
                prop_assert!((unit[index] - diagonal).abs() < 1e-11);
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        assert!(Cholesky::new(vec![1.0, 0.0, 2.0, 4.0], 2).is_none());
        assert!(Cholesky::new(vec![1.0, 0.0, 2.0, 4.1], 2).is_some());
        assert!(Cholesky::new(vec![f64::NAN], 1).is_none());
    }
}
