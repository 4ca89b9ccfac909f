//! Every row of the security checklist that this release answers for has a test that names it.
//!
//! A test names a row in a comment above its function or on its line: `// PW-02, PW-03`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::tree::Tree;
use crate::violation::Violation;

/// The rows this release answers for.
#[rustfmt::skip]
pub(super) const ROWS: &[&str] = &[
    "PW-01", "PW-02", "PW-03", "PW-04", "PW-05", "PW-06", "PW-07", "PW-08", "PW-09", "PW-10", "PW-11", "PW-12", "PW-13", "PW-14", "PW-16",
    "PW-17", "PW-18", "PW-19",
    "TH-01", "TH-02", "TH-03", "TH-04", "TH-05", "TH-06", "TH-07", "TH-08", "TH-10", "TH-11", "TH-12",
    "OT-01", "OT-02", "OT-03", "OT-04", "OT-05", "OT-06", "OT-07", "OT-08", "OT-09", "OT-10", "OT-11", "OT-12",
    "SE-01", "SE-02", "SE-03", "SE-04", "SE-05", "SE-06", "SE-07", "SE-08", "SE-09", "SE-10", "SE-11", "SE-12", "SE-13",
    "HT-01", "HT-02", "HT-03", "HT-04", "HT-05", "HT-06", "HT-07", "HT-08", "HT-09", "HT-10", "HT-11", "HT-12", "HT-13", "HT-14", "HT-15",
    "JW-01", "JW-02", "JW-03", "JW-04", "JW-05", "JW-06", "JW-07", "JW-08", "JW-09", "JW-10", "JW-11", "JW-12",
    "RT-01", "RT-02", "RT-03", "RT-04", "RT-05", "RT-06",
    "AK-01", "AK-02", "AK-03", "AK-05", "AK-06", "AK-07",
    "MF-09",
    "CR-01", "CR-02", "CR-03", "CR-04", "CR-05",
    "LG-01", "LG-02", "LG-03", "LG-06", "LG-07",
    "CC-01", "CC-02", "CC-03", "CC-04", "CC-05", "CC-06",
    "FT-01", "FT-02", "FT-05", "FT-06", "FT-08", "FT-10", "FT-11", "FT-12", "FT-13", "FT-14", "FT-17", "FT-20", "FT-21", "FT-22", "FT-23",
    "FT-26", "FT-27", "FT-28", "FT-30", "FT-31", "FT-32",
];

/// How many lines above its function a test's comment may begin.
const REACH: usize = 12;

pub(super) fn violations(tree: &Tree) -> Vec<Violation> {
    let named = named(tree);
    let without = ROWS.iter().filter(|row| !named.contains_key(*row));
    without
        .map(|row| Violation::new(*row, "no test names this security row"))
        .collect()
}

/// A line for each row: the tests that name it.
pub(super) fn listing(tree: &Tree) -> String {
    let named = named(tree);
    let mut listing = String::new();
    for row in ROWS {
        let tests = named
            .get(row)
            .map_or_else(|| "-".to_owned(), |tests| tests.join(", "));
        let _ = writeln!(listing, "{row}  {tests}");
    }
    listing
}

/// The tests that name each row.
fn named(tree: &Tree) -> BTreeMap<&'static str, Vec<String>> {
    let mut named: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    // This tool's own tests make such comments up.
    for file in tree
        .with_extension("rs")
        .filter(|file| !file.path.starts_with("xtask/"))
    {
        let lines: Vec<&str> = file.text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let Some(name) = function(line) else { continue };
            let above = above(lines.get(..index).unwrap_or_default());
            if !above.iter().any(|line| is_test_attribute(line)) {
                continue;
            }
            let said = above
                .iter()
                .chain([line])
                .filter_map(|line| line.split_once("//"));
            let said: Vec<&str> = said.map(|(_, comment)| comment).collect();
            for row in ROWS
                .iter()
                .filter(|row| said.iter().any(|text| mentions(text, row)))
            {
                named.entry(row).or_default().push(name.to_owned());
            }
        }
    }
    named
}

/// The lines above a function that are its own: comments and attributes, back to where the item
/// before it ends.
fn above<'a>(before: &'a [&'a str]) -> &'a [&'a str] {
    let near = before
        .get(before.len().saturating_sub(REACH)..)
        .unwrap_or_default();
    let ends_item = |line: &&str| {
        let code = line.split("//").next().unwrap_or_default();
        code.trim_end().ends_with(['{', '}', ';'])
    };
    let first = near.iter().rposition(ends_item).map_or(0, |last| last + 1);
    near.get(first..).unwrap_or_default()
}

/// `#[test]`, `#[tokio::test]`, `#[tokio::test(..)]`, on one line or the first of several.
pub(super) fn is_test_attribute(line: &str) -> bool {
    let Some(attribute) = line.trim().strip_prefix("#[") else {
        return false;
    };
    let path = attribute.split(['(', ']']).next().unwrap_or_default();
    path.rsplit("::").next() == Some("test")
}

/// As a whole: `PW-02` is not in `PW-021`.
fn mentions(text: &str, row: &str) -> bool {
    text.match_indices(row).any(|(start, _)| {
        let before = text.get(..start).and_then(|text| text.chars().next_back());
        let after = text
            .get(start + row.len()..)
            .and_then(|text| text.chars().next());
        ![before, after]
            .into_iter()
            .flatten()
            .any(|c| c.is_ascii_alphanumeric() || c == '-')
    })
}

/// The name of the function that a line begins.
pub(super) fn function(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("fn ")?;
    if before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let name = rest.get(..end)?;
    (!name.is_empty()).then_some(name)
}
