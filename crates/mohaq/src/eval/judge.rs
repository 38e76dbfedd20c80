//! Error rates: a network and its sites' operations over one set of sequences.

use crate::nn::{Batch, Network, SiteOps, Workspace, log_softmax};
use crate::{Error, Result};
use mohaq_speech::dataset::Sequence;
use mohaq_speech::score::{Counts, Scorer};
use rayon::prelude::*;

/// Frames that run through the network side by side: enough to keep the matrix products busy, few enough that the
/// operands of a recurrent layer's product stay in a second-level cache.
const BLOCK_FRAMES: usize = 256;

/// A set of sequences with the rule by which errors are counted on it.
///
/// Sequences run in blocks of similar length, cut once and independent of the number of threads; counts are added in the
/// order of the blocks.
#[derive(Debug)]
pub struct Judge<'a> {
    scorer: &'a Scorer,
    blocks: Vec<(Batch<f32>, Vec<&'a Sequence>)>,
}

impl<'a> Judge<'a> {
    /// A judge over `sequences` of `dim` features a frame.
    ///
    /// # Errors
    /// [`Error::FeatureWidth`] where a sequence has other than `dim` features a frame.
    pub fn new(scorer: &'a Scorer, sequences: &[&'a Sequence], dim: usize) -> Result<Self> {
        let mut sorted: Vec<&Sequence> = sequences.to_vec();
        sorted.sort_by(|a, b| b.features.frames().cmp(&a.features.frames()).then_with(|| a.id.cmp(&b.id)));
        let mut blocks = Vec::new();
        let mut block: Vec<&Sequence> = Vec::new();
        let mut frames = 0;
        for (i, sequence) in sorted.iter().enumerate() {
            block.push(sequence);
            frames += sequence.features.frames();
            if frames >= BLOCK_FRAMES || i + 1 == sorted.len() {
                blocks.push((Batch::of(block.iter().copied(), dim)?, std::mem::take(&mut block)));
                frames = 0;
            }
        }
        Ok(Self { scorer, blocks })
    }

    /// Errors of `network` with `ops` at its sites.
    ///
    /// # Errors
    /// [`Error::NotFinite`] when an output of the network is NaN or infinite; it names the sequence.
    pub fn errors(&self, network: &Network, ops: &impl SiteOps<f32>) -> Result<Counts> {
        let blocks = self.blocks.par_iter();
        let counts =
            blocks.map_init(Workspace::new, |workspace, block| self.block_errors(network, ops, block, workspace));
        let counts: Vec<Counts> = counts.collect::<Result<_>>()?;
        Ok(counts.into_iter().sum())
    }

    /// How errors are counted.
    pub fn scorer(&self) -> &'a Scorer {
        self.scorer
    }

    /// Sequences that are run side by side.
    pub(super) fn blocks(&self) -> &[(Batch<f32>, Vec<&'a Sequence>)] {
        &self.blocks
    }

    /// The error rate that the task is judged by, per cent.
    pub fn percent(&self, errors: &Counts) -> f64 {
        100.0 * errors.error(self.scorer.task())
    }

    fn block_errors(
        &self,
        network: &Network,
        ops: &impl SiteOps<f32>,
        block: &(Batch<f32>, Vec<&Sequence>),
        workspace: &mut Workspace,
    ) -> Result<Counts> {
        let (batch, sequences) = block;
        let mut outputs = network.forward_in(batch, ops, workspace);
        log_softmax(&mut outputs);
        let classes = outputs.cols();
        let spans = batch.starts().windows(2);
        let score = |(span, sequence): (&[usize], &&Sequence)| {
            let posteriors = &outputs.data()[span[0] * classes..span[1] * classes];
            if posteriors.iter().any(|value| value.is_nan()) {
                return Err(Error::NotFinite { sequence: sequence.id.clone() });
            }
            Ok(self.scorer.score(posteriors, sequence)?)
        };
        let errors = spans.zip(sequences).map(score).sum();
        workspace.give(outputs);
        errors
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
