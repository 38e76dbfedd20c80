//! Every task that a container can hold, from its file to the report of a search.

use crate::workspace::Workspace;
use serde_json::{Map, Value, json};

/// Sequences of two noisy numbers a frame; what is to be learned of them follows from these numbers.
const DIM: usize = 2;

/// One layer of eight units on a file of features.
const RECIPE: &str = r#"name = "task"

[data]
corpus = "features"
path = "data.safetensors"

[features]
normalise = "none"

[network]
layers = [{ kind = "sru", name = "l0", hidden = 8 }, { kind = "linear", name = "fc" }]

[train]
epochs = 6
batch = 4
learning_rate = 0.02
dropout = 0.0

[search]
platform = "bitfusion"
objectives = ["error", "memory"]
population = 4
offspring = 4
evaluations = 8
"#;

/// On ten sequences a single error is ten points, and eight candidates see few good ones.
const WIDE: &str = "[search.limits]\nerror_increase = 60\n";

/// What the labels of a sequence are.
enum Labels {
    Integers(Vec<usize>, Vec<i64>),
    Floats(Vec<usize>, Vec<f32>),
}

/// A safetensors file in the making.
#[derive(Default)]
struct Container {
    header: Map<String, Value>,
    data: Vec<u8>,
}

impl Container {
    fn add(&mut self, name: &str, dtype: &str, shape: &[usize], bytes: impl Iterator<Item = u8>) {
        let start = self.data.len();
        self.data.extend(bytes);
        let ends = [start, self.data.len()];
        self.header.insert(name.to_owned(), json!({ "dtype": dtype, "shape": shape, "data_offsets": ends }));
    }

    fn bytes(self) -> Vec<u8> {
        let header = Value::Object(self.header).to_string();
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &self.data].concat()
    }
}

/// Forty sequences to train on, ten to validate and ten to test, with the labels that `labels` finds in `[frames, DIM]`.
fn container(labels: impl Fn(&[f32]) -> Labels) -> Vec<u8> {
    altered(|x| x, labels)
}

/// The same of numbers that `alter` has changed.
fn altered(alter: impl Fn(Vec<f32>) -> Vec<f32>, labels: impl Fn(&[f32]) -> Labels) -> Vec<u8> {
    let mut state = 12_345_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    let mut container = Container::default();
    for (split, count) in [("train", 40), ("valid", 10), ("test", 10)] {
        for i in 0..count {
            let frames = 12 + i % 7;
            let x = alter((0..frames * DIM).map(|_| random()).collect());
            let bytes = x.iter().flat_map(|value| value.to_le_bytes());
            container.add(&format!("{split}/{i:02}.x"), "F32", &[frames, DIM], bytes);
            let name = format!("{split}/{i:02}.y");
            match labels(&x) {
                Labels::Integers(shape, values) => {
                    container.add(&name, "I64", &shape, values.iter().flat_map(|value| value.to_le_bytes()));
                }
                Labels::Floats(shape, values) => {
                    container.add(&name, "F32", &shape, values.iter().flat_map(|value| value.to_le_bytes()));
                }
            }
        }
    }
    container.bytes()
}

/// A workspace with `RECIPE`, `more` of it, and `data`.
fn workspace(more: &str, data: Vec<u8>) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("task.toml", format!("{RECIPE}\n{more}"));
    workspace.write("data.safetensors", data);
    workspace
}

fn number(object: &Value, pointer: &str) -> f64 {
    object.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number at {pointer} in {object}"))
}

/// Runs everything and checks what all tasks have in common: a front in the metric, the same front again out of the log, and
/// pages and tables that name the metric. Returns the closing object.
fn searched(workspace: &Workspace, name: &str, unit: &str) -> Value {
    let object = workspace.ok("run task.toml --json").json();
    assert_eq!(object["metric"], json!({ "name": name, "unit": unit }));
    assert_eq!(object.get("error_percent").is_some(), unit == "%", "{object}");
    assert_eq!(object["evaluations"], 8);
    assert!(object["front"].as_array().is_some_and(|front| !front.is_empty()), "{object}");
    let again = workspace.ok("run task.toml --json --resume").json();
    for key in ["front", "uniform", "hypervolume", "error"] {
        assert_eq!(again[key], object[key], "{key}");
    }
    let told = workspace.ok("run task.toml --resume").out;
    assert!(told.contains(&format!("float network: {name} valid ")), "{told}");
    assert!(told.contains(format!("search {unit}").trim_end()), "{told}");
    let report: Value = serde_json::from_str(&workspace.text("runs/task/report.json")).expect("JSON");
    assert_eq!((&report["baseline"]["error_name"], &report["baseline"]["error_unit"]), (&json!(name), &json!(unit)));
    assert!(workspace.text("runs/task/report.html").contains(name));
    object
}

