//! The search for precisions: its space, its loop and its log.

mod driver;
mod log;
mod method;
mod space;

pub use driver::{SearchSettings, search};
pub use log::{EvaluationLog, Header, Record};
pub use method::Method;
pub use space::PrecisionSpace;
