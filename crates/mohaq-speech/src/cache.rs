//! Filterbanks kept on disk between runs, one file an utterance, named by content and settings.
//!
//! An entry's name is a fingerprint of the audio's bytes and of everything that went into the features, so nothing is ever
//! stale and nothing has to be invalidated. Entries are written to a temporary file of this process and renamed: two
//! processes on one directory at worst compute the same entry twice. What a killed process left half-written is removed by
//! the next one that opens the directory. An entry whose checksum is wrong is computed anew
//! and counted, so that the caller can tell the user.
//!
//! ```text
//! "MOHAQFB1"  dim u32  frames u64  values f32 × dim·frames  fingerprint of all before u128      (little endian)
//! ```

use crate::dataset::Features;
use crate::digest::Digest;
use crate::error::{Error, Result};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

const MAGIC: &[u8; 8] = b"MOHAQFB1";
const HEADER: usize = MAGIC.len() + 4 + 8;
const CHECKSUM: usize = 16;

/// How the names of files that are being written end.
const TEMPORARY: &str = ".tmp";

/// A directory of entries.
pub(crate) struct FeatureCache {
    directory: PathBuf,
    damaged: AtomicUsize,
}

/// Makes the names of this process' temporary files differ, whichever cache and thread writes them.
static SERIAL: AtomicU64 = AtomicU64::new(0);

impl FeatureCache {
    /// The cache in `directory`, which is made if need be.
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory).map_err(Error::io(directory))?;
        sweep(directory).map_err(Error::io(directory))?;
        Ok(Self { directory: directory.to_path_buf(), damaged: AtomicUsize::new(0) })
    }

    /// The features stored under `key`, or those that `compute` gives, which are then stored.
    pub(crate) fn get(&self, key: u128, compute: impl FnOnce() -> Result<Features>) -> Result<Features> {
        let path = self.directory.join(format!("{key:032x}.fbank"));
        match fs::read(&path) {
            Ok(bytes) => match decode(&bytes) {
                Some(features) => return Ok(features),
                None => {
                    self.damaged.fetch_add(1, Ordering::Relaxed);
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io(&path)(error)),
        }
        let features = compute()?;
        store(&path, &encode(&features))?;
        Ok(features)
    }

    /// How many entries were found damaged so far.
    pub(crate) fn damaged(&self) -> usize {
        self.damaged.load(Ordering::Relaxed)
    }
}

/// Removes the temporary files of other processes. One that is still alive writes its file again.
fn sweep(directory: &Path) -> io::Result<()> {
    let ours = format!(".{}-", process::id());
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(TEMPORARY) && !name.contains(&ours) {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

fn store(path: &Path, bytes: &[u8]) -> Result<()> {
    let stored = match store_once(path, bytes) {
        // Another process has taken the file for what a killed one left.
        Err(error) if error.kind() == io::ErrorKind::NotFound => store_once(path, bytes),
        stored => stored,
    };
    stored.map_err(Error::io(path))
}

fn store_once(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{serial}{TEMPORARY}", process::id()));
    fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path)).inspect_err(|_| {
        // The error that matters is the first; what is left of the new file is only rubbish.
        let _ = fs::remove_file(&temporary);
    })
}

fn encode(features: &Features) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + 4 * features.values.len() + CHECKSUM);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(features.dim as u32).to_le_bytes());
    bytes.extend_from_slice(&(features.frames() as u64).to_le_bytes());
    for value in &features.values {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    let checksum = Digest::new().raw(&bytes).finish();
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// The features of an entry, `None` where it is damaged.
fn decode(bytes: &[u8]) -> Option<Features> {
    let (content, checksum) = bytes.split_last_chunk::<CHECKSUM>()?;
    if Digest::new().raw(content).finish() != u128::from_le_bytes(*checksum) {
        return None;
    }
    let (dim, rest) = content.strip_prefix(MAGIC)?.split_first_chunk::<4>()?;
    let (frames, values) = rest.split_first_chunk::<8>()?;
    let dim = u32::from_le_bytes(*dim) as usize;
    let values: Vec<f32> = values.as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect();
    let expected = usize::try_from(u64::from_le_bytes(*frames)).ok()?.checked_mul(dim)?;
    (values.len() == expected).then_some(Features { dim, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn features() -> Features {
        Features { dim: 3, values: vec![1.0, -2.5, 0.0, 7.0, f32::MIN_POSITIVE, -0.0] }
    }

    #[test]
    fn the_second_time_nothing_is_computed() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let cache = FeatureCache::open(&folder.path().join("new/cache")).expect("a fresh directory");
        assert_eq!(cache.get(7, || Ok(features())).expect("computed"), features());
        assert_eq!(cache.get(7, || panic!("computed twice")).expect("read"), features());
        assert_eq!(cache.get(8, || Ok(Features::default())).expect("another key"), Features::default());
    }

    #[test]
    fn a_damaged_entry_is_computed_anew_whatever_byte_it_is() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let cache = FeatureCache::open(folder.path()).expect("a directory");
        let path = folder.path().join(format!("{:032x}.fbank", 7));
        let good = encode(&features());
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert_eq!(decode(&bad), None, "byte {at}");
            assert_eq!(decode(&good[..at]), None, "cut at {at}");
        }
        fs::write(&path, &good[..good.len() - 1]).expect("a damaged entry");
        assert_eq!(cache.get(7, || Ok(features())).expect("computed"), features());
        assert_eq!(cache.damaged(), 1);
        assert_eq!(fs::read(&path).expect("the entry"), good, "repaired on disk");
    }

    #[test]
    fn what_a_killed_process_left_half_written_is_removed() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let cache = FeatureCache::open(folder.path()).expect("a directory");
        cache.get(7, || Ok(features())).expect("computed");
        let ours = format!("{:032x}.{}-99.tmp", 8, process::id());
        let theirs = format!("{:032x}.{}-0.tmp", 8, u64::from(process::id()) + 1);
        for name in [&ours, &theirs] {
            fs::write(folder.path().join(name), b"MOHA").expect("written");
        }
        let cache = FeatureCache::open(folder.path()).expect("a directory");
        assert!(folder.path().join(ours).exists(), "another thread of this process may be writing it");
        assert!(!folder.path().join(theirs).exists());
        assert_eq!(cache.get(7, || panic!("computed twice")).expect("read"), features());
    }

    #[test]
    fn an_entry_that_cannot_be_written_is_named_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        // A folder stands where the entry should.
        let path = folder.path().join(format!("{:032x}.fbank", 7));
        fs::create_dir(&path).expect("a folder");
        let error = store(&path, b"features").expect_err("a folder is in the way");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        assert_eq!(fs::read_dir(folder.path()).expect("the directory").count(), 1);
    }

    #[test]
    fn a_failed_computation_leaves_no_entry() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let cache = FeatureCache::open(folder.path()).expect("a directory");
        assert!(cache.get(1, || Err(Error::corpus(Path::new("x"), "no"))).is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("the directory").count(), 0);
    }

    #[test]
    fn many_threads_on_one_entry_agree_and_leave_no_temporary_files() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let cache = FeatureCache::open(folder.path()).expect("a directory");
                    for key in 0..20 {
                        assert_eq!(cache.get(key, || Ok(features())).expect("an entry"), features());
                    }
                    assert_eq!(cache.damaged(), 0);
                });
            }
        });
        assert_eq!(fs::read_dir(folder.path()).expect("the directory").count(), 20);
    }
}
