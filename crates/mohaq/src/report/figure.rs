//! Figures: numbers of a report that may be missing, and how they are shown to people.

use mohaq_speech::metric::significant;
use serde::{Deserialize, Serialize};

/// A number of the report: finite, or missing because nobody measured it or because it came out as NaN or ∞.
///
/// In JSON a missing figure is `null`, in CSV an empty field, on the page a dash. That a figure is never NaN makes
/// equality and the round trip through JSON exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Figure(Option<f64>);

impl Figure {
    /// Nothing was measured.
    pub const MISSING: Self = Self(None);

    /// The number, `None` where it is missing.
    pub const fn get(self) -> Option<f64> {
        self.0
    }

    /// Writes the figure for people, in a multiple of its unit that reads well.
    ///
    /// `unit`: `%`, `×`, `B` (shown in KiB or MiB) and `pJ` (shown in nJ or µJ) have a form of their own; any other unit
    /// follows four significant digits. `show` in `assets/elements.js` is the same function for the browser.
    pub fn show(self, unit: &str) -> String {
        let Some(value) = self.0 else { return "–".to_owned() };
        match unit {
            "%" => format!("{value:.2} %"),
            "×" => format!("{value:.2}×"),
            "B" => scaled(value, 1024.0, &["B", "KiB", "MiB", "GiB"]),
            "pJ" => scaled(value, 1000.0, &["pJ", "nJ", "µJ", "mJ"]),
            "" => significant(value),
            other => format!("{} {other}", significant(value)),
        }
    }
}

impl From<f64> for Figure {
    /// NaN and the infinities become missing.
    fn from(value: f64) -> Self {
        Self(value.is_finite().then_some(value))
    }
}

impl From<Option<f64>> for Figure {
    /// `None`, NaN and the infinities become missing.
    fn from(value: Option<f64>) -> Self {
        value.map_or(Self::MISSING, Self::from)
    }
}

/// `value` in the largest of `units`, each `step` times the one before, that keeps it at one or more.
fn scaled(value: f64, step: f64, units: &[&str]) -> String {
    let mut value = value;
    let mut unit = 0;
    while value.abs() >= step && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    format!("{} {}", significant(value), units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_missing() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Figure::from(value), Figure::MISSING);
            assert_eq!(serde_json::to_string(&Figure::from(value)).unwrap(), "null");
        }
        assert_eq!(serde_json::from_str::<Figure>("null").unwrap(), Figure::MISSING);
    }

    #[test]
    fn every_bit_of_a_figure_survives_json() {
        for value in [0.1 + 0.2, 1e-308, f64::MAX, 5e-324, 2.0_f64.sqrt(), -0.0] {
            let text = serde_json::to_string(&Figure::from(value)).unwrap();
            let back = serde_json::from_str::<Figure>(&text).unwrap().get().unwrap();
            assert_eq!(back.to_bits(), value.to_bits(), "{text}");
        }
    }

    #[test]
    fn units_scale_to_what_reads_well() {
        let shown = |value: f64, unit: &str| Figure::from(value).show(unit);
        assert_eq!(shown(16.875, "%"), "16.88 %");
        assert_eq!(shown(8.0, "×"), "8.00×");
        assert_eq!(shown(512.0, "B"), "512 B");
        assert_eq!(shown(1536.0, "B"), "1.500 KiB");
        assert_eq!(shown(2.0 * 1024.0 * 1024.0, "B"), "2 MiB");
        assert_eq!(shown(153_000.0, "pJ"), "153 nJ");
        assert_eq!(shown(12.345, "ms"), "12.35 ms");
        assert_eq!(Figure::MISSING.show("%"), "–");
    }
}
