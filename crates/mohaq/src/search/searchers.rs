//! The searcher of a method, over the space and for the goals of a search.

use super::driver::SearchSettings;
use super::{Method, PrecisionSpace};
use crate::Result;
use crate::eval::{Goals, Objective};
use crate::nn::Workload;
use crate::platform::Platform;
use crate::quant::{Precision, QuantSpec};
use mohaq_moo::{Costs, Greedy, Guided, GuidedConfig, Nsga2, Nsga2Config, Random, Score, Searcher};
use mohaq_rt::Bits;

/// What a candidate is priced by, which is all of a measurement but the error.
#[derive(Clone, Copy)]
pub struct Pricing<'a> {
    /// What a frame costs the network.
    pub workload: &'a Workload,
    /// Where it is to run.
    pub platform: &'a dyn Platform,
}

/// The searcher that `settings` name.
///
/// # Errors
/// Settings that the searcher refuses.
pub fn searcher<'a>(
    space: &'a PrecisionSpace,
    goals: &'a Goals,
    pricing: Pricing<'a>,
    settings: &SearchSettings,
) -> Result<Searcher<'a>> {
    // The error, and the first of what is traded for it.
    let position = |error: bool| goals.objectives.iter().position(|&one| (one == Objective::Error) == error);
    let (error, first) = (position(true).unwrap_or(0), position(false).unwrap_or(1));
    Ok(match settings.method {
        Method::Nsga2 => Searcher::Nsga2(nsga2(space, settings)?),
        Method::Random => Searcher::Random(Random::new(space.genes()?, settings.population, settings.seed)?),
        Method::Greedy => Searcher::Greedy(Greedy::new(space.genes()?, error, first)?),
        Method::Guided => {
            // No share of errors is below 0; a user's own score may be anything.
            let least = goals.metric.is_rate().then_some(0.0);
            let config = GuidedConfig { batch: settings.offspring, unknown: error, scale: scale(goals), least };
            let costs = Costs::new(move |genome| {
                let cost = pricing.platform.cost(pricing.workload, &space.decode(genome));
                // What the platform refuses would end the search: it is never asked.
                cost.map_or_else(|_| Score::unmeasured(goals.objectives.len()), |cost| goals.known(cost))
            });
            Searcher::Guided(Guided::new(space.genes()?, costs, config, settings.seed)?)
        }
    })
}

/// The box of the hypervolume in the values that are minimised; an objective that cannot vary is always at its best.
fn scale(goals: &Goals) -> Vec<(f64, f64)> {
    let of = |(objective, &(perfect, worthless)): (&Objective, &(f64, f64))| {
        let sign = if objective.maximised() { -1.0 } else { 1.0 };
        let (best, worst) = (sign * perfect, sign * worthless);
        (best, if worst > best { worst } else { best + 1.0 })
    };
    goals.objectives.iter().zip(&goals.scale).map(of).collect()
}

fn nsga2(space: &PrecisionSpace, settings: &SearchSettings) -> Result<Nsga2> {
    let config =
        Nsga2Config { population: settings.population, offspring: settings.offspring, ..Nsga2Config::default() };
    let searcher = Nsga2::new(space.genes()?, config, settings.seed)?;
    if !settings.start_uniform {
        return Ok(searcher);
    }
    let pairs = Bits::ALL.into_iter().flat_map(|w| Bits::ALL.map(|a| Precision::new(w, a)));
    let uniform = pairs.filter_map(|pair| space.encode(&QuantSpec::uniform(pair, space.sites())));
    Ok(searcher.seed_with(uniform.take(settings.population).collect())?)
}
