//! Inputs from a file, run through the network, beside the outputs in it.

use super::Import;
use super::error::ImportError;
use super::model::{Dropped, Layout, Pooled};
use crate::nn::{Batch, Float, Layer, LayerDescription, Network, Parameter, SiteOps, SkipDescription, log_softmax};
use crate::tensor::Matrix;
use crate::{Error, Result};
use mohaq_speech::container::{Array, Values, decode_npz};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;

/// A result within a comparison.
type Outcome<T> = std::result::Result<T, ImportError>;

/// How far an output of the network is from the one in a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The array of inputs.
    pub input: String,
    /// The array of outputs.
    pub output: String,
    /// Numbers compared.
    pub numbers: usize,
    /// The largest absolute difference.
    pub largest: f32,
}

/// How arrays lie, where neither model nor file says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axes {
    /// `[time, batch, features]`.
    TimeFirst,
    /// `[batch, time, features]`.
    BatchFirst,
}

/// Numbers of an array as sequences one after the other.
#[derive(Debug)]
struct Sequences {
    frames: Matrix,
    starts: Vec<usize>,
    count: usize,
}

impl Import {
    /// Runs every `x` of the `.npz` file at `path` and compares with the `y` of the same ending (`x2`, `y2`), and with final
    /// states (`h_n`, `c_n`) where the file has them beside `x`.
    ///
    /// Arrays are `[time, batch, features]`, or as the model, `axes` or a key `batch_first` in the file says; without a
    /// batch, `[frames, features]`; numbers of rows have no last axis.
    ///
    /// # Errors
    /// [`Error::Import`] by key where shapes do not fit, where there is nothing to compare, or where an initial state is not
    /// zero; [`Error::Speech`] for a file that is no archive of arrays; [`Error::Io`].
    pub fn check(&self, path: &Path, axes: Option<Axes>) -> Result<Vec<Comparison>> {
        let bytes = std::fs::read(path).map_err(|source| Error::io(path, source))?;
        let arrays: BTreeMap<String, Array> = decode_npz(&bytes, path)?.into_iter().collect();
        self.compare(&arrays, axes).map_err(|source| Error::Import { path: path.to_owned(), source })
    }

    fn compare(&self, arrays: &BTreeMap<String, Array>, axes: Option<Axes>) -> Outcome<Vec<Comparison>> {
        for key in ["h0", "h_0", "c0", "c_0"] {
            if arrays.get(key).is_some_and(|array| numbers(array).iter().any(|&value| value != 0.0)) {
                return Err(ImportError::check(Some(key), "an initial state that is not zero"));
            }
        }
        let flag = arrays.get("batch_first").is_some_and(|array| numbers(array).iter().any(|&value| value != 0.0));
        let flag = flag.then_some(Axes::BatchFirst);
        let given = axes.or(flag).map(|axes| match axes {
            Axes::TimeFirst => Layout::TimeFirst,
            Axes::BatchFirst => Layout::BatchFirst,
        });
        let layout = given.or(self.layout).unwrap_or(Layout::TimeFirst);
        let mut comparisons = Vec::new();
        for (key, array) in arrays {
            let Some(end) = key.strip_prefix('x') else { continue };
            let batch = self.sequences(key, array, layout)?;
            let output = format!("y{end}");
            if let Some(want) = arrays.get(&output) {
                let got = self.outputs(&batch)?;
                comparisons.push(compared(key, &output, &got, want, layout)?);
            }
            if end.is_empty() {
                comparisons.extend(self.states(key, &batch, arrays)?);
            }
        }
        if comparisons.is_empty() {
            return Err(ImportError::check(None, "no array `x` with a `y`, expected both"));
        }
        Ok(comparisons)
    }

