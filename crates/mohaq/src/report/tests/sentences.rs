//! What the page says in words, against figures worked out by hand.

use super::plausible::report;
use crate::quant::{Precision, QuantSpec};
use crate::report::axes::axes;
use crate::report::methods::table;
use crate::report::summary::{Candidates, Statement, bias, cuts, exclusions, headline};
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
                    error: error.into(),
                    memory_bytes: memory.into(),
                    speedup: speedup.into(),
                    energy_pj: Figure::MISSING,
                    ..Measures::default()
                },
                violated: violated.into_iter().map(violation).collect(),
                loan: None,
                partial: None,
            }
        })
        .collect();
    five.front = [(1, 17.0), (2, 17.6), (3, 20.0)]
        .map(|(id, error): (u64, f64)| FrontPoint {
            explained: None,
            id,
            search_error: error.into(),
            valid_error: error.into(),
            test_error: Figure::MISSING,
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

#[test]
fn the_bias_is_the_gap_that_float_has_not() {
    let mut report = five();
    // Gaps of 1.4 and 1.8 points against 1 point of float; √(0.2 · 0.8 / 6400) is 0.5 points.
    report.selection_bias = SelectionBias::of((19.0, 20.0), [(17.0, 18.4), (17.6, 19.4)].into_iter(), Some(6400));
    let mut said = bias(&report);
    assert_eq!(said[0].about, "Selection bias: +0.60 points");
    assert_eq!(
        said[0].text,
        "Test error less search error: +1.60 points on average over the front, +1.00 points for the float network, which \
         no search chose. The difference, +0.60 points, is the bias: above 0 where the search fitted its \
         development set."
    );
    assert!(said[1].text.contains("over its 6,400 labels is known to ±0.98 points"), "{}", said[1].text);
    assert!(said[1].text.contains("It is small: do not choose"), "{}", said[1].text);
    report.selection_bias = SelectionBias::of((19.0, 20.0), [(17.0, 18.0)].into_iter(), Some(640_000));
    said = bias(&report);
    assert!(said[1].text.contains("±0.10 points") && !said[1].text.contains("small:"), "{}", said[1].text);
    report.selection_bias = None;
    assert_eq!(bias(&report), []);
}

#[test]
fn errors_that_are_no_rates_have_their_own_unit_everywhere() {
    let mut report = five();
    (report.baseline.error_name, report.baseline.error_unit) = ("root mean square error".to_owned(), "°C".to_owned());
    report.selection_bias = SelectionBias::of((19.0, 20.0), [(17.0, 18.4), (17.6, 19.4)].into_iter(), None);
    let said = bias(&report);
    assert_eq!((said.len(), said[0].about.as_str()), (1, "Selection bias: +0.60000 °C"), "and no binomial of it");
    // Float is at 16.6: a hundredth of it lets nobody near.
    let expected = "3 of 5 evaluated candidates are on the front; the closest to float is #1 at +0.40000 °C.";
    assert_eq!(headline(&report, &candidates(&report)), expected);
    let html = report.to_html().unwrap();
    assert!(html.contains("Validation error, °C") && html.contains("+0.40000 °C"));
}

#[test]
fn methods_are_compared_at_the_same_speedups() {
    let mut report = five();
    let point = |error: f64, speedup: f64| MethodPoint {
        bits: report.evaluations[0].bits.clone(),
        values: vec![error.into(), speedup.into()],
        measures: Measures::default(),
    };
    report.methods = vec![MethodFront {
        name: "random".to_owned(),
        evaluations: 5,
        hypervolume: 0.25.into(),
        points: Vec::new(),
        front: vec![point(17.2, 4.5), point(18.0, 8.0)],
    }];
    let found = table(&report, &axes(&report), &candidates(&report)).unwrap();
    // The search: 17.0 % at 4×, 17.6 % at 10×, 20.0 % at 20×; nobody reaches 24×.
    assert_eq!(found.columns, ["≥ 2×", "≥ 4×", "≥ 8×", "≥ 16×"]);
    assert_eq!(found.rows[0].errors, ["17.00 %", "17.00 %", "17.60 %", "20.00 %"]);
    assert_eq!((found.rows[1].name.as_str(), found.rows[1].hypervolume.as_str()), ("random", "0.2500"));
    assert_eq!(found.rows[1].errors, ["17.20 %", "17.20 %", "18.00 %", "–"]);
    report.methods.clear();
    assert_eq!(table(&report, &axes(&report), &candidates(&report)), None);
}
