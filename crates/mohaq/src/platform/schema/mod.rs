//! The platform file, schema 1: what it says, resolved and checked, and where each number comes from.
//!
//! A number is written alone, and then has the `source` (and `estimate`) of its table, or as
//! `{ value = 0.08, source = "paper", estimate = true }`. Sources are keys of `[sources]`. A missing source is no fault
//! here, as a file that is being written should run; [`check`](super::check) insists on it.

mod memory;
mod number;
pub(super) mod operands;
mod price;

use super::description::Description;
use super::document::{Faults, Place, Table};
use super::error::Fault;
use std::collections::BTreeMap;

/// The schema that this version of the program reads.
pub(super) const SCHEMA: i64 = 1;

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
}
