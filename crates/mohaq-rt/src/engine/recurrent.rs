//! A layer of cells that multiply their hidden output: sequences in lockstep.
//!
//! The input's products are made for all frames at once. Then, step by step, the hidden outputs of all sequences that have
//! not ended are multiplied side by side: a panel of weights is read once for as many rows as there are, where it would
//! otherwise be read once for every frame of every sequence.
//!
//! Units are kept 16 to a group, the last one filled up with zeros that stay zeros and never saturate.

use super::Scratch;
use super::layer::{LayerCounts, Memory};
use super::site::{Site, SiteCounts, gate_arrangement};
use crate::Error;
use crate::arch::{CellRow, Level, Target, Words};
use crate::cell::{Clipped, MAX_PEEPHOLES, RecurrentCell};
use crate::numeric::SaturationCount;
use crate::panel::{LANES, Panels};
use crate::parameters::{RecurrentParameters, SiteParameters};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

/// The layer, ready to run.
#[derive(Clone, Debug)]
pub(super) struct Recurrent {
    hidden: usize,
    pub(super) directions: usize,
    /// What a direction shows and feeds back.
    width: usize,
    inputs: usize,
    cell: RecurrentCell,
    window: usize,
    input: Vec<GateSite>,
    recurrent: Vec<GateSite>,
    projection: Option<Site>,
    /// `[directions, groups]`.
    peepholes: Vec<[[i16; LANES]; MAX_PEEPHOLES]>,
}

/// A product for some of the gates.
#[derive(Clone, Debug)]
struct GateSite {
    site: Site,
    gates: Range<usize>,
}

/// Buffers of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers {
    /// u, `[frames, directions, gates, padded]`.
    input: Vec<i16>,
    /// v, `[sequences, gates, padded]`.
    products: Vec<i16>,
    /// c and h before it is projected, `[sequences, padded]` each.
    state: Vec<i16>,
    hidden: Vec<i16>,
    /// h, `[sequences, width]`.
    shown: Vec<i16>,
    /// What a product reads: h, or h times a gate.
    operand: Vec<i16>,
    /// Windows of two frames.
    windows: Vec<i16>,
}

/// Sequences side by side: at step t those that have more than t frames, the longest first.
struct Lockstep {
    sequences: Vec<[usize; 2]>,
}

impl Lockstep {
    fn new(starts: &[usize]) -> Self {
        let mut sequences: Vec<[usize; 2]> = starts.windows(2).map(|ends| [ends[0], ends[1]]).collect();
        sequences.sort_by_key(|[start, end]| core::cmp::Reverse(end - start));
        Self { sequences }
    }

    fn steps(&self) -> usize {
        self.sequences.first().map_or(0, |[start, end]| end - start)
    }

    fn active(&self, step: usize) -> usize {
        self.sequences.partition_point(|[start, end]| step < end - start)
    }

    fn frame(&self, sequence: usize, step: usize, direction: usize) -> usize {
        let [start, end] = self.sequences[sequence];
        if direction == 0 { start + step } else { end - 1 - step }
    }
}

impl Recurrent {
    pub(super) fn new(parameters: RecurrentParameters<Arc<Panels>>, inputs: usize) -> Result<Self, Error> {
        let width = parameters.width();
        let RecurrentParameters { hidden, directions, cell, window, input, recurrent, projection, peepholes } =
            parameters;
        let kind = cell.kind();
        let length =
            |what, expected, got| if got == expected { Ok(()) } else { Err(Error::Length { what, expected, got }) };
        let split = input.len() > 1;
        length("products of a recurrent layer's input", if split { kind.gates() } else { 1 }, input.len())?;
        length("products of a recurrent layer's hidden output", kind.recurrent_products(split), recurrent.len())?;
        let gates = |site: &SiteParameters<Arc<Panels>>, gates: usize| {
            length("columns of a recurrent layer", directions * gates * hidden, site.columns)
        };
        let site = |site: SiteParameters<Arc<Panels>>, inputs: usize, range: Range<usize>| {
            gates(&site, range.len())?;
            let lanes = gate_arrangement(hidden, directions, range.len());
            let site = Site::new(site, inputs, &lanes, [range.len(), hidden])?;
            Ok(GateSite { site, gates: range })
        };
        let apart = if split { 1 } else { kind.gates() };
        let input = input.into_iter().enumerate();
        let input = input.map(|(index, part)| site(part, window * inputs, index * apart..(index + 1) * apart));
        let input = input.collect::<Result<_, Error>>()?;
        let recurrent = recurrent.into_iter().enumerate().map(|(index, part)| {
            let [first, end] = kind.recurrent_gates(index, split);
            site(part, width, first..end)
        });
        let recurrent = recurrent.collect::<Result<_, Error>>()?;
        let projection = projection.map(|site| {
            length("columns of a projection", directions * width, site.columns)?;
            // Direction by direction: a panel never holds columns of both.
            Site::new(site, hidden, &gate_arrangement(width, directions, 1), [1, directions * width])
        });
        let looks = cell.peephole_shift().map_or(0, |_| kind.peepholes());
        length("peepholes of a recurrent layer", looks * directions * hidden, peepholes.len())?;
        let lanes = gate_arrangement(hidden, directions, 1);
        let look = |index: usize, lane: Option<usize>| match lane {
            Some(unit) if index < looks => peepholes[index * directions * hidden + unit],
            _ => 0,
        };
        let groups = lanes.as_chunks::<LANES>().0.iter();
        let peepholes = groups.map(|lanes| core::array::from_fn(|index| lanes.map(|lane| look(index, lane)))).collect();
        let projection = projection.transpose()?;
        Ok(Self { hidden, directions, width, inputs, cell, window, input, recurrent, projection, peepholes })
    }