    /// The input of `array` as the network takes it.
    fn sequences(&self, key: &str, array: &Array, layout: Layout) -> Outcome<Sequences> {
        let width = self.network.inputs();
        let table = matches!(self.network.layers().first(), Some(Layer::Embedding(_)));
        let mut shape = array.shape.clone();
        if table {
            shape.push(1);
        }
        // A sequence by itself: its frames are those of a batch of one.
        let (layout, shape) = match shape[..] {
            [frames, features] => (Layout::TimeFirst, vec![frames, 1, features]),
            _ => (layout, shape),
        };
        let layout = if table && layout == Layout::Channels { Layout::BatchFirst } else { layout };
        let refuse = |reason: String| ImportError::check(Some(key), reason);
        let places = places(&shape, layout).filter(|places| places.width == width);
        let places =
            places.ok_or_else(|| refuse(format!("has shape {:?}, expected {width} features a frame", array.shape)))?;
        let values = numbers(array);
        if let Some(Layer::Embedding(table)) = self.network.layers().first() {
            let rows = table.weight.rows() as f32;
            if let Some(odd) = values.iter().find(|&&row| row.fract() != 0.0 || !(0.0..rows).contains(&row)) {
                return Err(refuse(format!("holds {odd}, expected numbers of rows below {rows}")));
            }
        }
        Ok(places.gather(&values))
    }

    /// What the model gives for `batch`: `[frames or sequences, outputs]`.
    fn outputs(&self, batch: &Sequences) -> Outcome<Sequences> {
        let (before, behind) = match self.pooling {
            Some((after, _)) => (after, self.network.layers().len()),
            None => (self.network.layers().len(), 0),
        };
        let mut made = run(&part(&self.network, 0..before)?, batch)?;
        if let Some((_, pooled)) = self.pooling {
            let both = before.checked_sub(1).is_some_and(|at| directions(&self.network.layers()[at]) == 2);
            made = pool(&made, pooled, both)?;
            if before < behind {
                made = run(&part(&self.network, before..behind)?, &made)?;
            }
        }
        if let Some(function) = self.dropped {
            log_softmax(&mut made.frames);
            if function == Dropped::Softmax {
                made.frames.data_mut().iter_mut().for_each(|value| *value = libm::expf(*value));
            }
        }
        Ok(made)
    }

    /// Final hidden outputs and states of all recurrent layers beside those in the file, `[layers · directions, batch, width]`.
    fn states(&self, key: &str, batch: &Sequences, arrays: &BTreeMap<String, Array>) -> Outcome<Vec<Comparison>> {
        let mut comparisons = Vec::new();
        for (names, cells) in [(["h_n", "hn"], false), (["c_n", "cn"], true)] {
            let found = names.iter().find_map(|&name| arrays.get(name).map(|array| (name, array)));
            let Some((name, want)) = found else { continue };
            let mut all = Vec::new();
            let mut directions_each = 1;
            for (at, layer) in self.network.layers().iter().enumerate().filter(|(_, layer)| directions(layer) > 0) {
                let frames = if cells { self.cells(at, batch)? } else { run(&part(&self.network, 0..at + 1)?, batch)? };
                directions_each = directions(layer);
                all.push(pool(&frames, Pooled::LastState, directions_each == 2)?);
            }
            // `sru` keeps the directions of a layer side by side, PyTorch one above the other.
            let beside = want.shape.len() == 3 && want.shape[0] == all.len();
            let got: Vec<f32> =
                all.iter().flat_map(|states| above(states, if beside { 1 } else { directions_each })).collect();
            let want = numbers(want);
            if got.len() != want.len() {
                let reason = format!("holds {} numbers, the network has {} final ones", want.len(), got.len());
                return Err(ImportError::check(Some(name), reason));
            }
            comparisons.push(Comparison {
                input: key.into(),
                output: name.into(),
                numbers: got.len(),
                largest: largest(&got, &want),
            });
        }
        Ok(comparisons)
    }

    /// The cell states of layer `at` in every frame.
    fn cells(&self, at: usize, batch: &Sequences) -> Outcome<Sequences> {
        match &self.network.layers()[at] {
            Layer::Recurrent(_) => {
                let seen = Seen { layer: at, values: Mutex::new(None) };
                run_with(&part(&self.network, 0..at + 1)?, batch, &seen)?;
                let states = seen.values.into_inner().ok().flatten();
                let frames =
                    states.ok_or_else(|| ImportError::check(None, format!("layer {at} has no cell states")))?;
                Ok(Sequences { frames, starts: batch.starts.clone(), count: batch.count })
            }
            _ => run(&opened(&self.network, at)?, batch),
        }
    }
}

/// Takes down the cell states of a layer.
struct Seen {
    layer: usize,
    values: Mutex<Option<Matrix>>,
}

impl SiteOps<f32> for Seen {
    fn unbounded(&self, layer: usize, values: &Matrix) {
        if layer == self.layer
            && let Ok(mut seen) = self.values.lock()
        {
            *seen = Some(values.clone());
        }
    }
}

