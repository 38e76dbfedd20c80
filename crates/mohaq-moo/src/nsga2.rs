//! NSGA-II as a state machine: [`Nsga2::ask`] proposes, the caller scores, [`Nsga2::tell`] selects.
//!
//! The state is a pure function of the space, the settings, the seed, the first individuals and the scores told. So a
//! search is resumed by making it anew and telling it the logged scores of what it asks: it asks the same again, and
//! goes on from there as if it had never stopped.
//!
//! Departures from Deb et al. 2002, each known from later work on NSGA-II:
//!
//! * fewer offspring than population, as MOHAQ uses it;
//! * a genome is asked once in a search, not once in a population; where mating finds nothing new, genomes drawn from
//!   the space are asked instead, until the space is exhausted;
//! * the first population is a Latin hypercube, in which no level of a gene is missing by chance;
//! * the last front is pruned one by one, and by nearest neighbours for three or more objectives (`crowding.rs`), or by
//!   hypervolume where that is asked for (`contribution.rs`).

use std::collections::BTreeSet;

use crate::{
    Archive, Error, Evaluation, Genome, Score, Space,
    archive::front,
    stream::Stream,
    survival::{Member, Survival, select},
    variation::Variation,
};

/// Pairs mated for each wanted child before the search takes it that mating finds nothing new. Seemed reasonable: where
/// one pair in a hundred gives a new child, this misses it once in e times.
const PAIRS_PER_CHILD: usize = 100;

/// Largest population and batch: what fits in memory without thinking. Seemed reasonable.
const LARGEST: usize = 1_000_000;

/// Settings of the search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nsga2Config {
    /// Members that live on after every generation, and candidates of the first batch. 2 to 1,000,000.
    pub population: usize,
    /// Candidates of every later batch. 1 to 1,000,000.
    pub offspring: usize,
    /// Probability that a pair of parents is crossed.
    pub crossover_probability: f64,
    /// Distribution index of simulated binary crossover: larger stays nearer to the parents.
    pub crossover_eta: f64,
    /// Probability that a gene mutates; if `None`, 1 over the number of genes with more than one level.
    pub mutation_probability: Option<f64>,
    /// Distribution index of polynomial mutation: larger stays nearer to the parent.
    pub mutation_eta: f64,
    /// Which members of a front live on when not all can.
    pub survival: Survival,
}

impl Default for Nsga2Config {
    /// The settings of MOHAQ (Rezk et al. 2021): population 40, 10 offspring, crossover always, both indices 3.
    fn default() -> Self {
        Self {
            population: 40,
            offspring: 10,
            crossover_probability: 1.0,
            crossover_eta: 3.0,
            mutation_probability: None,
            mutation_eta: 3.0,
            survival: Survival::Crowding,
        }
    }
}

impl Nsga2Config {
    fn check(&self) -> Result<(), Error> {
        let require = |name, expected, got: f64, holds: bool| {
            if holds { Ok(()) } else { Err(Error::Setting { name, expected, got }) }
        };
        let probability = |name, got: f64| require(name, "a probability, 0 to 1", got, (0.0..=1.0).contains(&got));
        let index = |name, got: f64| require(name, "a finite number of at least 0", got, got.is_finite() && got >= 0.0);
        let size =
            |name, expected, got: usize, least| require(name, expected, got as f64, (least..=LARGEST).contains(&got));
        size("population", "2 to 1000000", self.population, 2)?;
        size("offspring", "1 to 1000000", self.offspring, 1)?;
        probability("crossover_probability", self.crossover_probability)?;
        probability("mutation_probability", self.mutation_probability.unwrap_or(0.0))?;
        index("crossover_eta", self.crossover_eta)?;
        index("mutation_eta", self.mutation_eta)
    }
}

/// A search by NSGA-II. See the [crate's example](crate).
#[derive(Clone, Debug)]
pub struct Nsga2 {
    space: Space,
    population_size: usize,
    offspring: usize,
    variation: Variation,
    survival: Survival,
    seed: u64,
    seeds: Vec<Genome>,
    generation: u64,
    archive: Archive,
    population: Vec<Member>,
    batch: Vec<Genome>,
}

impl Nsga2 {
    /// A search of `space` that has been told nothing.
    ///
    /// # Errors
    /// [`Error::Setting`] for a setting out of its range.
    pub fn new(space: Space, config: Nsga2Config, seed: u64) -> Result<Self, Error> {
        config.check()?;
        let variation = Variation {
            crossover_probability: config.crossover_probability,
            crossover_eta: config.crossover_eta,
            mutation_probability: config.mutation_probability.unwrap_or(1.0 / space.free_genes().max(1) as f64),
            mutation_eta: config.mutation_eta,
        };
        let mut search = Self {
            space,
            population_size: config.population,
            offspring: config.offspring,
            variation,
            survival: config.survival,
            seed,
            seeds: Vec::new(),
            generation: 0,
            archive: Archive::new(),
            population: Vec::new(),
            batch: Vec::new(),
        };
        search.batch = search.breed();
        Ok(search)
    }

    /// The same search with `genomes` as the first individuals of the first batch; the rest of it is drawn.
    ///
    /// # Errors
    /// [`Error::SeedsTooLate`] once scores have been told, [`Error::TooManySeeds`] for more than the population,
    /// [`Error::Duplicate`], [`Error::GeneCount`] or [`Error::Level`] for what the space does not hold.
    pub fn seed_with(mut self, genomes: Vec<Genome>) -> Result<Self, Error> {
        if !self.archive.is_empty() {
            return Err(Error::SeedsTooLate { evaluations: self.archive.len() });
        }
        if genomes.len() > self.population_size {
            return Err(Error::TooManySeeds { population: self.population_size, got: genomes.len() });
        }
        let mut given = BTreeSet::new();
        for genome in &genomes {
            self.space.check(genome)?;
            if !given.insert(genome) {
                return Err(Error::Duplicate { genes: genome.0.clone() });
            }
        }
        self.seeds = genomes;
        self.batch = self.breed();
        Ok(self)
    }

