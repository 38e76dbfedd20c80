//! The matrix product: slices along the sum, packing, and tiles of the result spread over threads.
//!
//! ```text
//! cut k into slices                             by the length of k alone, nearly equal
//! pack A into panels of 6 rows                  ∥ over slices and panels; not where its rows are contiguous
//! for each tile of C, 8 panels across           ∥ over tiles
//!     for each slice
//!         pack B[slice, tile] into panels of 2 vectors          fits the second cache
//!         for each stripe of 48 rows: kernel
//! ```
//!
//! An element of C is the sum over slices of sums in the order of k: neither the tile it lies in nor the thread that
//! computes it shows in its bits.

use super::kernel::{Left, PANEL_ROWS, Tile, panel_cols};
use super::pack::{BLOCK_PANELS, pack, pack_block};
use super::{Matrix, Real, View};
use rayon::prelude::*;

/// What a product does with what the result holds already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// Replaces it.
    Overwrite,
    /// Adds to it.
    Accumulate,
}

/// Longest slice of a sum: a panel of B, 320 × 16 `f32`, is 20 KiB and leaves room for one of A in a first cache of
/// 32 KiB. On a Zen 3 the paper's network trains equally fast, within 3 %, with anything from 192 to 384.
const DEPTH: usize = 320;

/// Most rows of a tile. The more, the less often B is packed; the fewer, the more of the tile stays in a cache and the
/// more threads find work. On a Zen 3 twice and three times as many were no faster.
const TILE_ROWS: usize = 512;

/// Rows that pass over a slice of a tile's B at once: their A, 48 × 320 `f32`, is 60 KiB of the second cache beside the
/// 160 KiB of B.
const STRIPE_ROWS: usize = 8 * PANEL_ROWS;

/// Bytes of a cache line: vectors of a panel that straddle two lines are loaded twice.
const ALIGNMENT: usize = 64;

/// Multiply-accumulates below which threads cost more than they save.
const SERIAL_MACS: usize = 1 << 17;

/// The right operand of a product.
#[derive(Clone, Copy)]
pub enum Right<'a, T: Real> {
    /// As it lies in memory.
    View(View<'a, T>),
    /// Packed beforehand.
    Packed(&'a Packed<T>),
}

/// A right operand of many products with few rows each, packed once: packing it takes as long as to multiply a dozen rows
/// with it.
pub struct Packed<T: Real> {
    shape: [usize; 2],
    /// `[slices][panels, depth, width]`.
    panels: Scratch<T>,
}

impl<T: Real> Packed<T> {
    /// Packs `b`.
    pub fn new(b: View<'_, T>) -> Self {
        let width = panel_cols::<T>();
        let mut panels = Scratch::take(b.rows * b.cols.next_multiple_of(width));
        if b.rows > 0 && b.cols > 0 {
            pack(b, depth_of(b.rows), width, panels.get());
        }
        Self { shape: [b.rows, b.cols], panels }
    }
}

impl<'a, T: Real> From<View<'a, T>> for Right<'a, T> {
    fn from(view: View<'a, T>) -> Self {
        Self::View(view)
    }
}

impl<'a, T: Real> From<&'a Packed<T>> for Right<'a, T> {
    fn from(packed: &'a Packed<T>) -> Self {
        Self::Packed(packed)
    }
}

impl<T: Real> Right<'_, T> {
    /// Rows and columns.
    pub fn shape(&self) -> [usize; 2] {
        match self {
            Self::View(view) => [view.rows, view.cols],
            Self::Packed(packed) => packed.shape,
        }
    }
}

/// Rows of a slice of a sum over `k`.
const fn depth_of(k: usize) -> usize {
    k.div_ceil(k.div_ceil(DEPTH))
}

