//! Words that stand for something unfinished, switched off or only true on one machine.
//!
//! They are spelled in two halves here, so that a search for them finds only what is wrong.

use crate::tree::{TextFile, Tree};
use crate::violation::Violation;

pub(super) const TODO: &str = concat!("to", "do!(");
pub(super) const UNIMPLEMENTED: &str = concat!("unimple", "mented!(");
pub(super) const FIX_ME: &str = concat!("FIX", "ME");
pub(super) const IGNORE: &str = concat!("#[ig", "nore");
pub(super) const SLEEPS: [&str; 2] = [concat!("thread::", "sleep"), concat!("time::", "sleep")];
pub(super) const MACHINE_FOLDERS: [&str; 3] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
];

pub(super) fn violations(tree: &Tree) -> Vec<Violation> {
    tree.files.iter().flat_map(of_file).collect()
}

fn of_file(file: &TextFile) -> Vec<Violation> {
    let mut found = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for word in [TODO, UNIMPLEMENTED, FIX_ME] {
            if line.contains(word) {
                found.push(Violation::at(
                    &file.path,
                    index,
                    format!("unfinished: {word}"),
                ));
            }
        }
        if let Some(folder) = MACHINE_FOLDERS
            .iter()
            .find(|folder| names_folder(line, folder))
        {
            let why = format!("a path of one machine: {folder}");
            found.push(Violation::at(&file.path, index, why));
        }
    }
    if file.has_extension("rs") {
        found.extend(switched_off(file));
        found.extend(sleeping(file));
    }
    found
}

/// As an absolute path, not as the end of a longer one (`docs/../`, `https://host/../`).
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(start, _)| {
        let before = line
            .get(..start)
            .and_then(|before| before.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~}".contains(c))
    })
}

/// Tests ignored and lints allowed, without a reason beside it.
fn switched_off(file: &TextFile) -> Vec<Violation> {
    let mut found = Vec::new();
    let lines: Vec<&str> = file.text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let line = line.trim_start();
        if line.starts_with(IGNORE) && !line.starts_with(&format!("{IGNORE} = \"")) {
            found.push(Violation::at(
                &file.path,
                index,
                "a test ignored without a reason",
            ));
        }
        if !line.starts_with("#[") && !line.starts_with("#![") {
            continue;
        }
        // An attribute that rustfmt broke over lines ends where its bracket is closed.
        let mut attribute = String::new();
        for line in lines.iter().skip(index) {
            attribute.push_str(line);
            if line.trim_end().ends_with(']') {
                break;
            }
        }
        let allows = attribute.contains("[allow(") || attribute.contains(" allow(");
        if allows && !attribute.contains("reason =") {
            found.push(Violation::at(
                &file.path,
                index,
                "a lint allowed without a reason",
            ));
        }
    }
    found
}

/// Tests move the clock by hand.
fn sleeping(file: &TextFile) -> Vec<Violation> {
    let mut found = Vec::new();
    let inline = file.inline_tests();
    for (index, line) in file.text.lines().enumerate() {
        let in_test = file.is_test() || inline.iter().any(|range| range.contains(&index));
        let comment = line.trim_start().starts_with("//");
        if in_test && !comment && SLEEPS.iter().any(|sleep| line.contains(sleep)) {
            found.push(Violation::at(&file.path, index, "a test that sleeps"));
        }
    }
    found
}
