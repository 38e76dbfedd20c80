//! The definition, on any machine.

use super::{CellRow, Highway, LANES, Operand, Product, Recurrence, RecurrenceCounts, TILE, Target, Words};
use crate::Bits;
use crate::cell::{Clipped, Frame, One, RecurrentCell};
use crate::numeric::{SaturationCount, saturate};
use crate::panel::{Data, nibble};

pub(super) fn operands(operand: Operand, codes: &[i16], words: &mut [Words], row: usize) -> SaturationCount {
    let mut count = SaturationCount::default();
    let inputs = operand.family.inputs();
    for (step, words) in words.iter_mut().enumerate() {
        let parts = codes.get(step * inputs..).unwrap_or_default();
        let word = &mut words[row];
        *word = 0;
        for part in 0..inputs {
            let code = parts
                .get(part)
                .map_or(0, |&code| i32::from(count.record(operand.requantizer.apply_i32(code.into(), operand.bits))));
            let bits = 32 / inputs;
            let field = (code + operand.offset()).cast_unsigned() & (u32::MAX >> (32 - bits));
            *word |= field << (part * bits);
        }
    }
    count
}

pub(super) fn product(product: &Product<'_>, panel: usize, target: Target<'_>) -> SaturationCount {
    write(product, panel, target, |tile, rows| {
        core::array::from_fn(|row| if row < rows { sums(product, panel, tile * TILE + row) } else { [0; LANES] })
    })
}

/// From the exact sums of each tile, which `sums` gives for its number and the rows it has, to codes.
pub(super) fn write(
    product: &Product<'_>,
    panel: usize,
    mut target: Target<'_>,
    sums: impl Fn(usize, usize) -> [[i64; LANES]; TILE],
) -> SaturationCount {
    let mut count = SaturationCount::default();
    for (tile, first) in (0..product.rows).step_by(TILE).enumerate() {
        let rows = TILE.min(product.rows - first);
        count.merge(write_rows(product, panel, first, &sums(tile, rows)[..rows], &mut target));
    }
    count
}

/// From the exact sums of some rows, from `first` on, to codes.
pub(super) fn write_rows(
    product: &Product<'_>,
    panel: usize,
    first: usize,
    sums: &[[i64; LANES]],
    target: &mut Target<'_>,
) -> SaturationCount {
    let mut count = SaturationCount::default();
    for (row, sums) in sums.iter().enumerate() {
        for (lane, to) in target.row(first + row).iter_mut().enumerate() {
            let place = panel * LANES + lane;
            let scaled = product.scales.requantizers[place].scaled(sums[lane]);
            let sum = scaled.saturating_add(product.scales.biases[place].into());
            *to = count.record(saturate(sum, Bits::Sixteen));
        }
    }
    count
}

/// The exact sums of one row with one panel.
pub(super) fn sums(product: &Product<'_>, panel: usize, row: usize) -> [i64; LANES] {
    let steps = product.panels.steps();
    let words = product.tile(row / TILE).iter().map(|words| words[row % TILE]);
    let mut sums = [0; LANES];
    match product.panels.data() {
        Data::Pairs(data) => {
            for (word, weights) in words.zip(&data[panel * steps..][..steps]) {
                let inputs = [word as i16, (word >> 16) as i16].map(i64::from);
                for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<2>().0) {
                    *sum += i64::from(weights[0]) * inputs[0] + i64::from(weights[1]) * inputs[1];
                }
            }
        }
        Data::BytePairs(data) => {
            for (word, weights) in words.zip(&data[panel * steps..][..steps]) {
                let inputs = [word as i16, (word >> 16) as i16].map(i64::from);
                for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<2>().0) {
                    *sum += i64::from(weights[0]) * inputs[0] + i64::from(weights[1]) * inputs[1];
                }
            }
        }
        Data::Quads { weights, .. } => {
            for (word, weights) in words.zip(&weights[panel * steps..][..steps]) {
                let inputs = word.to_le_bytes().map(|byte| i64::from(byte) - i64::from(product.operand.offset()));
                for (sum, weights) in sums.iter_mut().zip(weights.0.as_chunks::<4>().0) {
                    *sum += inputs.iter().zip(weights).map(|(input, &weight)| input * i64::from(weight)).sum::<i64>();
                }
            }
        }
        Data::Nibbles { weights, .. } => {
            let lines = &weights[panel * steps.div_ceil(2)..][..steps.div_ceil(2)];
            for (step, word) in words.enumerate() {
                let inputs = word.to_le_bytes().map(|byte| i64::from(byte) - i64::from(product.operand.offset()));
                for (sum, bytes) in sums.iter_mut().zip(lines[step / 2].0.as_chunks::<4>().0) {
                    *sum += inputs
                        .iter()
                        .zip(bytes)
                        .map(|(input, &byte)| input * i64::from(nibble(byte, step)))
                        .sum::<i64>();
                }
            }
        }
    }
    sums
}

