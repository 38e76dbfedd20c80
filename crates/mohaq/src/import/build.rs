//! A chain of imported layers as a network: its description, and its parameters where they belong.

use super::error::ImportError;
use super::model::{Convolution, Direction, Imported, Kind, Model, SruUnit, Unit};
use crate::nn::{
    Cell, Conv1dDescription, EmbeddingDescription, GruDescription, LayerDescription, LayerNormDescription,
    LinearDescription, LstmDescription, Network, NetworkDescription, Pointwise, PointwiseDescription, RnnDescription,
    SkipDescription, SruDescription,
};
use crate::tensor::Matrix;
use std::collections::BTreeMap;
use std::ops::Range;

/// Why no network can be made: of the import, or of networks in general.
#[derive(Debug)]
pub(super) enum Refusal {
    Import(ImportError),
    Network(crate::Error),
}

impl From<ImportError> for Refusal {
    fn from(error: ImportError) -> Self {
        Self::Import(error)
    }
}

impl From<crate::Error> for Refusal {
    fn from(error: crate::Error) -> Self {
        Self::Network(error)
    }
}

/// The network of `model`, from which every scale and shift has been folded.
pub(super) fn network(model: &Model) -> Result<Network, Refusal> {
    fits(model)?;
    let layers = model.layers.iter().map(describe).collect::<Result<_, _>>()?;
    let description = NetworkDescription { input: model.input, layers };
    let mut network = Network::zeros(&description)?;
    let names = description.names();
    let mut numbers = BTreeMap::new();
    for (layer, name) in model.layers.iter().zip(names) {
        numbers.extend(parameters(&layer.kind).into_iter().map(|(part, matrix)| (format!("{name}.{part}"), matrix)));
    }
    for parameter in network.parameters_mut() {
        let matrix = numbers.remove(&parameter.name).expect("a layer is described with the parameters it has");
        assert_eq!(matrix.shape(), parameter.values.shape(), "{}", parameter.name);
        *parameter.values = matrix;
    }
    assert!(numbers.is_empty(), "a layer has the parameters it is described with");
    Ok(network)
}

/// Every layer takes what the one before gives.
fn fits(model: &Model) -> Result<(), ImportError> {
    let mut width = model.input;
    for layer in &model.layers {
        if let Some(inputs) = layer.kind.inputs().filter(|&inputs| inputs != width) {
            return Err(ImportError::layer(&layer.origin, format!("takes {inputs} features, gets {width}")));
        }
        width = layer.kind.outputs(width);
    }
    Ok(())
}

fn describe(layer: &Imported) -> Result<LayerDescription, ImportError> {
    let name = layer.name.clone();
    Ok(match &layer.kind {
        Kind::Linear { bias, .. } => LayerDescription::Linear(LinearDescription { name, outputs: bias.len() }),
        Kind::Conv1d(Convolution { bias, kernel, stride, padding, .. }) => {
            let (kernel, stride, padding) = (*kernel, *stride, *padding);
            LayerDescription::Conv1d(Conv1dDescription { name, outputs: bias.len(), kernel, stride, padding })
        }
        Kind::Embedding(table) => {
            let [vocabulary, outputs] = table.shape();
            LayerDescription::Embedding(EmbeddingDescription { name, vocabulary, outputs })
        }
        Kind::LayerNorm { .. } => LayerDescription::LayerNorm(LayerNormDescription { name }),
        Kind::Affine { .. } => unreachable!("scales and shifts have been folded"),
        Kind::Pointwise(Pointwise::Relu) => LayerDescription::Relu(PointwiseDescription { name }),
        Kind::Pointwise(Pointwise::Tanh) => LayerDescription::Tanh(PointwiseDescription { name }),
        Kind::Pointwise(Pointwise::Sigmoid) => LayerDescription::Sigmoid(PointwiseDescription { name }),
        Kind::Recurrent(unit) => unit.describe(name),
        Kind::Sru(sru) => sru.describe(name, &layer.origin)?,
    })
}

impl Unit {
    fn describe(&self, name: Option<String>) -> LayerDescription {
        let (hidden, bidirectional) = (self.hidden, self.directions.len() == 2);
        match self.cell {
            Cell::Rnn(activation) => LayerDescription::Rnn(RnnDescription { name, hidden, bidirectional, activation }),
            Cell::Lstm { peepholes, coupled } => {
                let projection = self.directions[0].projection.as_ref().map(Matrix::cols);
                let per_gate = false;
                LayerDescription::Lstm(LstmDescription {
                    name,
                    hidden,
                    bidirectional,
                    projection,
                    peepholes,
                    coupled,
                    per_gate,
                })
            }
            Cell::Gru(reset) => {
                LayerDescription::Gru(GruDescription { name, hidden, bidirectional, reset, per_gate: false })
            }
            Cell::LiGru | Cell::Mgu | Cell::Qrnn(_) => unreachable!("no format that is read has this cell"),
        }
    }
}

