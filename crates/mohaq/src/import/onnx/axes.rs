//! Operators that move, merge and cut axes: of constants, of lengths, and of the data, whose axes keep their meaning.

use super::super::error::ImportError;
use super::super::model::{Kind, Pooled};
use super::constant::{Constant, MOST_AXES};
use super::length::Length;
use super::node::Node;
use super::reshape::reshaped;
use super::shapes::{LONGEST, lengths, of_lengths};
use super::value::{Axis, Data, Factor, Meaning, Value};
use super::walk::{Walk, What};
use super::{cut, recurrent};

/// The value that a node makes of its input by moving it about.
pub(super) fn moved<'m>(walk: &mut Walk<'m>, node: &Node<'m>) -> Result<Value, ImportError> {
    let input = walk.first(node)?;
    match node.operator() {
        "Transpose" => transpose(walk, node, input),
        "Reshape" => {
            let target = walk.needed(node, 1)?;
            let target = lengths(&target).ok_or_else(|| opaque(node, &target))?;
            reshape(walk, node, input, &target)
        }
        "Flatten" => {
            let shape = input.shape().ok_or_else(|| opaque(node, &input))?;
            let at = axis(node, node.integer("axis")?.unwrap_or(1), shape.len() + 1)?;
            let target = [&shape[..at], &shape[at..]].map(Length::product);
            reshape(walk, node, input, &target)
        }
        "Squeeze" => {
            let axes = axes(walk, node)?;
            squeeze(walk, node, input, axes)
        }
        "Unsqueeze" => {
            let axes = axes(walk, node)?.ok_or_else(|| node.refuse("axes are missing"))?;
            unsqueeze(walk, node, input, &axes)
        }
        "Slice" => cut::slice(walk, node, input),
        "Gather" => cut::gather(walk, node, input),
        "Concat" => concat(walk, node),
        "Pad" => cut::pad(walk, node, input),
        "ReverseSequence" => reverse(walk, node, input),
        "ReduceMean" => mean(walk, node, input),
        _ => unreachable!("the walk sends no others here"),
    }
}

pub(super) fn opaque(node: &Node<'_>, value: &Value) -> ImportError {
    node.refuse(format!("depends on {}, which cannot be known before there is data", value.label()))
}

/// Axis `at` of `rank` axes, where negative ones count from the end.
pub(super) fn axis(node: &Node<'_>, at: i64, rank: usize) -> Result<usize, ImportError> {
    let place = if at < 0 { at.checked_add_unsigned(rank as u64) } else { Some(at) };
    let place = place.and_then(|place| usize::try_from(place).ok()).filter(|&place| place < rank);
    place.ok_or_else(|| node.refuse(format!("axis {at} of {rank} axes")))
}

/// The axes of a node: an attribute in older operator sets, an input in newer ones.
fn axes<'m>(walk: &mut Walk<'m>, node: &Node<'m>) -> Result<Option<Vec<i64>>, ImportError> {
    if let Some(axes) = node.integers("axes")? {
        return Ok(Some(axes.to_vec()));
    }
    let given = walk.constant(node, 1)?;
    let integers = |constant: &Constant| constant.integers().map(<[i64]>::to_vec);
    given.map(|constant| integers(&constant).ok_or_else(|| node.refuse("axes are no integers"))).transpose()
}

fn transpose<'m>(walk: &mut Walk<'m>, node: &Node<'m>, input: Value) -> Result<Value, ImportError> {
    let rank = input.shape().ok_or_else(|| opaque(node, &input))?.len();
    let order: Vec<usize> = match node.integers("perm")? {
        Some(order) => order.iter().map(|&at| axis(node, at, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).rev().collect(),
    };
    if (0..rank).any(|at| !order.contains(&at)) || order.len() != rank {
        return Err(node.refuse(format!("perm {order:?} of {rank} axes")));
    }
    Ok(match input {
        Value::Constant(constant) => {
            walk.make_room(node, Some(constant.numbers.len()))?;
            let turned = constant.transposed(&order);
            Value::constant(turned.shape, turned.numbers)
        }
        Value::Filled { value, shape } => {
            Value::Filled { value, shape: order.iter().map(|&at| shape[at].clone()).collect() }
        }
        Value::Data(data) => {
            let axes = order.iter().map(|&at| data.axes[at].clone()).collect();
            Value::Data(Data { axes, ..data })
        }
        other => return Err(opaque(node, &other)),
    })
}

