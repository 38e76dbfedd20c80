//! `[[memory]]`: the levels, and what each holds.

use super::Loader;
use super::number::Domain;
use crate::platform::description::Memory;
use crate::platform::document::Item;

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
}
