//! One function a verb.

mod bench;
mod compare;
mod data;
mod explain;
mod export;
mod import;
mod info;
mod platform;
mod retrain;
mod stages;
mod strategies;

use crate::args::{BenchCommand, Cli, Command, DataCommand};
use crate::progress::Progress;
use anyhow::Result;

/// What every command is given.
pub(crate) struct Context<'a> {
    /// Results as JSON.
    pub json: bool,
    /// Progress and interruption.
    pub progress: &'a Progress,
}

/// Runs the command of `cli`.
pub(crate) fn run(cli: &Cli, progress: &Progress) -> Result<()> {
    let context = Context { json: cli.json, progress };
    match &cli.command {
        Command::Demo(args) => stages::demo(&context, args),
        Command::Init(args) => info::init(args),
        Command::Data(DataCommand::Synth(args)) => data::synth(&context, args),
        Command::Data(DataCommand::Prepare(args)) => data::prepare(&context, args),
        Command::Data(DataCommand::Check(args)) => data::check(&context, args),
        Command::Import(args) => import::import(&context, args),
        Command::Train(args) => stages::train(&context, args),
        Command::Quantize(args) => stages::quantize(&context, args),
        Command::Retrain(args) => retrain::retrain(&context, args),
        Command::Sensitivity(args) => stages::sensitivity(&context, args),
        Command::Search(args) | Command::Run(args) => stages::search(&context, args),
        Command::Explain(args) => explain::explain(&context, args),
        Command::Export(args) => export::export(&context, args),
        Command::Verify(args) => export::verify(&context, args),
        Command::Report(args) => info::report(args),
        Command::Compare(args) => compare::compare(&context, args),
        Command::Platform(command) => platform::platform(&context, command),
        Command::Bench(BenchCommand::Evaluate(args)) => bench::evaluate(&context, args),
        Command::Bench(BenchCommand::Table(args)) => strategies::table(&context, args),
        Command::Bench(BenchCommand::Search(args)) => strategies::search(&context, args),
        Command::Completions(args) => info::completions(args),
    }
}
