//! A made-up report with the shape of a real one: the paper's network on Bit Fusion, with an error model in place of
//! measurements. For the tests of the writers only.

use crate::nn::Site;
use crate::quant::{Precision, QuantSpec};
use crate::report::*;
use mohaq_rt::Bits;

const FLOAT_ERROR: f64 = 16.6;
const ERROR_LIMIT: f64 = 24.0;
const MEMORY_LIMIT: f64 = 2.0 * 1024.0 * 1024.0;

/// Name, inputs, outputs of the matrices of method.md §2.
const SITES: [(&str, usize, usize); 8] = [
    ("l0", 23, 3300),
    ("l1.projection", 1100, 256),
    ("l1", 256, 3300),
    ("l2.projection", 1100, 256),
    ("l2", 256, 3300),
    ("l3.projection", 1100, 256),
    ("l3", 256, 3300),
    ("output", 1100, 1904),
];

/// A small generator of its own, so that these tests change with nothing else: xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn bits(&mut self) -> Bits {
        Bits::ALL[usize::try_from(self.below(4)).unwrap()]
    }

    /// 2 or 4 bits mostly: what fits the memory limit.
    fn narrow_bits(&mut self) -> Bits {
        [Bits::Two, Bits::Two, Bits::Four, Bits::Eight][usize::try_from(self.below(4)).unwrap()]
    }
}

/// A report of `count` candidates; the same for the same arguments.
pub(in crate::report) fn report(count: usize) -> Report {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut evaluations: Vec<Evaluation> = Vec::new();
    for id in 1..=count as u64 {
        let bits = propose(&evaluations, &mut random);
        evaluations.push(evaluate(id, bits));
    }
    let front = front(&evaluations);
    let beacons = lend(&mut evaluations);
    Report {
        title: "Bi-SRU on TIMIT, Bit Fusion with 2 MiB".to_owned(),
        mohaq_version: "0.1.0".to_owned(),
        recipe: "paper-3-bitfusion".to_owned(),
        command: "mohaq run paper/3-bitfusion --data timit --seed 7".to_owned(),
        seed: u64::MAX,
        platform: platform(),
        network: network(),
        data: data(),
        training: (1..=24).map(epoch).collect(),
        training_units: TrainingUnits::default(),
        baseline: baseline(),
        uniform: [(8, 8), (4, 8), (4, 4), (2, 8), (2, 2)].map(uniform).to_vec(),
        objectives: objectives(),
        constraints: constraints(),
        beacons,
        selection_bias: SelectionBias::of((FLOAT_ERROR, 17.9), front_errors(&front), Some(7215)),
        hypervolume: hypervolume(&evaluations),
        methods: vec![method("random", &evaluations[..count / 2]), method("uniform", &[])],
        evaluations,
        front,
        sensitivity: Some(sensitivity()),
        stages: vec![StageTime { stage: "train".to_owned(), seconds: 1312.4.into() }],
    }
}

/// At first any bits, later a change to one of the best candidates so far.
fn propose(evaluations: &[Evaluation], random: &mut Random) -> QuantSpec {
    let parents = front(evaluations);
    if evaluations.len() < 60 || parents.is_empty() {
        return QuantSpec(SITES.iter().map(|_| Precision::new(random.narrow_bits(), random.bits())).collect());
    }
    let parent = parents[usize::try_from(random.below(parents.len() as u64)).unwrap()].id;
    let mut bits = evaluations.iter().find(|one| one.id == parent).unwrap().bits.clone();
    for precision in &mut bits.0 {
        if random.below(4) == 0 {
            precision.weight = random.bits();
        }
        if random.below(4) == 0 {
            precision.activation = random.bits();
        }
    }
    bits
}

fn evaluate(id: u64, bits: QuantSpec) -> Evaluation {
    let measures = measure(&bits.0);
    let error = measures.error.get().unwrap();
    let memory = measures.memory_bytes.get().unwrap();
    let mut violated = Vec::new();
    if error > ERROR_LIMIT {
        let reason = format!("error {error:.2} %, at most {ERROR_LIMIT:.2} %");
        violated.push(Violation { constraint: "error".to_owned(), reason });
    }
    if memory > MEMORY_LIMIT {
        let reason = format!("memory {}, at most 2 MiB", measures.memory_bytes.show("B"));
        violated.push(Violation { constraint: "sram".to_owned(), reason });
    }
    let values = vec![measures.error, measures.speedup];
    Evaluation { id, order: id, bits, values, measures, violated, loan: None, partial: None }
}