#[test]
fn sequences_are_searched_by_the_class_of_their_last_frame() {
    let data = container(|x| Labels::Integers(vec![], vec![i64::from(x[x.len() - DIM] > 0.0)]));
    let object = searched(&workspace(&format!("[task]\npooling = \"last\"\n{WIDE}"), data), "sequence error rate", "%");
    assert!(number(&object, "/error/float") <= 20.0, "{object}");
}

#[test]
fn a_network_from_a_file_is_searched_as_the_run_that_trained_it() {
    let data = container(|x| Labels::Integers(vec![], vec![i64::from(x[x.len() - DIM] > 0.0)]));
    let workspace = workspace(&format!("[task]\npooling = \"last\"\n{WIDE}"), data);
    let trained = workspace.ok("run task.toml --json").json();
    std::fs::copy(workspace.path("runs/task/network.safetensors"), workspace.path("given.safetensors"))
        .expect("copied");
    let request = "run task.toml --network given.safetensors --out given --json";
    let given = workspace.ok(request).json();
    for key in ["float", "front", "uniform", "hypervolume"] {
        assert_eq!(given[key], trained[key], "{key}");
    }
    let training: Value = serde_json::from_str(&workspace.text("given/training.json")).expect("JSON");
    assert_eq!(training["history"]["epochs"], json!([]), "nothing was trained");
    // The directory keeps the network: the file may go, but not become another one.
    std::fs::remove_file(workspace.path("given.safetensors")).expect("removed");
    assert_eq!(workspace.ok(&format!("{request} --resume")).json()["front"], trained["front"]);
    workspace.ok("train task.toml --seed 2 --out other");
    std::fs::copy(workspace.path("other/network.safetensors"), workspace.path("given.safetensors")).expect("copied");
    let said = workspace.refused(1, &format!("{request} --resume"));
    assert_eq!(said.error(), "F/given: this run directory holds a run with another network in `network.file`");
}

#[test]
fn a_file_that_holds_no_network_for_the_data_is_refused() {
    let data = container(|x| Labels::Integers(vec![], vec![i64::from(x[x.len() - DIM] > 0.0)]));
    let workspace = workspace("", data);
    let said = workspace.refused(2, "train task.toml --network data.safetensors");
    assert!(said.hint().starts_with("mohaq import F/data.safetensors --out"), "{said:?}");
    let model = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/import/tagger.legacy.onnx");
    workspace.write("model.onnx", std::fs::read(model).expect("a golden"));
    workspace.refused(2, "train task.toml --network model.onnx");
    workspace.ok("import model.onnx --out network.safetensors");
    let said = workspace.refused(1, "train task.toml --network network.safetensors");
    assert_eq!(said.error(), "F/network.safetensors: the network has 5 inputs and 3 outputs, the data 2 and 2");
    let said = workspace.refused(2, "train task.toml --network absent.safetensors");
    assert_eq!(said.hint(), "mohaq import MODEL --out F/absent.safetensors makes one of a model");
    // Layers in the recipe and a file in it are one too many.
    let said = workspace.refused(2, "train task.toml --set network.file=network.safetensors");
    assert!(said.error().contains("network.file"), "{said:?}");
}

#[test]
fn a_regression_is_searched_in_the_unit_of_its_targets() {
    // Half the sum of this frame's first number and the one before, in mK: ±1000 mK.
    let target = |x: &[f32], t: usize| 500.0 * (x[t * DIM] + if t == 0 { 0.0 } else { x[(t - 1) * DIM] });
    let data = container(|x| {
        let frames = x.len() / DIM;
        Labels::Floats(vec![frames, 1], (0..frames).map(|t| target(x, t) / 1000.0).collect())
    });
    let workspace = workspace("[task]\nunit = \"K\"\n", data);
    let object = searched(&workspace, "root mean square error", "K");
    // Saying 0 for everything misses by √(1/6) of a kelvin.
    assert!(number(&object, "/error/float") < 0.3, "{object}");
    assert!(number(&object, "/front/0/error") < 0.4, "{object}");
    let report: Value = serde_json::from_str(&workspace.text("runs/task/report.json")).expect("JSON");
    let limit = &report["constraints"][0];
    assert_eq!((&limit["name"], &limit["unit"]), (&json!("error"), &json!("K")));
    let float = number(&report, "/baseline/search_error");
    assert_eq!(number(limit, "/limit"), float + 0.5 * float, "half of the float network's error, where nobody says");
    assert_eq!(report["training_units"], json!({ "loss": "squares", "error": "K" }));
    // What a recipe says is in the same unit.
    let refused = workspace.ok("run task.toml --out tight --json --set search.limits.error=1e-6").json();
    assert_eq!(refused["front"], json!([]), "nothing keeps a limit of a millionth");
    let said = workspace.ok("data check data.safetensors").out;
    assert!(said.starts_with("features: 2 values a frame, targets of frames, 1 each"), "{said}");
}