    /// Length of the output.
    pub(super) fn outputs(&self) -> usize {
        self.directions * self.width
    }

    fn padded(&self) -> usize {
        self.hidden.next_multiple_of(LANES)
    }

    /// Codes that a stream remembers: c, h before it is projected, h, and the frame before.
    pub(super) fn memory_len(&self) -> usize {
        2 * self.padded() + self.width + self.inputs
    }

    pub(super) fn run(
        &self,
        level: Level,
        codes: &[i16],
        starts: &[usize],
        mut memory: Memory<'_>,
        outputs: &mut [i16],
        scratch: &mut Scratch,
    ) -> LayerCounts {
        let sites = self.input.len() + self.recurrent.len() + usize::from(self.projection.is_some());
        let mut counts = LayerCounts::of_sites(sites);
        let Scratch { words, recurrent: buffers, .. } = scratch;
        self.multiply_input(level, codes, starts, &mut memory, &mut counts.sites, words, buffers);
        let lockstep = Lockstep::new(starts);
        let mut clipped = Clipped::default();
        for direction in 0..self.directions {
            self.begin(&memory, starts.len() - 1, buffers);
            for step in 0..lockstep.steps() {
                let rows = lockstep.active(step);
                let (_, sites) = counts.sites.split_at_mut(self.input.len());
                self.multiply_hidden(level, direction, step, &lockstep, sites, words, buffers);
                self.units(level, direction, step, &lockstep, buffers, &mut clipped);
                self.show(level, direction, rows, sites.last_mut(), words, buffers);
                for row in 0..rows {
                    let frame = lockstep.frame(row, step, direction);
                    outputs[frame * self.outputs() + direction * self.width..][..self.width]
                        .copy_from_slice(&buffers.shown[row * self.width..][..self.width]);
                }
            }
        }
        self.keep(memory, codes, buffers);
        let units = (starts[starts.len() - 1] * self.directions * self.hidden) as u64;
        counts.arguments = self.cell.counted(units, clipped.sums);
        counts.states = self.cell.counted_states(units, clipped.states);
        counts
    }

    /// c and h before the first step.
    fn begin(&self, memory: &Memory<'_>, sequences: usize, buffers: &mut Buffers) {
        let padded = self.padded();
        let Buffers { state, hidden, shown, products, .. } = buffers;
        for (buffer, width) in [(&mut *state, padded), (&mut *hidden, padded), (&mut *shown, self.width)] {
            buffer.clear();
            buffer.resize(sequences * width, 0);
        }
        products.clear();
        products.resize(sequences * self.cell.kind().gates() * padded, 0);
        if let Memory::Kept(memory) = memory {
            let (of_state, rest) = memory.split_at(padded);
            let (of_hidden, rest) = rest.split_at(padded);
            state.copy_from_slice(of_state);
            hidden.copy_from_slice(of_hidden);
            shown.copy_from_slice(&rest[..self.width]);
        }
    }

