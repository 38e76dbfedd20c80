//! A candidate's cost taken apart: what each product takes, what a step of bits would change, and what does not fit.

use super::cost::{Cost, Violation};
use super::explanation::Explanation;
use super::{Platform, PlatformError};
use crate::nn::{Site, Workload};
use crate::quant::{Precision, QuantSpec};
use serde::{Deserialize, Serialize};

/// All that is known of the cost of a candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// Name of the platform.
    pub platform: String,
    /// One precision a site.
    pub bits: String,
    /// What each product takes.
    pub explanation: Explanation,
    /// What the nearest other precisions of each site would change, site by site.
    pub steps: Vec<Step>,
    /// Memories that it does not fit.
    pub violations: Vec<Violation>,
}

/// What another precision of one site would change, everything else as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Name of the site.
    pub site: String,
    /// The other precision, `2x8`.
    pub to: String,
    /// Weights, in bit.
    pub weight_bits: i64,
    /// Time a frame, in seconds.
    pub time_s: Option<f64>,
    /// Energy a frame, in pJ.
    pub energy_pj: Option<f64>,
    /// Times the speedup of the whole is multiplied with.
    pub speedup: Option<f64>,
}

/// Takes apart what `spec` costs on `platform`.
///
/// # Errors
/// Those of [`Platform::cost`].
pub fn explained(workload: &Workload, platform: &dyn Platform, spec: &QuantSpec) -> Result<Explained, PlatformError> {
    let explanation = platform.explain(workload, spec)?;
    let cost = explanation.cost;
    let mut steps = Vec::new();
    for site in 0..spec.0.len() {
        for precision in neighbours(platform, &workload.sites[site], spec.0[site]) {
            steps.push(step(workload, platform, spec, &cost, site, precision)?);
        }
    }
    let violations = platform.violations(&cost);
    Ok(Explained { platform: platform.name().into(), bits: spec.to_string(), explanation, steps, violations })
}

fn step(
    workload: &Workload,
    platform: &dyn Platform,
    spec: &QuantSpec,
    before: &Cost,
    site: usize,
    precision: Precision,
) -> Result<Step, PlatformError> {
    let mut other = spec.clone();
    other.0[site] = precision;
    let after = platform.cost(workload, &other)?;
    let change = |of: fn(&Cost) -> Option<f64>| Some(of(&after)? - of(before)?);
    Ok(Step {
        site: workload.sites[site].name.clone(),
        to: precision.to_string(),
        weight_bits: after.weight_bits.cast_signed() - before.weight_bits.cast_signed(),
        time_s: change(|cost| cost.frame_time_s),
        energy_pj: change(|cost| cost.energy_pj),
        speedup: after.speedup.zip(before.speedup).map(|(after, before)| after / before),
    })
}

/// The nearest precisions of the platform below and above `from`: in the weights, then in the activations, or in both where
/// they are tied.
fn neighbours(platform: &dyn Platform, site: &Site, from: Precision) -> Vec<Precision> {
    let all = platform.precisions_at(site);
    let [w, a] = [|p: &Precision| p.weight, |p: &Precision| p.activation];
    if platform.tied() {
        let below = all.iter().filter(|p| w(p) < from.weight).max_by_key(|p| w(p));
        let above = all.iter().filter(|p| w(p) > from.weight).min_by_key(|p| w(p));
        return below.into_iter().chain(above).copied().collect();
    }
    let weights = || all.iter().filter(|p| a(p) == from.activation);
    let activations = || all.iter().filter(|p| w(p) == from.weight);
    let nearest = [
        weights().filter(|p| w(p) < from.weight).max_by_key(|p| w(p)),
        weights().filter(|p| w(p) > from.weight).min_by_key(|p| w(p)),
        activations().filter(|p| a(p) < from.activation).max_by_key(|p| a(p)),
        activations().filter(|p| a(p) > from.activation).min_by_key(|p| a(p)),
    ];
    nearest.into_iter().flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Network, NetworkDescription};
    use crate::platform;

    fn network() -> Network {
        let text = "input = 4\n[[layers]]\nkind = \"lstm\"\nhidden = 5\n[[layers]]\nkind = \"linear\"\noutputs = 3\n";
        Network::new(&NetworkDescription::from_toml(text).unwrap(), 1).unwrap()
    }

    fn steps(platform: &str, bits: &str) -> Vec<String> {
        let spec = QuantSpec::parse(bits, 3).unwrap();
        let explained = explained(&network().workload(), &platform::load(platform).unwrap(), &spec).unwrap();
        explained.steps.iter().map(|step| format!("{} {}", step.site, step.to)).collect()
    }

    #[test]
    fn a_step_is_to_the_nearest_precision_that_the_platform_has() {
        let found = steps("bitfusion", "2x16 4x8 8x2");
        let expected = [
            ["l0 4x16", "l0 2x8"].as_slice(),
            &["l0.recurrent 2x8", "l0.recurrent 8x8", "l0.recurrent 4x4", "l0.recurrent 4x16"],
            &["fc 4x2", "fc 16x2", "fc 8x4"],
        ];
        assert_eq!(found, expected.concat());
        assert_eq!(steps("silago", "4x4 8x8 16x16"), ["l0 8x8", "l0.recurrent 4x4", "l0.recurrent 16x16", "fc 8x8"]);
    }

    #[test]
    fn a_step_changes_what_the_whole_then_costs() {
        let (network, platform) = (network(), platform::load("cortex-m4").unwrap());
        let spec = QuantSpec::parse("8x8", 3).unwrap();
        let explained = explained(&network.workload(), &platform, &spec).unwrap();
        let step = explained.steps.iter().find(|step| (step.site.as_str(), step.to.as_str()) == ("l0", "4x8")).unwrap();
        // 4 inputs for four gates of five units, 4 bits less each.
        assert_eq!(step.weight_bits, -4 * 4 * 5 * 4);
        let after = platform.cost(&network.workload(), &QuantSpec::parse("4x8 8x8 8x8", 3).unwrap()).unwrap();
        let difference = after.frame_time_s.unwrap() - explained.explanation.cost.frame_time_s.unwrap();
        assert_eq!(step.time_s, Some(difference));
        assert_eq!(explained.violations, []);
    }
}
