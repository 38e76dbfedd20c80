//! One layer over one sequence, or one frame of a stream.

use super::product::{looked_up, operands, output};
use super::recurrent;
use crate::cell::Highway;
use crate::image::{ConvView, LayerView, NormView, SiteView, SruView};
use crate::numeric::SaturationCount;

/// Buffers of a layer. Their contents have no meaning between layers.
pub(super) struct Buffers<'a> {
    /// `[frames, inputs of the product behind a projection]`.
    pub(super) projected: &'a mut [i16],
    /// The inputs of a product, of one frame.
    pub(super) row: &'a mut [i16],
    /// What a layer needs within a frame, and to remember where it begins anew.
    pub(super) frame: &'a mut [i16],
}

/// What a layer remembers of earlier frames.
pub(super) enum Memory<'a> {
    /// Nothing yet: a whole sequence is about to come.
    Fresh,
    /// One sequence that goes on.
    Kept(&'a mut [i16]),
}

/// Whether a layer needs no later frames.
pub(super) fn is_causal(layer: &LayerView<'_>) -> bool {
    match layer {
        LayerView::Sru(sru) => sru.directions() == 1,
        LayerView::Recurrent(recurrent) => recurrent.directions() == 1,
        LayerView::Conv1d(conv) => conv.padding()[1] == 0,
        LayerView::Linear(_) | LayerView::Embedding(_) | LayerView::Norm(_) | LayerView::Pointwise { .. } => true,
    }
}

/// Codes that a layer remembers of one direction.
pub(super) fn memory_len(layer: &LayerView<'_>) -> usize {
    match layer {
        LayerView::Sru(sru) => sru.hidden(),
        LayerView::Recurrent(recurrent) => recurrent::memory_len(recurrent),
        // The frames of a window but the last, and how many are missing to the next one.
        LayerView::Conv1d(conv) => (conv.kernel() - 1).saturating_mul(conv.inputs()).saturating_add(1),
        LayerView::Linear(_) | LayerView::Embedding(_) | LayerView::Norm(_) | LayerView::Pointwise { .. } => 0,
    }
}

/// Codes that a layer needs within a frame.
pub(super) fn frame_len(layer: &LayerView<'_>) -> usize {
    match layer {
        LayerView::Sru(sru) => sru.hidden().saturating_mul(sru.highway().parts()),
        LayerView::Recurrent(recurrent) => recurrent::frame_len(recurrent),
        LayerView::Conv1d(conv) => conv.site().inputs(),
        LayerView::Linear(_) | LayerView::Embedding(_) | LayerView::Norm(_) | LayerView::Pointwise { .. } => 0,
    }
}

/// Brings what a layer remembers before its first frame.
pub(super) fn reset(layer: &LayerView<'_>, memory: &mut [i16]) {
    memory.fill(0);
    if let (LayerView::Conv1d(conv), Some(missing)) = (layer, memory.last_mut()) {
        // Less than the kernel, which is an i16.
        *missing = (conv.kernel() - 1 - conv.padding()[0]) as i16;
    }
}

