//! Networks in floating point: layers, parameters, forward and backward.
//!
//! A [`NetworkDescription`] is what a user writes; a [`Network`] is one with parameters. [`Network::forward`] maps a
//! [`Batch`] of sequences to logits. Every matrix product on the way is a [`Site`] with a [`SiteId`], and [`SiteOps`]
//! is the one hook through which quantization, calibration and retraining see it.

mod backward;
mod batch;
mod cell;
mod ctc;
mod description;
mod dropout;
mod elementwise;
mod file;
mod forward;
mod frames;
mod initialize;
mod layer;
mod loss;
mod network;
mod ops;
mod product;
mod recurrence;
mod recurrent;
mod site;
mod workspace;

pub use backward::{Gradients, Trace};
pub use batch::Batch;
pub use cell::{Cell, Gate, RecurrentGates};
pub use ctc::ctc_loss;
pub use description::{
    Conv1dDescription, EmbeddingDescription, GateDescription, GruDescription, LayerDescription, LayerNormDescription,
    LinearDescription, LstmDescription, NetworkDescription, PointwiseDescription, Pooling, QrnnDescription,
    RecurrentShape, Reset, RnnActivation, RnnDescription, Skip, SkipDescription, SruDescription,
};
pub use dropout::Dropout;
pub use elementwise::log_softmax;
pub use frames::EPSILON;
pub use layer::{Conv1d, Embedding, Layer, LayerNorm, Linear, Pointwise, Product, Recurrent, Sru};
pub use loss::{Loss, frame_loss, regression_loss, sequence_loss};
pub use network::{Network, Parameter, ParameterMut};
pub use ops::{Float, Saturated, SiteOps};
pub use site::{Site, SiteId, Workload};
pub use workspace::Workspace;
