//! The folder of an ONNX export: the model, a test vector as ONNX keeps them, and a program that runs both.

use super::graph::Dialect;
use super::tensor;
use super::{reads_rows, write_onnx};
use crate::Result;
use crate::export::vector::VECTOR_FRAMES;
use crate::export::{ExportError, Name, Vector};
use crate::quant::{IntegerBank, QuantSpec};
use mohaq_rt::image::Image;
use prost::Message;
use std::collections::BTreeMap;

/// A network as a folder with an ONNX model.
#[derive(Clone, Debug)]
pub struct OnnxProject {
    /// Contents by path in the folder.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Bytes of the model.
    pub model_bytes: usize,
}

impl OnnxProject {
    /// The network of `bank` at `spec`, in files called `name`.
    ///
    /// # Errors
    /// See [`write_onnx`]; [`ExportError::Vector`] where the network does not take a test vector.
    ///
    /// # Panics
    /// When `spec` has another number of sites.
    pub fn new(bank: &IntegerBank<'_>, spec: &QuantSpec, name: &Name, dialect: Dialect) -> Result<Self> {
        let model = write_onnx(bank, spec, dialect)?;
        let image = bank.image(spec)?;
        let frames = VECTOR_FRAMES.max(least_frames(bank));
        let vector = Vector::drawn(Image::parse(&image).map_err(ExportError::from)?, frames)?;
        let [input, output] = tensors(bank, &vector);
        let model_bytes = model.len();
        let files = [
            (format!("{}.onnx", name.as_str()), model),
            ("test_data_set_0/input_0.pb".to_owned(), input),
            ("test_data_set_0/output_0.pb".to_owned(), output),
            ("check.py".to_owned(), include_bytes!("check.py").to_vec()),
            ("README.md".to_owned(), readme(bank, spec, name, dialect).into_bytes()),
        ];
        Ok(Self { files: files.into(), model_bytes })
    }
}

/// Frames of the shortest sequence of which anything comes out.
pub(super) fn least_frames(bank: &IntegerBank<'_>) -> usize {
    let network = bank.network();
    let gives = |frames: &usize| network.output_starts(&[0, *frames]).last().is_some_and(|&frames| frames > 0);
    // A convolution that sees a frame at all sees one of so many.
    (1..).find(gives).expect("kernels are shorter than sequences may be")
}

/// Input and output of the vector, `[1, frames, ..]`.
fn tensors(bank: &IntegerBank<'_>, vector: &Vector) -> [Vec<u8>; 2] {
    let network = bank.network();
    let values = |codes: &[i16], step: f32| codes.iter().map(|&code| f32::from(code) * step).collect::<Vec<f32>>();
    let input = if reads_rows(bank) {
        let rows: Vec<i64> = vector.inputs.iter().copied().map(i64::from).collect();
        tensor::integers("rows", &[1, vector.frames], &rows)
    } else {
        let values = values(&vector.inputs, bank.input().scale());
        tensor::floats("features", &[1, vector.frames, network.inputs()], &values)
    };
    let frames = vector.outputs.len() / network.outputs();
    let values = values(&vector.outputs, bank.output().scale());
    [input, tensor::floats("outputs", &[1, frames, network.outputs()], &values)].map(|tensor| tensor.encode_to_vec())
}

fn readme(bank: &IntegerBank<'_>, spec: &QuantSpec, name: &Name, dialect: Dialect) -> String {
    let (network, layers) = (bank.network(), bank.network().description().names().join(", "));
    let input = if reads_rows(bank) {
        "`rows`, `[batch, frames]`, 64 bit integers".to_owned()
    } else {
        format!("`features`, `[batch, frames, {}]`, floats", network.inputs())
    };
    let (grids, packages) = match dialect {
        Dialect::Qdq => ("QuantizeLinear and DequantizeLinear, operator set 21", "onnx onnxruntime numpy"),
        Dialect::QdqInt2 => ("QuantizeLinear and DequantizeLinear, operator set 25", "onnx onnxruntime numpy"),
        Dialect::Qonnx => ("Quant nodes of QONNX beside operator set 21", "onnx onnxruntime numpy qonnx"),
    };
    include_str!("README.md")
        .replace("@NAME@", name.as_str())
        .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
        .replace("@GRIDS@", grids)
        .replace("@PACKAGES@", packages)
        .replace("@BITS@", &spec.to_string())
        .replace("@LAYERS@", &layers)
        .replace("@INPUT@", &input)
        .replace("@OUTPUTS@", &network.outputs().to_string())
        .replace("@INPUT_FRACTION@", &bank.input().fraction().to_string())
        .replace("@OUTPUT_FRACTION@", &bank.output().fraction().to_string())
}
