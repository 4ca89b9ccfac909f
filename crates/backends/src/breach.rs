//! Passwords that are known from breaches: who is asked, how long, and what holds when there is no answer.

#[cfg(feature = "breach")]
mod range;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::secret::Password;

use crate::error::FlowError;
use crate::outside::{Outside, Trouble};
#[cfg(feature = "breach")]
pub use range::{RANGE_ANSWER_MAX_BYTES, RangeBreachCheck, RangeSource};

/// Knows which passwords are in breaches. Asked about every new password that the rules of its tenant allow, by every
/// flow that sets one.
#[async_trait]
pub trait BreachCheck: Send + Sync + 'static {
    /// Whether a password is known from a breach. The future is dropped where it takes longer than
    /// [`Builder::breach_timeout`](crate::Builder::breach_timeout) says.
    ///
    /// The password goes nowhere whole: not to another machine, not to a log, not into the error, which is logged.
    ///
    /// # Errors
    /// [`BreachError`] where it cannot be told; that is never "no".
    async fn is_breached(&self, password: &Password) -> Result<bool, BreachError>;
}

/// Why it cannot be told whether a password is known from a breach.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BreachError {
    /// The list cannot be read, or whoever has it does not answer.
    #[error("the list of breached passwords cannot be asked")]
    Source(#[source] Box<dyn Error + Send + Sync>),
    /// There was no answer in time.
    #[error("the list of breached passwords did not answer within {0:?}")]
    TimedOut(Duration),
    /// The answer is longer than any that is true.
    #[error("the list of breached passwords answered with too much")]
    TooLong,
    /// The answer is something else, such as the page of a captive portal.
    #[error("the list of breached passwords answered with something else")]
    Malformed,
}

impl Trouble for BreachError {
    fn timed_out(within: Duration) -> Self {
        Self::TimedOut(within)
    }

    fn bit(&self) -> u8 {
        match self {
            Self::Source(_) => 1,
            Self::TimedOut(_) => 2,
            Self::TooLong => 4,
            Self::Malformed => 8,
        }
    }
}

/// What holds for a password where it cannot be told whether it is known from a breach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BreachFailure {
    /// It is taken: the other rules hold, and nobody is kept from a reset by somebody else's outage.
    #[default]
    Open,
    /// It is not: the flow ends with [`FlowError::Unavailable`], over HTTP with 503.
    Closed,
}

/// What an instance does about breached passwords.
pub(crate) struct Breaches {
    pub(crate) check: Option<Arc<dyn BreachCheck>>,
    pub(crate) failure: BreachFailure,
    pub(crate) outside: Outside,
}

impl Default for Breaches {
    fn default() -> Self {
        Self {
            check: None,
            failure: BreachFailure::default(),
            outside: Outside::new("new passwords are not checked against breaches"),
        }
    }
}

impl Breaches {
    /// Whether a password is known from a breach, as far as this instance wants to know.
    pub(crate) async fn knows(&self, password: &Password) -> Result<bool, FlowError> {
        let Some(check) = &self.check else {
            return Ok(false);
        };
        let taken = self.failure == BreachFailure::Open;
        match self.outside.ask(check.is_breached(password), taken).await {
            Ok(breached) => Ok(breached),
            Err(_) if taken => Ok(false),
            Err(error) => Err(FlowError::Unavailable(Box::new(error))),
        }
    }
}
