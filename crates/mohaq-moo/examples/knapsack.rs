//! A knapsack with two values: pick from 30 things, none beyond what can be carried, so that both values are large.
//!
//! `cargo run --release -p mohaq-moo --example knapsack` searches, stops in the middle as if it had been killed,
//! resumes from the log and prints the front.

use std::collections::BTreeMap;

use mohaq_moo::{Error, Genome, Nsga2, Nsga2Config, Score, Space};

const THINGS: u32 = 30;
const LIMIT: u32 = 700;

/// Weight and the two values of a thing, scattered over 10…99.
fn thing(index: u32) -> [u32; 3] {
    [37, 53, 71].map(|step| 10 + index * step % 90)
}

/// Values count negative, as objectives are minimised; what is too heavy violates the limit by the excess.
fn score(genome: &Genome) -> Score {
    let picked = (0..THINGS).zip(&genome.0).filter(|(_, gene)| **gene == 1);
    let [weight, first, second] = picked.fold([0; 3], |sum: [u32; 3], (index, _)| {
        let thing = thing(index);
        [0, 1, 2].map(|part| sum[part] + thing[part])
    });
    Score { objectives: vec![-f64::from(first), -f64::from(second)], violation: weight.saturating_sub(LIMIT).into() }
}

/// Searches until `evaluations`, taking from the log what it holds. Returns the search and what it had to compute.
fn search(evaluations: usize, log: &mut BTreeMap<Genome, Score>) -> Result<(Nsga2, usize), Error> {
    let mut search = Nsga2::new(Space::new(vec![2; THINGS as usize])?, Nsga2Config::default(), 7)?;
    let mut computed = 0;
    while search.archive().len() < evaluations && !search.ask().is_empty() {
        let mut scores = Vec::new();
        for genome in search.ask() {
            let score = log.entry(genome.clone()).or_insert_with(|| {
                computed += 1;
                score(genome)
            });
            scores.push(score.clone());
        }
        search.tell(&scores)?;
    }
    Ok((search, computed))
}

fn main() -> Result<(), Error> {
    let mut log = BTreeMap::new();
    let (_, before) = search(1000, &mut log)?;
    let (search, after) = search(3000, &mut log)?;
    println!("computed {before} candidates, stopped, resumed, computed {after} more");
    println!("{:>6} {:>6}", "first", "second");
    let mut front: Vec<[f64; 2]> =
        search.archive().front().iter().map(|it| [-it.score.objectives[0], -it.score.objectives[1]]).collect();
    front.sort_by(|a, b| a[0].total_cmp(&b[0]));
    for [first, second] in front {
        println!("{first:>6} {second:>6}");
    }
    Ok(())
}
