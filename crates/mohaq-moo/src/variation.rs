//! Children from parents: simulated binary crossover and polynomial mutation on level indices.
//!
//! Both operators are the bounded real-valued ones, applied to a level as a number in `[0, levels − 1]`, and round the
//! result to the nearest level, half to even. With a distribution index η the probability of a child at distance d from
//! its parent falls as a polynomial of degree η: small η searches wide.
//!
//! Sources: Deb and Agrawal 1995, Complex Systems 9 (crossover); Deb and Goyal 1996, Computer Science and Informatics
//! 26(4) (mutation); bounds as in Deb's own program, where either parent gene is crossed with probability ½ and the two
//! children's genes are exchanged with probability ½. Rounding as in pymoo's `RoundingRepair`.

use crate::{Genome, Space, stream::Stream};

/// Probability that a gene of a crossed pair takes part. Deb's program has ½ as a constant.
const GENE_CROSSOVER: f64 = 0.5;

/// How children are made; the fields are those of [`crate::Nsga2Config`], resolved.
#[derive(Clone, Debug)]
pub(crate) struct Variation {
    pub(crate) crossover_probability: f64,
    pub(crate) crossover_eta: f64,
    pub(crate) mutation_probability: f64,
    pub(crate) mutation_eta: f64,
}

impl Variation {
    /// Two children of two parents.
    pub(crate) fn children(&self, space: &Space, parents: [&Genome; 2], stream: &mut Stream) -> [Genome; 2] {
        let mut children = parents.map(Clone::clone);
        if stream.chance(self.crossover_probability) {
            self.cross(space, &mut children, stream);
        }
        for child in &mut children {
            self.mutate(space, child, stream);
        }
        children
    }

    fn cross(&self, space: &Space, [first, second]: &mut [Genome; 2], stream: &mut Stream) {
        for ((a, b), &levels) in first.0.iter_mut().zip(&mut second.0).zip(space.levels()) {
            if a == b || !stream.chance(GENE_CROSSOVER) {
                continue;
            }
            let (low, high) = cross_gene((*a).min(*b), (*a).max(*b), levels, self.crossover_eta, stream.unit());
            (*a, *b) = if stream.chance(0.5) { (low, high) } else { (high, low) };
        }
    }

    fn mutate(&self, space: &Space, genome: &mut Genome, stream: &mut Stream) {
        for (gene, &levels) in genome.0.iter_mut().zip(space.levels()) {
            if levels > 1 && stream.chance(self.mutation_probability) {
                *gene = mutate_gene(*gene, levels, self.mutation_eta, stream.unit());
            }
        }
    }
}

/// The children's genes of parents `low < high`, for `draw` uniform in `[0, 1)`: near the parents, on either side.
fn cross_gene(low: u16, high: u16, levels: u16, eta: f64, draw: f64) -> (u16, u16) {
    let (x1, x2, bound) = (f64::from(low), f64::from(high), f64::from(levels - 1));
    // Spread β of the children over that of the parents; `room` is the largest β that keeps both within the bounds.
    let spread = |room: f64| {
        let alpha = 2.0 - libm::pow(room, -(eta + 1.0));
        let scaled = draw * alpha;
        libm::pow(if scaled <= 1.0 { scaled } else { 1.0 / (2.0 - scaled) }, 1.0 / (eta + 1.0))
    };
    let (middle, width) = (x1 + x2, x2 - x1);
    let below = 0.5 * (middle - spread(1.0 + 2.0 * x1 / width) * width);
    let above = 0.5 * (middle + spread(1.0 + 2.0 * (bound - x2) / width) * width);
    (nearest(below, levels), nearest(above, levels))
}

