//! The tree on disk: names, directories and files as TIMIT has them.
//!
//! `TRAIN/DR3/FKLM0/SX17.WAV` (RIFF, 16 bit, one channel), beside it `.PHN` (`start end phone` a line, in samples) and
//! `.TXT` (`0 end sentence`). A reader of TIMIT tells development from test speakers by the published lists of names, so
//! speakers in TEST take names from these lists; they are otherwise no relation.

use super::random::{Purpose, Random};
use super::speaker::Sex;
use super::timing::Segment;
use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// TIMIT's 50 development speakers (A. Halberstadt, PhD thesis, MIT 1998, as Kaldi's recipe lists them).
pub(super) const VALID_SPEAKERS: [&str; 50] = [
    "FAKS0", "FDAC1", "FJEM0", "MGWT0", "MJAR0", "MMDB1", "MMDM2", "MPDF0", "FCMH0", "FKMS0", "MBDG0", "MBWM0",
    "MCSH0", "FADG0", "FDMS0", "FEDW0", "MGJF0", "MGLB0", "MRTK0", "MTAA0", "MTDT0", "MTHC0", "MWJG0", "FNMR0",
    "FREW0", "FSEM0", "MBNS0", "MMJR0", "MDLS0", "MDLF0", "MDVC0", "MERS0", "FMAH0", "FDRW0", "MRCS0", "MRJM4",
    "FCAL1", "MMWH0", "FJSJ0", "MAJC0", "MJSW0", "MREB0", "FGJD0", "FJMG0", "MROA0", "MTEB0", "MJFC0", "MRJR0",
    "FMML0", "MRWS1",
];

/// TIMIT's 24 core test speakers, two men and a woman of each region, in an order that mixes sexes and regions.
pub(super) const TEST_SPEAKERS: [&str; 24] = [
    "FELC0", "MTAS1", "FPKT0", "MLLL0", "FNLP0", "MCMJ0", "FDHC0", "MJLN0", "MDAB0", "FPAS0", "MJMP0", "FJLM0",
    "MBPM0", "FMGD0", "MGRT0", "FMLD0", "MWBT0", "MWEW0", "MLNT0", "MTLS0", "MKLT0", "MJDH0", "MNJM0", "MPAM0",
];

/// Dialect regions of TIMIT.
pub(super) const REGIONS: u64 = 8;

/// Whose sentences lie where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Desk {
    pub(super) sex: Sex,
    /// 0 to 7, for `DR1` to `DR8`.
    pub(super) region: u64,
    pub(super) directory: PathBuf,
}

impl Desk {
    fn new(part: &str, name: &str, index: usize) -> Self {
        let region = index as u64 % REGIONS;
        Self {
            sex: if name.starts_with('F') { Sex::Female } else { Sex::Male },
            region,
            directory: Path::new(part).join(format!("DR{}", region + 1)).join(name),
        }
    }
}

/// Everyone who speaks: training speakers, then development, then test.
pub(super) fn desks(seed: u64, train: usize, valid: usize, test: usize) -> Vec<Desk> {
    let names = train_names(seed, train);
    // Half of the regions meet each sex first, so that sex and region are independent for 16 speakers and more.
    let trained = names.iter().enumerate().map(|(i, name)| Desk::new("TRAIN", name, i / 2));
    let seen = VALID_SPEAKERS.iter().take(valid).enumerate().map(|(i, name)| Desk::new("TEST", name, i));
    let unseen = TEST_SPEAKERS.iter().take(test).enumerate().map(|(i, name)| Desk::new("TEST", name, i));
    trained.chain(seen).chain(unseen).collect()
}