fn reshape<'m>(walk: &mut Walk<'m>, node: &Node<'m>, input: Value, target: &[Length]) -> Result<Value, ImportError> {
    let zeros_copy = node.integer("allowzero")?.unwrap_or(0) == 0;
    match input {
        Value::Data(data) => {
            let axes = reshaped(&data.axes, target, zeros_copy).map_err(|reason| {
                let target: Vec<String> = target.iter().map(Length::to_string).collect();
                node.refuse(format!("from {} to [{}]: {reason}", data.describe(), target.join(", ")))
            })?;
            Ok(Value::Data(Data { axes, ..data }))
        }
        Value::Constant(constant) => {
            walk.make_room(node, Some(constant.numbers.len()))?;
            let shape = static_shape(&constant, target, zeros_copy);
            let made = shape.and_then(|shape| constant.reshaped(shape));
            let made =
                made.ok_or_else(|| node.refuse(format!("does not fit a constant of shape {:?}", constant.shape)))?;
            Ok(Value::constant(made.shape, made.numbers))
        }
        Value::Lengths { values, .. } if target.len() <= 1 => Ok(of_lengths(target.is_empty(), values)),
        Value::Filled { value, .. } => Ok(Value::Filled { value, shape: target.to_vec() }),
        Value::Repeated { value, .. } => Ok(Value::Repeated { value, shape: target.to_vec() }),
        other => Err(opaque(node, &other)),
    }
}

/// A target shape with its zeros and its −1 filled in.
fn static_shape(constant: &Constant, target: &[Length], zeros_copy: bool) -> Option<Vec<usize>> {
    let length = |(axis, length): (usize, &Length)| match length.value()? {
        0 if zeros_copy => constant.shape.get(axis).map(|&length| length as i64),
        other => Some(other),
    };
    let mut lengths: Vec<i64> = target.iter().enumerate().map(length).collect::<Option<_>>()?;
    if let Some(open) = lengths.iter().position(|&length| length == -1) {
        let mut others = lengths.iter().enumerate().filter(|(axis, _)| *axis != open);
        let others = others.try_fold(1_i64, |product, (_, &length)| product.checked_mul(length))?;
        lengths[open] = (constant.numbers.len() as i64).checked_div(others)?;
    }
    lengths.into_iter().map(|length| usize::try_from(length).ok()).collect()
}

fn squeeze<'m>(
    walk: &mut Walk<'m>,
    node: &Node<'m>,
    input: Value,
    axes: Option<Vec<i64>>,
) -> Result<Value, ImportError> {
    let shape = input.shape().ok_or_else(|| opaque(node, &input))?;
    let gone: Vec<usize> = match axes {
        Some(axes) => axes.iter().map(|&at| axis(node, at, shape.len())).collect::<Result<_, _>>()?,
        None => (0..shape.len()).filter(|&at| shape[at].value() == Some(1)).collect(),
    };
    if let Some(at) = gone.iter().find(|&&at| shape[at].value() != Some(1)) {
        return Err(node.refuse(format!("axis {at} is {} long, expected 1", shape[*at])));
    }
    let kept: Vec<usize> = (0..shape.len()).filter(|at| !gone.contains(at)).collect();
    Ok(match input {
        Value::Constant(constant) => {
            walk.make_room(node, Some(constant.numbers.len()))?;
            let shape = kept.iter().map(|&at| constant.shape[at]).collect();
            Value::constant(shape, constant.numbers.clone())
        }
        Value::Lengths { values, .. } => of_lengths(true, values),
        Value::Filled { value, .. } => {
            Value::Filled { value, shape: kept.iter().map(|&at| shape[at].clone()).collect() }
        }
        Value::Repeated { value, .. } => {
            Value::Repeated { value, shape: kept.iter().map(|&at| shape[at].clone()).collect() }
        }
        Value::Data(data) => {
            let axes = kept.iter().map(|&at| data.axes[at].clone()).collect();
            Value::Data(Data { axes, ..data })
        }
        other @ Value::Stacked(_) => return Err(opaque(node, &other)),
    })
}