    /// Leaves to a stream what it is to remember.
    fn keep(&self, memory: Memory<'_>, codes: &[i16], buffers: &Buffers) {
        let Memory::Kept(memory) = memory else { return };
        let (state, rest) = memory.split_at_mut(self.padded());
        let (hidden, rest) = rest.split_at_mut(self.padded());
        let (shown, before) = rest.split_at_mut(self.width);
        state.copy_from_slice(&buffers.state);
        hidden.copy_from_slice(&buffers.hidden);
        shown.copy_from_slice(&buffers.shown);
        before.copy_from_slice(codes);
    }

    /// u of all gates and frames.
    #[expect(clippy::too_many_arguments, reason = "the buffers are borrowed apart from each other")]
    fn multiply_input(
        &self,
        level: Level,
        codes: &[i16],
        starts: &[usize],
        memory: &mut Memory<'_>,
        counts: &mut [SiteCounts],
        words: &mut Vec<Words>,
        buffers: &mut Buffers,
    ) {
        let frames = starts[starts.len() - 1];
        let gates = self.cell.kind().gates();
        let width = self.directions * gates * self.padded();
        buffers.input.resize(frames * width, 0);
        for (part, counts) in self.input.iter().zip(counts) {
            for direction in 0..self.directions {
                if direction == 0 || self.window == 2 {
                    let codes = if self.window == 2 {
                        self.windows(direction, codes, starts, memory, &mut buffers.windows);
                        &buffers.windows
                    } else {
                        codes
                    };
                    counts.input.merge(part.site.operands(level, codes, frames, words));
                }
                let mut to = Panes { values: &mut buffers.input, width, first: direction * gates * self.padded() };
                self.panels(level, part, direction, frames, false, words, &mut to, counts);
            }
        }
    }

    /// Every frame behind the one that its direction has met before.
    fn windows(&self, direction: usize, codes: &[i16], starts: &[usize], memory: &Memory<'_>, windows: &mut Vec<i16>) {
        windows.clear();
        for ends in starts.windows(2) {
            for frame in ends[0]..ends[1] {
                let met = if direction == 0 { frame.checked_sub(1) } else { Some(frame + 1) };
                match (met.filter(|met| (ends[0]..ends[1]).contains(met)), memory) {
                    (Some(met), _) => windows.extend_from_slice(&codes[met * self.inputs..][..self.inputs]),
                    (None, Memory::Kept(memory)) => {
                        windows.extend_from_slice(&memory[2 * self.padded() + self.width..][..self.inputs]);
                    }
                    (None, Memory::Fresh) => windows.resize(windows.len() + self.inputs, 0),
                }
                windows.extend_from_slice(&codes[frame * self.inputs..][..self.inputs]);
            }
        }
    }

    /// The products of one direction of a site, for `rows` rows of `words`; of one row from the last gate to the first where
    /// `turned`.
    #[expect(clippy::too_many_arguments, reason = "the buffers are borrowed apart from each other")]
    fn panels(
        &self,
        level: Level,
        part: &GateSite,
        direction: usize,
        rows: usize,
        turned: bool,
        words: &[Words],
        to: &mut Panes<'_>,
        counts: &mut SiteCounts,
    ) {
        let (groups, gates) = (self.padded() / LANES, part.gates.len());
        let total = (rows * self.hidden) as u64;
        if rows == 1 {
            // Panels and codes of all gates lie side by side. Where something saturates, which is rare, each gate is made again
            // and counted by itself.
            let column = to.first + part.gates.start * self.padded();
            let values = &mut to.values[column..][..gates * self.padded()];
            if part.site.row(level, words, direction * gates * groups, turned, values).clipped == 0 {
                let none = SaturationCount { clipped: 0, total };
                counts.outputs[..gates].iter_mut().for_each(|count| count.merge(none));
                return;
            }
        }
        for of_site in 0..gates {
            let of_site = if turned { gates - 1 - of_site } else { of_site };
            let (gate, mut clipped) = (part.gates.start + of_site, 0);
            let panel = (direction * gates + of_site) * groups;
            let column = to.first + gate * self.padded();
            if rows == 1 {
                let values = &mut to.values[column..][..self.padded()];
                clipped += part.site.row(level, words, panel, turned, values).clipped;
            } else {
                for group in 0..groups {
                    let column = column + group * LANES;
                    let target = Target { values: &mut *to.values, width: to.width, column, lanes: LANES };
                    clipped += part.site.panel(level, words, rows, panel + group, target).clipped;
                }
            }
            counts.outputs[of_site].merge(SaturationCount { clipped, total });
        }
    }

