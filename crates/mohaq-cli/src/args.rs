//! The command line as typed.

use crate::failure::Refusal;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use mohaq::config::CorpusKind;
use mohaq::run::{Choice, Pick, Wanted};
use mohaq::search::Method;
use std::num::NonZeroUsize;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Exit codes: 0 done; 1 the work failed (data, files, training); 2 the request could not be understood (arguments, recipe, \
platform); 130 stopped by Ctrl-C, with everything finished so far on disk.

RECIPE is a TOML file, or the name of a built-in one: demo, fsdd-digits, cells/lstm, cells/gru, cells/ligru, cells/sru, \
paper/1-memory, paper/2-silago, paper/3-bitfusion, paper/3-bitfusion-beacons.";

/// Per-layer precision search for recurrent networks on embedded platforms.
#[derive(Debug, Parser)]
#[command(name = "mohaq", version, about, after_help = AFTER_HELP, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Print results as JSON; the last line is one object.
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress, and no notes on stderr.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Threads to use; all cores when left out. No result depends on it.
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole path on a synthesised corpus, in about two minutes, without any download.
    Demo(DemoArgs),
    /// Write a commented recipe to start from.
    Init(InitArgs),
    /// Make, prepare or look at data.
    #[command(subcommand)]
    Data(DataCommand),
    /// Read a model of PyTorch or Keras (safetensors state_dict or ONNX), say what it is, and check it against outputs.
    Import(ImportArgs),
    /// Train the float network of a recipe.
    Train(StageArgs),
    /// Quantize the trained network and measure it.
    Quantize(QuantizeArgs),
    /// Retrain the network at given precisions and measure it before and after.
    Retrain(RetrainArgs),
    /// Error of the trained network with one site at a time at few bits.
    Sensitivity(StageArgs),
    /// Search the Pareto front of precisions.
    Search(StageArgs),
    /// What a candidate of a run costs, product by product, and what a step of bits would change.
    Explain(ExplainArgs),
    /// Write a candidate of a run as C99 or as an image for a device.
    Export(ExportArgs),
    /// Export a candidate into a temporary folder, run the development set through it and count differences.
    Verify(VerifyArgs),
    /// Write the report of a run directory.
    Report(ReportArgs),
    /// Put finished runs side by side: volumes, errors at equal cost, front against front.
    Compare(CompareArgs),
    /// List, show or check platform descriptions.
    #[command(subcommand)]
    Platform(PlatformCommand),
    /// All stages of a recipe: data, train, quantize, search, report.
    Run(StageArgs),
    /// Measure the speed of this machine.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Print shell completions.
    Completions(CompletionsArgs),
}

/// What a stage of a recipe takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct StageArgs {
    /// A recipe file, or the name of a built-in recipe.
    pub recipe: String,
    #[command(flatten)]
    pub overrides: Overrides,
    #[command(flatten)]
    pub existing: ExistingArgs,
    /// Take the trained network from another run directory of the same data and network.
    #[arg(long, value_name = "RUN")]
    pub from: Option<PathBuf>,
}

/// What goes before the recipe's own values.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// Run on this corpus instead of the recipe's own, with what the recipe says for it in [corpus.NAME].
    #[arg(long, value_name = "NAME", value_parser = corpora())]
    pub corpus: Option<CorpusKind>,
    /// Directory (or file) of the corpus.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A trained network, as `mohaq import --out` writes it, instead of the recipe's layers.
    #[arg(long, value_name = "FILE")]
    pub network: Option<PathBuf>,
    /// Run directory; `runs/NAME` when left out.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Seed of everything random.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Who proposes the candidates of a search, instead of the recipe's own strategy.
    #[arg(long, value_name = "NAME", value_parser = strategies())]
    pub strategy: Option<Method>,
    /// Set one value of the recipe, for example --set search.platform=silago. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Reads the name of a strategy.
fn strategies() -> impl TypedValueParser<Value = Method> {
    PossibleValuesParser::new(Method::ALL.map(Method::key))
        .map(|name| Method::from_key(&name).expect("one of the names offered"))
}

