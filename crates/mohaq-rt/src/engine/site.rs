//! One product: operands, panels, requantization.

use crate::Error;
use crate::arch::{Level, Operand, Product, Scales, TILE, Target, Words};
use crate::numeric::{Requantizer, SaturationCount};
use crate::panel::{LANES, Panels};
use crate::parameters::SiteParameters;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Saturations at one product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SiteCounts {
    /// Of its inputs, which a clip below the largest value makes a matter of course.
    pub input: SaturationCount,
    /// Of the 16 bit results, by part: for simple recurrent units candidate, forget gate, reset gate, highway.
    pub outputs: [SaturationCount; 4],
}

impl SiteCounts {
    /// Adds what another run saw.
    pub const fn merge(&mut self, other: &Self) {
        self.input.merge(other.input);
        let mut part = 0;
        while part < self.outputs.len() {
            self.outputs[part].merge(other.outputs[part]);
            part += 1;
        }
    }
}

/// Words that are multiplied with one panel after the other: half of a second-level cache of 512 KiB.
const NEAR_BYTES: usize = 256 << 10;

/// The columns of a product as they are.
pub fn arrangement(columns: usize) -> Vec<Option<usize>> {
    (0..columns).map(Some).collect()
}

/// The columns of a layer of simple recurrent units, `[directions, parts, hidden]`, as they are run: direction by
/// direction, 16 units at a time, and of these part by part.
pub fn sru_arrangement(hidden: usize, directions: usize, parts: usize) -> Vec<Option<usize>> {
    let panel = |direction: usize, group: usize, part: usize| {
        (0..LANES).map(move |lane| {
            let unit = group * LANES + lane;
            (unit < hidden).then_some((direction * parts + part) * hidden + unit)
        })
    };
    let groups = (0..directions).flat_map(|direction| (0..hidden.div_ceil(LANES)).map(move |group| (direction, group)));
    groups.flat_map(|(direction, group)| (0..parts).flat_map(move |part| panel(direction, group, part))).collect()
}

/// The columns of a product of a recurrent layer, `[directions, gates, hidden]`, as they are run: direction by direction, gate
/// by gate, and of these 16 units at a time.
pub fn gate_arrangement(hidden: usize, directions: usize, gates: usize) -> Vec<Option<usize>> {
    let padded = hidden.next_multiple_of(LANES);
    let lane = |part: usize, unit: usize| (unit < hidden).then_some(part * hidden + unit);
    (0..directions * gates).flat_map(|part| (0..padded).map(move |unit| lane(part, unit))).collect()
}

/// A product, ready to run.
#[derive(Clone, Debug)]
pub(super) struct Site {
    operand: Operand,
    panels: Arc<Panels>,
    scales: Scales,
    pub(super) columns: usize,
}

impl Site {
    /// Checks `parameters` against the `inputs` that arrive and the arrangement of their columns, with `parts` equal
    /// parts of `width` columns in turn.
    pub(super) fn new(
        parameters: SiteParameters<Arc<Panels>>,
        inputs: usize,
        lanes: &[Option<usize>],
        [parts, width]: [usize; 2],
    ) -> Result<Self, Error> {
        let SiteParameters { columns, activation, weight, input, outputs, biases, weights: panels, .. } = parameters;
        let length =
            |what, expected, got| if got == expected { Ok(()) } else { Err(Error::Length { what, expected, got }) };
        length("inputs of a product", inputs, parameters.inputs)?;
        length("rows of packed weights", inputs, panels.inputs())?;
        length("lanes of packed weights", lanes.len(), panels.lanes())?;
        if panels.bits() != weight || !panels.family().holds(weight, activation) {
            return Err(Error::Packing { weight, activation });
        }
        if outputs.len() != parts && outputs.len() != columns {
            length("requantizers of a product", columns, outputs.len())?;
        }
        if !biases.is_empty() {
            length("biases of a product", columns, biases.len())?;
        }
        let padded = || lanes.iter().copied().chain(core::iter::repeat(None)).take(panels.count() * LANES);
        let requantizer = |column: Option<usize>| {
            let column = column.unwrap_or(0);
            if outputs.len() == columns { outputs[column] } else { outputs[column / width % parts] }
        };
        let bias = |column: Option<usize>| column.and_then(|column| biases.get(column)).copied().unwrap_or(0);
        let requantizers: Vec<Requantizer> = padded().map(requantizer).collect();
        let scales = Scales::new(requantizers, padded().map(bias).collect());
        let operand = Operand { requantizer: input, bits: activation, family: panels.family() };
        Ok(Self { operand, panels, scales, columns })
    }

