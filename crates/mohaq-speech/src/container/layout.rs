//! Keys and shapes of the layout: arrays to a dataset.

use super::array::{Array, Arrays, Values};
use super::{SPLITS, TaskKind, TaskSettings};
use crate::dataset::{Dataset, Features, NO_LABEL, Pooling, Sequence, Task};
use crate::error::{Error, Result};
use crate::features::check_finite;
use std::path::Path;

/// Largest number of classes that a network's output is made for.
const MOST_CLASSES: i64 = 1 << 20;

/// Keys that say something of the whole container.
pub(super) fn is_scalar(key: &str) -> bool {
    matches!(key, "classes" | "frame_shift_s")
}

pub(super) fn dataset(mut arrays: Arrays, path: &Path, settings: &TaskSettings) -> Result<Dataset> {
    let text = settings.kind == Some(TaskKind::Ctc);
    let mut layout = Layout { path, text, dim: None, kind: None, largest: -1 };
    let classes = arrays.remove("classes").map(|array| layout.classes(&array)).transpose()?;
    let frame_shift_s = arrays.remove("frame_shift_s").map(|array| layout.frame_shift(&array)).transpose()?;
    let mut splits = [Vec::new(), Vec::new(), Vec::new()];
    while let Some((key, array)) = arrays.pop_first() {
        let (split, name) = layout.parse_key(&key)?;
        let stem = &key[..key.len() - ".x".len()];
        let labels = arrays
            .remove(&format!("{stem}.y"))
            .ok_or_else(|| layout.refuse(&key, format!("has no labels `{stem}.y`")))?;
        splits[split].push(layout.sequence(&key, name, array, &labels)?);
    }
    for (sequences, split) in splits.iter().zip(SPLITS) {
        if sequences.is_empty() {
            return Err(Error::EmptySplit { source_name: path.display().to_string(), split });
        }
    }
    let task = layout.task(classes, settings)?;
    if matches!(task, Task::Sequences { .. }) {
        for (sequences, split) in splits.iter().zip(SPLITS) {
            if let Some(sequence) = sequences.iter().find(|sequence| sequence.labels == [NO_LABEL]) {
                let key = format!("{split}/{}.y", sequence.id);
                return Err(layout.refuse(&key, "is −1, expected the class of the sequence".into()));
            }
        }
    }
    let [train, valid, test] = splits;
    Ok(Dataset {
        name: path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
        dim: layout.dim.map_or(0, |(dim, _)| dim),
        task,
        frame_shift_s,
        train,
        valid,
        test,
        notes: Vec::new(),
    })
}

/// Whether labels are of frames or of sequences, or so many numbers a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LabelKind {
    Frames,
    Sequences,
    Targets(usize),
    /// To be recognised, any number a sequence.
    Text,
}

impl LabelKind {
    /// The task that is meant where nobody says.
    const fn usual_task(self) -> TaskKind {
        match self {
            Self::Frames => TaskKind::Frames,
            Self::Sequences => TaskKind::Sequences,
            Self::Targets(_) => TaskKind::Regression,
            Self::Text => TaskKind::Ctc,
        }
    }

    /// Whether labels of this kind can be those of `task`.
    const fn serve(self, task: TaskKind) -> bool {
        matches!(
            (self, task),
            (Self::Frames, TaskKind::Frames | TaskKind::NextToken)
                | (Self::Sequences, TaskKind::Sequences)
                | (Self::Targets(_), TaskKind::Regression)
                | (Self::Text, TaskKind::Ctc)
        )
    }
}

/// What the arrays seen so far have in common.
struct Layout<'a> {
    path: &'a Path,
    /// Whether labels are to be recognised.
    text: bool,
    /// Values a frame, and the key that said so.
    dim: Option<(usize, String)>,
    /// What labels are of, and the key that said so.
    kind: Option<(LabelKind, String)>,
    largest: i64,
}

