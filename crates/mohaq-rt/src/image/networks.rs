//! Random networks for tests: any chain of layers, widths, directions and highways.
//!
//! A network is drawn as a list of [`LayerPlan`]s, small and independent of each other, so that a failing one shrinks. What
//! depends on the layer in front, and the numbers in tensors, follow from the plans and a seed.

use super::ImageParameters;
use crate::Bits;
use crate::cell::{CellKind, Factor, Highway, Pointwise, RecurrentCell, SruCell};
use crate::norm::Norm;
use crate::numeric::{Q16, Requantizer};
use crate::parameters::{
    Conv1dParameters, LayerParameters, NormParameters, RecurrentParameters, SiteParameters, SruParameters,
};
use proptest::prelude::*;
use std::vec::Vec;

/// Sizes around a panel of 16 columns, and one above two; small ones for Miri, which is slow.
pub(crate) const SIZES: [usize; 5] = if cfg!(miri) { [1, 3, 4, 5, 7] } else { [1, 15, 16, 17, 33] };

/// What a layer shall be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LayerPlan {
    pub(crate) kind: Kind,
    pub(crate) size: usize,
    pub(crate) site: SitePlan,
    /// Of a projection to this size, for recurrent layers.
    pub(crate) projection: Option<(usize, SitePlan)>,
    /// A product for every gate, for recurrent layers.
    pub(crate) split: bool,
}

/// Kind of a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Linear,
    Pointwise(Pointwise),
    /// Directions, and the highway: none, by product, by input where sizes allow, else by product; with 3 more, products read
    /// what was normalised.
    Sru(usize, usize),
    /// Directions, window, and whether there are peepholes where the cell may have them.
    Recurrent(CellKind, usize, usize, bool),
    /// Kernel, stride and where of it the paddings end.
    Conv1d(usize, usize, [usize; 2]),
    Norm,
}

/// What a product shall be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SitePlan {
    pub(crate) weight: Bits,
    pub(crate) activation: Bits,
    pub(crate) biased: bool,
    pub(crate) by_column: bool,
}

impl SitePlan {
    /// The same with other widths, so that products of one layer differ.
    fn turned(self, by: usize) -> Self {
        let turn = |bits: Bits| Bits::ALL[(bits.index() + by) % Bits::ALL.len()];
        Self { weight: turn(self.weight), activation: turn(self.activation), ..self }
    }
}

