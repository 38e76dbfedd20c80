//! Where an export goes on disk.

use super::ExportError;
use crate::{Error, Result, atomic};
use mohaq_rt::image::Image;
use mohaq_rt::net::Net;
use std::fs;
use std::path::Path;

/// Writes `files`, paths and contents, into the folder `to`, which must not exist or be empty, unless `force` has files of
/// the same names written over.
///
/// # Errors
/// [`ExportError::Exists`]; [`Error::Io`].
pub fn write_folder<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>, to: &Path, force: bool) -> Result<()> {
    let taken = to.is_file() || fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some());
    if taken && !force {
        return Err(ExportError::Exists { path: to.into() }.into());
    }
    for (name, bytes) in files {
        let path = to.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        }
        atomic::write(&path, bytes)?;
    }
    Ok(())
}

/// Bytes of state and arena that the image in `bytes` asks of its caller, for a network without streams those of a sequence
/// of `max_frames` frames.
///
/// # Errors
/// [`ExportError::Image`].
pub fn image_ram_bytes(bytes: &[u8], max_frames: usize) -> Result<usize> {
    let net = Net::new(Image::parse(bytes).map_err(ExportError::from)?);
    let codes = match net.state_len() {
        Some(state) => state + net.arena_len(),
        None => net.run_arena_len(max_frames),
    };
    Ok(codes * size_of::<i16>())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let files = || [("a/b.c", b"new".as_slice())].into_iter();
        let to = folder.path().join("out");
        write_folder(files(), &to, false).unwrap();
        assert!(matches!(write_folder(files(), &to, false), Err(Error::Export(ExportError::Exists { .. }))));
        fs::write(to.join("a/b.c"), "old").unwrap();
        fs::write(to.join("mine"), "mine").unwrap();
        write_folder(files(), &to, true).unwrap();
        assert_eq!(fs::read(to.join("a/b.c")).unwrap(), b"new");
        assert_eq!(fs::read(to.join("mine")).unwrap(), b"mine");
    }

    #[test]
    fn an_arena_beyond_its_limit_is_refused() {
        assert!(check_arena(100, None).is_ok() && check_arena(100, Some(100)).is_ok());
        let error = check_arena(101, Some(100)).unwrap_err();
        assert_eq!(error.to_string(), "the arena takes 101 bytes, allowed are 100");
    }
}
