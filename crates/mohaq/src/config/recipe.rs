//! A recipe as it is written: TOML in, typed sections out, nothing resolved yet.
//!
//! Unknown keys are errors that name the nearest known one. Every section has defaults, so the shortest recipe is a name
//! and a corpus; a section left out is its default, and `[search]` left out is no search. What it says for other corpora
//! (`[corpus.NAME]`) is merged in by `overlay` before anything is typed.

use super::overlay::{Document, Fault};
use crate::beacon::{BeaconSettings, RetrainSettings};
use crate::eval::{Fidelity, Objective, ScoreCommand};
use crate::nn::{LayerDescription, NetworkDescription};
use crate::quant::QuantizeSettings;
use crate::search::{Method, StopRule};
use crate::train::TrainConfig;
use crate::{Error, Result};
use mohaq_speech::container::TaskSettings;
use mohaq_speech::features::FeatureSettings;
use mohaq_speech::synth::SynthConfig;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A whole recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Names the run and its directory.
    pub name: String,
    /// Everything random is derived from it.
    #[serde(default = "one")]
    pub seed: u64,
    /// Where the sequences come from.
    pub data: DataSection,
    /// What the labels of `corpus = "features"` are for; other corpora know.
    #[serde(default, skip_serializing_if = "is_default")]
    pub task: TaskSettings,
    /// How audio becomes features; of `corpus = "features"`, which has them, only `normalise` is used.
    #[serde(default)]
    pub features: FeatureSettings,
    /// The network; its input and output widths come from the data.
    pub network: NetworkSection,
    /// How it is trained.
    #[serde(default)]
    pub train: TrainConfig,
    /// How it is quantized.
    #[serde(default)]
    pub quantize: QuantizeSettings,
    /// How it is retrained at given precisions.
    #[serde(default)]
    pub retrain: RetrainSettings,
    /// A command that judges in place of the task's error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<ScoreCommand>,
    /// What is searched for.
    #[serde(default)]
    pub search: SearchSection,
}

/// The corpora that a recipe can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CorpusKind {
    /// The built-in formant synthesiser; needs no data.
    Synthetic,
    /// The LDC layout of TIMIT.
    Timit,
    /// Connected digits of the Free Spoken Digit Dataset.
    Fsdd,
    /// Sequences of features with labels, as .npz or safetensors.
    Features,
}

impl CorpusKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Synthetic, Self::Timit, Self::Fsdd, Self::Features];

    /// The name in recipes and on the command line.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Synthetic => "synthetic",
            Self::Timit => "timit",
            Self::Fsdd => "fsdd",
            Self::Features => "features",
        }
    }

    /// The corpus named `key`.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|corpus| corpus.key() == key)
    }
}

/// `[data]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSection {
    /// Which corpus.
    pub corpus: CorpusKind,
    /// Its directory; `--data` on the command line goes before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Which of the corpus' splits (`fsdd`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// States a phone (1 … 8), left to right.
    #[serde(default = "three")]
    pub states: usize,
    /// How long a frame lasts, in milliseconds (`features`); a frame of speech lasts a hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_ms: Option<f64>,
    /// Settings of the synthesiser (`synthetic`).
    #[serde(default)]
    pub synthetic: SynthConfig,
}

/// `[network]`: a description without the widths that follow from the data, or a file with a trained network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSection {
    /// In the order data meets them. The last one, if linear, may leave out `outputs`: the number of classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<LayerDescription>,
    /// A trained network, as `mohaq import --out` and `mohaq train` write it, in place of `layers`; `--network` on the
    /// command line goes before both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}

impl NetworkSection {
    /// The description of a network from `input` features to `classes`.
    ///
    /// # Errors
    /// [`Error::Plan`] where the last layer has another width than `classes`; whatever
    /// [`NetworkDescription::check`] finds.
    pub fn resolve(&self, input: usize, classes: usize) -> Result<NetworkDescription> {
        let mut layers = self.layers.clone();
        if let Some(LayerDescription::Linear(last)) = layers.last_mut()
            && last.outputs == 0
        {
            last.outputs = classes;
        }
        let description = NetworkDescription { input, layers };
        description.check()?;
        if description.outputs() != classes {
            let reason = format!("the last layer has {} outputs, the data {classes} classes", description.outputs());
            let hint = "end with a linear layer without `outputs`: it takes the number from the data";
            return Err(Error::Plan { key: "network.layers".into(), reason, hint: Some(hint.into()) });
        }
        Ok(description)
    }
}

