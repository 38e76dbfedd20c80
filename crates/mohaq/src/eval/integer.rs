//! Error rates of candidates in the integers that a device computes with.
//!
//! The work of some candidates on all blocks of sequences is spread over (block × candidate). On each block candidates are
//! run in the order of their precisions, and one that begins like the one before takes up what the first layers gave.
//! Where there is room, outputs of first layers are also kept for candidates that come later.

use super::cache::{Path, PrefixCache};
use super::judge::Block;
use super::{Judge, SubsetCounts};
use crate::quant::{IntegerBank, Precision, QuantSpec};
use crate::watch::{Silent, Watch};
use crate::{Error, Result};
use mohaq_rt::engine::{Engine, LayerCounts, Scratch};
use mohaq_rt::numeric::{Q16, SaturationCount};
use mohaq_speech::dataset::{Sequence, Task};
use mohaq_speech::score::Counts;
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// Counts errors of integer networks on one set of sequences.
#[derive(Debug)]
pub struct IntegerJudge<'a> {
    judge: Arc<Judge<'a>>,
    bank: &'a IntegerBank<'a>,
    /// Features of every block in the network's input format.
    features: Vec<Vec<i16>>,
    /// Saturated features.
    saturated: SaturationCount,
    /// Sites up to and with each layer.
    sites: Vec<usize>,
    /// Whether candidates take up what others have computed.
    reuse: bool,
    cache: PrefixCache,
}

/// What a thread keeps from task to task.
#[derive(Default)]
struct Worker {
    scratch: Scratch,
    path: Path,
}

impl<'a> IntegerJudge<'a> {
    /// A judge of the networks of `bank` on the sequences of `judge`, which keeps at most `cache_bytes` of outputs of
    /// first layers. With 0 every candidate is computed from its first layer on.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where a feature is not a number; it names the sequence.
    pub fn new(judge: Judge<'a>, bank: &'a IntegerBank<'a>, cache_bytes: usize) -> Result<Self> {
        Self::of(Arc::new(judge), bank, cache_bytes)
    }

    /// The same sequences for the networks of another bank of the same shape, without a cache.
    ///
    /// # Errors
    /// See [`new`](Self::new).
    pub fn lent<'b>(&self, bank: &'b IntegerBank<'b>) -> Result<IntegerJudge<'b>>
    where
        'a: 'b,
    {
        let mut lent = IntegerJudge::of(self.judge.clone(), bank, 0)?;
        lent.reuse = self.reuse;
        Ok(lent)
    }

