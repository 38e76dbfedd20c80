//! `demo`, `train`, `quantize`, `sensitivity`, `search` and `run`: the stages of a recipe.

use super::Context;
use crate::args::{DemoArgs, ExistingArgs, Overrides, QuantizeArgs, StageArgs};
use crate::output::{self, Errors};
use anyhow::Result;
use mohaq::config::{self, Given, Plan};
use mohaq::quant::QuantSpec;
use mohaq::run::{self, Bench, Existing, Found, MeasuredSpec, Session, Trained};
use mohaq::speech::metric::Metric;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// The plan of a recipe under the command line's overrides.
pub(crate) fn plan(recipe: &str, overrides: &Overrides) -> Result<Plan> {
    let Overrides { data, network, out, corpus, .. } = overrides;
    let given = Given { data: data.as_deref(), network: network.as_deref(), out: out.as_deref() };
    Ok(config::load(recipe, *corpus, &overrides.pairs(), given)?)
}

pub(super) fn existing(args: ExistingArgs) -> Existing {
    match (args.resume, args.force) {
        (true, _) => Existing::Resume,
        (_, true) => Existing::Replace,
        _ => Existing::Refuse,
    }
}

/// `mohaq demo`
pub(crate) fn demo(context: &Context<'_>, args: &DemoArgs) -> Result<()> {
    let existing = if args.resume { Existing::Resume } else { Existing::Replace };
    everything(context, &Session::open(plan("demo", &args.overrides)?, existing, context.progress)?, None)
}

/// `mohaq search`, `mohaq run`
pub(crate) fn search(context: &Context<'_>, args: &StageArgs) -> Result<()> {
    let session = Session::open(plan(&args.recipe, &args.overrides)?, existing(args.existing), context.progress)?;
    everything(context, &session, args.from.as_deref())
}

/// All stages of a session, those that are done already taken as they are.
fn everything(context: &Context<'_>, session: &Session<'_>, from: Option<&Path>) -> Result<()> {
    let begun = Instant::now();
    let data = session.dataset()?;
    let trained = session.trained(&data, from)?;
    let bank = session.bank(&trained, &data)?;
    let bench = Bench::new(&bank, &trained, data.development(), &session.plan.recipe)?;
    let searched = run::searched(session, &trained, &data, &bench)?;
    let page = run::write_report(session, &trained, &data, &searched)?;
    if context.json {
        let object = found_json(&trained, &searched.found, &page, begun.elapsed());
        return Ok(output::line(&object.to_string())?);
    }
    print_float(&trained)?;
    print_found(&searched.found, &trained.metric())?;
    Ok(output::line(&format!("\nreport: {}", page.display()))?)
}

/// What a run prints last for programs.
fn found_json(trained: &Trained, found: &Found, page: &Path, took: Duration) -> Value {
    let (valid, test) = (trained.valid_error(), trained.test_error());
    let best = found.front.first().map(|member| &member.measured);
    let metric = trained.metric();
    let object = json!({
        "float": {
            "valid": valid,
            "test": test,
            "valid_frame": trained.valid_frame_percent(),
            "test_frame": trained.test_frame_percent(),
        },
        "front": output::front_json(found, &metric),
        "selection_bias": found.selection_bias,
        "uniform": found.uniform,
        "baselines": found.baselines,
        "evaluations": found.evaluations,
        "hypervolume": found.hypervolume,
        "report": page,
        "seconds": took.as_secs_f64(),
    });
    Errors::of(trained, best).into_json(&metric, object)
}

fn print_found(found: &Found, metric: &Metric) -> Result<()> {
    let Found { evaluations, hypervolume, .. } = found;
    output::line("\nthe same precision everywhere")?;
    output::found(found.uniform.iter().map(|member| (member.search_error, &member.measured)), metric)?;
    let members = found.front.len();
    output::line(&format!("\nthe front: {members} of {evaluations} candidates, hypervolume {hypervolume:.4}"))?;
    output::found(found.front.iter().map(|member| (member.search_error, &member.measured)), metric)?;
    let served = found.front.iter().filter(|member| member.beacon.is_some()).count();
    if served > 0 {
        output::line(&format!("{served} of these have the parameters of a beacon, see the report"))?;
    }
    if let Some(bias) = &found.selection_bias {
        let known = bias.test.map_or_else(String::new, |test| {
            format!("; the test set knows errors to ±{:.2} points at best", test.half_width)
        });
        output::line(&format!(
            "selection bias {}: test error over search error {} on the front, {} of the float network{known}",
            metric.difference(bias.bias),
            metric.difference(bias.front_gap),
            metric.difference(bias.float_gap),
        ))?;
    }
    output::line("\nin the same box, by other methods")?;
    let row = |method: &str, evaluations: usize, hypervolume: f64, front: usize| {
        vec![method.to_owned(), evaluations.to_string(), format!("{hypervolume:.4}"), front.to_string()]
    };
    let search = row("the search", *evaluations, *hypervolume, members);
    let others = found.baselines.iter().map(|one| row(&one.method, one.evaluations, one.hypervolume, one.front.len()));
    let rows: Vec<Vec<String>> = std::iter::once(search).chain(others).collect();
    Ok(output::table(&["method", "evaluations", "hypervolume", "front"], &rows)?)
}

