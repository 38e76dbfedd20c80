//! Shape arithmetic: what exporters compute of the lengths of axes, and the zeros they make from it.

use super::super::error::ImportError;
use super::constant::{Constant, Numbers};
use super::folding;
use super::length::Length;
use super::node::Node;
use super::proto::tensor_proto::DataType;
use super::value::{Data, Value};
use super::walk::Walk;

/// Longest vector of lengths; a shape has a handful.
pub(super) const LONGEST: usize = 64;

/// Most numbers that zeros and ranges are written out to.
const WRITTEN_OUT: usize = 1 << 16;

/// The value of a `Constant` node.
pub(super) fn constant(walk: &Walk<'_>, node: &Node<'_>) -> Result<Value, ImportError> {
    if let Some(tensor) = node.tensor("value")? {
        let read = walk.read(tensor, node)?;
        return Ok(Value::constant(read.shape, read.numbers));
    }
    Ok(
        match (
            node.integer("value_int")?,
            node.integers("value_ints")?,
            node.float("value_float")?,
            node.floats("value_floats")?,
        ) {
            (Some(value), ..) => Value::constant(Vec::new(), Numbers::Integers(vec![value])),
            (_, Some(values), ..) => Value::constant(vec![values.len()], Numbers::Integers(values.to_vec())),
            (_, _, Some(value), _) => Value::constant(Vec::new(), Numbers::Floats(vec![value])),
            (.., Some(values)) => Value::constant(vec![values.len()], Numbers::Floats(values.to_vec())),
            _ => return Err(node.refuse("holds neither floats nor integers")),
        },
    )
}

/// The value of a node that computes lengths, or makes something of them.
pub(super) fn value<'m>(walk: &mut Walk<'m>, node: &Node<'m>) -> Result<Value, ImportError> {
    let input = walk.first(node)?;
    match node.operator() {
        "Shape" => shape(node, &input),
        "Size" => {
            let shape = input.shape().ok_or_else(|| unknown(node, &input))?;
            Ok(Value::Lengths { scalar: true, values: vec![Length::product(&shape)] })
        }
        "Cast" => {
            if let Value::Constant(constant) = &input {
                walk.make_room(node, Some(constant.numbers.len()))?;
            }
            cast(node, &input)
        }
        "ConstantOfShape" => {
            let shape = lengths(&input).ok_or_else(|| unknown(node, &input))?;
            let fill = node.tensor("value")?.map(|tensor| walk.read(tensor, node)).transpose()?;
            let fill = fill.unwrap_or(Constant { shape: vec![1], numbers: Numbers::Floats(vec![0.0]) });
            filled(walk, node, &fill, shape)
        }
        "Expand" => expand(walk, node, &input),
        "Tile" => {
            let times = walk.needed(node, 1)?;
            let (times, shape) = (lengths(&times).ok_or_else(|| unknown(node, &times))?, input.shape());
            let shape = shape.filter(|shape| shape.len() == times.len()).ok_or_else(|| unknown(node, &input))?;
            let shape = shape.iter().zip(&times).map(|(length, times)| length.times(times)).collect();
            match &input {
                Value::Filled { value, .. } => Ok(Value::Filled { value: *value, shape }),
                Value::Lengths { values, .. } if values.len() == 1 => {
                    Ok(Value::Repeated { value: values[0].clone(), shape })
                }
                Value::Constant(constant) if constant.numbers.len() == 1 => filled(walk, node, constant, shape),
                other => Err(unknown(node, other)),
            }
        }
        "Range" => range(walk, node, &input),
        "ReduceProd" => {
            let values = lengths(&input).ok_or_else(|| unknown(node, &input))?;
            let scalar = node.integer("keepdims")? == Some(0);
            Ok(Value::Lengths { scalar, values: vec![Length::product(&values)] })
        }
        _ => unreachable!("the walk sends no others here"),
    }
}

fn unknown(node: &Node<'_>, value: &Value) -> ImportError {
    node.refuse(format!("computes with {}, which cannot be known before there is data", value.label()))
}

/// The lengths in `value`, where it is a short vector or a scalar of integers.
pub(super) fn lengths(value: &Value) -> Option<Vec<Length>> {
    match value {
        Value::Lengths { values, .. } => Some(values.clone()),
        Value::Constant(constant) if constant.numbers.len() <= LONGEST => folding::lengths(constant),
        Value::Repeated { value, shape } if shape.len() <= 1 => {
            let count = Length::product(shape).size().filter(|&count| count <= LONGEST)?;
            Some(vec![value.clone(); count])
        }
        _ => None,
    }
}

/// Lengths as a value; numbers where all are known.
pub(super) fn of_lengths(scalar: bool, values: Vec<Length>) -> Value {
    match values.iter().map(Length::value).collect::<Option<Vec<i64>>>() {
        Some(known) => Value::constant(if scalar { Vec::new() } else { vec![known.len()] }, Numbers::Integers(known)),
        None => Value::Lengths { scalar, values },
    }
}

fn shape(node: &Node<'_>, input: &Value) -> Result<Value, ImportError> {
    let shape = input.shape().ok_or_else(|| unknown(node, input))?;
    let bound = |name| node.integer(name);
    let (start, end) = (bound("start")?.unwrap_or(0), bound("end")?.unwrap_or(i64::MAX));
    let (first, count) = folding::slice(shape.len(), start, end, 1);
    Ok(of_lengths(false, shape[first..first + count].to_vec()))
}

