//! A model of the unknown objective: what every step down of every gene adds to it, and how steps of two genes go together.
//!
//! In units where 0 is the best that is hoped for and 1 the worst that counts, with x the levels of a genome:
//!
//! ```text
//! t(x) = c + Σ_gene Σ_{step ≥ x_gene} δ_gene,step + Σ_{gene, other} (ρ + ρ_gene,other) · s_gene(x) · s_other(x)
//! ```
//!
//! δ is what a step adds and s_gene(x) the sum of its positive ones, so that an interaction counts for as much as what
//! interacts. It is linear in c, δ and then ρ, and fitted by weighted least squares with a normal prior:
//!
//! * a measurement weighs less the worse it is, 1 / (0.1 + t)²: what is bad is to be known as bad, no better;
//! * steps of the same height over the lowest level have a common mean and spread, estimated from the steps themselves
//!   (empirical Bayes), so that a gene that was never moved is expected to behave like the others;
//! * all pairs have an interaction in common, and those with the largest product of sensitivities one of their own. Whether
//!   they take part at all, how strongly they are held at 0, and whether t is the objective itself or what saturates towards
//!   the worst value seen, is decided by the errors of prediction on measurements left out one by one, which a linear fit
//!   gives in closed form (Allen 1974, the PRESS statistic).
//!
//! The same errors say how far predictions are off, and how well they rank. `fit.rs` makes models; here is what one says.

use super::{
    solve::{Cholesky, dot},
    steps::Steps,
};
use crate::Genome;

/// The part of a prediction's deviation that does not grow with it, in the box. Larger than that of a measurement, as many
/// predictions lie where little is known: with 0.3 the fronts of four measured tables (`benches/errors`, 11 seeds) are found
/// whole, with 0.1 the search settles on what it believes.
const DOUBT: f64 = 0.3;

/// How measurements become what steps add up to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Link {
    Identity,
    /// Towards a ceiling: t = −D·ln(1 − d/D), which is d where that is small.
    Saturating(f64),
}

impl Link {
    /// The sum that gives `value`.
    pub(super) fn apply(self, value: f64) -> f64 {
        match self {
            Self::Identity => value,
            Self::Saturating(ceiling) => -ceiling * libm::log(1.0 - (value / ceiling).min(0.999)),
        }
    }

    pub(super) fn undo(self, sum: f64) -> f64 {
        match self {
            Self::Identity => sum,
            Self::Saturating(ceiling) => ceiling * (1.0 - libm::exp(-sum / ceiling)),
        }
    }

    /// How much a change of the sum changes the value.
    pub(super) fn slope(self, sum: f64) -> f64 {
        match self {
            Self::Identity => 1.0,
            Self::Saturating(ceiling) => libm::exp(-sum / ceiling).max(1e-3),
        }
    }
}

/// What is decided by leaving out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Form {
    pub(super) link: Link,
    /// Spread of ρ around 0; 0 for no interactions.
    pub(super) interaction: f64,
    /// Deviation of a measurement of weight 1 from the model.
    pub(super) noise: f64,
}

/// Which genes go together, and how much each level of a gene counts in that.
#[derive(Clone, Debug)]
pub(super) struct Interactions {
    /// Genes; none in a model without interactions.
    pub(super) pairs: Vec<(usize, usize)>,
    /// By gene and level.
    pub(super) sensitivity: Vec<Vec<f64>>,
}

impl Interactions {
    /// The regressors of interactions: of all pairs together, then of each. None without pairs.
    pub(super) fn products(&self, genome: &Genome) -> impl Iterator<Item = f64> {
        let of = |gene: usize| self.sensitivity[gene][usize::from(genome.0[gene])];
        let all = self.pairs.first().map(|_| {
            let (sum, squares) =
                (0..genome.0.len()).map(of).fold((0.0, 0.0), |(sum, squares), s| (sum + s, squares + s * s));
            0.5 * (sum * sum - squares)
        });
        all.into_iter().chain(self.pairs.iter().map(move |&(gene, other)| of(gene) * of(other)))
    }
}

/// A fitted model.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) steps: Steps,
    pub(super) form: Form,
    pub(super) interactions: Interactions,
    /// c, δ, ρ.
    pub(super) coefficients: Vec<f64>,
    pub(super) factor: Cholesky,
    /// Deviation of a measurement of weight 1 from its prediction where it was left out.
    pub(super) deviation: f64,
    /// What every measurement was predicted as where it was left out.
    pub(super) left_out: Vec<f64>,
}

impl Model {
    /// The predicted value of `genome`, in the box, and its deviation as far as it is not of the coefficients.
    pub(super) fn predict(&self, genome: &Genome) -> (f64, f64) {
        let (sum, slope) = self.sum(genome);
        (self.form.link.undo(sum), slope * self.deviation * (DOUBT + sum.max(0.0)))
    }

    fn sum(&self, genome: &Genome) -> (f64, f64) {
        let steps = genome.0.iter().enumerate().flat_map(|(gene, &level)| self.steps.taken(gene, level));
        let additive: f64 = self.coefficients[0] + steps.map(|step| self.coefficients[step]).sum::<f64>();
        let of_pairs = &self.coefficients[self.steps.count()..];
        let together: f64 = self.interactions.products(genome).zip(of_pairs).map(|(product, rho)| rho * product).sum();
        let sum = additive + together;
        (sum, self.form.link.slope(sum))
    }

    /// The whole deviation of the prediction.
    pub(super) fn deviation(&self, genome: &Genome) -> f64 {
        let mut row = self.steps.row(genome);
        row.extend(self.interactions.products(genome));
        self.factor.forward(&mut row);
        let of_coefficients = dot(&row, &row) * (self.deviation / self.form.noise).powi(2);
        let ((_, own), (_, slope)) = (self.predict(genome), self.sum(genome));
        (own * own + slope * slope * of_coefficients).sqrt()
    }
}
