//! Outputs of the first layers, taken up by candidates that begin alike: the next one on a thread ([`Path`]), and later
//! ones ([`PrefixCache`]).

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

/// Candidates whose outputs of a layer must fit for any to be kept. Seemed reasonable: a small generation.
const CANDIDATES: usize = 8;

impl PrefixCache {
    /// A cache of at most `capacity` bytes of outputs; 0 keeps nothing.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, kept: Mutex::default() }
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

    /// Keeps `outputs`, one of about as many blocks as `blocks`, and drops the ones that nobody asked for longest where
    /// there is no room.
    ///
    /// Blocks come round once for every few candidates. Where not even [`CANDIDATES`] of them fit, everything would be
    /// dropped before it is asked for again, and nothing is kept.
    pub(super) fn keep(&self, block: usize, layer: usize, spec: &[Precision], outputs: &Arc<Vec<i16>>, blocks: usize) {
        let size = size_of_val(outputs.as_slice());
        if size.saturating_mul(blocks * CANDIDATES) > self.capacity {
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

/// The outputs of the layers of one candidate on one block, for the next candidate on the same block to go on from where
/// they differ.
#[derive(Debug, Default)]
pub(super) struct Path {
    block: usize,
    spec: Vec<Precision>,
    /// By layer; `None` where a deeper one was known already.
    outputs: Vec<Option<Arc<Vec<i16>>>>,
    /// Buffers that nobody holds any more.
    free: Vec<Vec<i16>>,
}

impl Path {
    /// Goes back to where the candidate at `spec` leaves the one before on `block`. `sites` has, for every layer whose
    /// outputs may be taken up, the number of sites up to and with it.
    pub(super) fn turn(&mut self, block: usize, spec: &[Precision], sites: &[usize]) {
        let shared = |&&sites: &&usize| block == self.block && self.spec.get(..sites) == Some(&spec[..sites]);
        let mut kept = sites.iter().take_while(shared).count().min(self.outputs.len());
        while kept > 0 && self.outputs[kept - 1].is_none() {
            kept -= 1;
        }
        let left = self.outputs.drain(kept..).flatten();
        self.free.extend(left.filter_map(Arc::into_inner));
        self.block = block;
        self.spec.clear();
        self.spec.extend_from_slice(spec);
    }

    /// Layers that need not be run.
    pub(super) fn len(&self) -> usize {
        self.outputs.len()
    }

    /// The outputs of the last layer so far.
    pub(super) fn end(&self) -> Option<&Arc<Vec<i16>>> {
        self.outputs.last().and_then(Option::as_ref)
    }

    /// Goes on at `outputs` of `layer`, which were kept elsewhere.
    pub(super) fn jump(&mut self, layer: usize, outputs: Arc<Vec<i16>>) {
        self.outputs.resize(layer, None);
        self.outputs.push(Some(outputs));
    }

    /// Adds the outputs of the next layer.
    pub(super) fn push(&mut self, outputs: Arc<Vec<i16>>) {
        self.outputs.push(Some(outputs));
    }

    /// A buffer of `length` codes of no meaning.
    pub(super) fn buffer(&mut self, length: usize) -> Vec<i16> {
        let mut buffer = self.free.pop().unwrap_or_default();
        buffer.resize(length, 0);
        buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mohaq_rt::Bits;

    fn spec(bits: &[Bits]) -> Vec<Precision> {
        bits.iter().map(|&bits| Precision::new(bits, bits)).collect()
    }

    /// Eight codes, 16 bytes.
    fn outputs(code: i16) -> Arc<Vec<i16>> {
        Arc::new(vec![code; 8])
    }

    #[test]
    fn the_one_that_nobody_asked_for_longest_goes_first() {
        let cache = PrefixCache::new(16 * CANDIDATES);
        let two = spec(&[Bits::Two]);
        let room = CANDIDATES as i16;
        for layer in 0..room {
            cache.keep(0, layer as usize, &two, &outputs(layer), 1);
        }
        assert_eq!(cache.find(0, 0, &two), Some(outputs(0)));
        cache.keep(0, CANDIDATES, &two, &outputs(room), 1);
        assert_eq!(cache.find(0, 1, &two), None);
        for layer in [0].into_iter().chain(2..=room) {
            assert_eq!(cache.find(0, layer as usize, &two), Some(outputs(layer)), "{layer}");
        }
        assert_eq!(cache.find(1, 0, &two), None, "another block");
        assert_eq!(cache.find(0, 0, &spec(&[Bits::Four])), None, "another precision");
        assert_eq!(cache.lock().bytes, 16 * CANDIDATES);
    }

    #[test]
    fn what_would_be_dropped_before_it_is_asked_for_is_not_kept() {
        let two = spec(&[Bits::Two]);
        for (capacity, blocks, kept) in [(16 * CANDIDATES - 1, 1, false), (16 * CANDIDATES, 1, true), (300, 3, false)] {
            let cache = PrefixCache::new(capacity);
            cache.keep(0, 0, &two, &outputs(2), blocks);
            assert_eq!(cache.find(0, 0, &two).is_some(), kept, "{capacity} {blocks}");
        }
    }

    #[test]
    fn a_path_goes_back_to_where_the_next_candidate_turns_off() {
        use Bits::{Eight, Four, Two};
        let mut path = Path::default();
        let sites = [1, 3];
        path.turn(0, &spec(&[Two, Two, Two, Two]), &sites);
        assert_eq!(path.len(), 0);
        (0..3).for_each(|layer| path.push(outputs(layer)));
        path.turn(0, &spec(&[Two, Two, Two, Four]), &sites);
        assert_eq!((path.len(), path.end()), (2, Some(&outputs(1))));
        path.turn(0, &spec(&[Two, Four, Two, Four]), &sites);
        assert_eq!((path.len(), path.end()), (1, Some(&outputs(0))));
        assert_eq!(path.free.len(), 2, "nobody else holds the others");
        // A deeper output from elsewhere: the layer in front of it is not known, and no path leads over it.
        path.turn(0, &spec(&[Eight, Four, Two, Four]), &sites);
        path.jump(1, outputs(7));
        assert_eq!((path.len(), path.end()), (2, Some(&outputs(7))));
        path.turn(0, &spec(&[Eight, Two, Two, Four]), &sites);
        assert_eq!((path.len(), path.end()), (0, None));
    }

    #[test]
    fn a_path_on_another_block_or_without_reuse_begins_anew() {
        let mut path = Path::default();
        let two = spec(&[Bits::Two; 2]);
        path.turn(0, &two, &[1]);
        path.push(outputs(1));
        path.turn(1, &two, &[1]);
        assert_eq!(path.len(), 0);
        path.push(outputs(1));
        path.turn(1, &two, &[]);
        assert_eq!(path.len(), 0);
    }
}
