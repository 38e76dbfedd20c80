//! A frame as the sum of its products, each priced by itself, and of a rest.

use super::cost::{Cost, REFERENCE};
use crate::nn::{Site, Workload};
use crate::quant::{Precision, QuantSpec};

/// Time and energy of one thing; where energy has no price it is not read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Price {
    pub(super) seconds: f64,
    pub(super) pj: f64,
}

/// A model in which products neither overlap nor touch each other.
pub(super) trait Summed {
    /// What a product takes each time that it is made; `None` where the model has no price for it.
    fn product(&self, site: &Site, precision: Precision) -> Option<Price>;

    /// What all that is no product takes of a frame.
    fn rest(&self, workload: &Workload) -> Price;

    /// Whether everything has a price in energy.
    fn has_energy(&self) -> bool;

    /// Whether 16×16, which speedups are over, is among the precisions.
    fn has_reference(&self) -> bool;

    /// What a search can minimise beside the error.
    fn objectives(&self) -> Vec<&'static str> {
        let priced =
            [("memory", true), ("speedup", self.has_reference()), ("energy", self.has_energy()), ("time", true)];
        priced.into_iter().filter_map(|(objective, known)| known.then_some(objective)).collect()
    }

    /// The cost of precisions that all have a price.
    fn cost(&self, workload: &Workload, spec: &QuantSpec) -> Cost {
        let Price { seconds: mut time_s, pj: mut energy_pj } = self.rest(workload);
        for (site, &precision) in workload.sites.iter().zip(&spec.0) {
            let price = self.product(site, precision).expect("allowed");
            time_s += site.times() * price.seconds;
            energy_pj += site.times() * price.pj;
        }
        Cost {
            speedup: self.reference_s(workload).map(|reference_s| reference_s / time_s),
            energy_pj: self.has_energy().then_some(energy_pj),
            frame_time_s: Some(time_s),
            ..Cost::counted(workload, spec)
        }
    }

    /// Time at 16×16 everywhere, where all of it has a price.
    fn reference_s(&self, workload: &Workload) -> Option<f64> {
        let seconds = |site: &Site| Some(site.times() * self.product(site, REFERENCE)?.seconds);
        let products: Option<f64> = workload.sites.iter().map(seconds).sum();
        products.filter(|_| self.has_reference()).map(|products| products + self.rest(workload).seconds)
    }
}
