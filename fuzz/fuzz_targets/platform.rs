//! Platform files: what is accepted has precisions and describes itself; what is refused says why.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mohaq::platform::{Platform, Severity, TablePlatform, check_text};

fuzz_target!(|text: &str| {
    let errors = check_text(text).iter().filter(|finding| finding.severity == Severity::Error).count();
    match TablePlatform::parse(text, "fuzz") {
        Ok(platform) => {
            assert!(!platform.precisions().is_empty());
            assert!(!platform.describe().to_string().is_empty());
        }
        Err(error) => assert!(errors > 0 && !error.to_string().is_empty()),
    }
});
