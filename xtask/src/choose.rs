//! `choose`: what each crate and feature brings along, in docs/adopting/choose-crates.md.
//!
//! Counts are of one platform and of the lock file, so that they are the same wherever they are made. Times are not: they
//! are left to who compiles.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;

use crate::generated::{Generated, settle};
use crate::process::{self, Outcome};
use crate::workspace::{self, Package};

const PAGE: &str = "docs/adopting/choose-crates.md";
const BEGIN: &str = "<!-- made by `cargo xtask choose --bless` -->\n";
const END: &str = "<!-- end of what is made -->";
const PLATFORM: &str = "x86_64-unknown-linux-gnu";
/// Runs a C compiler.
const C: &str = "cc";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let packages = workspace::packages()?;
    let mut rows = Vec::new();
    for package in &packages {
        if package.library.is_some() && package.folder.starts_with("crates/") {
            rows.extend(costs(package)?);
        }
    }
    let page = fs::read_to_string(process::root().join(PAGE))?;
    let text = with_table(&page, &table(&rows)).ok_or("the page has lost its marks")?;
    let path = PAGE.to_owned();
    settle("choose", &[Generated { path, text }], arguments)
}

/// What one choice brings along.
#[derive(Debug, PartialEq, Eq)]
struct Cost {
    choice: String,
    ours: usize,
    others: usize,
    c: bool,
}

/// Of a crate without features, and with each of them alone.
fn costs(package: &Package) -> Result<Vec<Cost>, Box<dyn Error>> {
    let name = &package.name;
    let mut costs = vec![Cost::of(format!("`{name}`"), &tree(name, None)?)];
    for feature in package.features.iter().filter(|name| *name != "default") {
        let with = tree(name, Some(feature))?;
        costs.push(Cost::of(format!("`{name}` with `{feature}`"), &with));
    }
    Ok(costs)
}

impl Cost {
    fn of(choice: String, tree: &str) -> Self {
        // `name v1.2.3`, and then where from, what kind, and whether it was said before.
        let word = |line: &str| {
            let mut words = line.split(' ');
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        };
        let crates: BTreeSet<_> = tree.lines().filter_map(word).collect();
        let is_ours = |name: &str| name.starts_with("portcullis-");
        let ours = crates.iter().filter(|(name, _)| is_ours(name)).count();
        Self {
            choice,
            ours,
            others: crates.len() - ours,
            c: crates.iter().any(|(name, _)| name == C),
        }
    }
}

fn tree(package: &str, feature: Option<&str>) -> Result<String, Box<dyn Error>> {
    let mut cargo = process::cargo();
    cargo.args(["tree", "--locked", "--package", package]);
    cargo.args(["--target", PLATFORM, "--edges", "normal,build"]);
    cargo.args([
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--no-default-features",
    ]);
    if let Some(feature) = feature {
        cargo.args(["--features", feature]);
    }
    let output = cargo.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn table(rows: &[Cost]) -> String {
    let mut table =
        "| choice | our crates | others' crates | C compiler |\n|---|---|---|---|\n".to_owned();
    for Cost {
        choice,
        ours,
        others,
        c,
    } in rows
    {
        let c = if *c { "yes" } else { "no" };
        table += &format!("| {choice} | {ours} | {others} | {c} |\n");
    }
    table
}

/// The page with what is between its marks replaced.
fn with_table(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_counted_once_and_ours_apart() {
        let tree = "portcullis-x v0.1.0 (/a/b)\nserde v1.0.0\nserde_derive v1.0.0 (proc-macro)\n\
                    portcullis-core v0.1.0 (/a/c)\nserde v1.0.0 (*)\nserde v2.0.0\ncc v1.2.0\n\n";
        let cost = Cost::of("x".into(), tree);
        let wanted = Cost {
            choice: "x".into(),
            ours: 2,
            others: 4,
            c: true,
        };
        assert_eq!(cost, wanted);
    }

    #[test]
    fn what_is_around_the_table_stays() {
        let page = format!("before\n\n{BEGIN}old\n{END}\nafter\n");
        let made = with_table(&page, "| new |\n").unwrap();
        assert_eq!(
            made,
            format!("before\n\n{BEGIN}\n| new |\n\n{END}\nafter\n")
        );
        assert_eq!(with_table(&made, "| new |\n"), Some(made));
        assert_eq!(with_table("no marks", ""), None);
    }
}
