//! Worked out by hand: what lies on, between and outside of measured products.

use crate::nn::{NetworkDescription, Site, Workload};
use crate::platform::{Platform, PlatformError, TablePlatform, check_text};
use crate::quant::{Precision, QuantSpec};
use mohaq_rt::Bits;
use proptest::prelude::*;

pub(in crate::platform) const TABLE: &str = r#"schema = 2
model = "lut"
name = "board"
title = "A board, measured"
[sources]
bench = "our measurement"
[operands]
pairs = ["4x8", "8x8", "16x16"]
source = "bench"
[lut]
elementwise_ns = 2
frame_ns = 500
source = "bench"
[[lut.product]]
inputs = 16
outputs = 32
ns = { 4x8 = 60, 8x8 = 100, 16x16 = 160 }
[[lut.product]]
inputs = 16
outputs = 64
ns = { 8x8 = 180, 16x16 = 300 }
[[lut.product]]
inputs = 48
outputs = 32
ns = { 8x8 = 260, 16x16 = 460 }
[[lut.product]]
inputs = 48
outputs = 64
recurrent = false
ns = { 8x8 = 500, 16x16 = 900 }
[[lut.product]]
inputs = 48
outputs = 64
recurrent = true
ns = { 8x8 = 580 }
"#;

fn board() -> TablePlatform {
    TablePlatform::parse(TABLE, "test").expect("a good file")
}

fn site(inputs: usize, outputs: usize, recurrent: bool) -> Site {
    let weights = (inputs * outputs) as u64;
    Site { name: format!("{inputs}to{outputs}"), inputs, outputs, macs: weights, weights, recurrent }
}

fn workload(sites: &[Site]) -> Workload {
    Workload { sites: sites.to_vec(), elementwise: 100, ..Workload::default() }
}

/// Time of a product alone, in ns.
fn ns(site: Site, bits: &str) -> Result<f64, String> {
    let cost = board().cost(&workload(&[site]), &QuantSpec::parse(bits, 1).expect("bits"));
    // 100 elementwise operations of 2 ns, and 500 ns a frame.
    cost.map(|cost| cost.frame_time_s.expect("measured") * 1e9 - 700.0).map_err(|error| error.to_string())
}

fn near(got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-6, "{got} ns, expected {expected}");
}

#[test]
fn what_was_measured_costs_what_was_measured() {
    near(ns(site(16, 64, false), "8x8").unwrap(), 180.0);
    near(ns(site(48, 64, false), "8x8").unwrap(), 500.0);
    near(ns(site(48, 64, true), "8x8").unwrap(), 580.0);
    near(ns(site(16, 32, true), "4x8").unwrap(), 60.0);
    // A product that is made twice for one frame of the output.
    let twice = Site { macs: 2 * 16 * 32, ..site(16, 32, false) };
    near(ns(twice, "8x8").unwrap(), 200.0);
}

#[test]
fn between_four_products_it_is_bilinear() {
    // Half of the way from 16 to 48 inputs, a quarter from 32 to 64 outputs.
    let expected = |high: f64| 0.5 * (0.75 * 100.0 + 0.25 * 180.0) + 0.5 * (0.75 * 260.0 + 0.25 * high);
    near(ns(site(32, 40, false), "8x8").unwrap(), expected(500.0));
    near(ns(site(32, 40, true), "8x8").unwrap(), expected(580.0));
    // On an edge two are enough.
    near(ns(site(32, 32, false), "8x8").unwrap(), 180.0);
}

