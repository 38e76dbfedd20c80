//! Units of cells that multiply their hidden output: the definition, for one unit or for many side by side.
//!
//! Gates get their arguments in the formats of their functions: u of the input, its bias in it, and v of the hidden output,
//! both saturated to 16 bits, and their sum saturated again. With gates in Q1.14, c in a format of its own with f bits behind
//! the point and h in Q1.14 (or, for ReLUs, in a format of its own):
//!
//! ```text
//! RNN        h = tanh(u + v)                       or max(u + v, 0)
//! LSTM       c' = round(f·c + round(i·g, 14 − f), 14)       i, f: σ(u + v + round(p·c, s)), o likewise of c'
//!            h  = round(o·tanh(c'), 14)                     c' in Q3.12 for tanh; coupled: f is 1 − i
//! GRU        h' = mix(z, n, h)                     n = tanh(u + round(r·v, 14)); reset before: n = tanh(u + v)
//! light GRU  h' = mix(z, a, h)                     a = max(u + v, 0)
//! MGU        h' = mix(f, h, n)                     n = tanh(u + v)
//! QRNN       c' = mix(f, z, c)                     z = tanh(u); h = c' or round(o·c', 14)
//!
//! mix(w, a, b) = round((1 − w)·a + w·b, 14)        between a and b
//! ```
//!
//! The first gate of a GRU that resets before, and of an MGU, acts on the hidden output in front of the last gate's product:
//! that reads round(r·h, 14). Every `round` is [`round_shift`]. Only sums of arguments and c can saturate, and are counted.
//!
//! The equations are written once, over [`Lanes`]: [`One`] code is the definition, a vector unit brings more.

use crate::numeric::{Q16, SaturationCount, round_shift, saturate};
use crate::table::{GATE, HYPERBOLIC_TANGENT, ONE, SIGMOID, TANH, UNIT};
use crate::{Bits, Error};

/// A cell with its choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CellKind {
    /// Elman's unit with tanh.
    RnnTanh = 1,
    /// Elman's unit with ReLU.
    RnnRelu = 2,
    /// Long short-term memory: gates i, f, g, o.
    Lstm = 3,
    /// The same with f = 1 − i: gates i, g, o.
    CoupledLstm = 4,
    /// Gated recurrent unit whose reset gate acts on the product: gates r, z, n.
    GruAfter = 5,
    /// Gated recurrent unit whose reset gate acts on the hidden output.
    GruBefore = 6,
    /// Light gated recurrent unit: gates z, a.
    LiGru = 7,
    /// Minimal gated unit: gates f, n.
    Mgu = 8,
    /// Quasi-recurrent unit with a forget gate: gates z, f.
    QrnnF = 9,
    /// Quasi-recurrent unit with an output gate besides: gates z, f, o.
    QrnnFo = 10,
}

/// Most gates of a cell.
pub const MAX_GATES: usize = 4;
/// Most peepholes of a cell.
pub const MAX_PEEPHOLES: usize = 3;