    /// Packs `codes`, `[rows, inputs]`, into `words`.
    pub(super) fn operands(&self, level: Level, codes: &[i16], rows: usize, words: &mut Vec<Words>) -> SaturationCount {
        words.clear();
        self.more_operands(level, codes, rows, words)
    }

    /// Packs `codes`, `[rows, inputs]`, behind the `words` that are there.
    pub(super) fn more_operands(
        &self,
        level: Level,
        codes: &[i16],
        rows: usize,
        words: &mut Vec<Words>,
    ) -> SaturationCount {
        let (inputs, steps, first) = (self.panels.inputs(), self.panels.steps(), words.len());
        words.resize(first + rows.div_ceil(TILE) * steps, [0; TILE]);
        let mut count = SaturationCount::default();
        for (codes, words) in codes.chunks(TILE * inputs).zip(words[first..].chunks_exact_mut(steps)) {
            for (row, codes) in codes.chunks_exact(inputs).enumerate() {
                count.merge(level.operands(self.operand, codes, words, row));
            }
        }
        count
    }

    /// One panel's product for `rows` rows of packed `words`.
    pub(super) fn panel(
        &self,
        level: Level,
        words: &[Words],
        rows: usize,
        panel: usize,
        target: Target<'_>,
    ) -> SaturationCount {
        let product = Product { words, rows, operand: self.operand, panels: &self.panels, scales: &self.scales };
        level.product(&product, panel, target)
    }

    /// The product of the only row of packed `words` with the panels from `panel` on, 16 codes of each to `values`; from the
    /// last panel to the first where `turned`.
    pub(super) fn row(
        &self,
        level: Level,
        words: &[Words],
        panel: usize,
        turned: bool,
        values: &mut [i16],
    ) -> SaturationCount {
        let product = Product { words, rows: 1, operand: self.operand, panels: &self.panels, scales: &self.scales };
        level.row(&product, panel, turned, values)
    }

    /// The whole product: `codes`, `[rows, inputs]`, to `outputs`, `[rows, columns]`; of one row from the last panel to the
    /// first where `turned`.
    pub(super) fn run(
        &self,
        level: Level,
        codes: &[i16],
        outputs: &mut [i16],
        turned: bool,
        words: &mut Vec<Words>,
    ) -> SiteCounts {
        let rows_at_once = (NEAR_BYTES / size_of::<u32>() / self.panels.steps()).next_multiple_of(TILE);
        let codes = codes.chunks(rows_at_once * self.panels.inputs());
        let mut counts = SiteCounts::default();
        for (codes, outputs) in codes.zip(outputs.chunks_mut(rows_at_once * self.columns)) {
            let rows = codes.len() / self.panels.inputs();
            counts.input.merge(self.operands(level, codes, rows, words));
            // One row is multiplied with all panels that it fills at once.
            let full = if rows == 1 { self.columns / LANES } else { 0 };
            if full > 0 {
                let values = &mut outputs[..full * LANES];
                counts.outputs[0].merge(self.row(level, words, 0, turned, values));
            }
            for panel in full..self.panels.count() {
                let column = panel * LANES;
                let lanes = LANES.min(self.columns - column);
                let target = Target { values: outputs, width: self.columns, column, lanes };
                counts.outputs[0].merge(self.panel(level, words, rows, panel, target));
            }
        }
        counts
    }
}