pub(super) fn cells(cell: RecurrentCell, row: &mut CellRow<'_>, clipped: &mut Clipped) {
    let gates = cell.kind().gates();
    let (states, hidden) = (row.state.as_chunks_mut::<LANES>().0, row.hidden.as_chunks_mut::<LANES>().0);
    for (group, (states, hidden)) in states.iter_mut().zip(hidden).enumerate() {
        let [u, v] = [row.input, row.products].map(|codes| CellRow::gates(codes, gates, group));
        let p = &row.peepholes[group];
        for lane in 0..LANES {
            let [u, v] = [u, v].map(|gates| gates.map(|codes| codes[lane]));
            let p = p.each_ref().map(|codes| codes[lane]);
            let frame = Frame { u, v, peepholes: p, hidden: hidden[lane] };
            hidden[lane] = cell.step(One, &frame, &mut states[lane], clipped);
        }
    }
}

pub(super) fn gate(cell: RecurrentCell, [u, v, h]: [&[i16; LANES]; 3], gated: &mut [i16; LANES]) {
    for (lane, gated) in gated.iter_mut().enumerate() {
        *gated = cell.gated(One, [u[lane], v[lane]], h[lane]);
    }
}

pub(super) fn recur(
    recurrence: &Recurrence<'_>,
    states: &mut [[i16; LANES]],
    mut target: Target<'_>,
) -> RecurrenceCounts {
    let mut counts = RecurrenceCounts::default();
    let [forget, reset] = recurrence.vectors;
    for (sequence, state) in states.iter_mut().enumerate() {
        for frame in recurrence.frames(sequence) {
            let skip = highway(recurrence, frame, target.lanes, &mut counts.highway);
            let [candidates, forgets, resets] = [0, 1, 2].map(|part| recurrence.part(frame, part));
            for (lane, hidden) in target.row(frame).iter_mut().enumerate() {
                let products = [candidates[lane], forgets[lane], resets[lane]];
                let vectors = [forget[lane], reset[lane]];
                *hidden = recurrence.cell.step(vectors, products, skip[lane], &mut state[lane], &mut counts.gates);
            }
        }
    }
    counts
}

/// What is carried past the cells at `frame`.
fn highway(recurrence: &Recurrence<'_>, frame: usize, lanes: usize, clipped: &mut SaturationCount) -> [i16; LANES] {
    match recurrence.highway {
        Highway::None => [0; LANES],
        Highway::Product => *recurrence.part(frame, 3),
        Highway::Input { codes, width, column, factor } => {
            let mut skip = [0; LANES];
            let inputs = &codes[frame * width + column..][..lanes];
            skip.iter_mut().zip(inputs).for_each(|(skip, &code)| *skip = factor.apply(code, clipped));
            skip
        }
    }
}

/// Multiply-accumulates a second of the loop over pairs, on data that stay in the nearest cache.
#[cfg(feature = "std")]
pub(super) fn measured_peak() -> f64 {
    let words = [0x0003_0001_u32; 64];
    let weights = [[2_i16; 2 * LANES]; 64];
    let begun = std::time::Instant::now();
    let mut macs = 0_u64;
    let mut sums = [0_i32; LANES];
    while begun.elapsed().as_millis() < 50 {
        for (&word, weights) in std::hint::black_box(&words).iter().zip(std::hint::black_box(&weights)) {
            let inputs = [word as i16, (word >> 16) as i16].map(i32::from);
            for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<2>().0) {
                *sum = sum.wrapping_add(i32::from(weights[0]) * inputs[0] + i32::from(weights[1]) * inputs[1]);
            }
        }
        macs += (64 * 2 * LANES) as u64;
    }
    std::hint::black_box(sums);
    macs as f64 / begun.elapsed().as_secs_f64()
}
