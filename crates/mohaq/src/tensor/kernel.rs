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

/// What makes one tile of C.
pub(super) struct Tile<'t, 'c, T> {
    /// Panels of A, each `[depth, PANEL_ROWS]`.
    pub a: &'t [T],
    /// Panels of B, each `[depth, panel_cols]`.
    pub b: &'t [T],
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
        let Self { a, b, depth, rows, store } = self;
        let (a, _) = a.as_chunks::<PANEL_ROWS>();
        let (b, _) = cast_slice::<T, T::Vector<S>>(b).as_chunks::<PANEL_VECTORS>();
        let width = PANEL_VECTORS * (size_of::<T::Vector<S>>() / size_of::<T>());
        for (b, start) in b.chunks_exact(depth).zip((0..).step_by(width)) {
            for (a, rows) in a.chunks_exact(depth).zip(rows.chunks_mut(PANEL_ROWS)) {
                let sums = sums::<T, S>(simd, a, b);
                for (row, sums) in rows.iter_mut().zip(&sums) {
                    let end = row.len().min(start + width);
                    write::<T, S>(simd, &mut row[start..end], sums, store);
                }
            }
        }
    }
}

/// `Σ_k a[k][i] · b[k][j]`, in the order of k.
#[inline(always)]
fn sums<T: Real, S: Simd>(
    simd: S,
    a: &[[T; PANEL_ROWS]],
    b: &[[T::Vector<S>; PANEL_VECTORS]],
) -> [[T::Vector<S>; PANEL_VECTORS]; PANEL_ROWS] {
    let mut sums = [[T::splat(simd, T::ZERO); PANEL_VECTORS]; PANEL_ROWS];
    for (a, b) in a.iter().zip(b) {
        for (sums, &a) in sums.iter_mut().zip(a) {
            let a = T::splat(simd, a);
            for (sum, &b) in sums.iter_mut().zip(b) {
                *sum = T::mul_add_lanes(simd, a, b, *sum);
            }
        }
    }
    sums
}

/// Puts a row of sums where it belongs; the last panel may be cut short.
#[inline(always)]
fn write<T: Real, S: Simd>(simd: S, row: &mut [T], sums: &[T::Vector<S>; PANEL_VECTORS], store: Store) {
    let lanes = size_of::<T::Vector<S>>() / size_of::<T>();
    if row.len() == PANEL_VECTORS * lanes {
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
