//! Guided search: what it never asks, that it replays, and that it is better than NSGA-II where it can learn and not worse
//! where it cannot.

use std::collections::BTreeSet;

use mohaq_moo::{Costs, Error, Genome, Guided, GuidedConfig, Hypervolume, Nsga2, Nsga2Config, Score, Searcher, Space};
use proptest::prelude::*;

use crate::precision::median;
use crate::varied::Varied;

fn guided(problem: &Varied, seed: u64) -> Searcher<'_> {
    let config =
        GuidedConfig { batch: 10, unknown: 0, scale: vec![(0.0, 1.0); problem.objectives()], least: problem.least() };
    let space = Space::new(vec![4; problem.genes()]).unwrap();
    Searcher::Guided(Guided::new(space, problem.costs(), config, seed).unwrap())
}

fn nsga2(problem: &Varied, seed: u64) -> Searcher<'static> {
    let space = Space::new(vec![4; problem.genes()]).unwrap();
    Searcher::Nsga2(Nsga2::new(space, Nsga2Config::default(), seed).unwrap())
}

/// Hypervolume after each of `evaluations`.
fn volumes(problem: &Varied, mut search: Searcher<'_>, evaluations: usize) -> Vec<f64> {
    let mut volume = Hypervolume::new(&vec![1.0; problem.objectives()]).unwrap();
    let mut volumes = Vec::new();
    while volumes.len() < evaluations && !search.ask().is_empty() {
        let scores: Vec<Score> = search.ask().iter().map(|genome| problem.score(genome)).collect();
        for score in &scores {
            if score.is_feasible() {
                volume.add(&score.objectives).unwrap();
            }
            volumes.push(volume.value());
        }
        search.tell(&scores).unwrap();
    }
    volumes.resize(evaluations.max(volumes.len()), volume.value());
    volumes
}

fn named(name: &str) -> Varied {
    Varied::all().into_iter().find(|problem| problem.name == name).unwrap()
}

/// Medians of pymoo's NSGA-II after 630 evaluations (`golden/moo/pymoo.json`, `final`).
const PYMOO: [(&str, f64); 3] = [("bf", 0.238), ("mem", 0.794), ("bfmem", 0.0423)];

#[test]
fn a_hundred_and_twenty_evaluations_beat_630_of_pymoo() {
    for (name, theirs) in PYMOO {
        let problem = named(name);
        for seed in 1..=2 {
            let ours = volumes(&problem, guided(&problem, seed), 120);
            assert!(ours[119] >= theirs, "{name}, seed {seed}: {}", ours[119]);
        }
    }
}

#[test]
fn where_the_model_is_wrong_guided_search_is_no_worse_than_nsga2() {
    for name in ["scrambled", "scrambled-2", "apart", "plateaus", "hashed"] {
        let problem = named(name);
        let of = |search: fn(&Varied, u64) -> Searcher<'_>| {
            median((1..=5).map(|seed| volumes(&problem, search(&problem, seed), 240)[239]))
        };
        let (ours, theirs) = (of(guided), of(nsga2));
        assert!(ours >= theirs, "{name}: {ours} {theirs}");
    }
}

/// Whether `a` is nowhere more costly than `b`.
fn as_cheap(a: &Score, b: &Score) -> bool {
    a.objectives[1..].iter().zip(&b.objectives[1..]).all(|(a, b)| a <= b)
}

#[test]
fn nothing_is_asked_that_breaks_what_is_known_or_that_is_beaten_whatever_its_error() {
    let problem = named("bfmem");
    let mut search = guided(&problem, 3);
    let mut told: Vec<Score> = Vec::new();
    for batch in 0..25 {
        for genome in search.ask() {
            let score = problem.score(genome);
            let memory = crate::precision::formulas(genome)[2];
            assert!(memory <= 2.0, "{genome:?} takes {memory} MiB");
            // The design comes before anything is known of errors.
            let beats = |other: &&Score| batch > 1 && other.objectives[0] <= 0.0 && as_cheap(other, &score);
            assert_eq!(told.iter().find(beats), None, "{genome:?}");
        }
        let scores: Vec<Score> = search.ask().iter().map(|genome| problem.score(genome)).collect();
        search.tell(&scores).unwrap();
        told.extend(scores);
    }
}

#[test]
fn genes_that_cost_nothing_stay_where_the_error_is_least() {
    let problem = named("mem");
    let mut search = guided(&problem, 1);
    let activations = [4, 5, 6, 7, 11, 12, 13, 15];
    for _ in 0..10 {
        assert!(search.ask().iter().all(|genome| activations.iter().all(|&gene| genome.0[gene] == 3)));
        let scores: Vec<Score> = search.ask().iter().map(|genome| problem.score(genome)).collect();
        search.tell(&scores).unwrap();
    }
}

#[test]
fn where_nothing_else_is_left_genes_that_cost_nothing_are_tried_too() {
    // The second costs nothing, and the error is least in its middle.
    let cost = |genome: &Genome| f64::from(genome.0[0]);
    let error = |genome: &Genome| 0.5 - 0.1 * cost(genome) + 0.2 * f64::from(genome.0[1].abs_diff(1));
    let costs = Costs::new(|genome| Score::feasible(vec![f64::NAN, cost(genome)]));
    let config = GuidedConfig { batch: 2, unknown: 0, scale: vec![(0.0, 1.0), (0.0, 4.0)], least: Some(0.0) };
    let mut search = Guided::new(Space::new(vec![4, 3]).unwrap(), costs, config, 1).unwrap();
    let mut seconds = Vec::new();
    while !search.ask().is_empty() {
        seconds.extend(search.ask().iter().map(|genome| genome.0[1]));
        let scores: Vec<Score> = search.ask().iter().map(|g| Score::feasible(vec![error(g), cost(g)])).collect();
        search.tell(&scores).unwrap();
    }
    assert_eq!(seconds[..4], [2; 4]);
    assert!(search.archive().front().iter().all(|point| point.genome.0[1] == 1), "{:?}", search.archive().front());
}

