//! The platform file, schemas 1 and 2: what it says, resolved and checked, and where each number comes from.
//!
//! Schema 1 has the ideal model alone. Schema 2 names its model, has all that schema 1 has and the sections of its model.
//!
//! A number is written alone, and then has the `source` (and `estimate`) of its table, or as
//! `{ value = 0.08, source = "paper", estimate = true }`. Sources are keys of `[sources]`. A missing source is no fault
//! here, as a file that is being written should run; [`check`](super::check) insists on it.

mod array;
mod compute;
mod energy;
mod lut;
mod memory;
mod number;
pub(super) mod operands;
mod speedup;

use super::description::{Description, Model};
use super::document::{Faults, Place, Table};
use super::error::Fault;
use crate::quant::Precision;
use operands::Operands;
use std::collections::{BTreeMap, BTreeSet};

/// The schemas that this version of the program reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Schema {
    One,
    Two,
}

/// The models of schema 2, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ideal,
    Roofline,
    Systolic,
    Lut,
}

impl Description {
    /// Reads a platform file.
    ///
    /// # Errors
    /// Everything that the schema does not allow, in the order of lines.
    pub(super) fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        let (mut faults, mut root) = Faults::parse(text).map_err(|fault| vec![fault])?;
        let Some((schema, kind)) = schema(&mut root, &mut faults) else { return faults.finish(None) };
        let sources = sources(&mut root, &mut faults);
        let description = Loader { faults: &mut faults, sources, schema, kind }.description(root);
        faults.finish(description)
    }
}

/// A file of another schema or model has other keys, and none of their faults would mean anything.
fn schema<'t>(root: &mut Table<'t>, faults: &mut Faults<'t>) -> Option<(Schema, Kind)> {
    let item = root.required("schema", faults)?;
    let place = item.place.clone();
    let version = item.number(faults)?;
    match version {
        1.0 => Some((Schema::One, Kind::Ideal)),
        2.0 => Some((Schema::Two, kind(root, faults)?)),
        _ => {
            faults.value(&place, "1 or 2", version.to_string());
            None
        }
    }
}

fn kind<'t>(root: &mut Table<'t>, faults: &mut Faults<'t>) -> Option<Kind> {
    let item = root.required("model", faults)?;
    let place = item.place.clone();
    match item.string(faults)?.as_str() {
        "ideal" => Some(Kind::Ideal),
        "roofline" => Some(Kind::Roofline),
        "systolic" => Some(Kind::Systolic),
        "lut" => Some(Kind::Lut),
        other => {
            faults.value(&place, "\"ideal\", \"roofline\", \"systolic\" or \"lut\"", format!("{other:?}"));
            None
        }
    }
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
    schema: Schema,
    kind: Kind,
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
        let precisions = operands.as_ref().filter(|_| sound).map(|operands| &operands.precisions);
        let model = self.model(&mut root, precisions);
        let energy = root.optional("energy", self.faults).map(|item| self.energy(item, precisions));
        let memories = root.optional("memory", self.faults).map_or_else(Vec::new, |item| self.memories(item));
        root.close(self.faults);
        let Operands { precisions, provenance: operands, layers } = operands?;
        Some(Description {
            name: name?,
            title: title?,
            notes,
            precisions,
            operands,
            layers,
            model: model?,
            // A section that is there but not read has left a fault.
            energy: energy.flatten(),
            memories,
            sources: self.sources,
        })
    }

    /// The sections that only this model has.
    fn model(&mut self, root: &mut Table<'t>, precisions: Option<&BTreeSet<Precision>>) -> Option<Model> {
        match self.kind {
            Kind::Ideal => {
                let speedup = root.optional("speedup", self.faults).map(|item| self.speedup(item, precisions));
                let clock = root.optional("clock", self.faults).map(|item| self.clock(item));
                self.foreign(root, &["compute", "array", "buffers", "dram", "lut"]);
                Some(Model::Ideal { speedup: speedup.flatten(), clock: clock.flatten().map(Box::new) })
            }
            Kind::Roofline => {
                let compute = root.required("compute", self.faults).map(|item| self.compute(item, precisions));
                self.foreign(root, &["speedup", "clock", "array", "buffers", "dram", "lut"]);
                Some(Model::Roofline(Box::new(compute.flatten()?)))
            }
            Kind::Systolic => {
                let array = self.array(root, precisions);
                self.foreign(root, &["speedup", "clock", "compute", "energy", "lut"]);
                Some(Model::Systolic(Box::new(array?)))
            }
            Kind::Lut => {
                let lut = root.required("lut", self.faults).map(|item| self.lut(item, precisions));
                self.foreign(root, &["speedup", "clock", "compute", "energy", "array", "buffers", "dram"]);
                Some(Model::Lut(Box::new(lut.flatten()?)))
            }
        }
    }

    /// Refuses keys that another model has; to schema 1 they are unknown.
    fn foreign(&mut self, table: &mut Table<'t>, keys: &[&'static str]) {
        if self.schema == Schema::One {
            return;
        }
        let model = match self.kind {
            Kind::Ideal => "no such key with model \"ideal\"",
            Kind::Roofline => "no such key with model \"roofline\"",
            Kind::Systolic => "no such key with model \"systolic\"",
            Kind::Lut => "no such key with model \"lut\"",
        };
        for &key in keys {
            if let Some(item) = table.optional(key, self.faults) {
                self.faults.value(&item.place, model, "one".to_owned());
            }
        }
    }

    fn notes(&mut self, root: &mut Table<'t>) -> Vec<String> {
        let notes = root.optional("notes", self.faults).and_then(|item| item.array(self.faults));
        notes.into_iter().flatten().filter_map(|item| item.words(self.faults)).collect()
    }
}
