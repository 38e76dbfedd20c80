//! The phones of the synthesiser: formant targets, noise spectra, levels and durations, from published tables.
//!
//! All targets are an average man's; [`WOMEN_OVER_MEN`] makes them an average woman's, and a speaker's own factors go on
//! top. Sources, by the part of the table they give:
//!
//! * steady vowels: J. Hillenbrand, L. Getty, M. Clark and K. Wheeler, "Acoustic characteristics of American English
//!   vowels", JASA 97(5), 1995, table V (men), which repeats G. Peterson and H. Barney, "Control methods used in a study
//!   of the vowels", JASA 24(2), 1952, with more talkers;
//! * diphthongs (but the onset of `ey`, which is Hillenbrand's), glides, fricatives, affricates and nasals, formant bandwidths, and where the noise of a consonant lies:
//!   D. Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67(3), 1980, tables II and III;
//! * F2 of stops, flaps and nasals, and how far it gives way to the vowel: the locus equations of H. Sussman, H.
//!   McCaffrey and S. Matthews, "An investigation of locus equations as a source of relational invariance for stop place
//!   categorization", JASA 90(3), 1991. [`locus`] says how an equation becomes a target and a dominance;
//! * zeros of nasals: O. Fujimura, "Analysis of nasal consonants", JASA 34(12), 1962;
//! * levels of noise: near the relative powers of H. Fletcher, "Speech and hearing in communication", 1953;
//! * durations: inherent and minimal ones of D. Klatt, "Synthesis by rule of segmental durations in English sentences",
//!   1979; closures and releases from D. Byrd, "54,000 American stops", UCLA WPP 83, 1993.

/// What the articulators do, as far as rules of timing and excitation ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Silence,
    Vowel,
    Glide,
    Nasal,
    Fricative,
    Closure,
    /// What follows a closure: burst, and aspiration where the stop is voiceless.
    Release,
    Affricate,
    /// `hh` and `hv`: breath shaped by the neighbours' formants.
    Breath,
    Flap,
    /// `q`.
    Glottal,
}

/// Where a band of noise lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Centre {
    /// At a frequency of the front cavity, Hz.
    Hz(f64),
    /// At the second formant, wherever it is: velar bursts go with the vowel.
    SecondFormant,
}

/// A band of frication noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Band {
    pub(super) centre: Centre,
    pub(super) bandwidth_hz: f64,
    /// Against the level of the phone's noise.
    pub(super) level_db: f64,
}

/// Frication: bands, and a flat part that passes by all resonances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Noise {
    /// Root mean square against a stressed open vowel, dB.
    pub(super) level_db: f64,
    pub(super) bands: [Band; 2],
    /// Level of the flat part against `level_db`.
    pub(super) flat_db: f64,
}

/// One row of the table. Frequencies and bandwidths in Hz, for F1 to F4.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Phone {
    /// One of the 61 names of TIMIT.
    pub(super) name: &'static str,
    pub(super) manner: Manner,
    /// Formants at the start.
    pub(super) onset: [f64; 4],
    /// Formants at the end, where a diphthong goes elsewhere.
    pub(super) offset: [f64; 4],
    pub(super) bandwidth: [f64; 4],
    /// How strongly each target holds against the neighbours'; a vowel has 1.
    pub(super) dominance: [f64; 4],
    /// Time constant of the approach to the target, ms.
    pub(super) approach_ms: f64,
    /// Level of the glottal source, dB; `SILENT` without voice.
    pub(super) voicing_db: f64,
    /// Level of breath through the whole tract against a stressed open vowel, dB.
    pub(super) breath_db: f64,
    pub(super) noise: Noise,
    /// Zero beside the place of articulation (nasals, laterals), Hz.
    pub(super) zero_hz: Option<f64>,
    /// Duration of a stressed, unhurried token, and the shortest, ms.
    pub(super) inherent_ms: f64,
    pub(super) minimum_ms: f64,
}

/// No sound, in dB.
pub(super) const SILENT: f64 = -300.0;

/// Mean over the twelve vowels of the ratio of women's to men's formants in Hillenbrand et al. 1995, table V.
pub(super) const WOMEN_OVER_MEN: [f64; 4] = [1.175, 1.158, 1.139, 1.176];

const NO_NOISE: Noise = Noise { level_db: SILENT, bands: [band(3000.0, 500.0, SILENT); 2], flat_db: SILENT };

