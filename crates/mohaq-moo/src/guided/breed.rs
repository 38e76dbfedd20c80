//! Candidates without the model: children of the best, as NSGA-II breeds them, of which the most promising by what was
//! measured near them are asked.

use std::collections::BTreeSet;

use super::{
    Design,
    ground::Ground,
    nearby::Nearby,
    pick::{Candidate, pick},
};
use crate::{
    Genome,
    stream::Stream,
    survival::{self, Member, Survival},
    variation::Variation,
};

/// Parents, as many as NSGA-II has in its population by MOHAQ's settings.
pub(super) const PARENTS: usize = 40;

/// Children that are bred for each that is asked: on errors that the model is wrong about (`scrambled` of
/// `examples/guided_problems.rs`) 3 find much more than 1, and 10 a little more than 3.
const BRED: usize = 10;

/// Pairs that may have no new children, for each child that is asked.
const TRIES: usize = 200;

/// What children are made from.
pub(super) struct Breeder<'a> {
    pub(super) ground: Ground<'a>,
    pub(super) design: Option<&'a Design>,
    pub(super) variation: &'a Variation,
}

impl Breeder<'_> {
    /// Up to `count` candidates that are not in `taken`: children, or drawn genomes where there are no parents.
    pub(super) fn breed(&self, count: usize, taken: &[Genome], stream: &mut Stream) -> Vec<Genome> {
        let bred = self.children(count, taken, stream);
        let mut batch = match Nearby::new(self.ground.archive, self.ground.bounds) {
            Some(nearby) => pick(self.expected(&bred, &nearby), self.ground.reached, count),
            None => Vec::new(),
        };
        // Where no gain can be expected, as long as nothing is feasible for instance, in the order that they were bred.
        for child in bred {
            if batch.len() < count && !batch.contains(&child) {
                batch.push(child);
            }
        }
        batch
    }

    fn expected(&self, bred: &[Genome], nearby: &Nearby<'_>) -> Vec<Candidate> {
        let candidate = |genome: &Genome| Candidate {
            genome: genome.clone(),
            known: self.ground.bounds.known(&self.ground.costs.of(genome)),
            expected: nearby.expected(genome),
        };
        bred.iter().map(candidate).collect()
    }

    fn children(&self, count: usize, taken: &[Genome], stream: &mut Stream) -> Vec<Genome> {
        let parents = survival::select(
            self.ground.archive,
            (0..self.ground.archive.len()).collect(),
            PARENTS,
            Survival::Crowding,
        );
        let mut known: BTreeSet<Genome> = taken.iter().cloned().collect();
        let mut bred = Vec::new();
        for _ in 0..TRIES * count {
            if bred.len() >= BRED * count {
                break;
            }
            for mut child in self.pair(&parents, stream) {
                if let Some(design) = self.design {
                    design.rest(&mut child);
                }
                if self.is_candidate(&child) && known.insert(child.clone()) {
                    bred.push(child);
                }
            }
        }
        bred
    }

    /// Two children of two parents, each the better of two.
    fn pair(&self, parents: &[Member], stream: &mut Stream) -> [Genome; 2] {
        if parents.len() < 2 {
            return [self.ground.space.random(stream), self.ground.space.random(stream)];
        }
        // Members are ordered by rank, then by how lonely they are.
        let mut draw = || stream.below(parents.len() as u64) as usize;
        let places = [draw().min(draw()), draw().min(draw())];
        let genomes = places.map(|place| &self.ground.archive.evaluations()[parents[place].position].genome);
        self.variation.children(self.ground.space, genomes, stream)
    }

    /// Whether `genome` may be asked. Without a genome that keeps the known constraints any may be a step towards one.
    pub(super) fn is_candidate(&self, genome: &Genome) -> bool {
        match self.design {
            Some(_) => self.ground.candidate(genome).is_some(),
            None => !self.ground.archive.contains(genome),
        }
    }
}