/// Splitmix64 (Steele, Lea and Flood 2014): short, and good enough for weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A code of `bits`, its ends more often than the rest.
    pub(crate) fn code(&mut self, bits: Bits) -> i16 {
        match self.below(12) {
            0 => bits.min() as i16,
            1 => bits.max() as i16,
            _ => (self.next() as i16) >> (16 - bits.count()),
        }
    }

    pub(crate) fn codes(&mut self, bits: Bits, count: usize) -> Vec<i16> {
        (0..count).map(|_| self.code(bits)).collect()
    }

    /// Codes of 16 bits, most of them small.
    fn biases(&mut self, count: usize) -> Vec<i16> {
        (0..count).map(|_| self.code(Bits::Sixteen) >> if self.below(8) == 0 { 0 } else { 3 }).collect()
    }

    /// A ratio around `ratio`, now and then far from it.
    fn requantizer(&mut self, ratio: f64) -> Requantizer {
        let spread = match self.below(24) {
            0 => 1.0 / 4096.0,
            1 => 64.0,
            _ => 0.25 + self.below(1000) as f64 / 800.0,
        };
        Requantizer::new((ratio * spread).clamp(1e-9, 1e6)).expect("a good ratio")
    }

    fn site(&mut self, plan: SitePlan, inputs: usize, columns: usize, parts: usize) -> SiteParameters<Vec<i16>> {
        let SitePlan { weight, activation, biased, by_column } = plan;
        let largest = f64::from(-weight.min()) * f64::from(-activation.min()) * (inputs as f64).sqrt();
        let requantizers = if by_column { columns } else { parts };
        SiteParameters {
            inputs,
            columns,
            weight,
            activation,
            input: self.requantizer(f64::from(-activation.min()) / 32_768.0),
            outputs: (0..requantizers).map(|_| self.requantizer(16_384.0 / largest)).collect(),
            biases: if biased { self.biases(columns) } else { Vec::new() },
            weights: self.codes(weight, inputs * columns),
        }
    }

    fn norm(&mut self, width: usize) -> NormParameters {
        let norm = Norm::from_parts(1 + self.below(1 << 20) as u32, self.below(27) as u32).expect("good parts");
        let (gain, bias) = (self.codes(Bits::Sixteen, width), self.biases(width));
        NormParameters { norm, gain, bias }
    }

    /// `highway`: none, a product or the input; with 3 more, behind a normalisation.
    fn sru(&mut self, plan: &LayerPlan, directions: usize, highway: usize, inputs: usize) -> SruParameters<Vec<i16>> {
        let norm = (highway >= 3).then(|| self.norm(inputs));
        let highway = highway % 3;
        let by_input = highway == 2 && inputs.is_multiple_of(directions);
        let hidden = if by_input { inputs / directions } else { plan.size };
        let factor = Factor::from_parts(self.next() as i16, 12 + self.below(5) as u32).expect("a good shift");
        let highway = match highway {
            0 => Highway::None,
            2 if by_input => Highway::Input(factor),
            _ => Highway::Product,
        };
        let (outputs, parts) = (directions * hidden, highway.parts());
        let projection = plan.projection.map(|(size, site)| self.site(site, inputs, size, 1));
        let projected = projection.as_ref().map_or(inputs, |site| site.columns);
        let cell = SruCell { gate_shift: self.below(15) as u32, hidden_shift: self.below(4) as u32 };
        let vectors = self.codes(Bits::Sixteen, 2 * outputs);
        let sites = self.sites(plan, projected, outputs, parts);
        SruParameters { hidden, directions, cell, highway, norm, projection, sites, vectors }
    }

    /// One product of `parts` parts of `units` columns, or one of each.
    fn sites(&mut self, plan: &LayerPlan, inputs: usize, units: usize, parts: usize) -> Vec<SiteParameters<Vec<i16>>> {
        if plan.split {
            (0..parts).map(|part| self.site(plan.site.turned(part), inputs, units, 1)).collect()
        } else {
            Vec::from([self.site(plan.site, inputs, parts * units, parts)])
        }
    }

    fn recurrent(
        &mut self,
        plan: &LayerPlan,
        (kind, directions, window, peepholes): (CellKind, usize, usize, bool),
        inputs: usize,
    ) -> RecurrentParameters<Vec<i16>> {
        let hidden = plan.size;
        // Only an LSTM hands its hidden output on through nothing but products.
        let projection = plan.projection.filter(|_| kind.peepholes() > 0);
        let projection = projection.map(|(size, site)| self.site(site, hidden, directions * size, 1));
        let width = projection.as_ref().map_or(hidden, |site| site.columns / directions);
        let units = directions * hidden;
        let split = plan.split && kind.gates() > 1;
        let plan = LayerPlan { split, ..*plan };
        let peephole_shift = (peepholes && kind.peepholes() > 0).then(|| self.below(19) as u32);
        let fraction = if kind.has_state() && kind.peepholes() == 0 { 14 } else { self.below(15) as u32 };
        let cell = RecurrentCell::from_parts(kind, fraction, peephole_shift).expect("good parts");
        let recurrent = (0..kind.recurrent_products(split)).map(|index| {
            let [first, end] = kind.recurrent_gates(index, split);
            self.site(plan.site.turned(index + 1), width, (end - first) * units, end - first)
        });
        let recurrent = recurrent.collect();
        let looks = if peephole_shift.is_some() { kind.peepholes() } else { 0 };
        RecurrentParameters {
            hidden,
            directions,
            cell,
            window,
            input: self.sites(&plan, window * inputs, units, kind.gates()),
            recurrent,
            projection,
            peepholes: self.codes(Bits::Sixteen, looks * units),
        }
    }

    /// A network of `plans`.
    pub(crate) fn network(&mut self, inputs: usize, plans: &[LayerPlan]) -> ImageParameters {
        let (mut width, mut layers) = (inputs, Vec::new());
        for plan in plans {
            let layer = match plan.kind {
                Kind::Linear => LayerParameters::Linear(self.site(plan.site, width, plan.size, 1)),
                Kind::Pointwise(function) => LayerParameters::Pointwise(function),
                Kind::Sru(directions, highway) => LayerParameters::Sru(self.sru(plan, directions, highway, width)),
                Kind::Recurrent(kind, directions, window, peepholes) => {
                    LayerParameters::Recurrent(self.recurrent(plan, (kind, directions, window, peepholes), width))
                }
                Kind::Conv1d(kernel, stride, padding) => {
                    let site = self.site(plan.site, kernel * width, plan.size, 1);
                    LayerParameters::Conv1d(Conv1dParameters { kernel, stride, padding, site })
                }
                Kind::Norm => LayerParameters::Norm(self.norm(width)),
            };
            width = match &layer {
                LayerParameters::Sru(sru) => sru.outputs(),
                LayerParameters::Recurrent(recurrent) => recurrent.outputs(),
                LayerParameters::Linear(site) | LayerParameters::Embedding(site) => site.columns,
                LayerParameters::Conv1d(conv) => conv.site.columns,
                LayerParameters::Norm(_) | LayerParameters::Pointwise(_) => width,
            };
            layers.push(layer);
        }
        let format = |fraction| Q16::new(fraction as u32).expect("below 16");
        ImageParameters { inputs, input: format(self.below(16)), output: format(self.below(16)), layers }
    }
}

