//! A receiver of webhooks on loopback (HTTP/1.1) that keeps what it is given, or gives trouble.
//!
//! It takes one request a connection, plain or inside TLS, in threads of its own, so that tests with and without a
//! runtime can use it. Nothing in it sleeps: a silent receiver reads until its client has gone.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::loopback::{Loopback, until_gone};

/// Longer heads and bodies are none of ours.
const HEAD_MAX_BYTES: u64 = 64 * 1024;
const BODY_MAX_BYTES: u64 = 4 * 1024 * 1024;
/// What an endless answer is written in.
const PIECE: [u8; 4096] = [b'x'; 4096];

/// How connections are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookSecurity {
    /// Not at all: `http`.
    Plain,
    /// By TLS: `https`.
    Tls,
}

/// What the receiver does with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookMode {
    /// Keeps it and answers with this status and no body.
    Answer(u16),
    /// Keeps it and answers with this status and JSON.
    Json(u16, String),
    /// Keeps it and sends the client elsewhere: 307 to this address.
    Redirect(String),
    /// Keeps it and answers 200 with a body that has no end.
    Endless,
    /// Says nothing.
    Silent,
    /// Hangs up before it has read anything.
    HangUp,
    /// Keeps it and hangs up before it says so.
    LoseAnswer,
}

/// A message that arrived.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivedWebhook {
    /// Method, path and version.
    pub request: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, byte by byte.
    pub body: Vec<u8>,
    /// Whether it came through TLS.
    pub encrypted: bool,
}

impl ReceivedWebhook {
    /// The value of a header, named in lower case; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value)
    }

    /// The body as JSON; `null` where it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl fmt::Debug for ReceivedWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {:?} {body}", self.request, self.headers)
    }
}

struct Shared {
    mode: Mutex<WebhookMode>,
    received: Mutex<Vec<ReceivedWebhook>>,
    arrived: Condvar,
    security: WebhookSecurity,
}

impl Shared {
    fn mode(&self) -> MutexGuard<'_, WebhookMode> {
        self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn received(&self) -> MutexGuard<'_, Vec<ReceivedWebhook>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running receiver. It stops when it is dropped.
pub struct WebhookServer {
    shared: Arc<Shared>,
    loopback: Loopback,
}

impl fmt::Debug for WebhookServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookServer({})", self.loopback.address)
    }
}

impl WebhookServer {
    /// Listens on a free port of 127.0.0.1, with a certificate made for it, and answers 204.
    ///
    /// # Errors
    /// Where the system gives no port, or no certificate can be made.
    pub fn start(security: WebhookSecurity) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            mode: Mutex::new(WebhookMode::Answer(204)),
            received: Mutex::default(),
            arrived: Condvar::new(),
            security,
        });
        let talking = Arc::clone(&shared);
        let loopback = Loopback::start(move |stream, tls| hold(stream, &talking, tls))?;
        Ok(Self { shared, loopback })
    }

    /// The address that messages are posted to.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = match self.shared.security {
            WebhookSecurity::Plain => "http",
            WebhookSecurity::Tls => "https",
        };
        format!(
            "{scheme}://{}/hooks/mail?from=portcullis",
            self.loopback.address
        )
    }

    /// Its certificate, for clients to trust.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.loopback.certificate
    }

    /// Treats messages like this from now on.
    pub fn set(&self, mode: WebhookMode) {
        *self.shared.mode() = mode;
    }

    /// Everything that arrived, oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<ReceivedWebhook> {
        self.shared.received().clone()
    }

    /// The first message that `wanted` holds for, waited for; `None` where none comes in time.
    #[must_use]
    pub fn await_message(
        &self,
        within: Duration,
        wanted: impl Fn(&ReceivedWebhook) -> bool,
    ) -> Option<ReceivedWebhook> {
        let found =
            |messages: &Vec<ReceivedWebhook>| messages.iter().find(|one| wanted(one)).cloned();
        let waited =
            self.shared
                .arrived
                .wait_timeout_while(self.shared.received(), within, |messages| {
                    found(messages).is_none()
                });
        let (messages, _) = waited.unwrap_or_else(PoisonError::into_inner);
        found(&messages)
    }
}

fn hold(stream: TcpStream, shared: &Shared, tls: &Arc<ServerConfig>) -> io::Result<()> {
    let mode = shared.mode().clone();
    match (mode, shared.security) {
        (WebhookMode::Silent, _) => until_gone(stream),
        (WebhookMode::HangUp, _) => Ok(()),
        (mode, WebhookSecurity::Plain) => talk(stream, &mode, shared),
        (mode, WebhookSecurity::Tls) => {
            let tls = ServerConnection::new(Arc::clone(tls)).map_err(io::Error::other)?;
            talk(StreamOwned::new(tls, stream), &mode, shared)
        }
    }
}

fn talk(stream: impl Read + Write, mode: &WebhookMode, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let message = read(&mut reader, shared.security == WebhookSecurity::Tls)?;
    shared.received().push(message);
    shared.arrived.notify_all();
    let mut stream = reader.into_inner();
    match mode {
        WebhookMode::Answer(status) => say(&mut stream, *status, "content-length: 0\r\n"),
        WebhookMode::Json(status, body) => {
            let length = body.len();
            let headers = format!("content-type: application/json\r\ncontent-length: {length}\r\n");
            say(&mut stream, *status, &headers)?;
            stream.write_all(body.as_bytes())?;
            stream.flush()
        }
        WebhookMode::Redirect(to) => {
            let headers = format!("location: {to}\r\ncontent-length: 0\r\n");
            say(&mut stream, 307, &headers)
        }
        WebhookMode::Endless => {
            say(&mut stream, 200, "content-type: text/plain\r\n")?;
            loop {
                // Until the client has enough of it.
                stream.write_all(&PIECE)?;
            }
        }
        WebhookMode::Silent | WebhookMode::HangUp | WebhookMode::LoseAnswer => Ok(()),
    }
}

fn say(stream: &mut impl Write, status: u16, headers: &str) -> io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status} said\r\n{headers}connection: close\r\n\r\n"
    )?;
    stream.flush()
}

/// One request whose body has a length.
fn read(reader: &mut impl BufRead, encrypted: bool) -> io::Result<ReceivedWebhook> {
    let mut head = reader.by_ref().take(HEAD_MAX_BYTES).lines();
    let mut line = || head.next().ok_or(io::ErrorKind::UnexpectedEof)?;
    let request = line()?;
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut message = ReceivedWebhook {
        request,
        headers,
        body: Vec::new(),
        encrypted,
    };
    let length: u64 = message.header("content-length").parse().unwrap_or(0);
    if length > BODY_MAX_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    reader.take(length).read_to_end(&mut message.body)?;
    Ok(message)
}