/// Lips, tongue tip and tongue body.
#[derive(Clone, Copy)]
enum Place {
    Labial,
    Alveolar,
    Velar,
}
use Place::{Alveolar, Labial, Velar};

/// Target and dominance of F2 from a locus equation, F2 at the release = slope · F2 of the vowel + intercept.
///
/// At a boundary the track is the mean of both sides' targets weighted by dominance (see `track`), and a vowel's weight is 1:
/// `(d·T + V) / (d + 1)`. So `slope = 1/(d + 1)`, and `intercept = T·d/(d + 1)`.
const fn locus(place: Place) -> (f64, f64) {
    let (slope, intercept) = match place {
        Labial => (0.87, 106.0),
        Alveolar => (0.43, 1073.0),
        Velar => (0.66, 807.0),
    };
    (intercept / (1.0 - slope), (1.0 - slope) / slope)
}

const fn band(hz: f64, bandwidth_hz: f64, level_db: f64) -> Band {
    Band { centre: Centre::Hz(hz), bandwidth_hz, level_db }
}

const fn noise(level_db: f64, bands: [Band; 2], flat_db: f64) -> Noise {
    Noise { level_db, bands, flat_db }
}

const fn vowel(name: &'static str, formants: [f64; 4], bandwidth: [f64; 3], ms: [f64; 2]) -> Phone {
    Phone {
        name,
        manner: Manner::Vowel,
        onset: formants,
        offset: formants,
        bandwidth: [bandwidth[0], bandwidth[1], bandwidth[2], 250.0],
        dominance: [1.0; 4],
        approach_ms: 18.0,
        voicing_db: 0.0,
        breath_db: SILENT,
        noise: NO_NOISE,
        zero_hz: None,
        inherent_ms: ms[0],
        minimum_ms: ms[1],
    }
}

const fn silence(name: &'static str, ms: [f64; 2]) -> Phone {
    Phone {
        manner: Manner::Silence,
        dominance: [0.02; 4],
        voicing_db: SILENT,
        ..vowel(name, [500.0, 1500.0, 2500.0, 3500.0], [60.0, 90.0, 150.0], ms)
    }
}

const fn glide(name: &'static str, formants: [f64; 4], bandwidth: [f64; 3], ms: [f64; 2]) -> Phone {
    Phone {
        manner: Manner::Glide,
        dominance: [1.5, 2.0, 2.0, 1.0],
        approach_ms: 22.0,
        voicing_db: -4.0,
        ..vowel(name, formants, bandwidth, ms)
    }
}

/// A consonant with a closed mouth at `place`. F3 from Klatt 1980, table III; F1 of a closed tract.
const fn closed(name: &'static str, manner: Manner, place: Place, f1: f64, ms: [f64; 2]) -> Phone {
    let (f2, hold) = locus(place);
    let f3 = match place {
        Labial => 2150.0,
        Alveolar => 2600.0,
        Velar => 2650.0,
    };
    Phone {
        manner,
        dominance: [3.0, hold, 1.0, 0.5],
        approach_ms: 12.0,
        voicing_db: SILENT,
        ..vowel(name, [f1, f2, f3, 3400.0], [60.0, 110.0, 150.0], ms)
    }
}

const fn closure(name: &'static str, place: Place, voicing_db: f64, ms: f64) -> Phone {
    Phone { voicing_db, ..closed(name, Manner::Closure, place, 200.0, [ms, 25.0]) }
}

const fn release(name: &'static str, place: Place, f1: f64, breath_db: f64, noise: Noise, ms: f64) -> Phone {
    Phone { breath_db, noise, ..closed(name, Manner::Release, place, f1, [ms, 0.5 * ms]) }
}

const fn nasal(name: &'static str, place: Place, zero_hz: f64, ms: [f64; 2]) -> Phone {
    Phone {
        voicing_db: -8.0,
        zero_hz: Some(zero_hz),
        bandwidth: [50.0, 200.0, 250.0, 300.0],
        ..closed(name, Manner::Nasal, place, 350.0, ms)
    }
}

const fn fricative(
    name: &'static str,
    formants: [f64; 3],
    hold: f64,
    voicing_db: f64,
    noise: Noise,
    ms: [f64; 2],
) -> Phone {
    let open = [formants[0], formants[1], formants[2], 3400.0];
    let damped = if voicing_db > SILENT { 65.0 } else { 200.0 };
    Phone {
        manner: Manner::Fricative,
        dominance: [3.0, hold, hold, 0.5],
        approach_ms: 14.0,
        voicing_db,
        noise,
        ..vowel(name, open, [damped, 90.0, 200.0], ms)
    }
}

