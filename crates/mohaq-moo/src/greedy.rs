//! Greedy search by sensitivity: from the last level of every gene, one step down at a time, always the one that costs the
//! least for what it gains.
//!
//! A step lowers one gene by a level, or by as many as it takes to gain anything. Its cost is the rise of one objective
//! (the *loss*, an error say), its gain the fall of another; a fall of the loss costs nothing. The walk:
//!
//! ```text
//! measure the highest genome, and from it every gene's step
//! until no gene has a step with a gain:
//!     measure anew every step whose measurement is too many steps old
//!     of the steps, take the one with the least cost / gain; among equals the larger gain, then the lower gene
//!     measured at an earlier point of the walk?   measure it anew from here, and choose again
//!     it leaves what is feasible?                 drop the gene
//!     otherwise                                   go there, and measure the gene's next step
//! ```
//!
//! Where steps only get dearer along the walk, choosing by older measurements is as good as measuring every step at every
//! point, for a small part of the evaluations (Minoux 1978, "Accelerated greedy algorithms for maximizing submodular set
//! functions"). Where they get cheaper, as a speedup does, whose steps gain more the faster the rest is, it is not: so no
//! measurement holds for more steps than half the genes. A second walk measures every step at every point, and takes from
//! the first what it has measured already. Then the search has nothing more to ask.
//!
//! On a separable problem whose steps get dearer with every level this is optimal: every point of the walk has the least
//! loss for its gain, as in the continuous knapsack problem (Dantzig 1957). Precisions are nearly separable, which makes
//! this the rule that people follow by hand.

use crate::{Archive, Error, Evaluation, Genome, Score, Space};

/// A walk from the highest genome down.
#[derive(Clone, Debug)]
pub struct Greedy {
    space: Space,
    loss: usize,
    gain: usize,
    archive: Archive,
    /// Steps that a measurement holds for: some on the first walk, none on the second.
    patience: usize,
    /// The points of the present walk.
    path: Vec<Genome>,
    /// The next step of each gene; `None` where it has none, or none worth it.
    steps: Vec<Option<Step>>,
    batch: Vec<Genome>,
}

/// One gene's next step down.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// Level that it goes to.
    to: u16,
    measured: Option<Measured>,
}

#[derive(Clone, Copy, Debug)]
struct Measured {
    /// Length of the path when it was measured.
    at: usize,
    cost: f64,
    gain: f64,
}

impl Greedy {
    /// A walk through `space` that trades objective `gain` against objective `loss`, both as positions in a [`Score`].
    ///
    /// # Errors
    /// [`Error::Setting`] where both are the same.
    pub fn new(space: Space, loss: usize, gain: usize) -> Result<Self, Error> {
        if loss == gain {
            return Err(Error::Setting { name: "gain", expected: "another objective than `loss`", got: gain as f64 });
        }
        let archive = Archive::new();
        let (path, steps, batch) = Default::default();
        let patience = (space.free_genes() / 2).max(1);
        let mut search = Self { space, loss, gain, archive, patience, path, steps, batch };
        search.begin();
        search.advance();
        Ok(search)
    }

    /// The genomes to score next, none of them ever asked before. The same until scores are told; empty at the end of the
    /// second walk.
    pub fn ask(&self) -> &[Genome] {
        &self.batch
    }

    /// Takes the scores of the genomes asked, in their order, and walks on as far as they reach.
    ///
    /// # Errors
    /// Those of [`Nsga2::tell`](crate::Nsga2::tell), and [`Error::ObjectiveCount`] for a score without the objectives of
    /// the walk. The search is then as before.
    pub fn tell(&mut self, scores: &[Score]) -> Result<(), Error> {
        if scores.len() != self.batch.len() {
            return Err(Error::ScoreCount { expected: self.batch.len(), got: scores.len() });
        }
        let expected = self.loss.max(self.gain) + 1;
        if let Some(candidate) = scores.iter().position(|score| score.objectives.len() < expected) {
            return Err(Error::ObjectiveCount { candidate, expected, got: scores[candidate].objectives.len() });
        }
        let told = self.batch.iter().zip(scores);
        self.archive.record(
            told.map(|(genome, score)| Evaluation { genome: genome.clone(), score: score.clone() }).collect(),
        )?;
        self.advance();
        Ok(())
    }

    /// Everything told so far.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// The points of the present walk, from the highest genome on.
    pub fn path(&self) -> &[Genome] {
        &self.path
    }

