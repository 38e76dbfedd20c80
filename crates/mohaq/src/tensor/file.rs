//! Matrices in a safetensors file, with a note about them.
//!
//! The note is JSON under the one metadata key `mohaq`: with one key the bytes of a file do not depend on the order of
//! a hash map. A file is written beside its place and renamed, so that its place holds the old file or the new one.

use super::Matrix;
use crate::{Error, Result, atomic};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const METADATA_KEY: &str = "mohaq";

/// Writes matrices under their names.
///
/// # Errors
/// [`Error::Io`], [`Error::Safetensors`].
pub(crate) fn write(path: &Path, matrices: &[(String, &Matrix)], note: String) -> Result<()> {
    let bytes: Vec<Vec<u8>> = matrices.iter().map(|(_, matrix)| little_endian(matrix)).collect();
    let safetensors = |source| Error::Safetensors { path: path.to_owned(), source };
    let views = matrices.iter().zip(&bytes).map(|((name, matrix), bytes)| {
        TensorView::new(Dtype::F32, matrix.shape().to_vec(), bytes).map(|view| (name.as_str(), view))
    });
    let views = views.collect::<std::result::Result<Vec<_>, _>>().map_err(safetensors)?;
    let metadata = [(METADATA_KEY.to_owned(), note)].into_iter().collect();
    let file = serialize(views, Some(metadata)).map_err(safetensors)?;
    atomic::write(path, &file)
}

fn little_endian(matrix: &Matrix) -> Vec<u8> {
    matrix.data().iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// What a file holds; every matrix is taken once, and none may be left.
#[derive(Debug)]
pub(crate) struct Stored {
    path: PathBuf,
    note: String,
    matrices: BTreeMap<String, Matrix>,
}

impl Stored {
    /// Reads a file that [`write`] wrote.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Safetensors`] where it is no such file; [`Error::NoNote`] where it is not ours;
    /// [`Error::TensorType`], [`Error::TensorRank`], [`Error::TensorNotFinite`].
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        let safetensors = |source| Error::Safetensors { path: path.to_owned(), source };
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(safetensors)?;
        let note = metadata.metadata().as_ref().and_then(|entries| entries.get(METADATA_KEY));
        let note = note.ok_or_else(|| Error::NoNote { path: path.to_owned() })?.clone();
        let tensors = SafeTensors::deserialize(&bytes).map_err(safetensors)?;
        let mut matrices = BTreeMap::new();
        for (name, view) in tensors.iter() {
            matrices.insert(name.to_owned(), matrix(path, name, &view)?);
        }
        Ok(Self { path: path.to_owned(), note, matrices })
    }

    /// The note that was written with the matrices.
    pub(crate) fn note(&self) -> &str {
        &self.note
    }

    /// Numbers in all matrices.
    pub(crate) fn numbers(&self) -> usize {
        self.matrices.values().map(|matrix| matrix.data().len()).sum()
    }

    /// Moves matrix `name` to where it belongs.
    ///
    /// # Errors
    /// [`Error::TensorMissing`]; [`Error::TensorShape`] where it is of another shape than its place.
    pub(crate) fn take(&mut self, name: &str, place: &mut Matrix) -> Result<()> {
        let missing = || Error::TensorMissing { path: self.path.clone(), name: name.to_owned() };
        let matrix = self.matrices.remove(name).ok_or_else(missing)?;
        if matrix.shape() != place.shape() {
            let (got, expected) = (matrix.shape(), place.shape());
            return Err(Error::TensorShape { path: self.path.clone(), name: name.to_owned(), got, expected });
        }
        *place = matrix;
        Ok(())
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`Error::TensorUnexpected`] where a matrix is left.
    pub(crate) fn finish(self) -> Result<()> {
        match self.matrices.into_keys().next() {
            Some(name) => Err(Error::TensorUnexpected { path: self.path, name }),
            None => Ok(()),
        }
    }
}

fn matrix(path: &Path, name: &str, view: &TensorView<'_>) -> Result<Matrix> {
    let (path, name) = (path.to_owned(), name.to_owned());
    if view.dtype() != Dtype::F32 {
        return Err(Error::TensorType { path, name, got: format!("{:?}", view.dtype()) });
    }
    let &[rows, cols] = view.shape() else {
        return Err(Error::TensorRank { path, name, got: view.shape().to_vec() });
    };
    let (numbers, _) = view.data().as_chunks();
    let numbers: Vec<f32> = numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    if let Some(index) = numbers.iter().position(|x| !x.is_finite()) {
        return Err(Error::TensorNotFinite { path, name, index: [index / cols, index % cols], got: numbers[index] });
    }
    Ok(Matrix::from_rows(rows, cols, numbers))
}
