//! `platform`: what is known of hardware, and what this machine takes.

use super::Context;
use crate::args::{MeasureArgs, PlatformCommand};
use crate::failure::Refusal;
use crate::output;
use anyhow::{Context as _, Result, bail};
use mohaq::latency::{self, Timing, Verification};
use mohaq::nn::{Network, NetworkDescription};
use mohaq::platform::{self, Platform, SampleTable, Severity, TablePlatform};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `mohaq platform …`
pub(crate) fn platform(context: &Context<'_>, command: &PlatformCommand) -> Result<()> {
    match command {
        PlatformCommand::List => list(context),
        PlatformCommand::Show { platform } => show(context, platform),
        PlatformCommand::Check(args) => check(context, &args.path),
        PlatformCommand::Measure(args) => measure(context, args),
    }
}

fn list(context: &Context<'_>) -> Result<()> {
    let platforms = platform::list();
    let host = platform::load("host");
    if context.json {
        let reports: Vec<_> = platforms.iter().chain(&host).map(Platform::describe).collect();
        return Ok(output::line(&serde_json::to_string(&reports)?)?);
    }
    let mut rows: Vec<Vec<String>> =
        platforms.iter().map(|platform| vec![platform.name().into(), platform.title().into()]).collect();
    let host = host.map_or_else(|error| error.to_string(), |host| host.title().to_owned());
    rows.push(vec!["host".into(), host]);
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

fn measure(context: &Context<'_>, args: &MeasureArgs) -> Result<()> {
    let out = measured_file(args)?;
    if out.exists() && !args.force {
        let message = format!("{}: exists already", out.display());
        return Err(Refusal { message, hint: "--force overwrites it; --out writes elsewhere" }.into());
    }
    if let Some(csv) = &args.csv {
        return write(context, &table_of(csv, args)?, &out, None);
    }
    let timing = Timing { frames: args.frames.get(), each: Duration::from_millis(args.each_ms) };
    let network = args.network.as_deref().map(network).transpose()?;
    let shapes = network.as_ref().map_or_else(latency::grid, |network| latency::shapes_of(&network.workload()));
    let samples = latency::products(&shapes, &timing, context.progress)?;
    let mut table = latency::table(samples, network.as_ref(), &timing)?;
    if let Some(name) = &args.name {
        table.name.clone_from(name);
    }
    let verified = match (&network, args.verify) {
        (Some(network), Some(candidates)) => {
            let text = table.to_toml().map_err(mohaq::Error::from)?;
            let host = TablePlatform::parse(&text, "measured").map_err(mohaq::Error::from)?;
            Some(latency::verify(network, &host, candidates.get(), 1, &timing)?)
        }
        _ => None,
    };
    write(context, &table, &out, verified.as_ref())
}

/// A network, or one of untrained weights where the file describes it: they take as long.
fn network(file: &Path) -> Result<Network> {
    if file.extension().is_none_or(|extension| extension != "toml") {
        return Ok(Network::load(file)?);
    }
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let description = NetworkDescription::from_toml(&text).with_context(|| file.display().to_string())?;
    Ok(Network::new(&description, 1)?)
}

/// Where a measured platform is to be written.
fn measured_file(args: &MeasureArgs) -> Result<PathBuf> {
    if let Some(out) = &args.out {
        return Ok(out.clone());
    }
    if let (Some(_), Some(name)) = (&args.csv, &args.name) {
        return Ok(PathBuf::from(format!("{name}.toml")));
    }
    let hint = "--out says where to write the platform";
    Ok(platform::host_file().ok_or_else(|| Refusal { message: "this user has no home folder".to_owned(), hint })?)
}

/// The platform that a table measured elsewhere makes.
fn table_of(csv: &Path, args: &MeasureArgs) -> Result<SampleTable> {
    let text = fs::read_to_string(csv).with_context(|| csv.display().to_string())?;
    let samples = platform::parse_csv(&text, &csv.display().to_string(), args.hz).map_err(mohaq::Error::from)?;
    let name = args.name.clone().unwrap_or_default();
    let clock = args.hz.map_or_else(String::new, |hz| format!(", at {hz} Hz"));
    let file = csv.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(SampleTable {
        title: format!("{name}, measured"),
        name,
        notes: Vec::new(),
        source: format!("table {file}{clock}"),
        elementwise_ns: args.elementwise_ns,
        samples,
    })
}

fn write(context: &Context<'_>, table: &SampleTable, out: &Path, verified: Option<&Verification>) -> Result<()> {
    let text = table.to_toml().map_err(mohaq::Error::from)?;
    if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::write(out, text).with_context(|| out.display().to_string())?;
    if context.json {
        let result = serde_json::json!({ "platform": table.name, "file": out, "verification": verified });
        return Ok(output::line(&result.to_string())?);
    }
    if let Some(verified) = verified {
        print(verified)?;
    }
    let named = platform::host_file().is_some_and(|host| host == *out);
    let next = if named { "host".to_owned() } else { out.display().to_string() };
    Ok(output::line(&format!("wrote {}; next: mohaq platform show {next}", out.display()))?)
}

fn print(verified: &Verification) -> Result<()> {
    let row = |candidate: &latency::Prediction| {
        let off = 100.0 * (candidate.predicted_us / candidate.measured_us - 1.0);
        let times = [candidate.predicted_us, candidate.measured_us].map(|us| format!("{us:.2}"));
        vec![candidate.bits.clone(), times[0].clone(), times[1].clone(), format!("{off:+.1}")]
    };
    let rows: Vec<Vec<String>> = verified.predictions.iter().map(row).collect();
    output::table(&["candidate", "predicted us", "measured us", "off %"], &rows)?;
    let (median, largest) = (100.0 * verified.median_error, 100.0 * verified.largest_error);
    let ranks = verified.rank_correlation;
    Ok(output::line(&format!("rank correlation {ranks:.3}, median error {median:.1} %, largest {largest:.1} %"))?)
}
