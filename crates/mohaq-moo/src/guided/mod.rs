//! Guided search: most of a score is known before it is measured, and the rest can be learnt.
//!
//! Of a candidate's objectives one is unknown until it is measured, an error say, and everything else is a pure function of
//! its genome: [`Costs`]. So a candidate that breaks a known constraint is never asked, nor one that could not add to the
//! front if its unknown objective were as good as can be. What is asked is what a model of the unknown objective expects to
//! grow the front the most:
//!
//! ```text
//! measure the highest genome that keeps the constraints, and all genes lowered together      (design.rs)
//! measure every gene lowered alone, as far as it matters
//! until nothing is worth asking:
//!     fit the model to everything told                                                        (model.rs)
//!     ask the candidates with the largest expected gain of hypervolume                        (propose.rs, gain.rs)
//!     and, as far as the model ranks badly what it was not told, children of the best, as NSGA-II would breed them
//! ```
//!
//! The last line is what keeps a wrong model from doing harm. A tenth of every batch is bred, and more of it where bred
//! candidates have lately gained more than those of the model; and from a rank correlation of 0.7 down, of predictions with
//! measurements that were left out, more and more, up to all of it at 0.
//!
//! Genes that change nothing known stay at their highest level, where the unknown objective is taken to be best.

mod costs;
mod design;
mod gain;
mod model;
mod propose;
mod solve;

use std::collections::BTreeSet;

use self::{
    design::Design,
    gain::Reached,
    model::{Data, Model},
    propose::Proposer,
};
use crate::rank::rank_correlation;
use crate::{Archive, Error, Evaluation, Genome, Score, Space, stream::Stream, survival, variation::Variation};

pub use self::costs::Costs;

/// Rank correlation from which on the model asks the whole batch. Seemed reasonable: half of the variance of ranks.
const TRUSTED: f64 = 0.7;

/// What of a gain still counts a batch later, and the part of a batch that neither the model nor breeding goes without.
/// Seemed reasonable: some ten batches are remembered.
const MEMORY: f64 = 0.9;
const TRIED: f64 = 0.1;

/// Measurements that a rank correlation needs.
const RANKED: usize = 12;

/// Values that a rank correlation looks at, in the box: what is far from the front need not be ranked.
const RANKED_BELOW: f64 = 1.5;

/// Parents of bred candidates, as many as NSGA-II has in its population by MOHAQ's settings.
const PARENTS: usize = 40;

/// Children that may turn out to be no candidates, for each that is wanted.
const TRIES: usize = 200;

/// Settings of a guided search.
#[derive(Clone, Debug, PartialEq)]
pub struct GuidedConfig {
    /// Candidates of a batch, once there is a model. 1 to 1,000,000.
    pub batch: usize,
    /// Which objective is unknown, as a position in a [`Score`].
    pub unknown: usize,
    /// The box that is to be filled, one pair an objective: the best value that is hoped for, and the one from which on a
    /// candidate is worthless.
    pub scale: Vec<(f64, f64)>,
    /// The lowest value that the unknown objective can take at all, if there is one: what costs no less than a point that
    /// has it is never asked.
    pub least: Option<f64>,
}

impl GuidedConfig {
    fn check(&self) -> Result<(), Error> {
        let refuse = |name, expected, got| Err(Error::Setting { name, expected, got });
        if !(1..=1_000_000).contains(&self.batch) {
            return refuse("batch", "1 to 1000000", self.batch as f64);
        }
        if self.scale.len() < 2 {
            return refuse("scale", "a pair for each of two or more objectives", self.scale.len() as f64);
        }
        if self.unknown >= self.scale.len() {
            return refuse("unknown", "the position of an objective", self.unknown as f64);
        }
        let usable = |(best, worst): &&(f64, f64)| best.is_finite() && worst.is_finite() && worst > best;
        match self.scale.iter().find(|pair| !usable(pair)) {
            Some(&(_, worst)) => refuse("scale", "a finite best value and a larger worst one", worst),
            None => Ok(()),
        }
    }
}

