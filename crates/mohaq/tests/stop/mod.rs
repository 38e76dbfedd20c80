//! A watch that stops a search in its middle.

use mohaq::watch::Watch;
use std::sync::atomic::{AtomicU64, Ordering};

/// Stops after a number of candidates.
pub(crate) struct StopAfter {
    done: AtomicU64,
    limit: u64,
}

impl StopAfter {
    pub(crate) fn new(limit: u64) -> Self {
        Self { done: AtomicU64::new(0), limit }
    }
}

impl Watch for StopAfter {
    fn begin(&self, _stage: &str, _total: u64, _unit: &str) {}
    fn advance(&self, done: u64, _detail: &str) {
        self.done.store(done, Ordering::SeqCst);
    }
    fn end(&self, _summary: &str) {}
    fn note(&self, _text: &str) {}
    fn stopped(&self) -> bool {
        self.done.load(Ordering::SeqCst) >= self.limit
    }
}
