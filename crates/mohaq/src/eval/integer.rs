//! Error rates of candidates in the integers that a device computes with.
//!
//! The work of some candidates on all blocks of sequences is spread over (block × candidate). What the first layers of a
//! block gave is kept and taken up by the next candidate that begins with the same precisions; candidates are run in the
//! order of their precisions, so that such neighbours meet.

use super::Judge;
use super::cache::PrefixCache;
use crate::nn::Layer;
use crate::quant::{IntegerBank, Precision, QuantSpec};
use crate::{Error, Result};
use mohaq_rt::engine::{Engine, LayerCounts, Scratch};
use mohaq_rt::numeric::{Q16, SaturationCount};
use mohaq_speech::dataset::{Sequence, Task};
use mohaq_speech::score::Counts;
use rayon::prelude::*;
use std::sync::Arc;

/// Counts errors of integer networks on one set of sequences.
#[derive(Debug)]
pub struct IntegerJudge<'a> {
    judge: Judge<'a>,
    bank: &'a IntegerBank<'a>,
    /// Features of every block in the network's input format.
    features: Vec<Vec<i16>>,
    /// Saturated features.
    saturated: SaturationCount,
    /// Sites up to and with each layer.
    sites: Vec<usize>,
    cache: PrefixCache,
}

impl<'a> IntegerJudge<'a> {
    /// A judge of the networks of `bank` on the sequences of `judge`, which keeps at most `cache_bytes` of outputs of
    /// first layers.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where a feature is not a number; it names the sequence.
    pub fn new(judge: Judge<'a>, bank: &'a IntegerBank<'a>, cache_bytes: usize) -> Result<Self> {
        let mut saturated = SaturationCount::default();
        let features = judge.blocks().iter().map(|(batch, sequences)| {
            for sequence in sequences {
                if sequence.features.values.iter().any(|value| value.is_nan()) {
                    return Err(Error::NotFinite { sequence: sequence.id.clone() });
                }
            }
            Ok(batch.features().data().iter().map(|&x| saturated.record(bank.input().code(x))).collect())
        });
        let features = features.collect::<Result<_>>()?;
        let mut total = 0;
        let sites = bank.network().layers().iter().map(|layer| {
            total += match layer {
                Layer::Sru(sru) => 1 + usize::from(sru.projection.is_some()),
                Layer::Linear(_) => 1,
                Layer::Pointwise(_) => 0,
            };
            total
        });
        let sites = sites.collect();
        Ok(Self { judge, bank, features, saturated, sites, cache: PrefixCache::new(cache_bytes) })
    }

    /// The networks at every width.
    pub fn bank(&self) -> &'a IntegerBank<'a> {
        self.bank
    }

