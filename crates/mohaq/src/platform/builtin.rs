//! Platforms by name or by file.

use super::document::nearest;
use super::error::PlatformError;
use super::table::TablePlatform;
use std::path::Path;

/// Name and file of every built-in platform.
const FILES: [(&str, &str); 3] = [
    ("silago", include_str!("../../../../platforms/silago.toml")),
    ("bitfusion", include_str!("../../../../platforms/bitfusion.toml")),
    ("none", include_str!("../../../../platforms/none.toml")),
];

/// Names of the built-in platforms.
const NAMES: [&str; FILES.len()] = {
    let mut names = [""; FILES.len()];
    let mut i = 0;
    while i < FILES.len() {
        names[i] = FILES[i].0;
        i += 1;
    }
    names
};

/// The built-in platforms.
///
/// # Panics
/// If a built-in file has a fault, which would be our bug; a test reads each.
pub fn list() -> Vec<TablePlatform> {
    NAMES.iter().map(|name| load(name).expect("built-in platform files have no faults")).collect()
}

/// The built-in platform of this name, or the one that the file at this path describes: a path has a directory in it or
/// ends in `.toml`.
///
/// # Errors
/// [`PlatformError::Unknown`] with the most similar name, [`PlatformError::Read`] if the file cannot be read,
/// [`PlatformError::Faults`] if it is no platform file.
pub fn load(name_or_path: &str) -> Result<TablePlatform, PlatformError> {
    if is_path(name_or_path) {
        let path = Path::new(name_or_path);
        return TablePlatform::parse(&read(path)?, &path.display().to_string());
    }
    match FILES.iter().find(|(name, _)| *name == name_or_path) {
        Some((name, text)) => TablePlatform::parse(text, &format!("built-in {name}")),
        None => Err(PlatformError::Unknown {
            name: name_or_path.to_owned(),
            builtin: &NAMES,
            nearest: nearest(name_or_path, NAMES.into_iter()),
        }),
    }
}

/// The text of a platform file.
pub(super) fn read(path: &Path) -> Result<String, PlatformError> {
    std::fs::read_to_string(path).map_err(|cause| PlatformError::Read { path: path.to_owned(), cause })
}

fn is_path(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "toml") || name.contains(['/', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{Platform, check_text};
    use std::error::Error;

    #[test]
    fn built_in_platforms_are_named_as_their_files_and_clean() {
        for (name, text) in FILES {
            assert_eq!(load(name).expect("built in").name(), name);
            assert_eq!(check_text(text), [], "{name}");
        }
        assert_eq!(list().len(), FILES.len());
    }

    #[test]
    fn an_unknown_name_gets_the_nearest_as_a_hint() {
        let error = load("silgao").expect_err("no such platform");
        let expected = "platform `silgao` is unknown, expected silago, bitfusion, none or the path of a .toml file";
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.hint().as_deref(), Some("did you mean `silago`?"));
        assert_eq!(load("zzz").expect_err("no such platform").hint(), None);
    }

    #[test]
    fn a_file_of_the_user_is_taken_by_its_path() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("silago.toml");
        let text = FILES[0].1.replace("4x4 = 4,", "4x4 = 5,");
        std::fs::write(&path, text).expect("a writable folder");
        let platform = load(path.to_str().expect("plain name")).expect("a good file");
        assert_eq!(platform.describe().origin, path.display().to_string());
        assert_eq!(platform.describe().numbers[0].value, 5.0);

        let missing = load("no/such/board.toml").expect_err("no such file");
        assert!(matches!(missing, PlatformError::Read { .. }) && missing.source().is_some());
        assert!(missing.to_string().starts_with("platform file no/such/board.toml: "), "{missing}");
        std::fs::write(&path, "schema = 1\nnam = 'x'").expect("a writable folder");
        let faulty = load(path.to_str().expect("plain name")).expect_err("faults");
        assert!(faulty.to_string().ends_with("line 2: `nam`: unknown key"), "{faulty}");
        assert_eq!(faulty.hint().as_deref(), Some("did you mean `name`?"));
    }
}
