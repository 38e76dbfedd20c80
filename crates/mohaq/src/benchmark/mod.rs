//! Speed of candidate evaluation on a network from a file, with its answers checked first, and strategies of search on
//! measured errors.
//!
//! A [`Model`] is a network with features, labels and clips; [`evaluate`] measures random or given candidates on it as a
//! search would. Before any speed is reported the best level of the machine is compared with the scalar definition, code
//! by code. An [`ErrorTable`] holds the error of every candidate of a small space; [`strategies()`] runs searches on it.

mod model;
mod strategies;
mod table;

pub use model::Model;
pub use strategies::{Contest, Range, Standing, Standings, strategies};
pub use table::ErrorTable;

use crate::eval::{IntegerJudge, Judge};
use crate::nn::Float;
use crate::quant::{IntegerBank, Precision, QuantSpec};
use crate::watch::Silent;
use crate::{Error, Result};
use mohaq_rt::panel::Family;
use mohaq_rt::{Bits, Level};
use mohaq_speech::dataset::{Sequence, Task};
use mohaq_speech::decode::DecoderWeights;
use mohaq_speech::score::Scorer;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;
use std::time::Instant;

/// Which candidates are measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Candidates {
    /// So many with every width of every operand drawn uniformly from 2, 4, 8 and 16.
    Random(usize),
    /// So many drawn uniformly from weights of 2 and 4 bits and activations of 2, 4 and 8.
    Narrow(usize),
    /// The same precision everywhere, so many times.
    Uniform(Precision, usize),
    /// These.
    Given(Vec<QuantSpec>),
}

/// What a benchmark found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Findings {
    /// Level of the machine.
    pub level: String,
    /// Threads.
    pub threads: usize,
    /// Candidates.
    pub candidates: usize,
    /// Frames that every candidate is measured on.
    pub frames: usize,
    /// Frames a second, of all threads together.
    pub frames_per_s: f64,
    /// Multiply-accumulates of matrix products a second, of all threads together, in 10⁹.
    pub gmac_per_s: f64,
    /// Time that the products would take at the machine's peak over the time that everything took.
    pub share_of_peak: f64,
    /// Peaks of one core, from registers and the nearest cache, in 10⁹ multiply-accumulates a second, by [`Family::ALL`].
    pub peak_gmac_per_s: [f64; Family::ALL.len()],
    /// Seconds in which all weights that the candidates ask for were quantized and packed; before the clock starts.
    pub packing_s: f64,
    /// Largest resident set of the process, in 10⁶ bytes; `None` where the system does not say.
    pub peak_rss_mb: Option<f64>,
    /// Error of each candidate, per cent.
    pub error_percent: Vec<f64>,
    /// Bits of each candidate.
    pub bits: Vec<String>,
    /// Error of the network in floating point, per cent.
    pub float_error_percent: f64,
}

/// Seed of random candidates.
const SEED: u64 = 3;

/// Measures `candidates` of `model` on all threads of the pool.
///
/// # Errors
/// [`Error::Benchmark`] where the levels of the machine disagree; errors of calibration.
pub fn evaluate(model: &Model, candidates: &Candidates) -> Result<Findings> {
    let specs = candidates.specs(model.network.workload().sites.len());
    let scorer = Scorer::new(&Task::Frames { classes: model.network.outputs() }, &[], DecoderWeights::default())?;
    let sequences: Vec<&Sequence> = model.sequences.iter().collect();
    let judge = Judge::new(&scorer, &sequences, model.network.inputs())?;
    let float_error_percent = judge.worst_error(&judge.errors(&model.network, &Float)?);
    let bank = IntegerBank::new(&model.network, model.calibration.clone())?;
    check_answers(model, &bank, &specs)?;
    let packing = Instant::now();
    specs.iter().try_for_each(|spec| bank.engine(spec).map(drop))?;
    let packing_s = packing.elapsed().as_secs_f64();
    let judge = IntegerJudge::new(judge, &bank, 0)?;
    // Once in vain, so that caches, clocks and allocators have settled.
    judge.errors(&specs[0])?;
    let begun = Instant::now();
    let errors = judge.errors_of_all(&specs, &Silent)?;
    let seconds = begun.elapsed().as_secs_f64();
    let frames: usize = model.sequences.iter().map(|sequence| sequence.features.frames()).sum();
    let macs = model.network.workload().macs() as f64 * (frames * specs.len()) as f64;
    let peaks = Family::ALL.map(|family| bank.level().measured_peak(family));
    let threads = rayon::current_num_threads();
    Ok(Findings {
        level: bank.level().name().into(),
        threads,
        candidates: specs.len(),
        frames,
        frames_per_s: (frames * specs.len()) as f64 / seconds,
        gmac_per_s: macs / seconds / 1e9,
        share_of_peak: seconds_at_peak(model, &specs, bank.level(), peaks) * frames as f64 / threads as f64 / seconds,
        peak_gmac_per_s: peaks.map(|peak| peak / 1e9),
        packing_s,
        peak_rss_mb: peak_rss_mb(),
        error_percent: errors.iter().map(|errors| judge.judge().worst_error(errors)).collect(),
        bits: specs.iter().map(ToString::to_string).collect(),
        float_error_percent,
    })
}

