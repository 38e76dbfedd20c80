//! Random search: every genome of the space equally likely, none twice. What any searcher has to beat.
//!
//! Candidate `i` comes from a stream of its own, so the sizes of batches do not show in what is asked.

use std::collections::BTreeSet;

use crate::{Archive, Error, Evaluation, Genome, Score, Space, stream::Stream};

/// A search that learns nothing.
#[derive(Clone, Debug)]
pub struct Random {
    space: Space,
    size: usize,
    seed: u64,
    archive: Archive,
    batch: Vec<Genome>,
}

impl Random {
    /// A search of `space` that asks `size` genomes at a time.
    ///
    /// # Errors
    /// [`Error::Setting`] for a `size` of 0.
    pub fn new(space: Space, size: usize, seed: u64) -> Result<Self, Error> {
        if size == 0 {
            return Err(Error::Setting { name: "size", expected: "at least 1", got: 0.0 });
        }
        let mut search = Self { space, size, seed, archive: Archive::new(), batch: Vec::new() };
        search.batch = search.draw();
        Ok(search)
    }

    /// The genomes to score next, none of them ever asked before. The same until scores are told; empty once the space is
    /// exhausted.
    pub fn ask(&self) -> &[Genome] {
        &self.batch
    }

    /// Takes the scores of the genomes asked, in their order.
    ///
    /// # Errors
    /// Those of [`Nsga2::tell`](crate::Nsga2::tell). The search is then as before.
    pub fn tell(&mut self, scores: &[Score]) -> Result<(), Error> {
        if scores.len() != self.batch.len() {
            return Err(Error::ScoreCount { expected: self.batch.len(), got: scores.len() });
        }
        let told = self.batch.iter().zip(scores);
        self.archive.record(
            told.map(|(genome, score)| Evaluation { genome: genome.clone(), score: score.clone() }).collect(),
        )?;
        self.batch = self.draw();
        Ok(())
    }

    /// Everything told so far.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    fn draw(&self) -> Vec<Genome> {
        let left = self.space.size().saturating_sub(self.archive.len() as u128);
        let wanted = usize::try_from(left).map_or(self.size, |left| self.size.min(left));
        let mut taken = BTreeSet::new();
        let draw = |candidate: usize| {
            let mut stream = Stream::random_search(self.seed, candidate as u64);
            // Redrawing is exactly uniform over what is left. To exhaust a space of N takes about N ln N draws, and
            // nobody exhausts a large one.
            loop {
                let genome = self.space.random(&mut stream);
                if !self.archive.contains(&genome) && taken.insert(genome.clone()) {
                    return genome;
                }
            }
        };
        (self.archive.len()..).take(wanted).map(draw).collect()
    }
}
