//! A network with features, labels and clips in one safetensors file.
//!
//! Tensors, little-endian, row-major; `{l}` counts layers of simple recurrent units from 0:
//!
//! | name | shape | |
//! |---|---|---|
//! | `sru.{l}.w` | `[inputs, 2, k, hidden]` | direction, then matrix: candidate, forget gate, reset gate and, where k is 4, skip |
//! | `sru.{l}.w_proj` | `[inputs, projection]` | in front of `w`, where there is one |
//! | `sru.{l}.v`, `sru.{l}.b` | `[2, 2, hidden]` | forget gate, reset gate; then direction |
//! | `fc.w`, `fc.b` | `[outputs, inputs]`, `[outputs]` | |
//! | `scale_x` | `[1]` | factor of the skip where it is the layer's input |
//! | `eval.x` | `[frames, sequences, features]` | |
//! | `eval.len` | `[sequences]`, i32 | |
//! | `eval.labels` | `[frames, sequences]`, i32 | |
//! | `clip.{site}.{bits}`, `wclip.{site}.{bits}` | `[1]` | of activations and weights at 2, 4 and 8 bit; sites `L{l}`, `P{l}`, `FC` |

use crate::nn::{LayerDescription, LinearDescription, Network, NetworkDescription, SkipDescription, SruDescription};
use crate::quant::{Calibration, OperandRange, QuantSpec, QuantizeSettings, calibrate};
use crate::tensor::Matrix;
use crate::{Error, Result};
use mohaq_rt::Bits;
use mohaq_speech::dataset::{Features, NO_LABEL, Sequence};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use std::path::{Path, PathBuf};

/// A network and all that its evaluation needs.
#[derive(Clone, Debug)]
pub struct Model {
    /// The network.
    pub network: Network,
    /// Clips of the file; formats by a float pass over the sequences.
    pub calibration: Calibration,
    /// Features with labels.
    pub sequences: Vec<Sequence>,
}

impl Model {
    /// Reads a model.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Safetensors`]; [`Error::BenchmarkTensor`] for a tensor that is missing, or of another type
    /// or shape than its neighbours ask for; [`Error::TooFewNumbers`]; errors of the network description and of calibration.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
        let tensors =
            SafeTensors::deserialize(&bytes).map_err(|source| Error::Safetensors { path: path.to_owned(), source })?;
        let file = File { path: path.to_owned(), numbers: bytes.len() / 4, tensors };
        let network = file.network()?;
        let sequences = file.sequences(network.inputs(), network.outputs())?;
        let names: Vec<String> = site_names(&network);
        let clips = names.iter().map(|name| file.clips(name)).collect::<Result<Vec<_>>>()?;
        drop(file);
        drop(bytes);
        // Formats need the largest values only, so a few sequences show them.
        let settings = QuantizeSettings { calibration_sequences: CALIBRATED, ..QuantizeSettings::default() };
        let mut calibration = calibrate(&network, &sequences, &settings)?;
        for (range, [weight, input]) in calibration.sites.iter_mut().zip(clips) {
            set_clips(&mut range.weight, weight);
            set_clips(&mut range.input, input);
        }
        Ok(Self { network, calibration, sequences })
    }

    /// The spec with `bits` at the file's names of sites, as a list of rows gives them.
    ///
    /// # Errors
    /// [`Error::Benchmark`] for a site without bits or with others than 2, 4, 8 and 16.
    pub fn spec<'b>(&self, bits: impl Fn(&str) -> Option<&'b [u32; 2]>) -> Result<QuantSpec> {
        let precision = |name: &String| {
            let &[weight, activation] =
                bits(name).ok_or_else(|| Error::Benchmark { reason: format!("no bits for site `{name}`") })?;
            format!("{weight}x{activation}").parse().map_err(Error::Bits)
        };
        site_names(&self.network).iter().map(precision).collect::<Result<_>>().map(QuantSpec)
    }
}

/// Sequences that a model's formats are calibrated on.
const CALIBRATED: usize = 4;

fn set_clips(range: &mut OperandRange, [two, four, eight]: [f32; 3]) {
    (range.clip2, range.clip4, range.clip8) = (vec![two], vec![four], vec![eight]);
}

