//! `--strategy`, `search.stop`, `bench table` and `bench search`.

use crate::workspace::Workspace;

#[test]
fn a_guided_search_goes_on_where_it_was_and_is_compared_with_the_published_one() {
    let workspace = Workspace::new();
    let words = "run tiny.toml --strategy guided --set search.baselines=[\"nsga2\"]";
    let json = workspace.ok(&format!("{words} --json")).json();
    let methods: Vec<&str> =
        json["baselines"].as_array().expect("a list").iter().map(|one| one["method"].as_str().expect("text")).collect();
    assert_eq!(methods, ["nsga2", "uniform"]);
    let log = workspace.text("runs/tiny/evaluations.jsonl");
    assert!(log.lines().next().expect("a header").contains("\"method\":\"guided\""), "{log}");
    workspace.text("runs/tiny/baselines/nsga2.jsonl");
    workspace.ok(&format!("{words} --resume"));
    assert_eq!(workspace.text("runs/tiny/evaluations.jsonl"), log);
    // The log of one strategy is not that of another.
    let said = workspace.refused(1, "run tiny.toml --resume");
    assert!(said.error().contains("method"), "{said:?}");
    workspace.refused(2, "run tiny.toml --strategy clever");
    let said = workspace.refused(2, "run tiny.toml --strategy guided --set search.baselines=[\"guided\"] --out other");
    assert!(said.error().contains("`guided` is the search itself, expected `nsga2`, `random`, `greedy`"), "{said:?}");
}

#[test]
fn rules_for_stopping_that_mean_nothing_are_refused() {
    let workspace = Workspace::new();
    let stop = |rule: &str| workspace.refused(2, &format!("run tiny.toml --set search.stop={rule}")).error().to_owned();
    assert!(stop("{hypervolume=0.01,evaluations=0}").starts_with("`search.stop.evaluations`"));
    assert!(stop("{hypervolume=0,evaluations=9}").starts_with("`search.stop.hypervolume`"));
}

#[test]
fn strategies_are_compared_on_a_table_of_the_recipes_network() {
    let workspace = Workspace::new();
    workspace.ok("bench table tiny.toml --widths 2,4,8 --table errors.json");
    let table: serde_json::Value = serde_json::from_str(&workspace.text("errors.json")).expect("JSON");
    // Two sites with three widths of both operands.
    assert_eq!(table["thousandths"].as_array().expect("a list").len(), 81);
    let words = "bench search errors.json --seeds 3 --evaluations 70 --strategies nsga2,guided";
    let json = workspace.ok(&format!("{words} --json")).json();
    let standings = &json[0]["methods"];
    assert_eq!((&standings[0]["method"], &standings[1]["method"]), (&"nsga2".into(), &"guided".into()));
    let median = |method: usize| standings[method]["after"][1][1]["median"].as_f64().expect("a number");
    assert!(median(0) > 0.0 && median(0) <= 100.0 && median(1) <= 100.0 + 1e-9, "{standings}");
    assert!(workspace.ok(words).out.contains("81 candidates"));
    workspace.refused(1, "bench search errors.json --objectives error,speed");
    workspace.refused(1, "bench search errors.json --objectives speedup,memory");
    workspace.refused(1, "bench search tiny.toml");
}
