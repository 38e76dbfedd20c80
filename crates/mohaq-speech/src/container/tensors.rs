//! safetensors files, as arrays of numbers and as a list of what is inside.

use super::array::{Array, Number, Values};
use crate::error::{Error, Result};
use safetensors::{Dtype, SafeTensors};
use serde::Serialize;
use std::path::Path;

/// Name, type and shape of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TensorDescription {
    /// The key.
    pub name: String,
    /// As safetensors writes it: `F32`.
    pub dtype: String,
    /// Lengths.
    pub shape: Vec<usize>,
}

pub(super) fn describe(bytes: &[u8], path: &Path) -> Result<Vec<TensorDescription>> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| refuse(path, None, error.to_string()))?;
    let mut tensors: Vec<_> = file
        .iter()
        .map(|(name, tensor)| TensorDescription {
            name: name.to_owned(),
            dtype: format!("{:?}", tensor.dtype()),
            shape: tensor.shape().to_vec(),
        })
        .collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tensors)
}

pub(super) fn decode(bytes: &[u8], path: &Path) -> Result<Vec<(String, Array)>> {
    let unreadable = |error: safetensors::SafeTensorError| refuse(path, None, error.to_string());
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(unreadable)?;
    let file = SafeTensors::deserialize(bytes).map_err(unreadable)?;
    let mut arrays = Vec::new();
    for (name, tensor) in file.iter() {
        let number = number(tensor.dtype()).ok_or_else(|| {
            let reason = format!("has type {:?}, expected F32, F64 or integers", tensor.dtype());
            refuse(path, Some(name), reason)
        })?;
        let values = number
            .decode(tensor.data())
            .ok_or_else(|| refuse(path, Some(name), "has an integer above 2⁶³ − 1".into()))?;
        arrays.push((name.to_owned(), Array { shape: tensor.shape().to_vec(), values }));
    }
    let strings = metadata.metadata().iter().flatten();
    for (name, text) in strings.filter(|(name, _)| super::layout::is_scalar(name)) {
        let values = text
            .parse()
            .map(|number| Values::Integers(vec![number]))
            .or_else(|_| text.parse().map(|number| Values::Floats(vec![number])))
            .map_err(|_| refuse(path, Some(name), format!("metadata is `{text}`, expected a number")))?;
        arrays.push((name.clone(), Array { shape: vec![], values }));
    }
    Ok(arrays)
}

fn refuse(path: &Path, key: Option<&str>, reason: String) -> Error {
    Error::Container { path: path.into(), key: key.map(str::to_owned), reason }
}

fn number(dtype: Dtype) -> Option<Number> {
    Some(match dtype {
        Dtype::F32 => Number::F32,
        Dtype::F64 => Number::F64,
        Dtype::I8 => Number::I8,
        Dtype::I16 => Number::I16,
        Dtype::I32 => Number::I32,
        Dtype::I64 => Number::I64,
        Dtype::U8 => Number::U8,
        Dtype::U16 => Number::U16,
        Dtype::U32 => Number::U32,
        Dtype::U64 => Number::U64,
        _ => return None,
    })
}
