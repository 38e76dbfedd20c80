//! NIST SPHERE headers: a text of `name -type value` lines in a block of fixed size, then samples.
//!
//! ```text
//! NIST_1A
//!    1024
//! channel_count -i 1
//! sample_count -i 46797
//! sample_rate -i 16000
//! sample_n_bytes -i 2
//! sample_byte_format -s2 01
//! sample_coding -s3 pcm
//! end_head
//! ```
//!
//! TIMIT leaves `sample_coding` out, which means `pcm`. Shortened files (`pcm,embedded-shorten-v2.00`) are compressed by
//! a method of their own and are refused by that name; NIST's `sph2pipe` or `w_decode` expands them.
//!
//! Source: NIST SPHERE 2.6 documentation, file `header.doc`.

use super::{Claim, Coding, Format, Header};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::path::Path;

pub(super) const MAGIC: &[u8] = b"NIST_1A\n";

/// The first line and the line with the header's size, 8 bytes each.
const PREFIX: usize = 16;

/// Largest header that is read. NIST's tools write 1024 bytes; this leaves room for long comments.
const LARGEST_HEADER: u64 = 1 << 16;

/// Reads the header; the reader is at the start of a file of `length` bytes.
pub(super) fn header<R: Read + Seek>(reader: &mut R, length: u64, path: &Path) -> Result<Header> {
    let size = header_size(reader, length, path)?;
    let mut text = Vec::new();
    reader.take(size - PREFIX as u64).read_to_end(&mut text).map_err(Error::io(path))?;
    let fields = Fields::parse(&text, path)?;

    let coding = coding(&fields, path)?;
    let samples = fields.number("sample_count")?;
    let channels = fields.number("channel_count")?;
    let rate = fields.number("sample_rate")?;
    let sample_rate = u32::try_from(rate).map_err(|_| Error::audio(path, format!("sample rate is {rate} Hz")))?;
    let data_bytes = samples
        .checked_mul(channels)
        .and_then(|values| values.checked_mul(coding.bytes() as u64))
        .ok_or_else(|| Error::audio(path, format!("{samples} samples of {channels} channels are too many")))?;
    Claim { format: Format::Sphere, coding, sample_rate, channels, data_start: size, data_bytes }.check(length, path)
}

fn header_size<R: Read>(reader: &mut R, length: u64, path: &Path) -> Result<u64> {
    let mut prefix = [0; PREFIX];
    reader
        .read_exact(&mut prefix)
        .map_err(|_| Error::audio(path, format!("SPHERE header needs {PREFIX} bytes, file has {length}")))?;
    let line = String::from_utf8_lossy(&prefix[MAGIC.len()..]);
    let size: u64 = line
        .trim()
        .parse()
        .map_err(|_| Error::audio(path, format!("SPHERE header size is `{}`, expected a number", line.trim())))?;
    if size <= PREFIX as u64 || size > LARGEST_HEADER {
        let reason = format!("SPHERE header size is {size}, expected {} to {LARGEST_HEADER} bytes", PREFIX + 1);
        return Err(Error::audio(path, reason));
    }
    if size > length {
        return Err(Error::audio(path, format!("SPHERE header says it has {size} bytes, file has {length}")));
    }
    Ok(size)
}

fn coding(fields: &Fields<'_>, path: &Path) -> Result<Coding> {
    let width = fields.number("sample_n_bytes")?;
    let name = fields.text("sample_coding").unwrap_or("pcm");
    let order = fields.text("sample_byte_format").unwrap_or("");
    match (name, width, order) {
        ("pcm", 2, "01") => Ok(Coding::I16Le),
        ("pcm", 2, "10") => Ok(Coding::I16Be),
        ("pcm", 2, _) => Err(Error::audio(path, format!("`sample_byte_format` is `{order}`, expected `01` or `10`"))),
        ("ulaw" | "mu-law", 1, _) => Ok(Coding::MuLaw),
        _ if name.contains("embedded-shorten") => {
            let reason = format!("`sample_coding` is `{name}`, expected `pcm` or `ulaw`: shortened files are not read");
            Err(Error::audio(path, reason))
        }
        _ => {
            let reason = format!("samples are `{name}` of {width} bytes, expected `pcm` of 2 or `ulaw` of 1");
            Err(Error::audio(path, reason))
        }
    }
}

/// The `name -type value` lines up to `end_head`.
struct Fields<'a> {
    values: BTreeMap<&'a str, &'a str>,
    path: &'a Path,
}