#[test]
fn nothing_is_said_outside_of_what_was_measured() {
    let refused = |site: Site, bits: &str| ns(site, bits).expect_err("not measured");
    let expected = "site `64to32`: platform `board` has no measurement around 64 to 32 at 8x8";
    assert_eq!(refused(site(64, 32, false), "8x8"), expected);
    refused(site(8, 32, false), "8x8");
    refused(site(16, 31, false), "8x8");
    // One corner has no measurement at this precision, or of this kind.
    refused(site(20, 32, false), "4x8");
    refused(site(20, 40, true), "16x16");
    let board = board();
    assert_eq!(board.precisions_at(&site(16, 32, false)), board.precisions());
    assert_eq!(board.precisions_at(&site(20, 40, true)), [Precision::new(Bits::Eight, Bits::Eight)]);
    assert_eq!(board.precisions_at(&site(64, 32, false)), []);
}

#[test]
fn speedups_are_over_16x16_where_all_of_it_was_measured() {
    let cost = |sites: &[Site]| board().cost(&workload(sites), &QuantSpec::parse("8x8", sites.len()).unwrap()).unwrap();
    let both = [site(16, 32, false), site(48, 64, false)];
    near(cost(&both).speedup.unwrap(), (160.0 + 900.0 + 700.0) / (100.0 + 500.0 + 700.0));
    assert_eq!(cost(&[site(48, 64, true)]).speedup, None);
    assert_eq!(board().describe().objectives, ["memory", "speedup", "time"]);
}

#[test]
fn energy_is_there_where_every_product_has_it() {
    let with = |text: &str| TablePlatform::parse(text, "test").expect("a good file");
    let some = TABLE.replacen("ns = { 8x8 = 580 }", "ns = { 8x8 = 580 }\npj = { 8x8 = 9 }", 1);
    assert_eq!(with(&some).describe().objectives, ["memory", "speedup", "time"]);
    let mut all = String::new();
    for line in TABLE.lines() {
        all += &format!("{line}\n");
        if line.starts_with("ns = ") {
            // Ten pJ for every ns.
            all += &format!("{}\n", line.replacen("ns", "pj", 1).replace(',', "0,").replace(" }", "0 }"));
        }
    }
    let board = with(&all.replacen("frame_ns", "elementwise_pj = 3\nframe_ns", 1));
    let cost = board.cost(&workload(&[site(32, 40, false)]), &QuantSpec::parse("8x8", 1).unwrap()).unwrap();
    near(cost.energy_pj.unwrap(), 10.0 * ns(site(32, 40, false), "8x8").unwrap() + 300.0);
}

#[test]
fn shapes_beyond_any_network_are_read_and_remarked() {
    let huge = TABLE.replacen("inputs = 16\noutputs = 32", "inputs = 9007199254740991\noutputs = 9007199254740991", 1);
    let remarks = check_text(&huge);
    assert!(remarks.iter().any(|remark| remark.message.contains("less than any processor takes")), "{remarks:?}");
    let board = TablePlatform::parse(&huge, "test").expect("a good file");
    assert_eq!(board.precisions_at(&site(9, 9, false)), []);
}

#[test]
fn a_frame_that_was_met_before_takes_less_than_two_microseconds() {
    const REPEATS: u32 = 1000;
    let (board, workload) = (board(), workload(&[false, true, false, true].map(|recurrent| site(48, 64, recurrent))));
    let spec = QuantSpec::parse("8x8", 4).unwrap();
    let batch = || {
        let start = std::time::Instant::now();
        let sum: u64 = (0..REPEATS).map(|_| board.cost(&workload, &spec).unwrap().memory_bits).sum();
        assert!(sum > 0);
        start.elapsed()
    };
    let quickest = (0..50).map(|_| batch()).min().unwrap();
    assert!(quickest.as_nanos() < u128::from(2000 * REPEATS), "{quickest:?} for {REPEATS} costs");
}

#[test]
fn an_explanation_adds_up_to_its_cost() {
    let workload = workload(&[site(16, 32, false), site(32, 40, false), site(48, 64, true)]);
    let explained = board().explain(&workload, &QuantSpec::parse("4x8 16x16 8x8", 3).unwrap()).unwrap();
    near(explained.time_s().unwrap() * 1e9, explained.cost.frame_time_s.unwrap() * 1e9);
    assert_eq!(explained.energy_pj(), None);
    near(explained.rest.time_s.unwrap() * 1e9, 700.0);
}

