//! Laws of the three writers, on a made-up report.

pub(super) mod plausible;
mod sentences;

use super::*;
use plausible::report;

const ATTACK: &str = "</script><script>alert(1)</script><!-- \"quoted\" & 'single' -->";

/// Every place of a report that a corpus, a recipe or a user can put text into.
fn attacked() -> Report {
    let mut report = report(80);
    let objective = &mut report.objectives[0];
    let texts = [
        &mut report.title,
        &mut report.recipe,
        &mut report.command,
        &mut report.platform.title,
        &mut report.platform.numbers[0].source,
        &mut report.network.description[0],
        &mut report.network.sites[0].name,
        &mut report.data.corpus,
        &mut report.data.split,
        &mut report.data.notes[0],
        &mut report.baseline.error_name,
        &mut objective.label,
        &mut objective.how,
        &mut report.constraints[0].label,
        &mut report.stages[0].stage,
        &mut report.methods[0].name,
    ];
    for text in texts {
        ATTACK.clone_into(text);
    }
    for violation in report.evaluations.iter_mut().flat_map(|one| &mut one.violated) {
        ATTACK.clone_into(&mut violation.reason);
    }
    report
}

#[test]
fn json_reads_back_as_the_same_report() {
    let report = report(200);
    let text = report.to_json().unwrap();
    let back = Report::from_json(&text).unwrap();
    assert_eq!(back, report);
    assert_eq!(back.to_json().unwrap(), text);
    assert_eq!(back.to_html().unwrap(), report.to_html().unwrap());
}

#[test]
fn a_figure_that_is_no_number_leaves_the_report_readable() {
    let mut report = report(80);
    report.evaluations[0].values[0] = f64::NAN.into();
    report.evaluations[0].measures.error = f64::INFINITY.into();
    report.training[0].train_loss = f64::NAN.into();
    let json = report.to_json().unwrap();
    assert_eq!(Report::from_json(&json).unwrap(), report);
    assert!(json.contains("\"train_loss\": null"));
    let html = report.to_html().unwrap();
    assert!(!html.contains(">NaN<") && !html.contains(">inf<"));
}

#[test]
fn a_report_of_nothing_is_a_page_all_the_same() {
    let mut empty = report(0);
    empty.uniform.clear();
    empty.training.clear();
    empty.sensitivity = None;
    empty.constraints.clear();
    empty.methods.clear();
    let html = empty.to_html().unwrap();
    assert!(html.contains("0 of 0 evaluated candidates"));
    assert!(!html.contains("Sensitivity"));
    assert!(!html.contains("By other methods") && !html.contains("What the test set says"));
    assert_eq!(empty.to_csv().unwrap().lines().count(), 1);
}

#[test]
fn text_from_outside_cannot_leave_its_place_in_the_page() {
    let clean = report(80).to_html().unwrap();
    let html = attacked().to_html().unwrap();
    // The attack opens no element, ends none and starts no comment: the page has as many of each as without it.
    for markup in ["<script", "</script", "<!--", "alert(1)</script"] {
        assert_eq!(html.matches(markup).count(), clean.matches(markup).count(), "{markup}");
    }
    assert!(html.contains("&lt;script&gt;alert(1)"), "the attack is shown as text");
    // Nor does a quote end an attribute.
    assert!(!html.contains("title=\"</") && html.contains("&quot;quoted&quot;"));
}

