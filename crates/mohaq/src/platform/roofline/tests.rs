//! One frame worked out by hand, and what must hold on any roofline.

use crate::nn::{Site, Workload};
use crate::platform::{Bound, Cost, EnergyPj, Explanation, Platform, TablePlatform};
use crate::quant::{Precision, QuantSpec};
use mohaq_rt::Bits;
use proptest::prelude::*;

const BOARD: &str = r#"
schema = 2
model = "roofline"
name = "board"
title = "A board"
[operands]
bits = [2, 4, 8, 16]
[compute]
hz = 1e6
law = "bit-product"
rate = 2
pad_inputs = 1
pad_outputs = 1
elementwise_per_cycle = 0.5
site_cycles = 10
frame_cycles = 100
[energy]
mac_law = "qkeras"
accumulator_bits = 32
elementwise_pj = 2
static_w = 1e-6
[[memory]]
name = "flash"
holds = ["weights", "vectors"]
bytes_per_cycle = 4
overlapped = true
load_pj_per_bit = 3
[[memory]]
name = "ram"
holds = ["activations"]
bytes = 100
bytes_per_s = 8e6
overlapped = false
load_pj_per_bit = 0.5
store_pj_per_bit = 0.75
"#;

fn platform(text: &str) -> TablePlatform {
    TablePlatform::parse(text, "test").expect("a good file")
}

fn board(old: &str, new: &str) -> TablePlatform {
    assert!(BOARD.contains(old), "{old:?} is not in the file");
    platform(&BOARD.replacen(old, new, 1))
}

fn site(inputs: usize, outputs: usize, times: u64) -> Site {
    let weights = (inputs * outputs) as u64;
    Site { name: format!("{inputs}to{outputs}"), inputs, outputs, macs: times * weights, weights, recurrent: false }
}

/// Two products and a table of 50 rows of 8, which is read twice.
fn frame() -> Workload {
    let sites = vec![site(50, 8, 0), site(8, 16, 2), site(16, 4, 1)];
    Workload { sites, input_frames: 2, vectors: 20, vectors_published: 10, elementwise: 60, state: 16, frame_ns: None }
}

fn spec(text: &str) -> QuantSpec {
    QuantSpec::parse(text, 3).expect("a specification")
}

fn near(got: f64, expected: f64) {
    // Some ten operations, each within 2^-53.
    assert!((got - expected).abs() <= 1e-14 * expected.abs(), "{got}, expected {expected}");
}

#[test]
fn a_frame_worked_out_by_hand() {
    let Explanation { sites, rest, cost } = platform(BOARD).explain(&frame(), &spec("8x8 4x8 16x16")).expect("allowed");
    // In cycles of 1 us. The table: 2 rows of 8 · 8 bit from flash, 128 / 32 = 4; 2 · 8 · 16 bit to RAM, 256 / 64 = 4, not
    // overlapped; two calls, 20.
    assert_eq!(sites[0].share.compute_s, Some(0.0));
    near(sites[0].share.time_s.expect("priced"), 28e-6);
    assert_eq!(sites[0].share.bound, Some(Bound::Overhead));
    // 8 to 16, twice: 256 MACs at 2 · 8 a cycle, 16; 256 · 4 bit from flash, 32, which is more; 2 · (8 · 8 + 16 · 16) bit by
    // RAM, 10; two calls, 20.
    let product = &sites[1].share;
    near(product.compute_s.expect("priced"), 16e-6);
    assert_eq!(product.memory.iter().map(|traffic| traffic.bits).collect::<Vec<_>>(), [1024.0, 640.0]);
    near(product.time_s.expect("priced"), 62e-6);
    assert_eq!(product.bound, Some(Bound::Memory("flash".to_owned())));
    // 16 to 4: 64 MACs at 2 a cycle, 32; 64 · 16 bit, 32, as much; 16 · 16 + 4 · 16 bit, 5; 10.
    near(sites[2].share.time_s.expect("priced"), 47e-6);
    assert_eq!(sites[2].share.bound, Some(Bound::Compute));
    // 60 operations at a half a cycle, 120; vectors, 320 / 32 = 10, meanwhile; states twice 256 bit, 8; 100.
    near(rest.time_s.expect("priced"), 228e-6);
    near(cost.frame_time_s.expect("priced"), 365e-6);

    let energy = product.energy.expect("priced");
    // sqrt(32) in the fit of the multiplier.
    near(energy.multiply, 256.0 * (0.002995 * 32.0 + 0.00104 * 32_f64.sqrt() + 0.1));
    let rounded = EnergyPj { multiply: 0.0, standing: 0.0, ..energy };
    let moved = 128.0 * 0.5 + 512.0 * 0.75;
    assert_eq!(rounded, EnergyPj { load_weights: 3072.0, move_activations: moved, ..EnergyPj::default() });
    near(energy.standing, 62.0);
    near(rest.energy.expect("priced").elementwise, 120.0);
    // The largest product is 8 to 16, 64 + 256 bit; the states are 256 bit.
    assert_eq!((cost.ram_bits, cost.operations), (576, 700));
}