    /// v of all gates, for the sequences that are still there.
    #[expect(clippy::too_many_arguments, reason = "the buffers are borrowed apart from each other")]
    fn multiply_hidden(
        &self,
        level: Level,
        direction: usize,
        step: usize,
        lockstep: &Lockstep,
        counts: &mut [SiteCounts],
        words: &mut Vec<Words>,
        buffers: &mut Buffers,
    ) {
        let kind = self.cell.kind();
        let (rows, width) = (lockstep.active(step), kind.gates() * self.padded());
        for (index, (part, counts)) in self.recurrent.iter().zip(counts).enumerate() {
            let gated = kind.is_gated() && index + 1 == self.recurrent.len();
            if gated {
                self.gate(level, direction, step, lockstep, buffers);
            }
            let codes = if gated { &buffers.operand } else { &buffers.shown };
            counts.input.merge(part.site.operands(level, &codes[..rows * self.width], rows, words));
            let mut to = Panes { values: &mut buffers.products, width, first: 0 };
            self.panels(level, part, direction, rows, step % 2 == 1, words, &mut to, counts);
        }
    }

    /// The hidden outputs times their first gates.
    fn gate(&self, level: Level, direction: usize, step: usize, lockstep: &Lockstep, buffers: &mut Buffers) {
        let (gates, padded) = (self.cell.kind().gates(), self.padded());
        let rows = lockstep.active(step);
        let Buffers { input, products, hidden, operand, .. } = buffers;
        operand.resize(rows * self.width, 0);
        let mut gated = [0; LANES];
        for row in 0..rows {
            let frame = lockstep.frame(row, step, direction);
            let u = &input[(frame * self.directions + direction) * gates * padded..][..padded];
            let v = &products[row * gates * padded..][..padded];
            let h = &hidden[row * padded..][..padded];
            let to = operand[row * self.width..][..self.width].chunks_mut(LANES);
            let chunks = u.as_chunks::<LANES>().0.iter().zip(v.as_chunks().0).zip(h.as_chunks().0);
            for (to, ((u, v), h)) in to.zip(chunks) {
                level.gate(self.cell, [u, v, h], &mut gated);
                to.copy_from_slice(&gated[..to.len()]);
            }
        }
    }

    /// The elementwise part of a step.
    fn units(
        &self,
        level: Level,
        direction: usize,
        step: usize,
        lockstep: &Lockstep,
        buffers: &mut Buffers,
        clipped: &mut Clipped,
    ) {
        let (gates, padded) = (self.cell.kind().gates(), self.padded());
        let groups = padded / LANES;
        let Buffers { input, products, state, hidden, .. } = buffers;
        for row in 0..lockstep.active(step) {
            let frame = lockstep.frame(row, step, direction);
            level.cells(
                self.cell,
                &mut CellRow {
                    input: &input[(frame * self.directions + direction) * gates * padded..][..gates * padded],
                    products: &products[row * gates * padded..][..gates * padded],
                    peepholes: &self.peepholes[direction * groups..][..groups],
                    state: &mut state[row * padded..][..padded],
                    hidden: &mut hidden[row * padded..][..padded],
                },
                clipped,
            );
        }
    }

    /// h in its width.
    fn show(
        &self,
        level: Level,
        direction: usize,
        rows: usize,
        counts: Option<&mut SiteCounts>,
        words: &mut Vec<Words>,
        buffers: &mut Buffers,
    ) {
        let padded = self.padded();
        let Buffers { hidden, shown, operand, .. } = buffers;
        let Some((site, counts)) = self.projection.as_ref().zip(counts) else {
            for (to, from) in shown.chunks_exact_mut(self.width).zip(hidden.chunks_exact(padded)).take(rows) {
                to.copy_from_slice(&from[..self.hidden]);
            }
            return;
        };
        operand.resize(rows * self.hidden, 0);
        for (to, from) in operand.chunks_exact_mut(self.hidden).zip(hidden.chunks_exact(padded)) {
            to.copy_from_slice(&from[..self.hidden]);
        }
        counts.input.merge(site.operands(level, operand, rows, words));
        let groups = self.width.div_ceil(LANES);
        for group in 0..groups {
            let (column, panel) = (group * LANES, direction * groups + group);
            let lanes = LANES.min(self.width - column);
            let target = Target { values: shown, width: self.width, column, lanes };
            counts.outputs[0].merge(site.panel(level, words, rows, panel, target));
        }
    }
}

/// Where the gates of a direction go: rows of `width` codes, those of the direction from `first` on.
struct Panes<'a> {
    values: &'a mut [i16],
    width: usize,
    first: usize,
}
