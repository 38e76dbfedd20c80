//! A recipe resolved: every path absolute, every name looked up, every default in place.

use super::priced::{check_bounded, check_layers, check_priced};
use super::recipe::{CorpusKind, LimitSection, NetworkSection, Recipe, SearchSection, nearest};
use crate::beacon::BeaconSettings;
use crate::eval::{Objective, ScoreCommand};
use crate::platform::{self, TablePlatform};
use crate::quant::{ClipMethod, QuantizeSettings};
use crate::search::{Method, StopRule};
use crate::{Error, Result};
use mohaq_speech::container::TaskSettings;
use mohaq_speech::features::Normalise;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where the sequences of a run come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The built-in synthesiser, writing to (or having written to) this directory.
    Synthetic(PathBuf),
    /// A tree in TIMIT's layout.
    Timit(PathBuf),
    /// The digits corpus, and which of its splits.
    Fsdd(PathBuf, String),
    /// A file or directory of features.
    Features(PathBuf),
}

/// Paths from the command line, which go before those of a recipe.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// The corpus.
    pub data: Option<&'a Path>,
    /// A file with a trained network, in place of the recipe's layers.
    pub network: Option<&'a Path>,
    /// The run directory.
    pub out: Option<&'a Path>,
}

/// A run, resolved.
#[derive(Debug)]
pub struct Plan {
    /// The recipe with every default and override in it; `plan.toml` is this.
    pub recipe: Recipe,
    /// The run directory, absolute.
    pub out: PathBuf,
    /// The data, absolute.
    pub source: Source,
    /// The platform that is searched for.
    pub platform: TablePlatform,
}

impl Plan {
    /// Resolves `recipe`: what is `given` goes before what it says.
    ///
    /// # Errors
    /// [`Error::Plan`] for a value that cannot work, by its key; [`Error::Platform`] for a platform that is not there.
    pub fn resolve(mut recipe: Recipe, given: Given<'_>) -> Result<Self> {
        let out = absolute(&given.out.map_or_else(|| PathBuf::from("runs").join(&recipe.name), Path::to_path_buf))?;
        if let Some(file) = given.network {
            recipe.network = NetworkSection { layers: Vec::new(), file: Some(file.to_owned()) };
        }
        check(&recipe)?;
        recipe.network.file = recipe.network.file.as_deref().map(absolute).transpose()?;
        let data = given.data.or(recipe.data.path.as_deref()).map(absolute).transpose()?;
        let source = source(&recipe, data, &out)?;
        recipe.data.path = Some(source.path().to_owned());
        recipe.train.seed = recipe.seed;
        let platform = platform::load(&recipe.search.platform)?;
        check_layers(&recipe.network.layers, &platform)?;
        check_priced(&recipe, &platform)?;
        check_bounded(&recipe, &platform)?;
        Ok(Self { recipe, out, source, platform })
    }

    /// The plan as TOML.
    ///
    /// # Panics
    /// Never: a recipe holds nothing that TOML cannot.
    pub fn to_toml(&self) -> String {
        toml::to_string(&self.recipe).expect("a recipe holds nothing that TOML cannot")
    }

    /// The first section in which the plan written as `text` would train another network than this one.
    pub fn training_difference(&self, text: &str) -> Option<String> {
        let written: Option<toml::Table> = toml::from_str(text).ok();
        let mine: toml::Table = toml::from_str(&self.to_toml()).ok()?;
        let Some(written) = written else { return Some("plan.toml, which cannot be read".into()) };
        let sections = ["seed", "data", "task", "features", "network", "train"];
        sections
            .into_iter()
            .find(|section| written.get(*section) != mine.get(*section))
            .map(|section| format!("`{section}`"))
    }
}

