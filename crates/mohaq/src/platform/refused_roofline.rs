//! What a user reads when a file of schema 2 is not what the schema asks for.

use super::description::Description;
use super::refused::{as_read, faults_in};

const GOOD: &str = r#"schema = 2
name = "board"
title = "A board"
model = "roofline"
[sources]
sheet = "data sheet"
[operands]
pairs = ["8x8", "8x16", "16x16"]
source = "sheet"
[compute]
hz = 80e6
macs_per_cycle = { 8x8 = 2, 8x16 = 1, 16x16 = 1 }
elementwise_per_cycle = 0.5
pad_inputs = 4
source = "sheet"
[energy]
mac_pj = { 8x8 = 1, 8x16 = 2, 16x16 = 2 }
elementwise_pj = 2
source = "sheet"
[[memory]]
name = "flash"
holds = ["weights", "vectors"]
bytes_per_cycle = 4
overlapped = true
load_pj_per_bit = 3
source = "sheet"
[[memory]]
name = "ram"
holds = ["activations"]
bytes = 65_536
load_pj_per_bit = 0.5
source = "sheet"
"#;

/// The faults of `GOOD` with `old` replaced by `new`, as a user reads them, hints included.
fn faults(old: &str, new: &str) -> Vec<String> {
    faults_in(GOOD, old, new).iter().map(as_read).collect()
}

#[test]
fn a_good_file_has_neither_faults_nor_remarks() {
    assert_eq!(super::check_text(GOOD), []);
}

#[test]
fn a_model_is_one_of_those_that_there_are() {
    assert_eq!(faults("model = \"roofline\"\n", ""), ["line 1: `model`: missing key"]);
    let bad = faults("\"roofline\"", "\"cache\"");
    assert_eq!(bad, ["line 4: `model`: is \"cache\", expected \"ideal\", \"roofline\", \"systolic\" or \"lut\""]);
    assert_eq!(faults("\"roofline\"", "1"), ["line 4: `model`: is 1, expected a string"]);
}

#[test]
fn a_section_of_another_model_is_refused() {
    let bad = faults("[energy]", "[clock]\nhz = 1\n[energy]");
    assert_eq!(bad, ["line 16: `clock`: is one, expected no such key with model \"roofline\""]);
    let start = GOOD.find("[compute]").expect("in the file");
    let end = GOOD.find("[[memory]]").expect("in the file");
    let bad = faults(&GOOD[start..end], "");
    assert_eq!(bad, ["line 1: `compute`: missing key"]);
    let ideal = GOOD.replacen("\"roofline\"", "\"ideal\"", 1);
    let bad = Description::parse(&ideal).expect_err("a roofline's sections");
    let keys: Vec<&str> = bad.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(keys, ["compute", "energy.elementwise_pj", "memory[0].bytes_per_cycle", "memory[0].overlapped"]);
}

#[test]
fn an_unknown_key_has_its_line_and_the_nearest_known_one() {
    let bad = faults("pad_inputs", "pad_input");
    assert_eq!(bad, ["line 14: `compute.pad_input`: unknown key; did you mean `pad_inputs`?"]);
    let bad = faults("overlapped = true", "overlapped = true\noverlap = 1");
    assert_eq!(bad, ["line 25: `memory[0].overlap`: unknown key; did you mean `overlapped`?"]);
}

#[test]
fn numbers_must_be_possible() {
    let expected = "expected a number above zero";
    assert_eq!(faults("hz = 80e6", "hz = 0"), [format!("line 11: `compute.hz`: is 0, {expected}")]);
    assert_eq!(faults("hz = 80e6", "hz = inf"), ["line 11: `compute.hz`: is inf, expected a finite number"]);
    assert_eq!(faults("hz = 80e6", "hz = 1e999"), ["line 11: `compute.hz`: is 1e999, expected a finite number"]);
    assert_eq!(faults("hz = 80e6", "hz = nan"), ["line 11: `compute.hz`: is nan, expected a finite number"]);
    assert_eq!(faults("cycle = 4", "cycle = -4"), [format!("line 23: `memory[0].bytes_per_cycle`: is -4, {expected}")]);
    let bad = faults("pad_inputs = 4", "pad_inputs = 0");
    assert_eq!(bad, ["line 14: `compute.pad_inputs`: is 0, expected a whole number above zero"]);
    let bad = faults("elementwise_pj = 2", "elementwise_pj = -2");
    assert_eq!(bad, ["line 18: `energy.elementwise_pj`: is -2, expected zero or a number above"]);
}

#[test]
fn a_bandwidth_is_given_once_and_says_whether_it_overlaps() {
    let bad = faults("overlapped", "bytes_per_s = 1e6\noverlapped");
    assert_eq!(bad, ["line 24: `memory[0].bytes_per_s`: is one, expected no such key beside `bytes_per_cycle`"]);
    assert_eq!(faults("overlapped = true\n", ""), ["line 20: `memory[0].overlapped`: missing key"]);
    let bad = faults("bytes_per_cycle = 4\n", "");
    assert_eq!(bad, ["line 23: `memory[0].overlapped`: is one, expected no such key without a bandwidth"]);
}

