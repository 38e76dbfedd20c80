//! State dicts: what is accepted is a network with as many numbers as the file, about; what is refused says why.
//!
//! The input is the header and the numbers of a file whose frame is right, and a description.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mohaq::import::read_bytes;

fn check(file: &[u8], description: Option<&str>) {
    match read_bytes(file, description) {
        // Without biases in the file, there are at most as many zeros more.
        Ok(import) => assert!(import.network.workload().parameters() <= 2 * file.len() as u64),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fuzz_target!(|input: (&str, &str, &[u8])| {
    let (header, description, data) = input;
    let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat();
    check(&file, None);
    check(&file, Some(description));
    check(data, None);
});
