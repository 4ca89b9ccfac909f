//! Mail as JSON, posted to a web address and signed (Standard Webhooks 1.0), for whatever delivers it from there.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::clock::{Clock, SystemClock};
use portcullis_core::mail::{Mail, MailError, Mailer};
use portcullis_tokens::webhook::{
    ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookSecret, sign,
};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde::Serialize;
use url::{Host, Url};

/// A worker loses its claim on a mail after a minute; a delivery must have ended before.
const TIMEOUT_MAX: Duration = Duration::from_secs(50);
/// While one is replaced there are two.
const SECRETS_MAX: usize = 4;
/// The worker delivers one mail after another.
const IDLE_CONNECTIONS: usize = 1;
/// A receiver that takes a while to close idle connections does not get mail into one that it is closing.
const IDLE_MAX: Duration = Duration::from_secs(5);

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
        let url = Url::parse(&self.url)?;
        match url.scheme() {
            "https" => {}
            "http" if is_this_machine(&url) => {}
            "http" => return Err(WebhookOptionsError::ClearText),
            _ => return Err(WebhookOptionsError::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebhookOptionsError::Credentials);
        }
        if !(1..=SECRETS_MAX).contains(&self.secrets.len()) {
            return Err(WebhookOptionsError::Secrets);
        }
        if self.timeout.is_zero() || self.timeout > TIMEOUT_MAX {
            return Err(WebhookOptionsError::Timeout);
        }
        let client = Client::builder()
            .tls_backend_preconfigured(self.tls()?)
            .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
            // A signed mail goes where it was said to go and nowhere else.
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .http1_only()
            .timeout(self.timeout)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .pool_idle_timeout(IDLE_MAX)
            .build();
        let client = client.map_err(|error| WebhookOptionsError::Tls(Box::new(error)))?;
        Ok((url, client))
    }

    /// As mail by SMTP has it: the roots that come with the program, not the machine's.
    fn tls(&self) -> Result<ClientConfig, WebhookOptionsError> {
        let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        if let Some(pem) = &self.root {
            let mut added = 0_usize;
            for certificate in CertificateDer::pem_slice_iter(pem) {
                roots.add(certificate.map_err(refused)?).map_err(refused)?;
                added += 1;
            }
            if added == 0 {
                return Err(refused("there is no certificate among those to trust"));
            }
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let versions =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        Ok(versions
            .map_err(refused)?
            .with_root_certificates(roots)
            .with_no_client_auth())
    }
}

fn refused(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> WebhookOptionsError {
    WebhookOptionsError::Tls(error.into())
}

/// Why no mail can be posted with some options.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookOptionsError {
    /// The address is none.
    #[error("the address is no URL")]
    Url(#[from] url::ParseError),
    /// Neither `https` nor `http`.
    #[error("mail is posted to https, or to http on this machine")]
    Scheme,
    /// Mail in clear text.
    #[error(
        "over http, mail and the links in it would cross the network in clear text: use https, or a receiver on this \
         machine (127.0.0.1, [::1], localhost)"
    )]
    ClearText,
    /// The address has a user name or a password in it.
    #[error(
        "the address has a user or a password in it, which end up in logs: the signature says who sends"
    )]
    Credentials,
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

/// What is about the mail is permanent; what is about the moment, or about us, is not.
fn verdict(status: StatusCode) -> Result<(), MailError> {
    if status.is_success() {
        return Ok(());
    }
    let passing = !status.is_client_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED
        );
    match passing {
        true => Err(MailError::new(Answered(status))),
        false => Err(MailError::permanent(Answered(status))),
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

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}
