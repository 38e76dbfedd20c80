//! `[speedup]` and `[clock]`: how fast an ideal platform multiplies.

use super::number::Domain;
use super::{Loader, Schema};
use crate::platform::description::{Clock, Law, Provenance, Quantity, Speedup};
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
            (Some(law), None) => self.speedup_by_law(law, cap, &provenance, precisions),
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

    /// The speedups of a law, at most `cap`.
    fn speedup_by_law(
        &mut self,
        law: Item<'t>,
        cap: Option<Item<'t>>,
        provenance: &Provenance,
        precisions: &BTreeSet<Precision>,
    ) -> Option<Speedup> {
        let place = law.place.clone();
        let law = self.law(law, &[])?;
        let cap = match cap {
            Some(item) => Some(self.quantity(item, provenance, Domain::AboveZero)?),
            None => None,
        };
        let provenance = Provenance { place, ..provenance.clone() };
        let pairs = capped(precisions, cap.as_ref(), &provenance, |precision| law.speedup(precision));
        Some(Speedup { pairs, cap })
    }

    /// A law by its name; schema 1 has one. `others` are those that the caller knows besides.
    pub(super) fn law(&mut self, item: Item<'t>, others: &[&str]) -> Option<Law> {
        let place = item.place.clone();
        let name = item.string(self.faults)?;
        let laws = if self.schema == Schema::One { &Law::ALL[..1] } else { &Law::ALL[..] };
        let law = laws.iter().copied().find(|law| law.name() == name);
        if law.is_none() {
            let names = laws.iter().map(|law| law.name()).chain(others.iter().copied());
            let names: Vec<String> = names.map(|name| format!("{name:?}")).collect();
            self.faults.value(&place, &names.join(" or "), format!("{name:?}"));
        }
        law
    }

    pub(super) fn clock(&mut self, item: Item<'t>) -> Option<Clock> {
        let mut table = item.table(self.faults)?;
        let provenance = self.provenance(&mut table);
        let hz = self.required(&mut table, "hz", &provenance, Domain::AboveZero);
        let macs = self.required(&mut table, "macs_per_cycle", &provenance, Domain::AboveZero);
        table.close(self.faults);
        Some(Clock { hz: hz?, macs_per_cycle: macs? })
    }
}

/// What `law` says of every precision, or the cap where that is less.
pub(super) fn capped(
    precisions: &BTreeSet<Precision>,
    cap: Option<&Quantity>,
    provenance: &Provenance,
    law: impl Fn(Precision) -> f64,
) -> BTreeMap<Precision, Quantity> {
    let of = |precision: &Precision| {
        let value = law(*precision);
        let quantity = match cap {
            Some(cap) if cap.value < value => cap.clone(),
            _ => Quantity { value, provenance: provenance.clone() },
        };
        (*precision, quantity)
    };
    precisions.iter().map(of).collect()
}
