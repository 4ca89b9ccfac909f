//! Mail as JSON, posted to a web address and signed (Standard Webhooks 1.0), for whatever delivers it from there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::clock::{Clock, SystemClock};
use portcullis_core::mail::{Mail, MailError, Mailer};
use portcullis_tokens::webhook::{
    ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookSecret, sign,
};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode};
use serde::Serialize;
use url::Url;

use crate::endpoint::{self, EndpointError};

/// A worker loses its claim on a mail after a minute; a delivery must have ended before.
const TIMEOUT_MAX: Duration = Duration::from_secs(50);
/// While one is replaced there are two.
const SECRETS_MAX: usize = 4;
/// The worker delivers one mail after another.
const IDLE_CONNECTIONS: usize = 1;

/// Where mail goes, and what signs it.
#[derive(Clone)]
pub struct WebhookOptions {
    url: String,
    secrets: Vec<WebhookSecret>,
    root: Option<Vec<u8>>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

/// Without the address, which may be a secret of its own.
impl fmt::Debug for WebhookOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookOptions")
    }
}

impl WebhookOptions {
    /// To `url`, which is `https`, or `http` on this machine; signed with each of 1 to 4 `secrets`.
    #[must_use]
    pub fn new(url: &str, secrets: impl IntoIterator<Item = WebhookSecret>) -> Self {
        Self {
            url: url.to_owned(),
            secrets: secrets.into_iter().collect(),
            root: None,
            timeout: Duration::from_secs(30),
            clock: Arc::new(SystemClock),
        }
    }

    /// Certificates to trust beside those of the web's authorities, as PEM.
    #[must_use]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root = Some(pem.into());
        self
    }

    /// How long one delivery may take, from connecting to the receiver's answer: at most 50 s, 30 s where nothing is
    /// said.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Whose time messages are sent at; the system's where nothing is said.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Says what could not work, or not safely, without a connection.
    ///
    /// # Errors
    /// [`WebhookOptionsError`] for the first of it.
    pub fn check(&self) -> Result<(), WebhookOptionsError> {
        self.prepared().map(drop)
    }

    fn prepared(&self) -> Result<(Url, Client), WebhookOptionsError> {
        let url = endpoint::parse(&self.url)?;
        if !(1..=SECRETS_MAX).contains(&self.secrets.len()) {
            return Err(WebhookOptionsError::Secrets);
        }
        if self.timeout.is_zero() || self.timeout > TIMEOUT_MAX {
            return Err(WebhookOptionsError::Timeout);
        }
        let client = endpoint::client(self.root.as_deref()).map_err(WebhookOptionsError::Tls)?;
        let client = client
            .timeout(self.timeout)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .build();
        let client = client.map_err(|error| WebhookOptionsError::Tls(Box::new(error)))?;
        Ok((url, client))
    }
}

/// Why no mail can be posted with some options.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookOptionsError {
    /// The address is not one to post mail to.
    #[error(transparent)]
    Url(#[from] EndpointError),
    /// The number of secrets is outside its range.
    #[error("mail is signed with 1 to 4 secrets")]
    Secrets,
    /// The timeout is outside its range.
    #[error("the timeout of a delivery must be more than nothing and at most 50 s")]
    Timeout,
    /// The certificates are of no use.
    #[error("TLS cannot be set up")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Posts mail to a receiver. A mail whose delivery was not confirmed comes again, with the same id and the same body.
#[derive(Clone)]
pub struct WebhookMailer {
    client: Client,
    url: Url,
    secrets: Vec<WebhookSecret>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for WebhookMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookMailer")
    }
}

impl WebhookMailer {
    /// Connects when there is mail.
    ///
    /// # Errors
    /// [`WebhookOptionsError`] for what could not work, or not safely.
    pub fn new(options: WebhookOptions) -> Result<Self, WebhookOptionsError> {
        let (url, client) = options.prepared()?;
        Ok(Self {
            client,
            url,
            secrets: options.secrets,
            clock: options.clock,
        })
    }
}

#[async_trait]
impl Mailer for WebhookMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let body = serde_json::to_vec(&Message::of(mail)).map_err(MailError::permanent)?;
        let (id, now) = (mail.id.to_string(), self.clock.now());
        let signatures = sign(&self.secrets, &id, now, &body);
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ID_HEADER, id)
            .header(TIMESTAMP_HEADER, now.as_secs())
            .header(SIGNATURE_HEADER, signatures)
            .body(body);
        // The address may be a secret of its own, and errors are logged.
        let answer = request.send().await.map_err(reqwest::Error::without_url);
        // What is said beside the status is nobody's to read here.
        verdict(answer.map_err(MailError::new)?.status())
    }
}

/// The status that a receiver answered with.
#[derive(Debug, thiserror::Error)]
#[error("the receiver answered {0}")]
struct Answered(StatusCode);

/// What is about the mail is permanent. What is about the moment, about us, or about what stands in front of the receiver
/// while it is exchanged is not: an hour later the same mail may go through.
fn verdict(status: StatusCode) -> Result<(), MailError> {
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::UNPROCESSABLE_ENTITY => Err(MailError::permanent(Answered(status))),
        status => Err(MailError::new(Answered(status))),
    }
}

/// What is posted. Everything follows from the mail: the same mail again is the same bytes.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "type")]
    kind: String,
    /// When it was queued (RFC 3339).
    timestamp: String,
    data: Letter<'a>,
}

#[derive(Serialize)]
struct Letter<'a> {
    id: String,
    tenant: String,
    template: &'static str,
    to: &'a str,
    subject: &'a str,
    text: &'a str,
    html: Option<&'a str>,
}

impl<'a> Message<'a> {
    fn of(mail: &'a Mail) -> Self {
        let template = mail.template.as_str();
        Self {
            kind: format!("mail.{template}"),
            timestamp: mail.queued_at.to_string(),
            data: Letter {
                id: mail.id.to_string(),
                tenant: mail.tenant.to_string(),
                template,
                to: &mail.to,
                subject: &mail.subject,
                text: mail.text.expose(),
                html: mail.html.as_ref().map(|html| html.expose()),
            },
        }
    }
}