/// Reads the name of a corpus.
fn corpora() -> impl TypedValueParser<Value = CorpusKind> {
    PossibleValuesParser::new(CorpusKind::ALL.map(CorpusKind::key))
        .map(|name| CorpusKind::from_key(&name).expect("one of the names offered"))
}

impl Overrides {
    /// Every override as `key=value`.
    pub(crate) fn pairs(&self) -> Vec<String> {
        let seed = self.seed.map(|seed| format!("seed={seed}"));
        let strategy = self.strategy.map(|strategy| format!("search.strategy={}", strategy.key()));
        self.set.iter().cloned().chain(seed).chain(strategy).collect()
    }
}

/// What to do with results that are there already.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct ExistingArgs {
    /// Go on where a run in the same directory ended.
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Throw away a run in the same directory.
    #[arg(long)]
    pub force: bool,
}

/// `demo`
#[derive(Args, Clone, Debug)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub overrides: Overrides,
    /// Go on where a demo in the same directory ended; otherwise it starts over.
    #[arg(long)]
    pub resume: bool,
}

/// `init`
#[derive(Args, Clone, Debug)]
pub(crate) struct InitArgs {
    /// The file to write.
    #[arg(default_value = "recipe.toml")]
    pub path: PathBuf,
    /// The built-in recipe to start from.
    #[arg(long, default_value = "demo", value_name = "NAME")]
    pub template: String,
    /// Overwrite the file if it exists.
    #[arg(long)]
    pub force: bool,
}

/// `quantize`
#[derive(Args, Clone, Debug)]
pub(crate) struct QuantizeArgs {
    #[command(flatten)]
    pub stage: StageArgs,
    /// Weight×activation bits for every site (8x8), or one pair a site ("4x8 2x8 …"). May be repeated; 16x16, 8x8, 4x8,
    /// 4x4, 2x8 and 2x2 when left out.
    #[arg(long, value_name = "BITS")]
    pub bits: Vec<String>,
    /// Also show the format of every tensor, and how often it saturated on the validation set.
    #[arg(long)]
    pub tensors: bool,
}

/// `retrain`
#[derive(Args, Clone, Debug)]
pub(crate) struct RetrainArgs {
    #[command(flatten)]
    pub stage: StageArgs,
    /// Weight×activation bits for every site (2x8), or one pair a site ("4x8 2x8 …"). May be repeated.
    #[arg(long, value_name = "BITS", required = true)]
    pub bits: Vec<String>,
    /// Also measure N random precisions at each of three distances (steps of weight widths) from every retrained one,
    /// with their own and with the retrained parameters: how far a beacon reaches.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub neighbours: usize,
}

/// `explain`
#[derive(Args, Clone, Debug)]
pub(crate) struct ExplainArgs {
    /// A run directory.
    pub run: PathBuf,
    #[command(flatten)]
    pub choice: ChoiceArgs,
    /// Weight×activation bits for every site (8x8), or one pair a site, instead of a candidate.
    #[arg(long, value_name = "BITS", conflicts_with_all = ["pick", "prefer", "near", "max_error", "max_size"])]
    pub bits: Option<String>,
    /// A built-in platform's name, or a file; the run's own when left out.
    #[arg(long, value_name = "NAME")]
    pub platform: Option<String>,
    /// The network, where the run has none of its own.
    #[arg(long, value_name = "FILE")]
    pub network: Option<PathBuf>,
}

/// Which candidate, and as what.
#[derive(Args, Clone, Debug)]
pub(crate) struct ChosenArgs {
    /// A run directory with a finished search.
    pub run: PathBuf,
    #[command(flatten)]
    pub choice: ChoiceArgs,
    /// What becomes of the candidate.
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// Operator set of --format onnx: 25 has integers of 2 bits, which 21 keeps in wider ones [default: 21].
    #[arg(long, value_name = "N", value_parser = ["21", "25"])]
    pub opset: Option<String>,
    /// The network, where the run has none of its own.
    #[arg(long, value_name = "FILE")]
    pub network: Option<PathBuf>,
}

