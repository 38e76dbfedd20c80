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
            lanes::<T, S>()
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

/// One slice of one stripe of a tile of C.
pub(super) struct Tile<'t, 'c, T> {
    /// The stripe's rows of A.
    pub left: Left<'t, T>,
    /// Panels of B, each `[depth, panel_cols]`.
    pub right: &'t [T],
    /// Length of the sums.
    pub depth: usize,
    /// The stripe, row by row.
    pub rows: &'t mut [&'c mut [T]],
    /// What becomes of what it holds.
    pub store: Store,
}

impl<T: Real> Tile<'_, '_, T> {
    /// Computes the slice.
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl<T: Real> WithSimd for Tile<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let depth = self.depth;
        match self.left {
            Left::Panels(panels) => self.run_with(
                simd,
                #[inline(always)]
                |panel, _| {
                    let (a, _) = panels[panel * PANEL_ROWS * depth..].as_chunks::<PANEL_ROWS>();
                    let a = &a[..depth];
                    #[inline(always)]
                    move |k: usize, i: usize| a[k][i]
                },
            ),
            Left::Rows { data, stride } => self.run_with(
                simd,
                #[inline(always)]
                |panel, rows| {
                    // Rows that the last panel lacks read its last row again; their sums go nowhere.
                    let row = |i: usize| &data[(panel * PANEL_ROWS + i.min(rows - 1)) * stride..][..depth];
                    let a: [&[T]; PANEL_ROWS] = std::array::from_fn(row);
                    #[inline(always)]
                    move |k: usize, i: usize| a[i][k]
                },
            ),
        }
    }
}

impl<T: Real> Tile<'_, '_, T> {
    /// `panel(p, rows)` is A's panel p, of which so many rows are in the tile, as a function of k and the row.
    #[inline(always)]
    fn run_with<S: Simd, A: Fn(usize, usize) -> T>(self, simd: S, panel: impl Fn(usize, usize) -> A) {
        let width = PANEL_VECTORS * lanes::<T, S>();
        let (right, _) = cast_slice::<T, T::Vector<S>>(self.right).as_chunks::<PANEL_VECTORS>();
        for (b, first) in right.chunks_exact(self.depth).zip((0..).step_by(width)) {
            for (index, rows) in self.rows.chunks_mut(PANEL_ROWS).enumerate() {
                let sums = sums::<T, S>(simd, panel(index, rows.len()), b);
                match <&mut [&mut [T]; PANEL_ROWS]>::try_from(&mut *rows) {
                    Ok(rows) if rows[0].len() - first >= width => {
                        write_whole::<T, S>(simd, rows, first, sums, self.store);
                    }
                    // A copy of the sums: were these lent, all sums would go through memory.
                    _ => write_part::<T, S>(rows, first, &{ sums }, self.store),
                }
            }
        }
    }
}

/// Numbers in a vector.
#[inline(always)]
const fn lanes<T: Real, S: Simd>() -> usize {
    size_of::<T::Vector<S>>() / size_of::<T>()
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

/// Puts sums into the columns from `first` on.
#[inline(always)]
fn write_whole<T: Real, S: Simd>(
    simd: S,
    rows: &mut [&mut [T]; PANEL_ROWS],
    first: usize,
    sums: [[T::Vector<S>; PANEL_VECTORS]; PANEL_ROWS],
    store: Store,
) {
    for (row, sums) in rows.iter_mut().zip(sums) {
        let row = &mut row[first..first + PANEL_VECTORS * lanes::<T, S>()];
        for (c, sum) in cast_slice_mut::<T, T::Vector<S>>(row).iter_mut().zip(sums) {
            *c = match store {
                Store::Overwrite => sum,
                Store::Accumulate => T::add_lanes(simd, *c, sum),
            };
        }
    }
}

/// The same where the stripe ends within the panel, below or to the right.
#[inline(never)]
fn write_part<T: Real, S: Simd>(
    rows: &mut [&mut [T]],
    first: usize,
    sums: &[[T::Vector<S>; PANEL_VECTORS]; PANEL_ROWS],
    store: Store,
) {
    for (row, sums) in rows.iter_mut().zip(sums) {
        for (c, &sum) in row[first..].iter_mut().zip(cast_slice::<T::Vector<S>, T>(sums)) {
            *c = match store {
                Store::Overwrite => sum,
                Store::Accumulate => *c + sum,
            };
        }
    }
}
