//! The ideal model: a multiply-accumulate costs what its precision says, and every parameter is loaded once a frame.
//!
//! No stalls, no padding, no traffic of activations, no elementwise work. Source of the formulas: MOHAQ, arXiv 2108.01192.

use super::by_precision::ByPrecision;
use super::cost::{Cost, WIDE_BITS, weight_bits};
use super::description::{Clock, Description, Memory, Speedup};
use super::explanation::{Bound, EnergyPj, Explanation, Share, SiteCost};
use crate::nn::{Site, Workload};
use crate::quant::{Precision, QuantSpec};

/// An ideal platform, ready to price.
#[derive(Clone, Debug)]
pub(super) struct Ideal {
    prices: ByPrecision<Price>,
    has_speedup: bool,
    load: Option<Load>,
    /// Multiply-accumulates of 16×16 a second.
    rate: Option<f64>,
}

/// What one multiply-accumulate costs; a quantity that is not priced has a value that is not read.
#[derive(Clone, Copy, Debug)]
struct Price {
    speedup: f64,
    mac_pj: f64,
}

/// pJ a bit loaded.
#[derive(Clone, Copy, Debug)]
struct Load {
    weights: f64,
    vectors: f64,
}

impl Ideal {
    pub(super) fn new(description: &Description, speedup: Option<&Speedup>, clock: Option<&Clock>) -> Self {
        let price = |precision: Precision| Price {
            speedup: speedup.map_or(1.0, |speedup| speedup.pairs[&precision].value),
            mac_pj: description.mac_pj().map_or(0.0, |pairs| pairs[&precision].value),
        };
        Self {
            prices: ByPrecision::new(&description.precisions, price),
            has_speedup: speedup.is_some(),
            load: load(description),
            rate: clock.filter(|_| speedup.is_some()).map(|clock| clock.hz.value * clock.macs_per_cycle.value),
        }
    }

    /// What a search can minimise beside the error.
    pub(super) fn objectives(&self) -> Vec<&'static str> {
        let priced = [
            ("memory", true),
            ("speedup", self.has_speedup),
            ("energy", self.load.is_some()),
            ("time", self.rate.is_some()),
        ];
        priced.into_iter().filter_map(|(objective, known)| known.then_some(objective)).collect()
    }

    /// The cost of precisions that the platform has.
    pub(super) fn cost(&self, workload: &Workload, spec: &QuantSpec) -> Cost {
        let counted = Cost::counted(workload, spec);
        // Integers up to 2^53 are exact in a double: a network of 10^15 weights is not foreseen.
        let macs = workload.macs() as f64;
        // Time in units of a 16×16 multiply-accumulate, work weighted by speedup, and pJ of multiplying.
        let (mut time, mut sped_up, mut mac_pj) = (0.0, 0.0, 0.0);
        for (site, &precision) in workload.sites.iter().zip(&spec.0) {
            let price = self.prices.of(precision);
            let site_macs = site.macs as f64;
            time += site_macs / price.speedup;
            sped_up += site_macs * price.speedup;
            mac_pj += site_macs * price.mac_pj;
        }
        let energy = |vectors: u64| {
            let load = self.load?;
            let vector_bits = (vectors * WIDE_BITS) as f64;
            Some(counted.weight_bits as f64 * load.weights + vector_bits * load.vectors + mac_pj)
        };
        let operations = macs + workload.elementwise as f64;
        Cost {
            speedup: self.has_speedup.then_some(macs / time),
            speedup_paper: self.has_speedup.then_some(sped_up / operations),
            energy_pj: energy(workload.vectors),
            energy_pj_paper: energy(workload.vectors_published),
            frame_time_s: self.rate.map(|rate| time / rate),
            ..counted
        }
    }

    /// [`cost`](Self::cost), taken apart.
    pub(super) fn explain(&self, workload: &Workload, spec: &QuantSpec) -> Explanation {
        let sites = workload.sites.iter().zip(&spec.0).map(|(site, &precision)| self.site(site, precision));
        let vector_bits = (workload.vectors * WIDE_BITS) as f64;
        let vectors =
            self.load.map(|load| EnergyPj { load_weights: vector_bits * load.vectors, ..EnergyPj::default() });
        let rest = Share { time_s: self.rate.map(|_| 0.0), energy: vectors, ..Share::default() };
        Explanation { sites: sites.collect(), rest, cost: self.cost(workload, spec) }
    }

    fn site(&self, site: &Site, precision: Precision) -> SiteCost {
        let price = self.prices.of(precision);
        let (macs, weight_bits) = (site.macs as f64, weight_bits(site, precision));
        let time_s = self.rate.map(|rate| macs / price.speedup / rate);
        let energy = self.load.map(|load| EnergyPj {
            multiply: macs * price.mac_pj,
            load_weights: weight_bits as f64 * load.weights,
            ..EnergyPj::default()
        });
        let bound = time_s.filter(|time| *time > 0.0).map(|_| Bound::Compute);
        let share = Share { compute_s: time_s, time_s, bound, energy, ..Share::default() };
        SiteCost::new(site, precision, share)
    }
}

/// Load energies, if multiplying is priced too and both kinds of parameters lie in a memory with a price.
fn load(description: &Description) -> Option<Load> {
    let of = |holds: fn(&Memory) -> bool| {
        let memory = description.memories.iter().find(|memory| holds(memory))?;
        Some(memory.load_pj_per_bit.as_ref()?.value)
    };
    description.mac_pj()?;
    Some(Load { weights: of(|memory| memory.weights)?, vectors: of(|memory| memory.vectors)? })
}
