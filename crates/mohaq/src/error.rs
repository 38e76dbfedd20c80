//! Everything that can be wrong with what comes from outside.

use std::path::PathBuf;

/// A file, a description or data that cannot be used, and why: what was expected, what came, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // ---- networks: nn
    /// The TOML of a network description does not parse.
    #[error("network description: {0}")]
    DescriptionSyntax(#[source] toml::de::Error),
    /// A network description has no layers.
    #[error("network description: no layers")]
    NoLayers,
    /// A width of a network description is 0.
    #[error("{place}: {field} is 0, expected at least 1")]
    ZeroWidth {
        /// `network description` or the layer.
        place: String,
        /// `input`, `hidden`, ….
        field: &'static str,
    },
    /// Two layers of a network description share a name.
    #[error("layer `{name}`: this name is taken by an earlier layer")]
    DuplicateLayer {
        /// The name.
        name: String,
    },
    /// A layer's name would make a parameter's name ambiguous.
    #[error("layer `{name}`: a name is letters, digits, `_` and `-`")]
    LayerName {
        /// The name.
        name: String,
    },
    /// `skip = "identity"` where input and output differ in width.
    #[error("layer `{layer}`: an identity skip needs an input as wide as the output, got {inputs} and {outputs}")]
    IdentitySkip {
        /// The layer.
        layer: String,
        /// Width of the layer's input.
        inputs: usize,
        /// Width of its output.
        outputs: usize,
    },
    /// A highway bias that is infinite, NaN or absurd.
    #[error("layer `{layer}`: highway_bias is {got}, expected -20 … 20")]
    HighwayBias {
        /// The layer.
        layer: String,
        /// What was given.
        got: f64,
    },
    /// A network description asks for more parameters than any machine trains.
    #[error("network description: {got} parameters, expected at most {limit}")]
    TooManyParameters {
        /// What it asks for.
        got: u128,
        /// The limit.
        limit: u128,
    },
    /// Features of another width than the network's input.
    #[error("{place}: {got} features a frame, expected {expected}")]
    FeatureWidth {
        /// Whose features.
        place: String,
        /// Their width.
        got: usize,
        /// The network's input.
        expected: usize,
    },
    /// Sequence starts that do not cut the frames of a batch into sequences.
    #[error("batch: starts are {starts:?}, expected 0, then ascending, then {frames}")]
    BatchStarts {
        /// What was given.
        starts: Vec<usize>,
        /// Frames of the batch.
        frames: usize,
    },

    // ---- training: train
    /// A training configuration no training can use.
    #[error("training: {field} is {got}, expected {expected}")]
    TrainConfig {
        /// The field.
        field: &'static str,
        /// What was given.
        got: f64,
        /// What is allowed.
        expected: &'static str,
    },
    /// A dataset has no sequences where training needs some.
    #[error("dataset `{dataset}`: no {split} sequences")]
    EmptySplit {
        /// The dataset.
        dataset: String,
        /// `training` or `validation`.
        split: &'static str,
    },
    /// A dataset has another number of classes than the network.
    #[error("dataset `{dataset}`: {classes} classes, expected {outputs} as the network's outputs")]
    Classes {
        /// The dataset.
        dataset: String,
        /// Its classes.
        classes: usize,
        /// The network's outputs.
        outputs: usize,
    },
    /// A sequence has another number of labels than its task wants.
    #[error("sequence `{id}`: {got} labels, expected {expected}")]
    LabelCount {
        /// The sequence.
        id: String,
        /// Its labels.
        got: usize,
        /// One a frame, or one.
        expected: usize,
    },
    /// A label that is no class.
    #[error("sequence `{id}`: label {index} is {got}, expected below {classes}")]
    Label {
        /// The sequence.
        id: String,
        /// Which of its labels.
        index: usize,
        /// The label.
        got: u32,
        /// Number of classes.
        classes: usize,
    },
    /// A sequence without frames.
    #[error("sequence `{id}`: no frames")]
    EmptySequence {
        /// The sequence.
        id: String,
    },
    /// A feature that is infinite or NaN.
    #[error("sequence `{id}`: feature {column} of frame {frame} is {got}")]
    FeatureNotFinite {
        /// The sequence.
        id: String,
        /// The frame.
        frame: usize,
        /// The feature.
        column: usize,
        /// Its value.
        got: f32,
    },
    /// Training ran away: the loss or a gradient is no longer a number.
    #[error("training: {what} is {got} in epoch {epoch}, step {step}, at learning rate {learning_rate}")]
    Diverged {
        /// `loss` or `gradient norm`.
        what: &'static str,
        /// Its value.
        got: f64,
        /// Epoch, counted from 1.
        epoch: usize,
        /// Step of the run, counted from 0.
        step: u64,
        /// Learning rate of the step.
        learning_rate: f64,
    },
    /// A checkpoint of another training.
    #[error("{}: a checkpoint of another training: {}", path.display(), differences.join("; "))]
    OtherTraining {
        /// The checkpoint.
        path: PathBuf,
        /// What differs: there and here.
        differences: Vec<String>,
    },

    // ---- files
    /// A file that should hold tensors does not parse.
    #[error("{}: not a safetensors file: {source}", path.display())]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        source: safetensors::SafeTensorError,
    },
    /// A safetensors file that was not written by mohaq.
    #[error("{}: no metadata `mohaq`, so not written by mohaq", path.display())]
    NoNote {
        /// The file.
        path: PathBuf,
    },
    /// The metadata of a file does not parse.
    #[error("{}: metadata `mohaq`: {source}", path.display())]
    Note {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// A file of another kind than the one that was asked for.
    #[error("{}: holds {got:?}, expected {expected:?}", path.display())]
    NoteKind {
        /// The file.
        path: PathBuf,
        /// What it says to hold.
        got: String,
        /// What was asked for.
        expected: &'static str,
    },
    /// A tensor that should be there is not.
    #[error("{}: tensor `{name}` is missing", path.display())]
    TensorMissing {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A tensor that nothing asked for.
    #[error("{}: tensor `{name}` belongs to nothing in the description", path.display())]
    TensorUnexpected {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A tensor of another shape.
    #[error("{}: tensor `{name}` has shape {got:?}, expected {expected:?}", path.display())]
    TensorShape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its shape.
        got: [usize; 2],
        /// The shape of its place.
        expected: [usize; 2],
    },
    /// A tensor that is not a matrix.
    #[error("{}: tensor `{name}` has shape {got:?}, expected two dimensions", path.display())]
    TensorRank {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its shape.
        got: Vec<usize>,
    },
    /// A tensor of another number type.
    #[error("{}: tensor `{name}` holds {got}, expected F32", path.display())]
    TensorType {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type.
        got: String,
    },
    /// An infinite number or NaN in a tensor.
    #[error("{}: tensor `{name}` holds {got} at {index:?}", path.display())]
    TensorNotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Row and column.
        index: [usize; 2],
        /// The number.
        got: f32,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
