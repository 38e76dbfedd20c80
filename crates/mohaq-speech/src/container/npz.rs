//! `.npz`: a zip archive of `.npy` arrays, stored or deflated.

use super::array::Array;
use super::npy;
use crate::error::{Error, Result};
use std::io::{Cursor, Read};
use std::path::Path;
use zip::ZipArchive;

pub(super) fn decode(bytes: &[u8], path: &Path) -> Result<Vec<(String, Array)>> {
    let refuse =
        |key: Option<&str>, reason: String| Error::Container { path: path.into(), key: key.map(str::to_owned), reason };
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| refuse(None, format!("is no readable zip archive: {error}")))?;
    let mut arrays = Vec::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(|error| refuse(None, format!("member {index}: {error}")))?;
        let name = member.name().map_err(|error| refuse(None, format!("member {index}: {error}")))?.into_owned();
        let Some(key) = name.strip_suffix(".npy") else {
            return Err(refuse(Some(&name), "is not an .npy array".into()));
        };
        let mut content = Vec::new();
        member.read_to_end(&mut content).map_err(|error| refuse(Some(key), error.to_string()))?;
        arrays.push((key.to_owned(), npy::decode(&content).map_err(|reason| refuse(Some(key), reason))?));
    }
    Ok(arrays)
}
