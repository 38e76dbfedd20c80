//! What a candidate is expected to be like by what was measured near it: a guess that assumes nothing of the function but
//! that likeness of genomes may mean likeness of values, and works out from the measurements whether it does.
//!
//! ρ(d) is the correlation of the unknown objective between measurements that differ in d genes, over all pairs of them (the
//! correlogram of Matheron 1963, "Principles of geostatistics", with the distance of Hamming). A candidate whose nearest
//! measurements differ in d genes is expected at the mean of all, moved by ρ(d) towards the mean of those, with the deviation
//! of all times √(1 − ρ(d)²): simple kriging by the nearest. Where values are noise, ρ is 0 and every candidate is expected to
//! be like any other; then what they cost decides.

use super::{Bounds, gain::Expected};
use crate::{Archive, Genome};

/// Value from which on all are equally bad, in the box: what is worthless by far would drown what is not.
const WORST: f64 = 2.0;

/// Pairs of no correlation that every distance begins with, so that a few pairs say little. Seemed reasonable.
const DOUBTED: f64 = 10.0;

/// Largest correlation: a tenth of the deviation is always left.
const ALIKE: f64 = 0.995;

/// Measurements that pairs are made of, the latest: so that thinking takes milliseconds however long a search is.
const REMEMBERED: usize = 1000;

/// Measurements by likeness.
#[derive(Clone, Debug)]
pub(super) struct Nearby<'a> {
    genomes: Vec<&'a Genome>,
    /// Off the mean of all.
    values: Vec<f64>,
    mean: f64,
    deviation: f64,
    /// ρ by the number of genes that differ.
    correlation: Vec<f64>,
}

impl<'a> Nearby<'a> {
    /// What the measurements of `archive` say; `None` where they do not vary.
    pub(super) fn new(archive: &'a Archive, bounds: &Bounds) -> Option<Self> {
        let latest = archive.evaluations().iter().rev().take(REMEMBERED);
        let measured = latest.filter_map(|it| Some((&it.genome, bounds.unknown(&it.score)?.min(WORST))));
        let (genomes, mut values): (Vec<&Genome>, Vec<f64>) = measured.unzip();
        let mean_of = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let mean = mean_of(&values);
        values.iter_mut().for_each(|value| *value -= mean);
        let variance = mean_of(&values.iter().map(|value| value * value).collect::<Vec<f64>>());
        // Also false of the mean of nothing.
        let varies = variance > 0.0;
        let correlation =
            correlogram(&genomes, &values).into_iter().map(|product| (product / variance).clamp(0.0, ALIKE));
        varies.then(|| Self { correlation: correlation.collect(), genomes, values, mean, deviation: variance.sqrt() })
    }

    /// What is expected of `genome`.
    pub(super) fn expected(&self, genome: &Genome) -> Expected {
        let (mut least, mut sum, mut count) = (usize::MAX, 0.0, 0.0);
        for (other, value) in self.genomes.iter().zip(&self.values) {
            let distance = apart(genome, other);
            if distance < least {
                (least, sum, count) = (distance, 0.0, 0.0);
            }
            if distance == least {
                sum += value;
                count += 1.0;
            }
        }
        let rho = self.correlation[least];
        Expected { mean: self.mean + rho * sum / count, deviation: self.deviation * (1.0 - rho * rho).sqrt() }
    }
}

/// Mean product of two values by the number of genes that differ.
fn correlogram(genomes: &[&Genome], values: &[f64]) -> Vec<f64> {
    let genes = genomes.first().map_or(0, |genome| genome.0.len());
    let mut products = vec![(0.0, DOUBTED); genes + 1];
    for (place, genome) in genomes.iter().enumerate() {
        for (other, value) in genomes[..place].iter().zip(values) {
            let (sum, count) = &mut products[apart(genome, other)];
            *sum += values[place] * value;
            *count += 1.0;
        }
    }
    products.into_iter().map(|(sum, count)| sum / count).collect()
}

/// Genes that differ.
fn apart(a: &Genome, b: &Genome) -> usize {
    a.0.iter().zip(&b.0).filter(|(a, b)| a != b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Evaluation, Score, Space, stream::Stream};

    fn bounds() -> Bounds {
        Bounds { unknown: 0, scale: vec![(0.0, 1.0); 2], least: None }
    }

    /// 200 genomes of eight genes with four levels, and their values by `of`.
    fn archive(of: impl Fn(&Genome) -> f64) -> Archive {
        let mut archive = Archive::new();
        let genomes = Space::new(vec![4; 8]).unwrap().stratified(200, &mut Stream::new(5, 0));
        let evaluation = |genome: Genome| Evaluation { score: Score::feasible(vec![of(&genome), 0.0]), genome };
        archive.record(genomes.into_iter().map(evaluation).collect()).unwrap();
        archive
    }

    fn hash(genome: &Genome) -> f64 {
        let hash =
            genome.0.iter().fold(1u64, |hash, &gene| (hash + u64::from(gene)).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        (hash >> 33) as f64 / f64::from(1u32 << 31)
    }

    #[test]
    fn of_noise_nothing_is_expected_but_the_mean() {
        let archive = archive(hash);
        let nearby = Nearby::new(&archive, &bounds()).unwrap();
        let expected = nearby.expected(&Genome(vec![1; 8]));
        // A correlation over the hundreds of pairs at one distance has a deviation of some hundredths.
        assert!((expected.mean - nearby.mean).abs() < 0.15 * nearby.deviation, "{expected:?}");
        assert!(expected.deviation > 0.98 * nearby.deviation);
    }

    #[test]
    fn the_nearer_the_more_alike_where_genes_add_up() {
        // Of k of eight equal genes that differ, the values have a correlation of 1 − k/8 · 4/3 (levels of other genomes are
        // other levels), so it falls with every gene.
        let archive = archive(|genome| genome.0.iter().map(|&gene| f64::from(gene)).sum::<f64>() / 16.0);
        let nearby = Nearby::new(&archive, &bounds()).unwrap();
        assert!(nearby.correlation[3] > 0.3 && nearby.correlation[8] == 0.0, "{:?}", nearby.correlation);
        assert!(nearby.correlation[3] > nearby.correlation[5]);
        let low = nearby.expected(&Genome(vec![0; 8]));
        let high = nearby.expected(&Genome(vec![3; 8]));
        assert!(low.mean < high.mean && low.deviation < nearby.deviation);
    }

    #[test]
    fn what_does_not_vary_says_nothing() {
        assert!(Nearby::new(&archive(|_| 0.5), &bounds()).is_none());
        assert!(Nearby::new(&Archive::new(), &bounds()).is_none());
    }
}