/// Sex, three letters and a digit, women and men in turn; none of the names of TEST.
fn train_names(seed: u64, count: usize) -> Vec<String> {
    let mut random = Random::new(seed, Purpose::Names, 0, 0);
    let mut taken: BTreeSet<String> =
        VALID_SPEAKERS.iter().chain(&TEST_SPEAKERS).map(|&name| name.to_owned()).collect();
    let mut names = Vec::with_capacity(count);
    while names.len() < count {
        let mut name = String::from(if names.len() % 2 == 0 { "F" } else { "M" });
        name.extend((0..3).map(|_| char::from(random.choose(b"ABCDEFGHJKLMNPRSTVW"))));
        name.push('0');
        if taken.insert(name.clone()) {
            names.push(name);
        }
    }
    names
}

/// `SX` and `SI` as TIMIT counts them: of eight sentences a speaker five are SX (numbers from 3) and three SI (from 453).
pub(super) fn sentence_name(utterance: usize) -> String {
    let (eights, of_eight) = (utterance / 8, utterance % 8);
    if of_eight < 5 {
        format!("SX{}", 3 + eights * 5 + of_eight)
    } else {
        format!("SI{}", 453 + eights * 3 + of_eight - 5)
    }
}

/// The three files of an utterance.
pub(super) struct Files {
    pub(super) samples: Vec<i16>,
    pub(super) rate: u32,
    pub(super) phones: String,
    pub(super) text: String,
}

/// The `.PHN` of `segments`, whose frames have `frame` samples.
pub(super) fn phones(segments: &[Segment], frame: usize) -> String {
    segments.iter().fold(String::new(), |mut lines, segment| {
        writeln!(lines, "{} {} {}", segment.start * frame, segment.end * frame, segment.row().name)
            .expect("a string takes all that is written to it");
        lines
    })
}

impl Files {
    /// Writes all three under `directory`.
    pub(super) fn write(&self, directory: &Path, name: &str) -> Result<()> {
        let write = |extension: &str, bytes: &[u8]| {
            let path = directory.join(name).with_extension(extension);
            std::fs::write(&path, bytes).map_err(Error::io(&path))
        };
        write("WAV", &self.riff())?;
        write("PHN", self.phones.as_bytes())?;
        write("TXT", format!("0 {} {}\n", self.samples.len(), self.text).as_bytes())
    }

    fn riff(&self) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: self.rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut bytes = Vec::with_capacity(2 * self.samples.len() + 44);
        let whole = "memory takes all that is written to it";
        let mut wav = hound::WavWriter::new(Cursor::new(&mut bytes), spec).expect(whole);
        self.samples.iter().for_each(|&sample| wav.write_sample(sample).expect(whole));
        wav.finalize().expect(whole);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_carry_the_sex() {
        let desks = desks(1, 200, 50, 24);
        let name = |desk: &Desk| desk.directory.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let names: BTreeSet<String> = desks.iter().filter_map(name).collect();
        assert_eq!(names.len(), 274);
        for desk in &desks {
            let name = name(desk).expect("a name");
            assert_eq!(name.starts_with('F'), desk.sex == Sex::Female);
            assert!(name.len() == 5 && name.is_ascii());
        }
        let women_of_region = |r| desks[..16].iter().filter(|d| d.region == r && d.sex == Sex::Female).count();
        assert!((0..REGIONS).all(|region| women_of_region(region) == 1));
    }

    #[test]
    fn sentence_names_are_unique() {
        let names: BTreeSet<_> = (0..2_000).map(sentence_name).collect();
        assert_eq!(names.len(), 2_000);
        assert_eq!(sentence_name(0), "SX3");
        assert_eq!(sentence_name(5), "SI453");
    }

    #[test]
    fn riff_has_a_header_of_44_bytes_and_the_samples() {
        let files = Files { samples: vec![1, -2, 3], rate: 16_000, phones: String::new(), text: String::new() };
        let bytes = files.riff();
        assert_eq!(bytes.len(), 44 + 6);
        assert_eq!(&bytes[..4], b"RIFF");
        assert_eq!(&bytes[44..], [1, 0, 254, 255, 3, 0]);
    }
}