const fn ending(phone: Phone, offset: [f64; 4]) -> Phone {
    Phone { offset, ..phone }
}

const fn breath(name: &'static str, voicing_db: f64) -> Phone {
    let tract = vowel(name, [500.0, 1500.0, 2500.0, 3500.0], [200.0, 120.0, 160.0], [75.0, 30.0]);
    Phone { manner: Manner::Breath, dominance: [0.05; 4], voicing_db, breath_db: -13.0, ..tract }
}

// Klatt 1980, table III, gives each noise as amplitudes of the parallel resonators A2…A6 (F6 at 4900 Hz, 1000 Hz wide) and
// of the bypass AB. The upper band of `s` and the skirts above 5 kHz, outside his 10 kHz rate, are from A. Jongman et al.,
// "Acoustic characteristics of English fricatives", JASA 108(3), 2000.
const HISS: [Band; 2] = [band(4900.0, 1000.0, 0.0), band(6800.0, 1800.0, -3.0)];
const HUSH: [Band; 2] = [band(2750.0, 350.0, 0.0), band(4200.0, 1500.0, -5.0)];
const DENTAL: [Band; 2] = [band(4900.0, 1500.0, -8.0), band(6800.0, 2000.0, -4.0)];
const TIP: [Band; 2] = [band(3750.0, 600.0, -6.0), band(4900.0, 1000.0, 0.0)];
const FLAT: [Band; 2] = [band(3000.0, 500.0, SILENT); 2];
const BODY: [Band; 2] =
    [Band { centre: Centre::SecondFormant, bandwidth_hz: 300.0, level_db: 0.0 }, band(3300.0, 1000.0, -10.0)];

