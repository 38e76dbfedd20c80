//! Random and greedy search: what each of them is, told by laws that hold for any correct one.

use std::collections::BTreeSet;

use mohaq_moo::{Genome, Greedy, Random, Score, Searcher, Space};
use proptest::prelude::*;

/// Everything that `search` asks until `enough`, scored by `score`.
fn asked(search: &mut Searcher<'_>, enough: usize, score: impl Fn(&Genome) -> Score) -> Vec<Genome> {
    let mut asked = Vec::new();
    while asked.len() < enough && !search.ask().is_empty() {
        asked.extend_from_slice(search.ask());
        let scores: Vec<Score> = search.ask().iter().map(&score).collect();
        search.tell(&scores).unwrap();
    }
    asked
}

fn random(levels: &[u16], size: usize, seed: u64) -> Searcher<'static> {
    Searcher::Random(Random::new(Space::new(levels.to_vec()).unwrap(), size, seed).unwrap())
}

fn greedy(levels: &[u16]) -> Searcher<'static> {
    Searcher::Greedy(Greedy::new(Space::new(levels.to_vec()).unwrap(), 0, 1).unwrap())
}

fn flat(_: &Genome) -> Score {
    Score::feasible(vec![0.0, 0.0])
}

#[test]
fn random_search_covers_the_space_and_repeats_nothing() {
    let levels = [3, 1, 4, 2];
    let all = asked(&mut random(&levels, 5, 3), usize::MAX, flat);
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (24, 24));
    assert!(all.iter().all(|genome| genome.0.iter().zip(levels).all(|(gene, levels)| *gene < levels)));
}

#[test]
fn the_size_of_its_batches_does_not_show_in_random_search() {
    let drawn = |size, seed| asked(&mut random(&[4; 8], size, seed), 60, flat)[..60].to_vec();
    assert_eq!(drawn(1, 9), drawn(20, 9));
    assert_ne!(drawn(1, 9), drawn(1, 10));
}

#[test]
fn random_search_prefers_no_genome() {
    // Which of 8 genomes comes fifth, over 8000 seeds: 1000 each with a standard deviation of 30.
    let mut counts = [0u32; 8];
    for seed in 0..8000 {
        let all = asked(&mut random(&[2, 4], 3, seed), usize::MAX, flat);
        counts[usize::from(all[4].0[0] * 4 + all[4].0[1])] += 1;
    }
    assert!(counts.iter().all(|count| count.abs_diff(1000) < 150), "{counts:?}");
}

/// Loss and size of genes that add up, with steps that get dearer downwards: gene `g` costs `price[g] · (top − level)²` and
/// weighs `weight[g] · level`.
struct Separable {
    levels: Vec<u16>,
    price: Vec<f64>,
    weight: Vec<f64>,
}

impl Separable {
    fn score(&self, genome: &Genome) -> Score {
        let top = self.levels.iter().map(|levels| f64::from(levels - 1));
        let missing = top.zip(&genome.0).map(|(top, &level)| top - f64::from(level));
        let loss = missing.zip(&self.price).map(|(missing, price)| price * missing * missing).sum();
        let size = genome.0.iter().zip(&self.weight).map(|(&level, weight)| weight * f64::from(level)).sum();
        Score::feasible(vec![loss, size])
    }

    /// Every step in the order of its price: the optimum.
    fn order(&self) -> Vec<usize> {
        let mut steps: Vec<(f64, usize)> = Vec::new();
        for (gene, levels) in self.levels.iter().enumerate() {
            let price = |step: u16| self.price[gene] * f64::from(2 * step + 1) / self.weight[gene];
            steps.extend((0..levels - 1).map(|step| (price(step), gene)));
        }
        steps.sort_by(|a, b| a.0.total_cmp(&b.0));
        steps.into_iter().map(|(_, gene)| gene).collect()
    }
}

/// The gene that each step of a walk lowers.
fn genes(path: &[Genome]) -> Vec<usize> {
    let lowered = |pair: &[Genome]| pair[0].0.iter().zip(&pair[1].0).position(|(from, to)| from != to).unwrap();
    path.windows(2).map(lowered).collect()
}

fn path<'a>(search: &'a Searcher<'_>) -> &'a [Genome] {
    match search {
        Searcher::Greedy(search) => search.path(),
        other => panic!("expected a walk, got {other:?}"),
    }
}

