//! The published figures: each line of the table is one, computed by hand from the paper's numbers.
//!
//! The network is that of the paper (MOHAQ, arXiv 2108.01192, 5,549,500 weights in eight matrices), with the paper's
//! 8,800 vector elements and 5,637,500 operations a frame. The true count of vectors is 19,504: v_f, v_r, b_f and b_r of
//! 4 layers × 2 directions × 550 units, and 1,904 biases of the output layer.

use super::{Cost, Platform, load};
use crate::nn::{Site, Workload};
use crate::quant::{Precision, QuantSpec};
use mohaq_rt::Bits::{Eight, Four, Sixteen, Two};

/// Sites in the order of the data: L0, Pr1, L1, Pr2, L2, Pr3, L3, FC.
fn network() -> Workload {
    let site = |name: &str, inputs: usize, outputs: usize| {
        let macs = (inputs * outputs) as u64;
        Site { name: name.to_owned(), inputs, outputs, macs, weights: macs, recurrent: false }
    };
    let sites = vec![
        site("l0", 23, 3300),
        site("l1.projection", 1100, 256),
        site("l1", 256, 3300),
        site("l2.projection", 1100, 256),
        site("l2", 256, 3300),
        site("l3.projection", 1100, 256),
        site("l3", 256, 3300),
        site("fc", 1100, 1904),
    ];
    Workload {
        sites,
        input_frames: 1,
        vectors: 19_504,
        vectors_published: 8_800,
        elementwise: 88_000,
        state: 4_400,
        frame_ns: None,
    }
}

/// The same precision everywhere: `8x8`.
fn uniform(weight: mohaq_rt::Bits, activation: mohaq_rt::Bits) -> QuantSpec {
    QuantSpec::uniform(Precision::new(weight, activation), 8)
}

/// L0, the three projections, the three other layers, FC.
fn mixed(l0: Precision, projections: Precision, layers: Precision, fc: Precision) -> QuantSpec {
    QuantSpec(vec![l0, projections, layers, projections, layers, projections, layers, fc])
}

/// A mixed assignment that SiLago has: L0 16x16, Pr 8x8, L1–L3 4x4, FC 8x8.
fn mixed_tied() -> QuantSpec {
    let of = |bits| Precision::new(bits, bits);
    mixed(of(Sixteen), of(Eight), of(Four), of(Eight))
}

/// A mixed assignment that only Bit Fusion has: L0 8x16, Pr 4x8, L1–L3 2x4, FC 2x8.
fn mixed_free() -> QuantSpec {
    let of = Precision::new;
    mixed(of(Eight, Sixteen), of(Four, Eight), of(Two, Four), of(Two, Eight))
}

type Read = fn(&Cost) -> f64;
const SPEEDUP: Read = |cost| cost.speedup.unwrap_or(f64::NAN);
const SPEEDUP_PAPER: Read = |cost| cost.speedup_paper.unwrap_or(f64::NAN);
const ENERGY: Read = |cost| cost.energy_pj.unwrap_or(f64::NAN);
const ENERGY_PAPER: Read = |cost| cost.energy_pj_paper.unwrap_or(f64::NAN);
const MEMORY: Read = |cost| cost.memory_bits as f64;
const MEMORY_PAPER: Read = |cost| cost.memory_bits_paper as f64;