#[test]
fn the_data_in_the_page_is_the_report() {
    let report = attacked();
    let html = report.to_html().unwrap();
    let (_, rest) = html.split_once("id=\"report-data\">").unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(Report::from_json(&data["report"].to_string()).unwrap(), report);
    let keys: Vec<&str> = data["axes"].as_array().unwrap().iter().map(|axis| axis["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["error", "speedup", "memory"], "objectives first, then what else was computed");
}

#[test]
fn the_page_asks_for_nothing_outside_itself() {
    let html = report(80).to_html().unwrap();
    assert!(html.contains("default-src 'none'"), "the policy forbids the network");
    let markup = markup_of(&html);
    for reference in ["src=", "<link", "<iframe", "<img", "<base", "@import", "url("] {
        assert!(!markup.contains(reference), "{reference}");
    }
    for target in markup.split("href=\"").skip(1) {
        assert!(target.starts_with('#'), "link to {}", target.split('"').next().unwrap());
    }
    // The check itself: a reference in the markup is found.
    assert!(markup_of("<body><img src='https://example.org'><script>src=</script></body>").contains("src="));
}

/// A page without the content of its scripts.
fn markup_of(html: &str) -> String {
    let pieces = html.split("<script").enumerate().map(|(index, piece)| {
        if index == 0 { piece } else { piece.split_once("</script>").map_or("", |(_, after)| after) }
    });
    pieces.collect()
}

#[test]
fn csv_has_a_row_for_each_candidate_and_the_columns_it_promises() {
    let report = report(100);
    let csv = report.to_csv().unwrap();
    let heading = csv.lines().next().unwrap();
    let fixed = "id,order,feasible,on_front,error,test_error,memory_bytes,speedup,energy_pj,\
                 time_ms,gops,gops_per_watt,real_time_factor,objective.error,objective.speedup,violated,beacon,\
                 own_error,sequences,estimated_error,error_at_least,bits,l0.weight_bits,l0.activation_bits,";
    assert!(heading.starts_with(fixed), "{heading}");
    assert!(heading.ends_with("output.weight_bits,output.activation_bits"));
    let rows: Vec<Vec<String>> = csv.lines().skip(1).map(fields).collect();
    assert_eq!(rows.len(), 100);
    for (row, evaluation) in rows.iter().zip(&report.evaluations) {
        assert_eq!(row.len(), heading.split(',').count());
        assert_eq!(row[0], evaluation.id.to_string());
        assert_eq!(row[2], evaluation.violated.is_empty().to_string());
        assert_eq!(row[4].parse::<f64>().ok(), evaluation.measures.error.get());
        assert_eq!(row[8], "", "no energy was computed");
        assert_eq!(row[16], evaluation.loan.map_or_else(String::new, |loan| loan.beacon.to_string()));
        assert_eq!(row[17].parse::<f64>().ok(), evaluation.loan.and_then(|loan| loan.own_error.get()));
        assert_eq!(row[18..21], ["", "", ""], "all were measured to the end");
        assert_eq!(row[21], evaluation.bits.to_string());
        assert_eq!(row[22], evaluation.bits.0[0].weight.count().to_string());
    }
    assert_eq!(rows.iter().filter(|row| row[3] == "true").count(), report.front.len());
}

#[test]
fn an_estimate_stands_nowhere_as_an_error() {
    let mut report = report(100);
    let on_front = |report: &Report, id| report.front.iter().any(|point| point.id == id);
    let place = (0..100).rev().find(|&place| !on_front(&report, report.evaluations[place].id)).unwrap();
    let member = report.evaluations.iter().position(|one| on_front(&report, one.id)).unwrap();
    let partial = Partial { sequences: 8, of: 64, estimated_error: 31.5.into(), error_at_least: 4.25.into() };
    let stop = |evaluation: &mut Evaluation| {
        evaluation.partial = Some(partial);
        evaluation.measures.error = Figure::default();
        evaluation.values[0] = Figure::default();
    };
    stop(&mut report.evaluations[place]);
    let row = fields(report.to_csv().unwrap().lines().nth(place + 1).unwrap());
    assert_eq!((row[4].as_str(), row[13].as_str()), ("", ""), "neither the error nor the objective");
    assert_eq!(row[18..21], ["8", "31.5", "4.25"]);
    assert_eq!(Report::from_json(&report.to_json().unwrap()).unwrap(), report);
    report.to_html().unwrap();
    let id = report.evaluations[member].id;
    stop(&mut report.evaluations[member]);
    let refused = report.to_html().unwrap_err().to_string();
    assert_eq!(refused, format!("front: candidate {id} was not measured to the end"));
}

#[test]
fn csv_quotes_what_would_break_a_row() {
    let csv = attacked().to_csv().unwrap();
    let widths: Vec<usize> = csv.lines().map(|line| fields(line).len()).collect();
    assert!(widths.iter().all(|width| *width == widths[0]));
    assert!(csv.contains("\"\"quoted\"\""));
}

/// The fields of a CSV line, by the rules of RFC 4180.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                fields.last_mut().unwrap().push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().unwrap().push(other),
        }
    }
    fields
}

#[test]
fn a_report_that_contradicts_itself_is_refused() {
    let message = |change: fn(&mut Report)| {
        let mut report = report(80);
        change(&mut report);
        let error = report.to_html().unwrap_err().to_string();
        assert_eq!(report.to_json().unwrap_err().to_string(), error);
        assert_eq!(report.to_csv().unwrap_err().to_string(), error);
        error
    };
    assert_eq!(
        message(|report| report.evaluations[3].values.truncate(1)),
        "candidate 4: values: 1 entries, expected 2 (one a objective)"
    );
    assert_eq!(
        message(|report| report.evaluations[3].bits.0.truncate(7)),
        "candidate 4: bits: 7 entries, expected 8 (one a site)"
    );
    assert_eq!(message(|report| report.objectives.clear()), "objectives: none, expected at least one");
    assert_eq!(
        message(|report| report.methods[0].front[0].values.truncate(1)),
        "random: values: 1 entries, expected 2 (one a objective)"
    );
    assert_eq!(message(|report| report.front[0].id = 900), "front: candidate 900 is not among the evaluations");
    assert_eq!(message(|report| report.evaluations[3].id = 1), "evaluations: candidate 1 is listed twice");
    assert_eq!(
        message(|report| report.constraints.clear()).split(':').nth(1),
        Some(" violates `error`, which is not among the constraints")
    );
}

#[test]
fn bits_that_do_not_exist_are_refused_by_name() {
    let text = report(80).to_json().unwrap().replacen("\"16x", "\"3x", 1);
    let error = Report::from_json(&text).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("\"3x") && cause.contains("2, 4, 8 or 16"), "{cause}");
}
