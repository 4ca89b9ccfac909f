//! `features`: every library crate compiles with no feature, with each alone, and with all.
//!
//! Pairs are not tried: features only add, so what compiles alone compiles in company.

use crate::process::{self, FAILED, OK, Outcome};
use crate::workspace::{self, Package};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    process::refuse(arguments)?;
    let mut failed = Vec::new();
    for package in workspace::packages()?
        .iter()
        .filter(|package| package.library.is_some())
    {
        for selection in selections(package) {
            let mut check = process::cargo();
            check
                .args(["check", "--package", &package.name, "--lib"])
                .args(&selection);
            if process::run(&mut check)? != OK {
                failed.push(format!("{} {}", package.name, selection.join(" ")));
            }
        }
    }
    if failed.is_empty() {
        return Ok(OK);
    }
    println!("features: these do not compile\n{}", failed.join("\n"));
    Ok(FAILED)
}

/// Arguments to cargo, one list for each check of the package. None without features: then
/// clippy has compiled all there is.
fn selections(package: &Package) -> Vec<Vec<String>> {
    let features: Vec<&String> = package
        .features
        .iter()
        .filter(|name| *name != "default")
        .collect();
    if features.is_empty() {
        return Vec::new();
    }
    let none = vec!["--no-default-features".to_owned()];
    let mut selections = vec![none.clone()];
    for feature in &features {
        let mut alone = none.clone();
        alone.push(format!("--features={feature}"));
        selections.push(alone);
    }
    if features.len() > 1 {
        selections.push(vec!["--all-features".to_owned()]);
    }
    selections
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(features: &[&str]) -> Vec<String> {
        let package = Package {
            name: "portcullis-x".into(),
            folder: "crates/x".into(),
            dependencies: Vec::new(),
            features: features.iter().map(|name| (*name).to_owned()).collect(),
            has_readme: true,
            library: Some(String::new()),
        };
        selections(&package)
            .iter()
            .map(|selection| selection.join(" "))
            .collect()
    }

    #[test]
    fn none_each_and_all_are_tried() {
        assert_eq!(
            tried(&["default", "http", "mail"]),
            [
                "--no-default-features",
                "--no-default-features --features=http",
                "--no-default-features --features=mail",
                "--all-features",
            ]
        );
    }

    #[test]
    fn a_single_feature_is_all_of_them() {
        let both = [
            "--no-default-features",
            "--no-default-features --features=sqlite",
        ];
        assert_eq!(tried(&["default", "sqlite"]), both);
    }

    #[test]
    fn without_features_there_is_nothing_to_try() {
        assert!(tried(&[]).is_empty());
    }
}
