//! Beacons: networks that were retrained in the search, and the candidates that have their parameters.

use super::{Figure, Report};
use crate::quant::QuantSpec;
use serde::{Deserialize, Serialize};

/// A network retrained at one candidate's precisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beacon {
    /// Its number, in the order of retraining.
    pub id: u64,
    /// The precisions that it was retrained at.
    #[serde(with = "super::bits")]
    pub bits: QuantSpec,
    /// The generation that it was retrained for, from 0.
    pub generation: u64,
    /// Epochs that it took.
    pub epochs: u64,
}

/// What a candidate borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loan {
    /// Number of the beacon.
    pub beacon: u64,
    /// Steps of widths between the two.
    pub distance: Figure,
    /// The error with the candidate's own parameters.
    #[serde(alias = "own_error_percent")]
    pub own_error: Figure,
}

/// A row of the table of beacons.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct BeaconRow {
    id: u64,
    generation: u64,
    epochs: u64,
    served: u64,
    on_front: u64,
    /// Mean error that those gain which it serves.
    gain: String,
    spec: String,
}

/// The beacons with what they were good for.
pub(super) fn rows(report: &Report) -> Vec<BeaconRow> {
    let metric = report.baseline.metric();
    let row = |beacon: &Beacon| {
        let served = || {
            let loans = report.evaluations.iter().filter_map(|one| Some((one, one.loan?)));
            loans.filter(|(_, loan)| loan.beacon == beacon.id)
        };
        let gains: Vec<f64> =
            served().filter_map(|(one, loan)| Some(loan.own_error.get()? - one.measures.error.get()?)).collect();
        let mean = (!gains.is_empty()).then(|| gains.iter().sum::<f64>() / gains.len() as f64);
        BeaconRow {
            id: beacon.id,
            generation: beacon.generation,
            epochs: beacon.epochs,
            served: served().count() as u64,
            on_front: served().filter(|(one, _)| report.front.iter().any(|point| point.id == one.id)).count() as u64,
            gain: mean.map_or_else(|| "–".to_owned(), |gain| metric.number(gain)),
            spec: beacon.bits.to_string(),
        }
    };
    report.beacons.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::plausible;
    use super::*;

    #[test]
    fn a_beacon_is_told_by_what_it_served() {
        let mut report = plausible::report(60);
        let rows = rows(&report);
        assert_eq!(
            rows.iter().map(|row| (row.id, row.served, row.gain.as_str())).collect::<Vec<_>>(),
            [(0, 2, "2.50"), (1, 1, "2.50")]
        );
        let on_front = |place: usize| report.front.iter().any(|point| point.id == report.evaluations[place].id);
        assert_eq!(rows[1].on_front, u64::from(on_front(3)));
        report.evaluations[7].loan = Some(Loan { beacon: 2, distance: 1.0.into(), own_error: 9.0.into() });
        let refused = report.to_json().unwrap_err().to_string();
        assert_eq!(refused, "candidate 8: has the parameters of beacon 2, which is not among the beacons");
    }
}