/// The network up to layer `at`, simple recurrent units, with their reset gates open and without a highway: what it gives
/// are their states.
fn opened(network: &Network, at: usize) -> Outcome<Network> {
    let Layer::Sru(sru) = &network.layers()[at] else {
        return Err(ImportError::check(None, format!("layer {at} has no cell states")));
    };
    let mut description = network.description().clone();
    description.layers.truncate(at + 1);
    if let Some(LayerDescription::Sru(sru)) = description.layers.last_mut() {
        sru.skip = SkipDescription::None;
    }
    let mut opened = Network::zeros(&description).map_err(|error| unlikely(&error))?;
    let weight = format!("{}.weight", sru.name);
    for (parameter, source) in opened.parameters_mut().into_iter().zip(parameters(network, 0..at + 1)) {
        if source.name == weight {
            *parameter.values = without_highway(source.values, sru.directions, sru.hidden);
        } else {
            parameter.values.clone_from(source.values);
        }
        if source.name == format!("{}.vectors", sru.name) {
            parameter.values.row_mut(1).fill(0.0);
        } else if source.name == format!("{}.bias", sru.name) {
            // σ(100) is 1 to the last bit.
            parameter.values.row_mut(1).fill(100.0);
        }
    }
    Ok(opened)
}

/// The columns of candidate and forget gate of every direction, zeros for the reset gate, and no more.
fn without_highway(weight: &Matrix, directions: usize, hidden: usize) -> Matrix {
    let given = weight.cols() / directions;
    let mut kept = Matrix::zeros(weight.rows(), directions * 3 * hidden);
    for row in 0..weight.rows() {
        for direction in 0..directions {
            let from = &weight.row(row)[direction * given..][..2 * hidden];
            kept.row_mut(row)[direction * 3 * hidden..][..2 * hidden].copy_from_slice(from);
        }
    }
    kept
}

/// Directions of a recurrent layer; 0 of others.
fn directions(layer: &Layer) -> usize {
    match layer {
        Layer::Sru(sru) => sru.directions,
        Layer::Recurrent(recurrent) => recurrent.shape.directions,
        _ => 0,
    }
}

/// Some layers of a network by themselves.
fn part(network: &Network, layers: Range<usize>) -> Outcome<Network> {
    let mut description = network.description().clone();
    description.input =
        description.layers[..layers.start].iter().fold(description.input, |width, layer| layer.outputs(width));
    description.layers = description.layers[layers.clone()].to_vec();
    let mut part = Network::zeros(&description).map_err(|error| unlikely(&error))?;
    for (parameter, source) in part.parameters_mut().into_iter().zip(parameters(network, layers)) {
        parameter.values.clone_from(source.values);
    }
    Ok(part)
}

/// The parameters of some layers, in their order.
fn parameters(network: &Network, layers: Range<usize>) -> impl Iterator<Item = Parameter<'_>> {
    let names = network.description().names()[layers].to_vec();
    let layer = |parameter: &Parameter<'_>| parameter.name.split('.').next().unwrap_or_default().to_owned();
    network.parameters().into_iter().filter(move |parameter| names.contains(&layer(parameter)))
}

fn unlikely(error: &Error) -> ImportError {
    ImportError::check(None, error.to_string())
}

fn run(network: &Network, batch: &Sequences) -> Outcome<Sequences> {
    run_with(network, batch, &Float)
}

fn run_with(network: &Network, batch: &Sequences, ops: &impl SiteOps<f32>) -> Outcome<Sequences> {
    let input = Batch::new(batch.frames.clone(), batch.starts.clone()).map_err(|error| unlikely(&error))?;
    let frames = network.forward(&input, ops);
    Ok(Sequences { frames, starts: network.output_starts(&batch.starts).into_owned(), count: batch.count })
}

