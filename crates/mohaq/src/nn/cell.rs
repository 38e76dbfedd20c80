//! Which recurrent cells there are, and what their gates are called and computed with.
//!
//! For one unit, with u the products of the layer's input (biases in them) and v those of the hidden output one frame
//! before:
//!
//! ```text
//! Rnn       h = f(u + v)                                f: tanh or ReLU                         Elman 1990
//! Lstm      i = σ(u_i + v_i + p_i·c)    f = σ(u_f + v_f + p_f·c)    g = tanh(u_g + v_g)         Hochreiter 1997, Gers 2000
//!           c' = f·c + i·g              o = σ(u_o + v_o + p_o·c')   h = o·tanh(c')
//!           peepholes p are 0 where there are none; a coupled cell has no f but 1 − i           Greff et al. 2017
//! Gru       r = σ(u_r + v_r)            z = σ(u_z + v_z)            h' = (1 − z)·n + z·h        Cho et al. 2014
//!           reset after:  n = tanh(u_n + r·(v_n + b_n))             as cuDNN and PyTorch
//!           reset before: n = tanh(u_n + w_n), w of r·h instead of h
//! LiGru     z = σ(u_z + v_z)            a = ReLU(u_a + v_a)         h' = (1 − z)·a + z·h        Ravanelli et al. 2018
//! Mgu       f = σ(u_f + v_f)            n = tanh(u_n + w_n)         h' = (1 − f)·h + f·n        Zhou et al. 2016
//!           w of f·h instead of h
//! Qrnn      z = tanh(u_z)   f = σ(u_f)  c' = f·c + (1 − f)·z        h = c', or σ(u_o)·c'        Bradbury et al. 2017
//! ```
//!
//! Simple recurrent units are a layer of their own, [`Sru`](super::Sru).

use super::Pointwise;
use super::description::{Pooling, Reset, RnnActivation};
use std::ops::Range;

/// A recurrent cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Elman's.
    Rnn(RnnActivation),
    /// Long short-term memory.
    Lstm {
        /// The gates see the cell's state.
        peepholes: bool,
        /// The forget gate is one minus the input gate.
        coupled: bool,
    },
    /// Gated recurrent unit.
    Gru(Reset),
    /// Light gated recurrent unit.
    LiGru,
    /// Minimal gated unit.
    Mgu,
    /// Quasi-recurrent, which multiplies nothing by its hidden output.
    Qrnn(Pooling),
}

/// A gate, or whatever else a product is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// As in the equations.
    pub name: &'static str,
    /// What it puts its argument through.
    pub function: Pointwise,
}

/// Gates whose products with a hidden output are made at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecurrentGates {
    /// Which.
    pub gates: Range<usize>,
    /// The gate that the hidden output is multiplied with first: r for a GRU that resets before, f for an MGU.
    pub gated_by: Option<usize>,
}

const fn gate(name: &'static str, function: Pointwise) -> Gate {
    Gate { name, function }
}

impl Cell {
    /// The gates, in the order of the columns of products: that of PyTorch, where it has the cell.
    pub const fn gates(self) -> &'static [Gate] {
        use Pointwise::{Relu, Sigmoid, Tanh};
        match self {
            Self::Rnn(RnnActivation::Tanh) => const { &[gate("h", Tanh)] },
            Self::Rnn(RnnActivation::Relu) => const { &[gate("h", Relu)] },
            Self::Lstm { coupled: false, .. } => {
                const { &[gate("i", Sigmoid), gate("f", Sigmoid), gate("g", Tanh), gate("o", Sigmoid)] }
            }
            Self::Lstm { coupled: true, .. } => const { &[gate("i", Sigmoid), gate("g", Tanh), gate("o", Sigmoid)] },
            Self::Gru(_) => const { &[gate("r", Sigmoid), gate("z", Sigmoid), gate("n", Tanh)] },
            Self::LiGru => const { &[gate("z", Sigmoid), gate("a", Relu)] },
            Self::Mgu => const { &[gate("f", Sigmoid), gate("n", Tanh)] },
            Self::Qrnn(Pooling::F) => const { &[gate("z", Tanh), gate("f", Sigmoid)] },
            Self::Qrnn(Pooling::Fo) => const { &[gate("z", Tanh), gate("f", Sigmoid), gate("o", Sigmoid)] },
        }
    }

    /// The recurrent products in the order in which they are made, every gate one of its own where `per_gate` is set.
    pub fn recurrent(self, per_gate: bool) -> Vec<RecurrentGates> {
        let gates = self.gates().len();
        let all = match self {
            Self::Qrnn(_) => vec![],
            Self::Gru(Reset::Before) | Self::Mgu => vec![(0..gates - 1, None), (gates - 1..gates, Some(0))],
            _ => vec![(0..gates, None)],
        };
        let split = |(gates, gated_by): (Range<usize>, Option<usize>)| {
            let count = if per_gate { gates.len() } else { 1 };
            let width = gates.len() / count;
            (0..count).map(move |part| RecurrentGates {
                gates: gates.start + part * width..gates.start + (part + 1) * width,
                gated_by,
            })
        };
        all.into_iter().flat_map(split).collect()
    }

    /// Whether there is a state beside the hidden output.
    pub const fn has_state(self) -> bool {
        matches!(self, Self::Lstm { .. } | Self::Qrnn(_))
    }

    /// The gate whose recurrent product has a bias of its own.
    pub fn biased_recurrence(self) -> Option<usize> {
        (self == Self::Gru(Reset::After)).then_some(2)
    }

    /// The gates that see the state through a peephole: those of the state before, then the one of the state after.
    pub const fn peepholes(self) -> &'static [usize] {
        match self {
            Self::Lstm { peepholes: true, coupled: false } => &[0, 1, 3],
            Self::Lstm { peepholes: true, coupled: true } => &[0, 2],
            _ => &[],
        }
    }

    /// Additions, multiplications and functions of one unit and frame, by the equations above.
    pub const fn operations(self) -> u64 {
        match self {
            Self::Rnn(_) => 3,
            Self::Lstm { peepholes, coupled } => {
                let gates = if coupled { 3 } else { 4 };
                // Two sums and a function a gate; c' and h; 1 − i.
                3 * gates + 5 + coupled as u64 + if peepholes { 2 * (gates - 1) } else { 0 }
            }
            Self::Gru(Reset::After) => 3 * 3 + 6,
            Self::Gru(Reset::Before) => 3 * 3 + 5,
            Self::LiGru => 3 * 2 + 4,
            Self::Mgu => 3 * 2 + 5,
            Self::Qrnn(Pooling::F) => 2 * 2 + 4,
            Self::Qrnn(Pooling::Fo) => 2 * 3 + 5,
        }
    }
}
