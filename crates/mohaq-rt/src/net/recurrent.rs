//! A layer of cells that multiply their hidden output, over one sequence or one frame of a stream.

use super::layer::{Buffers, Memory};
use super::product::{operands, output};
use crate::cell::{Clipped, Frame, MAX_GATES, MAX_PEEPHOLES, One};
use crate::image::RecurrentView;
use crate::numeric::SaturationCount;

/// What one direction remembers: c, h and the last frame, as far as the cell has them.
struct Remembered<'a> {
    state: &'a mut [i16],
    hidden: &'a mut [i16],
    before: &'a mut [i16],
}

/// What is computed within a frame.
struct Within<'a> {
    /// u and v, `[gates, hidden]` each.
    input: &'a mut [i16],
    recurrent: &'a mut [i16],
    /// h before it is projected.
    shown: &'a mut [i16],
    /// The input of a product where it is put together: h times a gate, or two frames.
    joined: &'a mut [i16],
}

fn memory_lens(layer: &RecurrentView<'_>) -> [usize; 3] {
    let kind = layer.cell().kind();
    [
        if kind.has_state() { layer.hidden() } else { 0 },
        if kind.is_recurrent() { layer.width() } else { 0 },
        if layer.window() == 2 { layer.inputs() } else { 0 },
    ]
}

/// Codes that one direction remembers.
pub(super) fn memory_len(layer: &RecurrentView<'_>) -> usize {
    memory_lens(layer).into_iter().fold(0, usize::saturating_add)
}

fn joined_len(layer: &RecurrentView<'_>) -> usize {
    layer.width().max(layer.inputs().saturating_mul(layer.window()))
}

/// Codes that are computed within a frame.
pub(super) fn frame_len(layer: &RecurrentView<'_>) -> usize {
    let gates = layer.hidden().saturating_mul(2 * layer.cell().kind().gates() + 1);
    gates.saturating_add(joined_len(layer))
}

/// The output of the layer, `[frames, outputs]`, for `codes`, `[frames, inputs]`.
pub(super) fn run(
    layer: &RecurrentView<'_>,
    codes: &[i16],
    frames: usize,
    mut memory: Memory<'_>,
    outputs: &mut [i16],
    buffers: &mut Buffers<'_>,
    count: &mut SaturationCount,
) {
    let gates = layer.cell().kind().gates() * layer.hidden();
    let (input, rest) = buffers.frame.split_at_mut(gates);
    let (recurrent, rest) = rest.split_at_mut(gates);
    let (shown, rest) = rest.split_at_mut(layer.hidden());
    let (joined, fresh) = rest.split_at_mut(joined_len(layer));
    let mut within = Within { input, recurrent, shown, joined };
    for direction in 0..layer.directions() {
        let memory = match &mut memory {
            Memory::Fresh => {
                let fresh = &mut fresh[..memory_len(layer)];
                fresh.fill(0);
                fresh
            }
            Memory::Kept(kept) => &mut kept[..],
        };
        let [state, hidden, _] = memory_lens(layer);
        let (state, rest) = memory.split_at_mut(state);
        let (hidden, before) = rest.split_at_mut(hidden);
        let mut remembered = Remembered { state, hidden, before };
        for step in 0..frames {
            let frame = if direction == 0 { step } else { frames - 1 - step };
            let codes = &codes[frame * layer.inputs()..][..layer.inputs()];
            let outputs = &mut outputs[frame * layer.outputs() + direction * layer.width()..][..layer.width()];
            multiply_input(layer, direction, codes, &mut remembered, &mut within, buffers.row, count);
            multiply_hidden(layer, direction, &remembered, &mut within, buffers.row, count);
            units(layer, direction, &mut remembered, &mut within, count);
            show(layer, direction, &within, outputs, buffers.row, count);
            if layer.cell().kind().is_recurrent() {
                remembered.hidden.copy_from_slice(outputs);
            }
        }
    }
}