impl CellKind {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::RnnTanh,
        Self::RnnRelu,
        Self::Lstm,
        Self::CoupledLstm,
        Self::GruAfter,
        Self::GruBefore,
        Self::LiGru,
        Self::Mgu,
        Self::QrnnF,
        Self::QrnnFo,
    ];

    /// Number of gates.
    pub const fn gates(self) -> usize {
        match self {
            Self::RnnTanh | Self::RnnRelu => 1,
            Self::LiGru | Self::Mgu | Self::QrnnF => 2,
            Self::CoupledLstm | Self::GruAfter | Self::GruBefore | Self::QrnnFo => 3,
            Self::Lstm => 4,
        }
    }

    /// Whether there is a state c beside the hidden output.
    pub const fn has_state(self) -> bool {
        matches!(self, Self::Lstm | Self::CoupledLstm | Self::QrnnF | Self::QrnnFo)
    }

    /// Whether the hidden output is multiplied at all.
    pub const fn is_recurrent(self) -> bool {
        !matches!(self, Self::QrnnF | Self::QrnnFo)
    }

    /// Whether the last gate's product reads the hidden output times the first gate.
    pub const fn is_gated(self) -> bool {
        matches!(self, Self::GruBefore | Self::Mgu)
    }

    /// Gates that may have peepholes.
    pub const fn peepholes(self) -> usize {
        match self {
            Self::Lstm => 3,
            Self::CoupledLstm => 2,
            _ => 0,
        }
    }

    /// Sums of arguments, which may saturate, a unit and frame.
    pub(crate) const fn sums(self, peepholes: bool) -> u64 {
        if !self.is_recurrent() {
            return 0;
        }
        (self.gates() + if peepholes { self.peepholes() } else { 0 }) as u64
    }

    /// Recurrent products: one of all gates, one of each, or two where the last gate's reads something else.
    pub const fn recurrent_products(self, per_gate: bool) -> usize {
        match (self.is_recurrent(), per_gate) {
            (false, _) => 0,
            (true, true) => self.gates(),
            (true, false) => 1 + self.is_gated() as usize,
        }
    }

    /// The gates of recurrent product `index`, first and end.
    pub const fn recurrent_gates(self, index: usize, per_gate: bool) -> [usize; 2] {
        let gates = self.gates();
        match (per_gate, self.is_gated(), index) {
            (true, _, _) => [index, index + 1],
            (false, true, 0) => [0, gates - 1],
            (false, true, _) => [gates - 1, gates],
            (false, false, _) => [0, gates],
        }
    }
}

/// A cell with the formats of its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecurrentCell {
    pub(crate) kind: CellKind,
    /// Bits behind the point of c: 0 … 14.
    pub(crate) state_fraction: u32,
    /// From a peephole times c to a gate's argument, where there are peepholes.
    pub(crate) peephole_shift: Option<u32>,
}

/// Largest shift from a peephole times a state to a gate's argument.
pub(crate) const MAX_PEEPHOLE_SHIFT: u32 = 15 + 14 - GATE.fraction();

impl RecurrentCell {
    /// A cell whose state has the format `state`, and whose peepholes, where it has any, the format `peephole`.
    ///
    /// # Errors
    /// [`Error::Formats`] for a state of 15 bits behind the point, for peepholes so coarse that their product with it is
    /// coarser than a gate's argument, and for peepholes of a cell that has none.
    pub const fn new(kind: CellKind, state: Q16, peephole: Option<Q16>) -> Result<Self, Error> {
        let shift = match peephole {
            None => Some(None),
            Some(vector) if kind.peepholes() > 0 => {
                match (vector.fraction() + state.fraction()).checked_sub(GATE.fraction()) {
                    Some(shift) => Some(Some(shift)),
                    None => None,
                }
            }
            Some(_) => None,
        };
        match (Self::from_parts(kind, state.fraction(), None), shift) {
            (Some(cell), Some(peephole_shift)) => Ok(Self { peephole_shift, ..cell }),
            _ => {
                let vector = match peephole {
                    Some(vector) => vector,
                    None => state,
                };
                Err(Error::Formats { vector, state, hidden: UNIT })
            }
        }
    }

    /// The cell with these parts, `None` where they do not go together: for reading a stored one.
    pub const fn from_parts(kind: CellKind, state_fraction: u32, peephole_shift: Option<u32>) -> Option<Self> {
        let good_shift = match peephole_shift {
            None => true,
            Some(shift) => kind.peepholes() > 0 && shift <= MAX_PEEPHOLE_SHIFT,
        };
        if state_fraction <= UNIT.fraction() && good_shift {
            Some(Self { kind, state_fraction, peephole_shift })
        } else {
            None
        }
    }

    /// The cell without its formats.
    pub const fn kind(self) -> CellKind {
        self.kind
    }

    /// Bits behind the point of c.
    pub const fn state_fraction(self) -> u32 {
        self.state_fraction
    }

