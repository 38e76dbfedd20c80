//! Measured products as a platform file.

use super::error::PlatformError;
use super::table::TablePlatform;
use crate::quant::Precision;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What is multiplied: a vector of `inputs` by a matrix of `inputs` × `outputs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    /// Length of the vector.
    pub inputs: usize,
    /// Length of the result.
    pub outputs: usize,
    /// Whether the vector is made of the frame before, or there for many frames at once; `None` for both.
    pub recurrent: Option<bool>,
}

/// One measured product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// What was multiplied.
    pub shape: Shape,
    /// At which precision.
    pub precision: Precision,
    /// Time of one vector, ns.
    pub ns: f64,
    /// Energy of one vector, pJ.
    pub pj: Option<f64>,
}

/// Measured products, and who measured them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleTable {
    /// Name of the platform.
    pub name: String,
    /// One line that says what it is.
    pub title: String,
    /// What a reader of results should know.
    pub notes: Vec<String>,
    /// Who measured, how and when.
    pub source: String,
    /// Time of an elementwise operation, ns.
    pub elementwise_ns: Option<f64>,
    /// The products; no shape and precision twice.
    pub samples: Vec<Sample>,
}

impl SampleTable {
    /// The platform file, model `lut`, in schema 2.
    ///
    /// # Errors
    /// [`PlatformError::Faults`] where the platform would be refused: without samples, or with numbers not above zero.
    pub fn to_toml(&self) -> Result<String, PlatformError> {
        let text = self.written();
        TablePlatform::parse(&text, &self.name).map(|_| text)
    }

    fn written(&self) -> String {
        let precisions: BTreeSet<Precision> = self.samples.iter().map(|sample| sample.precision).collect();
        let pairs: Vec<String> = precisions.iter().map(|precision| format!("\"{precision}\"")).collect();
        let notes: Vec<String> = self.notes.iter().map(|note| quoted(note)).collect();
        let mut text = format!(
            "schema = 2\nmodel = \"lut\"\nname = {}\ntitle = {}\nnotes = [{}]\n\n[sources]\nmeasured = {}\n\n\
             [operands]\npairs = [{}]\nsource = \"measured\"\n\n[lut]\nsource = \"measured\"\n",
            quoted(&self.name),
            quoted(&self.title),
            notes.join(", "),
            quoted(&self.source),
            pairs.join(", ")
        );
        if let Some(ns) = self.elementwise_ns {
            text += &format!("elementwise_ns = {}\n", number(ns));
        }
        for (shape, samples) in self.by_shape() {
            product(&mut text, shape, &samples);
        }
        text
    }

    fn by_shape(&self) -> BTreeMap<Shape, Vec<&Sample>> {
        let mut shapes: BTreeMap<Shape, Vec<&Sample>> = BTreeMap::new();
        for sample in &self.samples {
            shapes.entry(sample.shape).or_default().push(sample);
        }
        shapes.values_mut().for_each(|samples| samples.sort_by_key(|sample| sample.precision));
        shapes
    }
}

fn product(text: &mut String, shape: Shape, samples: &[&Sample]) {
    let Shape { inputs, outputs, recurrent } = shape;
    // Writing to a string does not fail.
    _ = write!(text, "\n[[lut.product]]\ninputs = {inputs}\noutputs = {outputs}\n");
    if let Some(recurrent) = recurrent {
        _ = writeln!(text, "recurrent = {recurrent}");
    }
    let table = |of: fn(&Sample) -> Option<f64>| {
        let pairs: Option<Vec<String>> = samples
            .iter()
            .map(|sample| of(sample).map(|value| format!("{} = {}", sample.precision, number(value))))
            .collect();
        pairs.map(|pairs| pairs.join(", "))
    };
    for (key, pairs) in [("ns", table(|sample| Some(sample.ns))), ("pj", table(|sample| sample.pj))] {
        if let Some(pairs) = pairs {
            _ = writeln!(text, "{key} = {{ {pairs} }}");
        }
    }
}

/// Four digits: more than any measurement is worth.
fn number(value: f64) -> String {
    let rounded: f64 = format!("{value:.3e}").parse().unwrap_or(value);
    format!("{rounded:?}")
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{Platform, check_text};

    fn sample(inputs: usize, bits: &str, ns: f64, pj: Option<f64>) -> Sample {
        let shape = Shape { inputs, outputs: 64, recurrent: (inputs == 64).then_some(true) };
        Sample { shape, precision: bits.parse().unwrap(), ns, pj }
    }

    fn table(samples: Vec<Sample>) -> SampleTable {
        SampleTable {
            name: "my \"board\"".into(),
            title: "A board".into(),
            notes: vec!["Measured at 25 degrees.".into()],
            source: "measured by hand".into(),
            elementwise_ns: Some(1.0 / 3.0),
            samples,
        }
    }

    #[test]
    fn a_table_is_a_platform_without_a_remark() {
        let samples = vec![
            sample(64, "8x8", 1234.567, Some(20.0)),
            sample(16, "8x8", 321.0, Some(1e-3)),
            sample(16, "4x8", 100.0, Some(1e6)),
        ];
        let text = table(samples).to_toml().unwrap();
        assert_eq!(check_text(&text), []);
        let report = TablePlatform::parse(&text, "test").unwrap().describe();
        assert_eq!((report.name.as_str(), report.model), ("my \"board\"", "lut"));
        let shown: Vec<String> =
            report.numbers.iter().map(|number| format!("{} {} {}", number.key, number.value, number.unit)).collect();
        let expected = [
            "lut.elementwise_ns 0.3333 ns",
            "lut.16-64.ns.4x8 100 ns",
            "lut.16-64.ns.8x8 321 ns",
            "lut.16-64.pj.4x8 1000000 pJ",
            "lut.16-64.pj.8x8 0.001 pJ",
            "lut.recurrent.64-64.ns.8x8 1235 ns",
            "lut.recurrent.64-64.pj.8x8 20 pJ",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn energy_of_some_precisions_alone_is_left_out() {
        let text = table(vec![sample(16, "8x8", 3.0, Some(1.0)), sample(16, "4x8", 2.0, None)]).to_toml().unwrap();
        assert!(!text.contains("pj"), "{text}");
    }

    #[test]
    fn what_no_platform_can_be_is_refused() {
        table(Vec::new()).to_toml().expect_err("nothing was measured");
        table(vec![sample(16, "8x8", 0.0, None)]).to_toml().expect_err("nothing takes no time");
        table(vec![sample(16, "8x8", f64::NAN, None)]).to_toml().expect_err("not a time");
    }
}
