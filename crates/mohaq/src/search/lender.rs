//! Beacons in a search: after a generation has been measured, some of it is retrained and its neighbours borrow.
//!
//! ```text
//! the generation's own errors ─► plan ─► retrain ∥ ─► errors with the nearest beacon's parameters ∥ ─► the smaller ones
//! ```
//!
//! Beacons grow between these steps only and are planned in the order of asking, so neither the number of threads nor a
//! killed process changes what is found. Every beacon and every loan is a line of the log; a resumed search takes them from
//! there, and retrains a beacon whose file is gone.

use super::log::{BeaconRecord, EvaluationLog, LoanRecord, Record};
use crate::beacon::{BeaconSettings, Nursery, Raised, Spent, nearest, plan};
use crate::eval::{Evaluator, Goals, Limit, Measurement};
use crate::quant::{IntegerBank, QuantSpec};
use crate::watch::Watch;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// The beacon that served a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Served {
    /// Its number, in the order of retraining.
    pub beacon: usize,
    /// How far it is.
    pub distance: f64,
    /// The candidate's error with its own parameters, per cent.
    #[serde(alias = "own_error_percent")]
    pub own_error: f64,
}

/// Retrains and lends.
#[derive(Debug)]
pub struct Lender<'a> {
    settings: &'a BeaconSettings,
    nursery: &'a Nursery<'a>,
    /// Error of the float network by the rule of the search, per cent.
    float_error: f64,
    specs: Vec<QuantSpec>,
    banks: Vec<IntegerBank<'static>>,
    spent: Spent,
}

impl<'a> Lender<'a> {
    /// A lender without a beacon.
    pub fn new(settings: &'a BeaconSettings, nursery: &'a Nursery<'a>, float_error: f64) -> Self {
        let spent = Spent { epochs: 0, seconds: 0.0 };
        Self { settings, nursery, float_error, specs: Vec::new(), banks: Vec::new(), spent }
    }

