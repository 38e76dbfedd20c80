//! Writing `.npz` files: arrays that NumPy and this crate read back.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An `.npz` file in the making. The same arrays make the same bytes: it holds no time.
#[derive(Debug)]
pub struct NpzWriter {
    path: PathBuf,
    archive: ZipWriter<BufWriter<File>>,
}

impl NpzWriter {
    /// Creates (or overwrites) `path`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(Error::io(path))?;
        Ok(Self { path: path.to_owned(), archive: ZipWriter::new(BufWriter::new(file)) })
    }

    /// Adds an array of `f32`, row-major.
    ///
    /// # Errors
    /// [`Error::Io`]; a name that is there already.
    ///
    /// # Panics
    /// Unless there are as many values as the shape has places.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> Result<()> {
        self.array(name, "<f4", shape, values.len(), values.iter().flat_map(|value| value.to_le_bytes()))
    }

    /// Adds an array of `i64`, row-major.
    ///
    /// # Errors
    /// [`Error::Io`]; a name that is there already.
    ///
    /// # Panics
    /// Unless there are as many values as the shape has places.
    pub fn integers(&mut self, name: &str, shape: &[usize], values: &[i64]) -> Result<()> {
        self.array(name, "<i8", shape, values.len(), values.iter().flat_map(|value| value.to_le_bytes()))
    }

    /// Writes what is left: the list of arrays.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(self) -> Result<()> {
        let Self { path, archive } = self;
        let mut file = archive.finish().map_err(|error| Error::io(&path)(error.into()))?;
        file.flush().map_err(Error::io(&path))
    }

    fn array(
        &mut self,
        name: &str,
        descr: &str,
        shape: &[usize],
        count: usize,
        bytes: impl Iterator<Item = u8>,
    ) -> Result<()> {
        assert_eq!(shape.iter().product::<usize>(), count, "`{name}`: values of shape {shape:?}");
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            .large_file(true);
        let header = header(descr, shape);
        let bytes: Vec<u8> = bytes.collect();
        let written = self
            .archive
            .start_file(format!("{name}.npy"), options)
            .map_err(io::Error::from)
            .and_then(|()| self.archive.write_all(&header))
            .and_then(|()| self.archive.write_all(&bytes));
        written.map_err(Error::io(&self.path))
    }
}

/// The header of version 1.0, which ends on a multiple of 64 bytes.
///
/// Source: NumPy Enhancement Proposal 1 and `numpy.lib.format`.
fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let lengths: String = shape.iter().map(|length| format!("{length}, ")).collect();
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}", lengths.trim_end());
    // Magic and version take 8 bytes, the length 2, the line feed 1.
    let padded = (text.len() + 11).next_multiple_of(64) - 11;
    let mut bytes = b"\x93NUMPY\x01\0".to_vec();
    // Some ten digits a dimension: far below 65,536.
    bytes.extend(((padded + 1) as u16).to_le_bytes());
    bytes.extend(format!("{text:padded$}\n").bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::{Values, decode_npz};
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let write = |name: &str| {
            let path = folder.path().join(name);
            let mut file = NpzWriter::create(&path).expect("a file");
            file.floats("a/x.outputs", &[2, 3], &[1.0, -2.5, 0.0, 1e-9, 3.0, 4.0]).expect("written");
            file.integers("a/x.labels", &[2], &[-1, 1 << 40]).expect("written");
            file.floats("scalar", &[], &[7.0]).expect("written");
            file.floats("empty", &[0, 4], &[]).expect("written");
            file.finish().expect("written");
            std::fs::read(path).expect("a file")
        };
        let bytes = write("a.npz");
        assert_eq!(bytes, write("b.npz"), "no clock in it");
        let read = decode_npz(&bytes, Path::new("a.npz")).expect("an archive");
        let shapes: Vec<(&str, &[usize])> =
            read.iter().map(|(name, array)| (name.as_str(), array.shape.as_slice())).collect();
        assert_eq!(shapes, [("a/x.outputs", &[2, 3][..]), ("a/x.labels", &[2]), ("scalar", &[]), ("empty", &[0, 4])]);
        assert_eq!(read[1].1.values, Values::Integers(vec![-1, 1 << 40]));
        let Values::Floats(values) = &read[0].1.values else { panic!("floats") };
        assert_eq!(values[1], -2.5);
    }

    #[test]
    fn headers_end_where_numpy_wants_them() {
        for shape in [&[][..], &[1], &[2, 3], &[1_000_000, 1_000_000, 7]] {
            assert!(header("<f4", shape).len().is_multiple_of(64), "{shape:?}");
        }
    }
}
