//! Networks on disk: what is accepted is saved and loaded as itself.
//!
//! The input is the metadata and the tensor bytes of a file whose frame is right, and a whole file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mohaq::nn::Network;
use std::fs;
use std::path::Path;

fn check(folder: &Path, file: &[u8]) {
    let [path, saved] = ["network", "saved"].map(|name| folder.join(name));
    fs::write(&path, file).expect("written");
    let Ok(network) = Network::load(&path) else { return };
    network.save(&saved).expect("saved");
    assert_eq!(Network::load(&saved).expect("our own"), network);
}

fuzz_target!(|input: (&str, &[u8])| {
    let (header, data) = input;
    let folder = tempfile::tempdir().expect("a folder");
    check(folder.path(), data);
    let mut framed = (header.len() as u64).to_le_bytes().to_vec();
    framed.extend_from_slice(header.as_bytes());
    framed.extend_from_slice(data);
    check(folder.path(), &framed);
});
