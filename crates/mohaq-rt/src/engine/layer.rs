//! One layer of any kind, and what it saw saturate.

use super::Scratch;
use super::frames::{Conv1d, Table, normalise};
use super::recurrent::Recurrent;
use super::site::{Site, SiteCounts, arrangement};
use super::sru::Sru;
use crate::Error;
use crate::arch::Level;
use crate::cell::Pointwise;
use crate::numeric::SaturationCount;
use crate::panel::Panels;
use crate::parameters::{LayerParameters, NormParameters};
use alloc::borrow::Cow;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

/// Saturations of one layer, by tensor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerCounts {
    /// At every product, in the order data meets them.
    pub sites: Vec<SiteCounts>,
    /// Arguments of gates.
    pub arguments: SaturationCount,
    /// States of an LSTM. Those of simple recurrent units, and all hidden outputs, cannot saturate.
    pub states: SaturationCount,
    /// Inputs times the highway's factor.
    pub highway: SaturationCount,
    /// Normalised numbers, before and after they are scaled.
    pub normal: SaturationCount,
}

impl LayerCounts {
    pub(super) fn of_sites(sites: usize) -> Self {
        Self { sites: vec![SiteCounts::default(); sites], ..Self::default() }
    }

    /// Adds what another run saw.
    pub fn merge(&mut self, other: &Self) {
        self.sites.resize(self.sites.len().max(other.sites.len()), SiteCounts::default());
        self.sites.iter_mut().zip(&other.sites).for_each(|(mine, other)| mine.merge(other));
        self.arguments.merge(other.arguments);
        self.states.merge(other.states);
        self.highway.merge(other.highway);
        self.normal.merge(other.normal);
    }

    /// Of everything together.
    pub fn total(&self) -> SaturationCount {
        let mut total = SaturationCount::default();
        for SiteCounts { input, outputs } in &self.sites {
            total.merge(*input);
            outputs.iter().for_each(|&count| total.merge(count));
        }
        [self.arguments, self.states, self.highway, self.normal].into_iter().for_each(|count| total.merge(count));
        total
    }
}

/// What a layer remembers of earlier frames.
pub(super) enum Memory<'a> {
    /// Nothing yet: whole sequences are about to come.
    Fresh,
    /// One sequence that goes on.
    Kept(&'a mut [i16]),
}

/// One layer, ready to run.
#[derive(Clone, Debug)]
pub struct Layer {
    kind: Kind,
    inputs: usize,
}

#[derive(Clone, Debug)]
enum Kind {
    Sru(Sru),
    Recurrent(Recurrent),
    Linear(Site),
    Conv1d(Conv1d),
    Embedding(Table),
    Norm(NormParameters),
    Pointwise(Pointwise),
}

impl Layer {
    pub(super) fn new(parameters: LayerParameters<Arc<Panels>>, inputs: usize) -> Result<Self, Error> {
        let kind = match parameters {
            LayerParameters::Sru(sru) => Kind::Sru(Sru::new(sru, inputs)?),
            LayerParameters::Recurrent(recurrent) => Kind::Recurrent(Recurrent::new(recurrent, inputs)?),
            LayerParameters::Linear(site) => {
                let (lanes, parts) = (arrangement(site.columns), [1, site.columns]);
                Kind::Linear(Site::new(site, inputs, &lanes, parts)?)
            }
            LayerParameters::Conv1d(conv) => Kind::Conv1d(Conv1d::new(conv, inputs)?),
            LayerParameters::Embedding(site) => Kind::Embedding(Table::new(&site, inputs)?),
            LayerParameters::Norm(norm) => {
                for (what, vector) in [("gain of a normalisation", &norm.gain), ("bias of a normalisation", &norm.bias)]
                {
                    if vector.len() != inputs {
                        return Err(Error::Length { what, expected: inputs, got: vector.len() });
                    }
                }
                Kind::Norm(norm)
            }
            LayerParameters::Pointwise(function) => Kind::Pointwise(function),
        };
        Ok(Self { kind, inputs })
    }

