//! What a search is after, from its section of the recipe.

use crate::config::{LimitSection, SearchSection};
use crate::eval::{Goals, Limit, Measurement, Objective};
use crate::nn::Workload;
use crate::platform::Platform;
use crate::quant::{Precision, QuantSpec};
use mohaq_speech::metric::Metric;

/// Objectives, limits and the box of the hypervolume.
///
/// The box reaches from the float network's error to the error limit (or to twice the float error plus ten times the least
/// difference worth talking of where there is none), and from what the narrowest precisions cost to what 16×16 everywhere
/// costs.
pub(super) fn goals(
    section: &SearchSection,
    platform: &dyn Platform,
    workload: &Workload,
    metric: Metric,
    float_error: f64,
) -> Goals {
    let limits = limits(&section.limits, platform, workload, &metric, float_error);
    let point = metric.point(float_error);
    let error_limits = limits.iter().filter(|limit| matches!(limit, Limit::Error(_))).map(Limit::bound);
    let worst_error = error_limits.reduce(f64::min).unwrap_or(float_error + float_error.abs() + 10.0 * point);
    let extreme = |precision: Precision| {
        let cost = platform.cost(workload, &QuantSpec::uniform(precision, workload.sites.len())).ok()?;
        Some(Measurement { error: 0.0, subset_errors: Vec::new(), errors: Default::default(), cost })
    };
    let ends = platform.precisions().iter().copied().min().zip(platform.precisions().iter().copied().max());
    let scale = section.objectives.iter().map(|&objective| match objective {
        Objective::Error => (float_error, worst_error.max(float_error + point)),
        _ => {
            let shown = |precision| extreme(precision).and_then(|m| objective.shown(&m));
            ends.and_then(|(low, high)| shown(low).zip(shown(high))).unwrap_or((0.0, 1.0))
        }
    });
    Goals { scale: scale.collect(), metric, objectives: section.objectives.clone(), limits }
}

fn limits(
    section: &LimitSection,
    platform: &dyn Platform,
    workload: &Workload,
    metric: &Metric,
    float_error: f64,
) -> Vec<Limit> {
    const MIB: f64 = 1_048_576.0;
    let increase = section.error_increase.or_else(|| metric.increase(float_error));
    let relative = increase.map(|increase| Limit::Error(float_error + increase));
    let absolute = section.error.map(Limit::Error);
    let memory = section.memory_mib.map(|mib| Limit::Memory((mib * MIB) as u64));
    let parameters = workload.parameters();
    let compression = section.compression.map(|times| Limit::Compression { times, parameters });
    let own = platform.limits().iter().filter(|_| section.platform_memory).cloned().map(Limit::Platform);
    relative.into_iter().chain(absolute).chain(memory).chain(compression).chain(own).collect()
}
