//! Backends: each turns one kind of credential into a [`Principal`].

use std::any::{Any, TypeId};
use std::error::Error;
use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;

use crate::event::Reason;
use crate::id::TenantId;
use crate::net::ClientInfo;
use crate::principal::Principal;

/// A credential as it stood in the request, already parsed from its header but not yet verified.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential<'a> {
    /// The value of the session cookie.
    Cookie(&'a str),
    /// The value behind `Authorization: Bearer` (RFC 6750 section 2.1).
    Bearer(&'a str),
    /// The value of `X-API-Key`.
    ApiKey(&'a str),
    /// What stands behind `Authorization: Basic`, still in base64 (RFC 7617 section 2).
    Basic(&'a str),
}

impl<'a> Credential<'a> {
    /// Whether it stood in a header of its own, so that it must be answered with 401 where it is not good. A dead
    /// cookie is no more than an anonymous request.
    #[must_use]
    pub const fn is_explicit(&self) -> bool {
        !matches!(self, Self::Cookie(_))
    }

    /// The text, wherever it stood.
    #[must_use]
    pub const fn expose(&self) -> &'a str {
        match self {
            Self::Cookie(text) | Self::Bearer(text) | Self::ApiKey(text) | Self::Basic(text) => {
                text
            }
        }
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cookie(_) => "Cookie([redacted])",
            Self::Bearer(_) => "Bearer([redacted])",
            Self::ApiKey(_) => "ApiKey([redacted])",
            Self::Basic(_) => "Basic([redacted])",
        })
    }
}

/// The request as a backend of the adopter's own may want to see it.
pub trait RequestView: Send + Sync {
    /// `GET`, `POST`, ...
    fn method(&self) -> &str;
    /// The path, as received.
    fn path(&self) -> &str;
    /// The query, without the question mark.
    fn query(&self) -> Option<&str>;
    /// Every value of a header, by case-insensitive name.
    fn header_values(&self, name: &str) -> Vec<&[u8]>;
    /// The client's address, from the peer or a configured trusted proxy.
    fn client_ip(&self) -> Option<IpAddr>;
    /// The address of the peer itself, whatever any header says.
    fn peer_ip(&self) -> Option<IpAddr>;
    /// A typed extension that the adopter's own layers left on the request.
    fn extension(&self, of: TypeId) -> Option<&(dyn Any + Send + Sync)>;
}

/// What a request presents.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// The standard credential, where there is one.
    pub credential: Option<Credential<'a>>,
    /// The rest of the request.
    pub request: &'a dyn RequestView,
}

/// For whom and from where a request is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestContext {
    /// The tenant that the request was routed to.
    pub tenant: TenantId,
    /// Who asks.
    pub client: ClientInfo,
}

/// What a backend says of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is good, and this is who it stands for.
    Authenticated(Box<Principal>),
    /// It is not for this backend; the next one is asked.
    NotMine,
    /// It is for this backend and not good; nobody else is asked.
    Rejected(Reason),
}

/// A backend could not decide. Never "no": the answer is 503.
#[derive(Debug, thiserror::Error)]
#[error("the backend could not decide")]
pub struct BackendError {
    source: Box<dyn Error + Send + Sync>,
}

impl BackendError {
    /// A failure with its cause.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: source.into(),
        }
    }
}

impl From<crate::error::StoreError> for BackendError {
    fn from(error: crate::error::StoreError) -> Self {
        Self::new(error)
    }
}

/// Turns one kind of credential into a [`Principal`].
#[async_trait]
#[doc(alias = "ModelBackend")]
#[doc(alias = "ApiKeyBackend")]
pub trait AuthBackend: fmt::Debug + Send + Sync + 'static {
    /// Its name in logs.
    fn name(&self) -> &'static str;

    /// Whether the credential is of the kind this backend knows, from its form alone: no lookup, no cost. A backend
    /// that claims what it does not know starves the ones behind it.
    fn claims(&self, presented: &Presented<'_>) -> bool;

    /// Verifies a credential it has claimed.
    ///
    /// # Errors
    /// [`BackendError`] where it could not decide, such as a store outage.
    async fn authenticate(
        &self,
        presented: &Presented<'_>,
        context: &RequestContext,
    ) -> Result<Verdict, BackendError>;
}
