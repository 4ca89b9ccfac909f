//! A running service.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::browser::Browser;
use crate::process::until;

/// How long a start may take, a debug build on a busy machine included.
const STARTED_WITHIN: Duration = Duration::from_secs(60);
/// In what `serve` says first, as text and as JSON, and what it says last as text.
const FIRST: &str = "listen";
const LAST: &str = "Stop with Ctrl-C.";

/// A child process that listens. It is killed when it is dropped.
#[derive(Debug)]
pub struct Service {
    child: Child,
    address: String,
    stdout: Output,
    stderr: Output,
}

/// What a child has written so far, kept by a thread that reads it.
#[derive(Debug)]
struct Output {
    text: Arc<Mutex<String>>,
    lines: Receiver<String>,
    reader: Option<JoinHandle<()>>,
}

impl Service {
    /// Starts it and waits until it says that it listens.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = Output::read(child.stdout.take().expect("piped"));
        let stderr = Output::read(child.stderr.take().expect("piped"));
        let mut service = Self {
            child,
            address: String::new(),
            stdout,
            stderr,
        };
        let first = service.await_line(FIRST);
        if let Ok(banner) = serde_json::from_str::<serde_json::Value>(&first) {
            let address = banner.get("listen").and_then(|listen| listen.as_str());
            service.address = address.expect("an address").to_owned();
        } else {
            let (_, address) = first.split_once("http://").expect("an address");
            service.address = address.to_owned();
            service.await_line(LAST);
        }
        service
    }

    /// Waits for a line of standard output that has `part` in it.
    fn await_line(&self, part: &str) -> String {
        match self.stdout.await_line(part, STARTED_WITHIN) {
            Some(line) => line,
            None => panic!(
                "the service never said `{part}`\nstdout: {}\nstderr: {}",
                self.stdout(),
                self.stderr()
            ),
        }
    }

    /// Waits for a log line that has `part` in it.
    ///
    /// # Panics
    /// Where there is none in time.
    pub fn await_log(&self, part: &str) {
        let line = self.stderr.await_line(part, STARTED_WITHIN);
        assert!(line.is_some(), "never logged `{part}`: {}", self.stderr());
    }

    /// Address and port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A browser without cookies.
    #[must_use]
    pub fn browser(&self) -> Browser {
        Browser::new(&self.address)
    }

    /// A browser for the listener of metrics, where there is one.
    #[must_use]
    pub fn metrics(&self) -> Option<Browser> {
        let said = self.stdout();
        let (_, rest) = said.split_once("  metrics     http://")?;
        let (address, _) = rest.split_once("/metrics")?;
        Some(Browser::new(address))
    }

    /// Everything said on standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.so_far()
    }

    /// Everything logged so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.so_far()
    }

    /// Its process id.
    ///
    /// # Panics
    /// Never: a child has one.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Asks it to stop, as an init system does.
    ///
    /// # Panics
    /// Where it is gone already.
    pub fn terminate(&self) {
        kill_process(self.pid(), Signal::TERM).expect("a running service");
    }

    /// Tells it to look at its key files now.
    ///
    /// # Panics
    /// Where it is gone already.
    pub fn hang_up(&self) {
        kill_process(self.pid(), Signal::HUP).expect("a running service");
    }

    /// Kills it without warning, and returns when it is gone.
    ///
    /// # Panics
    /// Where the system does not say that it is gone.
    pub fn kill(mut self) {
        // It may have been killed already.
        let _gone = self.child.kill();
        self.child.wait().expect("the end of a killed child");
    }

    /// How it ends, by itself.
    ///
    /// # Panics
    /// Where it does not within `limit`.
    pub fn await_end(&mut self, limit: Duration) -> ExitStatus {
        let ended = until(limit, || self.child.try_wait().expect("a child to ask"));
        let status = ended.unwrap_or_else(|| panic!("runs on after {limit:?}: {}", self.stderr()));
        self.stdout.join();
        self.stderr.join();
        status
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Output {
    fn read(from: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let (sender, lines) = mpsc::channel();
        let kept = Arc::clone(&text);
        let reader = Some(thread::spawn(move || keep(from, &kept, &sender)));
        Self {
            text,
            lines,
            reader,
        }
    }

    fn so_far(&self) -> String {
        self.text.lock().expect("a reader that lives").clone()
    }

    /// The next line with `part` in it; those before it are passed over.
    fn await_line(&self, part: &str, limit: Duration) -> Option<String> {
        let started = Instant::now();
        loop {
            let left = limit.checked_sub(started.elapsed())?;
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(part) => return Some(line),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Until everything is read.
    fn join(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("a reader that lives");
        }
    }
}

/// Whatever bytes there are: a log that is no text is still to be searched.
fn keep(from: impl Read, text: &Mutex<String>, lines: &Sender<String>) {
    let mut from = BufReader::new(from);
    let mut bytes = Vec::new();
    while from
        .read_until(b'\n', &mut bytes)
        .is_ok_and(|read| read > 0)
    {
        let line = String::from_utf8_lossy(&bytes).into_owned();
        text.lock().expect("a test that lives").push_str(&line);
        // The test may have stopped listening to lines.
        let _unheard = lines.send(line.trim_end().to_owned());
        bytes.clear();
    }
}
