//! A run with beacons that is killed again and again ends in the bytes of one that nobody disturbed.
//!
//! Every attempt goes on where the last one was killed. When it dies is drawn: after some time, or as soon as a file shows
//! that some stage is under way. What the directory looked like is printed kill by kill (`-- --nocapture`).

use crate::same::{differences, files};
use crate::workspace::{RECIPE, Workspace};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Kills in all, and the seed of their moments.
const KILLS: usize = 24;
const SEED: u64 = 20;

/// The tiny recipe with a layer more, and beacons in several generations.
pub(crate) fn with_beacons() -> String {
    let deeper = "hidden = 8 }, { kind = \"sru\", name = \"l1\", hidden = 8 }";
    let recipe = RECIPE.replace("hidden = 8 }", deeper).replace("epochs = 1", "epochs = 4");
    let beacons = "[search.beacons]\nthreshold = 1\nmax = 10\nmemory_mib = 1\n";
    let region = "[search.beacons.region.above]\nspeedup = 3\n";
    format!("{}\n{beacons}\n{region}\n[retrain]\nepochs = 3\n", recipe.replace("evaluations = 12", "evaluations = 28"))
}

/// When an attempt is killed.
#[derive(Clone, Copy, Debug)]
enum Aim {
    After(Duration),
    /// As soon as an epoch of the float network is on disk.
    Epoch,
    /// As soon as there is a trained network or a calibration that was not there.
    Stage,
    /// As soon as a number of candidates or loans was measured.
    Lines(usize),
    /// As soon as an epoch of a beacon is on disk.
    Retraining,
    /// As soon as a file is being written.
    Partial,
    Never,
}

impl Aim {
    fn draw(random: &mut ChaCha8Rng, whole: Duration) -> Self {
        let mut below = |bound: u32| random.next_u32() % bound;
        match below(10) {
            0..3 => Self::After(whole * below(1000) / 1000),
            3 => Self::Epoch,
            4 => Self::Stage,
            5..7 => Self::Lines(1 + below(6) as usize),
            7..9 => Self::Retraining,
            _ => Self::Partial,
        }
    }

    fn reached(self, begun: Instant, before: &Look, now: &Look) -> bool {
        match self {
            Self::After(time) => begun.elapsed() >= time,
            Self::Epoch => now.checkpoint != before.checkpoint,
            Self::Stage => (now.trained, now.calibrated) != (before.trained, before.calibrated),
            Self::Lines(count) => now.lines() >= before.lines() + count,
            Self::Retraining => now.retraining != before.retraining && now.retraining.values().any(|&bytes| bytes > 0),
            Self::Partial => now.partial != before.partial && now.partial.is_some(),
            Self::Never => false,
        }
    }
}

/// What a run directory holds, as far as it tells how far the run has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Look {
    /// Synthesised and in its place.
    corpus: bool,
    /// The float network's training, as it stands there.
    checkpoint: Option<Vec<u8>>,
    trained: bool,
    calibrated: bool,
    candidates: usize,
    beacons: usize,
    loans: usize,
    torn: bool,
    /// Beacons that are being retrained, with a fingerprint of what there is of them, 0 before the first epoch.
    retraining: BTreeMap<String, u64>,
    front: bool,
    /// A file that is being written.
    partial: Option<String>,
}

impl Look {
    /// At a directory in which a process may be at work: what vanishes between two looks is not there.
    fn at(run: &Path) -> Self {
        let read = |name: &str| std::fs::read(run.join(name)).ok();
        let log = read("evaluations.jsonl").unwrap_or_default();
        let lines = |start: &[u8]| log.split(|&byte| byte == b'\n').filter(|line| line.starts_with(start)).count();
        let mut look = Self {
            corpus: run.join("corpus").exists(),
            checkpoint: read("checkpoint/training.safetensors"),
            trained: run.join("training.json").exists(),
            calibrated: run.join("calibration.json").exists(),
            candidates: lines(b"{\"id\":"),
            beacons: lines(b"{\"beacon\":"),
            loans: lines(b"{\"loan\":"),
            torn: log.last().is_some_and(|&byte| byte != b'\n'),
            front: run.join("front.json").exists(),
            ..Self::default()
        };
        look.walk(run, run);
        look
    }

