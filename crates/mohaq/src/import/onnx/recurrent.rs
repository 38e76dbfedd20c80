//! `LSTM`, `GRU` and `RNN` nodes: attributes, initial states, and the order of their gates.
//!
//! Source: the operators' definitions in ONNX, operator sets 7 to 22. Gates there: i, o, f, c; z, r, h. A node's `B` holds the
//! bias of the input's product, then that of the hidden output's; peepholes are i, o, f.

use super::super::error::ImportError;
use super::super::model::{Blocks, Direction, Kind, Pooled, Unit};
use super::constant::Constant;
use super::length::Length;
use super::node::Node;
use super::shapes::lengths;
use super::value::{Axis, Data, Factor, Meaning, Value};
use super::walk::{Walk, What};
use crate::nn::{Cell, Reset, RnnActivation};

/// The three values of a recurrent node: all outputs, the last ones, and the last cell states.
pub(super) fn layer<'m>(walk: &mut Walk<'m>, node: &Node<'m>) -> Result<Vec<Option<Value>>, ImportError> {
    let Value::Data(data) = walk.first(node)? else { return Err(node.refuse("its input is not the data")) };
    let batch_first = node.integer("layout")?.unwrap_or(0) == 1;
    let (time, batch) = if batch_first { (1, 0) } else { (0, 1) };
    if data.axes.len() != 3 || data.pooled.is_some() {
        return Err(node.refuse(format!("input of shape {}, expected time, batch and features", data.describe())));
    }
    walk.bind(node, &data, time, batch)?;
    let features = data.features(2);
    let features = features
        .ok_or_else(|| node.refuse(format!("input of shape {} has no axis of all features", data.describe())))?;
    let (unit, backward) = unit(walk, node, features)?;
    states_are_zero(walk, node)?;
    if let Some(spans) = walk.optional(node, 4)?
        && !whole_sequences(&spans, &data.axes[time].length())
    {
        return Err(node.refuse("sequence_lens that are not the length of every sequence"));
    }
    let (directions, hidden) = (unit.directions.len(), unit.hidden);
    let what = match backward != data.reversed {
        true if directions == 2 => return Err(node.refuse("both directions over reversed frames")),
        true => What::Backward(unit),
        false => What::Layer(Kind::Recurrent(unit)),
    };
    let index = walk.push(node, &data, what)?;
    let [time, batch] = [time, batch].map(|axis| data.axes[axis].clone());
    Ok(outputs(index, [time, batch], directions, hidden, batch_first, data.reversed))
}

/// Y `[time, directions, batch, hidden]`, Y_h and Y_c `[directions, batch, hidden]`; batch first in the other layout.
fn outputs(
    layer: usize,
    [time, batch]: [Axis; 2],
    directions: usize,
    hidden: usize,
    batch_first: bool,
    reversed: bool,
) -> Vec<Option<Value>> {
    let both = if directions == 2 { Axis::one(Meaning::Direction, Length::known(2)) } else { Axis::default() };
    let features = Axis::one(Meaning::Feature, Length::known(hidden as i64));
    let frames = if batch_first {
        vec![batch.clone(), time, both.clone(), features.clone()]
    } else {
        vec![time, both.clone(), batch.clone(), features.clone()]
    };
    let last = if batch_first { vec![batch, both, features] } else { vec![both, batch, features] };
    let all = Data { reversed, ..Data::new(frames, Some(layer)) };
    // The last state of one direction is its last frame, or, where it goes backward, half of a pair that is joined later.
    let pooled = if directions == 2 || reversed { Pooled::LastState } else { Pooled::LastFrame };
    let hidden = Data { pooled: Some(pooled), ..Data::new(last, Some(layer)) };
    let cell = Data { cell: true, ..hidden.clone() };
    vec![Some(Value::Data(all)), Some(Value::Data(hidden)), Some(Value::Data(cell))]
}

