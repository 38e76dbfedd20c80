//! Operators that become layers: products, normalisations, functions of one number; and arithmetic between a layer and a
//! constant, which becomes part of one.

use super::super::error::ImportError;
use super::super::model::{Convolution, Dropped, Kind, turned};
use super::axes::{axis, opaque};
use super::constant::Constant;
use super::folding;
use super::length::Length;
use super::node::Node;
use super::value::{Axis, Data, Meaning, Value};
use super::walk::{Walk, What};
use super::{rows, shapes};
use crate::nn::Pointwise;
use crate::tensor::Matrix;

/// Added to the variance of a layer norm; the network's own.
const LAYER_NORM_EPSILON: f32 = 1e-5;

/// Symbols above this are lengths that convolutions make.
const MADE_SYMBOLS: u32 = 1 << 16;

/// The value of a node that becomes a layer.
pub(super) fn layer<'m>(walk: &mut Walk<'m>, node: &Node<'m>) -> Result<Value, ImportError> {
    let data = match walk.first(node)? {
        Value::Data(data) => data,
        other => return Err(opaque(node, &other)),
    };
    let pointwise = |function| What::Layer(Kind::Pointwise(function));
    let (what, at) = match node.operator() {
        "Gemm" => (gemm(walk, node, &data)?, 1),
        "MatMul" => (product(walk, node, &data)?, data.axes.len() - 1),
        "Conv" => return convolution(walk, node, data).map(Value::Data),
        "BatchNormalization" => (batch_norm(walk, node, &data)?, 1),
        "LayerNormalization" => (layer_norm(walk, node, &data)?, data.axes.len() - 1),
        "Relu" => (pointwise(Pointwise::Relu), feature_axis(node, &data)?),
        "Tanh" => (pointwise(Pointwise::Tanh), feature_axis(node, &data)?),
        "Sigmoid" => (pointwise(Pointwise::Sigmoid), feature_axis(node, &data)?),
        _ => softmax(walk, node, &data)?,
    };
    framewise(walk, node, data, at, what).map(Value::Data)
}

/// The data behind a layer that makes each frame of one, whose features lie along axis `at`.
fn framewise<'m>(walk: &mut Walk<'m>, node: &Node<'m>, data: Data, at: usize, what: What) -> Result<Data, ImportError> {
    let inputs = features(node, &data, at)?;
    let outputs = match &what {
        What::Layer(kind) => kind.outputs(inputs),
        _ => inputs,
    };
    let layer = walk.push(node, &data, what)?;
    let mut axes = data.axes;
    axes[at] = Axis::one(Meaning::Feature, Length::known(outputs as i64));
    Ok(Data { axes, layer: Some(layer), ..Data { axes: Vec::new(), ..data } })
}

/// Number of features along axis `at`, which holds all of them.
fn features(node: &Node<'_>, data: &Data, at: usize) -> Result<usize, ImportError> {
    data.features(at).ok_or_else(|| {
        node.refuse(format!("axis {at} of {} does not hold all features of the layer before", data.describe()))
    })
}

/// The axis of features; for the input itself, the last one of known length.
fn feature_axis(node: &Node<'_>, data: &Data) -> Result<usize, ImportError> {
    let found = (0..data.axes.len()).rev().find(|&axis| data.features(axis).is_some());
    found.ok_or_else(|| node.refuse(format!("input of shape {} has no axis of all features", data.describe())))
}

