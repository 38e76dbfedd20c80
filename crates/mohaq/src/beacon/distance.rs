//! How far precisions are from each other, and which beacons a generation needs.
//!
//! The distance of two specs is the number of halvings and doublings of weight widths that lead from one to the other,
//! Σ |log₂ w − log₂ w′| over the sites, as published; those of activations may count too, by a factor.
//!
//! Source: Rezk et al. 2021, §IV-C; `method.md` has the rule in our words: candidates of the region, in the order of
//! asking; the nearest beacon within the threshold lends, and where there is none the candidate becomes a beacon.

use super::BeaconSettings;
use crate::quant::QuantSpec;
use mohaq_rt::Bits;

/// The distance of `a` and `b` under `settings`.
///
/// # Panics
/// When they have different numbers of sites.
pub fn distance(settings: &BeaconSettings, a: &QuantSpec, b: &QuantSpec) -> f64 {
    assert_eq!(a.0.len(), b.0.len(), "specs of one network");
    let steps = |a: Bits, b: Bits| a.index().abs_diff(b.index()) as f64;
    let pairs = a.0.iter().zip(&b.0);
    pairs.map(|(a, b)| steps(a.weight, b.weight) + settings.activation_weight * steps(a.activation, b.activation)).sum()
}

/// The beacon of `beacons` nearest to `spec` within the threshold, the first of equals, and its distance.
pub fn nearest<'b>(
    settings: &BeaconSettings,
    beacons: impl IntoIterator<Item = &'b QuantSpec>,
    spec: &QuantSpec,
) -> Option<(usize, f64)> {
    let distances = beacons.into_iter().map(|beacon| distance(settings, beacon, spec)).enumerate();
    let within = distances.filter(|&(_, distance)| distance <= settings.threshold);
    within.min_by(|a, b| a.1.total_cmp(&b.1))
}

/// What may still be spent on beacons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spent {
    /// Epochs of all beacons so far.
    pub epochs: usize,
    /// Seconds of retraining so far.
    pub seconds: f64,
}

/// Those of `candidates`, which are all of the region, that become beacons beside `beacons`: in their order, a candidate
/// near one that is planned before it borrows that one. `epochs` is what a beacon may take at most.
pub fn plan<'c>(
    settings: &BeaconSettings,
    epochs: usize,
    spent: Spent,
    beacons: &[QuantSpec],
    candidates: impl IntoIterator<Item = &'c QuantSpec>,
) -> Vec<QuantSpec> {
    let mut all = beacons.to_vec();
    if settings.minutes.is_some_and(|minutes| spent.seconds >= 60.0 * minutes) {
        return Vec::new();
    }
    for candidate in candidates {
        let planned = all.len() - beacons.len();
        let epochs = spent.epochs + (planned + 1) * epochs;
        if all.len() >= settings.max || settings.max_epochs.is_some_and(|most| epochs > most) {
            break;
        }
        if nearest(settings, &all, candidate).is_none() {
            all.push(candidate.clone());
        }
    }
    all.split_off(beacons.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Spent = Spent { epochs: 0, seconds: 0.0 };

    fn specs<const N: usize>(texts: [&str; N]) -> Vec<QuantSpec> {
        texts.map(|text| QuantSpec::parse(text, 3).unwrap()).to_vec()
    }

    #[test]
    fn distances_count_steps_of_weight_widths() {
        let [a, b] = [0, 1].map(|i| specs(["2x8 4x4 16x2", "8x2 4x16 2x2"])[i].clone());
        let settings = BeaconSettings::default();
        // Two steps, none and three; the activations two, two and none.
        assert_eq!(distance(&settings, &a, &b), 5.0);
        assert_eq!(distance(&settings, &b, &a), 5.0);
        assert_eq!(distance(&settings, &a, &a), 0.0);
        let weighed = BeaconSettings { activation_weight: 0.5, ..settings };
        assert_eq!(distance(&weighed, &a, &b), 5.0 + 0.5 * 4.0);
    }

    #[test]
    fn the_nearest_beacon_within_the_threshold_lends() {
        let beacons = specs(["2x8 2x8 2x8", "4x8 4x8 4x8", "16x8 16x8 16x8"]);
        let settings = BeaconSettings { threshold: 2.0, ..BeaconSettings::default() };
        let of = |text: &str| nearest(&settings, &beacons, &specs([text])[0]);
        assert_eq!(of("4x2 4x2 8x2"), Some((1, 1.0)));
        assert_eq!(of("2x8 4x8 4x8"), Some((1, 1.0)));
        assert_eq!(of("8x8 8x8 8x8"), None, "three steps from both");
        let tie = BeaconSettings { threshold: 3.0, ..BeaconSettings::default() };
        assert_eq!(nearest(&tie, &beacons, &specs(["8x8 8x8 8x8"])[0]), Some((1, 3.0)), "the first of equals");
    }

    #[test]
    fn a_generation_gets_a_beacon_for_every_candidate_that_none_is_near() {
        let candidates = specs(["2x8 2x8 2x8", "2x8 2x8 4x8", "16x8 16x8 16x8", "8x8 16x8 16x8"]);
        let settings = BeaconSettings { threshold: 2.0, ..BeaconSettings::default() };
        let planned = |settings: &BeaconSettings, spent| plan(settings, 4, spent, &[], &candidates);
        assert_eq!(planned(&settings, NOTHING), specs(["2x8 2x8 2x8", "16x8 16x8 16x8"]));
        let one = BeaconSettings { max: 1, ..settings.clone() };
        assert_eq!(planned(&one, NOTHING), specs(["2x8 2x8 2x8"]));
        let epochs = BeaconSettings { max_epochs: Some(7), ..settings.clone() };
        assert_eq!(planned(&epochs, NOTHING), specs(["2x8 2x8 2x8"]));
        assert!(planned(&epochs, Spent { epochs: 4, ..NOTHING }).is_empty());
        let minutes = BeaconSettings { minutes: Some(1.0), ..settings.clone() };
        assert_eq!(planned(&minutes, Spent { seconds: 59.0, ..NOTHING }).len(), 2);
        assert!(planned(&minutes, Spent { seconds: 60.0, ..NOTHING }).is_empty());
        assert_eq!(plan(&settings, 4, NOTHING, &candidates[..1], &candidates), specs(["16x8 16x8 16x8"]));
    }
}
