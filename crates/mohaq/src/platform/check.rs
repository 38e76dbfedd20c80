//! What is missing from a platform file, or hard to believe in it.
//!
//! A file that loads can still be of little worth: a number without a source cannot be trusted, one that is off by a
//! thousand spoils every result. [`check`] looks for what people get wrong. It does not judge whether a number is true.

use super::builtin;
use super::cost::REFERENCE;
use super::description::{Compute, Description, Law, Lut, Memory, Model, Provenance, Quantity, Speedup};
use super::error::{Fault, PlatformError};
use super::report::numbers;
use crate::quant::Precision;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Hard to believe, or of no use: look again.
    Warning,
    /// The file is refused, or its results cannot be trusted.
    Error,
}

/// One remark on a platform file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Line in the file, from 1.
    pub line: usize,
    /// Path of the key, empty for the file.
    pub key: String,
    /// What is remarkable.
    pub message: String,
}

impl fmt::Display for Finding {
    /// ``warning: line 12: `speedup.4x4`: …``
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}: line {}: ", self.line)?;
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything remarkable in the platform file at `path`, in the order of lines; nothing for a good file.
///
/// # Errors
/// [`PlatformError::Read`] if the file cannot be read.
pub fn check(path: &Path) -> Result<Vec<Finding>, PlatformError> {
    Ok(check_text(&builtin::read(path)?))
}

/// [`check`] for a file's text.
pub fn check_text(text: &str) -> Vec<Finding> {
    match Description::parse(text) {
        Ok(description) => findings(&description),
        Err(faults) => faults.into_iter().map(refused).collect(),
    }
}

fn refused(fault: Fault) -> Finding {
    let hint = fault.hint().map_or_else(String::new, |hint| format!(" ({hint})"));
    Finding { severity: Severity::Error, line: fault.line, message: format!("{}{hint}", fault.problem), key: fault.key }
}

/// Remarks on a description that has no faults.
pub(super) fn findings(description: &Description) -> Vec<Finding> {
    let mut remarks = Remarks(Vec::new());
    sources(description, &mut remarks);
    match &description.model {
        Model::Ideal { speedup: Some(speedup), .. } => speedups(speedup, &mut remarks),
        Model::Ideal { speedup: None, clock: Some(clock) } => {
            remarks.warn("clock", &clock.hz.provenance, "is of no use without [speedup]".to_owned());
        }
        Model::Ideal { speedup: None, clock: None } => {}
        Model::Roofline(compute) => throughput(compute, &mut remarks),
        Model::Systolic(array) => clock("array.hz", &array.hz, &mut remarks),
        Model::Lut(lut) => measured(lut, &mut remarks),
    }
    energies(description, &mut remarks);
    memories(description, &mut remarks);
    remarks.0.sort_by_key(|finding| finding.line);
    remarks.0
}

struct Remarks(Vec<Finding>);

impl Remarks {
    fn warn(&mut self, key: &str, at: &Provenance, message: String) {
        self.push(Severity::Warning, key, at.place.line, message);
    }

    fn push(&mut self, severity: Severity, key: &str, line: usize, message: String) {
        self.0.push(Finding { severity, line, key: key.to_owned(), message });
    }
}

fn sources(description: &Description, remarks: &mut Remarks) {
    let numbers = numbers(description);
    let stated = numbers.iter().map(|number| (number.key.as_str(), number.provenance));
    let mut cited = BTreeSet::new();
    for (key, provenance) in stated.chain([("operands", &description.operands)]) {
        match &provenance.source {
            Some(source) => {
                cited.insert(source);
            }
            None => remarks.push(Severity::Error, key, provenance.place.line, "has no source".to_owned()),
        }
    }
    for (name, (_, place)) in &description.sources {
        if !cited.contains(name) {
            remarks.push(Severity::Warning, &place.key, place.line, "is cited by no number".to_owned());
        }
    }
}

