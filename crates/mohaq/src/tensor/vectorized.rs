//! Loops compiled for the vectors of this machine.

use pulp::{Arch, Simd, WithSimd};

/// Runs `work` compiled with the vector instructions that this machine has.
///
/// Only what is inlined into `work` is compiled so: mark the closure and the functions it calls `#[inline(always)]`, and
/// write heavy loops with `for`. `work` runs once; it is `FnMut` because calling a closure as `FnOnce` goes through a
/// shim that the compiler may leave as a call, and then the loops behind it are compiled for the oldest machine.
pub(crate) fn vectorized<R>(work: impl FnMut() -> R) -> R {
    Arch::new().dispatch(Work(work))
}

struct Work<F>(F);

impl<R, F: FnMut() -> R> WithSimd for Work<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) -> R {
        (self.0)()
    }
}
