//! `mohaq retrain`: before and after, neighbours, and what a search takes up of it.

use crate::workspace::Workspace;

#[test]
fn retraining_shows_both_errors_and_how_far_it_reaches() {
    let workspace = Workspace::new();
    let request = "retrain tiny.toml --data corpus --set train.epochs=4 --bits 2x4 --neighbours 3";
    let json = workspace.ok(&format!("{request} --json")).json();
    let retrained = &json["retrained"][0];
    assert_eq!(retrained["before"]["bits"], "2x4 2x4");
    let percent = |side: &str| retrained[side]["valid_error"].as_f64().expect("an error");
    assert_ne!(retrained["before"]["valid"], retrained["after"]["valid"], "other frames are wrong");
    let epochs = retrained["epochs"].as_array().expect("epochs");
    assert!((1..=4).contains(&epochs.len()));
    // Two sites at 2 bit have six steps up: bands of 1 to 2 and 3 to 5 are full, that of 7 to 9 is empty.
    let counts: Vec<_> =
        json["reach"][0].as_array().expect("bands").iter().map(|band| band["neighbours"].clone()).collect();
    assert_eq!(counts, [3, 3, 0]);
    let file = retrained["file"].as_str().and_then(|path| path.strip_prefix("F/")).expect("a path in the folder");
    let bytes = workspace.read(file);
    // Once more: found, not retrained, and the same figures for people.
    let said = workspace.ok(request);
    assert!(workspace.read(file) == bytes, "another network");
    for (side, row) in ["before", "after"]
        .into_iter()
        .zip(said.out.lines().filter(|l| l.starts_with("before") || l.starts_with("after")))
    {
        let expected = format!("{:.2}", percent(side));
        assert_eq!(row.split_whitespace().nth(1), Some(expected.as_str()), "{}", said.out);
    }
    assert!(said.out.contains("7 to 9"), "{}", said.out);
}

#[test]
fn bits_that_cannot_be_retrained_are_refused_first() {
    let workspace = Workspace::new();
    let said = workspace.refused(2, "retrain tiny.toml --bits 3x8");
    assert!(said.error().starts_with("`3x8` is no precision"), "{}", said.error());
    assert!(!workspace.path("runs/tiny/network.safetensors").exists(), "nothing was trained");
    let said = workspace.refused(2, "retrain tiny.toml --bits 2x8 --set retrain.epochs=0");
    assert_eq!(said.error(), "`retrain.epochs`: 0, expected at least 1");
    let said = workspace.refused(2, "retrain tiny.toml --bits 2x8 --set retrain.clips=frozen");
    assert!(said.err.contains("`static` or `learned`"), "{}", said.err);
    let said = workspace.refused(2, "run tiny.toml --set search.beacons.treshold=4");
    assert!(said.err.contains("threshold"), "{}", said.err);
}
