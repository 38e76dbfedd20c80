//! One layer: products, recurrences and functions of one number.

use super::Scratch;
use super::site::{Site, SiteCounts, arrangement, sru_arrangement};
use crate::Error;
use crate::arch::{self, Level, Recurrence, Target, Words};
use crate::cell::{Highway, Pointwise, SruCell};
use crate::numeric::SaturationCount;
use crate::panel::{LANES, Panels};
use crate::parameters::{LayerParameters, SruParameters};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

/// Saturations of one layer, by tensor. State and hidden output of simple recurrent units have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerCounts {
    /// At the projection.
    pub projection: SiteCounts,
    /// At the layer's product.
    pub site: SiteCounts,
    /// Arguments of gates.
    pub gates: SaturationCount,
    /// Inputs times the highway's factor.
    pub highway: SaturationCount,
}

impl LayerCounts {
    /// Adds what another run saw.
    pub const fn merge(&mut self, other: &Self) {
        self.projection.merge(&other.projection);
        self.site.merge(&other.site);
        self.gates.merge(other.gates);
        self.highway.merge(other.highway);
    }
}

/// One layer, ready to run.
#[derive(Clone, Debug)]
pub struct Layer {
    kind: Kind,
    inputs: usize,
}

#[derive(Clone, Debug)]
enum Kind {
    Sru(Sru),
    Linear(Site),
    Pointwise(Pointwise),
}

#[derive(Clone, Debug)]
struct Sru {
    hidden: usize,
    directions: usize,
    cell: SruCell,
    highway: Highway,
    projection: Option<Site>,
    site: Site,
    /// `[directions, groups]`: v_f and v_r of 16 units.
    vectors: Vec<[[i16; LANES]; 2]>,
}

impl Layer {
    pub(super) fn new(parameters: LayerParameters<Arc<Panels>>, inputs: usize) -> Result<Self, Error> {
        let kind = match parameters {
            LayerParameters::Sru(sru) => Kind::Sru(Sru::new(sru, inputs)?),
            LayerParameters::Linear(site) => {
                let (lanes, parts) = (arrangement(site.columns), [1, site.columns]);
                Kind::Linear(Site::new(site, inputs, &lanes, parts)?)
            }
            LayerParameters::Pointwise(function) => Kind::Pointwise(function),
        };
        Ok(Self { kind, inputs })
    }

    /// Length of the output.
    pub fn outputs(&self) -> usize {
        match &self.kind {
            Kind::Sru(sru) => sru.directions * sru.hidden,
            Kind::Linear(site) => site.columns,
            Kind::Pointwise(_) => self.inputs,
        }
    }

    /// The layer's output for whole sequences: `codes`, `[frames, inputs]`, to `outputs`, `[frames, outputs]`.
    ///
    /// # Panics
    /// If the slices are not of the frames that `starts` speaks of: the caller's mistake.
    pub fn run(
        &self,
        level: Level,
        codes: &[i16],
        starts: &[usize],
        outputs: &mut [i16],
        scratch: &mut Scratch,
    ) -> LayerCounts {
        let frames = *starts.last().expect("starts end with the number of frames");
        assert_eq!(codes.len(), frames * self.inputs, "[frames, inputs]");
        assert_eq!(outputs.len(), frames * self.outputs(), "[frames, outputs]");
        match &self.kind {
            Kind::Sru(sru) => sru.run(level, codes, starts, States::Fresh, outputs, scratch),
            Kind::Linear(site) => {
                let site = site.run(level, codes, outputs, &mut scratch.words);
                LayerCounts { site, ..LayerCounts::default() }
            }
            Kind::Pointwise(function) => {
                outputs.iter_mut().zip(codes).for_each(|(output, &code)| *output = function.apply(code));
                LayerCounts::default()
            }
        }
    }

    /// One frame of a stream.
    pub(super) fn step(
        &self,
        level: Level,
        codes: &[i16],
        states: &mut [[i16; LANES]],
        outputs: &mut [i16],
        scratch: &mut Scratch,
    ) {
        match &self.kind {
            Kind::Sru(sru) => _ = sru.run(level, codes, &[0, 1], States::Kept(states), outputs, scratch),
            Kind::Linear(_) | Kind::Pointwise(_) => _ = self.run(level, codes, &[0, 1], outputs, scratch),
        }
    }

    /// The states of a stream before its first frame; `None` for a bidirectional layer.
    pub(super) fn initial_states(&self) -> Option<Vec<[i16; LANES]>> {
        match &self.kind {
            Kind::Sru(sru) if sru.directions == 1 => Some(vec![[0; LANES]; sru.groups()]),
            Kind::Sru(_) => None,
            Kind::Linear(_) | Kind::Pointwise(_) => Some(Vec::new()),
        }
    }
}

/// Where the states of a layer come from.
enum States<'a> {
    /// Zero at the beginning of each sequence.
    Fresh,
    /// One sequence that goes on: the states of every 16 units.
    Kept(&'a mut [[i16; LANES]]),
}

