//! One module: which of PyTorch's it is, by the names and shapes of its parameters.

use super::super::error::ImportError;
use super::super::model::{Convolution, Direction, Imported, Kind, Unit, turned};
use super::super::onnx::{by_frame, normalisation};
use super::super::tensors::Tensor;
use super::{Parameters, layer_name, sru};
use crate::nn::{Cell, Reset, RnnActivation};

/// Added to the variance of a batch norm, where nothing else is known.
const EPSILON: f64 = 1e-5;

/// What names and shapes leave open, and PyTorch's defaults for it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Choices {
    /// The function of `nn.RNN`.
    pub activation: Option<RnnActivation>,
    /// Stride and padding of a convolution.
    pub window: Option<(usize, [usize; 2])>,
    /// A matrix without a bias is a table.
    pub table: Option<bool>,
}

/// The layers of module `name`.
///
/// # Errors
/// [`ImportError::Module`], [`ImportError::Unclear`], [`ImportError::Tensor`].
pub(super) fn layers(
    name: &str,
    mut parameters: Parameters,
    choices: &Choices,
    options: &sru::Options,
) -> Result<Vec<Imported>, ImportError> {
    let mut reader = Reader { module: name, parameters: &mut parameters };
    let layers = if reader.has("weight_ih_l0") {
        stack(&mut reader, choices)?
    } else if reader.has("weight_c") {
        let (units, norm) = sru::layers(&mut reader, options)?;
        let norm = norm.map(|norm| named(&format!("{name}.{}", sru::NORM), norm));
        std::iter::once(named(name, units)).chain(norm).collect()
    } else if reader.has("running_mean") {
        vec![named(name, batch_norm(&mut reader)?)]
    } else {
        vec![plain(&mut reader, choices)?]
    };
    match parameters.keys().next() {
        Some(left) => Err(ImportError::module(name, format!("has a parameter `{left}` that goes with none we know"))),
        None => Ok(layers),
    }
}

fn named(module: &str, kind: Kind) -> Imported {
    Imported { name: layer_name(module), ..Imported::new(module, kind) }
}

/// Takes the parameters of a module one by one.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub module: &'a str,
    pub parameters: &'a mut Parameters,
}

impl Reader<'_> {
    fn has(&self, parameter: &str) -> bool {
        self.parameters.contains_key(parameter)
    }

    pub(super) fn optional(&mut self, parameter: &str) -> Option<Tensor> {
        self.parameters.remove(parameter)
    }

    pub(super) fn take(&mut self, parameter: &str) -> Result<Tensor, ImportError> {
        let missing = || ImportError::module(self.module, format!("lacks its parameter `{parameter}`"));
        self.parameters.remove(parameter).ok_or_else(missing)
    }

    /// Parameter `parameter`, of the shape `expected`.
    pub(super) fn shaped(&mut self, parameter: &str, expected: &[usize]) -> Result<Vec<f32>, ImportError> {
        let tensor = self.take(parameter)?;
        self.check(parameter, &tensor, expected)?;
        Ok(tensor.values)
    }

    pub(super) fn check(&self, parameter: &str, tensor: &Tensor, expected: &[usize]) -> Result<(), ImportError> {
        if tensor.shape == expected {
            return Ok(());
        }
        let dot = if self.module.is_empty() { "" } else { "." };
        let name = format!("{}{dot}{parameter}", self.module);
        Err(ImportError::tensor(&name, format!("has shape {:?}, expected {expected:?}", tensor.shape)))
    }
}

/// `nn.LSTM`, `nn.GRU`, `nn.RNN`, by the number of gates in the recurrent weights.
fn stack(reader: &mut Reader<'_>, choices: &Choices) -> Result<Vec<Imported>, ImportError> {
    let mut layers = Vec::new();
    let mut layer = 0;
    while reader.has(&format!("weight_ih_l{layer}")) {
        layers.push(recurrent(reader, layer, choices)?);
        layer += 1;
    }
    let one = layers.len() == 1;
    for (layer, imported) in layers.iter_mut().enumerate() {
        let suffix = format!("l{layer}");
        imported.name = match layer_name(reader.module) {
            Some(name) if one => Some(name),
            Some(name) => Some(format!("{name}_{suffix}")),
            None => None,
        };
        if !one {
            imported.origin = format!(
                "{}{suffix}",
                if reader.module.is_empty() { String::new() } else { format!("{}.", reader.module) }
            );
        }
    }
    Ok(layers)
}

