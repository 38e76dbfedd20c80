//! Layers that see each frame, or a few around it.

use super::Scratch;
use super::layer::LayerCounts;
use super::site::{Site, arrangement};
use crate::arch::Level;
use crate::numeric::{SaturationCount, saturate};
use crate::panel::Panels;
use crate::parameters::{Conv1dParameters, NormParameters, SiteParameters};
use crate::{Bits, Error};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

/// A convolution over time, as a product of windows.
#[derive(Clone, Debug)]
pub(super) struct Conv1d {
    kernel: usize,
    stride: usize,
    padding: [usize; 2],
    inputs: usize,
    site: Site,
}

impl Conv1d {
    pub(super) fn new(parameters: Conv1dParameters<Arc<Panels>>, inputs: usize) -> Result<Self, Error> {
        let Conv1dParameters { kernel, stride, padding, site } = parameters;
        if kernel == 0 || stride == 0 || padding[0] + padding[1] >= kernel {
            return Err(Error::Window { kernel, stride, padding });
        }
        let (lanes, columns) = (arrangement(site.columns), site.columns);
        let site = Site::new(site, kernel * inputs, &lanes, [1, columns])?;
        Ok(Self { kernel, stride, padding, inputs, site })
    }

    pub(super) fn outputs(&self) -> usize {
        self.site.columns
    }

    fn frames(&self, frames: usize) -> usize {
        let padded = frames + self.padding[0] + self.padding[1];
        if frames == 0 || padded < self.kernel { 0 } else { (padded - self.kernel) / self.stride + 1 }
    }

    pub(super) fn output_starts(&self, starts: &[usize]) -> Vec<usize> {
        let lengths = starts.windows(2).map(|ends| self.frames(ends[1] - ends[0]));
        let ends = lengths.scan(0, |end, length| {
            *end += length;
            Some(*end)
        });
        core::iter::once(0).chain(ends).collect()
    }

    pub(super) fn run(
        &self,
        level: Level,
        codes: &[i16],
        starts: &[usize],
        outputs: &mut [i16],
        scratch: &mut Scratch,
    ) -> LayerCounts {
        let windows = &mut scratch.projected;
        windows.clear();
        for ends in starts.windows(2) {
            let sequence = &codes[ends[0] * self.inputs..ends[1] * self.inputs];
            for step in 0..self.frames(ends[1] - ends[0]) {
                for place in 0..self.kernel {
                    let frame = (step * self.stride + place).checked_sub(self.padding[0]);
                    match frame.and_then(|frame| sequence.get(frame * self.inputs..(frame + 1) * self.inputs)) {
                        Some(frame) => windows.extend_from_slice(frame),
                        None => windows.resize(windows.len() + self.inputs, 0),
                    }
                }
            }
        }
        let sites = vec![self.site.run(level, windows, outputs, false, &mut scratch.words)];
        LayerCounts { sites, ..LayerCounts::default() }
    }

    /// The frames of a window but the last, and how many are missing to the next window.
    pub(super) fn initial_memory(&self) -> Option<Vec<i16>> {
        let missing = i16::try_from(self.kernel - 1 - self.padding[0]).ok()?;
        let mut memory = vec![0; (self.kernel - 1) * self.inputs];
        memory.push(missing);
        (self.padding[1] == 0 && self.stride <= i16::MAX as usize).then_some(memory)
    }

    pub(super) fn step(
        &self,
        level: Level,
        codes: &[i16],
        memory: &mut [i16],
        outputs: &mut [i16],
        scratch: &mut Scratch,
    ) -> bool {
        let (missing, history) = memory.split_last_mut().expect("a counter at the least");
        let window = &mut scratch.projected;
        window.clear();
        window.extend_from_slice(history);
        window.extend_from_slice(codes);
        history.copy_from_slice(&window[self.inputs..]);
        if *missing > 0 {
            *missing -= 1;
            return false;
        }
        // Not beyond an i16: streams were refused otherwise.
        *missing = (self.stride - 1) as i16;
        self.site.run(level, window, outputs, false, &mut scratch.words);
        true
    }
}

/// A table whose rows are requantized beforehand.
#[derive(Clone, Debug)]
pub(super) struct Table {
    columns: usize,
    /// `[rows, columns]`.
    codes: Vec<i16>,
    /// Codes of each row that saturated.
    clipped: Vec<u64>,
}

impl Table {
    pub(super) fn new(site: &SiteParameters<Arc<Panels>>, inputs: usize) -> Result<Self, Error> {
        let columns = site.columns;
        let length =
            |what, expected, got| if got == expected { Ok(()) } else { Err(Error::Length { what, expected, got }) };
        length("inputs of a table", 1, inputs)?;
        length("rows of packed weights", site.inputs, site.weights.inputs())?;
        length("lanes of packed weights", columns, site.weights.lanes())?;
        if site.outputs.len() != 1 {
            length("requantizers of a product", columns, site.outputs.len())?;
        }
        if !site.biases.is_empty() {
            length("biases of a product", columns, site.biases.len())?;
        }
        let mut codes = Vec::with_capacity(site.inputs * columns);
        let mut clipped = Vec::with_capacity(site.inputs);
        for row in 0..site.inputs {
            let mut count = SaturationCount::default();
            for column in 0..columns {
                let scaled = site.outputs[column % site.outputs.len()].scaled(site.weights.code(row, column).into());
                let bias = site.biases.get(column).copied().unwrap_or(0);
                codes.push(count.record(saturate(scaled.saturating_add(bias.into()), Bits::Sixteen)));
            }
            clipped.push(count.clipped);
        }
        Ok(Self { columns, codes, clipped })
    }

    pub(super) fn outputs(&self) -> usize {
        self.columns
    }

    pub(super) fn look_up(&self, tokens: &[i16], outputs: &mut [i16]) -> SaturationCount {
        let mut count = SaturationCount { clipped: 0, total: outputs.len() as u64 };
        for (&token, output) in tokens.iter().zip(outputs.chunks_exact_mut(self.columns)) {
            let row = usize::try_from(token).expect("tokens were checked");
            output.copy_from_slice(&self.codes[row * self.columns..][..self.columns]);
            count.clipped += self.clipped[row];
        }
        count
    }
}

/// Brings every frame to mean 0 and variance 1, scales and moves it.
pub(super) fn normalise(norm: &NormParameters, codes: &[i16], outputs: &mut [i16]) -> SaturationCount {
    let mut count = SaturationCount::default();
    let width = norm.gain.len();
    for (codes, outputs) in codes.chunks_exact(width).zip(outputs.chunks_exact_mut(width)) {
        let affine = norm.gain.iter().zip(&norm.bias).map(|(&gain, &bias)| [gain, bias]);
        norm.norm.apply(codes, affine, outputs, &mut count);
    }
    count
}
