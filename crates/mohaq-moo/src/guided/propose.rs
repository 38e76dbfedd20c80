//! Candidates that are worth a measurement: where the model and the costs say that the front would grow the most.
//!
//! ```text
//! begin with the front, the base, and a walk from the base down for every known objective,
//!     each step the one that adds the least predicted error for what it saves
//! a few times: the best of them by expected gain are varied, gene by gene and by pairs of genes
//! take the best, add it to the front as predicted, and choose again, until the batch is full            (pick.rs)
//! ```
//!
//! What is a candidate at all, `ground.rs` says.

use std::collections::BTreeMap;

use super::{
    Design,
    gain::Expected,
    ground::Ground,
    model::Model,
    pick::{Candidate, pick},
};
use crate::{Genome, stream::Stream};

/// Rounds of varying the best, and how many are varied in each. Seemed reasonable: more finds nothing better on the problems
/// of `examples/guided_problems.rs`.
const ROUNDS: usize = 4;
const VARIED: usize = 24;

/// Random pairs of genes that are moved together, for each genome varied. Seemed reasonable: as many as genes.
const PAIRS: usize = 16;

/// Levels that a step of a walk goes down at most. Seemed reasonable: the whole way, for precisions.
const STEP: usize = 4;

/// Candidates whose deviation is worked out in full. Seemed reasonable: twenty for each of a batch.
const SHORTLIST: usize = 200;

/// What proposals are made from.
pub(super) struct Proposer<'a> {
    pub(super) ground: Ground<'a>,
    pub(super) design: &'a Design,
    pub(super) model: &'a Model,
}

/// A genome of the pool, as far as it is worked out.
#[derive(Clone, Debug)]
struct Pooled {
    known: Vec<f64>,
    mean: f64,
    gain: f64,
    varied: bool,
}

type Pool = BTreeMap<Genome, Pooled>;

impl Proposer<'_> {
    /// Up to `count` genomes, the best first.
    pub(super) fn propose(&self, count: usize, stream: &mut Stream) -> Vec<Genome> {
        let mut pool = Pool::new();
        let front = self.ground.archive.front().into_iter().map(|point| point.genome.clone());
        let mut seeds: Vec<Genome> = front.chain([self.design.base.clone()]).collect();
        for axis in 0..self.ground.bounds.known_objectives() {
            seeds.extend(self.walk(axis));
        }
        for genome in &seeds {
            self.offer(&mut pool, genome);
        }
        for genome in seeds.iter().take(2 * VARIED) {
            self.vary(&mut pool, genome, stream);
        }
        for _ in 0..ROUNDS {
            for genome in best(&mut pool, VARIED) {
                self.vary(&mut pool, &genome, stream);
            }
        }
        pick(self.shortlist(pool), self.ground.reached, count)
    }

    /// From the base down, always by the step that adds the least for what it saves of known objective `axis`.
    fn walk(&self, axis: usize) -> Vec<Genome> {
        let mut path = vec![self.design.base.clone()];
        while let Some(next) = path.last().and_then(|here| self.cheapest_step(here, axis)) {
            path.push(next);
        }
        path
    }

    fn cheapest_step(&self, here: &Genome, axis: usize) -> Option<Genome> {
        let place = |genome: &Genome| {
            (self.ground.bounds.known(&self.ground.costs.of(genome))[axis], self.model.predict(genome).0)
        };
        let (cost, value) = place(here);
        let mut best: Option<(f64, Genome)> = None;
        for (gene, &level) in here.0.iter().enumerate() {
            for to in (0..level).rev().take(STEP) {
                let mut next = here.clone();
                next.0[gene] = to;
                let (next_cost, next_value) = place(&next);
                let price = (next_value - value) / (cost - next_cost);
                if next_cost < cost && best.as_ref().is_none_or(|(least, _)| price < *least) {
                    best = Some((price, next));
                }
            }
        }
        best.map(|(_, next)| next)
    }

    /// Puts `genome` into the pool, if it is a candidate.
    fn offer(&self, pool: &mut Pool, genome: &Genome) {
        if pool.contains_key(genome) {
            return;
        }
        let Some(known) = self.ground.candidate(genome) else { return };
        let (mean, deviation) = self.model.predict(genome);
        let gain = self.ground.reached.expected_gain(&known, Expected { mean, deviation });
        pool.insert(genome.clone(), Pooled { known, mean, gain, varied: false });
    }

    /// Offers every genome that differs from `genome` in one gene, and some that differ in two.
    fn vary(&self, pool: &mut Pool, genome: &Genome, stream: &mut Stream) {
        let free: Vec<usize> = (0..self.ground.space.genes())
            .filter(|&gene| !self.design.idle[gene] && self.ground.space.levels()[gene] > 1)
            .collect();
        for &gene in &free {
            let levels = self.ground.space.levels()[gene];
            for level in near(genome.0[gene], levels) {
                let mut other = genome.clone();
                other.0[gene] = level;
                self.offer(pool, &other);
            }
        }
        for _ in 0..if free.len() > 1 { PAIRS } else { 0 } {
            let mut other = genome.clone();
            for _ in 0..2 {
                let gene = free[stream.below(free.len() as u64) as usize];
                let choices: Vec<u16> = near(other.0[gene], self.ground.space.levels()[gene]).collect();
                other.0[gene] = choices[stream.below(choices.len() as u64) as usize];
            }
            self.offer(pool, &other);
        }
    }

    /// The best of the pool, with the whole of their deviation.
    fn shortlist(&self, pool: Pool) -> Vec<Candidate> {
        let mut best: Vec<(Genome, Pooled)> = pool.into_iter().filter(|(_, pooled)| pooled.gain > 0.0).collect();
        // Stable: of equal gains the lower genome first.
        best.sort_by(|a, b| b.1.gain.total_cmp(&a.1.gain));
        best.truncate(SHORTLIST);
        let candidate = |(genome, pooled): (Genome, Pooled)| Candidate {
            expected: Expected { mean: pooled.mean, deviation: self.model.deviation(&genome) },
            known: pooled.known,
            genome,
        };
        best.into_iter().map(candidate).collect()
    }
}

/// The best `count` of `pool` that were not varied yet; from now on they were.
fn best(pool: &mut Pool, count: usize) -> Vec<Genome> {
    let open = pool.iter().filter(|(_, pooled)| !pooled.varied);
    let mut best: Vec<(f64, Genome)> = open.map(|(genome, pooled)| (pooled.gain, genome.clone())).collect();
    best.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    best.truncate(count);
    let taken = best.into_iter().map(|(_, genome)| genome);
    taken.inspect(|genome| pool.get_mut(genome).expect("it comes from the pool").varied = true).collect()
}

/// Other levels: all of a few, otherwise the next ones and the ends.
fn near(level: u16, levels: u16) -> impl Iterator<Item = u16> {
    let few = levels <= 6;
    let candidates: Vec<u16> = if few {
        (0..levels).collect()
    } else {
        let (level, levels) = (i32::from(level), i32::from(levels));
        let mut all: Vec<i32> = vec![0, level - 2, level - 1, level + 1, level + 2, levels - 1];
        all.sort_unstable();
        all.dedup();
        all.into_iter().filter(|other| (0..levels).contains(other)).map(|other| other as u16).collect()
    };
    candidates.into_iter().filter(move |&other| other != level)
}
