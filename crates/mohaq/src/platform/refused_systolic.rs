//! What a user reads when the file of a systolic array is not what the schema asks for.

use super::refused::faults_in;

const GOOD: &str = include_str!("../../../../platforms/bitfusion-streamed.toml");

/// The faults of `GOOD` with `old` replaced by `new`, without their lines.
fn faults(old: &str, new: &str) -> Vec<String> {
    faults_in(GOOD, old, new).iter().map(|fault| format!("`{}`: {}", fault.key, fault.problem)).collect()
}

#[test]
fn a_good_file_has_neither_faults_nor_remarks() {
    assert_eq!(super::check_text(GOOD), []);
    assert_eq!(super::check_text(include_str!("../../../../platforms/bitfusion-resident.toml")), []);
}

#[test]
fn numbers_are_held_to_their_ranges() {
    assert_eq!(faults("rows = 16", "rows = 0"), ["`array.rows`: is 0, expected a whole number above zero"]);
    assert_eq!(faults("rows = 16", "rows = 1.5"), ["`array.rows`: is 1.5, expected a whole number above zero"]);
    assert_eq!(faults("hz = 500e6", "hz = -1"), ["`array.hz`: is -1, expected a number above zero"]);
    let price = faults("pj_per_bit = 15", "pj_per_bit = -15");
    assert_eq!(price, ["`dram.pj_per_bit`: is -15, expected zero or a number above"]);
    assert!(faults("pj_per_bit = 15", "pj_per_bit = nan")[0].starts_with("`dram.pj_per_bit`: "));
    assert_eq!(faults("largest_bits = 16", "largest_bits = 3"), ["`array.largest_bits`: is 3, expected 2, 4, 8 or 16"]);
    let home = faults("weights = \"streamed\"", "weights = \"cloud\"");
    assert_eq!(home, ["`array.weights`: is \"cloud\", expected \"resident\" or \"streamed\""]);
}

#[test]
fn an_array_that_cannot_be_is_refused() {
    let all = [
        ("smallest_bits = 2\nlargest_bits = 16", "smallest_bits = 16\nlargest_bits = 2", "split 2 bit into 16 bit"),
        ("columns = 32", "columns = 5000", "columns of the array is 5000, expected 1 to 1024"),
        ("largest_bits = 16", "largest_bits = 8", "is wider than fusion units of 8 bit"),
        ("bytes = 16_384", "bytes = 1", "buffer of outputs"),
    ];
    for (old, new, expected) in all {
        let found = faults(old, new);
        assert!(found.len() == 1 && found[0].starts_with("`array`: ") && found[0].contains(expected), "{found:?}");
    }
}

#[test]
fn sections_are_all_there_and_no_others() {
    assert_eq!(
        faults("[dram]\nbits_per_cycle = 192\npj_per_bit = 15\nsource = \"simulator\"\n", ""),
        ["`dram`: missing key"]
    );
    let foreign = faults("[dram]", "[energy]\nelementwise_pj = 1\n[dram]");
    assert_eq!(foreign, ["`energy`: is one, expected no such key with model \"systolic\""]);
    assert_eq!(
        faults("double = true", "doubled = true"),
        ["`buffers.double`: missing key", "`buffers.doubled`: unknown key"]
    );
    let bandwidth = faults("[dram]", "[[memory]]\nname = \"x\"\nholds = [\"weights\"]\nbytes_per_s = 5\n[dram]");
    assert_eq!(bandwidth, ["`memory[0].bytes_per_s`: is one, expected no such key with model \"systolic\""]);
}