/// `c = a·b`, or `c += a·b`.
///
/// `a`: `[m, k]`, `b`: `[k, n]`, `c`: `[m, n]`. Sums are fused multiply-adds in the order of k, cut into slices by the
/// length of k alone; the number of threads changes no bit, and a row of `c` depends on that row of `a` alone.
///
/// # Panics
/// Where the shapes do not fit.
pub fn product<'b, T: Real>(a: View<'_, T>, b: impl Into<Right<'b, T>>, store: Store, c: &mut Matrix<T>) {
    let b = b.into();
    let [rows, cols] = b.shape();
    assert_eq!(a.cols, rows, "columns of the left operand and rows of the right one");
    assert_eq!(c.shape(), [a.rows, cols], "shape of the result");
    let [m, n] = c.shape();
    let k = a.cols;
    if k == 0 && store == Store::Overwrite {
        c.data_mut().fill(T::ZERO);
    }
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    let depth = depth_of(k);
    let width = panel_cols::<T>();
    let padded_n = n.next_multiple_of(width);
    let tile_cols = BLOCK_PANELS * width;
    let across = n.div_ceil(tile_cols);
    let tile_rows = m.div_ceil(m.div_ceil(TILE_ROWS)).next_multiple_of(PANEL_ROWS);
    let padded_m = m.next_multiple_of(PANEL_ROWS);
    let mut left = Scratch::take(if a.col_stride == 1 { 0 } else { padded_m * k });
    if a.col_stride != 1 {
        pack(a.flip(), depth, PANEL_ROWS, left.get());
    }
    let left = &*left.get();
    let run = |(index, rows): (usize, &mut Vec<&mut [T]>)| {
        let (row, col) = (index / across * tile_rows, index % across * tile_cols);
        let cols = tile_cols.min((n - col).next_multiple_of(width));
        let mut packed = Scratch::take(if matches!(b, Right::View(_)) { cols * depth } else { 0 });
        for start in (0..k).step_by(depth) {
            let depth = depth.min(k - start);
            let right = match b {
                Right::View(b) => {
                    let packed = &mut packed.get()[..cols * depth];
                    pack_block(b, [start, col], depth, width, packed);
                    &*packed
                }
                Right::Packed(b) => &b.panels.read()[start * padded_n + col * depth..][..cols * depth],
            };
            let store = if start == 0 { store } else { Store::Accumulate };
            for (rows, row) in rows.chunks_mut(STRIPE_ROWS).zip((row..).step_by(STRIPE_ROWS)) {
                let left = match a.col_stride {
                    1 => Left::Rows { data: &a.data[row * a.row_stride + start..], stride: a.row_stride },
                    _ => Left::Panels(&left[start * padded_m + row * depth..]),
                };
                Tile { left, right, depth, rows, store }.run();
            }
        }
    };
    let mut tiles = tiles(c, tile_rows, tile_cols);
    if m * n * k >= SERIAL_MACS {
        tiles.par_iter_mut().enumerate().for_each(run);
    } else {
        tiles.iter_mut().enumerate().for_each(run);
    }
}

/// Room for packed panels, lent by the thread and given back, so that products allocate once and not each.
struct Scratch<T: Real> {
    elements: Vec<T>,
    length: usize,
}

impl<T: Real> Scratch<T> {
    /// `length` elements of any value.
    fn take(length: usize) -> Self {
        let mut elements = T::scratch().with(|pool| pool.borrow_mut().pop()).unwrap_or_default();
        let room = length + ALIGNMENT / size_of::<T>();
        if elements.len() < room {
            elements.resize(room, T::ZERO);
        }
        Self { elements, length }
    }

    /// The elements, the first of them at the beginning of a cache line.
    fn get(&mut self) -> &mut [T] {
        let first = self.elements.as_ptr().align_offset(ALIGNMENT);
        &mut self.elements[first..][..self.length]
    }

    fn read(&self) -> &[T] {
        let first = self.elements.as_ptr().align_offset(ALIGNMENT);
        &self.elements[first..][..self.length]
    }
}

impl<T: Real> Drop for Scratch<T> {
    fn drop(&mut self) {
        T::scratch().with(|pool| pool.borrow_mut().push(std::mem::take(&mut self.elements)));
    }
}

