//! Why a network cannot be exported.

use std::path::PathBuf;

/// Why a network cannot be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A name that C has no place for.
    #[error("`{name}` is no name for C: {reason}")]
    Name {
        /// As given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A network that needs more memory than there is.
    #[error("the arena takes {got} bytes, allowed are {limit}")]
    Arena {
        /// What it takes.
        got: usize,
        /// What it may take.
        limit: usize,
    },
    /// Something stands already where the export is to go.
    #[error("{}: exists already", path.display())]
    Exists {
        /// The folder or file.
        path: PathBuf,
    },
    /// An image that does not hold what it should.
    #[error(transparent)]
    Image(#[from] mohaq_rt::image::ImageError),
    /// A test vector that the network does not take.
    #[error("the test vector: {0}")]
    Vector(mohaq_rt::Error),
    /// A program that could not be started, or failed.
    #[error("`{program}`: {said}")]
    Program {
        /// Its name.
        program: String,
        /// What it or the system said.
        said: String,
        /// What would be needed.
        needed: &'static str,
    },
}

impl ExportError {
    /// What the user could do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Name { .. } => Some("--name takes letters, digits and _, a letter first; no word of C".into()),
            Self::Arena { .. } => Some(
                "fewer units or a narrower layer take less; a network that needs whole sequences also shorter ones \
                 (--max-frames)"
                    .into(),
            ),
            Self::Exists { .. } => Some("--force writes over it, --out names another place".into()),
            Self::Program { needed, .. } => Some((*needed).into()),
            Self::Image(_) | Self::Vector(_) => None,
        }
    }
}
