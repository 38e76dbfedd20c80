//! What a user reads when a measured table is not what the schema asks for.

use super::lut::tests::TABLE;
use super::refused::{as_read, faults_in};

/// The faults of the table with `old` replaced by `new`, as a user reads them.
fn faults(old: &str, new: &str) -> Vec<String> {
    faults_in(TABLE, old, new).iter().map(as_read).collect()
}

#[test]
fn numbers_are_held_to_their_ranges() {
    let time = "expected a number above zero";
    assert_eq!(faults("4x8 = 60", "4x8 = 0"), [format!("line 17: `lut.product[0].ns.4x8`: is 0, {time}")]);
    assert_eq!(faults("4x8 = 60", "4x8 = -1"), [format!("line 17: `lut.product[0].ns.4x8`: is -1, {time}")]);
    assert_eq!(faults("4x8 = 60", "4x8 = inf"), ["line 17: `lut.product[0].ns.4x8`: is inf, expected a finite number"]);
    assert_eq!(
        faults("inputs = 16", "inputs = 0"),
        ["line 15: `lut.product[0].inputs`: is 0, expected a whole number above zero"]
    );
    assert_eq!(
        faults("frame_ns = 500", "frame_ns = \"500 ns\""),
        ["line 12: `lut.frame_ns`: is \"500 ns\", expected a finite number"]
    );
}

#[test]
fn a_product_stands_there_once() {
    let twice = faults("inputs = 16\noutputs = 64", "inputs = 16\noutputs = 32");
    assert_eq!(twice, ["line 18: `lut.product[1]`: is a second 16 to 32, expected every product once"]);
    let both = faults("recurrent = false\n", "");
    assert_eq!(both, ["line 30: `lut.product[4]`: is a second 48 to 64, expected every product once"]);
}

#[test]
fn precisions_are_those_of_the_operands() {
    let expected = "line 17: `lut.product[0].ns.2x2`: is 2x2, expected a precision of [operands], 4x8, 8x8, 16x16";
    assert_eq!(faults("4x8 = 60", "2x2 = 60, 4x8 = 60"), [expected]);
    let never = faults("4x8 = 60, ", "");
    let expected =
        "line 10: `lut.product`: is none, expected a product that was measured at 4x8, a precision of [operands]";
    assert_eq!(never, [expected]);
    let none = faults("ns = { 8x8 = 580 }", "ns = {}");
    assert_eq!(none, ["line 35: `lut.product[4].ns`: is none, expected at least one precision"]);
    let other = faults("ns = { 8x8 = 580 }", "ns = { 8x8 = 580 }\npj = { 16x16 = 1 }");
    let expected = [
        "line 36: `lut.product[4].pj.16x16`: is 16x16, expected a precision of [operands], 8x8",
        "line 36: `lut.product[4].pj.8x8`: missing key",
    ];
    assert_eq!(other, expected);
}

#[test]
fn keys_are_known_ones() {
    assert_eq!(faults("outputs = 64", "output = 64").len(), 2);
    let foreign = faults("[lut]", "[energy]\nstatic_w = 1\n[lut]");
    assert_eq!(foreign, ["line 10: `energy`: is one, expected no such key with model \"lut\""]);
    let memory = "[[memory]]\nname = \"x\"\nholds = [\"weights\"]\nload_pj_per_bit = 1\n[lut]";
    let priced = faults("[lut]", memory);
    assert_eq!(priced, ["line 13: `memory[0].load_pj_per_bit`: is one, expected no such key with model \"lut\""]);
    let layers = faults("pairs = [", "layers = [\"lstm\", \"cnn\"]\npairs = [");
    assert!(
        layers[0].starts_with("line 8: `operands.layers[1]`: is \"cnn\", expected one of sru, rnn, "),
        "{layers:?}"
    );
    assert_eq!(
        faults("pairs = [", "layers = []\npairs = ["),
        ["line 8: `operands.layers`: is none, expected at least one kind of layer"]
    );
}
