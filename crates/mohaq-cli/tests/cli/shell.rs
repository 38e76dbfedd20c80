//! What shells, pagers and job control see.

use crate::reruns::assert_same_results;
use crate::workspace::Workspace;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

#[test]
fn completions_are_made_for_every_common_shell() {
    let workspace = Workspace::new();
    for (shell, sign) in [("bash", "complete -F"), ("zsh", "#compdef mohaq"), ("fish", "complete -c mohaq")] {
        let script = workspace.ok(&format!("completions {shell}")).out;
        assert!(script.contains(sign) && script.contains("sensitivity"), "{shell}");
    }
}

#[test]
fn help_documents_the_exit_codes_and_every_command() {
    let workspace = Workspace::new();
    let help = workspace.ok("--help").out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["0 done;", "1 the work failed", "2 the request could not be understood", "130 stopped by Ctrl-C"] {
        assert!(help.contains(words), "`{words}` is not in {help}");
    }
    let verbs = "demo init data import train quantize sensitivity search report platform run bench completions";
    for verb in verbs.split(' ') {
        assert!(workspace.ok(&format!("{verb} --help")).out.contains(&format!("Usage: mohaq {verb}")), "{verb}");
    }
}

#[test]
fn arguments_that_are_not_understood_exit_with_2() {
    let workspace = Workspace::new();
    for arguments in [
        "",
        "rnu tiny.toml",
        "run",
        "run tiny.toml --resume --force",
        "run tiny.toml --threads 0",
        "--seed x run tiny.toml",
    ] {
        workspace.refused(2, arguments);
    }
}

#[test]
fn a_reader_that_leaves_ends_the_command_quietly() {
    let workspace = Workspace::new();
    let mut command = workspace.command("platform show silago");
    // A pipe whose reading end is closed before anything is written to it.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = command.stdout(writer).output().expect("the binary starts");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr)), (Some(0), "".into()));
}

#[test]
fn progress_that_nobody_reads_does_not_end_the_run() {
    let workspace = Workspace::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = workspace.command("run tiny.toml --json").stderr(writer).output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(0));
    assert!(workspace.path("runs/tiny/report.html").exists());
}

/// Ctrl-C reaches a process as SIGINT.
#[cfg(unix)]
#[test]
fn a_run_stopped_by_ctrl_c_says_so_and_goes_on_when_asked() {
    let workspace = Workspace::new();
    let run = "run tiny.toml --data corpus --set train.epochs=200 --set train.patience=200";
    workspace.ok(&format!("{run} --out whole"));
    let stopped = format!("{run} --out stopped");
    let mut child =
        workspace.command(&stopped).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a process");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines().map(|line| line.expect("UTF-8"));
    assert!(lines.any(|line| line == "training …"));
    let interrupted = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.expect("kill").success());
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().expect("a child").code(), Some(130), "{rest:?}");
    assert!(rest.contains(&"error: stopped".to_owned()), "{rest:?}");
    assert!(rest.contains(&"hint: everything finished so far is on disk; --resume goes on".to_owned()), "{rest:?}");
    workspace.ok(&format!("{stopped} --resume"));
    assert_same_results(&workspace, "whole", "stopped");
}
