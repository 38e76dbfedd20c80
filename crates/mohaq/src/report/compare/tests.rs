//! Comparisons against figures worked out by hand.

use super::*;
use crate::quant::{Precision, QuantSpec};
use crate::report::tests::plausible::report;
use crate::report::{Direction, FrontPoint, Measures, Objective};
use mohaq_rt::Bits;

/// Validation error, test error, speedup, memory in bytes of a member of a front.
type Row = (f64, f64, f64, f64);

/// | run | # | valid % | test % | speedup | memory, bytes | compression of 4,000,000 bytes |
/// |---|---|---|---|---|---|---|
/// | a | 1 | 17 | 18 | 10 | 1,000,000 | 4 |
/// | a | 2 | 19 | 21 | 20 | 400,000 | 10 |
/// | a | 3 | 22 | 25 | 40 | 250,000 | 16 |
const A: [Row; 3] = [(17.0, 18.0, 10.0, 1e6), (19.0, 21.0, 20.0, 4e5), (22.0, 25.0, 40.0, 2.5e5)];

/// | run | # | valid % | test % | speedup | memory, bytes | compression |
/// |---|---|---|---|---|---|---|
/// | b | 1 | 17 | 17.5 | 10 | 1,000,000 | 4 |
/// | b | 2 | 18 | 19 | 20 | 500,000 | 8 |
/// | b | 3 | 23 | 22 | 30 | 320,000 | 12.5 |
const B: [Row; 3] = [(17.0, 17.5, 10.0, 1e6), (18.0, 19.0, 20.0, 5e5), (23.0, 22.0, 30.0, 3.2e5)];

/// A run on the made-up network, here of a million parameters, with `rows` as candidates and front.
fn made(rows: &[Row]) -> Report {
    let mut made = report(0);
    made.network.parameters = 1_000_000;
    let bits = QuantSpec::uniform(Precision::new(Bits::Four, Bits::Eight), made.network.sites.len());
    for (id, &(valid, test, speedup, memory)) in (1..).zip(rows) {
        let measures = Measures {
            error: valid.into(),
            memory_bytes: memory.into(),
            speedup: speedup.into(),
            energy_pj: Figure::MISSING,
            ..Measures::default()
        };
        let values = vec![measures.error, measures.speedup];
        let bits = bits.clone();
        let violated = Vec::new();
        let one = Evaluation { id, order: id, bits, values, measures, violated, loan: None, partial: None };
        made.evaluations.push(one);
        made.front.push(FrontPoint {
            explained: None,
            id,
            search_error: valid.into(),
            valid_error: valid.into(),
            test_error: test.into(),
        });
    }
    made
}

/// `made`, whose search was for the objective `key` instead of the speedup, with the figures of the speedup.
fn searching_for(mut made: Report, key: &str) -> Report {
    made.objectives[1] = Objective { key: key.to_owned(), label: key.to_uppercase(), ..made.objectives[1].clone() };
    made
}

fn compare(a: &Report, b: &Report, levels: &Levels) -> Comparison {
    Comparison::new(&[Run { name: "a", report: a }, Run { name: "b", report: b }], levels).unwrap()
}

fn shares(figures: &[Figure]) -> Vec<Option<f64>> {
    figures.iter().map(|figure| figure.get()).collect()
}

/// Rows of the table of `key`: the level, then id, validation and test error of each run.
type Read = Vec<(f64, Vec<Option<(u64, f64, f64)>>)>;

fn rows(comparison: &Comparison, key: &str) -> Read {
    let table = comparison.tables.iter().find(|table| table.key == key).unwrap();
    let cell = |cell: &LevelCell| Some((cell.id?, cell.valid_error.get()?, cell.test_error.get()?));
    table.rows.iter().map(|row| (row.level, row.cells.iter().map(cell).collect())).collect()
}

