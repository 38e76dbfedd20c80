//! State dicts of PyTorch: layers from the names and shapes of tensors.
//!
//! A state_dict holds what a model learnt and not how it is put together. Modules are recognised by the names of their
//! parameters, and stand in the one order in which their widths fit; where there are several orders, or where a function
//! must stand between two matrices and cannot be seen, the modules are named and a description is asked for.
//! What PyTorch has defaults for and no file holds (the function of `nn.RNN`, stride and padding of a convolution, the ε of
//! a norm) is taken to be the default, and said to be.

mod describe;
mod module;
mod order;
mod sru;

use super::build::Refusal;
use super::error::ImportError;
use super::model::{Imported, Kind, Model};
use super::tensors::{StateDict, Tensor};
use module::Choices;
use std::collections::BTreeMap;

/// The parameters of one module, by name within it.
pub(super) type Parameters = BTreeMap<String, Tensor>;

/// A module and the layers in it.
#[derive(Clone, Debug)]
pub(super) struct Module {
    /// What stands before the last dot.
    name: String,
    /// Several for a stack of recurrent layers.
    layers: Vec<Imported>,
}

/// The chain of layers in a file that lies in memory.
pub(super) fn read(bytes: &[u8], description: Option<&str>) -> Result<Model, Refusal> {
    let StateDict { tensors, metadata } = StateDict::decode(bytes)?;
    let mut modules: BTreeMap<String, Parameters> = BTreeMap::new();
    for (name, tensor) in tensors {
        let (module, parameter) = name.rsplit_once('.').unwrap_or(("", &name));
        modules.entry(module.to_owned()).or_default().insert(parameter.to_owned(), tensor);
    }
    if modules.is_empty() {
        return Err(ImportError::file("no tensors").into());
    }
    sru::gather(&mut modules);
    let options = sru::Options::read(&metadata)?;
    Ok(match description {
        Some(text) => describe::model(modules, &options, text)?,
        None => inferred(modules, &options)?,
    })
}

/// Without a description.
fn inferred(modules: BTreeMap<String, Parameters>, options: &sru::Options) -> Result<Model, ImportError> {
    let read = |(name, parameters): (String, Parameters)| {
        let layers = module::layers(&name, parameters, &Choices::default(), options)?;
        Ok(Module { name, layers })
    };
    let modules = modules.into_iter().map(read).collect::<Result<Vec<_>, ImportError>>()?;
    let modules = order::ordered(modules)?;
    order::nothing_hidden(&modules)?;
    let mut notes = vec!["a state_dict: names and shapes, without the functions between modules".to_owned()];
    if modules.len() > 1 {
        let names: Vec<&str> = modules.iter().map(|module| module.name.as_str()).collect();
        notes.push(format!("modules in the only order that fits: {}", names.join(", ")));
    }
    Ok(assembled(modules.into_iter().flat_map(|module| module.layers).collect(), notes))
}

fn assembled(layers: Vec<Imported>, notes: Vec<String>) -> Model {
    let input = layers.iter().find_map(|layer| layer.kind.inputs()).unwrap_or(0);
    Model { input, layers, pooling: None, dropped: None, layout: None, notes }
}

/// A module's name as the name of a layer, which has no dots.
fn layer_name(module: &str) -> Option<String> {
    let name: String = module.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    (!name.is_empty()).then_some(name)
}

impl Module {
    /// Width of its input, where it asks for one.
    fn inputs(&self) -> Option<usize> {
        self.layers.first().and_then(|layer| layer.kind.inputs())
    }

    /// Width of its output.
    fn outputs(&self) -> usize {
        self.layers.iter().fold(0, |width, layer| layer.kind.outputs(layer.kind.inputs().unwrap_or(width)))
    }

    fn is_embedding(&self) -> bool {
        matches!(self.layers.first(), Some(Imported { kind: Kind::Embedding(_), .. }))
    }
}