/// The mutated gene, for `draw` uniform in `[0, 1)`: downwards below ½, upwards from there.
fn mutate_gene(gene: u16, levels: u16, eta: f64, draw: f64) -> u16 {
    let (x, bound) = (f64::from(gene), f64::from(levels - 1));
    let power = |base: f64| libm::pow(base, eta + 1.0);
    let root = |value: f64| libm::pow(value, 1.0 / (eta + 1.0));
    // A step as part of the range, −1 … 1; the powers hold what would fall outside the bounds.
    let step = if draw < 0.5 {
        root(2.0 * draw + (1.0 - 2.0 * draw) * power(1.0 - x / bound)) - 1.0
    } else {
        1.0 - root(2.0 * (1.0 - draw) + (2.0 * draw - 1.0) * power(x / bound))
    };
    nearest(x + step * bound, levels)
}

/// The level nearest to `value`, half to even; rounding of the powers may put `value` a little outside.
fn nearest(value: f64, levels: u16) -> u16 {
    value.round_ties_even().clamp(0.0, f64::from(levels - 1)) as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn children_stay_in_the_space(
            levels in 2u16..=65535, low in 0u16..65535, width in 1u16..65535, eta in 0.0f64..100.0, draw in 0.0f64..1.0
        ) {
            let low = low % (levels - 1);
            let high = low + 1 + width % (levels - 1 - low);
            let (a, b) = cross_gene(low, high, levels, eta, draw);
            prop_assert!(a <= b && b < levels);
            prop_assert!(mutate_gene(low, levels, eta, draw) < levels);
        }
    }

    #[test]
    fn a_draw_in_the_middle_returns_the_parents() {
        // Without bounds near, β = 1 at ½; mutation has no step at ½ either.
        assert_eq!(cross_gene(400, 600, 1001, 3.0, 0.5), (400, 600));
        assert_eq!(mutate_gene(500, 1001, 3.0, 0.5), 500);
    }

    #[test]
    fn spread_follows_the_published_density() {
        // Unbounded in effect (±16,000 levels of room): P(β ≤ b) = b^(η+1)/2 for b ≤ 1, 1 − b^−(η+1)/2 above.
        // η = 3, b = 0.8: 0.2048; b = 1.25: 0.7952. Widths 100: children are 10 nearer, or 12.5 further, than parents.
        assert_eq!(cross_gene(16_000, 16_100, 32_100, 3.0, 0.2048), (16_010, 16_090));
        assert_eq!(cross_gene(16_000, 16_200, 32_200, 3.0, 0.7952), (15_975, 16_225));
    }

    #[test]
    fn mutation_reaches_both_bounds_and_never_leaves_a_bound_outwards() {
        assert_eq!(mutate_gene(3, 8, 3.0, 0.0), 0);
        assert_eq!(mutate_gene(3, 8, 3.0, 1.0 - f64::EPSILON), 7);
        for draw in [0.0, 0.1, 0.3, 0.49] {
            assert_eq!(mutate_gene(0, 8, 3.0, draw), 0);
            assert_eq!(mutate_gene(7, 8, 3.0, 1.0 - draw), 7);
        }
    }

    #[test]
    fn certain_crossover_of_opposite_parents_keeps_each_pair_of_genes_apart() {
        let space = Space::new(vec![4; 32]).unwrap();
        let variation =
            Variation { crossover_probability: 1.0, crossover_eta: 3.0, mutation_probability: 0.0, mutation_eta: 3.0 };
        let parents = [Genome(vec![0; 32]), Genome(vec![3; 32])];
        let [a, b] = variation.children(&space, [&parents[0], &parents[1]], &mut Stream::new(1, 1));
        assert!(a.0.iter().zip(&b.0).all(|(a, b)| a != b));
        assert_ne!(a, parents[0]);
        assert_ne!(a, parents[1]);
    }

    #[test]
    fn frozen_genes_stay() {
        let space = Space::new(vec![1; 4]).unwrap();
        let variation =
            Variation { crossover_probability: 1.0, crossover_eta: 3.0, mutation_probability: 1.0, mutation_eta: 3.0 };
        let parent = Genome(vec![0; 4]);
        let children = variation.children(&space, [&parent, &parent], &mut Stream::new(1, 1));
        assert_eq!(children, [parent.clone(), parent]);
    }
}