#[test]
fn costs_are_those_of_the_published_formulas() {
    let [u16, u8, u4, u2] = [Sixteen, Eight, Four, Two].map(|bits| uniform(bits, bits));
    let (tied, free) = (mixed_tied(), mixed_free());
    let figures: &[(&str, &QuantSpec, &str, Read, f64)] = &[
        // Memory: 5,549,500 w + 8,800·16 bit, and with 19,504 vectors. The mixed ones:
        // tied 75,900·16 + 844,800·8 + 2,534,400·4 + 2,094,400·8 = 34,865,600 bit of weights,
        // free 75,900·8 + 844,800·4 + 2,534,400·2 + 2,094,400·2 = 13,244,000.
        ("none", &u16, "memory, paper", MEMORY_PAPER, 88_792_000.0 + 140_800.0),
        ("none", &u8, "memory, paper", MEMORY_PAPER, 44_396_000.0 + 140_800.0),
        ("none", &u4, "memory, paper", MEMORY_PAPER, 22_198_000.0 + 140_800.0),
        ("none", &u2, "memory, paper", MEMORY_PAPER, 11_099_000.0 + 140_800.0),
        ("none", &free, "memory, paper", MEMORY_PAPER, 13_244_000.0 + 140_800.0),
        ("none", &u8, "memory", MEMORY, 44_396_000.0 + 312_064.0),
        ("none", &u2, "memory", MEMORY, 11_099_000.0 + 312_064.0),
        ("silago", &tied, "memory, paper", MEMORY_PAPER, 35_006_400.0),
        ("silago", &tied, "memory", MEMORY, 35_177_664.0),
        ("bitfusion", &free, "memory, paper", MEMORY_PAPER, 13_384_800.0),
        ("bitfusion", &free, "memory", MEMORY, 13_556_064.0),
        // Speedup as published: Σ MACs·s / 5,637,500; the largest of SiLago is 3.94, of Bit Fusion 63.0.
        ("silago", &u16, "speedup, paper", SPEEDUP_PAPER, 5_549_500.0 / 5_637_500.0),
        ("silago", &u8, "speedup, paper", SPEEDUP_PAPER, 11_099_000.0 / 5_637_500.0),
        ("silago", &u4, "speedup, paper", SPEEDUP_PAPER, 22_198_000.0 / 5_637_500.0),
        ("bitfusion", &u16, "speedup, paper", SPEEDUP_PAPER, 5_549_500.0 / 5_637_500.0),
        ("bitfusion", &u8, "speedup, paper", SPEEDUP_PAPER, 22_198_000.0 / 5_637_500.0),
        ("bitfusion", &u4, "speedup, paper", SPEEDUP_PAPER, 88_792_000.0 / 5_637_500.0),
        ("bitfusion", &u2, "speedup, paper", SPEEDUP_PAPER, 355_168_000.0 / 5_637_500.0),
        // 75,900·1 + 844,800·2 + 2,534,400·4 + 2,094,400·2.
        ("silago", &tied, "speedup, paper", SPEEDUP_PAPER, 16_091_900.0 / 5_637_500.0),
        // 75,900·2 + 844,800·8 + 2,534,400·32 + 2,094,400·16.
        ("bitfusion", &free, "speedup, paper", SPEEDUP_PAPER, 121_521_400.0 / 5_637_500.0),
        // Speedup by time: Σ MACs / Σ(MACs/s); a uniform precision is its own speedup.
        ("silago", &u16, "speedup", SPEEDUP, 1.0),
        ("silago", &u8, "speedup", SPEEDUP, 2.0),
        ("silago", &u4, "speedup", SPEEDUP, 4.0),
        ("bitfusion", &u16, "speedup", SPEEDUP, 1.0),
        ("bitfusion", &u8, "speedup", SPEEDUP, 4.0),
        ("bitfusion", &u4, "speedup", SPEEDUP, 16.0),
        ("bitfusion", &u2, "speedup", SPEEDUP, 64.0),
        // 75,900 + 422,400 + 633,600 + 1,047,200.
        ("silago", &tied, "speedup", SPEEDUP, 5_549_500.0 / 2_179_100.0),
        // 37,950 + 105,600 + 79,200 + 130,900.
        ("bitfusion", &free, "speedup", SPEEDUP, 5_549_500.0 / 353_650.0),
        // Energy: memory bits · 0.08 + Σ MACs·e, in pJ.
        ("silago", &u16, "energy, paper", ENERGY_PAPER, 7_114_624.0 + 9_245_467.0),
        ("silago", &u8, "energy, paper", ENERGY_PAPER, 3_562_944.0 + 3_007_829.0),
        ("silago", &u4, "energy, paper", ENERGY_PAPER, 1_787_104.0 + 849_073.5),
        // 126,449.4 + 457,881.6 + 387,763.2 + 1,135,164.8 = 2,107,259 for multiplying.
        ("silago", &tied, "energy, paper", ENERGY_PAPER, 2_800_512.0 + 2_107_259.0),
        ("silago", &tied, "energy", ENERGY, 2_814_213.12 + 2_107_259.0),
        ("silago", &u8, "energy", ENERGY, 3_576_645.12 + 3_007_829.0),
    ];
    for (name, spec, what, read, expected) in figures {
        let cost = load(name).expect("built in").cost(&network(), spec).expect("allowed");
        let got = read(&cost);
        // Eight products, their sums and a quotient, each within 2^-53: far inside 1e-14.
        assert!((got / expected - 1.0).abs() < 1e-14, "{what} of {spec} on {name}: {got}, expected {expected}");
    }
}

#[test]
fn what_is_not_priced_is_none() {
    let cost = |name: &str| load(name).expect("built in").cost(&network(), &uniform(Eight, Eight)).expect("allowed");
    let none = cost("none");
    assert_eq!((none.speedup, none.speedup_paper, none.energy_pj, none.energy_pj_paper), (None, None, None, None));
    let bitfusion = cost("bitfusion");
    assert_eq!((bitfusion.energy_pj, bitfusion.energy_pj_paper, bitfusion.frame_time_s), (None, None, None));
}

#[test]
fn limits_are_those_of_the_experiments() {
    let platform = |name| load(name).expect("built in");
    assert_eq!(platform("silago").sram_bytes(), Some(6 * 1024 * 1024));
    assert_eq!(platform("bitfusion").sram_bytes(), Some(2 * 1024 * 1024));
    assert_eq!(platform("none").sram_bytes(), None);

    // 44,708,064 bits are 5,588,508 bytes: inside 6 MiB, and 2.66 times 2 MiB.
    let spec = uniform(Eight, Eight);
    let cost = platform("silago").cost(&network(), &spec).expect("allowed");
    assert_eq!(platform("silago").violations(&cost), []);
    let violations = platform("bitfusion").violations(&cost);
    assert_eq!(violations.len(), 1);
    assert!((violations[0].amount - (5_588_508.0 / 2_097_152.0 - 1.0)).abs() < 1e-12);
    assert_eq!(violations[0].to_string(), "memory `sram` holds 2097152 bytes, 5588508 needed");
}

#[test]
fn the_largest_speedup_and_saving_of_silago_are_those_of_4x4() {
    // The paper gives its solutions as shares of these two: 97 % of the speedup, 86 % of the energy saving.
    let silago = load("silago").expect("built in");
    let cost = |bits| silago.cost(&network(), &uniform(bits, bits)).expect("allowed");
    let (widest, narrowest) = (cost(Sixteen), cost(Four));
    assert!((narrowest.speedup_paper.expect("priced") - 3.937_6).abs() < 1e-4);
    // 1 − 2,636,177.5 / 16,360,091.
    let saving = 1.0 - narrowest.energy_pj_paper.expect("priced") / widest.energy_pj_paper.expect("priced");
    assert!((saving - 0.838_865).abs() < 1e-6, "{saving}");
}
