//! Connected digits over the Free Spoken Digit Dataset: real speech, 1.25 hours, six speakers, no licence to buy.
//!
//! The directory holds `recordings/{digit}_{speaker}_{take}.wav` (8 kHz), `align.tsv` (a machine-made phone alignment of
//! each) and `connected/connected.jsonl`, one utterance a line: some recordings of one speaker, in order, with silences
//! around and between them. An utterance has no audio of its own; it is an [`AudioSource::Pieces`].
//!
//! * **Targets** are the recordings' alignments shifted to where each stands, the gaps filled with `sil`, neighbouring
//!   `sil` merged. A recording whose alignment is flagged `weak` has no target (one segment without a phone) and is
//!   recognised like any other.
//! * **The reference** is the lexical pronunciation, without silence. The aligner heard most `zero`s as `z iy r ow`, the
//!   lexicon says `z ih r ow`; a model trained on what the aligner chose would be marked wrong for learning it. So an
//!   aligned phone takes the name that the lexicon has at its place: boundaries are the aligner's, names the reference's.
//! * **Splits** are columns of the table. `split` keeps the speakers of the three parts apart. `split_official` is
//!   upstream's and has no validation part: the training utterances that `split_official_dev` calls `valid` (takes 5–9,
//!   in no other training utterance) are held out for it, which makes it the same division under upstream's name.
//!
//! Whatever contradicts itself is refused by file, line and reason: the lengths, the transcripts, a recording in two parts.
//!
//! Source: Jackson et al., DOI 10.5281/zenodo.1342401; the format is that of the two READMEs beside the data.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::{AudioSource, Corpus, Recording, Segment, Split};
use crate::error::{Error, Result};

mod alignment;

use alignment::{Alignment, LEXICON, PHONES, SILENCE, phone_id};

/// Samples a second.
const SAMPLE_RATE: u32 = 8000;
const SAMPLES_A_MS: u64 = SAMPLE_RATE as u64 / 1000;

/// Gaps of at least this many milliseconds are a `sil` in the transcript `phones_sil`.
const AUDIBLE_GAP_MS: u64 = 60;

/// Opens the connected digits in `path`, divided by `split`: `split`, `split_official` or `split_official_dev`.
///
/// Recordings come in the order of the table; audio is not read, only looked for.
///
/// # Errors
/// [`Error::Setting`] for another `split`, [`Error::Io`] for a file that cannot be read, [`Error::Corpus`] with file and line
/// for a table that is malformed or contradicts itself, and for a recording that is missing.
pub fn open(path: &Path, split: &str) -> Result<Corpus> {
    let column = Column::parse(split)?;
    let alignments = alignment::read_all(&path.join("align.tsv"))?;
    let table = path.join("connected").join("connected.jsonl");
    let mut reader =
        Reader { root: path, alignments: &alignments, column, ids: BTreeSet::new(), used: BTreeMap::new() };
    let mut recordings = Vec::new();
    for (index, line) in read(&table)?.lines().enumerate() {
        let at_line = |reason| Error::corpus_line(&table, index + 1, reason);
        recordings.push(reader.recording(line).map_err(at_line)?);
    }
    if recordings.is_empty() {
        return Err(Error::corpus(&table, "no utterance"));
    }
    let notes = reader.notes(&recordings);
    Ok(Corpus {
        name: "fsdd".into(),
        sample_rate: SAMPLE_RATE,
        phones: PHONES.map(String::from).to_vec(),
        scored: PHONES.iter().filter(|&&phone| phone != "sil").map(|&phone| phone.to_owned()).collect(),
        fold: (0..PHONES.len() as u16).map(scored).collect(),
        recordings,
        notes,
    })
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::io(path))
}

/// Scoring id of a modelled phone: silence is left out, the rest keeps its order.
fn scored(phone: u16) -> Option<u16> {
    (phone != SILENCE).then_some(phone - u16::from(phone > SILENCE))
}

/// Which division of the table is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Independent,
    Official,
    OfficialDev,
}

