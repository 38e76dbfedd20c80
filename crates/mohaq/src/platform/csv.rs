//! Products that were measured elsewhere, as comma separated values.
//!
//! The first row names the columns, in any order: `inputs`, `outputs`, `bits` (weight × activation, `4x8`), the time of one
//! vector as `cycles`, `ns` or `us`, and if it was measured its energy as `pj` or `nj`; `kind` is `input` (the vectors of many
//! frames are there at once), `recurrent` (one vector after the other), or empty for both. Lines that begin with # are comments.

use super::error::PlatformError;
use super::samples::{Sample, Shape};
use crate::quant::Precision;
use std::collections::BTreeMap;

/// A column, and what a number in it is multiplied by.
#[derive(Clone, Copy, Debug)]
struct Column {
    place: usize,
    name: &'static str,
    factor: f64,
}

/// Where each thing stands.
#[derive(Clone, Copy, Debug)]
struct Columns {
    inputs: Column,
    outputs: Column,
    bits: Column,
    time: Column,
    energy: Option<Column>,
    kind: Option<Column>,
}

/// Columns of time, with ns a unit where that does not depend on a clock.
const TIMES: [(&str, Option<f64>); 3] = [("ns", Some(1.0)), ("us", Some(1e3)), ("cycles", None)];

/// Columns of energy, with pJ a unit.
const ENERGIES: [(&str, f64); 2] = [("pj", 1.0), ("nj", 1e3)];

/// Every column there is.
const NAMES: [&str; 9] = ["inputs", "outputs", "bits", "ns", "us", "cycles", "pj", "nj", "kind"];

/// The products in `text`, a table that errors call `origin`. `hz` is the clock that cycles are counted by.
///
/// # Errors
/// [`PlatformError::Table`] by line: a column that is missing, unknown or there twice, cycles without a clock, a value that is not
/// what its column holds, a product that was there before.
pub fn parse_csv(text: &str, origin: &str, hz: Option<f64>) -> Result<Vec<Sample>, PlatformError> {
    let named = |(line, problem)| PlatformError::Table { origin: origin.to_owned(), line, problem };
    parse(text, hz).map_err(named)
}

/// A line, and what is wrong with it.
type Wrong = (u64, String);

fn parse(text: &str, hz: Option<f64>) -> Result<Vec<Sample>, Wrong> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(text.as_bytes());
    let heading = reader.headers().map_err(|error| unreadable(text, &error))?.clone();
    let columns = Columns::new(&heading, hz)?;
    let mut samples = Vec::new();
    let mut lines = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(text, &error))?;
        let line = line_of(text, record.position());
        let sample = columns.sample(&record, line)?;
        let Shape { inputs, outputs, recurrent } = sample.shape;
        let kinds = recurrent.map_or(vec![false, true], |kind| vec![kind]);
        for kind in kinds {
            if let Some(first) = lines.insert((inputs, outputs, kind, sample.precision), line) {
                let got = format!("a second {inputs} to {outputs} at {}", sample.precision);
                return Err(fault(line, &got, &format!("every product once; the first is in line {first}")));
            }
        }
        samples.push(sample);
    }
    Ok(samples)
}

