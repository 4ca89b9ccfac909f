//! How a command ends when it does not end well: one sentence, one exit code.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

/// The exit codes beside 0. They are part of the interface: scripts branch on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Anything without a code of its own.
    Failure = 1,
    /// The command line or the configuration is wrong. The command line's parser uses the same.
    Usage = 2,
    /// Nobody and nothing of that name.
    NotFound = 3,
    /// The rules say no.
    Refused = 4,
    /// The store is missing, busy, newer than this program, or cannot be read.
    Unavailable = 5,
}

/// Why a command could not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    sentence: String,
    /// The reader went away (`portcullis user list | head`): nobody is left to complain to.
    silent: bool,
}

impl Failure {
    pub(crate) fn new(exit: Exit, sentence: impl Into<String>) -> Self {
        Self {
            exit,
            sentence: sentence.into(),
            silent: false,
        }
    }

    /// For what is wrong with the command line or the configuration.
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Self::new(Exit::Usage, sentence)
    }

    /// A failure with everything its cause has to say.
    pub(crate) fn caused(exit: Exit, what: impl fmt::Display, cause: &dyn Error) -> Self {
        Self::new(exit, format!("{what}: {}", chain(cause)))
    }

    /// Standard output could not be written.
    pub(crate) fn output(error: &io::Error) -> Self {
        let mut failure = Self::caused(Exit::Failure, "standard output", error);
        failure.silent = error.kind() == io::ErrorKind::BrokenPipe;
        failure
    }

    pub(crate) const fn is_silent(&self) -> bool {
        self.silent
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.exit as u8)
    }

    #[cfg(test)]
    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// An error and its sources in one line, without what a source repeats.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}
