//! How a model comes out of measurements: the forms it may have, least squares for each, and the choice by leaving out.
//!
//! `model.rs` says what is fitted. All forms with one link and one noise share the regressors of steps ([`Fit`]) and the prior
//! that is estimated from them ([`Additive`]); interactions are then added.

use super::{
    model::{Form, Interactions, Link, Model},
    solve::{Cholesky, dot},
    steps::Steps,
};
use crate::{Genome, Space};

/// Interactions that take part at most. Seemed reasonable: with them a fit takes milliseconds.
const PAIRS: usize = 64;

/// The part of a measurement's uncertainty that does not grow with it, in units of the box. Seemed reasonable: the error of a
/// few hundred sequences is known to about a tenth of what a search lets it grow by.
const FLOOR: f64 = 0.1;

/// Spread of steps before anything is known of them, and of the constant: the box.
const WIDE: f64 = 1.0;

/// The least spread that is assumed of any coefficient. Seemed reasonable: less than what a measurement tells.
const NARROW: f64 = 0.02;

/// Deviations of a measurement of weight 1 from the model that are tried, and spreads of interactions: small, large, and none.
/// Seemed reasonable: between neighbours of a finer grid the errors of prediction hardly differ.
const NOISES: [f64; 2] = [0.03, 0.15];
const INTERACTIONS: [f64; 3] = [0.0, 0.5, 3.0];

/// What a richer form has to lower the mean square of errors to, to be more than chance. Seemed reasonable.
const BETTER: f64 = 0.98;

/// Measurements to fit.
#[derive(Clone, Debug)]
pub(super) struct Data<'a> {
    pub(super) genomes: Vec<&'a Genome>,
    /// In the box: 0 the best hoped for, 1 the worst that counts.
    pub(super) values: Vec<f64>,
}

/// The form that predicts `data` best where it is left out; `None` of fewer than two measurements.
pub(super) fn fit(space: &Space, data: &Data<'_>) -> Option<Model> {
    if data.values.len() < 2 {
        return None;
    }
    let ceiling = 1.05 * data.values.iter().copied().fold(2.0, f64::max);
    let mut best: Option<(f64, Model)> = None;
    for link in [Link::Identity, Link::Saturating(ceiling)] {
        for noise in NOISES {
            let additive = Fit::new(space, data, link, noise).additive()?;
            for interaction in INTERACTIONS {
                let form = Form { link, interaction, noise };
                let Some(model) = additive.with(form) else { continue };
                let loss = loss(&model, data);
                if best.as_ref().is_none_or(|(least, _)| loss < BETTER * least) {
                    best = Some((loss, model));
                }
            }
        }
    }
    best.map(|(_, model)| model)
}

/// Mean square of the weighted errors of prediction, each at most what a wild one counts.
fn loss(model: &Model, data: &Data<'_>) -> f64 {
    let of = |(predicted, value): (&f64, &f64)| {
        let miss = (predicted - value) / (FLOOR + value.max(0.0));
        (miss * miss).min(1.0)
    };
    model.left_out.iter().zip(&data.values).map(of).sum::<f64>() / data.values.len() as f64
}

/// What all fits with one link and one noise share.
struct Fit<'a> {
    data: &'a Data<'a>,
    steps: Steps,
    link: Link,
    noise: f64,
    /// √weight of every measurement, over the noise.
    roots: Vec<f64>,
    /// What the sums should be.
    targets: Vec<f64>,
    rows: Vec<Vec<f64>>,
}

/// The additive part of a model, which interactions are added to.
struct Additive<'a> {
    fit: Fit<'a>,
    mean: Vec<f64>,
    precision: Vec<f64>,
    sensitivity: Vec<Vec<f64>>,
    pairs: Vec<(usize, usize)>,
}

/// A solution of the least squares.
struct Solved {
    coefficients: Vec<f64>,
    factor: Cholesky,
}

impl<'a> Fit<'a> {
    fn new(space: &Space, data: &'a Data<'a>, link: Link, noise: f64) -> Self {
        let steps = Steps::new(space);
        let targets: Vec<f64> = data.values.iter().map(|&value| link.apply(value)).collect();
        // The same uncertainty of the value is a larger one of the sum where the link flattens.
        let root = |(value, &sum): (&f64, &f64)| 1.0 / (noise * (FLOOR + value.max(0.0))) * link.slope(sum);
        let roots = data.values.iter().zip(&targets).map(root).collect();
        let rows = data.genomes.iter().map(|genome| steps.row(genome)).collect();
        Self { data, steps, link, noise, roots, targets, rows }
    }

