//! Passwords that are known from breaches: who is asked, how long, and what holds when there is no answer.

#[cfg(feature = "breach")]
mod folder;
#[cfg(feature = "breach")]
mod range;
#[cfg(feature = "breach-http")]
mod service;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::policy::PasswordRules;
use portcullis_core::secret::Password;

use crate::error::FlowError;
use crate::outside::{Outside, Trouble};
#[cfg(feature = "breach")]
pub use folder::RangeFolder;
#[cfg(feature = "breach")]
pub use range::{RANGE_ANSWER_MAX_BYTES, RangeBreachCheck, RangeSource};
#[cfg(feature = "breach-http")]
pub use service::{RangeService, RangeServiceOptions, RangeServiceOptionsError};

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

/// What an instance does about breached passwords.
pub(crate) struct Breaches {
    pub(crate) check: Option<Arc<dyn BreachCheck>>,
    pub(crate) outside: Outside,
}

impl Default for Breaches {
    fn default() -> Self {
        Self {
            check: None,
            outside: Outside::new("new passwords are not checked against breaches"),
        }
    }
}

impl Breaches {
    /// Whether a password is known from a breach, as far as this instance and this policy want to know.
    pub(crate) async fn knows(
        &self,
        password: &Password,
        rules: &PasswordRules,
    ) -> Result<bool, FlowError> {
        let required = rules.breach_check_required;
        let Some(check) = &self.check else {
            return match required {
                false => Ok(false),
                true => Err(FlowError::internal("built without .breach_check(..)")),
            };
        };
        match self
            .outside
            .ask(check.is_breached(password), !required)
            .await
        {
            Ok(breached) => Ok(breached),
            Err(_) if !required => Ok(false),
            Err(error) => Err(FlowError::Unavailable(Box::new(error))),
        }
    }
}