impl Columns {
    fn new(heading: &csv::StringRecord, hz: Option<f64>) -> Result<Self, Wrong> {
        let mut columns: BTreeMap<&str, Column> = BTreeMap::new();
        for (place, given) in heading.iter().enumerate() {
            let Some(&name) = NAMES.iter().find(|name| given.eq_ignore_ascii_case(name)) else {
                return Err(fault(1, &format!("column {given:?}"), &format!("columns among {}", NAMES.join(", "))));
            };
            if columns.insert(name, Column { place, name, factor: 1.0 }).is_some() {
                return Err(fault(1, &format!("a second column `{name}`"), "every column once"));
            }
        }
        let ns = |unit: Option<f64>| {
            let hz = hz.filter(|hz| *hz > 0.0 && hz.is_finite());
            unit.or(hz.map(|hz| 1e9 / hz)).ok_or_else(|| fault(1, "cycles without a clock", "a clock in Hz"))
        };
        let times = TIMES.iter().filter_map(|(name, unit)| Some((*columns.get(name)?, *unit)));
        let times = times.map(|(column, unit)| Ok(Column { factor: ns(unit)?, ..column }));
        let energies = ENERGIES.iter().filter_map(|(name, pj)| Some(Ok(Column { factor: *pj, ..*columns.get(name)? })));
        let of = |name| columns.get(name).copied().ok_or_else(|| fault(1, &format!("no column `{name}`"), "one"));
        Ok(Self {
            inputs: of("inputs")?,
            outputs: of("outputs")?,
            bits: of("bits")?,
            time: only(times, "`ns`, `us` or `cycles`")?
                .ok_or_else(|| fault(1, "no time", "a column `ns`, `us` or `cycles`"))?,
            energy: only(energies, "`pj` or `nj`")?,
            kind: columns.get("kind").copied(),
        })
    }

    fn sample(&self, record: &csv::StringRecord, line: u64) -> Result<Sample, Wrong> {
        let text = |column: Column| record.get(column.place).unwrap_or("");
        let refuse =
            |column: Column, expected: &str| fault(line, &format!("`{}` {:?}", column.name, text(column)), expected);
        let length = |column: Column| {
            let length = text(column).parse().ok().filter(|length| *length > 0);
            length.ok_or_else(|| refuse(column, "a whole number above zero"))
        };
        let amount = |column: Column| {
            let amount = text(column).parse().ok().filter(|amount: &f64| *amount > 0.0 && amount.is_finite());
            amount.map(|amount| amount * column.factor).ok_or_else(|| refuse(column, "a number above zero"))
        };
        let precision: Option<Precision> = text(self.bits).parse().ok();
        let recurrent = match self.kind.map(|column| (column, text(column))) {
            None | Some((_, "")) => None,
            Some((_, "input")) => Some(false),
            Some((_, "recurrent")) => Some(true),
            Some((column, _)) => return Err(refuse(column, "`input`, `recurrent` or nothing")),
        };
        Ok(Sample {
            shape: Shape { inputs: length(self.inputs)?, outputs: length(self.outputs)?, recurrent },
            precision: precision.ok_or_else(|| refuse(self.bits, "weight x activation bits, such as 4x8"))?,
            ns: amount(self.time)?,
            pj: self.energy.map(amount).transpose()?,
        })
    }
}

/// The only one of several columns that say the same.
fn only(mut columns: impl Iterator<Item = Result<Column, Wrong>>, names: &str) -> Result<Option<Column>, Wrong> {
    let first = columns.next().transpose()?;
    match columns.next().transpose()? {
        None => Ok(first),
        Some(second) => Err(fault(1, &format!("a second column, `{}`", second.name), &format!("one of {names}"))),
    }
}

fn fault(line: u64, got: &str, expected: &str) -> Wrong {
    (line, format!("{got}, expected {expected}"))
}

/// The line of a record that is looked for from `from` on: blank lines and comments come before it.
fn line_of(text: &str, from: Option<&csv::Position>) -> u64 {
    let from = from.map_or(0, |position| position.byte() as usize).min(text.len());
    let passed = text.as_bytes()[..from].iter().filter(|&&byte| byte == b'\n').count();
    let rest = text.get(from..).unwrap_or("").lines();
    1 + (passed + rest.take_while(|line| line.is_empty() || line.starts_with('#')).count()) as u64
}