/// A search that learns the one objective which is not known before, and asks what the front is expected to grow by the
/// most.
///
/// It begins with the highest genome that keeps the known constraints, with all genes lowered together, and with each
/// lowered alone as far as that matters. From then on a model of additive steps and pairwise interactions is fitted to
/// everything told, and each batch holds the candidates with the largest expected gain of hypervolume, but for a tenth, or
/// more where the model is wrong, that are bred as NSGA-II would. Genes that change nothing known stay at their highest level.
///
/// ```
/// use mohaq_moo::{Costs, Genome, Guided, GuidedConfig, Score, Space};
///
/// // Eight parts of size 1 to 4; the larger, the less is lost. The size is known before.
/// let size = |genome: &Genome| genome.0.iter().map(|&gene| f64::from(gene + 1)).sum::<f64>();
/// let loss = |genome: &Genome| (1..).zip(&genome.0).map(|(k, &gene)| f64::from(k * (3 - gene)).powi(2)).sum::<f64>();
/// let costs = Costs::new(|genome| Score::feasible(vec![f64::NAN, size(genome)]));
/// let config = GuidedConfig { batch: 10, unknown: 0, scale: vec![(0.0, 2000.0), (8.0, 32.0)], least: Some(0.0) };
/// let mut search = Guided::new(Space::new(vec![4; 8])?, costs, config, 1)?;
/// while search.archive().len() < 80 {
///     let scores: Vec<Score> = search.ask().iter().map(|g| Score::feasible(vec![loss(g), size(g)])).collect();
///     search.tell(&scores)?;
/// }
/// assert!(search.archive().front().len() > 15);
/// # Ok::<(), mohaq_moo::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Guided<'a> {
    space: Space,
    costs: Costs<'a>,
    bounds: Bounds,
    size: usize,
    variation: Variation,
    seed: u64,
    design: Option<Design>,
    generation: u64,
    archive: Archive,
    batch: Vec<Genome>,
    /// How many of the batch the model asks; the others are bred, or planned before there is a model.
    proposed: usize,
    credit: Credit,
}

impl<'a> Guided<'a> {
    /// A search of `space`, of whose scores `costs` knows all but one objective.
    ///
    /// # Errors
    /// [`Error::Setting`] for a setting out of its range.
    pub fn new(space: Space, costs: Costs<'a>, config: GuidedConfig, seed: u64) -> Result<Self, Error> {
        config.check()?;
        let variation = Variation {
            crossover_probability: 1.0,
            crossover_eta: 3.0,
            mutation_probability: 1.0 / space.free_genes().max(1) as f64,
            mutation_eta: 3.0,
        };
        let design = Design::new(&space, &costs);
        let GuidedConfig { batch: size, unknown, scale, least } = config;
        let (archive, batch, credit) = Default::default();
        let bounds = Bounds { unknown, scale, least };
        let (generation, proposed) = (0, 0);
        let mut search =
            Self { space, costs, bounds, size, variation, seed, design, generation, archive, batch, proposed, credit };
        (search.batch, search.proposed) = search.next();
        Ok(search)
    }

    /// The genomes to score next, none of them ever asked before, and none that breaks a known constraint unless every one
    /// does that could be found. The same until scores are told; empty where nothing is worth asking any more.
    pub fn ask(&self) -> &[Genome] {
        &self.batch
    }