/// α·x·B + β·c.
fn gemm<'m>(walk: &mut Walk<'m>, node: &Node<'m>, data: &Data) -> Result<What, ImportError> {
    let (alpha, beta) = (node.float("alpha")?.unwrap_or(1.0), node.float("beta")?.unwrap_or(1.0));
    if data.axes.len() != 2 || node.integer("transA")?.unwrap_or(0) != 0 {
        return Err(node.refuse(format!("input of shape {}, expected frames and features", data.describe())));
    }
    let weight = walk.floats(node, 1)?;
    let &[rows, cols] = weight.shape.as_slice() else {
        return Err(node.refuse(format!("B has shape {:?}, expected two dimensions", weight.shape)));
    };
    let numbers = weight.floats().unwrap_or_default();
    let mut weight = if node.integer("transB")?.unwrap_or(0) != 0 {
        turned(numbers, cols)
    } else {
        Matrix::from_rows(rows, cols, numbers.to_vec())
    };
    fits(node, "B", weight.rows(), features(node, data, 1)?)?;
    weight.data_mut().iter_mut().for_each(|value| *value *= alpha);
    let outputs = weight.cols();
    let mut bias = vec![0.0; outputs];
    if let Some(constant) = walk.constant(node, 2)? {
        let given = constant.floats().unwrap_or_default();
        if given.len() != outputs && given.len() != 1 {
            return Err(
                node.refuse(format!("C has shape {:?}, expected one number for each of {outputs}", constant.shape))
            );
        }
        bias.iter_mut().zip(given.iter().cycle()).for_each(|(bias, &value)| *bias = beta * value);
    }
    Ok(What::Layer(Kind::Linear { weight, bias }))
}

fn fits(node: &Node<'_>, name: &str, got: usize, expected: usize) -> Result<(), ImportError> {
    if got == expected { Ok(()) } else { Err(node.refuse(format!("{name} takes {got} features, expected {expected}"))) }
}

fn product<'m>(walk: &mut Walk<'m>, node: &Node<'m>, data: &Data) -> Result<What, ImportError> {
    let weight = walk.floats(node, 1)?;
    let &[rows, cols] = weight.shape.as_slice() else {
        return Err(node.refuse(format!("B has shape {:?}, expected two dimensions", weight.shape)));
    };
    if data.axes.is_empty() {
        return Err(node.refuse("its input is a single number"));
    }
    fits(node, "B", rows, features(node, data, data.axes.len() - 1)?)?;
    let weight = Matrix::from_rows(rows, cols, weight.floats().unwrap_or_default().to_vec());
    Ok(What::Layer(Kind::Linear { weight, bias: vec![0.0; cols] }))
}

/// (x − mean) / √(variance + ε) ⊙ scale + bias.
fn batch_norm<'m>(walk: &mut Walk<'m>, node: &Node<'m>, data: &Data) -> Result<What, ImportError> {
    if node.integer("training_mode")?.unwrap_or(0) != 0 {
        return Err(node.refuse("in training mode"));
    }
    let epsilon = f64::from(node.float("epsilon")?.unwrap_or(1e-5));
    if data.axes.len() < 2 {
        return Err(node.refuse(format!("input of shape {} has no axis 1", data.describe())));
    }
    let width = features(node, data, 1)?;
    let mut all = Vec::new();
    for (index, name) in [(1, "scale"), (2, "B"), (3, "mean"), (4, "var")] {
        let constant = walk.floats(node, index)?;
        fits(node, name, constant.numbers.len(), width)?;
        all.push(constant);
    }
    let numbers = |at: usize| all[at].floats().unwrap_or_default();
    let (scale, shift) = normalisation([numbers(0), numbers(1), numbers(2), numbers(3)], epsilon);
    Ok(What::Layer(Kind::Affine { scale, shift }))
}

/// The scale and the shift of a batch norm after training: of gain, bias, mean and variance.
pub(in super::super) fn normalisation([gain, bias, mean, variance]: [&[f32]; 4], epsilon: f64) -> (Vec<f32>, Vec<f32>) {
    let each = gain.iter().zip(bias).zip(mean).zip(variance);
    each.map(|(((&gain, &bias), &mean), &variance)| {
        let scale = f64::from(gain) / (f64::from(variance) + epsilon).sqrt();
        (scale as f32, (f64::from(bias) - f64::from(mean) * scale) as f32)
    })
    .unzip()
}