/// Every phone the synthesiser can say.
pub(super) static PHONES: [Phone; 57] = [
    silence("h#", [150.0, 80.0]),
    silence("pau", [150.0, 60.0]),
    silence("epi", [35.0, 20.0]),
    vowel("iy", [342.0, 2322.0, 3000.0, 3657.0], [50.0, 200.0, 400.0], [155.0, 55.0]),
    vowel("ih", [427.0, 2034.0, 2684.0, 3618.0], [50.0, 100.0, 140.0], [135.0, 40.0]),
    vowel("eh", [580.0, 1799.0, 2605.0, 3677.0], [60.0, 90.0, 200.0], [150.0, 70.0]),
    vowel("ae", [588.0, 1952.0, 2601.0, 3624.0], [70.0, 125.0, 320.0], [230.0, 80.0]),
    vowel("aa", [768.0, 1333.0, 2522.0, 3687.0], [130.0, 70.0, 160.0], [240.0, 100.0]),
    vowel("ao", [652.0, 997.0, 2538.0, 3486.0], [90.0, 100.0, 80.0], [240.0, 100.0]),
    vowel("uh", [469.0, 1122.0, 2434.0, 3400.0], [80.0, 100.0, 80.0], [160.0, 60.0]),
    vowel("uw", [378.0, 997.0, 2343.0, 3357.0], [65.0, 110.0, 140.0], [210.0, 70.0]),
    vowel("ah", [623.0, 1200.0, 2550.0, 3557.0], [80.0, 50.0, 140.0], [140.0, 60.0]),
    vowel("er", [474.0, 1379.0, 1710.0, 3334.0], [100.0, 60.0, 110.0], [180.0, 80.0]),
    // `ux` is the fronted vowel that TIMIT hears after tongue-tip consonants: halfway from `uw` to `iy` in F2.
    vowel("ux", [360.0, 1660.0, 2500.0, 3450.0], [65.0, 110.0, 140.0], [170.0, 60.0]),
    // The neutral tube of 17.5 cm, and the same with a high tongue.
    vowel("ax", [500.0, 1500.0, 2500.0, 3500.0], [80.0, 80.0, 140.0], [120.0, 50.0]),
    vowel("ix", [420.0, 1800.0, 2600.0, 3550.0], [60.0, 100.0, 140.0], [110.0, 45.0]),
    vowel("axr", [480.0, 1379.0, 1720.0, 3334.0], [100.0, 70.0, 110.0], [130.0, 60.0]),
    ending(
        vowel("ey", [476.0, 2089.0, 2691.0, 3649.0], [65.0, 100.0, 200.0], [190.0, 70.0]),
        [380.0, 2260.0, 2800.0, 3650.0],
    ),
    ending(
        vowel("ow", [540.0, 1100.0, 2400.0, 3384.0], [80.0, 70.0, 70.0], [220.0, 80.0]),
        [450.0, 900.0, 2400.0, 3384.0],
    ),
    ending(
        vowel("ay", [660.0, 1200.0, 2550.0, 3500.0], [100.0, 70.0, 200.0], [250.0, 150.0]),
        [400.0, 1880.0, 2500.0, 3550.0],
    ),
    ending(
        vowel("aw", [640.0, 1230.0, 2550.0, 3500.0], [80.0, 70.0, 140.0], [260.0, 120.0]),
        [420.0, 940.0, 2350.0, 3400.0],
    ),
    ending(
        vowel("oy", [550.0, 960.0, 2400.0, 3400.0], [80.0, 50.0, 130.0], [280.0, 150.0]),
        [360.0, 1820.0, 2450.0, 3500.0],
    ),
    glide("w", [290.0, 610.0, 2150.0, 3300.0], [50.0, 80.0, 60.0], [80.0, 50.0]),
    glide("y", [260.0, 2070.0, 3020.0, 3600.0], [40.0, 250.0, 500.0], [80.0, 40.0]),
    glide("r", [310.0, 1060.0, 1380.0, 3300.0], [70.0, 100.0, 120.0], [80.0, 40.0]),
    Phone { zero_hz: Some(2200.0), ..glide("l", [310.0, 1050.0, 2880.0, 3400.0], [50.0, 100.0, 280.0], [80.0, 45.0]) },
    Phone { zero_hz: Some(2200.0), ..glide("el", [450.0, 850.0, 2800.0, 3400.0], [60.0, 100.0, 280.0], [150.0, 80.0]) },
    nasal("m", Labial, 1000.0, [70.0, 45.0]),
    nasal("n", Alveolar, 1700.0, [60.0, 40.0]),
    nasal("ng", Velar, 3300.0, [95.0, 50.0]),
    nasal("en", Alveolar, 1700.0, [140.0, 80.0]),
    fricative("s", [320.0, 1390.0, 2530.0], 1.3, SILENT, noise(-14.0, HISS, -26.0), [105.0, 60.0]),
    fricative("z", [240.0, 1390.0, 2530.0], 1.3, -13.0, noise(-18.0, HISS, -26.0), [75.0, 45.0]),
    fricative("sh", [300.0, 1840.0, 2750.0], 1.3, SILENT, noise(-9.5, HUSH, -26.0), [105.0, 70.0]),
    fricative("zh", [280.0, 1840.0, 2750.0], 1.3, -13.0, noise(-15.5, HUSH, -26.0), [70.0, 45.0]),
    fricative("f", [340.0, 1100.0, 2080.0], 0.3, SILENT, noise(-21.0, FLAT, 0.0), [100.0, 60.0]),
    fricative("v", [220.0, 1100.0, 2080.0], 0.3, -11.0, noise(-27.0, FLAT, 0.0), [60.0, 40.0]),
    fricative("th", [320.0, 1290.0, 2540.0], 0.8, SILENT, noise(-25.0, DENTAL, -3.0), [90.0, 50.0]),
    fricative("dh", [270.0, 1290.0, 2540.0], 0.8, -11.0, noise(-29.0, DENTAL, -3.0), [50.0, 30.0]),
    breath("hh", SILENT),
    breath("hv", -8.0),
    Phone {
        manner: Manner::Affricate,
        ..fricative("ch", [350.0, 1800.0, 2820.0], 1.3, SILENT, noise(-10.5, HUSH, -20.0), [75.0, 45.0])
    },
    Phone {
        manner: Manner::Affricate,
        ..fricative("jh", [260.0, 1800.0, 2820.0], 1.3, -12.0, noise(-14.0, HUSH, -20.0), [60.0, 35.0])
    },
    closure("bcl", Labial, -10.0, 64.0),
    closure("dcl", Alveolar, -10.0, 52.0),
    closure("gcl", Velar, -11.0, 54.0),
    closure("pcl", Labial, SILENT, 69.0),
    closure("tcl", Alveolar, SILENT, 53.0),
    closure("kcl", Velar, SILENT, 60.0),
    release("b", Labial, 200.0, SILENT, noise(-19.0, FLAT, 0.0), 18.0),
    release("d", Alveolar, 200.0, SILENT, noise(-15.0, TIP, -16.0), 22.0),
    release("g", Velar, 200.0, SILENT, noise(-14.0, BODY, -20.0), 27.0),
    release("p", Labial, 400.0, -19.0, noise(-18.0, FLAT, 0.0), 44.0),
    release("t", Alveolar, 400.0, -18.0, noise(-12.0, TIP, -16.0), 49.0),
    release("k", Velar, 300.0, -18.0, noise(-12.0, BODY, -20.0), 52.0),
    Phone { voicing_db: -8.0, ..closed("dx", Manner::Flap, Alveolar, 280.0, [28.0, 20.0]) },
    // A stop of the vocal folds: no target of its own, a few slow pulses.
    Phone { manner: Manner::Glottal, voicing_db: -12.0, ..silence("q", [50.0, 30.0]) },
];

