//! Row-major matrices and the one door to the matrix product.
