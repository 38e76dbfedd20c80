//! Operators that take a part: one frame of a sequence, one direction of a layer, some of a constant or of a shape.

use super::super::error::ImportError;
use super::super::model::Pooled;
use super::axes::{axis, opaque};
use super::folding;
use super::length::Length;
use super::node::Node;
use super::products;
use super::shapes::{lengths, of_lengths};
use super::value::{Axis, Data, Meaning, Value};
use super::walk::Walk;

/// The cuts of a `Slice`: axis, start, end, step.
type Cut = (i64, Length, Length, i64);

/// The end of an axis, however exporters write it.
const TO_THE_END: i64 = (1 << 31) - 1;

fn cuts<'m>(walk: &mut Walk<'m>, node: &Node<'m>) -> Result<Vec<Cut>, ImportError> {
    let known = |values: &[i64]| values.iter().copied().map(Length::known).collect::<Vec<_>>();
    let (starts, ends, axes, steps) =
        if let (Some(starts), Some(ends)) = (node.integers("starts")?, node.integers("ends")?) {
            (known(starts), known(ends), node.integers("axes")?.map(known), None)
        } else {
            let mut all = Vec::new();
            for index in 1..5 {
                let value = walk.optional(node, index)?;
                let read = value.map(|value| lengths(&value).ok_or_else(|| opaque(node, &value))).transpose()?;
                all.push(read);
            }
            let [starts, ends, axes, steps] = all.try_into().expect("four of them");
            let missing = || node.refuse("starts or ends are missing");
            (starts.ok_or_else(missing)?, ends.ok_or_else(missing)?, axes, steps)
        };
    let count = starts.len();
    let axes = axes.unwrap_or_else(|| (0..count as i64).map(Length::known).collect());
    let steps = steps.unwrap_or_else(|| vec![Length::known(1); count]);
    if [ends.len(), axes.len(), steps.len()] != [count; 3] {
        return Err(node.refuse("starts, ends, axes and steps of different lengths"));
    }
    let all = starts.into_iter().zip(ends).zip(axes).zip(steps);
    all.map(|(((start, end), axis), step)| match (axis.value(), step.value()) {
        (Some(_), Some(0)) => Err(node.refuse("a step of 0")),
        (Some(axis), Some(step)) => Ok((axis, start, end, step)),
        _ => Err(node.refuse("axes or steps that cannot be known before there is data")),
    })
    .collect()
}

pub(super) fn slice<'m>(walk: &mut Walk<'m>, node: &Node<'m>, input: Value) -> Result<Value, ImportError> {
    let mut value = input;
    for (at, start, end, step) in cuts(walk, node)? {
        value = match value {
            Value::Data(data) => {
                let at = axis(node, at, data.axes.len())?;
                Value::Data(cut_data(walk, node, data, at, [&start, &end], step)?)
            }
            Value::Stacked(all) => {
                let (Some(start), Some(end), 0 | -3) = (start.value(), end.value(), at) else {
                    return Err(node.refuse("cuts final states other than by layer"));
                };
                let (first, count) = folding::slice(stack_height(&all), start, end, step);
                states(node, &all, first, count, true)?
            }
            other => {
                let (Some(start), Some(end)) = (start.value(), end.value()) else { return Err(opaque(node, &other)) };
                cut_known(walk, node, other, at, [start, end, step])?
            }
        };
    }
    Ok(value)
}

/// Constants, lengths and zeros.
fn cut_known<'m>(
    walk: &mut Walk<'m>,
    node: &Node<'m>,
    value: Value,
    at: i64,
    [start, end, step]: [i64; 3],
) -> Result<Value, ImportError> {
    Ok(match value {
        Value::Constant(constant) => {
            let at = axis(node, at, constant.shape.len())?;
            let (first, count) = folding::slice(constant.shape[at], start, end, step);
            walk.make_room(node, Some(constant.numbers.len()))?;
            let cut = constant.sliced(at, first, step as isize, count);
            Value::constant(cut.shape, cut.numbers)
        }
        Value::Lengths { scalar: false, values } => {
            axis(node, at, 1)?;
            let (first, count) = folding::slice(values.len(), start, end, step);
            let place = |index: usize| first.wrapping_add_signed(index as isize * step as isize);
            of_lengths(false, (0..count).map(|index| values[place(index)].clone()).collect())
        }
        Value::Filled { value, mut shape } => {
            let at = axis(node, at, shape.len())?;
            shape[at] = match shape[at].size() {
                Some(length) => Length::known(folding::slice(length, start, end, step).1 as i64),
                None if (start, step) == (0, 1) && end >= TO_THE_END => shape[at].clone(),
                None => Length::Unknown,
            };
            Value::Filled { value, shape }
        }
        other => return Err(opaque(node, &other)),
    })
}