impl Source {
    /// The file or directory.
    pub fn path(&self) -> &Path {
        match self {
            Self::Synthetic(path) | Self::Timit(path) | Self::Fsdd(path, _) | Self::Features(path) => path,
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|e| Error::io(path, e))
}

fn source(recipe: &Recipe, given: Option<PathBuf>, out: &Path) -> Result<Source> {
    let kind = recipe.data.corpus;
    let needed = || {
        let hint = "say where it is with --data DIR or `path` in [data]".to_owned();
        given.clone().ok_or_else(|| Error::Plan {
            key: "data.path".into(),
            reason: "this corpus has no default place".into(),
            hint: Some(hint),
        })
    };
    Ok(match kind {
        CorpusKind::Synthetic => Source::Synthetic(given.unwrap_or_else(|| out.join("corpus"))),
        CorpusKind::Timit => Source::Timit(needed()?),
        CorpusKind::Fsdd => Source::Fsdd(needed()?, recipe.data.split.clone().unwrap_or_else(|| "split".into())),
        CorpusKind::Features => Source::Features(needed()?),
    })
}

pub(super) fn bad(key: &str, reason: impl Into<String>) -> Error {
    Error::Plan { key: key.into(), reason: reason.into(), hint: None }
}

/// Refuses values that no stage could work with.
fn check(recipe: &Recipe) -> Result<()> {
    if recipe.name.is_empty()
        || !recipe.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        || recipe.name.starts_with('.')
    {
        return Err(bad(
            "name",
            format!("`{}` cannot name a directory: letters, digits, `-`, `_` and `.` only", recipe.name),
        ));
    }
    if !(1..=8).contains(&recipe.data.states) {
        return Err(bad("data.states", format!("{} states a phone, expected 1 to 8", recipe.data.states)));
    }
    if recipe.data.split.is_some() && recipe.data.corpus != CorpusKind::Fsdd {
        return Err(bad("data.split", "only corpus `fsdd` has several splits"));
    }
    if let Some(ms) = recipe.data.frame_ms {
        if recipe.data.corpus != CorpusKind::Features {
            return Err(bad(
                "data.frame_ms",
                "only for corpus `features`: a frame of speech lasts `hop_ms` of [features]",
            ));
        }
        if !(ms > 0.0 && ms.is_finite()) {
            return Err(bad("data.frame_ms", format!("{ms}, expected more than 0")));
        }
    }
    if recipe.data.corpus == CorpusKind::Features && recipe.features.normalise == Normalise::Speaker {
        let reason = "`speaker`, expected `utterance`, `global` or `none`: corpus `features` names no speakers";
        return Err(bad("features.normalise", reason));
    }
    if recipe.data.corpus != CorpusKind::Features && recipe.task != TaskSettings::default() {
        return Err(bad("task", format!("corpus `{}` has a task of its own", recipe.data.corpus.key())));
    }
    check_network(&recipe.network)?;
    recipe.features.check().map_err(|error| in_section("features", error.into()))?;
    recipe.data.synthetic.check().map_err(|error| in_section("data.synthetic", error.into()))?;
    recipe.train.check().map_err(|error| in_section("train", error))?;
    check_quantize(&recipe.quantize)?;
    recipe.retrain.training(recipe.seed).check().map_err(|error| in_section("retrain", error))?;
    recipe.score.as_ref().map_or(Ok(()), ScoreCommand::check)?;
    recipe.search.beacons.as_ref().map_or(Ok(()), BeaconSettings::check)?;
    check_search(&recipe.search)?;
    let Recipe { score, search, .. } = recipe;
    search.fidelity.map_or(Ok(()), |fidelity| fidelity.check(search.beacons.is_some(), score.is_some()))?;
    check_limits(&recipe.search.limits)
}

fn check_network(network: &NetworkSection) -> Result<()> {
    match (network.layers.is_empty(), &network.file) {
        (false, Some(_)) => Err(bad("network.file", "stands beside `layers`, expected one of them")),
        (true, None) => Err(bad("network.layers", "no layers, expected some, or `file` with a trained network")),
        _ => Ok(()),
    }
}

fn check_quantize(quantize: &QuantizeSettings) -> Result<()> {
    if quantize.weight_clip == ClipMethod::MedianOfMaxima {
        return Err(bad("quantize.weight_clip", "weights have no sequences to take a median of maxima over"));
    }
    for (key, method) in [("weight_clip", quantize.weight_clip), ("activation_clip", quantize.activation_clip)] {
        if let ClipMethod::Percentile(percent) = method
            && !(percent > 0.0 && percent <= 100.0)
        {
            return Err(bad(
                &format!("quantize.{key}"),
                format!("percentile {percent}, expected above 0, at most 100"),
            ));
        }
    }
    Ok(())
}

/// A setting that its own room refuses, under the key that it has in a recipe.
fn in_section(section: &str, error: Error) -> Error {
    match error {
        Error::Speech(mohaq_speech::Error::Setting { name, expected, got }) => {
            bad(&format!("{section}.{name}"), format!("{got}, expected {expected}"))
        }
        Error::TrainConfig { field, got, expected } => {
            bad(&format!("{section}.{field}"), format!("{got}, expected {expected}"))
        }
        other => other,
    }
}

fn check_search(search: &SearchSection) -> Result<()> {
    let mut seen: Vec<Objective> = Vec::new();
    for &objective in &search.objectives {
        if seen.contains(&objective) {
            return Err(bad("search.objectives", format!("`{}` stands there twice", objective.key())));
        }
        seen.push(objective);
    }
    if !seen.contains(&Objective::Error) || !(2..=3).contains(&seen.len()) {
        return Err(bad("search.objectives", "expected `error` and one or two others"));
    }
    if search.population < 4 {
        return Err(bad("search.population", format!("{} individuals, expected at least 4", search.population)));
    }
    if search.offspring == 0 {
        return Err(bad("search.offspring", "expected at least 1"));
    }
    if search.evaluations < search.population {
        let reason = format!("{} evaluations do not fill a population of {}", search.evaluations, search.population);
        return Err(bad("search.evaluations", reason));
    }
    check_baselines(search.strategy, &search.baselines)?;
    check_stop(search.stop)?;
    if search.subsets == 0 {
        return Err(bad("search.subsets", "0 subsets, expected at least 1"));
    }
    match search.minutes {
        Some(minutes) if !(minutes > 0.0 && minutes.is_finite()) => {
            Err(bad("search.minutes", format!("{minutes}, expected more than 0")))
        }
        _ => Ok(()),
    }
}

fn check_baselines(strategy: Method, baselines: &[Method]) -> Result<()> {
    let twice = |i: usize, method: &Method| baselines[..i].contains(method);
    match baselines.iter().enumerate().find(|(i, method)| **method == strategy || twice(*i, method)) {
        None => Ok(()),
        Some((_, method)) if *method == strategy => {
            let others = Method::ALL.into_iter().filter(|&other| other != strategy);
            let others: Vec<String> = others.map(|other| format!("`{}`", other.key())).collect();
            let reason = format!("`{}` is the search itself, expected {}", strategy.key(), others.join(", "));
            Err(bad("search.baselines", reason))
        }
        Some((_, method)) => Err(bad("search.baselines", format!("`{}` stands there twice", method.key()))),
    }
}

fn check_stop(stop: Option<StopRule>) -> Result<()> {
    match stop {
        Some(StopRule { evaluations: 0, .. }) => Err(bad("search.stop.evaluations", "0, expected at least 1")),
        Some(StopRule { hypervolume, .. }) if !(hypervolume > 0.0 && hypervolume < 1.0) => {
            Err(bad("search.stop.hypervolume", format!("{hypervolume}, expected more than 0 and less than 1")))
        }
        _ => Ok(()),
    }
}
fn check_limits(limits: &LimitSection) -> Result<()> {
    let values = [
        ("search.limits.error_increase", limits.error_increase),
        ("search.limits.error", limits.error),
        ("search.limits.memory_mib", limits.memory_mib),
        ("search.limits.compression", limits.compression),
        ("search.limits.time_ms", limits.time_ms),
        ("search.limits.ram_kib", limits.ram_kib),
        ("search.limits.energy_nj", limits.energy_nj),
        ("search.limits.speedup", limits.speedup),
        ("search.limits.gops", limits.gops),
        ("search.limits.gops_per_watt", limits.gops_per_watt),
        ("search.limits.real_time_factor", limits.real_time_factor),
    ];
    let wrong =
        values.into_iter().find_map(|(key, value)| value.filter(|v| !(*v > 0.0 && v.is_finite())).map(|v| (key, v)));
    wrong.map_or(Ok(()), |(key, value)| Err(bad(key, format!("{value}, expected more than 0"))))
}

/// The built-in recipes.
const BUILTIN: [(&str, &str); 10] = [
    ("demo", include_str!("../../../../recipes/demo.toml")),
    ("fsdd-digits", include_str!("../../../../recipes/fsdd-digits.toml")),
    ("cells/lstm", include_str!("../../../../recipes/cells/lstm.toml")),
    ("cells/gru", include_str!("../../../../recipes/cells/gru.toml")),
    ("cells/ligru", include_str!("../../../../recipes/cells/ligru.toml")),
    ("cells/sru", include_str!("../../../../recipes/cells/sru.toml")),
    ("paper/1-memory", include_str!("../../../../recipes/paper/1-memory.toml")),
    ("paper/2-silago", include_str!("../../../../recipes/paper/2-silago.toml")),
    ("paper/3-bitfusion", include_str!("../../../../recipes/paper/3-bitfusion.toml")),
    ("paper/3-bitfusion-beacons", include_str!("../../../../recipes/paper/3-bitfusion-beacons.toml")),
];

/// The text of the built-in recipe `name`.
///
/// # Errors
/// [`Error::NoRecipe`] with the nearest name.
pub fn builtin(name: &str) -> Result<&'static str> {
    let found = BUILTIN.iter().find(|(known, _)| *known == name);
    found.map(|(_, text)| *text).ok_or_else(|| Error::NoRecipe {
        name: name.into(),
        known: BUILTIN.iter().map(|(known, _)| *known).collect(),
        nearest: nearest(name, BUILTIN.iter().map(|(known, _)| *known)),
    })
}