impl Layout<'_> {
    fn refuse(&self, key: &str, reason: String) -> Error {
        Error::Container { path: self.path.into(), key: Some(key.to_owned()), reason }
    }

    fn scalar<'v>(&self, key: &str, array: &'v Array) -> Result<&'v Values> {
        if array.values.len() == 1 {
            Ok(&array.values)
        } else {
            Err(self.refuse(key, format!("has shape {:?}, expected one number", array.shape)))
        }
    }

    fn classes(&self, array: &Array) -> Result<i64> {
        match self.scalar("classes", array)? {
            Values::Integers(values) if (1..=MOST_CLASSES).contains(&values[0]) => Ok(values[0]),
            Values::Integers(values) => {
                Err(self.refuse("classes", format!("is {}, expected 1 to {MOST_CLASSES}", values[0])))
            }
            Values::Floats(values) => Err(self.refuse("classes", format!("is {}, expected an integer", values[0]))),
        }
    }

    fn frame_shift(&self, array: &Array) -> Result<f64> {
        let seconds = match self.scalar("frame_shift_s", array)? {
            Values::Integers(values) => values[0] as f64,
            Values::Floats(values) => values[0],
        };
        if seconds > 0.0 && seconds.is_finite() {
            Ok(seconds)
        } else {
            Err(self.refuse("frame_shift_s", format!("is {seconds}, expected a positive number of seconds")))
        }
    }

    /// Index of the split and the sequence's name, of a key that ends in `.x`.
    fn parse_key<'k>(&self, key: &'k str) -> Result<(usize, &'k str)> {
        let layout = "expected `train/NAME.x`, `.y` and the same for `valid/` and `test/`";
        let known = key
            .split_once('/')
            .and_then(|(split, rest)| Some((SPLITS.iter().position(|&known| known == split)?, rest)));
        let Some((split, rest)) = known else { return Err(self.refuse(key, format!("unknown key, {layout}"))) };
        if let Some(name) = rest.strip_suffix(".x") {
            Ok((split, name))
        } else if rest.ends_with(".y") {
            // In order, features come before their labels and take them along.
            Err(self.refuse(key, "labels without features `.x`".into()))
        } else {
            Err(self.refuse(key, format!("unknown key, {layout}")))
        }
    }

    fn sequence(&mut self, key: &str, name: &str, array: Array, labels: &Array) -> Result<Sequence> {
        let features = self.features(key, array)?;
        let (key, frames) = (format!("{}.y", &key[..key.len() - 2]), features.frames());
        let (labels, targets) = match &labels.values {
            Values::Integers(values) => (self.labels(&key, &labels.shape, values, frames)?, Vec::new()),
            Values::Floats(values) => (Vec::new(), self.targets(&key, &labels.shape, values, frames)?),
        };
        let (id, speaker, reference) = (name.to_owned(), String::new(), Vec::new());
        Ok(Sequence { id, speaker, features, labels, targets, reference })
    }

    fn features(&mut self, key: &str, array: Array) -> Result<Features> {
        let &[frames, dim] = array.shape.as_slice() else {
            return Err(self.refuse(key, format!("has shape {:?}, expected [frames, dim]", array.shape)));
        };
        let Values::Floats(values) = array.values else {
            return Err(self.refuse(key, "has integers, expected f32 or f64".into()));
        };
        if frames == 0 || dim == 0 {
            return Err(self.refuse(key, format!("has shape [{frames}, {dim}], expected at least one frame and value")));
        }
        let (expected, first) = self.dim.get_or_insert_with(|| (dim, key.to_owned()));
        if *expected != dim {
            let reason = format!("has {dim} values a frame, expected {expected} as in `{first}`");
            return Err(self.refuse(key, reason));
        }
        let features = Features { dim, values: values.into_iter().map(|value| value as f32).collect() };
        check_finite(&features, &format!("{}: `{key}`", self.path.display()))?;
        Ok(features)
    }

    fn labels(&mut self, key: &str, shape: &[usize], values: &[i64], frames: usize) -> Result<Vec<u32>> {
        let kind = match shape {
            [_] if self.text => Some(LabelKind::Text),
            [] => Some(LabelKind::Sequences),
            // One label for one frame is either; the other sequences tell.
            [1] if frames == 1 => None,
            [1] => Some(LabelKind::Sequences),
            &[length] if length == frames => Some(LabelKind::Frames),
            shape => {
                let reason = format!("has shape {shape:?}, expected [{frames}] as the features, or [] or [1]");
                return Err(self.refuse(key, reason));
            }
        };
        if let Some(kind) = kind {
            self.agree(key, kind)?;
        }
        values.iter().enumerate().map(|(at, &label)| self.label(key, at, label)).collect()
    }

    fn targets(&mut self, key: &str, shape: &[usize], values: &[f64], frames: usize) -> Result<Vec<f32>> {
        let outputs = match shape {
            &[length] if length == frames => 1,
            &[length, outputs] if length == frames && outputs > 0 => outputs,
            shape => {
                let reason = format!("has shape {shape:?}, expected [{frames}, targets] or [{frames}] as the features");
                return Err(self.refuse(key, reason));
            }
        };
        self.agree(key, LabelKind::Targets(outputs))?;
        let targets = Features { dim: outputs, values: values.iter().map(|&value| value as f32).collect() };
        check_finite(&targets, &format!("{}: `{key}`", self.path.display()))?;
        Ok(targets.values)
    }

    /// Refuses labels of another kind than the first ones.
    fn agree(&mut self, key: &str, kind: LabelKind) -> Result<()> {
        let (expected, first) = self.kind.get_or_insert_with(|| (kind, key.to_owned()));
        if *expected == kind {
            return Ok(());
        }
        let reason = format!("has {}, but `{first}` has {}", say(kind), say(*expected));
        Err(self.refuse(key, reason))
    }

    fn label(&mut self, key: &str, at: usize, label: i64) -> Result<u32> {
        self.largest = self.largest.max(label);
        match label {
            -1 if self.text => Err(self.refuse(key, format!("label {at} is −1, expected labels to be recognised"))),
            -1 => Ok(NO_LABEL),
            0..MOST_CLASSES => Ok(label as u32),
            _ => Err(self.refuse(key, format!("label {at} is {label}, expected −1 to {}", MOST_CLASSES - 1))),
        }
    }

    fn task(&self, classes: Option<i64>, settings: &TaskSettings) -> Result<Task> {
        let labels = self.kind.as_ref().map_or(LabelKind::Sequences, |(kind, _)| *kind);
        let kind = settings.kind.unwrap_or(labels.usual_task());
        if !labels.serve(kind) {
            return Err(unused("kind", kind.key(), "a task for such labels", labels));
        }
        if kind != TaskKind::Sequences && settings.pooling != Pooling::default() {
            return Err(unused("pooling", "last", "one label a sequence to pool for", labels));
        }
        if kind != TaskKind::Regression && !settings.unit.is_empty() {
            return Err(unused("unit", &settings.unit, "numbers a frame to have it", labels));
        }
        if kind != TaskKind::Ctc && settings.blank != 0 {
            return Err(unused("blank", &settings.blank.to_string(), "labels to be recognised beside it", labels));
        }
        if kind != TaskKind::Ctc && settings.beam != 1 {
            return Err(unused("beam", &settings.beam.to_string(), "labels to be recognised", labels));
        }
        Ok(match (kind, labels) {
            (_, LabelKind::Targets(outputs)) if classes.is_none() => {
                Task::Regression { outputs, unit: settings.unit.clone() }
            }
            (_, LabelKind::Targets(_)) => {
                return Err(self.refuse("classes", format!("is of labels, but sequences have {}", say(labels))));
            }
            (TaskKind::Sequences, _) => {
                Task::Sequences { classes: self.classes_or(classes)?, pooling: settings.pooling }
            }
            (TaskKind::Ctc, _) => {
                let (blank, beam) = (settings.blank, settings.beam.max(1));
                let classes = self.classes_or(classes)?.max(blank as usize + 1);
                Task::Ctc { classes, blank, beam }
            }
            (TaskKind::NextToken, _) => Task::NextToken { tokens: self.classes_or(classes)? },
            (TaskKind::Frames | TaskKind::Regression, _) => Task::Frames { classes: self.classes_or(classes)? },
        })
    }

    /// `classes` where the file says, or else what the labels need.
    fn classes_or(&self, classes: Option<i64>) -> Result<usize> {
        let needed = self.largest + 1;
        if needed == 0 {
            let reason = "no sequence has a label".into();
            return Err(Error::Container { path: self.path.into(), key: None, reason });
        }
        match classes.filter(|&classes| classes < needed) {
            Some(classes) => Err(self.refuse("classes", format!("is {classes}, but label {} occurs", self.largest))),
            None => Ok(classes.unwrap_or(needed) as usize),
        }
    }
}

/// A setting that labels of this `kind` have no use for.
fn unused(name: &'static str, value: &str, expected: &str, kind: LabelKind) -> Error {
    Error::Setting { name, expected: expected.to_owned(), got: format!("`{value}` with {}", say(kind)) }
}

fn say(kind: LabelKind) -> String {
    match kind {
        LabelKind::Frames => "a label a frame".to_owned(),
        LabelKind::Sequences => "one label".to_owned(),
        LabelKind::Text => "labels to be recognised".to_owned(),
        LabelKind::Targets(1) => "a target a frame".to_owned(),
        LabelKind::Targets(outputs) => format!("{outputs} targets a frame"),
    }
}