fn unsqueeze<'m>(walk: &mut Walk<'m>, node: &Node<'m>, input: Value, axes: &[i64]) -> Result<Value, ImportError> {
    let rank = input.shape().ok_or_else(|| opaque(node, &input))?.len() + axes.len();
    if rank > MOST_AXES {
        return Err(node.refuse(format!("makes {rank} axes, expected at most {MOST_AXES}")));
    }
    let mut new: Vec<usize> = axes.iter().map(|&at| axis(node, at, rank)).collect::<Result<_, _>>()?;
    new.sort_unstable();
    new.dedup();
    if new.len() != axes.len() {
        return Err(node.refuse(format!("axes {axes:?} twice the same")));
    }
    Ok(match input {
        Value::Constant(constant) => {
            walk.make_room(node, Some(constant.numbers.len()))?;
            let mut shape = constant.shape.clone();
            new.iter().for_each(|&at| shape.insert(at, 1));
            Value::constant(shape, constant.numbers.clone())
        }
        Value::Lengths { scalar: true, values } => of_lengths(false, values),
        Value::Filled { value, mut shape } => {
            new.iter().for_each(|&at| shape.insert(at, Length::known(1)));
            Value::Filled { value, shape }
        }
        Value::Data(mut data) => {
            new.iter().for_each(|&at| data.axes.insert(at, Axis::default()));
            Value::Data(data)
        }
        other => return Err(opaque(node, &other)),
    })
}

fn concat<'m>(walk: &mut Walk<'m>, node: &Node<'m>) -> Result<Value, ImportError> {
    let parts = (0..node.inputs().len()).map(|index| walk.needed(node, index)).collect::<Result<Vec<_>, _>>()?;
    let at = node.integer("axis")?.unwrap_or(0);
    if let [only] = parts.as_slice() {
        return Ok(only.clone());
    }
    if parts.iter().all(|part| matches!(part, Value::Data(_) | Value::Stacked(_))) && !parts.is_empty() {
        return joined(walk, node, parts, at);
    }
    if let Some(constants) = parts.iter().map(as_constant).collect::<Option<Vec<_>>>() {
        let rank = constants.first().map_or(0, |constant| constant.shape.len());
        let at = axis(node, at, rank)?;
        walk.make_room(
            node,
            constants.iter().try_fold(0_usize, |sum, constant| sum.checked_add(constant.numbers.len())),
        )?;
        let parts: Vec<&Constant> = constants.iter().map(AsRef::as_ref).collect();
        let made = Constant::joined(&parts, at).ok_or_else(|| node.refuse("constants that do not go together"))?;
        return Ok(Value::constant(made.shape, made.numbers));
    }
    if let Some(vectors) = parts.iter().map(lengths).collect::<Option<Vec<_>>>() {
        let all = vectors.concat();
        if all.len() > LONGEST {
            return Err(node.refuse(format!("makes {} lengths, expected at most {LONGEST}", all.len())));
        }
        return Ok(of_lengths(false, all));
    }
    // Several layers' zeros, one above the other.
    let filled = |part: &Value| match part {
        Value::Filled { value, shape } => Some((*value, shape.clone())),
        _ => None,
    };
    match parts.iter().map(filled).collect::<Option<Vec<_>>>() {
        Some(all) if all.iter().all(|(value, shape)| *value == all[0].0 && shape.len() == all[0].1.len()) => {
            let (value, mut shape) = all[0].clone();
            let at = axis(node, at, shape.len())?;
            shape[at] = all.iter().fold(Length::known(0), |sum, (_, shape)| sum.plus(&shape[at]));
            Ok(Value::Filled { value, shape })
        }
        _ => Err(node.refuse("joins values of different kinds")),
    }
}