fn cut_data(
    walk: &Walk<'_>,
    node: &Node<'_>,
    data: Data,
    at: usize,
    bounds: [&Length; 2],
    step: i64,
) -> Result<Data, ImportError> {
    let length = data.axes[at].length();
    let [start, end] = bounds.map(|bound| from_the_front(bound, &length));
    let whole_end = end == length || bounds[1].value().is_some_and(|end| end >= TO_THE_END);
    let past_the_end = || end.value().zip(length.value()).is_some_and(|(end, length)| end >= length);
    if step != 1 {
        return Err(node.refuse(format!("takes every {step}. of {}", data.describe())));
    }
    if start.value() == Some(0) && (whole_end || past_the_end()) {
        return Ok(data);
    }
    let one = start.plus(&Length::known(1));
    if one == end || (one == length && (whole_end || past_the_end())) {
        let mut data = one_of(walk, node, data, at, &start)?;
        data.axes[at] = Axis::default();
        return Ok(data);
    }
    Err(node.refuse(format!("cuts axis {at} of {}, expected one frame or one direction", data.describe())))
}

/// A place counted from the end of an axis, counted from its front.
fn from_the_front(place: &Length, length: &Length) -> Length {
    match place.value() {
        Some(value) if value < 0 => length.plus(place),
        _ => place.clone(),
    }
}

/// Element `place` along axis `at` of the data, the axis still there: a frame or a direction.
fn one_of(walk: &Walk<'_>, node: &Node<'_>, data: Data, at: usize, place: &Length) -> Result<Data, ImportError> {
    let length = data.axes[at].length();
    let last = place.plus(&Length::known(1)) == length;
    let meaning = data.axes[at].meaning();
    if length.value() == Some(1) && last && meaning != Some(Meaning::Feature) && !walk.is_time(meaning) {
        return Ok(data);
    }
    if meaning == Some(Meaning::Direction) && data.part.is_none() {
        let part = place.size().ok_or_else(|| node.refuse("takes a direction that is not known"))?;
        return Ok(Data { part: Some(part), ..data });
    }
    let refuse = |what: &str| Err(node.refuse(format!("takes {what} of {}", data.describe())));
    if !walk.is_time(meaning) || data.pooled.is_some() {
        return refuse(&format!("element {place} along axis {at}"));
    }
    let first = place.value() == Some(0);
    let backward = matches!(walk.recurrent(&data), Some((1, true))) || data.part == Some(1);
    let pooled = match (backward, data.reversed) {
        (false, false) if last => Pooled::LastFrame,
        (true, false) if last && data.part.is_some() => Pooled::LastFrame,
        (true, false) if first => Pooled::LastState,
        (true, true) if last => Pooled::LastState,
        _ => return refuse(&format!("frame {place}, expected the last one")),
    };
    Ok(Data { pooled: Some(pooled), reversed: false, ..data })
}

pub(super) fn gather<'m>(walk: &mut Walk<'m>, node: &Node<'m>, input: Value) -> Result<Value, ImportError> {
    let index = walk.needed(node, 1)?;
    let at = node.integer("axis")?.unwrap_or(0);
    if let (Value::Constant(table), Value::Data(rows)) = (&input, &index) {
        axis(node, at, 1)?;
        return products::embedding(walk, node, table, rows).map(Value::Data);
    }
    let places = lengths(&index).ok_or_else(|| opaque(node, &index))?;
    let scalar = index.shape().is_some_and(|shape| shape.is_empty());
    match input {
        Value::Data(data) => {
            let at = axis(node, at, data.axes.len())?;
            let [place] = places.as_slice() else {
                return Err(node.refuse(format!(
                    "takes {} elements of {}, expected one",
                    places.len(),
                    data.describe()
                )));
            };
            let place = from_the_front(place, &data.axes[at].length());
            let mut data = one_of(walk, node, data, at, &place)?;
            if scalar {
                data.axes.remove(at);
            } else {
                data.axes[at] = Axis::default();
            }
            Ok(Value::Data(data))
        }
        Value::Stacked(all) => {
            let ([place], 0) = (places.as_slice(), at) else {
                return Err(node.refuse("takes final states other than by layer"));
            };
            let height = stack_height(&all);
            let place = place.value().map(|place| folding::slice(height, place, i64::MAX, 1).0);
            let place =
                place.filter(|&place| place < height).ok_or_else(|| node.refuse("takes a state that is not there"))?;
            states(node, &all, place, 1, !scalar)
        }
        other => {
            let places: Option<Vec<i64>> = places.iter().map(Length::value).collect();
            let places = places.ok_or_else(|| opaque(node, &index))?;
            gather_known(walk, node, other, at, &places, scalar)
        }
    }
}

