//! Laws of the model, for arrays and products of all sizes.

use super::product::Product;
use super::tile::ORDERS;
use super::*;
use proptest::prelude::*;
use std::cmp::min;
use std::time::Instant;

const fn buffer(bits: u64) -> Buffer {
    Buffer { bits, read_pj_per_bit: 0.25, write_pj_per_bit: 0.5 }
}

const ARRAY: Array = Array {
    rows: 16,
    columns: 32,
    smallest: Bits::Two,
    largest: Bits::Sixteen,
    partial_sum_bits: 32,
    core_pj_per_cycle: 1000.0,
};
const BUFFERS: Buffers =
    Buffers { weights: buffer(1 << 19), inputs: buffer(1 << 18), outputs: buffer(1 << 17), double_buffered: true };
const DRAM: Dram = Dram { bits_per_cycle: 192, pj_per_bit: 15.0 };
/// Three bursts of DRAM are rounded up to whole cycles where weights are streamed: two more than one.
const ROUNDED_CYCLES: u64 = 2;

fn bitfusion(weights: Weights) -> Systolic {
    Systolic::new(ARRAY, BUFFERS, DRAM, weights).expect("a good array")
}

fn with_weights(systolic: &Systolic, weights: Weights) -> Systolic {
    Systolic { weights, ..*systolic }
}

fn precision(weight: u32, activation: u32) -> Precision {
    let bits = |count| Bits::new(count).expect("a width");
    Precision::new(bits(weight), bits(activation))
}

fn bits() -> impl Strategy<Value = Bits> {
    prop::sample::select(&Bits::ALL[..])
}

/// Any hardware whose smallest tile fits: DRAM from far too slow to far too quick for the array.
fn hardware() -> impl Strategy<Value = Systolic> {
    let array = (1_u64..=40, 1_u64..=40, bits());
    let buffers = ((19_u32..22, 10_u32..20, 14_u32..20), any::<bool>());
    (array, buffers, 1_u64..=4096).prop_map(|((rows, columns, smallest), (sizes, double_buffered), bits_per_cycle)| {
        let array = Array { rows, columns, smallest, ..ARRAY };
        let (weights, inputs, outputs) = (buffer(1 << sizes.0), buffer(1 << sizes.1), buffer(1 << sizes.2));
        let buffers = Buffers { weights, inputs, outputs, double_buffered };
        let dram = Dram { bits_per_cycle, ..DRAM };
        Systolic::new(array, buffers, dram, Weights::Streamed).expect("a good array")
    })
}

/// Inputs, outputs and frames.
fn shape() -> impl Strategy<Value = [u64; 3]> {
    (1_u64..3000, 1_u64..3000, prop_oneof![Just(1_u64), 1_u64..100])
        .prop_map(|(inputs, outputs, frames)| [inputs, outputs, frames])
}

fn price(systolic: &Systolic, [inputs, outputs, frames]: [u64; 3], precision: Precision) -> ProductCost {
    systolic.product(inputs, outputs, frames, precision).expect("a product that fits")
}

