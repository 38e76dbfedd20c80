//! Bits as text: what is accepted is written and read back as itself, and fits the sites it was read for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mohaq::quant::QuantSpec;

fuzz_target!(|input: (u8, &str)| {
    let (sites, text) = (usize::from(input.0), input.1);
    if let Ok(spec) = QuantSpec::parse(text, sites) {
        assert_eq!(spec.0.len(), sites);
        assert_eq!(spec.to_string().parse::<QuantSpec>().as_ref(), Ok(&spec));
    }
});
