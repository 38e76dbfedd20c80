//! The systolic model of a file: every product of a frame on the array, one after the other, one frame at a time.
//!
//! What a product costs is [`systolic`](super::systolic)'s to say. A frame is the sum of its products and of the elementwise work
//! behind them; vectors and states are small beside weights, and not counted.

use super::cost::REFERENCE;
use super::description::{Array, Description};
use super::error::PlatformError;
use super::explanation::{Bound, EnergyPj, Explanation, Share, SiteCost, Traffic};
use super::memo::Memo;
use super::summed::{Price, Summed};
use super::systolic::{ProductCost, Systolic, SystolicError};
use crate::nn::{Site, Workload};
use crate::quant::{Precision, QuantSpec};

/// An array, ready to price.
#[derive(Clone, Debug)]
pub(super) struct Arrayed {
    systolic: Systolic,
    cycle_s: f64,
    elementwise_s: f64,
    elementwise_pj: f64,
    dram_bits_per_cycle: f64,
    dram_pj_per_bit: f64,
    /// Of the buffer of weights, loading and storing.
    weights_pj_per_bit: [f64; 2],
    resident: bool,
    double_buffered: bool,
    has_reference: bool,
    priced: Memo<ProductCost>,
}

impl Arrayed {
    pub(super) fn new(description: &Description, array: &Array) -> Self {
        let cycle_s = 1.0 / array.hz.value;
        let weights = &array.buffers[0];
        Self {
            systolic: array.systolic().expect("checked when the file was read"),
            cycle_s,
            elementwise_s: cycle_s / array.elementwise_per_cycle.value,
            elementwise_pj: array.elementwise_pj.as_ref().map_or(0.0, |pj| pj.value),
            dram_bits_per_cycle: array.dram_bits_per_cycle.value,
            dram_pj_per_bit: array.dram_pj_per_bit.value,
            weights_pj_per_bit: [weights.load_pj_per_bit.value, weights.store_pj_per_bit.value],
            resident: array.resident,
            double_buffered: array.double_buffered,
            has_reference: description.precisions.contains(&REFERENCE),
            priced: Memo::new(),
        }
    }

    /// Whether every product can be priced.
    pub(super) fn allow(&self, workload: &Workload, spec: &QuantSpec) -> Result<(), PlatformError> {
        workload.sites.iter().zip(&spec.0).try_for_each(|(site, precision)| {
            let refused = |source| PlatformError::Product { site: site.name.clone(), source };
            self.price(site, *precision).map(drop).map_err(refused)
        })
    }

    /// One frame of a product; nothing for a table, of which a row is read.
    fn price(&self, site: &Site, precision: Precision) -> Result<ProductCost, SystolicError> {
        if site.macs == 0 {
            return Ok(ProductCost::default());
        }
        let [inputs, outputs] = [site.inputs, site.outputs].map(|length| length as u64);
        self.priced.of(site, precision, || self.systolic.product(inputs, outputs, 1, precision))
    }

    /// [`cost`](Summed::cost), taken apart.
    pub(super) fn explain(&self, workload: &Workload, spec: &QuantSpec) -> Explanation {
        let site = |(site, &precision): (&Site, &Precision)| {
            SiteCost::new(site, precision, self.share(site.times(), &self.price(site, precision).expect("allowed")))
        };
        let Price { seconds: time_s, pj } = self.rest(workload);
        let rest = Share {
            compute_s: Some(time_s),
            time_s: Some(time_s),
            bound: (time_s > 0.0).then_some(Bound::Compute),
            energy: Some(EnergyPj { elementwise: pj, ..EnergyPj::default() }),
            ..Share::default()
        };
        let sites = workload.sites.iter().zip(&spec.0).map(site).collect();
        Explanation { sites, rest, cost: self.cost(workload, spec) }
    }

    fn share(&self, times: f64, cost: &ProductCost) -> Share {
        let seconds = |cycles: u64| times * cycles as f64 * self.cycle_s;
        let bits = (cost.dram_read_bits + cost.dram_write_bits) as f64 * times;
        let dram = Traffic {
            memory: "dram".into(),
            bits,
            time_s: bits / self.dram_bits_per_cycle * self.cycle_s,
            overlapped: self.double_buffered,
        };
        let (compute_s, time_s) = (seconds(cost.compute_cycles), seconds(cost.total_cycles));
        let bound = if dram.time_s > compute_s { Bound::Memory(dram.memory.clone()) } else { Bound::Compute };
        Share {
            compute_s: Some(compute_s),
            overhead_s: Some(seconds(cost.fill_cycles + cost.drain_cycles)),
            time_s: Some(time_s),
            bound: (time_s > 0.0).then_some(bound),
            energy: Some(self.energy(times, cost)),
            memory: vec![dram],
        }
    }

