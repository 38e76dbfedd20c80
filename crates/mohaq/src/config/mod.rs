//! From what the user wrote to what will be done: a [`Recipe`] as typed, resolved once into a [`Plan`].

mod overlay;
mod plan;
mod priced;
mod recipe;

pub use plan::{Given, Plan, Source, builtin, load};
pub use recipe::{CorpusKind, DataSection, LimitSection, NetworkSection, Recipe, SearchSection, nearest, synth};
