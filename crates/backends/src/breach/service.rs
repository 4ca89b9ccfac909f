//! Ranges from a web service: that of Pwned Passwords, or a mirror of it.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use reqwest::{Client, StatusCode};
use url::Url;

use super::{RANGE_ANSWER_MAX_BYTES, RangeSource};
use crate::endpoint::{self, EndpointError};

const PWNED_PASSWORDS: &str = "https://api.pwnedpasswords.com/range/";
/// New passwords are seldom set at the same moment.
const IDLE_CONNECTIONS: usize = 4;

/// Which service is asked.
#[derive(Clone)]
pub struct RangeServiceOptions {
    url: String,
    root: Option<Vec<u8>>,
}

/// Without the address, which may be a secret of its own.
impl fmt::Debug for RangeServiceOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RangeServiceOptions")
    }
}

impl Default for RangeServiceOptions {
    fn default() -> Self {
        Self {
            url: PWNED_PASSWORDS.to_owned(),
            root: None,
        }
    }
}

impl RangeServiceOptions {
    /// A mirror: `https`, or `http` on this machine. A prefix is put behind the last `/` of its path.
    #[must_use]
    pub fn url(mut self, url: &str) -> Self {
        url.clone_into(&mut self.url);
        self
    }

    /// Certificates to trust beside those of the web's authorities, as PEM.
    #[must_use]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root = Some(pem.into());
        self
    }

    /// Says what could not work, or not safely, without a connection.
    ///
    /// # Errors
    /// [`RangeServiceOptionsError`] for the first of it.
    pub fn check(&self) -> Result<(), RangeServiceOptionsError> {
        self.prepared().map(drop)
    }

    fn prepared(&self) -> Result<(Url, Client), RangeServiceOptionsError> {
        let url = endpoint::parse(&self.url)?;
        let client =
            endpoint::client(self.root.as_deref()).map_err(RangeServiceOptionsError::Tls)?;
        let client = client.pool_max_idle_per_host(IDLE_CONNECTIONS).build();
        let client = client.map_err(|error| RangeServiceOptionsError::Tls(Box::new(error)))?;
        Ok((url, client))
    }
}

/// Why no service can be asked with some options.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RangeServiceOptionsError {
    /// The address is not one to ask.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The certificates are of no use.
    #[error("TLS cannot be set up")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
}

/// Asks Pwned Passwords, or a mirror: five characters of a digest go out. Answers are asked for with padding, so that their
/// length says nothing to whoever watches the line.
#[derive(Clone)]
pub struct RangeService {
    client: Client,
    url: Url,
}

impl fmt::Debug for RangeService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RangeService")
    }
}

impl RangeService {
    /// Connects when there is a password to ask about.
    ///
    /// # Errors
    /// [`RangeServiceOptionsError`] for what could not work, or not safely.
    pub fn new(options: &RangeServiceOptions) -> Result<Self, RangeServiceOptionsError> {
        let (url, client) = options.prepared()?;
        Ok(Self { client, url })
    }
}

#[async_trait]
impl RangeSource for RangeService {
    async fn range(&self, prefix: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
        let request = self.client.get(self.url.join(prefix)?);
        let answer = request.header("Add-Padding", "true").send().await;
        // The address may be a secret of its own, and errors are logged.
        let answer = answer.map_err(reqwest::Error::without_url)?;
        match answer.status() {
            StatusCode::OK => {}
            other => return Err(format!("the service answered {other}").into()),
        }
        let body = endpoint::bounded(answer, RANGE_ANSWER_MAX_BYTES).await?;
        // A padded range has hundreds of lines.
        if body.is_empty() {
            return Err("the service answered with nothing".into());
        }
        Ok(String::from_utf8(body)?)
    }
}
