//! Running the binary, and waiting for things with a bound.

use std::env;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::geteuid;

/// Where `cargo xtask test` has put the binary.
const BINARY: &str = "PORTCULLIS_BIN";
/// Between two looks.
const BETWEEN: Duration = Duration::from_millis(5);

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Everything on standard output.
    pub stdout: String,
    /// Everything on standard error.
    pub stderr: String,
}

impl Ran {
    /// Standard output as JSON.
    ///
    /// # Panics
    /// Where the command failed or said something else.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The same, after checking that it ended with `code`.
    ///
    /// # Panics
    /// Where it ended otherwise.
    #[must_use]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

/// Whom the permissions of files bind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Permissions {
    /// Everybody but the superuser, as ever.
    #[default]
    AsEver,
    /// The superuser too: it gives up the right to pass over them.
    Bind,
}

/// The binary, to be run in `folder` without any setting of the machine's.
///
/// # Panics
/// Where nobody has said which binary.
pub(crate) fn portcullis(folder: &Path, permissions: Permissions) -> Command {
    let Some(binary) = env::var_os(BINARY) else {
        panic!(
            "{BINARY} is not set: run `cargo xtask test -p portcullis-tests`, which builds the binary and sets it"
        );
    };
    let mut command = if permissions == Permissions::Bind && geteuid().is_root() {
        let mut without = Command::new("setpriv");
        without
            .args(["--bounding-set=-dac_override", "--"])
            .arg(binary);
        without
    } else {
        Command::new(binary)
    };
    command.current_dir(folder);
    for (name, _) in env::vars_os() {
        let settings = name.to_string_lossy();
        if settings.starts_with("PORTCULLIS_") || settings == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end, with `input` on its standard input.
///
/// # Panics
/// Where it cannot be started.
pub(crate) fn run(command: &mut Command, input: &str) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    if let Some(mut stdin) = child.stdin.take() {
        // A command that reads no input may have ended already.
        let _closed = stdin.write_all(input.as_bytes());
    }
    let output = child
        .wait_with_output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Looks again and again until there is something; `None` after `limit`.
pub fn until<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if started.elapsed() > limit {
            return None;
        }
        thread::park_timeout(BETWEEN);
    }
}
