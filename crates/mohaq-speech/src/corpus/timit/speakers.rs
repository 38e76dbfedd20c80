//! Which speakers of `TEST` are for validation and which for test.

use crate::corpus::Split;
use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::path::Path;

/// Speakers of the whole training part.
const TRAIN_SPEAKERS: usize = 462;

/// The 50 development speakers that results on TIMIT are tuned on.
///
/// Source: A. Halberstadt, "Heterogeneous acoustic measurements and multiple classifiers for speech recognition", PhD
/// thesis, MIT, 1998; the same list as in Kaldi's recipe.
const DEVELOPMENT: [&str; 50] = [
    "fadg0", "faks0", "fcal1", "fcmh0", "fdac1", "fdms0", "fdrw0", "fedw0", "fgjd0", "fjem0", "fjmg0", "fjsj0",
    "fkms0", "fmah0", "fmml0", "fnmr0", "frew0", "fsem0", "majc0", "mbdg0", "mbns0", "mbwm0", "mcsh0", "mdlf0",
    "mdls0", "mdvc0", "mers0", "mgjf0", "mglb0", "mgwt0", "mjar0", "mjfc0", "mjsw0", "mmdb1", "mmdm2", "mmjr0",
    "mmwh0", "mpdf0", "mrcs0", "mreb0", "mrjm4", "mrjr0", "mroa0", "mrtk0", "mrws1", "mtaa0", "mtdt0", "mteb0",
    "mthc0", "mwjg0",
];

/// The 24 speakers of the core test set: two men and a woman of each dialect region.
///
/// Source: NISTIR 4930, table of the core test set (`TESTSET.DOC` on the disc).
const CORE_TEST: [&str; 24] = [
    "mdab0", "mwbt0", "felc0", "mtas1", "mwew0", "fpas0", "mjmp0", "mlnt0", "fpkt0", "mlll0", "mtls0", "fjlm0",
    "mbpm0", "mklt0", "fnlp0", "mcmj0", "mjdh0", "fmgd0", "mgrt0", "mnjm0", "fdhc0", "mjln0", "mpam0", "fmld0",
];

/// How the speakers of `TEST` are divided.
#[derive(Debug, PartialEq)]
pub(super) struct Division {
    valid: BTreeSet<String>,
    test: BTreeSet<String>,
    /// By the standard lists, and not by the order of the names.
    standard: bool,
    left_out: usize,
}

impl Division {
    pub(super) fn of(speakers: &BTreeSet<String>, path: &Path) -> Result<Self> {
        let among = |list: &[&str]| -> BTreeSet<String> {
            speakers.iter().filter(|speaker| list.contains(&speaker.as_str())).cloned().collect()
        };
        let (valid, test) = (among(&DEVELOPMENT), among(&CORE_TEST));
        if !valid.is_empty() && !test.is_empty() {
            let left_out = speakers.len() - valid.len() - test.len();
            return Ok(Self { valid, test, standard: true, left_out });
        }
        if speakers.len() < 2 {
            let reason = format!("TEST has {} speakers, expected at least 2: for validation and test", speakers.len());
            return Err(Error::corpus(path, reason));
        }
        let every_other = |first| speakers.iter().skip(first).step_by(2).cloned().collect();
        Ok(Self { valid: every_other(0), test: every_other(1), standard: false, left_out: 0 })
    }

    /// The part that a speaker of `TEST` belongs to; `None` for one that is left out.
    pub(super) fn split(&self, speaker: &str) -> Option<Split> {
        if self.valid.contains(speaker) {
            Some(Split::Valid)
        } else {
            self.test.contains(speaker).then_some(Split::Test)
        }
    }

    /// What the tree lacks against the whole corpus.
    pub(super) fn notes(&self, train: &BTreeSet<String>) -> Vec<String> {
        let mut notes = Vec::new();
        let mut lacks = |what: &str, got: usize, whole: usize| {
            if got < whole {
                notes.push(format!("{what}: {got} of {whole} speakers"));
            }
        };
        lacks("TRAIN", train.len(), TRAIN_SPEAKERS);
        if self.standard {
            lacks("development set", self.valid.len(), DEVELOPMENT.len());
            lacks("core test set", self.test.len(), CORE_TEST.len());
            if self.left_out > 0 {
                notes.push(format!("{} speakers of TEST are in neither standard set and left out", self.left_out));
            }
        } else {
            notes.push(format!(
                "TEST lacks the standard development or core test speakers; its own are divided by the order of their \
                 names: {} for validation, {} for test",
                self.valid.len(),
                self.test.len()
            ));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set<'a>(speakers: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
        speakers.into_iter().map(String::from).collect()
    }

    #[test]
    fn the_lists_are_whole_and_disjoint() {
        let (development, core) = (set(DEVELOPMENT), set(CORE_TEST));
        assert_eq!((development.len(), core.len()), (50, 24));
        assert!(development.is_disjoint(&core));
        // A woman of every dialect region.
        assert_eq!(core.iter().filter(|speaker| speaker.starts_with('f')).count(), 8);
    }

    #[test]
    fn a_whole_tree_leaves_94_speakers_out_and_lacks_nothing() {
        let others: Vec<String> = (0..94).map(|n| format!("mxxx{n}")).collect();
        let speakers = set(DEVELOPMENT.into_iter().chain(CORE_TEST).chain(others.iter().map(String::as_str)));
        let division = Division::of(&speakers, Path::new("t")).expect("the standard corpus");
        assert_eq!(division.split("fadg0"), Some(Split::Valid));
        assert_eq!(division.split("fmld0"), Some(Split::Test));
        assert_eq!(division.split("mxxx0"), None);
        let train: BTreeSet<String> = (0..462).map(|n| format!("m{n}")).collect();
        assert_eq!(division.notes(&train), ["94 speakers of TEST are in neither standard set and left out"]);
    }

    #[test]
    fn part_of_the_standard_speakers_is_noted() {
        let division = Division::of(&set(["fadg0", "faks0", "mdab0"]), Path::new("t")).expect("some of each");
        assert_eq!(
            division.notes(&set(["m0"])),
            ["TRAIN: 1 of 462 speakers", "development set: 2 of 50 speakers", "core test set: 1 of 24 speakers"]
        );
    }

    #[test]
    fn other_speakers_are_divided_by_the_order_of_their_names() {
        for odd_ones in [["a", "b", "c"], ["fadg0", "x", "y"], ["mdab0", "x", "y"]] {
            let division = Division::of(&set(odd_ones), Path::new("t")).expect("enough speakers");
            assert_eq!(
                odd_ones.map(|speaker| division.split(speaker)),
                [Some(Split::Valid), Some(Split::Test), Some(Split::Valid)]
            );
            assert!(division.notes(&set([])).iter().any(|note| note.contains("2 for validation, 1 for test")));
        }
        let lone = Division::of(&set(["a"]), Path::new("t")).expect_err("one speaker");
        assert_eq!(lone.to_string(), "t: TEST has 1 speakers, expected at least 2: for validation and test");
    }
}
