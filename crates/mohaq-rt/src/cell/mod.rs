//! The elementwise arithmetic of recurrent cells: the definition, one unit and one frame at a time.
//!
//! A simple recurrent unit ([`SruCell`]) gets its products in the formats in which it uses them: the candidate in that of
//! the state, the gates in [`GATE`], the skip in that of the hidden output. With gates f and r in Q1.14,
//!
//! ```text
//! f = σ(round(v_f·c + 2^s·u_f, s))        c' = round(f·c + (1−f)·u, 14)
//! r = σ(round(v_r·c + 2^s·u_r, s))        h  = round(r·c' + (1−r)·x, 14)
//! ```
//!
//! where s brings a vector times a state to the gate's format and every `round` is [`round_shift`]. A gate's argument
//! saturates, which changes nothing as σ is flat there. State and hidden output *cannot* saturate: both are weighted
//! means, with weights from 0 to 1, of numbers that fit their format.

mod recurrent;

#[cfg(all(target_arch = "x86_64", feature = "alloc"))]
pub(crate) use recurrent::Lanes;
pub use recurrent::{CellKind, MAX_GATES, MAX_PEEPHOLES, RecurrentCell};
pub(crate) use recurrent::{Clipped, Frame, MAX_PEEPHOLE_SHIFT, One};

use crate::Error;
use crate::numeric::{Q16, SaturationCount, round_shift, saturate};
use crate::table::{GATE, ONE, SIGMOID, UNIT};
use crate::{Bits, table};

/// Formats of a layer of simple recurrent units, as shifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SruCell {
    /// From vector times state to the gate's argument: s.
    pub(crate) gate_shift: u32,
    /// From the state to the hidden output.
    pub(crate) hidden_shift: u32,
}

/// Largest s: 2^14 is the largest power of two among 16 bit factors.
const MAX_GATE_SHIFT: u32 = 14;
/// Largest difference between the formats of state and hidden output.
const MAX_HIDDEN_SHIFT: u32 = 14;

// v·c + 2^s·u: the first product is at most 2^30, the second 2^29.
const _: () = assert!((1_i64 << 30) + (1_i64 << (15 + MAX_GATE_SHIFT)) < i32::MAX as i64);

impl SruCell {
    /// A cell whose recurrent vectors, state and hidden output have these formats.
    ///
    /// # Errors
    /// [`Error::Formats`] unless 0 ≤ s ≤ 14 and the hidden output's format is as coarse as the state's or coarser, by at
    /// most 14 bits.
    pub const fn new(vector: Q16, state: Q16, hidden: Q16) -> Result<Self, Error> {
        let error = Err(Error::Formats { vector, state, hidden });
        let product = vector.fraction() + state.fraction();
        if product < GATE.fraction() || product - GATE.fraction() > MAX_GATE_SHIFT {
            return error;
        }
        if hidden.fraction() > state.fraction() || state.fraction() - hidden.fraction() > MAX_HIDDEN_SHIFT {
            return error;
        }
        Ok(Self { gate_shift: product - GATE.fraction(), hidden_shift: state.fraction() - hidden.fraction() })
    }

    /// The finest format of recurrent vectors of magnitude `max_abs` that goes with a `state`.
    ///
    /// # Errors
    /// [`Error::Range`] from 32768 on, and for NaN.
    pub const fn vector_format(max_abs: f32, state: Q16) -> Result<Q16, Error> {
        let finest = match Q16::finest(max_abs) {
            Ok(format) => format,
            Err(error) => return Err(error),
        };
        let most = MAX_GATE_SHIFT + GATE.fraction() - state.fraction();
        match Q16::new(most) {
            Some(limit) if most < finest.fraction() => Ok(limit),
            _ => Ok(finest),
        }
    }

    /// From vector times state to the gate's argument: 0 … 14.
    pub const fn gate_shift(self) -> u32 {
        self.gate_shift
    }

    /// From the state to the hidden output: 0 … 14.
    pub const fn hidden_shift(self) -> u32 {
        self.hidden_shift
    }

