//! `bench`: how fast this machine measures candidates.

use super::Context;
use crate::args::EvaluateArgs;
use crate::failure::Refusal;
use crate::output;
use anyhow::{Context as _, Result};
use mohaq::benchmark::{Candidates, Findings, Model, evaluate as measure};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A file of rows: those of other tools have more keys, which are of no use here.
#[derive(Deserialize)]
struct Rows {
    rows: Vec<Row>,
}

/// Bits of a candidate, and its error as others measured it.
#[derive(Deserialize)]
struct Row {
    bits: BTreeMap<String, [u32; 2]>,
    error_percent: f64,
}

/// `mohaq bench evaluate`
pub(crate) fn evaluate(context: &Context<'_>, args: &EvaluateArgs) -> Result<()> {
    let rows = args.rows.as_deref().map(read_rows).transpose()?;
    let asked = if rows.is_none() { Some(candidates(args)?) } else { None };
    let model = Model::load(&args.model)?;
    let candidates = match (&rows, asked) {
        (_, Some(candidates)) => candidates,
        (Some(rows), None) => {
            let specs = rows.iter().map(|row| model.spec(|site| row.bits.get(site)));
            Candidates::Given(specs.collect::<mohaq::Result<_>>()?)
        }
        (None, None) => unreachable!("one of both is there"),
    };
    let findings = measure(&model, &candidates)?;
    let expected: Option<Vec<f64>> = rows.map(|rows| rows.iter().map(|row| row.error_percent).collect());
    if context.json {
        return Ok(output::line(&as_json(&findings, expected.as_deref())?.to_string())?);
    }
    Ok(print(&findings, expected.as_deref())?)
}

fn candidates(args: &EvaluateArgs) -> Result<Candidates> {
    let count = args.candidates.get();
    Ok(match args.bits.as_str() {
        "random" => Candidates::Random(count),
        "narrow" => Candidates::Narrow(count),
        bits => Candidates::Uniform(bits.parse().map_err(mohaq::Error::Bits)?, count),
    })
}

fn read_rows(path: &Path) -> Result<Vec<Row>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let rows: Rows = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    if rows.rows.is_empty() {
        let message = format!("{}: no rows", path.display());
        return Err(Refusal { message, hint: "leave --rows out to measure random candidates" }.into());
    }
    Ok(rows.rows)
}

/// The findings; `error_percent` is that of the only candidate or the mean of all.
fn as_json(findings: &Findings, expected: Option<&[f64]>) -> Result<Value> {
    let mut value = serde_json::to_value(findings)?;
    let errors = &findings.error_percent;
    let rows: Vec<Value> = (0..errors.len())
        .map(|i| {
            let expected = expected.map(|expected| expected[i]);
            json!({ "bits": findings.bits[i], "error_percent": errors[i], "expected_percent": expected })
        })
        .collect();
    value["error_percent"] = json!(errors.iter().sum::<f64>() / errors.len() as f64);
    value["rows"] = json!(rows);
    if let Some(keys) = value.as_object_mut() {
        keys.remove("bits");
    }
    Ok(value)
}

fn print(findings: &Findings, expected: Option<&[f64]>) -> std::io::Result<()> {
    let row = |i: usize| {
        let measured = findings.error_percent[i];
        let mut cells = vec![format!("{measured:.2}")];
        if let Some(expected) = expected {
            cells.extend([format!("{:.2}", expected[i]), format!("{:+.2}", measured - expected[i])]);
        }
        cells.push(findings.bits[i].clone());
        cells
    };
    let rows: Vec<Vec<String>> = (0..findings.candidates).map(row).collect();
    match expected {
        Some(_) => output::table(&["error %", "expected %", "difference", "bits (weight x activation a site)"], &rows)?,
        None => output::table(&["error %", "bits (weight x activation a site)"], &rows)?,
    }
    let [pairs, quads, _] = findings.peak_gmac_per_s;
    let lines = [
        format!(
            "{:.0} frames/s, {:.1} GMAC/s on {} threads, {:.0} % of the machine's peak ({}, a core: {pairs:.0} GMAC/s by pairs, \
             {quads:.0} by fours)",
            findings.frames_per_s,
            findings.gmac_per_s,
            findings.threads,
            100.0 * findings.share_of_peak,
            findings.level
        ),
        format!(
            "{} candidates on {} frames; weights packed in {:.2} s; error in floating point {:.2} %",
            findings.candidates, findings.frames, findings.packing_s, findings.float_error_percent
        ),
    ];
    lines.iter().try_for_each(|line| output::line(line))?;
    match findings.peak_rss_mb {
        Some(peak) => output::line(&format!("peak memory {peak:.0} MB")),
        None => Ok(()),
    }
}