    /// From a peephole times c to a gate's argument; `None` without peepholes.
    pub const fn peephole_shift(self) -> Option<u32> {
        self.peephole_shift
    }

    /// The count of sums of arguments of so many units through a frame.
    pub(crate) const fn counted(self, units: u64, clipped: u64) -> SaturationCount {
        SaturationCount { clipped, total: units * self.kind.sums(self.peephole_shift.is_some()) }
    }

    /// The count of states of so many units through a frame.
    pub(crate) const fn counted_states(self, units: u64, clipped: u64) -> SaturationCount {
        let saturates = matches!(self.kind, CellKind::Lstm | CellKind::CoupledLstm);
        SaturationCount { clipped, total: if saturates { units } else { 0 } }
    }

    /// What the last gate's product reads in place of `hidden`, where [`is_gated`](CellKind::is_gated).
    #[inline(always)]
    pub(crate) fn gated<L: Lanes>(self, lanes: L, [u, v]: [L::Codes; 2], hidden: L::Codes) -> L::Codes {
        let mut uncounted = 0;
        let gate = lanes.sigmoid(lanes.add(u, v, &mut uncounted));
        lanes.product(gate, hidden, UNIT.fraction())
    }

    /// One frame: `state` goes from c to c', and h' is returned.
    #[inline(always)]
    pub(crate) fn step<L: Lanes>(
        self,
        lanes: L,
        frame: &Frame<L::Codes>,
        state: &mut L::Codes,
        clipped: &mut Clipped,
    ) -> L::Codes {
        let Frame { u, v, peepholes, hidden } = *frame;
        let one = UNIT.fraction();
        let mut sum = |gate: usize| lanes.add(u[gate], v[gate], &mut clipped.sums);
        match self.kind {
            CellKind::RnnTanh => lanes.tanh(sum(0)),
            CellKind::RnnRelu => lanes.relu(sum(0)),
            CellKind::Lstm | CellKind::CoupledLstm => {
                let [mut input, new] = [sum(0), sum(self.kind.gates() - 2)];
                let mut output = sum(self.kind.gates() - 1);
                let mut forget = if self.kind == CellKind::Lstm { Some(sum(1)) } else { None };
                if let Some(shift) = self.peephole_shift {
                    let mut look = |gate: L::Codes, peephole: L::Codes, state: L::Codes| {
                        lanes.add(gate, lanes.saturated_product(peephole, state, shift), &mut clipped.sums)
                    };
                    input = look(input, peepholes[0], *state);
                    forget = forget.map(|forget| look(forget, peepholes[1], *state));
                }
                let input = lanes.sigmoid(input);
                let forget = match forget {
                    Some(forget) => lanes.sigmoid(forget),
                    None => lanes.complement(input),
                };
                let shift = one - self.state_fraction;
                *state = lanes.remember([forget, *state], [input, lanes.tanh(new)], shift, &mut clipped.states);
                if let Some(shift) = self.peephole_shift {
                    let seen = lanes.saturated_product(peepholes[self.kind.peepholes() - 1], *state, shift);
                    output = lanes.add(output, seen, &mut clipped.sums);
                }
                let shown = lanes.tanh(lanes.rescale(*state, self.state_fraction, TANH.fraction()));
                lanes.product(lanes.sigmoid(output), shown, one)
            }
            CellKind::GruAfter => {
                let [reset, update] = [lanes.sigmoid(sum(0)), lanes.sigmoid(sum(1))];
                let inner = lanes.product(reset, v[2], one);
                let new = lanes.tanh(lanes.add(u[2], inner, &mut clipped.sums));
                lanes.mix(update, new, hidden)
            }
            CellKind::GruBefore => {
                // The first gate has done its work; its sum is counted here.
                sum(0);
                let update = lanes.sigmoid(sum(1));
                lanes.mix(update, lanes.tanh(sum(2)), hidden)
            }
            CellKind::LiGru => {
                let update = lanes.sigmoid(sum(0));
                lanes.mix(update, lanes.relu(sum(1)), hidden)
            }
            CellKind::Mgu => {
                let forget = lanes.sigmoid(sum(0));
                lanes.mix(forget, hidden, lanes.tanh(sum(1)))
            }
            CellKind::QrnnF | CellKind::QrnnFo => {
                *state = lanes.mix(lanes.sigmoid(u[1]), lanes.tanh(u[0]), *state);
                if self.kind == CellKind::QrnnF { *state } else { lanes.product(lanes.sigmoid(u[2]), *state, one) }
            }
        }
    }
}