/// Forms of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// A folder of C99 with a test vector and a Makefile.
    C,
    /// One file that `mohaq-rt` runs from where it lies.
    Image,
    /// A model with QuantizeLinear and DequantizeLinear, for onnxruntime.
    Onnx,
    /// A model with the Quant nodes of QONNX, for hardware flows.
    Qonnx,
}

/// `export`
#[derive(Args, Clone, Debug)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub chosen: ChosenArgs,
    /// The folder to write to.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Name of the files and, in C, of functions and macros.
    #[arg(long, value_name = "NAME", default_value = "network")]
    pub name: String,
    /// Write over what stands in the folder.
    #[arg(long)]
    pub force: bool,
    /// Refuse a network whose arena is larger.
    #[arg(long, value_name = "BYTES")]
    pub max_arena: Option<usize>,
    /// Frames of the longest sequence, for networks that need whole ones; the arena grows with it.
    #[arg(long, value_name = "N", default_value = "400")]
    pub max_frames: NonZeroUsize,
    /// Also compile the C for a device, run its test vector in QEMU and print code size and instructions a frame. May be
    /// repeated.
    #[arg(long, value_enum, value_name = "DEVICE")]
    pub measure: Vec<Device>,
}

/// Devices as QEMU has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Device {
    /// ARM's Cortex-M4.
    CortexM4,
    /// ARM's Cortex-M7.
    CortexM7,
    /// A RISC-V of 32 bits, RV32IMAC.
    Riscv32,
    /// A RISC-V of 64 bits, RV64IMAC.
    Riscv64,
}

/// `verify`
#[derive(Args, Clone, Debug)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub chosen: ChosenArgs,
}

/// Which candidate of a run is meant.
#[derive(Args, Clone, Debug)]
pub(crate) struct ChoiceArgs {
    /// The number of a candidate in its report, or `knee`: where the front bends the most.
    #[arg(long, value_name = "ID|knee")]
    pub pick: Option<Pick>,
    /// The member of the front that misses the best of every objective by the least, each miss times a weight: error=2,energy=1.
    #[arg(long, value_name = "OBJECTIVE=WEIGHT", value_delimiter = ',', conflicts_with = "pick")]
    pub prefer: Vec<Wanted>,
    /// The member of the front that is nearest to these values: error=18,speedup=20.
    #[arg(long, value_name = "OBJECTIVE=VALUE", value_delimiter = ',', conflicts_with_all = ["pick", "prefer"])]
    pub near: Vec<Wanted>,
    /// Of the front only what has at most this error, as the search measured it; the knee, where nothing else is said.
    #[arg(long, value_name = "X")]
    pub max_error: Option<f64>,
    /// Of the front only what takes at most this memory: 2MiB, 500KiB, 90000.
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub max_size: Option<f64>,
}

impl ChoiceArgs {
    /// What is said of the candidate; `None` where nothing is.
    pub(crate) fn choice(&self) -> Option<Choice> {
        let Self { pick, prefer, near, max_error, max_size } = self.clone();
        let choice = Choice { pick, prefer, near, max_error, max_bytes: max_size };
        (choice != Choice::default()).then_some(choice)
    }

    /// The candidate that must be named.
    pub(crate) fn named(&self) -> Result<Choice, Refusal> {
        let message = "which candidate?".to_owned();
        let hint =
            "--pick ID takes one of the report, --pick knee one of the front; --prefer, --near and limits choose one";
        self.choice().ok_or(Refusal { message, hint })
    }
}

/// Reads a size in bytes, KiB or MiB.
fn bytes(text: &str) -> Result<f64, String> {
    let units = [("KiB", 1024.0), ("MiB", 1024.0 * 1024.0), ("B", 1.0), ("", 1.0)];
    let read =
        |(unit, bytes): (&str, f64)| text.strip_suffix(unit)?.trim().parse().ok().map(|number: f64| number * bytes);
    let size = units.into_iter().find_map(read).filter(|size| size.is_finite() && *size >= 0.0);
    size.ok_or_else(|| "expected bytes, or a number with KiB or MiB".to_owned())
}