/// One row for each sequence.
fn pool(batch: &Sequences, pooled: Pooled, both: bool) -> Outcome<Sequences> {
    let (width, rows) = (batch.frames.cols(), &batch.frames);
    let mut values = Vec::with_capacity(batch.count * width);
    for ends in batch.starts.windows(2) {
        let (first, last) = (ends[0], ends[1].checked_sub(1).filter(|&last| last >= ends[0]));
        let last = last.ok_or_else(|| ImportError::check(None, "a sequence without frames"))?;
        match pooled {
            Pooled::LastState if both => {
                values.extend_from_slice(&rows.row(last)[..width / 2]);
                values.extend_from_slice(&rows.row(first)[width / 2..]);
            }
            Pooled::LastFrame | Pooled::LastState => values.extend_from_slice(rows.row(last)),
            Pooled::Mean => {
                let count = (last + 1 - first) as f64;
                let mean =
                    |column: usize| (first..=last).map(|row| f64::from(rows.row(row)[column])).sum::<f64>() / count;
                values.extend((0..width).map(|column| mean(column) as f32));
            }
        }
    }
    let frames = Matrix::from_rows(batch.count, width, values);
    Ok(Sequences { frames, starts: (0..=batch.count).collect(), count: batch.count })
}

/// `[batch, directions · width]` as `[directions, batch, width]`, in one row.
fn above(states: &Sequences, directions: usize) -> Vec<f32> {
    let width = states.frames.cols() / directions;
    let of = |direction: usize| {
        (0..states.count).flat_map(move |row| states.frames.row(row)[direction * width..][..width].to_vec())
    };
    (0..directions).flat_map(of).collect()
}

/// Where the numbers of an array of three axes lie.
#[derive(Clone, Copy, Debug)]
struct Places {
    time: usize,
    batch: usize,
    width: usize,
    strides: [usize; 3],
}

fn places(shape: &[usize], layout: Layout) -> Option<Places> {
    let &[a, b, c] = shape else { return None };
    let (first, second) = (b.checked_mul(c)?, c);
    Some(match layout {
        Layout::TimeFirst => Places { time: a, batch: b, width: c, strides: [first, second, 1] },
        Layout::BatchFirst => Places { time: b, batch: a, width: c, strides: [second, first, 1] },
        Layout::Channels => Places { time: c, batch: a, width: b, strides: [1, first, second] },
    })
}

impl Places {
    fn gather(&self, values: &[f32]) -> Sequences {
        let [time, batch, feature] = self.strides;
        let mut frames = Matrix::zeros(self.time * self.batch, self.width);
        for sequence in 0..self.batch {
            for frame in 0..self.time {
                for (column, value) in frames.row_mut(sequence * self.time + frame).iter_mut().enumerate() {
                    *value = values[frame * time + sequence * batch + column * feature];
                }
            }
        }
        Sequences { frames, starts: (0..=self.batch).map(|sequence| sequence * self.time).collect(), count: self.batch }
    }
}

fn compared(input: &str, output: &str, got: &Sequences, want: &Array, layout: Layout) -> Outcome<Comparison> {
    let (width, count) = (got.frames.cols(), got.count);
    let frames = got.frames.rows().checked_div(count).unwrap_or(0);
    let values = numbers(want);
    let fits = |places: &Places| (places.time, places.batch, places.width) == (frames, count, width);
    let orders = [layout, Layout::TimeFirst, Layout::BatchFirst, Layout::Channels];
    let wanted = match want.shape[..] {
        [rows, columns] if columns == width && rows == got.frames.rows() && (count == 1 || frames == 1) => Some(values),
        _ => orders
            .iter()
            .find_map(|&order| places(&want.shape, order).filter(fits))
            .map(|places| places.gather(&values).frames.into_data()),
    };
    let wanted = wanted.ok_or_else(|| {
        let reason =
            format!("has shape {:?}, the network gives {frames} frames of {width} for {count} sequences", want.shape);
        ImportError::check(Some(output), reason)
    })?;
    let largest = largest(got.frames.data(), &wanted);
    Ok(Comparison { input: input.into(), output: output.into(), numbers: wanted.len(), largest })
}

/// The largest absolute difference; NaN wherever there is one.
fn largest(got: &[f32], want: &[f32]) -> f32 {
    let differences = got.iter().zip(want).map(|(a, b)| (a - b).abs());
    differences
        .fold(0.0, |largest, difference| if difference.is_nan() || difference > largest { difference } else { largest })
}

fn numbers(array: &Array) -> Vec<f32> {
    match &array.values {
        Values::Floats(values) => values.iter().map(|&value| value as f32).collect(),
        Values::Integers(values) => values.iter().map(|&value| value as f32).collect(),
    }
}
