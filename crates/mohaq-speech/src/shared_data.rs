//! Where the tests find corpora that are too large or not free enough to be in the repository.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// `name` below `MOHAQ_SHARED`, or else below `../shared/data` seen from the workspace; `None`, and says so, where missing.
pub(crate) fn shared_data(name: &str) -> Option<PathBuf> {
    let beside_the_workspace = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("MOHAQ_SHARED").map_or_else(beside_the_workspace, PathBuf::from).join(name);
    if path.exists() {
        return Some(path);
    }
    // Written past the test harness, which swallows what `eprintln!` says in a test that passes.
    let path = path.display();
    writeln!(io::stderr(), "SKIPPED: no {path} (set MOHAQ_SHARED to the directory that holds `{name}`)").ok();
    None
}
