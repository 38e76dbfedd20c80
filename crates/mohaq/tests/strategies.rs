//! Strategies on the measured errors of `benches/errors`.

use mohaq::benchmark::{Contest, ErrorTable, Standing, strategies};
use mohaq::eval::Objective;
use mohaq::platform;
use mohaq::search::Method;
use std::fs;
use std::path::{Path, PathBuf};

fn tables() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/errors");
    let files = fs::read_dir(folder).expect("checked in").map(|file| file.expect("an entry").path());
    let mut tables: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    tables.sort();
    tables
}

fn contest(table: &ErrorTable, methods: Vec<Method>, seeds: u64, evaluations: usize) -> Vec<Standing> {
    let tied = table.pairs().expect("precisions").iter().all(|pair| pair.weight == pair.activation);
    let platform = platform::load(if tied { "silago" } else { "bitfusion" }).expect("built in");
    let objectives = vec![Objective::Error, Objective::Speedup];
    strategies(table, &Contest { platform: &platform, objectives, methods, seeds, evaluations })
        .expect("a table")
        .methods
}

#[test]
fn every_table_is_whole_and_survives_being_written() {
    assert!(tables().len() >= 4);
    let folder = tempfile::tempdir().unwrap();
    for path in tables() {
        let table = ErrorTable::load(&path).unwrap();
        let copy = folder.path().join("copy.json");
        table.save(&copy).unwrap();
        assert_eq!(ErrorTable::load(&copy).unwrap(), table);
        // A table with an error less is none.
        let text = fs::read_to_string(&copy).unwrap();
        let cut = text.rfind(',').unwrap();
        fs::write(&copy, format!("{}]\n}}\n", &text[..cut])).unwrap();
        let count = table.thousandths.len();
        let said = ErrorTable::load(&copy).unwrap_err().to_string();
        assert!(said.contains(&format!("{} errors, expected {count}", count - 1)), "{said}");
    }
}

#[test]
fn on_measured_errors_the_worst_guided_search_is_ahead_of_the_median_of_nsga2() {
    for path in tables() {
        let table = ErrorTable::load(&path).unwrap();
        let standings = contest(&table, vec![Method::Nsga2, Method::Guided, Method::Greedy], 3, 120);
        let after_120 = |method: usize| standings[method].after.last().unwrap().1;
        assert!(after_120(1).least > after_120(0).median, "{}: {standings:?}", table.name);
        assert_eq!(standings[2].behind_walk.most, 0.0, "the walk is not behind itself");
        assert!(standings[1].behind_walk.median < standings[0].behind_walk.median, "{}: {standings:?}", table.name);
    }
}
