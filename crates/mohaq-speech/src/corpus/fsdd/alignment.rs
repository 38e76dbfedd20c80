//! The pronunciations of the ten digits, and what `align.tsv` says of where their phones are in each recording.
//!
//! Boundaries are the aligner's; the names of the phones are those of the lexicon, which is what the score compares with.
//! An alignment that does not spell its digit is refused, unless it is flagged `weak`: then it has no targets at all.

use std::collections::BTreeMap;
use std::path::Path;

use super::read;
use crate::corpus::Segment;
use crate::error::{Error, Result};

/// The modelled phones, by their TIMIT-39 names: those of [`LEXICON`] and silence.
pub(super) const PHONES: [&str; 20] =
    ["aa", "ah", "ay", "eh", "ey", "f", "ih", "iy", "k", "n", "ow", "r", "s", "sil", "t", "th", "uw", "v", "w", "z"];
/// `sil` in [`PHONES`].
pub(super) const SILENCE: u16 = 13;

/// Word and first pronunciation in CMUdict of each digit, stress removed, folded to TIMIT-39.
pub(super) const LEXICON: [(&str, &[&str]); 10] = [
    ("zero", &["z", "ih", "r", "ow"]),
    ("one", &["w", "ah", "n"]),
    ("two", &["t", "uw"]),
    ("three", &["th", "r", "iy"]),
    ("four", &["f", "aa", "r"]),
    ("five", &["f", "ay", "v"]),
    ("six", &["s", "ih", "k", "s"]),
    ("seven", &["s", "eh", "v", "ah", "n"]),
    ("eight", &["ey", "t"]),
    ("nine", &["n", "ay", "n"]),
];

/// `(digit, place in its pronunciation, aligned as)`: what an alignment may have in place of the lexical phone.
const ALIGNED_AS: [(usize, usize, &str); 1] = [(0, 1, "iy")];

/// One line of `align.tsv`.
pub(super) struct Alignment {
    pub(super) digit: usize,
    pub(super) speaker: String,
    /// From 0, contiguous; a single segment without a phone where the alignment is weak.
    pub(super) segments: Vec<Segment>,
    pub(super) samples: u64,
    pub(super) weak: bool,
    /// A phone was renamed to the lexical one.
    pub(super) renamed: bool,
}

/// Reads `align.tsv` into a map from the recording's path as written.
pub(super) fn read_all(path: &Path) -> Result<BTreeMap<String, Alignment>> {
    const HEADER: &str = "path\tsegments\tscore_per_frame\tflag";
    let text = read(path)?;
    let mut lines = text.lines().enumerate();
    let header = lines.next().map_or("", |(_, line)| line);
    if header != HEADER {
        return Err(Error::corpus_line(path, 1, format!("header is {header:?}, expected {HEADER:?}")));
    }
    let mut alignments = BTreeMap::new();
    for (index, line) in lines {
        let at_line = |reason| Error::corpus_line(path, index + 1, reason);
        let (name, alignment) = Alignment::parse(line).map_err(at_line)?;
        if alignments.insert(name.to_owned(), alignment).is_some() {
            return Err(at_line(format!("`{name}` is aligned twice")));
        }
    }
    Ok(alignments)
}

impl Alignment {
    fn parse(line: &str) -> core::result::Result<(&str, Self), String> {
        let columns: Vec<&str> = line.split('\t').collect();
        let &[name, segments, _score, flag] = columns.as_slice() else {
            return Err(format!("{} columns, expected 4", columns.len()));
        };
        let (digit, speaker) = name_parts(name)
            .ok_or_else(|| format!("path is `{name}`, expected `recordings/{{digit}}_{{speaker}}_{{take}}.wav`"))?;
        let weak = match flag {
            "ok" => false,
            "weak" => true,
            _ => return Err(format!("flag is `{flag}`, expected `ok` or `weak`")),
        };
        let mut segments = parse_segments(segments)?;
        let samples = segments.last().map_or(0, |segment| segment.end);
        let renamed = if weak {
            segments = vec![Segment { phone: None, start: 0, end: samples }];
            false
        } else {
            rename_to_lexicon(&mut segments, digit)?
        };
        Ok((name, Self { digit, speaker: speaker.to_owned(), segments, samples, weak, renamed }))
    }
}

/// Digit and speaker in `recordings/{digit}_{speaker}_{take}.wav`.
fn name_parts(name: &str) -> Option<(usize, &str)> {
    let stem = name.strip_prefix("recordings/")?.strip_suffix(".wav")?;
    let (digit, rest) = stem.split_once('_')?;
    let (speaker, take) = rest.rsplit_once('_')?;
    let digit: usize = digit.parse().ok()?;
    take.parse::<u32>().ok()?;
    (digit < LEXICON.len() && !speaker.is_empty() && !speaker.contains(['/', '\\'])).then_some((digit, speaker))
}

/// Parses `phone:start:end …`, contiguous from 0.
fn parse_segments(text: &str) -> core::result::Result<Vec<Segment>, String> {
    let mut segments: Vec<Segment> = Vec::new();
    for word in text.split(' ') {
        let malformed = || format!("segment is `{word}`, expected `phone:start:end`");
        let mut fields = word.split(':');
        let (Some(phone), Some(start), Some(end), None) = (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(malformed());
        };
        let start: u64 = start.parse().map_err(|_| malformed())?;
        let end: u64 = end.parse().map_err(|_| malformed())?;
        let phone = phone_id(phone).ok_or_else(|| format!("unknown phone `{phone}`"))?;
        let previous = segments.last().map_or(0, |segment| segment.end);
        if start != previous {
            return Err(format!("segment `{word}` starts at {start}, expected {previous}, where the one before ends"));
        }
        if end <= start {
            return Err(format!("segment `{word}` is empty"));
        }
        segments.push(Segment { phone: Some(phone), start, end });
    }
    Ok(segments)
}

/// Index into [`PHONES`].
pub(super) fn phone_id(name: &str) -> Option<u16> {
    PHONES.iter().position(|&phone| phone == name).map(|id| id as u16)
}

/// Gives the aligned phones of `digit` their lexical names; true where one changed. Other phones are an error.
fn rename_to_lexicon(segments: &mut [Segment], digit: usize) -> core::result::Result<bool, String> {
    let (word, pronunciation) = LEXICON[digit];
    let mut spoken: Vec<&mut Segment> = segments.iter_mut().filter(|s| s.phone != Some(SILENCE)).collect();
    if spoken.len() != pronunciation.len() {
        return Err(format!("{} phones aligned, expected the {} of `{word}`", spoken.len(), pronunciation.len()));
    }
    let mut renamed = false;
    for (place, (segment, lexical)) in spoken.iter_mut().zip(pronunciation).enumerate() {
        let aligned = segment.phone.map_or("none", |phone| PHONES[usize::from(phone)]);
        if aligned == *lexical {
            continue;
        }
        if !ALIGNED_AS.contains(&(digit, place, aligned)) {
            return Err(format!("phone {} of `{word}` is aligned as `{aligned}`, expected `{lexical}`", place + 1));
        }
        segment.phone = phone_id(lexical);
        renamed = true;
    }
    Ok(renamed)
}