fn as_constant(value: &Value) -> Option<std::rc::Rc<Constant>> {
    match value {
        Value::Constant(constant) => Some(constant.clone()),
        _ => None,
    }
}

/// Joins directions to a layer's whole output, a forward and a backward layer to one, or final states to a stack.
fn joined<'m>(walk: &mut Walk<'m>, node: &Node<'m>, parts: Vec<Value>, at: i64) -> Result<Value, ImportError> {
    let flat = parts.into_iter().flat_map(|part| match part {
        Value::Data(data) => vec![data],
        Value::Stacked(all) => all,
        _ => Vec::new(),
    });
    let all: Vec<Data> = flat.take(LONGEST + 1).collect();
    if all.len() > LONGEST {
        return Err(node.refuse(format!("joins more than {LONGEST} states")));
    }
    let rank = all[0].axes.len();
    if all.iter().any(|data| data.axes.len() != rank) {
        return Err(node.refuse("joins outputs of different numbers of axes"));
    }
    let at = axis(node, at, rank)?;
    let features = |data: &Data| data.axes[at].0.iter().any(|factor| factor.meaning == Meaning::Feature);
    if all.iter().all(features) {
        if let Some(whole) = halves(&all, at) {
            return Ok(Value::Data(whole));
        }
        if let [forward, backward] = &all[..] {
            return recurrent::merged(walk, node, forward, backward, at).map(Value::Data);
        }
    } else if at == 0 && all.iter().all(|data| data.cell || data.pooled.is_some()) {
        return Ok(Value::Stacked(all));
    }
    Err(node.refuse("joins outputs of different layers, expected the two directions of one"))
}

/// The directions of one layer's output, in their order, as one axis of features.
fn halves(all: &[Data], at: usize) -> Option<Data> {
    let first = &all[0];
    let same = |(index, data): (usize, &Data)| {
        data.part == Some(index) && Data { part: first.part, pooled: first.pooled, ..data.clone() } == *first
    };
    if !all.iter().enumerate().all(same) {
        return None;
    }
    let pooled = match all.iter().map(|data| data.pooled).collect::<Vec<_>>()[..] {
        // Of the forward direction, the last frame is the last state.
        [Some(Pooled::LastFrame | Pooled::LastState), Some(Pooled::LastState)] => Some(Pooled::LastState),
        [first, second] if first == second => first,
        _ => return None,
    };
    let mut whole = Data { part: None, pooled, ..first.clone() };
    let directions = Factor { meaning: Meaning::Direction, length: Length::known(all.len() as i64) };
    whole.axes[at].0.insert(0, directions);
    Some(whole)
}

/// From the last frame to the first, and back.
fn reverse<'m>(walk: &mut Walk<'m>, node: &Node<'m>, input: Value) -> Result<Value, ImportError> {
    let Value::Data(data) = input else { return Err(opaque(node, &input)) };
    let (time, batch) = (node.integer("time_axis")?.unwrap_or(0), node.integer("batch_axis")?.unwrap_or(1));
    let [time, batch] = [axis(node, time, data.axes.len())?, axis(node, batch, data.axes.len())?];
    let spans = walk.needed(node, 1)?;
    if !recurrent::whole_sequences(&spans, &data.axes[time].length()) {
        return Err(node.refuse("turns sequences round in parts, expected all of each"));
    }
    walk.bind(node, &data, time, batch)?;
    Ok(Value::Data(Data { reversed: !data.reversed, ..data }))
}

