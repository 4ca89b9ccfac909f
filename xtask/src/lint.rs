//! `lint`: formatting and clippy, then the `features` gate.

use crate::features;
use crate::process::{self, FAILED, OK, Outcome};
use crate::workspace;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    process::refuse(arguments)?;
    let codes = [fmt()?, clippy()?, features::run(&[])?];
    Ok(codes.into_iter().find(|code| *code != OK).unwrap_or(OK))
}

pub(crate) fn fmt() -> Outcome {
    process::run(process::cargo().args(["fmt", "--all", "--check"]))
}

/// Package by package: in one call cargo would unite their features, and hide a missing one.
pub(crate) fn clippy() -> Outcome {
    let mut failed = Vec::new();
    for package in workspace::packages()? {
        let mut clippy = process::cargo();
        clippy.args(["clippy", "--package", &package.name, "--all-targets"]);
        clippy.args(["--", "-D", "warnings"]);
        if process::run(&mut clippy)? != OK {
            failed.push(package.name);
        }
    }
    if failed.is_empty() {
        return Ok(OK);
    }
    println!("clippy: {}", failed.join(", "));
    Ok(FAILED)
}
