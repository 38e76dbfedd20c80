//! Hypervolume after 630 evaluations on three mixed-precision problems, and what the search itself costs.
//!
//! `cargo run --release -p mohaq-moo --example peer_problems -- [--json] [--seeds N] [--evaluations N] [--survival hypervolume]`
//!
//! Settings of MOHAQ: population 40, 10 offspring. `final` is the front of the last population, `all` that of every
//! point evaluated; medians over the seeds 1, 2, … Overhead is the time of the whole run less that of the formulas.

#[path = "../tests/search/peers.rs"]
mod peers;
#[path = "../tests/search/precision.rs"]
mod precision;

use std::{process::ExitCode, time::Instant};

use mohaq_moo::{Score, Survival};
use precision::{Problem, median};

struct Options {
    json: bool,
    seeds: u64,
    evaluations: usize,
    survival: Survival,
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!(
                "error: {message}\nusage: peer_problems [--json] [--seeds N] [--evaluations N] [--survival hypervolume]"
            );
            return ExitCode::from(2);
        }
    };
    if !options.json {
        println!("{:8} {:>8} {:>8} {:>8} {:>8} {:>14}", "problem", "final", "least", "most", "all", "overhead µs");
    }
    for problem in Problem::ALL {
        report(problem, &options);
    }
    ExitCode::SUCCESS
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { json: false, seeds: 11, evaluations: 630, survival: Survival::Crowding };
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next().and_then(|value| value.parse().ok()).filter(|&value| value > 0);
            value.ok_or(format!("`{argument}` expects a whole number above 0"))
        };
        match argument.as_str() {
            "--json" => options.json = true,
            "--survival" => {
                options.survival = match arguments.next().as_deref() {
                    Some("crowding") => Survival::Crowding,
                    Some("hypervolume") => Survival::Hypervolume,
                    _ => return Err("`--survival` is `crowding` or `hypervolume`".to_owned()),
                }
            }
            "--seeds" => options.seeds = number()?,
            "--evaluations" => options.evaluations = number()? as usize,
            _ => return Err(format!("unknown argument `{argument}`")),
        }
    }
    Ok(options)
}

fn report(problem: Problem, options: &Options) {
    let mut volumes = Vec::new();
    let mut overheads = Vec::new();
    for seed in 1..=options.seeds {
        let start = Instant::now();
        let search = problem.search(options.survival, seed, options.evaluations);
        let whole = start.elapsed();
        let start = Instant::now();
        let scores: Vec<Score> =
            search.archive().evaluations().iter().map(|point| problem.score(&point.genome)).collect();
        let formulas = start.elapsed();
        std::hint::black_box(scores);
        overheads.push(1e6 * whole.saturating_sub(formulas).as_secs_f64() / search.archive().len() as f64);
        volumes.push(problem.hypervolumes(&search));
    }
    let last = || volumes.iter().map(|volume| volume[0]);
    let (least, most) = last().fold((f64::INFINITY, 0.0f64), |(least, most), v| (least.min(v), most.max(v)));
    let (middle, all, overhead) = (median(last()), median(volumes.iter().map(|volume| volume[1])), median(overheads));
    let name = problem.name();
    if options.json {
        println!(
            "{{\"problem\":\"{name}\",\"hv_final\":{middle},\"hv_final_min\":{least},\"hv_final_max\":{most},\
             \"hv_all\":{all},\"overhead_us\":{overhead},\"seeds\":{},\"evaluations\":{}}}",
            options.seeds, options.evaluations
        );
    } else {
        println!("{name:8} {middle:8.5} {least:8.5} {most:8.5} {all:8.5} {overhead:14.2}");
    }
}
