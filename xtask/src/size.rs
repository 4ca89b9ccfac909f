//! `size`: source files stay short enough to be read in one sitting.
//!
//! The bounds are those that the codebases people call beautiful keep (axum, tower, RustCrypto).

#[cfg(test)]
mod tests;

use crate::process::{self, Outcome};
use crate::tree::{TextFile, Tree};
use crate::violation::{Violation, report};

/// Lines of the longest file of code.
const LONGEST: usize = 600;
/// Lines of the file in the middle.
const MEDIAN: usize = 160;
/// Lines that nine files in ten stay under.
const NINE_IN_TEN: usize = 430;
/// A file this short may hold whatever tests it likes.
const SHORT: usize = 150;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    process::refuse(arguments)?;
    let tree = Tree::read()?;
    let lengths = lengths(&tree);
    println!(
        "{} files of code, median {} lines, nine in ten at most {}, longest {}",
        lengths.len(),
        quantile(&lengths, 50),
        quantile(&lengths, 90),
        quantile(&lengths, 100),
    );
    Ok(report("size", &violations(&tree)))
}

/// Everything that is too long.
fn violations(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in code(tree) {
        let lines = file.text.lines().count();
        if lines > LONGEST {
            let why = format!("{lines} lines, over {LONGEST}: split it by idea");
            found.push(Violation::new(&file.path, why));
        }
        let tests: usize = file.inline_tests().iter().map(ExactSizeIterator::len).sum();
        if lines > SHORT && tests * 3 > lines {
            let why = format!("{tests} of {lines} lines are tests: move them to a file beside it");
            found.push(Violation::new(&file.path, why));
        }
    }
    let lengths = lengths(tree);
    for (percent, name, bound) in [(50, "median", MEDIAN), (90, "nine in ten", NINE_IN_TEN)] {
        let lines = quantile(&lengths, percent);
        if lines > bound {
            let why = format!("the {name} is {lines} lines, over {bound}");
            found.push(Violation::new("the workspace", why));
        }
    }
    found
}

fn code(tree: &Tree) -> impl Iterator<Item = &TextFile> {
    tree.with_extension("rs").filter(|file| !file.is_test())
}

/// Shortest first.
fn lengths(tree: &Tree) -> Vec<usize> {
    let mut lengths: Vec<usize> = code(tree).map(|file| file.text.lines().count()).collect();
    lengths.sort_unstable();
    lengths
}

/// The smallest length that `percent` of the sorted lengths do not exceed (nearest rank).
fn quantile(sorted: &[usize], percent: usize) -> usize {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}