/// The file's names of the network's sites.
fn site_names(network: &Network) -> Vec<String> {
    let in_file = |name: &str| match name.strip_suffix(".projection") {
        Some(layer) => layer.replacen('l', "P", 1),
        None => name.replacen('l', "L", 1).replace("fc", "FC"),
    };
    network.workload().sites.iter().map(|site| in_file(&site.name)).collect()
}

/// The tensors of a model.
struct File<'a> {
    path: PathBuf,
    /// Words in the file.
    numbers: usize,
    tensors: SafeTensors<'a>,
}

impl File<'_> {
    fn bad(&self, name: &str, reason: String) -> Error {
        Error::BenchmarkTensor { path: self.path.clone(), name: name.to_owned(), reason }
    }

    fn has(&self, name: &str) -> bool {
        self.tensors.tensor(name).is_ok()
    }

    /// A tensor's shape and little-endian words.
    fn words<const RANK: usize>(&self, name: &str, kind: Dtype) -> Result<([usize; RANK], Vec<[u8; 4]>)> {
        let view = self.tensors.tensor(name).map_err(|_| self.bad(name, "missing".into()))?;
        if view.dtype() != kind {
            return Err(self.bad(name, format!("type is {:?}, expected {kind:?}", view.dtype())));
        }
        let shape = view.shape().try_into();
        let shape = shape.map_err(|_| self.bad(name, format!("shape is {:?}, expected {RANK} axes", view.shape())))?;
        Ok((shape, view.data().as_chunks().0.to_vec()))
    }

    fn floats<const RANK: usize>(&self, name: &str) -> Result<([usize; RANK], Vec<f32>)> {
        let (shape, words) = self.words(name, Dtype::F32)?;
        let values: Vec<f32> = words.into_iter().map(f32::from_le_bytes).collect();
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(self.bad(name, format!("element {index} is {}", values[index]))),
            None => Ok((shape, values)),
        }
    }

    fn integers<const RANK: usize>(&self, name: &str) -> Result<([usize; RANK], Vec<i32>)> {
        let (shape, words) = self.words(name, Dtype::I32)?;
        Ok((shape, words.into_iter().map(i32::from_le_bytes).collect()))
    }

    fn shaped<const RANK: usize>(&self, name: &str, expected: [usize; RANK]) -> Result<Vec<f32>> {
        let (shape, values) = self.floats::<RANK>(name)?;
        if shape != expected {
            return Err(self.bad(name, format!("shape is {shape:?}, expected {expected:?}")));
        }
        Ok(values)
    }

    fn network(&self) -> Result<Network> {
        let description = self.description()?;
        description.check()?;
        // Shapes without elements may promise any width: room is made for about what the file holds.
        let (got, expected) = (self.numbers, description.parameters());
        if expected > got as u128 {
            return Err(Error::TooFewNumbers { path: self.path.clone(), got, expected });
        }
        let mut network = Network::zeros(&description)?;
        let names: Vec<String> = network.parameters().into_iter().map(|parameter| parameter.name).collect();
        for (name, parameter) in names.iter().zip(network.parameters_mut()) {
            let [rows, columns] = parameter.values.shape();
            let values = match name.split_once('.').unwrap_or_default() {
                ("fc", "weight") => transposed(&self.shaped("fc.w", [columns, rows])?, rows),
                ("fc", _) => self.shaped("fc.b", [columns])?,
                (layer, part) => {
                    let layer = &layer[1..];
                    match part {
                        "projection" => self.shaped(&format!("sru.{layer}.w_proj"), [rows, columns])?,
                        "weight" => self.floats::<4>(&format!("sru.{layer}.w"))?.1,
                        "vectors" => self.shaped(&format!("sru.{layer}.v"), [2, 2, columns / 2])?,
                        _ => self.shaped(&format!("sru.{layer}.b"), [2, 2, columns / 2])?,
                    }
                }
            };
            if values.len() != rows * columns {
                return Err(self.bad(name, format!("{} values, expected {rows} by {columns}", values.len())));
            }
            *parameter.values = Matrix::from_rows(rows, columns, values);
        }
        Ok(network)
    }

    fn description(&self) -> Result<NetworkDescription> {
        let scale = f64::from(self.shaped("scale_x", [1])?[0]);
        // The bias whose √(1 + 2·e^bias) is the scale.
        let highway_bias = libm::log((scale * scale - 1.0) / 2.0);
        let mut layers = Vec::new();
        let mut input = 0;
        while self.has(&format!("sru.{}.w", layers.len())) {
            let l = layers.len();
            let name = format!("sru.{l}.w");
            let ([inputs, directions, matrices, hidden], _) = self.floats::<4>(&name)?;
            let projection = format!("sru.{l}.w_proj");
            let projection = if self.has(&projection) { Some(self.floats::<2>(&projection)?.0) } else { None };
            if directions != 2 || !(3..=4).contains(&matrices) {
                let reason = format!("{directions} directions and {matrices} matrices, expected 2, and 3 or 4");
                return Err(self.bad(&name, reason));
            }
            if l == 0 {
                input = projection.map_or(inputs, |[inputs, _]| inputs);
            }
            layers.push(LayerDescription::Sru(SruDescription {
                name: None,
                hidden,
                bidirectional: true,
                projection: projection.map(|[_, width]| width),
                highway_bias,
                rescale: true,
                skip: if matrices == 4 { SkipDescription::Matrix } else { SkipDescription::Auto },
                per_gate: false,
                layer_norm: false,
            }));
        }
        let ([outputs, _], _) = self.floats::<2>("fc.w")?;
        layers.push(LayerDescription::Linear(LinearDescription { name: None, outputs }));
        Ok(NetworkDescription { input, layers })
    }

    fn sequences(&self, width: usize, classes: usize) -> Result<Vec<Sequence>> {
        let ([frames, count, dim], values) = self.floats::<3>("eval.x")?;
        let (shape, lengths) = self.integers::<1>("eval.len")?;
        let (labels_shape, labels) = self.integers::<2>("eval.labels")?;
        if dim != width || shape != [count] || labels_shape != [frames, count] {
            let expected = format!("[{frames}, {count}, {width}], with lengths and labels alike");
            return Err(self.bad("eval.x", format!("shape is {:?}, expected {expected}", [frames, count, dim])));
        }
        let sequence = |i: usize| {
            let length = usize::try_from(lengths[i]).ok().filter(|&length| (1..=frames).contains(&length));
            let length =
                length.ok_or_else(|| self.bad("eval.len", format!("{}, expected 1 to {frames}", lengths[i])))?;
            let label = |t: usize| match labels[t * count + i] {
                label if (0..classes as i64).contains(&label.into()) => Ok(label.cast_unsigned()),
                -1 => Ok(NO_LABEL),
                label => Err(self.bad("eval.labels", format!("{label}, expected -1 to {}", classes - 1))),
            };
            let row = |t: usize| &values[(t * count + i) * dim..][..dim];
            let features = Features { dim, values: (0..length).flat_map(row).copied().collect() };
            let labels = (0..length).map(label).collect::<Result<_>>()?;
            Ok(Sequence {
                id: format!("{i:04}"),
                speaker: String::new(),
                features,
                labels,
                reference: Vec::new(),
                targets: Vec::new(),
            })
        };
        if count == 0 {
            return Err(self.bad("eval.x", "no sequences".into()));
        }
        (0..count).map(sequence).collect()
    }

    /// Clips of weights and of activations at 2, 4 and 8 bit.
    fn clips(&self, site: &str) -> Result<[[f32; 3]; 2]> {
        let clip = |kind: &str, bits: Bits| -> Result<f32> {
            Ok(self.shaped(&format!("{kind}.{site}.{}", bits.count()), [1])?[0])
        };
        let clips = |kind: &str| -> Result<[f32; 3]> {
            Ok([clip(kind, Bits::Two)?, clip(kind, Bits::Four)?, clip(kind, Bits::Eight)?])
        };
        Ok([clips("wclip")?, clips("clip")?])
    }
}

/// `[columns, rows]` as `[rows, columns]`.
fn transposed(values: &[f32], rows: usize) -> Vec<f32> {
    (0..rows).flat_map(|row| values.iter().skip(row).step_by(rows)).copied().collect()
}
