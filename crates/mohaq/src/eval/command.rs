//! A score by a command of the user: what a network is judged by where no error of ours is the one that counts.
//!
//! The command is run without a shell and gets the path of an `.npz` file as its last argument:
//!
//! ```text
//! NAME.outputs  [frames, outputs]  f32    what the network gave for sequence NAME, before any softmax
//! NAME.labels   [labels]           i64    its labels, −1 where a frame has none
//! NAME.targets  [frames, outputs]  f32    its targets, for a regression
//! ```
//!
//! of all sequences, in the order of their names. The last line that it writes to stdout is its score, lower is better. For
//! a candidate the outputs are those of the integers, as numbers. The folder of the file is private to the call and goes with
//! it; what the command writes goes to files in there, so a talkative one cannot block. It is to be a function of its
//! input: resuming a search takes what it said before.

use crate::watch::Watch;
use crate::{Error, Result};
use mohaq_speech::container::NpzWriter;
use mohaq_speech::dataset::{NO_LABEL, Sequence};
use mohaq_speech::digest::Digest;
use mohaq_speech::metric::Metric;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// `[score]`: a command that judges instead of the task's own error. Training minimises the task's loss all the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreCommand {
    /// The program and its arguments; the path of the outputs is added to them.
    pub command: Vec<String>,
    /// What the score is called.
    #[serde(default = "score")]
    pub name: String,
    /// What it is measured in; `%` makes it an error rate, whose differences are points.
    #[serde(default)]
    pub unit: String,
    /// Seconds after which a call is given up.
    #[serde(default = "minute")]
    pub timeout_s: f64,
}

fn score() -> String {
    "score".to_owned()
}

fn minute() -> f64 {
    60.0
}

/// A sequence with what a network gave for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scored<'a> {
    /// The sequence.
    pub(super) sequence: &'a Sequence,
    /// `[frames, outputs]`.
    pub(super) outputs: &'a [f32],
}

/// How often a running command is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// Bytes at the end of a command's output that are read.
const TAIL: u64 = 4096;

impl ScoreCommand {
    /// Finds what cannot be run.
    ///
    /// # Errors
    /// [`Error::Plan`] with the key.
    pub fn check(&self) -> Result<()> {
        let bad = |key: &str, reason: String| Err(Error::Plan { key: format!("score.{key}"), reason, hint: None });
        if self.command.first().is_none_or(String::is_empty) {
            return bad("command", "no program, expected one and its arguments".into());
        }
        if !(self.timeout_s > 0.0 && Duration::try_from_secs_f64(self.timeout_s).is_ok()) {
            return bad("timeout_s", format!("{}, expected more than 0", self.timeout_s));
        }
        Ok(())
    }

    /// What its scores are.
    pub fn metric(&self) -> Metric {
        Metric::new(self.name.clone(), self.unit.clone())
    }

    /// A fingerprint of the command and of those of its arguments that are files, as they are now.
    pub fn fingerprint(&self) -> String {
        let digest = self.command.iter().fold(Digest::new(), |digest, argument| {
            let content = fs::read(argument).unwrap_or_default();
            digest.field(argument.as_bytes()).field(&content)
        });
        format!("{:032x}", digest.finish())
    }

    /// The score of the outputs of `sequences`, `width` a frame.
    ///
    /// # Errors
    /// [`Error::Score`] where the command cannot be started, takes too long, fails, or says no number; [`Error::Stopped`] when
    /// `watch` says so; [`Error::Io`].
    pub(super) fn score(&self, sequences: &[Scored<'_>], width: usize, watch: &dyn Watch) -> Result<f64> {
        let io = |error| Error::io(&std::env::temp_dir(), error);
        let folder = tempfile::Builder::new().prefix("mohaq-score-").tempdir().map_err(io)?;
        let [path, out, err] = ["outputs.npz", "stdout", "stderr"].map(|name| folder.path().join(name));
        write(&path, sequences, width)?;
        let ended = self.run(&path, &out, &err, watch)?;
        if watch.stopped() {
            return Err(Error::Stopped);
        }
        let said = tail(&out)?;
        let failed = |reason: String| -> Result<f64> {
            let stderr = tail(&err)?.trim().to_owned();
            Err(Error::Score { command: self.command.join(" "), reason, stderr })
        };
        match ended {
            None => failed(format!("took longer than {} s", self.timeout_s)),
            Some(status) if !status.success() => failed(format!("ended with {status}, expected exit status 0")),
            Some(_) => match last_number(&said) {
                Ok(score) => Ok(score),
                Err(got) => failed(format!("said {got}, expected a finite number on the last line")),
            },
        }
    }

    /// How the command ended on `path`; `None` where it took too long or was stopped, and was killed.
    fn run(&self, path: &Path, out: &Path, err: &Path, watch: &dyn Watch) -> Result<Option<ExitStatus>> {
        let create = |path: &Path| File::create(path).map_err(|error| Error::io(path, error));
        let (program, arguments) = self.command.split_first().expect("checked when the recipe was read");
        let started = Command::new(program)
            .args(arguments)
            .arg(path)
            .stdin(Stdio::null())
            .stdout(create(out)?)
            .stderr(create(err)?)
            .spawn();
        let mut child = started.map_err(|error| self.failure(format!("cannot be started: {error}")))?;
        // Checked when the recipe was read.
        let limit = Duration::try_from_secs_f64(self.timeout_s).unwrap_or(Duration::MAX);
        let ended =
            wait(&mut child, limit, watch).map_err(|error| self.failure(format!("cannot be waited for: {error}")))?;
        if ended.is_none() {
            // One that has just ended by itself is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
        Ok(ended)
    }

    fn failure(&self, reason: String) -> Error {
        Error::Score { command: self.command.join(" "), reason, stderr: String::new() }
    }
}

/// How `child` ended; `None` after `limit`, or where `watch` says to stop.
fn wait(child: &mut Child, limit: Duration, watch: &dyn Watch) -> std::io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        match child.try_wait()? {
            Some(status) => return Ok(Some(status)),
            None if begun.elapsed() > limit || watch.stopped() => return Ok(None),
            None => thread::sleep(LOOK),
        }
    }
}

