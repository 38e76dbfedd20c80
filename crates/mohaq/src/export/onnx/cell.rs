//! The equations of the cells on real numbers: `mohaq_rt::cell`, with a grid wherever that rounds to a format.

use super::graph::Graph;
use super::grid::{Codes, step};
use super::recurrence::Loop;
use mohaq_rt::Bits;
use mohaq_rt::cell::{CellKind, RecurrentCell};
use mohaq_rt::table::{GATE, TANH, UNIT};

/// What arrives at all units in one frame, and what they make of it.
pub(super) struct Frame<'a> {
    pub(super) cell: RecurrentCell,
    /// Bits behind the point of the hidden output.
    pub(super) hidden: u32,
    /// Products of the input, by gate.
    pub(super) u: &'a [String],
    /// Products of the hidden output, by gate.
    pub(super) v: &'a [String],
    /// `[peepholes, units]`.
    pub(super) peepholes: &'a [Vec<i16>],
    /// The hidden output of the frame before, where the cell has one.
    pub(super) before: &'a str,
    /// The state of the frame before, where the cell has one.
    pub(super) state: Option<&'a str>,
}

impl Frame<'_> {
    /// The hidden output of this frame; tells `scan` of the state.
    pub(super) fn write(&self, scan: &mut Loop) -> String {
        let kind = self.cell.kind();
        let graph = &mut scan.body;
        match kind {
            CellKind::RnnTanh => {
                let sum = self.sum(graph, 0, TANH.fraction());
                graph.tanh("h", &sum)
            }
            CellKind::RnnRelu => {
                let sum = self.sum(graph, 0, self.hidden);
                graph.relu("h", &sum, self.hidden)
            }
            CellKind::Lstm | CellKind::CoupledLstm => self.lstm(scan),
            CellKind::GruAfter => {
                let gates = [0, 1].map(|gate| self.gate(graph, gate));
                let inner = graph.times("inner", &gates[0], &self.v[2], TANH.fraction());
                let sum = graph.plus("new/sum", &self.u[2], &inner, TANH.fraction());
                let new = graph.tanh("new", &sum);
                graph.mix("h", &gates[1], &new, self.before, UNIT.fraction())
            }
            CellKind::GruBefore => {
                let (update, sum) = (self.gate(graph, 1), self.sum(graph, 2, TANH.fraction()));
                let new = graph.tanh("new", &sum);
                graph.mix("h", &update, &new, self.before, UNIT.fraction())
            }
            CellKind::LiGru => {
                let (update, sum) = (self.gate(graph, 0), self.sum(graph, 1, self.hidden));
                let new = graph.relu("new", &sum, self.hidden);
                graph.mix("h", &update, &new, self.before, self.hidden)
            }
            CellKind::Mgu => {
                let (forget, sum) = (self.gate(graph, 0), self.sum(graph, 1, TANH.fraction()));
                let new = graph.tanh("new", &sum);
                graph.mix("h", &forget, self.before, &new, UNIT.fraction())
            }
            CellKind::QrnnF | CellKind::QrnnFo => self.qrnn(scan),
        }
    }

    /// What the last gate's product reads in place of the hidden output, where it does.
    pub(super) fn gated(&self, graph: &mut Graph) -> String {
        let gate = self.gate(graph, 0);
        graph.times("gated", &gate, self.before, self.hidden)
    }

    /// u + v of a gate, on the grid of its function's argument.
    fn sum(&self, graph: &mut Graph, gate: usize, fraction: u32) -> String {
        graph.plus(&format!("gate{gate}/sum"), &self.u[gate], &self.v[gate], fraction)
    }

    /// σ of a gate's sum; the first one of a cell that is gated is there already.
    fn gate(&self, graph: &mut Graph, gate: usize) -> String {
        let name = format!("gate{gate}");
        if graph.has(&name) {
            return graph.name(&name);
        }
        let sum = self.sum(graph, gate, GATE.fraction());
        graph.sigmoid(&name, &sum)
    }

    /// σ of a gate's sum and its peephole, which sees `state`.
    fn look(&self, graph: &mut Graph, gate: usize, peephole: usize, state: &str) -> String {
        let (name, sum) = (format!("gate{gate}"), self.sum(graph, gate, GATE.fraction()));
        let Some(codes) = self.peepholes.get(peephole) else { return graph.sigmoid(&name, &sum) };
        let shift = self.cell.peephole_shift().expect("a cell with peepholes");
        // Their product with the state has `shift` bits more than the argument.
        let fraction = shift + GATE.fraction() - self.cell.state_fraction();
        let vector = graph.vector(&format!("{name}/peephole"), codes, fraction);
        let seen = graph.times(&format!("{name}/seen"), &vector, state, GATE.fraction());
        let sum = graph.plus(&format!("{name}/looked"), &sum, &seen, GATE.fraction());
        graph.sigmoid(&name, &sum)
    }

    fn lstm(&self, scan: &mut Loop) -> String {
        let before = self.state.expect("a cell with a state");
        let (graph, gates) = (&mut scan.body, self.cell.kind().gates());
        let input = self.look(graph, 0, 0, before);
        let forget = match self.cell.kind() {
            CellKind::Lstm => self.look(graph, 1, 1, before),
            _ => graph.complement("forget", &input),
        };
        let sum = self.sum(graph, gates - 2, TANH.fraction());
        let new = graph.tanh("new", &sum);
        let kept = graph.node("kept", "Mul", &[&forget, before], vec![]);
        let added = graph.node("added", "Mul", &[&input, &new], vec![]);
        let state = graph.plus("c", &kept, &added, self.cell.state_fraction());
        let output = self.look(graph, gates - 1, gates - 2, &state);
        let seen = graph.fixed("c/seen", &state, TANH.fraction());
        let seen = graph.tanh("c/tanh", &seen);
        let shown = graph.times("h", &output, &seen, UNIT.fraction());
        scan.becomes(before, &state);
        shown
    }

    fn qrnn(&self, scan: &mut Loop) -> String {
        let before = self.state.expect("a cell with a state");
        let graph = &mut scan.body;
        let new = graph.tanh("new", &self.u[0]);
        let forget = graph.sigmoid("forget", &self.u[1]);
        let state = graph.mix("c", &forget, &new, before, UNIT.fraction());
        let shown = match self.cell.kind() {
            CellKind::QrnnF => state.clone(),
            _ => {
                let output = graph.sigmoid("output", &self.u[2]);
                graph.times("h", &output, &state, UNIT.fraction())
            }
        };
        scan.becomes(before, &state);
        shown
    }
}