impl Sru {
    fn new(parameters: SruParameters<Arc<Panels>>, inputs: usize) -> Result<Self, Error> {
        let SruParameters { hidden, directions, cell, highway, projection, site, vectors } = parameters;
        let (outputs, parts) = (directions * hidden, highway.parts());
        let length =
            |what, expected, got| if got == expected { Ok(()) } else { Err(Error::Length { what, expected, got }) };
        length("vectors of a recurrent layer", 2 * outputs, vectors.len())?;
        length("columns of a recurrent layer", parts * outputs, site.columns)?;
        if matches!(highway, Highway::Input(_)) {
            length("inputs of a layer whose highway carries them", outputs, inputs)?;
        }
        let projection = projection.map(|site| {
            let (lanes, columns) = (arrangement(site.columns), site.columns);
            Site::new(site, inputs, &lanes, [1, columns])
        });
        let projection = projection.transpose()?;
        let projected = projection.as_ref().map_or(inputs, |site| site.columns);
        let site = Site::new(site, projected, &sru_arrangement(hidden, directions, parts), [parts, hidden])?;
        let unit = |gate: usize, lane: Option<usize>| lane.map_or(0, |unit| vectors[gate * outputs + unit]);
        let groups = sru_arrangement(hidden, directions, 1);
        let (groups, _) = groups.as_chunks::<LANES>();
        let vectors = groups.iter().map(|lanes| [0, 1].map(|gate| lanes.map(|lane| unit(gate, lane)))).collect();
        Ok(Self { hidden, directions, cell, highway, projection, site, vectors })
    }

    fn groups(&self) -> usize {
        self.hidden.div_ceil(LANES)
    }

    /// Units of a group: 16, or fewer in the last one of a direction.
    fn units(&self, group: usize) -> usize {
        LANES.min(self.hidden - group % self.groups() * LANES)
    }

    fn run(
        &self,
        level: Level,
        codes: &[i16],
        starts: &[usize],
        mut states: States<'_>,
        outputs: &mut [i16],
        scratch: &mut Scratch,
    ) -> LayerCounts {
        let frames = starts[starts.len() - 1];
        let mut counts = LayerCounts::default();
        let projected = match &self.projection {
            Some(site) => {
                scratch.projected.resize(frames * site.columns, 0);
                counts.projection = site.run(level, codes, &mut scratch.projected, &mut scratch.words);
                scratch.projected.as_slice()
            }
            None => codes,
        };
        counts.site.input = self.site.operands(level, projected, frames, &mut scratch.words);
        scratch.tile.resize(frames * self.highway.parts() * LANES, 0);
        for group in 0..self.directions * self.groups() {
            self.multiply(level, group, frames, &mut counts.site, &scratch.words, &mut scratch.tile);
            let states = match &mut states {
                States::Fresh => {
                    scratch.states.clear();
                    scratch.states.resize(starts.len() - 1, [0; LANES]);
                    scratch.states.as_mut_slice()
                }
                States::Kept(states) => &mut states[group..=group],
            };
            let seen = self.recur(level, group, codes, starts, states, outputs, &scratch.tile);
            counts.gates.merge(seen.gates);
            counts.highway.merge(seen.highway);
        }
        counts
    }

    /// The products of 16 units, `[frames, parts · 16]`.
    fn multiply(
        &self,
        level: Level,
        group: usize,
        frames: usize,
        counts: &mut SiteCounts,
        words: &[Words],
        tile: &mut [i16],
    ) {
        let parts = self.highway.parts();
        // The lanes of the last group that no unit has hold zeros, which never saturate.
        let total = (frames * self.units(group)) as u64;
        for part in 0..parts {
            let target = Target { values: tile, width: parts * LANES, column: part * LANES, lanes: LANES };
            let SaturationCount { clipped, .. } = self.site.panel(level, words, frames, group * parts + part, target);
            counts.outputs[part].merge(SaturationCount { clipped, total });
        }
    }

    /// 16 units through time.
    #[expect(clippy::too_many_arguments, reason = "the buffers are borrowed apart from each other")]
    fn recur(
        &self,
        level: Level,
        group: usize,
        codes: &[i16],
        starts: &[usize],
        states: &mut [[i16; LANES]],
        outputs: &mut [i16],
        tile: &[i16],
    ) -> arch::RecurrenceCounts {
        let (direction, first) = (group / self.groups(), group % self.groups() * LANES);
        let (width, column) = (self.directions * self.hidden, direction * self.hidden + first);
        let recurrence = Recurrence {
            cell: self.cell,
            vectors: &self.vectors[group],
            products: tile,
            highway: match self.highway {
                Highway::None => arch::Highway::None,
                Highway::Product => arch::Highway::Product,
                Highway::Input(factor) => arch::Highway::Input { codes, width, column, factor },
            },
            starts,
            backward: direction == 1,
        };
        let target = Target { values: outputs, width, column, lanes: self.units(group) };
        level.recur(&recurrence, states, target)
    }
}
