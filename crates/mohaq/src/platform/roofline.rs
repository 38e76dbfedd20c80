//! The roofline model: computing or a memory level bounds each product of a frame.
//!
//! A part of a frame, a product or the elementwise work, is arithmetic and traffic. Traffic goes to the level that holds
//! what is moved: weights and vectors are read where they are resident, a product's input is read at its bits and its result
//! written at 16 bit, states are read and written at 16 bit. Then
//!
//! ```text
//! time(part) = max(computing, every overlapped level) + every other level + overhead
//! time(frame) = sum of time(part)
//! ```
//!
//! A level without a bandwidth takes no time: that of a measured throughput includes it. Parts do not overlap with each
//! other, nothing is cached and nothing is tiled. Source: Williams, Waterman, Patterson, CACM 2009, a product at a time.

use super::by_precision::ByPrecision;
use super::cost::{Cost, REFERENCE, WIDE_BITS};
use super::description::{Compute, Description, Memory, Per};
use super::explanation::{Bound, EnergyPj, Explanation, Share, SiteCost, Traffic};
use crate::nn::{Site, Workload};
use crate::quant::{Precision, QuantSpec};

/// A roofline, ready to price.
#[derive(Clone, Debug)]
pub(super) struct Roofline {
    prices: ByPrecision<Price>,
    /// What inputs and outputs are rounded up to a multiple of.
    pad: [usize; 2],
    elementwise_s: f64,
    site_s: f64,
    frame_s: f64,
    levels: Vec<Level>,
    energy: Option<Energies>,
    has_reference: bool,
}

/// What one multiply-accumulate costs; energy that is not priced is not read.
#[derive(Clone, Copy, Debug)]
struct Price {
    seconds: f64,
    pj: f64,
}

#[derive(Clone, Debug)]
struct Level {
    name: String,
    weights: bool,
    vectors: bool,
    activations: bool,
    /// 0 without a bandwidth.
    seconds_a_bit: f64,
    overlapped: bool,
}

/// pJ, or W, of what is not a multiply-accumulate.
#[derive(Clone, Copy, Debug, Default)]
struct Energies {
    weight_bit: f64,
    vector_bit: f64,
    read_bit: f64,
    written_bit: f64,
    elementwise: f64,
    static_w: f64,
}

/// What a part of a frame does: seconds of its own, bits moved, pJ of multiplying.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    compute_s: f64,
    overhead_s: f64,
    weight_bits: f64,
    vector_bits: f64,
    read_bits: f64,
    written_bits: f64,
    multiply_pj: f64,
    elementwise: f64,
}

impl Roofline {
    pub(super) fn new(description: &Description, compute: &Compute) -> Self {
        let cycle_s = 1.0 / compute.hz.value;
        let price = |precision: Precision| Price {
            seconds: cycle_s / compute.rates[&precision].value,
            pj: description.mac_pj().map_or(0.0, |pairs| pairs[&precision].value),
        };
        let pad = [&compute.pad_inputs, &compute.pad_outputs];
        let cycles = [&compute.site_cycles, &compute.frame_cycles];
        let [site_s, frame_s] = cycles.map(|cycles| cycles.as_ref().map_or(0.0, |cycles| cycles.value * cycle_s));
        Self {
            prices: ByPrecision::new(&description.precisions, price),
            pad: pad.map(|pad| pad.as_ref().map_or(1, |pad| pad.value as usize)),
            elementwise_s: cycle_s / compute.elementwise_per_cycle.value,
            site_s,
            frame_s,
            levels: description.memories.iter().map(|memory| level(memory, cycle_s)).collect(),
            energy: energies(description),
            has_reference: description.precisions.contains(&REFERENCE),
        }
    }