proptest! {
    #[test]
    fn cycles_are_those_of_computing_filling_draining_and_stalls(
        systolic in hardware(), shape in shape(), weight in bits(), activation in bits(),
    ) {
        let precision = Precision::new(weight, activation);
        let cost = price(&systolic, shape, precision);
        let parts = cost.compute_cycles + cost.fill_cycles + cost.drain_cycles + cost.stall_cycles;
        prop_assert_eq!(cost.total_cycles, parts);
        // No array is quicker than all its units at once, no DRAM than its width, and everything passes it once.
        let [inputs, outputs, frames] = shape;
        let macs = inputs * outputs * frames;
        let units = systolic.array.rows * systolic.array.columns * systolic.fused(precision);
        prop_assert!(cost.compute_cycles * units >= macs);
        prop_assert!(cost.total_cycles * systolic.dram.bits_per_cycle >= cost.dram_read_bits + cost.dram_write_bits);
        let weights = inputs * outputs * u64::from(weight.count());
        prop_assert!(cost.weight_write_bits >= weights);
        prop_assert!(cost.weight_read_bits >= macs * u64::from(weight.count()));
        prop_assert!(cost.dram_read_bits >= weights + inputs * frames * u64::from(activation.count()));
        prop_assert!(cost.dram_write_bits >= outputs * frames * systolic.array.partial_sum_bits);
    }

    #[test]
    fn no_tile_is_better_than_the_one_found_and_no_order_moves_less(
        systolic in hardware(), shape in shape(), weight in bits(), activation in bits(), resident in any::<bool>(),
    ) {
        let weights = if resident { Weights::Resident } else { Weights::Streamed };
        let systolic = with_weights(&systolic, weights);
        let precision = Precision::new(weight, activation);
        let found = price(&systolic, shape, precision);
        let product = Product::new(&systolic, shape[0], shape[1], shape[2], precision);
        let (mut attained, mut beaten, mut wasteful) = (false, false, false);
        product.every_cost(|tile, cost| {
            attained |= (cost.total_cycles, cost.energy_pj()) == (found.total_cycles, found.energy_pj());
            beaten |= cost.is_better_than(&found);
            let least = ORDERS.map(|order| tile.moved_in(order, product.room).total_bits()).into_iter().min();
            wasteful |= Some(cost.dram_read_bits + cost.dram_write_bits) != least;
        });
        prop_assert!(attained && !beaten && !wasteful);
    }

    #[test]
    fn more_bits_are_never_quicker_where_weights_are_resident(
        systolic in hardware(), shape in shape(), weight in (bits(), bits()), activation in (bits(), bits()),
    ) {
        let systolic = with_weights(&systolic, Weights::Resident);
        let narrow = Precision::new(min(weight.0, weight.1), min(activation.0, activation.1));
        let wide = Precision::new(max(weight.0, weight.1), max(activation.0, activation.1));
        let cycles = |precision| price(&systolic, shape, precision).total_cycles;
        prop_assert!(cycles(narrow) <= cycles(wide));
    }

    #[test]
    fn resident_weights_are_never_slower_than_streamed(
        systolic in hardware(), shape in shape(), weight in bits(), activation in bits(),
    ) {
        let precision = Precision::new(weight, activation);
        let [resident, streamed] = [Weights::Resident, Weights::Streamed]
            .map(|weights| price(&with_weights(&systolic, weights), shape, precision));
        prop_assert!(resident.total_cycles <= streamed.total_cycles);
        prop_assert_eq!(resident.weight_write_bits, 0);
    }

    #[test]
    fn a_larger_product_is_never_quicker(
        systolic in hardware(), shape in shape(), more in [0_u64..300, 0_u64..300, 0_u64..10],
        weight in bits(), activation in bits(),
    ) {
        let precision = Precision::new(weight, activation);
        let larger = [shape[0] + more[0], shape[1] + more[1], shape[2] + more[2]];
        let cycles = |weights, shape| price(&with_weights(&systolic, weights), shape, precision).total_cycles;
        prop_assert!(cycles(Weights::Resident, shape) <= cycles(Weights::Resident, larger));
        prop_assert!(cycles(Weights::Streamed, shape) <= cycles(Weights::Streamed, larger) + ROUNDED_CYCLES);
    }

    #[test]
    fn whatever_is_allowed_has_a_price_or_an_error(
        sides in [1..=most::SIDE, 1..=most::SIDE],
        sum in 1..=most::PARTIAL_SUM_BITS,
        buffers in [0_u32..=60, 0_u32..=60, 0_u32..=60],
        bits_per_cycle in 1..=most::BITS_PER_CYCLE,
        shape in [0_u32..=40, 0_u32..=40, 0_u32..=40],
        weight in bits(), activation in bits(), resident in any::<bool>(),
    ) {
        let array = Array { rows: sides[0], columns: sides[1], partial_sum_bits: sum, ..ARRAY };
        let [weights, inputs, outputs] = buffers.map(|exponent| buffer(1 << exponent));
        let buffers = Buffers { weights, inputs, outputs, double_buffered: false };
        let dram = Dram { bits_per_cycle, ..DRAM };
        let weights = if resident { Weights::Resident } else { Weights::Streamed };
        let systolic = Systolic::new(array, buffers, dram, weights).expect("a good array");
        let [inputs, outputs, frames] = shape.map(|exponent| (1_u64 << exponent) - u64::from(exponent > 1));
        // Overflow panics in this build; what must hold beside is that nothing is free.
        if let Ok(cost) = systolic.product(inputs, outputs, frames, Precision::new(weight, activation)) {
            prop_assert!(cost.total_cycles >= cost.compute_cycles && cost.compute_cycles > 0);
            prop_assert!(cost.energy_pj() > 0.0);
        }
    }
}

