//! Error rates: a network and its sites' operations over one set of sequences.

use super::command::Scored;
use super::{ScoreCommand, SubsetCounts, deal};
use crate::nn::{Batch, Network, SiteOps, Workspace, log_softmax};
use crate::watch::{Silent, Watch};
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
    /// What judges in place of the task's error.
    command: Option<&'a ScoreCommand>,
    subsets: usize,
    blocks: Vec<Block<'a>>,
    /// Blocks up to and with each part.
    parts: Vec<usize>,
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
        Self::in_parts(scorer, subsets, dim, 1)
    }

    /// The same in `parts` parts of about as many sequences, which can be measured one by one. Each hears every speaker of
    /// every subset, as far as there are enough sequences: they are dealt as subsets are.
    ///
    /// # Errors
    /// [`Error::FeatureWidth`] where a sequence has other than `dim` features a frame.
    ///
    /// # Panics
    /// For 0 parts.
    pub fn in_parts(scorer: &'a Scorer, subsets: &[Vec<&'a Sequence>], dim: usize, parts: usize) -> Result<Self> {
        let dealt: Vec<Vec<Vec<&Sequence>>> = subsets.iter().map(|subset| deal(subset, parts)).collect();
        let (mut blocks, mut ends) = (Vec::new(), Vec::new());
        for part in 0..parts {
            let numbered = dealt.iter().enumerate();
            let sequences = numbered.flat_map(|(subset, dealt)| dealt[part].iter().map(move |&one| (one, subset)));
            blocks.extend(cut(sequences.collect(), dim)?);
            ends.push(blocks.len());
        }
        Ok(Self { scorer, command: None, subsets: subsets.len(), blocks, parts: ends })
    }

    /// The same sequences judged by `command`, where there is one.
    pub fn scored_by(self, command: Option<&'a ScoreCommand>) -> Self {
        Self { command, ..self }
    }

    /// Errors of `network` with `ops` at its sites.
    ///
    /// # Errors
    /// [`Error::NotFinite`] when an output of the network is NaN or infinite; it names the sequence. [`Error::Score`].
    pub fn errors(&self, network: &Network, ops: &impl SiteOps<f32>) -> Result<SubsetCounts> {
        let blocks = self.blocks.par_iter();
        let counted =
            blocks.map_init(Workspace::new, |workspace, block| self.block_errors(network, ops, block, workspace));
        let counted: Vec<(SubsetCounts, Vec<f32>)> = counted.collect::<Result<_>>()?;
        let mut errors = SubsetCounts::none(self.subsets);
        counted.iter().for_each(|(block, _)| errors.add(block));
        if let Some(command) = self.command {
            let outputs: Vec<Vec<f32>> = counted.into_iter().map(|(_, outputs)| outputs).collect();
            errors.scores = self.scores(command, &outputs, network, &Silent)?;
        }
        Ok(errors)
    }

    /// What `command` says of each subset; `outputs` are those of `network` for every block, `[frames, outputs]`.
    pub(super) fn scores(
        &self,
        command: &ScoreCommand,
        outputs: &[Vec<f32>],
        network: &Network,
        watch: &dyn Watch,
    ) -> Result<Vec<f64>> {
        let width = network.outputs();
        let mut subsets: Vec<Vec<Scored<'_>>> = vec![Vec::new(); self.subsets];
        for (block, outputs) in self.blocks.iter().zip(outputs) {
            let starts = network.output_starts(block.batch.starts());
            for (span, &(sequence, subset)) in starts.windows(2).zip(&block.sequences) {
                let outputs = &outputs[span[0] * width..span[1] * width];
                subsets[subset].push(Scored { sequence, outputs });
            }
        }
        let score = |sequences: &mut Vec<Scored<'_>>| {
            sequences.sort_by(|a, b| a.sequence.id.cmp(&b.sequence.id));
            command.score(sequences, width, watch)
        };
        subsets.iter_mut().map(score).collect()
    }

    /// What judges in place of the task's error.
    pub fn command(&self) -> Option<&'a ScoreCommand> {
        self.command
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

    /// Blocks up to and with each part.
    pub(super) fn parts(&self) -> &[usize] {
        &self.parts
    }

    /// What errors are measured in.
    pub fn metric(&self) -> Metric {
        self.command.map_or_else(|| self.scorer.task().metric(), ScoreCommand::metric)
    }

    /// The error on each subset, in the unit of [`metric`](Self::metric): what the task counts, or what a command said.
    pub fn subset_errors(&self, errors: &SubsetCounts) -> Vec<f64> {
        match self.command {
            Some(_) => errors.scores.clone(),
            None => errors.counts.iter().map(|counts| counts.error(self.scorer.task())).collect(),
        }
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
    ) -> Result<(SubsetCounts, Vec<f32>)> {
        block.sequences.iter().try_for_each(|(sequence, _)| network.check_tokens(sequence))?;
        let mut outputs = network.forward_in(&block.batch, ops, workspace);
        let kept = self.command.map_or_else(Vec::new, |_| outputs.data().to_vec());
        if self.scorer.task().has_classes() {
            log_softmax(&mut outputs);
        }
        let starts = network.output_starts(block.batch.starts());
        let counts = self.counts(block, &starts, outputs.cols(), outputs.data(), |posteriors, sequence| {
            if posteriors.iter().any(|value| value.is_nan()) {
                return Err(Error::NotFinite { sequence: sequence.id.clone() });
            }
            Ok(self.scorer.score(posteriors, sequence)?)
        });
        workspace.give(outputs);
        let mut errors = SubsetCounts::none(self.subsets);
        self.add(&mut errors, block, &counts?);
        Ok((errors, kept))
    }

    /// What `score` says of the `outputs` of each sequence of `block`. `outputs`: `[frames, classes]` of the frames that
    /// `starts` speaks of.
    pub(super) fn counts<T>(
        &self,
        block: &Block<'_>,
        starts: &[usize],
        classes: usize,
        outputs: &[T],
        score: impl Fn(&[T], &Sequence) -> Result<Counts>,
    ) -> Result<Vec<Counts>> {
        let spans = starts.windows(2).zip(&block.sequences);
        spans.map(|(span, &(sequence, _))| score(&outputs[span[0] * classes..span[1] * classes], sequence)).collect()
    }

    /// Adds `counts` of the sequences of `block` to their subsets.
    pub(super) fn add(&self, errors: &mut SubsetCounts, block: &Block<'_>, counts: &[Counts]) {
        for (&(_, subset), &counts) in block.sequences.iter().zip(counts) {
            errors.counts[subset] += counts;
        }
    }
}

