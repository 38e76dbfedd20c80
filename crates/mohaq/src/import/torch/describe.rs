//! A state_dict with a description: the layers' names say which module is which.
//!
//! The description is that of a network, with one more kind of layer: `batchnorm`, which is folded into its neighbours.

use super::super::build::Refusal;
use super::super::error::ImportError;
use super::super::model::{Imported, Kind, Model};
use super::module::{self, Choices};
use super::{Parameters, assembled, layer_name, sru};
use crate::Error;
use crate::nn::{LayerDescription, NetworkDescription, Pointwise};
use std::collections::BTreeMap;

/// What a description says at one place.
enum Place {
    BatchNorm(String),
    Layer(String, LayerDescription),
}

/// The chain that `text` describes, with the numbers of `modules`.
pub(super) fn model(
    modules: BTreeMap<String, Parameters>,
    options: &sru::Options,
    text: &str,
) -> Result<Model, Refusal> {
    let (description, places) = places(text)?;
    let mut by_name: BTreeMap<String, (String, Option<Parameters>)> = BTreeMap::new();
    for (name, parameters) in modules {
        let layer = layer_name(&name).unwrap_or_default();
        if by_name.insert(layer.clone(), (name, Some(parameters))).is_some() {
            return Err(refused(format!("two modules would be layers of the name `{layer}`")).into());
        }
    }
    let mut stacks: BTreeMap<String, Vec<Option<Imported>>> = BTreeMap::new();
    let mut layers = Vec::new();
    for place in places {
        let (name, choices, options) = match &place {
            Place::BatchNorm(name) => (name, Choices::default(), options.clone()),
            Place::Layer(name, layer) => (name, choices(layer), sru_options(layer, options)),
        };
        if let Place::Layer(_, layer) = &place
            && let Some(function) = pointwise(layer)
        {
            layers.push(Imported::new(name.clone(), Kind::Pointwise(function)).named(name.clone()));
            continue;
        }
        let imported = find(name, &choices, &options, &mut by_name, &mut stacks)?;
        if matches!(place, Place::BatchNorm(_)) != matches!(imported.kind, Kind::Affine { .. }) {
            return Err(ImportError::module(
                &imported.origin,
                format!("is {}, the description says otherwise", imported.kind.label()),
            )
            .into());
        }
        layers.push(imported.named(name.clone()));
    }
    let left = by_name.into_values().find(|(_, parameters)| parameters.is_some()).map(|(name, _)| name);
    let left =
        left.or_else(|| stacks.into_iter().find(|(_, all)| all.iter().any(Option::is_some)).map(|(name, _)| name));
    if let Some(name) = left {
        return Err(ImportError::module(&name, "no layer of the description has its name").into());
    }
    let model = assembled(layers, vec!["a state_dict, put together as described".to_owned()]);
    agrees(&model, &description)?;
    Ok(model)
}

fn refused(reason: String) -> ImportError {
    ImportError::Description { reason }
}

/// Every layer under its name, and the description without batch norms.
fn places(text: &str) -> Result<(NetworkDescription, Vec<Place>), Refusal> {
    let mut table: toml::Table = toml::from_str(text).map_err(Error::DescriptionSyntax)?;
    let mut norms = Vec::new();
    if let Some(toml::Value::Array(layers)) = table.get_mut("layers") {
        let mut at = 0;
        layers.retain(|layer| {
            let norm = layer.get("kind").and_then(toml::Value::as_str) == Some("batchnorm");
            if norm {
                let name = layer.get("name").and_then(toml::Value::as_str).unwrap_or_default();
                norms.push((at, name.to_owned()));
            }
            at += 1;
            !norm
        });
    }
    let description: NetworkDescription = table.try_into().map_err(Error::DescriptionSyntax)?;
    description.check()?;
    let names = description.names();
    let mut places: Vec<Place> =
        names.into_iter().zip(&description.layers).map(|(name, layer)| Place::Layer(name, layer.clone())).collect();
    for (at, name) in norms {
        places.insert(at, Place::BatchNorm(name));
    }
    Ok((description, places))
}

