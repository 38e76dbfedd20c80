//! `mohaq platform measure`: this machine, and boards that were measured elsewhere.

use crate::workspace::{Said, Workspace};

const TABLE: &str = "\
inputs,outputs,bits,cycles,kind
23,24,8x8,1000,input
23,24,4x8,600,input
23,32,8x8,1300,input
8,3,8x8,90,input
";

/// `mohaq ARGUMENTS` for a user whose `host` is `host.toml` in the workspace.
fn at_home(workspace: &Workspace, arguments: &str) -> Said {
    let mut command = workspace.command(arguments);
    command.env("MOHAQ_HOST", workspace.path("host.toml"));
    Said::new(command.output().expect("the binary starts"), workspace.path("").as_path())
}

#[test]
fn this_machine_is_a_platform_once_it_was_measured() {
    let workspace = Workspace::new();
    let before = at_home(&workspace, "run tiny.toml --set search.platform=host");
    assert_eq!(before.error(), "platform `host`: this machine has not been measured");
    assert!(before.hint().contains("`mohaq platform measure`"), "{before:?}");
    assert!(at_home(&workspace, "platform list").out.contains("host"));
    workspace.ok("train tiny.toml -q");
    let measured = at_home(
        &workspace,
        "platform measure --network runs/tiny/network.safetensors --each-ms 0 --frames 10 --verify 3 --json",
    );
    let found = measured.json();
    assert_eq!(found["platform"], "host");
    let candidates = found["verification"]["predictions"].as_array().expect("a list");
    assert!(candidates.len() == 3 && candidates.iter().all(|one| one["measured_us"].as_f64() > Some(0.0)), "{found}");
    let again = at_home(&workspace, "platform measure --each-ms 0");
    assert!(again.error().ends_with("host.toml: exists already"), "{again:?}");
    let searched = at_home(
        &workspace,
        "run tiny.toml --resume --set search.platform=host --set search.objectives=[\"error\",\"time\"] --json",
    );
    assert!(!searched.json()["front"].as_array().expect("a list").is_empty());
    let checked = at_home(&workspace, "platform check host.toml");
    assert!(checked.out.contains("host.toml: "), "{checked:?}");
}

#[test]
fn a_table_measured_elsewhere_becomes_a_platform() {
    let workspace = Workspace::new();
    workspace.write("board.csv", TABLE);
    workspace.ok("platform measure --csv board.csv --hz 1e6 --elementwise-ns 5 --name board");
    let shown = workspace.ok("platform show ./board.toml").out;
    assert!(shown.contains("lut.input.23-24.ns.4x8") && shown.contains("table board.csv, at 1000000 Hz"), "{shown}");
    assert!(workspace.ok("platform check board.toml").out.contains("nothing to remark"));
    assert_eq!(
        workspace.refused(1, "platform measure --csv board.csv --hz 1 --name board").error(),
        "board.toml: exists already"
    );
    // l0 was measured at 4x8 and 8x8, and the last layer, of another shape, at nothing.
    let refused = workspace
        .refused(2, "run tiny.toml --set search.platform=./board.toml --set search.objectives=[\"error\",\"time\"]");
    assert!(refused.error().contains("has no measurement around"), "{refused:?}");
}

#[test]
fn a_bad_table_is_refused_by_line() {
    let workspace = Workspace::new();
    workspace.write("board.csv", TABLE.replace("8x8,1300", "8x8,-1300"));
    let said = workspace.refused(2, "platform measure --csv board.csv --hz 1e6 --name board");
    let expected = "table board.csv: line 4: `cycles` \"-1300\", expected a number above zero";
    assert_eq!(said.error(), expected);
    workspace.write("board.csv", TABLE);
    let said = workspace.refused(2, "platform measure --csv board.csv --name board");
    assert_eq!(said.error(), "table board.csv: line 1: cycles without a clock, expected a clock in Hz");
    assert!(!workspace.path("board.toml").exists());
}

#[test]
fn limits_of_what_a_platform_prices_are_kept() {
    let workspace = Workspace::new();
    let run = "run tiny.toml --set search.platform=cortex-m4 --set search.objectives=[\"error\",\"real_time_factor\"]";
    let front = workspace.ok(&format!("{run} --set search.limits.gops=0.01 --json")).json();
    assert!(!front["front"].as_array().expect("a list").is_empty());
    let report: serde_json::Value = serde_json::from_str(&workspace.text("runs/tiny/report.json")).expect("JSON");
    let factor = report["evaluations"][0]["real_time_factor"].as_f64().expect("a number");
    // Frames of 10 ms.
    let time_ms = report["evaluations"][0]["time_ms"].as_f64().expect("a number");
    assert!((factor - time_ms / 10.0).abs() < 1e-12, "{factor} {time_ms}");
    assert!(report["front"][0]["explained"]["steps"].as_array().expect("a list").len() > 2);
    for limit in ["gops_per_watt", "energy_nj"] {
        let said = workspace.refused(2, &format!("{run} --out other --set search.limits.{limit}=1"));
        assert_eq!(said.error(), format!("`search.limits.{limit}`: platform `cortex-m4` has no figures for `energy`"));
    }
}
