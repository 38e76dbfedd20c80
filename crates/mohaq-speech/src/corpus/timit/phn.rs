//! `.PHN` files: one segment a line, `first-sample end-sample phone`.

use crate::error::{Error, Result};
use crate::phones::TIMIT_61;
use std::path::Path;

/// One line of a `.PHN` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phn {
    /// First sample.
    pub start: u64,
    /// One past the last sample.
    pub end: u64,
    /// One of [`TIMIT_61`].
    pub phone: &'static str,
}

/// The segments of a `.PHN` file to audio of `samples` samples, contiguous from sample 0. They may end before the audio.
///
/// # Errors
/// [`Error::Corpus`] with the line of what is not `start end phone`, an unknown phone, an empty segment, one that
/// overlaps the line before or leaves a gap to it, and one past the end of the audio.
pub fn parse(text: &[u8], samples: u64, path: &Path) -> Result<Vec<Phn>> {
    let text = std::str::from_utf8(text)
        .map_err(|error| Error::corpus(path, format!("byte {} is not text", error.valid_up_to())))?;
    let mut segments: Vec<Phn> = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let expected_start = segments.last().map_or(0, |last| last.end);
        let segment =
            segment(line, expected_start, samples).map_err(|reason| Error::corpus_line(path, index + 1, reason))?;
        segments.push(segment);
    }
    if segments.is_empty() { Err(Error::corpus(path, "no segment")) } else { Ok(segments) }
}

fn segment(line: &str, expected_start: u64, samples: u64) -> core::result::Result<Phn, String> {
    let malformed = || format!("`{}`, expected `start end phone`", line.trim());
    let mut fields = line.split_whitespace();
    let (Some(start), Some(end), Some(phone), None) = (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(malformed());
    };
    let (Ok(start), Ok(end)) = (start.parse::<u64>(), end.parse::<u64>()) else { return Err(malformed()) };
    let Some(&phone) = TIMIT_61.iter().find(|&&known| known == phone) else {
        return Err(format!("unknown phone `{phone}`, expected one of TIMIT's 61"));
    };
    if end <= start {
        Err(format!("segment {start} to {end} is empty"))
    } else if start < expected_start {
        Err(format!("segment starts at {start} and overlaps the line before, which ends at {expected_start}"))
    } else if start > expected_start {
        Err(format!("segment starts at {start}, expected {expected_start}: a gap"))
    } else if end > samples {
        Err(format!("segment ends at sample {end}, audio has {samples}"))
    } else {
        Ok(Phn { start, end, phone })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(text: &str) -> String {
        parse(text.as_bytes(), 4000, Path::new("x.phn")).expect_err("must be refused").to_string()
    }

    #[test]
    fn lines_are_segments_in_any_line_ending() {
        let expected = [Phn { start: 0, end: 3050, phone: "h#" }, Phn { start: 3050, end: 4000, phone: "sh" }];
        for text in ["0 3050 h#\n3050 4000 sh\n", "0 3050 h#\r\n3050 4000 sh\r\n\r\n", "0\t3050 h# \n 3050 4000 sh"] {
            assert_eq!(parse(text.as_bytes(), 4000, Path::new("x")).expect("a good file"), expected);
        }
    }

    #[test]
    fn refusals_have_the_line_and_the_numbers() {
        assert_eq!(refusal("0 10 h#\n10 4001 sh\n"), "x.phn:2: segment ends at sample 4001, audio has 4000");
        assert_eq!(
            refusal("0 10 h#\n9 20 sh"),
            "x.phn:2: segment starts at 9 and overlaps the line before, which ends at 10"
        );
        assert_eq!(refusal("0 10 h#\n\n12 20 sh"), "x.phn:3: segment starts at 12, expected 10: a gap");
        assert_eq!(refusal("5 10 h#"), "x.phn:1: segment starts at 5, expected 0: a gap");
        assert_eq!(refusal("0 0 h#"), "x.phn:1: segment 0 to 0 is empty");
        assert_eq!(refusal("0 10 zz"), "x.phn:1: unknown phone `zz`, expected one of TIMIT's 61");
        assert_eq!(refusal("0 ten h#"), "x.phn:1: `0 ten h#`, expected `start end phone`");
        assert_eq!(refusal("0 10 h# q"), "x.phn:1: `0 10 h# q`, expected `start end phone`");
        assert_eq!(refusal("-1 10 h#"), "x.phn:1: `-1 10 h#`, expected `start end phone`");
        assert_eq!(refusal("\n"), "x.phn: no segment");
        let binary = parse(b"0 10 h#\xff", 10, Path::new("x.phn")).expect_err("must be refused");
        assert_eq!(binary.to_string(), "x.phn: byte 7 is not text");
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_contiguous_and_inside(text in "([0-9]{1,3} [0-9]{1,3} (h#|q|sh)\n){0,3}", samples in 0u64..1000) {
            if let Ok(segments) = parse(text.as_bytes(), samples, Path::new("p")) {
                prop_assert_eq!(segments[0].start, 0);
                prop_assert!(segments.windows(2).all(|pair| pair[0].end == pair[1].start));
                prop_assert!(segments.iter().all(|segment| segment.start < segment.end && segment.end <= samples));
            }
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes, 100, Path::new("p"));
        }
    }
}
