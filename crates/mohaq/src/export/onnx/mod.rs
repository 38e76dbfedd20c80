//! ONNX: a candidate as a graph of real numbers on grids, for onnxruntime and for hardware flows.
//!
//! Everything that the integers round is rounded here: operands of products, results, arguments and values of functions,
//! states. Between two grids the arithmetic is that of 32 bit floats, and σ and tanh are their own, not those of tables: codes may
//! come out a few steps away, and `mohaq verify` says how far. Recurrences are a `Scan`, whose body is one frame of one
//! direction: the recurrent operators of ONNX have no place for a grid inside.
//!
//! ```text
//! input    features, [batch, frames, inputs], floats; where the network begins with a table: rows, [batch, frames], integers
//! output   outputs, [batch, frames, outputs], floats
//! ```
//!
//! [`graph`] names values, [`grid`] has what differs between the dialects, [`product`] and [`cell`] the equations,
//! [`recurrence`] the loop, [`directions`] what is on both sides of it; [`layers`] goes through the network.

mod cell;
mod directions;
mod graph;
mod grid;
mod layers;
mod product;
mod project;
mod recurrence;
mod recurrent;
mod sru;
mod tensor;

pub use graph::Dialect;
pub use project::OnnxProject;

use crate::Result;
use crate::nn::Layer;
use crate::onnx_proto::{GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto};
use crate::quant::{IntegerBank, QuantSpec};
use graph::{Graph, QONNX};
use layers::Layers;
use mohaq_rt::parameters::LayerParameters;
use prost::Message;
use tensor::Length;

/// The network of `bank` at `spec` as the bytes of an ONNX model.
///
/// # Errors
/// See [`IntegerBank::engine`].
///
/// # Panics
/// When `spec` has another number of sites.
pub fn write_onnx(bank: &IntegerBank<'_>, spec: &QuantSpec, dialect: Dialect) -> Result<Vec<u8>> {
    let (layers, scales) = (bank.layers(spec)?, bank.scales(spec));
    let mut graph = Graph::new(dialect, "");
    let table = reads_rows(bank);
    let input = if table { "rows" } else { "features" };
    let ends = vec![tensor::int("start", 0), tensor::int("end", 1)];
    let batch = graph.node("batch", "Shape", &[input], ends);
    let mut value = graph.turned("frames_first", input, if table { &[1, 0] } else { &[1, 0, 2] });
    let arriving = bank.input().fraction();
    if !table {
        value = graph.fixed("input", &value, arriving);
    }
    let width = bank.network().inputs();
    let mut network = Layers { graph, scales: scales.iter(), batch, arriving, width };
    let names = bank.network().description().names();
    for (index, (layer, format)) in layers.iter().zip(&bank.calibration().layers).enumerate() {
        let name = format!("{index}.{}", names.get(index).map_or("", String::as_str));
        value = network.write(&name, layer, format, &value);
    }
    let Layers { mut graph, width: outputs, .. } = network;
    graph.turned("outputs", &value, &[1, 0, 2]);
    let open = [Length::Open("batch"), Length::Open("frames")].into_iter();
    let of_input: Vec<Length> = open.chain((!table).then_some(Length::Fixed(width))).collect();
    let frames =
        if layers.iter().any(|layer| matches!(layer, LayerParameters::Conv1d(_))) { "output_frames" } else { "frames" };
    let of_output = [Length::Open("batch"), Length::Open(frames), Length::Fixed(outputs)];
    let graph = graph.finish(
        "network",
        vec![tensor::value(input, table, &of_input)],
        vec![tensor::value("outputs", false, &of_output)],
    );
    Ok(model(bank, spec, dialect, graph).encode_to_vec())
}

/// Whether the input are rows of a table.
fn reads_rows(bank: &IntegerBank<'_>) -> bool {
    matches!(bank.network().layers().first(), Some(Layer::Embedding(_)))
}

/// `graph` with what is to be known of it.
fn model(bank: &IntegerBank<'_>, spec: &QuantSpec, dialect: Dialect, graph: GraphProto) -> ModelProto {
    let facts = [
        ("mohaq.bits", spec.to_string()),
        ("mohaq.input_fraction", bank.input().fraction().to_string()),
        ("mohaq.output_fraction", bank.output().fraction().to_string()),
        ("mohaq.least_frames", project::least_frames(bank).to_string()),
    ];
    let facts = facts.map(|(key, value)| StringStringEntryProto { key: Some(key.into()), value: Some(value) });
    ModelProto {
        ir_version: Some(ir_version(dialect)),
        opset_import: opsets(dialect),
        producer_name: Some("mohaq".into()),
        producer_version: Some(env!("CARGO_PKG_VERSION").into()),
        metadata_props: facts.to_vec(),
        graph: Some(graph),
        ..ModelProto::default()
    }
}

/// The oldest version of the format that has the types.
fn ir_version(dialect: Dialect) -> i64 {
    match dialect {
        Dialect::Qdq | Dialect::Qonnx => 10,
        Dialect::QdqInt2 => 12,
    }
}

fn opsets(dialect: Dialect) -> Vec<OperatorSetIdProto> {
    let set = |domain: &str, version| OperatorSetIdProto { domain: Some(domain.into()), version: Some(version) };
    match dialect {
        Dialect::Qdq => vec![set("", 21)],
        Dialect::QdqInt2 => vec![set("", 25)],
        Dialect::Qonnx => vec![set("", 21), set(QONNX, 1)],
    }
}

#[cfg(test)]
mod tests;