/// `report`
#[derive(Args, Clone, Debug)]
pub(crate) struct ReportArgs {
    /// A run directory with a finished search.
    pub run: PathBuf,
    /// What to write; HTML goes to a file, the others to stdout unless --output says where.
    #[arg(long, value_enum, default_value_t = ReportFormat::Html)]
    pub format: ReportFormat,
    /// Where to write it.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `compare`
#[derive(Args, Clone, Debug)]
pub(crate) struct CompareArgs {
    /// Run directories with a finished search, two or more.
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Compare errors at these speedups, at least; 2, 4, 10, 20, 30 and 40 as far as some run reaches them when left out.
    #[arg(long, value_name = "TIMES", value_delimiter = ',')]
    pub at_speedup: Option<Vec<f64>>,
    /// Compare errors at these compressions of 32 bit float, at least; 4, 8, 10.6, 12 and 16 when left out.
    #[arg(long, value_name = "TIMES", value_delimiter = ',')]
    pub at_compression: Option<Vec<f64>>,
    /// Compare errors at these sizes in MiB, at most.
    #[arg(long, value_name = "MIB", value_delimiter = ',')]
    pub at_size: Option<Vec<f64>>,
    /// Compare errors at these energies a frame in nJ, at most; four over what the fronts span when left out.
    #[arg(long, value_name = "NJ", value_delimiter = ',')]
    pub at_energy: Option<Vec<f64>>,
    /// Also write the comparison as one self-contained page, with the fronts in a chart.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite the page if it exists.
    #[arg(long, requires = "output")]
    pub force: bool,
}

/// Forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// One self-contained page.
    Html,
    /// One row a candidate.
    Csv,
    /// Everything the page shows.
    Json,
}

/// `data …`
#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Synthesise the built-in corpus in TIMIT's layout.
    Synth(SynthArgs),
    /// Read a recipe's corpus and fill its feature cache.
    Prepare(StageArgs),
    /// Say what a file or corpus is, or why it is refused.
    Check(CheckArgs),
}

/// `data synth`
#[derive(Args, Clone, Debug)]
pub(crate) struct SynthArgs {
    /// Directory to write to; must be empty or not exist.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Seed of the speakers and sentences.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Set one value of the synthesiser, for example --set train_speakers=60. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// `data check`, `platform check`
#[derive(Args, Clone, Debug)]
pub(crate) struct CheckArgs {
    /// The file or directory.
    pub path: PathBuf,
}

/// `import`
#[derive(Args, Clone, Debug)]
pub(crate) struct ImportArgs {
    /// An ONNX model, or a PyTorch state_dict as safetensors.
    pub model: PathBuf,
    /// A network description (TOML) for what a state_dict does not hold; its layers have the modules' names, dots as `_`.
    #[arg(long, value_name = "FILE")]
    pub describe: Option<PathBuf>,
    /// Run the inputs `x` of an .npz file and compare with its outputs `y`, and with final states `h_n` and `c_n`.
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
    /// Arrays of the .npz file are [batch, time, features]; by default as the model has them, or time first.
    #[arg(long, requires = "check")]
    pub batch_first: bool,
    /// Largest absolute difference that a check lets pass.
    #[arg(long, value_name = "X", default_value_t = 1e-5, requires = "check")]
    pub tolerance: f32,
    /// Write the network with its description, unless a check fails.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Overwrite the file if it exists.
    #[arg(long, requires = "out")]
    pub force: bool,
}

/// `platform …`
#[derive(Debug, Subcommand)]
pub(crate) enum PlatformCommand {
    /// The built-in platforms.
    List,
    /// Every number of a platform, with its source.
    Show {
        /// A built-in platform's name, or a file.
        platform: String,
    },
    /// What is missing or implausible in a platform file.
    Check(CheckArgs),
    /// Measure this machine (the platform `host`), or make a platform of a table that was measured elsewhere.
    Measure(MeasureArgs),
}

/// `platform measure`
#[derive(Args, Clone, Debug)]
pub(crate) struct MeasureArgs {
    /// Measure the products of this network alone, exactly as they are, instead of a grid of shapes: a network, or its
    /// description (TOML).
    #[arg(long, value_name = "FILE")]
    pub network: Option<PathBuf>,
    /// Frames of a sequence that are given at once; 1 for a stream.
    #[arg(long, value_name = "N", default_value = "100")]
    pub frames: NonZeroUsize,
    /// How long each product is run at each precision, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 20)]
    pub each_ms: u64,
    /// Also time N random candidates of the network, and say how well they are predicted.
    #[arg(long, value_name = "N", requires = "network")]
    pub verify: Option<NonZeroUsize>,
    /// A table that was measured elsewhere: columns inputs, outputs, bits (4x8), cycles or ns or us, and maybe pj or nj and
    /// kind (input, recurrent).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["network", "frames", "each_ms", "verify"], requires = "name")]
    pub csv: Option<PathBuf>,
    /// Clock that the table's cycles are counted by, in Hz.
    #[arg(long, value_name = "HZ", requires = "csv")]
    pub hz: Option<f64>,
    /// Time of an elementwise operation, in ns.
    #[arg(long, value_name = "NS", requires = "csv")]
    pub elementwise_ns: Option<f64>,
    /// Name of the platform; `host` when left out.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Where to write it; where `host` is looked for when left out, or NAME.toml for a table.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Overwrite the file if it exists.
    #[arg(long)]
    pub force: bool,
}

/// `bench …`
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Candidates a second, on a network from a file; the answers are checked first.
    Evaluate(EvaluateArgs),
    /// Measure every candidate of a small space of a recipe's network, and keep the errors in a file.
    Table(TableArgs),
    /// Strategies of search side by side on such files: how much of the best possible front each has found, and when.
    Search(ContestArgs),
}

