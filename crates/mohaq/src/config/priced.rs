//! Whether a platform prices what a recipe trades and bounds.

use super::plan::bad;
use super::recipe::Recipe;
use crate::eval::Objective;
use crate::nn::{LayerDescription, NetworkDescription};
use crate::platform::{Platform, TablePlatform};
use crate::{Error, Result};

/// Refuses layers that `platform` does not run, before anything is trained.
pub(super) fn check_layers(layers: &[LayerDescription], platform: &TablePlatform) -> Result<()> {
    let network = NetworkDescription { input: 1, layers: layers.to_vec() };
    Ok(platform.admit(&network)?)
}

/// Refuses an objective that `platform` has no figures for: a search would find nothing but that.
pub(super) fn check_priced(recipe: &Recipe, platform: &TablePlatform) -> Result<()> {
    let priced = platform.describe().objectives;
    let hint = || Some(format!("it prices {}", priced.join(", ")));
    match recipe.search.objectives.iter().find_map(|objective| lacking(*objective, recipe, &priced)) {
        None => Ok(()),
        Some(Lacking::Duration) => Err(no_duration("search.objectives")),
        Some(Lacking::Figure(key)) => {
            let reason = format!("platform `{}` has no figures for `{key}`", platform.name());
            Err(Error::Plan { key: "search.objectives".into(), reason, hint: hint() })
        }
    }
}

/// Refuses a limit of what `platform` has no figures for: no candidate would keep it.
pub(super) fn check_bounded(recipe: &Recipe, platform: &TablePlatform) -> Result<()> {
    let priced = platform.describe().objectives;
    for (objective, _) in recipe.search.limits.figures() {
        let key = match objective {
            Objective::Time => "search.limits.time_ms".to_owned(),
            Objective::Energy => "search.limits.energy_nj".to_owned(),
            other => format!("search.limits.{}", other.key()),
        };
        match lacking(objective, recipe, &priced) {
            None => {}
            Some(Lacking::Duration) => return Err(no_duration(&key)),
            Some(Lacking::Figure(figure)) => {
                return Err(bad(&key, format!("platform `{}` has no figures for `{figure}`", platform.name())));
            }
        }
    }
    Ok(())
}

/// What an objective cannot be computed without.
enum Lacking {
    Figure(&'static str),
    Duration,
}

fn lacking(objective: Objective, recipe: &Recipe, priced: &[&str]) -> Option<Lacking> {
    let figure = match objective {
        // Counted, whatever the platform prices.
        Objective::Error | Objective::Ram => return None,
        Objective::Memory | Objective::Speedup | Objective::Energy | Objective::Time => objective.key(),
        Objective::SpeedupPaper => Objective::Speedup.key(),
        Objective::Gops | Objective::RealTimeFactor => Objective::Time.key(),
        Objective::GopsPerWatt => Objective::Energy.key(),
    };
    if !priced.contains(&figure) {
        return Some(Lacking::Figure(figure));
    }
    (objective == Objective::RealTimeFactor && recipe.frame_ns().is_none()).then_some(Lacking::Duration)
}

fn no_duration(key: &str) -> Error {
    let hint = Some("`frame_ms` in [data] says how long a frame lasts".to_owned());
    Error::Plan { key: key.into(), reason: "frames of these data have no duration".into(), hint }
}
