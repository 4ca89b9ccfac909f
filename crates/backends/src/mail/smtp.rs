//! Mail by SMTP (RFC 5321), over TLS and a pool of connections.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use portcullis_core::mail::{Mail, MailError, Mailer};
use portcullis_core::secret::SecretText;

use super::message::message;

/// A worker loses its claim on a mail after a minute; a delivery must have ended before.
const TIMEOUT_MAX: Duration = Duration::from_secs(50);
const POOL_MAX: u32 = 64;
/// "Authentication required" (RFC 4954 section 6): about us, not about the mail.
const AUTHENTICATION_REQUIRED: u16 = 530;

/// How a connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SmtpTls {
    /// TLS from the first byte (RFC 8314), by default on port 465.
    #[default]
    Wrapper,
    /// Plain at first, and TLS or nothing after `STARTTLS` (RFC 3207), by default on port 587.
    StartTls,
    /// No TLS, by default on port 25: to this machine only.
    None,
}

impl SmtpTls {
    const fn port(self) -> u16 {
        match self {
            Self::Wrapper => 465,
            Self::StartTls => 587,
            Self::None => 25,
        }
    }
}

/// Where mail goes, and as whom.
#[derive(Clone, Debug)]
pub struct SmtpOptions {
    host: String,
    port: Option<u16>,
    tls: SmtpTls,
    root: Option<Vec<u8>>,
    credentials: Option<(String, SecretText)>,
    from: String,
    timeout: Duration,
    pool_size: u32,
}

impl SmtpOptions {
    /// To the relay `host`, from a sender such as `portcullis <no-reply@example.com>`.
    #[must_use]
    pub fn new(host: &str, from: &str) -> Self {
        Self {
            host: host.to_owned(),
            port: None,
            tls: SmtpTls::default(),
            root: None,
            credentials: None,
            from: from.to_owned(),
            timeout: Duration::from_secs(30),
            pool_size: 4,
        }
    }

    /// Another port than the usual one of [`SmtpTls`].
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Another protection than [`SmtpTls::Wrapper`].
    #[must_use]
    pub const fn tls(mut self, tls: SmtpTls) -> Self {
        self.tls = tls;
        self
    }

    /// Certificates to trust beside those of the web's authorities, as PEM.
    #[must_use]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root = Some(pem.into());
        self
    }

    /// Who signs in at the relay.
    #[must_use]
    pub fn credentials(mut self, user: &str, password: SecretText) -> Self {
        self.credentials = Some((user.to_owned(), password));
        self
    }

    /// How long one delivery may take, from connecting to the relay's word: at most 50 s, 30 s where nothing is said.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The most connections kept, 1 to 64; 4 where nothing is said.
    #[must_use]
    pub const fn pool_size(mut self, connections: u32) -> Self {
        self.pool_size = connections;
        self
    }

    /// Says what could not work, or not safely, without a connection.
    ///
    /// # Errors
    /// [`SmtpOptionsError`] for the first of it.
    pub fn check(&self) -> Result<(), SmtpOptionsError> {
        self.prepared().map(drop)
    }

    fn prepared(&self) -> Result<(Mailbox, Tls), SmtpOptionsError> {
        let from: Mailbox = self
            .from
            .parse()
            .map_err(|error| SmtpOptionsError::From(Box::new(error)))?;
        if self.timeout.is_zero() || self.timeout > TIMEOUT_MAX {
            return Err(SmtpOptionsError::Timeout);
        }
        if !(1..=POOL_MAX).contains(&self.pool_size) {
            return Err(SmtpOptionsError::PoolSize);
        }
        let tls = match self.tls {
            SmtpTls::None if !is_this_machine(&self.host) => {
                return Err(SmtpOptionsError::ClearText);
            }
            SmtpTls::None => Tls::None,
            SmtpTls::Wrapper => Tls::Wrapper(parameters(self)?),
            SmtpTls::StartTls => Tls::Required(parameters(self)?),
        };
        Ok((from, tls))
    }
}

/// Why no mail can be sent with some options.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpOptionsError {
    /// The sender is no address.
    #[error("the sender must be an address, like portcullis <no-reply@example.com>")]
    From(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Mail in clear text.
    #[error(
        "without TLS, mail and the links in it would cross the network in clear text: use TLS from the first byte or \
         STARTTLS, or a relay on this machine (127.0.0.1, [::1], localhost)"
    )]
    ClearText,
    /// The timeout is outside its range.
    #[error("the timeout of a delivery must be more than nothing and at most 50 s")]
    Timeout,
    /// The size of the pool is outside its range.
    #[error("a pool has 1 to 64 connections")]
    PoolSize,
    /// The host or the certificates are of no use.
    #[error("TLS cannot be set up")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Delivers mail to a relay. A mail whose delivery was not confirmed comes again, with the same Message-ID.
#[derive(Clone)]
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    timeout: Duration,
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpMailer")
    }
}

impl SmtpMailer {
    /// Connects when there is mail. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`SmtpOptionsError`] for what could not work, or not safely.
    pub fn new(options: SmtpOptions) -> Result<Self, SmtpOptionsError> {
        let (from, tls) = options.prepared()?;
        let pool = PoolConfig::new().max_size(options.pool_size);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&options.host)
            .port(options.port.unwrap_or(options.tls.port()))
            .tls(tls)
            .hello_name(ClientId::Domain(from.email.domain().to_owned()))
            .timeout(Some(options.timeout))
            .pool_config(pool);
        if let Some((user, password)) = options.credentials {
            builder = builder.credentials(Credentials::new(user, password.expose().to_owned()));
        }
        Ok(Self {
            transport: builder.build(),
            from,
            timeout: options.timeout,
        })
    }

    async fn deliver(&self, mail: &Mail) -> Result<(), MailError> {
        let message = message(&self.from, mail)?;
        // What a relay says before there is a mail, such as to our password, is not about the mail.
        let connected = self.transport.test_connection().await;
        connected.map_err(MailError::new)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if is_final(&error) => Err(MailError::permanent(error)),
            Err(error) => Err(MailError::new(error)),
        }
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        // The transport's own timeout is about connecting only.
        let delivered = tokio::time::timeout(self.timeout, self.deliver(mail)).await;
        delivered.map_err(MailError::new)?
    }
}

/// A 5yz reply to the mail itself (RFC 5321 section 4.2.1): the relay will say so again.
fn is_final(error: &Error) -> bool {
    error.is_permanent()
        && error
            .status()
            .is_none_or(|code| u16::from(code) != AUTHENTICATION_REQUIRED)
}

fn parameters(options: &SmtpOptions) -> Result<TlsParameters, SmtpOptionsError> {
    let refused = |error: Error| SmtpOptionsError::Tls(Box::new(error));
    let mut builder = TlsParameters::builder(options.host.clone());
    if let Some(pem) = &options.root {
        builder = builder.add_root_certificate(Certificate::from_pem(pem).map_err(refused)?);
    }
    builder.build_rustls().map_err(refused)
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare
            .parse()
            .is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback())
}
