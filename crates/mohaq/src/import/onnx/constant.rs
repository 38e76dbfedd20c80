//! Constants: tensors that a graph holds or that can be made from them, and where their numbers lie.

use super::super::error::ImportError;
use super::super::tensors::{Float, finite};
use super::proto::tensor_proto::{DataLocation, DataType};
use super::proto::{StringStringEntryProto, TensorProto};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

/// Most axes of a tensor; recurrent models have four.
pub(super) const MOST_AXES: usize = 8;

/// Row-major numbers with a shape that agrees with them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Constant {
    /// Empty for a scalar.
    pub shape: Vec<usize>,
    pub numbers: Numbers,
}

/// What a constant holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Numbers {
    Floats(Vec<f32>),
    Integers(Vec<i64>),
}

impl Numbers {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Floats(values) => values.len(),
            Self::Integers(values) => values.len(),
        }
    }
}

/// Where the numbers of tensors that are not in the model's file are looked for.
#[derive(Debug)]
pub(super) struct Outside {
    /// The model's folder; `None` where the model is only in memory.
    folder: Option<PathBuf>,
    /// Bytes left of each file: tensors may not read more than it holds, however they overlap.
    left: RefCell<BTreeMap<PathBuf, u64>>,
}

impl Outside {
    pub(super) fn new(folder: Option<&Path>) -> Self {
        Self { folder: folder.map(Path::to_owned), left: RefCell::default() }
    }

    /// The bytes that `entries` point at, `length` of them.
    fn read(&self, entries: &[StringStringEntryProto], length: usize) -> Result<Vec<u8>, String> {
        let entry = |key: &str| {
            let found = entries.iter().find(|entry| entry.key.as_deref() == Some(key));
            found.and_then(|entry| entry.value.as_deref())
        };
        let number = |key: &str| match entry(key) {
            None => Ok(None),
            Some(text) => text.parse::<u64>().map(Some).map_err(|_| format!("external data: {key} is `{text}`")),
        };
        let location = entry("location").ok_or("external data without a location")?;
        let (offset, stated) = (number("offset")?.unwrap_or(0), number("length")?);
        if stated.is_some_and(|stated| stated != length as u64) {
            return Err(format!("external data of {} bytes, its shape takes {length}", stated.unwrap_or(0)));
        }
        let path = self.resolve(location)?;
        let failed = |error: std::io::Error| format!("external data `{location}`: {error}");
        let mut file = File::open(&path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        if offset.checked_add(length as u64).is_none_or(|end| end > size) {
            return Err(format!("external data `{location}`: {length} bytes from {offset}, it has {size}"));
        }
        let mut left = self.left.borrow_mut();
        let left = left.entry(path).or_insert(size);
        *left = left.checked_sub(length as u64).ok_or_else(|| {
            format!("external data `{location}`: tensors that overlap, in all more than its {size} bytes")
        })?;
        let mut bytes = vec![0; length];
        file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes)).map_err(failed)?;
        Ok(bytes)
    }

    /// The file at `location`, which lies in the model's folder, links followed.
    fn resolve(&self, location: &str) -> Result<PathBuf, String> {
        let folder = self.folder.as_ref().ok_or("external data of a model that is no file")?;
        let outside = || format!("external data `{location}`: outside the model's folder");
        let parts: Vec<_> = Path::new(location).components().collect();
        if parts.is_empty() || !parts.iter().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(outside());
        }
        let failed = |error: std::io::Error| format!("external data `{location}`: {error}");
        let folder = folder.canonicalize().map_err(failed)?;
        let path = folder.join(location).canonicalize().map_err(failed)?;
        if !path.starts_with(&folder) {
            return Err(outside());
        }
        if !path.is_file() {
            return Err(format!("external data `{location}`: not a file"));
        }
        Ok(path)
    }
}

/// The numbers of `tensor`.
///
/// # Errors
/// [`ImportError::Tensor`], by its name or that of what it belongs to.
pub(super) fn read(tensor: &TensorProto, owner: &str, outside: &Outside) -> Result<Constant, ImportError> {
    let name = tensor.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(owner);
    decode(tensor, outside).map_err(|reason| ImportError::tensor(name, reason))
}

