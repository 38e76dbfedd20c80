//! Recipes: what is accepted is written and read back as itself; overlays and overrides are held to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mohaq::config::{CorpusKind, Plan, Recipe};
use std::path::Path;

fuzz_target!(|input: (&str, &str)| {
    let (text, pair) = input;
    let overrides = [pair.to_owned()];
    for (corpus, overrides) in
        [(None, &overrides[..0]), (None, &overrides[..]), (Some(CorpusKind::Synthetic), &overrides[..])]
    {
        let Ok(recipe) = Recipe::parse(text, "fuzz", corpus, overrides) else { continue };
        let Ok(plan) = Plan::resolve(recipe, Some(Path::new("data")), Some(Path::new("out"))) else { continue };
        let again = Recipe::parse(&plan.to_toml(), "plan.toml", None, &[]).expect("a plan is a recipe");
        assert_eq!(again, plan.recipe);
    }
});
