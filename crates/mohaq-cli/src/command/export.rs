//! `export` and `verify`: a candidate as what runs on a device.

use super::{Context, info};
use crate::args::{ChosenArgs, Device, ExportArgs, ExportFormat, VerifyArgs};
use crate::failure::Refusal;
use crate::output;
use anyhow::Result;
use clap::ValueEnum;
use mohaq::Error;
use mohaq::export::{self, Dialect, Name};
use mohaq::run::{self, Chosen, Form, Verification};
use serde_json::{Value, json};
use std::env;
use std::path::Path;
use std::process::Command;

/// `mohaq export`
pub(crate) fn export(context: &Context<'_>, args: &ExportArgs) -> Result<()> {
    let name = Name::new(&args.name).map_err(Error::from)?;
    let chosen = chosen(&args.chosen)?;
    let exported = match args.chosen.format {
        ExportFormat::C => c(args, &chosen, name)?,
        ExportFormat::Image => image(args, &chosen, &name)?,
        ExportFormat::Onnx | ExportFormat::Qonnx => onnx(args, &chosen, &name)?,
    };
    let mut object = json!({
        "pick": chosen.id,
        "bits": chosen.spec.to_string(),
        "out": args.out,
        "flash_bytes": exported.flash_bytes,
        "ram_bytes": exported.ram_bytes,
    });
    let measured = args.measure.iter().map(|&device| measure(&args.out, device)).collect::<Result<Vec<Measured>>>()?;
    if context.json {
        object["devices"] = measured.iter().map(Measured::json).collect();
        return Ok(output::line(&object.to_string())?);
    }
    let Exported { flash_bytes, ram_bytes, what } = exported;
    output::line(&format!("candidate {}: {}", chosen.id, output::compact(&chosen.spec.to_string())))?;
    let takes = match ram_bytes {
        Some(ram_bytes) => format!("constants {flash_bytes} bytes (flash), arena {ram_bytes} bytes (RAM)"),
        None => format!("{flash_bytes} bytes"),
    };
    output::line(&format!("{}: {what}; {takes}", args.out.display()))?;
    for Measured { device, code_bytes, instructions } in measured {
        let of_code = format!("{code_bytes} bytes of code and constants");
        output::line(&format!("{device}: {of_code}, {instructions} instructions a frame"))?;
    }
    Ok(())
}

/// What an export takes on its device: of a model, whose runtime knows that, only its own bytes.
struct Exported {
    flash_bytes: usize,
    ram_bytes: Option<usize>,
    what: &'static str,
}

fn c(args: &ExportArgs, chosen: &Chosen, name: Name) -> Result<Exported> {
    let project = chosen.project(name, args.max_frames.get())?;
    export::check_arena(project.arena_bytes, args.max_arena)?;
    let files = project.files.iter().map(|(path, text)| (path.as_str(), text.as_bytes()));
    export::write_folder(files, &args.out, args.force)?;
    let what = match project.max_frames {
        None => "C99, init / step / reset",
        Some(_) => "C99 for whole sequences, init / run",
    };
    Ok(Exported { flash_bytes: project.constant_bytes, ram_bytes: Some(project.arena_bytes), what })
}

fn image(args: &ExportArgs, chosen: &Chosen, name: &Name) -> Result<Exported> {
    refuse_measuring(args, "an image")?;
    let bytes = chosen.bank()?.image(&chosen.spec)?;
    let ram_bytes = export::image_ram_bytes(&bytes, args.max_frames.get())?;
    export::check_arena(ram_bytes, args.max_arena)?;
    let file = format!("{}.mohaq", name.as_str());
    export::write_folder([(file.as_str(), bytes.as_slice())].into_iter(), &args.out, args.force)?;
    Ok(Exported { flash_bytes: bytes.len(), ram_bytes: Some(ram_bytes), what: "an image" })
}

fn onnx(args: &ExportArgs, chosen: &Chosen, name: &Name) -> Result<Exported> {
    refuse_measuring(args, "a model")?;
    if args.max_arena.is_some() {
        let message = "--max-arena: a model has no arena".to_owned();
        return Err(Refusal { message, hint: "--format c and --format image have one" }.into());
    }
    let project = chosen.onnx(name, dialect(&args.chosen))?;
    let files = project.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
    export::write_folder(files, &args.out, args.force)?;
    let what = if args.chosen.format == ExportFormat::Qonnx { "a model of QONNX" } else { "an ONNX model" };
    Ok(Exported { flash_bytes: project.model_bytes, ram_bytes: None, what })
}

