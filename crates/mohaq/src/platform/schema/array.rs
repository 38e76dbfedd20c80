//! `[array]`, `[buffers]` and `[dram]`: a systolic array and its memories.

use super::Loader;
use super::number::Domain;
use crate::platform::description::{Array, Buffer, Provenance, Quantity};
use crate::platform::document::{Item, Table};
use crate::quant::Precision;
use mohaq_rt::Bits;
use std::collections::BTreeSet;

impl<'t> Loader<'_, 't> {
    /// The three sections, and whether they make an array that can be.
    pub(super) fn array(&mut self, root: &mut Table<'t>, precisions: Option<&BTreeSet<Precision>>) -> Option<Array> {
        let sections = ["array", "buffers", "dram"].map(|key| root.required(key, self.faults));
        let place = sections[0].as_ref().map(|item| item.place.clone());
        let [array, buffers, dram] = sections;
        let buffers = buffers.and_then(|item| self.buffers(item));
        let dram = dram.and_then(|item| self.dram(item));
        let array = self.units(array?, buffers, dram)?;
        match array.systolic() {
            Err(error) => {
                self.faults.value(&place?, "an array that can be", format!("none: {error}"));
                return None;
            }
            Ok(systolic) => {
                let refused = precisions?.iter().find_map(|precision| systolic.product(1, 1, 1, *precision).err());
                if let Some(error) = refused {
                    self.faults.value(&place?, "an array that has the precisions of [operands]", error.to_string());
                    return None;
                }
            }
        }
        Some(array)
    }

    /// `[array]`, with what was read of its buffers, double or not, and of its memory.
    fn units(
        &mut self,
        item: Item<'t>,
        buffers: Option<(bool, Vec<Buffer>)>,
        dram: Option<[Quantity; 2]>,
    ) -> Option<Array> {
        let mut table = item.table(self.faults)?;
        let provenance = self.provenance(&mut table);
        let counts = ["rows", "columns", "partial_sum_bits"]
            .map(|key| self.required(&mut table, key, &provenance, Domain::Count));
        let widths = ["smallest_bits", "largest_bits"].map(|key| self.width(&mut table, key, &provenance));
        let hz = self.required(&mut table, "hz", &provenance, Domain::AboveZero);
        let core = self.required(&mut table, "core_pj_per_cycle", &provenance, Domain::ZeroOrMore);
        let elementwise = self.required(&mut table, "elementwise_per_cycle", &provenance, Domain::AboveZero);
        let elementwise_pj = self.optional(&mut table, "elementwise_pj", &provenance, Domain::ZeroOrMore);
        let resident = table.required("weights", self.faults).and_then(|item| self.resident(item));
        table.close(self.faults);
        let ([rows, columns, partial_sum_bits], [smallest_bits, largest_bits]) = (counts, widths);
        let ((double_buffered, buffers), [dram_bits_per_cycle, dram_pj_per_bit]) = (buffers?, dram?);
        Some(Array {
            hz: hz?,
            rows: rows?,
            columns: columns?,
            smallest_bits: smallest_bits?,
            largest_bits: largest_bits?,
            partial_sum_bits: partial_sum_bits?,
            core_pj_per_cycle: core?,
            elementwise_per_cycle: elementwise?,
            elementwise_pj,
            resident: resident?,
            double_buffered,
            buffers,
            dram_bits_per_cycle,
            dram_pj_per_bit,
        })
    }

    /// A number that is a width of an operand.
    fn width(&mut self, table: &mut Table<'t>, key: &'static str, provenance: &Provenance) -> Option<Quantity> {
        let width = self.required(table, key, provenance, Domain::Count)?;
        if Bits::ALL.into_iter().any(|bits| f64::from(bits.count()) == width.value) {
            return Some(width);
        }
        self.faults.value(&width.provenance.place, "2, 4, 8 or 16", width.value.to_string());
        None
    }

    fn resident(&mut self, item: Item<'t>) -> Option<bool> {
        let place = item.place.clone();
        match item.string(self.faults)?.as_str() {
            "resident" => Some(true),
            "streamed" => Some(false),
            other => {
                self.faults.value(&place, "\"resident\" or \"streamed\"", format!("{other:?}"));
                None
            }
        }
    }

    /// Whether they are double, and those of weights, inputs and outputs.
    fn buffers(&mut self, item: Item<'t>) -> Option<(bool, Vec<Buffer>)> {
        let mut table = item.table(self.faults)?;
        let provenance = self.provenance(&mut table);
        let double = table.required("double", self.faults).and_then(|item| item.boolean(self.faults));
        let buffers = Buffer::NAMES.map(|key| {
            let item = table.required(key, self.faults)?;
            self.buffer(item, &provenance)
        });
        table.close(self.faults);
        let buffers: Option<Vec<Buffer>> = buffers.into_iter().collect();
        Some((double?, buffers?))
    }

    fn buffer(&mut self, item: Item<'t>, provenance: &Provenance) -> Option<Buffer> {
        let mut table = item.table(self.faults)?;
        let bytes = self.required(&mut table, "bytes", provenance, Domain::Count);
        let prices = ["load_pj_per_bit", "store_pj_per_bit"]
            .map(|key| self.required(&mut table, key, provenance, Domain::ZeroOrMore));
        table.close(self.faults);
        let [load_pj_per_bit, store_pj_per_bit] = prices;
        Some(Buffer { bytes: bytes?, load_pj_per_bit: load_pj_per_bit?, store_pj_per_bit: store_pj_per_bit? })
    }

    fn dram(&mut self, item: Item<'t>) -> Option<[Quantity; 2]> {
        let mut table = item.table(self.faults)?;
        let provenance = self.provenance(&mut table);
        let bits = self.required(&mut table, "bits_per_cycle", &provenance, Domain::Count);
        let price = self.required(&mut table, "pj_per_bit", &provenance, Domain::ZeroOrMore);
        table.close(self.faults);
        Some([bits?, price?])
    }
}
