//! Networks in floating point: layers, parameters, forward and backward.

mod site;

pub use site::{Site, SiteId, Workload};
