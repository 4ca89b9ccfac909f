//! An SMTP server on loopback (RFC 5321) that keeps what it is given, or gives trouble.
//!
//! It speaks as much of the protocol as a mail needs, plain, with TLS from the first byte, or after `STARTTLS`, in
//! threads of its own, so that tests with and without a runtime can use it. Nothing in it sleeps: a silent server reads
//! until its client has gone.

mod conversation;

use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::loopback::Loopback;

/// How connections are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// Not at all.
    Plain,
    /// TLS from the first byte.
    Wrapper,
    /// TLS after `STARTTLS`; nothing else is taken before.
    StartTls,
}

/// What the server does with a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpMode {
    /// Takes it.
    Accept,
    /// Says nothing, not even a greeting.
    Silent,
    /// Asks to come again: 451 to the recipient.
    Defer,
    /// Refuses it for good: 550 to the recipient.
    Refuse,
    /// Refuses whoever signs in: 535.
    RefuseLogin,
    /// Hangs up in the middle of the message.
    HangUp,
    /// Takes it and hangs up before it says so.
    LoseAnswer,
}

/// A mail that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedMail {
    /// The address in `MAIL FROM`.
    pub from: String,
    /// The address in `RCPT TO`.
    pub to: String,
    /// The message, lines ended by CR LF.
    pub message: String,
    /// What came with `AUTH PLAIN`, in base64.
    pub login: Option<String>,
    /// Whether it came through TLS.
    pub encrypted: bool,
}

impl ReceivedMail {
    /// The value of a header that stands on one line.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (head, _) = self.message.split_once("\r\n\r\n")?;
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

struct Shared {
    mode: Mutex<SmtpMode>,
    received: Mutex<Vec<ReceivedMail>>,
    arrived: Condvar,
    security: SmtpSecurity,
}

impl Shared {
    fn mode(&self) -> SmtpMode {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn received(&self) -> MutexGuard<'_, Vec<ReceivedMail>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, mail: ReceivedMail) {
        self.received().push(mail);
        self.arrived.notify_all();
    }
}

/// A running server. It stops when it is dropped.
pub struct SmtpServer {
    shared: Arc<Shared>,
    loopback: Loopback,
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpServer({})", self.loopback.address)
    }
}

impl SmtpServer {
    /// Listens on a free port of 127.0.0.1, with a certificate made for it.
    ///
    /// # Errors
    /// Where the system gives no port, or no certificate can be made.
    pub fn start(security: SmtpSecurity) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            mode: Mutex::new(SmtpMode::Accept),
            received: Mutex::default(),
            arrived: Condvar::new(),
            security,
        });
        let talking = Arc::clone(&shared);
        let loopback =
            Loopback::start(move |stream, tls| conversation::hold(stream, &talking, tls))?;
        Ok(Self { shared, loopback })
    }

    /// The port it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.loopback.address.port()
    }

    /// Its certificate, for clients to trust.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.loopback.certificate
    }

    /// Treats mail like this from now on.
    pub fn set(&self, mode: SmtpMode) {
        *self
            .shared
            .mode
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = mode;
    }

    /// Everything that arrived, oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<ReceivedMail> {
        self.shared.received().clone()
    }

    /// The first mail to an address, waited for; `None` where none comes in time.
    #[must_use]
    pub fn await_mail_to(&self, address: &str, within: Duration) -> Option<ReceivedMail> {
        let found =
            |mails: &Vec<ReceivedMail>| mails.iter().find(|mail| mail.to == address).cloned();
        let waited =
            self.shared
                .arrived
                .wait_timeout_while(self.shared.received(), within, |mails| {
                    found(mails).is_none()
                });
        let (mails, _) = waited.unwrap_or_else(PoisonError::into_inner);
        found(&mails)
    }
}
