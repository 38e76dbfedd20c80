//! Genomes and the box they live in.
//!
//! A gene is a level index: `0..levels` of its gene, in an order that means something, because crossover and mutation
//! move to near levels more often than to far ones. What a level stands for (2, 4, 8 or 16 bit, say) is the caller's.
//! Sixteen bit wide genes also hold finely divided continuous variables.

use serde::{Deserialize, Serialize};

use crate::{Error, stream::Stream};

/// One candidate: a level index a gene. Ordered lexicographically; serialized as a plain list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Genome(pub Vec<u16>);

/// How many levels each gene has: the box that is searched. Serialized as a plain list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u16>", into = "Vec<u16>")]
pub struct Space {
    levels: Vec<u16>,
}

impl Space {
    /// A space with `levels[g]` levels for gene `g`. A gene with one level is frozen.
    ///
    /// # Errors
    /// [`Error::NoGenes`] for an empty list, [`Error::NoLevels`] where a gene has no level.
    pub fn new(levels: Vec<u16>) -> Result<Self, Error> {
        if levels.is_empty() {
            return Err(Error::NoGenes);
        }
        match levels.iter().position(|&count| count == 0) {
            Some(gene) => Err(Error::NoLevels { gene }),
            None => Ok(Self { levels }),
        }
    }

    /// Levels of each gene.
    pub fn levels(&self) -> &[u16] {
        &self.levels
    }

    /// Number of genes.
    pub fn genes(&self) -> usize {
        self.levels.len()
    }

    /// Number of genes that have a choice, that is more than one level.
    pub fn free_genes(&self) -> usize {
        self.levels.iter().filter(|&&count| count > 1).count()
    }

    /// Number of different genomes, `u128::MAX` if there are more.
    pub fn size(&self) -> u128 {
        self.levels.iter().fold(1, |size: u128, &count| size.saturating_mul(count.into()))
    }

    /// Checks that `genome` lies in this space.
    ///
    /// # Errors
    /// [`Error::GeneCount`] or [`Error::Level`] where it does not.
    pub fn check(&self, genome: &Genome) -> Result<(), Error> {
        if genome.0.len() != self.genes() {
            return Err(Error::GeneCount { expected: self.genes(), got: genome.0.len() });
        }
        let outside = genome.0.iter().zip(&self.levels).position(|(gene, count)| gene >= count);
        match outside {
            Some(gene) => Err(Error::Level { gene, levels: self.levels[gene], got: genome.0[gene] }),
            None => Ok(()),
        }
    }

    /// A genome drawn uniformly.
    pub(crate) fn random(&self, stream: &mut Stream) -> Genome {
        Genome(self.levels.iter().map(|&count| stream.level(count)).collect())
    }

    /// `count` drawn genomes in which every level of a gene is as frequent as any other, up to rounding, and the genes
    /// are independent: a Latin hypercube (McKay, Beckman and Conover 1979, Technometrics 21(2)).
    pub(crate) fn stratified(&self, count: usize, stream: &mut Stream) -> Vec<Genome> {
        let mut genomes = vec![Genome(Vec::with_capacity(self.genes())); count];
        for &levels in &self.levels {
            let mut column: Vec<u16> = (0..count)
                .map(|stratum| {
                    let part = (stratum as f64 + stream.unit()) / count as f64;
                    // The product may round up to `levels`.
                    ((part * f64::from(levels)) as u16).min(levels - 1)
                })
                .collect();
            stream.shuffle(&mut column);
            genomes.iter_mut().zip(column).for_each(|(genome, level)| genome.0.push(level));
        }
        genomes
    }

    /// Moves `genome` to the next one in lexicographic order, from the last to the first.
    pub(crate) fn advance(&self, genome: &mut Genome) {
        for (gene, &count) in genome.0.iter_mut().zip(&self.levels).rev() {
            *gene += 1;
            if *gene < count {
                return;
            }
            *gene = 0;
        }
    }
}

impl TryFrom<Vec<u16>> for Space {
    type Error = Error;

    fn try_from(levels: Vec<u16>) -> Result<Self, Error> {
        Self::new(levels)
    }
}

impl From<Space> for Vec<u16> {
    fn from(space: Space) -> Self {
        space.levels
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn advancing_visits_the_whole_space_in_order_and_returns() {
        let space = Space::new(vec![2, 1, 3]).unwrap();
        let mut genome = Genome(vec![0, 0, 0]);
        let mut seen = Vec::new();
        for _ in 0..space.size() {
            space.check(&genome).unwrap();
            seen.push(genome.clone());
            space.advance(&mut genome);
        }
        assert_eq!(genome, Genome(vec![0, 0, 0]));
        assert!(seen.is_sorted());
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 6);
    }

    #[test]
    fn a_stratified_sample_has_every_level_equally_often() {
        let space = Space::new(vec![4, 1, 8, 1000]).unwrap();
        let sample = space.stratified(40, &mut Stream::new(1, 0));
        let count = |gene: usize, low: u16, high: u16| {
            sample.iter().filter(|genome| (low..high).contains(&genome.0[gene])).count()
        };
        assert!((0..4).all(|level| count(0, level, level + 1) == 10));
        assert_eq!(count(1, 0, 1), 40);
        assert!((0..8).all(|level| count(2, level, level + 1) == 5));
        assert!((0..40).all(|stratum| count(3, stratum * 25, (stratum + 1) * 25) == 1));
        assert!(sample.iter().all(|genome| space.check(genome).is_ok()));
    }

    #[test]
    fn genomes_outside_are_named_by_gene() {
        let space = Space::new(vec![4, 2]).unwrap();
        assert_eq!(space.check(&Genome(vec![3, 1])), Ok(()));
        assert_eq!(space.check(&Genome(vec![3])), Err(Error::GeneCount { expected: 2, got: 1 }));
        assert_eq!(space.check(&Genome(vec![0, 2])), Err(Error::Level { gene: 1, levels: 2, got: 2 }));
        assert_eq!(Space::new(vec![]), Err(Error::NoGenes));
        assert_eq!(Space::new(vec![1, 0]), Err(Error::NoLevels { gene: 1 }));
    }

    #[test]
    fn sizes_beyond_128_bit_saturate() {
        assert_eq!(Space::new(vec![4; 16]).unwrap().size(), 1 << 32);
        assert_eq!(Space::new(vec![1000; 60]).unwrap().size(), u128::MAX);
    }

    #[test]
    fn a_space_is_checked_when_read_from_json_too() {
        assert_eq!(serde_json::from_str::<Space>("[4,2]").unwrap(), Space::new(vec![4, 2]).unwrap());
        assert!(serde_json::from_str::<Space>("[4,0]").unwrap_err().to_string().contains("gene 1 has 0 levels"));
        assert_eq!(serde_json::to_string(&Genome(vec![1, 3])).unwrap(), "[1,3]");
    }
}
