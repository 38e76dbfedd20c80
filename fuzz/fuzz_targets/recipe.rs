//! Recipes: what is accepted is written and read back as itself; overrides are held to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mohaq::config::{Plan, Recipe};
use std::path::Path;

fuzz_target!(|input: (&str, &str)| {
    let (text, pair) = input;
    let overrides = [pair.to_owned()];
    for overrides in [&overrides[..0], &overrides] {
        let Ok(recipe) = Recipe::parse(text, "fuzz", overrides) else { continue };
        let Ok(plan) = Plan::resolve(recipe, Some(Path::new("data")), Some(Path::new("out"))) else { continue };
        let again = Recipe::parse(&plan.to_toml(), "plan.toml", &[]).expect("a plan is a recipe");
        assert_eq!(again, plan.recipe);
    }
});
