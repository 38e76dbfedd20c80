//! Networks in floating point: layers, parameters, forward and backward.
//!
//! A [`NetworkDescription`] is what a user writes; a [`Network`] is one with parameters. [`Network::forward`] maps a
//! [`Batch`] of sequences to logits. Every matrix product on the way is a [`Site`] with a [`SiteId`], and [`SiteOps`]
//! is the one hook through which quantization, calibration and retraining see it.

mod batch;
mod description;
mod forward;
mod initialize;
mod layer;
mod network;
mod ops;
mod recurrence;
mod site;

pub use batch::Batch;
pub use description::{
    LayerDescription, LinearDescription, NetworkDescription, PointwiseDescription, Skip, SkipDescription,
    SruDescription,
};
pub use forward::log_softmax;
pub use layer::{Layer, Linear, Pointwise, Sru};
pub use network::{Network, Parameter, ParameterMut};
pub use ops::{Float, SiteOps};
pub use site::{Site, SiteId, Workload};
