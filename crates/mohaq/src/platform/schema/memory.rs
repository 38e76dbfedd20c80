//! `[[memory]]`: the levels, and what each holds.

use super::number::Domain;
use super::{Kind, Loader, Schema};
use crate::platform::description::{Bandwidth, Memory, Per, Provenance, Quantity};
use crate::platform::document::{Item, Table};

impl<'t> Loader<'_, 't> {
    /// Every `[[memory]]`; what is held lies in one memory only.
    pub(super) fn memories(&mut self, item: Item<'t>) -> Vec<Memory> {
        let items = item.array(self.faults).unwrap_or_default();
        let memories: Vec<Memory> = items.into_iter().filter_map(|item| self.memory(item)).collect();
        for (i, memory) in memories.iter().enumerate() {
            for earlier in &memories[..i] {
                if memory.name == earlier.name {
                    self.faults.value(&memory.place, "a name of its own", format!("a second `{}`", memory.name));
                }
                let held = |of: fn(&Memory) -> bool| of(memory) && of(earlier);
                if held(|memory| memory.weights) || held(|memory| memory.vectors) || held(|memory| memory.activations) {
                    let got = format!("what `{}` holds already", earlier.name);
                    let expected = match self.schema {
                        Schema::One => "weights and vectors in one memory each",
                        Schema::Two => "weights, vectors and activations in one memory each",
                    };
                    self.faults.value(&memory.place, expected, got);
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
        let bytes = self.optional(&mut table, "bytes", &provenance, Domain::Count);
        let load = self.load(&mut table, &provenance);
        let (store, bandwidth) = self.traffic(&mut table, &provenance);
        let place = table.place.clone();
        table.close(self.faults);
        let [weights, vectors, activations] = holds?;
        let name = name?;
        Some(Memory {
            name,
            place,
            weights,
            vectors,
            activations,
            bytes,
            load_pj_per_bit: load,
            store_pj_per_bit: store,
            bandwidth,
        })
    }

    /// The energy of reading; what was measured has it already.
    fn load(&mut self, table: &mut Table<'t>, provenance: &Provenance) -> Option<Quantity> {
        if self.kind == Kind::Lut {
            self.foreign(table, &["load_pj_per_bit"]);
            return None;
        }
        self.optional(table, "load_pj_per_bit", provenance, Domain::ZeroOrMore)
    }

    /// What only a model with traffic asks of a memory: energy of writing, and bandwidth.
    fn traffic(&mut self, table: &mut Table<'t>, provenance: &Provenance) -> (Option<Quantity>, Option<Bandwidth>) {
        if self.kind != Kind::Roofline {
            self.foreign(table, &["store_pj_per_bit", "bytes_per_cycle", "bytes_per_s", "overlapped"]);
            return (None, None);
        }
        let store = self.optional(table, "store_pj_per_bit", provenance, Domain::ZeroOrMore);
        let cycle = table.optional("bytes_per_cycle", self.faults);
        let second = table.optional("bytes_per_s", self.faults);
        if let (Some(_), Some(second)) = (&cycle, &second) {
            self.faults.value(&second.place, "no such key beside `bytes_per_cycle`", "one".to_owned());
        }
        let Some((item, per)) = cycle.map(|item| (item, Per::Cycle)).or(second.map(|item| (item, Per::Second))) else {
            if let Some(overlapped) = table.optional("overlapped", self.faults) {
                self.faults.value(&overlapped.place, "no such key without a bandwidth", "one".to_owned());
            }
            return (store, None);
        };
        let bytes = self.quantity(item, provenance, Domain::AboveZero);
        let overlapped = table.required("overlapped", self.faults).and_then(|item| item.boolean(self.faults));
        let bandwidth = bytes.zip(overlapped).map(|(bytes, overlapped)| Bandwidth { bytes, per, overlapped });
        (store, bandwidth)
    }

    /// Whether weights, vectors and activations are in the list; schema 1 knows of the first two.
    fn holds(&mut self, item: Item<'t>) -> Option<[bool; 3]> {
        let expected = match self.schema {
            Schema::One => "\"weights\" or \"vectors\"",
            Schema::Two => "\"weights\", \"vectors\" or \"activations\"",
        };
        let mut held = [false; 3];
        for item in item.array(self.faults)? {
            let place = item.place.clone();
            match item.string(self.faults)?.as_str() {
                "weights" => held[0] = true,
                "vectors" => held[1] = true,
                "activations" if self.schema == Schema::Two => held[2] = true,
                other => self.faults.value(&place, expected, format!("{other:?}")),
            }
        }
        Some(held)
    }
}
