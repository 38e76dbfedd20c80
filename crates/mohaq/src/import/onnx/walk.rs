//! One walk over a graph, node by node, with what is known of each value.
//!
//! ```text
//! for each node, after those it needs:
//!     all inputs numbers      fold it                                            folding
//!     inputs are lengths      compute with them, as far as they are known        shapes
//!     the data goes through:  its axes are moved, merged or cut                  axes
//!                             or it becomes a layer, with its numbers            products, recurrent
//!                             or it is refused by name
//! the network is the way back from the output to the input
//! ```
//!
//! The axes of the input have no meaning until a layer gives them one: an LSTM says which is time.

use super::super::error::ImportError;
use super::super::model::{Direction, Dropped, Imported, Kind, Layout, Model, Pooled, Unit};
use super::constant::{Constant, Outside};
use super::length::Length;
use super::node::{Node, ordered};
use super::proto::tensor_proto::DataType;
use super::proto::tensor_shape_proto::{Dimension, dimension};
use super::proto::{GraphProto, TensorProto, ValueInfoProto, type_proto};
use super::value::{Axis, Data, Meaning, Value};
use super::{axes, constant, products, recurrent, rows, shapes};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Numbers that constants may be folded into, beside four for each byte of the file.
const SPARE_NUMBERS: usize = 1 << 20;

/// Most layers of a model; a recurrent network has a dozen, and what comes after a walk is not made for thousands.
const MOST_LAYERS: usize = 1024;

/// A layer on the way, and what it was made from.
#[derive(Debug)]
pub(super) struct Made {
    pub node: String,
    pub operator: String,
    /// The layer before; `None` for the model's input.
    pub input: Option<usize>,
    /// Whether the layer before left one frame of a sequence.
    pub pooled: Option<Pooled>,
    pub what: What,
}

/// What a node became.
#[derive(Debug)]
pub(super) enum What {
    /// Half of a bidirectional layer that stands elsewhere.
    Taken,
    Layer(Kind),
    /// A recurrent layer from the last frame to the first, half of a bidirectional one.
    Backward(Unit),
    /// A softmax, which may only be the end.
    End(Dropped),
}

impl What {
    /// Numbers in it.
    fn numbers(&self) -> Option<usize> {
        let of_unit = |unit: &Unit| {
            let of_direction = |direction: &Direction| direction.input.data().len() + direction.recurrent.data().len();
            unit.directions.iter().map(of_direction).sum::<usize>()
        };
        Some(match self {
            Self::Layer(Kind::Recurrent(unit)) | Self::Backward(unit) => of_unit(unit),
            Self::Layer(Kind::Linear { weight, .. } | Kind::Embedding(weight)) => weight.data().len(),
            Self::Layer(Kind::Conv1d(conv)) => conv.weight.data().len(),
            Self::Layer(Kind::Affine { scale, .. } | Kind::LayerNorm { gain: scale, .. }) => 2 * scale.len(),
            Self::Layer(Kind::Pointwise(_) | Kind::Sru(_)) | Self::End(_) | Self::Taken => 0,
        })
    }
}

/// What the axes of the input are.
#[derive(Debug, Default)]
pub(super) struct Roles {
    pub time: Option<usize>,
    pub batch: Option<usize>,
}

/// The walk.
#[derive(Debug)]
pub(super) struct Walk<'m> {
    initializers: BTreeMap<&'m str, &'m TensorProto>,
    outside: Outside,
    values: BTreeMap<&'m str, Value>,
    pub(super) made: Vec<Made>,
    pub(super) roles: Roles,
    pub(super) opset: i64,
    /// Numbers that constants may still be folded into.
    room: usize,
}

impl<'m> Walk<'m> {
    /// Walks `graph`, whose file has `bytes`.
    ///
    /// # Errors
    /// [`ImportError`], by node or tensor.
    pub(super) fn model(
        graph: &'m GraphProto,
        opset: i64,
        outside: Outside,
        bytes: usize,
    ) -> Result<Model, ImportError> {
        let named = |tensor: &'m TensorProto| (tensor.name.as_deref().unwrap_or_default(), tensor);
        let mut walk = Self {
            initializers: graph.initializer.iter().map(named).collect(),
            outside,
            values: BTreeMap::new(),
            made: Vec::new(),
            roles: Roles::default(),
            opset,
            room: SPARE_NUMBERS.saturating_add(bytes.saturating_mul(4)),
        };
        let (input, shape) = walk.input(graph)?;
        let nodes = ordered(graph)?;
        if let Some(node) = nodes.iter().find(|node| matches!(node.operator(), "Loop" | "Scan" | "If")) {
            let reason = "a loop or branch written out as a graph of its own, expected LSTM, GRU or RNN nodes";
            return Err(node.refuse(reason));
        }
        for node in nodes {
            let outputs = walk.outputs(&node)?;
            for (name, value) in node.outputs().iter().zip(outputs) {
                if let Some(value) = value {
                    walk.values.insert(name, value);
                }
            }
        }
        walk.finish(graph, input, &shape)
    }