    /// Takes the scores of the genomes asked, in their order, and thinks again.
    ///
    /// # Errors
    /// Those of [`Nsga2::tell`](crate::Nsga2::tell), and [`Error::ObjectiveCount`] for a score with another number of
    /// objectives than the box. The search is then as before.
    pub fn tell(&mut self, scores: &[Score]) -> Result<(), Error> {
        if scores.len() != self.batch.len() {
            return Err(Error::ScoreCount { expected: self.batch.len(), got: scores.len() });
        }
        let expected = self.bounds.scale.len();
        if let Some(candidate) = scores.iter().position(|score| score.objectives.len() != expected) {
            return Err(Error::ObjectiveCount { candidate, expected, got: scores[candidate].objectives.len() });
        }
        if self.batch.is_empty() {
            return Ok(());
        }
        let before = self.reached();
        let told = self.batch.iter().zip(scores);
        self.archive.record(
            told.map(|(genome, score)| Evaluation { genome: genome.clone(), score: score.clone() }).collect(),
        )?;
        if self.proposed > 0 {
            let gains = scores.iter().map(|score| self.gain(&before, score));
            self.credit.settle(&gains.collect::<Vec<f64>>(), self.proposed);
        }
        self.generation += 1;
        (self.batch, self.proposed) = self.next();
        Ok(())
    }

    /// Everything told so far; its front is the answer of the search.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// What a candidate with `score` added to the front.
    fn gain(&self, before: &Reached, score: &Score) -> f64 {
        match self.bounds.unknown(score) {
            Some(value) if score.is_feasible() => before.gain(&self.bounds.known(score), value),
            _ => 0.0,
        }
    }

    /// The next batch, and how many of it the model asks: a function of everything but these.
    fn next(&self) -> (Vec<Genome>, usize) {
        let planned = match (&self.design, self.generation) {
            (Some(design), 0) => {
                let mut planned = design.joint(&self.space, &self.costs);
                let mut stream = Stream::guided_search(self.seed, self.generation);
                design.scatter(&self.space, &self.costs, self.size, &mut stream, &mut planned);
                planned
            }
            (Some(design), 1) => design.single(&self.space, &self.costs, &self.archive, &self.bounds),
            _ => Vec::new(),
        };
        if !planned.is_empty() {
            return (planned, 0);
        }
        let mut stream = Stream::guided_search(self.seed, self.generation);
        let reached = self.reached();
        let mut batch = Vec::new();
        if let (Some(design), Some((model, data))) = (&self.design, self.model()) {
            let trusted = trust(&model, &data) * self.credit.share();
            let proposer = Proposer {
                space: &self.space,
                costs: &self.costs,
                bounds: &self.bounds,
                archive: &self.archive,
                design,
                model: &model,
                reached: &reached,
            };
            batch = proposer.propose((trusted * self.size as f64).round() as usize, &mut stream);
        }
        let proposed = batch.len();
        self.breed(&reached, &mut batch, &mut stream);
        (batch, proposed)
    }

    /// The front in the box.
    fn reached(&self) -> Reached {
        let mut reached = Reached::new();
        for point in self.archive.front() {
            if let Some(value) = self.bounds.unknown(&point.score) {
                reached.add(self.bounds.known(&point.score), value);
            }
        }
        reached
    }

    /// The model of everything whose unknown objective is a number.
    fn model(&self) -> Option<(Model, Data<'_>)> {
        let mut data = Data { genomes: Vec::new(), values: Vec::new() };
        for evaluation in self.archive.evaluations() {
            if let Some(value) = self.bounds.unknown(&evaluation.score) {
                data.genomes.push(&evaluation.genome);
                data.values.push(value);
            }
        }
        Some((Model::fit(&self.space, &data)?, data))
    }

    /// Fills `batch` with children of the best, or with drawn genomes where there are no parents: as far as they are
    /// candidates.
    fn breed(&self, reached: &Reached, batch: &mut Vec<Genome>, stream: &mut Stream) {
        let parents =
            survival::select(&self.archive, (0..self.archive.len()).collect(), PARENTS, survival::Survival::Crowding);
        let mut taken: BTreeSet<Genome> = batch.iter().cloned().collect();
        let parent = |stream: &mut Stream| {
            // The better of two: members are ordered by rank, then by how lonely they are.
            let draw = |stream: &mut Stream| stream.below(parents.len() as u64) as usize;
            let place = draw(stream).min(draw(stream));
            &self.archive.evaluations()[parents[place].position].genome
        };
        for _ in 0..TRIES * self.size {
            if batch.len() >= self.size {
                return;
            }
            let children = match parents.len() {
                0 | 1 => [self.space.random(stream), self.space.random(stream)],
                _ => self.variation.children(&self.space, [parent(stream), parent(stream)], stream),
            };
            for mut child in children {
                if let Some(design) = &self.design {
                    design.rest(&mut child);
                }
                if batch.len() < self.size && self.is_candidate(reached, &child) && taken.insert(child.clone()) {
                    batch.push(child);
                }
            }
        }
    }

