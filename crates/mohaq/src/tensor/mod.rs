//! Row-major matrices and the one door to the matrix product.
//!
//! Everything a network computes in floating point happens on [`Matrix`], generic over [`Real`] so that the same code
//! runs in `f32` for work and in `f64` for proof (finite differences). [`product`] is the only matrix product; it takes
//! strided [`View`]s, so a transposed operand costs nothing but its packing.
//!
//! Three promises hold for all of it, because the products below never split a sum by anything but its length:
//!
//! * the number of threads changes no bit,
//! * a row of a product depends on that row of the left operand alone, not on how many rows come with it,
//! * every machine with fused multiply-add gives the same bits, whatever the width of its vectors.
//!
//! ```
//! use mohaq::tensor::{Matrix, Store, product};
//!
//! let a = Matrix::from_rows(2, 3, vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
//! let mut gram = Matrix::zeros(2, 2);
//! product(a.view(), a.transposed(), Store::Overwrite, &mut gram);
//! assert_eq!(gram.data(), [14.0, 32.0, 32.0, 77.0]);
//! ```
//!
//! What this room does not do: shapes of more than two dimensions, broadcasting, automatic differentiation.

mod exponential;
pub(crate) mod file;
mod kernel;
mod matrix;
mod pack;
mod product;
mod real;
mod vectorized;

pub use matrix::{Matrix, View};
pub use product::{Packed, Right, Store, product};
pub use real::Real;
pub(crate) use vectorized::vectorized;
