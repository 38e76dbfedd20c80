//! Error rates: a network and its sites' operations over one set of sequences.

use super::SubsetCounts;
use crate::nn::{Batch, Network, SiteOps, Workspace, log_softmax};
use crate::{Error, Result};
use mohaq_speech::dataset::Sequence;
use mohaq_speech::metric::Metric;
use mohaq_speech::score::{Counts, Scorer};
use rayon::prelude::*;

/// Frames that run through the network side by side: enough to keep the matrix products busy, few enough that the
/// operands of a recurrent layer's product stay in a second-level cache.
const BLOCK_FRAMES: usize = 256;

/// A set of sequences, whole or in disjoint subsets, with the rule by which errors are counted on it.
///
/// Sequences run in blocks of similar length, cut once and independent of the number of threads and of the subsets; counts
/// are added in the order of the blocks.
#[derive(Debug)]
pub struct Judge<'a> {
    scorer: &'a Scorer,
    subsets: usize,
    blocks: Vec<Block<'a>>,
}

/// Sequences that are run side by side.
#[derive(Debug)]
pub(super) struct Block<'a> {
    /// Their frames.
    pub(super) batch: Batch<f32>,
    /// Each with its subset.
    pub(super) sequences: Vec<(&'a Sequence, usize)>,
}

impl<'a> Judge<'a> {
    /// A judge over `sequences` of `dim` features a frame, which are one subset.
    ///
    /// # Errors
    /// [`Error::FeatureWidth`] where a sequence has other than `dim` features a frame.
    pub fn new(scorer: &'a Scorer, sequences: &[&'a Sequence], dim: usize) -> Result<Self> {
        Self::with_subsets(scorer, &[sequences.to_vec()], dim)
    }

    /// A judge over the sequences of all `subsets`, of `dim` features a frame, which counts by subset.
    ///
    /// # Errors
    /// [`Error::FeatureWidth`] where a sequence has other than `dim` features a frame.
    pub fn with_subsets(scorer: &'a Scorer, subsets: &[Vec<&'a Sequence>], dim: usize) -> Result<Self> {
        let numbered = subsets.iter().enumerate();
        let mut sorted: Vec<(&Sequence, usize)> = numbered
            .flat_map(|(subset, sequences)| sequences.iter().map(move |&sequence| (sequence, subset)))
            .collect();
        sorted.sort_by(|(a, _), (b, _)| b.features.frames().cmp(&a.features.frames()).then_with(|| a.id.cmp(&b.id)));
        let mut blocks = Vec::new();
        let mut sequences: Vec<(&Sequence, usize)> = Vec::new();
        let mut frames = 0;
        for (i, &(sequence, subset)) in sorted.iter().enumerate() {
            sequences.push((sequence, subset));
            frames += sequence.features.frames();
            if frames >= BLOCK_FRAMES || i + 1 == sorted.len() {
                let batch = Batch::of(sequences.iter().map(|&(sequence, _)| sequence), dim)?;
                blocks.push(Block { batch, sequences: std::mem::take(&mut sequences) });
                frames = 0;
            }
        }
        Ok(Self { scorer, subsets: subsets.len(), blocks })
    }

    /// Errors of `network` with `ops` at its sites.
    ///
    /// # Errors
    /// [`Error::NotFinite`] when an output of the network is NaN or infinite; it names the sequence.
    pub fn errors(&self, network: &Network, ops: &impl SiteOps<f32>) -> Result<SubsetCounts> {
        let blocks = self.blocks.par_iter();
        let counts =
            blocks.map_init(Workspace::new, |workspace, block| self.block_errors(network, ops, block, workspace));
        let counts: Vec<SubsetCounts> = counts.collect::<Result<_>>()?;
        let mut errors = SubsetCounts::none(self.subsets);
        counts.iter().for_each(|block| errors.add(block));
        Ok(errors)
    }

    /// How errors are counted.
    pub fn scorer(&self) -> &'a Scorer {
        self.scorer
    }

    /// Number of subsets.
    pub fn subsets(&self) -> usize {
        self.subsets
    }

    /// All sequences, in the blocks that they run in.
    pub(super) fn blocks(&self) -> &[Block<'a>] {
        &self.blocks
    }

    /// What errors are measured in.
    pub fn metric(&self) -> Metric {
        self.scorer.task().metric()
    }

    /// The error that the task is judged by, in the unit of [`metric`](Self::metric).
    pub fn error(&self, errors: &Counts) -> f64 {
        errors.error(self.scorer.task())
    }

    /// The error on each subset.
    pub fn subset_errors(&self, errors: &SubsetCounts) -> Vec<f64> {
        errors.0.iter().map(|counts| self.error(counts)).collect()
    }

    /// The error on the subset where it is highest.
    pub fn worst_error(&self, errors: &SubsetCounts) -> f64 {
        self.subset_errors(errors).into_iter().fold(f64::NEG_INFINITY, f64::max)
    }

    fn block_errors(
        &self,
        network: &Network,
        ops: &impl SiteOps<f32>,
        block: &Block<'_>,
        workspace: &mut Workspace,
    ) -> Result<SubsetCounts> {
        let mut outputs = network.forward_in(&block.batch, ops, workspace);
        if self.scorer.task().has_classes() {
            log_softmax(&mut outputs);
        }
        let errors = self.count(block, outputs.cols(), outputs.data(), |posteriors, sequence| {
            if posteriors.iter().any(|value| value.is_nan()) {
                return Err(Error::NotFinite { sequence: sequence.id.clone() });
            }
            Ok(self.scorer.score(posteriors, sequence)?)
        });
        workspace.give(outputs);
        errors
    }

    /// Adds what `score` says of the `outputs` of each sequence of `block` to its subset. `outputs`: `[frames, classes]`.
    pub(super) fn count<T>(
        &self,
        block: &Block<'_>,
        classes: usize,
        outputs: &[T],
        score: impl Fn(&[T], &Sequence) -> Result<Counts>,
    ) -> Result<SubsetCounts> {
        let mut errors = SubsetCounts::none(self.subsets);
        for (span, &(sequence, subset)) in block.batch.starts().windows(2).zip(&block.sequences) {
            errors.0[subset] += score(&outputs[span[0] * classes..span[1] * classes], sequence)?;
        }
        Ok(errors)
    }
}

/// Log-posteriors of each of `sequences`, `[frames, classes]` row-major: what a decoder is tuned on.
///
/// # Errors
/// [`Error::FeatureWidth`], [`Error::NotFinite`].
pub fn log_posteriors(network: &Network, sequences: &[Sequence]) -> Result<Vec<Vec<f32>>> {
    let one = |sequence: &Sequence| {
        let mut outputs = network.forward(&Batch::of([sequence], network.inputs())?, &crate::nn::Float);
        log_softmax(&mut outputs);
        if outputs.data().iter().any(|value| value.is_nan()) {
            return Err(Error::NotFinite { sequence: sequence.id.clone() });
        }
        Ok(outputs.into_data())
    };
    sequences.par_iter().map(one).collect()
}
