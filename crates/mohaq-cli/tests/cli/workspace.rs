//! A folder with a tiny recipe, and the binary run in it.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Eight synthetic speakers with two sentences each and one layer of eight units: every stage is real, none is long.
pub(crate) const RECIPE: &str = r#"name = "tiny"

[data]
corpus = "synthetic"
states = 1

[data.synthetic]
sample_rate = 8000
train_speakers = 4
valid_speakers = 2
test_speakers = 2
sentences = 2

[network]
layers = [{ kind = "sru", name = "l0", hidden = 8 }, { kind = "linear", name = "fc" }]

[train]
epochs = 1

[search]
platform = "bitfusion"
objectives = ["error", "speedup"]
population = 4
offspring = 4
evaluations = 12
"#;

/// A temporary folder with `tiny.toml` in it.
pub(crate) struct Workspace(TempDir);

impl Workspace {
    pub(crate) fn new() -> Self {
        let workspace = Self(tempfile::tempdir().expect("a temporary folder"));
        workspace.write("tiny.toml", RECIPE);
        workspace
    }

    /// The path of `name`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes `name`, making the folders it stands in.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("written");
    }

    /// The bytes of `name`.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// `name` as text.
    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("UTF-8")
    }

    /// `mohaq ARGUMENTS`, not started yet; arguments are cut at blanks.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mohaq"));
        command.args(arguments.split_whitespace()).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    /// Runs `mohaq ARGUMENTS` to its end.
    pub(crate) fn mohaq(&self, arguments: &str) -> Said {
        Said::new(self.command(arguments).output().expect("the binary starts"), self.0.path())
    }

    /// Runs `mohaq ARGUMENTS` where no file can grow beyond `blocks` of 512 bytes: writing more is an error.
    #[cfg(target_os = "linux")]
    pub(crate) fn limited(&self, blocks: usize, arguments: &str) -> Said {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" {arguments}");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_mohaq")]).current_dir(self.0.path()).stdin(Stdio::null());
        Said::new(command.output().expect("a shell"), self.0.path())
    }

    /// Runs `mohaq ARGUMENTS`, which must succeed.
    pub(crate) fn ok(&self, arguments: &str) -> Said {
        let said = self.mohaq(arguments);
        assert_eq!(said.code, Some(0), "mohaq {arguments}: {said:?}");
        said
    }

    /// Runs `mohaq ARGUMENTS`, which must fail with `code` and a message on stderr alone.
    pub(crate) fn refused(&self, code: i32, arguments: &str) -> Said {
        let said = self.mohaq(arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "mohaq {arguments}: {said:?}");
        said
    }
}

/// How a command ended and what it said, with the folder's path replaced by `F`.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn new(output: Output, folder: &Path) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8").replace(&folder.display().to_string(), "F");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The last line of stdout as JSON.
    pub(crate) fn json(&self) -> Value {
        let line = self.out.lines().last().unwrap_or_else(|| panic!("no output: {self:?}"));
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))
    }

    /// What stands behind `error: `.
    pub(crate) fn error(&self) -> &str {
        self.behind("error: ")
    }

    /// What stands behind `hint: `.
    pub(crate) fn hint(&self) -> &str {
        self.behind("hint: ")
    }

    fn behind(&self, prefix: &str) -> &str {
        let found = self.err.lines().find_map(|line| line.strip_prefix(prefix));
        found.unwrap_or_else(|| panic!("no line starts with `{prefix}`: {}", self.err))
    }
}