fn gather_known<'m>(
    walk: &mut Walk<'m>,
    node: &Node<'m>,
    value: Value,
    at: i64,
    places: &[i64],
    scalar: bool,
) -> Result<Value, ImportError> {
    let within = |length: usize| places.iter().map(|&place| axis(node, place, length)).collect::<Result<Vec<_>, _>>();
    Ok(match value {
        Value::Constant(constant) => {
            let at = axis(node, at, constant.shape.len())?;
            let places = within(constant.shape[at])?;
            let others = constant.numbers.len().checked_div(constant.shape[at]).unwrap_or(0);
            walk.make_room(node, others.checked_mul(places.len()))?;
            let shape = if scalar { Vec::new() } else { vec![places.len()] };
            let made = constant.gathered(at, &shape, &places);
            Value::constant(made.shape, made.numbers)
        }
        Value::Lengths { scalar: false, values } => {
            axis(node, at, 1)?;
            let places = within(values.len())?;
            of_lengths(scalar, places.into_iter().map(|place| values[place].clone()).collect())
        }
        Value::Filled { value, mut shape } => {
            let at = axis(node, at, shape.len())?;
            if scalar {
                shape.remove(at);
            } else {
                shape[at] = Length::known(places.len() as i64);
            }
            Value::Filled { value, shape }
        }
        other => return Err(opaque(node, &other)),
    })
}

/// States of all layers and directions.
fn stack_height(all: &[Data]) -> usize {
    all.iter().map(height).sum()
}

fn height(data: &Data) -> usize {
    if data.part.is_some() { 1 } else { data.axes[0].length().size().unwrap_or(1) }
}

/// `count` states from the `first` on, of one layer; their axis stays where `kept`.
fn states(node: &Node<'_>, all: &[Data], first: usize, count: usize, kept: bool) -> Result<Value, ImportError> {
    let mut below = 0;
    for data in all {
        let height = height(data);
        if first >= below && first + count <= below + height && count > 0 {
            let mut taken = data.clone();
            if count < height {
                if count != 1 {
                    break;
                }
                taken.part = Some(first - below);
                taken.axes[0] = Axis::default();
            }
            if !kept {
                taken.axes.remove(0);
            }
            return Ok(Value::Data(taken));
        }
        below += height;
    }
    Err(node.refuse(format!("takes {count} of {below} final states from number {first}, expected those of one layer")))
}

/// Frames of zeros before and behind, for the convolution that follows.
pub(super) fn pad<'m>(walk: &mut Walk<'m>, node: &Node<'m>, input: Value) -> Result<Value, ImportError> {
    let Value::Data(mut data) = input else { return Err(opaque(node, &input)) };
    if node.text("mode")?.is_some_and(|mode| mode != "constant") {
        return Err(node.refuse("pads by repeating frames, expected zeros"));
    }
    let rank = data.axes.len();
    let pads = match node.integers("pads")? {
        Some(pads) => pads.to_vec(),
        None => {
            let pads = walk.needed(node, 1)?;
            let pads = lengths(&pads).and_then(|pads| pads.iter().map(Length::value).collect::<Option<Vec<_>>>());
            pads.ok_or_else(|| node.refuse("pads by lengths that cannot be known before there is data"))?
        }
    };
    let value = node.float("value")?.unwrap_or(0.0);
    let given = walk.constant(node, 2)?;
    let zero = given.is_none_or(|given| given.floats().is_some_and(|values| values.iter().all(|&value| value == 0.0)));
    if value != 0.0 || !zero {
        return Err(node.refuse("pads by other than zeros"));
    }
    let axes = match walk.optional(node, 3)? {
        Some(axes) => {
            let places = lengths(&axes).and_then(|axes| axes.iter().map(Length::value).collect::<Option<Vec<_>>>());
            let places = places.ok_or_else(|| opaque(node, &axes))?;
            places.into_iter().map(|at| axis(node, at, rank)).collect::<Result<Vec<_>, _>>()?
        }
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(node.refuse(format!("{} pads for {} axes", pads.len(), axes.len())));
    }
    for (index, &at) in axes.iter().enumerate() {
        let both = [pads[index], pads[index + axes.len()]];
        if both == [0, 0] {
            continue;
        }
        let frames = both.map(|frames| usize::try_from(frames).ok().filter(|&frames| frames <= TO_THE_END as usize));
        let ([Some(before), Some(behind)], Some(Meaning::Input(time))) = (frames, data.axes[at].meaning()) else {
            return Err(node.refuse(format!("pads axis {at} of {} by {both:?}", data.describe())));
        };
        if *walk.roles.time.get_or_insert(time) != time || data.padding != [0, 0] || data.pooled.is_some() {
            return Err(node.refuse(format!("pads axis {at}, expected time")));
        }
        data.padding = [before, behind];
        for factor in &mut data.axes[at].0 {
            factor.length = factor.length.plus(&Length::known((before + behind) as i64));
        }
    }
    Ok(Value::Data(data))
}