fn decode(tensor: &TensorProto, outside: &Outside) -> Result<Constant, String> {
    if tensor.dims.len() > MOST_AXES {
        return Err(format!("has {} axes, expected at most {MOST_AXES}", tensor.dims.len()));
    }
    let kind = DataType::try_from(tensor.data_type.unwrap_or(0)).map_err(|_| "of a type that nobody knows")?;
    let shape: Option<Vec<usize>> = tensor.dims.iter().map(|&length| usize::try_from(length).ok()).collect();
    let shape = shape.ok_or_else(|| format!("shape {:?} has a negative length", tensor.dims))?;
    let count = shape.iter().try_fold(1_usize, |product, &length| product.checked_mul(length));
    let bytes = count.and_then(|count| count.checked_mul(width(kind)?).map(|bytes| (count, bytes)));
    let Some((count, bytes)) = bytes else {
        return Err(match width(kind) {
            None => format!("holds {}, expected floats or integers", kind.as_str_name()),
            Some(_) => format!("shape {shape:?} is too large"),
        });
    };
    let external;
    let raw = if tensor.data_location == Some(DataLocation::External as i32) {
        external = outside.read(&tensor.external_data, bytes)?;
        Some(external.as_slice())
    } else {
        tensor.raw_data.as_deref()
    };
    if let Some(raw) = raw.filter(|raw| raw.len() != bytes) {
        return Err(format!("has {} bytes of numbers, expected {bytes} for shape {shape:?}", raw.len()));
    }
    let numbers = numbers(tensor, kind, raw);
    if numbers.len() != count {
        return Err(format!("has {} numbers, expected {count} for shape {shape:?}", numbers.len()));
    }
    if let Numbers::Floats(values) = &numbers {
        finite(values, &shape)?;
    }
    Ok(Constant { shape, numbers })
}

/// Bytes of a number where it is stored raw; `None` for types that are not read.
fn width(kind: DataType) -> Option<usize> {
    match kind {
        DataType::Int8 | DataType::Uint8 | DataType::Bool => Some(1),
        DataType::Float16 | DataType::Bfloat16 | DataType::Int16 | DataType::Uint16 => Some(2),
        DataType::Float | DataType::Int32 | DataType::Uint32 => Some(4),
        DataType::Double | DataType::Int64 => Some(8),
        _ => None,
    }
}

