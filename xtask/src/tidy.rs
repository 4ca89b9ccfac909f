//! `tidy`: what a careful reader would point at in any change.
//!
//! Each rule has a file, and is a function from the [`Tree`] to what breaks it.

mod citations;
mod dependencies;
mod faults;
mod form;
mod links;
mod security_rows;
#[cfg(test)]
mod tests;
mod words;

use crate::process::{self, OK, Outcome};
use crate::tree::Tree;
use crate::violation::{Violation, report};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let tree = Tree::read()?;
    if let [ids] = arguments
        && ids == "--ids"
    {
        print!("{}", security_rows::listing(&tree));
        return Ok(OK);
    }
    process::refuse(arguments)?;
    Ok(report("tidy", &violations(&tree)))
}

/// Everything untidy, rule by rule.
fn violations(tree: &Tree) -> Vec<Violation> {
    let rules = [
        words::violations,
        form::violations,
        dependencies::violations,
        links::violations,
        citations::violations,
        security_rows::violations,
        faults::violations,
    ];
    rules.iter().flat_map(|rule| rule(tree)).collect()
}
