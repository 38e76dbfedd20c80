//! The problems of `precision.rs`, and others made like them: more sites, sites drawn at random, interactions that are
//! stronger, errors with noise, errors that saturate, and errors that nothing can be learnt from.

use mohaq_moo::{Costs, Genome, Score};

use crate::precision::{Problem, formulas};

const BITS: [f64; 4] = [2.0, 4.0, 8.0, 16.0];

/// What the error of a made problem is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) sites: usize,
    /// How much two operands that are both narrow add over what each adds.
    pub(crate) interaction: f64,
    /// Largest deviation of an error from the formula, in the box.
    pub(crate) noise: f64,
    /// Errors go towards this instead of adding up.
    pub(crate) ceiling: f64,
    pub(crate) twist: Twist,
}

/// What makes the model of a guided search wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Twist {
    None,
    /// Levels in an order that means nothing, another one for every number, gene and level of the gene before.
    Scrambled(u64),
    /// Operands of a site suffer from being apart as much as from being narrow: every step down alone misleads.
    Apart,
    /// Errors in steps of a quarter of the box.
    Plateaus,
    /// The worst site alone counts.
    Worst,
    /// Nothing but the hash of a genome, its square.
    Hashed,
}

#[derive(Clone, Debug)]
enum Kind {
    Peer(Problem),
    Made { shape: Shape, macs: Vec<f64>, alpha: Vec<f64>, beta: Vec<f64>, speedup: bool, memory: bool },
}

/// One problem.
#[derive(Clone, Debug)]
pub(crate) struct Varied {
    pub(crate) name: &'static str,
    kind: Kind,
}

/// A number in 0…1 from `words`: FNV-1a and a finish.
fn hashed(words: impl IntoIterator<Item = u64>) -> f64 {
    let mut hash = words
        .into_iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, word| (hash ^ word).wrapping_mul(0x100_0000_01b3).rotate_left(17));
    hash = (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((hash ^ hash >> 32) >> 11) as f64 / (1u64 << 53) as f64
}

impl Varied {
    pub(crate) fn all() -> Vec<Self> {
        let plain = Shape { sites: 8, interaction: 0.5, noise: 0.0, ceiling: f64::INFINITY, twist: Twist::None };
        let made = |name, seed, shape, speedup, memory| Self::made(name, seed, shape, speedup, memory);
        let peer = |problem: Problem| Self { name: problem.name(), kind: Kind::Peer(problem) };
        Problem::ALL
            .into_iter()
            .map(peer)
            .chain([
                made("sites-4", 1, Shape { sites: 4, ..plain }, true, false),
                made("sites-20", 2, Shape { sites: 20, ..plain }, true, false),
                made("sites-20-memory", 3, Shape { sites: 20, ..plain }, false, true),
                made("three", 4, plain, true, true),
                made("noise-5%", 5, Shape { noise: 0.05, ..plain }, true, false),
                made("noise-15%", 6, Shape { noise: 0.15, ..plain }, true, false),
                made("interactions", 7, Shape { interaction: 4.0, ..plain }, true, false),
                made("saturating", 8, Shape { ceiling: 2.0, ..plain }, true, false),
                made("scrambled", 9, Shape { twist: Twist::Scrambled(77), ..plain }, true, false),
                made("scrambled-2", 10, Shape { twist: Twist::Scrambled(78), ..plain }, true, false),
                made("scrambled-three", 11, Shape { twist: Twist::Scrambled(79), ..plain }, true, true),
                made("apart", 12, Shape { twist: Twist::Apart, ..plain }, true, false),
                made("plateaus", 13, Shape { twist: Twist::Plateaus, ..plain }, true, false),
                made("worst", 14, Shape { twist: Twist::Worst, ..plain }, true, false),
                made("noise-60%", 15, Shape { noise: 0.6, ..plain }, true, false),
                made("hashed", 16, Shape { twist: Twist::Hashed, ..plain }, true, false),
            ])
            .collect()
    }

    fn made(name: &'static str, seed: u64, shape: Shape, speedup: bool, memory: bool) -> Self {
        let draw = |what: u64, site: usize| hashed([seed, what, site as u64]);
        let sites = 0..shape.sites;
        // Sizes over a factor of 30, sensitivities over one of 10, their sum the same for any number of sites.
        let macs = sites.clone().map(|site| libm::pow(30.0, draw(0, site))).collect();
        let share = 8.0 / shape.sites as f64;
        let alpha = sites.clone().map(|site| 0.25 * share * libm::pow(10.0, draw(1, site)) / 3.0).collect();
        let beta = sites.map(|site| 0.5 * share * libm::pow(10.0, draw(2, site)) / 3.0).collect();
        Self { name, kind: Kind::Made { shape, macs, alpha, beta, speedup, memory } }
    }