    /// Least squares with a prior of `mean` and `precision`, both by coefficient.
    fn solve(&self, rows: &[Vec<f64>], mean: &[f64], precision: &[f64]) -> Option<Solved> {
        let size = mean.len();
        let mut matrix = vec![0.0; size * size];
        let mut right: Vec<f64> = mean.iter().zip(precision).map(|(mean, precision)| mean * precision).collect();
        for ((row, root), target) in rows.iter().zip(&self.roots).zip(&self.targets) {
            let weight = root * root;
            for (index, &value) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                let scaled = weight * value;
                right[index] += scaled * target;
                let of_row = &mut matrix[index * size..=index * size + index];
                of_row.iter_mut().zip(row).for_each(|(entry, other)| *entry += scaled * other);
            }
        }
        precision.iter().enumerate().for_each(|(index, precision)| matrix[index * size + index] += precision);
        let factor = Cholesky::new(matrix, size)?;
        factor.solve(&mut right);
        Some(Solved { coefficients: right, factor })
    }

    /// Fits c and δ, twice: the second time around what the first one says of steps of the same height.
    fn additive(self) -> Option<Additive<'a>> {
        let count = self.steps.count();
        let (mut mean, mut precision) = (vec![0.0; count], vec![WIDE.powi(-2); count]);
        let first = self.solve(&self.rows, &mean, &precision)?;
        let variances = first.factor.inverse_diagonal();
        for height in 0..self.steps.tallest() {
            let members = self.steps.at_height(height);
            let (middle, spread) = common(&members, &first.coefficients, &variances);
            for step in members {
                (mean[step], precision[step]) = (middle, spread.powi(-2));
            }
        }
        let second = self.solve(&self.rows, &mean, &precision)?;
        let sensitivity = self.sensitivity(&second.coefficients);
        let pairs = strongest(&sensitivity);
        Some(Additive { fit: self, mean, precision, sensitivity, pairs })
    }

    /// For every gene and level, the sum of the positive steps that it takes.
    fn sensitivity(&self, coefficients: &[f64]) -> Vec<Vec<f64>> {
        let at = |gene: usize, level: usize| {
            self.steps.taken(gene, level as u16).map(|step| coefficients[step].max(0.0)).sum::<f64>()
        };
        let of = |(gene, levels)| (0..levels).map(|level| at(gene, level)).collect();
        self.steps.levels().enumerate().map(of).collect()
    }
}

impl Additive<'_> {
    /// The model of the given form.
    fn with(&self, form: Form) -> Option<Model> {
        let fit = &self.fit;
        let pairs = if form.interaction > 0.0 { self.pairs.clone() } else { Vec::new() };
        let interactions = Interactions { pairs, sensitivity: self.sensitivity.clone() };
        let with_pairs =
            |(row, genome): (&Vec<f64>, &&Genome)| row.iter().copied().chain(interactions.products(genome)).collect();
        let rows: Vec<Vec<f64>> = fit.rows.iter().zip(&fit.data.genomes).map(with_pairs).collect();
        let (mut mean, mut precision) = (self.mean.clone(), self.precision.clone());
        mean.resize(rows.first().map_or(mean.len(), Vec::len), 0.0);
        precision.resize(mean.len(), form.interaction.max(NARROW).powi(-2));
        let solved = fit.solve(&rows, &mean, &precision)?;
        let (left_out, deviation) = fit.leave_out(&rows, &solved);
        let (steps, Solved { coefficients, factor }) = (fit.steps.clone(), solved);
        Some(Model { steps, form, interactions, coefficients, factor, deviation, left_out })
    }
}

impl Fit<'_> {
    /// What every measurement is predicted as by the others, and the deviation of a measurement of weight 1 from that.
    fn leave_out(&self, rows: &[Vec<f64>], solved: &Solved) -> (Vec<f64>, f64) {
        let mut misses = Vec::new();
        let mut predicted = Vec::new();
        for ((row, root), target) in rows.iter().zip(&self.roots).zip(&self.targets) {
            let mut half = row.clone();
            solved.factor.forward(&mut half);
            let leverage = (root * root * dot(&half, &half)).min(1.0 - 1e-6);
            let miss = (target - dot(row, &solved.coefficients)) / (1.0 - leverage);
            predicted.push(self.link.undo(target - miss));
            misses.push((miss * root * self.noise).abs());
        }
        // The mean square of all but the tenth that is furthest off.
        misses.sort_by(f64::total_cmp);
        misses.truncate((9 * misses.len()).div_ceil(10));
        let square = misses.iter().map(|miss| miss * miss).sum::<f64>() / misses.len() as f64;
        (predicted, square.sqrt().max(1e-3))
    }
}