    /// Puts the graph's one input, which is no initializer, on its edge.
    fn input(&mut self, graph: &'m GraphProto) -> Result<(&'m str, Vec<Length>), ImportError> {
        let name = |input: &'m ValueInfoProto| input.name.as_deref().unwrap_or_default();
        let inputs: Vec<_> = graph.input.iter().filter(|input| !self.initializers.contains_key(name(input))).collect();
        let [input] = inputs[..] else {
            let names: Vec<_> = inputs.iter().map(|input| format!("`{}`", name(input))).collect();
            let reason = format!("the graph has the inputs [{}], expected one; states start at zero", names.join(", "));
            return Err(ImportError::file(reason));
        };
        let shape = lengths(input).ok_or_else(|| {
            ImportError::file(format!("input `{}` is no tensor of one to three dimensions", name(input)))
        })?;
        let axes = shape.iter().enumerate().map(|(axis, length)| Axis::one(Meaning::Input(axis), length.clone()));
        let data = Data { rows: is_integer(input), ..Data::new(axes.collect(), None) };
        self.values.insert(name(input), Value::Data(data));
        Ok((name(input), shape))
    }

    /// The values that a node makes.
    fn outputs(&mut self, node: &Node<'m>) -> Result<Vec<Option<Value>>, ImportError> {
        if let Some(domain) = node.foreign() {
            return Err(node.refuse(format!("an operator of domain `{domain}`, expected ONNX's own")));
        }
        let one = |value| vec![Some(value)];
        Ok(match node.operator() {
            "Constant" => one(shapes::constant(self, node)?),
            "Identity" | "Dropout" => one(self.first(node)?),
            "Shape" | "Size" | "ConstantOfShape" | "Expand" | "Tile" | "Range" | "ReduceProd" | "Cast" => {
                one(shapes::value(self, node)?)
            }
            "Add" | "Sub" | "Mul" | "Div" => one(products::elementwise(self, node)?),
            "Less" | "Not" | "Where" => one(rows::select(self, node)?),
            "Transpose" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Slice" | "Gather" | "Concat" | "Pad"
            | "ReverseSequence" | "ReduceMean" => one(axes::moved(self, node)?),
            "Gemm" | "MatMul" | "Conv" | "BatchNormalization" | "LayerNormalization" | "Relu" | "Tanh" | "Sigmoid"
            | "Softmax" | "LogSoftmax" => one(products::layer(self, node)?),
            "LSTM" | "GRU" | "RNN" => recurrent::layer(self, node)?,
            _ => return Err(node.refuse("an operator that is not read")),
        })
    }

    /// The value of input `index`, where there is one.
    pub(super) fn optional(&mut self, node: &Node<'m>, index: usize) -> Result<Option<Value>, ImportError> {
        let Some(name) = node.input(index) else { return Ok(None) };
        if let Some(value) = self.values.get(name) {
            return Ok(Some(value.clone()));
        }
        let missing = || node.refuse(format!("input {index}, `{name}`, is made by nothing"));
        let tensor = self.initializers.get(name).ok_or_else(missing)?;
        let value = Value::Constant(Rc::new(constant::read(tensor, name, &self.outside)?));
        self.values.insert(name, value.clone());
        Ok(Some(value))
    }

    /// The value of input `index`.
    pub(super) fn needed(&mut self, node: &Node<'m>, index: usize) -> Result<Value, ImportError> {
        self.optional(node, index)?.ok_or_else(|| node.refuse(format!("input {index} is missing")))
    }

    /// The value of input 0.
    pub(super) fn first(&mut self, node: &Node<'m>) -> Result<Value, ImportError> {
        self.needed(node, 0)
    }

    /// The constant at input `index`, where there is one.
    pub(super) fn constant(&mut self, node: &Node<'m>, index: usize) -> Result<Option<Rc<Constant>>, ImportError> {
        match self.optional(node, index)? {
            None => Ok(None),
            Some(Value::Constant(constant)) => Ok(Some(constant)),
            Some(other) => Err(node.refuse(format!("input {index} is {}, expected a constant", other.label()))),
        }
    }

