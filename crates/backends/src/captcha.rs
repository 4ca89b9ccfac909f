//! CAPTCHAs: who says whether a request comes from a person, how long, and what holds when there is no answer.
//!
//! The widget in the page gives the browser a response, which goes along with the request and is shown to whoever made
//! it. Nothing is looked up, hashed, written or mailed before that.

#[cfg(feature = "captcha")]
mod site_verify;

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::backend::RequestContext;
use portcullis_core::secret::SecretText;

use crate::error::FlowError;
use crate::outside::{Outside, Trouble};
use crate::portcullis::Portcullis;
#[cfg(feature = "captcha")]
pub use site_verify::{CaptchaProvider, SiteVerify, SiteVerifyOptions, SiteVerifyOptionsError};

/// The longest response that is shown to a provider: those of today are under 3 KiB.
pub const CAPTCHA_RESPONSE_MAX_BYTES: usize = 8 * 1024;

/// Knows by what a widget made whether there is a person.
#[async_trait]
pub trait Captcha: Send + Sync + 'static {
    /// Whether a response is good, for the first time. It is 1 to [`CAPTCHA_RESPONSE_MAX_BYTES`] of the
    /// characters `A-Z a-z 0-9 . - _ ~ + / = :`, chosen by whoever sent it. The future is dropped where it takes longer than
    /// [`Builder::captcha_timeout`](crate::Builder::captcha_timeout) says.
    ///
    /// # Errors
    /// [`CaptchaError`] where it cannot be told; that is never what a response says of itself, or whoever sends it could
    /// choose it.
    async fn passes(
        &self,
        response: &SecretText,
        client: Option<IpAddr>,
    ) -> Result<bool, CaptchaError>;
}

/// Why it cannot be told whether there is a person.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptchaError {
    /// The provider does not answer, or with a failure of its own.
    #[error("the CAPTCHA's provider cannot be asked")]
    Provider(#[source] Box<dyn Error + Send + Sync>),
    /// There was no answer in time.
    #[error("the CAPTCHA's provider did not answer within {0:?}")]
    TimedOut(Duration),
    /// The provider does not know us: the secret is not one of its own.
    #[error("the CAPTCHA's provider does not take the secret")]
    Secret,
    /// The answer is something else, such as the page of a captive portal.
    #[error("the CAPTCHA's provider answered with something else")]
    Malformed,
}

impl Trouble for CaptchaError {
    fn timed_out(within: Duration) -> Self {
        Self::TimedOut(within)
    }

    fn bit(&self) -> u8 {
        match self {
            Self::Provider(_) => 1,
            Self::TimedOut(_) => 2,
            Self::Secret => 4,
            Self::Malformed => 8,
        }
    }
}

/// What holds where it cannot be told whether there is a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CaptchaFailure {
    /// The request waits: it ends with [`FlowError::Unavailable`], over HTTP with 503.
    #[default]
    Closed,
    /// It passes: limits and delays hold all the same, and nobody is kept out by somebody else's outage.
    Open,
}

/// What a CAPTCHA has to say about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptchaOutcome {
    /// It may go on: there is a person, or nobody asks for one.
    Passed,
    /// There is no response, or one that is no good, such as one that was shown before. Another one may be.
    Required,
}

/// What an instance does about CAPTCHAs.
pub(crate) struct Captchas {
    pub(crate) check: Option<Arc<dyn Captcha>>,
    pub(crate) failure: CaptchaFailure,
    pub(crate) at_sign_in: bool,
    pub(crate) outside: Outside,
}

impl Default for Captchas {
    fn default() -> Self {
        Self {
            check: None,
            failure: CaptchaFailure::default(),
            at_sign_in: false,
            outside: Outside::new("nobody can be told from a robot"),
        }
    }
}

impl Portcullis {
    /// Whether somebody who signs up or asks for mail is asked to show that there is a person.
    #[must_use]
    pub fn has_captcha(&self) -> bool {
        self.0.captchas.check.is_some()
    }

    /// Whether somebody who signs in with a password is asked as well.
    #[must_use]
    pub fn has_captcha_at_sign_in(&self) -> bool {
        self.has_captcha() && self.0.captchas.at_sign_in
    }

    /// What the CAPTCHA has to say about a request: for the routes of an application's own. Ours ask by themselves,
    /// before they do anything else. It is asked of the provider once a call, and a good response is good once.
    ///
    /// # Errors
    /// [`FlowError::Unavailable`] where it cannot be told and the instance is set to wait.
    pub async fn check_captcha(
        &self,
        response: Option<&SecretText>,
        context: &RequestContext,
    ) -> Result<CaptchaOutcome, FlowError> {
        let captchas = &self.0.captchas;
        let Some(check) = &captchas.check else {
            return Ok(CaptchaOutcome::Passed);
        };
        let Some(response) = response.filter(|response| may_be_one(response)) else {
            return Ok(CaptchaOutcome::Required);
        };
        let passes = check.passes(response, context.client.ip);
        let lets_pass = captchas.failure == CaptchaFailure::Open;
        match captchas.outside.ask(passes, lets_pass).await {
            Ok(true) => Ok(CaptchaOutcome::Passed),
            Ok(false) => Ok(CaptchaOutcome::Required),
            Err(_) if lets_pass => Ok(CaptchaOutcome::Passed),
            Err(error) => Err(FlowError::Unavailable(Box::new(error))),
        }
    }
}

/// Nothing else is worth a question.
fn may_be_one(response: &SecretText) -> bool {
    let text = response.expose();
    (1..=CAPTCHA_RESPONSE_MAX_BYTES).contains(&text.len()) && text.bytes().all(is_of_a_response)
}

/// What widgets write: base64 of either alphabet, joined. Nothing that a filter in front of a provider could take for an
/// attack and refuse, which would pass for an outage.
const fn is_of_a_response(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'.' | b'-' | b'_' | b'~' | b'+' | b'/' | b'=' | b':')
}
