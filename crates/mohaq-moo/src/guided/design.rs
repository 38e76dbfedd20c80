//! What is measured before there is a model: one genome that everything is compared with, all genes lowered together, and
//! every gene lowered alone.
//!
//! The **base** is the highest genome, where levels are highest that keep the known constraints. A gene that changes nothing
//! known is **idle**: it can only help the unknown objective, so it stays at its highest level as long as there is anything
//! else to ask. All genes lowered together,
//! level by level, tell from where on a level matters; below that every gene is lowered alone.

use super::{Bounds, Costs};
use crate::{Archive, Genome, Space, stream::Stream};

/// Levels of a gene that are looked at before there is a model. Seemed reasonable: precisions have four.
const LEVELS: u16 = 5;

/// What lowering all genes together may add, in the box, without the genes being looked at one by one. Seemed reasonable:
/// what a model is off by anyway.
const NEGLIGIBLE: f64 = 0.1;

/// Where a guided search begins.
#[derive(Clone, Debug)]
pub(super) struct Design {
    /// Genes that change nothing known.
    pub(super) idle: Vec<bool>,
    /// The genome that others are compared with.
    pub(super) base: Genome,
}

impl Design {
    /// The design for `space`; `None` where no genome could be found that keeps the known constraints.
    pub(super) fn new(space: &Space, costs: &Costs<'_>) -> Option<Self> {
        let idle: Vec<bool> = (0..space.genes()).map(|gene| is_idle(space, costs, gene)).collect();
        let highest = Genome(space.levels().iter().map(|levels| levels - 1).collect());
        let keeps = |genome: &Genome| costs.of(genome).is_feasible();
        if keeps(&highest) {
            return Some(Self { idle, base: highest });
        }
        let floor = |(&top, &idle): (&u16, &bool)| if idle { top } else { 0 };
        let mut base = Genome(highest.0.iter().zip(&idle).map(floor).collect());
        if !keeps(&base) {
            base = least_violation(space, costs, base);
        }
        if !keeps(&base) {
            return None;
        }
        raise(space, costs, &mut base);
        Some(Self { idle, base })
    }

    /// The base, and all genes lowered together to each of a few levels.
    pub(super) fn joint(&self, space: &Space, costs: &Costs<'_>) -> Vec<Genome> {
        let mut genomes = vec![self.base.clone()];
        for level in spread(space.levels().iter().copied().max().unwrap_or(1)).rev() {
            let genome = self.lowered(level);
            if !genomes.contains(&genome) && costs.of(&genome).is_feasible() {
                genomes.push(genome);
            }
        }
        genomes
    }

    /// Adds some genomes in which every level is as frequent as any other, as far as they keep the known constraints: what
    /// a model that is wrong is found out by, and the first parents if it is.
    pub(super) fn scatter(
        &self,
        space: &Space,
        costs: &Costs<'_>,
        count: usize,
        stream: &mut Stream,
        to: &mut Vec<Genome>,
    ) {
        for mut genome in space.stratified(count, stream) {
            self.rest(&mut genome);
            if !to.contains(&genome) && costs.of(&genome).is_feasible() {
                to.push(genome);
            }
        }
    }

    /// Every gene lowered alone, as far as lowering all together matters by what `archive` knows.
    pub(super) fn single(&self, space: &Space, costs: &Costs<'_>, archive: &Archive, bounds: &Bounds) -> Vec<Genome> {
        let value = |genome: &Genome| archive.score(genome).and_then(|score| bounds.unknown(score));
        let mut genomes = Vec::new();
        let mut above = value(&self.base);
        for level in spread(space.levels().iter().copied().max().unwrap_or(1)).rev() {
            let here = value(&self.lowered(level));
            let matters = above.zip(here).is_none_or(|(above, here)| here - above > NEGLIGIBLE);
            above = here.or(above);
            let lower = |gene: usize| (!self.idle[gene] && self.base.0[gene] > level).then(|| self.with(gene, level));
            let lowered = (0..space.genes()).filter(|_| matters).filter_map(lower);
            genomes.extend(lowered.filter(|genome| !archive.contains(genome) && costs.of(genome).is_feasible()));
        }
        genomes
    }

