//! Running other programs, and the exit codes of our own.

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// An exit code, or why there is none to speak of.
pub(crate) type Outcome = Result<u8, Box<dyn Error>>;

pub(crate) const OK: u8 = 0;
pub(crate) const FAILED: u8 = 1;
/// The command line itself was wrong.
pub(crate) const USAGE: u8 = 2;

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The cargo that started us, at the workspace's root.
pub(crate) fn cargo() -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root());
    // `cargo xtask` describes xtask itself in these; build scripts that watch them would be run
    // again on each change between cargo called by hand and through us.
    for (name, _) in env::vars_os() {
        let shown = name.to_string_lossy();
        if shown.starts_with("CARGO_PKG_") || shown.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs to the end with our own input and output; the exit code is the program's.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command
        .status()
        .map_err(|error| format!("cannot start {}: {error}", command.get_program().display()))?;
    Ok(code(status))
}

/// A program killed by a signal has no code: that is a failure as well.
pub(crate) fn code(status: ExitStatus) -> u8 {
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(FAILED)
}

/// Complains about the first argument, for a command that takes none (any more).
pub(crate) fn refuse(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    match arguments.first() {
        None => Ok(()),
        Some(extra) => Err(format!("unknown argument `{extra}`").into()),
    }
}

/// Minutes, with one decimal.
pub(crate) fn minutes(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() / 60.0)
}