fn speedups(speedup: &Speedup, remarks: &mut Remarks) {
    for (precision, quantity) in &speedup.pairs {
        let key = format!("speedup.{precision}");
        let value = quantity.value;
        if *precision == REFERENCE && value != 1.0 {
            let message = format!("is {value}, expected 1: speedups are over {REFERENCE}");
            remarks.push(Severity::Error, &key, quantity.provenance.place.line, message);
        }
        let most = Law::Product.speedup(*precision);
        if value > most {
            let message = format!("is {value}, more than {most}, the ratio of the products of bits");
            remarks.warn(&key, &quantity.provenance, message);
        }
    }
    for (narrow, wide) in out_of_order(&speedup.pairs, |narrow, wide| narrow < wide) {
        let message = format!("is slower than {wide}, which has more bits");
        remarks.warn(&format!("speedup.{narrow}"), &speedup.pairs[&narrow].provenance, message);
    }
}

fn clock(key: &str, hz: &Quantity, remarks: &mut Remarks) {
    /// Slower than any processor that multiplies, and faster than any: likely MHz or GHz.
    const CLOCKS_HZ: std::ops::RangeInclusive<f64> = 1e4..=1e10;
    if !CLOCKS_HZ.contains(&hz.value) {
        remarks.warn(key, &hz.provenance, format!("is {} Hz: is the unit right?", hz.value));
    }
}

fn throughput(compute: &Compute, remarks: &mut Remarks) {
    clock("compute.hz", &compute.hz, remarks);
    // What a law says is as it should be, unpacking included.
    if !compute.law.is_empty() {
        return;
    }
    for (narrow, wide) in out_of_order(&compute.rates, |narrow, wide| narrow < wide) {
        let message = format!("is slower than {wide}, which has more bits");
        remarks.warn(&format!("compute.macs_per_cycle.{narrow}"), &compute.rates[&narrow].provenance, message);
    }
}

/// What a table should have, and what hardware hardly does.
fn measured(lut: &Lut, remarks: &mut Remarks) {
    /// More than any embedded processor multiplies in a ns, at any precision. Seems reasonable: likely µs or ms.
    const FASTEST_MACS_PER_NS: f64 = 1e4;
    let Some(first) = lut.products.first().and_then(|product| product.ns.values().next()) else { return };
    if lut.elementwise_ns.is_none() {
        let message = "is not given: elementwise operations take no time".to_owned();
        remarks.push(Severity::Warning, "lut.elementwise_ns", first.provenance.place.line, message);
    }
    for product in &lut.products {
        let key = |precision| format!("lut.{}-{}.ns.{precision}", product.inputs, product.outputs);
        for (precision, quantity) in &product.ns {
            let least = product.area() / FASTEST_MACS_PER_NS;
            if quantity.value < least {
                let message = format!("is {} ns, less than any processor takes: is the unit right?", quantity.value);
                remarks.warn(&key(*precision), &quantity.provenance, message);
            }
        }
        for (narrow, wide) in out_of_order(&product.ns, |narrow, wide| narrow > 1.5 * wide) {
            let message = format!("takes half as long again as {wide}, which has more bits");
            remarks.warn(&key(narrow), &product.ns[&narrow].provenance, message);
        }
    }
}

fn energies(description: &Description, remarks: &mut Remarks) {
    /// Thirty times a 32 bit integer multiplication at 45 nm, 3.1 pJ (Horowitz, ISSCC 2014): likely nJ, or another unit.
    const LARGEST_MAC_PJ: f64 = 100.0;
    /// More than an embedded board is cooled for. Seems reasonable: likely mW.
    const LARGEST_STATIC_W: f64 = 100.0;
    if let Some(watt) = description.energy.as_ref().and_then(|energy| energy.static_w.as_ref())
        && watt.value > LARGEST_STATIC_W
    {
        let message = format!("is {} W, more than {LARGEST_STATIC_W}: is the unit right?", watt.value);
        remarks.warn("energy.static_w", &watt.provenance, message);
    }
    let Some(pairs) = description.mac_pj() else { return };
    for (precision, quantity) in pairs {
        let key = format!("energy.mac_pj.{precision}");
        not_zero(&key, quantity, remarks);
        if quantity.value > LARGEST_MAC_PJ {
            let message = format!("is {} pJ, more than {LARGEST_MAC_PJ}: is the unit right?", quantity.value);
            remarks.warn(&key, &quantity.provenance, message);
        }
    }
    for (narrow, wide) in out_of_order(pairs, |narrow, wide| narrow > wide) {
        let message = format!("takes more energy than {wide}, which has more bits");
        remarks.warn(&format!("energy.mac_pj.{narrow}"), &pairs[&narrow].provenance, message);
    }
    let read =
        [(holds_weights as fn(&_) -> bool, "weights"), (holds_vectors, "vectors"), (holds_activations, "activations")];
    let kinds = if moves_activations(description) { 3 } else { 2 };
    for (holds, what) in &read[..kinds] {
        let memory = description.memories.iter().find(|memory| holds(memory));
        if memory.is_none_or(|memory| memory.load_pj_per_bit.is_none()) {
            let line = pairs.values().map(|quantity| quantity.provenance.place.line).min().unwrap_or(1);
            let message = format!("is of no use while no memory holds {what} with a `load_pj_per_bit`");
            remarks.push(Severity::Warning, "energy", line, message);
        }
    }
}