fn layer_norm<'m>(walk: &mut Walk<'m>, node: &Node<'m>, data: &Data) -> Result<What, ImportError> {
    let epsilon = node.float("epsilon")?.unwrap_or(LAYER_NORM_EPSILON);
    if (epsilon - LAYER_NORM_EPSILON).abs() > 1e-3 * LAYER_NORM_EPSILON {
        return Err(node.refuse(format!("epsilon {epsilon}, expected {LAYER_NORM_EPSILON}")));
    }
    let rank = data.axes.len();
    if rank == 0 || axis(node, node.integer("axis")?.unwrap_or(-1), rank)? + 1 != rank {
        return Err(node.refuse("over more than the last axis"));
    }
    let width = features(node, data, rank - 1)?;
    let gain = walk.floats(node, 1)?;
    fits(node, "Scale", gain.numbers.len(), width)?;
    let bias = walk.constant(node, 2)?;
    if let Some(bias) = &bias {
        fits(node, "B", bias.numbers.len(), width)?;
    }
    let numbers = |constant: &Constant| constant.floats().unwrap_or_default().to_vec();
    let bias = bias.map_or_else(|| vec![0.0; width], |bias| numbers(&bias));
    Ok(What::Layer(Kind::LayerNorm { gain: numbers(&gain), bias }))
}

fn softmax<'m>(walk: &Walk<'m>, node: &Node<'m>, data: &Data) -> Result<(What, usize), ImportError> {
    let rank = data.axes.len();
    // Before operator set 13, over all axes from axis 1 on.
    let default = if walk.opset < 13 { 1 } else { -1 };
    let at = axis(node, node.integer("axis")?.unwrap_or(default), rank)?;
    if data.features(at).is_none() || (walk.opset < 13 && at + 1 != rank) {
        return Err(node.refuse(format!("over axis {at} of {}, expected over the features", data.describe())));
    }
    Ok((What::End(if node.operator() == "Softmax" { Dropped::Softmax } else { Dropped::LogSoftmax }), at))
}

/// A convolution over time: `[batch, features, time]`, with another axis of length 1 where it was made for images.
fn convolution<'m>(walk: &mut Walk<'m>, node: &Node<'m>, mut data: Data) -> Result<Data, ImportError> {
    let weight = walk.floats(node, 1)?;
    let time = match (data.axes.len(), weight.shape.as_slice()) {
        (3, [_, _, _]) => 2,
        (4, [_, _, 1, _]) if data.axes[2].length().value() == Some(1) => 3,
        (4, [_, _, _, 1]) if data.axes[3].length().value() == Some(1) => 2,
        (_, shape) => {
            let reason = format!("W of shape {shape:?} over {}, expected a convolution over time", data.describe());
            return Err(node.refuse(reason));
        }
    };
    if data.pooled.is_some() || data.reversed || data.part.is_some() {
        return Err(node.refuse("over less than all frames of a layer, in their order"));
    }
    walk.bind(node, &data, time, 0)?;
    let inputs = features(node, &data, 1)?;
    let &[outputs, taken, ..] = weight.shape.as_slice() else { unreachable!("three or four dimensions") };
    let group = node.integer("group")?.unwrap_or(1);
    if group != 1 {
        return Err(node.refuse(format!("{group} groups, expected 1")));
    }
    fits(node, "W", taken, inputs)?;
    let kernel = weight.shape[time];
    let spatial = time - 2;
    let stride = window(node, "strides", spatial)?;
    if window(node, "dilations", spatial)? != 1 || stride == 0 || kernel == 0 {
        return Err(node.refuse("a dilation, expected neighbouring frames"));
    }
    let length = data.axes[time].length();
    let mut padding = paddings(node, data.axes.len() - 2, spatial, [kernel, stride], &length)?;
    padding.iter_mut().zip(data.padding).for_each(|(own, before)| *own = own.saturating_add(before));
    let own: usize = padding.iter().sum::<usize>() - data.padding.iter().sum::<usize>();
    data.padding = [0, 0];
    let bias = walk.constant(node, 2)?;
    let bias = bias.map_or_else(|| vec![0.0; outputs], |bias| bias.floats().unwrap_or_default().to_vec());
    fits(node, "B", bias.len(), outputs)?;
    let weight = by_frame(weight.floats().unwrap_or_default(), outputs, inputs, kernel);
    let layer =
        walk.push(node, &data, What::Layer(Kind::Conv1d(Convolution { weight, bias, kernel, stride, padding })))?;
    let covered = length.plus(&Length::known(own as i64 - kernel as i64));
    let frames = match (covered.size(), stride) {
        (Some(covered), stride) => Length::known((covered / stride + 1) as i64),
        (None, 1) if covered != Length::Unknown => covered.plus(&Length::known(1)),
        _ => Length::symbol(MADE_SYMBOLS + layer as u32),
    };
    let mut axes = data.axes;
    let meaning = axes[time].meaning().ok_or_else(|| node.refuse("over a single frame"))?;
    axes[time] = Axis::one(meaning, frames);
    axes[1] = Axis::one(Meaning::Feature, Length::known(outputs as i64));
    Ok(Data::new(axes, Some(layer)))
}

