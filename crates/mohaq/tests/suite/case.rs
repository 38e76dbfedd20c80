//! Cases on disk: `NAME.toml` with the network, its ranges and its specs, and `NAME.safetensors` with the numbers.

use mohaq::nn::{Batch, Layer, LayerDescription, Network, NetworkDescription};
use mohaq::quant::{Calibration, QuantSpec};
use mohaq::tensor::Matrix;
use mohaq_rt::engine::{LayerCounts, SiteCounts};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What a test says of a case that is not as it should be.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// Codes of one layer that saturated, by the tensors of [`LayerCounts`]. A case leaves out what is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Clipped {
    /// Of every site its inputs, then its results by part.
    pub(crate) sites: Vec<[u64; 5]>,
    pub(crate) arguments: u64,
    pub(crate) states: u64,
    pub(crate) highway: u64,
    pub(crate) normal: u64,
}

impl From<&LayerCounts> for Clipped {
    fn from(counts: &LayerCounts) -> Self {
        let site = |site: &SiteCounts| {
            let [a, b, c, d] = site.outputs;
            [site.input, a, b, c, d].map(|count| count.clipped)
        };
        Self {
            sites: counts.sites.iter().map(site).collect(),
            arguments: counts.arguments.clipped,
            states: counts.states.clipped,
            highway: counts.highway.clipped,
            normal: counts.normal.clipped,
        }
    }
}

impl Clipped {
    /// Of all tensors together.
    pub(crate) fn total(&self) -> u64 {
        self.clone().counters_mut().map(|count| *count).sum()
    }

    /// Every counter.
    pub(crate) fn counters_mut(&mut self) -> impl Iterator<Item = &mut u64> {
        let Self { sites, arguments, states, highway, normal } = self;
        sites.iter_mut().flatten().chain([arguments, states, highway, normal])
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    about: String,
    lengths: Vec<usize>,
    network: NetworkDescription,
    calibration: Calibration,
    specs: Vec<SpecDocument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpecDocument {
    bits: String,
    fake_steps: f64,
    clipped: Vec<Clipped>,
}

/// What a network must give at one spec.
#[derive(Clone)]
pub(crate) struct Expected {
    pub(crate) spec: QuantSpec,
    /// Largest distance of the fake-quantized network from the codes, in steps of the output's format.
    pub(crate) fake_steps: f64,
    /// Saturations of every layer.
    pub(crate) clipped: Vec<Clipped>,
    /// `[frames, outputs]`, of the frames that come out.
    pub(crate) codes: Vec<i16>,
}

/// A network, data, and what every engine must make of them.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) network: Network,
    pub(crate) calibration: Calibration,
    pub(crate) batch: Batch,
    /// `[frames, outputs]`, of the network in floating point and the frames that come out.
    pub(crate) outputs: Vec<f32>,
    pub(crate) expected: Vec<Expected>,
}

/// The folder of the suite.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../suite")
}

/// Names of the cases in `folder`, in alphabetical order: what has a document must have tensors, and the other way
/// round, and there must be some.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()
        .map_err(|e| format!("{}: {e}", folder.display()))?;
    let stems = |ending: &str| -> BTreeSet<String> {
        let ours = paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == ending));
        ours.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect()
    };
    let (documents, tensors) = (stems("toml"), stems("safetensors"));
    if let Some(name) = documents.symmetric_difference(&tensors).next() {
        return Err(format!("case `{name}`: one of {name}.toml and {name}.safetensors is missing"));
    }
    if documents.is_empty() {
        return Err(format!("{}: no cases", folder.display()));
    }
    Ok(documents.into_iter().collect())
}

/// Every case of the suite.
///
/// # Panics
/// Where one cannot be read.
pub(crate) fn all() -> Vec<Case> {
    let read = |name: String| Case::read(&folder(), &name).unwrap_or_else(|reason| panic!("case `{name}`: {reason}"));
    names(&folder()).expect("a suite").into_iter().map(read).collect()
}

