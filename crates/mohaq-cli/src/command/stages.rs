//! `demo`, `train`, `quantize`, `sensitivity`, `search` and `run`: the stages of a recipe.

use super::Context;
use crate::args::{DemoArgs, ExistingArgs, Overrides, QuantizeArgs, StageArgs};
use crate::output::{self, ErrorPercent};
use anyhow::Result;
use mohaq::config::{self, Plan};
use mohaq::quant::QuantSpec;
use mohaq::run::{self, Bench, Existing, MeasuredSpec, Session};
use serde_json::json;
use std::time::Instant;

/// The plan of a recipe under the command line's overrides.
pub(crate) fn plan(recipe: &str, overrides: &Overrides) -> Result<Plan> {
    Ok(config::load(recipe, &overrides.pairs(), overrides.data.as_deref(), overrides.out.as_deref())?)
}

fn existing(args: ExistingArgs) -> Existing {
    match (args.resume, args.force) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Replace,
        _ => Existing::Refuse,
    }
}

/// `mohaq demo`
pub(crate) fn demo(context: &Context<'_>, args: &DemoArgs) -> Result<()> {
    let existing = if args.resume { Existing::Resume } else { Existing::Replace };
    everything(context, Session::open(plan("demo", &args.overrides)?, existing, context.progress)?, None)
}

/// `mohaq search`, `mohaq run`
pub(crate) fn search(context: &Context<'_>, args: &StageArgs) -> Result<()> {
    let session = Session::open(plan(&args.recipe, &args.overrides)?, existing(args.existing), context.progress)?;
    everything(context, session, args.from.as_deref())
}

/// All stages of a session, those that are done already taken as they are.
fn everything(context: &Context<'_>, session: Session<'_>, from: Option<&std::path::Path>) -> Result<()> {
    let begun = Instant::now();
    let data = session.dataset()?;
    let trained = session.trained(&data, from)?;
    let bank = session.bank(&trained, &data)?;
    let bench = Bench::new(&bank, &trained, &data)?;
    let searched = run::searched(&session, &trained, &data, &bench)?;
    let page = run::write_report(&session, &trained, &data, &searched)?;
    let found = &searched.found;
    let float = trained.test_percent();
    if context.json {
        let best = found.front.first();
        let error_percent = ErrorPercent {
            float,
            valid: best.map_or(f64::NAN, |member| member.measured.valid_percent),
            test: best.map_or(f64::NAN, |member| member.measured.test_percent),
        };
        return Ok(output::line(&json!({
            "error_percent": error_percent.json(),
            "float": { "valid": trained.valid_percent(), "test": float, "valid_frame": trained.valid_frame_percent(), "test_frame": trained.test_frame_percent() },
            "front": output::front_json(found),
            "uniform": found.uniform,
            "evaluations": found.evaluations,
            "hypervolume": found.hypervolume,
            "report": page,
            "seconds": begun.elapsed().as_secs_f64(),
        }).to_string())?);
    }
    print_float(&trained)?;
    output::line("\nthe same precision everywhere")?;
    output::table(&output::MEASURED, &found.uniform.iter().map(output::measured_row).collect::<Vec<_>>())?;
    output::line(&format!(
        "\nthe front: {} of {} candidates, hypervolume {:.4}",
        found.front.len(),
        found.evaluations,
        found.hypervolume
    ))?;
    output::table(
        &output::MEASURED,
        &found.front.iter().map(|member| output::measured_row(&member.measured)).collect::<Vec<_>>(),
    )?;
    output::line(&format!("\nreport: {}", page.display()))?;
    Ok(())
}

fn print_float(trained: &run::Trained) -> Result<()> {
    output::line(&format!(
        "float network: {} valid {:.2} %, test {:.2} %; frame error valid {:.2} %, test {:.2} %",
        run::error_name(trained.scorer.task()),
        trained.valid_percent(),
        trained.test_percent(),
        trained.valid_frame_percent(),
        trained.test_frame_percent(),
    ))?;
    Ok(())
}

