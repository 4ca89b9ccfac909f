//! What a command prints on standard output: text for people, or JSON.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::failure::Failure;

/// How to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

impl Format {
    pub(crate) const fn new(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }

    /// Prints `value` as JSON on one line, or what `text` makes of it.
    pub(crate) fn print<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        match self {
            Self::Text => print(&text(value)),
            Self::Json => {
                let json = serde_json::to_string(value).map_err(io::Error::from);
                print(&json.map_err(|error| Failure::output(&error))?)
            }
        }
    }

    /// Prints all values: one JSON array, or a line of text each.
    pub(crate) fn print_all<T: Serialize>(
        self,
        values: &[T],
        text: impl Fn(&T) -> String,
    ) -> Result<(), Failure> {
        self.print(&values, |values| {
            let lines: Vec<String> = values.iter().map(text).collect();
            lines.join("\n")
        })
    }
}

/// Prints text and a line end; nothing for empty text.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    if text.is_empty() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| {
            if text.ends_with('\n') {
                Ok(())
            } else {
                out.write_all(b"\n")
            }
        })
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))
}

/// For people, beside the answer on standard output; nothing depends on its being read.
pub(crate) fn note(text: &str) {
    let _nobody_reads = writeln!(io::stderr().lock(), "{text}");
}
