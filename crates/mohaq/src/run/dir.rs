//! The run directory: one file for every value that passes from stage to stage.
//!
//! | file | what | written by |
//! |---|---|---|
//! | `plan.toml` | the recipe with everything resolved | every stage, first |
//! | `checkpoint/` | training after its last finished epoch | train |
//! | `network.safetensors`, `training.json` | the float network and how it got there | train |
//! | `calibration.json` | clips and formats of every tensor | quantize |
//! | `sensitivity.json` | error of one site at a time at few bits | sensitivity |
//! | `beacons/` | retrained networks, a file each | search, retrain |
//! | `evaluations.jsonl` | every candidate ever measured: the truth about a search | search |
//! | `baselines/METHOD.jsonl` | the same for every other method that was asked for | search |
//! | `front.json` | the front with test errors | search |
//! | `report.json`, `report.html`, `report.csv` | the same for people | report |
//!
//! All but the log are written to a temporary file and renamed, so a reader sees the old file or the new one. A lock keeps
//! a second process out.

use crate::atomic;
use crate::config::Plan;
use crate::{Error, Result};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// What to do with results that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Refuse to touch them.
    Refuse,
    /// Go on where they end.
    Resume,
    /// Throw them away.
    Replace,
}

/// A locked run directory.
#[derive(Debug)]
pub struct RunDir {
    root: PathBuf,
    /// Held for as long as the directory is open.
    _lock: File,
}

/// What a run owns in its directory; nothing else in there is ever removed.
const OWNED_FILES: [&str; 12] = [
    "plan.toml",
    "network.safetensors",
    "training.json",
    "calibration.json",
    "sensitivity.json",
    "evaluations.jsonl",
    "baselines/random.jsonl",
    "baselines/greedy.jsonl",
    "front.json",
    "report.json",
    "report.html",
    "report.csv",
];

/// The folders that it owns.
const OWNED_FOLDERS: [&str; 2] = ["checkpoint", "beacons"];

impl RunDir {
    /// Opens (or makes) the directory of `plan` and writes `plan.toml`, unless results of another plan stand there: the
    /// stage that adds results of this one then [writes it](Self::write_plan).
    ///
    /// # Errors
    /// [`Error::Locked`] while another process has it; [`Error::OtherRun`] when it holds a network or a search of
    /// another plan, unless `existing` says to replace it; [`Error::Io`].
    pub fn open(plan: &Plan, existing: Existing) -> Result<Self> {
        let root = plan.out.clone();
        fs::create_dir_all(&root).map_err(|e| Error::io(&root, e))?;
        let lock = lock(&root)?;
        let dir = Self { root, _lock: lock };
        if existing == Existing::Replace {
            dir.clear()?;
        }
        match dir.read("plan.toml")?.filter(|_| dir.has_results()) {
            Some(written) => match plan.training_difference(&String::from_utf8_lossy(&written)) {
                Some(section) => Err(Error::OtherRun { path: dir.root, section }),
                None => Ok(dir),
            },
            None => dir.write_plan(plan).map(|()| dir),
        }
    }

    /// Writes `plan.toml`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_plan(&self, plan: &Plan) -> Result<()> {
        self.write("plan.toml", plan.to_toml().as_bytes())
    }

    /// Whether a training or a search has begun here.
    fn has_results(&self) -> bool {
        ["checkpoint", "training.json", "evaluations.jsonl"].iter().any(|name| self.path(name).exists())
    }

    /// Where the directory is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of `name` in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes `bytes` to `name` so that a reader sees the old file or the new one, never half of it.
    ///
    /// # Errors
    /// [`Error::Io`]; the old file then stands.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        atomic::write(&self.path(name), bytes)
    }

    /// The contents of `name`, `None` where there is no such file.
    ///
    /// # Errors
    /// [`Error::Io`] when it is there and cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.path(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(&path, error)),
        }
    }

    /// Removes the results of a run, and nothing that a run did not write.
    fn clear(&self) -> Result<()> {
        for name in OWNED_FILES {
            let path = self.path(name);
            if path.exists() {
                fs::remove_file(&path).map_err(|e| Error::io(&path, e))?;
            }
        }
        for name in OWNED_FOLDERS {
            let path = self.path(name);
            if path.exists() {
                fs::remove_dir_all(&path).map_err(|e| Error::io(&path, e))?;
            }
        }
        Ok(())
    }
}

fn lock(root: &Path) -> Result<File> {
    let path = root.join(".lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(|e| Error::io(&path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { path: root.into() }),
        Err(TryLockError::Error(error)) => Err(Error::io(&path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Given};

    fn plan(out: &Path, pair: &str) -> Plan {
        config::load("demo", None, &[pair.to_owned()], Given { out: Some(out), ..Given::default() }).unwrap()
    }

    #[test]
    fn a_second_process_is_kept_out() {
        let folder = tempfile::tempdir().unwrap();
        let first = RunDir::open(&plan(folder.path(), "seed=1"), Existing::Refuse).unwrap();
        let second = RunDir::open(&plan(folder.path(), "seed=1"), Existing::Refuse);
        assert!(matches!(second, Err(Error::Locked { .. })));
        drop(first);
        assert!(RunDir::open(&plan(folder.path(), "seed=1"), Existing::Refuse).is_ok());
    }

    #[test]
    fn only_a_training_binds_a_directory_to_its_plan() {
        let folder = tempfile::tempdir().unwrap();
        let open = |pair: &str, existing| RunDir::open(&plan(folder.path(), pair), existing);
        drop(open("seed=1", Existing::Refuse).unwrap());
        drop(open("seed=2", Existing::Refuse).unwrap());
        fs::create_dir(folder.path().join("checkpoint")).unwrap();
        assert!(matches!(open("seed=3", Existing::Resume), Err(Error::OtherRun { .. })));
        assert!(open("seed=2", Existing::Refuse).is_ok());
        assert!(open("seed=3", Existing::Replace).is_ok());
    }

    #[test]
    fn replacing_a_run_removes_what_runs_write_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(folder.path().join(name), "x").unwrap();
        fs::create_dir(folder.path().join("baselines")).unwrap();
        let written = ["front.json", "evaluations.jsonl", "baselines/random.jsonl", "baselines/mine.txt", "notes.txt"];
        written.into_iter().for_each(write);
        drop(RunDir::open(&plan(folder.path(), "seed=1"), Existing::Replace).unwrap());
        assert!(!folder.path().join("front.json").exists());
        assert!(!folder.path().join("evaluations.jsonl").exists());
        assert!(!folder.path().join("baselines/random.jsonl").exists());
        assert!(folder.path().join("baselines/mine.txt").exists());
        assert!(folder.path().join("notes.txt").exists());
    }
}
