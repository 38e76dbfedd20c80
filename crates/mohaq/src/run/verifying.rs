//! The round trip of a candidate: the development set through what is exported of it, and through the engine that measured it.

use super::choosing::Chosen;
use crate::config::{self, Given};
use crate::export::{self, Name, Sequences, Verified};
use crate::watch::Watch;
use crate::{Error, Result};
use mohaq_rt::engine::Scratch;
use serde::Serialize;
use std::path::Path;

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form<'a> {
    /// C99, compiled with this compiler of this machine.
    C(&'a str),
    /// The image.
    Image,
}

/// How an export differs from what was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Sequences of the development set.
    pub sequences: usize,
    /// Codes that came out of the engine.
    pub codes: usize,
    /// How many of them are others, or missing, in the export.
    pub differ: usize,
    /// Codes that saturated on the way in the engine.
    pub saturated: u64,
    /// The same in the export.
    pub export_saturated: u64,
}

impl Verification {
    /// Whether nothing differs.
    pub fn is_equal(&self) -> bool {
        self.differ == 0 && self.saturated == self.export_saturated
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
    };
    watch.end(&format!("{} sequences", data.valid.len()));
    let different = outputs.iter().zip(&got.outputs).filter(|(measured, exported)| measured != exported).count();
    Ok(Verification {
        sequences: data.valid.len(),
        codes: outputs.len(),
        differ: different + outputs.len().abs_diff(got.outputs.len()),
        saturated: counts.iter().map(|layer| layer.total().clipped).sum(),
        export_saturated: got.saturated,
    })
}

fn in_c(chosen: &Chosen, sequences: Sequences<'_>, compiler: &str) -> Result<Verified> {
    let name = Name::new("network")?;
    let project = chosen.project(name.clone(), sequences.longest())?;
    let folder = tempfile::tempdir().map_err(|e| Error::io(&std::env::temp_dir(), e))?;
    export::run_c(&project, &name, chosen.network.inputs(), sequences, compiler, folder.path())
}
