//! Requests that cannot be understood: exit code 2, what was expected, what came and where, and the nearest name as a hint.
//! None of them leaves a run directory behind.

use crate::workspace::{RECIPE, Said, Workspace};

/// Refuses `mohaq ARGUMENTS` as a request that is not understood, before anything is made.
fn misunderstood(workspace: &Workspace, arguments: &str) -> Said {
    let said = workspace.refused(2, arguments);
    assert!(!workspace.path("runs").exists(), "mohaq {arguments} left a run directory");
    said
}

/// The line of the recipe in which `text` stands first, from 1.
fn line_of(text: &str) -> usize {
    1 + RECIPE.lines().position(|line| line.contains(text)).expect("the recipe has it")
}

#[test]
fn a_typo_in_a_recipe_is_named_with_its_line_and_the_nearest_key() {
    let workspace = Workspace::new();
    for (right, wrong, hint) in [
        ("population", "populaton", "did you mean `population`?"),
        ("[train]", "[trian]", "did you mean `train`?"),
        ("hidden", "hiden", "did you mean `hidden`?"),
        ("\"sru\"", "\"srru\"", "did you mean `sru`?"),
        ("\"speedup\"", "\"spedup\"", "did you mean `speedup`?"),
        ("\"synthetic\"", "\"synthetc\"", "did you mean `synthetic`?"),
        ("train_speakers", "trainspeakers", "did you mean `train_speakers`?"),
    ] {
        workspace.write("typo.toml", RECIPE.replacen(right, wrong, 1));
        let line = line_of(right);
        let said = misunderstood(&workspace, "run typo.toml");
        assert!(said.error().starts_with(&format!("typo.toml:{line}: unknown ")), "{}", said.error());
        assert!(said.error().contains(wrong.trim_matches(['"', '[', ']'])), "{}", said.error());
        assert_eq!(said.hint(), hint);
    }
}

#[test]
fn a_recipe_that_is_no_toml_is_named_with_its_line() {
    let workspace = Workspace::new();
    for wrong in ["epochs = one", "epochs = -1", "epochs 1", "epochs = 1\nepochs = 2"] {
        workspace.write("typo.toml", RECIPE.replace("epochs = 1", wrong));
        let said = misunderstood(&workspace, "run typo.toml");
        let line = line_of("epochs = 1") + wrong.matches('\n').count();
        assert!(said.error().starts_with(&format!("typo.toml:{line}: ")), "{wrong}: {}", said.error());
    }
}

#[test]
fn an_override_at_fault_is_named_as_typed() {
    let workspace = Workspace::new();
    for (pair, message, hint) in [
        ("search.platfrm=silago", "unknown field `platfrm`", Some("did you mean `platform`?")),
        ("serch.platform=silago", "unknown field `serch`", Some("did you mean `search`?")),
        ("train.epochs=many", "invalid type: string \"many\", expected usize", None),
        ("epochs", "expected key=value", None),
        ("=3", "the key is empty", None),
        ("seed.x=3", "`seed` is a value, not a section", None),
    ] {
        let said = misunderstood(&workspace, &format!("run tiny.toml --set seed=1 --set {pair}"));
        assert!(said.error().starts_with(&format!("--set {pair}: {message}")), "{}", said.error());
        assert_eq!(said.err.lines().find_map(|line| line.strip_prefix("hint: ")), hint);
    }
}

#[test]
fn a_setting_out_of_its_range_is_named_by_its_key() {
    let workspace = Workspace::new();
    for (pair, message) in [
        ("train.epochs=0", "`train.epochs`: 0, expected at least 1"),
        ("features.bins=2", "`features.bins`: 2, expected 3 to 256"),
        ("data.synthetic.test_speakers=25", "`data.synthetic.test_speakers`: 25, expected 1 to 24"),
        ("data.states=9", "`data.states`: 9 states a phone, expected 1 to 8"),
        ("search.population=3", "`search.population`: 3 individuals, expected at least 4"),
        ("search.evaluations=3", "`search.evaluations`: 3 evaluations do not fill a population of 4"),
        ("search.objectives=[\"error\"]", "`search.objectives`: expected `error` and one or two others"),
    ] {
        assert_eq!(misunderstood(&workspace, &format!("run tiny.toml --set {pair}")).error(), message);
    }
    let said = misunderstood(&workspace, "run tiny.toml --set search.objectives=[\"error\",\"energy\"]");
    assert_eq!(said.error(), "`search.objectives`: platform `bitfusion` has no figures for `energy`");
    assert_eq!(said.hint(), "it prices memory, speedup");
    let said = misunderstood(&workspace, "run tiny.toml --set data.corpus=features --data x.npz");
    assert!(said.error().starts_with("`features.normalise`: `speaker`, expected `utterance`"), "{}", said.error());
    let said = workspace.refused(2, "data synth --out corpus --set sentences=0");
    assert!(said.err.contains("error: `sentences` is 0, expected 1 to 200"), "{}", said.err);
}