    fn is_candidate(&self, reached: &Reached, genome: &Genome) -> bool {
        if self.archive.contains(genome) {
            return false;
        }
        let score = self.costs.of(genome);
        // Without a genome that keeps the known constraints any may be a step towards one.
        self.design.is_none()
            || (score.is_feasible() && !reached.is_pointless(&self.bounds.known(&score), self.bounds.least()))
    }
}

/// What candidates of the model and bred ones have lately added to the front, a candidate.
#[derive(Clone, Debug, Default)]
struct Credit {
    model: [f64; 2],
    bred: [f64; 2],
}

impl Credit {
    /// Takes note of the gains of a batch, of which the model asked the first `proposed`.
    fn settle(&mut self, gains: &[f64], proposed: usize) {
        let (model, bred) = gains.split_at(proposed);
        for ([sum, count], gains) in [(&mut self.model, model), (&mut self.bred, bred)] {
            *sum = MEMORY * *sum + gains.iter().sum::<f64>();
            *count = MEMORY * *count + gains.len() as f64;
        }
    }

    /// The part of a batch that the model should have: its part of what was gained, but for a rest that keeps either known.
    fn share(&self) -> f64 {
        let [model, bred] = [self.model, self.bred].map(|[sum, count]| if count > 0.0 { sum / count } else { 0.0 });
        let share = if model + bred > 0.0 { model / (model + bred) } else { 1.0 };
        share.clamp(TRIED, 1.0 - TRIED)
    }
}

/// The box that is to be filled, and which of its axes is unknown.
#[derive(Clone, Debug)]
struct Bounds {
    unknown: usize,
    scale: Vec<(f64, f64)>,
    least: Option<f64>,
}

impl Bounds {
    /// The lowest value of the unknown objective, in the box.
    fn least(&self) -> f64 {
        self.least.map_or(f64::NEG_INFINITY, |least| self.place(self.unknown, least))
    }

    fn place(&self, axis: usize, value: f64) -> f64 {
        let (best, worst) = self.scale[axis];
        (value - best) / (worst - best)
    }

    fn known_objectives(&self) -> usize {
        self.scale.len() - 1
    }

    /// The known objectives of `score` in the box.
    fn known(&self, score: &Score) -> Vec<f64> {
        let all = score.objectives.iter().enumerate().filter(|(axis, _)| *axis != self.unknown);
        all.map(|(axis, &value)| self.place(axis, value)).collect()
    }

    /// The unknown objective of `score` in the box, where it is a number that could have been measured.
    fn unknown(&self, score: &Score) -> Option<f64> {
        let value = score.objectives[self.unknown];
        (value.is_finite() && value < f64::MAX).then(|| self.place(self.unknown, value))
    }
}

/// The part of a batch that the model is trusted with: 0 to 1.
fn trust(model: &Model, data: &Data<'_>) -> f64 {
    let near: Vec<usize> = (0..data.values.len()).filter(|&index| data.values[index] < RANKED_BELOW).collect();
    if near.len() < RANKED {
        return 1.0;
    }
    let chosen = |values: &[f64]| near.iter().map(|&index| values[index]).collect::<Vec<f64>>();
    (rank_correlation(&chosen(model.left_out()), &chosen(&data.values)) / TRUSTED).clamp(0.0, 1.0)
}
