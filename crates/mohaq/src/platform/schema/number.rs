//! Numbers of a platform file, with the range each key has and the provenance each number has.

use super::Loader;
use crate::platform::description::{Provenance, Quantity};
use crate::platform::document::{Item, Place, Table, nearest};
use crate::platform::error::Problem;
use crate::quant::Precision;
use std::collections::{BTreeMap, BTreeSet};

/// Which numbers a key takes.
#[derive(Clone, Copy)]
pub(super) enum Domain {
    AboveZero,
    ZeroOrMore,
    /// Whole and above zero; below 2⁵³, so that a double holds it.
    Count,
}

impl Domain {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AboveZero => value > 0.0,
            Self::ZeroOrMore => value >= 0.0,
            Self::Count => value > 0.0 && value.fract() == 0.0 && value < (1_u64 << 53) as f64,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::AboveZero => "a number above zero",
            Self::ZeroOrMore => "zero or a number above",
            Self::Count => "a whole number above zero",
        }
    }
}

impl<'t> Loader<'_, 't> {
    /// A number, alone or as `{ value, source, estimate }`.
    pub(super) fn quantity(&mut self, item: Item<'t>, table: &Provenance, domain: Domain) -> Option<Quantity> {
        let place = item.place.clone();
        let mut provenance = Provenance { place: place.clone(), ..table.clone() };
        let value = if item.is_table() {
            let mut inner = item.table(self.faults)?;
            let own = self.provenance(&mut inner);
            provenance.source = own.source.or(provenance.source);
            provenance.estimate |= own.estimate;
            let value = inner.required("value", self.faults);
            inner.close(self.faults);
            value?.number(self.faults)?
        } else {
            item.number(self.faults)?
        };
        if !domain.holds(value) {
            self.faults.value(&place, domain.name(), value.to_string());
            return None;
        }
        Some(Quantity { value, provenance })
    }

    /// The number of `key`, if there is one.
    pub(super) fn optional(
        &mut self,
        table: &mut Table<'t>,
        key: &'static str,
        provenance: &Provenance,
        domain: Domain,
    ) -> Option<Quantity> {
        let item = table.optional(key, self.faults)?;
        self.quantity(item, provenance, domain)
    }

    /// The number of `key`; a fault if there is none.
    pub(super) fn required(
        &mut self,
        table: &mut Table<'t>,
        key: &'static str,
        provenance: &Provenance,
        domain: Domain,
    ) -> Option<Quantity> {
        let item = table.required(key, self.faults)?;
        self.quantity(item, provenance, domain)
    }

    /// `source` and `estimate` of a table.
    pub(super) fn provenance(&mut self, table: &mut Table<'t>) -> Provenance {
        let source = table.optional("source", self.faults).and_then(|item| self.source(item));
        let estimate = table.optional("estimate", self.faults).and_then(|item| item.boolean(self.faults));
        Provenance { place: table.place.clone(), source, estimate: estimate.unwrap_or(false) }
    }

    pub(super) fn source(&mut self, item: Item<'t>) -> Option<String> {
        let place = item.place.clone();
        let name = item.words(self.faults)?;
        if !self.sources.contains_key(&name) {
            let nearest = nearest(&name, self.sources.keys().map(String::as_str)).map(str::to_owned);
            self.faults.add(&place, Problem::UnknownSource { name: name.clone(), nearest });
        }
        Some(name)
    }

    /// One number for every precision of the hardware, and for no other.
    pub(super) fn per_pair(
        &mut self,
        item: Item<'t>,
        provenance: &Provenance,
        precisions: &BTreeSet<Precision>,
        domain: Domain,
    ) -> Option<BTreeMap<Precision, Quantity>> {
        let table = item.table(self.faults)?;
        let places: Vec<(Precision, Place)> = precisions.iter().map(|p| (*p, table.inner(&p.to_string()))).collect();
        let (read, pairs) = self.pairs_in(table, provenance, precisions, domain);
        for (precision, place) in places {
            if !read.contains(&precision) {
                self.faults.add(&place, Problem::MissingKey);
            }
        }
        Some(pairs)
    }

    /// One number for some precisions of the hardware, at least one, and for no other.
    pub(super) fn some_pairs(
        &mut self,
        item: Item<'t>,
        provenance: &Provenance,
        precisions: &BTreeSet<Precision>,
        domain: Domain,
    ) -> Option<BTreeMap<Precision, Quantity>> {
        let table = item.table(self.faults)?;
        let place = table.place.clone();
        let (read, pairs) = self.pairs_in(table, provenance, precisions, domain);
        if read.is_empty() {
            self.faults.value(&place, "at least one precision", "none".to_owned());
        }
        Some(pairs)
    }

    /// The precisions that stand in `table`, and the numbers of those of `precisions`.
    fn pairs_in(
        &mut self,
        table: Table<'t>,
        provenance: &Provenance,
        precisions: &BTreeSet<Precision>,
        domain: Domain,
    ) -> (BTreeSet<Precision>, BTreeMap<Precision, Quantity>) {
        let mut read = BTreeSet::new();
        let mut pairs = BTreeMap::new();
        for (name, item) in table.rest(self.faults) {
            let place = item.place.clone();
            let Some(precision) = self.precision(&name, &place) else { continue };
            read.insert(precision);
            if !precisions.contains(&precision) {
                let had: Vec<String> = precisions.iter().map(ToString::to_string).collect();
                self.faults.value(&place, &format!("a precision of [operands], {}", had.join(", ")), name);
            } else if let Some(quantity) = self.quantity(item, provenance, domain) {
                pairs.insert(precision, quantity);
            }
        }
        (read, pairs)
    }
}
