//! What a stage tells its caller while it works: how far it is, and whether to go on.

/// Sees the progress of the stages, and can stop them.
///
/// Nothing that a watcher does can change a result; stopping ends a stage with [`Error::Stopped`](crate::Error::Stopped)
/// after what is finished has been written.
pub trait Watch: Sync {
    /// A stage of `total` steps (0: unknown) begins; `unit` names the steps.
    fn begin(&self, stage: &str, total: u64, unit: &str);
    /// The stage has done `done` steps; `detail` is what a person would want to see beside the bar.
    fn advance(&self, done: u64, detail: &str);
    /// The stage is over; `summary` is its result in a line.
    fn end(&self, summary: &str);
    /// Something the user should know.
    fn note(&self, text: &str);
    /// True when the user wants to stop.
    fn stopped(&self) -> bool;
}

/// Watches nothing and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Watch for Silent {
    fn begin(&self, _stage: &str, _total: u64, _unit: &str) {}
    fn advance(&self, _done: u64, _detail: &str) {}
    fn end(&self, _summary: &str) {}
    fn note(&self, _text: &str) {}
    fn stopped(&self) -> bool {
        false
    }
}
