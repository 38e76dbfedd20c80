//! The page: template, style, scripts and data put together into one file.
//!
//! Two doors for text from outside: markup, where the template engine escapes whatever it prints, and the embedded data,
//! where [`embedded`] does. Only the assets of this directory are printed as they are.

use super::axes::{Axis, axes};
use super::beacons::{self, BeaconRow};
use super::methods::{self, MethodTable};
use super::summary::{self, Candidates, Statement};
use super::tables::{self, FrontTable, Heat, Row, SiteColumn};
use super::{DataPart, DataSummary, NetworkSummary, PlatformSummary, Report, Result};
use minijinja::value::{Serde, Value};
use minijinja::{Environment, context};
use serde::Serialize;

const TEMPLATE: &str = include_str!("assets/page.html");
pub(super) const STYLE: &str = include_str!("assets/page.css");
pub(super) const CHARTS: &str = include_str!("assets/echarts/echarts.min.js");

pub(super) const ELEMENTS: &str = include_str!("assets/elements.js");

/// The scripts of the page in the order they run; each uses only those before it.
const SCRIPTS: [&str; 7] = [
    ELEMENTS,
    include_str!("assets/page.js"),
    include_str!("assets/table.js"),
    include_str!("assets/explain.js"),
    include_str!("assets/detail.js"),
    include_str!("assets/front.js"),
    include_str!("assets/curves.js"),
];

/// What the template reads.
#[derive(Serialize)]
struct Page<'a> {
    title: &'a str,
    version: &'a str,
    recipe: &'a str,
    command: &'a str,
    seed: String,
    platform: &'a PlatformSummary,
    network: &'a NetworkSummary,
    data: &'a DataSummary,
    headline: String,
    float_valid: String,
    float_test: String,
    parameters: String,
    parts: Vec<Part<'a>>,
    axes: &'a [Axis],
    front: FrontTable,
    sites: Vec<SiteColumn>,
    bias: Vec<Statement>,
    beacons: Vec<BeaconRow>,
    methods: Option<MethodTable>,
    uniform: Vec<Row>,
    exclusions: Vec<Statement>,
    cuts: Vec<Statement>,
    heat: Option<Heat>,
    stages: Vec<Part<'a>>,
}

/// A name with what there is of it.
#[derive(Serialize)]
struct Part<'a> {
    name: &'a str,
    text: String,
}

/// What the scripts read.
#[derive(Serialize)]
struct Data<'a> {
    report: &'a Report,
    axes: &'a [Axis],
}

/// Renders the page of a report that [`check`](super::check) passed.
pub(super) fn render(report: &Report) -> Result<String> {
    let mut environment = Environment::new();
    // The name ends in `.html`, which is what turns escaping on.
    environment.add_template("page.html", TEMPLATE)?;
    let axes = axes(report);
    let page = Value::from(Serde(page(report, &axes)));
    let context = context! {
        style => trusted(STYLE),
        charts => trusted(CHARTS),
        scripts => SCRIPTS.map(trusted).to_vec(),
        embedded => Value::from_safe_string(embedded(&serde_json::to_string(&Data { report, axes: &axes })?)),
        ..page
    };
    Ok(environment.get_template("page.html")?.render(context)?)
}

fn page<'a>(report: &'a Report, axes: &'a [Axis]) -> Page<'a> {
    let candidates: Candidates<'_> = report.evaluations.iter().map(|one| (one.id, one)).collect();
    Page {
        title: &report.title,
        version: &report.mohaq_version,
        recipe: &report.recipe,
        command: &report.command,
        seed: report.seed.to_string(),
        platform: &report.platform,
        network: &report.network,
        data: &report.data,
        headline: summary::headline(report, &candidates),
        float_valid: tables::error_rate(&report.baseline.valid, &report.baseline.error_unit),
        float_test: tables::error_rate(&report.baseline.test, &report.baseline.error_unit),
        parameters: tables::grouped(report.network.parameters),
        parts: report.data.parts.iter().map(part).collect(),
        axes,
        front: tables::front(report, axes, &candidates),
        sites: tables::sites(report),
        bias: summary::bias(report),
        beacons: beacons::rows(report),
        methods: methods::table(report, axes, &candidates),
        uniform: tables::uniform(report, axes),
        exclusions: summary::exclusions(report, axes),
        cuts: summary::cuts(report, axes, &candidates),
        heat: report.sensitivity.as_ref().map(|sensitivity| tables::heat(report, sensitivity)),
        stages: report.stages.iter().map(|time| Part { name: &time.stage, text: time.seconds.show("s") }).collect(),
    }
}

fn part(part: &DataPart) -> Part<'_> {
    let text = format!("{} sequences, {} frames", tables::grouped(part.sequences), tables::grouped(part.frames));
    Part { name: &part.name, text }
}

/// An asset, printed as it is.
pub(super) fn trusted(asset: &str) -> Value {
    Value::from_safe_string(asset.to_owned())
}

/// JSON that cannot end the script element it stands in, nor open a comment or another script in it: all of these need
/// `<`, which JSON has inside strings only, where `\u003c` means the same.
pub(super) fn embedded(json: &str) -> String {
    json.replace('<', "\\u003c")
}
