//! The search for precisions: its space, its loop and its log.

mod driver;
mod lender;
mod log;
mod measuring;
mod method;
mod progress;
mod searchers;
mod space;

pub use driver::{SearchSettings, search};
pub use lender::{Lender, Served};
pub use log::{BeaconRecord, EvaluationLog, Header, LoanRecord, Record};
pub use method::Method;
pub use progress::{Progress, StopRule};
pub use searchers::{Pricing, searcher};
pub use space::PrecisionSpace;