/// `[search]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchSection {
    /// A built-in platform's name, or the path of a platform file.
    pub platform: String,
    /// What to trade; `error` must be among them.
    pub objectives: Vec<Objective>,
    /// Who proposes candidates.
    #[serde(skip_serializing_if = "is_published")]
    pub strategy: Method,
    /// Individuals that survive a generation of NSGA-II.
    pub population: usize,
    /// New candidates a generation.
    pub offspring: usize,
    /// Stop after this many evaluations (the first generation included).
    pub evaluations: usize,
    /// Stop after this many generations, if that comes earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generations: Option<usize>,
    /// Stop after the generation in which this many minutes have passed, if that comes earlier. The only budget that
    /// depends on the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// Stop when the hypervolume has grown by less than `hypervolume` over the last `evaluations`, if that comes earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopRule>,
    /// Stop measuring candidates that cannot enter the front; left out, all are measured to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fidelity: Option<Fidelity>,
    /// Start with the uniform precisions among the first individuals of NSGA-II.
    pub start_uniform: bool,
    /// Development sequences an evaluation reads, evenly spaced; 0 is all of them.
    pub sequences: usize,
    /// Disjoint subsets that these are dealt into; the error of a candidate is that on the worst of them.
    pub subsets: usize,
    /// Memory for outputs of first layers that candidates share, in MiB; 0 for none. Changes no result.
    pub cache_mib: usize,
    /// Other methods that search with the same number of evaluations, to compare with: `random`, `greedy`, `guided`, `nsga2`.
    pub baselines: Vec<Method>,
    /// Bounds that a candidate must keep.
    pub limits: LimitSection,
    /// Retrained networks that candidates borrow; left out, none is retrained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beacons: Option<BeaconSettings>,
}

impl Default for SearchSection {
    fn default() -> Self {
        Self {
            platform: "none".into(),
            objectives: vec![Objective::Error, Objective::Memory],
            strategy: Method::Nsga2,
            population: 40,
            offspring: 10,
            evaluations: 630,
            generations: None,
            minutes: None,
            stop: None,
            fidelity: None,
            start_uniform: false,
            sequences: 0,
            subsets: 1,
            cache_mib: 256,
            baselines: Vec::new(),
            limits: LimitSection::default(),
            beacons: None,
        }
    }
}

/// Whether a search is by the method as published: recipes and logs of earlier versions name none.
fn is_published(method: &Method) -> bool {
    *method == Method::Nsga2
}

/// `[search.limits]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSection {
    /// Error at most the float network's plus this much, in points or in the unit of the error. Left out, the error's
    /// [`Metric`](mohaq_speech::metric::Metric) says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_increase: Option<f64>,
    /// Error at most this, in its unit.
    #[serde(skip_serializing_if = "Option::is_none", alias = "error_percent")]
    pub error: Option<f64>,
    /// Memory at most this, MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<f64>,
    /// Memory at least this many times smaller than all parameters of the network as 32 bit floats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<f64>,
    /// Time a frame at most this, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<f64>,
    /// Energy a frame at most this, nanojoule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_nj: Option<f64>,
    /// Speedup over 16×16 bits at least this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speedup: Option<f64>,
    /// Throughput at least this, 10⁹ operations a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gops: Option<f64>,
    /// Efficiency at least this, 10⁹ operations a second and watt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gops_per_watt: Option<f64>,
    /// Time to compute a frame over its duration, at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub real_time_factor: Option<f64>,
    /// Activations and states at most this, KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ram_kib: Option<f64>,
    /// Memory at most what the platform says it has.
    pub platform_memory: bool,
}

