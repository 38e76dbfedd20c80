//! `[speedup]`, `[energy]` and `[clock]`: what a multiply-accumulate costs.

use super::Loader;
use super::number::Domain;
use crate::platform::description::{Clock, Provenance, Quantity, Speedup, bit_product};
use crate::platform::document::Item;
use crate::quant::Precision;
use std::collections::{BTreeMap, BTreeSet};

impl<'t> Loader<'_, 't> {
    /// `law` with `cap`, or `pairs`.
    pub(super) fn speedup(&mut self, item: Item<'t>, precisions: Option<&BTreeSet<Precision>>) -> Option<Speedup> {
        let mut table = item.table(self.faults)?;
        let provenance = self.provenance(&mut table);
        let law = table.optional("law", self.faults);
        let cap = table.optional("cap", self.faults);
        let pairs = table.optional("pairs", self.faults);
        let place = table.place.clone();
        table.close(self.faults);
        let precisions = precisions?;
        match (law, pairs) {
            (Some(law), None) => self.bit_product(law, cap, &provenance, precisions),
            (None, Some(pairs)) => {
                if let Some(cap) = cap {
                    self.faults.value(&cap.place, "no such key beside `pairs`", "one".to_owned());
                }
                let pairs = self.per_pair(pairs, &provenance, precisions, Domain::AboveZero)?;
                Some(Speedup { pairs, cap: None })
            }
            _ => {
                self.faults.value(&place, "either `law` or `pairs`", "both or neither".to_owned());
                None
            }
        }
    }

    /// 256 / (w·a), at most `cap`.
    fn bit_product(
        &mut self,
        law: Item<'t>,
        cap: Option<Item<'t>>,
        provenance: &Provenance,
        precisions: &BTreeSet<Precision>,
    ) -> Option<Speedup> {
        const LAWS: &str = "\"bit-product\"";
        let place = law.place.clone();
        let name = law.string(self.faults)?;
        if name != "bit-product" {
            self.faults.value(&place, LAWS, format!("{name:?}"));
            return None;
        }
        let cap = match cap {
            Some(item) => Some(self.quantity(item, provenance, Domain::AboveZero)?),
            None => None,
        };
        let speedup = |precision: &Precision| {
            let by_law = bit_product(*precision);
            let quantity = match &cap {
                Some(cap) if cap.value < by_law => cap.clone(),
                _ => Quantity { value: by_law, provenance: Provenance { place: place.clone(), ..provenance.clone() } },
            };
            (*precision, quantity)
        };
        let pairs = precisions.iter().map(speedup).collect();
        Some(Speedup { pairs, cap })
    }

    pub(super) fn energy(
        &mut self,
        item: Item<'t>,
        precisions: Option<&BTreeSet<Precision>>,
    ) -> Option<BTreeMap<Precision, Quantity>> {
        let mut table = item.table(self.faults)?;
        let provenance = self.provenance(&mut table);
        let pairs = table.required("mac_pj", self.faults);
        table.close(self.faults);
        self.per_pair(pairs?, &provenance, precisions?, Domain::ZeroOrMore)
    }

    pub(super) fn clock(&mut self, item: Item<'t>) -> Option<Clock> {
        let mut table = item.table(self.faults)?;
        let provenance = self.provenance(&mut table);
        let hz = table.required("hz", self.faults);
        let hz = hz.and_then(|item| self.quantity(item, &provenance, Domain::AboveZero));
        let macs = table.required("macs_per_cycle", self.faults);
        let macs = macs.and_then(|item| self.quantity(item, &provenance, Domain::AboveZero));
        table.close(self.faults);
        Some(Clock { hz: hz?, macs_per_cycle: macs? })
    }
}
