//! Recurrent layers other than simple recurrent units, as their user writes them.

use super::super::Cell;
use serde::{Deserialize, Serialize};

/// A layer of Elman's units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RnnDescription {
    /// Names the layer's sites and parameters; `l0`, `l1`, … by default, counted over all recurrent layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Units a direction.
    pub hidden: usize,
    /// A second direction from the last frame to the first; the output is then twice as wide, forward half first.
    #[serde(default)]
    pub bidirectional: bool,
    /// What a unit puts its sum through.
    #[serde(default)]
    pub activation: RnnActivation,
}

/// What an Elman unit puts its sum through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RnnActivation {
    /// Hyperbolic tangent.
    #[default]
    Tanh,
    /// max(x, 0).
    Relu,
}

/// A layer of long short-term memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LstmDescription {
    /// Names the layer's sites and parameters; `l0`, `l1`, … by default, counted over all recurrent layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Units a direction.
    pub hidden: usize,
    /// A second direction from the last frame to the first; the output is then twice as wide, forward half first.
    #[serde(default)]
    pub bidirectional: bool,
    /// Width that the hidden output is brought to by a matrix, before it is shown and fed back (Sak et al. 2014).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projection: Option<usize>,
    /// Gates see the state.
    #[serde(default)]
    pub peepholes: bool,
    /// The forget gate is one minus the input gate.
    #[serde(default)]
    pub coupled: bool,
    /// A product, and so a precision, for every gate.
    #[serde(default)]
    pub per_gate: bool,
}

/// A layer of gated recurrent units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GruDescription {
    /// Names the layer's sites and parameters; `l0`, `l1`, … by default, counted over all recurrent layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Units a direction.
    pub hidden: usize,
    /// A second direction from the last frame to the first; the output is then twice as wide, forward half first.
    #[serde(default)]
    pub bidirectional: bool,
    /// Where the reset gate acts.
    #[serde(default)]
    pub reset: Reset,
    /// A product, and so a precision, for every gate.
    #[serde(default)]
    pub per_gate: bool,
}

/// Where the reset gate of a gated recurrent unit acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reset {
    /// On the product of the hidden output: cuDNN, PyTorch, ONNX with `linear_before_reset = 1`.
    #[default]
    After,
    /// On the hidden output, before the product: as first published.
    Before,
}

/// A layer of gated units without anything to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateDescription {
    /// Names the layer's sites and parameters; `l0`, `l1`, … by default, counted over all recurrent layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Units a direction.
    pub hidden: usize,
    /// A second direction from the last frame to the first; the output is then twice as wide, forward half first.
    #[serde(default)]
    pub bidirectional: bool,
    /// A product, and so a precision, for every gate.
    #[serde(default)]
    pub per_gate: bool,
}

/// A layer of a quasi-recurrent network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QrnnDescription {
    /// Names the layer's sites and parameters; `l0`, `l1`, … by default, counted over all recurrent layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Units a direction.
    pub hidden: usize,
    /// A second direction from the last frame to the first; the output is then twice as wide, forward half first.
    #[serde(default)]
    pub bidirectional: bool,
    /// Gates of the pooling.
    #[serde(default)]
    pub pooling: Pooling,
    /// Frames that a product sees: 1, or 2 with the one before.
    #[serde(default = "one")]
    pub window: usize,
    /// A product, and so a precision, for every gate.
    #[serde(default)]
    pub per_gate: bool,
}

/// Gates of a quasi-recurrent network's pooling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// A forget gate.
    F,
    /// A forget gate and an output gate.
    #[default]
    Fo,
}

const fn one() -> usize {
    1
}

/// A recurrent layer of any [`Cell`], decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecurrentShape {
    /// The cell.
    pub cell: Cell,
    /// Units a direction.
    pub hidden: usize,
    /// 1 or 2.
    pub directions: usize,
    /// Width that the hidden output is brought to.
    pub projection: Option<usize>,
    /// Frames that a product of the input sees.
    pub window: usize,
    /// A product for every gate.
    pub per_gate: bool,
}

impl RecurrentShape {
    pub(super) fn new(cell: Cell, hidden: usize, bidirectional: bool, per_gate: bool) -> Self {
        let directions = if bidirectional { 2 } else { 1 };
        Self { cell, hidden, directions, projection: None, window: 1, per_gate }
    }

    /// What a direction shows and feeds back.
    pub fn width(&self) -> usize {
        self.projection.unwrap_or(self.hidden)
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.directions.saturating_mul(self.width())
    }

    /// In `u128`: no product of three `usize` written by a user overflows it by accident.
    pub(super) fn parameters(&self, inputs: usize) -> u128 {
        let [inputs, hidden, width] = [inputs, self.hidden, self.width()].map(|width| width as u128);
        let gates = self.cell.gates().len() as u128;
        let window = self.window as u128;
        let recurrent = if self.cell.recurrent(false).is_empty() { 0 } else { width };
        let biases = gates + u128::from(self.cell.biased_recurrence().is_some());
        let vectors = biases + self.cell.peepholes().len() as u128;
        let projection = self.projection.map_or(0, |_| width);
        // Widths of up to 2⁶⁴: two factors fit, three need care.
        let rows = (gates * (window * inputs + recurrent)).saturating_add(vectors + projection);
        rows.saturating_mul(hidden).saturating_mul(self.directions as u128)
    }
}

impl RnnDescription {
    pub(super) fn shape(&self) -> RecurrentShape {
        RecurrentShape::new(Cell::Rnn(self.activation), self.hidden, self.bidirectional, false)
    }
}

impl LstmDescription {
    pub(super) fn shape(&self) -> RecurrentShape {
        let cell = Cell::Lstm { peepholes: self.peepholes, coupled: self.coupled };
        let shape = RecurrentShape::new(cell, self.hidden, self.bidirectional, self.per_gate);
        RecurrentShape { projection: self.projection, ..shape }
    }
}

impl GruDescription {
    pub(super) fn shape(&self) -> RecurrentShape {
        RecurrentShape::new(Cell::Gru(self.reset), self.hidden, self.bidirectional, self.per_gate)
    }
}

impl GateDescription {
    pub(super) fn shape(&self, cell: Cell) -> RecurrentShape {
        RecurrentShape::new(cell, self.hidden, self.bidirectional, self.per_gate)
    }
}

impl QrnnDescription {
    pub(super) fn shape(&self) -> RecurrentShape {
        let shape = RecurrentShape::new(Cell::Qrnn(self.pooling), self.hidden, self.bidirectional, self.per_gate);
        RecurrentShape { window: self.window, ..shape }
    }
}
