//! Multi-objective search over discrete genes, by ask and tell. Knows no networks.
//!
//! A genome is a list of level indices in a [`Space`]. [`Nsga2`] proposes genomes, the caller scores them however and
//! in as many threads as it likes, and tells the [`Score`]s: objectives to minimise, and a violation that is 0 where
//! all constraints hold. The answer is a front: the candidates that no other one dominates.
//!
//! ```
//! use mohaq_moo::{Nsga2, Nsga2Config, Score, Space};
//!
//! // Twelve parts of cost 1, 2 or 4; the fewer steps below the best, the smaller the loss. At most 30 in all.
//! let space = Space::new(vec![3; 12])?;
//! let mut search = Nsga2::new(space, Nsga2Config::default(), 1)?;
//! while search.archive().len() < 500 {
//!     let scores: Vec<Score> = search
//!         .ask()
//!         .iter()
//!         .map(|genome| {
//!             let cost: f64 = genome.0.iter().map(|&gene| f64::from(1 << gene)).sum();
//!             let loss: f64 = (1..).zip(&genome.0).map(|(weight, &gene)| f64::from(weight * (2 - gene))).sum();
//!             Score { objectives: vec![cost, loss], violation: (cost - 30.0).max(0.0) }
//!         })
//!         .collect();
//!     search.tell(&scores)?;
//! }
//! let front = search.archive().front();
//! assert!(front.len() > 10);
//! assert!(front.iter().all(|point| point.score.objectives[0] <= 30.0));
//! # Ok::<(), mohaq_moo::Error>(())
//! ```
//!
//! **Resume is replay.** A search is a pure function of its seed and of what it was told: make it anew, answer what it
//! asks from the log, and it goes on as if it had never stopped. Nothing in it depends on time, threads or the
//! platform.
//!
//! Where all objectives but one are known before a candidate is measured, [`Guided`] search asks far less: it models the
//! unknown one and asks what the front is expected to grow by the most. Two simpler searchers are there to be compared with:
//! [`Random`] and [`Greedy`]. A [`Searcher`] is any of the four.
//!
//! The parts, each usable alone: [`Points`] with [`dominates`], [`non_dominated_sort`], [`non_dominated`] and
//! [`crowding_distance`], [`neighbour_distance`] or [`hypervolume_contribution`], which a [`Survival`] goes by; [`hypervolume`]
//! and its running form [`Hypervolume`]; the
//! [`Archive`] of all evaluations; [`choose`], which takes one point of a front; [`rank_correlation`]. What does not fit is
//! an [`Error`]; nothing here repairs a score or a genome.
#![forbid(unsafe_code)]

// A module uses only those in the groups above its own.

mod error;

mod stream;

mod points;
mod rank;
mod space;

mod choose;
mod crowding;
mod sort;
mod variation;

mod archive;
mod hypervolume;

mod contribution;

mod survival;

mod greedy;
mod guided;
mod nsga2;
mod random;

mod searcher;

pub use archive::{Archive, Evaluation, Score};
pub use choose::{Preference, choose};
pub use contribution::hypervolume_contribution;
pub use crowding::{crowding_distance, neighbour_distance};
pub use error::Error;
pub use greedy::Greedy;
pub use guided::{Costs, Guided, GuidedConfig};
pub use hypervolume::{Hypervolume, hypervolume};
pub use nsga2::{Nsga2, Nsga2Config};
pub use points::Points;
pub use random::Random;
pub use rank::rank_correlation;
pub use searcher::Searcher;
pub use sort::{dominates, non_dominated, non_dominated_sort};
pub use space::{Genome, Space};
pub use survival::Survival;
