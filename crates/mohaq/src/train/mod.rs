//! Training: a network, a dataset and a configuration in, a better network out.
//!
//! [`fit`] minimises the cross entropy of frames (or of sequences) with Adam, halves the learning rate when the
//! validation error stalls, stops early and leaves the network of the best epoch. What it computes is a function of the
//! network, the dataset and the configuration: the number of threads changes no bit, and a training that was killed and
//! goes on from its checkpoint ends in the same network as one that was not.
//!
//! ```no_run
//! # use mohaq::{nn::Network, train::{TrainConfig, fit}};
//! # fn example(network: &mut Network, dataset: &mohaq_speech::dataset::Dataset) -> mohaq::Result<()> {
//! let history = fit(network, dataset.development(), &TrainConfig::default(), None, &mut |progress| {
//!     println!("{:.0} frames/s, {:.0} s left", progress.frames_per_s, progress.seconds_left);
//!     std::ops::ControlFlow::Continue(())
//! })?;
//! println!("{:.1} % of the validation frames are wrong", 100.0 * history.best_error());
//! # Ok(()) }
//! ```
//!
//! [`fit_in`] does the same in another [`Arithmetic`], such as that of a quantized network. What this room does not do:
//! decode, or know of quantization.

mod adam;
mod arithmetic;
mod batches;
mod check;
mod checkpoint;
mod config;
mod fit;
mod history;

pub(crate) use check::check;
pub(crate) use checkpoint::differences;

pub use adam::Adam;
pub use arithmetic::{Arithmetic, Learned};
pub use config::TrainConfig;
pub use fit::{evaluate, fit, fit_in};
pub use history::{Epoch, History, Progress};
