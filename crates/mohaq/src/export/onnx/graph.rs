//! A graph in the making: nodes in the order in which they run, constants, and names for all of them.

use super::tensor;
use crate::onnx_proto::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};
use prost::Message;
use std::collections::BTreeMap;

/// How a grid is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `QuantizeLinear` and `DequantizeLinear`; weights of 2 bits are held by 4, other values by 8. Operator set 21.
    Qdq,
    /// The same with codes of 2 bits. Operator set 25.
    QdqInt2,
    /// `Quant` of QONNX. Operator set 21 beside it.
    Qonnx,
}

/// Operators of QONNX.
pub(super) const QONNX: &str = "qonnx.custom_op.general";

/// A graph, or the body of a loop. A value is the name of what a node gives.
pub(super) struct Graph {
    pub(super) dialect: Dialect,
    /// What all names here begin with: a body must not name what the graph around it does.
    root: String,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    /// Names of small constants by what is in them.
    shared: BTreeMap<Vec<u8>, String>,
}

impl Graph {
    pub(super) fn new(dialect: Dialect, root: &str) -> Self {
        Self { dialect, root: root.to_owned(), nodes: Vec::new(), constants: Vec::new(), shared: BTreeMap::new() }
    }

    /// `name` in this graph.
    pub(super) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.root)
    }

    /// Whether a node is called `name` already.
    pub(super) fn has(&self, name: &str) -> bool {
        let name = self.name(name);
        self.nodes.iter().any(|node| node.name.as_ref() == Some(&name))
    }

    /// The value of a node that is called like it.
    pub(super) fn node(
        &mut self,
        name: &str,
        operator: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        self.nodes_of(name, operator, inputs, attributes, 1).swap_remove(0)
    }

    /// The values of a node with `count` of them.
    pub(super) fn nodes_of(
        &mut self,
        name: &str,
        operator: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
        count: usize,
    ) -> Vec<String> {
        let name = self.name(name);
        let output = match count {
            1 => vec![name.clone()],
            _ => (0..count).map(|index| format!("{name}/{index}")).collect(),
        };
        self.nodes.push(NodeProto {
            name: Some(name),
            op_type: Some(operator.to_owned()),
            domain: (operator == "Quant").then(|| QONNX.to_owned()),
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: output.clone(),
            attribute: attributes,
            ..NodeProto::default()
        });
        output
    }

    /// `value` in `count` equal parts of its last axis.
    pub(super) fn split(&mut self, name: &str, value: &str, count: usize) -> Vec<String> {
        if count == 1 {
            return vec![value.to_owned()];
        }
        let attributes = vec![tensor::int("axis", -1), tensor::int("num_outputs", count as i64)];
        self.nodes_of(name, "Split", &[value], attributes, count)
    }

    /// A constant, which must have a [`name`](Self::name) of this graph.
    pub(super) fn constant(&mut self, tensor: TensorProto) -> String {
        let name = tensor.name.clone().unwrap_or_default();
        self.constants.push(tensor);
        name
    }

    /// A small constant that `make` makes from its name. Where the same one is there already, that is it, whatever it is called.
    pub(super) fn shared(&mut self, name: &str, make: impl Fn(&str) -> TensorProto) -> String {
        let content = make("").encode_to_vec();
        if let Some(known) = self.shared.get(&content) {
            return known.clone();
        }
        let name = self.name(name);
        self.shared.insert(content, name.clone());
        self.constant(make(&name))
    }

    /// The graph, called `name`.
    pub(super) fn finish(self, name: &str, input: Vec<ValueInfoProto>, output: Vec<ValueInfoProto>) -> GraphProto {
        GraphProto {
            name: Some(name.to_owned()),
            node: self.nodes,
            initializer: self.constants,
            input,
            output,
            ..GraphProto::default()
        }
    }
}