/// The row called `name`.
///
/// # Panics
/// When there is none: names come from the tables of this module's neighbours.
pub(super) fn phone(name: &str) -> usize {
    PHONES.iter().position(|phone| phone.name == name).unwrap_or_else(|| panic!("no phone is called `{name}`"))
}

impl Phone {
    /// Whether the vocal folds move.
    pub(super) fn voiced(&self) -> bool {
        self.voicing_db > SILENT
    }

    /// Whether it carries a syllable.
    pub(super) fn syllabic(&self) -> bool {
        self.manner == Manner::Vowel || matches!(self.name, "el" | "en")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phones::{TIMIT_39, fold_48_to_39, fold_61_to_48};
    use std::collections::BTreeSet;

    #[test]
    fn all_scored_phones_can_be_said_and_all_names_are_timits() {
        let folded: BTreeSet<_> =
            PHONES.iter().filter_map(|phone| fold_61_to_48(phone.name).and_then(fold_48_to_39)).collect();
        assert_eq!(folded.into_iter().collect::<Vec<_>>(), TIMIT_39);
        for row in &PHONES {
            assert!(row.name == "q" || fold_61_to_48(row.name).is_some(), "{}", row.name);
            assert_eq!(PHONES[phone(row.name)].name, row.name, "names are unique");
        }
    }

    #[test]
    fn women_over_men_is_the_mean_ratio_of_the_published_table() {
        // Hillenbrand et al. 1995, table V, women: iy ih ey eh ae aa ao ow uh uw ah er; `ow` of the men beside it, whose
        // row here is Klatt's diphthong.
        let women: [(&str, [f64; 4]); 11] = [
            ("iy", [437.0, 2761.0, 3372.0, 4352.0]),
            ("ih", [483.0, 2365.0, 3053.0, 4334.0]),
            ("ey", [536.0, 2530.0, 3047.0, 4319.0]),
            ("eh", [731.0, 2058.0, 2979.0, 4294.0]),
            ("ae", [669.0, 2349.0, 2972.0, 4290.0]),
            ("aa", [936.0, 1551.0, 2815.0, 4299.0]),
            ("ao", [781.0, 1136.0, 2824.0, 3923.0]),
            ("uh", [519.0, 1225.0, 2827.0, 4052.0]),
            ("uw", [459.0, 1105.0, 2735.0, 4115.0]),
            ("ah", [753.0, 1426.0, 2933.0, 4092.0]),
            ("er", [523.0, 1588.0, 1929.0, 3914.0]),
        ];
        let ow = [555.0 / 497.0, 1035.0 / 910.0, 2828.0 / 2459.0, 3927.0 / 3384.0];
        for i in 0..4 {
            let sum: f64 = women.iter().map(|(name, formants)| formants[i] / PHONES[phone(name)].onset[i]).sum();
            assert!(((sum + ow[i]) / 12.0 - WOMEN_OVER_MEN[i]).abs() < 0.001, "F{}: {}", i + 1, (sum + ow[i]) / 12.0);
        }
    }

    #[test]
    fn formants_rise_and_durations_can_shrink() {
        for row in &PHONES {
            for formants in [row.onset, row.offset] {
                assert!(formants.is_sorted_by(|low, high| low + 150.0 < *high), "{}: {formants:?}", row.name);
            }
            assert!(row.minimum_ms < row.inherent_ms, "{}", row.name);
        }
    }
}
