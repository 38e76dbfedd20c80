//! The phone sets of TIMIT and how they fold: 61 in the transcriptions, 48 to model, 39 to score.
//!
//! The folding is Lee and Hon's, which every published phone error rate on TIMIT uses. Two things are easy to get wrong:
//! the glottal stop `q` folds to nothing (its time has no target and it is not scored), and closures (`bcl`, `pcl`, …)
//! are phones of their own when modelled, but silence when scored.
//!
//! Source: K.-F. Lee and H.-W. Hon, "Speaker-independent phone recognition using hidden Markov models", IEEE Trans.
//! ASSP 37(11), 1989, table I and §IV.

/// The phones of the `.PHN` files.
pub const TIMIT_61: [&str; 61] = [
    "aa", "ae", "ah", "ao", "aw", "ax", "ax-h", "axr", "ay", "b", "bcl", "ch", "d", "dcl", "dh", "dx", "eh", "el",
    "em", "en", "eng", "epi", "er", "ey", "f", "g", "gcl", "h#", "hh", "hv", "ih", "ix", "iy", "jh", "k", "kcl", "l",
    "m", "n", "ng", "nx", "ow", "oy", "p", "pau", "pcl", "q", "r", "s", "sh", "t", "tcl", "th", "uh", "uw", "ux", "v",
    "w", "y", "z", "zh",
];

/// The phones that are modelled.
pub const TIMIT_48: [&str; 48] = [
    "aa", "ae", "ah", "ao", "aw", "ax", "ay", "b", "ch", "cl", "d", "dh", "dx", "eh", "el", "en", "epi", "er", "ey",
    "f", "g", "hh", "ih", "ix", "iy", "jh", "k", "l", "m", "n", "ng", "ow", "oy", "p", "r", "s", "sh", "sil", "t",
    "th", "uh", "uw", "v", "vcl", "w", "y", "z", "zh",
];

/// The phones that are scored.
pub const TIMIT_39: [&str; 39] = [
    "aa", "ae", "ah", "aw", "ay", "b", "ch", "d", "dh", "dx", "eh", "er", "ey", "f", "g", "hh", "ih", "iy", "jh", "k",
    "l", "m", "n", "ng", "ow", "oy", "p", "r", "s", "sh", "sil", "t", "th", "uh", "uw", "v", "w", "y", "z",
];

/// The silence of all three sets' folded forms.
pub const SILENCE: &str = "sil";

/// The modelled phone of a transcribed one; `None` for `q`, which is dropped, and for what is not in [`TIMIT_61`].
pub fn fold_61_to_48(phone: &str) -> Option<&'static str> {
    let folded = match phone {
        "q" => return None,
        "ax-h" => "ax",
        "axr" => "er",
        "bcl" | "dcl" | "gcl" => "vcl",
        "pcl" | "tcl" | "kcl" => "cl",
        "em" => "m",
        "eng" => "ng",
        "h#" | "pau" => SILENCE,
        "hv" => "hh",
        "nx" => "n",
        "ux" => "uw",
        same if TIMIT_61.contains(&same) => same,
        _ => return None,
    };
    TIMIT_48.iter().find(|&&name| name == folded).copied()
}

/// The scored phone of a modelled one; `None` for what is not in [`TIMIT_48`].
pub fn fold_48_to_39(phone: &str) -> Option<&'static str> {
    let folded = match phone {
        "ao" => "aa",
        "ax" => "ah",
        "cl" | "vcl" | "epi" => SILENCE,
        "el" => "l",
        "en" => "n",
        "ix" => "ih",
        "zh" => "sh",
        same => same,
    };
    TIMIT_39.iter().find(|&&name| name == folded).copied()
}

/// The scoring id (index into [`TIMIT_39`]) of every modelled phone, in the order of [`TIMIT_48`].
pub fn fold_table() -> Vec<Option<u16>> {
    TIMIT_48.iter().map(|phone| fold_48_to_39(phone).and_then(|folded| index_in(&TIMIT_39, folded))).collect()
}

/// Position of `phone` in a phone set.
pub fn index_in(set: &[&str], phone: &str) -> Option<u16> {
    set.iter().position(|&name| name == phone).and_then(|index| u16::try_from(index).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_sorted_and_without_doubles() {
        assert!(TIMIT_61.is_sorted_by(|a, b| a < b));
        assert!(TIMIT_48.is_sorted_by(|a, b| a < b));
        assert!(TIMIT_39.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn folding_is_onto_and_only_q_is_dropped() {
        let mut modelled: Vec<_> = TIMIT_61.iter().filter_map(|phone| fold_61_to_48(phone)).collect();
        modelled.sort_unstable();
        modelled.dedup();
        assert_eq!(modelled, TIMIT_48);
        let dropped: Vec<_> = TIMIT_61.iter().filter(|phone| fold_61_to_48(phone).is_none()).collect();
        assert_eq!(dropped, [&"q"]);
        let mut scored: Vec<_> = TIMIT_48.iter().filter_map(|phone| fold_48_to_39(phone)).collect();
        scored.sort_unstable();
        scored.dedup();
        assert_eq!(scored, TIMIT_39);
        assert!(fold_table().iter().all(Option::is_some));
    }

    #[test]
    fn folds_as_lee_and_hon_print_them() {
        // Table of the 39 scored classes: {sil cl vcl epi} {el l} {en n} {sh zh} {ao aa} {ih ix} {ah ax}.
        let both = |phone| fold_61_to_48(phone).and_then(fold_48_to_39);
        for (transcribed, scored) in [
            ("h#", "sil"),
            ("pau", "sil"),
            ("epi", "sil"),
            ("gcl", "sil"),
            ("kcl", "sil"),
            ("el", "l"),
            ("en", "n"),
            ("nx", "n"),
            ("em", "m"),
            ("eng", "ng"),
            ("zh", "sh"),
            ("ao", "aa"),
            ("ix", "ih"),
            ("ax-h", "ah"),
            ("axr", "er"),
            ("hv", "hh"),
            ("ux", "uw"),
            ("dx", "dx"),
        ] {
            assert_eq!(both(transcribed), Some(scored), "{transcribed}");
        }
        assert_eq!(both("q"), None);
        assert_eq!(fold_61_to_48("zz"), None);
        assert_eq!(fold_48_to_39("pcl"), None, "a closure of the 61 is none of the 48");
    }
}
