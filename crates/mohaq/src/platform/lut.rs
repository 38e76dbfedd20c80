//! The model of measured tables: a frame is the sum of products that were measured one by one.
//!
//! A product that was measured costs what was measured. Another one lies between measured ones or is refused:
//!
//! * Its four neighbours are measured products of its kind and precision, of the lengths i₀ ≤ i ≤ i₁ of the input and
//!   o₀ ≤ o ≤ o₁ of the output, all four of them. Of several such rectangles the one with the least i₁·o₁ / (i₀·o₀) is taken.
//! * Between them time and energy are bilinear in i and o. That is exact where they are a·i·o + b·i + c·o + d: work, packing of
//!   inputs, writing of results, a call. It is not where a rectangle spans the size of a cache.
//! * Outside of what was measured nothing is said: the platform lacks the product, and a search is told so before it begins.
//!
//! A product that is made several times for one frame of the output costs as often. The rows of a table are not multiplied and
//! cost nothing. Elementwise operations cost what one was measured to take.

use super::cost::REFERENCE;
use super::description::{Description, Lut, MeasuredProduct, Quantity};
use super::explanation::{EnergyPj, Explanation, Share, SiteCost};
use super::memo::Memo;
use super::summed::{Price, Summed};
use crate::nn::{Site, Workload};
use crate::quant::{Precision, QuantSpec};
use std::collections::BTreeMap;

/// A table, ready to price.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    products: Vec<MeasuredProduct>,
    has_energy: bool,
    has_reference: bool,
    /// Of an elementwise operation, and of a frame.
    elementwise: Price,
    frame_s: f64,
    priced: Memo<Price>,
}

/// A product that was not measured, nor four around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unmeasured;

impl Measured {
    pub(super) fn new(description: &Description, lut: &Lut) -> Self {
        let value = |quantity: &Option<Quantity>| quantity.as_ref().map_or(0.0, |quantity| quantity.value);
        Self {
            products: lut.products.clone(),
            has_energy: lut.products.iter().all(|product| product.pj.is_some()),
            has_reference: description.precisions.contains(&REFERENCE),
            elementwise: Price { seconds: value(&lut.elementwise_ns) / 1e9, pj: value(&lut.elementwise_pj) },
            frame_s: value(&lut.frame_ns) / 1e9,
            priced: Memo::new(),
        }
    }

    /// Whether `site` was measured at `precision`, or lies between products that were.
    pub(super) fn knows(&self, site: &Site, precision: Precision) -> bool {
        self.price(site, precision).is_ok()
    }

    /// One frame of a product; nothing for a table, of which a row is read.
    fn price(&self, site: &Site, precision: Precision) -> Result<Price, Unmeasured> {
        if site.macs == 0 {
            return Ok(Price::default());
        }
        self.priced.of(site, precision, || self.between(site, precision).ok_or(Unmeasured))
    }

    /// The price of the smallest rectangle of measured products around `site`.
    fn between(&self, site: &Site, precision: Precision) -> Option<Price> {
        let measured = |product: &&MeasuredProduct| {
            product.recurrent.is_none_or(|recurrent| recurrent == site.recurrent) && product.ns.contains_key(&precision)
        };
        let products = || self.products.iter().filter(measured);
        let by_shape: BTreeMap<[usize; 2], &MeasuredProduct> = products().map(|p| ([p.inputs, p.outputs], p)).collect();
        let find = |inputs, outputs| by_shape.get(&[inputs, outputs]).copied();
        let low = products().filter(|p| p.inputs <= site.inputs && p.outputs <= site.outputs);
        let high = || products().filter(|p| p.inputs >= site.inputs && p.outputs >= site.outputs);
        let corners = low.flat_map(|low| high().map(move |high| (low, high)));
        let rectangles = corners.filter_map(|(low, high)| {
            let [beside, below] = [find(low.inputs, high.outputs)?, find(high.inputs, low.outputs)?];
            Some([low, beside, below, high])
        });
        let spread = |[low, _, _, high]: &[&MeasuredProduct; 4]| high.area() / low.area();
        let corners = rectangles.min_by(|a, b| spread(a).total_cmp(&spread(b)))?;
        Some(bilinear(site, corners, precision))
    }

    /// [`cost`](Summed::cost), taken apart. A product was measured as a whole: what bounds it is unknown.
    pub(super) fn explain(&self, workload: &Workload, spec: &QuantSpec) -> Explanation {
        let energy = |energy: EnergyPj| self.has_energy.then_some(energy);
        let site = |(site, &precision): (&Site, &Precision)| {
            let price = self.price(site, precision).expect("known");
            let multiply = site.times() * price.pj;
            let energy = energy(EnergyPj { multiply, ..EnergyPj::default() });
            let share = Share { time_s: Some(site.times() * price.seconds), energy, ..Share::default() };
            SiteCost::new(site, precision, share)
        };
        let Price { seconds, pj: elementwise } = self.rest(workload);
        let rest = Share {
            overhead_s: Some(self.frame_s),
            time_s: Some(seconds),
            energy: energy(EnergyPj { elementwise, ..EnergyPj::default() }),
            ..Share::default()
        };
        let sites = workload.sites.iter().zip(&spec.0).map(site).collect();
        Explanation { sites, rest, cost: self.cost(workload, spec) }
    }
}

impl Summed for Measured {
    fn product(&self, site: &Site, precision: Precision) -> Option<Price> {
        self.price(site, precision).ok()
    }

    fn rest(&self, workload: &Workload) -> Price {
        let elementwise = workload.elementwise as f64;
        Price { seconds: elementwise * self.elementwise.seconds + self.frame_s, pj: elementwise * self.elementwise.pj }
    }

    fn has_energy(&self) -> bool {
        self.has_energy
    }

    fn has_reference(&self) -> bool {
        self.has_reference
    }
}

/// Between the products of (i₀, o₀), (i₀, o₁), (i₁, o₀) and (i₁, o₁).
fn bilinear(site: &Site, corners: [&MeasuredProduct; 4], precision: Precision) -> Price {
    let [low, .., high] = corners;
    let place =
        |at: usize, from: usize, to: usize| if to == from { 0.0 } else { (at - from) as f64 / (to - from) as f64 };
    let (i, o) = (place(site.inputs, low.inputs, high.inputs), place(site.outputs, low.outputs, high.outputs));
    let shares = [(1.0 - i) * (1.0 - o), (1.0 - i) * o, i * (1.0 - o), i * o];
    let mean = |of: &dyn Fn(&MeasuredProduct) -> f64| shares.iter().zip(corners).map(|(share, p)| share * of(p)).sum();
    Price {
        seconds: mean(&|product| product.ns[&precision].value / 1e9),
        pj: mean(&|product| product.pj.as_ref().map_or(0.0, |pj| pj[&precision].value)),
    }
}

#[cfg(test)]
pub(super) mod tests;