/// u of all gates.
fn multiply_input(
    layer: &RecurrentView<'_>,
    direction: usize,
    codes: &[i16],
    remembered: &mut Remembered<'_>,
    within: &mut Within<'_>,
    row: &mut [i16],
    count: &mut SaturationCount,
) {
    let from = if layer.window() == 2 {
        let (before, this) = within.joined[..2 * codes.len()].split_at_mut(codes.len());
        before.copy_from_slice(remembered.before);
        this.copy_from_slice(codes);
        remembered.before.copy_from_slice(codes);
        &within.joined[..2 * codes.len()]
    } else {
        codes
    };
    let mut first = 0;
    for index in 0..layer.products()[0] {
        let site = layer.input(index);
        let row = &mut row[..site.inputs()];
        // Where both directions read the same operands, these are counted once.
        let mut again = SaturationCount::default();
        operands(&site, from, row, if direction == 0 || layer.window() == 2 { count } else { &mut again });
        let of_site = site.columns() / layer.directions();
        for (column, to) in within.input[first..][..of_site].iter_mut().enumerate() {
            *to = output(&site, direction * of_site + column, row, count);
        }
        first += of_site;
    }
}

/// v of all gates.
fn multiply_hidden(
    layer: &RecurrentView<'_>,
    direction: usize,
    remembered: &Remembered<'_>,
    within: &mut Within<'_>,
    row: &mut [i16],
    count: &mut SaturationCount,
) {
    let kind = layer.cell().kind();
    let products = layer.products()[1];
    let mut first = 0;
    for index in 0..products {
        let site = layer.recurrent(index);
        let row = &mut row[..site.inputs()];
        if kind.is_gated() && index + 1 == products {
            let arguments = within.input.iter().zip(&*within.recurrent);
            let gated = within.joined.iter_mut().zip(arguments).zip(&*remembered.hidden);
            gated.for_each(|((to, (&u, &v)), &hidden)| *to = layer.cell().gated(One, [u, v], hidden));
            operands(&site, within.joined, row, count);
        } else {
            operands(&site, remembered.hidden, row, count);
        }
        let of_site = site.columns() / layer.directions();
        for (column, to) in within.recurrent[first..][..of_site].iter_mut().enumerate() {
            *to = output(&site, direction * of_site + column, row, count);
        }
        first += of_site;
    }
}

/// All units of a direction.
fn units(
    layer: &RecurrentView<'_>,
    direction: usize,
    remembered: &mut Remembered<'_>,
    within: &mut Within<'_>,
    count: &mut SaturationCount,
) {
    let (cell, hidden) = (layer.cell(), layer.hidden());
    let gates = cell.kind().gates();
    let mut clipped = Clipped::default();
    for (unit, shown) in within.shown.iter_mut().enumerate() {
        let part = |codes: &[i16]| -> [i16; MAX_GATES] {
            core::array::from_fn(|gate| if gate < gates { codes[gate * hidden + unit] } else { 0 })
        };
        let peepholes: [i16; MAX_PEEPHOLES] = core::array::from_fn(|index| {
            if index < cell.kind().peepholes() { layer.peephole(index, direction * hidden + unit) } else { 0 }
        });
        let (u, v) = (part(within.input), part(within.recurrent));
        let before = remembered.hidden.get(unit).copied().unwrap_or(0);
        let mut nothing = 0;
        let state = remembered.state.get_mut(unit).unwrap_or(&mut nothing);
        *shown = cell.step(One, &Frame { u, v, peepholes, hidden: before }, state, &mut clipped);
    }
    count.merge(cell.counted(hidden as u64, clipped.sums));
    count.merge(cell.counted_states(hidden as u64, clipped.states));
}

/// h in its width.
fn show(
    layer: &RecurrentView<'_>,
    direction: usize,
    within: &Within<'_>,
    outputs: &mut [i16],
    row: &mut [i16],
    count: &mut SaturationCount,
) {
    let Some(site) = layer.projection() else {
        outputs.copy_from_slice(within.shown);
        return;
    };
    let row = &mut row[..site.inputs()];
    operands(&site, within.shown, row, count);
    for (column, to) in outputs.iter_mut().enumerate() {
        *to = output(&site, direction * layer.width() + column, row, count);
    }
}
