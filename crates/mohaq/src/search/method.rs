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
}

impl Method {
    /// Every method, the one of this project first.
    pub const ALL: [Self; 3] = [Self::Nsga2, Self::Random, Self::Greedy];

    /// The name in recipes, logs and files.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Nsga2 => "nsga2",
            Self::Random => "random",
            Self::Greedy => "greedy",
        }
    }
}
