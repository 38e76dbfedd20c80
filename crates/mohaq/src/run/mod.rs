//! Runs: the stages of a recipe over one directory.
//!
//! ```text
//! Session::open ─► dataset ─► trained ─► bank ─► Bench ─► searched ─► reporting::write
//! ```
//!
//! Each stage returns a value and leaves it in the run directory; a stage that finds its result there takes it. Nothing
//! here decides anything: what is computed stands in the modules below, what is to be done in the plan.

mod choosing;
mod corpus;
mod dir;
mod found;
mod goals;
mod measure;
mod pick;
mod reporting;
mod retraining;
mod searching;
mod session;
mod verifying;

pub use choosing::{Chosen, candidate, chosen, network};
pub use corpus::{dataset, summary, synthesise};
pub use dir::{Existing, RunDir};
pub use found::{Baseline, BaselinePoint, Found, FrontMember, UNIFORM, UniformMember};
pub use measure::{Bench, FinalBench, MeasuredSpec, PROBED, SiteSensitivity, sensitivity};
pub use pick::{Choice, Pick, PickError, Wanted, pick};
pub use reporting::write as write_report;
pub use retraining::{BANDS, Neighbour, Retrained, retrained};
pub use searching::{Searched, searched};
pub use session::{Session, Trained};
pub use verifying::{Form, Verification, verified};
