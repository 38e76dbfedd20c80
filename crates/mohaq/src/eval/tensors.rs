//! What every tensor of a quantized network is held in, and how often it saturated.

use super::IntegerJudge;
use crate::nn::{Conv1d, Layer, Linear, Pointwise, Product, Recurrent, Skip, Sru};
use crate::quant::{LayerFormat, Precision, QuantSpec};
use crate::{Error, Result};
use mohaq_rt::Bits;
use mohaq_rt::engine::{LayerCounts, SiteCounts};
use mohaq_rt::numeric::{Q16, SaturationCount};
use mohaq_rt::table::{GATE, TANH, UNIT};
use serde::Serialize;

/// One tensor of a network at a spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TensorReport {
    /// The layer or site, and what it is there.
    pub name: String,
    /// `4 bit` or a 16 bit format, like `Q4.11`.
    pub format: String,
    /// Codes that were clipped, of all codes; `None` for a tensor that cannot saturate.
    pub clipped: Option<(u64, u64)>,
}

impl IntegerJudge<'_> {
    /// Every tensor of the network at `spec` in the order data meets them, with its saturations on the judge's sequences.
    ///
    /// # Errors
    /// [`Error::Integer`] where the scales of `spec` do not go together.
    pub fn tensors(&self, spec: &QuantSpec) -> Result<Vec<TensorReport>> {
        let (input, counts) = self.saturations(spec)?;
        let network = self.bank().network();
        let mut reports = Reports { spec: &spec.0, all: Vec::new() };
        reports.add("input", &self.bank().input().to_string(), Some(input));
        let layers = network.layers().iter().zip(&self.bank().calibration().layers).zip(&counts);
        for (i, ((layer, form), counts)) in layers.enumerate() {
            reports.layer(i, layer, form, counts)?;
        }
        Ok(reports.all)
    }
}

/// Reports in the making.
struct Reports<'a> {
    spec: &'a [Precision],
    all: Vec<TensorReport>,
}