    /// Finds what is being written or retrained.
    fn walk(&mut self, run: &Path, folder: &Path) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(run).expect("below the run").display().to_string();
            if name.ends_with(".training") {
                let checkpoint = std::fs::read(path.join("training.safetensors")).unwrap_or_default();
                let print = checkpoint.iter().fold(0_u64, |sum, &byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
                self.retraining.insert(name.clone(), print);
            }
            if [".partial", ".part", ".tmp"].iter().any(|end| name.ends_with(end)) {
                self.partial = Some(name);
            } else if path.is_dir() && name != "corpus" {
                self.walk(run, &path);
            }
        }
    }

    fn lines(&self) -> usize {
        self.candidates + self.loans
    }

    /// The stage in which a process died that began at `before` and left this.
    fn stage(&self, before: &Self) -> &'static str {
        match self {
            _ if self == before => "nothing new",
            _ if !self.corpus => "synthesis",
            _ if !self.trained => "training",
            _ if !self.calibrated => "calibration",
            _ if self.front => "report",
            _ if !self.retraining.is_empty() && self.retraining != before.retraining => "retraining",
            _ if self.lines() > before.lines() => "evaluation",
            _ => "between",
        }
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { candidates, beacons, loans, .. } = self;
        write!(f, "{candidates:2} candidates, {beacons} beacons, {loans:2} loans")?;
        for (name, print) in &self.retraining {
            write!(f, ", {name}{}", if *print == 0 { " begun" } else { "" })?;
        }
        let torn = self.torn.then_some("a torn line of the log");
        self.partial.as_deref().into_iter().chain(torn).try_for_each(|what| write!(f, ", half of {what}"))
    }
}

/// Goes on with the run until it dies at `aim` or ends; true where it was killed.
fn attempt(workspace: &Workspace, arguments: &str, aim: Aim, before: &Look) -> bool {
    let mut command = workspace.command(arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts");
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            assert!(status.success(), "mohaq {arguments} ended by itself with {status}");
            return false;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "it never ended");
        if aim.reached(begun, before, &Look::at(&workspace.path("run"))) {
            child.kill().expect("a child");
            return child.wait().expect("a child").code().is_none();
        }
        sleep(Duration::from_micros(300));
    }
}

#[test]
fn a_run_killed_at_any_moment_ends_in_the_bytes_of_one_that_was_not() {
    let workspace = Workspace::new();
    workspace.write("beacons.toml", with_beacons());
    let (run, whole) = (workspace.path("run"), workspace.path("whole"));
    let arguments = "run beacons.toml --out run --resume";
    let begun = Instant::now();
    workspace.ok(arguments);
    let took = begun.elapsed();
    // Under the name that it has in its own plan.toml, each run in its turn.
    std::fs::rename(&run, &whole).expect("moved");
    let end = Look::at(&whole);
    assert!(end.beacons >= 6 && end.loans >= 12, "too few beacons to kill: {end}");
    println!("undisturbed: {end}, {:.1} s", took.as_secs_f64());

    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut stages: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut kills, mut writing) = (0, 0);
    while kills < KILLS {
        loop {
            let aim = if kills < KILLS { Aim::draw(&mut random, took) } else { Aim::Never };
            let (before, begun) = (Look::at(&run), Instant::now());
            if !attempt(&workspace, arguments, aim, &before) {
                println!("   ended by itself");
                break;
            }
            let look = Look::at(&run);
            let stage = look.stage(&before);
            kills += 1;
            writing += usize::from(look.partial.is_some() || look.torn);
            *stages.entry(stage).or_default() += 1;
            println!("{kills:2} after {:4} ms, {stage}: {look} ({aim:?})", begun.elapsed().as_millis());
        }
        assert_eq!(differences(&whole, &run), [""; 0], "after {kills} kills");
        std::fs::remove_dir_all(&run).expect("removed");
    }
    println!("{kills} kills: {stages:?}, {writing} while a file was being written");
    for stage in ["training", "evaluation", "retraining"] {
        assert!(stages.contains_key(stage), "never killed in {stage}: {stages:?}");
    }
    let stray = |name: &&String| [".part", ".training", ".tmp"].iter().any(|half| name.contains(half));
    assert_eq!(files(&whole).keys().find(stray), None);
}