/// `bench search`
#[derive(Args, Clone, Debug)]
pub(crate) struct ContestArgs {
    /// Files of `mohaq bench table`.
    #[arg(required = true, value_name = "TABLE")]
    pub tables: Vec<PathBuf>,
    /// A built-in platform's name, or a file.
    #[arg(long, value_name = "NAME", default_value = "bitfusion")]
    pub platform: String,
    /// What is traded: error and one or two of the objectives of a recipe.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "error,speedup")]
    pub objectives: Vec<String>,
    /// The strategies.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = strategies(), default_value = "nsga2,random,greedy,guided")]
    pub strategies: Vec<Method>,
    /// Runs of each, with the seeds 1, 2, …
    #[arg(long, value_name = "N", default_value = "31")]
    pub seeds: NonZeroUsize,
    /// Evaluations of each run.
    #[arg(long, value_name = "N", default_value = "630")]
    pub evaluations: NonZeroUsize,
}

/// `bench table`
#[derive(Args, Clone, Debug)]
pub(crate) struct TableArgs {
    #[command(flatten)]
    pub stage: StageArgs,
    /// Widths of every operand.
    #[arg(long, value_name = "BITS", value_delimiter = ',', default_value = "2,4,8")]
    pub widths: Vec<u32>,
    /// Both operands of a site have the same width.
    #[arg(long)]
    pub tied: bool,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    pub table: PathBuf,
}

/// `bench evaluate`
#[derive(Args, Clone, Debug)]
pub(crate) struct EvaluateArgs {
    /// A safetensors file with a network, features, labels and clips.
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// How many candidates.
    #[arg(long, value_name = "K", default_value = "8")]
    pub candidates: NonZeroUsize,
    /// Widths of the candidates: random (2, 4, 8 and 16 for every operand), narrow (random weights of at most 4 and
    /// activations of at most 8 bits), or weight×activation bits for all sites (8x8).
    #[arg(long, value_name = "BITS", default_value = "random")]
    pub bits: String,
    /// Measure the rows of a JSON file instead ("rows": [{"bits": {"SITE": [W, A]}, "error": E}]) and set their
    /// errors beside the expected ones.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["candidates", "bits"])]
    pub rows: Option<PathBuf>,
}

/// `completions`
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
