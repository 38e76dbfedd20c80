//! Outputs of the first layers, kept for the next candidate that begins alike.

use crate::quant::Precision;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Outputs of some first layers at given precisions, on one block of sequences; the oldest go when room runs out.
///
/// What a search finds does not depend on it: a kept output equals one computed again, code by code.
#[derive(Debug)]
pub(super) struct PrefixCache {
    capacity: usize,
    kept: Mutex<Kept>,
}

/// A block, the layer whose output it is, and the precisions of all sites up to there.
type Key = (usize, usize, Vec<Precision>);

#[derive(Debug, Default)]
struct Kept {
    outputs: BTreeMap<Key, (u64, Arc<Vec<i16>>)>,
    /// Keys by the time of their last use.
    uses: BTreeMap<u64, Key>,
    now: u64,
    bytes: usize,
}

impl PrefixCache {
    /// A cache of at most `capacity` bytes of outputs; 0 keeps nothing.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, kept: Mutex::default() }
    }

    /// Whether outputs of `bytes` can be kept at all.
    pub(super) fn holds(&self, bytes: usize) -> bool {
        bytes <= self.capacity
    }

    /// The outputs of layer `layer` for block `block`, where `spec` has the precisions of all sites up to there.
    pub(super) fn find(&self, block: usize, layer: usize, spec: &[Precision]) -> Option<Arc<Vec<i16>>> {
        let mut kept = self.lock();
        let key = (block, layer, spec.to_vec());
        let (used, outputs) = kept.outputs.get(&key)?;
        let (used, outputs) = (*used, outputs.clone());
        kept.uses.remove(&used);
        kept.touch(key);
        Some(outputs)
    }

    /// Keeps `outputs`, and drops the ones that nobody asked for longest where there is no room.
    pub(super) fn keep(&self, block: usize, layer: usize, spec: &[Precision], outputs: &Arc<Vec<i16>>) {
        let size = size_of_val(outputs.as_slice());
        if !self.holds(size) {
            return;
        }
        let mut kept = self.lock();
        let key = (block, layer, spec.to_vec());
        if kept.outputs.contains_key(&key) {
            return;
        }
        while kept.bytes + size > self.capacity {
            let Some((_, oldest)) = kept.uses.pop_first() else { break };
            let dropped = kept.outputs.remove(&oldest).map_or(0, |(_, outputs)| size_of_val(outputs.as_slice()));
            kept.bytes -= dropped;
        }
        kept.bytes += size;
        kept.outputs.insert(key.clone(), (0, outputs.clone()));
        kept.touch(key);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().expect("nobody panics with the cache in hand")
    }
}

impl Kept {
    /// Makes `key` the latest.
    fn touch(&mut self, key: Key) {
        self.now += 1;
        if let Some((used, _)) = self.outputs.get_mut(&key) {
            *used = self.now;
            self.uses.insert(self.now, key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mohaq_rt::Bits;

    fn spec(bits: Bits) -> [Precision; 1] {
        [Precision::new(bits, bits)]
    }

    #[test]
    fn the_one_that_nobody_asked_for_longest_goes_first() {
        let cache = PrefixCache::new(40);
        let outputs = |code| Arc::new(vec![code; 8]);
        cache.keep(0, 0, &spec(Bits::Two), &outputs(2));
        cache.keep(0, 0, &spec(Bits::Four), &outputs(4));
        assert_eq!(cache.find(0, 0, &spec(Bits::Two)), Some(outputs(2)));
        cache.keep(0, 0, &spec(Bits::Eight), &outputs(8));
        assert_eq!(cache.find(0, 0, &spec(Bits::Four)), None);
        assert_eq!(cache.find(0, 0, &spec(Bits::Two)), Some(outputs(2)));
        assert_eq!(cache.find(0, 0, &spec(Bits::Eight)), Some(outputs(8)));
        assert_eq!(cache.find(1, 0, &spec(Bits::Eight)), None, "another block");
        assert_eq!(cache.find(0, 1, &spec(Bits::Eight)), None, "another layer");
        assert_eq!(cache.lock().bytes, 32);
    }

    #[test]
    fn what_does_not_fit_is_not_kept() {
        let cache = PrefixCache::new(15);
        cache.keep(0, 0, &spec(Bits::Two), &Arc::new(vec![0; 8]));
        assert_eq!(cache.find(0, 0, &spec(Bits::Two)), None);
    }
}
