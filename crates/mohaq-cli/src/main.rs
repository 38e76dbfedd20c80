//! `mohaq`: argv in, text out.
//!
//! Results go to stdout, progress and notes to stderr. The commands parse, call `mohaq::run` and print; what they print is
//! made in [`output`], so that a person's table and a program's JSON come from the same values.
#![forbid(unsafe_code)]

mod args;
mod command;
mod failure;
mod output;
mod progress;

use args::Cli;
use clap::Parser;
use progress::Progress;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    progress::stop_on_interrupt();
    if let Some(threads) = cli.threads {
        // A pool that already exists could only be one of our own making: there is none before this line.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global();
    }
    let progress = Progress::new(cli.quiet);
    match command::run(&cli, &progress) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}
