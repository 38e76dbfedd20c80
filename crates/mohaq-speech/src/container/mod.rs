//! Feature sequences with labels from any sensor, in `.npz` or safetensors files: the door for everything that is not
//! speech audio.
//!
//! ```text
//! train/NAME.x    [frames, dim]   f32 or f64    the features
//! train/NAME.y    [frames]        integers      a class a frame, −1: no target
//!                                             (or the next token, where a recipe's `task.kind` says so)
//!           or    [n]             integers      n labels to be recognised, where `task.kind` is "ctc"
//!           or    [] or [1]       integer       one class for the sequence
//!           or    [frames, n]     f32 or f64    n numbers a frame to be met; [frames] for one
//! valid/…, test/…
//! classes         []              integer       optional: else the largest label + 1
//! frame_shift_s   []              f32 or f64    optional: seconds from frame to frame
//! ```
//!
//! Either one file with these keys, or a directory with `train`, `valid` and `test` files (`.npz` or `.safetensors`) whose
//! keys have no `train/`. In safetensors, `classes` and `frame_shift_s` may be metadata strings instead. All labels are of
//! one kind, all frames of one width, every feature is finite; sequences come in the order of their names. Whatever is
//! otherwise is refused by file and key.
//!
//! ```python
//! numpy.savez("gestures.npz", **{"train/a.x": x, "train/a.y": 3, "valid/b.x": …})
//! ```

mod array;
mod layout;
mod npy;
mod npz;
mod settings;
mod tensors;
mod write;

pub use array::{Array, Values};
pub use settings::{TaskKind, TaskSettings};
pub use tensors::TensorDescription;
pub use write::NpzWriter;

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::features::{Normalise, normalise};
use array::Arrays;
use std::fs;
use std::path::{Path, PathBuf};

/// The splits' names, which are key prefixes and file stems.
const SPLITS: [&str; 3] = ["train", "valid", "test"];

/// Opens sequences in one file or a directory of three, for the task that `settings` and their labels make.
///
/// # Errors
/// [`Error::Container`] naming file and key for what is not in the layout; [`Error::NotFinite`]; [`Error::EmptySplit`];
/// [`Error::Setting`] for [`Normalise::Speaker`], since sequences here have no speakers, and for a setting that labels of
/// another kind have no use for; [`Error::Io`].
pub fn open(path: &Path, how: Normalise, settings: &TaskSettings) -> Result<Dataset> {
    if how == Normalise::Speaker {
        return Err(Error::Setting {
            name: "normalise",
            expected: "`utterance`, `global` or `none`: sequences of a container name no speaker".into(),
            got: "`speaker`".into(),
        });
    }
    let mut arrays = Arrays::new();
    if path.is_dir() {
        for split in SPLITS {
            let file = split_file(path, split)?;
            for (key, array) in read(&file)? {
                let key = if layout::is_scalar(&key) { key } else { format!("{split}/{key}") };
                insert(&mut arrays, key, array, &file)?;
            }
        }
    } else {
        arrays = read(path)?;
    }
    let mut data = layout::dataset(arrays, path, settings)?;
    normalise(how, &mut data.train, &mut data.valid, &mut data.test);
    Ok(data)
}

/// Whether `path` may hold sequences: a file by its first bytes, or a directory with a file for a split.
pub fn is_container(path: &Path) -> bool {
    if path.is_dir() {
        return SPLITS.iter().any(|split| candidates(path, split).iter().any(|file| file.is_file()));
    }
    kind(path).is_ok()
}

/// The tensors of a safetensors file, by name; `None` for an `.npz`.
///
/// # Errors
/// [`Error::Container`] where it is neither, or damaged.
pub fn describe_tensors(path: &Path) -> Result<Option<Vec<TensorDescription>>> {
    match kind(path)? {
        Kind::Npz => Ok(None),
        Kind::Safetensors => tensors::describe(&read_bytes(path)?, path).map(Some),
    }
}

/// All arrays of an `.npz` file that is already in memory; `path` only names it in errors.
///
/// # Errors
/// [`Error::Container`] for a damaged archive and for an array that is not numbers.
pub fn decode_npz(bytes: &[u8], path: &Path) -> Result<Vec<(String, Array)>> {
    npz::decode(bytes, path)
}

/// All arrays of a safetensors file that is already in memory; `path` only names it in errors.
///
/// # Errors
/// [`Error::Container`] for a damaged file and for types that are neither `f32`, `f64` nor integers.
pub fn decode_safetensors(bytes: &[u8], path: &Path) -> Result<Vec<(String, Array)>> {
    tensors::decode(bytes, path)
}

enum Kind {
    Npz,
    Safetensors,
}

fn kind(path: &Path) -> Result<Kind> {
    use std::io::Read;
    let mut head = Vec::new();
    fs::File::open(path).and_then(|file| file.take(9).read_to_end(&mut head)).map_err(Error::io(path))?;
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        Ok(Kind::Npz)
    } else if head.len() == 9 && head[8] == b'{' {
        // Eight bytes of length, then a JSON object.
        Ok(Kind::Safetensors)
    } else {
        Err(Error::Container { path: path.into(), key: None, reason: "neither .npz nor safetensors".into() })
    }
}

fn read(path: &Path) -> Result<Arrays> {
    let list = match kind(path)? {
        Kind::Npz => npz::decode(&read_bytes(path)?, path)?,
        Kind::Safetensors => tensors::decode(&read_bytes(path)?, path)?,
    };
    let mut arrays = Arrays::new();
    for (key, array) in list {
        insert(&mut arrays, key, array, path)?;
    }
    Ok(arrays)
}

fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(Error::io(path))
}

fn insert(arrays: &mut Arrays, key: String, array: Array, path: &Path) -> Result<()> {
    match arrays.get(&key) {
        // `classes` may be said by each of three files, if they agree.
        Some(known) if layout::is_scalar(&key) && *known == array => Ok(()),
        Some(_) => Err(Error::Container { path: path.into(), key: Some(key), reason: "is there twice".into() }),
        None => {
            arrays.insert(key, array);
            Ok(())
        }
    }
}

fn candidates(directory: &Path, split: &str) -> [PathBuf; 2] {
    [directory.join(format!("{split}.npz")), directory.join(format!("{split}.safetensors"))]
}

fn split_file(directory: &Path, split: &str) -> Result<PathBuf> {
    let refuse = |reason: String| Err(Error::Container { path: directory.into(), key: None, reason });
    let [npz, safetensors] = candidates(directory, split);
    match (npz.is_file(), safetensors.is_file()) {
        (true, false) => Ok(npz),
        (false, true) => Ok(safetensors),
        (false, false) => refuse(format!("no {split}.npz and no {split}.safetensors")),
        (true, true) => refuse(format!("both {split}.npz and {split}.safetensors, expected one of them")),
    }
}

#[cfg(test)]
mod tests;
