//! What a user reads when a platform file is not what the schema asks for: line, key, expected, got and a hint.

use super::description::{Description, Model};
use super::document::Place;
use super::error::Fault;
use super::schema::operands::parse_precision;
use crate::quant::Precision;
use mohaq_rt::Bits;
use proptest::prelude::*;

const GOOD: &str = r#"schema = 1
name = "board"
title = "A board"
[sources]
sheet = "data sheet"
[operands]
bits = [4, 8]
tied = true
source = "sheet"
[speedup]
pairs = { 4x4 = 4, 8x8 = { value = 2, estimate = true } }
source = "sheet"
[energy]
mac_pj = { 4x4 = 0.1, 8x8 = 0.5 }
[[memory]]
name = "sram"
holds = ["weights", "vectors"]
bytes = 0x10_0000
load_pj_per_bit = 8e-2
"#;

/// The faults of the file `good` with `old` replaced by `new`.
pub(super) fn faults_in(good: &str, old: &str, new: &str) -> Vec<Fault> {
    assert!(good.contains(old), "{old:?} is not in the good file");
    Description::parse(&good.replacen(old, new, 1)).expect_err("a bad file")
}

/// A fault as a user reads it, with its hint.
pub(super) fn as_read(fault: &Fault) -> String {
    match fault.hint() {
        Some(hint) => format!("{fault}; {hint}"),
        None => fault.to_string(),
    }
}

/// The faults of `GOOD` with `old` replaced by `new`, as a user reads them, hints included.
fn faults(old: &str, new: &str) -> Vec<String> {
    faults_in(GOOD, old, new).iter().map(as_read).collect()
}

#[test]
fn a_good_file_says_what_it_says() {
    let description = Description::parse(GOOD).expect("a good file");
    let precisions: Vec<String> = description.precisions.iter().map(ToString::to_string).collect();
    assert_eq!(precisions, ["4x4", "8x8"]);
    let memory = &description.memories[0];
    assert_eq!(memory.bytes.as_ref().map(|bytes| bytes.value), Some(1_048_576.0));
    assert_eq!(memory.load_pj_per_bit.as_ref().map(|load| load.value), Some(0.08));
    let Model::Ideal { speedup, .. } = &description.model else { panic!("schema 1 is ideal") };
    let speedup = &speedup.as_ref().expect("given").pairs;
    let eight = &speedup[&Precision::new(Bits::Eight, Bits::Eight)];
    assert_eq!((eight.value, eight.provenance.estimate), (2.0, true));
    assert_eq!(eight.provenance.source.as_deref(), Some("sheet"), "the table's source");
    assert_eq!(eight.provenance.place, Place { line: 11, key: "speedup.pairs.8x8".to_owned() });
    let four = &description.mac_pj().expect("given")[&Precision::new(Bits::Four, Bits::Four)];
    assert_eq!(four.provenance.source, None);
}

#[test]
fn an_unknown_key_has_its_line_and_the_nearest_known_one() {
    let bad = faults("load_pj_per_bit = 8e-2", "load_pj_bit = 8e-2");
    assert_eq!(bad, ["line 19: `memory[0].load_pj_bit`: unknown key; did you mean `load_pj_per_bit`?"]);
    assert_eq!(faults("[energy]", "[enrgy]"), ["line 13: `enrgy`: unknown key; did you mean `energy`?"]);
    assert_eq!(faults("tied = true", "colour = 1"), ["line 8: `operands.colour`: unknown key"]);
    let bad = faults("estimate = true", "estimated = true");
    assert_eq!(bad, ["line 11: `speedup.pairs.8x8.estimated`: unknown key; did you mean `estimate`?"]);
}

#[test]
fn a_missing_key_is_named_with_its_table() {
    assert_eq!(faults("title = \"A board\"\n", ""), ["line 1: `title`: missing key"]);
    assert_eq!(faults("mac_pj", "# mac_pj"), ["line 13: `energy.mac_pj`: missing key"]);
    assert_eq!(faults("4x4 = 4, ", ""), ["line 11: `speedup.pairs.4x4`: missing key"]);
    assert_eq!(faults("value = 2, ", ""), ["line 11: `speedup.pairs.8x8.value`: missing key"]);
    assert_eq!(faults("holds", "# holds"), ["line 15: `memory[0].holds`: missing key"]);
}

#[test]
fn a_value_out_of_range_has_expected_and_got() {
    assert_eq!(faults("[4, 8]", "[4, 8, 3]"), ["line 7: `operands.bits[2]`: is 3, expected 2, 4, 8 or 16"]);
    assert_eq!(faults("4x4 = 4,", "4x4 = 0,"), ["line 11: `speedup.pairs.4x4`: is 0, expected a number above zero"]);
    assert_eq!(
        faults("4x4 = 0.1", "4x4 = -0.1"),
        ["line 14: `energy.mac_pj.4x4`: is -0.1, expected zero or a number above"]
    );
    assert_eq!(faults("8e-2", "nan"), ["line 19: `memory[0].load_pj_per_bit`: is nan, expected a finite number"]);
    assert_eq!(faults("0x10_0000", "1.5"), ["line 18: `memory[0].bytes`: is 1.5, expected a whole number above zero"]);
    assert_eq!(
        faults("0x10_0000", "\"1 MiB\""),
        ["line 18: `memory[0].bytes`: is \"1 MiB\", expected a finite number"]
    );
    assert_eq!(faults("name = \"board\"", "name = ' '"), ["line 2: `name`: is an empty string, expected words"]);
}

