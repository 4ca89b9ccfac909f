//! A password from standard input.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use portcullis_core::secret::Password;

use crate::failure::{Exit, Failure};

/// The first line of standard input, without its end. At a terminal it is asked for, and not shown.
pub(super) fn read() -> Result<Password, Failure> {
    let stdin = io::stdin();
    let hidden = stdin.is_terminal().then(|| {
        let _nobody_reads = write!(io::stderr().lock(), "password: ");
        Hidden::start()
    });
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    if hidden.is_some() {
        crate::output::note("");
    }
    drop(hidden);
    read.map_err(|error| Failure::caused(Exit::Usage, "standard input", &error))?;
    let kept = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(kept);
    Password::new(line).map_err(|error| {
        Failure::usage(format!(
            "{error}: write one on the first line of standard input"
        ))
    })
}

/// A terminal that does not show what is typed, until it is dropped.
struct Hidden {
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
}

#[cfg(unix)]
impl Hidden {
    fn start() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            let _shown_then = tcsetattr(io::stdin(), OptionalActions::Flush, &silent);
        }
        Self { before }
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};

        if let Some(before) = &self.before {
            let _nothing_else_to_try = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

#[cfg(not(unix))]
impl Hidden {
    const fn start() -> Self {
        Self {}
    }
}