    /// The numbers and the shape of the constant floats at input `index`.
    pub(super) fn floats(&mut self, node: &Node<'m>, index: usize) -> Result<Rc<Constant>, ImportError> {
        let found = self.constant(node, index)?.ok_or_else(|| node.refuse(format!("input {index} is missing")))?;
        if found.floats().is_none() {
            return Err(node.refuse(format!("input {index} holds integers, expected floats")));
        }
        Ok(found)
    }

    /// Takes room for `count` numbers of a constant.
    pub(super) fn make_room(&mut self, node: &Node<'m>, count: Option<usize>) -> Result<(), ImportError> {
        let left = count.and_then(|count| self.room.checked_sub(count));
        self.room = left.ok_or_else(|| node.refuse("makes a constant far larger than the file"))?;
        Ok(())
    }

    /// What tensor `tensor` of an attribute holds.
    pub(super) fn read(&self, tensor: &TensorProto, node: &Node<'m>) -> Result<Constant, ImportError> {
        constant::read(tensor, &node.name, &self.outside)
    }

    /// Makes a layer over `data`, and returns its number.
    pub(super) fn push(&mut self, node: &Node<'m>, data: &Data, what: What) -> Result<usize, ImportError> {
        if data.cell {
            return Err(node.refuse("its input is a final cell state, expected outputs of a layer"));
        }
        if data.part.is_some() {
            return Err(node.refuse("its input is one direction of a layer, expected both"));
        }
        if data.padding != [0, 0] {
            return Err(node.refuse("its input is padded, which only a convolution can take up"));
        }
        if self.made.len() >= MOST_LAYERS {
            return Err(node.refuse(format!("one more than {MOST_LAYERS} layers")));
        }
        // Weights that several nodes share are copied for each.
        self.make_room(node, what.numbers())?;
        let (node, operator) = (node.name.clone(), node.operator().to_owned());
        let made = Made { node, operator, input: data.layer, pooled: data.pooled, what };
        self.made.push(made);
        Ok(self.made.len() - 1)
    }

    /// Follows the output back to the input, and puts the layers on the way in their order.
    fn finish(mut self, graph: &'m GraphProto, input: &str, shape: &[Length]) -> Result<Model, ImportError> {
        let mut notes = Vec::new();
        let (name, output) = self.output(graph, &mut notes)?;
        check_output(name, &output)?;
        let mut way = Vec::new();
        let mut at = output.layer;
        while let Some(index) = at {
            at = self.made[index].input;
            way.push(index);
        }
        way.reverse();
        let aside = |(index, made): &(usize, &Made)| !way.contains(index) && !matches!(made.what, What::Taken);
        if let Some((_, made)) = self.made.iter().enumerate().find(aside) {
            let reason = format!("does not lead to output `{name}`: the data goes several ways, expected one");
            return Err(made.refuse(reason));
        }
        let mut made: Vec<Option<Made>> = self.made.into_iter().map(Some).collect();
        let way: Vec<Made> = way.into_iter().filter_map(|index| made[index].take()).collect();
        let (layers, dropped, pooled_after) = chain(way)?;
        if let Some(function) = dropped {
            let function = if function == Dropped::Softmax { "Softmax" } else { "LogSoftmax" };
            notes.push(format!("the final {function} is dropped: it changes no decision"));
        }
        let width =
            layers.first().and_then(|layer| layer.kind.inputs()).or_else(|| shape.last().and_then(Length::size));
        let width =
            width.ok_or_else(|| ImportError::file(format!("input `{input}` has an open number of features")))?;
        notes.insert(0, format!("reads `{input}`, gives `{name}`"));
        let pooling = output.pooled.map(|pooled| (pooled_after.unwrap_or(layers.len()), pooled));
        let layout = layout(&self.roles, shape.len());
        Ok(Model { input: width, layers, pooling, dropped, layout, notes })
    }

    /// The graph's output of frames, and a note for each of final states.
    fn output(&mut self, graph: &'m GraphProto, notes: &mut Vec<String>) -> Result<(&'m str, Data), ImportError> {
        let mut main: Option<(&str, Data)> = None;
        for output in graph.output.iter().filter_map(|output| output.name.as_deref()) {
            let data = match self.values.remove(output) {
                Some(Value::Data(data)) => vec![data],
                Some(Value::Stacked(all)) => all,
                Some(other) => return Err(ImportError::file(format!("output `{output}` is {}", other.label()))),
                None => return Err(ImportError::file(format!("output `{output}` is made by no node"))),
            };
            match (&main, data.as_slice()) {
                (None, [only]) if !only.cell => main = Some((output, only.clone())),
                _ if data.iter().all(|data| data.cell || data.pooled.is_some()) => {
                    notes.push(format!("output `{output}`, final states, is left out"));
                }
                _ => return Err(ImportError::file(format!("output `{output}` is a second one, expected one"))),
            }
        }
        main.ok_or_else(|| ImportError::file("no output of frames"))
    }
}

