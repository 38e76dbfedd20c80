//! The systolic model against the 40 results of the public Bit Fusion simulator in the shared data.

mod shared;

use mohaq::platform::systolic::{Array, Buffer, Buffers, Dram, ProductCost, Systolic, Weights};
use mohaq::quant::Precision;
use mohaq_rt::Bits;
use serde::Deserialize;

/// One result: an array and a fully connected layer at batch 1, at `w` bit weights and `a` bit inputs.
#[derive(Clone, Deserialize)]
#[expect(non_snake_case, reason = "keys of the file")]
struct Row {
    cfg: String,
    layer: String,
    Ni: u64,
    No: u64,
    B: u64,
    w: u32,
    a: u32,
    cycles: u64,
    stall: u64,
    wgt_rd: u64,
    act_rd: u64,
    out_rd: u64,
    dram_rd: u64,
    dram_wr: u64,
    core_nJ: f64,
    sram_nJ: f64,
    dram_nJ: f64,
}

/// nJ a read and nJ a write of a bank of 32 bit words, CACTI at 45 nm, as pJ a bit.
fn bank(kib: u64, read_nj: f64, write_nj: f64) -> Buffer {
    let pj_per_bit = |nj: f64| nj * 1000.0 / 32.0;
    Buffer { bits: kib * 8192, read_pj_per_bit: pj_per_bit(read_nj), write_pj_per_bit: pj_per_bit(write_nj) }
}

/// The array that the rows call `cfg`, with the numbers that the simulator reads: sizes of its `bf_e_conf.ini`, dynamic power
/// of 4×4 units at 500 MHz of `systolic_array_synth.csv`, CACTI energies of `cacti_sweep.csv`. For `pmax16` the latter has no
/// entry, and the rows were made with the same energies rounded to pJ of three decimals: a least squares fit of the 18 rows
/// gives these, the outputs' read and write as a sum, with no remainder.
fn bitfusion(cfg: &str) -> Systolic {
    let (largest, nanowatts, [weights, inputs, outputs]) = match cfg {
        "pmax8 bw192" => {
            let banks = [(0.000_683_701, 0.000_925_317), (0.001_903_18, 0.003_638_53), (0.001_060_97, 0.002_338_69)];
            (Bits::Eight, 3_673_500.0, banks)
        }
        "pmax16 bw192" => {
            let nj = |pj_per_bit: f64| pj_per_bit * 32.0 / 1000.0;
            let banks = [(nj(0.021), nj(0.029)), (nj(0.059), nj(0.114)), (nj(0.033), nj(0.073))];
            (Bits::Sixteen, 16_907_600.0, banks)
        }
        other => panic!("array {other} is unknown"),
    };
    let array = Array {
        rows: 16,
        columns: 32,
        smallest: Bits::Two,
        largest,
        partial_sum_bits: 32,
        // nW at 500 MHz, 16 of 512 units.
        core_pj_per_cycle: nanowatts * 1e-9 / 500e6 * 1e12 * (512.0 / 16.0),
    };
    let buffers = Buffers {
        weights: bank(64, weights.0, weights.1),
        inputs: bank(32, inputs.0, inputs.1),
        outputs: bank(16, outputs.0, outputs.1),
        double_buffered: true,
    };
    Systolic::new(array, buffers, Dram { bits_per_cycle: 192, pj_per_bit: 15.0 }, Weights::Streamed)
        .expect("a good array")
}

fn rows() -> Option<Vec<Row>> {
    let text = std::fs::read_to_string(shared::shared_data("oracles/bitfusion_fc.json")?).expect("a readable file");
    Some(serde_json::from_str(&text).expect("a list of results"))
}

fn cost(row: &Row) -> ProductCost {
    let bits = |count| Bits::new(count).expect("a width");
    let precision = Precision::new(bits(row.w), bits(row.a));
    bitfusion(&row.cfg).product(row.Ni, row.No, row.B, precision).expect("a tile that fits")
}

/// Every whole number of a row beside the model's.
fn counts(row: &Row, cost: &ProductCost) -> [(&'static str, u64, u64); 8] {
    let waited = cost.fill_cycles + cost.stall_cycles + cost.drain_cycles;
    [
        ("compute cycles", row.cycles - row.stall, cost.compute_cycles),
        ("stall cycles", row.stall, waited),
        ("total cycles", row.cycles, cost.total_cycles),
        ("weight bits read", row.wgt_rd, cost.weight_read_bits),
        ("input bits read", row.act_rd, cost.input_read_bits),
        ("output bits read", row.out_rd, cost.output_read_bits),
        ("DRAM bits read", row.dram_rd, cost.dram_read_bits),
        ("DRAM bits written", row.dram_wr, cost.dram_write_bits),
    ]
}

/// Every energy of a row beside the model's, in nJ.
fn energies(row: &Row, cost: &ProductCost) -> [(&'static str, f64, f64); 3] {
    [
        ("core energy", row.core_nJ, cost.core_pj / 1000.0),
        ("SRAM energy", row.sram_nJ, cost.sram_pj / 1000.0),
        ("DRAM energy", row.dram_nJ, cost.dram_pj / 1000.0),
    ]
}

#[test]
fn all_forty_results_of_the_simulator_come_out() {
    // Energies are sums of at most eight rounded products, here and there: 2⁻⁵³ each, and as much for each price, which both
    // sides reach by other divisions.
    const ROUNDING: f64 = 32.0 * f64::EPSILON;
    let Some(rows) = rows() else { return };
    assert_eq!(rows.len(), 40);
    let mut worst = [("", 0.0_f64); 3];
    for row in &rows {
        let cost = cost(row);
        let name = format!("{} {} {}x{}", row.cfg, row.layer, row.w, row.a);
        for (quantity, expected, got) in counts(row, &cost) {
            assert_eq!(got, expected, "{quantity} of {name}");
        }
        for ((quantity, expected, got), worst) in energies(row, &cost).into_iter().zip(&mut worst) {
            *worst = (quantity, worst.1.max((got / expected - 1.0).abs()));
        }
    }
    println!("cycles and bits: no deviation");
    for (quantity, deviation) in worst {
        println!("{quantity}: {deviation:.1e} at worst");
        assert!(deviation <= ROUNDING, "{quantity} is {deviation:e} off");
    }
}

#[test]
fn a_different_array_does_not_give_the_simulators_results() {
    // What compares above must be able to fail: with units of 16 bit in the place of 8 bit, every row is another.
    let Some(rows) = rows() else { return };
    for row in rows.iter().filter(|row| row.cfg == "pmax8 bw192") {
        let wrong = Row { cfg: "pmax16 bw192".to_owned(), ..Row::clone(row) };
        let cost = cost(&wrong);
        assert!(energies(row, &cost).iter().any(|(_, expected, got)| (got / expected - 1.0).abs() > 0.03));
    }
}