impl Column {
    fn parse(name: &str) -> Result<Self> {
        match name {
            "split" => Ok(Self::Independent),
            "split_official" => Ok(Self::Official),
            "split_official_dev" => Ok(Self::OfficialDev),
            _ => Err(Error::Setting {
                name: "split",
                expected: "`split`, `split_official` or `split_official_dev`".into(),
                got: format!("`{name}`"),
            }),
        }
    }

    fn of(self, utterance: &Utterance) -> core::result::Result<Split, String> {
        let named = match self {
            Self::Independent => &utterance.split,
            Self::Official => &utterance.split_official,
            Self::OfficialDev => &utterance.split_official_dev,
        };
        match (self, named.as_str(), utterance.split_official_dev.as_str()) {
            (Self::Official, "train", "valid") => Ok(Split::Valid),
            (_, "train", _) => Ok(Split::Train),
            (_, "valid", _) => Ok(Split::Valid),
            (_, "test", _) => Ok(Split::Test),
            (_, other, _) => Err(format!("split is `{other}`, expected `train`, `valid` or `test`")),
        }
    }
}

/// One line of `connected.jsonl`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Utterance {
    id: String,
    split: String,
    split_official: String,
    split_official_dev: String,
    speaker: String,
    recordings: Vec<String>,
    silence_ms: Vec<u64>,
    samples: u64,
    digits: String,
    words: Vec<String>,
    phones: String,
    phones_sil: String,
}

/// Turns lines of the table into recordings and remembers what must not occur twice.
struct Reader<'a> {
    root: &'a Path,
    alignments: &'a BTreeMap<String, Alignment>,
    column: Column,
    ids: BTreeSet<String>,
    /// Recordings met so far, and in which part.
    used: BTreeMap<String, Split>,
}

impl<'a> Reader<'a> {
    fn recording(&mut self, line: &str) -> core::result::Result<Recording, String> {
        let utterance: Utterance = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if utterance.recordings.is_empty() {
            return Err("no recordings".into());
        }
        if utterance.silence_ms.len() != utterance.recordings.len() + 1 {
            let (got, expected) = (utterance.silence_ms.len(), utterance.recordings.len() + 1);
            return Err(format!("{got} silences, expected {expected}, one more than recordings"));
        }
        if !self.ids.insert(utterance.id.clone()) {
            return Err(format!("id `{}` occurs twice", utterance.id));
        }
        let split = self.column.of(&utterance)?;
        let pieces = self.pieces(&utterance, split)?;
        check_transcript(&utterance, &pieces)?;
        let (segments, silence) = place(&utterance, &pieces)?;
        let spoken = pieces.iter().flat_map(|piece| LEXICON[piece.digit].1);
        Ok(Recording {
            split,
            audio: AudioSource::Pieces {
                files: utterance.recordings.iter().map(|name| self.root.join(name)).collect(),
                silence,
                samples: utterance.samples,
            },
            segments,
            reference: spoken.filter_map(|phone| phone_id(phone).and_then(scored)).collect(),
            id: utterance.id,
            speaker: utterance.speaker,
        })
    }