fn unreadable(text: &str, error: &csv::Error) -> Wrong {
    let line = line_of(text, error.position());
    let problem = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!("{len} fields, expected {expected_len}"),
        _ => error.to_string(),
    };
    (line, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
# Cortex-M4 at 168 MHz, DWT cycle counter
inputs,outputs,bits,cycles,nj,kind
16, 64, 8x8, 168, 0.5, input
16,64,4x8,336,0.25,

16,64,8x8,1680,1,recurrent
";

    fn refused(old: &str, new: &str) -> String {
        assert!(TABLE.contains(old));
        parse_csv(&TABLE.replacen(old, new, 1), "t", Some(168e6)).expect_err("a bad table").to_string().replacen(
            "table t: ",
            "",
            1,
        )
    }

    #[test]
    fn cycles_become_ns_by_the_clock() {
        let samples = parse_csv(TABLE, "t", Some(168e6)).unwrap();
        let shape = |recurrent| Shape { inputs: 16, outputs: 64, recurrent };
        let sample = |recurrent, bits: &str, ns, pj| Sample {
            shape: shape(recurrent),
            precision: bits.parse().unwrap(),
            ns,
            pj: Some(pj),
        };
        let expected = [
            sample(Some(false), "8x8", 168.0 * (1e9 / 168e6), 500.0),
            sample(None, "4x8", 336.0 * (1e9 / 168e6), 250.0),
            sample(Some(true), "8x8", 1680.0 * (1e9 / 168e6), 1000.0),
        ];
        assert_eq!(samples, expected);
        let ns = parse_csv("bits,outputs,ns,inputs\n2x2,3,7,5\n", "t", None).unwrap();
        assert_eq!((ns[0].ns, ns[0].pj, ns[0].shape.inputs), (7.0, None, 5));
        assert_eq!(parse_csv("BITS,outputs,us,inputs\n2x2,3,7,5\n", "t", None).unwrap()[0].ns, 7000.0);
    }

    #[test]
    fn what_is_wrong_is_said_by_line() {
        assert_eq!(
            refused("64,4x8", "64,8x8"),
            "line 4: a second 16 to 64 at 8x8, expected every product once; the first is in line 3"
        );
        assert_eq!(refused("8x8, 168", "8x8, -168"), "line 3: `cycles` \"-168\", expected a number above zero");
        assert_eq!(refused("8x8, 168", "8x8, NaN"), "line 3: `cycles` \"NaN\", expected a number above zero");
        assert_eq!(refused("16, 64", "0, 64"), "line 3: `inputs` \"0\", expected a whole number above zero");
        assert_eq!(refused("16, 64", "16, 6.5"), "line 3: `outputs` \"6.5\", expected a whole number above zero");
        assert_eq!(refused("4x8", "3x8"), "line 4: `bits` \"3x8\", expected weight x activation bits, such as 4x8");
        assert_eq!(refused("0.5, input", "0.5, x"), "line 3: `kind` \"x\", expected `input`, `recurrent` or nothing");
        assert_eq!(refused("336,0.25,", "336,0.25"), "line 4: 5 fields, expected 6");
        assert_eq!(
            refused("1680,1,recurrent", "1680,1,input"),
            "line 6: a second 16 to 64 at 8x8, expected every product once; the first is in line 3"
        );
    }

    #[test]
    fn columns_are_known_and_say_a_thing_once() {
        let all = NAMES.join(", ");
        assert_eq!(refused("cycles", "clocks"), format!("line 1: column \"clocks\", expected columns among {all}"));
        assert_eq!(refused("nj", "bits"), "line 1: a second column `bits`, expected every column once");
        assert_eq!(refused("nj", "us"), "line 1: a second column, `cycles`, expected one of `ns`, `us` or `cycles`");
        assert_eq!(refused("cycles", "pj"), "line 1: no time, expected a column `ns`, `us` or `cycles`");
        assert_eq!(refused("inputs", "pj"), "line 1: no column `inputs`, expected one");
        let clockless = parse_csv(TABLE, "t", None).expect_err("no clock").to_string();
        assert_eq!(clockless, "table t: line 1: cycles without a clock, expected a clock in Hz");
    }
}
