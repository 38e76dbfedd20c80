//! `bench evaluate`: the answers of a small model, and models that lie.

use crate::workspace::Workspace;
use serde_json::{Value, json};

/// Tensors of a model in the making: name, type, shape and little-endian bytes.
struct Model(Vec<(String, &'static str, Vec<usize>, Vec<u8>)>);

impl Model {
    /// Two sequences of six and four frames through one layer of five units in each direction.
    fn new() -> Self {
        let mut model = Self(Vec::new());
        model.floats("sru.0.w", &[3, 2, 4, 5], 0.9);
        model.floats("sru.0.v", &[2, 2, 5], 0.5);
        model.floats("sru.0.b", &[2, 2, 5], 0.3);
        model.floats("fc.w", &[4, 10], 0.7);
        model.floats("fc.b", &[4], 0.1);
        model.floats("eval.x", &[6, 2, 3], 2.0);
        model.add("scale_x", "F32", &[1], 1.3_f32.to_le_bytes().to_vec());
        model.integers("eval.len", &[2], &[6, 4]);
        model.integers("eval.labels", &[6, 2], &[0, 1, 2, 3, 0, 1, 2, 3, 0, -1, 1, -1]);
        for site in ["L0", "FC"] {
            for (bits, clip) in [(2, 0.6_f32), (4, 0.9), (8, 1.0)] {
                model.add(&format!("wclip.{site}.{bits}"), "F32", &[1], clip.to_le_bytes().to_vec());
                model.add(&format!("clip.{site}.{bits}"), "F32", &[1], (2.0 * clip).to_le_bytes().to_vec());
            }
        }
        model
    }

    fn add(&mut self, name: &str, kind: &'static str, shape: &[usize], bytes: Vec<u8>) {
        self.0.retain(|(there, ..)| there != name);
        self.0.push((name.to_owned(), kind, shape.to_vec(), bytes));
    }

    /// A wave of amplitude `size`.
    fn floats(&mut self, name: &str, shape: &[usize], size: f32) {
        let count: usize = shape.iter().product();
        let value = |i: usize| size * libm::sinf((i * i + name.len()) as f32 * 0.7);
        self.add(name, "F32", shape, (0..count).flat_map(|i| value(i).to_le_bytes()).collect());
    }

    fn integers(&mut self, name: &str, shape: &[usize], values: &[i32]) {
        self.add(name, "I32", shape, values.iter().flat_map(|value| value.to_le_bytes()).collect());
    }

    fn without(mut self, name: &str) -> Self {
        self.0.retain(|(there, ..)| there != name);
        self
    }

    /// As a safetensors file.
    fn bytes(&self) -> Vec<u8> {
        let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
        for (name, kind, shape, bytes) in &self.0 {
            let offsets = [data.len(), data.len() + bytes.len()];
            header.insert(name.clone(), json!({ "dtype": kind, "shape": shape, "data_offsets": offsets }));
            data.extend_from_slice(bytes);
        }
        let header = Value::Object(header).to_string();
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
    }
}

#[test]
fn a_benchmark_reports_speed_memory_and_errors() {
    let workspace = Workspace::new();
    workspace.write("model.safetensors", Model::new().bytes());
    let found = workspace.ok("bench evaluate --model model.safetensors --candidates 3 --threads 2 --json").json();
    for key in ["frames_per_s", "gmac_per_s", "error_percent", "share_of_peak"] {
        assert!(found[key].as_f64().is_some_and(|value| value > 0.0), "{key}: {found}");
    }
    assert_eq!((found["threads"].as_u64(), found["frames"].as_u64()), (Some(2), Some(10)));
    let rows = found["rows"].as_array().expect("a list");
    assert_eq!(rows.len(), 3);
    // Ten frames with a label each: errors are tenths.
    assert!(rows.iter().all(|row| row["error_percent"].as_f64().is_some_and(|error| error % 10.0 == 0.0)), "{rows:?}");
    assert!(rows.iter().all(|row| row["expected_percent"].is_null()));
    let shown = workspace.ok("bench evaluate --model model.safetensors --bits 4x8").out;
    assert!(shown.contains("4x8 4x8") && shown.contains("frames/s"), "{shown}");
}

#[test]
fn rows_are_measured_in_their_order_beside_what_was_expected() {
    let workspace = Workspace::new();
    workspace.write("model.safetensors", Model::new().bytes());
    let row = |fc: [u32; 2], expected: f64| json!({ "bits": { "L0": [8, 8], "FC": fc }, "error_percent": expected });
    let rows = json!({ "made_by": "hand", "rows": [row([2, 4], 12.5), row([16, 16], 0.0)] });
    workspace.write("rows.json", rows.to_string());
    let found = workspace.ok("bench evaluate --model model.safetensors --rows rows.json --json").json();
    let seen: Vec<_> = found["rows"].as_array().expect("a list").iter().collect();
    assert_eq!((&seen[0]["bits"], &seen[0]["expected_percent"]), (&json!("8x8 2x4"), &json!(12.5)));
    assert_eq!((&seen[1]["bits"], &seen[1]["expected_percent"]), (&json!("8x8 16x16"), &json!(0.0)));
    // The same candidates alone, on other threads.
    let alone = workspace.ok("bench evaluate --model model.safetensors --rows rows.json --json --threads 1").json();
    assert_eq!(alone["rows"], found["rows"]);
}

#[test]
fn a_model_that_lies_is_refused_by_the_tensor() {
    let workspace = Workspace::new();
    let spoilt = |spoil: &dyn Fn(&mut Model)| {
        let mut model = Model::new();
        spoil(&mut model);
        model
    };
    let cases: [(Model, &str); 9] = [
        (spoilt(&|m| m.add("fc.w", "F32", &[1 << 26, 0], Vec::new())), "numbers, its description has"),
        (Model::new().without("fc.b"), "`fc.b`: missing"),
        (Model::new().without("wclip.FC.4"), "`wclip.FC.4`: missing"),
        (spoilt(&|m| m.floats("fc.b", &[5], 0.1)), "`fc.b`: shape is [5], expected [4]"),
        (spoilt(&|m| m.floats("sru.0.w", &[3, 1, 4, 5], 0.9)), "`sru.0.w`: 1 directions"),
        (spoilt(&|m| m.integers("eval.len", &[2], &[6, 7])), "`eval.len`: 7, expected 1 to 6"),
        (spoilt(&|m| m.integers("eval.len", &[2], &[0, 6])), "`eval.len`: 0, expected 1 to 6"),
        (spoilt(&|m| m.integers("eval.labels", &[6, 2], &[4; 12])), "`eval.labels`: 4, expected -1 to 3"),
        (spoilt(&|m| m.add("scale_x", "F32", &[1], f32::NAN.to_le_bytes().to_vec())), "`scale_x`: element 0 is NaN"),
    ];
    for (model, expected) in cases {
        workspace.write("model.safetensors", model.bytes());
        let said = workspace.refused(1, "bench evaluate --model model.safetensors");
        assert!(said.error().contains(expected), "{expected}: {}", said.err);
    }
    let whole = Model::new().bytes();
    workspace.write("model.safetensors", &whole[..whole.len() - 5]);
    workspace.refused(1, "bench evaluate --model model.safetensors");
    workspace.refused(1, "bench evaluate --model nothing.safetensors");
}

#[test]
fn widths_and_rows_that_cannot_be_meant_are_refused() {
    let workspace = Workspace::new();
    workspace.write("model.safetensors", Model::new().bytes());
    workspace.refused(2, "bench evaluate --model model.safetensors --bits 3x8");
    workspace.refused(2, "bench evaluate --model model.safetensors --candidates 0");
    workspace.write("rows.json", r#"{ "rows": [] }"#);
    workspace.refused(1, "bench evaluate --model model.safetensors --rows rows.json");
    workspace.write("rows.json", r#"{ "rows": [{ "bits": { "L0": [8, 8] }, "error_percent": 1 }] }"#);
    let said = workspace.refused(1, "bench evaluate --model model.safetensors --rows rows.json");
    assert!(said.error().contains("no bits for site `FC`"), "{}", said.err);
}