#[test]
fn every_precision_has_one_cost() {
    assert_eq!(faults("8x16 = 1, ", ""), ["line 12: `compute.macs_per_cycle.8x16`: missing key"]);
    assert_eq!(faults("8x16 = 2, ", ""), ["line 17: `energy.mac_pj.8x16`: missing key"]);
    assert_eq!(faults("8x16 = 1, ", "8x16 = 1, 8x16 = 1, "), ["line 12: `8x16`: duplicate key"]);
    let bad = faults("\"8x8\", ", "\"8x8\", \"8x8\", ");
    assert_eq!(bad, ["line 8: `operands.pairs[1]`: is a second 8x8, expected every precision once"]);
    assert_eq!(faults("elementwise_pj = 2", ""), ["line 16: `energy.elementwise_pj`: missing key"]);
}

#[test]
fn a_law_has_its_numbers() {
    let table = "macs_per_cycle = { 8x8 = 2, 8x16 = 1, 16x16 = 1 }";
    let bad = faults(table, "");
    assert_eq!(bad, ["line 10: `compute`: is both or neither, expected either `macs_per_cycle` or `law`"]);
    assert_eq!(faults(table, "law = \"bit-product\""), ["line 10: `compute.rate`: missing key"]);
    let bad = faults(table, "law = \"linear\"\nrate = 1");
    let laws = "\"bit-product\" or \"bit-serial-weight\" or \"bit-serial-activation\" or \"simd\"";
    assert_eq!(bad, [format!("line 12: `compute.law`: is \"linear\", expected {laws}")]);
    let bad = faults(table, "law = \"simd\"\nregister_bits = 32\nlane_bits = [8]\nunpack_cycles = 0");
    assert_eq!(bad, ["line 14: `compute.lane_bits`: is none, expected a lane that holds 8x16"]);
    let bad = faults("mac_pj = { 8x8 = 1, 8x16 = 2, 16x16 = 2 }", "mac_law = \"qkeras\"");
    assert_eq!(bad, ["line 16: `energy.accumulator_bits`: missing key"]);
    let bad = faults("elementwise_pj", "mac_law = \"qkeras\"\naccumulator_bits = 32\nelementwise_pj");
    assert_eq!(bad, ["line 16: `energy`: is both, expected either `mac_pj` or `mac_law`"]);
}

#[test]
fn activations_lie_in_one_memory() {
    let bad = faults("\"vectors\"]", "\"activations\"]");
    let expected = "expected weights, vectors and activations in one memory each";
    assert_eq!(bad, [format!("line 27: `memory[1]`: is what `flash` holds already, {expected}")]);
    let bad = faults("[\"activations\"]", "[\"stack\"]");
    let expected = "expected \"weights\", \"vectors\" or \"activations\"";
    assert_eq!(bad, [format!("line 29: `memory[1].holds[0]`: is \"stack\", {expected}")]);
}

#[test]
fn deep_nesting_is_a_fault_with_its_line() {
    for deep in ["[".repeat(2000), "{ a = ".repeat(2000), format!("{}1", "a.".repeat(2000))] {
        let bad = faults("hz = 80e6", &format!("hz = {deep}"));
        assert!(bad.first().is_some_and(|fault| fault.starts_with("line 11: ")), "{bad:?}");
    }
    let dotted = faults("[energy]", &format!("[{}b]\n[energy]", "a.".repeat(2000)));
    assert!(dotted[0].starts_with("line 16: "), "{dotted:?}");
}

#[test]
fn what_is_hard_to_believe_is_remarked() {
    let remarks = |old: &str, new: &str| -> Vec<String> {
        super::check_text(&GOOD.replacen(old, new, 1)).iter().map(ToString::to_string).collect()
    };
    assert_eq!(remarks("hz = 80e6", "hz = 80"), ["warning: line 11: `compute.hz`: is 80 Hz: is the unit right?"]);
    assert_eq!(
        remarks("8x8 = 2, 8x16 = 1", "8x8 = 2, 8x16 = 0.5"),
        ["warning: line 12: `compute.macs_per_cycle.8x16`: is slower than 16x16, which has more bits"]
    );
    assert_eq!(
        remarks("elementwise_pj = 2", "elementwise_pj = 2\nstatic_w = 250"),
        ["warning: line 19: `energy.static_w`: is 250 W, more than 100: is the unit right?"]
    );
    let found = remarks("[\"activations\"]", "[]");
    let expected = [
        "warning: line 17: `energy`: is of no use while no memory holds activations with a `load_pj_per_bit`",
        "warning: line 20: `memory`: no memory holds activations",
        "warning: line 27: `memory.ram.holds`: holds nothing",
    ];
    assert_eq!(found, expected);
    let found = remarks("load_pj_per_bit = 0.5\n", "load_pj_per_bit = 0.5\nstore_pj_per_bit = 0\n");
    assert_eq!(found, ["error: line 32: `memory.ram.store_pj_per_bit`: is zero: nothing is free"]);
    let found = remarks("pad_inputs = 4\nsource = \"sheet\"", "pad_inputs = { value = 4, source = \"sheet\" }");
    assert!(found.contains(&"error: line 11: `compute.hz`: has no source".to_owned()), "{found:?}");
}
