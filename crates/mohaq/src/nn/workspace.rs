//! Matrices to be used again.

use crate::tensor::{Matrix, Real};

/// Lends matrices and takes them back.
///
/// A pass over a network needs tens of megabytes that live for milliseconds. Fresh from the system, every page of them
/// costs a fault and a clearing, which together take longer than the elementwise work.
#[derive(Debug, Default)]
pub struct Workspace<T = f32> {
    free: Vec<Vec<T>>,
}

impl<T: Real> Workspace<T> {
    /// An empty workspace; it grows with what is given back.
    pub fn new() -> Self {
        Self { free: Vec::new() }
    }

    /// A matrix that holds anything.
    pub fn take(&mut self, rows: usize, cols: usize) -> Matrix<T> {
        let length = rows * cols;
        let capacities = || self.free.iter().map(Vec::capacity).enumerate();
        let fit = capacities().filter(|&(_, capacity)| capacity >= length).min_by_key(|&(_, capacity)| capacity);
        // Where none is large enough the largest makes room for a new one, so that there are never more buffers than
        // were once in use together.
        let index = fit.or_else(|| capacities().max_by_key(|&(_, capacity)| capacity)).map(|(index, _)| index);
        let mut data = index.map(|index| self.free.swap_remove(index)).unwrap_or_default();
        if data.capacity() < length {
            return Matrix::zeros(rows, cols);
        }
        data.resize(length, T::ZERO);
        Matrix::from_rows(rows, cols, data)
    }

    /// Takes a matrix that is no longer needed.
    pub fn give(&mut self, matrix: Matrix<T>) {
        self.free.push(matrix.into_data());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_and_do_not_pile_up() {
        let mut workspace = Workspace::<f32>::new();
        for rows in 1..50 {
            let matrix = workspace.take(rows, 7);
            assert_eq!(matrix.shape(), [rows, 7]);
            workspace.give(matrix);
            assert_eq!(workspace.free.len(), 1);
        }
        let large = workspace.free[0].as_ptr();
        assert_eq!(workspace.take(3, 3).data().as_ptr(), large);
    }
}
