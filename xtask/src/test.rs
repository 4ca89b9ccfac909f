//! `test`: the test command.
//!
//! Builds the server's binary first, with the features it ships with, and tells the whole-system
//! tests where it is; binaries of a test's own package are cargo's to build (`CARGO_BIN_EXE_*`).
//! Finds or starts the servers that stores are tested on, and stops them afterwards.

#[cfg(test)]
mod tests;

use std::error::Error;
use std::io::{BufReader, Read};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use cargo_metadata::Message;

use crate::layers;
use crate::process::{self, OK, Outcome};
use crate::services::{self, Running};

const PACKAGE: &str = "portcullis-server";
const BINARY: &str = "portcullis";
/// Where the whole-system tests find the binary.
const BINARY_VARIABLE: &str = "PORTCULLIS_BIN";
/// Set for kill and race tests to run their long counts.
const LONG_VARIABLE: &str = "PORTCULLIS_LONG";
/// Arguments that change what cargo builds, so that the binary is built alike.
const SHARED: [&str; 4] = ["--release", "--locked", "--offline", "--frozen"];

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let plan = Plan::of(arguments);
    let started = Instant::now();
    let mut tests = process::cargo();
    tests.arg("test").args(&plan.arguments);
    if plan.long {
        tests.env(LONG_VARIABLE, "1");
    }
    if plan.needs_binary {
        match build(&plan.build)? {
            Built::At(path) => tests.env(BINARY_VARIABLE, path),
            Built::Failed(code) => return Ok(code),
        };
    }
    let services = match plan.needs_services {
        true => services::for_tests()?,
        false => Running::default(),
    };
    tests.envs(services.variables.iter().cloned());
    let code = process::run(&mut tests)?;
    drop(services);
    let verdict = if code == OK { "ok" } else { "FAILED" };
    println!(
        "test: {verdict} in {} minutes",
        process::minutes(started.elapsed())
    );
    Ok(code)
}

/// What our arguments ask of cargo.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    long: bool,
    /// Not for packages below the server alone: they can be tested while it does not compile.
    needs_binary: bool,
    /// Not for packages alone that no server is needed for.
    needs_services: bool,
    /// For `cargo test`.
    arguments: Vec<String>,
    /// For `cargo build`.
    build: Vec<String>,
}

impl Plan {
    fn of(arguments: &[String]) -> Self {
        let ours = arguments.iter().position(|argument| argument == "--");
        let (cargos, harness) = arguments.split_at(ours.unwrap_or(arguments.len()));
        let long = |argument: &&String| *argument == "--long";
        let passed: Vec<String> = cargos.iter().filter(|a| !long(a)).cloned().collect();
        let packages = packages(&passed);
        let everything = packages.is_empty().then(|| "--workspace".to_owned());
        Self {
            long: cargos.iter().any(|argument| long(&argument)),
            needs_binary: packages.is_empty()
                || !packages
                    .iter()
                    .all(|package| layers::is_below_the_server(package)),
            needs_services: packages.is_empty()
                || packages.iter().any(|package| services::are_for(package)),
            build: passed
                .iter()
                .filter(|a| SHARED.contains(&a.as_str()))
                .cloned()
                .collect(),
            arguments: everything
                .into_iter()
                .chain(passed)
                .chain(harness.to_vec())
                .collect(),
        }
    }
}

/// The packages that `-p` names.
fn packages(arguments: &[String]) -> Vec<&str> {
    let mut found = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "-p" || argument == "--package" {
            found.extend(arguments.next().map(String::as_str));
        } else if let Some(name) = argument.strip_prefix("--package=") {
            found.push(name);
        } else if let Some(name) = argument.strip_prefix("-p") {
            found.push(name);
        }
    }
    found
}

enum Built {
    /// Absolute.
    At(PathBuf),
    /// With cargo's exit code.
    Failed(u8),
}

fn build(arguments: &[String]) -> Result<Built, Box<dyn Error>> {
    let mut cargo = process::cargo()
        .args(["build", "--package", PACKAGE, "--bin", BINARY])
        .arg("--message-format=json-render-diagnostics")
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()?;
    let messages = cargo.stdout.take().ok_or("cargo has no output")?;
    let path = executable(messages)?;
    let code = process::code(cargo.wait()?);
    if code != OK {
        return Ok(Built::Failed(code));
    }
    Ok(Built::At(
        path.ok_or_else(|| format!("cargo built no {BINARY}"))?,
    ))
}

/// Where cargo's messages say that the binary is; they know about a target folder set anywhere.
fn executable(messages: impl Read) -> Result<Option<PathBuf>, Box<dyn Error>> {
    let mut found = None;
    for message in Message::parse_stream(BufReader::new(messages)) {
        if let Message::CompilerArtifact(artifact) = message?
            && artifact.target.name == BINARY
            && artifact.target.is_bin()
        {
            found = artifact.executable.map(PathBuf::from);
        }
    }
    Ok(found)
}
