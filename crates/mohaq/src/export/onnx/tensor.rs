//! Tensors, attributes and values as messages of ONNX.

use crate::onnx_proto::attribute_proto::AttributeType;
use crate::onnx_proto::tensor_proto::DataType;
use crate::onnx_proto::tensor_shape_proto::{Dimension, dimension};
use crate::onnx_proto::{
    AttributeProto, GraphProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};
use mohaq_rt::Bits;
use mohaq_rt::pack::Layout;

/// A tensor of 32 bit floats.
pub(super) fn floats(name: &str, dims: &[usize], values: &[f32]) -> TensorProto {
    raw(name, dims, DataType::Float, values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

/// A tensor of 64 bit integers.
pub(super) fn integers(name: &str, dims: &[usize], values: &[i64]) -> TensorProto {
    raw(name, dims, DataType::Int64, values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

/// Codes of `stored` bits, which hold them. ONNX packs 2 and 4 bits as an image does: the first code in the lowest bits.
pub(super) fn codes(name: &str, dims: &[usize], stored: Bits, codes: &[i16]) -> TensorProto {
    let layout = Layout::new(stored, 1, codes.len(), 1).expect("as many codes as an image has room for");
    let mut bytes = vec![0; layout.bytes()];
    layout.pack(codes, &mut bytes).expect("codes of no more bits");
    raw(name, dims, data_type(stored), bytes)
}

/// The signed integers of so many bits.
fn data_type(bits: Bits) -> DataType {
    match bits {
        Bits::Two => DataType::Int2,
        Bits::Four => DataType::Int4,
        Bits::Eight => DataType::Int8,
        Bits::Sixteen => DataType::Int16,
    }
}

fn raw(name: &str, dims: &[usize], kind: DataType, bytes: Vec<u8>) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        dims: dims.iter().map(|&size| size as i64).collect(),
        data_type: Some(kind as i32),
        raw_data: Some(bytes),
        ..TensorProto::default()
    }
}

/// An integer attribute.
pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: Some(value), ..attribute(name, AttributeType::Int) }
}

/// An attribute of integers.
pub(super) fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { ints: values.to_vec(), ..attribute(name, AttributeType::Ints) }
}

/// An attribute with a number.
pub(super) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { f: Some(value), ..attribute(name, AttributeType::Float) }
}

/// An attribute with a word.
pub(super) fn word(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: Some(value.as_bytes().to_vec()), ..attribute(name, AttributeType::String) }
}

/// An attribute with a graph.
pub(super) fn graph(name: &str, value: GraphProto) -> AttributeProto {
    AttributeProto { g: Some(value), ..attribute(name, AttributeType::Graph) }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), r#type: Some(kind as i32), ..AttributeProto::default() }
}

/// A length of a value: a word where it is open.
pub(super) enum Length {
    Open(&'static str),
    Fixed(usize),
}

/// A value of 32 bit floats, or of 64 bit integers, that enters or leaves a graph.
pub(super) fn value(name: &str, integers: bool, lengths: &[Length]) -> ValueInfoProto {
    let dimension = |length: &Length| Dimension {
        value: Some(match length {
            Length::Open(word) => dimension::Value::DimParam((*word).to_owned()),
            Length::Fixed(size) => dimension::Value::DimValue(*size as i64),
        }),
        ..Dimension::default()
    };
    let kind = if integers { DataType::Int64 } else { DataType::Float };
    let tensor = type_proto::Tensor {
        elem_type: Some(kind as i32),
        shape: Some(TensorShapeProto { dim: lengths.iter().map(dimension).collect() }),
    };
    let of = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(of), ..ValueInfoProto::default() }
}