#[test]
fn volumes_are_shares_of_one_box() {
    let comparison = compare(&made(&A), &made(&B), &Levels::default());
    // The searches' references are an error of 24 % and a speedup of 0; the best are 17 % and 40 times.
    let sides: Vec<String> = comparison.hypervolume.corners.iter().map(ToString::to_string).collect();
    assert_eq!(sides, ["error from 17.00 % to 24.00 %", "speedup from 40.00× to 0.00×"]);
    // a: (7·10 + 5·10 + 2·20) of 7·40; b: (7·10 + 6·10 + 1·10) of it.
    let valid = shares(&comparison.hypervolume.valid);
    assert!((valid[0].unwrap() - 160.0 / 280.0).abs() < 1e-12, "{valid:?}");
    assert!((valid[1].unwrap() - 140.0 / 280.0).abs() < 1e-12, "{valid:?}");
    // By test errors a's third member is beyond the box: (6·10 + 3·10); b: (6.5·10 + 5·10 + 2·10).
    let test = shares(&comparison.hypervolume.test);
    assert!((test[0].unwrap() - 90.0 / 280.0).abs() < 1e-12, "{test:?}");
    assert!((test[1].unwrap() - 135.0 / 280.0).abs() < 1e-12, "{test:?}");
    assert_eq!(
        comparison.headline(),
        "The front of a dominates most of the common box: 0.5714 of it by validation error, 0.3214 by test error."
    );
}

#[test]
fn the_worst_reference_of_the_runs_bounds_the_box() {
    let mut b = made(&B);
    b.hypervolume.reference[0] = 27.0.into();
    let corner = &compare(&made(&A), &b, &Levels::default()).hypervolume.corners[0];
    assert_eq!((corner.best, corner.worst), (17.0, 27.0));
    // Without references: the worst of all members, on whichever set. 25 % is a's third on the test set.
    let [mut a, mut b] = [made(&A), made(&B)];
    for made in [&mut a, &mut b] {
        made.hypervolume.reference = vec![Figure::MISSING; 2];
    }
    let corners = compare(&a, &b, &Levels::default()).hypervolume.corners;
    assert_eq!((corners[0].worst, corners[1].worst), (25.0, 10.0));
}

#[test]
fn a_front_covers_what_it_dominates_or_equals() {
    let covers = compare(&made(&A), &made(&B), &Levels::default()).covers;
    // Of b, a equals the first (17, 10) and dominates the third (23, 30) by (22, 40). Of a, b equals the first and
    // dominates the second (19, 20) by (18, 20).
    assert_eq!(shares(&covers[0]), [None, Some(2.0 / 3.0)]);
    assert_eq!(shares(&covers[1]), [Some(2.0 / 3.0), None]);
}

#[test]
fn errors_at_a_level_are_of_the_lowest_validation_error_that_keeps_it() {
    let levels = Levels { speedup: Some(vec![10.0, 15.0, 30.0, 50.0]), ..Levels::default() };
    let comparison = compare(&made(&A), &made(&B), &levels);
    let expected: Read = vec![
        (10.0, vec![Some((1, 17.0, 18.0)), Some((1, 17.0, 17.5))]),
        (15.0, vec![Some((2, 19.0, 21.0)), Some((2, 18.0, 19.0))]),
        (30.0, vec![Some((3, 22.0, 25.0)), Some((3, 23.0, 22.0))]),
        // What nobody reaches was asked for, and is shown as missing.
        (50.0, vec![None, None]),
    ];
    assert_eq!(rows(&comparison, "speedup"), expected);
    let expected: Read = vec![
        (4.0, vec![Some((1, 17.0, 18.0)), Some((1, 17.0, 17.5))]),
        (8.0, vec![Some((2, 19.0, 21.0)), Some((2, 18.0, 19.0))]),
        (10.6, vec![Some((3, 22.0, 25.0)), Some((3, 23.0, 22.0))]),
        (12.0, vec![Some((3, 22.0, 25.0)), Some((3, 23.0, 22.0))]),
        (16.0, vec![Some((3, 22.0, 25.0)), None]),
    ];
    assert_eq!(rows(&comparison, "compression"), expected);
    assert!(comparison.tables.iter().all(|table| !["memory", "energy"].contains(&table.key.as_str())));
}

#[test]
fn sizes_are_at_most_what_was_asked_for() {
    let levels = Levels { memory_bytes: Some(vec![5e5, 1e5]), ..Levels::default() };
    let comparison = compare(&made(&A), &made(&B), &levels);
    let expected: Read = vec![(5e5, vec![Some((2, 19.0, 21.0)), Some((2, 18.0, 19.0))]), (1e5, vec![None, None])];
    assert_eq!(rows(&comparison, "memory"), expected);
    let table = comparison.tables.iter().find(|table| table.key == "memory").unwrap();
    assert_eq!(table.level(&table.rows[0]), "≤ 488.3 KiB");
}

