//! RIFF WAVE headers: chunks of `name, length, content`, of which `fmt ` and `data` matter.
//!
//! The chunk walk is ours and not `hound`'s: that reader does not skip the byte which pads a chunk of odd length, so it
//! loses its way in legal files with a `LIST` of tags before the samples. The tests write their files with it.
//!
//! Source: Microsoft/IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991), and Microsoft's
//! documentation of `WAVEFORMATEXTENSIBLE`.

use super::{Claim, Coding, Format, Header};
use crate::error::{Error, Result};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

const PCM: u16 = 1;
const IEEE_FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xfffe;

/// The largest `fmt ` chunk in use, that of `WAVEFORMATEXTENSIBLE`.
const LARGEST_FMT: u64 = 40;

pub(super) fn has_magic(head: &[u8]) -> bool {
    head.len() >= 12 && head.starts_with(b"RIFF") && &head[8..12] == b"WAVE"
}

/// Reads the header; the reader is at the start of a file of `length` bytes that [`has_magic`].
pub(super) fn header<R: Read + Seek>(reader: &mut R, length: u64, path: &Path) -> Result<Header> {
    let mut position = 12;
    let mut fmt = None;
    while let Some((name, size)) = chunk(reader, position, length).map_err(Error::io(path))? {
        let content = position + 8;
        match &name {
            b"fmt " => fmt = Some(Fmt::read(reader, u64::from(size), path)?),
            b"data" => {
                let fmt = fmt.ok_or_else(|| Error::audio(path, "`data` chunk comes before the `fmt ` chunk"))?;
                return fmt.claim(content, u64::from(size), path)?.check(length, path);
            }
            _ => {}
        }
        // A chunk of odd length is followed by one byte of padding.
        position = content + u64::from(size) + u64::from(size % 2);
    }
    let missing = if fmt.is_none() { "`fmt ` chunk" } else { "`data` chunk" };
    Err(Error::audio(path, format!("RIFF WAVE without a {missing}")))
}

/// Name and length of the chunk at `position`, `None` where the file ends before one.
fn chunk<R: Read + Seek>(reader: &mut R, position: u64, length: u64) -> io::Result<Option<([u8; 4], u32)>> {
    if position + 8 > length {
        return Ok(None);
    }
    reader.seek(SeekFrom::Start(position))?;
    let mut name = [0; 4];
    let mut size = [0; 4];
    reader.read_exact(&mut name)?;
    reader.read_exact(&mut size)?;
    Ok(Some((name, u32::from_le_bytes(size))))
}

struct Fmt {
    tag: u16,
    channels: u16,
    sample_rate: u32,
    block_bytes: u16,
    bits: u16,
}

