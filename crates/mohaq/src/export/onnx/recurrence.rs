//! Loops over frames: `Scan`, whose body is one frame of one direction.

use super::graph::Graph;
use super::tensor::{self, Length};
use crate::onnx_proto::ValueInfoProto;

/// The body of a loop in the making.
pub(super) struct Loop {
    pub(super) body: Graph,
    name: String,
    states: Vec<State>,
    /// Values around the loop that are taken apart by frames, with the names of their frames.
    frames: Vec<(String, ValueInfoProto)>,
}

/// What goes from frame to frame, 0 before the first.
struct State {
    width: usize,
    before: String,
    after: Option<String>,
}

impl Loop {
    /// A loop called `name` of the graph around it.
    pub(super) fn new(around: &Graph, name: &str) -> Self {
        let body = Graph::new(around.dialect, &format!("{}/frame/", around.name(name)));
        Self { body, name: name.to_owned(), states: Vec::new(), frames: Vec::new() }
    }

    /// What `value`, `[frames, batch, width]`, has in the frame.
    pub(super) fn frame(&mut self, name: &str, value: &str, width: usize) -> String {
        let name = self.body.name(name);
        self.frames.push((value.to_owned(), of_frame(&name, width)));
        name
    }

    /// A state, as the frame before has left it.
    pub(super) fn state(&mut self, name: &str, width: usize) -> String {
        let before = self.body.name(name);
        self.states.push(State { width, before: before.clone(), after: None });
        before
    }

    /// Says what becomes of the state `before`.
    pub(super) fn becomes(&mut self, before: &str, after: &str) {
        let state = self.states.iter_mut().find(|state| state.before == before).expect("a state of this loop");
        state.after = Some(after.to_owned());
    }

    /// Ends the body with `shown`, of `width` numbers, and returns it for all frames, `[frames, batch, width]`.
    pub(super) fn finish(mut self, around: &mut Graph, batch: &str, shown: &str, width: usize) -> String {
        // A value may leave a body only once.
        let shown = self.body.node("shown", "Identity", &[shown], vec![]);
        let zeros: Vec<String> = self.states.iter().map(|state| zeros(around, batch, state.width)).collect();
        let inputs = self.states.iter().map(|state| of_frame(&state.before, state.width));
        let inputs = inputs.chain(self.frames.iter().map(|(_, value)| value.clone())).collect();
        let after = |state: &State| of_frame(state.after.as_deref().expect("a state that is set"), state.width);
        let mut outputs: Vec<ValueInfoProto> = self.states.iter().map(after).collect();
        outputs.push(of_frame(&shown, width));
        let attributes = vec![
            tensor::graph("body", self.body.finish("frame", inputs, outputs)),
            tensor::int("num_scan_inputs", self.frames.len() as i64),
        ];
        let values = zeros.iter().chain(self.frames.iter().map(|(value, _)| value));
        let values: Vec<&str> = values.map(String::as_str).collect();
        let outputs = around.nodes_of(&self.name, "Scan", &values, attributes, self.states.len() + 1);
        outputs.last().expect("what is shown").clone()
    }
}

/// A value of one frame.
fn of_frame(name: &str, width: usize) -> ValueInfoProto {
    tensor::value(name, false, &[Length::Open("batch"), Length::Fixed(width)])
}

/// Zeros, `[batch, width]`.
fn zeros(graph: &mut Graph, batch: &str, width: usize) -> String {
    let name = format!("zeros/{width}");
    if graph.has(&name) {
        return graph.name(&name);
    }
    let width = graph.length(width as i64);
    let shape = graph.node(&format!("{name}/shape"), "Concat", &[batch, &width], vec![tensor::int("axis", 0)]);
    graph.node(&name, "ConstantOfShape", &[&shape], vec![])
}

impl Graph {
    /// A vector of one integer.
    pub(super) fn length(&mut self, length: i64) -> String {
        self.shared(&format!("length/{length}"), |own| tensor::integers(own, &[1], &[length]))
    }
}