/// The layer's numbers, and whether it goes from the last frame to the first.
fn unit<'m>(walk: &mut Walk<'m>, node: &Node<'m>, features: usize) -> Result<(Unit, bool), ImportError> {
    if node.has("clip") {
        return Err(node.refuse("attribute `clip`: sums of gates that are clipped"));
    }
    for name in ["activation_alpha", "activation_beta"] {
        if node.floats(name)?.is_some_and(|values| !values.is_empty()) {
            return Err(node.refuse(format!("attribute `{name}`: functions with parameters")));
        }
    }
    let (count, backward) = match node.text("direction")?.as_deref() {
        None | Some("forward") => (1, false),
        Some("reverse") => (1, true),
        Some("bidirectional") => (2, false),
        Some(other) => return Err(node.refuse(format!("direction `{other}`"))),
    };
    let (weight, recurrent) = (walk.floats(node, 1)?, walk.floats(node, 2)?);
    let (bias, peepholes) = (walk.constant(node, 3)?, walk.constant(node, 7)?);
    let peepholes = peepholes.filter(|_| node.operator() == "LSTM");
    let (cell, gates, order) = cell(node, count, peepholes.is_some())?;
    let &[_, _, hidden] = recurrent.shape.as_slice() else {
        return Err(node.refuse(format!("R has shape {:?}, expected three dimensions", recurrent.shape)));
    };
    if node.integer("hidden_size")?.is_some_and(|stated| stated != hidden as i64) || hidden == 0 {
        return Err(node.refuse(format!("R has shape {:?}, hidden_size says otherwise", recurrent.shape)));
    }
    let rows = gates.saturating_mul(hidden);
    shaped(node, "W", &weight, &[count, rows, features])?;
    shaped(node, "R", &recurrent, &[count, rows, hidden])?;
    bias.as_ref().map_or(Ok(()), |bias| shaped(node, "B", bias, &[count, 2 * rows]))?;
    peepholes.as_ref().map_or(Ok(()), |peepholes| shaped(node, "P", peepholes, &[count, 3 * hidden]))?;
    let part = |constant: &Constant, direction: usize, length: usize| -> Vec<f32> {
        constant.floats().unwrap_or_default()[direction * length..][..length].to_vec()
    };
    let order = Blocks { count: gates, order };
    let direction = |at: usize| {
        let both = bias.as_ref().map_or_else(|| vec![0.0; 2 * rows], |bias| part(bias, at, 2 * rows));
        let peepholes = peepholes.as_ref().map(|peepholes| part(peepholes, at, 3 * hidden));
        Direction {
            input: order.turned(&part(&weight, at, rows * features), features),
            recurrent: order.turned(&part(&recurrent, at, rows * hidden), hidden),
            input_bias: order.picked(&both[..rows]),
            recurrent_bias: order.picked(&both[rows..]),
            projection: None,
            peepholes: peepholes.map_or_else(Vec::new, |all| ordered_peepholes(&all, hidden, cell)),
        }
    };
    Ok((Unit { cell, hidden, directions: (0..count).map(direction).collect() }, backward))
}

/// i, o, f as ONNX has them, as [`Cell::peepholes`] has them: i, f, o, or without f where i decides it.
fn ordered_peepholes(all: &[f32], hidden: usize, cell: Cell) -> Vec<Vec<f32>> {
    let order: &[usize] = if matches!(cell, Cell::Lstm { coupled: true, .. }) { &[0, 1] } else { &[0, 2, 1] };
    order.iter().map(|&at| all[at * hidden..][..hidden].to_vec()).collect()
}

/// The cell, its number of gates in the file, and which of them is each of ours.
fn cell(node: &Node<'_>, directions: usize, peepholes: bool) -> Result<(Cell, usize, &'static [usize]), ImportError> {
    let functions = functions(node, directions)?;
    let expected =
        |names: &[&str]| functions.is_empty() || functions.iter().map(String::as_str).eq(names.iter().copied());
    let unexpected = || Err(node.refuse(format!("activations {functions:?}")));
    Ok(match node.operator() {
        "LSTM" => {
            if !expected(&["sigmoid", "tanh", "tanh"]) {
                return unexpected();
            }
            let coupled = node.integer("input_forget")?.unwrap_or(0) != 0;
            let order: &[usize] = if coupled { &[0, 3, 1] } else { &[0, 2, 3, 1] };
            (Cell::Lstm { peepholes, coupled }, 4, order)
        }
        "GRU" => {
            if !expected(&["sigmoid", "tanh"]) {
                return unexpected();
            }
            let after = node.integer("linear_before_reset")?.unwrap_or(0) != 0;
            (Cell::Gru(if after { Reset::After } else { Reset::Before }), 3, &[1, 0, 2])
        }
        _ if expected(&["tanh"]) => (Cell::Rnn(RnnActivation::Tanh), 1, &[0]),
        _ if expected(&["relu"]) => (Cell::Rnn(RnnActivation::Relu), 1, &[0]),
        _ => return unexpected(),
    })
}