    fn of(judge: Arc<Judge<'a>>, bank: &'a IntegerBank<'a>, cache_bytes: usize) -> Result<Self> {
        let mut saturated = SaturationCount::default();
        let features = judge.blocks().iter().map(|Block { batch, sequences }| {
            for (sequence, _) in sequences {
                bank.network().check_tokens(sequence)?;
                if sequence.features.values.iter().any(|value| value.is_nan()) {
                    return Err(Error::NotFinite { sequence: sequence.id.clone() });
                }
            }
            Ok(batch.features().data().iter().map(|&x| saturated.record(bank.input().code(x))).collect())
        });
        let features = features.collect::<Result<_>>()?;
        let mut total = 0;
        let sites = bank.network().layers().iter().map(|layer| {
            total += layer.site_count();
            total
        });
        let sites = sites.collect();
        let (reuse, cache) = (cache_bytes > 0, PrefixCache::new(cache_bytes));
        Ok(Self { judge, bank, features, saturated, sites, reuse, cache })
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
    pub fn errors(&self, spec: &QuantSpec) -> Result<SubsetCounts> {
        Ok(self.errors_of_all(std::slice::from_ref(spec), &Silent)?.remove(0))
    }

    /// Errors of the network at each of `specs`, by subset.
    ///
    /// # Errors
    /// [`Error::Integer`] where the scales of a spec do not go together; [`Error::Score`]; [`Error::Stopped`] when `watch` says so, and
    /// nothing is known then.
    pub fn errors_of_all(&self, specs: &[QuantSpec], watch: &dyn Watch) -> Result<Vec<SubsetCounts>> {
        let mut order: Vec<usize> = (0..specs.len()).collect();
        order.sort_by(|&a, &b| specs[a].cmp(&specs[b]));
        let engines: Vec<Engine> = specs.par_iter().map(|spec| self.bank.engine(spec)).collect::<Result<_>>()?;
        // A command needs all outputs of a candidate: of so many at a time as there can be commands side by side.
        let together = if self.judge.command().is_some() { rayon::current_num_threads() } else { order.len() };
        let mut errors = vec![SubsetCounts::none(self.judge.subsets()); specs.len()];
        for some in order.chunks(together.max(1)) {
            let mut outputs = self.count(specs, &engines, some, &mut errors, watch)?;
            let Some(command) = self.judge.command() else { continue };
            let scores = |outputs: &mut Vec<Vec<f32>>| {
                self.judge.scores(command, &std::mem::take(outputs), self.bank.network(), watch)
            };
            let scores: Vec<Vec<f64>> = outputs.par_iter_mut().map(scores).collect::<Result<_>>()?;
            some.iter().zip(scores).for_each(|(&candidate, scores)| errors[candidate].scores = scores);
        }
        Ok(errors)
    }

    /// Adds the errors of the candidates `some` of `specs` to `errors`. Returns their outputs of every block, `[frames, outputs]`,
    /// where a command is to judge them, and nothing otherwise.
    fn count(
        &self,
        specs: &[QuantSpec],
        engines: &[Engine],
        some: &[usize],
        errors: &mut [SubsetCounts],
        watch: &dyn Watch,
    ) -> Result<Vec<Vec<Vec<f32>>>> {
        let keep = self.judge.command().is_some();
        let judged = self.run(specs, engines, some, 0..self.blocks(), watch, |block, candidate, outputs| {
            let counts = self.block_errors(block, engines[candidate].outputs(), outputs)?;
            Ok((counts, if keep { self.values(outputs) } else { Vec::new() }))
        })?;
        let mut outputs = vec![Vec::new(); if keep { some.len() } else { 0 }];
        for (task, (counts, values)) in judged.into_iter().enumerate() {
            let (block, place) = (task / some.len(), task % some.len());
            self.judge.add(&mut errors[some[place]], &self.judge.blocks()[block], &counts);
            if keep {
                outputs[place].push(values);
            }
        }
        Ok(outputs)
    }

    /// Errors of the network at each of `specs`, sequence by sequence in the order of the blocks, as far as it was measured:
    /// after every part but the last one `goes_on` says of a candidate and its errors so far whether it is measured further.
    ///
    /// # Errors
    /// [`Error::Integer`] where the scales of a spec do not go together; [`Error::Stopped`] when `watch` says so, and nothing
    /// is known then.
    pub(super) fn part_by_part(
        &self,
        specs: &[QuantSpec],
        watch: &dyn Watch,
        goes_on: impl Fn(usize, &[Counts]) -> bool,
    ) -> Result<Vec<Vec<Counts>>> {
        let engines: Vec<Engine> = specs.par_iter().map(|spec| self.bank.engine(spec)).collect::<Result<_>>()?;
        let mut left: Vec<usize> = (0..specs.len()).collect();
        left.sort_by(|&a, &b| specs[a].cmp(&specs[b]));
        let mut errors = vec![Vec::new(); specs.len()];
        let mut first = 0;
        for &end in self.judge.parts() {
            let counted = self.run(specs, &engines, &left, first..end, watch, |block, candidate, outputs| {
                self.block_errors(block, engines[candidate].outputs(), outputs)
            })?;
            for (task, counts) in counted.into_iter().enumerate() {
                errors[left[task % left.len()]].extend(counts);
            }
            if end < self.blocks() {
                left.retain(|&candidate| goes_on(candidate, &errors[candidate]));
            }
            first = end;
        }
        Ok(errors)
    }

    /// What `judge` says of the outputs of each candidate among `some` of `specs` on each of `blocks`: block by block, in
    /// the order of `some`. It is called with the block, the candidate and the output codes.
    fn run<T: Send>(
        &self,
        specs: &[QuantSpec],
        engines: &[Engine],
        some: &[usize],
        blocks: Range<usize>,
        watch: &dyn Watch,
        judge: impl Fn(usize, usize, &[i16]) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let work = |worker: &mut Worker, task: usize| {
            if watch.stopped() {
                return Err(Error::Stopped);
            }
            let (block, candidate) = (blocks.start + task / some.len(), some[task % some.len()]);
            let outputs = self.outputs(block, &engines[candidate], &specs[candidate].0, worker);
            judge(block, candidate, &outputs)
        };
        (0..blocks.len() * some.len()).into_par_iter().map_init(Worker::default, work).collect()
    }

    /// Output codes as numbers.
    fn values(&self, codes: &[i16]) -> Vec<f32> {
        let output: Q16 = self.bank.output();
        codes.iter().map(|&code| f32::from(code) * output.scale()).collect()
    }

    /// How often each fixed-point tensor of the network at `spec` saturated: of its input, and layer by layer.
    ///
    /// # Errors
    /// [`Error::Integer`] where the scales of `spec` do not go together.
    pub fn saturations(&self, spec: &QuantSpec) -> Result<(SaturationCount, Vec<LayerCounts>)> {
        let engine = self.bank.engine(spec)?;
        let run = |scratch: &mut Scratch, block: usize| {
            engine.run(&self.features[block], self.judge.blocks()[block].batch.starts(), scratch).1
        };
        let seen: Vec<Vec<LayerCounts>> = (0..self.blocks()).into_par_iter().map_init(Scratch::default, run).collect();
        let mut total = vec![LayerCounts::default(); engine.layers().len()];
        for layers in &seen {
            total.iter_mut().zip(layers).for_each(|(total, layer)| total.merge(layer));
        }
        Ok((self.saturated, total))
    }

    /// Errors of each sequence of a block.
    fn block_errors(&self, block: usize, classes: usize, outputs: &[i16]) -> Result<Vec<Counts>> {
        let score = |codes: &[i16], sequence: &Sequence| self.score(codes, classes, sequence);
        let block = &self.judge.blocks()[block];
        let starts = self.bank.network().output_starts(block.batch.starts());
        self.judge.counts(block, &starts, classes, outputs, score)
    }

    /// The output codes of one block, `[frames, outputs]`.
    fn outputs(&self, block: usize, engine: &Engine, spec: &[Precision], worker: &mut Worker) -> Arc<Vec<i16>> {
        let Worker { scratch, path } = worker;
        let mut starts = Cow::Borrowed(self.judge.blocks()[block].batch.starts());
        let last = engine.layers().len() - 1;
        path.turn(block, spec, if self.reuse { &self.sites[..last] } else { &[] });
        for layer in (path.len()..last).rev() {
            if let Some(outputs) = self.cache.find(block, layer, &spec[..self.sites[layer]]) {
                path.jump(layer, outputs);
                break;
            }
        }
        let begun = path.len();
        for (i, layer) in engine.layers().iter().enumerate() {
            let after = layer.output_starts(&starts).into_owned();
            if i < begun {
                starts = Cow::Owned(after);
                continue;
            }
            let mut outputs = path.buffer(after.last().unwrap_or(&0) * layer.outputs());
            let inputs = path.end().map_or(self.features[block].as_slice(), |outputs| outputs.as_slice());
            layer.run(engine.level(), inputs, &starts, &mut outputs, scratch);
            starts = Cow::Owned(after);
            let outputs = Arc::new(outputs);
            if i < last {
                self.cache.keep(block, i, &spec[..self.sites[i]], &outputs, self.blocks());
            }
            path.push(outputs);
        }
        path.end().expect("a network has a layer").clone()
    }

    fn score(&self, codes: &[i16], classes: usize, sequence: &Sequence) -> Result<Counts> {
        let scorer = self.judge.scorer();
        if matches!(scorer.task(), Task::Frames { .. }) {
            let best: Vec<u32> = codes.chunks_exact(classes).map(best_class).collect();
            return Ok(scorer.score_classes(&best, sequence)?);
        }
        Ok(scorer.score(&self.values(codes), sequence)?)
    }
}

/// The class with the highest score, the first of equals.
pub(crate) fn best_class(scores: &[i16]) -> u32 {
    // Two passes without a branch on every score.
    let highest = scores.iter().copied().max().unwrap_or(0);
    scores.iter().position(|&score| score == highest).unwrap_or(0) as u32
}