    /// The beacons at every width, in the order of retraining.
    pub fn into_banks(self) -> Vec<IntegerBank<'static>> {
        self.banks
    }

    /// Lends to `records`, the candidates of one generation with their own measurements.
    ///
    /// # Errors
    /// [`Error::Stopped`] when `watch` says so; [`Error::BeaconChanged`], [`Error::Log`] where the log or a file is not
    /// what this search left; errors of training, the evaluator and files.
    pub(super) fn lend(
        &mut self,
        records: &mut [Record],
        evaluator: &Evaluator<'_>,
        goals: &Goals,
        log: &mut EvaluationLog,
        watch: &dyn Watch,
    ) -> Result<()> {
        let worth = |record: &Record| -> Result<Option<QuantSpec>> {
            let measurement = &record.measurement;
            let holds = self.settings.region.holds(measurement, self.float_error)
                && (!self.settings.region.fits || fits(goals, measurement));
            Ok(if holds { Some(record.spec()?) } else { None })
        };
        let specs: Vec<Option<QuantSpec>> = records.iter().map(worth).collect::<Result<_>>()?;
        let Some(last) = records.last().cloned() else { return Ok(()) };
        let planned = plan(self.settings, self.nursery.epochs(), self.spent, &self.specs, specs.iter().flatten());
        self.retrain(&planned, &last, log, watch)?;
        let borrowers = records.iter_mut().zip(&specs).filter_map(|(record, spec)| {
            let (beacon, distance) = nearest(self.settings, &self.specs, spec.as_ref()?)?;
            Some(Borrower { record, spec: spec.clone()?, beacon, distance })
        });
        let mut borrowers: Vec<Borrower<'_>> = borrowers.collect();
        self.measure(&borrowers, evaluator, log, watch)?;
        for Borrower { record, distance, .. } in &mut borrowers {
            let loan = log.loan(record.id).expect("measured a moment ago");
            if loan.measurement.error < record.measurement.error {
                let own_error = record.measurement.error;
                record.beacon = Some(Served { beacon: loan.beacon, distance: *distance, own_error });
                record.measurement = loan.measurement.clone();
            }
        }
        Ok(())
    }

    /// Retrains the beacons at `planned`, or finds them, and takes note of those that the log does not know.
    fn retrain(
        &mut self,
        planned: &[QuantSpec],
        last: &Record,
        log: &mut EvaluationLog,
        watch: &dyn Watch,
    ) -> Result<()> {
        let tell = |text: &str| watch.advance(last.id as u64 + 1, text);
        if planned.is_empty() {
            return Ok(());
        }
        for (spec, id) in planned.iter().zip(self.specs.len()..) {
            if let Some(known) = log.beacon(id) {
                known.check(log.path(), id, &spec.to_string())?;
                self.nursery.check(spec, &known.digest)?;
            }
        }
        let raised = self.nursery.raise(planned, self.settings.memory_mib, watch, &tell)?;
        for (spec, Raised { beacon, digest, mut spent, found }) in planned.iter().zip(raised) {
            let (id, bits) = (self.specs.len(), spec.to_string());
            if let Some(known) = log.beacon(id) {
                if known.digest != digest {
                    let (path, expected) = (self.nursery.path(spec), known.digest.clone());
                    return Err(Error::BeaconChanged { path, got: digest, expected });
                }
                if !found {
                    watch.note(&format!("beacon {id} had lost its file; retrained, it is the same again"));
                }
                spent.seconds = known.seconds;
            } else {
                let (epochs, seconds, generation) = (spent.epochs, spent.seconds, last.generation);
                log.append_beacon(BeaconRecord { id, generation, bits, digest, epochs, seconds })?;
            }
            self.nursery.settle(spec)?;
            self.spent =
                Spent { epochs: self.spent.epochs + spent.epochs, seconds: self.spent.seconds + spent.seconds };
            self.specs.push(spec.clone());
            self.banks.push(IntegerBank::owning(beacon.network, beacon.calibration)?);
        }
        Ok(())
    }

    /// Measures the loans that the log does not know.
    fn measure(
        &self,
        borrowers: &[Borrower<'_>],
        evaluator: &Evaluator<'_>,
        log: &mut EvaluationLog,
        watch: &dyn Watch,
    ) -> Result<()> {
        // A budget that ended within this generation may have left a loan of a beacon that was the nearest then.
        let known = |one: &Borrower<'_>| log.loan(one.record.id).is_some_and(|loan| loan.beacon == one.beacon);
        let new: Vec<&Borrower<'_>> = borrowers.iter().filter(|one| !known(one)).collect();
        let mut measured: Vec<Option<Measurement>> = vec![None; new.len()];
        for beacon in 0..self.banks.len() {
            let places: Vec<usize> = (0..new.len()).filter(|&i| new[i].beacon == beacon).collect();
            let specs: Vec<QuantSpec> = places.iter().map(|&i| new[i].spec.clone()).collect();
            if specs.is_empty() {
                continue;
            }
            let judge = evaluator.judge.lent(&self.banks[beacon])?;
            let lent = Evaluator { judge: &judge, workload: evaluator.workload, platform: evaluator.platform };
            for (place, measurement) in places.into_iter().zip(lent.measure_all(&specs, watch)?) {
                measured[place] = Some(measurement);
            }
        }
        for (one, measurement) in new.into_iter().zip(measured) {
            let measurement = measurement.expect("every borrower has a beacon");
            let (record, beacon, distance) = (one.record.id, one.beacon, one.distance);
            log.append_loan(LoanRecord { record, beacon, distance, measurement })?;
        }
        Ok(())
    }
}

/// A candidate with the beacon that lends to it.
struct Borrower<'r> {
    record: &'r mut Record,
    spec: QuantSpec,
    beacon: usize,
    distance: f64,
}

/// Whether `measurement` keeps every limit but those of the error, which retraining may yet mend.
fn fits(goals: &Goals, measurement: &Measurement) -> bool {
    goals.limits.iter().all(|limit| matches!(limit, Limit::Error(_)) || limit.violation(measurement) == 0.0)
}