impl Made {
    fn refuse(&self, reason: impl Into<String>) -> ImportError {
        ImportError::Node { node: self.node.clone(), operator: self.operator.clone(), reason: reason.into() }
    }
}

/// Layers in their order, the function at the end, and how many layers stand before one frame is left of a sequence.
type Chain = (Vec<Imported>, Option<Dropped>, Option<usize>);

fn chain(way: Vec<Made>) -> Result<Chain, ImportError> {
    let last = way.len();
    let (mut layers, mut dropped, mut pooled_after) = (Vec::new(), None, None);
    for (place, made) in way.into_iter().enumerate() {
        let refuse = |reason: &str| Err(made.refuse(reason));
        if let Some(pooled) = made.pooled {
            pooled_after.get_or_insert(layers.len());
            let commutes = pooled != Pooled::Mean
                || matches!(made.what, What::Layer(Kind::Linear { .. } | Kind::Affine { .. }) | What::End(_));
            if !commutes {
                return refuse("works on the mean over all frames, expected a matrix alone");
            }
        }
        match made.what {
            What::Layer(kind) => layers.push(Imported::new(made.node, kind)),
            What::Backward(_) => {
                return refuse("goes from the last frame to the first, without one that goes forward beside it");
            }
            What::Taken => return refuse("is read by itself and as half of a bidirectional layer"),
            What::End(function) if place + 1 == last => dropped = Some(function),
            What::End(_) => return refuse("stands before other layers, expected at the end"),
        }
    }
    Ok((layers, dropped, pooled_after))
}

/// Whether an input holds integers.
fn is_integer(input: &ValueInfoProto) -> bool {
    let kind = match input.r#type.as_ref().and_then(|kind| kind.value.as_ref()) {
        Some(type_proto::Value::TensorType(tensor)) => tensor.elem_type.unwrap_or(0),
        _ => 0,
    };
    matches!(DataType::try_from(kind), Ok(DataType::Int32 | DataType::Int64 | DataType::Int16 | DataType::Uint8))
}

fn check_output(name: &str, output: &Data) -> Result<(), ImportError> {
    let refuse = |reason: &str| Err(ImportError::file(format!("output `{name}` {reason}")));
    if output.layer.is_none() {
        return refuse("comes from no layer");
    }
    if output.reversed {
        return refuse("goes from the last frame to the first");
    }
    if output.part.is_some() || !(0..output.axes.len()).any(|axis| output.features(axis).is_some()) {
        return refuse(&format!("of shape {} has no axis with all features of the last layer", output.describe()));
    }
    Ok(())
}

/// The lengths of an input's axes; symbols are numbered by axis, and those of one name are one.
fn lengths(input: &ValueInfoProto) -> Option<Vec<Length>> {
    let type_proto::Value::TensorType(tensor) = input.r#type.as_ref()?.value.as_ref()? else { return None };
    DataType::try_from(tensor.elem_type.unwrap_or(0)).ok()?;
    let dims = &tensor.shape.as_ref()?.dim;
    if !(1..=4).contains(&dims.len()) {
        return None;
    }
    let name = |dim: &Dimension| match dim.value.as_ref() {
        Some(dimension::Value::DimParam(name)) => name.clone(),
        _ => String::new(),
    };
    let names: Vec<String> = dims.iter().map(name).collect();
    let length = |(axis, dim): (usize, &Dimension)| match dim.value.as_ref() {
        Some(dimension::Value::DimValue(value)) if *value > 0 => Length::known(*value),
        _ => {
            let first = names.iter().position(|other| !other.is_empty() && *other == names[axis]);
            Length::symbol(first.unwrap_or(axis) as u32)
        }
    };
    Some(dims.iter().enumerate().map(length).collect())
}

/// What the roles of its axes say of an input of `rank` axes.
fn layout(roles: &Roles, rank: usize) -> Option<Layout> {
    match (roles.time, roles.batch, rank) {
        (Some(0), _, 2 | 3) => Some(Layout::TimeFirst),
        (Some(1), _, 2 | 3) => Some(Layout::BatchFirst),
        (Some(2), _, 3) => Some(Layout::Channels),
        _ => None,
    }
}
