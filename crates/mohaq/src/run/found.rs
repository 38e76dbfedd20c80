//! What a search found: the front, read once on the test set.
//!
//! This is the one place behind a search where the test set is read. `front.json` keeps what was read with a fingerprint of
//! the log, so a finished run that is asked for again takes the numbers from there.

use super::measure::{Bench, MeasuredSpec};
use super::searching::Explored;
use super::session::{Session, Trained, to_json};
use crate::Result;
use crate::eval::{Goals, Measurement};
use crate::nn::Workload;
use crate::platform::Platform;
use crate::quant::{Precision, QuantSpec};
use crate::report::SelectionBias;
use crate::search::{Progress, Record};
use mohaq_moo::{Genome, Points, non_dominated};
use mohaq_rt::Bits;
use mohaq_speech::dataset::Sequence;
use serde::{Deserialize, Serialize};

/// A member of the front.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrontMember {
    /// Its record in the log.
    pub id: usize,
    /// The error that it was chosen by: that of its record.
    pub search_error: f64,
    /// The beacon whose parameters it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beacon: Option<usize>,
    /// Its errors on the whole validation set and, read once, on the test set.
    pub measured: MeasuredSpec,
}

/// `front.json`: what a search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Fingerprint of the log and of the test set that it was found with.
    pub found_with: String,
    /// Candidates measured.
    pub evaluations: usize,
    /// Volume that the front dominates in the box `scale`, 1 at most where nothing beats perfect.
    pub hypervolume: f64,
    /// Shown values that count as perfect and as worthless, one pair an objective.
    pub scale: Vec<(f64, f64)>,
    /// Evaluations and hypervolume, at every evaluation that changed it.
    pub progress: Vec<(usize, f64)>,
    /// From the lowest error to the highest.
    pub front: Vec<FrontMember>,
    /// The same precision everywhere, where the platform allows it.
    pub uniform: Vec<UniformMember>,
    /// Error of the float network, measured as that of a candidate.
    pub float_search_error: f64,
    /// How far the errors that the front was chosen by are from those on the test set; `None` without a front.
    pub selection_bias: Option<SelectionBias>,
    /// What simpler methods found, uniform precisions among them.
    pub baselines: Vec<Baseline>,
}

/// The same precision at all sites.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UniformMember {
    /// Its error as that of a candidate of the search.
    pub search_error: f64,
    /// Its errors on the whole validation set and on the test set.
    #[serde(flatten)]
    pub measured: MeasuredSpec,
}

/// The front of a method to compare with. The test set is not read for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// `uniform`, or the key of a [`Method`](crate::search::Method).
    pub method: String,
    /// Candidates measured.
    pub evaluations: usize,
    /// Volume that its front dominates, in the box of the search.
    pub hypervolume: f64,
    /// Evaluations and hypervolume, at every evaluation that changed it.
    pub progress: Vec<(usize, f64)>,
    /// From the lowest error to the highest.
    pub front: Vec<BaselinePoint>,
}

/// A member of the front of a [`Baseline`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaselinePoint {
    /// Weight×activation bits a site.
    pub bits: String,
    /// As a candidate of the search is measured.
    pub measurement: Measurement,
}

/// What `explored` found, from `front.json` where it stands there, else measured on `test` and kept.
///
/// # Errors
/// A test set whose features are not numbers; [`Error::Io`].
pub(super) fn found(
    session: &Session<'_>,
    trained: &Trained,
    bench: &Bench<'_>,
    explored: &Explored,
    test: &[Sequence],
) -> Result<Found> {
    let ids: Vec<&str> = test.iter().map(|sequence| sequence.id.as_str()).collect();
    let Explored { header, records, baselines, .. } = explored;
    let found_with = crate::digest::of(&to_json(&(header, records, baselines, ids)));
    // A front of an earlier version does not parse: it is measured anew.
    let kept = session.dir.read("front.json")?.and_then(|bytes| serde_json::from_slice::<Found>(&bytes).ok());
    if let Some(kept) = kept.filter(|kept| kept.found_with == found_with) {
        session.watch.note("the front has been read on the test set before; taking it from front.json");
        return Ok(kept);
    }
    let found = examine(session, trained, bench, explored, test, found_with)?;
    session.dir.write("front.json", &to_json(&found))?;
    Ok(found)
}

