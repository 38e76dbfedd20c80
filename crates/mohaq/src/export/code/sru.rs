//! Layers of simple recurrent units.

use super::kernel::Kernel;
use super::layer::{LayerCode, normalise};
use super::parts::Parts;
use super::places::Places;
use super::recurrent::{ONCE, part};
use mohaq_rt::cell::Highway;
use mohaq_rt::parameters::SruParameters;

/// Adds the function of `layer`, and in front of it the one that makes what the products read, where that is not the input.
pub(super) fn add(
    parts: &mut Parts,
    index: usize,
    layer: &SruParameters<Vec<i16>>,
    inputs: usize,
    label: &str,
) -> LayerCode {
    let (read, read_work) = add_read(parts, index, layer, inputs, label);
    for (number, site) in layer.sites.iter().enumerate() {
        parts.product(&format!("layer{index}_part{number}"), label, site, layer.hidden);
    }
    parts.vector(
        "Recurrent vectors: forget gates, then reset gates.",
        &format!("layer{index}_vectors"),
        &layer.vectors,
    );
    let (hidden, scaled) = (layer.hidden, matches!(layer.highway, Highway::Input(_)));
    let mut work = Places::new("work");
    work.take("row", layer.sites.iter().map(|site| site.inputs).max().unwrap_or(0));
    work.take("u", layer.highway.parts() * hidden);
    if scaled {
        work.take("highway", hidden);
    }
    let code = LayerCode {
        directions: layer.directions,
        inputs,
        width: hidden,
        memory: super::places::even(hidden),
        work: work.codes().max(read_work),
        read,
        read_work,
        takes_input: read == 0 || scaled,
        counts: true,
        windows: None,
    };
    let body = [
        work.lines(),
        products(parts, index, layer, if read > 0 { "read" } else { "input" }),
        units(parts, index, layer),
    ];
    let about = format!("{label}: {hidden} simple recurrent units. Memory: their states.");
    parts.functions += &format!("{}{}}}\n\n", code.head(index, &about), body.concat());
    code
}

/// Adds the function that normalises and projects; returns the codes that it makes and those that it needs.
fn add_read(
    parts: &mut Parts,
    index: usize,
    layer: &SruParameters<Vec<i16>>,
    inputs: usize,
    label: &str,
) -> (usize, usize) {
    let (norm, projection) = (&layer.norm, &layer.projection);
    if norm.is_none() && projection.is_none() {
        return (0, 0);
    }
    let mut work = Places::new("work");
    let (mut calls, mut from) = (String::new(), "input");
    if let Some(norm) = norm {
        let to = if projection.is_some() { "normal" } else { "read" };
        calls += &normalise(parts, index, norm, "input", to);
        if projection.is_some() {
            work.take("normal", inputs);
            from = "normal";
        }
    }
    if let Some(site) = projection {
        let name = format!("layer{index}_projection");
        parts.product(&name, &format!("{label}, projection"), site, 1);
        work.take("row", site.inputs);
        calls += &parts.operands(&name, from, "clipped");
        calls += &parts.multiply(&name, site, ["0u", &format!("{}u", site.columns)], "read");
    }
    let read = projection.as_ref().map_or(inputs, |site| site.columns);
    let of_work = if work.codes() > 0 { ", int16_t *work" } else { "" };
    let blank = if work.codes() > 0 { "\n" } else { "" };
    parts.functions += &format!(
        "/* {label}: what its products read. */\nstatic void layer{index}_read(const int16_t *input, int16_t *read{of_work}, \
         uint32_t *clipped)\n{{\n{}{blank}{calls}}}\n\n",
        work.lines()
    );
    (read, work.codes())
}

/// All parts of the products.
fn products(parts: &mut Parts, index: usize, layer: &SruParameters<Vec<i16>>, from: &str) -> String {
    let both = layer.directions == 2;
    // Both directions read the same operands, which are counted once.
    let (mut text, counter) = if both { (format!("{ONCE}\n"), "once") } else { ("\n".to_owned(), "clipped") };
    let mut first = 0;
    for (number, site) in layer.sites.iter().enumerate() {
        let name = format!("layer{index}_part{number}");
        let of_direction = site.columns / layer.directions;
        let from_column = if both { format!("direction * {of_direction}u") } else { "0u".to_owned() };
        text += &parts.operands(&name, from, counter);
        text += &parts.multiply(&name, site, [&from_column, &format!("{of_direction}u")], &part("u", first));
        first += of_direction;
    }
    text
}

/// All units through the frame.
fn units(parts: &mut Parts, index: usize, layer: &SruParameters<Vec<i16>>) -> String {
    parts.calls(Kernel::Sru);
    let (hidden, all) = (layer.hidden, layer.directions * layer.hidden);
    let behind = if layer.directions == 2 { format!(" + (direction * {hidden}u)") } else { String::new() };
    let (mut text, highway) = match layer.highway {
        Highway::None => (String::new(), "NULL".to_owned()),
        Highway::Product => (String::new(), part("u", 3 * hidden)),
        Highway::Input(factor) => {
            parts.calls(Kernel::ScaleHighway);
            let (multiplier, shift) = (factor.multiplier(), factor.shift());
            let call = format!("scale_highway({hidden}u, input{behind}, {multiplier}, {shift}u, highway, clipped)");
            (format!("    {call};\n"), "highway".to_owned())
        }
    };
    let vectors = format!("layer{index}_vectors");
    let (gate, shown) = (layer.cell.gate_shift(), layer.cell.hidden_shift());
    text += &format!(
        "    cell_sru({hidden}u, u, {vectors}{behind}, {vectors} + {all}{behind}, {highway}, {gate}u, {shown}u, memory, \
         output,\n             clipped);\n"
    );
    text
}
