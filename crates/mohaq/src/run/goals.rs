//! What a search is after, from its section of the recipe.

use crate::config::{LimitSection, SearchSection};
use crate::eval::{Goals, Limit, Measurement, Objective};
use crate::nn::Workload;
use crate::platform::Platform;
use crate::quant::{Precision, QuantSpec};

/// Objectives, limits and the box of the hypervolume.
///
/// The box reaches from the float network's error to the error limit (or to twice the float error plus 10 points where
/// there is none), and from what the narrowest precisions cost to what 16×16 everywhere costs.
pub(super) fn goals(
    section: &SearchSection,
    platform: &dyn Platform,
    workload: &Workload,
    float_percent: f64,
) -> Goals {
    let limits = limits(&section.limits, platform, workload, float_percent);
    let error_limits = limits.iter().filter(|limit| matches!(limit, Limit::Error(_))).map(Limit::bound);
    let worst_error = error_limits.reduce(f64::min).unwrap_or(2.0 * float_percent + 10.0);
    let extreme = |precision: Precision| {
        let cost = platform.cost(workload, &QuantSpec::uniform(precision, workload.sites.len())).ok()?;
        Some(Measurement { error_percent: 0.0, subset_percent: Vec::new(), errors: Default::default(), cost })
    };
    let ends = platform.precisions().iter().copied().min().zip(platform.precisions().iter().copied().max());
    let scale = section.objectives.iter().map(|&objective| match objective {
        Objective::Error => (float_percent, worst_error.max(float_percent + 1.0)),
        _ => {
            let shown = |precision| extreme(precision).and_then(|m| objective.shown(&m));
            ends.and_then(|(low, high)| shown(low).zip(shown(high))).unwrap_or((0.0, 1.0))
        }
    });
    Goals { scale: scale.collect(), objectives: section.objectives.clone(), limits }
}

fn limits(section: &LimitSection, platform: &dyn Platform, workload: &Workload, float_percent: f64) -> Vec<Limit> {
    const MIB: f64 = 1_048_576.0;
    let relative = section.error_increase.map(|points| Limit::Error(float_percent + points));
    let absolute = section.error_percent.map(Limit::Error);
    let memory = section.memory_mib.map(|mib| Limit::Memory((mib * MIB) as u64));
    let parameters = workload.parameters();
    let compression = section.compression.map(|times| Limit::Compression { times, parameters });
    let own = platform.limits().iter().filter(|_| section.platform_memory).cloned().map(Limit::Platform);
    relative.into_iter().chain(absolute).chain(memory).chain(compression).chain(own).collect()
}