#[test]
fn speedup_is_over_the_same_frame_at_sixteen_bit() {
    let board = platform(BOARD);
    let time = |text: &str| board.cost(&frame(), &spec(text)).expect("allowed").frame_time_s.expect("priced");
    let cost = board.cost(&frame(), &spec("2x2 4x8 8x8")).expect("allowed");
    near(cost.speedup.expect("priced"), time("16x16 16x16 16x16") / time("2x2 4x8 8x8"));
    // The published figure: 256 MACs 8 times, 64 four times as fast, over 320 MACs and 60 operations.
    near(cost.speedup_paper.expect("priced"), (256.0 * 8.0 + 64.0 * 4.0) / 380.0);
    assert_eq!(cost.energy_pj_paper, None);
    let narrow = board_without_sixteen();
    let cost = narrow.cost(&frame(), &spec("2x2 4x8 8x8")).expect("allowed");
    assert_eq!((cost.speedup, cost.speedup_paper), (None, None));
    assert_eq!(narrow.describe().objectives, ["memory", "energy", "time"]);
}

fn board_without_sixteen() -> TablePlatform {
    board("[2, 4, 8, 16]", "[2, 4, 8]")
}

#[test]
fn padding_is_multiplied() {
    let text = BOARD.replacen("pad_inputs = 1", "pad_inputs = 5", 1).replacen("pad_outputs = 1", "pad_outputs = 32", 1);
    let padded = platform(&text).explain(&frame(), &spec("8x8 4x8 16x16")).expect("allowed");
    // 10 · 32 in place of 8 · 16, twice, 16 a cycle; weights and activations are those of before.
    near(padded.sites[1].share.compute_s.expect("priced"), 40e-6);
    assert_eq!(padded.sites[1].share.memory[0].bits, 1024.0);
}

#[test]
fn a_boards_power_alone_prices_energy() {
    let start = BOARD.find("[energy]").expect("in the file");
    let end = BOARD.find("[[memory]]").expect("in the file");
    let text = format!("{}[energy]\nstatic_w = 0.5\n{}", &BOARD[..start], &BOARD[end..]);
    let cost = platform(&text).cost(&frame(), &spec("8x8 4x8 16x16")).expect("allowed");
    near(cost.energy_pj.expect("priced"), 0.5 * 365e-6 * 1e12);
    // Without the energy of a memory that is read there is no energy.
    let cost = board("load_pj_per_bit = 0.5", "").cost(&frame(), &spec("8x8 4x8 16x16")).expect("allowed");
    assert_eq!(cost.energy_pj, None);
}

#[test]
fn activations_must_fit_where_they_are_held() {
    let small = board("bytes = 100", "bytes = 71");
    let cost = small.cost(&frame(), &spec("8x8 4x8 16x16")).expect("allowed");
    let reasons: Vec<String> = small.violations(&cost).iter().map(ToString::to_string).collect();
    assert_eq!(reasons, ["memory `ram` holds 71 bytes, 72 needed"]);
    assert_eq!(platform(BOARD).violations(&cost), []);
}

#[test]
fn lanes_are_shared_by_both_operands() {
    let simd = r#"law = "simd"
register_bits = 32
lane_bits = [8, 16]
unpack_cycles = 0.5"#;
    let board = board("law = \"bit-product\"\nrate = 2", simd);
    let cycles = |text: &str| {
        let explanation = board.explain(&frame(), &spec(text)).expect("allowed");
        (explanation.sites[2].share.compute_s.expect("priced") * 1e6 / 64.0 * 1e3).round() / 1e3
    };
    // The lane's width over 32 bit, and half a cycle for weights narrower than the lane.
    let expected = [("16x16", 0.5), ("8x16", 1.0), ("16x8", 0.5), ("8x8", 0.25), ("4x8", 0.75), ("2x4", 0.75)];
    for (pair, cycle) in expected {
        assert_eq!(cycles(&format!("8x8 8x8 {pair}")), cycle, "{pair}");
    }
}

