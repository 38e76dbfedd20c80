//! What a search is after, from its section of the recipe.

use crate::config::{LimitSection, SearchSection};
use crate::eval::{Goals, Limit};
use crate::nn::Workload;
use crate::platform::Platform;
use mohaq_speech::metric::Metric;

/// Objectives, limits and the box of the hypervolume, which [`Goals::scale`] describes.
pub(super) fn goals(
    section: &SearchSection,
    platform: &dyn Platform,
    workload: &Workload,
    metric: Metric,
    float_error: f64,
) -> Goals {
    let limits = limits(&section.limits, platform, workload, &metric, float_error);
    let objectives = section.objectives.clone();
    let scale = Goals::scale(&objectives, &limits, platform, platform.precisions(), workload, &metric, float_error);
    Goals { scale, metric, objectives, limits }
}

fn limits(
    section: &LimitSection,
    platform: &dyn Platform,
    workload: &Workload,
    metric: &Metric,
    float_error: f64,
) -> Vec<Limit> {
    const KIB: f64 = 1024.0;
    const MIB: f64 = 1024.0 * KIB;
    let increase = section.error_increase.or_else(|| metric.increase(float_error));
    let relative = increase.map(|increase| Limit::Error(float_error + increase));
    let absolute = section.error.map(Limit::Error);
    let memory = section.memory_mib.map(|mib| Limit::Memory((mib * MIB) as u64));
    let parameters = workload.parameters();
    let compression = section.compression.map(|times| Limit::Compression { times, parameters });
    let figures = section.figures().map(|(objective, bound)| Limit::Figure { objective, bound });
    let ram = section.ram_kib.map(|kib| Limit::Ram((kib * KIB) as u64));
    let own = platform.limits().iter().filter(|_| section.platform_memory).cloned().map(Limit::Platform);
    let stated = [relative, absolute, memory, compression, ram];
    stated.into_iter().flatten().chain(figures).chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{Measurement, Objective};
    use crate::nn::Site;
    use crate::platform;
    use crate::quant::QuantSpec;

    #[test]
    fn the_box_reaches_from_the_best_uniform_precision_to_the_worst() {
        let site =
            Site { name: "fc".into(), inputs: 100, outputs: 100, macs: 10_000, weights: 10_000, recurrent: false };
        let workload = Workload { sites: vec![site], ..Workload::default() };
        for name in ["silago", "cortex-m4"] {
            let platform = platform::load(name).expect("built in");
            let objectives = vec![Objective::Memory, Objective::Speedup];
            let section = SearchSection { objectives, ..SearchSection::default() };
            let goals = goals(&section, &platform, &workload, Metric::rate("error"), 10.0);
            for precision in platform.precisions() {
                let cost = platform.cost(&workload, &QuantSpec::uniform(*precision, 1)).expect("allowed");
                let measurement = Measurement { error: 0.0, subset_errors: vec![], errors: Default::default(), cost };
                let inside = goals.normalised(&measurement).into_iter().all(|place| (0.0..=1.0).contains(&place));
                assert!(inside, "{precision} on {name}");
            }
        }
        // 4x4 takes a quarter of the memory and of the time of 16x16.
        let silago = platform::load("silago").expect("built in");
        let section = SearchSection { objectives: vec![Objective::Memory, Objective::Speedup], ..Default::default() };
        let scale = goals(&section, &silago, &workload, Metric::rate("error"), 10.0).scale;
        assert_eq!(scale, [(5000.0, 20_000.0), (4.0, 1.0)]);
    }
}
