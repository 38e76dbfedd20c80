//! `compare`: runs side by side, as text, as JSON and as a page.

use super::Context;
use super::info::read_report;
use crate::args::CompareArgs;
use crate::failure::Refusal;
use crate::output;
use anyhow::{Context as _, Result};
use mohaq::report::{Comparison, Figure, LevelCell, LevelTable, Levels, Report, Run};
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

const MIB: f64 = 1_048_576.0;
/// Picojoule in a nanojoule.
const NANO: f64 = 1000.0;

/// `mohaq compare`
pub(crate) fn compare(context: &Context<'_>, args: &CompareArgs) -> Result<()> {
    let reports: Vec<Report> = args.runs.iter().map(|run| read_report(run)).collect::<Result<_>>()?;
    let names = names(&args.runs);
    let runs: Vec<Run<'_>> = names.iter().zip(&reports).map(|(name, report)| Run { name, report }).collect();
    let comparison = Comparison::new(&runs, &levels(args)).map_err(mohaq::Error::from)?;
    if let Some(path) = &args.output {
        write(path, &comparison.to_html()?, args.force)?;
    }
    if context.json {
        return Ok(output::line(&comparison.to_json()?)?);
    }
    print(&comparison)?;
    match &args.output {
        Some(path) => Ok(output::line(&format!("\npage: {}", path.display()))?),
        None => Ok(()),
    }
}

/// The last part of each path where that tells them apart, the paths as typed otherwise.
fn names(runs: &[PathBuf]) -> Vec<String> {
    let last = |run: &PathBuf| run.file_name().map(|name| name.to_string_lossy().into_owned());
    let short: Option<Vec<String>> = runs.iter().map(last).collect();
    short
        .filter(|names| names.iter().collect::<BTreeSet<_>>().len() == names.len())
        .unwrap_or_else(|| runs.iter().map(|run| run.display().to_string()).collect())
}

fn levels(args: &CompareArgs) -> Levels {
    let times = |levels: &Option<Vec<f64>>, unit: f64| {
        levels.as_ref().map(|levels| levels.iter().map(|level| level * unit).collect())
    };
    Levels {
        speedup: args.at_speedup.clone(),
        compression: args.at_compression.clone(),
        memory_bytes: times(&args.at_size, MIB),
        energy_pj: times(&args.at_energy, NANO),
    }
}

/// Writes the page; over a file that is there only if `force`.
fn write(path: &Path, page: &str, force: bool) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true);
    let opened = if force { options.create(true).truncate(true) } else { options.create_new(true) }.open(path);
    let mut file = opened.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            let message = format!("{}: exists already", path.display());
            Refusal { message, hint: "--force overwrites it; another --output leaves it" }.into()
        }
        _ => anyhow::Error::new(error).context(path.display().to_string()),
    })?;
    file.write_all(page.as_bytes()).with_context(|| path.display().to_string())
}

fn print(comparison: &Comparison) -> Result<()> {
    output::line(&comparison.headline())?;
    for caution in &comparison.cautions {
        output::line(&format!("caution: {caution}"))?;
    }
    print_runs(comparison)?;
    for table in &comparison.tables {
        print_levels(comparison, table)?;
    }
    print_covers(comparison)?;
    print_differences(comparison)
}

fn print_runs(comparison: &Comparison) -> Result<()> {
    let sides: Vec<String> = comparison.hypervolume.corners.iter().map(ToString::to_string).collect();
    output::line(&format!("\nthe runs; an error is the {}", comparison.error_name))?;
    let heading = ["run", "candidates", "front", "float valid", "float test", "volume valid", "volume test"];
    let volumes = comparison.hypervolume.valid.iter().zip(&comparison.hypervolume.test);
    let row = |(run, (valid, test)): (&mohaq::report::ComparedRun, (&Figure, &Figure))| {
        let (candidates, front) = (run.evaluations.to_string(), run.front.len().to_string());
        let floats = [run.float_valid_error, run.float_test_error].map(|error| error.show(&comparison.error_unit));
        let volumes = [valid, test].map(|volume| fixed(*volume, 4, ""));
        [run.name.clone(), candidates, front].into_iter().chain(floats).chain(volumes).collect()
    };
    let rows: Vec<Vec<String>> = comparison.runs.iter().zip(volumes).map(row).collect();
    output::table(&heading, &rows)?;
    if !sides.is_empty() {
        output::line(&format!("volumes are shares of the box: {}", sides.join("; ")))?;
    }
    if !comparison.left_out.is_empty() {
        let left: Vec<String> = comparison.left_out.iter().map(ToString::to_string).collect();
        output::line(&format!("left out, because not every run searched for it: {}", left.join("; ")))?;
    }
    Ok(())
}

fn print_levels(comparison: &Comparison, table: &LevelTable) -> Result<()> {
    output::line(&format!("\nerror by {}: validation / test", table.label.to_lowercase()))?;
    let heading: Vec<&str> = std::iter::once("level").chain(run_names(comparison)).collect();
    let unit = &comparison.error_unit;
    let cell = |cell: &LevelCell| match cell.id {
        None => Figure::MISSING.show(""),
        Some(id) => format!("{} / {} #{id}", cell.valid_error.show(unit), cell.test_error.show(unit)),
    };
    let rows = table.rows.iter().map(|row| {
        let cells = row.cells.iter().map(cell);
        std::iter::once(table.level(row)).chain(cells).collect()
    });
    Ok(output::table(&heading, &rows.collect::<Vec<_>>())?)
}

fn print_covers(comparison: &Comparison) -> Result<()> {
    if comparison.axes.iter().all(|axis| !axis.searched) {
        return Ok(());
    }
    output::line(&format!(
        "\nshare of the front of each column that the front of the row dominates or equals, by error and {}",
        comparison.shared()
    ))?;
    let heading: Vec<&str> = std::iter::once("").chain(run_names(comparison)).collect();
    let rows = comparison.runs.iter().zip(&comparison.covers).map(|(run, covers)| {
        let shares = covers.iter().map(|share| fixed(Figure::from(share.get().map(|share| 100.0 * share)), 0, " %"));
        std::iter::once(run.name.clone()).chain(shares).collect()
    });
    Ok(output::table(&heading, &rows.collect::<Vec<_>>())?)
}

fn print_differences(comparison: &Comparison) -> Result<()> {
    let differing: Vec<_> = comparison.settings.iter().filter(|setting| !setting.same).collect();
    if differing.is_empty() {
        return Ok(output::line("\nthe runs were asked for the same")?);
    }
    output::line("\nwhat differs")?;
    for setting in differing {
        output::line(&setting.what)?;
        for (name, value) in run_names(comparison).zip(&setting.values) {
            output::line(&format!("  {name}: {value}"))?;
        }
    }
    Ok(())
}

fn run_names(comparison: &Comparison) -> impl Iterator<Item = &str> {
    comparison.runs.iter().map(|run| run.name.as_str())
}

/// A figure with so many digits, a dash where it is missing.
fn fixed(figure: Figure, digits: usize, unit: &str) -> String {
    figure.get().map_or_else(|| figure.show(""), |value| format!("{value:.digits$}{unit}"))
}