/// What arrives at a unit in one frame; of the gates and peepholes those that the cell has, in front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<C> {
    /// Products of the input.
    pub(crate) u: [C; MAX_GATES],
    /// Products of the hidden output.
    pub(crate) v: [C; MAX_GATES],
    pub(crate) peepholes: [C; MAX_PEEPHOLES],
    /// h of the frame before.
    pub(crate) hidden: C,
}

/// How many codes saturated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clipped {
    /// Sums of arguments.
    pub(crate) sums: u64,
    /// States.
    pub(crate) states: u64,
}

/// Operations on 16 bit codes side by side.
///
/// Products of two codes have at most 30 bits and a sign; every result fits 16 bits or is said to saturate.
pub(crate) trait Lanes: Copy {
    /// Some codes.
    type Codes: Copy;

    /// a + b, saturated; adds to `clipped` how many of them were.
    fn add(self, a: Self::Codes, b: Self::Codes, clipped: &mut u64) -> Self::Codes;
    /// round(a·b, shift), which fits.
    fn product(self, a: Self::Codes, b: Self::Codes, shift: u32) -> Self::Codes;
    /// round(a·b, shift), saturated, for 0 ≤ shift ≤ 30.
    fn saturated_product(self, a: Self::Codes, b: Self::Codes, shift: u32) -> Self::Codes;
    /// round((1 − weight)·a + weight·b, 14) for weights from 0 to 1 in Q1.14.
    fn mix(self, weight: Self::Codes, a: Self::Codes, b: Self::Codes) -> Self::Codes;
    /// round(a·b + round(c·d, shift), 14), saturated, for a, c and d from −1 to 1 in Q1.14.
    fn remember(self, ab: [Self::Codes; 2], cd: [Self::Codes; 2], shift: u32, clipped: &mut u64) -> Self::Codes;
    /// Codes with `from` bits behind the point as ones with `to`, rounded and saturated.
    fn rescale(self, codes: Self::Codes, from: u32, to: u32) -> Self::Codes;
    /// 1 − gate, in Q1.14.
    fn complement(self, gate: Self::Codes) -> Self::Codes;
    /// σ.
    fn sigmoid(self, codes: Self::Codes) -> Self::Codes;
    /// tanh.
    fn tanh(self, codes: Self::Codes) -> Self::Codes;
    /// max(x, 0).
    fn relu(self, codes: Self::Codes) -> Self::Codes;
}

/// One code at a time: the definition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct One;

impl Lanes for One {
    type Codes = i16;

    #[inline(always)]
    fn add(self, a: i16, b: i16, clipped: &mut u64) -> i16 {
        let sum = saturate(i64::from(a) + i64::from(b), Bits::Sixteen);
        *clipped += u64::from(sum.clipped);
        sum.code
    }

    #[inline(always)]
    fn product(self, a: i16, b: i16, shift: u32) -> i16 {
        // The caller's promise.
        round_shift(i64::from(a) * i64::from(b), shift) as i16
    }

    #[inline(always)]
    fn saturated_product(self, a: i16, b: i16, shift: u32) -> i16 {
        saturate(round_shift(i64::from(a) * i64::from(b), shift), Bits::Sixteen).code
    }

    #[inline(always)]
    fn mix(self, weight: i16, a: i16, b: i16) -> i16 {
        let (weight, a, b) = (i64::from(weight), i64::from(a), i64::from(b));
        // Between a and b.
        round_shift((i64::from(ONE) - weight) * a + weight * b, UNIT.fraction()) as i16
    }