    /// What a search can minimise beside the error.
    pub(super) fn objectives(&self) -> Vec<&'static str> {
        let priced =
            [("memory", true), ("speedup", self.has_reference), ("energy", self.energy.is_some()), ("time", true)];
        priced.into_iter().filter_map(|(objective, known)| known.then_some(objective)).collect()
    }

    /// The cost of precisions that the platform has.
    pub(super) fn cost(&self, workload: &Workload, spec: &QuantSpec) -> Cost {
        let mut energy_pj = 0.0;
        let mut time_s = 0.0;
        let sites = workload.sites.iter().zip(&spec.0);
        for part in sites.map(|(site, &p)| self.site(workload, site, p)).chain([self.rest(workload)]) {
            let seconds = self.seconds(&part);
            time_s += seconds;
            energy_pj += self.energy(&part, seconds).map_or(0.0, |energy| energy.total());
        }
        let [speedup, speedup_paper] = self.speedups(workload, spec, time_s).map_or([None; 2], |both| both.map(Some));
        Cost {
            speedup,
            speedup_paper,
            energy_pj: self.energy.map(|_| energy_pj),
            frame_time_s: Some(time_s),
            ..Cost::counted(workload, spec)
        }
    }

    /// Time at 16×16 everywhere over `time_s`, and the published figure, which knows of no memory: the mean of the speedups
    /// of computing weighted by work.
    fn speedups(&self, workload: &Workload, spec: &QuantSpec, time_s: f64) -> Option<[f64; 2]> {
        if !self.has_reference {
            return None;
        }
        let seconds = |site| self.seconds(&self.site(workload, site, REFERENCE));
        let reference_s = workload.sites.iter().map(seconds).sum::<f64>() + self.seconds(&self.rest(workload));
        let wide = self.prices.of(REFERENCE).seconds;
        let sites = workload.sites.iter().zip(&spec.0);
        let sped_up: f64 = sites.map(|(site, &p)| site.macs as f64 * (wide / self.prices.of(p).seconds)).sum();
        Some([reference_s / time_s, sped_up / (workload.macs() + workload.elementwise) as f64])
    }

    /// [`cost`](Self::cost), taken apart.
    pub(super) fn explain(&self, workload: &Workload, spec: &QuantSpec) -> Explanation {
        let site = |(site, &precision): (&Site, &Precision)| {
            SiteCost::new(site, precision, self.share(&self.site(workload, site, precision)))
        };
        let sites = workload.sites.iter().zip(&spec.0).map(site).collect();
        Explanation { sites, rest: self.share(&self.rest(workload)), cost: self.cost(workload, spec) }
    }

    /// A product, as often as it is made for one frame of the output; a table is read once for each frame of the input.
    fn site(&self, workload: &Workload, site: &Site, precision: Precision) -> Part {
        let weight = f64::from(precision.weight.count());
        let result = (site.outputs as u64 * WIDE_BITS) as f64;
        if site.macs == 0 {
            let rows = workload.input_frames as f64;
            let row = site.outputs as f64 * weight;
            let overhead_s = self.site_s * rows;
            return Part { weight_bits: rows * row, written_bits: rows * result, overhead_s, ..Part::default() };
        }
        let price = self.prices.of(precision);
        let times = site.times();
        let macs = site.macs as f64 * self.padding(site);
        Part {
            compute_s: macs * price.seconds,
            overhead_s: times * self.site_s,
            weight_bits: site.macs as f64 * weight,
            read_bits: times * site.inputs as f64 * f64::from(precision.activation.count()),
            written_bits: times * result,
            multiply_pj: macs * price.pj,
            ..Part::default()
        }
    }

    /// By how much padding makes a product larger.
    fn padding(&self, site: &Site) -> f64 {
        let ratio = |length: usize, to: usize| length.next_multiple_of(to) as f64 / length.max(1) as f64;
        ratio(site.inputs, self.pad[0]) * ratio(site.outputs, self.pad[1])
    }

    /// Elementwise work, with the vectors and states it reads and the states it writes.
    fn rest(&self, workload: &Workload) -> Part {
        let state_bits = (workload.state * WIDE_BITS) as f64;
        let elementwise = workload.elementwise as f64;
        Part {
            compute_s: elementwise * self.elementwise_s,
            overhead_s: self.frame_s,
            vector_bits: (workload.vectors * WIDE_BITS) as f64,
            read_bits: state_bits,
            written_bits: state_bits,
            elementwise,
            ..Part::default()
        }
    }

    fn seconds(&self, part: &Part) -> f64 {
        let (mut overlapped, mut apart) = (part.compute_s, 0.0);
        for level in &self.levels {
            let seconds = level.bits(part) * level.seconds_a_bit;
            if level.overlapped {
                overlapped = f64::max(overlapped, seconds);
            } else {
                apart += seconds;
            }
        }
        overlapped + apart + part.overhead_s
    }

    fn energy(&self, part: &Part, seconds: f64) -> Option<EnergyPj> {
        let energy = self.energy?;
        Some(EnergyPj {
            multiply: part.multiply_pj,
            load_weights: part.weight_bits * energy.weight_bit + part.vector_bits * energy.vector_bit,
            move_activations: part.read_bits * energy.read_bit + part.written_bits * energy.written_bit,
            elementwise: part.elementwise * energy.elementwise,
            standing: energy.static_w * seconds * 1e12,
        })
    }

    fn share(&self, part: &Part) -> Share {
        let time_s = self.seconds(part);
        let traffic = |level: &Level| Traffic {
            memory: level.name.clone(),
            bits: level.bits(part),
            time_s: level.bits(part) * level.seconds_a_bit,
            overlapped: level.overlapped,
        };
        let memory: Vec<Traffic> = self.levels.iter().map(traffic).collect();
        Share {
            compute_s: Some(part.compute_s),
            bound: bound(part, &memory),
            memory,
            overhead_s: Some(part.overhead_s),
            time_s: Some(time_s),
            energy: self.energy(part, time_s),
        }
    }
}

