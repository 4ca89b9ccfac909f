//! Files that a command makes: compared with what is committed, or written anew with `--bless`.

use std::fs;
use std::io;

use crate::process::{self, FAILED, OK, Outcome, USAGE};

/// The most lines of a difference that are shown.
const SHOWN: usize = 40;

/// What a file should hold.
#[derive(Debug)]
pub(crate) struct Generated {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Compares the files with what is there; with `--bless` makes them so.
pub(crate) fn settle(command: &str, files: &[Generated], arguments: &[String]) -> Outcome {
    let bless = match arguments {
        [] => false,
        [flag] if flag == "--bless" => true,
        _ => {
            eprintln!("{command}: takes `--bless` or nothing");
            return Ok(USAGE);
        }
    };
    let mut code = OK;
    for Generated { path, text } in files {
        let file = process::root().join(path);
        let there = match fs::read_to_string(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            there => there?,
        };
        if there == *text {
            continue;
        }
        if bless {
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&file, text)?;
            println!("{path}: written");
        } else {
            println!(
                "{path} is not what it should be:\n{}",
                difference(&there, text)
            );
            code = FAILED;
        }
    }
    if code == OK {
        println!("{command}: ok");
    } else {
        println!("{command}: if that is meant, `cargo xtask {command} --bless`");
    }
    Ok(code)
}

/// Lines that went and lines that came: what is between the first and the last that differ.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = old.iter().zip(&new).take_while(same).count();
    let left = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev());
    let tail = tail.take(left).take_while(same).count();
    let part = |sign, lines: &[&str]| -> Vec<String> {
        let changed = lines.get(head..lines.len() - tail).unwrap_or_default();
        changed
            .iter()
            .map(|line| format!("{sign} {line}"))
            .collect()
    };
    let (went, came) = (part('-', &old), part('+', &new));
    let only = |lines: &[String], others: &[String]| -> Vec<String> {
        let is_there = |line: &&String| others.iter().any(|other| other.get(1..) == line.get(1..));
        lines
            .iter()
            .filter(|line| !is_there(line))
            .cloned()
            .collect()
    };
    let mut lines = only(&went, &came);
    lines.extend(only(&came, &went));
    if lines.is_empty() {
        lines.push("  the same lines in another order or number".to_owned());
    }
    if lines.len() > SHOWN {
        let more = lines.len() - SHOWN;
        lines.truncate(SHOWN);
        lines.push(format!("  and {more} lines more"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_shown_and_nothing_else() {
        let shown = difference("a\nb\nc\nd\n", "a\nB\nc\nd\n");
        assert_eq!(shown, "- b\n+ B");
        assert_eq!(difference("", "a\n"), "+ a");
        assert_eq!(difference("a\nb\n", "b\n"), "- a");
        let swapped = difference("a\nb\n", "b\na\n");
        assert!(swapped.contains("another order"), "{swapped}");
    }
}
