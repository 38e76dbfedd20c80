//! A TOML file read key by key: every key asked for is known, every other is a fault with its line.
//!
//! Faults are collected, so that a user sees all of them at once. A reading function returns `None` after it has noted
//! why; the caller goes on with the next key.

use super::error::{Fault, Problem};
use toml::de::{DeTable, DeValue};

/// Where in the file something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Line, from 1.
    pub(super) line: usize,
    /// Path of the key; empty for the whole file.
    pub(super) key: String,
}

/// Collects what is wrong with a file.
pub(super) struct Faults<'t> {
    text: &'t str,
    list: Vec<Fault>,
}

/// A table whose keys are taken one after the other.
pub(super) struct Table<'t> {
    pub(super) place: Place,
    entries: DeTable<'t>,
    known: Vec<&'static str>,
}

/// A value, and where it stands.
pub(super) struct Item<'t> {
    pub(super) place: Place,
    value: DeValue<'t>,
}

impl<'t> Faults<'t> {
    /// Parses `text` as TOML.
    ///
    /// # Errors
    /// The first fault of syntax.
    pub(super) fn parse(text: &'t str) -> Result<(Self, Table<'t>), Fault> {
        let faults = Self { text, list: Vec::new() };
        match DeTable::parse(text) {
            Ok(root) => {
                let place = Place { line: 1, key: String::new() };
                Ok((faults, Table { place, entries: root.into_inner(), known: Vec::new() }))
            }
            Err(error) => {
                let span = error.span().unwrap_or_else(|| deep_key(text));
                // Of all faults of syntax, this one alone is about a key.
                let key = if error.message() == "duplicate key" { text.get(span.clone()).unwrap_or("") } else { "" };
                let problem = Problem::Syntax { message: error.message().to_owned() };
                Err(Fault { line: faults.line(span.start), key: key.to_owned(), problem })
            }
        }
    }

    /// Notes that something is wrong at `place`.
    pub(super) fn add(&mut self, place: &Place, problem: Problem) {
        self.list.push(Fault { line: place.line, key: place.key.clone(), problem });
    }

    /// Notes that the value at `place` is `got` where the schema allows `expected`.
    pub(super) fn value(&mut self, place: &Place, expected: &str, got: String) {
        self.add(place, Problem::Value { expected: expected.to_owned(), got });
    }

    /// Number of faults so far.
    pub(super) fn count(&self) -> usize {
        self.list.len()
    }

    /// The faults in the order of lines, `value` if there are none. A `None` without a fault would be our bug.
    pub(super) fn finish<T>(mut self, value: Option<T>) -> Result<T, Vec<Fault>> {
        self.list.sort_by_key(|fault| fault.line);
        match value {
            Some(value) if self.list.is_empty() => Ok(value),
            value => {
                assert!(value.is_some() || !self.list.is_empty(), "a value is missing without a fault");
                Err(self.list)
            }
        }
    }

    fn line(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
    }
}

impl<'t> Table<'t> {
    /// The value of `key`, if there is one.
    pub(super) fn optional(&mut self, key: &'static str, faults: &Faults<'t>) -> Option<Item<'t>> {
        self.known.push(key);
        let (name, value) = self.entries.remove_entry(key)?;
        Some(self.item(name.get_ref(), name.span().start, value.into_inner(), faults))
    }

    /// The value of `key`; a fault if there is none.
    pub(super) fn required(&mut self, key: &'static str, faults: &mut Faults<'t>) -> Option<Item<'t>> {
        let item = self.optional(key, faults);
        if item.is_none() {
            faults.add(&self.inner(key), Problem::MissingKey);
        }
        item
    }

    /// Every entry that is left, for tables whose keys the schema leaves open.
    pub(super) fn rest(mut self, faults: &Faults<'t>) -> Vec<(String, Item<'t>)> {
        std::mem::take(&mut self.entries)
            .into_iter()
            .map(|(name, value)| {
                let start = name.span().start;
                let name = name.into_inner().into_owned();
                let item = self.item(&name, start, value.into_inner(), faults);
                (name, item)
            })
            .collect()
    }

    /// Notes every entry that nobody asked for.
    pub(super) fn close(self, faults: &mut Faults<'t>) {
        let known = self.known.clone();
        for (name, item) in self.rest(faults) {
            let nearest = nearest(&name, known.iter().copied()).map(str::to_owned);
            faults.add(&item.place, Problem::UnknownKey { nearest });
        }
    }

    /// Where `key` of this table would stand.
    pub(super) fn inner(&self, key: &str) -> Place {
        let key = if self.place.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place.key) };
        Place { line: self.place.line, key }
    }

    fn item(&self, name: &str, start: usize, value: DeValue<'t>, faults: &Faults<'t>) -> Item<'t> {
        Item { place: Place { line: faults.line(start), ..self.inner(name) }, value }
    }
}

