//! What a source file is put together from, layer by layer.

use super::data;
use super::kernel::{Kernel, block, suffix};
use mohaq_rt::numeric::{Accumulator, Requantizer};
use mohaq_rt::parameters::SiteParameters;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The pieces of a source file.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Kernels that are called.
    kernels: BTreeSet<Kernel>,
    /// Constants.
    data: String,
    /// Bytes of constants on a machine of 32 bit addresses.
    data_bytes: usize,
    /// One function a layer, or two.
    pub(super) functions: String,
}

/// Bytes of the C type `product` where addresses have 32 bits.
const PRODUCT_BYTES: usize = 10 * 4;

impl Parts {
    /// Has `kernel` in the file.
    pub(super) fn calls(&mut self, kernel: Kernel) {
        kernel.insert_into(&mut self.kernels);
    }

    /// Adds the constant `product` called `name`, which changes its scale every `part` columns.
    pub(super) fn product(&mut self, name: &str, about: &str, site: &SiteParameters<Vec<i16>>, part: usize) {
        self.calls(Kernel::Product);
        let (weights, row_bytes) = data::packed(site);
        let scales: Vec<u32> = site.outputs.iter().map(|&scale| packed_scale(scale)).collect();
        let (w, x) = (site.weight.count(), site.activation.count());
        let shape = format!("{} columns of {} inputs, {w} bit weights, {x} bit operands", site.columns, site.inputs);
        self.data += &data::bytes(&format!("{about}: {shape}."), &format!("{name}_weights"), &weights);
        self.data += &data::array32("Their scales.", &format!("{name}_scales"), &scales);
        self.data_bytes += weights.len() + 4 * scales.len() + PRODUCT_BYTES;
        let biases = if site.biases.is_empty() {
            "NULL".to_owned()
        } else {
            self.vector("Biases.", &format!("{name}_biases"), &site.biases);
            format!("{name}_biases")
        };
        let block = block(site.weight, accumulator(site));
        let part = if scales.len() == site.columns { 1 } else { part };
        let _ = write!(
            self.data,
            "static const product {name} = {{\n    .weights = {name}_weights,\n    .scales = {name}_scales,\n    \
             .biases = {biases},\n    .inputs = {}u,\n    .row_bytes = {row_bytes}u,\n    .block = {block}u,\n    .part = {part}u,\n    \
             .parts = {}u,\n    .input_scale = 0x{:08X}u,\n    .operand_max = {}\n}};\n\n",
            site.inputs,
            scales.len(),
            packed_scale(site.input),
            site.activation.max(),
        );
    }

    /// Adds a constant vector of 16 bit codes.
    pub(super) fn vector(&mut self, about: &str, name: &str, codes: &[i16]) {
        self.data += &data::array16(about, name, codes);
        self.data_bytes += 2 * codes.len();
    }

    /// The call that brings `from` to the operands of the product `name`.
    pub(super) fn operands(&mut self, name: &str, from: &str, counter: &str) -> String {
        self.calls(Kernel::Operands);
        format!("    operands(&{name}, {from}, row, {counter});\n")
    }

    /// The call that multiplies `row` with columns of the product `name`.
    pub(super) fn multiply(
        &mut self,
        name: &str,
        site: &SiteParameters<Vec<i16>>,
        columns: [&str; 2],
        to: &str,
    ) -> String {
        let sum = accumulator(site);
        self.calls(Kernel::Multiply(site.weight, sum));
        let [first, count] = columns;
        format!("    multiply_{}(&{name}, row, {first}, {count}, {to}, clipped);\n", suffix(site.weight, sum))
    }

    /// Bytes of all constants.
    pub(super) fn constant_bytes(&self) -> usize {
        self.data_bytes + self.kernels.iter().map(|kernel| kernel.constant_bytes()).sum::<usize>()
    }

    /// Kernels, constants and functions.
    pub(super) fn text(&self) -> String {
        let kernels = self.kernels.iter().map(|kernel| kernel.text() + "\n");
        kernels.collect::<String>() + &self.data + &self.functions
    }
}

/// The narrowest sum that is exact.
fn accumulator(site: &SiteParameters<Vec<i16>>) -> Accumulator {
    let exact = Accumulator::exact_for(site.weight, site.activation, site.inputs as u64);
    exact.expect("64 bits sum 2^32 products of every width exactly")
}

/// A scale in a word: the multiplier has 22 bits, the shift 6.
fn packed_scale(scale: Requantizer) -> u32 {
    scale.multiplier().cast_unsigned() | scale.shift() << 24
}
