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

fn parse_precision(name: &str) -> Option<Precision> {
    let (weight, activation) = name.split_once('x')?;
    let bits = |digits: &str| Bits::ALL.into_iter().find(|bits| bits.count().to_string() == digits);
    Some(Precision::new(bits(weight)?, bits(activation)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"schema = 1
name = "board"
title = "A board"
[sources]
sheet = "data sheet"
[operands]
bits = [4, 8]
tied = true
source = "sheet"
[speedup]
pairs = { 4x4 = 4, 8x8 = { value = 2, estimate = true } }
source = "sheet"
[energy]
mac_pj = { 4x4 = 0.1, 8x8 = 0.5 }
[[memory]]
name = "sram"
holds = ["weights", "vectors"]
bytes = 0x10_0000
load_pj_per_bit = 8e-2
"#;

    /// The faults of `GOOD` with `old` replaced by `new`, as a user reads them, hints included.
    fn faults(old: &str, new: &str) -> Vec<String> {
        assert!(GOOD.contains(old), "{old:?} is not in the good file");
        let read = |fault: &Fault| match fault.hint() {
            Some(hint) => format!("{fault}; {hint}"),
            None => fault.to_string(),
        };
        let faults = Description::parse(&GOOD.replacen(old, new, 1)).expect_err("a bad file");
        faults.iter().map(read).collect()
    }

    #[test]
    fn a_good_file_says_what_it_says() {
        let description = Description::parse(GOOD).expect("a good file");
        let precisions: Vec<String> = description.precisions.iter().map(ToString::to_string).collect();
        assert_eq!(precisions, ["4x4", "8x8"]);
        let memory = &description.memories[0];
        assert_eq!(memory.bytes.as_ref().map(|bytes| bytes.value), Some(1_048_576.0));
        assert_eq!(memory.load_pj_per_bit.as_ref().map(|load| load.value), Some(0.08));
        let speedup = &description.speedup.as_ref().expect("given").pairs;
        let eight = &speedup[&Precision::new(Bits::Eight, Bits::Eight)];
        assert_eq!((eight.value, eight.provenance.estimate), (2.0, true));
        assert_eq!(eight.provenance.source.as_deref(), Some("sheet"), "the table's source");
        assert_eq!(eight.provenance.place, Place { line: 11, key: "speedup.pairs.8x8".to_owned() });
        let four = &description.mac_pj.as_ref().expect("given")[&Precision::new(Bits::Four, Bits::Four)];
        assert_eq!(four.provenance.source, None);
    }

    #[test]
    fn an_unknown_key_has_its_line_and_the_nearest_known_one() {
        let bad = faults("load_pj_per_bit = 8e-2", "load_pj_bit = 8e-2");
        assert_eq!(bad, ["line 19: `memory[0].load_pj_bit`: unknown key; did you mean `load_pj_per_bit`?"]);
        assert_eq!(faults("[energy]", "[enrgy]"), ["line 13: `enrgy`: unknown key; did you mean `energy`?"]);
        assert_eq!(faults("tied = true", "colour = 1"), ["line 8: `operands.colour`: unknown key"]);
        let bad = faults("estimate = true", "estimated = true");
        assert_eq!(bad, ["line 11: `speedup.pairs.8x8.estimated`: unknown key; did you mean `estimate`?"]);
    }

    #[test]
    fn a_missing_key_is_named_with_its_table() {
        assert_eq!(faults("title = \"A board\"\n", ""), ["line 1: `title`: missing key"]);
        assert_eq!(faults("mac_pj", "# mac_pj"), ["line 13: `energy.mac_pj`: missing key"]);
        assert_eq!(faults("4x4 = 4, ", ""), ["line 11: `speedup.pairs.4x4`: missing key"]);
        assert_eq!(faults("value = 2, ", ""), ["line 11: `speedup.pairs.8x8.value`: missing key"]);
        assert_eq!(faults("holds", "# holds"), ["line 15: `memory[0].holds`: missing key"]);
    }

    #[test]
    fn a_value_out_of_range_has_expected_and_got() {
        assert_eq!(faults("[4, 8]", "[4, 8, 3]"), ["line 7: `operands.bits[2]`: is 3, expected 2, 4, 8 or 16"]);
        assert_eq!(
            faults("4x4 = 4,", "4x4 = 0,"),
            ["line 11: `speedup.pairs.4x4`: is 0, expected a number above zero"]
        );
        assert_eq!(
            faults("4x4 = 0.1", "4x4 = -0.1"),
            ["line 14: `energy.mac_pj.4x4`: is -0.1, expected zero or a number above"]
        );
        assert_eq!(faults("8e-2", "nan"), ["line 19: `memory[0].load_pj_per_bit`: is nan, expected a finite number"]);
        assert_eq!(
            faults("0x10_0000", "1.5"),
            ["line 18: `memory[0].bytes`: is 1.5, expected a whole number above zero"]
        );
        assert_eq!(
            faults("0x10_0000", "\"1 MiB\""),
            ["line 18: `memory[0].bytes`: is \"1 MiB\", expected a finite number"]
        );
        assert_eq!(faults("name = \"board\"", "name = ' '"), ["line 2: `name`: is an empty string, expected words"]);
    }

    #[test]
    fn pairs_must_be_those_of_the_operands() {
        assert_eq!(
            faults("4x4 = 4,", "4x4 = 4, 4x8 = 3,"),
            ["line 11: `speedup.pairs.4x8`: is 4x8, expected a precision of [operands], 4x4, 8x8"]
        );
        let bad = faults("4x4 = 0.1", "4x4 = 0.1, 4by8 = 3");
        let expected = "is \"4by8\", expected weight x activation bits of 2, 4, 8 or 16, such as 4x8";
        assert_eq!(bad, [format!("line 14: `energy.mac_pj.4by8`: {expected}")]);
        for name in ["8x", "x8", "08x8", "8x8x8", "8X8", "3x8", "+8x8"] {
            assert_eq!(parse_precision(name), None, "{name}");
        }
    }

    #[test]
    fn alternatives_exclude_each_other() {
        let both = faults("tied = true", "pairs = [\"4x4\"]");
        assert_eq!(both, ["line 6: `operands`: is both or neither, expected either `bits` or `pairs`"]);
        let neither = faults("bits = [4, 8]\ntied = true", "");
        assert_eq!(neither, ["line 6: `operands`: is both or neither, expected either `bits` or `pairs`"]);
        let law = faults("[speedup]", "[speedup]\nlaw = 'linear'");
        assert_eq!(law, ["line 10: `speedup`: is both or neither, expected either `law` or `pairs`"]);
        assert_eq!(
            faults("[4, 8]", "[]").first().map(String::as_str),
            Some("line 6: `operands`: is none, expected at least one precision")
        );
    }

    #[test]
    fn what_is_held_lies_in_one_memory() {
        let second = "[[memory]]\nname = \"sram\"\nholds = [\"vectors\"]\n[[memory]]\nname = \"sram\"\nholds = [\"weights\", \"vectors\"]";
        let bad = faults("[[memory]]\nname = \"sram\"\nholds = [\"weights\", \"vectors\"]", second);
        assert_eq!(
            bad,
            [
                "line 18: `memory[1]`: is a second `sram`, expected a name of its own",
                "line 18: `memory[1]`: is what `sram` holds already, expected weights and vectors in one memory each",
            ]
        );
        let bad = faults("\"vectors\"]", "\"activations\"]");
        assert_eq!(bad, ["line 17: `memory[0].holds[1]`: is \"activations\", expected \"weights\" or \"vectors\""]);
    }

    #[test]
    fn a_source_must_be_listed() {
        let bad = faults("source = \"sheet\"", "source = \"shet\"");
        assert_eq!(bad, ["line 9: `operands.source`: source `shet` is not in [sources]; did you mean `sheet`?"]);
    }

    #[test]
    fn another_schema_is_the_only_fault_reported() {
        assert_eq!(faults("schema = 1", "schema = 2\ncolour = 1"), ["line 1: `schema`: is 2, expected 1"]);
        assert_eq!(faults("schema = 1", ""), ["line 1: `schema`: missing key"]);
    }

    #[test]
    fn all_faults_are_found_at_once() {
        let bad = faults("[4, 8]\ntied = true", "[4, 8]\ntied = 1\ncolour = 2");
        assert_eq!(bad.len(), 2, "{bad:?}");
        let bad = faults("title = \"A board\"", "titel = \"A board\"\nnotes = 3");
        let expected = [
            "line 1: `title`: missing key",
            "line 3: `titel`: unknown key; did you mean `title`?",
            "line 4: `notes`: is 3, expected an array",
        ];
        assert_eq!(bad, expected);
    }

    #[test]
    fn what_is_not_toml_has_its_line() {
        let bad = faults("name = \"board\"", "name = board");
        assert!(bad.len() == 1 && bad[0].starts_with("line 2: "), "{bad:?}");
        let bad = faults("title = \"A board\"", "name = \"again\"");
        assert_eq!(bad, ["line 3: duplicate key"]);
    }

    #[test]
    fn a_cap_bounds_the_law() {
        let capped = GOOD.replacen(
            "pairs = { 4x4 = 4, 8x8 = { value = 2, estimate = true } }",
            "law = 'bit-product'\ncap = 10",
            1,
        );
        let speedup = Description::parse(&capped).expect("a good file").speedup.expect("given");
        let values: Vec<f64> = speedup.pairs.values().map(|quantity| quantity.value).collect();
        assert_eq!(values, [10.0, 4.0]);
        assert_eq!(
            faults("source = \"sheet\"\n[energy]", "cap = 2\n[energy]"),
            ["line 12: `speedup.cap`: is one, expected no such key beside `pairs`"]
        );
    }
}
