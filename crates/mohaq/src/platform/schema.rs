//! The platform file, schema 1: what it says, resolved and checked, and where each number comes from.
//!
//! A number is written alone, and then has the `source` (and `estimate`) of its table, or as
//! `{ value = 0.08, source = "paper", estimate = true }`. Sources are keys of `[sources]`. A missing source is no fault
//! here, as a file that is being written should run; [`check`](super::check) insists on it.

use super::description::{Clock, Description, Memory, Provenance, Quantity, Speedup, bit_product};
use super::document::{Faults, Item, Place, Table, nearest};
use super::error::{Fault, Problem};
use crate::quant::Precision;
use mohaq_rt::Bits;
use std::collections::{BTreeMap, BTreeSet};

/// The schema that this version of the program reads.
pub(super) const SCHEMA: i64 = 1;

/// Which numbers a key takes.
#[derive(Clone, Copy)]
enum Domain {
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

impl Description {
    /// Reads a platform file.
    ///
    /// # Errors
    /// Everything that the schema does not allow, in the order of lines.
    pub(super) fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        let (mut faults, mut root) = Faults::parse(text).map_err(|fault| vec![fault])?;
        if !schema_is_known(&mut root, &mut faults) {
            return faults.finish(None);
        }
        let sources = sources(&mut root, &mut faults);
        let description = Loader { faults: &mut faults, sources }.description(root);
        faults.finish(description)
    }
}

/// A file of another schema has other keys, and none of their faults would mean anything.
fn schema_is_known<'t>(root: &mut Table<'t>, faults: &mut Faults<'t>) -> bool {
    let Some(item) = root.required("schema", faults) else { return false };
    let place = item.place.clone();
    let Some(version) = item.number(faults) else { return false };
    if version != SCHEMA as f64 {
        faults.value(&place, &SCHEMA.to_string(), version.to_string());
    }
    version == SCHEMA as f64
}

fn sources<'t>(root: &mut Table<'t>, faults: &mut Faults<'t>) -> BTreeMap<String, (String, Place)> {
    let Some(table) = root.optional("sources", faults).and_then(|item| item.table(faults)) else {
        return BTreeMap::new();
    };
    let mut sources = BTreeMap::new();
    for (key, item) in table.rest(faults) {
        let place = item.place.clone();
        if let Some(text) = item.words(faults) {
            sources.insert(key, (text, place));
        }
    }
    sources
}

/// Reads the sections of a file whose sources are known.
struct Loader<'f, 't> {
    faults: &'f mut Faults<'t>,
    sources: BTreeMap<String, (String, Place)>,
}