    /// One frame of one unit: `state` goes from c to c', and h is returned. `clipped` counts arguments of gates.
    ///
    /// `vectors`: v_f, v_r. `products`: u, u_f, u_r with the biases in them. `skip`: x, in the format of h.
    pub const fn step(
        self,
        vectors: [i16; 2],
        products: [i16; 3],
        skip: i16,
        state: &mut i16,
        clipped: &mut SaturationCount,
    ) -> i16 {
        let [candidate, forget, reset] = products;
        let f = self.gate(vectors[0], forget, *state, clipped);
        let r = self.gate(vectors[1], reset, *state, clipped);
        *state = mean(f, *state, candidate);
        // Coarser, so nearer to zero or as near: it fits.
        let shown = round_shift(*state as i64, self.hidden_shift) as i16;
        mean(r, shown, skip)
    }

    const fn gate(self, vector: i16, product: i16, state: i16, clipped: &mut SaturationCount) -> i16 {
        let sum = vector as i64 * state as i64 + ((product as i64) << self.gate_shift);
        SIGMOID.at(clipped.record(saturate(round_shift(sum, self.gate_shift), Bits::Sixteen)))
    }
}

/// weight·a + (1−weight)·b for a weight from 0 to 1 in Q1.14.
const fn mean(weight: i16, a: i16, b: i16) -> i16 {
    let sum = weight as i32 * a as i32 + (ONE - weight as i32) * b as i32;
    // Between a and b.
    round_shift(sum as i64, UNIT.fraction()) as i16
}

/// A constant factor on 16 bit codes that also changes their format: the highway of a simple recurrent unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    /// The factor in a 16 bit format of its own.
    pub(crate) multiplier: i16,
    /// From the product to the result.
    pub(crate) shift: u32,
}

/// Largest shift of a [`Factor`]: then every product is rounded to 0 or ±1.
const MAX_FACTOR_SHIFT: u32 = 30;

impl Factor {
    /// The factor `value` from codes in `from` to codes in `to`.
    ///
    /// # Errors
    /// [`Error::Factor`] for a value that no 16 bit format holds, or whose product would have to be shifted to the left
    /// or by more than 30 bits.
    pub const fn new(value: f32, from: Q16, to: Q16) -> Result<Self, Error> {
        let error = Err(Error::Factor { value });
        let Ok(format) = Q16::finest(value) else { return error };
        let product = format.fraction() + from.fraction();
        if product < to.fraction() {
            return error;
        }
        match Self::from_parts(format.code(value).code, product - to.fraction()) {
            Some(factor) => Ok(factor),
            None => error,
        }
    }

    /// The factor with these parts, `None` unless `shift` ≤ 30: for reading a stored one.
    pub const fn from_parts(multiplier: i16, shift: u32) -> Option<Self> {
        if shift <= MAX_FACTOR_SHIFT { Some(Self { multiplier, shift }) } else { None }
    }

    /// The multiplier.
    pub const fn multiplier(self) -> i16 {
        self.multiplier
    }

    /// 0 … 30.
    pub const fn shift(self) -> u32 {
        self.shift
    }

    /// `code` times the factor.
    pub const fn apply(self, code: i16, clipped: &mut SaturationCount) -> i16 {
        clipped.record(saturate(round_shift(code as i64 * self.multiplier as i64, self.shift), Bits::Sixteen))
    }
}

/// What is carried past the cells of a layer of simple recurrent units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Highway {
    /// Nothing.
    None,
    /// A fourth part of the layer's product.
    Product,
    /// The layer's input times a constant.
    Input(Factor),
}

impl Highway {
    /// Matrices of the layer's product: candidate, forget gate, reset gate and perhaps the highway's.
    pub const fn parts(self) -> usize {
        match self {
            Self::Product => 4,
            Self::None | Self::Input(_) => 3,
        }
    }
}

/// A function of one number, on 16 bit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointwise {
    /// max(x, 0), in the format of x.
    Relu,
    /// Hyperbolic tangent of a [`table::TANH`] code, in [`UNIT`].
    Tanh,
    /// Logistic function of a [`GATE`] code, in [`UNIT`].
    Sigmoid,
}

impl Pointwise {
    /// The function at `code`.
    pub const fn apply(self, code: i16) -> i16 {
        match self {
            Self::Relu => {
                if code < 0 {
                    0
                } else {
                    code
                }
            }
            Self::Tanh => table::HYPERBOLIC_TANGENT.at(code),
            Self::Sigmoid => SIGMOID.at(code),
        }
    }

