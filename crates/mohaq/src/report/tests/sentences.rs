//! What the page says in words, against figures worked out by hand.

use super::plausible::report;
use crate::quant::{Precision, QuantSpec};
use crate::report::axes::axes;
use crate::report::summary::{Candidates, Statement, cuts, exclusions, headline};
use crate::report::*;
use mohaq_rt::Bits;

/// Five candidates on the made-up network, whose float has an error of 16.6 % and here a million parameters: 4 MB.
///
/// | # | error % | speedup | memory, bytes | |
/// |---|---|---|---|---|
/// | 1 | 17.0 | 4 | 1,000,000 | front, 0.4 points over float |
/// | 2 | 17.6 | 10 | 500,000 | front, 1.0 points |
/// | 3 | 20.0 | 20 | 400,000 | front, 3.4 points |
/// | 4 | 24.5 | 30 | 300,000 | fails the error limit of 24 % |
/// | 5 | 40.0 | 60 | 2,200,000 | fails it and the memory limit of 2 MiB |
fn five() -> Report {
    let rows = [
        (1, 17.0, 4.0, 1e6, vec![]),
        (2, 17.6, 10.0, 5e5, vec![]),
        (3, 20.0, 20.0, 4e5, vec![]),
        (4, 24.5, 30.0, 3e5, vec!["error"]),
        (5, 40.0, 60.0, 2.2e6, vec!["error", "sram"]),
    ];
    let mut five = report(0);
    five.network.parameters = 1_000_000;
    five.evaluations = rows
        .into_iter()
        .map(|(id, error, speedup, memory, violated)| {
            let violation = |name: &str| Violation { constraint: name.to_owned(), reason: format!("too much {name}") };
            Evaluation {
                id,
                order: id,
                bits: QuantSpec::uniform(Precision::new(Bits::Four, Bits::Eight), five.network.sites.len()),
                values: vec![f64::into(error), f64::into(speedup)],
                measures: Measures {
                    error_percent: error.into(),
                    memory_bytes: memory.into(),
                    speedup: speedup.into(),
                    energy_pj: Figure::MISSING,
                },
                violated: violated.into_iter().map(violation).collect(),
            }
        })
        .collect();
    five.front = [(1, 17.0), (2, 17.6), (3, 20.0)]
        .map(|(id, error): (u64, f64)| FrontPoint {
            id,
            valid_error_percent: error.into(),
            test_error_percent: Figure::MISSING,
        })
        .to_vec();
    five
}

fn candidates(report: &Report) -> Candidates<'_> {
    report.evaluations.iter().map(|one| (one.id, one)).collect()
}

fn said(about: &str, text: &str) -> Statement {
    Statement { about: about.to_owned(), text: text.to_owned() }
}

#[test]
fn the_headline_names_the_best_within_a_point_of_float() {
    let report = five();
    let expected = "3 of 5 evaluated candidates are on the front. Within 1 point of float's error: \
                    8.0× smaller than 32 bit float at 488.3 KiB (#2, +1.00 points); \
                    10.0× faster than the platform's reference (#2, +1.00 points).";
    assert_eq!(headline(&report, &candidates(&report)), expected);
}

#[test]
fn the_headline_claims_no_closeness_that_is_not_there() {
    let mut report = five();
    report.front.drain(..2);
    let expected = "1 of 5 evaluated candidates are on the front; the closest to float is #3 at +3.40 points.";
    assert_eq!(headline(&report, &candidates(&report)), expected);
    report.front.clear();
    assert_eq!(headline(&report, &candidates(&report)), "0 of 5 evaluated candidates are on the front.");
}

#[test]
fn each_side_of_the_front_says_what_cut_it() {
    let report = five();
    let expected = [
        said(
            "Least error",
            "The front ends at 17.00 % (#1); no evaluated candidate goes further, so no constraint cut this side.",
        ),
        said(
            "Most speedup",
            "The front ends at 20.00× (#3). Of the candidates that go further, 2 failed “Error limit”, 1 failed “Weights \
             fit the SRAM”. The nearest, #4, has 30.00×; it was excluded for too much error.",
        ),
    ];
    assert_eq!(cuts(&report, &axes(&report), &candidates(&report)), expected);
}

#[test]
fn each_constraint_says_what_it_excluded() {
    let mut report = five();
    let expected = [
        said(
            "Error limit: ≤ 24.00 %",
            "Excluded 2 of 5 candidates, 1 of them by itself; the nearest, #4, has 24.50 %.",
        ),
        said(
            "Weights fit the SRAM: ≤ 2 MiB",
            "Excluded 1 of 5 candidates, 0 of them by itself; the nearest, #5, has 2.098 MiB.",
        ),
    ];
    assert_eq!(exclusions(&report, &axes(&report)), expected);
    report.evaluations.truncate(3);
    let text = &exclusions(&report, &axes(&report))[0].text;
    assert_eq!(text, "Kept by every evaluated candidate; it excluded none.");
}
