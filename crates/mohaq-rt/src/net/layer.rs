//! One layer over some sequences.

use super::product::{operands, output};
use crate::cell::Highway;
use crate::image::{LayerView, SiteView, SruView};
use crate::numeric::SaturationCount;

/// Buffers of a layer. Their contents have no meaning between layers.
pub(super) struct Buffers<'a> {
    /// `[frames, inputs of a recurrent layer's product]`.
    pub(super) operands: &'a mut [i16],
    /// The inputs of any other product, of one frame.
    pub(super) row: &'a mut [i16],
    /// The states of a direction, where they begin anew.
    pub(super) state: &'a mut [i16],
}

/// Where the states of a layer come from.
pub(super) enum States<'a> {
    /// Zero at the beginning of each sequence.
    Fresh,
    /// One sequence that goes on.
    Kept(&'a mut [i16]),
}

/// The output of `layer`, `[frames, outputs]`, for `codes`, `[frames, inputs]`.
pub(super) fn run(
    layer: &LayerView<'_>,
    codes: &[i16],
    starts: &[usize],
    states: States<'_>,
    outputs: &mut [i16],
    buffers: &mut Buffers<'_>,
) -> SaturationCount {
    let mut count = SaturationCount::default();
    match layer {
        LayerView::Sru(sru) => {
            project(sru, codes, buffers, &mut count);
            recur(sru, codes, starts, states, outputs, buffers, &mut count);
        }
        LayerView::Linear(site) => multiply(site, codes, outputs, buffers.row, &mut count),
        LayerView::Pointwise { function, .. } => {
            outputs.iter_mut().zip(codes).for_each(|(output, &code)| *output = function.apply(code));
        }
    }
    count
}

/// `outputs`, `[frames, columns]`, of `codes`, `[frames, inputs]`; `row` has room for the inputs of
/// one.
fn multiply(site: &SiteView<'_>, codes: &[i16], outputs: &mut [i16], row: &mut [i16], count: &mut SaturationCount) {
    let row = &mut row[..site.inputs()];
    for (codes, outputs) in codes.chunks_exact(site.inputs()).zip(outputs.chunks_exact_mut(site.columns())) {
        operands(site, codes, row, count);
        for (column, to) in outputs.iter_mut().enumerate() {
            *to = output(site, column, row, count);
        }
    }
}

/// Fills `buffers.operands` with the inputs of the layer's product.
fn project(sru: &SruView<'_>, codes: &[i16], buffers: &mut Buffers<'_>, count: &mut SaturationCount) {
    let site = sru.site();
    let frames = codes.len() / sru.inputs();
    let inputs = &mut buffers.operands[..frames * site.inputs()];
    match sru.projection() {
        Some(projection) => {
            multiply(&projection, codes, inputs, buffers.row, count);
            for code in inputs {
                *code = count.record(site.input().apply_i32((*code).into(), site.activation()));
            }
        }
        None => operands(&site, codes, inputs, count),
    }
}

/// Runs all units through all frames.
fn recur(
    sru: &SruView<'_>,
    codes: &[i16],
    starts: &[usize],
    mut states: States<'_>,
    outputs: &mut [i16],
    buffers: &mut Buffers<'_>,
    count: &mut SaturationCount,
) {
    let Buffers { operands, state: fresh, .. } = buffers;
    for direction in 0..sru.directions() {
        for sequence in starts.windows(2) {
            let state = match &mut states {
                States::Fresh => {
                    fresh[..sru.hidden()].fill(0);
                    &mut fresh[..sru.hidden()]
                }
                States::Kept(kept) => &mut kept[..],
            };
            for step in 0..sequence[1] - sequence[0] {
                let frame = if direction == 0 { sequence[0] + step } else { sequence[1] - 1 - step };
                let operands = &operands[frame * sru.site().inputs()..][..sru.site().inputs()];
                let codes = &codes[frame * sru.inputs()..][..sru.inputs()];
                let outputs = &mut outputs[frame * sru.outputs()..][..sru.outputs()];
                step_direction(sru, direction, codes, operands, state, outputs, count);
            }
        }
    }
}

/// One frame of the units of one direction.
fn step_direction(
    sru: &SruView<'_>,
    direction: usize,
    codes: &[i16],
    operands: &[i16],
    state: &mut [i16],
    outputs: &mut [i16],
    count: &mut SaturationCount,
) {
    let (site, hidden, parts) = (sru.site(), sru.hidden(), sru.highway().parts());
    for (unit, state) in state.iter_mut().enumerate() {
        let place = direction * hidden + unit;
        let mut part = |part: usize| output(&site, (direction * parts + part) * hidden + unit, operands, count);
        let products = [part(0), part(1), part(2)];
        let skip = match sru.highway() {
            Highway::None => 0,
            Highway::Product => part(3),
            Highway::Input(factor) => factor.apply(codes[place], count),
        };
        outputs[place] = sru.cell().step(sru.vectors(place), products, skip, state, count);
    }
}
