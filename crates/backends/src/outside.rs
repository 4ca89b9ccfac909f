//! Somebody outside who is asked while a request waits: how long, and what the log says of an outage.

use std::error::Error;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// Somebody waits for the answer.
const WITHIN: Duration = Duration::from_secs(2);
const WITHIN_MAX: Duration = Duration::from_secs(10);

/// Why there was no answer.
pub(crate) trait Trouble: Error + 'static {
    /// There was none in time.
    fn timed_out(within: Duration) -> Self;

    /// One bit for each kind.
    fn bit(&self) -> u8;
}

/// What is known of somebody outside.
pub(crate) struct Outside {
    /// What does not happen while they do not answer, for the log.
    undone: &'static str,
    within: Duration,
    /// The kinds of trouble that are logged since the last answer.
    logged: AtomicU8,
}

impl Outside {
    pub(crate) const fn new(undone: &'static str) -> Self {
        Self {
            undone,
            within: WITHIN,
            logged: AtomicU8::new(0),
        }
    }

    pub(crate) fn answer_within(&mut self, window: Duration) {
        self.within = window.min(WITHIN_MAX);
    }

    /// The answer, waited for no longer than allowed. `lets_pass` is what holds without one.
    pub(crate) async fn ask<T, E: Trouble>(
        &self,
        answer: impl Future<Output = Result<T, E>>,
        lets_pass: bool,
    ) -> Result<T, E> {
        let answer = tokio::time::timeout(self.within, answer).await;
        let answer = answer.unwrap_or_else(|_| Err(E::timed_out(self.within)));
        match &answer {
            Ok(_) => self.logged.store(0, Ordering::Relaxed),
            Err(trouble) => self.log(trouble, lets_pass),
        }
        answer
    }

    /// Once for each kind of trouble until there is an answer again: an outage is one line, not one a person.
    fn log(&self, trouble: &impl Trouble, lets_pass: bool) {
        let before = self.logged.fetch_or(trouble.bit(), Ordering::Relaxed);
        if before & trouble.bit() == 0 {
            let error = trouble as &dyn Error;
            tracing::warn!(error, lets_pass, "{}", self.undone);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_waited_for_2_seconds_or_as_said_and_never_longer_than_10() {
        let mut outside = Outside::new("nothing is done");
        assert_eq!(outside.within, Duration::from_secs(2));
        outside.answer_within(Duration::from_millis(300));
        assert_eq!(outside.within, Duration::from_millis(300));
        outside.answer_within(Duration::MAX);
        assert_eq!(outside.within, Duration::from_secs(10));
    }
}
