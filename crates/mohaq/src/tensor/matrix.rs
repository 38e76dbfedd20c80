//! Matrices, and views of them that a product can read in either orientation.

use super::Real;

/// A dense row-major matrix: element `(i, j)` is `data[i * cols + j]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix<T = f32> {
    rows: usize,
    cols: usize,
    data: Vec<T>,
}

impl<T: Real> Matrix<T> {
    /// `rows × cols` zeros.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Self { rows, cols, data: vec![T::ZERO; rows * cols] }
    }

    /// Takes `data`, row after row.
    ///
    /// # Panics
    /// Unless `data` holds `rows * cols` elements.
    pub fn from_rows(rows: usize, cols: usize, data: Vec<T>) -> Self {
        assert_eq!(data.len(), rows * cols, "a {rows} × {cols} matrix");
        Self { rows, cols, data }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// `[rows, cols]`.
    pub fn shape(&self) -> [usize; 2] {
        [self.rows, self.cols]
    }

    /// All elements, row after row.
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// All elements, row after row.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// All elements, row after row.
    pub fn into_data(self) -> Vec<T> {
        self.data
    }

    /// Row `i`.
    ///
    /// # Panics
    /// Where `i` is not below [`rows`](Self::rows).
    pub fn row(&self, i: usize) -> &[T] {
        &self.data[i * self.cols..][..self.cols]
    }

    /// Row `i`.
    ///
    /// # Panics
    /// Where `i` is not below [`rows`](Self::rows).
    pub fn row_mut(&mut self, i: usize) -> &mut [T] {
        &mut self.data[i * self.cols..][..self.cols]
    }

    /// The matrix with every element converted, as for a proof in `f64` of a network trained in `f32`.
    pub fn cast<U: Real>(&self) -> Matrix<U> {
        let data = self.data.iter().map(|&x| U::from_f64(x.to_f64())).collect();
        Matrix { rows: self.rows, cols: self.cols, data }
    }

    /// The matrix as an operand of a [`product`](super::product).
    pub fn view(&self) -> View<'_, T> {
        View { rows: self.rows, cols: self.cols, row_stride: self.cols, col_stride: 1, data: &self.data }
    }

    /// Some columns as an operand of a [`product`](super::product).
    ///
    /// # Panics
    /// Where there are no such columns.
    pub fn columns(&self, columns: std::ops::Range<usize>) -> View<'_, T> {
        assert!(columns.start <= columns.end && columns.end <= self.cols, "columns {columns:?} of {}", self.cols);
        let data = self.data.get(columns.start..).unwrap_or_default();
        View { rows: self.rows, cols: columns.len(), row_stride: self.cols, col_stride: 1, data }
    }

    /// The transposed matrix as an operand of a [`product`](super::product); nothing is moved.
    pub fn transposed(&self) -> View<'_, T> {
        View { rows: self.cols, cols: self.rows, row_stride: 1, col_stride: self.cols, data: &self.data }
    }
}

/// A matrix to be read: element `(i, j)` is `data[i * row_stride + j * col_stride]`, and one of the strides is 1.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) row_stride: usize,
    pub(super) col_stride: usize,
    pub(super) data: &'a [T],
}

impl<T> View<'_, T> {
    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The other orientation.
    pub fn flip(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            data: self.data,
        }
    }
}