#[test]
fn a_search_without_a_genome_that_keeps_the_constraints_still_asks() {
    let costs = Costs::new(|genome: &Genome| Score {
        objectives: vec![0.0, f64::from(genome.0[0])],
        violation: 1.0 + f64::from(genome.0[1]),
    });
    let config = GuidedConfig { batch: 4, unknown: 0, scale: vec![(0.0, 1.0), (0.0, 4.0)], least: None };
    let mut search = Guided::new(Space::new(vec![4; 3]).unwrap(), costs, config, 1).unwrap();
    for _ in 0..4 {
        assert_eq!(search.ask().len(), 4);
        let scores: Vec<Score> = search
            .ask()
            .iter()
            .map(|g| Score { objectives: vec![0.5, 0.0], violation: 1.0 + f64::from(g.0[1]) })
            .collect();
        search.tell(&scores).unwrap();
    }
}

#[test]
fn settings_and_scores_that_do_not_fit_are_refused() {
    let with = |batch, unknown, scale: &[(f64, f64)]| {
        let costs = Costs::new(|_: &Genome| Score::feasible(vec![0.0, 0.0]));
        let config = GuidedConfig { batch, unknown, scale: scale.to_vec(), least: None };
        Guided::new(Space::new(vec![4; 2]).unwrap(), costs, config, 1)
    };
    let scale = [(0.0, 1.0), (0.0, 1.0)];
    let refused = |batch, unknown, scale: &[(f64, f64)]| match with(batch, unknown, scale).unwrap_err() {
        Error::Setting { name, .. } => name,
        other => panic!("{other}"),
    };
    assert_eq!(refused(0, 0, &scale), "batch");
    assert_eq!(refused(1, 2, &scale), "unknown");
    assert_eq!(refused(1, 0, &scale[..1]), "scale");
    assert_eq!(refused(1, 0, &[(0.0, 1.0), (1.0, 1.0)]), "scale");
    assert_eq!(refused(1, 0, &[(0.0, f64::NAN), (0.0, 1.0)]), "scale");
    let mut search = with(1, 0, &scale).unwrap();
    let three = vec![Score::feasible(vec![0.0; 3]); search.ask().len()];
    assert_eq!(search.tell(&three), Err(Error::ObjectiveCount { candidate: 0, expected: 2, got: 3 }));
    assert!(matches!(search.tell(&[]), Err(Error::ScoreCount { got: 0, .. })));
}

/// Scores without structure; of what is known the second objective, and a violation of one genome in nine.
fn noise(genome: &Genome, known_only: bool) -> Score {
    let hash = genome
        .0
        .iter()
        .fold(7u64, |hash, &gene| (hash ^ u64::from(gene)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23));
    let violation = if (hash >> 20).is_multiple_of(9) { 1.0 } else { 0.0 };
    let unknown = if known_only { f64::NAN } else { (hash >> 8 & 7) as f64 };
    match hash % 11 {
        0 if !known_only => Score::unmeasured(2),
        1 if !known_only => Score { objectives: vec![f64::NAN, 0.0], violation: 1.0 },
        _ => Score { objectives: vec![unknown, (hash >> 16 & 7) as f64], violation },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_it_is_told_it_ends_asks_nothing_twice_and_replays(
        levels in prop::collection::vec(1u16..=9, 1..5), batch in 1usize..9, seed in any::<u64>()
    ) {
        let begin = || {
            let config = GuidedConfig { batch, unknown: 0, scale: vec![(0.0, 8.0), (0.0, 8.0)], least: Some(0.0) };
            let costs = Costs::new(|genome: &Genome| noise(genome, true));
            Guided::new(Space::new(levels.clone()).unwrap(), costs, config, seed).unwrap()
        };
        let mut whole = begin();
        let mut asked = BTreeSet::new();
        let mut batches = 0;
        while !whole.ask().is_empty() && batches < 40 {
            for genome in whole.ask() {
                prop_assert!(asked.insert(genome.clone()), "{:?} asked twice", genome);
                prop_assert!(genome.0.iter().zip(&levels).all(|(gene, levels)| gene < levels));
            }
            let scores: Vec<Score> = whole.ask().iter().map(|genome| noise(genome, false)).collect();
            whole.tell(&scores).unwrap();
            batches += 1;
        }
        let log = whole.archive();
        let mut resumed = begin();
        for _ in 0..batches {
            let scores: Vec<Score> = resumed.ask().iter().map(|genome| log.score(genome).unwrap().clone()).collect();
            resumed.tell(&scores).unwrap();
        }
        prop_assert_eq!(resumed.ask(), whole.ask());
        // Some objectives are NaN, which is not equal to itself.
        let shown = |search: &Guided<'_>| format!("{:?}", search.archive().evaluations());
        prop_assert_eq!(shown(&resumed), shown(&whole));
    }
}
