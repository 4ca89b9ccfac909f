//! A PostgreSQL for tests: a cluster of its own, on a free port of loopback, behind a password.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use super::place::{Place, find, free_port, secret};

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster that was made, and is running or not.
#[derive(Debug)]
pub(crate) struct Cluster {
    place: Place,
    server: PathBuf,
    port: u16,
    password: String,
}

impl Cluster {
    /// Makes one; `None` where there are no programs to make it with.
    pub(crate) fn make() -> Result<Option<Self>, Box<dyn Error>> {
        let (Some(initdb), Some(server)) = (find("initdb"), find("postgres")) else {
            return Ok(None);
        };
        let place = Place::new("postgres")?;
        let password = secret();
        place.write("password", &password)?;
        let mut made = place.command(&initdb);
        made.args([
            "--pgdata=data",
            "--username=portcullis",
            "--auth=scram-sha-256",
        ]);
        made.args([
            "--pwfile=password",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ]);
        let made = made.output()?;
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr).into_owned();
            return Err(format!("initdb: {why}").into());
        }
        Ok(Some(Self {
            place,
            server,
            port: free_port()?,
            password,
        }))
    }

    pub(crate) fn url(&self) -> String {
        let Self { password, port, .. } = self;
        format!("postgres://portcullis:{password}@127.0.0.1:{port}/postgres")
    }

    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    /// The server, for whoever starts it. It may forget what it wrote when the machine goes down, not when it does.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.place.command(&self.server);
        command.args(["-D", "data", "-k", "."]);
        for setting in [
            &format!("port={}", self.port),
            "listen_addresses=127.0.0.1",
            "fsync=off",
            "full_page_writes=off",
            "max_connections=400",
            "shared_buffers=64MB",
            "logging_collector=off",
        ] {
            command.args(["-c", setting]);
        }
        command
    }

    /// Waits until the server takes connections.
    pub(crate) fn wait(&self) -> Result<(), Box<dyn Error>> {
        let status = self.place.folder.join("data/postmaster.pid");
        let is_ready = || {
            let status = fs::read_to_string(&status).unwrap_or_default();
            status
                .lines()
                .nth(7)
                .is_some_and(|line| line.trim() == "ready")
        };
        if until(is_ready) {
            return Ok(());
        }
        let log = fs::read_to_string(self.place.folder.join("log")).unwrap_or_default();
        Err(format!("PostgreSQL does not start\n{log}").into())
    }
}

/// Runs a server for as long as we live. It ends with us however we end, even killed: it listens for the end of a pipe.
#[derive(Debug)]
pub(crate) struct Keeper {
    shell: Child,
    /// `None` once it is told to stop.
    pipe: Option<ChildStdin>,
}

/// `$0` is the folder, which goes with the server unless only the server is to go.
const KEEP: &str = r#"trap '' INT HUP TERM
"$@" & server=$!
read -r signal || signal=
kill -"${signal:-INT}" "$server"
wait "$server"
[ -n "$signal" ] || rm -rf "$0""#;

impl Keeper {
    pub(crate) fn start(place: &Place, server: &Command) -> io::Result<Self> {
        let log = fs::File::options()
            .append(true)
            .create(true)
            .open(place.folder.join("log"))?;
        let mut shell = place.command("/bin/sh".as_ref());
        shell.args(["-c", KEEP]).arg(&place.folder);
        shell.arg(server.get_program()).args(server.get_args());
        shell
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut shell = shell.spawn()?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// Ends the server by a signal, and keeps its folder; without a signal the folder goes too.
    pub(crate) fn end(&mut self, signal: &str) -> io::Result<()> {
        if let Some(mut pipe) = self.pipe.take() {
            writeln!(pipe, "{signal}")?;
        }
        self.shell.wait().map(drop)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // There is nobody to tell here.
        let _ = self.end("");
    }
}

/// Looks every few milliseconds; says whether it was so in time.
pub(crate) fn until(is_so: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while !is_so() {
        if began.elapsed() > PATIENCE {
            return false;
        }
        pause();
    }
    true
}

#[expect(
    clippy::disallowed_methods,
    reason = "waits for another program; no runtime here"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}
