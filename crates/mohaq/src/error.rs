//! Everything that can be wrong with what comes from outside.

use crate::export::ExportError;
use crate::import::ImportError;
use crate::platform::PlatformError;
use crate::quant::PrecisionSyntax;
use crate::report::ReportError;
use std::path::{Path, PathBuf};

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
    /// A setting of a layer that cannot be.
    #[error("layer `{layer}`: {field} is {got}, expected {expected}")]
    LayerSetting {
        /// The layer.
        layer: String,
        /// Which setting.
        field: &'static str,
        /// What it is.
        got: String,
        /// What it could be.
        expected: String,
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
    /// A label to be recognised that is the blank, or none.
    #[error("sequence `{id}`: label {index} is the blank or −1, expected a class other than {blank}")]
    Blank {
        /// The sequence.
        id: String,
        /// Which of its labels.
        index: usize,
        /// The class that is no label.
        blank: u32,
    },
    /// Labels to be recognised that take more frames than there are.
    #[error(
        "sequence `{id}`: {frames} frames, expected at least {} for {labels} labels and a blank in each of {repeats} repeats",
        labels + repeats
    )]
    NoAlignment {
        /// The sequence.
        id: String,
        /// Its frames.
        frames: usize,
        /// Its labels.
        labels: usize,
        /// Labels that equal the one before.
        repeats: usize,
    },
    /// A user's command that gave no score.
    #[error("score command `{command}`: {reason}{}", if stderr.is_empty() { String::new() } else { format!("; stderr ends: {stderr}") })]
    Score {
        /// The command without the path.
        command: String,
        /// What was expected and what came.
        reason: String,
        /// The end of what it wrote to stderr.
        stderr: String,
    },
    /// A frame that names no row of the table it is looked up in.
    #[error("sequence `{id}`: token {got} at frame {frame}, expected a whole number from 0 to {}", rows - 1)]
    Token {
        /// The sequence.
        id: String,
        /// Which frame.
        frame: usize,
        /// Its feature.
        got: f32,
        /// Rows of the table.
        rows: usize,
    },
    /// A network with a stride, and labels or targets of frames.
    #[error(
        "sequence `{id}`: {outputs} outputs for {frames} frames, expected one each for labels or targets of frames"
    )]
    OutputFrames {
        /// The sequence.
        id: String,
        /// Its frames.
        frames: usize,
        /// Frames that come out of the network.
        outputs: usize,
    },
    /// A sequence with other than one target an output and frame.
    #[error("sequence `{id}`: {got} targets, expected {expected}")]
    TargetCount {
        /// The sequence.
        id: String,
        /// Its targets.
        got: usize,
        /// Frames times outputs.
        expected: usize,
    },
    /// A target that is NaN or infinite.
    #[error("sequence `{id}`: target {index} is {got}, expected a finite number")]
    TargetNotFinite {
        /// The sequence.
        id: String,
        /// Which of its targets.
        index: usize,
        /// NaN or an infinity.
        got: f32,
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
    /// A network file that holds far fewer numbers than its description has parameters.
    #[error("{}: holds {got} numbers, its description has {expected} parameters", path.display())]
    TooFewNumbers {
        /// The file.
        path: PathBuf,
        /// Numbers in it.
        got: usize,
        /// Parameters of the description.
        expected: u128,
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

    // ---- models of other programs: import
    /// A model that cannot be imported.
    #[error("{}: {source}", path.display())]
    Import {
        /// The file.
        path: PathBuf,
        /// What was expected and found, and where.
        source: ImportError,
    },

    // ---- recipes: config
    /// A recipe that does not parse, or has a key that nobody knows.
    #[error("{origin}{}: {message}", line.map(|line| format!(":{line}")).unwrap_or_default())]
    Recipe {
        /// The file, or the built-in recipe's name.
        origin: String,
        /// The line, from 1, where there is one.
        line: Option<usize>,
        /// What was expected and what was found.
        message: String,
        /// The known key that the unknown one is most like.
        nearest: Option<String>,
    },
    /// A `key=value` of the command line that cannot be applied.
    #[error("--set {pair}: {message}")]
    Override {
        /// As typed.
        pair: String,
        /// What is wrong with it.
        message: String,
        /// The known key or value that an unknown one is most like.
        nearest: Option<String>,
    },
    /// A value of a recipe that no stage could work with.
    #[error("`{key}`: {reason}")]
    Plan {
        /// The key, dotted.
        key: String,
        /// What was expected and what was found.
        reason: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Neither a file nor a built-in recipe.
    #[error("`{name}` is neither a file nor a built-in recipe ({})", known.join(", "))]
    NoRecipe {
        /// As typed.
        name: String,
        /// The built-in recipes.
        known: Vec<&'static str>,
        /// The one that `name` is most like.
        nearest: Option<String>,
    },

    // ---- quantization: quant
    /// Text that is no precision.
    #[error(transparent)]
    Bits(#[from] PrecisionSyntax),
    /// A spec for another number of sites.
    #[error("{got} precisions for a network of {expected} sites, expected one for all or one each")]
    SpecLength {
        /// Precisions given.
        got: usize,
        /// Sites of the network.
        expected: usize,
    },
    /// Numbers of a calibrated network that its integer twin cannot have.
    #[error("{place}: {source}")]
    Integer {
        /// The site or layer.
        place: String,
        /// Why not.
        source: mohaq_rt::Error,
    },
    /// A tensor of a benchmark's model that cannot be used.
    #[error("{}: tensor `{name}`: {reason}", path.display())]
    BenchmarkTensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Expected and got.
        reason: String,
    },
    /// A benchmark that cannot be run, or whose answers are wrong.
    #[error("benchmark: {reason}")]
    Benchmark {
        /// Why.
        reason: String,
    },
    /// Ranges that cannot be found, or that do not belong to the network.
    #[error("calibration: {reason}")]
    Calibration {
        /// What was expected and what was found.
        reason: String,
    },

    // ---- evaluation and search: eval, search
    /// An output of the network that is NaN.
    #[error("sequence `{sequence}`: an output of the network is not a number")]
    NotFinite {
        /// The sequence.
        sequence: String,
    },
    /// An evaluation log that cannot be gone on with.
    #[error("{}:{line}: {reason}", path.display())]
    Log {
        /// The log.
        path: PathBuf,
        /// The line at fault, from 1.
        line: usize,
        /// What was expected and what was found.
        reason: String,
    },

    // ---- runs: run
    /// The user asked to stop.
    #[error("stopped")]
    Stopped,
    /// A beacon's file that was not made for the beacon of its name.
    #[error("{}: a beacon of another lineage: {}", path.display(), differences.join("; "))]
    OtherBeacon {
        /// The file.
        path: PathBuf,
        /// What differs: there and here.
        differences: Vec<String>,
    },
    /// A beacon's file is not the one that the log speaks of.
    #[error("{}: has fingerprint {got}, the evaluation log says {expected}", path.display())]
    BeaconChanged {
        /// The file.
        path: PathBuf,
        /// Of the file.
        got: String,
        /// In the log.
        expected: String,
    },
    /// The network's file is not the one that was trained.
    #[error("{}: has fingerprint {got}, training.json says {expected}", path.display())]
    NetworkChanged {
        /// The file.
        path: PathBuf,
        /// Of the file.
        got: String,
        /// In `training.json`.
        expected: String,
    },
    /// Another process has the run directory.
    #[error("{}: another process is working in this run directory", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The run directory holds a run that trained another network.
    #[error("{}: this run directory holds a run with another {section}", path.display())]
    OtherRun {
        /// The directory.
        path: PathBuf,
        /// What differs.
        section: String,
    },
    /// A result that would have to be overwritten.
    #[error("{}: exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file of a run directory that does not hold what it should.
    #[error("{}: {reason}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// A network that does not fit the data.
    #[error("{}: the network has {got}, the data {expected}", path.display())]
    NetworkShape {
        /// The file or run directory it came from.
        path: PathBuf,
        /// Its inputs and outputs.
        got: String,
        /// Those of the data.
        expected: String,
    },
    /// A synthetic corpus of other settings where one is to be made.
    #[error("{}: holds a synthetic corpus made with other settings or by another version", path.display())]
    OtherSynthetic {
        /// The directory.
        path: PathBuf,
    },
    /// A candidate that a run has not.
    #[error("{}: {source}", path.display())]
    Pick {
        /// The run directory.
        path: PathBuf,
        /// Why none is meant.
        #[source]
        source: crate::run::PickError,
    },
    /// A run directory without a network.
    #[error("{}: no network there", path.display())]
    NoNetwork {
        /// Where it should be.
        path: PathBuf,
    },
    /// A network without a matrix product.
    #[error("the network has no matrix product to quantize")]
    NoSites,

    // ---- other rooms
    /// Audio, corpora, decoding.
    #[error(transparent)]
    Speech(#[from] mohaq_speech::Error),
    /// Platforms.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The searcher.
    #[error(transparent)]
    Moo(#[from] mohaq_moo::Error),
    /// Reports.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Exports.
    #[error(transparent)]
    Export(#[from] ExportError),
}

impl Error {
    /// An [`Error::Io`] about `path`.
    pub fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), source }
    }

    /// What the user could do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Recipe { nearest, .. } | Self::Override { nearest, .. } | Self::NoRecipe { nearest, .. } => {
                nearest.as_ref().map(|name| format!("did you mean `{name}`?"))
            }
            Self::Plan { hint, .. } => hint.clone(),
            Self::Stopped => Some("everything finished so far is on disk; --resume goes on".into()),
            Self::OtherRun { .. } => {
                Some("choose another directory with --out, or --force to throw that run away".into())
            }
            Self::Exists { .. } => {
                Some("--resume goes on with it, --force starts over, --out names another directory".into())
            }
            Self::OtherSynthetic { .. } => Some("remove it, or name another directory with --data".into()),
            Self::OtherBeacon { .. } | Self::BeaconChanged { .. } => {
                Some("move the file away: --resume retrains the beacon, which gives the same file".into())
            }
            Self::NetworkChanged { .. } => {
                Some("put the trained network back, or start over with --force or in another directory".into())
            }
            Self::Pick { .. } => {
                Some("the report and `mohaq search` list candidates by their numbers; knee is one of the front".into())
            }
            Self::NoNetwork { .. } => {
                Some("of a run that took its network --from another, --network FILE says where it is".into())
            }
            Self::Locked { .. } => Some("wait for it, or choose another directory with --out".into()),
            Self::Import { source, .. } => source.hint(),
            Self::Platform(error) => error.hint(),
            Self::Export(error) => error.hint(),
            _ => None,
        }
    }

    /// True where the request itself is at fault, not the work: an unknown recipe, key, platform or precision, a setting
    /// out of its range, a network that cannot be, a comparison of nothing.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Recipe { .. }
                | Self::Override { .. }
                | Self::Plan { .. }
                | Self::NoRecipe { .. }
                | Self::Bits(_)
                | Self::SpecLength { .. }
                | Self::Platform(_)
                | Self::TrainConfig { .. }
                | Self::DescriptionSyntax(_)
                | Self::NoLayers
                | Self::ZeroWidth { .. }
                | Self::DuplicateLayer { .. }
                | Self::LayerName { .. }
                | Self::IdentitySkip { .. }
                | Self::HighwayBias { .. }
                | Self::LayerSetting { .. }
                | Self::TooManyParameters { .. }
                | Self::Speech(mohaq_speech::Error::Setting { .. })
                | Self::Export(ExportError::Name { .. })
                | Self::Report(ReportError::FewRuns(_) | ReportError::SameName(_) | ReportError::Level { .. })
        )
    }
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
