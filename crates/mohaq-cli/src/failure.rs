//! How a command that failed says so: the message, its causes, a hint apart, and an exit code.

use crate::output;
use mohaq::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

/// Ctrl-C, as shells report it.
const STOPPED: u8 = 130;
/// The request could not be understood.
const USAGE: u8 = 2;
/// The work failed.
const FAILED: u8 = 1;

/// A refusal of the command line's own, which the library knows nothing of.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// What was expected and what was found.
    pub message: String,
    /// What to do about it.
    pub hint: &'static str,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

/// Prints `error` to stderr and returns the process' exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if is_broken_pipe(error) {
        // The reader of our output has gone away (`| head`): there is nobody left to tell, and nothing is wrong.
        return ExitCode::SUCCESS;
    }
    let ours = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    output::note(&format!("error: {error}"));
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        if !said.contains(&text) {
            output::note(&format!("  caused by: {text}"));
        }
        said = text;
    }
    let refusal = error.downcast_ref::<Refusal>().map(|refusal| refusal.hint.to_owned());
    if let Some(hint) = ours.and_then(Error::hint).or(refusal) {
        output::note(&format!("hint: {hint}"));
    }
    ExitCode::from(code(ours))
}

fn code(error: Option<&Error>) -> u8 {
    match error {
        Some(Error::Stopped) => STOPPED,
        Some(error) if error.is_usage() => USAGE,
        _ => FAILED,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    kind == Some(io::ErrorKind::BrokenPipe)
}
