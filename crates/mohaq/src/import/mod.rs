//! Networks that people already have: PyTorch state_dicts as safetensors, and ONNX models.
//!
//! ```text
//! bytes ─► tensors ─► torch ─┐
//!                            ├─► Model ─► fold ─► build ─► Network
//! bytes ─► onnx ─────────────┘
//! ```
//!
//! [`read`] makes a [`Network`] of a file, and keeps what is to be told about it: what each layer was, what was folded into
//! it, assumed or left out. What a network has no place for is refused by the name of the tensor, module or node; nothing is
//! approximated. [`check`](Import::check) runs inputs from a file and compares with the outputs beside them.
//!
//! Files are not trusted: no memory is taken beyond a file's size times a small constant, whatever its header claims.

mod build;
mod check;
mod error;
mod fold;
mod model;
mod onnx;
mod summary;
mod tensors;
mod torch;

pub use check::{Axes, Comparison};
pub use error::ImportError;
pub use model::{Layout, Pooled};
pub use summary::LayerSummary;

use crate::Error;
use crate::nn::Network;
use build::Refusal;
use model::{Dropped, Model};
use std::path::Path;

/// A network from a file of another program, and what is to be told about it.
#[derive(Clone, Debug)]
pub struct Import {
    /// The network.
    pub network: Network,
    /// What each of its layers was made from.
    pub layers: Vec<LayerSummary>,
    /// About the model as a whole.
    pub notes: Vec<String>,
    /// Where the model gives one output for a sequence: how many layers come before, and how the frames become one.
    pub pooling: Option<(usize, Pooled)>,
    /// How the model's input lies in memory, where the file says so.
    pub layout: Option<Layout>,
    dropped: Option<Dropped>,
}

/// Reads the model in the file at `path`: ONNX, or a state_dict as safetensors, by its first bytes.
///
/// `description` is the text of a network description for what a state_dict does not say; its layers name the modules.
///
/// # Errors
/// [`Error::Import`] by tensor, module or node; [`Error::Io`]; whatever a network description can be refused for.
pub fn read(path: &Path, description: Option<&str>) -> crate::Result<Import> {
    let bytes = std::fs::read(path).map_err(|source| Error::io(path, source))?;
    // A bare file name has the empty path for its folder.
    let folder = path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    decode(&bytes, folder, description).map_err(|refusal| match refusal {
        Refusal::Import(source) => Error::Import { path: path.to_owned(), source },
        Refusal::Network(error) => error,
    })
}

/// Reads a model that lies in memory; weights outside it are looked for nowhere.
///
/// # Errors
/// As [`read`], without the file.
pub fn read_bytes(bytes: &[u8], description: Option<&str>) -> crate::Result<Import> {
    decode(bytes, None, description).map_err(|refusal| match refusal {
        Refusal::Import(source) => Error::Import { path: "model".into(), source },
        Refusal::Network(error) => error,
    })
}

fn decode(bytes: &[u8], folder: Option<&Path>, description: Option<&str>) -> Result<Import, Refusal> {
    let mut model = match kind(bytes)? {
        Kind::StateDict => torch::read(bytes, description)?,
        Kind::Onnx if description.is_some() => {
            let reason = "an ONNX model says itself what it is".to_owned();
            return Err(ImportError::Description { reason }.into());
        }
        Kind::Onnx => onnx::read(bytes, folder)?,
    };
    fold::fold(&mut model)?;
    let network = build::network(&model)?;
    Ok(finish(model, network))
}

fn finish(model: Model, network: Network) -> Import {
    let layers = summary::layers(&model, &network);
    let mut notes = model.notes;
    if let Some((after, pooled)) = model.pooling {
        let last = after.checked_sub(1).map_or("the input", |at| layers[at].name.as_str());
        // Tasks pool frames of the whole network, and there a backward direction has read one frame at the last.
        let alone = if pooled == Pooled::LastState { ", which no task here takes" } else { "" };
        notes.push(format!("one output a sequence: {pooled} behind `{last}`{alone}"));
    }
    let (pooling, layout, dropped) = (model.pooling, model.layout, model.dropped);
    Import { network, layers, notes, pooling, layout, dropped }
}

enum Kind {
    StateDict,
    Onnx,
}

fn kind(bytes: &[u8]) -> Result<Kind, ImportError> {
    match bytes {
        [] => Err(ImportError::file("an empty file")),
        // Eight bytes of length, then a JSON object. A protobuf file starts with a field's number.
        [_, _, _, _, _, _, _, _, b'{', ..] => Ok(Kind::StateDict),
        [b'P', b'K', 3, 4, ..] => {
            Err(ImportError::Foreign { what: "a zip archive, as `torch.save` and Keras write them" })
        }
        [0x89, b'H', b'D', b'F', ..] => Err(ImportError::Foreign { what: "an HDF5 file, as Keras writes them" }),
        [0x80, 2..=5, ..] => Err(ImportError::Foreign { what: "a Python pickle, as `torch.save` wrote them" }),
        // No field has the number 0.
        [0, ..] => Err(ImportError::file("neither ONNX nor safetensors")),
        _ => Ok(Kind::Onnx),
    }
}