#[test]
fn speedups_that_nobody_reaches_are_no_default() {
    let levels = |comparison: &Comparison| rows(comparison, "speedup").iter().map(|row| row.0).collect::<Vec<_>>();
    assert_eq!(levels(&compare(&made(&A), &made(&B), &Levels::default())), [2.0, 4.0, 10.0, 20.0, 30.0, 40.0]);
    assert_eq!(levels(&compare(&made(&A[..1]), &made(&B[..1]), &Levels::default())), [2.0, 4.0, 10.0]);
}

#[test]
fn energies_are_spread_over_what_the_fronts_span() {
    let [mut a, mut b] = [made(&A), made(&B)];
    for (made, first) in [(&mut a, 100.0), (&mut b, 300.0)] {
        for (place, one) in made.evaluations.iter_mut().enumerate() {
            one.measures.energy_pj = (first + 100.0 * place as f64).into();
        }
    }
    // a has 100, 200, 300 pJ; b has 300, 400, 500: four steps of 100 above 100.
    let comparison = compare(&a, &b, &Levels::default());
    let found = rows(&comparison, "energy");
    assert_eq!(found.iter().map(|row| row.0).collect::<Vec<_>>(), [200.0, 300.0, 400.0, 500.0]);
    assert_eq!(found[0].1, [Some((1, 17.0, 18.0)), None]);
    assert_eq!(found[1].1, [Some((1, 17.0, 18.0)), Some((1, 17.0, 17.5))]);
}

#[test]
fn runs_compare_on_what_they_share_and_say_what_they_do_not() {
    let comparison = compare(&made(&A), &searching_for(made(&B), "speedup_paper"), &Levels::default());
    assert!(comparison.axes.iter().all(|axis| !axis.searched));
    // Both computed the ratio of times: errors at a speedup still compare.
    assert_eq!(rows(&comparison, "speedup").len(), 6);
    let left: Vec<String> = comparison.left_out.iter().map(ToString::to_string).collect();
    assert_eq!(left, ["Speedup (a)", "SPEEDUP_PAPER (b)"]);
    assert!(comparison.hypervolume.corners.is_empty());
    for figures in [&comparison.hypervolume.valid, &comparison.hypervolume.test, &comparison.covers[0]] {
        assert_eq!(shares(figures), [None, None]);
    }
    let html = comparison.to_html().unwrap();
    assert!(html.contains("share no objective beside the error") && html.contains("Speedup (a); SPEEDUP_PAPER (b)"));
}

#[test]
fn the_published_speedup_is_compared_where_all_searched_for_it() {
    let [a, b] = [A, B].map(|rows| searching_for(made(&rows), "speedup_paper"));
    let comparison = compare(&a, &b, &Levels::default());
    assert_eq!(comparison.tables[0].key, "speedup_paper");
    assert_eq!(comparison.shared(), "speedup_paper");
}

#[test]
fn members_that_are_on_a_front_for_an_objective_of_its_own_do_not_count_against_it() {
    // b also searched for energy, for which it keeps a fourth member that is worse in all that both share.
    let mut b = made(&[B[0], B[1], B[2], (23.5, 23.5, 25.0, 4e5)]);
    b.objectives.push(Objective {
        key: "energy".to_owned(),
        direction: Direction::Minimize,
        ..b.objectives[0].clone()
    });
    b.baseline.values.push(Figure::MISSING);
    b.hypervolume.reference.push(Figure::MISSING);
    b.uniform.iter_mut().for_each(|row| row.values.push(Figure::MISSING));
    b.evaluations.iter_mut().for_each(|one| one.values.push(1.0.into()));
    let covers = compare(&made(&A), &b, &Levels::default()).covers;
    assert_eq!(shares(&covers[0]), [None, Some(2.0 / 3.0)]);
}

#[test]
fn what_differs_is_named_and_what_it_spoils_is_said() {
    let (a, mut b) = (made(&A), made(&B));
    assert_eq!(compare(&a, &b, &Levels::default()).cautions, [] as [&str; 0]);
    b.seed = 3;
    b.data.parts[1].sequences = 12;
    let comparison = compare(&a, &b, &Levels::default());
    let differing: Vec<&str> =
        comparison.settings.iter().filter(|one| !one.same).map(|one| one.what.as_str()).collect();
    assert_eq!(differing, ["Seed", "Sets"]);
    assert_eq!(comparison.settings[1].values, [u64::MAX.to_string(), "3".to_owned()]);
    assert_eq!(comparison.cautions, ["The runs have different data: their errors are of different sentences."]);
}

