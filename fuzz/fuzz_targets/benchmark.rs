//! Models of benchmarks: whatever a file says is refused or runs.
//!
//! The input is the metadata and the tensor bytes of a file whose frame is right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mohaq::benchmark::Model;
use std::fs;

fuzz_target!(|input: (&str, &[u8])| {
    let (header, data) = input;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model");
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.extend_from_slice(data);
    fs::write(&path, file).expect("written");
    let Ok(model) = Model::load(&path) else { return };
    assert_eq!(model.calibration.sites.len(), model.network.workload().sites.len());
});
