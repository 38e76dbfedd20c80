//! `.PHN`: what is accepted is contiguous and inside the audio.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|input: (u16, &[u8])| {
    let (samples, text) = (u64::from(input.0), input.1);
    if let Ok(segments) = mohaq_speech::corpus::timit::parse_phn(text, samples, Path::new("fuzz")) {
        assert!(segments[0].start == 0 && segments.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert!(segments.iter().all(|segment| segment.start < segment.end && segment.end <= samples));
    }
});
