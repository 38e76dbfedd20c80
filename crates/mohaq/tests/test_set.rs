//! The test set is read once, behind the search: told by a test set that cannot be read at all.

use mohaq::Error;
use mohaq::config::{Given, Plan, Recipe};
use mohaq::run::{self, Bench, Existing, Session, Trained};
use mohaq::watch::Silent;
use mohaq_speech::dataset::Dataset;
use std::fs;
use std::path::Path;

const RECIPE: &str = r#"name = "tiny"
data = { corpus = "synthetic", states = 1, synthetic = { sample_rate = 8000, train_speakers = 4, valid_speakers = 2, test_speakers = 2, sentences = 2 } }
network.layers = [{ kind = "sru", hidden = 6 }, { kind = "linear" }]
train.epochs = 1
search = { platform = "bitfusion", objectives = ["error", "speedup"], population = 4, offspring = 4, evaluations = 12, subsets = 2, baselines = ["random", "greedy"] }
"#;

fn session(folder: &Path, existing: Existing) -> Session<'static> {
    let recipe = Recipe::parse(RECIPE, "tiny", None, &[]).unwrap();
    Session::open(Plan::resolve(recipe, Given { out: Some(folder), ..Given::default() }).unwrap(), existing, &Silent)
        .unwrap()
}

/// The search stage, and what follows it, on `data`.
fn search(session: &Session<'_>, trained: &Trained, data: &Dataset) -> mohaq::Result<run::Searched> {
    let bank = session.bank(trained, data).unwrap();
    let bench = Bench::new(&bank, trained, data.development(), &session.plan.recipe).unwrap();
    run::searched(session, trained, data, &bench)
}

#[test]
fn a_search_never_reads_the_test_set_and_a_finished_one_does_not_read_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = session(folder.path(), Existing::Refuse);
    let clean = first.dataset().unwrap();
    let trained = first.trained(&clean, None).unwrap();
    let mut unreadable = clean.clone();
    let values = unreadable.test.iter_mut().flat_map(|sequence| &mut sequence.features.values);
    values.for_each(|value| *value = f32::NAN);

    // The search gets to its end, and the error comes when its front is measured.
    let refused = search(&first, &trained, &unreadable).map(|searched| searched.found);
    assert!(matches!(refused, Err(Error::NotFinite { .. })), "{refused:?}");
    let log = fs::read(folder.path().join("evaluations.jsonl")).unwrap();
    assert_eq!(log.iter().filter(|&&byte| byte == b'\n').count(), 1 + 12);
    assert!(!folder.path().join("front.json").exists());
    drop(first);

    let resumed = session(folder.path(), Existing::Resume);
    let found = search(&resumed, &trained, &clean).unwrap().found;
    assert_eq!(fs::read(folder.path().join("evaluations.jsonl")).unwrap(), log);

    // What was read once is not read again: the same log, and a test set that cannot be read.
    assert_eq!(search(&resumed, &trained, &unreadable).unwrap().found, found);

    // A front of another log is no answer.
    let front = folder.path().join("front.json");
    let other = fs::read_to_string(&front).unwrap().replace(&found.found_with, "0");
    fs::write(&front, other).unwrap();
    assert!(matches!(search(&resumed, &trained, &unreadable), Err(Error::NotFinite { .. })));
    assert_eq!(search(&resumed, &trained, &clean).unwrap().found, found);
}
