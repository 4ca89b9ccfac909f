//! `routes`: the route table as the golden file has it, once the test of the table says that it is true.
//!
//! The table is code of `http-axum`, and the file is made and compared by its own test: there is no third place.

use std::fs;

use crate::process::{self, OK, Outcome, USAGE};

const GOLDEN: &str = "crates/http-axum/tests/http/routes.txt";
const TEST: &str = "the_list_of_routes_is_the_golden_one";
/// Set for the test to write the file.
const BLESS: &str = "PORTCULLIS_BLESS";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut test = process::cargo();
    test.args(["test", "--quiet", "--package", "portcullis-http-axum"]);
    test.args(["--all-features", "--test", "http", "--", TEST]);
    match arguments {
        [] => {}
        [flag] if flag == "--bless" => {
            test.env(BLESS, "1");
        }
        _ => {
            eprintln!("routes: takes `--bless` or nothing");
            return Ok(USAGE);
        }
    }
    // What the test harness says is of interest where it fails.
    let ran = test.output()?;
    if !ran.status.success() {
        print!("{}", String::from_utf8_lossy(&ran.stdout));
        eprint!("{}", String::from_utf8_lossy(&ran.stderr));
        return Ok(process::code(ran.status));
    }
    print!(
        "{}",
        columns(&fs::read_to_string(process::root().join(GOLDEN))?)
    );
    Ok(OK)
}

/// The lines with their parts below one another.
fn columns(golden: &str) -> String {
    let split = |line: &'_ str| line.split(" | ").map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<Vec<String>> = golden.lines().map(split).collect();
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let parts = lines.iter().filter_map(|parts| parts.get(column));
        parts.map(String::len).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for parts in &lines {
        let padded = parts
            .iter()
            .zip(&widths)
            .map(|(part, width)| format!("{part:<width$}"));
        text += padded.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_below_one_another() {
        let golden = "GET /a | Public | - | -\nPOST /longer | Session | x 1/1s | made, ended\n";
        let table = "GET /a        Public   -       -\n\
                     POST /longer  Session  x 1/1s  made, ended\n";
        assert_eq!(columns(golden), table);
    }
}
