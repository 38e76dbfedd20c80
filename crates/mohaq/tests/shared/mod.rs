//! Data that the project does not carry: where it is, and a loud word where it is missing.

use std::io::{self, Write};
use std::path::PathBuf;

/// The path of `name` in the shared data: under `$MOHAQ_SHARED`, or beside the workspace under `shared/data`.
pub(crate) fn shared_data(name: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("MOHAQ_SHARED").map_or_else(beside, PathBuf::from).join(name);
    if path.exists() {
        return Some(path);
    }
    // Written past the test harness, which swallows what `eprintln!` says in a test that passes.
    writeln!(io::stderr(), "SKIPPED: {} is missing; set MOHAQ_SHARED to the shared data", path.display()).ok();
    None
}
