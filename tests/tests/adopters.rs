//! Applications outside this workspace, each with a lock file of its own, resolve and compile against our crates: what an
//! adopter's cargo makes of them is not what ours does.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const OWN_SQLX: &str = "own-sqlx";
const RULES_AND_TOKENS: &str = "rules-and-tokens";

fn folder(adopter: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join("adopters").join(adopter)
}

/// Cargo on an adopter's crate, as the lock file has it. What both build alike is built once.
fn cargo(adopter: &str, arguments: &[&str]) -> Output {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(arguments)
        .arg("--locked")
        .current_dir(folder(adopter))
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env(
            "CARGO_TARGET_DIR",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("adopters"),
        );
    let output = cargo.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "cargo {arguments:?} on {adopter}; where a dependency changed, run it there without --locked:\n{said}"
    );
    output
}

fn compiles(adopter: &str) {
    cargo(adopter, &["check", "--quiet"]);
}

/// What is built for an adopter, with the features that are on.
fn tree(adopter: &str, arguments: &[&str]) -> BTreeMap<String, Vec<String>> {
    let metadata = [&["metadata", "--format-version", "1"], arguments].concat();
    let output = cargo(adopter, &metadata);
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |id: &Value| {
        let package = packages.iter().find(|package| package["id"] == *id);
        package.unwrap()["name"].as_str().unwrap().to_owned()
    };
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let feature = |feature: &Value| feature.as_str().unwrap().to_owned();
    nodes
        .iter()
        .map(|node| {
            let features = node["features"].as_array().unwrap();
            (name(&node["id"]), features.iter().map(feature).collect())
        })
        .collect()
}

/// Both bring a SQLite, and only one may be linked.
#[test]
fn an_application_with_sqlx_and_sqlite_of_its_own_takes_our_sql_stores() {
    for features in ["--no-default-features", "--all-features"] {
        let tree = tree(OWN_SQLX, &[features]);
        for both in ["rusqlite", "sqlx-sqlite", "libsqlite3-sys"] {
            assert!(tree.contains_key(both), "{both}");
        }
        let sqlx = &tree["sqlx"];
        for default in ["any", "macros", "migrate", "json"] {
            assert!(sqlx.iter().any(|on| on == default), "{default}: {sqlx:?}");
        }
    }
    compiles(OWN_SQLX);
}

/// No server, no database, no runtime: of tokio the channels of the hash pool, which need none.
#[test]
fn an_application_with_rules_and_tokens_builds_neither_server_nor_database() {
    let tree = tree(RULES_AND_TOKENS, &[]);
    for foreign in [
        "axum",
        "hyper",
        "mio",
        "sqlx",
        "sqlx-core",
        "rusqlite",
        "redis",
    ] {
        assert!(!tree.contains_key(foreign), "{foreign}");
    }
    let ours = tree.keys().filter(|name| name.starts_with("portcullis"));
    let ours: Vec<_> = ours.collect();
    assert_eq!(ours, ["portcullis-core", "portcullis-tokens"]);
    assert_eq!(tree["tokio"], ["sync"]);
    compiles(RULES_AND_TOKENS);
}
