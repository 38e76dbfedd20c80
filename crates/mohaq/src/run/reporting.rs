//! The report stage: what a run found, put together for people.

use super::found::{Baseline, BaselinePoint, FrontMember, UniformMember};
use super::measure::SiteSensitivity;
use super::searching::Searched;
use super::session::{Session, Trained};
use crate::config::Source;
use crate::eval::{Limit, Measurement, Objective};
use crate::nn::{LayerDescription, Network, Pooling, Reset, RnnActivation};
use crate::platform::Platform;
use crate::quant::{Precision, QuantSpec};
use crate::report::{self, Figure, Measures, Report};
use crate::{Error, Result};
use mohaq_speech::dataset::{Dataset, Sequence, Task};
use mohaq_speech::score::Counts;
use std::path::PathBuf;

/// Writes `report.json`, `report.html` and `report.csv`, and returns the path of the page.
///
/// A sensitivity analysis that the directory holds is part of the report.
///
/// # Errors
/// [`Error::Io`]; a report that contradicts itself is a bug of ours and comes as [`Error::Report`].
pub fn write(session: &Session<'_>, trained: &Trained, data: &Dataset, searched: &Searched) -> Result<PathBuf> {
    session.watch.begin("report", 0, "");
    let sensitivity = session.sensitivity(trained)?;
    let report = assemble(session, trained, data, searched, sensitivity.as_deref())?;
    session.dir.write("report.json", report.to_json()?.as_bytes())?;
    session.dir.write("report.csv", report.to_csv()?.as_bytes())?;
    session.dir.write("report.html", report.to_html()?.as_bytes())?;
    let page = session.dir.path("report.html");
    session.watch.end(&page.display().to_string());
    Ok(page)
}

fn assemble(
    session: &Session<'_>,
    trained: &Trained,
    data: &Dataset,
    searched: &Searched,
    sensitivity: Option<&[SiteSensitivity]>,
) -> Result<Report> {
    let recipe = &session.plan.recipe;
    let sites = trained.network.workload().sites.len();
    let sensitivity = sensitivity.map(|table| sensitivity_table(table, sites)).transpose()?;
    Ok(Report {
        title: recipe.name.clone(),
        mohaq_version: env!("CARGO_PKG_VERSION").into(),
        recipe: recipe.name.clone(),
        // In the run directory: a recipe's name is no recipe, and the command line's overrides are in the plan alone.
        command: "mohaq run plan.toml --out again".into(),
        seed: recipe.seed,
        platform: platform_summary(&session.plan.platform),
        network: network_summary(&trained.network),
        data: data_summary(session, data),
        training: trained.history.epochs.iter().map(epoch).collect(),
        baseline: baseline(trained, data, searched),
        uniform: searched.found.uniform.iter().map(|member| uniform(member, searched)).collect::<Result<_>>()?,
        objectives: searched.goals.objectives.iter().copied().map(objective).collect(),
        constraints: searched.goals.limits.iter().map(constraint).collect(),
        evaluations: searched.records.iter().map(|record| evaluation(record, searched)).collect::<Result<_>>()?,
        front: searched.found.front.iter().map(front_point).collect(),
        beacons: searched.beacons.iter().map(beacon).collect::<Result<_>>()?,
        selection_bias: searched.found.selection_bias,
        hypervolume: hypervolume(searched),
        methods: searched.found.baselines.iter().map(|one| method(one, searched)).collect::<Result<_>>()?,
        sensitivity,
        stages: Vec::new(),
    })
}

fn figure(value: f64) -> Figure {
    Figure::from(value)
}

fn optional(value: Option<f64>) -> Figure {
    value.map_or_else(Figure::default, Figure::from)
}

fn spec(bits: &str) -> Result<QuantSpec> {
    bits.parse().map_err(|e: crate::quant::PrecisionSyntax| Error::Bits(e))
}

fn platform_summary(platform: &dyn Platform) -> report::PlatformSummary {
    let described = platform.describe();
    let number = |number: &crate::platform::ReportedNumber| {
        let name = number.source.clone().unwrap_or_else(|| "no source given".into());
        let source = described.sources.get(&name).cloned().unwrap_or(name);
        let source = if number.estimate { format!("{source} (estimate)") } else { source };
        let value = format!("{} {}", number.value, number.unit).trim_end().to_owned();
        report::SourcedNumber { label: number.key.clone(), value, source }
    };
    report::PlatformSummary {
        name: described.name.clone(),
        title: described.title.clone(),
        numbers: described.numbers.iter().map(number).collect(),
        tied: described.tied,
    }
}

fn network_summary(network: &Network) -> report::NetworkSummary {
    let description = network.description();
    let layers = description.layers.iter().zip(description.names());
    let parameters = network.parameters().iter().map(|parameter| parameter.values.data().len() as u64).sum();
    report::NetworkSummary {
        description: layers.map(|(layer, name)| format!("{name}: {}", in_words(layer))).collect(),
        sites: network.workload().sites,
        parameters,
    }
}