    /// The genomes to score next, none of them ever asked before. The same until scores are told.
    ///
    /// Shorter than the settings say where the space has no more, and empty once it is exhausted.
    pub fn ask(&self) -> &[Genome] {
        &self.batch
    }

    /// Takes the scores of the genomes asked, in their order, and selects the next population. In an exhausted space
    /// there is nothing to take, and nothing changes.
    ///
    /// # Errors
    /// [`Error::ScoreCount`] unless there is one for each; [`Error::ObjectiveCount`], [`Error::Objective`] or
    /// [`Error::Violation`] for a score that cannot be compared. The search is then as before.
    pub fn tell(&mut self, scores: &[Score]) -> Result<(), Error> {
        if scores.len() != self.batch.len() {
            return Err(Error::ScoreCount { expected: self.batch.len(), got: scores.len() });
        }
        if self.batch.is_empty() {
            return Ok(());
        }
        let first = self.archive.len();
        let told = self.batch.iter().zip(scores);
        self.archive.record(
            told.map(|(genome, score)| Evaluation { genome: genome.clone(), score: score.clone() }).collect(),
        )?;
        let parents = self.population.iter().map(|member| member.position);
        let candidates = parents.chain(first..self.archive.len()).collect();
        self.population = select(&self.archive, candidates, self.population_size, self.survival);
        self.generation += 1;
        self.batch = self.breed();
        Ok(())
    }

    /// Batches told so far.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Everything told so far; its front is the answer of the search.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// The present population, best rank first, the lonelier first within a rank.
    pub fn population(&self) -> impl ExactSizeIterator<Item = &Evaluation> {
        self.population.iter().map(|member| &self.archive.evaluations()[member.position])
    }

    /// The members of the population that are feasible and that no other member dominates, by genome.
    pub fn population_front(&self) -> Vec<&Evaluation> {
        front(self.population())
    }

    /// The space that is searched.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The next batch: a function of everything but the batch.
    fn breed(&self) -> Vec<Genome> {
        let size = if self.generation == 0 { self.population_size } else { self.offspring };
        let left = self.space.size().saturating_sub(self.archive.len() as u128);
        let wanted = usize::try_from(left).map_or(size, |left| size.min(left));
        let mut stream = Stream::new(self.seed, self.generation);
        let mut batch = Batch { archive: &self.archive, wanted, genomes: Vec::new(), taken: BTreeSet::new() };
        if self.generation == 0 {
            batch.offer(self.seeds.iter().cloned());
            batch.offer(self.space.stratified(wanted.saturating_sub(self.seeds.len()), &mut stream));
        } else {
            self.mate(&mut batch, &mut stream);
        }
        while !batch.is_full() {
            // From a drawn genome to the first new one after it. It exists, and at most all known ones lie before it.
            let mut genome = self.space.random(&mut stream);
            while batch.knows(&genome) {
                self.space.advance(&mut genome);
            }
            batch.offer([genome]);
        }
        batch.genomes
    }

    /// Fills the batch with children of tournament winners, as far as they are new.
    fn mate(&self, batch: &mut Batch<'_>, stream: &mut Stream) {
        let mut tournament = Tournament { members: &self.population, deck: Vec::new() };
        for _ in 0..PAIRS_PER_CHILD * batch.wanted {
            if batch.is_full() {
                return;
            }
            let parents = [tournament.winner(stream), tournament.winner(stream)];
            let genomes = parents.map(|parent| &self.archive.evaluations()[parent.position].genome);
            batch.offer(self.variation.children(&self.space, genomes, stream));
        }
    }
}

/// A batch in the making.
struct Batch<'a> {
    archive: &'a Archive,
    wanted: usize,
    genomes: Vec<Genome>,
    taken: BTreeSet<Genome>,
}

impl Batch<'_> {
    fn is_full(&self) -> bool {
        self.genomes.len() >= self.wanted
    }

    fn knows(&self, genome: &Genome) -> bool {
        self.archive.contains(genome) || self.taken.contains(genome)
    }

    /// Takes what is new, up to what is wanted.
    fn offer(&mut self, genomes: impl IntoIterator<Item = Genome>) {
        for genome in genomes {
            if !self.is_full() && !self.knows(&genome) {
                self.taken.insert(genome.clone());
                self.genomes.push(genome);
            }
        }
    }
}

/// Binary tournaments in which everybody takes part equally often: members are dealt from a shuffled deck.
struct Tournament<'a> {
    members: &'a [Member],
    deck: Vec<usize>,
}

impl<'a> Tournament<'a> {
    fn deal(&mut self, stream: &mut Stream) -> &'a Member {
        if self.deck.is_empty() {
            self.deck.extend(0..self.members.len());
            stream.shuffle(&mut self.deck);
        }
        let dealt = self.deck.pop().expect("a population is never empty after the first scores");
        &self.members[dealt]
    }

    /// The better of two by rank, then by crowding, then by a coin.
    fn winner(&mut self, stream: &mut Stream) -> &'a Member {
        let (a, b) = (self.deal(stream), self.deal(stream));
        let a_over_b = b.rank.cmp(&a.rank).then(a.crowding.total_cmp(&b.crowding));
        if a_over_b.then_with(|| stream.below(2).cmp(&1)).is_ge() { a } else { b }
    }
}
