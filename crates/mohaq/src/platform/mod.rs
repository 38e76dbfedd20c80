//! Platforms: what a precision costs on a piece of hardware.
//!
//! A [`Platform`] prices a [`QuantSpec`] for the [`Workload`] of a network: memory always, speedup, energy and time where
//! the hardware's numbers are known. It is a trait because users bring hardware; most platforms are one TOML file
//! ([`TablePlatform`]), in which every number names its source. [`list`] gives those that are built in.
//!
//! ```
//! use mohaq::nn::{Site, Workload};
//! use mohaq::platform::{self, Platform};
//! use mohaq::quant::{Precision, QuantSpec};
//! use mohaq_rt::Bits;
//!
//! let silago = platform::load("silago")?;
//! let site = Site { name: "fc".into(), inputs: 100, outputs: 10, macs: 1000, weights: 1000, recurrent: false };
//! let workload = Workload { sites: vec![site], vectors: 10, ..Workload::default() };
//! let cost = silago.cost(&workload, &QuantSpec::uniform(Precision::new(Bits::Four, Bits::Four), 1))?;
//! assert_eq!(cost.memory_bits, 1000 * 4 + 10 * 16);
//! assert_eq!(cost.speedup, Some(4.0));
//! # Ok::<(), mohaq::platform::PlatformError>(())
//! ```
//!
//! Costs are pure functions of counts and bits, by one of three models. The ideal one is that of MOHAQ (arXiv 2108.01192): no
//! stalls, no padding, no traffic of activations. The roofline asks of each product whether arithmetic or a memory takes
//! longer. Where weights do not fit, that is a [`Violation`], never a silent spill to a slower memory. [`Platform::explain`]
//! takes a cost apart. [`systolic`] prices the products of an array in detail: tiles, buffers, stalls.

mod arrayed;
mod builtin;
mod by_precision;
mod check;
mod cost;
mod csv;
mod description;
mod document;
mod error;
mod explained;
mod explanation;
mod host;
mod ideal;
mod lut;
mod memo;
#[cfg(test)]
mod published;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod refused_lut;
#[cfg(test)]
mod refused_roofline;
#[cfg(test)]
mod refused_systolic;
mod report;
mod roofline;
mod samples;
mod schema;
mod summed;
pub mod systolic;
mod table;

pub use builtin::{list, load};
pub use check::{Finding, Severity, check, check_text};
pub use cost::{Cost, Limit, Violation};
pub use csv::parse_csv;
pub use error::{Fault, PlatformError, Problem};
pub use explained::{Explained, Step, explained};
pub use explanation::{Bound, EnergyPj, Explanation, Share, SiteCost, Traffic};
pub use host::host_file;
pub use report::{PlatformReport, ReportedNumber};
pub use samples::{Sample, SampleTable, Shape};
pub use table::TablePlatform;

use crate::nn::{NetworkDescription, Site, Workload};
use crate::quant::{Precision, QuantSpec};

/// Prices precisions on a piece of hardware. Implementations are pure: the same arguments, the same cost.
pub trait Platform: Send + Sync {
    /// Name, as in a recipe.
    fn name(&self) -> &str;

    /// The precisions that a site may take, narrowest first: the levels of a gene.
    fn precisions(&self) -> &[Precision];

    /// The precisions that `site` may take, narrowest first: all of [`precisions`](Self::precisions) but those that the
    /// platform cannot price at this shape. None for a product that it knows nothing of.
    fn precisions_at(&self, site: &Site) -> Vec<Precision> {
        _ = site;
        self.precisions().to_vec()
    }

    /// Whether the hardware runs every layer of `network`.
    ///
    /// # Errors
    /// [`PlatformError::Layer`] at the first layer that it does not run.
    fn admit(&self, network: &NetworkDescription) -> Result<(), PlatformError> {
        _ = network;
        Ok(())
    }

    /// Whether both operands of a site have the same width, so that one gene a site is enough.
    fn tied(&self) -> bool {
        self.precisions().iter().all(|precision| precision.weight == precision.activation)
    }

    /// Memories with a size, to be used as constraints.
    fn limits(&self) -> &[Limit];

    /// Size of the memory that holds the weights, in bytes.
    fn sram_bytes(&self) -> Option<u64> {
        self.limits().iter().find(|limit| limit.weights).map(|limit| limit.bytes)
    }

    /// Every memory that `cost` does not fit.
    fn violations(&self, cost: &Cost) -> Vec<Violation> {
        self.limits().iter().filter_map(|limit| limit.violation(cost)).collect()
    }

    /// What a frame of `workload` costs at `spec`.
    ///
    /// # Errors
    /// [`PlatformError::Sites`] unless `spec` has one precision a site, [`PlatformError::Precision`] at the first site
    /// whose precision the hardware lacks, [`PlatformError::NoWork`] for a network without multiplications.
    fn cost(&self, workload: &Workload, spec: &QuantSpec) -> Result<Cost, PlatformError>;

    /// [`cost`](Self::cost), taken apart by site: for people, not for a search's inner loop.
    ///
    /// # Errors
    /// Those of [`cost`](Self::cost).
    fn explain(&self, workload: &Workload, spec: &QuantSpec) -> Result<Explanation, PlatformError>;

    /// Every number with its source.
    fn describe(&self) -> PlatformReport;
}