fn in_words(layer: &LayerDescription) -> String {
    let direction = if layer.is_bidirectional() { "bidirectional" } else { "unidirectional" };
    let units = |cell: &str, hidden: usize| format!("{direction} {cell}, {hidden} units a direction");
    match layer {
        LayerDescription::Sru(sru) => {
            let projection =
                sru.projection.map_or_else(String::new, |width| format!(", projection to {width} in front"));
            format!("{}{projection}", units("SRU", sru.hidden))
        }
        LayerDescription::Rnn(rnn) => match rnn.activation {
            RnnActivation::Tanh => units("RNN", rnn.hidden),
            RnnActivation::Relu => units("RNN of ReLUs", rnn.hidden),
        },
        LayerDescription::Lstm(lstm) => {
            let peepholes = if lstm.peepholes { ", peepholes" } else { "" };
            let coupled = if lstm.coupled { ", coupled gates" } else { "" };
            let projection =
                lstm.projection.map_or_else(String::new, |width| format!(", projection to {width} behind"));
            format!("{}{peepholes}{coupled}{projection}", units("LSTM", lstm.hidden))
        }
        LayerDescription::Gru(gru) => match gru.reset {
            Reset::After => units("GRU", gru.hidden),
            Reset::Before => format!("{}, reset before the product", units("GRU", gru.hidden)),
        },
        LayerDescription::LiGru(gates) => units("light GRU", gates.hidden),
        LayerDescription::Mgu(gates) => units("MGU", gates.hidden),
        LayerDescription::Qrnn(qrnn) => {
            let pooling = match qrnn.pooling {
                Pooling::F => "f",
                Pooling::Fo => "fo",
            };
            format!("{}, {pooling} pooling, window of {}", units("QRNN", qrnn.hidden), qrnn.window)
        }
        LayerDescription::Linear(linear) => format!("linear, {} outputs", linear.outputs),
        LayerDescription::Conv1d(conv) => {
            format!("convolution, {} outputs, kernel {}, stride {}", conv.outputs, conv.kernel, conv.stride)
        }
        LayerDescription::Embedding(table) => format!("embedding, {} rows of {}", table.vocabulary, table.outputs),
        LayerDescription::LayerNorm(_) => "layer normalisation".into(),
        LayerDescription::Relu(_) => "ReLU".into(),
        LayerDescription::Tanh(_) => "tanh".into(),
        LayerDescription::Sigmoid(_) => "sigmoid".into(),
    }
}

fn data_summary(session: &Session<'_>, data: &Dataset) -> report::DataSummary {
    let part = |name: &str, sequences: &[Sequence]| report::DataPart {
        name: name.into(),
        sequences: sequences.len() as u64,
        frames: sequences.iter().map(|sequence| sequence.features.frames() as u64).sum(),
    };
    let split = match &session.plan.source {
        Source::Fsdd(_, split) => split.clone(),
        Source::Synthetic(_) | Source::Timit(_) | Source::Features(_) => "the corpus' own".into(),
    };
    report::DataSummary {
        corpus: data.name.clone(),
        split,
        notes: data.notes.clone(),
        parts: vec![part("train", &data.train), part("valid", &data.valid), part("test", &data.test)],
    }
}

fn epoch(epoch: &crate::train::Epoch) -> report::Epoch {
    report::Epoch {
        epoch: epoch.epoch as u64,
        train_loss: figure(epoch.train_loss),
        valid_loss: figure(epoch.valid_loss),
        valid_error_percent: figure(100.0 * epoch.valid_error),
        learning_rate: figure(epoch.learning_rate),
    }
}

/// What an error of `task` is called.
pub fn error_name(task: &Task) -> &'static str {
    match task {
        Task::Phones(_) => "phone error rate",
        Task::Frames { .. } => "frame error rate",
        Task::Sequences { .. } => "sequence error rate",
    }
}

fn baseline(trained: &Trained, data: &Dataset, searched: &Searched) -> report::Baseline {
    let rate = |counts: &Counts| {
        let phones = counts.phones;
        let edits = matches!(data.task, Task::Phones(_)).then_some(report::Edits {
            substitutions: phones.substitutions,
            deletions: phones.deletions,
            insertions: phones.insertions,
            reference: phones.reference,
        });
        report::ErrorRate { percent: figure(100.0 * counts.error(&data.task)), edits }
    };
    let search_error_percent = figure(searched.found.float_search_percent);
    let values = searched.goals.objectives.iter().map(|objective| match objective {
        Objective::Error => search_error_percent,
        _ => Figure::default(),
    });
    report::Baseline {
        error_name: error_name(&data.task).into(),
        valid: rate(&trained.valid),
        test: rate(&trained.test),
        search_error_percent,
        values: values.collect(),
    }
}

fn measures(error_percent: f64, cost: Option<&crate::platform::Cost>) -> Measures {
    Measures {
        error_percent: figure(error_percent),
        memory_bytes: optional(cost.map(|cost| cost.memory_bits as f64 / 8.0)),
        speedup: optional(cost.and_then(|cost| cost.speedup)),
        energy_pj: optional(cost.and_then(|cost| cost.energy_pj)),
    }
}

