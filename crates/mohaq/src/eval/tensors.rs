//! What every tensor of a quantized network is held in, and how often it saturated.

use super::IntegerJudge;
use crate::nn::{Layer, Pointwise, Skip, Sru};
use crate::quant::{LayerFormat, Precision, QuantSpec};
use crate::{Error, Result};
use mohaq_rt::Bits;
use mohaq_rt::engine::{LayerCounts, SiteCounts};
use mohaq_rt::numeric::{Q16, SaturationCount};
use mohaq_rt::table::{GATE, UNIT};
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
            match (layer, form) {
                (Layer::Sru(sru), &LayerFormat::Sru { projected, state, hidden }) => {
                    reports.sru(sru, [projected.unwrap_or(state), state, hidden], counts);
                }
                (Layer::Linear(linear), &LayerFormat::Linear { output }) => {
                    reports.operand(linear.site.0, &linear.name, &counts.site);
                    reports.add(&format!("{} result", linear.name), &fixed(output), Some(counts.site.outputs[0]));
                }
                (Layer::Pointwise(function), _) => {
                    let format = match function {
                        Pointwise::Relu => "as it arrives".to_owned(),
                        Pointwise::Tanh | Pointwise::Sigmoid => UNIT.to_string(),
                    };
                    reports.add(&format!("layer {i} {function:?}"), &format, None);
                }
                _ => {
                    return Err(Error::Calibration { reason: format!("layer {i}: formats of another kind of layer") });
                }
            }
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

    fn sru(&mut self, sru: &Sru, [projected, state, hidden]: [u32; 3], counts: &LayerCounts) {
        let name = &sru.name;
        if let Some((site, _)) = &sru.projection {
            self.operand(site.0, &format!("{name}.projection"), &counts.projection);
            self.add(&format!("{name}.projection result"), &fixed(projected), Some(counts.projection.outputs[0]));
        }
        self.operand(sru.products[0].site.0, name, &counts.site);
        let [candidate, forget, reset, highway] = counts.site.outputs;
        self.add(&format!("{name} candidate"), &fixed(state), Some(candidate));
        self.add(&format!("{name} product of the forget gate"), &GATE.to_string(), Some(forget));
        self.add(&format!("{name} product of the reset gate"), &GATE.to_string(), Some(reset));
        self.add(&format!("{name} arguments of gates"), &GATE.to_string(), Some(counts.gates));
        self.add(&format!("{name} state"), &fixed(state), None);
        let carried = match sru.skip {
            Skip::None => None,
            Skip::Identity => Some(counts.highway),
            Skip::Matrix => Some(highway),
        };
        if carried.is_some() {
            self.add(&format!("{name} highway"), &fixed(hidden), carried);
        }
        self.add(&format!("{name} hidden output"), &fixed(hidden), None);
    }
}

/// A format by its fraction bits, which calibration has checked.
fn fixed(fraction: u32) -> String {
    Q16::new(fraction).map_or_else(|| format!("{fraction} fraction bits"), |format| format.to_string())
}