impl<'a> Fields<'a> {
    fn parse(text: &'a [u8], path: &'a Path) -> Result<Self> {
        let mut values = BTreeMap::new();
        for line in text.split(|&byte| byte == b'\n') {
            // Comments may be in any encoding; names and the values that matter are ASCII.
            let Ok(line) = std::str::from_utf8(line) else { continue };
            let line = line.trim_end();
            if line == "end_head" {
                return Ok(Self { values, path });
            }
            let mut parts = line.splitn(3, ' ');
            if let (Some(name), Some(_type), Some(value)) = (parts.next(), parts.next(), parts.next()) {
                values.insert(name, value.trim());
            }
        }
        Err(Error::audio(path, "SPHERE header has no `end_head`"))
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.values.get(name).copied()
    }

    fn number(&self, name: &str) -> Result<u64> {
        let value = self.text(name).ok_or_else(|| Error::audio(self.path, format!("SPHERE header has no `{name}`")))?;
        value.parse().map_err(|_| Error::audio(self.path, format!("`{name}` is `{value}`, expected a number")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Audio, decode};
    use super::*;
    use proptest::prelude::*;

    fn file(fields: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = format!("NIST_1A\n   1024\n{fields}end_head\n").into_bytes();
        bytes.resize(1024, b' ');
        bytes.extend_from_slice(data);
        bytes
    }

    fn timit(count: usize, order: &str) -> String {
        format!(
            "database_id -s5 TIMIT\nchannel_count -i 1\nsample_count -i {count}\nsample_rate -i 16000\n\
             sample_min -i -2191\nsample_n_bytes -i 2\nsample_byte_format -s2 {order}\nsample_sig_bits -i 16\n"
        )
    }

    fn refusal(bytes: &[u8]) -> String {
        decode(bytes, Path::new("s.wav")).expect_err("must be refused").to_string()
    }

    #[test]
    fn both_byte_orders_give_the_same_samples() {
        let expected = Audio { sample_rate: 16000, samples: vec![1.0, -2.0, 256.0] };
        let little = file(&timit(3, "01"), &[1, 0, 0xfe, 0xff, 0, 1]);
        let big = file(&timit(3, "10"), &[0, 1, 0xff, 0xfe, 1, 0]);
        assert_eq!(decode(&little, Path::new("l")).expect("little endian"), expected);
        assert_eq!(decode(&big, Path::new("b")).expect("big endian"), expected);
    }

    #[test]
    fn mu_law_is_read() {
        let fields = "channel_count -i 1\nsample_count -i 2\nsample_rate -i 8000\nsample_n_bytes -i 1\n\
                      sample_byte_format -s1 1\nsample_coding -s4 ulaw\n";
        let audio = decode(&file(fields, &[0xff, 0x80]), Path::new("u")).expect("µ-law");
        assert_eq!(audio.samples, [0.0, 32124.0]);
    }

    #[test]
    fn an_empty_recording_is_audio_of_no_samples() {
        assert_eq!(decode(&file(&timit(0, "01"), &[]), Path::new("e")).expect("empty").samples, Vec::<f32>::new());
    }

    #[test]
    fn refusals_have_expected_and_got() {
        assert_eq!(
            refusal(&file(&timit(3, "01"), &[1, 0, 2])),
            "s.wav: truncated: header says 6 bytes of samples, file has 3"
        );
        let shorten = timit(3, "01") + "sample_coding -s26 pcm,embedded-shorten-v2.00\n";
        assert_eq!(
            refusal(&file(&shorten, b"ajkg")),
            "s.wav: `sample_coding` is `pcm,embedded-shorten-v2.00`, expected `pcm` or `ulaw`: shortened files are not read"
        );
        assert_eq!(
            refusal(&file(&timit(3, "1"), &[0; 6])),
            "s.wav: `sample_byte_format` is `1`, expected `01` or `10`"
        );
        let stereo = timit(3, "01").replace("channel_count -i 1", "channel_count -i 2");
        assert_eq!(refusal(&file(&stereo, &[0; 12])), "s.wav: 2 channels, expected 1");
        assert_eq!(refusal(b"NIST_1A\n   9999\nend_head"), "s.wav: SPHERE header says it has 9999 bytes, file has 24");
        assert_eq!(refusal(b"NIST_1A\n  x"), "s.wav: SPHERE header needs 16 bytes, file has 11");
        assert_eq!(refusal(b"NIST_1A\n  many\n\n"), "s.wav: SPHERE header size is `many`, expected a number");
        assert_eq!(refusal(&file("", &[])), "s.wav: SPHERE header has no `sample_n_bytes`");
        let endless = timit(3, "01").replace("sample_count -i 3", "sample_count -i 18446744073709551615");
        assert_eq!(refusal(&file(&endless, &[])), "s.wav: 18446744073709551615 samples of 1 channels are too many");
    }

    proptest! {
        #[test]
        fn damaged_headers_never_panic(at in 0usize..300, byte: u8, cut in 0usize..1040) {
            let mut bytes = file(&timit(8, "01"), &[7; 16]);
            bytes[at] = byte;
            bytes.truncate(cut);
            let _ = decode(&bytes, Path::new("p"));
        }
    }
}
