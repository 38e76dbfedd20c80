//! Packing: an operand's slice as panels that a kernel reads from front to back.

use super::kernel::PANEL_ROWS;
use super::{Real, View};
use rayon::prelude::*;

/// Packs rows `start .. start + depth` of `operand` into panels of `width` columns, `[panels, depth, width]`; what the
/// last panel lacks is zero. `packed` holds the panels and is long enough.
pub(super) fn pack<T: Real>(
    operand: View<'_, T>,
    start: usize,
    depth: usize,
    width: usize,
    threads: bool,
    packed: &mut [T],
) {
    // The widths that kernels ask for, as constants: a copy of known length is a few moves.
    let pack = match width {
        PANEL_ROWS => panel::<T, PANEL_ROWS>,
        16 => panel::<T, 16>,
        8 => panel::<T, 8>,
        4 => panel::<T, 4>,
        2 => panel::<T, 2>,
        _ => unreachable!("panels are {PANEL_ROWS} or two vectors wide"),
    };
    if threads {
        let panels = packed.par_chunks_mut(depth * width).enumerate();
        panels.for_each(|(index, panel)| pack(operand, start, index * width, panel));
    } else {
        let panels = packed.chunks_mut(depth * width).enumerate();
        panels.for_each(|(index, panel)| pack(operand, start, index * width, panel));
    }
}

/// Elements `(start.., first .. first + WIDTH)` of `operand`, row after row.
fn panel<T: Real, const WIDTH: usize>(operand: View<'_, T>, start: usize, first: usize, panel: &mut [T]) {
    let (panel, _) = panel.as_chunks_mut::<WIDTH>();
    let cols = WIDTH.min(operand.cols - first);
    if cols < WIDTH {
        panel.fill([T::ZERO; WIDTH]);
    }
    if operand.col_stride != 1 {
        for j in 0..cols {
            let column = &operand.data[(first + j) * operand.col_stride + start..][..panel.len()];
            for (out, &x) in panel.iter_mut().zip(column) {
                out[j] = x;
            }
        }
    } else if cols == WIDTH {
        for (k, out) in panel.iter_mut().enumerate() {
            out.copy_from_slice(&operand.data[(start + k) * operand.row_stride + first..][..WIDTH]);
        }
    } else {
        for (k, out) in panel.iter_mut().enumerate() {
            out[..cols].copy_from_slice(&operand.data[(start + k) * operand.row_stride + first..][..cols]);
        }
    }
}
