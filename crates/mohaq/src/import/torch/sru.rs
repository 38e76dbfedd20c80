//! Layers of the PyPI package `sru`, whose options a file may carry in its metadata under `sru`.
//!
//! Source: `sru` 2.6.0, modules.py and ops.py. U = x·W is viewed as `[…, directions, hidden, k]`; `weight_c` and `bias` as
//! `[2, directions, hidden]`, forget gate first. The buffer `scale_x` multiplies the input on the highway where k is 3; where
//! k is 4 the fourth matrix is on it as it stands.

use super::super::error::ImportError;
use super::super::model::{Kind, SruUnit};
use super::Parameters;
use super::module::Reader;
use crate::tensor::Matrix;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the shapes of the parameters leave open.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    /// 1 or 2; shapes have only the product with the units.
    pub directions: Option<usize>,
    /// Whether there is a highway: `has_skip_term`.
    pub highway: Option<bool>,
    /// Layers are normalised behind, and not in front: `normalize_after`.
    pub norm_behind: bool,
}

/// The submodule of an `SRUCell` that normalises.
pub(super) const NORM: &str = "layer_norm";

/// Gives the parameters of `….layer_norm` to the cell that it is a part of, under that name.
pub(super) fn gather(modules: &mut BTreeMap<String, Parameters>) {
    let cells: Vec<String> =
        modules.iter().filter(|(_, cell)| cell.contains_key("weight_c")).map(|(name, _)| name.clone()).collect();
    for cell in cells {
        let dot = if cell.is_empty() { "" } else { "." };
        let Some(norm) = modules.remove(&format!("{cell}{dot}{NORM}")) else { continue };
        let of_cell = modules.entry(cell).or_default();
        of_cell.extend(norm.into_iter().map(|(name, tensor)| (format!("{NORM}.{name}"), tensor)));
    }
}

impl Options {
    /// From the metadata of a file: the arguments that `sru.SRU` was made with.
    ///
    /// # Errors
    /// [`ImportError::File`] for what is not read, by its name.
    pub(super) fn read(metadata: &BTreeMap<String, String>) -> Result<Self, ImportError> {
        let Some(text) = metadata.get("sru") else { return Ok(Self::default()) };
        let refuse = |reason: String| Err(ImportError::file(format!("metadata `sru`: {reason}")));
        let Ok(Value::Object(options)) = serde_json::from_str::<Value>(text) else {
            return refuse("is no JSON object".into());
        };
        let flag = |name: &str| options.get(name).and_then(Value::as_bool).unwrap_or(false);
        for name in ["use_tanh", "v1", "proj_input_to_hidden_first"] {
            if flag(name) {
                return refuse(format!("{name} is true, expected false"));
            }
        }
        if options.get("custom_m").is_some_and(|custom| !custom.is_null()) {
            return refuse("custom_m: matrices of another module".into());
        }
        let directions = Some(if flag("bidirectional") { 2 } else { 1 });
        let highway = options.get("has_skip_term").and_then(Value::as_bool).unwrap_or(true);
        Ok(Self { directions, highway: Some(highway), norm_behind: flag("normalize_after") })
    }
}

/// The parameters of one `SRUCell`: units, and where there is one what normalises their output.
pub(super) fn layers(reader: &mut Reader<'_>, options: &Options) -> Result<(Kind, Option<Kind>), ImportError> {
    let norm = [reader.optional("layer_norm.weight"), reader.optional("layer_norm.bias")];
    let mut unit = unit(reader, options)?;
    let [Some(gain), Some(bias)] = norm else { return Ok((Kind::Sru(unit), None)) };
    let outputs = unit.directions * unit.hidden;
    let width = if options.norm_behind { outputs } else { unit.projection.as_ref().unwrap_or(&unit.weight).rows() };
    reader.check("layer_norm.weight", &gain, &[width])?;
    reader.check("layer_norm.bias", &bias, &[width])?;
    if options.norm_behind {
        return Ok((Kind::Sru(unit), Some(Kind::LayerNorm { gain: gain.values, bias: bias.values })));
    }
    unit.norm = Some([gain.values, bias.values]);
    Ok((Kind::Sru(unit), None))
}

fn unit(reader: &mut Reader<'_>, options: &Options) -> Result<SruUnit, ImportError> {
    let module = reader.module;
    let (weight, vectors) = (reader.take("weight")?, reader.take("weight_c")?);
    let (&[rows, cols], &[both]) = (weight.shape.as_slice(), vectors.shape.as_slice()) else {
        let reason = format!("weight and weight_c have shapes {:?} and {:?}", weight.shape, vectors.shape);
        return Err(ImportError::module(module, format!("{reason}, expected two dimensions and one")));
    };
    let directions = options.directions.ok_or_else(|| ImportError::Unclear {
        modules: vec![module.to_owned()],
        reason: "shapes of simple recurrent units do not say whether they go both ways".into(),
    })?;
    let outputs = both / 2;
    if outputs == 0
        || both % 2 != 0
        || outputs % directions != 0
        || (cols != 3 * outputs && cols != 4 * outputs)
        || rows == 0
    {
        let reason = format!("weight has {cols} columns and weight_c {both} numbers for {directions} directions");
        return Err(ImportError::module(module, format!("{reason}, expected 3 or 4 columns for two numbers")));
    }
    let bias = reader.shaped("bias", &[both])?;
    let projection = match reader.optional("weight_proj") {
        None => None,
        Some(projection) => {
            let inputs = projection.shape.first().copied().unwrap_or(0);
            reader.check("weight_proj", &projection, &[inputs, rows])?;
            Some(Matrix::from_rows(inputs, rows, projection.values))
        }
    };
    let scale = match reader.optional("scale_x") {
        None => 1.0,
        Some(tensor) => {
            reader.check("scale_x", &tensor, &[1])?;
            f64::from(tensor.values[0])
        }
    };
    let inputs = projection.as_ref().map_or(rows, Matrix::rows);
    let matrices = cols / outputs;
    // Three matrices over an input of another width leave nothing for a highway.
    let highway = options.highway.unwrap_or(true);
    if highway && matrices == 3 && inputs != outputs {
        let reason = format!("three matrices and a highway over {inputs} features for {outputs} outputs");
        return Err(ImportError::module(module, format!("{reason}, expected as many of each")));
    }
    let hidden = outputs / directions;
    Ok(SruUnit {
        hidden,
        directions,
        scale: highway.then_some(scale),
        norm: None,
        projection,
        weight: by_matrix(&weight.values, rows, directions, hidden, matrices),
        vectors: Matrix::from_rows(2, outputs, vectors.values),
        bias: Matrix::from_rows(2, outputs, bias),
    })
}

/// `[inputs, directions, hidden, k]` to `[inputs, directions · k · hidden]`.
fn by_matrix(values: &[f32], inputs: usize, directions: usize, hidden: usize, matrices: usize) -> Matrix {
    let mut turned = Vec::with_capacity(values.len());
    for unit in values.chunks_exact(hidden * matrices) {
        for matrix in 0..matrices {
            turned.extend(unit.iter().skip(matrix).step_by(matrices));
        }
    }
    Matrix::from_rows(inputs, directions * matrices * hidden, turned)
}