/// A text of labels 1 and 2: the signs of the first numbers that are far from 0, as many as there are.
fn text(x: &[f32]) -> Labels {
    let far = x.chunks_exact(DIM).map(|row| row[0]).filter(|number| number.abs() > 0.6);
    let labels: Vec<i64> = far.map(|number| if number > 0.0 { 1 } else { 2 }).collect();
    Labels::Integers(vec![labels.len()], labels)
}

/// No two neighbours are far from 0, so that repeats can be told apart: every second frame is near it.
fn apart(mut x: Vec<f32>) -> Vec<f32> {
    x.chunks_exact_mut(2 * DIM).for_each(|pair| pair[0] *= 0.1);
    x
}

#[test]
fn texts_are_searched_by_their_label_error_rate() {
    let workspace = workspace(&format!("[task]\nkind = \"ctc\"\nbeam = 4\n{WIDE}"), altered(apart, text));
    // Alignments take their time to be found.
    workspace.write(
        "task.toml",
        workspace.text("task.toml").replace("epochs = 6", "epochs = 40\npatience = 40\ndecay = 1.0"),
    );
    let object = searched(&workspace, "label error rate", "%");
    assert!(number(&object, "/error/float") <= 50.0, "{object}");
    let report: Value = serde_json::from_str(&workspace.text("runs/task/report.json")).expect("JSON");
    assert!(number(&report, "/baseline/test/edits/reference") > 0.0, "edits are told apart");
}

#[test]
fn a_text_that_its_frames_have_no_room_for_is_refused_by_name() {
    let data = container(|x| Labels::Integers(vec![x.len()], vec![1; x.len()]));
    let said = workspace("[task]\nkind = \"ctc\"\n", data).refused(1, "train task.toml");
    // 12 frames of two numbers: 24 labels, all the same.
    assert_eq!(
        said.error(),
        "sequence `00`: 12 frames, expected at least 47 for 24 labels and a blank in each of 23 repeats"
    );
}

#[test]
fn next_tokens_are_searched_by_perplexity() {
    // Of four tokens, by the signs of this frame's numbers; nothing is said of what follows the last frame.
    let data = container(|x| {
        let token = |row: &[f32]| i64::from(row[0] > 0.0) + 2 * i64::from(row[1] > 0.0);
        let mut tokens: Vec<i64> = x.chunks_exact(DIM).map(token).collect();
        tokens.pop();
        tokens.push(-1);
        Labels::Integers(vec![tokens.len()], tokens)
    });
    let object = searched(&workspace("[task]\nkind = \"next_token\"\n", data), "perplexity", "perplexity");
    // 4 is to know nothing, 1 is to know everything.
    let float = number(&object, "/error/float");
    assert!((1.0..2.5).contains(&float), "{object}");
    let front = object["front"].as_array().expect("a list");
    assert!(front.iter().all(|member| number(member, "/error") >= 1.0), "{object}");
}

/// The bytes of the outputs' file, and a mark for every call.
#[cfg(unix)]
const SCORE: &str = "echo call >> calls\nwc -c < \"$1\"\necho $(( $(cksum < \"$1\" | cut -d ' ' -f 1) % 1000 ))\n";

#[cfg(unix)]
#[test]
fn a_command_judges_in_place_of_the_task() {
    let data = container(|x| {
        Labels::Integers(vec![x.len() / DIM], x.iter().step_by(DIM).map(|&v| i64::from(v > 0.0)).collect())
    });
    let score = "[score]\ncommand = [\"sh\", \"score.sh\"]\nname = \"surprise\"\nunit = \"bits\"\n";
    let workspace = workspace(score, data);
    workspace.write("score.sh", SCORE);
    let object = searched(&workspace, "surprise", "bits");
    let errors = object["front"].as_array().expect("a list").iter().map(|member| number(member, "/error"));
    assert!(errors.into_iter().all(|error| error.fract() == 0.0 && (0.0..1000.0).contains(&error)), "{object}");
    // Resumed, the log answers for all candidates: what is asked again are the float network and the uniform precisions.
    let calls = || workspace.text("calls").lines().count();
    let before = calls();
    workspace.ok("run task.toml --resume");
    assert!(calls() - before < 12, "{} calls more after {before}", calls() - before);
    // Another script is another search.
    workspace.write("score.sh", SCORE.replace("1000", "999"));
    let said = workspace.refused(1, "run task.toml --resume");
    assert!(said.error().contains("score command"), "{}", said.err);
}

#[cfg(unix)]
#[test]
fn a_command_that_says_no_number_ends_the_run_with_its_words() {
    let data = container(|x| Labels::Integers(vec![], vec![i64::from(x[0] > 0.0)]));
    let workspace = workspace("[score]\ncommand = [\"sh\", \"score.sh\"]\n", data);
    workspace.write("score.sh", "echo no module named numpy >&2; exit 7");
    let said = workspace.refused(1, "run task.toml");
    assert_eq!(
        said.error(),
        "score command `sh score.sh`: ended with exit status: 7, expected exit status 0; stderr ends: no module named numpy"
    );
}