fn size() -> impl Strategy<Value = usize> {
    (0..SIZES.len()).prop_map(|index| SIZES[index])
}

fn site_plan() -> impl Strategy<Value = SitePlan> {
    let width = || (0..Bits::ALL.len()).prop_map(|index| Bits::ALL[index]);
    (width(), width(), any::<bool>(), any::<bool>()).prop_map(|(weight, activation, biased, by_column)| SitePlan {
        weight,
        activation,
        biased,
        by_column,
    })
}

fn layer_plan(directions: usize) -> impl Strategy<Value = LayerPlan> {
    let function = prop_oneof![Just(Pointwise::Relu), Just(Pointwise::Tanh), Just(Pointwise::Sigmoid)];
    let kind = prop_oneof![
        2 => Just(Kind::Linear),
        1 => function.prop_map(Kind::Pointwise),
        1 => Just(Kind::Norm),
        2 => (1_usize..4, 1_usize..4, any::<[u8; 2]>()).prop_map(move |(kernel, stride, ends)| {
            let left = usize::from(ends[0]) % kernel;
            // Padding behind is for networks that need not be streams.
            let right = if directions == 1 { 0 } else { usize::from(ends[1]) % (kernel - left) };
            Kind::Conv1d(kernel, stride, [left, right])
        }),
        4 => (1..=directions, 0_usize..6).prop_map(|(directions, highway)| Kind::Sru(directions, highway)),
        8 => (0..CellKind::ALL.len(), 1..=directions, 1_usize..=2, any::<bool>()).prop_map(
            |(kind, directions, window, peepholes)| Kind::Recurrent(CellKind::ALL[kind], directions, window, peepholes)
        ),
    ];
    (kind, size(), site_plan(), prop::option::of((size(), site_plan())), any::<bool>())
        .prop_map(|(kind, size, site, projection, split)| LayerPlan { kind, size, site, projection, split })
}

/// Networks of one to four layers, recurrent ones of one direction up to `directions`.
pub(crate) fn network(directions: usize) -> impl Strategy<Value = ImageParameters> {
    (size(), prop::collection::vec(layer_plan(directions), 1..=4), any::<u64>())
        .prop_map(|(inputs, plans, seed)| Numbers(seed).network(inputs, &plans))
}

/// A table, then whatever `plans` say.
pub(crate) fn token_network(rows: usize, seed: u64, plans: &[LayerPlan]) -> ImageParameters {
    let mut numbers = Numbers(seed);
    let site = SitePlan { weight: Bits::Four, activation: Bits::Sixteen, biased: false, by_column: false };
    let mut table = numbers.site(site, rows, 7, 1);
    table.outputs[0] = Requantizer::new(900.0).expect("a good ratio");
    let rest = numbers.network(7, plans);
    let layers = core::iter::once(LayerParameters::Embedding(table)).chain(rest.layers).collect();
    ImageParameters { inputs: 1, input: Q16::new(0).expect("a format"), layers, ..rest }
}

/// A projected bidirectional layer, a function and a matrix: a bit of everything, and small.
pub(crate) fn small_network() -> ImageParameters {
    let site = |weight, activation| SitePlan { weight, activation, biased: true, by_column: false };
    let layer = |kind, size, site, projection| LayerPlan { kind, size, site, projection, split: false };
    let plans = [
        layer(Kind::Sru(2, 1), 3, site(Bits::Two, Bits::Eight), Some((2, site(Bits::Four, Bits::Sixteen)))),
        layer(Kind::Sru(1, 2), 6, site(Bits::Eight, Bits::Four), None),
        layer(Kind::Pointwise(Pointwise::Tanh), 0, site(Bits::Two, Bits::Two), None),
        layer(Kind::Linear, 5, site(Bits::Sixteen, Bits::Sixteen), None),
    ];
    Numbers(3).network(4, &plans)
}
