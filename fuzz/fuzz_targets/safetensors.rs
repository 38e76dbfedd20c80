//! safetensors: shapes and numbers of numbers agree in whatever is accepted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|data: &[u8]| {
    for (_, array) in mohaq_speech::container::decode_safetensors(data, Path::new("fuzz")).unwrap_or_default() {
        assert_eq!(array.shape.iter().product::<usize>(), array.values.len());
    }
});
