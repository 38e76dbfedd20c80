//! The report stage: what a run found, put together for people.

use super::found::{Baseline, BaselinePoint, FrontMember, UniformMember};
use super::measure::SiteSensitivity;
use super::searching::Searched;
use super::session::{Session, Trained};
use crate::config::Source;
use crate::eval::{Limit, Measurement, Objective, Partial, Violation};
use crate::nn::{LayerDescription, Network, Pooling, Reset, RnnActivation};
use crate::platform::{Cost, Explained, Platform, explained};
use crate::quant::{Precision, QuantSpec};
use crate::report::{self, Figure, Measures, Report};
use crate::search::Record;
use crate::{Error, Result};
use mohaq_speech::dataset::{Dataset, Sequence, Task};
use mohaq_speech::metric::Metric;
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
    let workload = trained.network.workload().lasting(recipe.frame_ns());
    let sites = workload.sites.len();
    let explain = |bits: &QuantSpec| Ok(explained(&workload, &session.plan.platform, bits)?);
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
        training: trained.history.epochs.iter().map(|one| epoch(one, &data.task.training_metric())).collect(),
        training_units: report::TrainingUnits {
            loss: data.task.loss_unit().into(),
            error: data.task.training_metric().unit,
        },
        baseline: baseline(trained, data, searched),
        uniform: searched.found.uniform.iter().map(|member| uniform(member, searched)).collect::<Result<_>>()?,
        objectives: searched.goals.objectives.iter().map(|one| objective(*one, &searched.goals.metric)).collect(),
        constraints: searched.goals.limits.iter().map(|limit| constraint(limit, &searched.goals.metric)).collect(),
        evaluations: searched.records.iter().map(|record| evaluation(record, searched)).collect::<Result<_>>()?,
        front: searched.found.front.iter().map(|member| front_point(member, &explain)).collect::<Result<_>>()?,
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
            let norm = if sru.layer_norm { ", layer normalisation in front" } else { "" };
            format!("{}{norm}{projection}", units("SRU", sru.hidden))
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

fn epoch(epoch: &crate::train::Epoch, metric: &Metric) -> report::Epoch {
    report::Epoch {
        epoch: epoch.epoch as u64,
        train_loss: figure(epoch.train_loss),
        valid_loss: figure(epoch.valid_loss),
        valid_error: figure(metric.of_training(epoch.valid_error)),
        learning_rate: figure(epoch.learning_rate),
    }
}

fn baseline(trained: &Trained, data: &Dataset, searched: &Searched) -> report::Baseline {
    let rate = |error: f64, counts: &Counts| {
        let edits = match data.task {
            Task::Phones(_) => Some(counts.phones),
            Task::Ctc { .. } => Some(counts.labels),
            Task::Frames { .. } | Task::Sequences { .. } | Task::NextToken { .. } | Task::Regression { .. } => None,
        };
        let edits = edits.map(|edits| report::Edits {
            substitutions: edits.substitutions,
            deletions: edits.deletions,
            insertions: edits.insertions,
            reference: edits.reference,
        });
        report::ErrorRate { error: figure(error), edits: edits.filter(|_| trained.score.is_none()) }
    };
    let search_error = figure(searched.found.float_search_error);
    let values = searched.goals.objectives.iter().map(|objective| match objective {
        Objective::Error => search_error,
        _ => Figure::default(),
    });
    let Metric { name: error_name, unit: error_unit } = searched.goals.metric.clone();
    report::Baseline {
        error_name,
        error_unit,
        valid: rate(trained.valid_error(), &trained.valid),
        test: rate(trained.test_error(), &trained.test),
        search_error,
        values: values.collect(),
    }
}

fn measures(error: f64, cost: Option<&Cost>) -> Measures {
    Measures {
        error: figure(error),
        memory_bytes: optional(cost.map(|cost| cost.memory_bits as f64 / 8.0)),
        speedup: optional(cost.and_then(|cost| cost.speedup)),
        energy_pj: optional(cost.and_then(|cost| cost.energy_pj)),
        time_ms: optional(cost.and_then(|cost| Some(1e3 * cost.frame_time_s?))),
        gops: optional(cost.and_then(Cost::gops)),
        gops_per_watt: optional(cost.and_then(Cost::gops_per_watt)),
        real_time_factor: optional(cost.and_then(Cost::real_time_factor)),
    }
}