fn memories(description: &Description, remarks: &mut Remarks) {
    /// A DRAM access at 45 nm, 2600 pJ for 64 bit (Horowitz, ISSCC 2014), rounded up.
    const LARGEST_LOAD_PJ_PER_BIT: f64 = 41.0;
    for memory in &description.memories {
        let key = |of: &str| format!("memory.{}.{of}", memory.name);
        if !(memory.weights || memory.vectors || memory.activations) {
            remarks.push(Severity::Warning, &key("holds"), memory.place.line, "holds nothing".to_owned());
        }
        let moved = [("load_pj_per_bit", &memory.load_pj_per_bit), ("store_pj_per_bit", &memory.store_pj_per_bit)];
        for (of, energy) in moved.into_iter().filter_map(|(of, energy)| Some((of, energy.as_ref()?))) {
            not_zero(&key(of), energy, remarks);
            if energy.value > LARGEST_LOAD_PJ_PER_BIT {
                let message = format!("is {} pJ a bit, more than DRAM: is the unit right?", energy.value);
                remarks.warn(&key(of), &energy.provenance, message);
            }
        }
    }
    let Some(first) = description.memories.first() else { return };
    let mut missing = |holds: fn(&Memory) -> bool, message: &str| {
        if !description.memories.iter().any(holds) {
            remarks.push(Severity::Warning, "memory", first.place.line, message.to_owned());
        }
    };
    missing(holds_weights, "no memory holds weights");
    if moves_activations(description) {
        missing(holds_activations, "no memory holds activations");
    }
}

fn not_zero(key: &str, quantity: &Quantity, remarks: &mut Remarks) {
    if quantity.value == 0.0 {
        remarks.push(Severity::Error, key, quantity.provenance.place.line, "is zero: nothing is free".to_owned());
    }
}

fn holds_weights(memory: &Memory) -> bool {
    memory.weights
}

fn holds_vectors(memory: &Memory) -> bool {
    memory.vectors
}

fn holds_activations(memory: &Memory) -> bool {
    memory.activations
}

/// Whether the model counts the traffic of activations.
fn moves_activations(description: &Description) -> bool {
    matches!(description.model, Model::Roofline(_))
}