#[test]
fn a_platform_is_the_same_after_it_was_asked() {
    let board = board();
    let before = format!("{board:?}");
    board.cost(&workload(&[site(32, 40, false)]), &QuantSpec::parse("8x8", 1).unwrap()).unwrap();
    assert_eq!(format!("{board:?}"), before, "a log knows its platform by this");
}

#[test]
fn layers_that_the_hardware_lacks_are_refused_by_name() {
    let text = TABLE.replacen("pairs = [", "layers = [\"linear\", \"gru\"]\npairs = [", 1);
    let board = TablePlatform::parse(&text, "test").expect("a good file");
    let network = |kind: &str| {
        let layers = format!("[[layers]]\nkind = \"{kind}\"\nhidden = 4\n[[layers]]\nkind = \"linear\"\noutputs = 2\n");
        NetworkDescription::from_toml(&format!("input = 3\n{layers}")).unwrap()
    };
    board.admit(&network("gru")).expect("it runs both");
    let error = board.admit(&network("lstm")).expect_err("no such cells");
    assert_eq!(error.to_string(), "layer `l0`: platform `board` runs no lstm, expected one of linear, gru");
    assert!(matches!(error, PlatformError::Layer { .. }));
    assert!(board.describe().to_string().contains("layers: linear, gru\n"));
}

#[test]
fn a_table_is_checked_for_what_hardware_hardly_does() {
    assert_eq!(check_text(TABLE), []);
    let remarks = |old: &str, new: &str| -> Vec<String> {
        assert!(TABLE.contains(old));
        check_text(&TABLE.replacen(old, new, 1)).iter().map(ToString::to_string).collect()
    };
    let slow = remarks("4x8 = 60", "4x8 = 400");
    let expected = ["8x8", "16x16"].map(|wide| {
        format!("warning: line 17: `lut.16-32.ns.4x8`: takes half as long again as {wide}, which has more bits")
    });
    assert_eq!(slow, expected);
    let fast = remarks("8x8 = 580", "8x8 = 0.1");
    let expected = "warning: line 35: `lut.48-64.ns.8x8`: is 0.1 ns, less than any processor takes: is the unit right?";
    assert_eq!(fast, [expected]);
    let silent = remarks("elementwise_ns = 2\n", "");
    let expected = "warning: line 16: `lut.elementwise_ns`: is not given: elementwise operations take no time";
    assert_eq!(silent, [expected]);
}

proptest! {
    /// Work, packing, results and a call: a·i·o + b·i + c·o + d is found again, wherever it is asked for.
    #[test]
    fn a_bilinear_machine_is_met_exactly(a in 0.01..1.0, b in 0.0..9.0, c in 0.0..9.0, d in 1.0..99.0, i in 16usize..=256, o in 8usize..=512) {
        let time = |i: usize, o: usize| -> f64 { a * (i * o) as f64 + b * i as f64 + c * o as f64 + d };
        let mut text = TABLE[..TABLE.find("[[lut.product]]").unwrap()].replace("\"4x8\", ", "").replace(", \"16x16\"", "");
        for inputs in [16, 100, 256] {
            for outputs in [8, 31, 512] {
                let ns = time(inputs, outputs);
                text += &format!("[[lut.product]]\ninputs = {inputs}\noutputs = {outputs}\nns = {{ 8x8 = {ns:?} }}\n");
            }
        }
        let board = TablePlatform::parse(&text, "test").unwrap();
        let cost = board.cost(&workload(&[site(i, o, false)]), &QuantSpec::parse("8x8", 1).unwrap()).unwrap();
        let got: f64 = cost.frame_time_s.unwrap() * 1e9 - 700.0;
        // Doubles of up to 10⁵ ns, added in another order.
        prop_assert!((got - time(i, o)).abs() < 1e-7, "{got} {}", time(i, o));
    }
}
