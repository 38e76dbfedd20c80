//! Files that a reader sees whole: the old one or the new one, never half of either.

use crate::{Error, Result};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// Writes `bytes` beside `path`, flushes them to the disk and renames.
///
/// # Errors
/// [`Error::Io`], on a full disk for example; the file at `path` is then as it was.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".partial");
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&beside, path)).map_err(|error| {
        // The error that matters is the first; what is left of the new file is only rubbish.
        let _ = fs::remove_file(&beside);
        Error::io(path, error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_fails_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("front.json");
        write(&path, b"old").unwrap();
        // The name beside it is taken by a directory.
        fs::create_dir(folder.path().join("front.json.partial")).unwrap();
        assert!(write(&path, b"new").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }
}
