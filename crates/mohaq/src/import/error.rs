//! Why a model cannot be imported.

/// What was expected and found, and where: a tensor, a module or a node by its name in the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A file that is no model, or a damaged one.
    #[error("{reason}")]
    File {
        /// Expected and got.
        reason: String,
    },
    /// A file of a format that models are kept in and that is not read.
    #[error("{what}, expected ONNX or safetensors")]
    Foreign {
        /// What it is, and who writes such files.
        what: &'static str,
    },
    /// A tensor whose type, shape or numbers cannot be used.
    #[error("tensor `{name}`: {reason}")]
    Tensor {
        /// Of the tensor.
        name: String,
        /// Expected and got.
        reason: String,
    },
    /// A module of a state_dict that is none we know, or does not fit its place.
    #[error("module `{module}`: {reason}")]
    Module {
        /// What stands before the last dot of its tensors' names.
        module: String,
        /// Expected and got.
        reason: String,
    },
    /// Names and shapes leave more than one network.
    #[error("modules {}: {reason}", quoted(modules))]
    Unclear {
        /// The modules in question.
        modules: Vec<String>,
        /// What the file does not say.
        reason: String,
    },
    /// A node of an ONNX graph for which a network has no place.
    #[error("node `{node}` ({operator}): {reason}")]
    Node {
        /// Its name, or that of its first output.
        node: String,
        /// Its operator.
        operator: String,
        /// Expected and got.
        reason: String,
    },
    /// Layers that are each good and do not go together.
    #[error("layer `{layer}`: {reason}")]
    Layer {
        /// Its name.
        layer: String,
        /// Expected and got.
        reason: String,
    },
    /// A description that does not go with the file.
    #[error("description: {reason}")]
    Description {
        /// Expected and got.
        reason: String,
    },
    /// Inputs and outputs that cannot be compared with the network's.
    #[error("{}{reason}", key.as_ref().map(|key| format!("`{key}`: ")).unwrap_or_default())]
    Check {
        /// The array.
        key: Option<String>,
        /// Expected and got.
        reason: String,
    },
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl ImportError {
    pub(super) fn file(reason: impl Into<String>) -> Self {
        Self::File { reason: reason.into() }
    }

    pub(super) fn tensor(name: &str, reason: impl Into<String>) -> Self {
        Self::Tensor { name: name.to_owned(), reason: reason.into() }
    }

    pub(super) fn module(module: &str, reason: impl Into<String>) -> Self {
        Self::Module { module: module.to_owned(), reason: reason.into() }
    }

    pub(super) fn layer(layer: &str, reason: impl Into<String>) -> Self {
        Self::Layer { layer: layer.to_owned(), reason: reason.into() }
    }

    pub(super) fn check(key: Option<&str>, reason: impl Into<String>) -> Self {
        Self::Check { key: key.map(str::to_owned), reason: reason.into() }
    }

    /// What the user could do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Unclear { .. } => Some(
                "--describe FILE.toml takes a network description whose layers have the modules' names (dots written as `_`)".into(),
            ),
            Self::Foreign { .. } => {
                Some("write the state_dict with safetensors.torch.save_file, or export the model to ONNX".into())
            }
            Self::Node { operator, .. } if operator == "Loop" => Some(
                "Keras 3 writes GRU and SimpleRNN as loops; Keras 2 (tf-keras) writes a GRU with reset_after = True as one node".into(),
            ),
            _ => None,
        }
    }
}