impl Reports<'_> {
    fn add(&mut self, name: &str, format: &str, seen: Option<SaturationCount>) {
        let clipped = seen.map(|seen| (seen.clipped, seen.total));
        self.all.push(TensorReport { name: name.into(), format: format.into(), clipped });
    }

    /// The input of a product.
    fn operand(&mut self, site: usize, name: &str, counts: &SiteCounts) {
        let bits: Bits = self.spec[site].activation;
        self.add(&format!("{name} operand"), &format!("{} bit", bits.count()), Some(counts.input));
    }

    fn layer(&mut self, index: usize, layer: &Layer, form: &LayerFormat, counts: &LayerCounts) -> Result<()> {
        match (layer, form) {
            (Layer::Sru(sru), &LayerFormat::Sru { normed, projected, state, hidden }) => {
                if let Some(output) = normed {
                    self.add(&format!("{} normalised", sru.name), &fixed(output), Some(counts.normal));
                }
                self.sru(sru, [projected.unwrap_or(state), state, hidden], counts);
            }
            (Layer::Recurrent(recurrent), &LayerFormat::Recurrent { state, hidden }) => {
                self.recurrent(recurrent, state, hidden, counts);
            }
            (Layer::Linear(Linear { name, site, .. }), &LayerFormat::Linear { output })
            | (Layer::Conv1d(Conv1d { name, site, .. }), &LayerFormat::Conv1d { output }) => {
                self.operand(site.0, name, &counts.sites[0]);
                self.add(&format!("{name} result"), &fixed(output), Some(counts.sites[0].outputs[0]));
            }
            (Layer::Embedding(table), &LayerFormat::Embedding { output }) => {
                self.add(&format!("{} row", table.name), &fixed(output), Some(counts.sites[0].outputs[0]));
            }
            (Layer::LayerNorm(norm), &LayerFormat::LayerNorm { output }) => {
                self.add(&format!("{} normalised and result", norm.name), &fixed(output), Some(counts.normal));
            }
            (Layer::Pointwise(function), _) => {
                let format = match function {
                    Pointwise::Relu => "as it arrives".to_owned(),
                    Pointwise::Tanh | Pointwise::Sigmoid => UNIT.to_string(),
                };
                self.add(&format!("layer {index} {function:?}"), &format, None);
            }
            _ => return Err(Error::Calibration { reason: format!("layer {index}: formats of another kind of layer") }),
        }
        Ok(())
    }

    fn sru(&mut self, sru: &Sru, [projected, state, hidden]: [u32; 3], counts: &LayerCounts) {
        let name = &sru.name;
        let mut sites = counts.sites.as_slice();
        if let (Some((site, _)), [projection, rest @ ..]) = (&sru.projection, sites) {
            self.operand(site.0, &format!("{name}.projection"), projection);
            self.add(&format!("{name}.projection result"), &fixed(projected), Some(projection.outputs[0]));
            sites = rest;
        }
        let names = ["candidate", "product of the forget gate", "product of the reset gate", "highway"];
        let formats = [fixed(state), GATE.to_string(), GATE.to_string(), fixed(hidden)];
        for (product, counts) in sru.products.iter().zip(sites) {
            self.operand(product.site.0, &site_name(name, "", product, sru.skip.names(), sru.products.len()), counts);
            for (part, &seen) in product.gates.clone().zip(&counts.outputs) {
                self.add(&format!("{name} {}", names[part]), &formats[part], Some(seen));
            }
        }
        self.add(&format!("{name} arguments of gates"), &GATE.to_string(), Some(counts.arguments));
        self.add(&format!("{name} state"), &fixed(state), None);
        if sru.skip == Skip::Identity {
            self.add(&format!("{name} highway"), &fixed(hidden), Some(counts.highway));
        }
        self.add(&format!("{name} hidden output"), &fixed(hidden), None);
    }

    fn recurrent(&mut self, recurrent: &Recurrent, state: Option<u32>, hidden: u32, counts: &LayerCounts) {
        let name = &recurrent.name;
        let gates = recurrent.cell().gates();
        let names: Vec<&str> = gates.iter().map(|gate| gate.name).collect();
        let format = |gate: usize| match gates[gate].function {
            Pointwise::Sigmoid => GATE.to_string(),
            Pointwise::Tanh => TANH.to_string(),
            Pointwise::Relu => fixed(hidden),
        };
        let input = recurrent.input.iter().map(|product| ("", product, recurrent.input.len()));
        let fed_back = recurrent.recurrent.iter().map(|product| ("recurrent", product, recurrent.recurrent.len()));
        for ((part, product, several), counts) in input.chain(fed_back).zip(&counts.sites) {
            let site = site_name(name, part, product, &names, several);
            self.operand(product.site.0, &site, counts);
            for (gate, &seen) in product.gates.clone().zip(&counts.outputs) {
                self.add(&format!("{site} product of {}", names[gate]), &format(gate), Some(seen));
            }
        }
        if counts.arguments.total > 0 {
            self.add(&format!("{name} arguments of gates"), "those of their products", Some(counts.arguments));
        }
        if recurrent.cell().has_state() {
            let seen = state.map(|_| counts.states);
            self.add(&format!("{name} state"), &fixed(state.unwrap_or(UNIT.fraction())), seen);
        }
        if let (Some((site, _)), Some(counts)) = (&recurrent.projection, counts.sites.last()) {
            self.operand(site.0, &format!("{name}.projection"), counts);
            self.add(&format!("{name}.projection result"), &fixed(hidden), Some(counts.outputs[0]));
        }
        self.add(&format!("{name} hidden output"), &fixed(hidden), None);
    }
}

/// What a product of a layer is called: the layer and, where it is one of `several`, its first gate.
fn site_name(layer: &str, part: &str, product: &Product, names: &[&str], several: usize) -> String {
    let gate = if several > 1 { names[product.gates.start] } else { "" };
    [layer, part, gate].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(".")
}

/// A format by its fraction bits, which calibration has checked.
fn fixed(fraction: u32) -> String {
    Q16::new(fraction).map_or_else(|| format!("{fraction} fraction bits"), |format| format.to_string())
}
