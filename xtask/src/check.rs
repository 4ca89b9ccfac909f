//! `check`: every gate but the tests.

use std::time::{Duration, Instant};

use crate::process::{self, FAILED, OK, Outcome};
use crate::{api, choose, deny, docs, features, layers, lint, openapi, routes, size, tidy};

/// A gate and its name. The order is that of a patient reader: what is cheap to mend comes first.
type Stage = (&'static str, fn() -> Outcome);

const STAGES: &[Stage] = &[
    ("fmt", lint::fmt),
    ("layers", || layers::run(&[])),
    ("size", || size::run(&[])),
    ("tidy", || tidy::run(&[])),
    ("api", || api::run(&[])),
    ("choose", || choose::run(&[])),
    ("openapi", || openapi::run(&[])),
    ("clippy", lint::clippy),
    ("features", || features::run(&[])),
    ("docs", || docs::run(&[])),
    ("deny", || deny::run(&[])),
];

pub(crate) fn run(arguments: &[String]) -> Outcome {
    process::refuse(arguments)?;
    let results = go_through(STAGES);
    println!("\n{}", table(&results));
    Ok(if results.iter().all(|result| result.passed) {
        OK
    } else {
        FAILED
    })
}

/// Makes every generated file anew. The routes' own test compares them, among the tests.
pub(crate) fn bless(arguments: &[String]) -> Outcome {
    process::refuse(arguments)?;
    let bless = ["--bless".to_owned()];
    for make in [api::run, choose::run, openapi::run, routes::run] {
        match make(&bless)? {
            OK => {}
            failed => return Ok(failed),
        }
    }
    Ok(OK)
}

/// How one stage went.
struct Ran {
    name: &'static str,
    time: Duration,
    passed: bool,
}

/// Runs them all, however many fail: one run says everything there is to mend.
fn go_through(stages: &[Stage]) -> Vec<Ran> {
    let mut results = Vec::new();
    for &(name, stage) in stages {
        println!("\n== {name}");
        let started = Instant::now();
        let outcome = stage();
        if let Err(error) = &outcome {
            eprintln!("{name}: {error}");
        }
        let passed = matches!(outcome, Ok(OK));
        results.push(Ran {
            name,
            time: started.elapsed(),
            passed,
        });
    }
    results
}

fn table(results: &[Ran]) -> String {
    let mut table = format!("{:<10} {:>7}\n", "stage", "minutes");
    for result in results {
        let verdict = if result.passed { "ok" } else { "FAILED" };
        let minutes = process::minutes(result.time);
        table.push_str(&format!("{:<10} {minutes:>7}  {verdict}\n", result.name));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_stops_neither_the_stages_nor_the_table() {
        let stages: [Stage; 3] = [
            ("one", || Ok(FAILED)),
            ("two", || Err("no such tool".into())),
            ("three", || Ok(OK)),
        ];
        let table = table(&go_through(&stages));
        let rows: Vec<&str> = table.lines().collect();
        assert_eq!(
            rows,
            [
                "stage      minutes",
                "one            0.0  FAILED",
                "two            0.0  FAILED",
                "three          0.0  ok",
            ]
        );
    }
}
