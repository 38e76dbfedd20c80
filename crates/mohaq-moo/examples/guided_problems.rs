//! Guided search beside NSGA-II and the greedy walk on the problems of `peer_problems`, and on others made like them.
//!
//! `cargo run --release -p mohaq-moo --example guided_problems -- [--seeds N] [--evaluations N] [--problem NAME]`
//!
//! Per problem and method, medians over the seeds 1, 2, … with the least and the most: hypervolume after 60, 120, 300 and all
//! evaluations; evaluations until that of NSGA-II after all of them is reached; time that the search itself takes.

#[path = "../tests/search/precision.rs"]
mod precision;
#[path = "../tests/search/varied.rs"]
mod varied;

use std::{process::ExitCode, time::Instant};

use mohaq_moo::{Genome, Greedy, Guided, GuidedConfig, Hypervolume, Nsga2, Nsga2Config, Score, Searcher, Space};
use precision::median;
use varied::Varied;

/// Evaluations after which hypervolumes are compared.
const AFTER: [usize; 3] = [60, 120, 300];

struct Options {
    seeds: u64,
    evaluations: usize,
    problem: Option<String>,
}

/// What one search found, evaluation by evaluation.
struct Run {
    volumes: Vec<f64>,
    seconds: f64,
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("error: {message}\nusage: guided_problems [--seeds N] [--evaluations N] [--problem NAME]");
            return ExitCode::from(2);
        }
    };
    println!(
        "{:16} {:8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>6} {:>6} {:>6} {:>9}",
        "problem",
        "method",
        "hv 60",
        "hv 120",
        "hv 300",
        "hv all",
        "least",
        "most",
        "reach",
        "first",
        "last",
        "us/eval"
    );
    for problem in
        Varied::all().iter().filter(|one| options.problem.as_ref().is_none_or(|name| one.name.starts_with(name)))
    {
        report(problem, &options);
    }
    ExitCode::SUCCESS
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { seeds: 11, evaluations: 630, problem: None };
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or(format!("`{argument}` expects a value"))?;
        let number = value.parse().ok().filter(|&number: &u64| number > 0);
        let number = number.ok_or(format!("`{argument}` expects a whole number above 0"));
        match argument.as_str() {
            "--seeds" => options.seeds = number?,
            "--evaluations" => options.evaluations = number? as usize,
            "--problem" => options.problem = Some(value),
            _ => return Err(format!("unknown argument `{argument}`")),
        }
    }
    Ok(options)
}

fn report(problem: &Varied, options: &Options) {
    let mut target = None;
    for method in ["nsga2", "greedy", "guided"] {
        // The walk draws nothing.
        let seeds = if method == "greedy" { 1 } else { options.seeds };
        let runs: Vec<Run> = (1..=seeds).map(|seed| run(problem, method, seed, options.evaluations)).collect();
        let at = |run: &Run, count: usize| run.volumes[count.min(run.volumes.len()) - 1];
        let all: Vec<f64> = runs.iter().map(|run| at(run, options.evaluations)).collect();
        let target = *target.get_or_insert(median(all.iter().copied()));
        let reach = |run: &Run| {
            run.volumes.iter().position(|&volume| volume >= target).map_or(f64::INFINITY, |place| place as f64 + 1.0)
        };
        let mut reached: Vec<f64> = runs.iter().map(reach).collect();
        reached.sort_by(f64::total_cmp);
        let after = AFTER.map(|count| median(runs.iter().map(|run| at(run, count))));
        let (least, most) = all.iter().fold((f64::INFINITY, 0.0f64), |(least, most), &v| (least.min(v), most.max(v)));
        let time = median(runs.iter().map(|run| 1e6 * run.seconds / run.volumes.len() as f64));
        println!(
            "{:16} {:8} {:8.5} {:8.5} {:8.5} {:8.5} {:8.5} {:8.5} {:>6} {:>6} {:>6} {:9.1}",
            problem.name,
            method,
            after[0],
            after[1],
            after[2],
            median(all),
            least,
            most,
            reached[reached.len() / 2],
            reached[0],
            reached[reached.len() - 1],
            time
        );
    }
}

fn run(problem: &Varied, method: &str, seed: u64, evaluations: usize) -> Run {
    let begun = Instant::now();
    let mut search = searcher(problem, method, seed);
    let mut volume = Hypervolume::new(&vec![1.0; problem.objectives()]).expect("two or three objectives");
    let mut volumes = Vec::new();
    while volumes.len() < evaluations && !search.ask().is_empty() {
        let scores: Vec<Score> = search.ask().iter().map(|genome: &Genome| problem.score(genome)).collect();
        for score in &scores {
            if score.is_feasible() {
                volume.add(&score.objectives).expect("finite objectives");
            }
            volumes.push(volume.value());
        }
        search.tell(&scores).expect("one score for each");
    }
    Run { volumes, seconds: begun.elapsed().as_secs_f64() }
}

fn searcher<'a>(problem: &'a Varied, method: &str, seed: u64) -> Searcher<'a> {
    let space = Space::new(vec![4; problem.genes()]).expect("genes");
    match method {
        "nsga2" => Searcher::Nsga2(Nsga2::new(space, Nsga2Config::default(), seed).expect("the default settings")),
        "greedy" => Searcher::Greedy(Greedy::new(space, 0, 1).expect("two objectives")),
        _ => {
            let config = GuidedConfig {
                batch: 10,
                unknown: 0,
                scale: vec![(0.0, 1.0); problem.objectives()],
                least: problem.least(),
            };
            Searcher::Guided(Guided::new(space, problem.costs(), config, seed).expect("valid settings"))
        }
    }
}
