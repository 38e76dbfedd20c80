//! Goldens made by pymoo 0.6.2 (`golden/moo/make.py`): the same points measured, the same problems searched.

use std::collections::BTreeMap;

use mohaq_moo::{Genome, Points, Survival, crowding_distance, hypervolume, neighbour_distance, non_dominated_sort};
use serde::Deserialize;

use crate::precision::{Problem, formulas, median};

#[derive(Deserialize)]
struct Golden {
    sets: Vec<PointSet>,
    formulas: Vec<Formulas>,
    /// By the problem's name.
    search: BTreeMap<String, Volumes>,
}

#[derive(Deserialize)]
struct PointSet {
    points: Vec<Vec<f64>>,
    fronts: Vec<Vec<usize>>,
    /// The first front, each point once; the measures below are of these.
    front: Vec<Vec<f64>>,
    /// `None`: infinite.
    crowding: Vec<Option<f64>>,
    /// `None`: too few points.
    neighbours: Option<Vec<Option<f64>>>,
    reference: Vec<f64>,
    hypervolume: f64,
}

#[derive(Deserialize)]
struct Formulas {
    genome: Genome,
    values: [f64; 3],
}

#[derive(Deserialize)]
struct Volumes {
    r#final: Vec<f64>,
    all: Vec<f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../../golden/moo/pymoo.json")).expect("the golden file has this shape")
}

/// Equal, infinities included, or apart by no more than `roundings` relative: pymoo sums in another order.
fn close(ours: f64, theirs: f64, roundings: f64) -> bool {
    ours == theirs || (ours - theirs).abs() <= roundings * f64::EPSILON * theirs.abs().min(f64::MAX)
}

#[test]
fn comparison_of_floats_refuses_what_differs() {
    assert!(close(1.0, 1.0 + f64::EPSILON, 4.0) && close(f64::INFINITY, f64::INFINITY, 4.0));
    assert!(!close(1.0, 1.0 + 8.0 * f64::EPSILON, 4.0) && !close(1.0, f64::INFINITY, 4.0));
}

#[test]
fn fronts_crowding_and_hypervolume_are_those_of_pymoo() {
    for set in golden().sets {
        let dimension = set.reference.len();
        let points = Points::from_rows(dimension, &set.points).unwrap();
        assert_eq!(non_dominated_sort(&points), set.fronts);
        assert!(close(hypervolume(&points, &set.reference).unwrap(), set.hypervolume, 64.0));

        let front = Points::from_rows(dimension, &set.front).unwrap();
        // pymoo divides by the number of objectives, and calls two points uncrowded only in the caller.
        if front.len() > 2 {
            for (ours, theirs) in crowding_distance(&front).iter().zip(&set.crowding) {
                assert!(close(ours / dimension as f64, theirs.unwrap_or(f64::INFINITY), 16.0), "{ours} {theirs:?}");
            }
        }
        for (ours, theirs) in neighbour_distance(&front).iter().zip(set.neighbours.iter().flatten()) {
            assert!(close(*ours, theirs.unwrap_or(f64::INFINITY), 32.0), "{ours} {theirs:?}");
        }
    }
}

#[test]
fn the_formulas_are_those_pymoo_was_given() {
    for case in golden().formulas {
        for (ours, theirs) in formulas(&case.genome).iter().zip(case.values) {
            assert!(close(*ours, theirs, 32.0), "{:?}: {ours} {theirs}", case.genome);
        }
    }
}

/// Of 11 seeds after 630 evaluations: hypervolume of the last population and of everything evaluated.
fn medians(problem: Problem, survival: Survival) -> [f64; 2] {
    let search = |seed| problem.hypervolumes(&problem.search(survival, seed, 630));
    let volumes: Vec<[f64; 2]> = (1..=11).map(search).collect();
    [0, 1].map(|which| median(volumes.iter().map(|volumes| volumes[which])))
}

#[test]
fn with_three_objectives_survival_by_hypervolume_finds_more_of_it() {
    let [crowding, hypervolume] = [Survival::Crowding, Survival::Hypervolume].map(|it| medians(Problem::BfMem, it));
    assert!(hypervolume[0] > crowding[0] && hypervolume[1] > crowding[1], "{hypervolume:?} {crowding:?}");
}

#[test]
fn median_hypervolumes_are_at_least_those_of_pymoo() {
    let golden = golden().search;
    for problem in Problem::ALL {
        let theirs = &golden[problem.name()];
        let [last, all] = medians(problem, Survival::Crowding);
        assert!(last >= median(theirs.r#final.iter().copied()), "{problem:?}, last population: {last}");
        assert!(all >= median(theirs.all.iter().copied()), "{problem:?}, everything evaluated: {all}");
    }
}
