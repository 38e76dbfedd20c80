//! `[compute]`: how fast the hardware of a roofline computes.

use super::Loader;
use super::number::Domain;
use super::speedup::capped;
use crate::platform::description::{Compute, Provenance, Quantity};
use crate::platform::document::{Item, Table};
use crate::quant::Precision;
use mohaq_rt::Bits;
use std::collections::{BTreeMap, BTreeSet};

/// Multiply-accumulates a cycle of every precision, and the numbers of the law that they follow from.
type Rates = (BTreeMap<Precision, Quantity>, Vec<(&'static str, Quantity)>);

impl<'t> Loader<'_, 't> {
    pub(super) fn compute(&mut self, item: Item<'t>, precisions: Option<&BTreeSet<Precision>>) -> Option<Compute> {
        let mut table = item.table(self.faults)?;
        let provenance = self.provenance(&mut table);
        let hz = self.required(&mut table, "hz", &provenance, Domain::AboveZero);
        let rates = self.rates(&mut table, &provenance, precisions);
        let pad_inputs = self.optional(&mut table, "pad_inputs", &provenance, Domain::Count);
        let pad_outputs = self.optional(&mut table, "pad_outputs", &provenance, Domain::Count);
        let elementwise = self.required(&mut table, "elementwise_per_cycle", &provenance, Domain::AboveZero);
        let site_cycles = self.optional(&mut table, "site_cycles", &provenance, Domain::ZeroOrMore);
        let frame_cycles = self.optional(&mut table, "frame_cycles", &provenance, Domain::ZeroOrMore);
        table.close(self.faults);
        let (rates, law) = rates?;
        let elementwise_per_cycle = elementwise?;
        Some(Compute { hz: hz?, rates, law, pad_inputs, pad_outputs, elementwise_per_cycle, site_cycles, frame_cycles })
    }

    /// `macs_per_cycle`, or `law` with its numbers.
    fn rates(
        &mut self,
        table: &mut Table<'t>,
        provenance: &Provenance,
        precisions: Option<&BTreeSet<Precision>>,
    ) -> Option<Rates> {
        let stated = table.optional("macs_per_cycle", self.faults);
        let law = table.optional("law", self.faults);
        match (stated, law) {
            (Some(pairs), None) => {
                Some((self.per_pair(pairs, provenance, precisions?, Domain::AboveZero)?, Vec::new()))
            }
            (None, Some(law)) if law.is("simd") => self.simd(law, table, provenance, precisions),
            (None, Some(law)) => self.bit_law(law, table, provenance, precisions),
            _ => {
                self.faults.value(&table.place, "either `macs_per_cycle` or `law`", "both or neither".to_owned());
                None
            }
        }
    }

    /// A law over the rate of 16×16, at most `cap`.
    fn bit_law(
        &mut self,
        law: Item<'t>,
        table: &mut Table<'t>,
        provenance: &Provenance,
        precisions: Option<&BTreeSet<Precision>>,
    ) -> Option<Rates> {
        let rate = self.required(table, "rate", provenance, Domain::AboveZero);
        let cap = self.optional(table, "cap", provenance, Domain::AboveZero);
        let provenance = Provenance { place: law.place.clone(), ..provenance.clone() };
        let (law, rate) = (self.law(law, &["simd"])?, rate?);
        let rates = capped(precisions?, cap.as_ref(), &provenance, |precision| rate.value * law.speedup(precision));
        Some((rates, [("rate", rate)].into_iter().chain(cap.map(|cap| ("cap", cap))).collect()))
    }

    /// A register of lanes that are multiplied side by side. Operands take the narrowest lanes that hold both, and weights
    /// that are narrower than their lane are unpacked first. An input is unpacked once for all outputs of a product, which
    /// is not counted.
    fn simd(
        &mut self,
        law: Item<'t>,
        table: &mut Table<'t>,
        provenance: &Provenance,
        precisions: Option<&BTreeSet<Precision>>,
    ) -> Option<Rates> {
        let register = self.required(table, "register_bits", provenance, Domain::Count);
        let unpack = self.required(table, "unpack_cycles", provenance, Domain::ZeroOrMore);
        let lanes = table.required("lane_bits", self.faults)?;
        let place = lanes.place.clone();
        let (lanes, precisions, register, unpack) = (self.widths(lanes)?, precisions?, register?, unpack?);
        for precision in precisions {
            if lane(&lanes, *precision).is_none() {
                self.faults.value(&place, &format!("a lane that holds {precision}"), "none".to_owned());
                return None;
            }
        }
        let rate = |precision: Precision| {
            let lane = lane(&lanes, precision).map_or(f64::NAN, |bits| f64::from(bits.count()));
            let unpack_cycles = if f64::from(precision.weight.count()) < lane { unpack.value } else { 0.0 };
            1.0 / (lane / register.value + unpack_cycles)
        };
        let provenance = Provenance { place: law.place, ..provenance.clone() };
        let rates = capped(precisions, None, &provenance, rate);
        Some((rates, vec![("register_bits", register), ("unpack_cycles", unpack)]))
    }
}

/// The narrowest lane that holds both operands.
fn lane(lanes: &BTreeSet<Bits>, precision: Precision) -> Option<Bits> {
    lanes.iter().copied().find(|lane| *lane >= precision.weight && *lane >= precision.activation)
}
