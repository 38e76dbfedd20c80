use super::*;
use std::path::PathBuf;
use tempfile::TempDir;

const RATE: u32 = 16000;

/// A SPHERE file as on the disc.
fn sphere(samples: usize) -> Vec<u8> {
    let mut bytes = format!(
        "NIST_1A\n   1024\nchannel_count -i 1\nsample_count -i {samples}\nsample_rate -i {RATE}\n\
         sample_n_bytes -i 2\nsample_byte_format -s2 01\nend_head\n"
    )
    .into_bytes();
    bytes.resize(1024 + 2 * samples, 0);
    bytes
}

struct Tree {
    folder: TempDir,
    upper: bool,
}

impl Tree {
    fn new(upper: bool) -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary directory"), upper }
    }

    fn path(&self, relative: &str) -> PathBuf {
        let relative = if self.upper { relative.to_uppercase() } else { relative.to_owned() };
        self.folder.path().join(relative)
    }

    fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(&path, content).expect("a file");
        path
    }

    /// One sentence of 2000 samples: `h# q pcl p aa q h# epi`.
    fn sentence(&self, stem: &str) {
        self.write(&format!("{stem}.wav"), sphere(2000));
        let phn =
            "0 300 h#\n300 400 q\n400 600 pcl\n600 800 p\n800 1200 aa\n1200 1300 q\n1300 1600 h#\n1600 1990 epi\n";
        self.write(&format!("{stem}.phn"), phn);
        self.write(&format!("{stem}.txt"), "0 2000 Par.\n");
    }

    /// Two speakers of training, three of test.
    fn small(upper: bool) -> Self {
        let tree = Self::new(upper);
        for speaker in ["train/dr1/fcjf0", "train/dr2/maeb0", "test/dr1/faaa0", "test/dr1/mbbb0", "test/dr3/mccc0"] {
            for sentence in ["sa1", "si100", "sx10"] {
                tree.sentence(&format!("{speaker}/{sentence}"));
            }
        }
        tree
    }

    fn open(&self) -> Result<Corpus> {
        open(self.folder.path())
    }

    fn refusal(&self) -> String {
        self.open().expect_err("must be refused").to_string()
    }
}

fn names(corpus: &Corpus, ids: &[u16]) -> Vec<String> {
    ids.iter().map(|&id| corpus.scored[usize::from(id)].clone()).collect()
}

#[test]
fn both_letter_cases_are_the_same_corpus() {
    let (lower, upper) =
        (Tree::small(false).open().expect("lower case"), Tree::small(true).open().expect("upper case"));
    let strip = |corpus: &Corpus| -> Vec<_> {
        corpus.recordings.iter().map(|r| (r.id.clone(), r.split, r.segments.clone(), r.reference.clone())).collect()
    };
    assert_eq!(strip(&lower), strip(&upper));
    assert_eq!(lower.sample_rate, RATE);
    let of = |split| lower.split(split).map(|r| r.id.as_str()).collect::<Vec<_>>();
    assert_eq!(of(Split::Train), ["fcjf0_si100", "fcjf0_sx10", "maeb0_si100", "maeb0_sx10"], "SA dropped");
    assert_eq!(of(Split::Valid), ["faaa0_si100", "faaa0_sx10", "mccc0_si100", "mccc0_sx10"]);
    assert_eq!(of(Split::Test), ["mbbb0_si100", "mbbb0_sx10"]);
}

#[test]
fn phones_fold_q_has_no_target_and_silences_merge() {
    let corpus = Tree::small(false).open().expect("a small tree");
    let recording = &corpus.recordings[0];
    let modelled: Vec<_> =
        recording.segments.iter().map(|s| s.phone.map(|phone| corpus.phones[usize::from(phone)].as_str())).collect();
    assert_eq!(modelled, [Some("sil"), None, Some("cl"), Some("p"), Some("aa"), None, Some("sil"), Some("epi")]);
    // h# (q) pcl are one silence, so are h# epi.
    assert_eq!(names(&corpus, &recording.reference), ["sil", "p", "aa", "sil"]);
    assert!(recording.segments.windows(2).all(|pair| pair[0].end == pair[1].start));
}