/// The output of `layer`, `[frames, outputs]`, for `codes`, `[frames, inputs]`; returns how many frames came out.
pub(super) fn run(
    layer: &LayerView<'_>,
    codes: &[i16],
    frames: usize,
    memory: Memory<'_>,
    outputs: &mut [i16],
    buffers: &mut Buffers<'_>,
    count: &mut SaturationCount,
) -> usize {
    if frames == 0 {
        return 0;
    }
    match layer {
        LayerView::Sru(sru) => {
            read(sru, codes, frames, buffers, count);
            recur(sru, codes, frames, memory, outputs, buffers, count);
        }
        LayerView::Recurrent(recurrent) => recurrent::run(recurrent, codes, frames, memory, outputs, buffers, count),
        LayerView::Linear(site) => multiply(site, codes, outputs, buffers.row, count),
        LayerView::Conv1d(conv) => return convolve(conv, codes, frames, memory, outputs, buffers, count),
        LayerView::Embedding(site) => look_up(site, codes, outputs, count),
        LayerView::Norm(norm) => normalise(norm, codes, outputs, count),
        LayerView::Pointwise { function, .. } => {
            outputs.iter_mut().zip(codes).for_each(|(output, &code)| *output = function.apply(code));
        }
    }
    frames
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

fn look_up(site: &SiteView<'_>, codes: &[i16], outputs: &mut [i16], count: &mut SaturationCount) {
    for (&token, outputs) in codes.iter().zip(outputs.chunks_exact_mut(site.columns())) {
        // Tokens were checked before anything began.
        let row = token as usize;
        for (column, to) in outputs.iter_mut().enumerate() {
            *to = looked_up(site, column, row, count);
        }
    }
}

fn normalise(norm: &NormView<'_>, codes: &[i16], outputs: &mut [i16], count: &mut SaturationCount) {
    let width = norm.width();
    for (codes, outputs) in codes.chunks_exact(width).zip(outputs.chunks_exact_mut(width)) {
        norm.norm().apply(codes, (0..width).map(|index| norm.affine(index)), outputs, count);
    }
}

/// A window after the other, or the one that ends with this frame of a stream.
fn convolve(
    conv: &ConvView<'_>,
    codes: &[i16],
    frames: usize,
    memory: Memory<'_>,
    outputs: &mut [i16],
    buffers: &mut Buffers<'_>,
    count: &mut SaturationCount,
) -> usize {
    let site = conv.site();
    let window = &mut buffers.frame[..site.inputs()];
    match memory {
        Memory::Fresh => {
            for (step, outputs) in outputs.chunks_exact_mut(site.columns()).take(conv.frames(frames)).enumerate() {
                for (place, part) in window.chunks_exact_mut(conv.inputs()).enumerate() {
                    let frame = (step * conv.stride() + place).checked_sub(conv.padding()[0]);
                    match frame.filter(|&frame| frame < frames) {
                        Some(frame) => part.copy_from_slice(&codes[frame * conv.inputs()..][..conv.inputs()]),
                        None => part.fill(0),
                    }
                }
                multiply(&site, window, outputs, buffers.row, count);
            }
            conv.frames(frames)
        }
        Memory::Kept(memory) => {
            let (missing, history) = memory.split_last_mut().expect("a counter at the least");
            window[..history.len()].copy_from_slice(history);
            window[history.len()..].copy_from_slice(codes);
            history.copy_from_slice(&window[conv.inputs()..]);
            if *missing > 0 {
                *missing -= 1;
                return 0;
            }
            // Less than 2^15.
            *missing = (conv.stride() - 1) as i16;
            multiply(&site, window, &mut outputs[..site.columns()], buffers.row, count);
            1
        }
    }
}

/// What the products of the cells read, where that is not the input itself: `buffers.projected` begins with it.
fn read(sru: &SruView<'_>, codes: &[i16], frames: usize, buffers: &mut Buffers<'_>, count: &mut SaturationCount) {
    let Some(projection) = sru.projection() else {
        if let Some(norm) = sru.norm() {
            normalise(&norm, codes, &mut buffers.projected[..frames * sru.inputs()], count);
        }
        return;
    };
    let (projected, rest) = buffers.projected.split_at_mut(frames * projection.columns());
    let codes = match sru.norm() {
        None => codes,
        Some(norm) => {
            let normal = &mut rest[..frames * sru.inputs()];
            normalise(&norm, codes, normal, count);
            normal
        }
    };
    multiply(&projection, codes, projected, buffers.row, count);
}

/// Runs all units through all frames.
fn recur(
    sru: &SruView<'_>,
    codes: &[i16],
    frames: usize,
    mut memory: Memory<'_>,
    outputs: &mut [i16],
    buffers: &mut Buffers<'_>,
    count: &mut SaturationCount,
) {
    let (hidden, parts) = (sru.hidden(), sru.highway().parts());
    let Buffers { projected, row, frame: buffer } = buffers;
    let (products, fresh) = buffer.split_at_mut(hidden * parts);
    let apart = sru.projection().is_some() || sru.norm().is_some();
    for direction in 0..sru.directions() {
        let state = match &mut memory {
            Memory::Fresh => {
                fresh[..hidden].fill(0);
                &mut fresh[..hidden]
            }
            Memory::Kept(kept) => &mut kept[..],
        };
        for step in 0..frames {
            let frame = if direction == 0 { step } else { frames - 1 - step };
            let codes = &codes[frame * sru.inputs()..][..sru.inputs()];
            for index in 0..sru.sites() {
                let site = sru.site(index);
                let from = if apart { &projected[frame * site.inputs()..] } else { codes };
                let row = &mut row[..site.inputs()];
                // Both directions read the same operands, which are counted once.
                let mut again = SaturationCount::default();
                operands(&site, from, row, if direction == 0 { count } else { &mut again });
                let of_site = site.columns() / sru.directions();
                for (column, to) in products[index * of_site..][..of_site].iter_mut().enumerate() {
                    *to = output(&site, direction * of_site + column, row, count);
                }
            }
            let outputs = &mut outputs[frame * sru.outputs()..][..sru.outputs()];
            units(sru, direction, codes, products, state, outputs, count);
        }
    }
}

/// One frame of the units of one direction; `products` are `[parts, hidden]`.
fn units(
    sru: &SruView<'_>,
    direction: usize,
    codes: &[i16],
    products: &[i16],
    state: &mut [i16],
    outputs: &mut [i16],
    count: &mut SaturationCount,
) {
    let hidden = sru.hidden();
    for (unit, state) in state.iter_mut().enumerate() {
        let place = direction * hidden + unit;
        let part = |part: usize| products[part * hidden + unit];
        let skip = match sru.highway() {
            Highway::None => 0,
            Highway::Product => part(3),
            Highway::Input(factor) => factor.apply(codes[place], count),
        };
        let products = [part(0), part(1), part(2)];
        outputs[place] = sru.cell().step(sru.vectors(place), products, skip, state, count);
    }
}
