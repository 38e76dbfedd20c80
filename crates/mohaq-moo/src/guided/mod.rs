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
//!     and, as far as the model is not to be trusted, children of the best                     (trust.rs, breed.rs)
//! ```
//!
//! The last line is what keeps a wrong model from doing harm. A tenth of every batch is bred, and more of it where bred
//! candidates have lately gained more than those of the model; and from a rank correlation of 0.7 down, of predictions with
//! measurements that were left out, more and more, up to all of it at 0. Children are bred as NSGA-II breeds them, ten for each
//! that is asked, and chosen by what was measured near them (nearby.rs), which no form of the model enters. When the model is
//! first found to rank half as well as it should, as many genomes are drawn as make up a first population of NSGA-II.
//!
//! Genes that change nothing known stay at their highest level, where the unknown objective is taken to be best, until nothing
//! else is left to ask.

mod bounds;
mod costs;

mod design;
mod gain;
mod solve;
mod steps;

mod ground;
mod model;
mod nearby;
mod pick;

mod breed;
mod fit;

mod propose;
mod trust;

use self::{
    bounds::Bounds,
    breed::{Breeder, PARENTS},
    design::Design,
    fit::{Data, fit},
    gain::Reached,
    ground::Ground,
    model::Model,
    propose::Proposer,
    trust::{Credit, trust},
};
use crate::{Archive, Error, Evaluation, Genome, Score, Space, stream::Stream, variation::Variation};

pub use self::costs::Costs;

/// Trust below which a first population is drawn, once. Seemed reasonable: a rank correlation of 0.35.
const MISTRUSTED: f64 = 0.5;

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
/// more where the model is wrong, that are bred as NSGA-II would. Genes that change nothing known stay at their highest level
/// until nothing else is left to ask.
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
    /// Whether a first population was drawn as the model was not to be trusted.
    drawn: bool,
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
        let (generation, proposed, drawn) = (0, 0, false);
        let mut search = Self {
            space,
            costs,
            bounds,
            size,
            variation,
            seed,
            design,
            generation,
            archive,
            batch,
            proposed,
            credit,
            drawn,
        };
        search.think();
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
        self.think();
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

    /// Makes the next batch: a function of everything but the last one.
    fn think(&mut self) {
        (self.batch, self.proposed) = self.next();
        // Idle genes were taken to be best where they are highest. Where all else was asked, that can be tried.
        if self.batch.is_empty() && self.design.as_mut().is_some_and(Design::release) {
            (self.batch, self.proposed) = self.next();
        }
    }

    /// The next batch, and how many of it the model asks.
    fn next(&mut self) -> (Vec<Genome>, usize) {
        let mut stream = Stream::guided_search(self.seed, self.generation);
        let planned = self.planned(&mut stream);
        if !planned.is_empty() {
            return (planned, 0);
        }
        let model = self.model();
        let trusted = model.as_ref().map_or(0.0, |(_, trusted)| *trusted);
        let draw = model.is_some() && trusted < MISTRUSTED && !self.drawn;
        self.drawn |= draw;
        let (reached, design) = (self.reached(), self.design.as_ref());
        let Self { space, costs, bounds, archive, variation, .. } = &*self;
        let ground = Ground { space, costs, bounds, archive, reached: &reached };
        let breeder = Breeder { ground, design, variation };
        let drawn = if draw { self.population(&breeder, &mut stream) } else { Vec::new() };
        if !drawn.is_empty() {
            return (drawn, 0);
        }
        let wanted = (trusted * self.credit.share() * self.size as f64).round() as usize;
        let mut batch = match (design, &model) {
            (Some(design), Some((model, _))) => Proposer { ground, design, model }.propose(wanted, &mut stream),
            _ => Vec::new(),
        };
        let proposed = batch.len();
        batch.extend(breeder.breed(self.size - proposed, &batch, &mut stream));
        (batch, proposed)
    }

    /// What is measured before there is a model.
    fn planned(&self, stream: &mut Stream) -> Vec<Genome> {
        let Some(design) = &self.design else { return Vec::new() };
        match self.generation {
            0 => {
                let mut planned = design.joint(&self.space, &self.costs);
                design.scatter(&self.space, &self.costs, self.size, stream, &mut planned);
                planned
            }
            1 => design.single(&self.space, &self.costs, &self.archive, &self.bounds),
            _ => Vec::new(),
        }
    }

    /// What the first population of NSGA-II has over the genomes that were scattered at the beginning.
    fn population(&self, breeder: &Breeder<'_>, stream: &mut Stream) -> Vec<Genome> {
        let mut drawn = Vec::new();
        if let Some(design) = &self.design {
            design.scatter(&self.space, &self.costs, PARENTS.saturating_sub(self.size), stream, &mut drawn);
        }
        drawn.retain(|genome| breeder.is_candidate(genome));
        drawn
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

    /// The model of everything whose unknown objective is a number, and how far it is trusted.
    fn model(&self) -> Option<(Model, f64)> {
        let mut data = Data { genomes: Vec::new(), values: Vec::new() };
        for evaluation in self.archive.evaluations() {
            if let Some(value) = self.bounds.unknown(&evaluation.score) {
                data.genomes.push(&evaluation.genome);
                data.values.push(value);
            }
        }
        let model = fit(&self.space, &data)?;
        let trusted = trust(&model, &data);
        Some((model, trusted))
    }
}
