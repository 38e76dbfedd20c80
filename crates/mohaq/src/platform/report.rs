//! A platform as `mohaq platform show` prints it: every number with its unit, its source and its doubts.

use super::description::{
    Array, Buffer, Compute, Description, Energy, Lut, MeasuredProduct, Memory, Model, Per, Provenance, Quantity,
    Speedup,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Everything that a platform says of itself. Its `Display` is a page of text for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlatformReport {
    /// Name, as in a recipe.
    pub name: String,
    /// One line that says what it is.
    pub title: String,
    /// Where the description comes from: a file, or `built-in NAME`.
    pub origin: String,
    /// Precisions that a site may take, as `4x8`.
    pub precisions: Vec<String>,
    /// Kinds of layers that the hardware runs, where it does not run all.
    pub layers: Option<Vec<String>>,
    /// How costs follow from the numbers: `ideal`, `roofline`, `systolic`, `lut`.
    pub model: &'static str,
    /// Both operands of a site have the same width.
    pub tied: bool,
    /// What a search can minimise beside the error.
    pub objectives: Vec<&'static str>,
    /// Every number.
    pub numbers: Vec<ReportedNumber>,
    /// Texts of the sources, by the name that numbers give.
    pub sources: BTreeMap<String, String>,
    /// What a reader of results should know.
    pub notes: Vec<String>,
}

/// One number of a platform.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReportedNumber {
    /// What it is: `energy.mac_pj.8x8`.
    pub key: String,
    /// The number.
    pub value: f64,
    /// Its unit, empty for a ratio.
    pub unit: &'static str,
    /// Who says so, by name; `None` where the description does not tell.
    pub source: Option<String>,
    /// Derived or guessed, neither read nor measured.
    pub estimate: bool,
}

/// One number of a description.
pub(super) struct Number<'d> {
    pub(super) key: String,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    pub(super) provenance: &'d Provenance,
}

impl<'d> Number<'d> {
    fn new(key: impl Into<String>, quantity: &'d Quantity, unit: &'static str) -> Self {
        Self { key: key.into(), value: quantity.value, unit, provenance: &quantity.provenance }
    }
}

/// Every number of `description`, in the order of its sections.
pub(super) fn numbers(description: &Description) -> Vec<Number<'_>> {
    let clock = match &description.model {
        Model::Ideal { clock, .. } => clock.as_deref(),
        Model::Roofline(_) | Model::Systolic(_) | Model::Lut(_) => None,
    };
    let mut numbers = match &description.model {
        Model::Ideal { speedup, .. } => speedup.as_ref().map_or_else(Vec::new, of_speedup),
        Model::Roofline(compute) => of_compute(compute),
        Model::Systolic(array) => of_array(array),
        Model::Lut(lut) => of_lut(lut),
    };
    numbers.extend(description.energy.iter().flat_map(of_energy));
    numbers.extend(description.memories.iter().flat_map(of_memory));
    numbers.extend(clock.map(|clock| Number::new("clock.hz", &clock.hz, "Hz")));
    numbers.extend(clock.map(|clock| Number::new("clock.macs_per_cycle", &clock.macs_per_cycle, "MAC/cycle")));
    numbers
}

fn of_speedup(speedup: &Speedup) -> Vec<Number<'_>> {
    let pairs = speedup.pairs.iter().map(|(pair, quantity)| Number::new(format!("speedup.{pair}"), quantity, ""));
    pairs.chain(speedup.cap.iter().map(|cap| Number::new("speedup.cap", cap, ""))).collect()
}