#[test]
fn on_a_separable_problem_the_walk_takes_the_steps_in_the_order_of_their_price() {
    let problem = Separable {
        levels: vec![4, 4, 3, 1, 4],
        price: vec![1.0, 7.3, 0.31, 5.0, 2.9],
        weight: vec![1.0, 2.0, 0.55, 9.0, 4.1],
    };
    let mut search = greedy(&problem.levels);
    let all = asked(&mut search, usize::MAX, |genome| problem.score(genome));
    assert_eq!(genes(path(&search)), problem.order());
    assert_eq!(path(&search).last().unwrap().0, [0; 5]);
    // Every point of the walk is on the front of the whole space: nothing is smaller at no more loss.
    let space: Vec<Score> =
        asked(&mut random(&problem.levels, 50, 1), usize::MAX, flat).iter().map(|g| problem.score(g)).collect();
    for point in path(&search) {
        let point = problem.score(point).objectives;
        let better = |other: &&Score| other.objectives[0] <= point[0] && other.objectives[1] < point[1] - 1e-9;
        assert_eq!(space.iter().find(better), None, "{point:?}");
    }
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "no genome is asked twice");
}

#[test]
fn the_first_walk_takes_a_part_of_the_evaluations_of_the_second() {
    let problem = Separable { levels: vec![4; 16], price: (1..=16).map(f64::from).collect(), weight: vec![1.0; 16] };
    let mut search = greedy(&problem.levels);
    let mut until_the_bottom = 0;
    while !search.archive().contains(&Genome(vec![0; 16])) {
        until_the_bottom += search.ask().len();
        let scores: Vec<Score> = search.ask().iter().map(|genome| problem.score(genome)).collect();
        search.tell(&scores).unwrap();
    }
    let rest = asked(&mut search, usize::MAX, |genome| problem.score(genome)).len();
    assert!(until_the_bottom < 220 && rest > until_the_bottom, "{until_the_bottom}, then {rest}");
}

#[test]
fn genes_that_gain_nothing_are_left_alone_and_dips_are_crossed() {
    // Gene 0 gains nothing at all, gene 1 only two levels down.
    let score = |genome: &Genome| {
        let loss: f64 = genome.0.iter().map(|&level| f64::from(3 - level)).sum();
        Score::feasible(vec![loss, if genome.0[1] >= 2 { 5.0 } else { f64::from(genome.0[1]) }])
    };
    let mut search = greedy(&[4, 4]);
    asked(&mut search, usize::MAX, score);
    let walked: Vec<&[u16]> = path(&search).iter().map(|genome| genome.0.as_slice()).collect();
    assert_eq!(walked, [[3, 3], [3, 1], [3, 0]]);
}

#[test]
fn a_walk_that_has_been_feasible_stays_so() {
    // Too large above 9, too lossy where gene 0 is below 2.
    let score = |genome: &Genome| {
        let size: f64 = genome.0.iter().map(|&level| f64::from(level)).sum();
        let loss = f64::from(3 - genome.0[0]) + 2.0 * size.mul_add(-1.0, 12.0);
        Score {
            objectives: vec![loss, size],
            violation: (size - 9.0).max(0.0) + f64::from(2u16.saturating_sub(genome.0[0])),
        }
    };
    let mut search = greedy(&[4; 4]);
    asked(&mut search, usize::MAX, score);
    let feasible: Vec<bool> = path(&search).iter().map(|genome| score(genome).is_feasible()).collect();
    let first = feasible.iter().position(|&feasible| feasible).unwrap();
    assert!(first > 0 && feasible[first..].iter().all(|&feasible| feasible), "{feasible:?}");
    assert_eq!(path(&search).last().unwrap().0, [2, 0, 0, 0], "what is left is used up");
}

/// Scores without structure.
fn noise(genome: &Genome) -> Score {
    let hash = genome
        .0
        .iter()
        .fold(7u64, |hash, &gene| (hash ^ u64::from(gene)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23));
    match hash % 7 {
        0 => Score::unmeasured(2),
        1 => Score { objectives: vec![f64::NAN; 2], violation: 1.0 },
        _ => Score::feasible(vec![(hash >> 8 & 7) as f64, (hash >> 16 & 7) as f64]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_it_is_told_a_walk_ends_asks_nothing_twice_and_replays(levels in prop::collection::vec(1u16..=4, 1..6)) {
        let whole = asked(&mut greedy(&levels), usize::MAX, noise);
        prop_assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), whole.len());
        let mut again = greedy(&levels);
        let mut half = asked(&mut again, whole.len() / 2, noise);
        // A search made anew and told the same goes on from where the other one stopped.
        let mut resumed = greedy(&levels);
        asked(&mut resumed, half.len(), noise);
        half.extend(asked(&mut resumed, usize::MAX, noise));
        prop_assert_eq!(half, whole);
    }
}