/// The tiles of `c`, each as its pieces of rows; tiles side by side, then downwards.
fn tiles<T: Real>(c: &mut Matrix<T>, tile_rows: usize, tile_cols: usize) -> Vec<Vec<&mut [T]>> {
    let n = c.cols();
    let mut tiles = Vec::new();
    for block in c.data_mut().chunks_mut(tile_rows * n) {
        let first = tiles.len();
        tiles.resize_with(first + n.div_ceil(tile_cols), || Vec::with_capacity(tile_rows));
        for row in block.chunks_mut(n) {
            for (tile, piece) in tiles[first..].iter_mut().zip(row.chunks_mut(tile_cols)) {
                tile.push(piece);
            }
        }
    }
    tiles
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that a sum of thousands represents exactly, so that every order of summing agrees.
    fn integers(rows: usize, cols: usize, seed: usize) -> Matrix<f32> {
        let element = |i: usize| ((i * 7919 + seed * 104_729) % 23) as f32 - 11.0;
        Matrix::from_rows(rows, cols, (0..rows * cols).map(element).collect())
    }

    fn transpose(a: &Matrix<f32>) -> Matrix<f32> {
        let element = |i: usize| a.data()[i % a.rows() * a.cols() + i / a.rows()];
        Matrix::from_rows(a.cols(), a.rows(), (0..a.rows() * a.cols()).map(element).collect())
    }

    fn schoolbook(a: &Matrix<f32>, b: &Matrix<f32>) -> Matrix<f32> {
        let mut c = Matrix::zeros(a.rows(), b.cols());
        for i in 0..a.rows() {
            for j in 0..b.cols() {
                c.row_mut(i)[j] = (0..a.cols()).map(|k| a.row(i)[k] * b.row(k)[j]).sum();
            }
        }
        c
    }

    #[test]
    fn every_orientation_and_ragged_shape_equals_the_schoolbook() {
        for [m, k, n] in [
            [0, 3, 2],
            [2, 0, 3],
            [1, 1, 1],
            [1, 700, 1],
            [5, 3, 17],
            [6, 16, 16],
            [7, 321, 33],
            [49, 23, 257],
            [97, 640, 300],
        ] {
            let (a, b) = (integers(m, k, 1), integers(k, n, 2));
            let (at, bt) = (transpose(&a), transpose(&b));
            let want = schoolbook(&a, &b);
            for (a, b) in [(a.view(), b.view()), (at.transposed(), b.view()), (a.view(), bt.transposed())] {
                let mut c = Matrix::from_rows(m, n, vec![f32::NAN; m * n]);
                product(a, b, Store::Overwrite, &mut c);
                assert_eq!(c, want, "{m} × {k} × {n}");
                product(a, b, Store::Accumulate, &mut c);
                assert!(c.data().iter().zip(want.data()).all(|(&c, &want)| c == 2.0 * want), "{m} × {k} × {n}");
                product(a, &Packed::new(b), Store::Overwrite, &mut c);
                assert_eq!(c, want, "{m} × {k} × {n}, packed");
            }
        }
    }

    /// Numbers whose sums depend on the order of summing in almost every element.
    fn fractions(rows: usize, cols: usize, seed: u64) -> Matrix<f32> {
        let mut state = seed;
        let element = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        };
        Matrix::from_rows(rows, cols, (0..rows * cols).map(element).collect())
    }

    #[test]
    fn thread_count_changes_no_bit() {
        let (a, b) = (fractions(200, 700, 1), fractions(700, 530, 2));
        let run = |threads| {
            let mut c = Matrix::zeros(200, 530);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| product(a.view(), b.view(), Store::Overwrite, &mut c));
            c
        };
        let one = run(1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(5));
    }

    #[test]
    fn a_row_does_not_depend_on_its_neighbours() {
        let (a, b) = (fractions(203, 700, 3), fractions(700, 90, 4));
        let mut all = Matrix::zeros(203, 90);
        product(a.view(), b.view(), Store::Overwrite, &mut all);
        for (first, rows) in [(0, 1), (17, 1), (202, 1), (5, 40)] {
            let part = Matrix::from_rows(rows, 700, a.data()[first * 700..][..rows * 700].to_vec());
            let mut c = Matrix::zeros(rows, 90);
            product(part.view(), b.view(), Store::Overwrite, &mut c);
            assert_eq!(c.data(), &all.data()[first * 90..][..rows * 90], "{rows} rows from {first}");
        }
    }

    #[test]
    fn packing_beforehand_changes_no_bit() {
        let (a, b) = (fractions(9, 700, 5), fractions(700, 530, 6));
        let (mut plain, mut packed) = (Matrix::zeros(9, 530), Matrix::zeros(9, 530));
        product(a.view(), b.view(), Store::Overwrite, &mut plain);
        product(a.view(), &Packed::new(b.view()), Store::Overwrite, &mut packed);
        assert_eq!(packed, plain);
    }

    #[test]
    fn double_precision_goes_the_same_way() {
        let (a, b) = (integers(20, 400, 5), integers(400, 21, 6));
        let mut c = Matrix::<f64>::zeros(20, 21);
        product(a.cast::<f64>().view(), b.cast::<f64>().view(), Store::Overwrite, &mut c);
        assert_eq!(c, schoolbook(&a, &b).cast());
    }
}
