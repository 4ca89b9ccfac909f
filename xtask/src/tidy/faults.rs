//! Every flow fails at every store call it makes, in a test, on the memory store and on SQLite.
//!
//! The tests are in a folder of `backends`; the tests package includes them file by file, which is easily forgotten.

use std::collections::BTreeSet;

use super::security_rows::{function, is_test_attribute};
use crate::tree::{TextFile, Tree};
use crate::violation::Violation;

/// The tests, which run on the memory store there.
const FAULTS: &str = "crates/backends/tests/faults/";
/// Where they are included to run on SQLite.
const ON_SQLITE: &str = "tests/tests/faults_sqlite.rs";

/// Where the flows are, and what else of an instance asks a store.
const FLOWS: &str = "crates/backends/src/flow/";
const BESIDE: [&str; 3] = [
    "crates/backends/src/keys.rs",
    "crates/backends/src/portcullis.rs",
    "crates/backends/src/worker.rs",
];

pub(super) fn violations(tree: &Tree) -> Vec<Violation> {
    let mut found = left_out(tree);
    found.extend(never_failed(tree));
    found
}

/// Files with tests that do not run on SQLite.
fn left_out(tree: &Tree) -> Vec<Violation> {
    let on_sqlite = tree.file(ON_SQLITE).map_or("", |file| file.text.as_str());
    let with_tests = faults(tree).filter(|file| file.text.lines().any(is_test_attribute));
    let left_out = with_tests.filter(|file| {
        let included = format!("#[path = \"../../{}\"]", file.path);
        !on_sqlite.lines().any(|line| line.trim() == included)
    });
    let why = format!("its tests do not run on SQLite: {ON_SQLITE} does not include it");
    left_out
        .map(|file| Violation::new(&file.path, &*why))
        .collect()
}

/// Flows that no test calls with a store that fails.
fn never_failed(tree: &Tree) -> Vec<Violation> {
    let code: String = faults(tree).map(|file| squeezed(&file.text)).collect();
    let mut found = Vec::new();
    for file in tree.with_extension("rs") {
        let asks = file.path.starts_with(FLOWS) || BESIDE.contains(&file.path.as_str());
        if !asks || file.is_test() {
            continue;
        }
        for (index, name) in public_flows(file) {
            if !code.contains(&format!("portcullis.{name}(")) {
                let why = format!("no test in {FAULTS} calls `{name}` with a store that fails");
                found.push(Violation::at(&file.path, index, why));
            }
        }
    }
    found
}

fn faults(tree: &Tree) -> impl Iterator<Item = &TextFile> {
    tree.with_extension("rs")
        .filter(|file| file.path.starts_with(FAULTS))
}

/// Line and name of each public method that waits for an answer.
fn public_flows(file: &TextFile) -> BTreeSet<(usize, &str)> {
    let lines = file.text.lines().enumerate();
    let waits = lines.filter(|(_, line)| line.trim_start().starts_with("pub async fn "));
    waits
        .filter_map(|(index, line)| function(line).map(|name| (index, name)))
        .collect()
}

/// Code without comments and whitespace: a call that rustfmt broke over lines is in one piece.
fn squeezed(text: &str) -> String {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect()
}
