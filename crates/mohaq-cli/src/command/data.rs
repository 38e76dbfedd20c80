//! `data synth`, `data prepare`, `data check`.

use super::{Context, stages};
use crate::args::{CheckArgs, StageArgs, SynthArgs};
use crate::output;
use anyhow::Result;
use mohaq::config;
use mohaq::run;
use mohaq::speech::inspect::inspect;
use serde_json::json;

/// `mohaq data synth`
pub(crate) fn synth(context: &Context<'_>, args: &SynthArgs) -> Result<()> {
    let seed = args.seed.map(|seed| format!("seed={seed}"));
    let overrides: Vec<String> = args.set.iter().cloned().chain(seed).collect();
    let config = config::synth(&overrides)?;
    run::synthesise(&args.out, &config, context.progress)?;
    let text = if context.json { json!({ "out": args.out }).to_string() } else { args.out.display().to_string() };
    Ok(output::line(&text)?)
}

/// `mohaq data prepare`
pub(crate) fn prepare(context: &Context<'_>, args: &StageArgs) -> Result<()> {
    let plan = stages::plan(&args.recipe, &args.overrides)?;
    let data = run::dataset(&plan, context.progress)?;
    if context.json {
        let sizes = [&data.train, &data.valid, &data.test].map(Vec::len);
        let object = json!({
            "name": data.name, "features": data.dim, "classes": data.task.outputs(),
            "train": sizes[0], "valid": sizes[1], "test": sizes[2], "notes": data.notes,
        });
        return Ok(output::line(&object.to_string())?);
    }
    Ok(output::line(&run::summary(&data))?)
}

/// `mohaq data check`
pub(crate) fn check(context: &Context<'_>, args: &CheckArgs) -> Result<()> {
    let description = inspect(&args.path).map_err(mohaq::Error::from)?;
    if context.json {
        return Ok(output::line(&serde_json::to_string(&description)?)?);
    }
    Ok(output::line(&description.to_string())?)
}