/// The functions of a direction's gates in lower case, the same for all; empty where the node leaves them to ONNX.
fn functions(node: &Node<'_>, directions: usize) -> Result<Vec<String>, ImportError> {
    let all: Vec<String> =
        node.texts("activations")?.unwrap_or_default().iter().map(|name| name.to_lowercase()).collect();
    let each = all.len() / directions;
    let halves = all.chunks(each.max(1));
    if !all.len().is_multiple_of(directions) || halves.clone().any(|half| half != &all[..each]) {
        return Err(node.refuse(format!("activations {all:?} that differ from direction to direction")));
    }
    Ok(all[..each].to_vec())
}

fn shaped(node: &Node<'_>, name: &str, constant: &Constant, expected: &[usize]) -> Result<(), ImportError> {
    if constant.shape == expected && constant.floats().is_some() {
        return Ok(());
    }
    Err(node.refuse(format!("{name} has shape {:?}, expected {expected:?}", constant.shape)))
}

fn states_are_zero<'m>(walk: &mut Walk<'m>, node: &Node<'m>) -> Result<(), ImportError> {
    for (index, name) in [(5, "initial_h"), (6, "initial_c")] {
        let zero = match walk.optional(node, index)? {
            None => true,
            Some(Value::Constant(constant)) => {
                constant.floats().is_some_and(|values| values.iter().all(|&value| value == 0.0))
            }
            Some(Value::Filled { value, .. }) => value == 0.0,
            Some(_) => return Err(node.refuse(format!("{name} depends on the data, expected zeros"))),
        };
        if !zero {
            return Err(node.refuse(format!("{name} is not zero")));
        }
    }
    Ok(())
}

/// Whether `spans`, a number for each sequence, are all `length`.
pub(super) fn whole_sequences(spans: &Value, length: &Length) -> bool {
    match spans {
        Value::Repeated { value, .. } => value == length,
        other => lengths(other).is_some_and(|spans| spans.iter().all(|span| span == length)),
    }
}

/// One layer of both directions from one of each over the same input, joined along axis `at`.
pub(super) fn merged<'m>(
    walk: &mut Walk<'m>,
    node: &Node<'m>,
    forward: &Data,
    backward: &Data,
    at: usize,
) -> Result<Data, ImportError> {
    let refuse = || Err(node.refuse("joins outputs of different layers, expected the two directions of one"));
    let pooled = match (forward.pooled, backward.pooled) {
        (None, None) => None,
        (Some(Pooled::LastFrame), Some(Pooled::LastState)) => Some(Pooled::LastState),
        _ => return refuse(),
    };
    let (Some(first), Some(second), true) = (forward.layer, backward.layer, forward.axes == backward.axes) else {
        return refuse();
    };
    let same_input = walk.made[first].input == walk.made[second].input;
    let aside = |data: &Data| data.reversed || data.cell || data.part.is_some() || data.padding != [0, 0];
    let units = (&walk.made[first].what, &walk.made[second].what);
    let (What::Layer(Kind::Recurrent(one)), What::Backward(other)) = units else { return refuse() };
    let alike = one.cell == other.cell && one.hidden == other.hidden && one.directions.len() == 1;
    if !same_input || !alike || aside(forward) || aside(backward) {
        return refuse();
    }
    let directions = one.directions.iter().chain(&other.directions).cloned().collect();
    let unit = Unit { cell: one.cell, hidden: one.hidden, directions };
    let input = Data { layer: walk.made[first].input, ..Data::new(Vec::new(), None) };
    let layer = walk.push(node, &input, What::Layer(Kind::Recurrent(unit)))?;
    walk.made[first].what = What::Taken;
    walk.made[second].what = What::Taken;
    let mut joined = Data { layer: Some(layer), pooled, ..forward.clone() };
    joined.axes[at].0.insert(0, Factor { meaning: Meaning::Direction, length: Length::known(2) });
    Ok(joined)
}
