//! What a layer of simple recurrent units carries past its cells.

use crate::cell::Factor;

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
