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

    // ---- files
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