fn uniform(
    UniformMember { search_percent, measured }: &UniformMember,
    searched: &Searched,
) -> Result<report::UniformPrecision> {
    let precision: Precision = spec(&measured.bits)?.0.first().copied().ok_or(Error::NoSites)?;
    let values = searched.goals.objectives.iter().map(|objective| {
        let (error_percent, errors, cost) = (*search_percent, measured.valid, measured.cost?);
        objective.shown(&Measurement { error_percent, subset_percent: Vec::new(), errors, cost })
    });
    Ok(report::UniformPrecision {
        precision,
        measures: measures(measured.valid_percent, measured.cost.as_ref()),
        search_error_percent: figure(*search_percent),
        test_error_percent: figure(measured.test_percent),
        values: values.map(optional).collect(),
    })
}

fn objective(objective: Objective) -> report::Objective {
    let direction = if objective.maximised() { report::Direction::Maximize } else { report::Direction::Minimize };
    report::Objective {
        key: objective.key().into(),
        label: objective.label().into(),
        unit: objective.unit().into(),
        direction,
        how: objective.definition().into(),
    }
}

fn constraint(limit: &Limit) -> report::Constraint {
    let objective = limit.objective();
    report::Constraint {
        name: limit.name(),
        label: limit.label(),
        axis: Some(objective.key().into()),
        bound: report::Bound::AtMost,
        limit: figure(limit.bound()),
        unit: objective.unit().into(),
    }
}

fn evaluation(record: &crate::search::Record, searched: &Searched) -> Result<report::Evaluation> {
    let measurement = &record.measurement;
    let violations = searched.goals.violations(measurement);
    Ok(report::Evaluation {
        id: record.id as u64,
        order: record.id as u64 + 1,
        bits: spec(&record.bits)?,
        values: searched.goals.objectives.iter().map(|objective| optional(objective.shown(measurement))).collect(),
        measures: measures(measurement.error_percent, Some(&measurement.cost)),
        violated: violations
            .into_iter()
            .map(|v| report::Violation { constraint: v.limit.name(), reason: v.reason })
            .collect(),
        loan: record.beacon.as_ref().map(loan),
    })
}

fn loan(served: &crate::search::Served) -> report::Loan {
    report::Loan {
        beacon: served.beacon as u64,
        distance: figure(served.distance),
        own_error_percent: figure(served.own_error_percent),
    }
}

fn beacon(record: &crate::search::BeaconRecord) -> Result<report::Beacon> {
    let (id, generation, epochs) = (record.id as u64, record.generation as u64, record.epochs as u64);
    Ok(report::Beacon { id, bits: spec(&record.bits)?, generation, epochs })
}

fn front_point(member: &FrontMember) -> report::FrontPoint {
    report::FrontPoint {
        id: member.id as u64,
        search_error_percent: figure(member.search_percent),
        valid_error_percent: figure(member.measured.valid_percent),
        test_error_percent: figure(member.measured.test_percent),
    }
}

fn hypervolume(searched: &Searched) -> report::Hypervolume {
    report::Hypervolume {
        reference: searched.found.scale.iter().map(|&(_, worthless)| figure(worthless)).collect(),
        points: progress(&searched.found.progress),
    }
}

fn progress(progress: &[(usize, f64)]) -> Vec<report::HypervolumePoint> {
    let point = |&(evaluations, volume): &(usize, f64)| report::HypervolumePoint {
        evaluations: evaluations as u64,
        hypervolume: figure(volume),
    };
    progress.iter().map(point).collect()
}

fn method(baseline: &Baseline, searched: &Searched) -> Result<report::MethodFront> {
    let point = |BaselinePoint { bits, measurement }: &BaselinePoint| {
        Ok(report::MethodPoint {
            bits: spec(bits)?,
            values: searched.goals.objectives.iter().map(|objective| optional(objective.shown(measurement))).collect(),
            measures: measures(measurement.error_percent, Some(&measurement.cost)),
        })
    };
    Ok(report::MethodFront {
        name: baseline.method.clone(),
        evaluations: baseline.evaluations as u64,
        hypervolume: figure(baseline.hypervolume),
        points: progress(&baseline.progress),
        front: baseline.front.iter().map(point).collect::<Result<_>>()?,
    })
}

/// Columns by precision, an entry a site.
fn sensitivity_table(table: &[SiteSensitivity], sites: usize) -> Result<report::Sensitivity> {
    let columns = super::measure::PROBED.iter().map(|precision| {
        let bits = precision.to_string();
        let errors: Vec<Figure> =
            table.iter().filter(|row| row.bits == bits).map(|row| figure(row.valid_percent)).collect();
        if errors.len() == sites {
            Ok(report::SensitivityColumn { precision: *precision, error_percent: errors })
        } else {
            Err(Error::NoSites)
        }
    });
    Ok(report::Sensitivity { others: "all other sites at 16x16".into(), columns: columns.collect::<Result<_>>()? })
}