/// Two beacons at the precisions of two candidates; these and one more have their parameters.
fn lend(evaluations: &mut [Evaluation]) -> Vec<Beacon> {
    for (place, beacon, distance) in [(0, 0, 0.0), (1, 0, 2.0), (3, 1, 0.0)] {
        let Some(one) = evaluations.get_mut(place) else { return Vec::new() };
        let error = one.measures.error.get().unwrap();
        one.loan = Some(Loan { beacon, distance: distance.into(), own_error: (error + 2.5).into() });
    }
    let beacon =
        |id: u64, place: usize| Beacon { id, bits: evaluations[place].bits.clone(), generation: id, epochs: 3 };
    vec![beacon(0, 0), beacon(1, 3)]
}

fn measure(bits: &[Precision]) -> Measures {
    let (mut error, mut memory, mut time) = (FLOAT_ERROR, 8800.0 * 2.0, 0.0);
    for (index, (precision, site)) in bits.iter().zip(sites()).enumerate() {
        let loss = |bits: Bits, two: f64| match bits {
            Bits::Two => two,
            Bits::Four => 0.12,
            Bits::Eight => 0.01,
            Bits::Sixteen => 0.0,
        };
        let input = if index == 0 { 8.0 } else { 1.0 };
        error += loss(precision.weight, 0.9) * (1.0 + index as f64 * 0.05) + loss(precision.activation, 1.7 * input);
        let (weight, activation) = (f64::from(precision.weight.count()), f64::from(precision.activation.count()));
        memory += site.weights as f64 * weight / 8.0;
        time += site.macs as f64 * weight * activation / 256.0;
    }
    let macs: u64 = sites().iter().map(|site| site.macs).sum();
    Measures {
        error: error.into(),
        memory_bytes: memory.into(),
        speedup: (macs as f64 / time).into(),
        energy_pj: Figure::MISSING,
        ..Measures::default()
    }
}

fn front(evaluations: &[Evaluation]) -> Vec<FrontPoint> {
    let value = |one: &Evaluation, index: usize| one.values[index].get().unwrap();
    let dominates = |a: &Evaluation, b: &Evaluation| {
        let (error, speed) = (value(a, 0) - value(b, 0), value(a, 1) - value(b, 1));
        a.feasible() && error <= 0.0 && speed >= 0.0 && (error < 0.0 || speed > 0.0)
    };
    let kept =
        evaluations.iter().filter(|one| one.feasible() && !evaluations.iter().any(|other| dominates(other, one)));
    kept.map(|one| FrontPoint {
        explained: None,
        id: one.id,
        search_error: one.values[0],
        valid_error: (value(one, 0) - 0.4).into(),
        test_error: (value(one, 0) + 1.1 + 0.05 * (one.id % 7) as f64).into(),
    })
    .collect()
}

fn front_errors(front: &[FrontPoint]) -> impl Iterator<Item = (f64, f64)> {
    front.iter().map(|point| (point.search_error.get().unwrap(), point.test_error.get().unwrap()))
}

/// What a method found that evaluated these.
fn method(name: &str, evaluations: &[Evaluation]) -> MethodFront {
    let Hypervolume { points, .. } = hypervolume(evaluations);
    let members = front(evaluations);
    let members = members.iter().filter_map(|point| evaluations.iter().find(|one| one.id == point.id));
    let point =
        |one: &Evaluation| MethodPoint { bits: one.bits.clone(), values: one.values.clone(), measures: one.measures };
    MethodFront {
        name: name.to_owned(),
        evaluations: evaluations.len() as u64,
        hypervolume: points.last().map_or(0.0.into(), |point| point.hypervolume),
        points,
        front: members.map(point).collect(),
    }
}

fn hypervolume(evaluations: &[Evaluation]) -> Hypervolume {
    let count = evaluations.len();
    let points = (1..=count).step_by(count.div_ceil(40).max(1)).map(|until| {
        let mut members: Vec<(f64, f64)> = front(&evaluations[..until])
            .iter()
            .map(|point| {
                let one = evaluations.iter().find(|one| one.id == point.id).unwrap();
                (one.values[0].get().unwrap(), one.values[1].get().unwrap())
            })
            .collect();
        members.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut below = 0.0;
        let volume: f64 = members
            .iter()
            .map(|(error, speedup)| (ERROR_LIMIT - error) * (speedup - std::mem::replace(&mut below, *speedup)))
            .sum();
        HypervolumePoint { evaluations: until as u64, hypervolume: volume.into() }
    });
    Hypervolume { reference: vec![ERROR_LIMIT.into(), 0.0.into()], points: points.collect() }
}

fn sites() -> Vec<Site> {
    let site = |&(name, inputs, outputs): &(&str, usize, usize)| {
        let work = (inputs * outputs) as u64;
        Site { name: name.to_owned(), inputs, outputs, macs: work, weights: work, recurrent: false }
    };
    SITES.iter().map(site).collect()
}