    /// Stands at the highest genome, with all steps to measure.
    fn begin(&mut self) {
        let highest = Genome(self.space.levels().iter().map(|levels| levels - 1).collect());
        self.steps = highest.0.iter().map(|&level| Step::below(level)).collect();
        self.path = vec![highest];
    }

    /// Walks on until a score is missing, and asks for it.
    fn advance(&mut self) {
        loop {
            self.batch = self.missing();
            if !self.batch.is_empty() {
                return;
            }
            if !self.measure() {
                continue;
            }
            match self.cheapest() {
                Some(gene) if self.is_fresh(gene) => self.take(gene),
                Some(gene) => self.forget(gene),
                None if self.patience == 0 => return,
                None => {
                    self.patience = 0;
                    self.begin();
                }
            }
        }
    }

    fn here(&self) -> &Genome {
        self.path.last().expect("a walk begins somewhere")
    }

    /// The point that a step of `gene` to level `to` leads to.
    fn after(&self, gene: usize, to: u16) -> Genome {
        let mut genome = self.here().clone();
        genome.0[gene] = to;
        genome
    }

    /// Genes whose step is to be measured from here.
    fn unmeasured(&self) -> Vec<(usize, u16)> {
        let needed = |step: &Step| step.measured.is_none_or(|it| it.at + self.patience < self.path.len());
        let steps = self.steps.iter().enumerate().filter_map(|(gene, step)| Some((gene, step.as_ref()?)));
        steps.filter(|(_, step)| needed(step)).map(|(gene, step)| (gene, step.to)).collect()
    }

    /// Genomes without which the walk cannot go on.
    fn missing(&self) -> Vec<Genome> {
        if !self.archive.contains(self.here()) {
            return vec![self.here().clone()];
        }
        let next = self.unmeasured().into_iter().map(|(gene, to)| self.after(gene, to));
        next.filter(|genome| !self.archive.contains(genome)).collect()
    }

    /// Works out every step that is to be measured, from scores that are all there. False where a gene must go further for
    /// a gain, whose score may be missing.
    fn measure(&mut self) -> bool {
        let mut complete = true;
        for (gene, to) in self.unmeasured() {
            let score = |genome: &Genome| self.archive.score(genome).expect("nothing is missing");
            let (from, next) = (score(self.here()), score(&self.after(gene, to)));
            let gain = from.objectives[self.gain] - next.objectives[self.gain];
            let cost = (next.objectives[self.loss] - from.objectives[self.loss]).max(0.0);
            // Infeasible scores may hold anything: what cannot be compared gains nothing, or costs more than the rest.
            let cost = if cost.is_nan() { f64::INFINITY } else { cost };
            let leaves = from.is_feasible() && !next.is_feasible();
            let gains = gain > 0.0;
            complete &= gains || leaves || to == 0;
            self.steps[gene] = match (leaves, gains) {
                (true, _) => None,
                (false, true) => Some(Step { to, measured: Some(Measured { at: self.path.len(), cost, gain }) }),
                (false, false) => Step::below(to),
            };
        }
        complete
    }

    /// The gene whose step has the least cost for its gain.
    fn cheapest(&self) -> Option<usize> {
        let steps = self.steps.iter().enumerate().filter_map(|(gene, step)| Some((gene, step.as_ref()?.measured?)));
        let best = steps.min_by(|(a_gene, a), (b_gene, b)| {
            let price = |step: &Measured| step.cost / step.gain;
            price(a).total_cmp(&price(b)).then(b.gain.total_cmp(&a.gain)).then(a_gene.cmp(b_gene))
        });
        best.map(|(gene, _)| gene)
    }

    fn is_fresh(&self, gene: usize) -> bool {
        let measured = self.steps[gene].and_then(|step| step.measured);
        measured.is_some_and(|measured| measured.at == self.path.len())
    }

    /// Has the step of `gene` measured anew.
    fn forget(&mut self, gene: usize) {
        if let Some(step) = &mut self.steps[gene] {
            step.measured = None;
        }
    }

    /// Takes the step of `gene`.
    fn take(&mut self, gene: usize) {
        if let Some(step) = self.steps[gene] {
            self.path.push(self.after(gene, step.to));
            self.steps[gene] = Step::below(step.to);
        }
    }
}

impl Step {
    /// The step from `level` to the one below.
    fn below(level: u16) -> Option<Self> {
        level.checked_sub(1).map(|to| Self { to, measured: None })
    }
}
