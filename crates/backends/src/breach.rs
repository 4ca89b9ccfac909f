//! Passwords that are known from breaches: who is asked, how long, and what holds when there is no answer.

#[cfg(feature = "breach")]
mod range;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::secret::Password;

use crate::error::FlowError;
#[cfg(feature = "breach")]
pub use range::{RANGE_ANSWER_MAX_BYTES, RangeBreachCheck, RangeSource};

/// Somebody waits for the answer.
const WITHIN: Duration = Duration::from_secs(2);
const WITHIN_MAX: Duration = Duration::from_secs(10);

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

impl BreachError {
    /// One bit for each kind.
    const fn bit(&self) -> u8 {
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
    within: Duration,
    /// The kinds of failure that are logged since the last answer.
    logged: AtomicU8,
}

impl Default for Breaches {
    fn default() -> Self {
        Self {
            check: None,
            failure: BreachFailure::default(),
            within: WITHIN,
            logged: AtomicU8::new(0),
        }
    }
}

impl Breaches {
    pub(crate) fn answer_within(&mut self, window: Duration) {
        self.within = window.min(WITHIN_MAX);
    }

    /// Whether a password is known from a breach, as far as this instance wants to know.
    pub(crate) async fn knows(&self, password: &Password) -> Result<bool, FlowError> {
        let Some(check) = &self.check else {
            return Ok(false);
        };
        let answer = tokio::time::timeout(self.within, check.is_breached(password)).await;
        match answer.unwrap_or(Err(BreachError::TimedOut(self.within))) {
            Ok(breached) => {
                self.logged.store(0, Ordering::Relaxed);
                Ok(breached)
            }
            Err(error) => {
                self.log(&error);
                match self.failure {
                    BreachFailure::Open => Ok(false),
                    BreachFailure::Closed => Err(FlowError::Unavailable(Box::new(error))),
                }
            }
        }
    }

    /// Once for each kind of failure until there is an answer again: an outage is one line, not one a person.
    fn log(&self, error: &BreachError) {
        let before = self.logged.fetch_or(error.bit(), Ordering::Relaxed);
        if before & error.bit() == 0 {
            tracing::warn!(
                error = error as &dyn Error,
                taken = self.failure == BreachFailure::Open,
                "new passwords are not checked against breaches"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_waited_for_2_seconds_or_as_said_and_never_longer_than_10() {
        let mut breaches = Breaches::default();
        assert_eq!(breaches.within, Duration::from_secs(2));
        breaches.answer_within(Duration::from_millis(300));
        assert_eq!(breaches.within, Duration::from_millis(300));
        breaches.answer_within(Duration::MAX);
        assert_eq!(breaches.within, Duration::from_secs(10));
    }
}