/// Reads `recipe`, a file or else a built-in recipe's name, and resolves it, on `corpus` instead of its own where given.
///
/// # Errors
/// See [`Recipe::parse`] and [`Plan::resolve`]; [`Error::NoRecipe`], [`Error::Io`].
pub fn load(recipe: &str, corpus: Option<CorpusKind>, overrides: &[String], given: Given<'_>) -> Result<Plan> {
    let path = Path::new(recipe);
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound || path.is_dir() => builtin(recipe)?.to_owned(),
        Err(error) => return Err(Error::io(path, error)),
    };
    Plan::resolve(Recipe::parse(&text, recipe, corpus, overrides)?, given)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_data() -> Given<'static> {
        Given { data: Some(Path::new("data")), ..Given::default() }
    }

    #[test]
    fn built_in_recipes_resolve() {
        for (name, _) in BUILTIN {
            let plan = load(name, None, &[], at_data()).unwrap();
            assert_eq!(plan.recipe.name, name.replace('/', "-"));
            assert!(plan.out.is_absolute());
        }
    }

    #[test]
    fn the_recipes_of_cells_have_networks_of_one_size_and_nothing_else_between_them() {
        let recipe = |cell| load(&format!("cells/{cell}"), None, &[], at_data()).unwrap().recipe;
        let parameters = |cell| recipe(cell).network.resolve(23, 60).unwrap().parameters();
        for cell in ["gru", "ligru", "sru"] {
            let (lstm, other) = (recipe("lstm"), recipe(cell));
            assert_eq!(Recipe { name: lstm.name.clone(), network: lstm.network.clone(), ..other }, lstm);
            assert!(parameters(cell).abs_diff(parameters("lstm")) * 100 < parameters("lstm"), "{cell}");
        }
    }

    #[test]
    fn the_papers_experiments_differ_in_platform_objectives_and_budget() {
        use Objective::{Energy, Error, Memory, SpeedupPaper};
        for (name, platform, objectives, evaluations) in [
            ("paper/1-memory", "none", vec![Error, Memory], 630),
            ("paper/2-silago", "silago", vec![Error, SpeedupPaper, Energy], 180),
            ("paper/3-bitfusion", "bitfusion", vec![Error, SpeedupPaper], 630),
        ] {
            let search = load(name, None, &[], at_data()).unwrap().recipe.search;
            assert_eq!((search.platform.as_str(), &search.objectives), (platform, &objectives));
            assert_eq!((search.population, search.offspring, search.evaluations), (40, 10, evaluations));
            assert_eq!((search.subsets, search.sequences, search.start_uniform), (4, 0, false));
            assert!(search.limits.platform_memory);
            assert_eq!((search.limits.error_increase, search.limits.compression), (Some(8.0), None));
        }
    }

    #[test]
    fn the_papers_experiments_on_digits_take_the_network_of_the_digits_recipe() {
        let on = |name, corpus| load(name, Some(corpus), &[], at_data()).unwrap().recipe;
        let digits = on("fsdd-digits", CorpusKind::Fsdd);
        for (name, compression) in
            [("paper/1-memory", None), ("paper/2-silago", Some(3.5)), ("paper/3-bitfusion", Some(10.6))]
        {
            let fsdd = on(name, CorpusKind::Fsdd);
            assert_eq!(
                (&fsdd.features, &fsdd.network, &fsdd.train),
                (&digits.features, &digits.network, &digits.train)
            );
            let synthetic = on(name, CorpusKind::Synthetic);
            assert_eq!((&synthetic.network, &synthetic.train), (&digits.network, &digits.train));
            for recipe in [fsdd, synthetic] {
                assert_eq!(recipe.search.limits.compression, compression);
                assert_eq!(recipe.search.limits.platform_memory, compression.is_none());
                assert_eq!(recipe.search.limits.error_increase, Some(8.0));
            }
        }
    }

    #[test]
    fn the_experiment_with_beacons_is_the_one_without_and_beacons() {
        for corpus in [CorpusKind::Timit, CorpusKind::Fsdd, CorpusKind::Synthetic] {
            let on = |name| load(name, Some(corpus), &[], at_data()).unwrap().recipe;
            let (without, with) = (on("paper/3-bitfusion"), on("paper/3-bitfusion-beacons"));
            let beacons = with.search.beacons.clone().unwrap();
            assert_eq!((beacons.threshold, beacons.activation_weight), (5.0, 0.0));
            assert!((4..=20).contains(&with.retrain.epochs));
            let region = &beacons.region;
            assert_eq!(region.below, [(Objective::Error, 30.0)].into());
            assert_eq!(region.above, [(Objective::SpeedupPaper, 10.0)].into());
            assert!(region.fits && region.error_increase.is_none());
            let (name, retrain) = (without.name.clone(), without.retrain.clone());
            let search = SearchSection { beacons: None, ..with.search.clone() };
            assert_eq!(Recipe { name, retrain, search, ..with }, without);
        }
    }

    #[test]
    fn a_plan_reads_back_as_itself() {
        let plan = load("fsdd-digits", None, &[], at_data()).unwrap();
        let again = Recipe::parse(&plan.to_toml(), "plan.toml", None, &[]).unwrap();
        assert_eq!(again, plan.recipe);
        assert_eq!(plan.training_difference(&plan.to_toml()), None);
    }

    #[test]
    fn another_seed_is_another_training_and_another_platform_is_not() {
        let plan = load("demo", None, &[], Given::default()).unwrap();
        let with = |pair: &str| load("demo", None, &[pair.to_owned()], Given::default()).unwrap().to_toml();
        assert_eq!(plan.training_difference(&with("seed=2")).as_deref(), Some("`seed`"));
        assert_eq!(plan.training_difference(&with("search.platform=silago")), None);
    }

    #[test]
    fn values_that_cannot_work_are_refused_by_key() {
        let key = |pair: &str| match load("demo", None, &[pair.to_owned()], Given::default()) {
            Err(Error::Plan { key, .. }) => key,
            other => panic!("{pair}: expected a plan error, got {other:?}"),
        };
        assert_eq!(key("search.objectives=[\"memory\"]"), "search.objectives");
        assert_eq!(key("search.objectives=[\"error\", \"energy\"]"), "search.objectives");
        assert_eq!(key("search.evaluations=3"), "search.evaluations");
        assert_eq!(key("search.subsets=0"), "search.subsets");
        assert_eq!(key("search.baselines=[\"nsga2\"]"), "search.baselines");
        assert_eq!(key("search.baselines=[\"random\", \"random\"]"), "search.baselines");
        assert_eq!(key("search.fidelity={ confidence = 0.3 }"), "search.fidelity.confidence");
        assert_eq!(key("search.limits.error_increase=-1"), "search.limits.error_increase");
        for wrong in ["0", "-2.0", "inf", "nan"] {
            assert_eq!(key(&format!("search.limits.compression={wrong}")), "search.limits.compression");
        }
        assert_eq!(key("search.limits.time_ms=1"), "search.limits.time_ms", "no platform, no time");
        assert_eq!(key("search.limits.ram_kib=0"), "search.limits.ram_kib");
        assert_eq!(key("quantize.weight_clip=median_of_maxima"), "quantize.weight_clip");
        assert_eq!(key("quantize.activation_clip={ percentile = 101 }"), "quantize.activation_clip");
        assert_eq!(key("name=../up"), "name");
        assert_eq!(key("data.states=9"), "data.states");
        assert_eq!(key("data.split=x"), "data.split");
        assert_eq!(key("task.pooling=last"), "task");
        assert_eq!(key("task.kind=next_token"), "task");
        assert_eq!(key("score.command=[]"), "score.command");
        assert_eq!(key("features.bins=0"), "features.bins");
        assert_eq!(key("data.synthetic.sentences=0"), "data.synthetic.sentences");
        assert_eq!(key("train.dropout=1"), "train.dropout");
        assert_eq!(key("retrain.epochs=0"), "retrain.epochs");
        assert_eq!(key("search.beacons.threshold=-1"), "search.beacons.threshold");
        assert_eq!(key("search.beacons.region.below.error=inf"), "search.beacons.region.below.error");
    }

    #[test]
    fn candidates_are_not_stopped_where_beacons_or_a_command_have_the_last_word() {
        for other in ["search.beacons.max=2", "score.command=[\"true\"]"] {
            let pairs = ["search.fidelity={ confidence = 0.99 }", other].map(str::to_owned);
            let error = load("demo", None, &pairs, Given::default()).unwrap_err();
            assert!(matches!(&error, Error::Plan { key, .. } if key == "search.fidelity"), "{other}: {error}");
            assert!(error.hint().is_some_and(|hint| hint.contains("leave one of them out")), "{other}: {error}");
        }
        let misspelt = load("demo", None, &["search.fidelity={ confidnce = 1 }".to_owned()], Given::default());
        assert!(misspelt.unwrap_err().hint().is_some_and(|hint| hint.contains("confidence")));
    }

    #[test]
    fn a_network_from_the_command_line_takes_the_place_of_layers() {
        let given = Given { network: Some(Path::new("a.safetensors")), ..Given::default() };
        let plan = load("demo", None, &[], given).unwrap();
        let NetworkSection { layers, file } = &plan.recipe.network;
        assert!(layers.is_empty() && file.as_ref().is_some_and(|file| file.is_absolute()), "{file:?}");
        assert_eq!(Recipe::parse(&plan.to_toml(), "plan.toml", None, &[]).unwrap(), plan.recipe);
        let trained = load("demo", None, &[], Given::default()).unwrap().to_toml();
        assert_eq!(plan.training_difference(&trained).as_deref(), Some("`network`"));
    }

    #[test]
    fn a_network_is_layers_or_a_file_and_not_both() {
        let key = |pairs: &[&str]| {
            let pairs: Vec<String> = pairs.iter().map(|&pair| pair.to_owned()).collect();
            match load("demo", None, &pairs, Given::default()) {
                Err(Error::Plan { key, .. }) => key,
                other => panic!("{pairs:?}: expected a plan error, got {other:?}"),
            }
        };
        assert_eq!(key(&["network.layers=[]"]), "network.layers");
        assert_eq!(key(&["network.file=a.safetensors"]), "network.file");
    }

    #[test]
    fn a_corpus_without_a_place_asks_for_one() {
        let error = load("paper/1-memory", None, &[], Given::default()).unwrap_err();
        assert!(error.hint().is_some_and(|hint| hint.contains("--data")), "{error}");
    }
}
