//! Prices that have been found before: a search asks for the same few again and again.

use crate::nn::Site;
use crate::quant::Precision;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// Inputs, outputs and kind of a product, and its precision.
type Key = (usize, usize, bool, Precision);

/// What one frame of a product costs, by shape and precision. Clones share what they know.
#[derive(Clone)]
pub(super) struct Memo<V>(Arc<RwLock<BTreeMap<Key, V>>>);

impl<V: Copy> Memo<V> {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// What is known of `site` at `precision`, or what `price` says, which is then known.
    ///
    /// # Errors
    /// Those of `price`; nothing is kept then.
    pub(super) fn of<E>(
        &self,
        site: &Site,
        precision: Precision,
        price: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, E> {
        let key = (site.inputs, site.outputs, site.recurrent, precision);
        // A price is a pure function: one that another thread was about to write is as good as this.
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        if let Some(value) = known {
            return Ok(value);
        }
        let value = price()?;
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, value);
        Ok(value)
    }
}

impl<V> fmt::Debug for Memo<V> {
    /// Says nothing of what is known: a platform is the same before and after it was asked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")
    }
}
