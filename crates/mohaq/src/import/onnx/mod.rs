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
use crate::onnx_proto as proto;
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

#[cfg(test)]
mod tests {
    use super::proto::attribute_proto::AttributeType;
    use super::proto::tensor_proto::{DataLocation, DataType};
    use super::proto::tensor_shape_proto::{Dimension, dimension};
    use super::proto::{
        AttributeProto, GraphProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
        TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
    };
    use super::*;

    fn node(name: &str, operator: &str, inputs: &[&str], output: &str) -> NodeProto {
        NodeProto {
            name: Some(name.into()),
            op_type: Some(operator.into()),
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.into()],
            ..NodeProto::default()
        }
    }

    fn floats(name: &str, dims: &[i64], value: f32) -> TensorProto {
        let count: i64 = dims.iter().product();
        TensorProto {
            name: Some(name.into()),
            dims: dims.to_vec(),
            data_type: Some(DataType::Float as i32),
            float_data: vec![value; count as usize],
            ..TensorProto::default()
        }
    }

    /// A model of `x`, `[t, n, 2]`, and an LSTM of one unit over it, changed.
    fn model(opset: i64, change: impl FnOnce(&mut GraphProto)) -> Vec<u8> {
        let dim = |value| Dimension { value: Some(value), ..Dimension::default() };
        let open = |name: &str| dim(dimension::Value::DimParam(name.into()));
        let shape = TensorShapeProto { dim: vec![open("t"), open("n"), dim(dimension::Value::DimValue(2))] };
        let tensor = type_proto::Tensor { elem_type: Some(DataType::Float as i32), shape: Some(shape) };
        let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
        let value = |name: &str, kind: Option<TypeProto>| ValueInfoProto {
            name: Some(name.into()),
            r#type: kind,
            ..ValueInfoProto::default()
        };
        let mut graph = GraphProto {
            node: vec![node("lstm", "LSTM", &["x", "w", "r"], "all"), node("squeeze", "Squeeze", &["all", "one"], "y")],
            initializer: vec![floats("w", &[1, 4, 2], 0.5), floats("r", &[1, 4, 1], 0.5)],
            input: vec![value("x", Some(kind))],
            output: vec![value("y", None)],
            ..GraphProto::default()
        };
        let one =
            TensorProto { data_type: Some(DataType::Int64 as i32), int64_data: vec![1], ..floats("one", &[1], 0.0) };
        graph.initializer.push(TensorProto { float_data: Vec::new(), ..one });
        change(&mut graph);
        let set = OperatorSetIdProto { domain: None, version: Some(opset) };
        ModelProto { opset_import: vec![set], graph: Some(graph), ..ModelProto::default() }.encode_to_vec()
    }

    fn refusal(change: impl FnOnce(&mut GraphProto)) -> String {
        read(&model(17, change), None).expect_err("a refusal").to_string()
    }

    #[test]
    fn one_layer_is_read() {
        let model = read(&model(17, |_| ()), None).expect("an LSTM");
        assert_eq!((model.layers.len(), model.input), (1, 2));
    }

    #[test]
    fn graphs_that_lie_are_refused_by_name() {
        let circle = |graph: &mut GraphProto| graph.node[0].input[0] = "y".into();
        assert_eq!(refusal(circle), "nodes that need each other in a circle: `squeeze`, `lstm`");
        let nothing = |graph: &mut GraphProto| graph.node[0].input[1] = "absent".into();
        assert_eq!(refusal(nothing), "node `lstm` (LSTM): input 1, `absent`, is made by nothing");
        let huge = |graph: &mut GraphProto| graph.initializer[0].dims = vec![1 << 40, 1 << 40, 2];
        assert!(refusal(huge).starts_with("tensor `w`: shape [1099511627776, 1099511627776, 2] is too large"));
        let shape = |graph: &mut GraphProto| graph.initializer[0] = floats("w", &[1, 4, 3], 0.5);
        assert_eq!(refusal(shape), "node `lstm` (LSTM): W has shape [1, 4, 3], expected [1, 4, 2]");
        let entry = |value: &str| StringStringEntryProto { key: Some("location".into()), value: Some(value.into()) };
        let outside = |graph: &mut GraphProto| {
            graph.initializer[0].data_location = Some(DataLocation::External as i32);
            graph.initializer[0].external_data = vec![entry("../secret")];
        };
        let folder = tempfile::tempdir().expect("a folder");
        let refused = read(&model(17, outside), Some(folder.path())).expect_err("outside").to_string();
        assert_eq!(refused, "tensor `w`: external data `../secret`: outside the model's folder");
        assert_eq!(read(&model(8, |_| ()), None).expect_err("too old").to_string(), "operator set 8, expected 9 to 25");
    }

    #[test]
    fn what_a_network_has_no_place_for_is_refused_by_name() {
        let state = |graph: &mut GraphProto| {
            graph.node[0].input = ["x", "w", "r", "", "", "h"].map(str::to_owned).to_vec();
            graph.initializer.push(floats("h", &[1, 3, 1], 0.5));
        };
        assert_eq!(refusal(state), "node `lstm` (LSTM): initial_h is not zero");
        let residual = |graph: &mut GraphProto| {
            graph.node.push(node("add", "Add", &["y", "y"], "z"));
            graph.output[0].name = Some("z".into());
        };
        assert_eq!(refusal(residual), "node `add` (Add): of two ways of the data, expected one");
        let foreign = |graph: &mut GraphProto| graph.node[0].domain = Some("com.example".into());
        assert_eq!(refusal(foreign), "node `lstm` (LSTM): an operator of domain `com.example`, expected ONNX's own");
        let unknown = |graph: &mut GraphProto| graph.node[1].op_type = Some("Erf".into());
        assert_eq!(refusal(unknown), "node `squeeze` (Erf): an operator that is not read");
        let clip = |graph: &mut GraphProto| {
            let kind = Some(AttributeType::Float as i32);
            graph.node[0].attribute = vec![AttributeProto {
                name: Some("clip".into()),
                r#type: kind,
                f: Some(3.0),
                ..AttributeProto::default()
            }];
        };
        assert_eq!(refusal(clip), "node `lstm` (LSTM): attribute `clip`: sums of gates that are clipped");
        let deep = |graph: &mut GraphProto| {
            graph.node.extend((0..2000).map(|at| {
                node("", "Relu", &[&if at == 0 { "y".into() } else { format!("v{at}") }], &format!("v{}", at + 1))
            }));
            graph.output[0].name = Some("v2000".into());
        };
        assert_eq!(refusal(deep), "node `v1024` (Relu): one more than 1024 layers");
    }
}