    pub(crate) fn genes(&self) -> usize {
        match &self.kind {
            Kind::Peer(_) => 16,
            Kind::Made { shape, .. } => 2 * shape.sites,
        }
    }

    pub(crate) fn objectives(&self) -> usize {
        match &self.kind {
            Kind::Peer(Problem::BfMem) => 3,
            Kind::Made { speedup: true, memory: true, .. } => 3,
            _ => 2,
        }
    }

    /// The lowest error there can be.
    pub(crate) fn least(&self) -> Option<f64> {
        match &self.kind {
            Kind::Made { shape, .. } => Some(-shape.noise),
            Kind::Peer(_) => Some(0.0),
        }
    }

    pub(crate) fn score(&self, genome: &Genome) -> Score {
        match &self.kind {
            Kind::Peer(problem) => problem.score(genome),
            Kind::Made { .. } => {
                let error = self.error(genome);
                let mut objectives = self.made_costs(genome);
                objectives.insert(0, error);
                Score { objectives, violation: (error - 1.0).max(0.0) }
            }
        }
    }

    /// What is known before: a peer's memory limit too.
    pub(crate) fn costs(&self) -> Costs<'_> {
        Costs::new(|genome| match &self.kind {
            Kind::Peer(problem) => {
                let memory = formulas(genome)[2];
                let limited = *problem != Problem::Mem;
                let violation = if limited { ((memory - 2.0) / 2.0).max(0.0) } else { 0.0 };
                let mut objectives = problem.score(genome).objectives;
                objectives[0] = f64::NAN;
                Score { objectives, violation }
            }
            Kind::Made { .. } => {
                let mut objectives = self.made_costs(genome);
                objectives.insert(0, f64::NAN);
                Score::feasible(objectives)
            }
        })
    }

    /// Time and memory as parts of their largest value; weights are the even genes.
    fn made_costs(&self, genome: &Genome) -> Vec<f64> {
        let Kind::Made { macs, speedup, memory, .. } = &self.kind else { return Vec::new() };
        let bits = |gene: usize| BITS[usize::from(genome.0[gene])];
        let sum = |of: &dyn Fn(usize) -> f64| macs.iter().enumerate().map(|(site, macs)| macs * of(site)).sum::<f64>();
        let all: f64 = macs.iter().sum();
        let mut costs = Vec::new();
        if *speedup {
            costs.push(sum(&|site| bits(2 * site) * bits(2 * site + 1)) / (256.0 * all));
        }
        if *memory {
            costs.push(sum(&|site| bits(2 * site)) / (16.0 * all));
        }
        costs
    }

    fn error(&self, genome: &Genome) -> f64 {
        let Kind::Made { shape, alpha, beta, .. } = &self.kind else { return 0.0 };
        let level = |gene: usize| {
            let plain = usize::from(genome.0[gene]);
            let Twist::Scrambled(key) = shape.twist else { return plain };
            let before = if gene > 0 { u64::from(genome.0[gene - 1]) } else { 0 };
            (plain + (4.0 * hashed([key, gene as u64, before])) as usize) % 4
        };
        let (loss, sites) = ([1.0, 0.12, 0.01, 0.0], shape.sites);
        let weight: Vec<f64> = (0..sites).map(|site| alpha[site] * loss[level(2 * site)]).collect();
        let input: Vec<f64> = (0..sites).map(|site| beta[site] * loss[level(2 * site + 1)]).collect();
        let alone: f64 = weight.iter().chain(&input).sum();
        let alone = match shape.twist {
            Twist::None | Twist::Scrambled(_) | Twist::Plateaus => alone,
            Twist::Apart => {
                let apart = |site: usize| genome.0[2 * site].abs_diff(genome.0[2 * site + 1]);
                0.3 * alone + (0..sites).map(|site| 0.5 * alpha[site] * f64::from(apart(site))).sum::<f64>()
            }
            Twist::Worst => 3.0 * weight.iter().chain(&input).copied().fold(0.0, f64::max),
            Twist::Hashed => return hash(genome).powi(2),
        };
        let inside = weight.iter().zip(&input).map(|(w, a)| w * a);
        let between = weight.windows(2).map(|pair| pair[0] * pair[1]);
        let sum = alone + shape.interaction * inside.chain(between).map(f64::sqrt).sum::<f64>() * alone.min(1.0);
        let saturated =
            if shape.ceiling.is_finite() { shape.ceiling * (1.0 - libm::exp(-sum / shape.ceiling)) } else { sum };
        let noisy = saturated + shape.noise * (2.0 * hash(genome) - 1.0);
        if shape.twist == Twist::Plateaus { 0.25 * (4.0 * noisy).floor() } else { noisy }
    }
}

/// A number in 0…1 that says nothing of the genome.
fn hash(genome: &Genome) -> f64 {
    hashed(genome.0.iter().map(|&gene| u64::from(gene) + 1))
}
