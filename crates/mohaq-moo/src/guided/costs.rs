//! What is known of a candidate before it is measured.

use core::fmt;
use std::sync::Arc;

use crate::{Genome, Score};

/// Everything of a score but one objective, as a pure function of the genome.
#[derive(Clone)]
pub struct Costs<'a>(Arc<dyn Fn(&Genome) -> Score + Send + Sync + 'a>);

impl<'a> Costs<'a> {
    /// Costs by `known`: the score of a genome as it would be told, with the violation of those constraints that do not
    /// depend on the unknown objective, whose value is not read.
    pub fn new(known: impl Fn(&Genome) -> Score + Send + Sync + 'a) -> Self {
        Self(Arc::new(known))
    }

    /// What is known of `genome`.
    pub(super) fn of(&self, genome: &Genome) -> Score {
        (self.0)(genome)
    }
}

impl fmt::Debug for Costs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Costs")
    }
}
