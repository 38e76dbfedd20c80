//! `[operands]`: the precisions that the hardware has.

use super::{Loader, Schema};
use crate::nn::LayerDescription;
use crate::platform::description::Provenance;
use crate::platform::document::{Item, Place, Table};
use crate::quant::Precision;
use mohaq_rt::Bits;
use std::collections::BTreeSet;

/// What `[operands]` says.
pub(super) struct Operands {
    pub(super) precisions: BTreeSet<Precision>,
    pub(super) provenance: Provenance,
    /// Kinds of layers that the hardware runs; `None` for all.
    pub(super) layers: Option<Vec<String>>,
}

impl<'t> Loader<'_, 't> {
    /// `bits` with `tied`, or `pairs`; `layers`.
    pub(super) fn operands(&mut self, item: Item<'t>) -> Option<Operands> {
        let mut table = item.table(self.faults)?;
        let provenance = self.provenance(&mut table);
        let bits = table.optional("bits", self.faults);
        let pairs = table.optional("pairs", self.faults);
        let tied = table.optional("tied", self.faults);
        let layers = self.layers(&mut table);
        let place = table.place.clone();
        table.close(self.faults);
        let precisions = match (bits, pairs) {
            (Some(bits), None) => {
                let tied = tied.map_or(Some(false), |item| item.boolean(self.faults));
                let bits = self.widths(bits)?;
                square(&bits, tied?)
            }
            (None, Some(pairs)) => {
                if let Some(tied) = tied {
                    self.faults.value(&tied.place, "no such key beside `pairs`", "one".to_owned());
                }
                self.pairs(pairs)?
            }
            _ => {
                self.faults.value(&place, "either `bits` or `pairs`", "both or neither".to_owned());
                return None;
            }
        };
        if precisions.is_empty() {
            self.faults.value(&place, "at least one precision", "none".to_owned());
        }
        Some(Operands { precisions, provenance, layers })
    }

    /// Kinds of layers, at least one.
    fn layers(&mut self, table: &mut Table<'t>) -> Option<Vec<String>> {
        if self.schema == Schema::One {
            return None;
        }
        let item = table.optional("layers", self.faults)?;
        let place = item.place.clone();
        let mut kinds = Vec::new();
        for item in item.array(self.faults)? {
            let place = item.place.clone();
            let kind = item.string(self.faults)?;
            if !LayerDescription::KINDS.contains(&kind.as_str()) {
                let expected = format!("one of {}", LayerDescription::KINDS.join(", "));
                self.faults.value(&place, &expected, format!("{kind:?}"));
            }
            kinds.push(kind);
        }
        if kinds.is_empty() {
            self.faults.value(&place, "at least one kind of layer", "none".to_owned());
        }
        Some(kinds)
    }

    pub(super) fn widths(&mut self, item: Item<'t>) -> Option<BTreeSet<Bits>> {
        let items = item.array(self.faults)?;
        let width = |item: Item<'t>| {
            let place = item.place.clone();
            let number = item.number(self.faults)?;
            let width = Bits::ALL.into_iter().find(|bits| f64::from(bits.count()) == number);
            if width.is_none() {
                self.faults.value(&place, "2, 4, 8 or 16", number.to_string());
            }
            width
        };
        Some(items.into_iter().filter_map(width).collect())
    }

    /// The precisions of a list. Schema 1 lets one stand there twice.
    fn pairs(&mut self, item: Item<'t>) -> Option<BTreeSet<Precision>> {
        let mut pairs = BTreeSet::new();
        for item in item.array(self.faults)? {
            let place = item.place.clone();
            let Some(pair) = self.pair(item) else { continue };
            if !pairs.insert(pair) && self.schema != Schema::One {
                self.faults.value(&place, "every precision once", format!("a second {pair}"));
            }
        }
        Some(pairs)
    }

    fn pair(&mut self, item: Item<'t>) -> Option<Precision> {
        let place = item.place.clone();
        let name = item.string(self.faults)?;
        self.precision(&name, &place)
    }

    pub(super) fn precision(&mut self, name: &str, place: &Place) -> Option<Precision> {
        let precision = parse_precision(name);
        if precision.is_none() {
            let expected = "weight x activation bits of 2, 4, 8 or 16, such as 4x8";
            self.faults.value(place, expected, format!("{name:?}"));
        }
        precision
    }
}

fn square(bits: &BTreeSet<Bits>, tied: bool) -> BTreeSet<Precision> {
    let row = |weight: Bits| {
        let activations = bits.iter().filter(move |activation| !tied || **activation == weight);
        activations.map(move |activation| Precision::new(weight, *activation))
    };
    bits.iter().flat_map(|weight| row(*weight)).collect()
}

pub(in crate::platform) fn parse_precision(name: &str) -> Option<Precision> {
    let (weight, activation) = name.split_once('x')?;
    let bits = |digits: &str| Bits::ALL.into_iter().find(|bits| bits.count().to_string() == digits);
    Some(Precision::new(bits(weight)?, bits(activation)?))
}
