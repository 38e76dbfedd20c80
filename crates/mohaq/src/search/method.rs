//! The methods of search.

use serde::{Deserialize, Serialize};

/// Who proposes the candidates of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The genetic algorithm NSGA-II.
    Nsga2,
    /// Every candidate equally likely, none twice.
    Random,
    /// From the widest precisions down, by the least rise of the error for what a step gains.
    Greedy,
    /// By a model of the error, where a candidate's costs are known before it is measured.
    Guided,
}

impl Method {
    /// Every method, the published one first.
    pub const ALL: [Self; 4] = [Self::Nsga2, Self::Random, Self::Greedy, Self::Guided];

    /// The name in recipes, logs and files.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Nsga2 => "nsga2",
            Self::Random => "random",
            Self::Greedy => "greedy",
            Self::Guided => "guided",
        }
    }

    /// The method named `key`.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.key() == key)
    }
}
