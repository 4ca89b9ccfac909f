//! Every test that ARCHITECTURE.md and docs/FEATURES.md cite exists.
//!
//! A citation is a name in backticks: `name`, `file::name` or `crate::module::name`.

use std::collections::BTreeMap;

use crate::tree::{TextFile, Tree};
use crate::violation::Violation;

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const FEATURES: &str = "docs/FEATURES.md";

/// In running text, where fields and functions are named too, a name is taken for a test's from
/// this many underscores on; in the tests column of a table, from one on.
const UNDERSCORES_IN_TEXT: usize = 2;

pub(super) fn violations(tree: &Tree) -> Vec<Violation> {
    let functions = functions(tree);
    let mut found = Vec::new();
    for page in [ARCHITECTURE, FEATURES] {
        let Some(file) = tree.file(page) else {
            found.push(Violation::new(
                page,
                "missing: it says which tests hold its promises",
            ));
            continue;
        };
        for (index, citation) in citations(file) {
            if let Some(why) = unfounded(&citation, &functions) {
                found.push(Violation::at(page, index, why));
            }
        }
    }
    found
}

/// Line and citation.
fn citations(page: &TextFile) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in page.text.lines().enumerate() {
        fenced ^= line.starts_with("```");
        let (text, underscores) = match page.path.as_str() {
            FEATURES => (last_cell(line), 1),
            _ => (line, UNDERSCORES_IN_TEXT),
        };
        if fenced {
            continue;
        }
        for span in text.split('`').skip(1).step_by(2) {
            let span = span.trim_end_matches("()");
            let name = span.rsplit("::").next().unwrap_or_default();
            if is_path(span) && name.matches('_').count() >= underscores {
                found.push((index, span.to_owned()));
            }
        }
    }
    found
}

/// The last column of a table's row; empty for other lines.
fn last_cell(line: &str) -> &str {
    let row = line
        .strip_prefix('|')
        .and_then(|row| row.trim_end().strip_suffix('|'));
    row.and_then(|row| row.rsplit('|').next())
        .unwrap_or_default()
}

/// `name`, or names joined by `::`, the last one a function's; not our crates' own names.
fn is_path(span: &str) -> bool {
    let name = span.rsplit("::").next().unwrap_or_default();
    let in_path = |c: char| c.is_ascii_alphanumeric() || "_-:.".contains(c);
    let in_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    span.chars().all(in_path) && name.chars().all(in_name) && !name.starts_with("portcullis_")
}

/// The files that define a function, by its name.
fn functions(tree: &Tree) -> BTreeMap<&str, Vec<&TextFile>> {
    let mut functions: BTreeMap<&str, Vec<&TextFile>> = BTreeMap::new();
    for file in tree.with_extension("rs") {
        for line in file
            .text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            if let Some(name) = super::security_rows::function(line) {
                functions.entry(name).or_default().push(file);
            }
        }
    }
    functions
}

/// Why the citation is of nothing, if it is.
fn unfounded(citation: &str, functions: &BTreeMap<&str, Vec<&TextFile>>) -> Option<String> {
    let mut segments: Vec<&str> = citation.split("::").collect();
    let name = segments.pop()?;
    let Some(files) = functions.get(name) else {
        return Some(format!("no `fn {name}` in the project"));
    };
    let inside = |file: &&TextFile| segments.iter().all(|segment| belongs(file, segment));
    let there = files.iter().any(inside);
    (!there).then(|| format!("`fn {name}` is elsewhere: in {}", places(files)))
}

/// A crate, folder, file or module of that name is on the way to the function, or a type of that
/// name is spoken of beside it.
fn belongs(file: &TextFile, segment: &str) -> bool {
    if segment.starts_with(|c: char| c.is_ascii_uppercase()) {
        return file.text.contains(segment);
    }
    let plain = |name: &str| name.trim_end_matches(".rs").replace('-', "_");
    let wanted = plain(segment);
    let wanted = wanted.strip_prefix("portcullis_").unwrap_or(&wanted);
    file.path.split('/').any(|part| plain(part) == wanted)
        || file.text.contains(&format!("mod {wanted} "))
}

fn places(files: &[&TextFile]) -> String {
    files
        .iter()
        .map(|file| file.path.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}
