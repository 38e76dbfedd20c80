//! `init`, `report`, `completions`: what needs no run.

use crate::args::{Cli, CompletionsArgs, InitArgs, ReportArgs, ReportFormat};
use crate::failure::Refusal;
use crate::output;
use anyhow::{Context as _, Result};
use clap::CommandFactory;
use mohaq::{config, report};
use std::fs;
use std::io;
use std::path::Path;

/// `mohaq init`
pub(crate) fn init(args: &InitArgs) -> Result<()> {
    let text = config::builtin(&args.template)?;
    if args.path.exists() && !args.force {
        let message = format!("{}: exists already", args.path.display());
        return Err(Refusal { message, hint: "--force overwrites it; another path leaves it" }.into());
    }
    fs::write(&args.path, text).with_context(|| args.path.display().to_string())?;
    Ok(output::line(&format!("wrote {}; next: mohaq run {0}", args.path.display()))?)
}

/// `mohaq report`
pub(crate) fn report(args: &ReportArgs) -> Result<()> {
    let report = read_report(&args.run)?;
    let written = match args.format {
        ReportFormat::Html => report.to_html()?,
        ReportFormat::Csv => report.to_csv()?,
        ReportFormat::Json => report.to_json()?,
    };
    let default = (args.format == ReportFormat::Html).then(|| args.run.join("report.html"));
    match args.output.clone().or(default) {
        Some(path) => {
            fs::write(&path, written).with_context(|| path.display().to_string())?;
            Ok(output::line(&path.display().to_string())?)
        }
        None => Ok(output::line(written.trim_end())?),
    }
}

/// The report of the run directory `run`.
pub(super) fn read_report(run: &Path) -> Result<report::Report> {
    let source = run.join("report.json");
    let text = fs::read_to_string(&source).map_err(|error| unreadable(&source, &error))?;
    report::Report::from_json(&text).with_context(|| source.display().to_string())
}

/// Why the report of a run cannot be read.
fn unreadable(source: &Path, error: &io::Error) -> Refusal {
    let message = format!("{}: {error}", source.display());
    Refusal { message, hint: "RUN is a directory with a finished search: what `mohaq run` or `mohaq search` wrote to" }
}

/// `mohaq completions`
pub(crate) fn completions(args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "mohaq", &mut script);
    io::Write::write_all(&mut io::stdout().lock(), &script)?;
    Ok(())
}