#[test]
fn the_largest_products_do_not_overflow() {
    let array = Array { rows: most::SIDE, columns: most::SIDE, partial_sum_bits: most::PARTIAL_SUM_BITS, ..ARRAY };
    let dram = |bits_per_cycle| Dram { bits_per_cycle, ..DRAM };
    // Buffers in which few, or any, tiles fit.
    for (bits, bits_per_cycle) in [(1 << 28, 1), (1 << 28, most::BITS_PER_CYCLE), (most::BUFFER_BITS, 1)] {
        let all = buffer(bits);
        let buffers = Buffers { weights: all, inputs: all, outputs: all, double_buffered: true };
        let systolic = Systolic::new(array, buffers, dram(bits_per_cycle), Weights::Streamed).expect("a good array");
        for [inputs, outputs, frames] in
            [[1 << 40, 1, 1], [1, 1 << 40, 1], [1, 1, 1 << 40], [1 << 13, 1 << 13, 1 << 14]]
        {
            for bits in Bits::ALL {
                let cost = price(&systolic, [inputs, outputs, frames], Precision::new(bits, bits));
                assert!(cost.total_cycles >= cost.compute_cycles && cost.dram_read_bits > cost.dram_write_bits);
            }
        }
    }
}

#[test]
fn frames_share_weights_that_fit() {
    // 64 inputs and 32 outputs at 8x8: a pass takes 16·4 inputs, so every frame one cycle. Weights are loaded once,
    // inputs and sums for every frame.
    let cost = price(&bitfusion(Weights::Streamed), [64, 32, 10], precision(8, 8));
    assert_eq!(cost.compute_cycles, 10);
    assert_eq!(cost.weight_write_bits, 64 * 32 * 8);
    assert_eq!(cost.weight_read_bits, 10 * 64 * 32 * 8);
    assert_eq!(cost.dram_read_bits, 64 * 32 * 8 + 10 * (64 * 8 + 32 * 32));
    assert_eq!(cost.dram_write_bits, 10 * 32 * 32);
}

#[test]
fn the_ideal_speedup_needs_resident_weights() {
    // 1024 inputs fill a pass at every precision, so computing alone gives 256/(w·a).
    let compute = |w, a| price(&bitfusion(Weights::Resident), [1024, 320, 1], precision(w, a)).compute_cycles;
    for (w, a) in [(2, 2), (4, 8), (8, 8), (8, 16)] {
        assert_eq!(compute(16, 16) / compute(w, a), u64::from(256 / (w * a)));
    }
    // Streamed, time follows the bits of weights alone: four times for 8 bit against 2 bit, whatever the inputs have.
    let total = |w, a| price(&bitfusion(Weights::Streamed), [1024, 3200, 1], precision(w, a)).total_cycles as f64;
    for a in [2, 4, 8] {
        assert!((total(8, a) / total(2, a) - 4.0).abs() < 0.1);
    }
}

#[test]
fn padding_makes_two_bits_slower_than_eight_where_inputs_are_few() {
    let streamed = bitfusion(Weights::Streamed);
    let cycles = |bits| price(&streamed, [23, 3300, 1], precision(bits, bits)).total_cycles;
    assert!(cycles(2) > 3 * cycles(8));
}

#[test]
fn without_double_buffers_nothing_overlaps() {
    let single = |bits_per_cycle| {
        let buffers = Buffers { double_buffered: false, ..BUFFERS };
        let dram = Dram { bits_per_cycle, ..DRAM };
        Systolic::new(ARRAY, buffers, dram, Weights::Resident).expect("a good array")
    };
    for bits_per_cycle in [1, 192, 4096] {
        let cost = price(&single(bits_per_cycle), [1000, 500, 7], precision(8, 4));
        let memory = (cost.dram_read_bits + cost.dram_write_bits).div_ceil(bits_per_cycle);
        assert_eq!(cost.total_cycles, cost.compute_cycles + memory);
    }
}