/// The layer of the name `name`: a module, or one layer of a stack of recurrent ones.
fn find(
    name: &str,
    choices: &Choices,
    options: &sru::Options,
    modules: &mut BTreeMap<String, (String, Option<Parameters>)>,
    stacks: &mut BTreeMap<String, Vec<Option<Imported>>>,
) -> Result<Imported, ImportError> {
    let (stem, number) = match name.rsplit_once("_l").or_else(|| name.strip_prefix('l').map(|rest| ("", rest))) {
        Some((stem, digits)) if modules.contains_key(stem) && !modules.contains_key(name) => {
            (stem, digits.parse().ok())
        }
        _ => (name, None),
    };
    if let Some((module, parameters)) = modules.get_mut(stem)
        && let Some(parameters) = parameters.take()
    {
        let layers = module::layers(module, parameters, choices, options)?;
        stacks.insert(stem.to_owned(), layers.into_iter().map(Some).collect());
    }
    let missing = || {
        let known: Vec<String> = modules.keys().map(|name| format!("`{name}`")).collect();
        refused(format!("layer `{name}` has the name of no module ({})", known.join(", ")))
    };
    let layers = stacks.get_mut(stem).ok_or_else(missing)?;
    let at = match number {
        Some(number) => number,
        None if layers.len() == 1 => 0,
        None => {
            return Err(refused(format!("layer `{name}` is a stack of {}: `{name}_l0`, `{name}_l1`, …", layers.len())));
        }
    };
    layers.get_mut(at).and_then(Option::take).ok_or_else(missing)
}

fn pointwise(layer: &LayerDescription) -> Option<Pointwise> {
    match layer {
        LayerDescription::Relu(_) => Some(Pointwise::Relu),
        LayerDescription::Tanh(_) => Some(Pointwise::Tanh),
        LayerDescription::Sigmoid(_) => Some(Pointwise::Sigmoid),
        _ => None,
    }
}

/// What a layer's description decides that its numbers do not.
fn choices(layer: &LayerDescription) -> Choices {
    match layer {
        LayerDescription::Rnn(rnn) => Choices { activation: Some(rnn.activation), ..Choices::default() },
        LayerDescription::Conv1d(conv) => Choices { window: Some((conv.stride, conv.padding)), ..Choices::default() },
        LayerDescription::Embedding(_) => Choices { table: Some(true), ..Choices::default() },
        LayerDescription::Linear(_) => Choices { table: Some(false), ..Choices::default() },
        _ => Choices::default(),
    }
}

fn sru_options(layer: &LayerDescription, file: &sru::Options) -> sru::Options {
    use crate::nn::SkipDescription;
    let LayerDescription::Sru(sru) = layer else { return file.clone() };
    sru::Options {
        directions: Some(sru.directions()),
        norm_behind: file.norm_behind,
        highway: Some(sru.skip != SkipDescription::None).filter(|_| sru.skip != SkipDescription::Auto).or(file.highway),
    }
}

/// The modules are what the description says: kinds and widths, where it has them.
fn agrees(model: &Model, description: &NetworkDescription) -> Result<(), ImportError> {
    if model.input != description.input {
        let reason = format!("an input of {} features, the modules take {}", description.input, model.input);
        return Err(refused(reason));
    }
    let mut described = description.layers.iter();
    let mut inputs = description.input;
    for layer in model.layers.iter().filter(|layer| !matches!(layer.kind, Kind::Affine { .. })) {
        let expected = described.next().expect("a layer for each that is described");
        let (got, wanted) = (layer.kind.outputs(inputs), expected.outputs(inputs));
        let kinds = serde_json::to_value(expected).ok();
        let kind =
            kinds.as_ref().and_then(|value| value.get("kind")).and_then(|kind| kind.as_str()).unwrap_or_default();
        if kind != layer.kind.label() || got != wanted {
            let reason =
                format!("is {} with {got} outputs, the description says {kind} with {wanted}", layer.kind.label());
            return Err(ImportError::module(&layer.origin, reason));
        }
        inputs = got;
    }
    Ok(())
}