    /// The alignments of the utterance's recordings, which must exist, be of its speaker and of no other part.
    fn pieces(&mut self, utterance: &Utterance, split: Split) -> core::result::Result<Vec<&'a Alignment>, String> {
        let mut pieces = Vec::with_capacity(utterance.recordings.len());
        for name in &utterance.recordings {
            let alignment = self.alignments.get(name).ok_or_else(|| format!("`{name}` is not in align.tsv"))?;
            if alignment.speaker != utterance.speaker {
                return Err(format!("`{name}` is not of speaker `{}`", utterance.speaker));
            }
            match self.used.get(name) {
                Some(&other) if other != split => {
                    return Err(format!("`{name}` is used in two parts, {other:?} and {split:?}"));
                }
                Some(_) => {}
                None if self.root.join(name).is_file() => {
                    self.used.insert(name.clone(), split);
                }
                None => return Err(format!("`{name}` is missing")),
            }
            pieces.push(alignment);
        }
        Ok(pieces)
    }

    /// What the user should know about how the parts and the targets came about.
    fn notes(&self, recordings: &[Recording]) -> Vec<String> {
        let mut notes = Vec::new();
        let count = |wanted: fn(&Alignment) -> bool| {
            self.used.keys().filter(|&name| self.alignments.get(name).is_some_and(wanted)).count()
        };
        if self.column == Column::Official {
            let held_out = recordings.iter().filter(|recording| recording.split == Split::Valid).count();
            notes.push(format!(
                "`split_official` names no validation set: the {held_out} training utterances that \
                 `split_official_dev` calls valid are held out for it"
            ));
        }
        let weak = count(|alignment| alignment.weak);
        if weak > 0 {
            let without = |recording: &&Recording| recording.segments.iter().any(|segment| segment.phone.is_none());
            let utterances = recordings.iter().filter(without).count();
            notes.push(format!("{weak} recordings in {utterances} utterances have no frame targets: weak alignment"));
        }
        let renamed = count(|alignment| alignment.renamed);
        if renamed > 0 {
            notes.push(format!(
                "{renamed} recordings of `zero` are aligned as `z iy r ow`; their targets say `ih`, as the reference does"
            ));
        }
        notes
    }
}

/// Checks what the line says was spoken against its recordings.
fn check_transcript(utterance: &Utterance, pieces: &[&Alignment]) -> core::result::Result<(), String> {
    let same = |what: &str, got: &str, expected: &str| {
        if got == expected { Ok(()) } else { Err(format!("{what} is `{got}`, expected `{expected}`")) }
    };
    let digits: String = pieces.iter().map(|piece| piece.digit.to_string()).collect();
    same("digits", &utterance.digits, &digits)?;
    let words: Vec<&str> = pieces.iter().map(|piece| LEXICON[piece.digit].0).collect();
    same("words", &utterance.words.join(" "), &words.join(" "))?;
    let (mut phones, mut with_silence) = (Vec::<&str>::new(), vec!["sil"]);
    for (piece, &gap_after) in pieces.iter().zip(&utterance.silence_ms[1..]) {
        phones.extend(LEXICON[piece.digit].1);
        with_silence.extend(LEXICON[piece.digit].1);
        if gap_after >= AUDIBLE_GAP_MS {
            with_silence.push("sil");
        }
    }
    if with_silence.last() != Some(&"sil") {
        with_silence.push("sil");
    }
    same("phones", &utterance.phones, &phones.join(" "))?;
    same("phones_sil", &utterance.phones_sil, &with_silence.join(" "))
}

/// Segments of the whole utterance and its silences in samples.
fn place(utterance: &Utterance, pieces: &[&Alignment]) -> core::result::Result<(Vec<Segment>, Vec<u64>), String> {
    let too_long = || "silence_ms: more samples than a number holds".to_owned();
    let mut silence = Vec::with_capacity(utterance.silence_ms.len());
    for &ms in &utterance.silence_ms {
        silence.push(ms.checked_mul(SAMPLES_A_MS).ok_or_else(too_long)?);
    }
    let mut lengths = silence.iter().copied().chain(pieces.iter().map(|piece| piece.samples));
    let total = lengths.try_fold(0u64, u64::checked_add).ok_or_else(too_long)?;
    if total != utterance.samples {
        let got = utterance.samples;
        return Err(format!("samples is {got}, expected {total}, the sum of its recordings and silences"));
    }
    let mut segments = Vec::new();
    append(&mut segments, Some(SILENCE), silence[0]);
    for (piece, &gap_after) in pieces.iter().zip(&silence[1..]) {
        for segment in &piece.segments {
            append(&mut segments, segment.phone, segment.end - segment.start);
        }
        append(&mut segments, Some(SILENCE), gap_after);
    }
    Ok((segments, silence))
}

