//! Published problems of real variables with known fronts, each variable divided into 1,001 levels.
//!
//! ZDT1–3: Zitzler, Deb and Thiele 2000, Evol. Comput. 8(2); DTLZ2: Deb, Thiele, Laumanns and Zitzler 2002, CEC.
//! Settings are those NSGA-II is usually run with on them: 100 members, 100 offspring, crossover 0.9 with index 15,
//! mutation with index 20. Levels are fine enough that the known fronts are reachable exactly (0 and ½ are levels).

use core::f64::consts::PI;

use mohaq_moo::{Evaluation, Nsga2, Nsga2Config, Points, Score, Space, Survival, hypervolume};

const LEVELS: u16 = 1001;

fn search(variables: usize, evaluations: usize, objectives: fn(&[f64]) -> Vec<f64>) -> Nsga2 {
    let config = Nsga2Config {
        population: 100,
        offspring: 100,
        crossover_probability: 0.9,
        crossover_eta: 15.0,
        mutation_probability: None,
        mutation_eta: 20.0,
        survival: Survival::Crowding,
    };
    let mut search = Nsga2::new(Space::new(vec![LEVELS; variables]).unwrap(), config, 1).unwrap();
    while search.archive().len() < evaluations {
        let variables = |levels: &[u16]| -> Vec<f64> {
            levels.iter().map(|&level| f64::from(level) / f64::from(LEVELS - 1)).collect()
        };
        let scores: Vec<Score> =
            search.ask().iter().map(|genome| Score::feasible(objectives(&variables(&genome.0)))).collect();
        search.tell(&scores).unwrap();
    }
    search
}

/// Hypervolume of the population's front as a part of that of the `known` one, and its inverted generational distance:
/// the mean over the known points of the distance to the nearest found.
fn quality(search: &Nsga2, known: &[Vec<f64>], reference: &[f64]) -> (f64, f64) {
    let found = search.population_front();
    let volume = |rows: &mut dyn Iterator<Item = &[f64]>| {
        hypervolume(&Points::from_rows(reference.len(), rows).unwrap(), reference).unwrap()
    };
    let objectives = |point: &'_ Evaluation| point.score.objectives.clone();
    let rows: Vec<Vec<f64>> = found.into_iter().map(objectives).collect();
    let part = volume(&mut rows.iter().map(Vec::as_slice)) / volume(&mut known.iter().map(Vec::as_slice));
    let distance = |from: &[f64]| {
        let square = |to: &Vec<f64>| from.iter().zip(to).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        rows.iter().map(square).fold(f64::INFINITY, f64::min).sqrt()
    };
    (part, known.iter().map(|point| distance(point)).sum::<f64>() / known.len() as f64)
}

/// `1 + 9·mean` of all variables but the first: 1 on the known front.
fn zdt_distance(x: &[f64]) -> f64 {
    1.0 + 9.0 * x[1..].iter().sum::<f64>() / (x.len() - 1) as f64
}

fn zdt1(x: &[f64]) -> Vec<f64> {
    let g = zdt_distance(x);
    vec![x[0], g * (1.0 - (x[0] / g).sqrt())]
}

fn zdt2(x: &[f64]) -> Vec<f64> {
    let g = zdt_distance(x);
    vec![x[0], g * (1.0 - (x[0] / g) * (x[0] / g))]
}

fn zdt3(x: &[f64]) -> Vec<f64> {
    let g = zdt_distance(x);
    let part = x[0] / g;
    vec![x[0], g * (1.0 - part.sqrt() - part * libm::sin(10.0 * PI * x[0]))]
}

fn dtlz2(x: &[f64]) -> Vec<f64> {
    let radius = 1.0 + x[2..].iter().map(|x| (x - 0.5) * (x - 0.5)).sum::<f64>();
    sphere(radius, x[0], x[1])
}

fn sphere(radius: f64, azimuth: f64, elevation: f64) -> Vec<f64> {
    let (a, b) = (azimuth * PI / 2.0, elevation * PI / 2.0);
    vec![radius * libm::cos(a) * libm::cos(b), radius * libm::cos(a) * libm::sin(b), radius * libm::sin(a)]
}

/// The known front of a ZDT problem: every other variable 0, the first over its levels, dominated ones left out.
fn zdt_front(objectives: fn(&[f64]) -> Vec<f64>) -> Vec<Vec<f64>> {
    let rows: Vec<Vec<f64>> = (0..LEVELS).map(|level| objectives(&[f64::from(level) / 1000.0, 0.0])).collect();
    let points = Points::from_rows(2, &rows).unwrap();
    mohaq_moo::non_dominated(&points).into_iter().map(|index| rows[index].clone()).collect()
}

#[test]
fn known_fronts_have_the_areas_of_their_integrals() {
    // To (1.1, 1.1): 1.21 less ∫(1 − √x) = 1/3 and ∫(1 − x²) = 2/3. 1,001 steps miss up to 1.1/1000.
    for (problem, area) in [(zdt1 as fn(&[f64]) -> Vec<f64>, 1.21 - 1.0 / 3.0), (zdt2, 1.21 - 2.0 / 3.0)] {
        let known = Points::from_rows(2, zdt_front(problem)).unwrap();
        let measured = hypervolume(&known, &[1.1, 1.1]).unwrap();
        assert!((0.0..1.1e-3).contains(&(area - measured)), "{measured} of {area}");
    }
}

#[test]
fn zdt_fronts_are_reached() {
    for (problem, name) in [(zdt1 as fn(&[f64]) -> Vec<f64>, "ZDT1"), (zdt2, "ZDT2"), (zdt3, "ZDT3")] {
        let (part, distance) = quality(&search(30, 20_000, problem), &zdt_front(problem), &[1.1, 1.1]);
        // 100 points evenly over a curve of length 1.48 (ZDT1) are 1.48/400 = 0.0037 from its points in the mean.
        assert!(distance < 0.006, "{name}: IGD {distance}");
        assert!((0.985..=1.0).contains(&part), "{name}: {part} of the hypervolume");
    }
}

#[test]
fn the_sphere_of_dtlz2_is_reached() {
    let known: Vec<Vec<f64>> =
        (0..40 * 40).map(|i| sphere(1.0, f64::from(i / 40) / 39.0, f64::from(i % 40) / 39.0)).collect();
    let found = search(12, 15_000, dtlz2);
    let (part, distance) = quality(&found, &known, &[1.1; 3]);
    // 100 hexagons over an eighth of the sphere have an area of π/200 each, and a mean distance of 0.377·√area = 0.047
    // from their centres.
    assert!(distance < 0.06, "IGD {distance}");
    assert!((0.91..=1.0).contains(&part), "{part} of the hypervolume");
}
