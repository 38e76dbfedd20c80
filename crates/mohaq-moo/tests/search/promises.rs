//! What the search promises for any space and any scores: never twice, resume by replay, an end.

use std::collections::BTreeSet;

use mohaq_moo::{Error, Genome, Nsga2, Nsga2Config, Score, Space, Survival};
use proptest::prelude::*;

use crate::precision::Problem;

/// Scores without structure, many of them equal, some infeasible, some unmeasured: a hash of the genome (FNV-1a).
fn noise(genome: &Genome, objectives: usize) -> Score {
    let mut hash = genome
        .0
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &gene| (hash ^ u64::from(gene)).wrapping_mul(0x100_0000_01b3));
    let mut draw = |count: u64| {
        hash = (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (hash >> 40) % count
    };
    match draw(8) {
        0 => Score::unmeasured(objectives),
        1 => Score { objectives: vec![f64::NAN; objectives], violation: 1.0 + draw(3) as f64 },
        _ => Score::feasible((0..objectives).map(|_| draw(6) as f64 - 2.0).collect()),
    }
}

fn answer(search: &mut Nsga2, objectives: usize) {
    let scores: Vec<Score> = search.ask().iter().map(|genome| noise(genome, objectives)).collect();
    search.tell(&scores).unwrap();
}

fn small_search() -> impl Strategy<Value = (Nsga2, usize)> {
    let space = prop::collection::vec(1u16..=4, 1..5);
    (space, 2usize..12, 1usize..8, 1usize..=4, any::<u64>()).prop_map(
        |(levels, population, offspring, objectives, seed)| {
            let config = Nsga2Config { population, offspring, ..Nsga2Config::default() };
            (Nsga2::new(Space::new(levels).unwrap(), config, seed).unwrap(), objectives)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_space_is_asked_whole_once_and_then_no_more((mut search, objectives) in small_search()) {
        let size = usize::try_from(search.space().size()).unwrap();
        let mut asked = BTreeSet::new();
        while !search.ask().is_empty() {
            for genome in search.ask() {
                prop_assert_eq!(search.space().check(genome), Ok(()));
                prop_assert!(asked.insert(genome.clone()), "{:?} asked twice", genome);
            }
            answer(&mut search, objectives);
        }
        prop_assert_eq!(asked.len(), size);
        let (told, generation) = (search.archive().len(), search.generation());
        search.tell(&[]).unwrap();
        prop_assert!(search.ask().is_empty());
        prop_assert_eq!((search.archive().len(), search.generation()), (told, generation));
    }

    #[test]
    fn a_replayed_search_goes_on_as_if_it_had_never_stopped(seed in any::<u64>(), stop in 0usize..12) {
        let space = Space::new(vec![4, 3, 7, 1, 4, 2, 300]).unwrap();
        let config = Nsga2Config { population: 12, offspring: 5, ..Nsga2Config::default() };
        let begin = || {
            let first = vec![Genome(vec![0; 7]), Genome(vec![3, 2, 6, 0, 3, 1, 299])];
            Nsga2::new(space.clone(), config, seed).unwrap().seed_with(first).unwrap()
        };
        let mut whole = begin();
        (0..stop).for_each(|_| answer(&mut whole, 2));
        let log = whole.archive().clone();

        let mut resumed = begin();
        while resumed.archive().len() < log.len() {
            let scores: Vec<Score> = resumed.ask().iter().map(|genome| log.score(genome).unwrap().clone()).collect();
            resumed.tell(&scores).unwrap();
        }
        for _ in 0..5 {
            prop_assert_eq!(whole.ask(), resumed.ask());
            prop_assert!(whole.population().map(|it| &it.genome).eq(resumed.population().map(|it| &it.genome)));
            answer(&mut whole, 2);
            answer(&mut resumed, 2);
        }
    }
}

#[test]
fn asking_again_gives_the_same_batch() {
    let search = Problem::Bf.search(Survival::Crowding, 3, 100);
    assert_eq!(search.ask(), search.clone().ask());
    assert_eq!(search.ask(), Problem::Bf.search(Survival::Crowding, 3, 100).ask());
    assert_ne!(search.ask(), Problem::Bf.search(Survival::Crowding, 4, 100).ask());
}

#[test]
fn first_individuals_lead_the_first_batch() {
    let uniform: Vec<Genome> = (0..4).map(|level| Genome(vec![level; 16])).collect();
    let space = Space::new(vec![4; 16]).unwrap();
    let search = Nsga2::new(space, Nsga2Config::default(), 1).unwrap().seed_with(uniform.clone()).unwrap();
    assert_eq!(search.ask()[..4], uniform);
    assert_eq!(search.ask().len(), 40);
}

#[test]
fn first_individuals_that_do_not_fit_are_refused() {
    let search = Nsga2::new(Space::new(vec![4; 2]).unwrap(), Nsga2Config::default(), 1).unwrap();
    let refused = |genes: &[[u16; 2]]| {
        search.clone().seed_with(genes.iter().map(|genes| Genome(genes.to_vec())).collect()).unwrap_err()
    };
    assert_eq!(refused(&[[1, 1], [1, 1]]), Error::Duplicate { genes: vec![1, 1] });
    assert_eq!(refused(&[[1, 4]]), Error::Level { gene: 1, levels: 4, got: 4 });
    assert_eq!(refused(&[[0, 0]; 41]), Error::TooManySeeds { population: 40, got: 41 });
    let mut told = search;
    answer(&mut told, 2);
    assert_eq!(told.seed_with(vec![]).unwrap_err(), Error::SeedsTooLate { evaluations: 16 });
}

#[test]
fn a_refused_score_leaves_the_search_as_it_was() {
    let mut search = Problem::Mem.search(Survival::Crowding, 1, 60);
    let before = search.clone();
    assert_eq!(search.tell(&[]), Err(Error::ScoreCount { expected: 10, got: 0 }));
    let mut scores: Vec<Score> = search.ask().iter().map(|genome| Problem::Mem.score(genome)).collect();
    scores[7] = Score::feasible(vec![f64::NAN, 1.0]);
    let refused = search.tell(&scores).unwrap_err().to_string();
    assert_eq!(refused, "score 7: objective 0 is NaN, expected a finite number as the violation is 0");
    assert_eq!(search.ask(), before.ask());
    assert_eq!(search.archive().evaluations(), before.archive().evaluations());
    scores[7] = Score::unmeasured(2);
    search.tell(&scores).unwrap();
    assert_eq!(search.archive().len(), before.archive().len() + 10);
}

#[test]
fn settings_out_of_range_are_named() {
    let refused = |config: Nsga2Config| Nsga2::new(Space::new(vec![4]).unwrap(), config, 0).unwrap_err().to_string();
    let default = Nsga2Config::default();
    assert_eq!(refused(Nsga2Config { population: 1, ..default }), "setting `population` is 1, expected 2 to 1000000");
    assert_eq!(
        refused(Nsga2Config { mutation_probability: Some(1.5), ..default }),
        "setting `mutation_probability` is 1.5, expected a probability, 0 to 1"
    );
    assert!(refused(Nsga2Config { population: usize::MAX, ..default }).contains("`population`"));
    assert!(refused(Nsga2Config { offspring: 0, ..default }).contains("`offspring`"));
    assert!(refused(Nsga2Config { crossover_probability: f64::NAN, ..default }).contains("`crossover_probability`"));
    assert!(refused(Nsga2Config { crossover_eta: -1.0, ..default }).contains("`crossover_eta`"));
    assert!(refused(Nsga2Config { mutation_eta: f64::INFINITY, ..default }).contains("`mutation_eta`"));
}
