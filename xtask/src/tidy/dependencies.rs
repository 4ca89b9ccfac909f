//! Every dependency in the root manifest says what it is for.

use crate::tree::Tree;
use crate::violation::Violation;

const MANIFEST: &str = "Cargo.toml";
const TABLE: &str = "[workspace.dependencies]";

/// An entry follows a comment, or another entry under the same comment.
pub(super) fn violations(tree: &Tree) -> Vec<Violation> {
    let Some(manifest) = tree.file(MANIFEST) else {
        return vec![Violation::new(MANIFEST, "missing")];
    };
    let mut found = Vec::new();
    let mut in_table = false;
    let mut explained = false;
    for (index, line) in manifest.text.lines().enumerate() {
        if line.starts_with('[') {
            in_table = line == TABLE;
            explained = false;
        } else if line.starts_with('#') {
            explained = true;
        } else if line.is_empty() {
            explained = false;
        } else if let Some(name) = entry(line)
            && in_table
            && !explained
        {
            let why = format!("{name}: no comment above says what it is for");
            found.push(Violation::at(MANIFEST, index, why));
        }
    }
    found
}

/// The name, where a line begins an entry; none inside a value of several lines.
fn entry(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('=')?;
    let name = name.trim_end();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.\"".contains(c);
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}
