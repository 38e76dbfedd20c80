//! Tables of measured products: what is accepted makes a platform, unless it is empty; what is refused says why by line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mohaq::platform::{SampleTable, TablePlatform, parse_csv};

fuzz_target!(|text: &str| match parse_csv(text, "fuzz", Some(1e6)) {
    Ok(samples) => {
        let empty = samples.is_empty();
        let table = SampleTable { name: "n".into(), title: "t".into(), source: "s".into(), samples, ..Default::default() };
        match table.to_toml() {
            Ok(text) => _ = TablePlatform::parse(&text, "fuzz").expect("checked when it was written"),
            Err(error) => assert!(empty, "{error}"),
        }
    }
    Err(error) => assert!(error.to_string().starts_with("table fuzz: line ")),
});