/// Widths, times and precisions of up to five products.
fn networks() -> impl Strategy<Value = (Workload, QuantSpec)> {
    let bits = || proptest::sample::select(Bits::ALL.to_vec());
    let product = (1_usize..300, 1_usize..300, 0_u64..3, bits(), bits());
    (proptest::collection::vec(product, 1..6), 0_u64..500, 0_u64..500, 0_u64..5000).prop_map(
        |(products, vectors, state, elementwise)| {
            let mut sites: Vec<Site> = products.iter().map(|&(i, o, times, ..)| site(i, o, times)).collect();
            sites.push(site(3, 3, 1));
            let mut precisions: Vec<Precision> = products.iter().map(|&(.., w, a)| Precision::new(w, a)).collect();
            precisions.push(Precision::new(Bits::Eight, Bits::Eight));
            let workload =
                Workload { sites, input_frames: 2, vectors, vectors_published: 0, elementwise, state, frame_ns: None };
            (workload, QuantSpec(precisions))
        },
    )
}

fn costs(platforms: [&TablePlatform; 2], workload: &Workload, spec: &QuantSpec) -> [Cost; 2] {
    platforms.map(|platform| platform.cost(workload, spec).expect("allowed"))
}

proptest! {
    #[test]
    fn a_better_board_is_never_slower_and_takes_no_more_energy((workload, spec) in networks()) {
        let plain = platform(BOARD);
        let better = [
            ("bytes_per_cycle = 4", "bytes_per_cycle = 5"),
            ("bytes_per_s = 8e6", "bytes_per_s = 9e6"),
            ("overlapped = false", "overlapped = true"),
            ("rate = 2", "rate = 3"),
            ("site_cycles = 10", "site_cycles = 9"),
            ("frame_cycles = 100", "frame_cycles = 0"),
            ("elementwise_per_cycle = 0.5", "elementwise_per_cycle = 0.6"),
        ];
        for (old, new) in better {
            let [before, after] = costs([&plain, &board(old, new)], &workload, &spec);
            prop_assert!(after.frame_time_s <= before.frame_time_s, "{new}");
            prop_assert!(after.energy_pj <= before.energy_pj, "{new}");
        }
        for (old, new) in [("pad_inputs = 1", "pad_inputs = 7"), ("pad_outputs = 1", "pad_outputs = 7")] {
            let [before, after] = costs([&plain, &board(old, new)], &workload, &spec);
            prop_assert!(after.frame_time_s >= before.frame_time_s, "{new}");
        }
    }

    #[test]
    fn more_bits_are_never_faster((workload, spec) in networks(), at in 0_usize..5, weight in proptest::bool::ANY) {
        let board = platform(BOARD);
        let mut wide = spec.clone();
        let precision = &mut wide.0[at % spec.0.len()];
        if weight {
            precision.weight = Bits::Sixteen;
        } else {
            precision.activation = Bits::Sixteen;
        }
        let [narrow, wide] = [&spec, &wide].map(|spec| board.cost(&workload, spec).expect("allowed"));
        prop_assert!(narrow.frame_time_s <= wide.frame_time_s && narrow.energy_pj <= wide.energy_pj);
        prop_assert!(narrow.speedup >= wide.speedup && narrow.ram_bits <= wide.ram_bits);
    }

    #[test]
    fn a_part_takes_as_long_as_its_longest_resource_and_no_longer_than_all((workload, spec) in networks()) {
        let explanation = platform(BOARD).explain(&workload, &spec).expect("allowed");
        for share in explanation.shares() {
            let memory = share.memory.iter().map(|traffic| traffic.time_s);
            let resources: Vec<f64> = memory.chain(share.compute_s).chain(share.overhead_s).collect();
            let (longest, all) = (resources.iter().copied().fold(0.0, f64::max), resources.iter().sum::<f64>());
            let time = share.time_s.expect("priced");
            // Four numbers in another order.
            prop_assert!(longest <= time && time <= all * (1.0 + 1e-15));
        }
    }
}
