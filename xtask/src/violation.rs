//! What a gate found.

use std::fmt;

use crate::process::{FAILED, OK};

/// One broken rule: where, and why it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// A path, `path:line`, or an edge `crate -> dependency`.
    pub(crate) place: String,
    pub(crate) why: String,
}

impl Violation {
    pub(crate) fn new(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            why: why.into(),
        }
    }

    /// At a line of a file; `index` counts from zero.
    pub(crate) fn at(path: &str, index: usize, why: impl Into<String>) -> Self {
        Self::new(format!("{path}:{}", index + 1), why)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

/// All of them, a line each.
pub(crate) fn lines(violations: &[Violation]) -> String {
    violations
        .iter()
        .map(|violation| format!("{violation}\n"))
        .collect()
}

/// Prints what was found; the exit code of the gate.
pub(crate) fn report(gate: &str, violations: &[Violation]) -> u8 {
    print!("{}", lines(violations));
    match violations.len() {
        0 => {
            println!("{gate}: ok");
            OK
        }
        found => {
            println!("{gate}: {found} violations");
            FAILED
        }
    }
}