fn of_compute(compute: &Compute) -> Vec<Number<'_>> {
    let unit = |key: &str| match key {
        "register_bits" => "bits",
        "unpack_cycles" => "cycles/MAC",
        _ => "MAC/cycle",
    };
    let rate = |(pair, quantity)| Number::new(format!("compute.macs_per_cycle.{pair}"), quantity, "MAC/cycle");
    let mut numbers = vec![Number::new("compute.hz", &compute.hz, "Hz")];
    numbers
        .extend(compute.law.iter().map(|(key, quantity)| Number::new(format!("compute.{key}"), quantity, unit(key))));
    numbers.extend(compute.rates.iter().map(rate));
    let others = [
        ("compute.pad_inputs", &compute.pad_inputs, ""),
        ("compute.pad_outputs", &compute.pad_outputs, ""),
        ("compute.site_cycles", &compute.site_cycles, "cycles"),
        ("compute.frame_cycles", &compute.frame_cycles, "cycles"),
    ];
    numbers.push(Number::new("compute.elementwise_per_cycle", &compute.elementwise_per_cycle, "operations/cycle"));
    for (key, quantity, unit) in others {
        numbers.extend(quantity.iter().map(|quantity| Number::new(key, quantity, unit)));
    }
    numbers
}

fn of_array(array: &Array) -> Vec<Number<'_>> {
    let stated = [
        ("array.hz", &array.hz, "Hz"),
        ("array.rows", &array.rows, ""),
        ("array.columns", &array.columns, ""),
        ("array.smallest_bits", &array.smallest_bits, "bits"),
        ("array.largest_bits", &array.largest_bits, "bits"),
        ("array.partial_sum_bits", &array.partial_sum_bits, "bits"),
        ("array.core_pj_per_cycle", &array.core_pj_per_cycle, "pJ/cycle"),
        ("array.elementwise_per_cycle", &array.elementwise_per_cycle, "operations/cycle"),
        ("dram.bits_per_cycle", &array.dram_bits_per_cycle, "bits/cycle"),
        ("dram.pj_per_bit", &array.dram_pj_per_bit, "pJ/bit"),
    ];
    let mut numbers: Vec<Number<'_>> =
        stated.into_iter().map(|(key, quantity, unit)| Number::new(key, quantity, unit)).collect();
    numbers.extend(array.elementwise_pj.iter().map(|pj| Number::new("array.elementwise_pj", pj, "pJ")));
    for (name, buffer) in Buffer::NAMES.into_iter().zip(&array.buffers) {
        numbers.extend([
            Number::new(format!("buffers.{name}.bytes"), &buffer.bytes, "bytes"),
            Number::new(format!("buffers.{name}.load_pj_per_bit"), &buffer.load_pj_per_bit, "pJ/bit"),
            Number::new(format!("buffers.{name}.store_pj_per_bit"), &buffer.store_pj_per_bit, "pJ/bit"),
        ]);
    }
    numbers
}

fn of_lut(lut: &Lut) -> Vec<Number<'_>> {
    let stated = [
        ("lut.elementwise_ns", &lut.elementwise_ns, "ns"),
        ("lut.elementwise_pj", &lut.elementwise_pj, "pJ"),
        ("lut.frame_ns", &lut.frame_ns, "ns"),
    ];
    let stated =
        stated.into_iter().filter_map(|(key, quantity, unit)| Some(Number::new(key, quantity.as_ref()?, unit)));
    stated.chain(lut.products.iter().flat_map(of_product)).collect()
}

fn of_product(product: &MeasuredProduct) -> impl Iterator<Item = Number<'_>> {
    let kind = match product.recurrent {
        None => "",
        Some(false) => "input.",
        Some(true) => "recurrent.",
    };
    let measured = [(Some(&product.ns), "ns"), (product.pj.as_ref(), "pJ")];
    measured.into_iter().flat_map(move |(pairs, unit)| {
        let key = format!("lut.{kind}{}-{}.{}", product.inputs, product.outputs, unit.to_lowercase());
        pairs.into_iter().flatten().map(move |(pair, quantity)| Number::new(format!("{key}.{pair}"), quantity, unit))
    })
}

fn of_energy(energy: &Energy) -> Vec<Number<'_>> {
    let pairs = energy.mac_pj.iter().flatten();
    let mut numbers: Vec<Number<'_>> =
        pairs.map(|(pair, quantity)| Number::new(format!("energy.mac_pj.{pair}"), quantity, "pJ")).collect();
    for (key, quantity, unit) in [
        ("energy.accumulator_bits", &energy.accumulator_bits, "bits"),
        ("energy.elementwise_pj", &energy.elementwise_pj, "pJ"),
        ("energy.static_w", &energy.static_w, "W"),
    ] {
        numbers.extend(quantity.iter().map(|quantity| Number::new(key, quantity, unit)));
    }
    numbers
}