#[test]
fn pairs_must_be_those_of_the_operands() {
    assert_eq!(
        faults("4x4 = 4,", "4x4 = 4, 4x8 = 3,"),
        ["line 11: `speedup.pairs.4x8`: is 4x8, expected a precision of [operands], 4x4, 8x8"]
    );
    let bad = faults("4x4 = 0.1", "4x4 = 0.1, 4by8 = 3");
    let expected = "is \"4by8\", expected weight x activation bits of 2, 4, 8 or 16, such as 4x8";
    assert_eq!(bad, [format!("line 14: `energy.mac_pj.4by8`: {expected}")]);
    for name in ["8x", "x8", "08x8", "8x8x8", "8X8", "3x8", "+8x8"] {
        assert_eq!(parse_precision(name), None, "{name}");
    }
}

#[test]
fn alternatives_exclude_each_other() {
    let both = faults("tied = true", "pairs = [\"4x4\"]");
    assert_eq!(both, ["line 6: `operands`: is both or neither, expected either `bits` or `pairs`"]);
    let neither = faults("bits = [4, 8]\ntied = true", "");
    assert_eq!(neither, ["line 6: `operands`: is both or neither, expected either `bits` or `pairs`"]);
    let law = faults("[speedup]", "[speedup]\nlaw = 'linear'");
    assert_eq!(law, ["line 10: `speedup`: is both or neither, expected either `law` or `pairs`"]);
    assert_eq!(
        faults("[4, 8]", "[]").first().map(String::as_str),
        Some("line 6: `operands`: is none, expected at least one precision")
    );
}

#[test]
fn what_is_held_lies_in_one_memory() {
    let second = "[[memory]]\nname = \"sram\"\nholds = [\"vectors\"]\n[[memory]]\nname = \"sram\"\nholds = [\"weights\", \"vectors\"]";
    let bad = faults("[[memory]]\nname = \"sram\"\nholds = [\"weights\", \"vectors\"]", second);
    assert_eq!(
        bad,
        [
            "line 18: `memory[1]`: is a second `sram`, expected a name of its own",
            "line 18: `memory[1]`: is what `sram` holds already, expected weights and vectors in one memory each",
        ]
    );
    let bad = faults("\"vectors\"]", "\"activations\"]");
    assert_eq!(bad, ["line 17: `memory[0].holds[1]`: is \"activations\", expected \"weights\" or \"vectors\""]);
}

#[test]
fn a_source_must_be_listed() {
    let bad = faults("source = \"sheet\"", "source = \"shet\"");
    assert_eq!(bad, ["line 9: `operands.source`: source `shet` is not in [sources]; did you mean `sheet`?"]);
}

#[test]
fn another_schema_is_the_only_fault_reported() {
    assert_eq!(faults("schema = 1", "schema = 3\ncolour = 1"), ["line 1: `schema`: is 3, expected 1 or 2"]);
    assert_eq!(faults("schema = 1", ""), ["line 1: `schema`: missing key"]);
}

#[test]
fn all_faults_are_found_at_once() {
    let bad = faults("[4, 8]\ntied = true", "[4, 8]\ntied = 1\ncolour = 2");
    assert_eq!(bad.len(), 2, "{bad:?}");
    let bad = faults("title = \"A board\"", "titel = \"A board\"\nnotes = 3");
    let expected = [
        "line 1: `title`: missing key",
        "line 3: `titel`: unknown key; did you mean `title`?",
        "line 4: `notes`: is 3, expected an array",
    ];
    assert_eq!(bad, expected);
}

#[test]
fn what_is_not_toml_has_its_line() {
    let bad = faults("name = \"board\"", "name = board");
    assert!(bad.len() == 1 && bad[0].starts_with("line 2: "), "{bad:?}");
    let bad = faults("title = \"A board\"", "name = \"again\"");
    assert_eq!(bad, ["line 3: `name`: duplicate key"]);
}

#[test]
fn a_cap_bounds_the_law() {
    let capped =
        GOOD.replacen("pairs = { 4x4 = 4, 8x8 = { value = 2, estimate = true } }", "law = 'bit-product'\ncap = 10", 1);
    let description = Description::parse(&capped).expect("a good file");
    let Model::Ideal { speedup: Some(speedup), .. } = description.model else { panic!("a speedup is given") };
    let values: Vec<f64> = speedup.pairs.values().map(|quantity| quantity.value).collect();
    assert_eq!(values, [10.0, 4.0]);
    assert_eq!(
        faults("source = \"sheet\"\n[energy]", "cap = 2\n[energy]"),
        ["line 12: `speedup.cap`: is one, expected no such key beside `pairs`"]
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(
        drop in proptest::collection::vec(0_usize..19, 0..6),
        edits in proptest::collection::vec((0_usize..500, proptest::char::range(' ', '~')), 0..6),
    ) {
        let lines = GOOD.lines().enumerate().filter(|(i, _)| !drop.contains(i)).map(|(_, line)| line);
        let mut text: Vec<char> = lines.collect::<Vec<_>>().join("\n").chars().collect();
        for (at, letter) in edits {
            let length = text.len();
            if length > 0 {
                text[at % length] = letter;
            }
        }
        let text: String = text.into_iter().collect();
        if let Err(faults) = Description::parse(&text) {
            prop_assert!(!faults.is_empty());
            prop_assert!(faults.iter().all(|fault| (1..=text.lines().count().max(1)).contains(&fault.line)), "{faults:?}");
            prop_assert!(faults.is_sorted_by_key(|fault| fault.line));
        }
    }
}