#[test]
fn hardware_that_cannot_be_is_refused() {
    let with = |array, dram| Systolic::new(array, BUFFERS, dram, Weights::Streamed).expect_err("a fault").to_string();
    assert_eq!(with(Array { rows: 0, ..ARRAY }, DRAM), "rows of the array is 0, expected 1 to 1024");
    assert_eq!(with(Array { columns: 1025, ..ARRAY }, DRAM), "columns of the array is 1025, expected 1 to 1024");
    let dram = Dram { bits_per_cycle: u64::MAX, ..DRAM };
    assert_eq!(with(ARRAY, dram), "DRAM bits a cycle is 18446744073709551615, expected 1 to 1048576");
    for price in [-1.0, f64::NAN, f64::INFINITY] {
        let expected = format!("a bit of DRAM is {price} pJ, expected zero or more");
        assert_eq!(with(ARRAY, Dram { pj_per_bit: price, ..DRAM }), expected);
    }
    let array = Array { smallest: Bits::Eight, largest: Bits::Four, ..ARRAY };
    assert_eq!(with(array, DRAM), "fusion units split 4 bit into 8 bit");
}

#[test]
fn products_that_cannot_be_are_refused() {
    let systolic = bitfusion(Weights::Streamed);
    let eight = precision(8, 8);
    for [inputs, outputs, frames] in [[0, 1, 1], [1, 0, 1], [1, 1, 0], [(1 << 40) + 1, 1, 1], [u64::MAX; 3]] {
        let error = systolic.product(inputs, outputs, frames, eight).expect_err("no such product");
        assert_eq!(error, SystolicError::Shape { inputs, outputs, frames });
    }
    let array = Array { largest: Bits::Eight, ..ARRAY };
    let narrow = Systolic::new(array, BUFFERS, DRAM, Weights::Streamed).expect("a good array");
    let error = narrow.product(10, 10, 1, precision(4, 16)).expect_err("too wide");
    assert_eq!(error.to_string(), "precision 4x16 is wider than fusion units of 8 bit");
}

#[test]
fn a_buffer_too_small_for_any_tile_is_named() {
    // At 8x8 a pass has 64 inputs, for each of 32 outputs: 16,384 bits of weights in a half of 8,192.
    let buffers = Buffers { weights: buffer(16_384), ..BUFFERS };
    let small = |weights| Systolic::new(ARRAY, buffers, DRAM, weights).expect("a good array");
    let error = small(Weights::Streamed).product(1, 100, 1, precision(8, 8)).expect_err("no tile fits");
    assert_eq!(error.to_string(), "buffer of weights has room for 8192 bits, the smallest tile takes 16384");
    assert!(small(Weights::Resident).product(1, 100, 1, precision(8, 8)).is_ok());
}

#[test]
fn a_product_takes_less_than_two_microseconds() {
    const REPEATS: u32 = 200;
    let streamed = bitfusion(Weights::Streamed);
    // The network of the paper, the largest case: few bits leave most tiles to choose from.
    for [inputs, outputs] in [[1100, 1904], [256, 3300], [23, 3300], [1100, 256]] {
        for bits in Bits::ALL {
            // The quickest of many batches: what the machine can do, whatever else it does.
            let batch = || {
                let start = Instant::now();
                let one = || price(&streamed, std::hint::black_box([inputs, outputs, 1]), Precision::new(bits, bits));
                let sum: u64 = (0..REPEATS).map(|_| one().total_cycles).sum();
                assert!(sum > 0);
                start.elapsed()
            };
            let quickest = (0..50).map(|_| batch()).min().expect("fifty batches");
            println!("{inputs}x{outputs} at {bits:?}: {quickest:?} for {REPEATS}");
            assert!(quickest.as_nanos() < u128::from(2000 * REPEATS), "{quickest:?} for {REPEATS} products");
        }
    }
}
