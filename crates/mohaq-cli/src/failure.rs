//! How a command that failed says so: the message, its causes, a hint apart, and an exit code.

use mohaq::Error;
use std::io;
use std::process::ExitCode;

/// Ctrl-C, as shells report it.
const STOPPED: u8 = 130;
/// The request could not be understood.
const USAGE: u8 = 2;
/// The work failed.
const FAILED: u8 = 1;

/// Prints `error` to stderr and returns the process' exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if is_broken_pipe(error) {
        // The reader of our output has gone away (`| head`): there is nobody left to tell, and nothing is wrong.
        return ExitCode::SUCCESS;
    }
    let ours = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    eprintln!("error: {error}");
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        if !said.contains(&text) {
            eprintln!("  caused by: {text}");
        }
        said = text;
    }
    if let Some(hint) = ours.and_then(Error::hint) {
        eprintln!("hint: {hint}");
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
