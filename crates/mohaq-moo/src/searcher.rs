//! One loop for every searcher.

use crate::{Archive, Error, Genome, Greedy, Guided, Nsga2, Random, Score};

/// A search by any of the methods there are. Each is a pure function of what it was made with and of what it was told.
#[derive(Clone, Debug)]
pub enum Searcher<'a> {
    /// The genetic algorithm.
    Nsga2(Nsga2),
    /// Drawn candidates.
    Random(Random),
    /// A walk by sensitivity.
    Greedy(Greedy),
    /// A model of what is not known before.
    Guided(Guided<'a>),
}

impl Searcher<'_> {
    /// The genomes to score next, none of them ever asked before. The same until scores are told; empty when the search is
    /// at its end.
    pub fn ask(&self) -> &[Genome] {
        match self {
            Self::Nsga2(search) => search.ask(),
            Self::Random(search) => search.ask(),
            Self::Greedy(search) => search.ask(),
            Self::Guided(search) => search.ask(),
        }
    }

    /// Takes the scores of the genomes asked, in their order.
    ///
    /// # Errors
    /// See [`Nsga2::tell`], [`Greedy::tell`] and [`Guided::tell`]. The search is then as before.
    pub fn tell(&mut self, scores: &[Score]) -> Result<(), Error> {
        match self {
            Self::Nsga2(search) => search.tell(scores),
            Self::Random(search) => search.tell(scores),
            Self::Greedy(search) => search.tell(scores),
            Self::Guided(search) => search.tell(scores),
        }
    }

    /// Everything told so far.
    pub fn archive(&self) -> &Archive {
        match self {
            Self::Nsga2(search) => search.archive(),
            Self::Random(search) => search.archive(),
            Self::Greedy(search) => search.archive(),
            Self::Guided(search) => search.archive(),
        }
    }
}
