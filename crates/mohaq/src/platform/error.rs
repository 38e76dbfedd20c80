//! What can be wrong with a platform file, a name, or a precision that the hardware lacks.

use super::Platform;
use super::systolic::SystolicError;
use crate::nn::Site;
use crate::quant::Precision;
use std::fmt;
use std::path::PathBuf;

/// Why a platform cannot be used, or cannot price a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// No built-in platform has this name.
    #[error("platform `{name}` is unknown, expected {} or the path of a .toml file", builtin.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The built-in names.
        builtin: &'static [&'static str],
        /// The built-in name most like it.
        nearest: Option<&'static str>,
    },
    /// A platform file cannot be read.
    #[error("platform file {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// A platform file is not what the schema asks for.
    #[error("platform file {origin}: {}", Listed(faults))]
    Faults {
        /// The file.
        origin: String,
        /// Everything that is wrong, in the order of lines.
        faults: Vec<Fault>,
    },
    /// The platform `host`, before this machine was measured.
    #[error("platform `host`: this machine has not been measured")]
    NotMeasured,
    /// A table of measured products is not what it should be.
    #[error("table {origin}: line {line}: {problem}")]
    Table {
        /// The table.
        origin: String,
        /// Line of the table, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A specification with another number of sites than the network.
    #[error("specification has {got} sites, expected {expected}")]
    Sites {
        /// Sites of the network.
        expected: usize,
        /// Precisions in the specification.
        got: usize,
    },
    /// A precision that the hardware does not have.
    #[error("site `{site}`: platform `{platform}` has no {precision}, expected one of {}", Spaced(allowed))]
    Precision {
        /// Name of the platform.
        platform: String,
        /// Name of the site.
        site: String,
        /// The precision asked for.
        precision: Precision,
        /// The precisions that there are.
        allowed: Vec<Precision>,
    },
    /// A product that a systolic array cannot make.
    #[error("site `{site}`: {source}")]
    Product {
        /// Name of the site.
        site: String,
        /// Why.
        #[source]
        source: SystolicError,
    },
    /// A product outside of what was measured.
    #[error(
        "site `{site}`: platform `{platform}` has no measurement around {} to {} at {precision}", shape[0], shape[1]
    )]
    Unmeasured {
        /// Name of the platform.
        platform: String,
        /// Name of the site.
        site: String,
        /// Inputs and outputs.
        shape: [usize; 2],
        /// The precision asked for.
        precision: Precision,
    },
    /// A product outside of what was measured, whatever its precision.
    #[error("site `{site}`: platform `{platform}` has no measurement around {} to {}", shape[0], shape[1])]
    Unpriced {
        /// Name of the platform.
        platform: String,
        /// Name of the site.
        site: String,
        /// Inputs and outputs.
        shape: [usize; 2],
    },
    /// A layer that the hardware does not run.
    #[error("layer `{layer}`: platform `{platform}` runs no {kind}, expected one of {}", allowed.join(", "))]
    Layer {
        /// Name of the platform.
        platform: String,
        /// Name of the layer.
        layer: String,
        /// Its kind.
        kind: &'static str,
        /// The kinds that it runs.
        allowed: Vec<String>,
    },
    /// A network without a multiplication has no speedup.
    #[error("network has no multiply-accumulates, expected at least one")]
    NoWork,
}

impl PlatformError {
    /// That `platform` has no precision for `site`.
    pub(crate) fn unpriced(platform: &dyn Platform, site: &Site) -> Self {
        let shape = [site.inputs, site.outputs];
        Self::Unpriced { platform: platform.name().to_owned(), site: site.name.clone(), shape }
    }

    /// What the user may want to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { nearest, .. } => nearest.map(did_you_mean),
            Self::Faults { faults, .. } => faults.iter().find_map(Fault::hint),
            Self::Unmeasured { .. } | Self::Unpriced { .. } => Some(
                "`mohaq platform measure` measures the products of a network on this machine, or reads them from a table"
                    .to_owned(),
            ),
            Self::NotMeasured => Some("`mohaq platform measure` does it, in about half a minute".to_owned()),
            Self::Read { .. }
            | Self::Table { .. }
            | Self::Sites { .. }
            | Self::Precision { .. }
            | Self::Product { .. }
            | Self::Layer { .. }
            | Self::NoWork => None,
        }
    }
}

/// One thing wrong with a platform file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {}{problem}", Prefix(key))]
pub struct Fault {
    /// Line in the file, from 1.
    pub line: usize,
    /// Path of the key, `energy.mac_pj.8x8`; empty for the file.
    pub key: String,
    /// What is wrong with it.
    pub problem: Problem,
}

impl Fault {
    /// What the user may want to do about it.
    pub fn hint(&self) -> Option<String> {
        match &self.problem {
            Problem::UnknownKey { nearest } | Problem::UnknownSource { nearest, .. } => {
                nearest.as_deref().map(did_you_mean)
            }
            Problem::Syntax { .. } | Problem::MissingKey | Problem::Value { .. } => None,
        }
    }
}

/// What is wrong with a key of a platform file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Not TOML.
    #[error("{message}")]
    Syntax {
        /// What the TOML parser says.
        message: String,
    },
    /// A key that the schema does not have here.
    #[error("unknown key")]
    UnknownKey {
        /// The key of the schema most like it.
        nearest: Option<String>,
    },
    /// A key that the schema needs here.
    #[error("missing key")]
    MissingKey,
    /// A value that the schema does not allow here.
    #[error("is {got}, expected {expected}")]
    Value {
        /// What the schema allows.
        expected: String,
        /// What the file has.
        got: String,
    },
    /// A source that `[sources]` does not list.
    #[error("source `{name}` is not in [sources]")]
    UnknownSource {
        /// The source.
        name: String,
        /// The listed source most like it.
        nearest: Option<String>,
    },
}

fn did_you_mean(name: &str) -> String {
    format!("did you mean `{name}`?")
}

struct Prefix<'a>(&'a str);

impl fmt::Display for Prefix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "`{}`: ", self.0) }
    }
}

struct Listed<'a>(&'a [Fault]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            write!(f, "{}{fault}", if i == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

struct Spaced<'a>(&'a [Precision]);

impl fmt::Display for Spaced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, precision) in self.0.iter().enumerate() {
            write!(f, "{}{precision}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
