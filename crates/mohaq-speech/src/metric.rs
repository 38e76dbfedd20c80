//! What an error is measured in.
//!
//! Classes are counted, and the error is a share of wrong ones in per cent; a regression is wrong by so many of the target's own
//! units, a language model by a perplexity, and a user's own score by whatever the user says. Whoever shows, bounds or
//! compares an error asks its [`Metric`] how. Lower is better for all of them.

use serde::{Deserialize, Serialize};

/// What candidates are judged by: the name of an error, and its unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// What a person calls it: `phone error rate`.
    pub name: String,
    /// What stands behind its numbers: `%`, `°C`; empty for plain numbers.
    pub unit: String,
}

/// Per cent, the unit of error rates.
const PERCENT: &str = "%";

/// Points over the float network that MOHAQ allows a candidate.
const RATE_INCREASE: f64 = 8.0;

/// What an error in any other unit may grow by, as a share of the float network's. Seemed reasonable: an error rate of 16 % may
/// grow by as much.
const OTHER_INCREASE: f64 = 0.5;

impl Metric {
    /// An error in `unit`.
    pub fn new(name: impl Into<String>, unit: impl Into<String>) -> Self {
        Self { name: name.into(), unit: unit.into() }
    }

    /// An error rate, in per cent.
    pub fn rate(name: &str) -> Self {
        Self::new(name, PERCENT)
    }

    /// Whether it is an error rate: its values are per cent, and differ by points.
    pub fn is_rate(&self) -> bool {
        self.unit == PERCENT
    }

    /// Name and unit: `phone error rate`, `root mean square error (°C)`.
    pub fn label(&self) -> String {
        if self.is_rate() || self.unit.is_empty() || self.unit == self.name {
            self.name.clone()
        } else {
            format!("{} ({})", self.name, self.unit)
        }
    }

    /// What a training keeps as its validation error, in this unit: it keeps error rates as shares, 0 … 1.
    pub fn of_training(&self, error: f64) -> f64 {
        if self.is_rate() { 100.0 * error } else { error }
    }

    /// A value for people: `16.88 %`, `0.03125 °C`.
    pub fn show(&self, value: f64) -> String {
        match self.unit.as_str() {
            PERCENT => format!("{value:.2} %"),
            "" => significant(value),
            unit => format!("{} {unit}", significant(value)),
        }
    }

    /// A value without its unit, for a column that is headed by [`headed`](Self::headed).
    pub fn number(&self, value: f64) -> String {
        if self.is_rate() { format!("{value:.2}") } else { significant(value) }
    }

    /// The heading of a column: `valid %`, `valid °C`, `valid`.
    pub fn headed(&self, what: &str) -> String {
        format!("{what} {}", self.unit).trim_end().to_owned()
    }

    /// A difference for people, with its sign: `+0.42 points`, `−0.5000 °C`.
    pub fn difference(&self, value: f64) -> String {
        let sign = if value < 0.0 { '−' } else { '+' };
        let unit = if self.is_rate() { "points" } else { &self.unit };
        format!("{sign}{} {unit}", self.number(value.abs())).trim_end().to_owned()
    }

    /// What a point of an error rate is here: the least difference worth talking of. A point, or a hundredth of the `float`
    /// network's error; where that is 0, a hundredth.
    pub fn point(&self, float: f64) -> f64 {
        match float.abs() {
            _ if self.is_rate() => 1.0,
            0.0 => 0.01,
            size => size / 100.0,
        }
    }

    /// [`point`](Self::point) for people: `1 point`, `1 %`.
    pub fn point_name(&self) -> &'static str {
        if self.is_rate() { "1 point" } else { "1 %" }
    }

    /// How much more error than the `float` network's a candidate may make where nobody says: 8 points, or half of it;
    /// `None` where it is not above 0, and nothing is known of a scale.
    pub fn increase(&self, float: f64) -> Option<f64> {
        if self.is_rate() { Some(RATE_INCREASE) } else { (float > 0.0).then_some(OTHER_INCREASE * float) }
    }
}

/// `value` with about four significant digits: as many decimals as it lacks digits before the point.
pub fn significant(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 1000.0 || value == value.trunc() => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        size if size >= 1.0 => 3,
        size if size >= 0.001 => 5,
        _ => return format!("{value:.3e}"),
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_differences_have_their_unit() {
        let (rate, degrees, plain) =
            (Metric::rate("frame error rate"), Metric::new("error", "°C"), Metric::new("error", ""));
        assert_eq!([&rate, &degrees, &plain].map(|metric| metric.show(12.3456)), ["12.35 %", "12.35 °C", "12.35"]);
        assert_eq!(rate.difference(-0.104), "−0.10 points");
        assert_eq!(degrees.difference(0.5), "+0.50000 °C");
        assert_eq!(plain.difference(2.0), "+2");
        assert_eq!([&rate, &degrees, &plain].map(|metric| metric.headed("test")), ["test %", "test °C", "test"]);
    }

    #[test]
    fn rates_may_grow_by_points_and_other_errors_by_their_size() {
        let (rate, perplexity) = (Metric::rate("frame error rate"), Metric::new("perplexity", "perplexity"));
        assert_eq!((rate.increase(16.0), rate.point(16.0)), (Some(8.0), 1.0));
        assert_eq!((perplexity.increase(4.0), perplexity.point(4.0)), (Some(2.0), 0.04));
        assert_eq!((perplexity.increase(-4.0), perplexity.increase(0.0), perplexity.point(0.0)), (None, None, 0.01));
    }
}