fn uniform(
    UniformMember { search_error, measured }: &UniformMember,
    searched: &Searched,
) -> Result<report::UniformPrecision> {
    let precision: Precision = spec(&measured.bits)?.0.first().copied().ok_or(Error::NoSites)?;
    let values = searched.goals.objectives.iter().map(|objective| {
        let (error, errors, cost) = (*search_error, measured.valid, measured.cost?);
        objective.shown(&Measurement { error, subset_errors: Vec::new(), errors, cost })
    });
    Ok(report::UniformPrecision {
        precision,
        measures: measures(measured.valid_error, measured.cost.as_ref()),
        search_error: figure(*search_error),
        test_error: figure(measured.test_error),
        values: values.map(optional).collect(),
    })
}

fn objective(objective: Objective, metric: &Metric) -> report::Objective {
    let direction = if objective.maximised() { report::Direction::Maximize } else { report::Direction::Minimize };
    report::Objective {
        key: objective.key().into(),
        label: objective.label().into(),
        unit: objective.unit(metric).into(),
        direction,
        how: objective.definition().into(),
    }
}

fn constraint(limit: &Limit, metric: &Metric) -> report::Constraint {
    let objective = limit.objective();
    report::Constraint {
        name: limit.name(),
        label: limit.label(),
        axis: Some(objective.key().into()),
        bound: if objective.maximised() { report::Bound::AtLeast } else { report::Bound::AtMost },
        limit: figure(limit.bound()),
        unit: objective.unit(metric).into(),
    }
}

fn evaluation(record: &Record, searched: &Searched) -> Result<report::Evaluation> {
    let measurement = &record.measurement;
    let partial = record.partial.map(|partial| report::Partial {
        sequences: partial.sequences as u64,
        of: partial.of as u64,
        estimated_error: figure(measurement.error),
        error_at_least: figure(partial.at_least),
    });
    // An estimate is no error.
    let error = if partial.is_none() { figure(measurement.error) } else { Figure::default() };
    let value = |&objective: &Objective| match objective {
        Objective::Error => error,
        _ => optional(objective.shown(measurement)),
    };
    let violations = searched.goals.violations(measurement).into_iter();
    Ok(report::Evaluation {
        id: record.id as u64,
        order: record.id as u64 + 1,
        bits: spec(&record.bits)?,
        values: searched.goals.objectives.iter().map(value).collect(),
        measures: Measures { error, ..measures(measurement.error, Some(&measurement.cost)) },
        violated: violations.map(|violation| violated(violation, record.partial.as_ref())).collect(),
        loan: record.beacon.as_ref().map(loan),
        partial,
    })
}

/// A violation in words; the error of a candidate that was stopped is an estimate.
fn violated(violation: Violation, partial: Option<&Partial>) -> report::Violation {
    let reason = match (&violation.limit, partial) {
        (Limit::Error(_), Some(Partial { sequences, of, .. })) => {
            format!("{}, by an estimate from {sequences} of {of} sequences", violation.reason)
        }
        _ => violation.reason,
    };
    report::Violation { constraint: violation.limit.name(), reason }
}

fn loan(served: &crate::search::Served) -> report::Loan {
    report::Loan {
        beacon: served.beacon as u64,
        distance: figure(served.distance),
        own_error: figure(served.own_error),
    }
}

fn beacon(record: &crate::search::BeaconRecord) -> Result<report::Beacon> {
    let (id, generation, epochs) = (record.id as u64, record.generation as u64, record.epochs as u64);
    Ok(report::Beacon { id, bits: spec(&record.bits)?, generation, epochs })
}

fn front_point(member: &FrontMember, explain: &dyn Fn(&QuantSpec) -> Result<Explained>) -> Result<report::FrontPoint> {
    let explained = explain(&spec(&member.measured.bits)?)?;
    let Cost { frame_time_s, energy_pj, .. } = explained.explanation.cost;
    Ok(report::FrontPoint {
        explained: (frame_time_s.is_some() || energy_pj.is_some()).then_some(explained),
        id: member.id as u64,
        search_error: figure(member.search_error),
        valid_error: figure(member.measured.valid_error),
        test_error: figure(member.measured.test_error),
    })
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
            measures: measures(measurement.error, Some(&measurement.cost)),
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
            table.iter().filter(|row| row.bits == bits).map(|row| figure(row.valid_error)).collect();
        if errors.len() == sites {
            Ok(report::SensitivityColumn { precision: *precision, errors })
        } else {
            Err(Error::NoSites)
        }
    });
    Ok(report::Sensitivity { others: "all other sites at 16x16".into(), columns: columns.collect::<Result<_>>()? })
}