impl SruUnit {
    fn describe(&self, name: Option<String>, origin: &str) -> Result<LayerDescription, ImportError> {
        let matrices = self.weight.cols() / (self.directions * self.hidden);
        let skip = match (self.scale, matrices) {
            (None, _) => SkipDescription::None,
            (Some(_), 3) => SkipDescription::Identity,
            (Some(_), _) => SkipDescription::Matrix,
        };
        // The scale is √(1 + 2·e^b).
        let (rescale, highway_bias) = match self.scale {
            Some(scale) if skip == SkipDescription::Identity && scale != 1.0 => {
                let excess = (scale * scale - 1.0) / 2.0;
                if excess <= 0.0 {
                    return Err(ImportError::layer(
                        origin,
                        format!("scales its highway by {scale}, expected at least 1"),
                    ));
                }
                (true, libm::log(excess))
            }
            _ => (false, 0.0),
        };
        let projection = self.projection.as_ref().map(Matrix::cols);
        let (hidden, bidirectional, per_gate) = (self.hidden, self.directions == 2, false);
        let layer_norm = self.norm.is_some();
        Ok(LayerDescription::Sru(SruDescription {
            name,
            hidden,
            bidirectional,
            projection,
            highway_bias,
            rescale,
            skip,
            per_gate,
            layer_norm,
        }))
    }
}

/// A layer's parameters, by their names in it.
fn parameters(kind: &Kind) -> Vec<(&'static str, Matrix)> {
    match kind {
        Kind::Linear { weight, bias } | Kind::Conv1d(Convolution { weight, bias, .. }) => {
            vec![("weight", weight.clone()), ("bias", row(bias.clone()))]
        }
        Kind::Embedding(table) => vec![("weight", table.clone())],
        Kind::LayerNorm { gain, bias } => vec![("gain", row(gain.clone())), ("bias", row(bias.clone()))],
        Kind::Affine { .. } | Kind::Pointwise(_) => Vec::new(),
        Kind::Recurrent(unit) => unit.parameters(),
        Kind::Sru(sru) => {
            let projection = sru.projection.iter().map(|matrix| ("projection", matrix.clone()));
            let others = [("weight", &sru.weight), ("vectors", &sru.vectors), ("bias", &sru.bias)];
            let norm = sru.norm.iter().flat_map(|[gain, bias]| [("norm.gain", gain), ("norm.bias", bias)]);
            let norm = norm.map(|(name, vector)| (name, row(vector.clone())));
            projection.chain(others.map(|(name, matrix)| (name, matrix.clone()))).chain(norm).collect()
        }
    }
}

fn row(values: Vec<f32>) -> Matrix {
    Matrix::from_rows(1, values.len(), values)
}

impl Unit {
    fn parameters(&self) -> Vec<(&'static str, Matrix)> {
        let gates = self.cell.gates().len();
        let mut parameters = vec![("weight", self.columns(0..gates, |direction| &direction.input))];
        for part in self.cell.recurrent(false) {
            let name = if part.gates.start == 0 { "recurrent" } else { "recurrent.n" };
            parameters.push((name, self.columns(part.gates, |direction| &direction.recurrent)));
        }
        let split = self.cell.biased_recurrence();
        // The two biases of PyTorch and ONNX are one, but where the reset gate stands between them.
        let bias = |direction: &Direction| -> Vec<f32> {
            let both = direction.input_bias.iter().zip(&direction.recurrent_bias).enumerate();
            let sum =
                |(at, (&input, &recurrent))| if split == Some(at / self.hidden) { input } else { input + recurrent };
            both.map(sum).collect()
        };
        parameters.push(("bias", row(self.directions.iter().flat_map(bias).collect())));
        if let Some(gate) = split {
            let own = |direction: &Direction| direction.recurrent_bias[gate * self.hidden..][..self.hidden].to_vec();
            parameters.push(("recurrent_bias", row(self.directions.iter().flat_map(own).collect())));
        }
        let peepholes = self.cell.peepholes().len();
        if peepholes > 0 {
            let across =
                |gate: usize| self.directions.iter().flat_map(move |direction| direction.peepholes[gate].clone());
            let values = (0..peepholes).flat_map(across).collect();
            parameters.push(("peepholes", Matrix::from_rows(peepholes, self.directions.len() * self.hidden, values)));
        }
        if self.directions[0].projection.is_some() {
            let all: Vec<&Matrix> =
                self.directions.iter().filter_map(|direction| direction.projection.as_ref()).collect();
            parameters.push(("projection", beside(&all)));
        }
        parameters
    }

    /// The columns of `gates` in a matrix of every direction, direction by direction.
    fn columns(&self, gates: Range<usize>, matrix: impl Fn(&Direction) -> &Matrix) -> Matrix {
        let range = gates.start * self.hidden..gates.end * self.hidden;
        let cut = |direction: &Direction| {
            let whole = matrix(direction);
            let values = (0..whole.rows()).flat_map(|at| whole.row(at)[range.clone()].to_vec()).collect();
            Matrix::from_rows(whole.rows(), range.len(), values)
        };
        let parts: Vec<Matrix> = self.directions.iter().map(cut).collect();
        beside(&parts.iter().collect::<Vec<_>>())
    }
}

/// Matrices of equal height side by side.
fn beside(parts: &[&Matrix]) -> Matrix {
    let (rows, cols) = (parts[0].rows(), parts.iter().map(|part| part.cols()).sum());
    let values = (0..rows).flat_map(|at| parts.iter().flat_map(move |part| part.row(at).iter().copied())).collect();
    Matrix::from_rows(rows, cols, values)
}