#[test]
fn notes_say_what_the_tree_lacks() {
    let tree = Tree::small(false);
    fs::remove_file(tree.path("train/dr1/fcjf0/sx10.txt")).expect("a file");
    assert_eq!(
        tree.open().expect("a small tree").notes,
        [
            "TRAIN: 2 of 462 speakers",
            "TEST lacks the standard development or core test speakers; its own are divided by the order of their names: \
         2 for validation, 1 for test",
            "5 of 5 speakers have fewer than 8 sentences",
            "1 of 10 sentences have no .TXT, which only people need",
        ]
    );
}

#[test]
fn the_tree_may_be_wrapped_and_audio_may_be_doubled() {
    let tree = Tree::small(true);
    tree.write("train/dr1/fcjf0/sx10.wav.wav", b"not read");
    let inner = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir(inner.path().join("data")).expect("a directory");
    fs::rename(tree.folder.path(), inner.path().join("data/Timit")).expect("moved");
    assert_eq!(open(inner.path()).expect("wrapped twice").recordings.len(), 10);
    fs::create_dir(tree.folder.path()).expect("for its removal");
}

#[test]
fn riff_audio_is_read_by_its_first_bytes() {
    let tree = Tree::small(false);
    let path = tree.path("train/dr1/fcjf0/sx10.wav");
    let spec =
        hound::WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(&path, spec).expect("a file");
    (0..1990).for_each(|n| writer.write_sample(n as i16).expect("a sample"));
    writer.finalize().expect("a file");
    assert_eq!(tree.open().expect("mixed formats").recordings.len(), 10);
}

#[test]
fn damage_is_refused_by_file_and_numbers() {
    let tree = Tree::small(false);
    let stem = "train/dr2/maeb0/sx10";
    let shown = |extension| tree.path(&format!("{stem}.{extension}")).display().to_string();

    tree.write(&format!("{stem}.wav"), sphere(1900));
    assert_eq!(tree.refusal(), format!("{}:8: segment ends at sample 1990, audio has 1900", shown("phn")));
    tree.write(&format!("{stem}.wav"), &sphere(2000)[..1500]);
    assert_eq!(tree.refusal(), format!("{}: truncated: header says 4000 bytes of samples, file has 476", shown("wav")));
    let slow = String::from_utf8_lossy(&sphere(2000)).replace("-i 16000\n", "-i 08000\n");
    tree.write(&format!("{stem}.wav"), slow);
    assert_eq!(tree.refusal(), format!("{}: sample rate is 8000 Hz, expected 16000 Hz", shown("wav")));
    fs::remove_file(tree.path(&format!("{stem}.wav"))).expect("a file");
    assert_eq!(tree.refusal(), format!("{}: has no .WAV beside it", shown("phn")));
    tree.sentence(stem);
    fs::remove_file(tree.path(&format!("{stem}.phn"))).expect("a file");
    assert_eq!(tree.refusal(), format!("{}: has no .PHN beside it", shown("wav")));
    tree.sentence(stem);
    tree.sentence("test/dr1/maeb0/sx10");
    assert!(tree.refusal().ends_with("speaker `maeb0` is in TRAIN and in TEST, expected different speakers"));
}

#[test]
fn what_is_no_timit_is_refused() {
    let tree = Tree::new(false);
    let root = tree.folder.path().display();
    let layout = "no TRAIN and TEST here, expected TRAIN/DR1/SPEAKER/SENTENCE.WAV in either letter case";
    assert_eq!(tree.refusal(), format!("{root}: {layout}"));
    tree.sentence("train/dr1/fcjf0/sx10");
    assert_eq!(tree.refusal(), format!("{root}: TRAIN without a TEST beside it"));
    fs::create_dir(tree.path("test")).expect("a directory");
    assert_eq!(
        tree.refusal(),
        format!("{}: no sentence, expected DR1/SPEAKER/SENTENCE.WAV and .PHN", tree.path("test").display())
    );
    assert!(open(Path::new("no/such/tree")).expect_err("must be refused").to_string().starts_with("no/such/tree: "));
}