impl Fmt {
    fn read<R: Read>(reader: &mut R, size: u64, path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        reader.take(size.min(LARGEST_FMT)).read_to_end(&mut bytes).map_err(Error::io(path))?;
        let field = |at: usize| bytes.get(at..at + 2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let (Some(tag), Some(channels), Some(low), Some(high), Some(block_bytes), Some(bits)) =
            (field(0), field(2), field(4), field(6), field(12), field(14))
        else {
            return Err(Error::audio(path, format!("`fmt ` chunk has {} bytes, expected at least 16", bytes.len())));
        };
        // The extensible form has the real tag as the first two bytes of a GUID.
        let tag = if tag == EXTENSIBLE {
            field(24).ok_or_else(|| {
                Error::audio(path, format!("extensible `fmt ` chunk has {} bytes, expected 40", bytes.len()))
            })?
        } else {
            tag
        };
        Ok(Self { tag, channels, sample_rate: u32::from(high) << 16 | u32::from(low), block_bytes, bits })
    }

    fn claim(&self, data_start: u64, data_bytes: u64, path: &Path) -> Result<Claim> {
        let coding = self.coding(path)?;
        let expected = usize::from(self.channels) * coding.bytes();
        if usize::from(self.block_bytes) != expected {
            let reason =
                format!("{} bytes for {} samples of {}, expected {expected}", self.block_bytes, self.channels, coding);
            return Err(Error::audio(path, reason));
        }
        Ok(Claim {
            format: Format::Wav,
            coding,
            sample_rate: self.sample_rate,
            channels: u64::from(self.channels),
            data_start,
            data_bytes,
        })
    }

    fn coding(&self, path: &Path) -> Result<Coding> {
        match (self.tag, self.bits) {
            (PCM, 8) => Ok(Coding::U8),
            (PCM, 16) => Ok(Coding::I16Le),
            (PCM, 24) => Ok(Coding::I24Le),
            (PCM, 32) => Ok(Coding::I32Le),
            (IEEE_FLOAT, 32) => Ok(Coding::F32Le),
            (IEEE_FLOAT, 64) => Ok(Coding::F64Le),
            (PCM | IEEE_FLOAT, bits) => {
                let (kind, widths) =
                    if self.tag == PCM { ("integers", "8, 16, 24 or 32") } else { ("floating point", "32 or 64") };
                Err(Error::audio(path, format!("samples are {bits} bit {kind}, expected {widths} bit")))
            }
            (tag, _) => {
                let name = match tag {
                    2 => "ADPCM",
                    6 => "A-law",
                    7 => "µ-law",
                    0x11 => "IMA ADPCM",
                    0x31 => "GSM 6.10",
                    0x55 => "MP3",
                    _ => "unknown",
                };
                let reason = format!("samples are coded as {name} (tag {tag:#06x}), expected PCM or floating point");
                Err(Error::audio(path, reason))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Audio, decode, probe, read};
    use super::*;
    use hound::{SampleFormat, WavSpec, WavWriter};
    use proptest::prelude::*;
    use std::io::Cursor;

    fn file<S: hound::Sample + Copy>(bits: u16, format: SampleFormat, channels: u16, samples: &[S]) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let spec = WavSpec { channels, sample_rate: 8000, bits_per_sample: bits, sample_format: format };
        let mut writer = WavWriter::new(&mut bytes, spec).expect("a spec that hound writes");
        for &sample in samples {
            writer.write_sample(sample).expect("a sample that fits");
        }
        writer.finalize().expect("an in-memory file");
        bytes.into_inner()
    }

    fn samples(bytes: &[u8]) -> Vec<f32> {
        decode(bytes, Path::new("a.wav")).expect("a legal file").samples
    }

    fn refusal(bytes: &[u8]) -> String {
        decode(bytes, Path::new("a.wav")).expect_err("must be refused").to_string()
    }

    #[test]
    fn every_width_that_hound_writes_is_read_in_16_bit_units() {
        assert_eq!(samples(&file(8, SampleFormat::Int, 1, &[-128i8, 0, 127])), [-32768.0, 0.0, 32512.0]);
        assert_eq!(samples(&file(16, SampleFormat::Int, 1, &[-32768i16, 1, 32767])), [-32768.0, 1.0, 32767.0]);
        assert_eq!(samples(&file(24, SampleFormat::Int, 1, &[-8_388_608i32, 256, 128])), [-32768.0, 1.0, 0.5]);
        assert_eq!(samples(&file(32, SampleFormat::Int, 1, &[i32::MIN, 65536])), [-32768.0, 1.0]);
        assert_eq!(samples(&file(32, SampleFormat::Float, 1, &[-1.0f32, 0.25])), [-32768.0, 8192.0]);
    }

    #[test]
    fn probe_agrees_with_read() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("misnamed.flac");
        std::fs::write(&path, file(16, SampleFormat::Int, 1, &[5i16; 321])).expect("a file");
        let header = probe(&path).expect("a header");
        let audio = read(&path).expect("audio");
        assert_eq!((header.format, header.samples, header.sample_rate), (Format::Wav, 321, 8000));
        assert_eq!(audio, Audio { sample_rate: 8000, samples: vec![5.0; 321] });
        assert!((header.seconds() - 321.0 / 8000.0).abs() < 1e-12);
    }

    #[test]
    fn a_chunk_of_odd_length_before_the_samples_is_skipped_with_its_padding() {
        let plain = file(16, SampleFormat::Int, 1, &[1i16, 2, 3]);
        let mut tagged = plain[..12].to_vec();
        tagged.extend_from_slice(b"LIST\x05\0\0\0abcde\0");
        tagged.extend_from_slice(&plain[12..]);
        assert_eq!(samples(&tagged), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn chunks_after_the_samples_are_not_samples() {
        let mut bytes = file(16, SampleFormat::Int, 1, &[1i16, 2]);
        bytes.extend_from_slice(b"LIST\x04\0\0\0abcd");
        assert_eq!(samples(&bytes), [1.0, 2.0]);
    }

    #[test]
    fn refusals_have_expected_and_got() {
        let good = file(16, SampleFormat::Int, 1, &[1i16; 100]);
        assert_eq!(refusal(&good[..144]), "a.wav: truncated: header says 200 bytes of samples, file has 100");
        assert_eq!(refusal(&good[..30]), "a.wav: `fmt ` chunk has 10 bytes, expected at least 16");
        assert_eq!(refusal(&good[..36]), "a.wav: RIFF WAVE without a `data` chunk");
        assert_eq!(refusal(&good[..12]), "a.wav: RIFF WAVE without a `fmt ` chunk");
        assert_eq!(refusal(&file(16, SampleFormat::Int, 2, &[1i16; 4])), "a.wav: 2 channels, expected 1");
        let mut law = good.clone();
        law[20] = 7;
        assert_eq!(refusal(&law), "a.wav: samples are coded as µ-law (tag 0x0007), expected PCM or floating point");
        let mut bits = good.clone();
        bits[34] = 12;
        assert_eq!(refusal(&bits), "a.wav: samples are 12 bit integers, expected 8, 16, 24 or 32 bit");
        let nan = file(32, SampleFormat::Float, 1, &[0.0f32, f32::NAN]);
        assert_eq!(refusal(&nan), "a.wav: sample 1 is NaN, expected a finite number");
        let mut lying = good;
        lying[40..44].copy_from_slice(&[0xff; 4]);
        assert_eq!(refusal(&lying), "a.wav: truncated: header says 4294967295 bytes of samples, file has 200");
    }

    #[test]
    fn real_recordings_have_the_lengths_and_peaks_of_their_table() {
        let Some(folder) = crate::shared_data::shared_data("fsdd") else { return };
        let table = std::fs::read_to_string(folder.join("splits.tsv")).expect("the table");
        // Columns: path digit speaker split split_official split_official_dev index samples peak.
        let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split('\t').collect()).collect();
        assert_eq!(rows.len(), 3000);
        for row in rows.iter().step_by(7) {
            let audio = read(&folder.join(row[0])).expect("a recording");
            let peak = audio.samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
            assert_eq!((audio.samples.len().to_string().as_str(), audio.sample_rate), (row[7], 8000), "{}", row[0]);
            assert_eq!(peak.to_string(), row[8], "{}", row[0]);
        }
    }

    proptest! {
        #[test]
        fn damaged_files_never_panic(at in 0usize..80, byte: u8, cut in 0usize..90) {
            let mut bytes = file(16, SampleFormat::Int, 1, &[9i16; 20]);
            bytes[at] = byte;
            bytes.truncate(cut);
            let _ = decode(&bytes, Path::new("p"));
        }

        #[test]
        fn what_hound_writes_is_what_is_read(written: Vec<i16>) {
            let expected: Vec<f32> = written.iter().map(|&sample| f32::from(sample)).collect();
            prop_assert_eq!(samples(&file(16, SampleFormat::Int, 1, &written)), expected);
        }
    }
}
