//! The platform `host`: this machine, as `mohaq platform measure` found it.

use std::env;
use std::path::PathBuf;

/// Where the measurements of this machine lie: in `MOHAQ_HOST` where that is set, else `mohaq/host.toml` in the user's data
/// folder (`XDG_DATA_HOME`, `~/.local/share`). `None` for a user without a home.
pub fn host_file() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(file) = set("MOHAQ_HOST") {
        return Some(file);
    }
    let data = set("XDG_DATA_HOME").or_else(|| Some(env::home_dir()?.join(".local").join("share")))?;
    Some(data.join("mohaq").join("host.toml"))
}
