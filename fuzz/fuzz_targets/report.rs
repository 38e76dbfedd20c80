//! Reports: whatever is read back can be written in every form, and as JSON is itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mohaq::report::Report;

fuzz_target!(|text: &str| {
    let Ok(report) = Report::from_json(text) else { return };
    let json = report.to_json().expect("what was read is consistent");
    assert_eq!(Report::from_json(&json).expect("our own"), report);
    report.to_csv().expect("what was read is consistent");
    report.to_html().expect("what was read is consistent");
});
