//! Where a function keeps its codes in the memory that it is lent.

/// Buffers one behind the other in a piece of memory, each from an even code on: a word holds two.
#[derive(Debug, Default)]
pub(super) struct Places {
    base: &'static str,
    codes: usize,
    lines: Vec<String>,
}

impl Places {
    /// No buffers yet, in the memory that `base` points to.
    pub(super) fn new(base: &'static str) -> Self {
        Self { base, ..Self::default() }
    }

    /// The next buffer, of `codes` codes.
    pub(super) fn take(&mut self, name: &str, codes: usize) {
        let offset = if self.codes == 0 { String::new() } else { format!(" + {}", self.codes) };
        self.lines.push(format!("    int16_t *const {name} = {}{offset};\n", self.base));
        self.codes += even(codes);
    }

    /// Codes of all buffers.
    pub(super) fn codes(&self) -> usize {
        self.codes
    }

    /// The buffers' declarations.
    pub(super) fn lines(&self) -> String {
        self.lines.concat()
    }
}

/// `codes`, or one more.
pub(super) fn even(codes: usize) -> usize {
    codes.next_multiple_of(2)
}