/// How a model's grids are written.
fn dialect(args: &ChosenArgs) -> Dialect {
    match (args.format, args.opset.as_deref()) {
        (ExportFormat::Qonnx, _) => Dialect::Qonnx,
        (_, Some("25")) => Dialect::QdqInt2,
        _ => Dialect::Qdq,
    }
}

fn refuse_measuring(args: &ExportArgs, what: &str) -> Result<()> {
    let Some(device) = args.measure.first() else { return Ok(()) };
    let message = format!("--measure {}: {what} is no C", value_name(*device));
    Err(Refusal { message, hint: "--format c is measured" }.into())
}

fn chosen(args: &ChosenArgs) -> Result<Chosen> {
    if args.opset.is_some() && args.format != ExportFormat::Onnx {
        let message = "--opset: only --format onnx has a choice of operator sets".to_owned();
        return Err(Refusal { message, hint: "leave it out" }.into());
    }
    let report = info::read_report(&args.run)?;
    Ok(run::chosen(&args.run, &report, &args.choice.named()?, args.network.as_deref())?)
}

/// What a device showed.
struct Measured {
    device: String,
    code_bytes: u64,
    instructions: u64,
}

impl Measured {
    fn json(&self) -> Value {
        json!({ "device": self.device, "code_bytes": self.code_bytes, "instructions_a_frame": self.instructions })
    }
}

fn value_name(device: Device) -> String {
    device.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Has the folder's Makefile compile and run the test vector.
fn measure(folder: &Path, device: Device) -> Result<Measured> {
    let device = value_name(device);
    let hint = "make, a cross compiler and QEMU are needed; the folder's README.md names them";
    let refusal = |reason: String| Refusal { message: format!("--measure {device}: {reason}"), hint };
    let made = Command::new("make").arg(format!("qemu-{device}")).current_dir(folder).output();
    let made = made.map_err(|error| refusal(format!("make: {error}")))?;
    let said = String::from_utf8_lossy(&made.stdout);
    if !made.status.success() {
        let errors = String::from_utf8_lossy(&made.stderr);
        return Err(refusal(errors.lines().chain(said.lines()).last().unwrap_or_default().to_owned()).into());
    }
    let words = |line: &str| -> Option<u64> { line.split_whitespace().next()?.parse().ok() };
    let code_bytes = said.lines().find_map(words);
    let instructions = said.lines().find_map(|line| line.split_once("instructions a frame: ")?.1.trim().parse().ok());
    match (code_bytes, instructions) {
        (Some(code_bytes), Some(instructions)) => Ok(Measured { device, code_bytes, instructions }),
        _ => Err(refusal("its output holds no size or no count".to_owned()).into()),
    }
}

/// `mohaq verify`
pub(crate) fn verify(context: &Context<'_>, args: &VerifyArgs) -> Result<()> {
    let chosen = chosen(&args.chosen)?;
    let program = |name: &str, usual: &str| env::var(name).unwrap_or_else(|_| usual.to_owned());
    let (compiler, python) = (program("CC", "cc"), program("MOHAQ_PYTHON", "python3"));
    let form = match args.chosen.format {
        ExportFormat::C => Form::C(&compiler),
        ExportFormat::Image => Form::Image,
        ExportFormat::Onnx | ExportFormat::Qonnx => Form::Onnx(dialect(&args.chosen), &python),
    };
    let verification = run::verified(&args.chosen.run, &chosen, form, context.progress)?;
    if context.json {
        let mut object = serde_json::to_value(verification)?;
        object["pick"] = json!(chosen.id);
        object["bits"] = json!(chosen.spec.to_string());
        output::line(&object.to_string())?;
    } else {
        output::line(&in_words(&verification))?;
    }
    if verification.is_equal() || (!form.is_exact() && verification.is_whole()) {
        return Ok(());
    }
    let message = format!("candidate {}: the export computes other codes than were measured", chosen.id);
    Err(Refusal { message, hint: "a bug of mohaq: please report it with the plan.toml of the run" }.into())
}

fn in_words(verification: &Verification) -> String {
    let Verification { sequences, codes, differ, saturated, export_saturated, .. } = *verification;
    let counted = format!("{sequences} sequences, {codes} codes: {differ} differ");
    let Some(export_saturated) = export_saturated else {
        let Verification { largest_steps, mean_steps, frames_differ, frames, .. } = *verification;
        let steps = format!("by {mean_steps:.2} steps at the mean of all and {largest_steps} at most");
        return format!("{counted}, {steps}; {frames_differ} of {frames} frames have another class");
    };
    format!("{counted}; {export_saturated} saturated, {saturated} in the engine")
}