impl Default for LimitSection {
    /// The error limit of the metric, and the platform's own memory.
    fn default() -> Self {
        Self {
            error_increase: None,
            error: None,
            memory_mib: None,
            compression: None,
            time_ms: None,
            energy_nj: None,
            speedup: None,
            gops: None,
            gops_per_watt: None,
            real_time_factor: None,
            ram_kib: None,
            platform_memory: true,
        }
    }
}

impl LimitSection {
    /// Bounds of what platforms price, in the units of the objectives.
    pub(crate) fn figures(&self) -> impl Iterator<Item = (Objective, f64)> {
        let stated = [
            (Objective::Time, self.time_ms),
            (Objective::Energy, self.energy_nj.map(|nj| 1e3 * nj)),
            (Objective::Speedup, self.speedup),
            (Objective::Gops, self.gops),
            (Objective::GopsPerWatt, self.gops_per_watt),
            (Objective::RealTimeFactor, self.real_time_factor),
        ];
        stated.into_iter().filter_map(|(objective, bound)| Some((objective, bound?)))
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn one() -> u64 {
    1
}

fn three() -> usize {
    3
}

impl Recipe {
    /// How long a frame of the data lasts, in ns; `None` where it has no duration.
    pub fn frame_ns(&self) -> Option<u64> {
        let ms = match self.data.corpus {
            CorpusKind::Synthetic | CorpusKind::Timit | CorpusKind::Fsdd => Some(f64::from(self.features.hop_ms)),
            CorpusKind::Features => self.data.frame_ms,
        };
        ms.map(|ms| (1e6 * ms) as u64)
    }

    /// Parses a recipe; `origin` (a path, or a built-in's name) stands in the errors.
    ///
    /// The overlay of the corpus in use is merged over it. That is `corpus`, or else the one that the recipe names; where
    /// the two differ, `data.path` and `data.split` of the recipe are dropped, because they belong to the other one. Then
    /// `overrides` are applied: `key=value` pairs with dotted keys and TOML values; a value that is no TOML is taken as a
    /// string. All of it happens before anything is typed, but every overlay is held to the same rules, chosen or not.
    ///
    /// # Errors
    /// [`Error::Recipe`] with the line, [`Error::Override`] with the pair that cannot be read.
    pub fn parse(text: &str, origin: &str, corpus: Option<CorpusKind>, overrides: &[String]) -> Result<Self> {
        let fault = |fault: Fault| recipe_error(origin, text, fault);
        let document = Document::read(text).map_err(fault)?;
        let home = document.written::<Self>().map_err(fault)?.data.corpus;
        document.corpora().try_for_each(|other| document.on::<Self>(other, home).map(drop)).map_err(fault)?;
        let corpus = corpus.unwrap_or(home);
        let (recipe, table) = (document.on(corpus, home).map_err(fault)?, document.on(corpus, home).map_err(fault)?);
        under(recipe, table, overrides)
    }
}

/// The settings of the synthesiser: its defaults under `overrides`.
///
/// # Errors
/// [`Error::Override`].
pub fn synth(overrides: &[String]) -> Result<SynthConfig> {
    under(SynthConfig::default(), toml::Table::new(), overrides)
}

/// `parsed`, which is `table` typed, under `overrides`: typed again under each more of them, so that the one at fault is
/// named.
fn under<T: DeserializeOwned>(mut parsed: T, mut table: toml::Table, overrides: &[String]) -> Result<T> {
    for pair in overrides {
        set(&mut table, pair)?;
        parsed = table.clone().try_into().map_err(|error: toml::de::Error| Error::Override {
            pair: pair.clone(),
            message: error.message().to_owned(),
            nearest: nearest_key(error.message()),
        })?;
    }
    Ok(parsed)
}

/// Applies one `key.path=value` to `table`.
fn set(table: &mut toml::Table, pair: &str) -> Result<()> {
    let bad = |message: &str| Error::Override { pair: pair.into(), message: message.into(), nearest: None };
    let (path, value) = pair.split_once('=').ok_or_else(|| bad("expected key=value"))?;
    let document = format!("value = {value}");
    let value = match toml::from_str::<toml::Table>(&document) {
        Ok(mut parsed) => parsed.remove("value").ok_or_else(|| bad("expected one value"))?,
        Err(_) => toml::Value::String(value.into()),
    };
    let mut keys: Vec<&str> = path.split('.').map(str::trim).collect();
    let last = keys.pop().filter(|key| !key.is_empty()).ok_or_else(|| bad("the key is empty"))?;
    let mut place = table;
    for key in keys {
        let entry = place.entry(key).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        place = entry.as_table_mut().ok_or_else(|| bad(&format!("`{key}` is a value, not a section")))?;
    }
    place.insert(last.into(), value);
    Ok(())
}

fn recipe_error(origin: &str, text: &str, fault: Fault) -> Error {
    let line_of = |start: usize| 1 + text.bytes().take(start).filter(|&byte| byte == b'\n').count();
    let line = fault.span.map(|span| line_of(span.start));
    let nearest = nearest_key(&fault.message);
    Error::Recipe { origin: origin.into(), line, message: fault.message, nearest }
}

/// For serde's "unknown field `x`, expected one of `a`, `b`": the known name that is nearest to `x`.
pub(crate) fn nearest_key(message: &str) -> Option<String> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    nearest(unknown, names)
}

/// The one of `known` that `unknown` is most likely a misspelling of; `None` where nothing is near.
pub fn nearest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let scored = known.map(|name| (strsim::jaro_winkler(unknown, name), name));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))?;
    (best.0 > 0.7).then(|| best.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: &str = "name = \"x\"\n[data]\ncorpus = \"synthetic\"\n[network]\nlayers = [{ kind = \"linear\" }]\n";

    fn failure(text: &str) -> (Option<usize>, String, Option<String>) {
        match Recipe::parse(text, "test", None, &[]) {
            Err(Error::Recipe { line, message, nearest, .. }) => (line, message, nearest),
            other => panic!("expected a recipe error, got {other:?}"),
        }
    }

    #[test]
    fn an_unknown_key_names_its_line_and_the_nearest_key() {
        let (line, message, hint) = failure(&format!("{SHORT}[search]\npopulaton = 3\n"));
        assert_eq!(line, Some(7));
        assert!(message.contains("populaton"), "{message}");
        assert_eq!(hint.as_deref(), Some("population"));
    }

    /// A recipe for `fsdd` with an overlay of `lines` for the synthetic corpus.
    fn overlaid(lines: &str) -> String {
        let fsdd = SHORT.replace("\"synthetic\"", "\"fsdd\"\nsplit = \"split_official\"\npath = \"digits\"");
        format!("{fsdd}[train]\nepochs = 3\nbatch = 5\n[corpus.synthetic]\n{lines}")
    }

    #[test]
    fn an_overlay_is_merged_key_by_key_and_lists_replace() {
        let text = overlaid("train.epochs = 7\nnetwork.layers = [{ kind = \"relu\" }, { kind = \"linear\" }]\n");
        let own = Recipe::parse(&text, "test", None, &[]).unwrap();
        assert_eq!((own.data.corpus, own.train.epochs, own.network.layers.len()), (CorpusKind::Fsdd, 3, 1));
        assert_eq!(own, Recipe::parse(&text, "test", Some(CorpusKind::Fsdd), &[]).unwrap());
        let other = Recipe::parse(&text, "test", Some(CorpusKind::Synthetic), &[]).unwrap();
        assert_eq!((other.train.epochs, other.train.batch, other.network.layers.len()), (7, 5, 2));
        assert_eq!(own.data.split.as_deref(), Some("split_official"));
        // A path and a split belong to the corpus that they were written for.
        let DataSection { corpus, path, split, .. } = other.data;
        assert_eq!((corpus, path, split), (CorpusKind::Synthetic, None, None));
    }

    #[test]
    fn a_corpus_without_an_overlay_changes_the_corpus_alone() {
        let text = overlaid("train.epochs = 7\n");
        let own = Recipe::parse(&text, "test", None, &[]).unwrap();
        let timit = Recipe::parse(&text, "test", Some(CorpusKind::Timit), &[]).unwrap();
        let data = DataSection { corpus: CorpusKind::Timit, path: None, split: None, ..own.data.clone() };
        assert_eq!(timit, Recipe { data, ..own });
    }

    #[test]
    fn overrides_go_before_the_overlay() {
        let pairs = ["train.epochs=9".to_owned()];
        let text = overlaid("train.epochs = 7\n");
        assert_eq!(Recipe::parse(&text, "test", Some(CorpusKind::Synthetic), &pairs).unwrap().train.epochs, 9);
    }

    #[test]
    fn the_overlay_of_the_recipes_own_corpus_is_in_use() {
        let text = format!("{SHORT}[corpus.synthetic]\ntrain.epochs = 7\n");
        assert_eq!(Recipe::parse(&text, "test", None, &[]).unwrap().train.epochs, 7);
    }

    #[test]
    fn a_fault_in_an_overlay_that_is_not_chosen_has_its_line() {
        let cases = [
            ("train.epoch = 7\n", "unknown field `epoch`", Some("epochs")),
            ("seed = 1\ntrain.epochs = \"many\"\n", "invalid type: string \"many\"", None),
            ("seed = 1\ndata.corpus = \"timit\"\n", "the overlay of `synthetic` cannot be for another corpus", None),
            ("seed = 1\n[corpus.fsd]\nseed = 1\n", "unknown variant `fsd`", Some("fsdd")),
            ("seed = 1\n[corpus.fsdd.corpus.timit]\nseed = 1\n", "unknown field `corpus`", Some("score")),
        ];
        for (lines, expected, hint) in cases {
            let text = overlaid(lines);
            let (line, message, nearest) = failure(&text);
            assert!(message.starts_with(expected), "{message}");
            assert_eq!(nearest.as_deref(), hint, "{message}");
            let first = text.lines().position(|line| line == "[corpus.synthetic]").unwrap() + 2;
            assert_eq!(line, Some(first + usize::from(lines.starts_with("seed"))), "{message}");
        }
        let (line, message, _) = failure(&format!("corpus = 3\n{SHORT}"));
        assert_eq!(
            (line, message.as_str()),
            (Some(1), "invalid type: `corpus` is a value, expected tables `[corpus.NAME]`")
        );
    }

    #[test]
    fn a_fault_of_the_recipe_is_not_hidden_by_an_overlay() {
        let text = overlaid("train.epochs = 7\n").replace("epochs = 3", "epochs = \"three\"");
        let (_, message, _) = failure(&text);
        assert!(message.contains("\"three\""), "{message}");
    }

    #[test]
    fn keys_name_their_corpora() {
        for corpus in CorpusKind::ALL {
            assert_eq!(CorpusKind::from_key(corpus.key()), Some(corpus));
            assert_eq!(toml::Value::try_from(corpus).unwrap().as_str(), Some(corpus.key()));
        }
    }

    #[test]
    fn overrides_reach_any_depth_and_are_checked_too() {
        let pairs = ["search.limits.memory_mib=1.5".to_owned(), "name=plain".to_owned()];
        let recipe = Recipe::parse(SHORT, "test", None, &pairs).unwrap();
        assert_eq!(recipe.search.limits.memory_mib, Some(1.5));
        assert_eq!(recipe.name, "plain");
    }

    #[test]
    fn the_override_at_fault_is_named() {
        let pairs = ["seed=2", "search.limits.memori_mib=1", "name=x"].map(str::to_owned);
        match Recipe::parse(SHORT, "test", None, &pairs) {
            Err(Error::Override { pair, message, nearest }) => {
                assert_eq!((pair.as_str(), nearest.as_deref()), ("search.limits.memori_mib=1", Some("memory_mib")));
                assert!(message.contains("unknown field `memori_mib`"), "{message}");
            }
            other => panic!("expected an error of an override, got {other:?}"),
        }
    }

    #[test]
    fn far_names_get_no_hint() {
        assert_eq!(nearest("zzz", ["population", "seed"].into_iter()), None);
    }
}