/// Pairs of precisions of which the first has no more bits in either operand, and whose numbers are `wrong`.
fn out_of_order(
    pairs: &BTreeMap<Precision, Quantity>,
    wrong: fn(f64, f64) -> bool,
) -> impl Iterator<Item = (Precision, Precision)> {
    pairs.iter().flat_map(move |(narrow, narrow_quantity)| {
        let wider = pairs.iter().filter(move |(wide, _)| {
            narrow.weight <= wide.weight && narrow.activation <= wide.activation && narrow != *wide
        });
        wider
            .filter(move |(_, wide_quantity)| wrong(narrow_quantity.value, wide_quantity.value))
            .map(move |(wide, _)| (*narrow, *wide))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file without a remark; lines are counted below.
    const GOOD: &str = r#"schema = 1
name = "board"
title = "A board"
[sources]
sheet = "data sheet"
[operands]
bits = [4, 8, 16]
tied = true
source = "sheet"
[speedup]
pairs = { 4x4 = 4, 8x8 = 2, 16x16 = 1 }
source = "sheet"
[energy]
mac_pj = { 4x4 = 0.1, 8x8 = 0.5, 16x16 = 1.5 }
source = "sheet"
[[memory]]
name = "sram"
holds = ["weights", "vectors"]
bytes = 1_048_576
load_pj_per_bit = 0.08
source = "sheet"
"#;

    fn remarks(old: &str, new: &str) -> Vec<String> {
        assert!(GOOD.contains(old), "{old:?} is not in the good file");
        check_text(&GOOD.replacen(old, new, 1)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_good_file_has_no_remarks() {
        assert_eq!(check_text(GOOD), []);
    }

    #[test]
    fn the_examples_of_the_book_have_no_remarks() {
        let page = include_str!("../../../../book/src/platforms.md");
        let examples: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert_eq!(examples.len(), 2, "an ideal platform and a roofline");
        for example in examples {
            assert_eq!(check_text(example), []);
        }
    }

    #[test]
    fn a_number_without_a_source_is_an_error() {
        let found = remarks("0.08\nsource = \"sheet\"", "0.08");
        let expected = [
            "error: line 19: `memory.sram.bytes`: has no source",
            "error: line 20: `memory.sram.load_pj_per_bit`: has no source",
        ];
        assert_eq!(found, expected);
        assert_eq!(
            remarks("tied = true\nsource = \"sheet\"", "tied = true"),
            ["error: line 6: `operands`: has no source"]
        );
        assert_eq!(
            remarks("\"data sheet\"", "\"data sheet\"\nother = \"a blog\""),
            ["warning: line 6: `sources.other`: is cited by no number"]
        );
    }

    #[test]
    fn implausible_speedups_are_remarked() {
        let found = remarks("4x4 = 4,", "4x4 = 1.5,");
        assert_eq!(found, ["warning: line 11: `speedup.4x4`: is slower than 8x8, which has more bits"]);
        let found = remarks("4x4 = 4,", "4x4 = 17,");
        assert_eq!(found, ["warning: line 11: `speedup.4x4`: is 17, more than 16, the ratio of the products of bits"]);
        let found = remarks("16x16 = 1 }", "16x16 = 0.5 }");
        assert_eq!(found, ["error: line 11: `speedup.16x16`: is 0.5, expected 1: speedups are over 16x16"]);
    }

    #[test]
    fn implausible_energies_are_remarked() {
        assert_eq!(remarks("4x4 = 0.1", "4x4 = 0"), ["error: line 14: `energy.mac_pj.4x4`: is zero: nothing is free"]);
        let found = remarks("4x4 = 0.1", "4x4 = 0.6");
        assert_eq!(found, ["warning: line 14: `energy.mac_pj.4x4`: takes more energy than 8x8, which has more bits"]);
        let found = remarks("16x16 = 1.5", "16x16 = 1500");
        assert_eq!(found, ["warning: line 14: `energy.mac_pj.16x16`: is 1500 pJ, more than 100: is the unit right?"]);
    }

    #[test]
    fn implausible_memories_are_remarked() {
        let found = remarks("load_pj_per_bit = 0.08", "load_pj_per_bit = 80");
        let expected =
            "warning: line 20: `memory.sram.load_pj_per_bit`: is 80 pJ a bit, more than DRAM: is the unit right?";
        assert_eq!(found, [expected]);
        let found = remarks("load_pj_per_bit = 0.08", "load_pj_per_bit = 0");
        assert_eq!(found, ["error: line 20: `memory.sram.load_pj_per_bit`: is zero: nothing is free"]);
        let found = remarks("bytes = 1_048_576", "bytes = 0");
        assert_eq!(found, ["error: line 19: `memory[0].bytes`: is 0, expected a whole number above zero"]);
        let found = remarks("[\"weights\", \"vectors\"]", "[]");
        let expected = [
            "warning: line 14: `energy`: is of no use while no memory holds weights with a `load_pj_per_bit`",
            "warning: line 14: `energy`: is of no use while no memory holds vectors with a `load_pj_per_bit`",
            "warning: line 16: `memory.sram.holds`: holds nothing",
            "warning: line 16: `memory`: no memory holds weights",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_clock_without_speedups_is_remarked() {
        let speedup = "[speedup]\npairs = { 4x4 = 4, 8x8 = 2, 16x16 = 1 }";
        let found = remarks(speedup, "[clock]\nhz = 1e6\nmacs_per_cycle = 1");
        assert_eq!(found, ["warning: line 11: `clock`: is of no use without [speedup]"]);
    }

    #[test]
    fn a_file_that_is_refused_is_remarked_on_with_a_hint() {
        assert_eq!(remarks("tied", "teid"), ["error: line 8: `operands.teid`: unknown key (did you mean `tied`?)"]);
    }
}