    /// Format in which the function takes its argument; `None` where any will do.
    pub const fn argument(self) -> Option<Q16> {
        match self {
            Self::Relu => None,
            Self::Tanh => Some(table::TANH),
            Self::Sigmoid => Some(GATE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn format(fraction: u32) -> Q16 {
        Q16::new(fraction).expect("below 16")
    }

    #[test]
    fn formats_that_do_not_go_together_are_refused() {
        assert!(SruCell::new(Q16::Q1_14, format(11), format(11)).is_ok());
        assert!(SruCell::new(Q16::Q1_14, format(12), format(12)).is_err(), "a shift of 15");
        assert!(SruCell::new(format(5), format(5), format(5)).is_err(), "a shift of −1");
        assert!(SruCell::new(Q16::Q1_14, format(10), format(11)).is_err(), "a hidden output finer than the state");
        assert_eq!(SruCell::vector_format(1.2, format(11)), Ok(Q16::Q1_14));
        assert_eq!(SruCell::vector_format(1.2, format(13)), Ok(format(12)));
        assert!(SruCell::vector_format(f32::NAN, format(13)).is_err());
        for state in 0..16 {
            let vector = SruCell::vector_format(1.0, format(state)).expect("a format");
            assert!(SruCell::new(vector, format(state), format(state)).is_ok(), "{state}");
        }
    }

    #[test]
    fn a_factor_multiplies_and_changes_the_format() {
        let mut clipped = SaturationCount::default();
        let factor = Factor::new(1.5, format(10), format(12)).expect("a good factor");
        assert_eq!((factor.multiplier(), factor.shift()), (24_576, 12));
        assert_eq!(factor.apply(1024, &mut clipped), 6144);
        assert_eq!(factor.apply(-20_000, &mut clipped), i16::MIN);
        assert_eq!(clipped, SaturationCount { clipped: 1, total: 2 });
        assert!(Factor::new(40_000.0, format(10), format(12)).is_err());
        assert!(Factor::new(20_000.0, format(0), format(12)).is_err());
        assert_eq!(Factor::from_parts(1, 31), None);
    }

    proptest! {
        #[test]
        fn a_unit_follows_the_published_equations(
            (v_f, v_r, c) in (-1.9_f64..1.9, -1.9_f64..1.9, -7.0_f64..7.0),
            (u, u_f, u_r, x) in (-7.0_f64..7.0, -12.0_f64..12.0, -12.0_f64..12.0, -7.0_f64..7.0),
        ) {
            let (vector, state, hidden) = (format(13), format(12), format(11));
            let cell = SruCell::new(vector, state, hidden).expect("formats that go together");
            let code = |format: Q16, value: f64| format.code(value as f32).code;
            let mut after = code(state, c);
            let mut clipped = SaturationCount::default();
            let products = [code(state, u), code(GATE, u_f), code(GATE, u_r)];
            let vectors = [code(vector, v_f), code(vector, v_r)];
            let h = cell.step(vectors, products, code(hidden, x), &mut after, &mut clipped);
            let sigma = |z: f64| 1.0 / (1.0 + libm::exp(-z));
            let (f, r) = (sigma(v_f * c + u_f), sigma(v_r * c + u_r));
            let c = f * c + (1.0 - f) * u;
            // Half a step of every operand, weighed by how far it moves the result: |v| + |c| for the gates' argument,
            // σ' ≤ ¼ and |c − u| ≤ 14 behind it.
            prop_assert!((f64::from(state.value(after)) - c).abs() < 0.01, "{} {c}", state.value(after));
            prop_assert!((f64::from(hidden.value(h)) - (r * c + (1.0 - r) * x)).abs() < 0.02);
            prop_assert_eq!(clipped.total, 2);
        }

        #[test]
        fn state_and_output_lie_between_what_they_mix(v: [i16; 2], u: [i16; 3], skip: i16, c: i16, shift in 0_u32..=14) {
            let cell = SruCell { gate_shift: shift, hidden_shift: 14 - shift };
            let mut state = c;
            let h = cell.step(v, u, skip, &mut state, &mut SaturationCount::default());
            prop_assert!(state >= c.min(u[0]) && state <= c.max(u[0]));
            let shown = round_shift(state.into(), 14 - shift) as i16;
            prop_assert!(h >= shown.min(skip) && h <= shown.max(skip));
        }
    }
}
