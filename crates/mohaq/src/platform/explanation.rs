//! A cost taken apart: what each product of a network takes, and what bounds it.

use super::cost::{Cost, weight_bits};
use crate::nn::Site;
use crate::quant::Precision;
use serde::{Deserialize, Serialize};

/// A [`Cost`] taken apart. Times and energies of the parts add up to those of the cost, to within rounding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The products, in the order of [`Workload::sites`](crate::nn::Workload::sites).
    pub sites: Vec<SiteCost>,
    /// What belongs to no product: vectors, states, elementwise operations, and the overhead of a frame.
    pub rest: Share,
    /// The whole.
    pub cost: Cost,
}

/// What one product takes of a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SiteCost {
    /// Name of the site.
    pub site: String,
    /// Its precision, in data as `4x8`.
    #[serde(with = "as_text")]
    pub precision: Precision,
    /// Multiply-accumulates a frame.
    pub macs: u64,
    /// Weights at their width, in bit.
    pub weight_bits: u64,
    /// Time and energy.
    pub share: Share,
}

impl SiteCost {
    /// What `site` takes at `precision`.
    pub(super) fn new(site: &Site, precision: Precision, share: Share) -> Self {
        let weight_bits = weight_bits(site, precision);
        Self { site: site.name.clone(), precision, macs: site.macs, weight_bits, share }
    }
}

mod as_text {
    use crate::quant::Precision;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(precision: &Precision, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(precision)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Precision, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Time and energy of a part of a frame. What the platform does not price is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Seconds of computing, were there nothing else.
    pub compute_s: Option<f64>,
    /// Traffic by memory level, in the order of the platform's file; empty where no traffic is modelled.
    pub memory: Vec<Traffic>,
    /// Seconds of a fixed cost.
    pub overhead_s: Option<f64>,
    /// Seconds that it takes.
    pub time_s: Option<f64>,
    /// What takes the most of them; `None` where nothing takes time.
    pub bound: Option<Bound>,
    /// Energy by part.
    pub energy: Option<EnergyPj>,
}

/// What is read from and written to one memory level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// Name of the level.
    pub memory: String,
    /// Bits read and written.
    pub bits: f64,
    /// Seconds that it takes, were there nothing else; 0 for a level without a bandwidth.
    pub time_s: f64,
    /// The time passes while the hardware computes.
    pub overlapped: bool,
}

/// What a part of a frame waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Arithmetic.
    Compute,
    /// A memory level, by name.
    Memory(String),
    /// A fixed cost.
    Overhead,
}

/// Energy by part, in pJ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EnergyPj {
    /// Multiply-accumulates.
    pub multiply: f64,
    /// Reading weights or vectors.
    pub load_weights: f64,
    /// Reading and writing activations and states.
    pub move_activations: f64,
    /// Elementwise operations.
    pub elementwise: f64,
    /// Static power over the time taken.
    pub standing: f64,
}

impl EnergyPj {
    /// All parts.
    pub fn total(&self) -> f64 {
        self.multiply + self.load_weights + self.move_activations + self.elementwise + self.standing
    }
}

impl Explanation {
    /// Every share: those of the products, then the rest.
    pub fn shares(&self) -> impl Iterator<Item = &Share> {
        self.sites.iter().map(|site| &site.share).chain([&self.rest])
    }

    /// Seconds of all shares; `None` where the platform does not price time.
    pub fn time_s(&self) -> Option<f64> {
        self.shares().map(|share| share.time_s).sum()
    }

    /// Energy of all shares, in pJ; `None` where the platform does not price it.
    pub fn energy_pj(&self) -> Option<f64> {
        self.shares().map(|share| share.energy.map(|energy| energy.total())).sum()
    }
}
