//! A candidate on its way to a device: the image, C99, and ONNX.
//!
//! The first two are made of one image, the checked file of [`mohaq_rt::image`], which holds the integers that were measured: nothing
//! is quantized, rounded or chosen here. The image runs where Rust runs ([`mohaq_rt::net`]); [`Project`] is the same network
//! as C, with a test vector of the scalar definition beside it. [`OnnxProject`] is a graph of real numbers on the same grids, for other
//! people's tools, and nearly the same numbers.
//!
//! ```
//! use mohaq::export::{Name, Project, Settings};
//! # use mohaq_rt::{Bits, image, numeric::{Q16, Requantizer}, parameters::{LayerParameters, SiteParameters}};
//! # let site = SiteParameters {
//! #     inputs: 2,
//! #     columns: 1,
//! #     weight: Bits::Four,
//! #     activation: Bits::Eight,
//! #     input: Requantizer::new(1.0 / 128.0)?,
//! #     outputs: vec![Requantizer::new(64.0)?],
//! #     biases: vec![-5],
//! #     weights: vec![3, -2],
//! # };
//! # let layers = vec![LayerParameters::Linear(site)];
//! # let parameters = image::ImageParameters { inputs: 2, input: Q16::Q1_14, output: Q16::Q5_10, layers };
//! # let file = image::write(&parameters)?;
//! let settings = Settings { name: Name::new("kws")?, labels: vec!["fc".into()], max_frames: 100 };
//! let project = Project::new(image::Image::parse(&file)?, &settings)?;
//! assert!(project.files["kws.h"].contains("int32_t kws_step(kws_net *net"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod code;
mod error;
mod folder;
mod name;
mod onnx;
mod project;
mod vector;
mod verify;

pub use error::ExportError;
pub use folder::{check_arena, image_ram_bytes, write_folder};
pub use name::Name;
pub use onnx::{Dialect, OnnxProject, write_onnx};
pub use project::{Project, Settings};
pub use vector::Vector;
pub use verify::{Sequences, Verified, run_c, run_image, run_onnx};