/// Refuses to go on where the best level of the machine and the definition give other codes: on the first sequence, cut
/// to a few frames as the definition is slow, for the first candidate and for uniform precisions of both families.
fn check_answers(model: &Model, bank: &IntegerBank<'_>, specs: &[QuantSpec]) -> Result<()> {
    const FRAMES: usize = 24;
    let scalar = IntegerBank::at_level(&model.network, model.calibration.clone(), Level::Scalar)?;
    let features = &model.sequences[0].features;
    let frames = features.frames().min(FRAMES);
    let values = features.values[..frames * features.dim].iter();
    let codes: Vec<i16> = values.map(|&x| bank.input().code(x).code).collect();
    let sites = model.network.workload().sites.len();
    let uniform = [Precision::new(Bits::Eight, Bits::Eight), Precision::new(Bits::Four, Bits::Eight)];
    let uniform = uniform.map(|precision| QuantSpec::uniform(precision, sites));
    for spec in specs.iter().take(1).chain(&uniform) {
        let run = |bank: &IntegerBank<'_>| Ok(bank.engine(spec)?.run(&codes, &[0, frames], &mut Default::default()));
        let (fast, defined): (Result<_>, Result<_>) = (run(bank), run(&scalar));
        if fast? != defined? {
            let level = bank.level().name();
            return Err(Error::Benchmark { reason: format!("{level} and the scalar definition differ at {spec}") });
        }
    }
    Ok(())
}

/// Seconds that the products of all `specs` would take for one frame on one core at the `peaks` of `level`.
fn seconds_at_peak(model: &Model, specs: &[QuantSpec], level: Level, peaks: [f64; 3]) -> f64 {
    let sites = model.network.workload().sites;
    let matrices = model.network.site_weights();
    let of_site = |spec: &QuantSpec| -> f64 {
        let seconds = spec.0.iter().zip(&sites).zip(&matrices).map(|((precision, site), matrix)| {
            let family = level.family(precision.weight, precision.activation, matrix.rows());
            site.macs as f64 / peaks[family as usize]
        });
        seconds.sum()
    };
    specs.iter().map(of_site).sum()
}

/// Largest resident set of this process so far, in 10⁶ bytes.
fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

impl Candidates {
    /// The specs of a network with `sites` sites.
    fn specs(&self, sites: usize) -> Vec<QuantSpec> {
        const NARROW_WEIGHTS: [Bits; 2] = [Bits::Two, Bits::Four];
        const NARROW_ACTIVATIONS: [Bits; 3] = [Bits::Two, Bits::Four, Bits::Eight];
        match self {
            Self::Random(count) => drawn(*count, sites, &Bits::ALL, &Bits::ALL),
            Self::Narrow(count) => drawn(*count, sites, &NARROW_WEIGHTS, &NARROW_ACTIVATIONS),
            Self::Uniform(precision, count) => vec![QuantSpec::uniform(*precision, sites); *count],
            Self::Given(specs) => specs.clone(),
        }
    }
}

fn drawn(count: usize, sites: usize, weights: &[Bits], activations: &[Bits]) -> Vec<QuantSpec> {
    let mut stream = ChaCha8Rng::seed_from_u64(SEED);
    // The bias of a remainder is below 2⁻³⁰ here.
    let mut one_of = |bits: &[Bits]| bits[stream.next_u32() as usize % bits.len()];
    let mut spec = || QuantSpec((0..sites).map(|_| Precision::new(one_of(weights), one_of(activations))).collect());
    (0..count).map(|_| spec()).collect()
}