/// The number of an attribute of one for each axis of a window; those beside time are 1.
fn window(node: &Node<'_>, name: &str, spatial: usize) -> Result<usize, ImportError> {
    let all = node.integers(name)?.unwrap_or_default();
    let own = all.get(spatial).copied().unwrap_or(1);
    let beside = all.iter().enumerate().any(|(at, &other)| at != spatial && other != 1);
    match usize::try_from(own) {
        Ok(own) if !beside => Ok(own),
        _ => Err(node.refuse(format!("{name} {all:?}"))),
    }
}

/// Frames of zeros before and behind.
fn paddings(
    node: &Node<'_>,
    axes: usize,
    spatial: usize,
    [kernel, stride]: [usize; 2],
    length: &Length,
) -> Result<[usize; 2], ImportError> {
    match node.text("auto_pad")?.as_deref() {
        None | Some("NOTSET") => {
            let all = node.integers("pads")?.unwrap_or_default();
            let at = |place: usize| all.get(place).copied().unwrap_or(0);
            let own = [spatial, spatial + axes].map(|place| usize::try_from(at(place)).ok().filter(|&n| n < 1 << 31));
            let beside = (0..all.len()).any(|place| place % axes != spatial && all[place] != 0);
            match own {
                [Some(before), Some(behind)] if !beside => Ok([before, behind]),
                _ => Err(node.refuse(format!("pads {all:?}"))),
            }
        }
        Some("VALID") => Ok([0, 0]),
        Some(same @ ("SAME_UPPER" | "SAME_LOWER")) => {
            let total = match length.size() {
                _ if stride == 1 => kernel - 1,
                Some(length) => ((length.div_ceil(stride).saturating_sub(1)) * stride + kernel).saturating_sub(length),
                None => return Err(node.refuse(format!("auto_pad {same} with stride {stride} over an open length"))),
            };
            let (less, more) = (total / 2, total - total / 2);
            Ok(if same == "SAME_UPPER" { [less, more] } else { [more, less] })
        }
        Some(other) => Err(node.refuse(format!("auto_pad `{other}`"))),
    }
}

/// `[outputs, inputs, kernel]` as `[kernel · inputs, outputs]`.
pub(in super::super) fn by_frame(values: &[f32], outputs: usize, inputs: usize, kernel: usize) -> Matrix {
    let mut weight = Matrix::zeros(kernel * inputs, outputs);
    for (output, rows) in values.chunks_exact((inputs * kernel).max(1)).enumerate() {
        for (at, &value) in rows.iter().enumerate() {
            weight.row_mut(at % kernel * inputs + at / kernel)[output] = value;
        }
    }
    weight
}