    /// The sequences, and how errors are counted on them.
    pub fn judge(&self) -> &Judge<'a> {
        &self.judge
    }

    /// Blocks of sequences: pieces of work a candidate.
    pub fn blocks(&self) -> usize {
        self.features.len()
    }

    /// Errors of the network at `spec`.
    ///
    /// # Errors
    /// See [`errors_of_all`](Self::errors_of_all).
    pub fn errors(&self, spec: &QuantSpec) -> Result<Counts> {
        Ok(self.errors_of_all(std::slice::from_ref(spec))?[0])
    }

    /// Errors of the network at each of `specs`.
    ///
    /// # Errors
    /// [`Error::Integer`] where the scales of a spec do not go together.
    pub fn errors_of_all(&self, specs: &[QuantSpec]) -> Result<Vec<Counts>> {
        let mut order: Vec<usize> = (0..specs.len()).collect();
        order.sort_by(|&a, &b| specs[a].cmp(&specs[b]));
        let engines: Vec<Engine> = specs.par_iter().map(|spec| self.bank.engine(spec)).collect::<Result<_>>()?;
        let tasks = self.blocks() * specs.len();
        let work = |scratch: &mut Scratch, task: usize| {
            let (block, candidate) = (task / specs.len(), order[task % specs.len()]);
            let errors = self.block_errors(block, &engines[candidate], &specs[candidate].0, scratch);
            errors.map(|errors| (candidate, errors))
        };
        let counted: Vec<(usize, Counts)> =
            (0..tasks).into_par_iter().map_init(Scratch::default, work).collect::<Result<_>>()?;
        let mut errors = vec![Counts::default(); specs.len()];
        for (candidate, counts) in counted {
            errors[candidate] += counts;
        }
        Ok(errors)
    }

    /// How often each fixed-point tensor of the network at `spec` saturated: of its input, and layer by layer.
    ///
    /// # Errors
    /// [`Error::Integer`] where the scales of `spec` do not go together.
    pub fn saturations(&self, spec: &QuantSpec) -> Result<(SaturationCount, Vec<LayerCounts>)> {
        let engine = self.bank.engine(spec)?;
        let run = |scratch: &mut Scratch, block: usize| {
            engine.run(&self.features[block], self.judge.blocks()[block].0.starts(), scratch).1
        };
        let seen: Vec<Vec<LayerCounts>> = (0..self.blocks()).into_par_iter().map_init(Scratch::default, run).collect();
        let mut total = vec![LayerCounts::default(); engine.layers().len()];
        for layers in &seen {
            total.iter_mut().zip(layers).for_each(|(total, layer)| total.merge(layer));
        }
        Ok((self.saturated, total))
    }

    fn block_errors(&self, block: usize, engine: &Engine, spec: &[Precision], scratch: &mut Scratch) -> Result<Counts> {
        let outputs = self.outputs(block, engine, spec, scratch);
        let (batch, sequences) = &self.judge.blocks()[block];
        let classes = engine.outputs();
        let spans = batch.starts().windows(2);
        let score = |(span, sequence): (&[usize], &&Sequence)| {
            self.score(&outputs[span[0] * classes..span[1] * classes], classes, sequence)
        };
        spans.zip(sequences).map(score).sum()
    }

    /// The output codes of one block, `[frames, outputs]`.
    fn outputs(&self, block: usize, engine: &Engine, spec: &[Precision], scratch: &mut Scratch) -> Arc<Vec<i16>> {
        let starts = self.judge.blocks()[block].0.starts();
        let frames = starts[starts.len() - 1];
        let last = engine.layers().len() - 1;
        let known = |layer: usize| Some((layer + 1, self.cache.find(block, layer, &spec[..self.sites[layer]])?));
        let (first, mut values) = match (0..last).rev().find_map(known) {
            Some((first, outputs)) => (first, Some(outputs)),
            None => (0, None),
        };
        for (i, layer) in engine.layers().iter().enumerate().skip(first) {
            let mut outputs = vec![0; frames * layer.outputs()];
            let inputs = values.as_ref().map_or(self.features[block].as_slice(), |values| values.as_slice());
            layer.run(engine.level(), inputs, starts, &mut outputs, scratch);
            let outputs = Arc::new(outputs);
            if i < last {
                self.cache.keep(block, i, &spec[..self.sites[i]], &outputs);
            }
            values = Some(outputs);
        }
        values.expect("a network has a layer")
    }

    fn score(&self, codes: &[i16], classes: usize, sequence: &Sequence) -> Result<Counts> {
        let scorer = self.judge.scorer();
        if matches!(scorer.task(), Task::Frames { .. }) {
            let best: Vec<u32> = codes.chunks_exact(classes).map(best_class).collect();
            return Ok(scorer.score_classes(&best, sequence)?);
        }
        let output: Q16 = self.bank.output();
        let scores: Vec<f32> = codes.iter().map(|&code| f32::from(code) * output.scale()).collect();
        Ok(scorer.score(&scores, sequence)?)
    }
}

/// The class with the highest score, the first of equals.
fn best_class(scores: &[i16]) -> u32 {
    // Two passes without a branch on every score.
    let highest = scores.iter().copied().max().unwrap_or(0);
    scores.iter().position(|&score| score == highest).unwrap_or(0) as u32
}
