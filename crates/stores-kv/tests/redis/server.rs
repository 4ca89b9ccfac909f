//! A Redis of the test's own.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use portcullis_stores_kv::{RedisKv, RedisOptions};
use tempfile::TempDir;

/// The Redis that somebody else started for the tests; other databases of it are not ours.
const URL_VARIABLE: &str = "PORTCULLIS_REDIS";
const PROGRAM: &str = "redis-server";

/// A server on a free port of loopback, without persistence; killed when dropped.
pub(crate) struct Server {
    child: Child,
    port: u16,
    arguments: Vec<String>,
    folder: TempDir,
}

impl Server {
    /// Started for one test; `None` where the program is missing, which fails under `CI=true`.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.into()).collect();
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..10 {
            // Free now; where somebody takes it first, the server ends, and another is tried.
            let port = {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                listener.local_addr().unwrap().port()
            };
            match launch(port, &arguments, &folder) {
                Ok(Some(child)) => {
                    return Some(Self {
                        child,
                        port,
                        arguments,
                        folder,
                    });
                }
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    missing();
                    return None;
                }
                Err(error) => panic!("{PROGRAM}: {error}"),
            }
        }
        panic!("{PROGRAM} does not start")
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn options(&self) -> RedisOptions {
        RedisOptions::new(&self.url()).unwrap()
    }

    pub(crate) async fn store(&self) -> RedisKv {
        RedisKv::connect(self.options()).await.unwrap()
    }

    /// Asks the server something, on a connection of its own.
    pub(crate) async fn ask<T: redis::FromRedisValue>(&self, command: &str) -> T {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut words = command.split(' ');
        let mut asked = redis::cmd(words.next().unwrap());
        for word in words {
            asked.arg(word);
        }
        asked.query_async(&mut connection).await.unwrap()
    }

    /// Tells the server something.
    pub(crate) async fn tell(&self, command: &str) {
        let _answer: redis::Value = self.ask(command).await;
    }

    /// `STOP` freezes it with its connections open, `CONT` lets it go on.
    pub(crate) fn signal(&self, signal: &str) {
        let process = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", signal, &process]).status();
        assert!(kill.unwrap().success());
    }

    /// Ends it and starts it again in the same place, with what is on its disk: nothing.
    pub(crate) fn restart(&mut self) {
        self.end();
        let child = launch(self.port, &self.arguments, &self.folder).unwrap();
        self.child = child.unwrap();
    }

    fn end(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// A server that answers; `None` where it ended instead.
fn launch(port: u16, arguments: &[String], folder: &TempDir) -> io::Result<Option<Child>> {
    let mut child = Command::new(PROGRAM)
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "no", "--logfile", ""])
        .args(arguments)
        .arg("--dir")
        .arg(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while said.read_line(&mut line)? > 0 {
        if line.contains("Ready to accept connections") {
            // What it says later must go somewhere, or it stops.
            std::thread::spawn(move || io::copy(&mut said, &mut io::sink()));
            return Ok(Some(child));
        }
        line.clear();
    }
    child.wait()?;
    Ok(None)
}

/// A store in a Redis that may be shared: keys begin with what no other test uses.
pub(crate) async fn any_store() -> Option<(RedisKv, Option<Server>)> {
    let Ok(url) = std::env::var(URL_VARIABLE) else {
        let server = Server::start(&[])?;
        return Some((server.store().await, Some(server)));
    };
    static STORES: AtomicU64 = AtomicU64::new(0);
    let number = STORES.fetch_add(1, Ordering::Relaxed);
    let prefix = format!("test-{}-{number}:", std::process::id());
    let options = RedisOptions::new(&url).unwrap().prefix(&prefix).unwrap();
    Some((RedisKv::connect(options).await.unwrap(), None))
}

/// Says past the test harness, which keeps what a passing test prints, that something was left out.
fn missing() {
    let why = format!("no {PROGRAM} on the path and no {URL_VARIABLE}");
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{why}");
    let test = std::thread::current();
    let test = test.name().unwrap_or("a test");
    let line = format!("skipped: {test}: {why}\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}