/// Rows of `table` by their numbers.
pub(super) fn embedding<'m>(
    walk: &mut Walk<'m>,
    node: &Node<'m>,
    table: &Constant,
    rows: &Data,
) -> Result<Data, ImportError> {
    let (&[vocabulary, outputs], Some(values)) = (table.shape.as_slice(), table.floats()) else {
        return Err(node.refuse(format!("a table of shape {:?}, expected floats in two dimensions", table.shape)));
    };
    if rows.layer.is_some() {
        return Err(node.refuse("looks up rows by the output of a layer, expected the input"));
    }
    let table = Matrix::from_rows(vocabulary, outputs, values.to_vec());
    let layer = walk.push(node, rows, What::Layer(Kind::Embedding(table)))?;
    let mut axes = rows.axes.clone();
    axes.push(Axis::one(Meaning::Feature, Length::known(outputs as i64)));
    Ok(Data::new(axes, Some(layer)))
}

/// `Add`, `Sub`, `Mul` or `Div`.
pub(super) fn elementwise<'m>(walk: &mut Walk<'m>, node: &Node<'m>) -> Result<Value, ImportError> {
    let (a, b) = (walk.first(node)?, walk.needed(node, 1)?);
    let operator = node.operator();
    match (&a, &b) {
        (Value::Data(_) | Value::Stacked(_), Value::Data(_) | Value::Stacked(_)) => {
            Err(node.refuse("of two ways of the data, expected one"))
        }
        (Value::Data(data), Value::Constant(constant)) if data.rows && constant.integers().is_some() => {
            Ok(rows::moved(data))
        }
        (Value::Filled { value, shape }, other) | (other, Value::Filled { value, shape }) => {
            rows::with_filled(operator, (*value, shape), other).ok_or_else(|| opaque(node, other))
        }
        (Value::Data(data), Value::Constant(constant)) => affine(walk, node, data, constant, false),
        (Value::Constant(constant), Value::Data(data)) => affine(walk, node, data, constant, true),
        (Value::Constant(first), Value::Constant(second)) => {
            let shape =
                Constant::broadcast(first, second).ok_or_else(|| node.refuse("shapes that do not go together"))?;
            walk.make_room(node, shape.iter().try_fold(1_usize, |n, &length| n.checked_mul(length)))?;
            let made = folding::operate(operator, first, second, &shape);
            let made = made.ok_or_else(|| node.refuse("constants that cannot be computed with"))?;
            Ok(Value::constant(made.shape, made.numbers))
        }
        _ => shapes::arithmetic(operator, &a, &b).ok_or_else(|| opaque(node, &a)),
    }
}

/// The data and a constant for each feature: a scale and a shift.
fn affine<'m>(
    walk: &mut Walk<'m>,
    node: &Node<'m>,
    data: &Data,
    constant: &Constant,
    constant_first: bool,
) -> Result<Value, ImportError> {
    let Some(values) = constant.floats() else { return Err(node.refuse("integers beside the data, expected floats")) };
    let rank = data.axes.len();
    let long: Vec<usize> = (0..constant.shape.len()).filter(|&at| constant.shape[at] != 1).collect();
    let at = match long[..] {
        [] => feature_axis(node, data)?,
        [at] if constant.shape.len() <= rank => at + rank - constant.shape.len(),
        _ => {
            return Err(
                node.refuse(format!("a constant of shape {:?}, expected one number for each feature", constant.shape))
            );
        }
    };
    let width = features(node, data, at)?;
    walk.make_room(node, Some(width))?;
    let all: Vec<f32> = if values.len() == 1 { vec![values[0]; width] } else { values.to_vec() };
    fits(node, "the constant", all.len(), width)?;
    let (scale, shift) = match (node.operator(), constant_first) {
        ("Add", _) => (vec![1.0; width], all),
        ("Sub", false) => (vec![1.0; width], all.iter().map(|value| -value).collect()),
        ("Sub", true) => (vec![-1.0; width], all),
        ("Mul", _) => (all, vec![0.0; width]),
        ("Div", false) => (all.iter().map(|value| 1.0 / value).collect(), vec![0.0; width]),
        _ => return Err(node.refuse("a constant divided by the data")),
    };
    if let Some(odd) = scale.iter().find(|value| !value.is_finite()) {
        return Err(node.refuse(format!("a scale of {odd}")));
    }
    framewise(walk, node, data.clone(), at, What::Layer(Kind::Affine { scale, shift })).map(Value::Data)
}
