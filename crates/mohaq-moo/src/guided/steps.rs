//! Which of a model's coefficients belongs to which step of which gene.

use crate::{Genome, Space};

/// Steps of a gene at most; genes with more levels share one between neighbours. Seemed reasonable: a fit of 16 such genes
/// takes milliseconds.
const STEPS: u16 = 15;

/// The constant, then every gene's steps from its highest level down.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    /// For every gene its first coefficient, and by level the number of its steps that are taken at or above it.
    genes: Vec<(usize, Vec<usize>)>,
    /// Of every step, how many are below it.
    heights: Vec<usize>,
}

impl Steps {
    /// The steps of the genes of `space`.
    pub(super) fn new(space: &Space) -> Self {
        let (mut genes, mut heights) = (Vec::new(), Vec::new());
        for &levels in space.levels() {
            let steps = (levels - 1).min(STEPS);
            // From the highest level, where none is taken, down.
            let taken = |level: u16| {
                let below = u32::from(levels - 1 - level) * u32::from(steps);
                below.div_ceil(u32::from((levels - 1).max(1))) as usize
            };
            genes.push((1 + heights.len(), (0..levels).map(taken).collect()));
            // The first step of a gene is the one from its highest level.
            heights.extend((0..usize::from(steps)).rev());
        }
        Self { genes, heights }
    }

    /// Coefficients: the constant and all steps.
    pub(super) fn count(&self) -> usize {
        1 + self.heights.len()
    }

    /// Coefficients of the steps that `level` of `gene` takes.
    pub(super) fn taken(&self, gene: usize, level: u16) -> core::ops::Range<usize> {
        let (first, taken) = &self.genes[gene];
        *first..first + taken[usize::from(level)]
    }

    /// Levels of every gene.
    pub(super) fn levels(&self) -> impl Iterator<Item = usize> {
        self.genes.iter().map(|(_, taken)| taken.len())
    }

    /// The largest number of steps that are below one, and 1.
    pub(super) fn tallest(&self) -> usize {
        self.heights.iter().copied().max().map_or(0, |highest| highest + 1)
    }

    /// Coefficients of the steps with `height` others below them.
    pub(super) fn at_height(&self, height: usize) -> Vec<usize> {
        (1..self.count()).filter(|step| self.heights[step - 1] == height).collect()
    }

    /// What the coefficients of `genome` are multiplied with: 1 for the constant and for each step taken.
    pub(super) fn row(&self, genome: &Genome) -> Vec<f64> {
        let mut row = vec![0.0; self.count()];
        row[0] = 1.0;
        for (gene, &level) in genome.0.iter().enumerate() {
            row[self.taken(gene, level)].fill(1.0);
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gene_with_many_levels_shares_steps() {
        let steps = Steps::new(&Space::new(vec![1, 4, 1000]).unwrap());
        assert_eq!(steps.count(), 1 + 3 + 15);
        assert_eq!([steps.taken(1, 3), steps.taken(1, 2), steps.taken(1, 0)], [1..1, 1..2, 1..4]);
        assert_eq!([steps.taken(2, 999).len(), steps.taken(2, 998).len(), steps.taken(2, 0).len()], [0, 1, 15]);
        assert!(steps.taken(0, 0).is_empty());
    }

    #[test]
    fn the_lowest_step_of_every_gene_has_none_below() {
        let steps = Steps::new(&Space::new(vec![4, 2]).unwrap());
        assert_eq!(
            (0..steps.tallest()).map(|height| steps.at_height(height)).collect::<Vec<_>>(),
            [vec![3, 4], vec![2], vec![1]]
        );
        assert_eq!(steps.row(&Genome(vec![1, 1])), [1.0, 1.0, 1.0, 0.0, 0.0]);
    }
}