/// Reads the test set for the members of the front.
fn examine(
    session: &Session<'_>,
    trained: &Trained,
    bench: &Bench<'_>,
    explored: &Explored,
    test: &[Sequence],
    found_with: String,
) -> Result<Found> {
    let Explored { goals, records, banks, .. } = explored;
    let platform = &session.plan.platform;
    let progress = Progress::over(goals, records)?.curve();
    let front = front(goals, records)?;
    session.watch.begin("test", front.len() as u64, "points");
    let bench = bench.with_test(test)?;
    let mut members = Vec::new();
    for &record in &front {
        let (spec, beacon) = (record.spec()?, record.beacon.map(|served| served.beacon));
        let measured = match beacon {
            None => bench.measure(&spec, platform)?,
            Some(beacon) => bench.lent(&banks[beacon])?.measure(&spec, platform)?,
        };
        let search_error = record.measurement.error;
        members.push(FrontMember { id: record.id, search_error, beacon, measured });
        session.watch.advance(members.len() as u64, "");
    }
    let uniform = explored.uniform.iter().map(|(spec, measurement)| {
        let (search_error, measured) = (measurement.error, bench.measure(spec, platform)?);
        Ok(UniformMember { search_error, measured })
    });
    let uniform = uniform.collect::<Result<_>>()?;
    session.watch.end(&format!("{} members of the front on the test set", members.len()));
    Ok(Found {
        found_with,
        evaluations: records.len(),
        hypervolume: progress.last().map_or(0.0, |&(_, volume)| volume),
        scale: goals.scale.clone(),
        progress,
        selection_bias: selection_bias(trained, explored.float_error, &members),
        front: members,
        uniform,
        float_search_error: explored.float_error,
        baselines: baselines(explored)?,
    })
}

fn selection_bias(trained: &Trained, float_error: f64, members: &[FrontMember]) -> Option<SelectionBias> {
    let pairs = members.iter().map(|member| (member.search_error, member.measured.test_error));
    // A command counts what it likes.
    let labels = trained.test.counted(trained.scorer.task()).filter(|_| trained.score.is_none());
    SelectionBias::of((float_error, trained.test_error()), pairs, labels)
}

/// The fronts to compare with.
fn baselines(explored: &Explored) -> Result<Vec<Baseline>> {
    let record = |(id, (spec, measurement)): (usize, &(QuantSpec, Measurement))| Record {
        id,
        generation: 0,
        // What it would be ordered by among equal errors: any order will do that does not change.
        genome: Genome(vec![id as u16]),
        bits: spec.to_string(),
        measurement: measurement.clone(),
        partial: None,
        beacon: None,
    };
    let uniform: Vec<Record> = explored.uniform.iter().enumerate().map(record).collect();
    let methods = explored.baselines.iter().map(|(method, records)| (method.key(), records));
    let all = methods.chain([("uniform", &uniform)]);
    all.map(|(method, records)| baseline(method, &explored.goals, records)).collect()
}

fn baseline(method: &str, goals: &Goals, records: &[Record]) -> Result<Baseline> {
    let progress = Progress::over(goals, records)?.curve();
    let front = front(goals, records)?.into_iter();
    Ok(Baseline {
        method: method.into(),
        evaluations: records.len(),
        hypervolume: progress.last().map_or(0.0, |&(_, volume)| volume),
        progress,
        front: front
            .map(|record| BaselinePoint { bits: record.bits.clone(), measurement: record.measurement.clone() })
            .collect(),
    })
}

/// Those of [`UNIFORM`] that `platform` allows.
pub(super) fn uniform_specs(platform: &dyn Platform, workload: &Workload) -> Vec<QuantSpec> {
    let everywhere = UNIFORM.map(|precision| QuantSpec::uniform(precision, workload.sites.len()));
    everywhere.into_iter().filter(|spec| platform.cost(workload, spec).is_ok()).collect()
}

/// Uniform precisions that stand beside every front.
pub const UNIFORM: [Precision; 6] = [
    Precision::new(Bits::Sixteen, Bits::Sixteen),
    Precision::new(Bits::Eight, Bits::Eight),
    Precision::new(Bits::Four, Bits::Eight),
    Precision::new(Bits::Four, Bits::Four),
    Precision::new(Bits::Two, Bits::Eight),
    Precision::new(Bits::Two, Bits::Two),
];

/// Feasible records, measured to the end, that no other one dominates, from the lowest error up; equal ones once.
pub(super) fn front<'a>(goals: &Goals, records: &'a [Record]) -> Result<Vec<&'a Record>> {
    let whole = records.iter().filter(|record| record.partial.is_none());
    let feasible: Vec<&Record> = whole.filter(|record| goals.score(&record.measurement).violation == 0.0).collect();
    let rows = feasible.iter().map(|record| goals.score(&record.measurement).objectives);
    let points = Points::from_rows(goals.objectives.len(), rows)?;
    let mut front: Vec<&Record> = non_dominated(&points).into_iter().map(|i| feasible[i]).collect();
    front.sort_by(|a, b| {
        let error = |record: &Record| record.measurement.error;
        error(a).total_cmp(&error(b)).then_with(|| a.genome.cmp(&b.genome))
    });
    let objectives = |record: &Record| goals.score(&record.measurement).objectives;
    let mut seen: Vec<Vec<f64>> = Vec::new();
    front.retain(|record| {
        let new = !seen.contains(&objectives(record));
        seen.push(objectives(record));
        new
    });
    Ok(front)
}