impl<'t> Loader<'_, 't> {
    /// Reads everything before it gives up on anything, so that all faults are found.
    fn description(mut self, mut root: Table<'t>) -> Option<Description> {
        let name = root.required("name", self.faults).and_then(|item| item.words(self.faults));
        let title = root.required("title", self.faults).and_then(|item| item.words(self.faults));
        let notes = self.notes(&mut root);
        let faults_before = self.faults.count();
        let operands = root.required("operands", self.faults).and_then(|item| self.operands(item));
        // Where the operands have a fault, the pairs that other tables need are unknown, and not asked for.
        let sound = self.faults.count() == faults_before;
        let precisions = operands.as_ref().filter(|_| sound).map(|(precisions, _)| precisions);
        let speedup = root.optional("speedup", self.faults).map(|item| self.speedup(item, precisions));
        let mac_pj = root.optional("energy", self.faults).map(|item| self.energy(item, precisions));
        let memories = root.optional("memory", self.faults).map_or_else(Vec::new, |item| self.memories(item));
        let clock = root.optional("clock", self.faults).map(|item| self.clock(item));
        root.close(self.faults);
        let (precisions, operands) = operands?;
        Some(Description {
            name: name?,
            title: title?,
            notes,
            precisions,
            operands,
            // A section that is there but not read has left a fault.
            speedup: speedup.flatten(),
            mac_pj: mac_pj.flatten(),
            memories,
            clock: clock.flatten(),
            sources: self.sources,
        })
    }

    fn notes(&mut self, root: &mut Table<'t>) -> Vec<String> {
        let notes = root.optional("notes", self.faults).and_then(|item| item.array(self.faults));
        notes.into_iter().flatten().filter_map(|item| item.words(self.faults)).collect()
    }

    /// `bits` with `tied`, or `pairs`.
    fn operands(&mut self, item: Item<'t>) -> Option<(BTreeSet<Precision>, Provenance)> {
        let mut table = item.table(self.faults)?;
        let provenance = self.provenance(&mut table);
        let bits = table.optional("bits", self.faults);
        let pairs = table.optional("pairs", self.faults);
        let tied = table.optional("tied", self.faults);
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
                let items = pairs.array(self.faults)?;
                items.into_iter().filter_map(|item| self.pair(item)).collect()
            }
            _ => {
                self.faults.value(&place, "either `bits` or `pairs`", "both or neither".to_owned());
                return None;
            }
        };
        if precisions.is_empty() {
            self.faults.value(&place, "at least one precision", "none".to_owned());
        }
        Some((precisions, provenance))
    }

    fn widths(&mut self, item: Item<'t>) -> Option<BTreeSet<Bits>> {
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

    fn pair(&mut self, item: Item<'t>) -> Option<Precision> {
        let place = item.place.clone();
        let name = item.string(self.faults)?;
        self.precision(&name, &place)
    }

    /// `law` with `cap`, or `pairs`.
    fn speedup(&mut self, item: Item<'t>, precisions: Option<&BTreeSet<Precision>>) -> Option<Speedup> {
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

    fn energy(
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

    /// One number for every precision of the hardware, and for no other.
    fn per_pair(
        &mut self,
        item: Item<'t>,
        provenance: &Provenance,
        precisions: &BTreeSet<Precision>,
        domain: Domain,
    ) -> Option<BTreeMap<Precision, Quantity>> {
        let table = item.table(self.faults)?;
        let places: Vec<(Precision, Place)> = precisions.iter().map(|p| (*p, table.inner(&p.to_string()))).collect();
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
        for (precision, place) in places {
            if !read.contains(&precision) {
                self.faults.add(&place, Problem::MissingKey);
            }
        }
        Some(pairs)
    }

    /// Every `[[memory]]`; what is held lies in one memory only.
    fn memories(&mut self, item: Item<'t>) -> Vec<Memory> {
        let items = item.array(self.faults).unwrap_or_default();
        let memories: Vec<Memory> = items.into_iter().filter_map(|item| self.memory(item)).collect();
        for (i, memory) in memories.iter().enumerate() {
            for earlier in &memories[..i] {
                if memory.name == earlier.name {
                    self.faults.value(&memory.place, "a name of its own", format!("a second `{}`", memory.name));
                }
                if memory.weights && earlier.weights || memory.vectors && earlier.vectors {
                    let got = format!("what `{}` holds already", earlier.name);
                    self.faults.value(&memory.place, "weights and vectors in one memory each", got);
                }
            }
        }
        memories
    }

    fn memory(&mut self, item: Item<'t>) -> Option<Memory> {
        let mut table = item.table(self.faults)?;
        let provenance = self.provenance(&mut table);
        let name = table.required("name", self.faults).and_then(|item| item.words(self.faults));
        let holds = table.required("holds", self.faults).and_then(|item| self.holds(item));
        let bytes = table.optional("bytes", self.faults).map(|item| self.quantity(item, &provenance, Domain::Count));
        let load = table.optional("load_pj_per_bit", self.faults);
        let load = load.map(|item| self.quantity(item, &provenance, Domain::ZeroOrMore));
        let place = table.place.clone();
        table.close(self.faults);
        let (weights, vectors) = holds?;
        Some(Memory { name: name?, place, weights, vectors, bytes: bytes.flatten(), load_pj_per_bit: load.flatten() })
    }

    /// Whether weights and whether vectors are in the list.
    fn holds(&mut self, item: Item<'t>) -> Option<(bool, bool)> {
        let (mut weights, mut vectors) = (false, false);
        for item in item.array(self.faults)? {
            let place = item.place.clone();
            match item.string(self.faults)?.as_str() {
                "weights" => weights = true,
                "vectors" => vectors = true,
                other => self.faults.value(&place, "\"weights\" or \"vectors\"", format!("{other:?}")),
            }
        }
        Some((weights, vectors))
    }

    fn clock(&mut self, item: Item<'t>) -> Option<Clock> {
        let mut table = item.table(self.faults)?;
        let provenance = self.provenance(&mut table);
        let hz = table.required("hz", self.faults);
        let hz = hz.and_then(|item| self.quantity(item, &provenance, Domain::AboveZero));
        let macs = table.required("macs_per_cycle", self.faults);
        let macs = macs.and_then(|item| self.quantity(item, &provenance, Domain::AboveZero));
        table.close(self.faults);
        Some(Clock { hz: hz?, macs_per_cycle: macs? })
    }

    /// A number, alone or as `{ value, source, estimate }`.
    fn quantity(&mut self, item: Item<'t>, table: &Provenance, domain: Domain) -> Option<Quantity> {
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

    /// `source` and `estimate` of a table.
    fn provenance(&mut self, table: &mut Table<'t>) -> Provenance {
        let source = table.optional("source", self.faults).and_then(|item| self.source(item));
        let estimate = table.optional("estimate", self.faults).and_then(|item| item.boolean(self.faults));
        Provenance { place: table.place.clone(), source, estimate: estimate.unwrap_or(false) }
    }

    fn source(&mut self, item: Item<'t>) -> Option<String> {
        let place = item.place.clone();
        let name = item.words(self.faults)?;
        if !self.sources.contains_key(&name) {
            let nearest = nearest(&name, self.sources.keys().map(String::as_str)).map(str::to_owned);
            self.faults.add(&place, Problem::UnknownSource { name: name.clone(), nearest });
        }
        Some(name)
    }

    fn precision(&mut self, name: &str, place: &Place) -> Option<Precision> {
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

pub(super) fn parse_precision(name: &str) -> Option<Precision> {
    let (weight, activation) = name.split_once('x')?;
    let bits = |digits: &str| Bits::ALL.into_iter().find(|bits| bits.count().to_string() == digits);
    Some(Precision::new(bits(weight)?, bits(activation)?))
}