/// `mohaq train`
pub(crate) fn train(context: &Context<'_>, args: &StageArgs) -> Result<()> {
    let begun = Instant::now();
    let session = Session::open(plan(&args.recipe, &args.overrides)?, existing(args.existing), context.progress)?;
    let data = session.dataset()?;
    let trained = session.trained(&data, args.from.as_deref())?;
    if !context.json {
        return print_float(&trained);
    }
    let (valid, test) = (trained.valid_percent(), trained.test_percent());
    Ok(output::line(
        &json!({
            "error_percent": ErrorPercent { float: test, valid, test }.json(),
            "frame_error_percent": { "valid": trained.valid_frame_percent(), "test": trained.test_frame_percent() },
            "epochs": trained.history.epochs.len(),
            "network": session.dir.path("network.safetensors"),
            "seconds": begun.elapsed().as_secs_f64(),
        })
        .to_string(),
    )?)
}

/// `mohaq quantize`
pub(crate) fn quantize(context: &Context<'_>, args: &QuantizeArgs) -> Result<()> {
    let begun = Instant::now();
    let stage = &args.stage;
    let session = Session::open(plan(&stage.recipe, &stage.overrides)?, existing(stage.existing), context.progress)?;
    let data = session.dataset()?;
    let trained = session.trained(&data, stage.from.as_deref())?;
    let bank = session.bank(&trained, &data)?;
    let bench = Bench::new(&bank, &trained, &data)?;
    let specs = specs(&args.bits, bench.workload.sites.len())?;
    let measured = specs
        .iter()
        .map(|spec| bench.measure(spec, &session.plan.platform))
        .collect::<mohaq::Result<Vec<MeasuredSpec>>>()?;
    if context.json {
        let last = measured.last();
        let error_percent = ErrorPercent {
            float: trained.test_percent(),
            valid: last.map_or(f64::NAN, |measured| measured.valid_percent),
            test: last.map_or(f64::NAN, |measured| measured.test_percent),
        };
        return Ok(output::line(
            &json!({
                "error_percent": error_percent.json(),
                "rows": measured,
                "seconds": begun.elapsed().as_secs_f64(),
            })
            .to_string(),
        )?);
    }
    print_float(&trained)?;
    output::table(&output::MEASURED, &measured.iter().map(output::measured_row).collect::<Vec<_>>())?;
    Ok(())
}

/// Every `--bits`, or the uniform precisions that reports show.
fn specs(bits: &[String], sites: usize) -> mohaq::Result<Vec<QuantSpec>> {
    if bits.is_empty() {
        return Ok(run::UNIFORM.iter().map(|&precision| QuantSpec::uniform(precision, sites)).collect());
    }
    bits.iter().map(|text| QuantSpec::parse(text, sites)).collect()
}

/// `mohaq sensitivity`
pub(crate) fn sensitivity(context: &Context<'_>, args: &StageArgs) -> Result<()> {
    let session = Session::open(plan(&args.recipe, &args.overrides)?, existing(args.existing), context.progress)?;
    let data = session.dataset()?;
    let trained = session.trained(&data, args.from.as_deref())?;
    let bank = session.bank(&trained, &data)?;
    let bench = Bench::new(&bank, &trained, &data)?;
    let table = run::sensitivity(&bench, context.progress)?;
    session.dir.write("sensitivity.json", &serde_json::to_vec_pretty(&table)?)?;
    if context.json {
        return Ok(output::line(
            &json!({ "float_valid_percent": trained.valid_percent(), "rows": table }).to_string(),
        )?);
    }
    print_float(&trained)?;
    let heading: Vec<String> =
        ["site".to_owned()].into_iter().chain(run::PROBED.iter().map(ToString::to_string)).collect();
    let rows = table.chunks(run::PROBED.len()).map(|site| {
        let errors = site.iter().map(|point| format!("{:.2}", point.valid_percent));
        [site[0].site.clone()].into_iter().chain(errors).collect()
    });
    output::table(&heading.iter().map(String::as_str).collect::<Vec<_>>(), &rows.collect::<Vec<_>>())?;
    Ok(())
}
