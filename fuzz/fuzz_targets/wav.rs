//! RIFF WAVE: any chunks are audio of the promised length, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|data: &[u8]| {
    let mut bytes = b"RIFF\0\0\0\0WAVE".to_vec();
    bytes.extend_from_slice(data);
    if let Ok(audio) = mohaq_speech::audio::decode(&bytes, Path::new("fuzz")) {
        assert!(audio.sample_rate > 0 && audio.samples.len() <= bytes.len());
        assert!(audio.samples.iter().all(|sample| sample.is_finite()));
    }
});