/// What the command reads.
fn write(path: &Path, sequences: &[Scored<'_>], width: usize) -> Result<()> {
    let mut file = NpzWriter::create(path)?;
    for Scored { sequence, outputs } in sequences {
        let (id, frames) = (&sequence.id, outputs.len() / width.max(1));
        file.floats(&format!("{id}.outputs"), &[frames, width], outputs)?;
        if !sequence.targets.is_empty() {
            let frames = sequence.features.frames();
            let shape = [frames, sequence.targets.len() / frames.max(1)];
            file.floats(&format!("{id}.targets"), &shape, &sequence.targets)?;
            continue;
        }
        let label = |&label: &u32| if label == NO_LABEL { -1 } else { i64::from(label) };
        let labels: Vec<i64> = sequence.labels.iter().map(label).collect();
        file.integers(&format!("{id}.labels"), &[labels.len()], &labels)?;
    }
    Ok(file.finish()?)
}

/// The last of what stands in `path`.
fn tail(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        file.take(TAIL).read_to_end(&mut bytes)
    });
    read.map_err(|error| Error::io(path, error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The number on the last line that is not empty, or what stands there instead.
fn last_number(said: &str) -> std::result::Result<f64, String> {
    let Some(line) = said.lines().map(str::trim).rfind(|line| !line.is_empty()) else { return Err("nothing".into()) };
    match line.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(format!("`{}`", line.chars().take(80).collect::<String>())),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::watch::Silent;
    use mohaq_speech::dataset::Features;

    fn command(script: &str) -> ScoreCommand {
        let command = ["sh", "-c", script, "score"].map(str::to_owned).to_vec();
        ScoreCommand { command, name: score(), unit: String::new(), timeout_s: 20.0 }
    }

    fn judged(script: &str) -> Result<f64> {
        let features = Features { dim: 1, values: vec![0.0; 2] };
        let sequence = Sequence { id: "a".into(), features, labels: vec![0, NO_LABEL], ..Sequence::default() };
        let scored = [Scored { sequence: &sequence, outputs: &[1.0, 2.0, 3.0, 4.0] }];
        command(script).score(&scored, 2, &Silent)
    }

    #[test]
    fn the_last_line_is_the_score() {
        assert_eq!(judged("echo 3; echo ' -1.5e-3 '; echo").expect("a number"), -1.5e-3);
        let size: f64 = judged("wc -c < \"$1\"").expect("a number");
        assert!(size > 256.0, "the file is there: {size}");
    }

    #[test]
    fn what_is_no_score_is_an_error_with_the_end_of_stderr() {
        let message = |script: &str| judged(script).expect_err("no score").to_string();
        let said = message("echo 1; echo broken pipe dream >&2; exit 3");
        assert!(
            said.contains("exit status: 3, expected exit status 0") && said.contains("broken pipe dream"),
            "{said}"
        );
        for (script, got) in [("true", "nothing"), ("echo nan", "`nan`"), ("echo inf", "`inf`"), ("echo 1 2", "`1 2`")]
        {
            assert!(message(script).contains(&format!("said {got}, expected a finite number")), "{}", message(script));
        }
        let long = "x".repeat(9000);
        let said = message(&format!("printf {long} >&2; exit 1"));
        assert!(said.len() < 15_000, "the tail alone: {}", said.len());
    }

    #[test]
    fn a_program_that_is_not_there_or_does_not_end_is_an_error() {
        let missing = ScoreCommand { command: vec!["no-such-program-anywhere".into()], ..command("") };
        let said = missing.score(&[], 1, &Silent).expect_err("not there").to_string();
        assert!(said.contains("`no-such-program-anywhere`: cannot be started"), "{said}");
        let slow = ScoreCommand { timeout_s: 0.05, ..command("while :; do sleep 0.01; done") };
        let said = slow.score(&[], 1, &Silent).expect_err("too slow").to_string();
        assert!(said.contains("took longer than 0.05 s"), "{said}");
    }

    #[test]
    fn settings_that_cannot_be_run_are_refused_by_key() {
        let key = |command: ScoreCommand| match command.check() {
            Err(Error::Plan { key, .. }) => key,
            other => panic!("expected a key, got {other:?}"),
        };
        assert_eq!(key(ScoreCommand { command: Vec::new(), ..command("") }), "score.command");
        for timeout_s in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(key(ScoreCommand { timeout_s, ..command("") }), "score.timeout_s");
        }
    }

    #[test]
    fn a_changed_script_is_another_command() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("score.sh");
        let command = ScoreCommand { command: vec!["sh".into(), path.display().to_string()], ..command("") };
        fs::write(&path, "echo 1").expect("written");
        let before = command.fingerprint();
        assert_eq!(command.fingerprint(), before);
        fs::write(&path, "echo 2").expect("written");
        assert_ne!(command.fingerprint(), before);
    }
}
