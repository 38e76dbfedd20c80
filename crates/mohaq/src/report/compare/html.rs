//! The page of a comparison: the same style, elements and chart library as that of a report, and the same two doors for
//! text from outside.

use super::{ComparedRun, Comparison, LevelCell, LevelRow, LevelTable, Setting};
use crate::report::html::{CHARTS, ELEMENTS, STYLE, embedded, trusted};
use crate::report::{Direction, Figure, Result};
use minijinja::value::{Serde, Value};
use minijinja::{Environment, context};
use serde::Serialize;

const TEMPLATE: &str = include_str!("../assets/compare.html");

/// The scripts of the page in the order they run; each uses only those before it.
const SCRIPTS: [&str; 2] = [ELEMENTS, include_str!("../assets/compare.js")];

/// What the template reads.
#[derive(Serialize)]
struct Page<'a> {
    title: String,
    version: &'static str,
    headline: String,
    error_name: &'a str,
    cautions: &'a [String],
    runs: Vec<Heading<'a>>,
    tables: Vec<Table>,
    sides: Vec<String>,
    covers: Vec<Covers<'a>>,
    shared: String,
    left_out: Vec<String>,
    settings: &'a [Setting],
}

/// A run as a row.
#[derive(Serialize)]
struct Heading<'a> {
    name: &'a str,
    title: &'a str,
    evaluations: usize,
    front: usize,
    float_valid: String,
    float_test: String,
    volume_valid: String,
    volume_test: String,
}

#[derive(Serialize)]
struct Table {
    heading: String,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    level: String,
    cells: Vec<Cell>,
}

#[derive(Serialize)]
struct Cell {
    valid: String,
    test: String,
    /// `#12`, empty where there is none.
    member: String,
    best_valid: bool,
    best_test: bool,
}

/// What the front of a run covers of each other's.
#[derive(Serialize)]
struct Covers<'a> {
    name: &'a str,
    cells: Vec<String>,
}

/// Renders the page.
pub(super) fn render(comparison: &Comparison) -> Result<String> {
    let mut environment = Environment::new();
    // The name ends in `.html`, which is what turns escaping on.
    environment.add_template("compare.html", TEMPLATE)?;
    let page = Value::from(Serde(page(comparison)));
    let context = context! {
        style => trusted(STYLE),
        charts => trusted(CHARTS),
        scripts => SCRIPTS.map(trusted).to_vec(),
        embedded => Value::from_safe_string(embedded(&comparison.to_json()?)),
        ..page
    };
    Ok(environment.get_template("compare.html")?.render(context)?)
}

fn page(comparison: &Comparison) -> Page<'_> {
    let names: Vec<&str> = comparison.runs.iter().map(|run| run.name.as_str()).collect();
    let comparable = comparison.axes.iter().any(|axis| axis.searched);
    let covers = comparison
        .covers
        .iter()
        .zip(&names)
        .map(|(row, name)| Covers { name, cells: row.iter().map(|share| percent(*share)).collect() });
    Page {
        title: names.join(" · "),
        version: env!("CARGO_PKG_VERSION"),
        headline: comparison.headline(),
        error_name: &comparison.error_name,
        cautions: &comparison.cautions,
        runs: headings(comparison),
        tables: comparison.tables.iter().map(|one| table(one, &comparison.error_unit)).collect(),
        sides: comparison.hypervolume.corners.iter().map(ToString::to_string).collect(),
        covers: if comparable { covers.collect() } else { Vec::new() },
        shared: comparison.shared(),
        left_out: comparison.left_out.iter().map(ToString::to_string).collect(),
        settings: &comparison.settings,
    }
}

fn headings(comparison: &Comparison) -> Vec<Heading<'_>> {
    let volumes = comparison.hypervolume.valid.iter().zip(&comparison.hypervolume.test);
    comparison
        .runs
        .iter()
        .zip(volumes)
        .map(|(run, (valid, test))| heading(run, &comparison.error_unit, *valid, *test))
        .collect()
}

fn heading<'a>(run: &'a ComparedRun, unit: &str, volume_valid: Figure, volume_test: Figure) -> Heading<'a> {
    Heading {
        name: &run.name,
        title: &run.title,
        evaluations: run.evaluations,
        front: run.front.len(),
        float_valid: run.float_valid_error.show(unit),
        float_test: run.float_test_error.show(unit),
        volume_valid: share(volume_valid),
        volume_test: share(volume_test),
    }
}

/// A share of a volume, four decimals.
fn share(figure: Figure) -> String {
    figure.get().map_or_else(|| figure.show(""), |value| format!("{value:.4}"))
}

/// A share in per cent.
fn percent(figure: Figure) -> String {
    figure.get().map_or_else(|| figure.show(""), |value| format!("{:.0} %", 100.0 * value))
}

fn table(table: &LevelTable, unit: &str) -> Table {
    let side = match table.direction {
        Direction::Minimize => "at most",
        Direction::Maximize => "at least",
    };
    let rows = table.rows.iter().map(|row| Row { level: table.level(row), cells: cells(row, unit) });
    Table { heading: format!("{}, {side}", table.label), rows: rows.collect() }
}

fn cells(row: &LevelRow, unit: &str) -> Vec<Cell> {
    let lowest = |errors: Vec<Figure>| errors.into_iter().filter_map(Figure::get).reduce(f64::min);
    let valid = lowest(row.cells.iter().map(|cell| cell.valid_error).collect());
    let test = lowest(row.cells.iter().map(|cell| cell.test_error).collect());
    let is = |error: Figure, lowest: Option<f64>| error.get().is_some() && error.get() == lowest;
    let cell = |cell: &LevelCell| Cell {
        valid: cell.valid_error.show(unit),
        test: cell.test_error.show(unit),
        member: cell.id.map_or_else(String::new, |id| format!("#{id}")),
        best_valid: is(cell.valid_error, valid),
        best_test: is(cell.test_error, test),
    };
    row.cells.iter().map(cell).collect()
}