    /// Length of the output.
    pub fn outputs(&self) -> usize {
        match &self.kind {
            Kind::Sru(sru) => sru.outputs(),
            Kind::Recurrent(recurrent) => recurrent.outputs(),
            Kind::Linear(site) => site.columns,
            Kind::Conv1d(conv) => conv.outputs(),
            Kind::Embedding(table) => table.outputs(),
            Kind::Norm(_) | Kind::Pointwise(_) => self.inputs,
        }
    }

    /// First frame of each sequence that comes out, and the number of frames, for sequences that go in.
    pub fn output_starts<'a>(&self, starts: &'a [usize]) -> Cow<'a, [usize]> {
        match &self.kind {
            Kind::Conv1d(conv) => Cow::Owned(conv.output_starts(starts)),
            _ => Cow::Borrowed(starts),
        }
    }

    /// The layer's output for whole sequences: `codes`, `[frames, inputs]`, to `outputs`, `[frames, outputs]` of the frames
    /// that [`output_starts`](Self::output_starts) speaks of.
    ///
    /// # Panics
    /// If the slices are not of these frames, or a code is the number of a row that a table has not: the caller's mistake.
    pub fn run(
        &self,
        level: Level,
        codes: &[i16],
        starts: &[usize],
        outputs: &mut [i16],
        scratch: &mut Scratch,
    ) -> LayerCounts {
        let last = |starts: &[usize]| *starts.last().expect("starts end with the number of frames");
        assert_eq!(codes.len(), last(starts) * self.inputs, "[frames, inputs]");
        assert_eq!(outputs.len(), last(&self.output_starts(starts)) * self.outputs(), "[frames, outputs]");
        match &self.kind {
            Kind::Sru(sru) => sru.run(level, codes, starts, Memory::Fresh, outputs, scratch),
            Kind::Recurrent(recurrent) => recurrent.run(level, codes, starts, Memory::Fresh, outputs, scratch),
            Kind::Conv1d(conv) => conv.run(level, codes, starts, outputs, scratch),
            Kind::Linear(site) => {
                let sites = vec![site.run(level, codes, outputs, scratch.turned, &mut scratch.words)];
                scratch.turned = !scratch.turned;
                LayerCounts { sites, ..LayerCounts::default() }
            }
            Kind::Embedding(table) => {
                let mut counts = LayerCounts::of_sites(1);
                counts.sites[0].outputs[0] = table.look_up(codes, outputs);
                counts
            }
            Kind::Norm(norm) => LayerCounts { normal: normalise(norm, codes, outputs), ..LayerCounts::default() },
            Kind::Pointwise(function) => {
                outputs.iter_mut().zip(codes).for_each(|(output, &code)| *output = function.apply(code));
                LayerCounts::default()
            }
        }
    }

    /// One frame of a stream; returns whether one came out.
    pub(super) fn step(
        &self,
        level: Level,
        codes: &[i16],
        memory: &mut [i16],
        outputs: &mut [i16],
        scratch: &mut Scratch,
    ) -> bool {
        match &self.kind {
            Kind::Sru(sru) => _ = sru.run(level, codes, &[0, 1], Memory::Kept(memory), outputs, scratch),
            Kind::Recurrent(recurrent) => {
                _ = recurrent.run(level, codes, &[0, 1], Memory::Kept(memory), outputs, scratch);
            }
            Kind::Conv1d(conv) => return conv.step(level, codes, memory, outputs, scratch),
            Kind::Linear(_) | Kind::Embedding(_) | Kind::Norm(_) | Kind::Pointwise(_) => {
                _ = self.run(level, codes, &[0, 1], outputs, scratch);
            }
        }
        true
    }

    /// What a stream remembers before its first frame; `None` for a layer that needs frames ahead.
    pub(super) fn initial_memory(&self) -> Option<Vec<i16>> {
        match &self.kind {
            Kind::Sru(sru) => (sru.directions == 1).then(|| vec![0; sru.memory_len()]),
            Kind::Recurrent(recurrent) => (recurrent.directions == 1).then(|| vec![0; recurrent.memory_len()]),
            Kind::Conv1d(conv) => conv.initial_memory(),
            Kind::Linear(_) | Kind::Embedding(_) | Kind::Norm(_) | Kind::Pointwise(_) => Some(Vec::new()),
        }
    }
}