/// The numbers in `raw`, or in the field of `tensor` that its type goes in.
fn numbers(tensor: &TensorProto, kind: DataType, raw: Option<&[u8]>) -> Numbers {
    fn each<const N: usize>(raw: &[u8], value: impl Fn([u8; N]) -> i64) -> Numbers {
        Numbers::Integers(raw.as_chunks().0.iter().map(|&bytes| value(bytes)).collect())
    }
    let float = match kind {
        DataType::Float16 => Some(Float::F16),
        DataType::Bfloat16 => Some(Float::BF16),
        DataType::Float => Some(Float::F32),
        DataType::Double => Some(Float::F64),
        _ => None,
    };
    match (float, raw, kind) {
        (Some(float), Some(raw), _) => Numbers::Floats(float.decode(raw)),
        (Some(Float::F32), None, _) => Numbers::Floats(tensor.float_data.clone()),
        (Some(Float::F64), None, _) => Numbers::Floats(tensor.double_data.iter().map(|&value| value as f32).collect()),
        // Halves stand in the low bits of 32 bit integers.
        (Some(float), None, _) => {
            let bytes: Vec<u8> = tensor.int32_data.iter().flat_map(|&bits| (bits as u16).to_le_bytes()).collect();
            Numbers::Floats(float.decode(&bytes))
        }
        (None, Some(raw), DataType::Int8) => each(raw, |bytes| i64::from(i8::from_le_bytes(bytes))),
        (None, Some(raw), DataType::Int16) => each(raw, |bytes| i64::from(i16::from_le_bytes(bytes))),
        (None, Some(raw), DataType::Uint16) => each(raw, |bytes| i64::from(u16::from_le_bytes(bytes))),
        (None, Some(raw), DataType::Int32) => each(raw, |bytes| i64::from(i32::from_le_bytes(bytes))),
        (None, Some(raw), DataType::Uint32) => each(raw, |bytes| i64::from(u32::from_le_bytes(bytes))),
        (None, Some(raw), DataType::Int64) => each(raw, i64::from_le_bytes),
        (None, Some(raw), _) => each(raw, |bytes| i64::from(u8::from_le_bytes(bytes))),
        (None, None, DataType::Int64) => Numbers::Integers(tensor.int64_data.clone()),
        (None, None, DataType::Uint32) => {
            Numbers::Integers(tensor.uint64_data.iter().map(|&value| value as i64).collect())
        }
        (None, None, _) => Numbers::Integers(tensor.int32_data.iter().copied().map(i64::from).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(dims: &[i64], kind: DataType) -> TensorProto {
        TensorProto {
            name: Some("w".into()),
            dims: dims.to_vec(),
            data_type: Some(kind as i32),
            ..TensorProto::default()
        }
    }

    fn refusal(tensor: &TensorProto, folder: Option<&Path>) -> String {
        read(tensor, "", &Outside::new(folder)).expect_err("a refusal").to_string()
    }

    fn external(location: &str, offset: u64, dims: &[i64]) -> TensorProto {
        let entry = |key: &str, value: String| StringStringEntryProto { key: Some(key.into()), value: Some(value) };
        TensorProto {
            external_data: vec![entry("location", location.into()), entry("offset", offset.to_string())],
            data_location: Some(DataLocation::External as i32),
            ..tensor(dims, DataType::Float)
        }
    }

    #[test]
    fn numbers_are_read_from_wherever_a_type_is_kept() {
        let none = Outside::new(None);
        let floats = |tensor: &TensorProto| match read(tensor, "", &none).expect("valid").numbers {
            Numbers::Floats(values) => values,
            Numbers::Integers(values) => values.into_iter().map(|value| value as f32).collect(),
        };
        let with = |kind, change: fn(&mut TensorProto)| {
            let mut tensor = tensor(&[2], kind);
            change(&mut tensor);
            floats(&tensor)
        };
        assert_eq!(with(DataType::Float, |t| t.float_data = vec![1.5, -2.0]), [1.5, -2.0]);
        assert_eq!(with(DataType::Double, |t| t.double_data = vec![1.5, -2.0]), [1.5, -2.0]);
        assert_eq!(with(DataType::Float16, |t| t.int32_data = vec![0x3e00, 0xc000]), [1.5, -2.0]);
        assert_eq!(with(DataType::Bfloat16, |t| t.raw_data = Some(vec![0xc0, 0x3f, 0, 0xc0])), [1.5, -2.0]);
        assert_eq!(with(DataType::Int64, |t| t.int64_data = vec![7, -7]), [7.0, -7.0]);
        assert_eq!(with(DataType::Int32, |t| t.raw_data = Some(vec![7, 0, 0, 0, 0xf9, 0xff, 0xff, 0xff])), [7.0, -7.0]);
        assert_eq!(with(DataType::Bool, |t| t.int32_data = vec![1, 0]), [1.0, 0.0]);
    }

    #[test]
    fn shapes_that_lie_are_refused_before_anything_is_made_room_for() {
        let huge = tensor(&[1 << 40, 1 << 40], DataType::Float);
        assert!(refusal(&huge, None).ends_with("is too large"));
        let large = TensorProto { raw_data: Some(vec![0; 8]), ..tensor(&[1 << 40], DataType::Float) };
        assert!(refusal(&large, None).starts_with("tensor `w`: has 8 bytes of numbers, expected 4398046511104"));
        assert_eq!(refusal(&tensor(&[-1], DataType::Float), None), "tensor `w`: shape [-1] has a negative length");
        assert_eq!(
            refusal(&tensor(&[3], DataType::Float), None),
            "tensor `w`: has 0 numbers, expected 3 for shape [3]"
        );
        assert_eq!(
            refusal(&tensor(&[1], DataType::String), None),
            "tensor `w`: holds STRING, expected floats or integers"
        );
        let nan = TensorProto { float_data: vec![0.0, f32::NAN], ..tensor(&[2], DataType::Float) };
        assert_eq!(refusal(&nan, None), "tensor `w`: holds NaN at [1], expected finite numbers of 32 bit");
    }

    #[test]
    fn external_data_lies_in_the_models_folder_or_is_refused() {
        let outer = tempfile::tempdir().expect("a folder");
        let folder = outer.path().join("model");
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::write(folder.join("weights"), 1.5_f32.to_le_bytes().repeat(2)).expect("written");
        std::fs::write(outer.path().join("secret"), [0; 8]).expect("written");
        let inside = read(&external("weights", 4, &[1]), "", &Outside::new(Some(&folder))).expect("inside");
        assert_eq!(inside.numbers, Numbers::Floats(vec![1.5]));
        for location in ["../secret", "/etc/hostname", "", "a/../../secret"] {
            let message = refusal(&external(location, 0, &[1]), Some(&folder));
            assert!(message.ends_with("outside the model's folder"), "{message}");
        }
        let cut = refusal(&external("weights", 4, &[2]), Some(&folder));
        assert_eq!(cut, "tensor `w`: external data `weights`: 8 bytes from 4, it has 8");
        assert!(refusal(&external("weights", 0, &[1]), None).ends_with("of a model that is no file"));
        assert!(refusal(&external("absent", 0, &[1]), Some(&folder)).contains("external data `absent`: "));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(outer.path().join("secret"), folder.join("link")).expect("a link");
            let message = refusal(&external("link", 0, &[1]), Some(&folder));
            assert!(message.ends_with("outside the model's folder"), "{message}");
        }
    }

    #[test]
    fn tensors_cannot_read_one_file_over_and_over() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("weights"), [0; 8]).expect("written");
        let outside = Outside::new(Some(folder.path()));
        let tensor = external("weights", 0, &[2]);
        read(&tensor, "", &outside).expect("the first time");
        assert!(read(&tensor, "", &outside).expect_err("again").to_string().contains("overlap"));
    }
}