impl Graph {
    /// σ(value), on its grid.
    pub(super) fn sigmoid(&mut self, name: &str, value: &str) -> String {
        let value = self.node(&format!("{name}/exact"), "Sigmoid", &[value], vec![]);
        self.fixed(name, &value, UNIT.fraction())
    }

    /// tanh(value), on its grid.
    pub(super) fn tanh(&mut self, name: &str, value: &str) -> String {
        let value = self.node(&format!("{name}/exact"), "Tanh", &[value], vec![]);
        self.fixed(name, &value, UNIT.fraction())
    }

    /// max(value, 0), which has the grid of `value`. It is written anew: onnxruntime drops the function in front of integers of 4
    /// bits and fewer.
    pub(super) fn relu(&mut self, name: &str, value: &str, fraction: u32) -> String {
        let value = self.node(&format!("{name}/exact"), "Relu", &[value], vec![]);
        self.fixed(name, &value, fraction)
    }

    /// a + b, on the grid with so many bits behind the point.
    pub(super) fn plus(&mut self, name: &str, a: &str, b: &str, fraction: u32) -> String {
        let sum = self.node(&format!("{name}/exact"), "Add", &[a, b], vec![]);
        self.fixed(name, &sum, fraction)
    }

    /// a · b, likewise.
    pub(super) fn times(&mut self, name: &str, a: &str, b: &str, fraction: u32) -> String {
        let product = self.node(&format!("{name}/exact"), "Mul", &[a, b], vec![]);
        self.fixed(name, &product, fraction)
    }

    /// 1 − value.
    pub(super) fn complement(&mut self, name: &str, value: &str) -> String {
        let one = self.number("one", &[1.0]);
        self.node(name, "Sub", &[&one, value], vec![])
    }

    /// (1 − weight)·a + weight·b, on the grid with so many bits behind the point.
    pub(super) fn mix(&mut self, name: &str, weight: &str, a: &str, b: &str, fraction: u32) -> String {
        let rest = self.complement(&format!("{name}/rest"), weight);
        let a = self.node(&format!("{name}/first"), "Mul", &[&rest, a], vec![]);
        let b = self.node(&format!("{name}/second"), "Mul", &[weight, b], vec![]);
        self.plus(name, &a, &b, fraction)
    }

    /// A constant of 16 bit codes with `fraction` bits behind the point.
    pub(super) fn vector(&mut self, name: &str, codes: &[i16], fraction: u32) -> String {
        let (dims, scales) = ([codes.len()], [step(fraction)]);
        self.codes(name, &Codes { dims: &dims, bits: Bits::Sixteen, codes, scales: &scales, axis: 0 })
    }
}
