//! Numbers of rows on their way to a table.
//!
//! Keras lets numbers below 0 count from the end of a table, and writes that out: n + [n < 0]·vocabulary. A network's numbers
//! of rows are at least 0, so that the condition is false everywhere, and what it chooses is known.

use super::super::error::ImportError;
use super::axes::opaque;
use super::length::Length;
use super::node::Node;
use super::value::{Data, Value};
use super::walk::Walk;

/// `Less`, `Not` and `Where`, as far as they are about numbers of rows.
pub(super) fn select<'m>(walk: &mut Walk<'m>, node: &Node<'m>) -> Result<Value, ImportError> {
    let first = walk.first(node)?;
    match (node.operator(), &first) {
        ("Less", Value::Data(data)) if data.rows && data.layer.is_none() => match walk.needed(node, 1)? {
            Value::Constant(limit) if is_zero(&Value::Constant(limit.clone())) => {
                Ok(Value::Filled { value: 0.0, shape: data.shape() })
            }
            other => Err(opaque(node, &other)),
        },
        ("Not", Value::Filled { value, shape }) => Ok(Value::Filled { value: 1.0 - value, shape: shape.clone() }),
        ("Where", Value::Filled { value, .. }) => walk.needed(node, if *value == 0.0 { 2 } else { 1 }),
        _ => Err(opaque(node, &first)),
    }
}

fn is_zero(value: &Value) -> bool {
    let Value::Constant(constant) = value else { return false };
    let floats = constant.floats().is_some_and(|values| values.iter().all(|&value| value == 0.0));
    floats || constant.integers().is_some_and(|values| values.iter().all(|&value| value == 0))
}

/// Numbers of rows with an integer added: of no use but to be multiplied by nought.
pub(super) fn moved(rows: &Data) -> Value {
    Value::Repeated { value: Length::Unknown, shape: rows.shape() }
}

/// `other` and one number everywhere, where the result is one of them; `None` elsewhere.
pub(super) fn with_filled(operator: &str, (filled, over): (f32, &[Length]), other: &Value) -> Option<Value> {
    let shape = other.shape().filter(|shape| over.is_empty() || over == shape.as_slice())?;
    match (operator, filled) {
        ("Mul", 0.0) => Some(Value::Filled { value: 0.0, shape }),
        ("Mul", 1.0) | ("Add", 0.0) => Some(other.clone()),
        _ => None,
    }
}