    #[inline(always)]
    fn remember(self, [a, b]: [i16; 2], [c, d]: [i16; 2], shift: u32, clipped: &mut u64) -> i16 {
        let new = round_shift(i64::from(c) * i64::from(d), shift);
        let state = saturate(round_shift(i64::from(a) * i64::from(b) + new, UNIT.fraction()), Bits::Sixteen);
        *clipped += u64::from(state.clipped);
        state.code
    }

    #[inline(always)]
    fn rescale(self, code: i16, from: u32, to: u32) -> i16 {
        let raised = i64::from(code) << to.saturating_sub(from);
        saturate(round_shift(raised, from.saturating_sub(to)), Bits::Sixteen).code
    }

    #[inline(always)]
    fn complement(self, gate: i16) -> i16 {
        // Both are 0 … 1.
        ONE as i16 - gate
    }

    #[inline(always)]
    fn sigmoid(self, code: i16) -> i16 {
        SIGMOID.at(code)
    }

    #[inline(always)]
    fn tanh(self, code: i16) -> i16 {
        HYPERBOLIC_TANGENT.at(code)
    }

    #[inline(always)]
    fn relu(self, code: i16) -> i16 {
        code.max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sigma(z: f64) -> f64 {
        1.0 / (1.0 + libm::exp(-z))
    }

    /// h' and c' in exact arithmetic, by the equations of the literature.
    fn exact(kind: CellKind, u: [f64; 4], v: [f64; 4], p: [f64; 3], h: f64, c: f64) -> (f64, f64) {
        let s = |gate: usize| u[gate] + v[gate];
        let (tanh, relu) = (libm::tanh, |x: f64| x.max(0.0));
        match kind {
            CellKind::RnnTanh => (tanh(s(0)), c),
            CellKind::RnnRelu => (relu(s(0)), c),
            CellKind::Lstm => {
                let (i, f) = (sigma(s(0) + p[0] * c), sigma(s(1) + p[1] * c));
                let c = f * c + i * tanh(s(2));
                (sigma(s(3) + p[2] * c) * tanh(c), c)
            }
            CellKind::CoupledLstm => {
                let i = sigma(s(0) + p[0] * c);
                let c = (1.0 - i) * c + i * tanh(s(1));
                (sigma(s(2) + p[1] * c) * tanh(c), c)
            }
            CellKind::GruAfter => {
                let (r, z) = (sigma(s(0)), sigma(s(1)));
                ((1.0 - z) * tanh(u[2] + r * v[2]) + z * h, c)
            }
            CellKind::GruBefore => {
                let z = sigma(s(1));
                ((1.0 - z) * tanh(s(2)) + z * h, c)
            }
            CellKind::LiGru => {
                let z = sigma(s(0));
                ((1.0 - z) * relu(s(1)) + z * h, c)
            }
            CellKind::Mgu => {
                let f = sigma(s(0));
                ((1.0 - f) * h + f * tanh(s(1)), c)
            }
            CellKind::QrnnF | CellKind::QrnnFo => {
                let f = sigma(u[1]);
                let c = f * c + (1.0 - f) * tanh(u[0]);
                (if kind == CellKind::QrnnF { c } else { sigma(u[2]) * c }, c)
            }
        }
    }

    proptest! {
        #[test]
        fn a_unit_follows_the_published_equations(
            u: [i16; 4], v: [i16; 4], p: [i16; 3], h in -16_384_i16..=16_384, c: i16, peeps: bool,
        ) {
            for kind in CellKind::ALL {
                // Arguments that do not saturate, a state of ±8 and peepholes of ±1; QRNNs have states of ±1.
                let (u, v, p) = (u.map(|x| x >> 2), v.map(|x| x >> 2), p.map(|x| x >> 2));
                let fraction = if matches!(kind, CellKind::QrnnF | CellKind::QrnnFo) { 14 } else { 12 };
                let c = if fraction == 14 { c >> 1 } else { c };
                let state = Q16::new(fraction).expect("a format");
                let peephole = (peeps && kind.peepholes() > 0).then(|| Q16::new(13).expect("a format"));
                let cell = RecurrentCell::new(kind, state, peephole).expect("formats that go together");
                let relu = matches!(kind, CellKind::RnnRelu | CellKind::LiGru);
                let gate_scale = |gate: usize| match kind {
                    CellKind::RnnTanh => TANH.scale(),
                    CellKind::RnnRelu => UNIT.scale(),
                    CellKind::LiGru if gate == 1 => UNIT.scale(),
                    CellKind::Lstm | CellKind::GruAfter | CellKind::GruBefore if gate == 2 => TANH.scale(),
                    CellKind::CoupledLstm | CellKind::Mgu if gate == 1 => TANH.scale(),
                    CellKind::QrnnF | CellKind::QrnnFo if gate == 0 => TANH.scale(),
                    _ => GATE.scale(),
                };
                let value = |codes: [i16; 4]| core::array::from_fn(|gate| f64::from(codes[gate]) * f64::from(gate_scale(gate)));
                let looks = if peephole.is_some() { p.map(|x| f64::from(x) / 8192.0) } else { [0.0; 3] };
                let unit = |code: i16| f64::from(code) / 16_384.0;
                let before = f64::from(state.value(c));
                let (shown, after) = exact(kind, value(u), value(v), looks, unit(h), before);
                let (mut code, mut clipped) = (c, Clipped::default());
                let got = cell.step(One, &Frame { u, v, peepholes: p, hidden: h }, &mut code, &mut clipped);
                // Steps of Q1.14 of tables and rounding, times slopes of at most 1 and states of at most 8.
                let bound = 40.0 / 16_384.0;
                if clipped == Clipped::default() {
                    prop_assert!((unit(got) - shown).abs() < bound, "{kind:?}: {} {shown}", unit(got));
                    prop_assert!((f64::from(state.value(code)) - after).abs() < bound, "{kind:?}: {after}");
                }
                prop_assert!(relu || got.unsigned_abs() <= 16_384);
            }
        }
    }

    #[test]
    fn formats_that_do_not_go_together_are_refused() {
        let format = |fraction| Q16::new(fraction).expect("a format");
        assert!(RecurrentCell::new(CellKind::Lstm, format(15), None).is_err(), "a state finer than its gates");
        assert!(RecurrentCell::new(CellKind::Lstm, format(4), Some(format(6))).is_err(), "a shift of −1");
        assert!(RecurrentCell::new(CellKind::GruAfter, format(14), Some(format(14))).is_err(), "no peepholes");
        let cell = RecurrentCell::new(CellKind::Lstm, format(14), Some(format(15))).expect("the largest shift");
        assert_eq!(cell.peephole_shift(), Some(MAX_PEEPHOLE_SHIFT));
        assert_eq!(RecurrentCell::from_parts(CellKind::Lstm, 14, Some(MAX_PEEPHOLE_SHIFT + 1)), None);
    }

    #[test]
    fn a_state_beyond_its_format_saturates_and_is_counted() {
        let cell = RecurrentCell::new(CellKind::Lstm, Q16::Q1_14, None).expect("a format");
        let (mut state, mut clipped) = (32_000, Clipped::default());
        let u = [i16::MAX, i16::MAX, i16::MAX, i16::MAX];
        cell.step(One, &Frame { u, v: [0; 4], peepholes: [0; 3], hidden: 0 }, &mut state, &mut clipped);
        assert_eq!((state, clipped), (i16::MAX, Clipped { sums: 0, states: 1 }));
        cell.step(One, &Frame { u, v: [1; 4], peepholes: [0; 3], hidden: 0 }, &mut state, &mut clipped);
        assert_eq!(clipped, Clipped { sums: 4, states: 2 });
    }
}
