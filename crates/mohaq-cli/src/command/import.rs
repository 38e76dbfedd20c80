//! `import`: a model of another program, as a network.

use super::Context;
use crate::args::ImportArgs;
use crate::failure::Refusal;
use crate::output;
use anyhow::{Context as _, Result, bail};
use mohaq::import::{Axes, Comparison, Import, LayerSummary, read};
use serde_json::json;
use std::fs;

/// `mohaq import`
pub(crate) fn import(context: &Context<'_>, args: &ImportArgs) -> Result<()> {
    if let Some(out) = args.out.as_deref().filter(|out| out.exists() && !args.force) {
        let message = format!("{}: exists already", out.display());
        return Err(Refusal { message, hint: "--force overwrites it; another path leaves it" }.into());
    }
    let description =
        args.describe.as_deref().map(|path| fs::read_to_string(path).with_context(|| path.display().to_string()));
    let import = read(&args.model, description.transpose()?.as_deref())?;
    if !context.json {
        print(&import)?;
    }
    let axes = args.batch_first.then_some(Axes::BatchFirst);
    let comparisons = args.check.as_deref().map(|path| import.check(path, axes)).transpose()?;
    // A network that is not the model is not written.
    let far: Vec<&Comparison> =
        comparisons.iter().flatten().filter(|one| one.largest.is_nan() || one.largest > args.tolerance).collect();
    let passed = far.is_empty();
    if let Some(out) = args.out.as_deref().filter(|_| passed) {
        import.network.save(out)?;
    }
    if context.json {
        let written = args.out.as_ref().filter(|_| passed);
        let object = json!({
            "model": args.model, "inputs": import.network.inputs(), "outputs": import.network.outputs(),
            "layers": import.layers, "notes": import.notes, "description": import.network.description(),
            "check": comparisons, "tolerance": comparisons.as_ref().map(|_| args.tolerance), "out": written,
        });
        output::line(&object.to_string())?;
    } else {
        for Comparison { input, output, numbers, largest } in comparisons.iter().flatten() {
            output::line(&format!("{input} -> {output}: largest difference {largest:.1e} of {numbers} numbers"))?;
        }
        if let Some(out) = args.out.as_ref().filter(|_| passed) {
            output::line(&format!("wrote {}", out.display()))?;
        }
    }
    if let Some(Comparison { output, largest, .. }) = far.first() {
        bail!("{}: `{output}` is {largest:e} away, expected at most {:e}", args.model.display(), args.tolerance);
    }
    Ok(())
}

/// What was understood, as tables.
fn print(import: &Import) -> Result<()> {
    for note in &import.notes {
        output::line(note)?;
    }
    let row = |layer: &LayerSummary| {
        vec![
            layer.name.clone(),
            layer.kind.clone(),
            format!("{} -> {}", layer.inputs, layer.outputs),
            layer.parameters.to_string(),
            layer.macs.to_string(),
            layer.origin.clone(),
            layer.notes.join("; "),
        ]
    };
    let mut rows: Vec<Vec<String>> = import.layers.iter().map(row).collect();
    let sum = |number: fn(&LayerSummary) -> u64| import.layers.iter().map(number).sum::<u64>().to_string();
    let (inputs, outputs) = (import.network.inputs(), import.network.outputs());
    let (parameters, macs) = (sum(|layer| layer.parameters), sum(|layer| layer.macs));
    rows.push(vec![
        "all".into(),
        String::new(),
        format!("{inputs} -> {outputs}"),
        parameters,
        macs,
        String::new(),
        String::new(),
    ]);
    Ok(output::table(&["layer", "kind", "shape", "parameters", "MACs a frame", "in the file", "notes"], &rows)?)
}
