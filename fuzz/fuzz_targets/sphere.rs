//! NIST SPHERE: any bytes after the magic are audio of the promised length, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|data: &[u8]| {
    let mut bytes = b"NIST_1A\n".to_vec();
    bytes.extend_from_slice(data);
    if let Ok(audio) = mohaq_speech::audio::decode(&bytes, Path::new("fuzz")) {
        assert!(audio.sample_rate > 0 && audio.samples.len() <= bytes.len());
    }
});
