//! What a guided search moves on, whoever proposes: the space, what is known of it, and what was measured.

use super::{Bounds, Costs, gain::Reached};
use crate::{Archive, Genome, Space};

/// The state of a search as far as it says which genomes may be asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground<'a> {
    pub(super) space: &'a Space,
    pub(super) costs: &'a Costs<'a>,
    pub(super) bounds: &'a Bounds,
    pub(super) archive: &'a Archive,
    pub(super) reached: &'a Reached,
}

impl Ground<'_> {
    /// The known objectives of `genome` in the box, if it is a candidate: one that was not measured before, keeps the known
    /// constraints, and could add to the front if its unknown objective were as good as can be.
    pub(super) fn candidate(&self, genome: &Genome) -> Option<Vec<f64>> {
        if self.archive.contains(genome) {
            return None;
        }
        let score = self.costs.of(genome);
        let known = self.bounds.known(&score);
        (score.is_feasible() && !self.reached.is_pointless(&known, self.bounds.least())).then_some(known)
    }
}