fn of_memory(memory: &Memory) -> Vec<Number<'_>> {
    let bandwidth = memory.bandwidth.as_ref().map(|bandwidth| match bandwidth.per {
        Per::Cycle => ("bytes_per_cycle", &bandwidth.bytes, "bytes/cycle"),
        Per::Second => ("bytes_per_s", &bandwidth.bytes, "bytes/s"),
    });
    let stated = [
        memory.bytes.as_ref().map(|bytes| ("bytes", bytes, "bytes")),
        bandwidth,
        memory.load_pj_per_bit.as_ref().map(|load| ("load_pj_per_bit", load, "pJ/bit")),
        memory.store_pj_per_bit.as_ref().map(|store| ("store_pj_per_bit", store, "pJ/bit")),
    ];
    let number = |(key, quantity, unit)| Number::new(format!("memory.{}.{key}", memory.name), quantity, unit);
    stated.into_iter().flatten().map(number).collect()
}

impl fmt::Display for PlatformReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} ({})", self.name, self.title, self.origin)?;
        let tied = if self.tied { ", weight and activation tied" } else { "" };
        writeln!(f, "precisions (weight x activation): {}{tied}", self.precisions.join(" "))?;
        if let Some(layers) = &self.layers {
            writeln!(f, "layers: {}", layers.join(", "))?;
        }
        writeln!(f, "model: {}", self.model)?;
        writeln!(f, "objectives beside the error: {}", self.objectives.join(", "))?;
        let width = self.numbers.iter().map(|number| number.key.len()).max().unwrap_or(0);
        for number in &self.numbers {
            let source = number.source.as_ref().map_or_else(|| "no source".to_owned(), |name| format!("[{name}]"));
            let doubt = if number.estimate { ", estimate" } else { "" };
            let value = format!("{} {}", number.value, number.unit);
            writeln!(f, "  {:width$}  {:<14} {source}{doubt}", number.key, value.trim_end())?;
        }
        for (name, text) in &self.sources {
            writeln!(f, "[{name}] {text}")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))
    }
}

#[cfg(test)]
mod tests {
    use crate::platform::{Platform, TablePlatform, load};

    #[test]
    fn the_page_shows_numbers_units_sources_and_doubts() {
        let text = r#"
            schema = 1
            name = "board"
            title = "A board"
            notes = ["Measured at 25 degrees."]
            [sources]
            sheet = "data sheet, page 3"
            [operands]
            pairs = ["4x8", "8x8"]
            [speedup]
            pairs = { 4x8 = { value = 3.5, estimate = true }, 8x8 = 2 }
            source = "sheet"
            [[memory]]
            name = "flash"
            holds = ["weights"]
            bytes = 1_048_576
        "#;
        let page = TablePlatform::parse(text, "board.toml").expect("a good file").describe().to_string();
        let expected = "\
board: A board (board.toml)
precisions (weight x activation): 4x8 8x8
model: ideal
objectives beside the error: memory, speedup
  speedup.4x8         3.5            [sheet], estimate
  speedup.8x8         2              [sheet]
  memory.flash.bytes  1048576 bytes  no source
[sheet] data sheet, page 3
note: Measured at 25 degrees.
";
        assert_eq!(page, expected);
    }

    #[test]
    fn every_number_of_a_built_in_platform_is_reported() {
        let silago = load("silago").expect("built in").describe();
        let keys: Vec<&str> = silago.numbers.iter().map(|number| number.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "speedup.4x4",
                "speedup.8x8",
                "speedup.16x16",
                "energy.mac_pj.4x4",
                "energy.mac_pj.8x8",
                "energy.mac_pj.16x16",
                "memory.sram.bytes",
                "memory.sram.load_pj_per_bit",
            ]
        );
        assert!(
            silago.numbers.iter().all(|number| silago.sources.contains_key(number.source.as_deref().unwrap_or("")))
        );
        assert_eq!(silago.objectives, ["memory", "speedup", "energy"]);
        assert!(silago.tied);
        assert_eq!(load("none").expect("built in").describe().objectives, ["memory"]);
    }
}