#[test]
fn names_of_recipes_and_platforms_are_corrected() {
    let workspace = Workspace::new();
    for recipe in ["demmo", "demo.tml"] {
        let said = misunderstood(&workspace, &format!("run {recipe}"));
        let known = "(demo, fsdd-digits, cells/lstm, cells/gru, cells/ligru, cells/sru, paper/1-memory, paper/2-silago, \
                     paper/3-bitfusion, paper/3-bitfusion-beacons)";
        assert_eq!(said.error(), format!("`{recipe}` is neither a file nor a built-in recipe {known}"));
        assert_eq!(said.hint(), "did you mean `demo`?");
    }
    assert_eq!(misunderstood(&workspace, "init --template paper/memory").hint(), "did you mean `paper/1-memory`?");
    for arguments in ["run tiny.toml --set search.platform=silgo", "platform show silgo"] {
        let said = misunderstood(&workspace, arguments);
        let names = "silago, bitfusion, bitfusion-ideal, bitfusion-streamed, bitfusion-resident, bit-serial-weight, \
                     bit-serial-activation, eyeriss-like, cortex-m4, cortex-m7, cortex-m55, gap8, xpulpnn, fpga-dsp48, none, host";
        let expected = format!("expected {names} or the path of a .toml file");
        assert_eq!(said.error(), format!("platform `silgo` is unknown, {expected}"));
        assert_eq!(said.hint(), "did you mean `silago`?");
    }
    let said = misunderstood(&workspace, "run tiny.toml --set search.platform=mine.toml");
    assert!(said.error().starts_with("platform file mine.toml: "), "{}", said.error());
}

#[test]
fn a_corpus_without_a_place_asks_for_one() {
    let workspace = Workspace::new();
    let said = misunderstood(&workspace, "run paper/1-memory");
    assert_eq!(said.error(), "`data.path`: this corpus has no default place");
    assert!(said.hint().contains("--data DIR"), "{}", said.hint());
}

#[test]
fn bits_that_are_no_precision_are_refused_before_anything_is_trained() {
    let workspace = Workspace::new();
    for (bits, wrong) in [("3x8", "3x8"), ("8x8,4y4", "4y4"), ("8x8x8", "8x8x8"), ("32", "32")] {
        let said = misunderstood(&workspace, &format!("quantize tiny.toml --bits 8x8 --bits {bits}"));
        let expected = "expected weight and activation bits of 2, 4, 8 or 16, like 4x8";
        assert_eq!(said.error(), format!("`{wrong}` is no precision, {expected}"));
    }
}

#[test]
fn bits_for_another_number_of_sites_are_refused() {
    let workspace = Workspace::new();
    let said = workspace.refused(2, "quantize tiny.toml --bits 8x8,4x4,2x2");
    assert_eq!(said.error(), "3 precisions for a network of 2 sites, expected one for all or one each");
}

#[test]
fn a_network_that_cannot_be_is_refused_by_layer() {
    let workspace = Workspace::new();
    workspace.write("tiny.toml", RECIPE.replace("hidden = 8", "hidden = 0"));
    let said = workspace.refused(2, "train tiny.toml");
    assert!(said.error().contains("`l0`") && said.error().contains("hidden is 0"), "{}", said.error());
    workspace.write("tiny.toml", RECIPE);
    workspace.ok("train tiny.toml");
}

#[test]
fn a_corpus_that_is_none_is_refused_with_those_there_are() {
    let workspace = Workspace::new();
    let said = misunderstood(&workspace, "run tiny.toml --corpus fsd");
    assert!(said.error().contains("'fsd'") && said.err.contains("synthetic, timit, fsdd, features"), "{}", said.err);
    let said = misunderstood(&workspace, "run tiny.toml --corpus timit");
    assert_eq!(said.error(), "`data.path`: this corpus has no default place");
    let said = misunderstood(&workspace, "run tiny.toml --corpus features --data x.npz");
    assert!(said.error().starts_with("`features.normalise`: `speaker`"), "{}", said.error());
    workspace.write("typo.toml", format!("{RECIPE}\n[corpus.timit.train]\nepoch = 3\n"));
    let said = misunderstood(&workspace, "run typo.toml");
    let line = RECIPE.lines().count() + 3;
    assert!(said.error().starts_with(&format!("typo.toml:{line}: unknown field `epoch`")), "{}", said.error());
    assert_eq!(said.hint(), "did you mean `epochs`?");
}