    /// Weights are what is read from their buffer, written to it and, where they are streamed, read from DRAM for it.
    fn energy(&self, times: f64, cost: &ProductCost) -> EnergyPj {
        let [load, store] = self.weights_pj_per_bit;
        let dram = if self.resident { 0.0 } else { self.dram_pj_per_bit };
        let weights = cost.weight_read_bits as f64 * load + cost.weight_write_bits as f64 * (store + dram);
        EnergyPj {
            multiply: times * cost.core_pj,
            load_weights: times * weights,
            move_activations: times * (cost.sram_pj + cost.dram_pj - weights),
            ..EnergyPj::default()
        }
    }
}

impl Summed for Arrayed {
    fn product(&self, site: &Site, precision: Precision) -> Option<Price> {
        let cost = self.price(site, precision).ok()?;
        Some(Price { seconds: cost.total_cycles as f64 * self.cycle_s, pj: cost.energy_pj() })
    }

    fn rest(&self, workload: &Workload) -> Price {
        let elementwise = workload.elementwise as f64;
        Price { seconds: elementwise * self.elementwise_s, pj: elementwise * self.elementwise_pj }
    }

    fn has_energy(&self) -> bool {
        true
    }

    fn has_reference(&self) -> bool {
        self.has_reference
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{Site, Workload};
    use crate::platform::{Bound, Platform, load};
    use crate::quant::QuantSpec;
    use std::time::Instant;

    /// The layers of the MOHAQ paper's network, but for its smallest.
    fn workload() -> Workload {
        let site = |(inputs, outputs): (usize, usize)| {
            let weights = (inputs * outputs) as u64;
            Site { name: format!("{inputs}x{outputs}"), inputs, outputs, macs: weights, weights, recurrent: false }
        };
        let shapes =
            [(23, 3300), (1100, 256), (256, 3300), (1100, 256), (256, 3300), (1100, 256), (256, 3300), (1100, 1904)];
        Workload { sites: shapes.map(site).to_vec(), elementwise: 88_000, ..Workload::default() }
    }

    #[test]
    fn only_where_weights_stay_on_chip_do_activations_buy_time() {
        let workload = workload();
        let cost = |platform: &str, bits: &str| {
            let spec = QuantSpec::parse(bits, workload.sites.len()).unwrap();
            load(platform).unwrap().cost(&workload, &spec).unwrap()
        };
        let speedup = |platform: &str, bits: &str| cost(platform, bits).speedup.unwrap();
        let (streamed, resident) = ("bitfusion-streamed", "bitfusion-resident");
        // Narrower activations make a pass of the array longer, and its padding is streamed as well.
        assert!(speedup(streamed, "4x4") < speedup(streamed, "4x16"));
        assert!(speedup(resident, "4x4") > speedup(resident, "4x16"));
        // A quarter of the weights' bits, less what else is moved.
        assert!((3.0..4.0).contains(&speedup(streamed, "4x8")));
        for bits in ["16x16", "8x8", "4x8", "2x2"] {
            assert!(cost(resident, bits).frame_time_s < cost(streamed, bits).frame_time_s, "{bits}");
            assert!(cost(resident, bits).energy_pj < cost(streamed, bits).energy_pj, "{bits}");
        }
    }

    #[test]
    fn an_explanation_adds_up_to_its_cost() {
        let workload = workload();
        for platform in ["bitfusion-streamed", "bitfusion-resident"] {
            let platform = load(platform).unwrap();
            let spec = QuantSpec::parse("2x2 4x8 8x8 16x16 2x16 4x4 8x2 16x2", 8).unwrap();
            let explained = platform.explain(&workload, &spec).unwrap();
            let same = |sum: Option<f64>, whole: Option<f64>| {
                let (sum, whole) = (sum.unwrap(), whole.unwrap());
                // Sums of nine doubles in another order.
                assert!((sum - whole).abs() <= 1e-14 * whole, "{sum} {whole}");
            };
            same(explained.time_s(), explained.cost.frame_time_s);
            same(explained.energy_pj(), explained.cost.energy_pj);
        }
        let streamed = load("bitfusion-streamed").unwrap();
        let spec = QuantSpec::parse("8x8", 8).unwrap();
        let explained = streamed.explain(&workload, &spec).unwrap();
        let dram = Some(Bound::Memory("dram".into()));
        assert!(explained.sites.iter().all(|site| site.share.bound == dram));
        let energy = explained.sites[7].share.energy.unwrap();
        assert!(energy.load_weights > 0.9 * energy.total(), "{energy:?}");
    }

    #[test]
    fn a_frame_that_was_met_before_takes_less_than_two_microseconds() {
        const REPEATS: u32 = 1000;
        let (platform, workload) = (load("bitfusion-streamed").unwrap(), workload());
        let spec = QuantSpec::parse("4x8", 8).unwrap();
        let batch = || {
            let start = Instant::now();
            let sum: u64 = (0..REPEATS).map(|_| platform.cost(&workload, &spec).unwrap().memory_bits).sum();
            assert!(sum > 0);
            start.elapsed()
        };
        let quickest = (0..50).map(|_| batch()).min().unwrap();
        assert!(quickest.as_nanos() < u128::from(2000 * REPEATS), "{quickest:?} for {REPEATS} costs");
    }
}