impl Level {
    /// What is read from it and written to it.
    fn bits(&self, part: &Part) -> f64 {
        let moved = |held: bool, bits: f64| if held { bits } else { 0.0 };
        moved(self.weights, part.weight_bits)
            + moved(self.vectors, part.vector_bits)
            + moved(self.activations, part.read_bits + part.written_bits)
    }
}

/// What takes the most time, computing first where two take as much.
fn bound(part: &Part, memory: &[Traffic]) -> Option<Bound> {
    let compute = (part.compute_s, Bound::Compute);
    let levels = memory.iter().map(|traffic| (traffic.time_s, Bound::Memory(traffic.memory.clone())));
    let all = [compute].into_iter().chain(levels).chain([(part.overhead_s, Bound::Overhead)]);
    let longest = all.reduce(|longest, next| if next.0 > longest.0 { next } else { longest });
    longest.filter(|(seconds, _)| *seconds > 0.0).map(|(_, bound)| bound)
}

fn level(memory: &Memory, cycle_s: f64) -> Level {
    let seconds_a_bit = memory.bandwidth.as_ref().map_or(0.0, |bandwidth| match bandwidth.per {
        Per::Cycle => cycle_s / (8.0 * bandwidth.bytes.value),
        Per::Second => 1.0 / (8.0 * bandwidth.bytes.value),
    });
    Level {
        name: memory.name.clone(),
        weights: memory.weights,
        vectors: memory.vectors,
        activations: memory.activations,
        seconds_a_bit,
        overlapped: memory.bandwidth.as_ref().is_none_or(|bandwidth| bandwidth.overlapped),
    }
}

/// Everything that takes energy, if nothing is missing: the power of a whole board alone, or multiplying with every memory
/// that is read.
fn energies(description: &Description) -> Option<Energies> {
    let energy = description.energy.as_ref()?;
    let static_w = energy.static_w.as_ref().map_or(0.0, |watt| watt.value);
    if energy.mac_pj.is_none() {
        return Some(Energies { static_w, ..Energies::default() });
    }
    let home = |holds: fn(&Memory) -> bool| description.memories.iter().find(|memory| holds(memory));
    let load = |memory: &Memory| Some(memory.load_pj_per_bit.as_ref()?.value);
    let activations = home(|memory| memory.activations)?;
    let read_bit = load(activations)?;
    Some(Energies {
        weight_bit: load(home(|memory| memory.weights)?)?,
        vector_bit: load(home(|memory| memory.vectors)?)?,
        read_bit,
        written_bit: activations.store_pj_per_bit.as_ref().map_or(read_bit, |store| store.value),
        elementwise: energy.elementwise_pj.as_ref()?.value,
        static_w,
    })
}

#[cfg(test)]
mod tests;
