//! Where an export goes on disk.

use super::{ExportError, Project};
use crate::{Error, Result, atomic};
use std::fs;
use std::path::Path;

/// Writes the files of `project` into the folder `to`, which must not exist or be empty, unless `force` has files of the same
/// names written over.
///
/// # Errors
/// [`ExportError::Exists`]; [`Error::Io`].
pub fn write_folder(project: &Project, to: &Path, force: bool) -> Result<()> {
    let taken = to.is_file() || fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some());
    if taken && !force {
        return Err(ExportError::Exists { path: to.into() }.into());
    }
    for (name, text) in &project.files {
        let path = to.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        }
        atomic::write(&path, text.as_bytes())?;
    }
    Ok(())
}

/// Writes an image to the file `to`, which must not exist unless `force` has it written over.
///
/// # Errors
/// [`ExportError::Exists`]; [`Error::Io`].
pub fn write_file(bytes: &[u8], to: &Path, force: bool) -> Result<()> {
    if to.exists() && !force {
        return Err(ExportError::Exists { path: to.into() }.into());
    }
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    }
    atomic::write(to, bytes)
}

/// Refuses an arena of more than `limit` bytes.
///
/// # Errors
/// [`ExportError::Arena`].
pub fn check_arena(bytes: usize, limit: Option<usize>) -> Result<()> {
    match limit {
        Some(limit) if bytes > limit => Err(ExportError::Arena { got: bytes, limit }.into()),
        _ => Ok(()),
    }
}
