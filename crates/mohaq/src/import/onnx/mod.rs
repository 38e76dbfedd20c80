//! ONNX models: protobuf → graph → the chain of layers in it.
//!
//! What exporters write around a recurrent layer is axes that are moved about and shapes that are computed; [`walk`] follows
//! the data through it and keeps what each axis means. Nothing is run: a graph that is not a chain of known layers is
//! refused, by the name of the node at fault.
//!
//! Read: operator sets 9 to 25 of ONNX; weights inside the file, or in files of its own folder.

mod axes;
mod constant;
mod cut;
mod folding;
mod length;
mod node;
mod products;
#[rustfmt::skip]
#[expect(unreachable_pub, clippy::enum_variant_names, reason = "generated")]
mod proto;
mod recurrent;
mod reshape;
mod rows;
mod shapes;
mod value;
mod walk;
mod wire;

pub(super) use products::{by_frame, normalisation};

use super::error::ImportError;
use super::model::Model;
use prost::Message;
use proto::ModelProto;
use std::path::Path;
use walk::Walk;

/// Operator sets that are read.
const OPSETS: std::ops::RangeInclusive<i64> = 9..=25;

/// The chain of layers in a file that lies in memory, with weights beside it in `folder`.
///
/// # Errors
/// [`ImportError`], by node or tensor.
pub(super) fn read(bytes: &[u8], folder: Option<&Path>) -> Result<Model, ImportError> {
    let no_model = |reason: String| ImportError::file(format!("not an ONNX model: {reason}"));
    wire::check(bytes).map_err(no_model)?;
    let model = ModelProto::decode(bytes).map_err(|error| no_model(error.to_string()))?;
    let own = model.opset_import.iter().find(|set| matches!(set.domain.as_deref(), None | Some("" | "ai.onnx")));
    let opset = own.and_then(|set| set.version).ok_or_else(|| no_model("no operator set of ONNX's own".into()))?;
    if !OPSETS.contains(&opset) {
        let (first, last) = (OPSETS.start(), OPSETS.end());
        return Err(ImportError::file(format!("operator set {opset}, expected {first} to {last}")));
    }
    let graph = model.graph.as_ref().ok_or_else(|| no_model("no graph".into()))?;
    let mut read = Walk::model(graph, opset, constant::Outside::new(folder), bytes.len())?;
    let producer = [model.producer_name.as_deref(), model.producer_version.as_deref()];
    let producer: Vec<&str> = producer.into_iter().flatten().filter(|text| !text.is_empty()).collect();
    let by = if producer.is_empty() { String::new() } else { format!(" by {}", producer.join(" ")) };
    read.notes.insert(0, format!("ONNX operator set {opset}{by}"));
    Ok(read)
}