impl Case {
    /// Reads the case `name`.
    pub(crate) fn read(folder: &Path, name: &str) -> Result<Self> {
        let text = std::fs::read_to_string(folder.join(format!("{name}.toml"))).map_err(|e| e.to_string())?;
        let document: Document = toml::from_str(&text).map_err(|e| e.to_string())?;
        let bytes = std::fs::read(folder.join(format!("{name}.safetensors"))).map_err(|e| e.to_string())?;
        let mut tensors = Tensors::read(&bytes)?;
        if document.about.is_empty() || document.specs.is_empty() {
            return Err("expected a word about the case, and specs".into());
        }
        let mut network = Network::zeros(&document.network).map_err(|e| e.to_string())?;
        for parameter in network.parameters_mut() {
            let [rows, columns] = parameter.values.shape();
            parameter.values.data_mut().copy_from_slice(&tensors.floats(&parameter.name, &[rows, columns])?);
        }
        let frames: usize = document.lengths.iter().sum();
        let (inputs, outputs) = (network.inputs(), network.outputs());
        let features = Matrix::from_rows(frames, inputs, tensors.floats("features", &[frames, inputs])?);
        let mut starts = vec![0];
        starts.extend(document.lengths.iter().scan(0, |end, length| {
            *end += length;
            Some(*end)
        }));
        let frames_out = *network.output_starts(&starts).last().expect("starts end with the number of frames");
        let floats = tensors.floats("outputs", &[frames_out, outputs])?;
        let codes = tensors.codes("codes", &[document.specs.len(), frames_out, outputs])?;
        tensors.finish()?;
        let sites = network.workload().sites.len();
        let layers = network.layers().len();
        let expected = document.specs.into_iter().zip(codes.chunks(frames_out * outputs)).map(|(spec, codes)| {
            let lines = spec.clipped.len();
            if lines != layers {
                return Err(format!("spec `{}`: saturations of {lines} layers, expected {layers}", spec.bits));
            }
            let bits = QuantSpec::parse(&spec.bits, sites).map_err(|e| e.to_string())?;
            Ok(Expected { spec: bits, fake_steps: spec.fake_steps, clipped: spec.clipped, codes: codes.to_vec() })
        });
        Ok(Self {
            name: name.to_owned(),
            expected: expected.collect::<Result<_>>()?,
            batch: Batch::new(features, starts).map_err(|e| e.to_string())?,
            calibration: document.calibration,
            outputs: floats,
            network,
        })
    }

    /// Whether there is no stream: a layer runs backwards, or sees frames behind the one that it answers for.
    pub(crate) fn needs_frames_ahead(&self) -> bool {
        let padded = |layer: &Layer| matches!(layer, Layer::Conv1d(conv) if conv.shape.padding[1] > 0);
        let described = &self.network.description().layers;
        described.iter().any(LayerDescription::is_bidirectional) || self.network.layers().iter().any(padded)
    }

    /// The case and the spec, for messages.
    pub(crate) fn place(&self, expected: &Expected) -> String {
        format!("case `{}`, {}", self.name, expected.spec)
    }
}

/// What a file holds; every tensor is taken once, and none may be left.
struct Tensors<'a>(BTreeMap<String, safetensors::tensor::TensorView<'a>>);

impl<'a> Tensors<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self> {
        Ok(Self(SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?.tensors().into_iter().collect()))
    }

    fn floats(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let bytes = self.take(name, Dtype::F32, shape)?;
        Ok(bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
    }

    fn codes(&mut self, name: &str, shape: &[usize]) -> Result<Vec<i16>> {
        let bytes = self.take(name, Dtype::I16, shape)?;
        Ok(bytes.as_chunks().0.iter().map(|&bytes| i16::from_le_bytes(bytes)).collect())
    }

    fn take(&mut self, name: &str, kind: Dtype, shape: &[usize]) -> Result<&'a [u8]> {
        let tensor = self.0.remove(name).ok_or_else(|| format!("tensor `{name}` is missing"))?;
        if tensor.dtype() != kind || tensor.shape() != shape {
            let (got, of) = (tensor.shape(), tensor.dtype());
            return Err(format!("tensor `{name}` is {of:?} {got:?}, expected {kind:?} {shape:?}"));
        }
        Ok(tensor.data())
    }

    fn finish(self) -> Result<()> {
        match self.0.into_keys().next() {
            Some(name) => Err(format!("tensor `{name}` belongs to nothing in the case")),
            None => Ok(()),
        }
    }
}
