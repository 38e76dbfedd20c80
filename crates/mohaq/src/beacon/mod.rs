//! Beacons: networks retrained at one candidate's precisions, whose parameters its neighbours borrow.
//!
//! Retraining every candidate of a search is out of reach, and ranking by the error without retraining is unfair to low
//! precision. So few candidates are retrained, and a candidate near one of them counts with the smaller of two errors: its
//! own, and the one with the beacon's parameters quantized to *its* precisions. A beacon lends its clips with its weights:
//! borrowed weights fit the grid that they were trained on.
//!
//! [`plan`] says which candidates become beacons, [`Nursery`] retrains them and keeps them as files, and a [`Beacon`] is
//! what it returns. What a beacon becomes is a function of its lineage alone: neither the number of threads nor a process
//! that was killed in between shows in it. This room does not search.
//!
//! Source: Rezk et al. 2021, §IV-C.

mod distance;
mod file;
mod nursery;
mod settings;

pub use distance::{Spent, distance, nearest, plan};
pub use file::{Beacon, BeaconEpoch, Lineage};
pub use nursery::{Nursery, Raised, folder};
pub use settings::{BeaconSettings, Region, RetrainSettings};