/// Mean and spread of the coefficients of `members`, each counted by how much is known of it.
fn common(members: &[usize], coefficients: &[f64], variances: &[f64]) -> (f64, f64) {
    let known = |step: usize| (1.0 - variances[step] / WIDE.powi(2)).max(0.0);
    let all: f64 = members.iter().map(|&step| known(step)).sum();
    if all < 0.5 {
        return (0.0, WIDE);
    }
    let mean = members.iter().map(|&step| known(step) * coefficients[step]).sum::<f64>() / all;
    let mean = mean.max(0.0);
    let square = members.iter().map(|&step| known(step) * (coefficients[step] - mean).powi(2)).sum::<f64>() / all;
    // A few steps tell little of a spread: twice what they show, and never nothing.
    (mean, (2.0 * square.sqrt()).max(NARROW))
}

/// Pairs of genes with the largest product of sensitivities, the strongest first.
fn strongest(sensitivity: &[Vec<f64>]) -> Vec<(usize, usize)> {
    let strength = |&(gene, other): &(usize, usize)| sensitivity[gene][0] * sensitivity[other][0];
    let genes = 0..sensitivity.len();
    let mut pairs: Vec<(usize, usize)> = genes.flat_map(|gene| (0..gene).map(move |other| (other, gene))).collect();
    pairs.retain(|pair| strength(pair) > 1e-4);
    pairs.sort_by(|a, b| strength(b).total_cmp(&strength(a)).then(a.cmp(b)));
    pairs.truncate(PAIRS);
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Stream;

    fn space() -> Space {
        Space::new(vec![4; 6]).unwrap()
    }

    /// Genomes in which every level is frequent, with their values by `of`.
    fn sample(count: usize, of: impl Fn(&Genome) -> f64) -> (Vec<Genome>, Vec<f64>) {
        let genomes = space().stratified(count, &mut Stream::new(3, 0));
        let values = genomes.iter().map(of).collect();
        (genomes, values)
    }

    fn additive(genome: &Genome) -> f64 {
        let loss = [0.3, 0.05, 0.01, 0.0];
        (1..).zip(&genome.0).map(|(k, &level)| f64::from(k) * loss[usize::from(level)]).sum::<f64>() / 4.0
    }

    fn worst_miss(of: impl Fn(&Genome) -> f64, count: usize) -> f64 {
        let (genomes, values) = sample(count, &of);
        let model = fit(&space(), &Data { genomes: genomes.iter().collect(), values }).unwrap();
        let others = space().stratified(50, &mut Stream::new(4, 0));
        let miss = |genome: &Genome| (model.predict(genome).0 - of(genome)).abs() / (FLOOR + of(genome));
        others.iter().map(miss).fold(0.0, f64::max)
    }

    #[test]
    fn what_adds_up_is_predicted_from_few_measurements() {
        // 24 unknown steps, 40 measurements: within the noise that a fit reckons with, 3 or 15 % of a value.
        assert!(worst_miss(additive, 40) < 0.1);
    }

    #[test]
    fn interactions_and_ceilings_are_found_by_leaving_out() {
        let together = |genome: &Genome| {
            let low = |gene: usize| f64::from(u8::from(genome.0[gene] == 0));
            additive(genome) + 0.4 * low(4) * low(5)
        };
        assert!(worst_miss(together, 120) < 0.15);
        let flattened = |genome: &Genome| 2.0 * (1.0 - libm::exp(-additive(genome)));
        assert!(worst_miss(flattened, 120) < 0.15);
    }

    #[test]
    fn leaving_out_by_formula_is_leaving_out() {
        let (genomes, values) = sample(20, additive);
        let data = Data { genomes: genomes.iter().collect(), values };
        let fit = Fit::new(&space(), &data, Link::Identity, 0.1);
        let (mean, precision) = (vec![0.1; fit.steps.count()], vec![4.0; fit.steps.count()]);
        let whole = fit.solve(&fit.rows, &mean, &precision).unwrap();
        let (predicted, _) = fit.leave_out(&fit.rows, &whole);
        for (out, predicted) in predicted.into_iter().enumerate() {
            let mut rest = Fit::new(&space(), &data, Link::Identity, 0.1);
            rest.roots[out] = 0.0;
            let without = rest.solve(&rest.rows, &mean, &precision).unwrap();
            // Roundings of a system with a condition below 1e6.
            assert!((dot(&rest.rows[out], &without.coefficients) - predicted).abs() < 1e-9);
        }
    }
}
