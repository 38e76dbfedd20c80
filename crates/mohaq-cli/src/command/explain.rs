//! `explain`: what a candidate costs, product by product.

use super::{Context, info};
use crate::args::ExplainArgs;
use crate::failure::Refusal;
use crate::output;
use anyhow::{Context as _, Result};
use mohaq::config::Recipe;
use mohaq::platform::{self, Bound, Explained, Explanation, Share, SiteCost, Step};
use mohaq::quant::QuantSpec;
use mohaq::run;
use std::fs;
use std::path::Path;

/// `mohaq explain`
pub(crate) fn explain(context: &Context<'_>, args: &ExplainArgs) -> Result<()> {
    let network = run::network(&args.run, args.network.as_deref())?;
    let recipe = recipe(&args.run)?;
    let workload = network.workload().lasting(recipe.frame_ns());
    let spec = spec(args, workload.sites.len())?;
    let platform = args.platform.as_ref().unwrap_or(&recipe.search.platform);
    let platform = platform::load(platform).map_err(mohaq::Error::from)?;
    let explained = platform::explained(&workload, &platform, &spec).map_err(mohaq::Error::from)?;
    if context.json {
        return Ok(output::line(&serde_json::to_string(&explained)?)?);
    }
    Ok(print(&explained)?)
}

/// The precisions that are asked for.
fn spec(args: &ExplainArgs, sites: usize) -> Result<QuantSpec> {
    if let Some(bits) = &args.bits {
        return Ok(QuantSpec::parse(bits, sites)?);
    }
    let report = info::read_report(&args.run)?;
    let Some(choice) = args.choice.choice() else {
        let message = "which candidate?".to_owned();
        return Err(Refusal { message, hint: "--pick ID takes one of the report, --bits BITS any other" }.into());
    };
    Ok(run::candidate(&args.run, &report, &choice)?.bits.clone())
}

/// The recipe of a run.
fn recipe(run: &Path) -> Result<Recipe> {
    let path = run.join("plan.toml");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(Recipe::parse(&text, &path.display().to_string(), None, &[])?)
}

fn print(explained: &Explained) -> std::io::Result<()> {
    let Explained { platform, bits, explanation, steps, violations } = explained;
    output::line(&format!("on {platform}: {}", output::compact(bits)))?;
    products(explanation)?;
    let cost = &explanation.cost;
    let figures = [
        Some(format!("{:.1} KiB of weights", cost.weight_bits as f64 / 8192.0)),
        Some(format!("{:.1} KiB of RAM", cost.ram_bytes() as f64 / 1024.0)),
        cost.speedup.map(|speedup| format!("speedup {speedup:.2}")),
        cost.gops().map(|gops| format!("{gops:.2} GOP/s")),
        cost.gops_per_watt().map(|gops| format!("{gops:.1} GOP/s/W")),
        cost.real_time_factor().map(|factor| format!("real-time factor {factor:.4}")),
    ];
    output::line(&format!("\n{}", figures.into_iter().flatten().collect::<Vec<_>>().join(", ")))?;
    for violation in violations {
        output::line(&format!("does not fit: {violation}"))?;
    }
    output::line("\none step of bits")?;
    changes(steps)
}

/// A row a product, one for all that belongs to none, and the sum.
fn products(explanation: &Explanation) -> std::io::Result<()> {
    let row = |name: &str, precision: String, [macs, bits]: [u64; 2], share: &Share| {
        let memory = share.memory.iter().map(|level| format!("{} {}", level.memory, micro(Some(level.time_s))));
        vec![
            name.to_owned(),
            precision,
            macs.to_string(),
            format!("{:.2}", bits as f64 / 8192.0),
            micro(share.compute_s),
            or_dash(Some(memory.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())),
            micro(share.time_s),
            or_dash(share.bound.as_ref().map(bound)),
            or_dash(share.energy.map(|energy| format!("{:.2}", energy.total() / 1000.0))),
        ]
    };
    let of_site =
        |site: &SiteCost| row(&site.site, site.precision.to_string(), [site.macs, site.weight_bits], &site.share);
    let mut rows: Vec<Vec<String>> = explanation.sites.iter().map(of_site).collect();
    let sum = |of: fn(&SiteCost) -> u64| explanation.sites.iter().map(of).sum();
    let all = [sum(|site| site.macs), sum(|site| site.weight_bits)];
    rows.push(row("the rest", String::new(), [0, 0], &explanation.rest));
    let mut whole = row("a frame", String::new(), all, &Share::default());
    whole[6] = micro(explanation.cost.frame_time_s);
    whole[8] = or_dash(explanation.cost.energy_pj.map(|pj| format!("{:.2}", pj / 1000.0)));
    rows.push(whole);
    let heading =
        ["site", "bits", "MACs", "weights KiB", "compute us", "memory us", "time us", "bound by", "energy nJ"];
    output::table(&heading, &rows)
}

fn changes(steps: &[Step]) -> std::io::Result<()> {
    let signed = |value: Option<f64>, unit: f64| or_dash(value.map(|value| format!("{:+.2}", value / unit)));
    let row = |step: &Step| {
        vec![
            step.site.clone(),
            step.to.clone(),
            format!("{:+.2}", step.weight_bits as f64 / 8192.0),
            signed(step.time_s, 1e-6),
            or_dash(step.speedup.map(|times| format!("{times:.3}"))),
            signed(step.energy_pj, 1000.0),
        ]
    };
    let heading = ["site", "to", "weights KiB", "time us", "speedup times", "energy nJ"];
    output::table(&heading, &steps.iter().map(row).collect::<Vec<_>>())
}

fn bound(bound: &Bound) -> String {
    match bound {
        Bound::Compute => "arithmetic".into(),
        Bound::Memory(level) => level.clone(),
        Bound::Overhead => "overhead".into(),
    }
}

/// Seconds in µs.
fn micro(seconds: Option<f64>) -> String {
    or_dash(seconds.map(|seconds| format!("{:.2}", 1e6 * seconds)))
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".into())
}
