//! Candidates that are worth a measurement: where the model and the costs say that the front would grow the most.
//!
//! ```text
//! begin with the front, the base, and a walk from the base down for every known objective,
//!     each step the one that adds the least predicted error for what it saves
//! a few times: the best of them by expected gain are varied, gene by gene and by pairs of genes
//! take the best, add it to the front as predicted, and choose again, until the batch is full
//! ```
//!
//! A candidate that breaks a known constraint, was measured before, or could not even add to the front if its unknown
//! objective were as good as can be, is no candidate.

use std::collections::BTreeMap;

use super::{
    Bounds, Costs, Design,
    gain::{Expected, Reached},
    model::Model,
};
use crate::{Archive, Genome, Space, stream::Stream};

/// Rounds of varying the best, and how many are varied in each. Seemed reasonable: more finds nothing better on the problems
/// of `examples/guided_problems.rs`.
const ROUNDS: usize = 4;
const VARIED: usize = 24;

/// Random pairs of genes that are moved together, for each genome varied.
const PAIRS: usize = 16;

/// Candidates whose deviation is worked out in full.
const SHORTLIST: usize = 200;

/// What proposals are made from.
pub(super) struct Proposer<'a> {
    pub(super) space: &'a Space,
    pub(super) costs: &'a Costs<'a>,
    pub(super) bounds: &'a Bounds,
    pub(super) archive: &'a Archive,
    pub(super) design: &'a Design,
    pub(super) model: &'a Model,
    pub(super) reached: &'a Reached,
}

#[derive(Clone, Debug)]
struct Candidate {
    known: Vec<f64>,
    expected: Expected,
    gain: f64,
    varied: bool,
}

impl Proposer<'_> {
    /// Up to `count` genomes, the best first.
    pub(super) fn propose(&self, count: usize, stream: &mut Stream) -> Vec<Genome> {
        let mut pool = BTreeMap::new();
        let front = self.archive.front().into_iter().map(|point| point.genome.clone());
        let mut seeds: Vec<Genome> = front.chain([self.design.base.clone()]).collect();
        for axis in 0..self.bounds.known_objectives() {
            seeds.extend(self.walk(axis));
        }
        for genome in &seeds {
            self.offer(&mut pool, genome);
        }
        for genome in seeds.iter().take(2 * VARIED) {
            self.vary(&mut pool, genome, stream);
        }
        for _ in 0..ROUNDS {
            let mut best: Vec<(f64, Genome)> = Vec::new();
            for (genome, candidate) in pool.iter().filter(|(_, candidate)| !candidate.varied) {
                best.push((candidate.gain, genome.clone()));
            }
            best.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
            for (_, genome) in best.into_iter().take(VARIED) {
                if let Some(candidate) = pool.get_mut(&genome) {
                    candidate.varied = true;
                }
                self.vary(&mut pool, &genome, stream);
            }
        }
        self.pick(pool, count)
    }

    /// From the base down, always by the step that adds the least for what it saves of known objective `axis`.
    fn walk(&self, axis: usize) -> Vec<Genome> {
        let mut here = self.design.base.clone();
        let known = |genome: &Genome| self.bounds.known(&self.costs.of(genome))[axis];
        let (mut cost, mut value) = (known(&here), self.model.predict(&here).0);
        let mut path = Vec::new();
        loop {
            let mut best: Option<(f64, Genome, f64, f64)> = None;
            for (gene, &level) in here.0.iter().enumerate() {
                for to in (0..level).rev().take(4) {
                    let mut next = here.clone();
                    next.0[gene] = to;
                    let (next_cost, next_value) = (known(&next), self.model.predict(&next).0);
                    let price = (next_value - value) / (cost - next_cost);
                    if next_cost < cost && best.as_ref().is_none_or(|(least, ..)| price < *least) {
                        best = Some((price, next, next_cost, next_value));
                    }
                }
            }
            let Some((_, next, next_cost, next_value)) = best else { return path };
            (cost, value) = (next_cost, next_value);
            here = next;
            path.push(here.clone());
        }
    }

    /// Puts `genome` into the pool, if it is a candidate.
    fn offer(&self, pool: &mut BTreeMap<Genome, Candidate>, genome: &Genome) {
        if self.archive.contains(genome) || pool.contains_key(genome) {
            return;
        }
        let score = self.costs.of(genome);
        let known = self.bounds.known(&score);
        if !score.is_feasible() || self.reached.is_pointless(&known, self.bounds.least()) {
            return;
        }
        let (mean, deviation) = self.model.predict(genome);
        let expected = Expected { mean, deviation };
        let gain = self.reached.expected_gain(&known, expected);
        pool.insert(genome.clone(), Candidate { known, expected, gain, varied: false });
    }

    /// Offers every genome that differs from `genome` in one gene, and some that differ in two.
    fn vary(&self, pool: &mut BTreeMap<Genome, Candidate>, genome: &Genome, stream: &mut Stream) {
        let free: Vec<usize> =
            (0..self.space.genes()).filter(|&gene| !self.design.idle[gene] && self.space.levels()[gene] > 1).collect();
        for &gene in &free {
            let levels = self.space.levels()[gene];
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
                let choices: Vec<u16> = near(other.0[gene], self.space.levels()[gene]).collect();
                other.0[gene] = choices[stream.below(choices.len() as u64) as usize];
            }
            self.offer(pool, &other);
        }
    }

    /// The best `count` of the pool, each with those before it on the front as predicted.
    fn pick(&self, pool: BTreeMap<Genome, Candidate>, count: usize) -> Vec<Genome> {
        let mut left: Vec<(Genome, Candidate)> =
            pool.into_iter().filter(|(_, candidate)| candidate.gain > 0.0).collect();
        // Stable: of equal gains the lower genome first.
        left.sort_by(|a, b| b.1.gain.total_cmp(&a.1.gain));
        left.truncate(SHORTLIST);
        let mut reached = self.reached.clone();
        for (genome, candidate) in &mut left {
            candidate.expected.deviation = self.model.deviation(genome);
            candidate.gain = reached.expected_gain(&candidate.known, candidate.expected);
        }
        let mut picked = Vec::new();
        while picked.len() < count {
            // Gains only fall as the front grows: one that is the largest after being worked out anew is the largest.
            let Some(place) = largest(&left) else { break };
            let (_, candidate) = &left[place];
            let gain = reached.expected_gain(&candidate.known, candidate.expected);
            let candidate = &mut left[place].1;
            if gain < candidate.gain {
                candidate.gain = gain;
                continue;
            }
            let (genome, candidate) = left.remove(place);
            if candidate.gain <= 0.0 {
                break;
            }
            reached.add(candidate.known, candidate.expected.mean);
            picked.push(genome);
        }
        picked
    }
}

/// The first of the largest gains.
fn largest(candidates: &[(Genome, Candidate)]) -> Option<usize> {
    let gains = candidates.iter().map(|(_, candidate)| candidate.gain).enumerate();
    gains.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(place, _)| place)
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