pub(super) fn print_float(trained: &Trained) -> Result<()> {
    let metric = trained.metric();
    let [valid, test] = [trained.valid_error(), trained.test_error()].map(|error| metric.show(error));
    let frames = match (trained.valid_frame_percent(), trained.test_frame_percent()) {
        (Some(valid), Some(test)) => format!("; frame error valid {valid:.2} %, test {test:.2} %"),
        _ => String::new(),
    };
    Ok(output::line(&format!("float network: {} valid {valid}, test {test}{frames}", metric.name))?)
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
    let (valid, test) = (trained.valid_error(), trained.test_error());
    let object = json!({
        "frame_error_percent": { "valid": trained.valid_frame_percent(), "test": trained.test_frame_percent() },
        "epochs": trained.history.epochs.len(),
        "network": args.from.as_deref().unwrap_or(session.dir.root()).join("network.safetensors"),
        "seconds": begun.elapsed().as_secs_f64(),
    });
    let object = Errors { float: test, valid, test }.into_json(&trained.metric(), object);
    Ok(output::line(&object.to_string())?)
}

/// `mohaq quantize`
pub(crate) fn quantize(context: &Context<'_>, args: &QuantizeArgs) -> Result<()> {
    let begun = Instant::now();
    let stage = &args.stage;
    // Before anything is trained: what cannot be read should not cost an hour.
    args.bits.iter().try_for_each(|text| text.parse::<QuantSpec>().map(drop)).map_err(mohaq::Error::from)?;
    let session = Session::open(plan(&stage.recipe, &stage.overrides)?, existing(stage.existing), context.progress)?;
    let data = session.dataset()?;
    let trained = session.trained(&data, stage.from.as_deref())?;
    let bank = session.bank(&trained, &data)?;
    let bench = Bench::new(&bank, &trained, data.development(), &session.plan.recipe)?;
    let specs = specs(&args.bits, bench.workload.sites.len())?;
    let final_bench = bench.with_test(&data.test)?;
    let measured = specs
        .iter()
        .map(|spec| final_bench.measure(spec, &session.plan.platform))
        .collect::<mohaq::Result<Vec<MeasuredSpec>>>()?;
    let tensors = if args.tensors { specs.as_slice() } else { &[] };
    let tensors = tensors.iter().map(|spec| bench.valid.tensors(spec)).collect::<mohaq::Result<Vec<_>>>()?;
    if context.json {
        let object = json!({ "rows": measured, "seconds": begun.elapsed().as_secs_f64() });
        let mut object = Errors::of(&trained, measured.last()).into_json(&trained.metric(), object);
        if args.tensors {
            object["tensors"] = json!(tensors);
        }
        return Ok(output::line(&object.to_string())?);
    }
    print_float(&trained)?;
    output::measured(measured.iter(), &trained.metric())?;
    for (measured, tensors) in measured.iter().zip(&tensors) {
        output::line(&format!("\n{}", output::compact(&measured.bits)))?;
        output::tensors(tensors)?;
    }
    Ok(())
}

/// Every `--bits`, or the uniform precisions that reports show.
pub(super) fn specs(bits: &[String], sites: usize) -> mohaq::Result<Vec<QuantSpec>> {
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
    let bench = Bench::new(&bank, &trained, data.development(), &session.plan.recipe)?;
    let table = run::sensitivity(&bench, context.progress)?;
    session.keep_sensitivity(&trained, table.clone())?;
    if context.json {
        return Ok(output::line(&json!({ "float_valid_error": trained.valid_error(), "rows": table }).to_string())?);
    }
    print_float(&trained)?;
    let metric = trained.metric();
    let heading: Vec<String> =
        ["site".to_owned()].into_iter().chain(run::PROBED.iter().map(ToString::to_string)).collect();
    let rows = table.chunks(run::PROBED.len()).map(|site| {
        let errors = site.iter().map(|point| metric.number(point.valid_error));
        [site[0].site.clone()].into_iter().chain(errors).collect()
    });
    output::table(&heading.iter().map(String::as_str).collect::<Vec<_>>(), &rows.collect::<Vec<_>>())?;
    Ok(())
}
