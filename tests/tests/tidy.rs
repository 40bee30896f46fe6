//! The invariants that a machine can hold.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Which crates of the workspace each may depend on, as ARCHITECTURE.md says.
const EDGES: &[(&str, &[&str])] = &[
    ("lints/span", &[]),
    ("rules", &["tenantry-span"]),
    ("lints/policy", &["tenantry-span"]),
    ("lints/prover", &["tenantry-span", "tenantry-policy"]),
    ("lints/live", &["tenantry-span", "tenantry-policy", "tenantry-prover"]),
    ("lints/source", &["tenantry-span", "tenantry-rules", "tenantry-policy", "tenantry-prover"]),
    ("lints/project", &["tenantry-span", "tenantry-policy", "tenantry-prover", "tenantry-source"]),
    (
        "lints/judge",
        &[
            "tenantry-span",
            "tenantry-rules",
            "tenantry-policy",
            "tenantry-prover",
            "tenantry-source",
            "tenantry-project",
        ],
    ),
    ("macros", &["tenantry-span", "tenantry-policy", "tenantry-prover", "tenantry-judge"]),
    ("runtime", &["tenantry-macros"]),
    (
        "lints/engine",
        &[
            "tenantry-span",
            "tenantry-rules",
            "tenantry-policy",
            "tenantry-prover",
            "tenantry-source",
            "tenantry-project",
            "tenantry-judge",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn dependencies(folder: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest");
    let manifest = toml_span::parse(&text).expect("a manifest is TOML");
    let table = manifest.pointer("/dependencies").and_then(|value| value.as_table());
    let names = table.into_iter().flatten().map(|(key, _)| key.name.to_string());
    names.filter(|name| name.starts_with("tenantry")).collect()
}

#[test]
fn crates_know_only_the_rooms_before_them() {
    for (folder, allowed) in EDGES {
        for name in dependencies(folder) {
            assert!(
                allowed.contains(&name.as_str()),
                "{folder}/Cargo.toml depends on {name}: change the architecture first, then this list"
            );
        }
    }
}

#[test]
fn every_rule_has_a_page_and_every_page_is_registered() {
    let pages: BTreeSet<String> = std::fs::read_dir(root().join("rules"))
        .expect("the folder is here")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .filter(|name| name != "README")
        .collect();
    let registered: BTreeSet<String> =
        tenantry_rules::rules().iter().map(|rule| rule.id.to_owned()).collect();
    assert_eq!(pages, registered, "add the page's id to PAGES in rules/src/pages.rs");
}

#[test]
fn the_runtime_says_for_which_versions_of_the_libraries_it_is() {
    let read = |file: &str| {
        std::fs::read_to_string(root().join("runtime").join(file)).expect("a file of the runtime")
    };
    let (manifest, told) = (read("Cargo.toml"), read("README.md"));
    let manifest = toml_span::parse(&manifest).expect("a manifest is TOML");
    let table = manifest.pointer("/dependencies").and_then(|value| value.as_table()).expect("dependencies");
    let rows: Vec<&str> = told.lines().filter(|line| line.starts_with("| `")).collect();
    for (key, of) in table {
        let optional = of.pointer("/optional").and_then(|value| value.as_bool());
        let version = of.pointer("/version").and_then(|value| value.as_str());
        let (Some(true), Some(version)) = (optional, version) else { continue };
        // A row names the library or one that it is made for; http comes with axum.
        let name = key.name.trim_end_matches("-core");
        let is_told = rows.iter().any(|row| row.contains(name) && row.contains(version));
        assert!(is_told || name == "http", "runtime/README.md does not say that it is for {name} {version}");
    }
}
