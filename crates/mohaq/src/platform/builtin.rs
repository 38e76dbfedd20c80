//! Platforms by name or by file.

use super::document::nearest;
use super::error::PlatformError;
use super::host::host_file;
use super::table::TablePlatform;
use std::path::Path;

/// Name and file of every built-in platform.
const FILES: [(&str, &str); 15] = [
    ("silago", include_str!("../../../../platforms/silago.toml")),
    ("bitfusion", include_str!("../../../../platforms/bitfusion.toml")),
    ("bitfusion-ideal", include_str!("../../../../platforms/bitfusion-ideal.toml")),
    ("bitfusion-streamed", include_str!("../../../../platforms/bitfusion-streamed.toml")),
    ("bitfusion-resident", include_str!("../../../../platforms/bitfusion-resident.toml")),
    ("bit-serial-weight", include_str!("../../../../platforms/bit-serial-weight.toml")),
    ("bit-serial-activation", include_str!("../../../../platforms/bit-serial-activation.toml")),
    ("eyeriss-like", include_str!("../../../../platforms/eyeriss-like.toml")),
    ("cortex-m4", include_str!("../../../../platforms/cortex-m4.toml")),
    ("cortex-m7", include_str!("../../../../platforms/cortex-m7.toml")),
    ("cortex-m55", include_str!("../../../../platforms/cortex-m55.toml")),
    ("gap8", include_str!("../../../../platforms/gap8.toml")),
    ("xpulpnn", include_str!("../../../../platforms/xpulpnn.toml")),
    ("fpga-dsp48", include_str!("../../../../platforms/fpga-dsp48.toml")),
    ("none", include_str!("../../../../platforms/none.toml")),
];

/// The name of this machine, which has a file only once it was measured.
const HOST: &str = "host";

/// Names of the built-in platforms, and of this machine.
const NAMES: [&str; FILES.len() + 1] = {
    let mut names = [HOST; FILES.len() + 1];
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
    FILES.iter().map(|(name, _)| load(name).expect("built-in platform files have no faults")).collect()
}

/// The built-in platform of this name, this machine for `host`, or the platform that the file at this path describes: a path has a directory in it or
/// ends in `.toml`.
///
/// # Errors
/// [`PlatformError::NotMeasured`] for `host` before it was measured, [`PlatformError::Unknown`] with the most similar name, [`PlatformError::Read`] if the file cannot be read,
/// [`PlatformError::Faults`] if it is no platform file.
pub fn load(name_or_path: &str) -> Result<TablePlatform, PlatformError> {
    if is_path(name_or_path) {
        let path = Path::new(name_or_path);
        return TablePlatform::parse(&read(path)?, &path.display().to_string());
    }
    if name_or_path == HOST {
        let path = host_file().filter(|path| path.exists()).ok_or(PlatformError::NotMeasured)?;
        return TablePlatform::parse(&read(&path)?, &path.display().to_string());
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
    use crate::nn::{Site, Workload};
    use crate::platform::{Platform, check_text};
    use crate::quant::QuantSpec;
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
    fn bit_fusion_in_schema_2_costs_what_it_costs_in_schema_1() {
        let [one, two] = ["bitfusion", "bitfusion-ideal"].map(|name| load(name).expect("built in"));
        let site = |macs| Site { name: "fc".to_owned(), inputs: 1, outputs: 1, macs, weights: macs, recurrent: false };
        let sites = [75_900, 1, 12_345].map(site).to_vec();
        let workload = Workload { sites, vectors: 7, elementwise: 99, ..Workload::default() };
        for spec in ["2x2 4x8 16x16", "8x2 2x16 4x4", "16x8 8x8 2x4"] {
            let spec = QuantSpec::parse(spec, 3).expect("a specification");
            assert_eq!(one.cost(&workload, &spec).expect("allowed"), two.cost(&workload, &spec).expect("allowed"));
        }
        assert_eq!(one.limits(), two.limits());
    }

    #[test]
    fn every_estimate_of_a_built_in_platform_is_explained() {
        for platform in list() {
            let report = platform.describe();
            let estimates = report.numbers.iter().filter(|number| number.estimate).count();
            assert!(estimates == 0 || !report.notes.is_empty(), "{}", report.name);
        }
    }

    #[test]
    fn the_book_lists_every_built_in_platform_with_its_model_and_what_it_prices() {
        let page = include_str!("../../../../book/src/platforms.md");
        for platform in list() {
            let report = platform.describe();
            let start = format!("| `{}` |", report.name);
            let row = page.lines().find(|line| line.starts_with(&start)).expect(&start);
            assert!(row.ends_with(&format!("| {} | {} |", report.model, report.objectives.join(", "))), "{row}");
        }
    }

    #[test]
    fn an_unknown_name_gets_the_nearest_as_a_hint() {
        let error = load("silgao").expect_err("no such platform");
        let names = NAMES.join(", ");
        let expected = format!("platform `silgao` is unknown, expected {names} or the path of a .toml file");
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
