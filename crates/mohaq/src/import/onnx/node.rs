//! Nodes of a graph: their names, their attributes, and an order in which each comes after those it needs.

use super::super::error::ImportError;
use super::proto::attribute_proto::AttributeType;
use super::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};
use std::collections::BTreeMap;

/// A node under the name that messages call it by.
#[derive(Clone, Debug)]
pub(super) struct Node<'m> {
    proto: &'m NodeProto,
    pub name: String,
}

impl<'m> Node<'m> {
    pub(super) fn new(proto: &'m NodeProto) -> Self {
        let given = proto.name.as_deref().filter(|name| !name.is_empty());
        let output = proto.output.iter().find(|name| !name.is_empty());
        let name = given.or(output.map(String::as_str)).unwrap_or_default().to_owned();
        Self { proto, name }
    }

    pub(super) fn operator(&self) -> &'m str {
        self.proto.op_type.as_deref().unwrap_or_default()
    }

    /// The domain of its operator, where it is not ONNX's own.
    pub(super) fn foreign(&self) -> Option<&'m str> {
        self.proto.domain.as_deref().filter(|domain| !matches!(*domain, "" | "ai.onnx"))
    }

    /// Name of the `index`-th input, where there is one.
    pub(super) fn input(&self, index: usize) -> Option<&'m str> {
        self.proto.input.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    pub(super) fn inputs(&self) -> &'m [String] {
        &self.proto.input
    }

    pub(super) fn outputs(&self) -> &'m [String] {
        &self.proto.output
    }

    pub(super) fn refuse(&self, reason: impl Into<String>) -> ImportError {
        ImportError::Node { node: self.name.clone(), operator: self.operator().to_owned(), reason: reason.into() }
    }

    fn attribute(&self, name: &str, kind: AttributeType) -> Result<Option<&'m AttributeProto>, ImportError> {
        let found = self.proto.attribute.iter().find(|attribute| attribute.name.as_deref() == Some(name));
        match found {
            // Files of IR version 1 leave the type out.
            Some(attribute) if attribute.r#type.is_some_and(|other| other != kind as i32 && other != 0) => {
                Err(self.refuse(format!("attribute `{name}` is of another type than {}", kind.as_str_name())))
            }
            found => Ok(found),
        }
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, ImportError> {
        Ok(self.attribute(name, AttributeType::Int)?.map(|attribute| attribute.i.unwrap_or(0)))
    }

    pub(super) fn float(&self, name: &str) -> Result<Option<f32>, ImportError> {
        Ok(self.attribute(name, AttributeType::Float)?.map(|attribute| attribute.f.unwrap_or(0.0)))
    }

    pub(super) fn integers(&self, name: &str) -> Result<Option<&'m [i64]>, ImportError> {
        Ok(self.attribute(name, AttributeType::Ints)?.map(|attribute| attribute.ints.as_slice()))
    }

    pub(super) fn floats(&self, name: &str) -> Result<Option<&'m [f32]>, ImportError> {
        Ok(self.attribute(name, AttributeType::Floats)?.map(|attribute| attribute.floats.as_slice()))
    }

    pub(super) fn tensor(&self, name: &str) -> Result<Option<&'m TensorProto>, ImportError> {
        Ok(self.attribute(name, AttributeType::Tensor)?.and_then(|attribute| attribute.t.as_ref()))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, ImportError> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(self
            .attribute(name, AttributeType::String)?
            .map(|attribute| text(attribute.s.as_deref().unwrap_or_default())))
    }

    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, ImportError> {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        Ok(self.attribute(name, AttributeType::Strings)?.map(|attribute| attribute.strings.iter().map(text).collect()))
    }

    /// Whether there is an attribute of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.proto.attribute.iter().any(|attribute| attribute.name.as_deref() == Some(name))
    }
}

/// The nodes that outputs of the graph need, each after those that it needs itself.
///
/// # Errors
/// [`ImportError::File`] where two make the same value, or where some need each other in a circle: by name.
pub(super) fn ordered(graph: &GraphProto) -> Result<Vec<Node<'_>>, ImportError> {
    let mut makers = BTreeMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        for output in node.output.iter().filter(|output| !output.is_empty()) {
            if makers.insert(output.as_str(), index).is_some() {
                return Err(ImportError::file(format!("two nodes make `{output}`")));
            }
        }
    }
    let needed = |node: usize| graph.node[node].input.iter().filter_map(|input| makers.get(input.as_str()).copied());
    let outputs = graph.output.iter().filter_map(|output| makers.get(output.name.as_deref()?).copied());
    let mut order = Vec::new();
    let mut marks = vec![Mark::New; graph.node.len()];
    for output in outputs {
        // Depth first without recursion: a file may chain as many nodes as it likes.
        let mut path: Vec<(usize, Vec<usize>)> = Vec::new();
        let mut enter = Some(output);
        loop {
            match enter.take() {
                Some(node) if marks[node] == Mark::New => {
                    marks[node] = Mark::Open;
                    path.push((node, needed(node).collect()));
                }
                Some(node) if marks[node] == Mark::Open => {
                    let circle = path.iter().skip_while(|(open, _)| *open != node);
                    let names: Vec<_> =
                        circle.map(|&(open, _)| format!("`{}`", Node::new(&graph.node[open]).name)).collect();
                    return Err(ImportError::file(format!(
                        "nodes that need each other in a circle: {}",
                        names.join(", ")
                    )));
                }
                _ => {}
            }
            let Some((node, left)) = path.last_mut() else { break };
            enter = left.pop();
            if enter.is_none() {
                marks[*node] = Mark::Done;
                order.push(Node::new(&graph.node[*node]));
                path.pop();
            }
        }
    }
    Ok(order)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    Done,
}

#[cfg(test)]
mod tests {
    use super::super::proto::ValueInfoProto;
    use super::*;

    fn node(name: &str, inputs: &[&str], output: &str) -> NodeProto {
        NodeProto {
            name: Some(name.into()),
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.to_owned()],
            ..NodeProto::default()
        }
    }

    fn graph(nodes: Vec<NodeProto>) -> GraphProto {
        let output = ValueInfoProto { name: Some("y".into()), ..ValueInfoProto::default() };
        GraphProto { node: nodes, output: vec![output], ..GraphProto::default() }
    }

    #[test]
    fn nodes_come_after_what_they_need_and_only_if_they_are_needed() {
        let nodes = vec![
            node("c", &["a", "b"], "y"),
            node("dead", &["x"], "z"),
            node("b", &["a"], "b"),
            node("a", &["x"], "a"),
        ];
        let graph = graph(nodes);
        let names: Vec<_> = ordered(&graph).expect("no circle").into_iter().map(|node| node.name).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn a_circle_is_named() {
        let graph = graph(vec![node("last", &["b"], "y"), node("one", &["b"], "a"), node("two", &["a"], "b")]);
        let message = ordered(&graph).expect_err("a circle").to_string();
        assert_eq!(message, "nodes that need each other in a circle: `two`, `one`");
    }

    #[test]
    fn a_long_chain_takes_no_stack() {
        let link = |at: usize| node("", &[&format!("v{at}")], &format!("v{}", at + 1));
        let mut nodes: Vec<_> = (0..200_000).map(link).collect();
        nodes.push(node("", &["v200000"], "y"));
        assert_eq!(ordered(&graph(nodes)).expect("no circle").len(), 200_001);
    }
}