impl<'t> Item<'t> {
    /// The string; a fault if it is none.
    pub(super) fn string(self, faults: &mut Faults<'t>) -> Option<String> {
        match self.value {
            DeValue::String(text) => Some(text.into_owned()),
            _ => self.refuse("a string", faults),
        }
    }

    /// The string, which must say something.
    pub(super) fn words(self, faults: &mut Faults<'t>) -> Option<String> {
        let place = self.place.clone();
        let text = self.string(faults)?;
        if text.trim().is_empty() {
            faults.value(&place, "words", "an empty string".to_owned());
            return None;
        }
        Some(text)
    }

    /// The boolean; a fault if it is none.
    pub(super) fn boolean(self, faults: &mut Faults<'t>) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(value),
            _ => self.refuse("true or false", faults),
        }
    }

    /// The number, whole or not; a fault if it is none or not finite.
    pub(super) fn number(self, faults: &mut Faults<'t>) -> Option<f64> {
        let parsed = match &self.value {
            DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix()).ok().map(|n| n as f64),
            DeValue::Float(digits) => digits.as_str().parse().ok().filter(|x: &f64| x.is_finite()),
            _ => None,
        };
        match parsed {
            Some(number) => Some(number),
            None => self.refuse("a finite number", faults),
        }
    }

    /// The items of the array; a fault if it is none.
    pub(super) fn array(self, faults: &mut Faults<'t>) -> Option<Vec<Self>> {
        let DeValue::Array(items) = self.value else { return self.refuse("an array", faults) };
        let inner = |(i, item): (usize, toml::Spanned<DeValue<'t>>)| {
            let place = Place { line: faults.line(item.span().start), key: format!("{}[{i}]", self.place.key) };
            Item { place, value: item.into_inner() }
        };
        Some(items.into_iter().enumerate().map(inner).collect())
    }

    /// The table; a fault if it is none.
    pub(super) fn table(self, faults: &mut Faults<'t>) -> Option<Table<'t>> {
        match self.value {
            DeValue::Table(entries) => Some(Table { place: self.place, entries, known: Vec::new() }),
            _ => self.refuse("a table", faults),
        }
    }

    /// Whether it is this string.
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(&self.value, DeValue::String(own) if own == text)
    }

    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    fn refuse<T>(self, expected: &str, faults: &mut Faults<'t>) -> Option<T> {
        let got = match &self.value {
            DeValue::String(text) => format!("{text:?}"),
            DeValue::Integer(digits) => digits.to_string(),
            DeValue::Float(digits) => digits.to_string(),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Datetime(_) => "a date".to_owned(),
            DeValue::Array(_) => "an array".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        };
        faults.value(&self.place, expected, got);
        None
    }
}

/// Where the parser, which does not say it, found a key of too many parts: the first line with as many dots.
fn deep_key(text: &str) -> std::ops::Range<usize> {
    /// Parts from which the crate `toml` refuses a key.
    const PARTS: usize = 80;
    let is_deep = |line: &&str| line.matches('.').count() + 1 >= PARTS;
    let start = text.lines().find(is_deep).map_or(0, |line| line.as_ptr().addr() - text.as_ptr().addr());
    start..start
}

/// The candidate most like `name`, if one is so like it that it may be meant.
pub(super) fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    /// Jaro-Winkler similarity from which a name counts as a slip for another. Seems reasonable: `speeup` and
    /// `speedup` have 0.97, `energy` and `memory` 0.67.
    const ALIKE: f64 = 0.75;
    candidates
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_have_a_nearest_key_and_other_words_have_none() {
        let keys = ["speedup", "energy", "memory", "operands"];
        assert_eq!(nearest("speeup", keys.into_iter()), Some("speedup"));
        assert_eq!(nearest("enegry", keys.into_iter()), Some("energy"));
        assert_eq!(nearest("colour", keys.into_iter()), None);
        assert_eq!(nearest("", keys.into_iter()), None);
        assert_eq!(nearest("speedup", std::iter::empty()), None);
    }
}
