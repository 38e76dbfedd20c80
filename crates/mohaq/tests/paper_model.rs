//! The paper's network with seeded random weights: errors of candidates against PyTorch's fake quantization.

mod shared;

use mohaq::benchmark::{Candidates, Model, evaluate};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// Points that an engine which also rounds its elementwise work may differ by, below 40 % error and above.
fn allowance(expected: f64) -> f64 {
    if expected < 40.0 { 1.0 } else { 3.0 }
}

fn bits(row: &Value) -> BTreeMap<String, [u32; 2]> {
    serde_json::from_value(row["bits"].clone()).expect("bits a site")
}

#[test]
fn errors_are_those_of_pytorch_to_a_point() {
    let Some(folder) = shared::shared_data("bench") else { return };
    let model = Model::load(&folder.join("paper_sru.safetensors")).expect("the model");
    let rows: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("paper_sru_errors.json")).expect("the rows"))
            .expect("JSON");
    let rows = rows["rows"].as_array().expect("a list");
    assert!(rows.len() >= 20);
    let specs = rows.iter().map(|row| {
        let bits = bits(row);
        model.spec(|site| bits.get(site)).expect("bits of every site")
    });
    let found = evaluate(&model, &Candidates::Given(specs.collect())).expect("measured");
    assert_eq!(found.float_error_percent, 0.0, "the labels are the float network's own");
    for (row, error) in rows.iter().zip(&found.error_percent) {
        let expected = row["error_percent"].as_f64().expect("a number");
        assert!((error - expected).abs() <= allowance(expected), "{error} against {expected}: {row}");
    }
}