#[test]
fn figures_of_a_platform_differ_where_its_name_does_not() {
    let (a, mut b) = (made(&A), made(&B));
    b.platform.numbers[0].value = "128 / (w·a)".to_owned();
    let differing = |comparison: &Comparison| -> Vec<String> {
        comparison.settings.iter().filter(|one| !one.same).map(|one| one.what.clone()).collect()
    };
    assert_eq!(differing(&compare(&a, &b, &Levels::default())), ["Figures of the platform"]);
    b.platform.name = "mine".to_owned();
    let comparison = compare(&a, &b, &Levels::default());
    assert_eq!(differing(&comparison), ["Platform"]);
    assert!(comparison.cautions[0].starts_with("The runs are priced by different platforms"));
}

#[test]
fn an_empty_front_is_missing_everywhere_and_no_zero() {
    let mut none = made(&B);
    none.front.clear();
    let comparison = compare(&made(&A), &none, &Levels::default());
    assert_eq!(rows(&comparison, "compression")[0].1[1], None);
    assert_eq!(shares(&comparison.covers[0]), [None, None]);
    assert_eq!(shares(&comparison.covers[1]), [Some(0.0), None]);
    assert_eq!(comparison.hypervolume.valid[1].show(""), "0", "neither missing nor −0");
    let mut other = made(&A);
    other.front.clear();
    let both = compare(&other, &none, &Levels::default());
    assert_eq!(shares(&both.hypervolume.valid), [None, None]);
    assert!(both.headline().starts_with("No box holds all fronts"));
    both.to_html().unwrap();
}

#[test]
fn runs_that_cannot_be_compared_are_refused_by_name() {
    let (a, mut b) = (made(&A), made(&B));
    let refused = |runs: &[Run<'_>], levels: &Levels| Comparison::new(runs, levels).unwrap_err().to_string();
    let [first, again] = [Run { name: "a", report: &a }; 2];
    assert_eq!(refused(&[first], &Levels::default()), "comparison: 1 runs, expected at least two");
    assert_eq!(refused(&[first, again], &Levels::default()), "comparison: run `a` is given twice");
    let levels = Levels { compression: Some(vec![4.0, -1.0]), ..Levels::default() };
    let second = Run { name: "b", report: &b };
    assert_eq!(refused(&[first, second], &levels), "compression: -1, expected more than 0");
    b.baseline.error_name = "frame error rate".to_owned();
    assert_eq!(
        refused(&[first, Run { name: "b", report: &b }], &Levels::default()),
        "run `b`: its error is the frame error rate, expected the phone error rate as in `a`"
    );
}

#[test]
fn text_from_outside_cannot_leave_its_place_in_the_page() {
    const ATTACK: &str = "</script><script>alert(1)</script><!-- \"quoted\" & 'single' -->";
    let clean = compare(&made(&A), &searching_for(made(&B), "energy"), &Levels::default()).to_html().unwrap();
    let (mut a, mut b) = (made(&A), searching_for(made(&B), "energy"));
    for text in [&mut a.title, &mut a.recipe, &mut a.platform.name, &mut a.network.description[0], &mut a.data.corpus] {
        ATTACK.clone_into(text);
    }
    for report in [&mut a, &mut b] {
        ATTACK.clone_into(&mut report.baseline.error_name);
        report.objectives.iter_mut().for_each(|objective| ATTACK.clone_into(&mut objective.label));
        report.constraints.iter_mut().for_each(|constraint| ATTACK.clone_into(&mut constraint.label));
    }
    let runs = [Run { name: ATTACK, report: &a }, Run { name: "b", report: &b }];
    let html = Comparison::new(&runs, &Levels::default()).unwrap().to_html().unwrap();
    for markup in ["<script", "</script", "<!--", "alert(1)</script"] {
        assert_eq!(html.matches(markup).count(), clean.matches(markup).count(), "{markup}");
    }
    assert!(html.contains("&lt;script&gt;alert(1)"), "the attack is shown as text");
    assert!(html.contains("default-src 'none'"), "the policy forbids the network");
    let (_, rest) = html.split_once("id=\"comparison-data\">").unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["runs"][0]["name"], ATTACK);
}
