//! Three problems in the likeness of MOHAQ's: bits for the weights and the activations of eight matrix products, by
//! formulas in place of a network.
//!
//! 16 genes of four levels stand for 2, 4, 8 and 16 bit, in the order: weights of L0…L3, activations of L0…L3, weights
//! of P1…P3, activations of P1…P3, weights of FC, activations of FC. With s_w = 1, 0.12, 0.01, 0 and s_a = 1, 0.15,
//! 0.012, 0 by level, the error is 16.2 + Σ_i (α_i s_w + β_i s_a + ½ α_i s_w s_a) + 0.3 Σ s_w s_w' over neighbours in
//! L0 P1 L1 P2 L2 P3 L3 FC. Multiplications and weights are the paper's; speedup is Bit Fusion's.

use mohaq_moo::{Genome, Score};

/// Multiplications a frame of L0…L3, P1…P3, FC, which are also their weights.
const MACS: [f64; 8] = [75_900.0, 844_800.0, 844_800.0, 844_800.0, 281_600.0, 281_600.0, 281_600.0, 2_094_400.0];
const WEIGHT_GENE: [usize; 8] = [0, 1, 2, 3, 8, 9, 10, 14];
const ACTIVATION_GENE: [usize; 8] = [4, 5, 6, 7, 11, 12, 13, 15];
const BITS: [f64; 4] = [2.0, 4.0, 8.0, 16.0];
const WEIGHT_LOSS: [f64; 4] = [1.0, 0.12, 0.01, 0.0];
const ACTIVATION_LOSS: [f64; 4] = [1.0, 0.15, 0.012, 0.0];
const ALPHA: [f64; 8] = [1.0, 0.9, 0.7, 0.6, 0.5, 0.4, 0.4, 1.5];
const BETA: [f64; 8] = [4.0, 1.6, 1.3, 1.1, 1.2, 1.0, 0.9, 2.9];
/// The products in the order of the data's way through the network.
const CHAIN: [usize; 8] = [0, 4, 1, 5, 2, 6, 3, 7];

/// What is minimised: error and speedup (`Bf`), error and memory (`Mem`), or all three (`BfMem`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Bf,
    Mem,
    BfMem,
}

impl Problem {
    pub(crate) const ALL: [Self; 3] = [Self::Bf, Self::Mem, Self::BfMem];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bf => "bf",
            Self::Mem => "mem",
            Self::BfMem => "bfmem",
        }
    }

    /// Objectives as parts of their range, so that (1, 1, …) is the reference: error at most 24 %, 2 MiB of memory.
    pub(crate) fn score(self, genome: &Genome) -> Score {
        let [error, speedup, memory] = formulas(genome);
        let too_wrong = ((error - 24.0) / 24.0).max(0.0);
        let too_large = ((memory - 2.0) / 2.0).max(0.0);
        let (error, speedup) = ((error - 16.2) / 7.8, 1.0 - speedup / 64.0);
        match self {
            Self::Bf => Score { objectives: vec![error, speedup], violation: too_wrong + too_large },
            Self::Mem => Score { objectives: vec![error, memory / 11.0], violation: too_wrong },
            Self::BfMem => Score { objectives: vec![error, speedup, memory / 2.0], violation: too_wrong + too_large },
        }
    }
}

/// Error in per cent, speedup over 16 bit, memory in MiB.
pub(crate) fn formulas(genome: &Genome) -> [f64; 3] {
    let weight = WEIGHT_GENE.map(|gene| usize::from(genome.0[gene]));
    let activation = ACTIVATION_GENE.map(|gene| usize::from(genome.0[gene]));
    let (mut error, mut work, mut bits) = (16.2, 0.0, 8800.0 * 16.0);
    for site in 0..8 {
        let (s_w, s_a) = (WEIGHT_LOSS[weight[site]], ACTIVATION_LOSS[activation[site]]);
        error += ALPHA[site] * s_w + BETA[site] * s_a + 0.5 * ALPHA[site] * s_w * s_a;
        work += MACS[site] * (256.0 / (BITS[weight[site]] * BITS[activation[site]])).min(64.0);
        bits += MACS[site] * BITS[weight[site]];
    }
    for pair in CHAIN.windows(2) {
        error += 0.3 * WEIGHT_LOSS[weight[pair[0]]] * WEIGHT_LOSS[weight[pair[1]]];
    }
    [error, work / 5_637_500.0, bits / 8.0 / f64::from(1 << 20)]
}

/// The middle of an odd number of values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
