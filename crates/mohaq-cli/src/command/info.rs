//! `init`, `report`, `platform`, `completions`: what needs no run.

use super::Context;
use crate::args::{Cli, CompletionsArgs, InitArgs, PlatformCommand, ReportArgs, ReportFormat};
use crate::failure::Refusal;
use crate::output;
use anyhow::{Context as _, Result, bail};
use clap::CommandFactory;
use mohaq::platform::{Platform, Severity};
use mohaq::{config, platform, report};
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

/// `mohaq platform …`
pub(crate) fn platform(context: &Context<'_>, command: &PlatformCommand) -> Result<()> {
    match command {
        PlatformCommand::List => list(context),
        PlatformCommand::Show { platform } => show(context, platform),
        PlatformCommand::Check(args) => check(context, &args.path),
    }
}

/// `mohaq completions`
pub(crate) fn completions(args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "mohaq", &mut script);
    io::Write::write_all(&mut io::stdout().lock(), &script)?;
    Ok(())
}

fn list(context: &Context<'_>) -> Result<()> {
    let platforms = platform::list();
    if context.json {
        let reports: Vec<_> = platforms.iter().map(Platform::describe).collect();
        return Ok(output::line(&serde_json::to_string(&reports)?)?);
    }
    let rows: Vec<Vec<String>> =
        platforms.iter().map(|platform| vec![platform.name().into(), platform.title().into()]).collect();
    Ok(output::table(&["platform", "what it is"], &rows)?)
}

fn show(context: &Context<'_>, name: &str) -> Result<()> {
    let report = platform::load(name).map_err(mohaq::Error::from)?.describe();
    let text = if context.json { serde_json::to_string(&report)? } else { report.to_string() };
    Ok(output::line(text.trim_end())?)
}

fn check(context: &Context<'_>, path: &Path) -> Result<()> {
    let findings = platform::check(path).map_err(mohaq::Error::from)?;
    if context.json {
        output::line(&serde_json::to_string(&findings)?)?;
    } else {
        for finding in &findings {
            output::line(&format!("{}: {finding}", path.display()))?;
        }
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if errors > 0 {
        bail!("{}: {errors} {}", path.display(), if errors == 1 { "error" } else { "errors" });
    }
    if findings.is_empty() && !context.json {
        output::line(&format!("{}: nothing to remark", path.display()))?;
    }
    Ok(())
}
