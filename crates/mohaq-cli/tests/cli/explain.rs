//! `mohaq explain`: a candidate's cost by product, on the run's platform and on others.

use crate::workspace::Workspace;

fn searched() -> Workspace {
    let workspace = Workspace::new();
    workspace.ok("run tiny.toml -q");
    workspace
}

#[test]
fn a_member_of_the_front_is_taken_apart() {
    let workspace = searched();
    let found: serde_json::Value = serde_json::from_str(&workspace.text("runs/tiny/front.json")).expect("JSON");
    let member = &found["front"][0];
    let (id, bits) = (member["id"].as_u64().expect("a number"), member["measured"]["bits"].as_str().expect("text"));
    let json = workspace.ok(&format!("explain runs/tiny --pick {id} --json")).json();
    assert_eq!((&json["platform"], &json["bits"]), (&"bitfusion".into(), &bits.into()));
    let sites = json["explanation"]["sites"].as_array().expect("a list");
    assert_eq!(sites.iter().map(|site| site["site"].as_str().expect("text")).collect::<Vec<_>>(), ["l0", "fc"]);
    assert_eq!(json["explanation"]["cost"], member["measured"]["cost"]);
    let weights: u64 = sites.iter().map(|site| site["weight_bits"].as_u64().expect("a number")).sum();
    assert_eq!(json["explanation"]["cost"]["weight_bits"], weights);
    let said = workspace.ok(&format!("explain runs/tiny --pick {id}")).out;
    assert!(said.starts_with(&format!("on bitfusion: {bits}")) || said.contains("everywhere"), "{said}");
    assert!(said.contains("one step of bits") && said.contains("bound by"), "{said}");
}

#[test]
fn the_knee_and_preferences_take_members_of_the_front() {
    let workspace = searched();
    let found: serde_json::Value = serde_json::from_str(&workspace.text("runs/tiny/front.json")).expect("JSON");
    let front = found["front"].as_array().expect("a list");
    let bits = |member: &serde_json::Value| member["measured"]["bits"].as_str().expect("text").to_owned();
    let taken = |words: &str| {
        let json = workspace.ok(&format!("explain runs/tiny {words} --json")).json();
        json["bits"].as_str().expect("text").to_owned()
    };
    // From the lowest error up.
    assert_eq!(taken("--prefer error=1"), bits(&front[0]));
    assert_eq!(taken("--prefer speedup=1"), bits(&front[front.len() - 1]));
    assert!(front.iter().any(|member| bits(member) == taken("--pick knee")));
    let least = front[0]["search_error"].as_f64().expect("a number");
    assert_eq!(taken(&format!("--max-error {least}")), bits(&front[0]));
    for member in front {
        // Nothing on a front is nowhere worse than another member.
        let [error, speedup] = [&member["search_error"], &member["measured"]["cost"]["speedup"]];
        assert_eq!(taken(&format!("--near error={error},speedup={speedup}")), bits(member));
    }
    let nothing = workspace.refused(1, "explain runs/tiny --max-size 1B");
    assert!(nothing.error().ends_with("members of the front keeps the limits"), "{nothing:?}");
    let unknown = workspace.refused(1, "explain runs/tiny --prefer energy=1");
    assert_eq!(unknown.error(), "runs/tiny: `energy` was no objective of the search, expected error, speedup");
    workspace.refused(2, "explain runs/tiny --pick elbow");
    workspace.refused(2, "explain runs/tiny --pick 1 --prefer error=1");
    workspace.refused(2, "explain runs/tiny --max-size 2Mib");
}

#[test]
fn any_precision_is_explained_on_any_platform() {
    let workspace = searched();
    let said = workspace.ok("explain runs/tiny --bits 8x8 --platform cortex-m4").out;
    assert!(said.contains("on cortex-m4: 8x8 everywhere") && said.contains("KiB of RAM"), "{said}");
    let said = workspace.refused(2, "explain runs/tiny --bits 2x2 --platform silago");
    assert!(said.error().contains("site `l0`: platform `silago` has no 2x2"), "{said:?}");
}

#[test]
fn what_cannot_be_explained_is_named() {
    let workspace = searched();
    assert_eq!(workspace.refused(1, "explain runs/tiny").error(), "which candidate?");
    assert_eq!(workspace.refused(1, "explain runs/tiny --pick 999").error(), "runs/tiny: no candidate 999");
    workspace.refused(2, "explain runs/tiny --bits 8x9");
    workspace.refused(2, "explain runs/tiny --bits 8x8 --platform silgao");
    assert!(workspace.refused(1, "explain nowhere --bits 8x8").hint().contains("--network FILE"));
}