/// Appends `samples` of `phone`; silence after silence makes it longer.
fn append(segments: &mut Vec<Segment>, phone: Option<u16>, samples: u64) {
    let start = segments.last().map_or(0, |segment| segment.end);
    match segments.last_mut() {
        Some(last) if last.phone == Some(SILENCE) && phone == last.phone => last.end += samples,
        _ if samples > 0 => segments.push(Segment { phone, start, end: start + samples }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::shared_data::shared_data;

    const ALIGN: &str = "path\tsegments\tscore_per_frame\tflag\n\
        recordings/0_ann_0.wav\tz:0:80 iy:80:160 r:160:240 ow:240:400 sil:400:480\t-1.0\tok\n\
        recordings/2_ann_7.wav\tt:0:80 uw:80:300\t-90\tweak\n\
        recordings/8_ann_10.wav\tsil:0:80 ey:80:160 t:160:250\t-1.0\tok\n";
    const LINE: &str = r#"{"id":"a","split":"train","split_official":"train","split_official_dev":"valid","speaker":"ann","recordings":["recordings/0_ann_0.wav","recordings/8_ann_10.wav","recordings/2_ann_7.wav"],"silence_ms":[10,60,0,5],"samples":1630,"digits":"082","words":["zero","eight","two"],"phones":"z ih r ow ey t t uw","phones_sil":"sil z ih r ow sil ey t t uw sil"}"#;

    /// A corpus with the given tables and one empty file for each recording.
    fn tree(align: &str, table: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a temporary directory");
        for directory in ["recordings", "connected"] {
            fs::create_dir(root.path().join(directory)).expect("writable");
        }
        fs::write(root.path().join("align.tsv"), align).expect("writable");
        fs::write(root.path().join("connected/connected.jsonl"), table).expect("writable");
        for name in ["0_ann_0", "2_ann_7", "8_ann_10"] {
            fs::write(root.path().join(format!("recordings/{name}.wav")), "").expect("writable");
        }
        root
    }

    fn refusal(align: &str, table: &str) -> String {
        let root = tree(align, table);
        let error = open(root.path(), "split").expect_err("malformed").to_string();
        error.trim_start_matches(&*root.path().to_string_lossy()).trim_start_matches('/').to_owned()
    }

    fn names(corpus: &Corpus, recording: &Recording) -> Vec<(String, u64)> {
        let name = |phone: Option<u16>| phone.map_or("?".into(), |phone| corpus.phones[usize::from(phone)].clone());
        recording.segments.iter().map(|segment| (name(segment.phone), segment.end)).collect()
    }

    #[test]
    fn targets_are_shifted_silences_merged_and_weak_recordings_left_without() {
        let root = tree(ALIGN, LINE);
        let corpus = open(root.path(), "split").expect("well-formed");
        let recording = &corpus.recordings[0];
        // By hand: 80 silence; zero 480 (its own silence at 480..560); 480 gap; eight 250 (silence first); two 300; 40.
        let expected = [
            ("sil", 80),
            ("z", 160),
            ("ih", 240),
            ("r", 320),
            ("ow", 480),
            ("sil", 1120),
            ("ey", 1200),
            ("t", 1290),
            ("?", 1590),
            ("sil", 1630),
        ];
        assert_eq!(names(&corpus, recording), expected.map(|(name, end)| (name.to_owned(), end)));
        assert!(recording.segments.windows(2).all(|pair| pair[0].end == pair[1].start));
        let reference: Vec<&str> = recording.reference.iter().map(|&id| &*corpus.scored[usize::from(id)]).collect();
        assert_eq!(reference.join(" "), "z ih r ow ey t t uw");
        let files = ["0_ann_0", "8_ann_10", "2_ann_7"].map(|name| root.path().join(format!("recordings/{name}.wav")));
        let silence = vec![80, 480, 0, 40];
        assert_eq!(recording.audio, AudioSource::Pieces { files: files.to_vec(), silence, samples: 1630 });
        assert_eq!(corpus.notes.len(), 2, "{:?}", corpus.notes);
    }

    #[test]
    fn the_official_split_holds_out_what_its_dev_split_calls_valid() {
        let root = tree(ALIGN, LINE);
        let split = |name| open(root.path(), name).expect("well-formed").recordings[0].split;
        assert_eq!(split("split"), Split::Train);
        assert_eq!(split("split_official"), Split::Valid);
        assert_eq!(split("split_official_dev"), Split::Valid);
        let error = open(root.path(), "official").expect_err("no such split").to_string();
        assert!(error.contains("`official`") && error.contains("`split_official_dev`"), "{error}");
    }

    #[test]
    fn a_malformed_alignment_is_refused_by_line() {
        for (from, to, expected) in [
            ("score_per_frame", "score", "align.tsv:1: header"),
            ("\t-90\tweak", "\tweak", "align.tsv:3: 3 columns, expected 4"),
            ("weak", "poor", "align.tsv:3: flag is `poor`"),
            ("uw:80", "uw:90", "align.tsv:3: segment `uw:90:300` starts at 90, expected 80"),
            ("t:0:80", "t:8:80", "align.tsv:3: segment `t:8:80` starts at 8, expected 0"),
            ("uw:80:300", "uw:80:80", "align.tsv:3: segment `uw:80:80` is empty"),
            ("uw:80:300", "uw:80:-1", "align.tsv:3: segment is `uw:80:-1`, expected `phone:start:end`"),
            ("uw:80:300", "uw:80", "align.tsv:3: segment is `uw:80`, expected"),
            ("uw:80", "zz:80", "align.tsv:3: unknown phone `zz`"),
            ("z:0", "s:0", "align.tsv:2: phone 1 of `zero` is aligned as `s`, expected `z`"),
            ("sil:0:80 ey:80", "ey:0:80 ey:80", "align.tsv:4: 3 phones aligned, expected the 2 of `eight`"),
            ("recordings/2_ann_7.wav", "recordings/../7.wav", "align.tsv:3: path is"),
            ("recordings/2_ann_7.wav", "recordings/2_a/n_7.wav", "align.tsv:3: path is"),
        ] {
            let align = ALIGN.replacen(from, to, 1);
            assert_ne!(align, ALIGN, "{from}");
            let got = refusal(&align, LINE);
            assert!(got.starts_with(expected), "{got}\nexpected {expected}");
        }
        let again = format!("{ALIGN}recordings/2_ann_7.wav\tt:0:80 uw:80:90\t-1\tok\n");
        assert_eq!(refusal(&again, LINE), "align.tsv:5: `recordings/2_ann_7.wav` is aligned twice");
    }

    #[test]
    fn a_malformed_table_is_refused_by_line() {
        for (from, to, expected) in [
            ("{\"id\"", "{id", "key must be a string"),
            ("\"digits\"", "\"digit\"", "unknown field `digit`"),
            ("1630", "1631", "samples is 1631, expected 1630"),
            ("[10,60,0,5]", "[10,60,5]", "3 silences, expected 4"),
            ("10,60,0,5", "10,60,0,9223372036854775807", "more samples than a number holds"),
            ("10,60,0,5", "10,-60,0,5", "invalid value: integer `-60`"),
            ("\"train\"", "\"dev\"", "split is `dev`, expected `train`, `valid` or `test`"),
            ("\"ann\"", "\"bob\"", "`recordings/0_ann_0.wav` is not of speaker `bob`"),
            ("2_ann_7", "2_ann_8", "`recordings/2_ann_8.wav` is not in align.tsv"),
            ("\"082\"", "\"083\"", "digits is `083`, expected `082`"),
            ("\"two\"", "\"too\"", "words is `zero eight too`, expected `zero eight two`"),
            ("z ih", "z iy", "phones is `z iy r ow ey t t uw`, expected `z ih"),
            ("\"sil z", "\"z", "phones_sil is `z ih"),
        ] {
            let table = LINE.replacen(from, to, 1);
            assert_ne!(table, LINE, "{from}");
            let got = refusal(ALIGN, &format!("{}\n{table}\n", LINE.replace("\"a\"", "\"first\"")));
            assert!(
                got.starts_with("connected/connected.jsonl:2: ") && got.contains(expected),
                "{got}\nfor {expected}"
            );
        }
        assert!(refusal(ALIGN, &format!("{LINE}\n{LINE}")).contains("jsonl:2: id `a` occurs twice"));
        assert!(refusal(ALIGN, "").ends_with("connected/connected.jsonl: no utterance"));
        assert!(refusal(ALIGN, "\n").contains("connected.jsonl:1: "));
        let leak = LINE.replacen("\"a\"", "\"b\"", 1).replacen("\"train\"", "\"test\"", 1);
        assert!(
            refusal(ALIGN, &format!("{LINE}\n{leak}"))
                .contains("jsonl:2: `recordings/0_ann_0.wav` is used in two parts")
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let root = tree(ALIGN, LINE);
        fs::remove_file(root.path().join("recordings/8_ann_10.wav")).expect("it was there");
        let error = open(root.path(), "split").expect_err("a recording is missing").to_string();
        assert!(error.ends_with("connected.jsonl:1: `recordings/8_ann_10.wav` is missing"), "{error}");
        let empty = tempfile::tempdir().expect("a temporary directory");
        let error = open(empty.path(), "split").expect_err("nothing there");
        assert!(matches!(&error, Error::Io { path, .. } if path.ends_with("align.tsv")), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn a_damaged_byte_is_refused_or_harmless_but_never_a_panic(at in 0usize..700, byte in 0u8..128, in_table: bool) {
            let damage = |text: &str| {
                let mut bytes = text.as_bytes().to_vec();
                let at = at % bytes.len();
                bytes[at] = byte;
                String::from_utf8(bytes).expect("ASCII")
            };
            let root = if in_table { tree(ALIGN, &damage(LINE)) } else { tree(&damage(ALIGN), LINE) };
            match open(root.path(), "split") {
                Ok(corpus) => prop_assert_eq!(corpus.recordings[0].reference.len(), 8),
                Err(error) => prop_assert!(error.to_string().contains(&*root.path().to_string_lossy())),
            }
        }
    }

    #[test]
    fn the_real_corpus_has_the_sizes_its_readme_states() {
        let Some(root) = shared_data("fsdd") else { return };
        for (name, sizes) in [
            ("split", [1000, 250, 250]),
            ("split_official", [1200, 150, 150]),
            ("split_official_dev", [1200, 150, 150]),
        ] {
            let corpus = open(&root, name).expect("the real corpus is well-formed");
            let size = |split| corpus.recordings.iter().filter(|recording| recording.split == split).count();
            assert_eq!([Split::Train, Split::Valid, Split::Test].map(size), sizes, "{name}");
            assert_eq!((corpus.phones.len(), corpus.scored.len(), corpus.sample_rate), (20, 19, 8000));
            for recording in &corpus.recordings {
                let AudioSource::Pieces { samples, .. } = recording.audio else { panic!("pieces expected") };
                assert_eq!(recording.segments.last().map(|segment| segment.end), Some(samples), "{}", recording.id);
            }
        }
    }

    #[test]
    fn the_real_audio_has_the_samples_and_the_targets_spell_the_reference() {
        let Some(root) = shared_data("fsdd") else { return };
        let corpus = open(&root, "split").expect("the real corpus is well-formed");
        let samples_in = |path: &Path| u64::from(hound::WavReader::open(path).expect("a WAV file").duration());
        let (mut weak, mut total) = (0, 0);
        for recording in &corpus.recordings {
            let AudioSource::Pieces { files, silence, samples } = &recording.audio else { panic!("pieces expected") };
            let found = files.iter().map(|file| samples_in(file)).sum::<u64>() + silence.iter().sum::<u64>();
            assert_eq!(found, *samples, "{}", recording.id);
            total += samples;
            if recording.segments.iter().any(|segment| segment.phone.is_none()) {
                weak += 1;
                continue;
            }
            let spelled = recording.segments.iter().filter_map(|segment| corpus.fold[usize::from(segment.phone?)]);
            assert_eq!(spelled.collect::<Vec<_>>(), recording.reference, "{}", recording.id);
        }
        assert_eq!(weak, 53);
        let hours = total as f64 / 8000.0 / 3600.0;
        assert!((hours - 1.25).abs() < 0.005, "{hours}");
    }
}