fn recurrent(reader: &mut Reader<'_>, layer: usize, choices: &Choices) -> Result<Imported, ImportError> {
    let both = reader.has(&format!("weight_ih_l{layer}_reverse"));
    let module = reader.module;
    let refuse = |reason: String| Err(ImportError::module(module, reason));
    let mut directions = Vec::new();
    let (mut unit, mut notes) = (None, Vec::new());
    for suffix in if both { &["", "_reverse"][..] } else { &[""] } {
        let end = format!("l{layer}{suffix}");
        let (input, recurrent) = (reader.take(&format!("weight_ih_{end}"))?, reader.take(&format!("weight_hh_{end}"))?);
        let projection = reader.optional(&format!("weight_hr_{end}"));
        let (&[rows, inputs], &[_, width]) = (input.shape.as_slice(), recurrent.shape.as_slice()) else {
            let got = [&input.shape, &recurrent.shape];
            return refuse(format!("weights of layer {layer} have shapes {got:?}, expected two dimensions"));
        };
        let hidden = match projection.as_ref().map(|projection| projection.shape.as_slice()) {
            None => width,
            Some(&[_, hidden]) => hidden,
            Some(shape) => return refuse(format!("weight_hr_{end} has shape {shape:?}, expected two dimensions")),
        };
        if hidden == 0 || inputs == 0 || rows % hidden != 0 {
            return refuse(format!("weight_ih_{end} has {rows} rows, expected 1, 3 or 4 for each of {hidden} units"));
        }
        let cell = match rows / hidden {
            4 => Cell::Lstm { peepholes: false, coupled: false },
            3 if projection.is_none() => Cell::Gru(Reset::After),
            1 if projection.is_none() => Cell::Rnn(choices.activation.unwrap_or_default()),
            other => return refuse(format!("{other} gates a unit, expected 4 of an LSTM, 3 of a GRU or 1 of an RNN")),
        };
        reader.check(&format!("weight_hh_{end}"), &recurrent, &[rows, width])?;
        if let Some(projection) = &projection {
            reader.check(&format!("weight_hr_{end}"), projection, &[width, hidden])?;
        }
        let (input_name, recurrent_name) = (format!("bias_ih_{end}"), format!("bias_hh_{end}"));
        let biased = reader.has(&input_name) || reader.has(&recurrent_name);
        let mut bias = |name: &str| if biased { reader.shaped(name, &[rows]) } else { Ok(vec![0.0; rows]) };
        let direction = Direction {
            input_bias: bias(&input_name)?,
            recurrent_bias: bias(&recurrent_name)?,
            input: turned(&input.values, inputs),
            recurrent: turned(&recurrent.values, width),
            projection: projection.map(|projection| turned(&projection.values, hidden)),
            peepholes: Vec::new(),
        };
        match unit.replace((cell, hidden, inputs, width)) {
            Some(first) if first != (cell, hidden, inputs, width) => {
                return refuse(format!("the directions of layer {layer} differ in their shapes"));
            }
            _ => directions.push(direction),
        }
    }
    let (cell, hidden, ..) = unit.expect("there is at least one direction");
    if matches!(cell, Cell::Rnn(RnnActivation::Tanh)) && choices.activation.is_none() {
        notes.push("tanh assumed: the file does not say".to_owned());
    }
    Ok(Imported { notes, ..Imported::new(module, Kind::Recurrent(Unit { cell, hidden, directions })) })
}

/// `nn.BatchNorm1d`.
fn batch_norm(reader: &mut Reader<'_>) -> Result<Kind, ImportError> {
    let mean = reader.take("running_mean")?;
    let &[width] = mean.shape.as_slice() else {
        return Err(ImportError::module(
            reader.module,
            format!("running_mean has shape {:?}, expected one dimension", mean.shape),
        ));
    };
    let variance = reader.shaped("running_var", &[width])?;
    if let Some(at) = variance.iter().position(|&variance| variance < 0.0) {
        return Err(ImportError::module(
            reader.module,
            format!("running_var is {} at {at}, expected at least 0", variance[at]),
        ));
    }
    // Without `affine`, there is neither gain nor bias.
    let plain = !reader.has("weight") && !reader.has("bias");
    let (gain, bias) = if plain {
        (vec![1.0; width], vec![0.0; width])
    } else {
        (reader.shaped("weight", &[width])?, reader.shaped("bias", &[width])?)
    };
    let (scale, shift) = normalisation([&gain, &bias, &mean.values, &variance], EPSILON);
    Ok(Kind::Affine { scale, shift })
}

/// `nn.Linear`, `nn.Conv1d`, `nn.Embedding`, `nn.LayerNorm`: a weight, and perhaps a bias.
fn plain(reader: &mut Reader<'_>, choices: &Choices) -> Result<Imported, ImportError> {
    let module = reader.module;
    let weight = reader.take("weight").map_err(|_| {
        let names: Vec<&str> = reader.parameters.keys().map(String::as_str).collect();
        ImportError::module(module, format!("parameters {names:?} are those of no module we know"))
    })?;
    let outputs = weight.shape.first().copied().unwrap_or(0);
    let bias = match reader.has("bias") {
        true => Some(reader.shaped("bias", &[outputs])?),
        false => None,
    };
    let zeros = || vec![0.0; if weight.values.is_empty() { 0 } else { outputs }];
    let mut notes = Vec::new();
    let kind = match (weight.shape.as_slice(), bias) {
        (&[_], Some(bias)) => Kind::LayerNorm { gain: weight.values, bias },
        (&[_], None) => {
            let reason = "a vector of weights without a bias: a layer norm without a bias, or another norm";
            return Err(ImportError::module(module, reason));
        }
        (&[_, inputs], None) => match choices.table {
            Some(true) => Kind::Embedding(crate::tensor::Matrix::from_rows(outputs, inputs, weight.values)),
            Some(false) => {
                let bias = zeros();
                Kind::Linear { weight: turned(&weight.values, inputs), bias }
            }
            None => {
                let reason = "a matrix without a bias: an nn.Linear, or the table of an nn.Embedding".into();
                return Err(ImportError::Unclear { modules: vec![module.to_owned()], reason });
            }
        },
        (&[_, inputs], Some(bias)) => Kind::Linear { weight: turned(&weight.values, inputs), bias },
        (&[_, inputs, kernel], bias) if kernel > 0 && inputs > 0 => {
            let bias = bias.unwrap_or_else(zeros);
            let (stride, padding) = choices.window.unwrap_or_else(|| {
                notes.push("stride 1 and no padding assumed: the file does not say".to_owned());
                (1, [0, 0])
            });
            let weight = by_frame(&weight.values, outputs, inputs, kernel);
            Kind::Conv1d(Convolution { weight, bias, kernel, stride, padding })
        }
        (shape, _) => {
            return Err(ImportError::module(
                module,
                format!("a weight of shape {shape:?}, expected one to three dimensions"),
            ));
        }
    };
    Ok(Imported { notes, ..named(module, kind) })
}