    /// Brings the idle genes of `genome` back to their highest level.
    pub(super) fn rest(&self, genome: &mut Genome) {
        let idle = self.idle.iter().zip(&self.base.0).zip(&mut genome.0).filter(|((idle, _), _)| **idle);
        idle.for_each(|((_, &base), gene)| *gene = base);
    }

    /// Takes no gene for idle from now on; false where none was.
    pub(super) fn release(&mut self) -> bool {
        let were = self.idle.contains(&true);
        self.idle.fill(false);
        were
    }

    /// All genes that are not idle at `level` at most.
    fn lowered(&self, level: u16) -> Genome {
        let lower = |(&base, &idle): (&u16, &bool)| if idle { base } else { base.min(level) };
        Genome(self.base.0.iter().zip(&self.idle).map(lower).collect())
    }

    fn with(&self, gene: usize, level: u16) -> Genome {
        let mut genome = self.base.clone();
        genome.0[gene] = level;
        genome
    }
}

/// A few of the levels below the highest of `levels`, evenly spread, the lowest first.
fn spread(levels: u16) -> impl DoubleEndedIterator<Item = u16> {
    let below = levels - 1;
    let count = below.min(LEVELS);
    (0..count).map(move |index| (u32::from(index) * u32::from(below) / u32::from(count.max(1))) as u16)
}

/// Whether `gene` changes nothing known, from where all others are highest, lowest, or in the middle.
fn is_idle(space: &Space, costs: &Costs<'_>, gene: usize) -> bool {
    let same = |others: fn(u16) -> u16| {
        let mut genome = Genome(space.levels().iter().map(|&levels| others(levels)).collect());
        let mut at = |level: u16| {
            genome.0[gene] = level;
            let score = costs.of(&genome);
            (score.objectives, score.violation)
        };
        let first = at(0);
        // An unknown objective may be any number, also one that is not equal to itself.
        let equal = |other: (Vec<f64>, f64)| {
            let same = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan());
            other.1 == first.1 && other.0.iter().zip(&first.0).all(same)
        };
        (1..space.levels()[gene]).all(|level| equal(at(level)))
    };
    [|levels: u16| levels - 1, |_| 0, |levels: u16| (levels - 1) / 2].into_iter().all(same)
}

/// Goes from `genome` to where one gene alone lowers the violation the most, until none does.
fn least_violation(space: &Space, costs: &Costs<'_>, mut genome: Genome) -> Genome {
    let mut least = costs.of(&genome).violation;
    loop {
        let mut best = None;
        for gene in 0..space.genes() {
            for level in 0..space.levels()[gene] {
                let mut other = genome.clone();
                other.0[gene] = level;
                let violation = costs.of(&other).violation;
                if violation < least {
                    least = violation;
                    best = Some(other);
                }
            }
        }
        match best {
            Some(better) => genome = better,
            None => return genome,
        }
    }
}

/// Raises genes level by level, as evenly as the known constraints allow; of equally low ones first what costs least.
fn raise(space: &Space, costs: &Costs<'_>, base: &mut Genome) {
    let mut open: Vec<usize> = (0..space.genes()).filter(|&gene| base.0[gene] + 1 < space.levels()[gene]).collect();
    while !open.is_empty() {
        let here = costs.of(base).objectives;
        let price = |gene: usize| -> f64 {
            let mut raised = base.clone();
            raised.0[gene] += 1;
            let there = costs.of(&raised).objectives;
            let rise = |(there, here): (&f64, &f64)| (there - here) / (there.abs() + here.abs()).max(f64::MIN_POSITIVE);
            there.iter().zip(&here).map(rise).filter(|rise| !rise.is_nan()).sum()
        };
        let lowest = open.iter().map(|&gene| base.0[gene]).min().unwrap_or(0);
        let candidates = open.iter().copied().filter(|&gene| base.0[gene] == lowest);
        let Some((gene, _)) = candidates.map(|gene| (gene, price(gene))).min_by(|a, b| a.1.total_cmp(&b.1)) else {
            return;
        };
        base.0[gene] += 1;
        let keeps = costs.of(base).is_feasible();
        if !keeps {
            base.0[gene] -= 1;
        }
        if !keeps || base.0[gene] + 1 == space.levels()[gene] {
            open.retain(|&other| other != gene);
        }
    }
}