/// Blocks of `sequences`, of similar length each.
fn cut<'a>(mut sequences: Vec<(&'a Sequence, usize)>, dim: usize) -> Result<Vec<Block<'a>>> {
    sequences.sort_by(|(a, _), (b, _)| b.features.frames().cmp(&a.features.frames()).then_with(|| a.id.cmp(&b.id)));
    let mut blocks = Vec::new();
    let mut together: Vec<(&Sequence, usize)> = Vec::new();
    let mut frames = 0;
    for (i, &(sequence, subset)) in sequences.iter().enumerate() {
        together.push((sequence, subset));
        frames += sequence.features.frames();
        if frames >= BLOCK_FRAMES || i + 1 == sequences.len() {
            let batch = Batch::of(together.iter().map(|&(sequence, _)| sequence), dim)?;
            blocks.push(Block { batch, sequences: std::mem::take(&mut together) });
            frames = 0;
        }
    }
    Ok(blocks)
}

/// Log-posteriors of each of `sequences`, `[frames, classes]` row-major: what a decoder is tuned on.
///
/// # Errors
/// [`Error::FeatureWidth`], [`Error::NotFinite`].
pub fn log_posteriors(network: &Network, sequences: &[Sequence]) -> Result<Vec<Vec<f32>>> {
    let one = |sequence: &Sequence| {
        network.check_tokens(sequence)?;
        let mut outputs = network.forward(&Batch::of([sequence], network.inputs())?, &crate::nn::Float);
        log_softmax(&mut outputs);
        if outputs.data().iter().any(|value| value.is_nan()) {
            return Err(Error::NotFinite { sequence: sequence.id.clone() });
        }
        Ok(outputs.into_data())
    };
    sequences.par_iter().map(one).collect()
}