/// Integers stay exact whatever they are cast to, and so do the lengths in them.
fn cast(node: &Node<'_>, input: &Value) -> Result<Value, ImportError> {
    let to = node.integer("to")?.and_then(|to| DataType::try_from(to as i32).ok());
    let float = match to {
        Some(DataType::Float | DataType::Double) => true,
        Some(DataType::Int32 | DataType::Int64) => false,
        _ => return Err(node.refuse("to a type other than 32 or 64 bit floats and integers")),
    };
    Ok(match input {
        Value::Constant(constant) => {
            let numbers = match (&constant.numbers, float) {
                (Numbers::Integers(values), true) => {
                    Numbers::Floats(values.iter().map(|&value| value as f32).collect())
                }
                (Numbers::Floats(values), false) => {
                    Numbers::Integers(values.iter().map(|&value| value as i64).collect())
                }
                (same, _) => same.clone(),
            };
            Value::constant(constant.shape.clone(), numbers)
        }
        // An integer input is the number of a row in a table, and is looked up as such.
        Value::Data(data) if data.layer.is_some() && !float => {
            return Err(node.refuse(format!("rounds data of shape {} to integers", data.describe())));
        }
        Value::Data(data) => Value::Data(Data { rows: data.rows || !float, ..data.clone() }),
        other => other.clone(),
    })
}

/// The single number of `fill` in every place of `shape`.
fn filled<'m>(walk: &mut Walk<'m>, node: &Node<'m>, fill: &Constant, shape: Vec<Length>) -> Result<Value, ImportError> {
    if fill.numbers.len() != 1 {
        return Err(node.refuse(format!("stretches a constant of shape {:?}", fill.shape)));
    }
    let known: Option<Vec<usize>> = shape.iter().map(Length::size).collect();
    let count = known.as_ref().and_then(|shape| shape.iter().try_fold(1_usize, |n, &length| n.checked_mul(length)));
    match (known, count.filter(|&count| count <= WRITTEN_OUT), &fill.numbers) {
        (Some(shape), Some(count), numbers) => {
            walk.make_room(node, Some(count))?;
            let numbers = match numbers {
                Numbers::Floats(values) => Numbers::Floats(vec![values[0]; count]),
                Numbers::Integers(values) => Numbers::Integers(vec![values[0]; count]),
            };
            Ok(Value::constant(shape, numbers))
        }
        (.., Numbers::Floats(values)) => Ok(Value::Filled { value: values[0], shape }),
        (.., Numbers::Integers(values)) => Ok(Value::Repeated { value: Length::known(values[0]), shape }),
    }
}

fn expand<'m>(walk: &mut Walk<'m>, node: &Node<'m>, input: &Value) -> Result<Value, ImportError> {
    let target = walk.needed(node, 1)?;
    let target = lengths(&target).ok_or_else(|| unknown(node, &target))?;
    match input {
        Value::Constant(constant) if constant.numbers.len() == 1 => filled(walk, node, constant, target),
        Value::Filled { value, .. } => Ok(Value::Filled { value: *value, shape: target }),
        Value::Lengths { values, .. } if values.len() == 1 => {
            Ok(Value::Repeated { value: values[0].clone(), shape: target })
        }
        Value::Constant(constant) => {
            let known: Option<Vec<usize>> = target.iter().map(Length::size).collect();
            let wanted =
                known.filter(|shape| shape.len() >= constant.shape.len()).ok_or_else(|| unknown(node, input))?;
            let ones = Constant { shape: wanted, numbers: Numbers::Integers(Vec::new()) };
            let shape =
                Constant::broadcast(constant, &ones).ok_or_else(|| node.refuse("shapes that do not go together"))?;
            walk.make_room(node, shape.iter().try_fold(1_usize, |n, &length| n.checked_mul(length)))?;
            let stretched = constant.stretched(&shape);
            Ok(Value::constant(stretched.shape, stretched.numbers))
        }
        other => Err(unknown(node, other)),
    }
}

fn range<'m>(walk: &mut Walk<'m>, node: &Node<'m>, start: &Value) -> Result<Value, ImportError> {
    let others = [walk.needed(node, 1)?, walk.needed(node, 2)?];
    let number = |value: &Value| lengths(value).and_then(|values| values.first().and_then(Length::value));
    let (Some(start), Some(end), Some(step)) = (number(start), number(&others[0]), number(&others[1])) else {
        return Err(unknown(node, &others[0]));
    };
    let span = if step > 0 { end.checked_sub(start) } else { start.checked_sub(end) };
    let count = span.zip(step.checked_abs().filter(|&step| step > 0));
    let count = count.map(|(span, step)| (span.max(0) / step + i64::from(span.max(0) % step != 0)) as usize);
    let count = count.filter(|&count| count <= WRITTEN_OUT).ok_or_else(|| node.refuse("from, to or step of no use"))?;
    walk.make_room(node, Some(count))?;
    Ok(Value::constant(vec![count], Numbers::Integers((0..count as i64).map(|at| start + at * step).collect())))
}

/// `Add`, `Sub`, `Mul` or `Div` of two lengths or vectors of them; `None` where an operand is neither.
pub(super) fn arithmetic(operator: &str, a: &Value, b: &Value) -> Option<Value> {
    let (first, second) = (lengths(a)?, lengths(b)?);
    let scalar = [a, b].iter().all(|value| value.shape().is_some_and(|shape| shape.is_empty()));
    let count = first.len().max(second.len());
    if [first.len(), second.len()].iter().any(|&length| length != count && length != 1) {
        return None;
    }
    let function = match operator {
        "Add" => Length::plus,
        "Sub" => Length::minus,
        "Mul" => Length::times,
        "Div" => Length::over,
        _ => return None,
    };
    let value = |at: usize| function(&first[at % first.len()], &second[at % second.len()]);
    Some(of_lengths(scalar, (0..count).map(value).collect()))
}
