//! `conformance`: what each store passes of the published suite, family by family.
//!
//! It runs the tests that are there. Which families a store promises is read from its own lines, which cases a family has
//! from the suite, so that a case that was left out is missing in the table and not merely in the run.

mod suite;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::process::{self, FAILED, OK, Outcome, USAGE};
use crate::services::{self, POSTGRES, REDIS};
use suite::Suite;

/// A store, and where its lines are.
struct Store {
    name: &'static str,
    package: &'static str,
    /// The test of the package.
    target: &'static str,
    /// In the test.
    module: &'static str,
    file: &'static str,
    /// The variable that names its server.
    server: Option<&'static str>,
}

const STORES: &[Store] = &[
    Store {
        name: "memory",
        package: "portcullis-stores-kv",
        target: "conformance",
        module: "",
        file: "crates/stores-kv/tests/conformance.rs",
        server: None,
    },
    Store {
        name: "sqlite",
        package: "portcullis-stores-sql",
        target: "conformance",
        module: "",
        file: "crates/stores-sql/tests/conformance.rs",
        server: None,
    },
    Store {
        name: "postgres",
        package: "portcullis-stores-sql",
        target: "postgres",
        module: "conformance::",
        file: "crates/stores-sql/tests/postgres/conformance.rs",
        server: Some(POSTGRES),
    },
    Store {
        name: "memory-kv",
        package: "portcullis-stores-kv",
        target: "adapters",
        module: "conformance::",
        file: "crates/stores-kv/tests/adapters/conformance.rs",
        server: None,
    },
    Store {
        name: "split",
        package: "portcullis-stores-kv",
        target: "split",
        module: "",
        file: "crates/stores-kv/tests/split.rs",
        server: None,
    },
    Store {
        name: "redis",
        package: "portcullis-stores-kv",
        target: "redis",
        module: "conformance::",
        file: "crates/stores-kv/tests/redis/conformance.rs",
        server: Some(REDIS),
    },
];

/// The list of the cases.
const SUITE: &str = "crates/testing/src/conformance/cases.rs";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let suite = Suite::parse(&read(SUITE)?);
    let chosen: Vec<&Store> = match arguments {
        [] => STORES.iter().collect(),
        [flag] if flag == "--list" => {
            for store in STORES {
                println!("{:<10} {}", store.name, families(store, &suite)?.join(" "));
            }
            return Ok(OK);
        }
        [flag, names @ ..] if flag == "--store" && !names.is_empty() => {
            let mut chosen = Vec::new();
            for name in names {
                let Some(store) = STORES.iter().find(|store| store.name == name) else {
                    eprintln!("no store `{name}`: `cargo xtask conformance --list`");
                    return Ok(USAGE);
                };
                chosen.push(store);
            }
            chosen
        }
        _ => {
            eprintln!("conformance: [--list] or [--store NAME..]");
            return Ok(USAGE);
        }
    };
    let servers: Vec<&str> = chosen.iter().filter_map(|store| store.server).collect();
    let running = services::named(&servers)?;
    let (mut table, mut code) = (String::new(), OK);
    for store in chosen {
        if store.server.is_some_and(|server| !running.has(server)) {
            table += &format!("{:<10} skipped: its server is not installed\n", store.name);
            continue;
        }
        let ran = test(store, &running)?;
        for row in rows(store, &suite, &ran.passed)? {
            table += &row.line();
            code = code.max(u8::from(row.passed < row.cases));
        }
        code = code.max(ran.code.min(FAILED));
    }
    println!("\n{HEAD}{table}");
    Ok(code)
}

const HEAD: &str = "store      family      cases  passed\n";

/// The families that a store promises.
fn families(store: &Store, suite: &Suite) -> Result<Vec<String>, Box<dyn Error>> {
    Ok(suite.promised(&read(store.file)?))
}

/// A line of the table.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    store: &'static str,
    family: String,
    cases: usize,
    passed: usize,
}

impl Row {
    fn line(&self) -> String {
        let Self {
            store,
            family,
            cases,
            passed,
        } = self;
        let verdict = if passed < cases { "  FAILED" } else { "" };
        format!("{store:<10} {family:<11} {cases:>5}  {passed:>6}{verdict}\n")
    }
}

fn rows(store: &Store, suite: &Suite, passed: &[String]) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows = Vec::new();
    for family in families(store, suite)? {
        let cases = suite.cases(&family);
        let was_passed = |case: &&String| passed.contains(case);
        rows.push(Row {
            store: store.name,
            cases: cases.len(),
            passed: cases.iter().filter(was_passed).count(),
            family,
        });
    }
    Ok(rows)
}

/// How one store's tests went.
struct Ran {
    code: u8,
    /// `group::case`.
    passed: Vec<String>,
}

/// Runs a store's tests; shows what is not merely a success.
fn test(store: &Store, running: &services::Running) -> Result<Ran, Box<dyn Error>> {
    let variables: BTreeMap<_, _> = running.variables.iter().cloned().collect();
    let mut cargo = process::cargo()
        .args(["test", "--package", store.package, "--test", store.target])
        .args(["--no-fail-fast", "--", store.module])
        .envs(variables)
        .stdout(Stdio::piped())
        .spawn()?;
    let output = cargo.stdout.take().ok_or("cargo has no output")?;
    let mut passed = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        match passed_case(&line, store.module) {
            Some(case) => passed.push(case),
            None => println!("{line}"),
        }
    }
    Ok(Ran {
        code: process::code(cargo.wait()?),
        passed,
    })
}

/// What a line of the test harness says has passed, without the module that the suite is in.
fn passed_case(line: &str, module: &str) -> Option<String> {
    let name = line.strip_prefix("test ")?.strip_suffix(" ... ok")?;
    name.strip_prefix(module).map(str::to_owned)
}

fn read(path: &str) -> Result<String, Box<dyn Error>> {
    fs::read_to_string(process::root().join(path))
        .map_err(|error| format!("{path}: {error}").into())
}
