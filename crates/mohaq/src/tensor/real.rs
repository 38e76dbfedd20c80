//! The two number types a network can be computed in.

use super::exponential;
use pulp::Simd;
use std::cell::RefCell;
use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};
use std::thread::LocalKey;

/// `f32` for work, `f64` for proof.
///
/// The functions of one number are free of branches in `f32`, so that a loop over them becomes vector code where it is
/// inlined into a [`pulp::Arch::dispatch`]; in `f64` they are `libm`'s.
pub trait Real:
    Copy
    + Debug
    + Default
    + Send
    + Sync
    + 'static
    + PartialEq
    + PartialOrd
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum
    + pulp::bytemuck::Pod
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Smallest of all numbers, −∞.
    const NEG_INFINITY: Self;
    /// Lanes of `S` in this type.
    type Vector<S: Simd>: pulp::bytemuck::Pod;

    /// Buffers of this thread for [`product`](super::product).
    fn scratch() -> &'static LocalKey<RefCell<Vec<Vec<Self>>>>;
    /// The nearest number of this type.
    fn from_f64(x: f64) -> Self;
    /// The same number.
    fn to_f64(self) -> f64;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// The larger; the other one where one is NaN.
    fn max(self, other: Self) -> Self;
    /// `self * a + b`, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// Square root, correctly rounded.
    fn sqrt(self) -> Self;
    /// eˣ. In `f32` within 2 ULP for x ≤ 88, saturating outside −87 … 88 instead of reaching 0 or ∞.
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// 1 / (1 + e⁻ˣ). In `f32` within 3 ULP for x ≥ −87.
    fn sigmoid(self) -> Self;
    /// Hyperbolic tangent. In `f32` within 4 ULP.
    fn tanh(self) -> Self;
    /// `x` in every lane.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// `a * b + c` in every lane, each rounded once.
    fn mul_add_lanes<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>, c: Self::Vector<S>) -> Self::Vector<S>;
    /// `a + b` in every lane.
    fn add_lanes<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
}

/// The part that is the same for both types but for a name.
macro_rules! lanes {
    ($type:ty, $vector:ident, $splat:ident, $mul_add:ident, $add:ident) => {
        fn scratch() -> &'static LocalKey<RefCell<Vec<Vec<Self>>>> {
            thread_local! {
                static SCRATCH: RefCell<Vec<Vec<$type>>> = const { RefCell::new(Vec::new()) };
            }
            &SCRATCH
        }

        type Vector<S: Simd> = S::$vector;

        #[inline(always)]
        fn splat<S: Simd>(simd: S, x: Self) -> S::$vector {
            simd.$splat(x)
        }
        #[inline(always)]
        fn mul_add_lanes<S: Simd>(simd: S, a: S::$vector, b: S::$vector, c: S::$vector) -> S::$vector {
            simd.$mul_add(a, b, c)
        }
        #[inline(always)]
        fn add_lanes<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
            simd.$add(a, b)
        }
    };
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const NEG_INFINITY: Self = Self::NEG_INFINITY;
    lanes!(f32, f32s, splat_f32s, mul_add_f32s, add_f32s);

    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        x as Self
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        self.is_finite()
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.max(other)
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        self.mul_add(a, b)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        self.sqrt()
    }
    #[inline(always)]
    fn exp(self) -> Self {
        exponential::exp(self)
    }
    fn ln(self) -> Self {
        libm::logf(self)
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        1.0 / (1.0 + exponential::exp(-self))
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        exponential::tanh(self)
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const NEG_INFINITY: Self = Self::NEG_INFINITY;
    lanes!(f64, f64s, splat_f64s, mul_add_f64s, add_f64s);

    fn from_f64(x: f64) -> Self {
        x
    }
    fn to_f64(self) -> f64 {
        self
    }
    fn is_finite(self) -> bool {
        self.is_finite()
    }
    fn max(self, other: Self) -> Self {
        self.max(other)
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        self.mul_add(a, b)
    }
    fn sqrt(self) -> Self {
        self.sqrt()
    }
    fn exp(self) -> Self {
        libm::exp(self)
    }
    fn ln(self) -> Self {
        libm::log(self)
    }
    fn sigmoid(self) -> Self {
        1.0 / (1.0 + libm::exp(-self))
    }
    fn tanh(self) -> Self {
        libm::tanh(self)
    }
}
