//! How files are named, and how their lines end.

use crate::tree::{TextFile, Tree};
use crate::violation::Violation;

/// Names that say nothing about what is inside, and `mod.rs`, which hides behind its folder's.
const NAMES: [&str; 5] = [
    "utils.rs",
    "common.rs",
    "helpers.rs",
    "manager.rs",
    "mod.rs",
];

/// What a program printed, kept as it was.
const RECORDED: [&str; 3] = ["snap", "stderr", "stdout"];

pub(super) fn violations(tree: &Tree) -> Vec<Violation> {
    tree.files.iter().flat_map(of_file).collect()
}

fn of_file(file: &TextFile) -> Vec<Violation> {
    let mut found = Vec::new();
    if NAMES.contains(&file.name()) {
        found.push(Violation::new(
            &file.path,
            "a name that does not say what is inside",
        ));
    }
    if RECORDED
        .iter()
        .any(|extension| file.has_extension(extension))
    {
        return found;
    }
    for (index, line) in file.text.split('\n').enumerate() {
        if line.ends_with(char::is_whitespace) {
            found.push(Violation::at(&file.path, index, "trailing whitespace"));
        }
        if file.has_extension("rs") && line.contains('\t') {
            found.push(Violation::at(&file.path, index, "a tab"));
        }
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        found.push(Violation::new(&file.path, "no newline at the end"));
    }
    found
}
