//! Which idle connections are tried out before they are used.
//!
//! Trying each one out costs every call a round trip. But a connection that breaks seldom breaks alone: after one did,
//! each that has been idle since then is tried out once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Firewalls forget connections that are silent for longer.
const LONG: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Suspicion(Mutex<Option<Instant>>);

impl Suspicion {
    /// A connection broke.
    pub(super) fn raise(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a connection that has been idle for so long is tried out.
    pub(super) fn falls_on(&self, idle: Duration) -> bool {
        let raised = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle >= LONG || raised.is_some_and(|raised| raised.elapsed() <= idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_on_what_was_idle_when_it_was_raised() {
        let suspicion = Suspicion::default();
        assert!(!suspicion.falls_on(Duration::ZERO));
        assert!(suspicion.falls_on(LONG));
        suspicion.raise();
        assert!(suspicion.falls_on(LONG / 2));
        assert!(!suspicion.falls_on(Duration::ZERO));
    }
}
