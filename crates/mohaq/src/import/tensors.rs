//! State dicts: the named tensors of a safetensors file, as 32 bit floats.
//!
//! The header is checked before a number is read: its length, that offsets neither overlap nor leave gaps, that sizes and
//! shapes agree (the crate `safetensors` does this). What is here besides: types other than floats, and numbers that are
//! not finite. A file of n bytes takes no more than a few times n bytes of memory.

use super::error::ImportError;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};
use std::collections::BTreeMap;

/// Counts batches for a moving average; no part of what a network computes.
const COUNTER: &str = "num_batches_tracked";

/// Row-major numbers with a shape that agrees with them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    /// Empty for a scalar.
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// The parameters of a PyTorch model, by name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StateDict {
    pub tensors: BTreeMap<String, Tensor>,
    /// What the file says of itself.
    pub metadata: BTreeMap<String, String>,
}

impl StateDict {
    /// Reads a file that lies in memory.
    ///
    /// # Errors
    /// [`ImportError::File`] for a header that is damaged or lies; [`ImportError::Tensor`] by name.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, ImportError> {
        let damaged = |error: SafeTensorError| ImportError::file(format!("not a safetensors file: {error}"));
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let metadata = header.metadata().iter().flatten().map(|(key, text)| (key.clone(), text.clone())).collect();
        let mut tensors = BTreeMap::new();
        for (name, view) in SafeTensors::deserialize(bytes).map_err(damaged)?.iter() {
            if name.rsplit('.').next() != Some(COUNTER) {
                tensors.insert(name.to_owned(), tensor(name, &view)?);
            }
        }
        Ok(Self { tensors, metadata })
    }
}

fn tensor(name: &str, view: &TensorView<'_>) -> Result<Tensor, ImportError> {
    let float = match view.dtype() {
        Dtype::F16 => Float::F16,
        Dtype::BF16 => Float::BF16,
        Dtype::F32 => Float::F32,
        Dtype::F64 => Float::F64,
        other => return Err(ImportError::tensor(name, format!("holds {other:?}, expected F16, BF16, F32 or F64"))),
    };
    let values = float.decode(view.data());
    finite(&values, view.shape()).map_err(|reason| ImportError::tensor(name, reason))?;
    Ok(Tensor { shape: view.shape().to_vec(), values })
}

/// Formats of floating point numbers that models are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Float {
    F16,
    BF16,
    F32,
    F64,
}

impl Float {
    /// Little endian numbers, rounded to 32 bit where they are wider.
    pub(super) fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F16 => bytes.as_chunks().0.iter().map(|&two| half(u16::from_le_bytes(two))).collect(),
            Self::BF16 => bytes.as_chunks().0.iter().map(|&two| brain(u16::from_le_bytes(two))).collect(),
            Self::F32 => bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect(),
            Self::F64 => bytes.as_chunks().0.iter().map(|&eight| f64::from_le_bytes(eight) as f32).collect(),
        }
    }
}

/// Why `values` of this shape cannot be parameters: the first that is infinite or NaN.
pub(super) fn finite(values: &[f32], shape: &[usize]) -> Result<(), String> {
    let Some(at) = values.iter().position(|value| !value.is_finite()) else { return Ok(()) };
    let mut rest = at;
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&length| {
            let place = rest % length;
            rest /= length;
            place
        })
        .collect();
    index.reverse();
    Err(format!("holds {} at {index:?}, expected finite numbers of 32 bit", values[at]))
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f32::from(bits & 0x3ff);
    let magnitude = match bits >> 10 & 0x1f {
        0 => fraction * f32::from_bits((127 - 24) << 23),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        exponent => (1024.0 + fraction) * f32::from_bits((127 - 25 + u32::from(exponent)) << 23),
    };
    sign * magnitude
}

/// The upper half of a binary32.
fn brain(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
    }

    fn refusal(header: &str, data: &[u8]) -> String {
        StateDict::decode(&file(header, data)).expect_err("a refusal").to_string()
    }

    #[test]
    fn halves_are_their_definition() {
        // sign · 2^(e − 15) · (1 + m / 1024), and sign · 2⁻¹⁴ · m / 1024 where e is 0
        for bits in 0..=u16::MAX {
            let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff) / 1024.0);
            let magnitude = match exponent {
                0 => libm::ldexp(fraction, -14),
                31 => continue,
                _ => libm::ldexp(1.0 + fraction, exponent - 15),
            };
            let want = if bits & 0x8000 == 0 { magnitude } else { -magnitude };
            assert_eq!(f64::from(half(bits)), want, "{bits:#06x}");
        }
        assert_eq!(half(0x7c00), f32::INFINITY);
        assert!(half(0x7e00).is_nan());
        assert_eq!(brain(0x3fc0), 1.5);
    }

    #[test]
    fn every_width_of_float_is_read_and_counters_are_not() {
        let header = r#"{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},
            "b":{"dtype":"BF16","shape":[1],"data_offsets":[2,4]},"c":{"dtype":"F64","shape":[1],"data_offsets":[4,12]},
            "bn.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[12,20]}}"#;
        let data = [&[0x00, 0x3e, 0xc0, 0x3f][..], &1.5_f64.to_le_bytes(), &7_i64.to_le_bytes()].concat();
        let read = StateDict::decode(&file(header, &data)).expect("valid");
        let values: Vec<_> =
            read.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.values.as_slice())).collect();
        assert_eq!(values, [("a", &[1.5][..]), ("b", &[1.5]), ("c", &[1.5])]);
    }

    #[test]
    fn a_header_that_lies_is_refused_before_anything_is_made_room_for() {
        let overlap = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
        assert!(refusal(overlap, &[0; 12]).starts_with("not a safetensors file: invalid offset for tensor `b`"));
        let gap = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#;
        assert!(refusal(gap, &[0; 12]).contains("`b`"));
        let large = r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#;
        assert!(refusal(large, &[0; 4]).contains("overflow"));
        let shape = r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#;
        assert!(refusal(shape, &[0; 8]).starts_with("not a safetensors file"));
        let header = [&(1_u64 << 30).to_le_bytes()[..], b"{}"].concat();
        let refused = StateDict::decode(&header).expect_err("a header of 1 GiB");
        assert_eq!(refused.to_string(), "not a safetensors file: header too large");
        let kind = r#"{"a":{"dtype":"F3","shape":[1],"data_offsets":[0,4]}}"#;
        assert!(refusal(kind, &[0; 4]).contains("unknown variant `F3`"));
    }

    #[test]
    fn tensors_that_are_no_parameters_are_refused_by_name_and_index() {
        let integers = r#"{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#;
        assert_eq!(refusal(integers, &[0; 8]), "tensor `a`: holds I64, expected F16, BF16, F32 or F64");
        let header = r#"{"a":{"dtype":"F32","shape":[2,1,3],"data_offsets":[0,24]}}"#;
        let mut data = [0; 24];
        data[16..20].copy_from_slice(&f32::NAN.to_le_bytes());
        assert_eq!(refusal(header, &data), "tensor `a`: holds NaN at [1, 0, 1], expected finite numbers of 32 bit");
        let wide = r#"{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#;
        let message = "tensor `a`: holds inf at [0], expected finite numbers of 32 bit";
        assert_eq!(refusal(wide, &1e300_f64.to_le_bytes()), message);
    }
}
