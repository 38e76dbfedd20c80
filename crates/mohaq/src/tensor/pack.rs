//! Packing: an operand as panels that a kernel reads from front to back.

use super::kernel::PANEL_ROWS;
use super::{Real, View};
use rayon::prelude::*;

/// Panels a block packs side by side. One panel alone takes a cache line from each row, and rows lie pages apart; eight
/// take half a KiB, which the machine reads ahead.
pub(super) const BLOCK_PANELS: usize = 8;

/// Packs a whole operand slice by slice, `depth` rows each, as panels of `width` columns:
/// `[slices][panels, depth, width]`. What the last panel lacks is zero.
///
/// `packed` has room for the rows of `operand` times its columns rounded up to panels, and no more.
pub(super) fn pack<T: Real>(operand: View<'_, T>, depth: usize, width: usize, packed: &mut [T]) {
    let cols = operand.cols.next_multiple_of(width);
    packed.par_chunks_mut(depth * cols).enumerate().for_each(|(index, slice)| {
        let here = slice.len() / cols;
        slice.par_chunks_mut(BLOCK_PANELS * width * here).enumerate().for_each(|(part, packed)| {
            pack_block(operand, [index * depth, part * BLOCK_PANELS * width], here, width, packed);
        });
    });
}

/// Packs the panels that begin at `[row, column]` of `operand`, `[panels, depth, width]`, as many as `packed` has room for.
pub(super) fn pack_block<T: Real>(
    operand: View<'_, T>,
    from: [usize; 2],
    depth: usize,
    width: usize,
    packed: &mut [T],
) {
    // The widths that kernels ask for, as constants: a copy of known length is a few moves.
    match width {
        PANEL_ROWS => pack_panels::<T, PANEL_ROWS>(operand, from, depth, packed),
        16 => pack_panels::<T, 16>(operand, from, depth, packed),
        8 => pack_panels::<T, 8>(operand, from, depth, packed),
        4 => pack_panels::<T, 4>(operand, from, depth, packed),
        2 => pack_panels::<T, 2>(operand, from, depth, packed),
        _ => unreachable!("panels are {PANEL_ROWS} or two vectors wide"),
    }
}

fn pack_panels<T: Real, const WIDTH: usize>(
    operand: View<'_, T>,
    [row, col]: [usize; 2],
    depth: usize,
    packed: &mut [T],
) {
    let mut panels: Vec<&mut [[T; WIDTH]]> =
        packed.chunks_exact_mut(depth * WIDTH).map(|panel| panel.as_chunks_mut().0).collect();
    let cols = (panels.len() * WIDTH).min(operand.cols - col);
    if !cols.is_multiple_of(WIDTH) {
        panels[cols / WIDTH].fill([T::ZERO; WIDTH]);
    }
    if operand.col_stride == 1 {
        for k in 0..depth {
            let from = &operand.data[(row + k) * operand.row_stride + col..][..cols];
            let (whole, rest) = from.as_chunks::<WIDTH>();
            for (panel, from) in panels.iter_mut().zip(whole) {
                panel[k] = *from;
            }
            if !rest.is_empty() {
                panels[whole.len()][k][..rest.len()].copy_from_slice(rest);
            }
        }
    } else {
        for j in 0..cols {
            let column = &operand.data[(col + j) * operand.col_stride + row..][..depth];
            for (out, &x) in panels[j / WIDTH].iter_mut().zip(column) {
                out[j % WIDTH] = x;
            }
        }
    }
}
