//! The innermost loops of a product: a tile of C from packed slices of A and B.
//!
//! ```text
//! for each panel of B (2 vectors wide, stays in the first cache)
//!     for each panel of A (6 rows, streams from the second)
//!         sums[6][2 vectors] = 0                          12 registers
//!         for k in slice: sums[i] += a[k][i] · b[k]       6 broadcasts, 2 loads, 12 fused multiply-adds
//!         C[6 rows][2 vectors] = or += sums
//! ```
//!
//! Six by two vectors is the largest tile that leaves room for its operands in the 16 registers of AVX2.

use super::{Real, Store};
use pulp::bytemuck::{cast_slice, cast_slice_mut};
use pulp::{Arch, Simd, WithSimd};

/// Rows of a panel of A.
pub(super) const PANEL_ROWS: usize = 6;

/// Vectors across a panel of B.
const PANEL_VECTORS: usize = 2;

/// Columns of a panel of B on this machine.
pub(super) fn panel_cols<T: Real>() -> usize {
    struct Lanes<T>(std::marker::PhantomData<T>);
    impl<T: Real> WithSimd for Lanes<T> {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            size_of::<T::Vector<S>>() / size_of::<T>()
        }
    }
    PANEL_VECTORS * Arch::new().dispatch(Lanes::<T>(std::marker::PhantomData))
}

/// Where a tile reads A.
#[derive(Clone, Copy)]
pub(super) enum Left<'t, T> {
    /// Panels, each `[depth, PANEL_ROWS]`.
    Panels(&'t [T]),
    /// Rows as they lie: row `i` begins at `i * stride`.
    Rows {
        /// From the first element of the first row.
        data: &'t [T],
        /// From a row to the next.
        stride: usize,
    },
}

impl<'t, T> Left<'t, T> {
    /// From `row` on, the first of a panel.
    pub(super) fn starting_at(self, row: usize, depth: usize) -> Self {
        match self {
            Self::Panels(panels) => Self::Panels(&panels[row * depth..]),
            Self::Rows { data, stride } => Self::Rows { data: &data[row * stride..], stride },
        }
    }
}

/// What makes one tile of C.
pub(super) struct Tile<'t, 'c, T> {
    /// The tile's rows of A.
    pub left: Left<'t, T>,
    /// Panels of B, each `[depth, panel_cols]`.
    pub right: &'t [T],
    /// Length of the sums.
    pub depth: usize,
    /// The tile, row by row.
    pub rows: &'t mut [&'c mut [T]],
    /// What becomes of what the tile holds.
    pub store: Store,
}

impl<T: Real> Tile<'_, '_, T> {
    /// Computes the tile.
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl<T: Real> WithSimd for Tile<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { left, right, depth, rows, store } = self;
        let (right, _) = cast_slice::<T, T::Vector<S>>(right).as_chunks::<PANEL_VECTORS>();
        for (index, b) in right.chunks_exact(depth).enumerate() {
            for (panel, rows) in rows.chunks_mut(PANEL_ROWS).enumerate() {
                let sums = match left {
                    Left::Panels(panels) => {
                        let (a, _) = panels[panel * PANEL_ROWS * depth..].as_chunks::<PANEL_ROWS>();
                        let a = &a[..b.len()];
                        sums::<T, S>(simd, |k, i| a[k][i], b)
                    }
                    Left::Rows { data, stride } => {
                        // Rows that the last panel lacks read the last row again; their sums go nowhere.
                        let last = rows.len() - 1;
                        let a: [&[T]; PANEL_ROWS] =
                            std::array::from_fn(|i| &data[(panel * PANEL_ROWS + i.min(last)) * stride..][..b.len()]);
                        sums::<T, S>(simd, |k, i| a[i][k], b)
                    }
                };
                write::<T, S>(simd, rows, index, &sums, store);
            }
        }
    }
}

/// `Σ_k a(k, i) · b[k][j]`, in the order of k.
#[inline(always)]
fn sums<T: Real, S: Simd>(
    simd: S,
    a: impl Fn(usize, usize) -> T,
    b: &[[T::Vector<S>; PANEL_VECTORS]],
) -> [[T::Vector<S>; PANEL_VECTORS]; PANEL_ROWS] {
    let mut sums = [[T::splat(simd, T::ZERO); PANEL_VECTORS]; PANEL_ROWS];
    for (k, b) in b.iter().enumerate() {
        for (i, sums) in sums.iter_mut().enumerate() {
            let a = T::splat(simd, a(k, i));
            for (sum, &b) in sums.iter_mut().zip(b) {
                *sum = T::mul_add_lanes(simd, a, b, *sum);
            }
        }
    }
    sums
}

/// Puts sums where they belong, panel `index` of the rows; the last panel may be cut short.
#[inline(always)]
fn write<T: Real, S: Simd>(
    simd: S,
    rows: &mut [&mut [T]],
    index: usize,
    sums: &[[T::Vector<S>; PANEL_VECTORS]; PANEL_ROWS],
    store: Store,
) {
    let width = PANEL_VECTORS * (size_of::<T::Vector<S>>() / size_of::<T>());
    for (row, sums) in rows.iter_mut().zip(sums) {
        let row = &mut row[index * width..];
        if let Some(row) = row.get_mut(..width) {
            for (c, &sum) in cast_slice_mut::<T, T::Vector<S>>(row).iter_mut().zip(sums) {
                *c = match store {
                    Store::Overwrite => sum,
                    Store::Accumulate => T::add_lanes(simd, *c, sum),
                };
            }
        } else {
            for (c, &sum) in row.iter_mut().zip(cast_slice::<T::Vector<S>, T>(sums)) {
                *c = match store {
                    Store::Overwrite => sum,
                    Store::Accumulate => *c + sum,
                };
            }
        }
    }
}
