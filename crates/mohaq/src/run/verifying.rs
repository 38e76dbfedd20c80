//! The round trip of a candidate: the development set through what is exported of it, and through the engine that measured it.

use super::choosing::Chosen;
use crate::config::{self, Given};
use crate::eval::best_class;
use crate::export::{self, Dialect, Name, Sequences, Verified};
use crate::watch::Watch;
use crate::{Error, Result};
use mohaq_rt::engine::Scratch;
use serde::Serialize;
use std::iter::zip;
use std::path::Path;

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form<'a> {
    /// C99, compiled with this compiler of this machine.
    C(&'a str),
    /// The image.
    Image,
    /// ONNX, run by this Python.
    Onnx(Dialect, &'a str),
}

impl Form<'_> {
    /// Whether it must compute the codes that were measured: readers of ONNX compute in floating point.
    pub fn is_exact(self) -> bool {
        match self {
            Self::C(_) | Self::Image => true,
            Self::Onnx(..) => false,
        }
    }
}

/// How an export differs from what was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Verification {
    /// Sequences of the development set.
    pub sequences: usize,
    /// Codes that came out of the engine.
    pub codes: usize,
    /// How many of them are others, or missing, in the export.
    pub differ: usize,
    /// Codes that one of both has and the other has not.
    pub missing: usize,
    /// The largest distance between a code and its export, in steps of the output's format.
    pub largest_steps: u32,
    /// The mean of all distances, in the same unit.
    pub mean_steps: f64,
    /// Frames whose largest output is another one.
    pub frames_differ: usize,
    /// Frames that came out of the engine.
    pub frames: usize,
    /// Codes that saturated on the way in the engine.
    pub saturated: u64,
    /// The same in the export, where it counts them.
    pub export_saturated: Option<u64>,
}

impl Verification {
    /// Whether as many codes came out of the export.
    pub fn is_whole(&self) -> bool {
        self.missing == 0
    }

    /// Whether nothing differs.
    pub fn is_equal(&self) -> bool {
        self.differ == 0 && self.export_saturated.is_none_or(|saturated| saturated == self.saturated)
    }
}

/// Runs the development set of the directory `run` through `chosen` as it is measured, and as it is exported.
///
/// # Errors
/// Those of reading the plan and its data; [`Error::Export`].
pub fn verified(run: &Path, chosen: &Chosen, form: Form<'_>, watch: &dyn Watch) -> Result<Verification> {
    let plan = run.join("plan.toml");
    if !plan.exists() {
        return Err(Error::Record { path: plan, reason: "missing: not a run directory".into() });
    }
    let given = Given { out: Some(run), ..Given::default() };
    let plan = config::load(&plan.display().to_string(), None, &[], given)?;
    let data = super::dataset(&plan, watch)?;
    let bank = chosen.bank()?;
    let (mut codes, mut starts) = (Vec::new(), vec![0]);
    for sequence in &data.valid {
        codes.extend(sequence.features.values.iter().map(|&x| bank.input().code(x).code));
        starts.push(codes.len() / data.dim.max(1));
    }
    let sequences = Sequences { codes: &codes, starts: &starts };
    watch.begin("verify", 0, "");
    let (outputs, counts) = bank.engine(&chosen.spec)?.run(&codes, &starts, &mut Scratch::default());
    let got = match form {
        Form::Image => export::run_image(&bank.image(&chosen.spec)?, sequences)?,
        Form::C(compiler) => in_c(chosen, sequences, compiler)?,
        Form::Onnx(dialect, python) => in_onnx(chosen, sequences, dialect, python)?,
    };
    watch.end(&format!("{} sequences", data.valid.len()));
    let saturated = counts.iter().map(|layer| layer.total().clipped).sum();
    let compared = compared(chosen.network.outputs(), &outputs, &got.outputs);
    Ok(Verification { sequences: data.valid.len(), saturated, export_saturated: got.saturated, ..compared })
}

/// The codes of the engine beside those of the export, `[frames, width]`.
fn compared(width: usize, measured: &[i16], exported: &[i16]) -> Verification {
    let steps: Vec<u32> = zip(measured, exported).map(|(a, b)| u32::from(a.abs_diff(*b))).collect();
    let missing = measured.len().abs_diff(exported.len());
    let frames = || zip(measured.chunks_exact(width), exported.chunks_exact(width));
    Verification {
        codes: measured.len(),
        differ: steps.iter().filter(|&&steps| steps > 0).count() + missing,
        missing,
        largest_steps: steps.iter().copied().max().unwrap_or(0),
        mean_steps: steps.iter().copied().map(f64::from).sum::<f64>() / steps.len().max(1) as f64,
        frames_differ: frames().filter(|(a, b)| best_class(a) != best_class(b)).count(),
        frames: measured.len() / width,
        ..Verification::default()
    }
}

fn in_c(chosen: &Chosen, sequences: Sequences<'_>, compiler: &str) -> Result<Verified> {
    let name = Name::new("network")?;
    let project = chosen.project(name.clone(), sequences.longest())?;
    let folder = tempfile::tempdir().map_err(|e| Error::io(&std::env::temp_dir(), e))?;
    export::run_c(&project, &name, chosen.network.inputs(), sequences, compiler, folder.path())
}

fn in_onnx(chosen: &Chosen, sequences: Sequences<'_>, dialect: Dialect, python: &str) -> Result<Verified> {
    let name = Name::new("network")?;
    let project = chosen.onnx(&name, dialect)?;
    let folder = tempfile::tempdir().map_err(|e| Error::io(&std::env::temp_dir(), e))?;
    export::run_onnx(&project, &name, chosen.network.inputs(), sequences, python, folder.path())
}