fn network() -> NetworkSummary {
    NetworkSummary {
        description: vec!["4 bidirectional SRU layers of 550, projections of 256".to_owned()],
        sites: sites(),
        parameters: 5_558_300,
    }
}

fn platform() -> PlatformSummary {
    PlatformSummary {
        name: "bitfusion".to_owned(),
        title: "Bit Fusion, ideal".to_owned(),
        numbers: vec![SourcedNumber {
            label: "speedup of a w×a bit MAC over 16x16".to_owned(),
            value: "256 / (w·a)".to_owned(),
            source: "Sharma et al., ISCA 2018; MOHAQ, arXiv 2108.01192".to_owned(),
        }],
        tied: false,
    }
}

fn data() -> DataSummary {
    let part = |(name, sequences, frames): (&str, u64, u64)| DataPart { name: name.to_owned(), sequences, frames };
    DataSummary {
        corpus: "TIMIT".to_owned(),
        split: "462/50/24 speakers".to_owned(),
        notes: vec!["SA sentences dropped".to_owned()],
        parts: [("train", 3696, 1_124_823), ("valid", 400, 122_487), ("test", 192, 57_919)].map(part).to_vec(),
    }
}

fn epoch(epoch: u64) -> Epoch {
    let time = epoch as f64;
    Epoch {
        epoch,
        train_loss: (0.9 + 3.2 / time).into(),
        valid_loss: (1.35 + 2.6 / time + 0.004 * time).into(),
        valid_error: (FLOAT_ERROR + 31.0 / (time * time)).into(),
        learning_rate: if epoch > 15 { 5e-4 } else { 1e-3 }.into(),
    }
}

fn baseline() -> Baseline {
    let rate = |error: f64, substitutions, deletions, insertions, reference| ErrorRate {
        error: error.into(),
        edits: Some(Edits { substitutions, deletions, insertions, reference }),
    };
    Baseline {
        error_name: "phone error rate".to_owned(),
        error_unit: "%".to_owned(),
        valid: rate(FLOAT_ERROR, 1420, 703, 379, 15_057),
        test: rate(17.9, 742, 351, 198, 7215),
        search_error: FLOAT_ERROR.into(),
        values: vec![FLOAT_ERROR.into(), Figure::MISSING],
    }
}

fn uniform((weight, activation): (u32, u32)) -> UniformPrecision {
    let precision = Precision::new(Bits::new(weight).unwrap(), Bits::new(activation).unwrap());
    let measures = measure(&[precision; SITES.len()]);
    UniformPrecision {
        precision,
        measures,
        search_error: measures.error,
        test_error: (measures.error.get().unwrap() + 1.3).into(),
        values: vec![measures.error, measures.speedup],
    }
}

fn objectives() -> Vec<Objective> {
    let objective = |key: &str, label: &str, unit: &str, direction, how: &str| Objective {
        key: key.to_owned(),
        label: label.to_owned(),
        unit: unit.to_owned(),
        direction,
        how: how.to_owned(),
    };
    vec![
        objective(
            "error",
            "Error",
            "%",
            Direction::Minimize,
            "worst phone error rate of four parts of the validation set",
        ),
        objective("speedup", "Speedup", "×", Direction::Maximize, "time at 16x16 over time at these bits"),
    ]
}

fn constraints() -> Vec<Constraint> {
    let constraint = |name: &str, label: &str, axis: &str, limit: f64, unit: &str| Constraint {
        name: name.to_owned(),
        label: label.to_owned(),
        axis: Some(axis.to_owned()),
        bound: Bound::AtMost,
        limit: limit.into(),
        unit: unit.to_owned(),
    };
    vec![
        constraint("error", "Error limit", "error", ERROR_LIMIT, "%"),
        constraint("sram", "Weights fit the SRAM", "memory", MEMORY_LIMIT, "B"),
    ]
}

fn sensitivity() -> Sensitivity {
    let columns = [(2, 16), (4, 16), (8, 16), (16, 2), (16, 4), (16, 8)].map(|(weight, activation)| {
        let precision = Precision::new(Bits::new(weight).unwrap(), Bits::new(activation).unwrap());
        let error = |site: usize| {
            let mut bits = [Precision::new(Bits::Sixteen, Bits::Sixteen); SITES.len()];
            bits[site] = precision;
            measure(&bits).error
        };
        SensitivityColumn { precision, errors: (0..SITES.len()).map(error).collect() }
    });
    Sensitivity { others: "all other matrices at 16x16".to_owned(), columns: columns.to_vec() }
}
