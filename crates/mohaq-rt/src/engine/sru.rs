//! A layer of simple recurrent units.
//!
//! It is not run product first, recurrence second: units do not touch each other, so 16 of them are multiplied for all frames
//! and then run through time while their products are still in the cache.

use super::Scratch;
use super::frames::normalise;
use super::layer::{LayerCounts, Memory};
use super::site::{Site, arrangement, sru_arrangement};
use crate::Error;
use crate::arch::{self, Level, Recurrence, Target};
use crate::cell::{Highway, SruCell};
use crate::numeric::SaturationCount;
use crate::panel::{LANES, Panels};
use crate::parameters::{NormParameters, SruParameters};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The layer, ready to run.
#[derive(Clone, Debug)]
pub(super) struct Sru {
    hidden: usize,
    pub(super) directions: usize,
    cell: SruCell,
    highway: Highway,
    norm: Option<NormParameters>,
    projection: Option<Site>,
    /// One of all parts, or one of each.
    sites: Vec<Site>,
    /// `[directions, groups]`: v_f and v_r of 16 units.
    vectors: Vec<[[i16; LANES]; 2]>,
}

impl Sru {
    pub(super) fn new(parameters: SruParameters<Arc<Panels>>, inputs: usize) -> Result<Self, Error> {
        let SruParameters { hidden, directions, cell, highway, norm, projection, sites, vectors } = parameters;
        let (outputs, parts) = (directions * hidden, highway.parts());
        let length =
            |what, expected, got| if got == expected { Ok(()) } else { Err(Error::Length { what, expected, got }) };
        length("vectors of a recurrent layer", 2 * outputs, vectors.len())?;
        let parts_apart = if sites.len() == 1 { parts } else { 1 };
        length("products of a recurrent layer", parts / parts_apart, sites.len())?;
        for site in &sites {
            length("columns of a recurrent layer", parts_apart * outputs, site.columns)?;
        }
        if matches!(highway, Highway::Input(_)) {
            length("inputs of a layer whose highway carries them", outputs, inputs)?;
        }
        if let Some(norm) = &norm {
            length("gain of a normalisation", inputs, norm.gain.len())?;
            length("bias of a normalisation", inputs, norm.bias.len())?;
        }
        let projection = projection.map(|site| {
            let (lanes, columns) = (arrangement(site.columns), site.columns);
            Site::new(site, inputs, &lanes, [1, columns])
        });
        let projection = projection.transpose()?;
        let projected = projection.as_ref().map_or(inputs, |site| site.columns);
        let lanes = sru_arrangement(hidden, directions, parts_apart);
        let sites = sites.into_iter().map(|site| Site::new(site, projected, &lanes, [parts_apart, hidden]));
        let sites = sites.collect::<Result<_, _>>()?;
        let unit = |gate: usize, lane: Option<usize>| lane.map_or(0, |unit| vectors[gate * outputs + unit]);
        let groups = sru_arrangement(hidden, directions, 1);
        let (groups, _) = groups.as_chunks::<LANES>();
        let vectors = groups.iter().map(|lanes| [0, 1].map(|gate| lanes.map(|lane| unit(gate, lane)))).collect();
        Ok(Self { hidden, directions, cell, highway, norm, projection, sites, vectors })
    }

    fn groups(&self) -> usize {
        self.hidden.div_ceil(LANES)
    }

    /// Units of a group: 16, or fewer in the last one of a direction.
    fn units(&self, group: usize) -> usize {
        LANES.min(self.hidden - group % self.groups() * LANES)
    }

    /// Codes that a stream remembers.
    pub(super) fn memory_len(&self) -> usize {
        self.groups() * LANES
    }

    /// Length of the output.
    pub(super) fn outputs(&self) -> usize {
        self.directions * self.hidden
    }

    pub(super) fn run(
        &self,
        level: Level,
        codes: &[i16],
        starts: &[usize],
        mut memory: Memory<'_>,
        outputs: &mut [i16],
        scratch: &mut Scratch,
    ) -> LayerCounts {
        let frames = starts[starts.len() - 1];
        let mut counts = LayerCounts::of_sites(usize::from(self.projection.is_some()) + self.sites.len());
        let mut of_sites = counts.sites.as_mut_slice();
        let read = match &self.norm {
            Some(norm) => {
                scratch.normal.resize(codes.len(), 0);
                counts.normal = normalise(norm, codes, &mut scratch.normal);
                scratch.normal.as_slice()
            }
            None => codes,
        };
        let projected = match &self.projection {
            Some(site) => {
                scratch.projected.resize(frames * site.columns, 0);
                of_sites[0] = site.run(level, read, &mut scratch.projected, false, &mut scratch.words);
                of_sites = &mut of_sites[1..];
                scratch.projected.as_slice()
            }
            None => read,
        };
        // Operands of all sites one behind the other, where these are of different widths.
        scratch.words.clear();
        let mut first_words = [0; 5];
        for (index, site) in self.sites.iter().enumerate() {
            of_sites[index].input = site.more_operands(level, projected, frames, &mut scratch.words);
            first_words[index + 1] = scratch.words.len();
        }
        let parts = self.highway.parts();
        let parts_apart = parts / self.sites.len();
        scratch.tile.resize(frames * parts * LANES, 0);
        for group in 0..self.directions * self.groups() {
            // The lanes of the last group that no unit has hold zeros, which never saturate.
            let total = (frames * self.units(group)) as u64;
            for part in 0..parts {
                let (site, of_site) = (part / parts_apart, part % parts_apart);
                let column = part * LANES;
                let target = Target { values: &mut scratch.tile, width: parts * LANES, column, lanes: LANES };
                let words = &scratch.words[first_words[site]..first_words[site + 1]];
                let panel = group * parts_apart + of_site;
                let SaturationCount { clipped, .. } = self.sites[site].panel(level, words, frames, panel, target);
                of_sites[site].outputs[of_site].merge(SaturationCount { clipped, total });
            }
            let states = match &mut memory {
                Memory::Fresh => {
                    scratch.states.clear();
                    scratch.states.resize(starts.len() - 1, [0; LANES]);
                    scratch.states.as_mut_slice()
                }
                Memory::Kept(codes) => &mut codes.as_chunks_mut().0[group..=group],
            };
            let seen = self.recur(level, group, codes, starts, states, outputs, &scratch.tile);
            counts.arguments.merge(seen.gates);
            counts.highway.merge(seen.highway);
        }
        counts
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