/// The mean over all frames.
fn mean<'m>(walk: &mut Walk<'m>, node: &Node<'m>, input: Value) -> Result<Value, ImportError> {
    let Value::Data(mut data) = input else { return Err(opaque(node, &input)) };
    let given = axes(walk, node)?.ok_or_else(|| node.refuse("over all axes, expected over time"))?;
    let [at] = given[..] else { return Err(node.refuse(format!("over axes {given:?}, expected over time"))) };
    let at = axis(node, at, data.axes.len())?;
    if data.pooled.is_some() || !walk.is_time(data.axes[at].meaning()) || data.part.is_some() {
        return Err(node.refuse(format!("over axis {at}, expected over time")));
    }
    data.pooled = Some(Pooled::Mean);
    if node.integer("keepdims")?.unwrap_or(1) == 0 {
        data.axes.remove(at);
    } else {
        data.axes[at] = Axis::default();
    }
    Ok(Value::Data(data))
}

impl<'m> Walk<'m> {
    /// Decides which axes of the input are time and batch by what they are in `data`.
    pub(super) fn bind(&mut self, node: &Node<'m>, data: &Data, time: usize, batch: usize) -> Result<(), ImportError> {
        let input = |axis: usize| match data.axes[axis].meaning() {
            Some(Meaning::Input(at)) => Ok(Some(at)),
            // A batch of one may have been put there by the graph itself.
            None if data.axes[axis].0.is_empty() => Ok(None),
            _ => Err(node.refuse(format!("axis {axis} of {} is neither time nor batch", data.describe()))),
        };
        let (time, batch) = (input(time)?, input(batch)?);
        let time = time.ok_or_else(|| node.refuse("the sequence is one frame long by construction"))?;
        if self.roles.time.is_some_and(|known| known != time) || batch == Some(time) || self.roles.batch == Some(time) {
            return Err(node.refuse("takes another axis for time than an earlier layer"));
        }
        if let (Some(known), Some(batch)) = (self.roles.batch, batch)
            && known != batch
        {
            return Err(node.refuse("takes another axis for the batch than an earlier layer"));
        }
        self.roles.time = Some(time);
        self.roles.batch = self.roles.batch.or(batch);
        Ok(())
    }

    /// Whether `meaning` is time.
    pub(super) fn is_time(&self, meaning: Option<Meaning>) -> bool {
        match (meaning, self.roles.time) {
            (Some(Meaning::Input(at)), Some(time)) => at == time,
            _ => false,
        }
    }

    /// The layer that `data` comes from, where it is recurrent: its directions, and whether it goes backward.
    pub(super) fn recurrent(&self, data: &Data) -> Option<(usize, bool)> {
        match &self.made[data.layer?].what {
            What::Layer(Kind::Recurrent(unit)) => Some((unit.directions.len(), false)),
            What::Backward(_) => Some((1, true)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::constant::Numbers;
    use super::*;

    #[test]
    fn open_lengths_of_constants_are_filled_in() {
        let constant = Constant { shape: vec![2, 6], numbers: Numbers::Integers((0..12).collect()) };
        let target = |lengths: &[i64]| lengths.iter().copied().map(Length::known).collect::<Vec<_>>();
        assert_eq!(static_shape(&constant, &target(&[0, -1, 3]), true), Some(vec![2, 2, 3]));
        assert_eq!(static_shape(&constant, &target(&[-1]), true), Some(vec![12]));
        assert_eq!(static_shape(&constant, &target(&[0, -1]), false), None, "a division by zero");
    }

    #[test]
    fn parts_of_a_layer_make_it_whole_in_their_order_only() {
        let axis = Axis::one(Meaning::Feature, Length::known(4));
        let part = |part| Data { part: Some(part), ..Data::new(vec![Axis::default(), axis.clone()], Some(0)) };
        let whole = halves(&[part(0), part(1)], 1).expect("two directions");
        assert_eq!(whole.features(1), Some(8));
        assert!(halves(&[part(1), part(0)], 1).is_none());
        assert!(halves(&[part(0), Data { layer: Some(1), ..part(1) }], 1).is_none());
    }
}
