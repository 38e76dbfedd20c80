//! What was understood of a model, layer by layer.

use super::model::{Imported, Kind, Model};
use crate::nn::Network;
use serde::Serialize;

/// What became of a part of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerSummary {
    /// Of the layer in the network.
    pub name: String,
    /// `lstm`, `linear`, ….
    pub kind: String,
    /// What it is called in the file.
    pub origin: String,
    /// Width of its input.
    pub inputs: usize,
    /// Width of its output.
    pub outputs: usize,
    /// Numbers that were trained.
    pub parameters: u64,
    /// Multiply-accumulates for each frame of the network's output.
    pub macs: u64,
    /// What was folded into it, assumed or left out.
    pub notes: Vec<String>,
}

/// A summary for each layer of `network`, which was made from `model`.
pub(super) fn layers(model: &Model, network: &Network) -> Vec<LayerSummary> {
    let (sites, parameters) = (network.workload().sites, network.parameters());
    let belongs =
        |full: &str, layer: &str| full.strip_prefix(layer).is_some_and(|part| part.is_empty() || part.starts_with('.'));
    let mut inputs = model.input;
    let mut summaries = Vec::new();
    for (layer, name) in model.layers.iter().zip(network.description().names()) {
        let outputs = layer.kind.outputs(inputs);
        let own = parameters.iter().filter(|parameter| belongs(&parameter.name, &name));
        summaries.push(LayerSummary {
            kind: kind(layer),
            origin: layer.origin.clone(),
            inputs,
            outputs,
            parameters: own.map(|parameter| parameter.values.data().len() as u64).sum(),
            macs: sites.iter().filter(|site| belongs(&site.name, &name)).map(|site| site.macs).sum(),
            notes: layer.notes.clone(),
            name,
        });
        inputs = outputs;
    }
    summaries
}

fn kind(layer: &Imported) -> String {
    let label = layer.kind.label();
    match &layer.kind {
        Kind::Recurrent(unit) if unit.directions.len() == 2 => format!("{label}, both ways"),
        Kind::Sru(sru) if sru.directions == 2 => format!("{label}, both ways"),
        Kind::Conv1d(conv) => format!("{label}, {} frames, stride {}", conv.kernel, conv.stride),
        _ => label.to_owned(),
    }
}
